"""Test answers, as text files beside this one: class, sender, ticket and verdicts, then the mail.

=== delisted | abuse@isp.example | AB-1 | 192.0.2.10=delisted
Subject: Re: AB-1

The block on 192.0.2.10 has been lifted.

The files of `unseen/` were written before anybody looked at what the rules say of them.
"""

from __future__ import annotations

import email.policy
import re
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
HEAD = re.compile(r"(?m)^=== ")


class Sample(NamedTuple):
    name: str
    class_: str
    sender: str
    ticket: str | None
    verdicts: dict[str, str] | None
    subject: str
    body: str
    head: tuple[tuple[str, str], ...] = ()

    def mail(self, **headers: str) -> EmailMessage:
        mail = EmailMessage(policy=email.policy.SMTP)
        mail["From"], mail["To"] = self.sender, "postmaster@hoge.test"
        mail["Subject"] = self.subject
        for name, value in (*self.head, *headers.items()):
            mail[name.replace("_", "-")] = value
        return mail

    def text(self, body: str | None = None) -> bytes:
        mail = self.mail()
        mail.set_content(self.body if body is None else body)
        return mail.as_bytes()


def of(path: Path) -> list[Sample]:
    found = []
    for n, block in enumerate(HEAD.split(path.read_text("utf-8"))[1:], 1):
        first, _, rest = block.partition("\n")
        class_, sender, ticket, verdicts = (part.strip() for part in first.split("|"))
        lines, _, body = rest.partition("\n\n")
        head = [tuple(line.split(": ", 1)) for line in lines.split("\n")]
        told = dict(pair.split("=") for pair in verdicts.split()) if verdicts != "-" else None
        found.append(
            Sample(
                f"{path.stem}-{n}", class_, sender, None if ticket == "-" else ticket, told,
                head[0][1], body, tuple((name, value) for name, value in head[1:]),
            )
        )  # fmt: skip
    return found


SAMPLES = [sample for path in sorted(HERE.glob("*.txt")) for sample in of(path)]
UNSEEN = {path.stem: of(path) for path in sorted((HERE / "unseen").glob("*.txt"))}
