"""The desk's mail: what it writes, and what it makes of what is written to it. Pure."""

from __future__ import annotations

import email
import re
from datetime import datetime
from email.errors import MessageError
from email.header import decode_header, make_header
from email.message import EmailMessage, Message
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Final, NamedTuple

from todoku.lab.scenario import manner

TICKET: Final = re.compile(r"\bSRX\d{10}ID\b")
MOST: Final = 64_000
"""Characters of a reply that are read."""
_ADDRESS: Final = re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])", re.ASCII)
_QUOTED: Final = re.compile(r"(?m)^[ \t]*[>＞].*$")


class Reply(NamedTuple):
    subject: str
    message_id: str | None
    tickets: tuple[str, ...]
    """That it names; those of the subject first."""
    insists: bool
    """It quotes a refusal, or asks for a person."""
    sender: str = ""
    """The address in From."""
    addresses: tuple[str, ...] = ()
    """IP addresses (version 4) that it names."""


def written(
    *,
    sender: str,
    name: str,
    to: str,
    subject: str,
    body: str,
    at: datetime,
    message_id: str,
    about: str | None = None,
) -> bytes:
    """A mail. `about`: the Message-ID that it answers."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = f"{name} <{sender}>"
    mail["To"] = to
    mail["Subject"] = subject
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = message_id
    mail["Auto-Submitted"] = "auto-replied"
    if about is not None:
        mail["In-Reply-To"] = about
        mail["References"] = about
    mail.set_content(body + "\n")
    return mail.as_bytes()


def read(message: bytes) -> Reply:
    """Anything may come."""
    found = email.message_from_bytes(message)
    subject = _header(found, "subject")
    text = _QUOTED.sub("", _text(found)[:MOST])
    tickets = tuple(dict.fromkeys((*TICKET.findall(subject), *TICKET.findall(text))))
    identity = re.search(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>", _header(found, "message-id"))
    return Reply(
        subject,
        identity[0] if identity else None,
        tickets,
        bool(manner().insists.search(text)),
        parseaddr(_header(found, "from"))[1],
        tuple(dict.fromkeys(_ADDRESS.findall(text))),
    )


def _header(message: Message, name: str) -> str:
    raw = str(message.get(name, ""))
    try:
        text = str(make_header(decode_header(raw)))
    except (MessageError, LookupError, ValueError):
        text = raw
    return " ".join(text.split())[:1000]


def _text(message: Message) -> str:
    return "\n".join(_decoded(p) for p in message.walk() if p.get_content_type() == "text/plain")


def _decoded(part: Message) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    try:
        return data.decode(part.get_content_charset() or "utf-8", "replace")
    except (LookupError, ValueError):
        return data.decode("utf-8", "replace")
