"""Which command was answered, by the words of whoever reports it."""

from __future__ import annotations

import re

from todoku.lazy import expression
from todoku.model import Stage

_STAGE = expression(
    r"(?P<eod>end[ -]of[ -](?:data|message)|message body|body of message|transmission of message"
    r"|data block|sent the message|final (?:dot|\.)|end of mail|(?:writing|sending) message"
    r"|\bTEXT\b|\bBODY\b)"
    r"|(?P<conn>initial (?:server )?greeting|initial connection|connect(?:ion|ing|ed)?\b|greeting"
    r"|banner)"
    r"|(?P<ehlo>\b[EH]E?H?LO\b|\bLHLO\b|hello)"
    r"|(?P<mail>\bMAIL(?:[ _]?FROM)?\b|sender|return[- ]path)"
    r"|(?P<rcpt>\bRCPT(?:[ _]?TO)?\b|recipient)"
    r"|(?P<tls>STARTTLS)|(?P<auth>\bAUTH\b)|(?P<data>\bDATA\b)",
    re.I,
)
_STAGES: dict[str, Stage] = {
    "eod": "END OF DATA",
    "conn": "CONN",
    "ehlo": "EHLO",
    "mail": "MAIL FROM",
    "rcpt": "RCPT TO",
    "tls": "STARTTLS",
    "auth": "AUTH",
    "data": "DATA",
}
_KNOWN_STAGES: dict[str, Stage] = {
    "RCPT TO": "RCPT TO",
    "MAIL FROM": "MAIL FROM",
    "end of DATA": "END OF DATA",
    "end of data": "END OF DATA",
    "DATA": "DATA",
    "EHLO": "EHLO",
    "HELO": "EHLO",
    "RCPT_TO": "RCPT TO",
    "MAIL_FROM": "MAIL FROM",
    "initial connection": "CONN",
}


def stage_of(words: str) -> Stage | None:
    """The stage that a reporter's words name: `end of DATA command`, `RCPT TO:<a@b>`, `EHLO`."""
    known = _KNOWN_STAGES.get(words)
    if known is not None:
        return known
    m = _STAGE.search(words[:200])
    return _STAGES[m.lastgroup] if m and m.lastgroup else None
