"""A mail is handed to a mail server of ours."""

from __future__ import annotations

import contextlib
import smtplib
from typing import Final

from todoku.cases.working import Undone
from todoku.dialogue import plain

WAIT: Final = 60.0
"""Seconds for it to answer."""


def send(
    relay: tuple[str, int],
    to: str,
    message: bytes,
    wait: float = WAIT,
    *,
    sender: str = "",
    envelope_id: str | None = None,
) -> None:
    """`sender`: the return path; by default the null one (RFC 3834, section 3.3). `envelope_id` comes
    back with a bounce, if the server knows of it (RFC 3461). Raises `Undone` where the server certainly
    did not take it; any other error leaves that open."""
    where = f"{relay[0]}:{relay[1]}"
    try:
        talk = smtplib.SMTP(*relay, timeout=wait)
    except (OSError, smtplib.SMTPException) as error:
        raise Undone(f"{where}: {plain(error)}") from error
    try:
        try:
            code, able = talk.docmd("EHLO " + talk.local_hostname)
            _good(where, code, able)
            marked = envelope_id is not None and b"DSN" in able.upper().split()
            for command in (
                f"MAIL FROM:<{sender}>" + (f" RET=HDRS ENVID={envelope_id}" if marked else ""),
                f"RCPT TO:<{to}>" + (" NOTIFY=FAILURE" if marked else ""),
                "DATA",
            ):
                _good(where, *talk.docmd(command))
        except (OSError, UnicodeError, smtplib.SMTPException) as error:
            raise Undone(f"{where}: {plain(error)}") from error
        # From here on nobody knows, until it answers.
        talk.send(_dotted(message))
        _good(where, *talk.getreply())
    finally:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            talk.quit()
        talk.close()


def _good(where: str, code: int, text: bytes) -> None:
    if code == -1:
        raise smtplib.SMTPServerDisconnected(f"{where} does not speak SMTP")
    if code // 100 not in {2, 3}:
        raise Undone(f"{where}: {code} {text.decode('utf-8', 'replace')}")


def _dotted(message: bytes) -> bytes:
    lines = message.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
    stuffed = (b"." + line if line.startswith(b".") else line for line in lines)
    return b"\r\n".join(stuffed) + b"\r\n.\r\n"
