"""Test answers, as text files beside this one: class, sender, ticket and verdicts, then the mail.

=== delisted | abuse@isp.example | AB-1 | 192.0.2.10=delisted
Subject: Re: AB-1

The block on 192.0.2.10 has been lifted.

Later files add a wait (`24-48`, `-24`: hours; `until=2026-12-01T14:00`) and what is asked (`headers,logs`). A
class may be one of two (`received/unclear`). `As: html` or a charset says how the mail is written.

The files of `unseen/`, `letters/` and `kept/` were written before anybody looked at what the rules say of them.
"""

from __future__ import annotations

import email.policy
import hashlib
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
    wait: str | None = None
    asks: tuple[str, ...] | None = None
    form: str = "plain"

    def mail(self, **headers: str) -> EmailMessage:
        mail = EmailMessage(policy=email.policy.SMTP)
        mail["From"], mail["To"] = self.sender, "postmaster@hoge.test"
        mail["Subject"] = self.subject
        for name, value in (*self.head, *headers.items()):
            mail[name.replace("_", "-")] = value
        return mail

    def text(self, body: str | None = None) -> bytes:
        mail, words = self.mail(), self.body if body is None else body
        if self.form in {"plain", "html"}:
            mail.set_content(words, subtype=self.form)
            return mail.as_bytes()
        mail["MIME-Version"], mail["Content-Type"] = "1.0", f"text/plain; charset={self.form}"
        mail["Content-Transfer-Encoding"] = "8bit"
        return mail.as_bytes().rstrip() + b"\r\n\r\n" + words.encode(self.form)


def of(path: Path) -> list[Sample]:
    found = []
    for n, block in enumerate(HEAD.split(path.read_text("utf-8"))[1:], 1):
        first, _, rest = block.partition("\n")
        class_, sender, ticket, verdicts, *more = (part.strip() for part in first.split("|"))
        wait, asks = more or (None, None)
        lines, _, body = rest.partition("\n\n")
        head = [tuple(line.split(": ", 1)) for line in lines.split("\n")]
        form = dict(head).get("As", "plain")
        head = [pair for pair in head if pair[0] != "As"]
        told = dict(pair.split("=") for pair in verdicts.split()) if verdicts != "-" else None
        found.append(
            Sample(
                f"{path.stem}-{n}", class_, sender, None if ticket == "-" else ticket, told,
                head[0][1], body, tuple((name, value) for name, value in head[1:]), wait,
                None if asks is None else tuple(asks.split(",")) if asks != "-" else (), form,
            )
        )  # fmt: skip
    return found


FOLDERS = (HERE, HERE / "unseen", HERE / "letters")
"""Letters that the second reader is fitted to (scripts/likeness.py). Those of `kept/` are for nothing but to
measure: no rule was written for them, and nothing fitted."""


def digest() -> str:
    """Changes when a letter does."""
    found = hashlib.sha256()
    for path in (path for folder in FOLDERS for path in sorted(folder.glob("*.txt"))):
        found.update(path.name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


SAMPLES = [sample for path in sorted(HERE.glob("*.txt")) for sample in of(path)]
UNSEEN = {path.stem: of(path) for path in sorted((HERE / "unseen").glob("*.txt"))}
KEPT = [sample for path in sorted((HERE / "kept").glob("*.txt")) for sample in of(path)]
