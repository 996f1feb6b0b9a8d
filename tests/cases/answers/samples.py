"""Test answers, as text files beside this one: class, sender, ticket and verdicts, then the mail.

=== delisted | abuse@isp.example | AB-1 | 192.0.2.10=delisted
Subject: Re: AB-1

The block on 192.0.2.10 has been lifted.
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

    def mail(self, **headers: str) -> EmailMessage:
        mail = EmailMessage(policy=email.policy.SMTP)
        mail["From"], mail["To"] = self.sender, "postmaster@hoge.test"
        mail["Subject"] = self.subject
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        return mail

    def text(self, body: str | None = None) -> bytes:
        mail = self.mail()
        mail.set_content(self.body if body is None else body)
        return mail.as_bytes()


def samples() -> list[Sample]:
    found = []
    for path in sorted(HERE.glob("*.txt")):
        for n, block in enumerate(HEAD.split(path.read_text("utf-8"))[1:], 1):
            head, _, rest = block.partition("\n")
            class_, sender, ticket, verdicts = (part.strip() for part in head.split("|"))
            subject, _, body = rest.partition("\n\n")
            told = dict(pair.split("=") for pair in verdicts.split()) if verdicts != "-" else None
            found.append(
                Sample(
                    f"{path.stem}-{n}", class_, sender, None if ticket == "-" else ticket, told,
                    subject.removeprefix("Subject: "), body,
                )
            )  # fmt: skip
    return found


SAMPLES = samples()
