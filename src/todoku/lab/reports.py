"""What a sending server writes back (RFC 3464): bounces and warnings of delay, in the shape in which
Postfix writes them, which is what the story's administrator got. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from typing import Final, Literal, NamedTuple

from todoku.lab.smtp import Outcome

_COMMANDS: Final = {
    "EHLO": "EHLO command",
    "MAIL FROM": "MAIL FROM command",
    "RCPT TO": "RCPT TO command",
    "DATA": "DATA command",
    "END OF DATA": "end of DATA command",
}
_WIDTH: Final = 78


class Returning(NamedTuple):
    """The message that goes back."""

    queue_id: str
    sender: str
    arrived: datetime
    message: bytes


def words(outcome: Outcome) -> str:
    """Why, on one line, as Postfix writes it into its log and its bounces."""
    where = f"host {outcome.host}[{outcome.address}]"
    if outcome.spoken is None:
        return outcome.why
    if outcome.stage == "CONN":
        return f"{where} refused to talk to me: {outcome.spoken.text}"
    return f"{where} said: {outcome.spoken.text} (in reply to {_COMMANDS[outcome.stage]})"


def status(outcome: Outcome) -> str:
    """The status code of RFC 3463: the receiver's own, where it gave one."""
    first = {"sent": "2", "deferred": "4", "bounced": "5"}[outcome.status]
    if outcome.spoken is not None:
        own = outcome.spoken.enhanced
        return own if own is not None and own.startswith(first) else f"{first}.0.0"
    return f"{first}.4.4" if outcome.host is None else f"{first}.4.1"


def report(
    action: Literal["failed", "delayed"],
    host: str,
    returning: Returning,
    outcomes: Sequence[Outcome],
    *,
    queue_id: str,
    now: datetime,
    until: datetime,
) -> bytes:
    """The whole message. `until`: how long a delayed one is still tried."""
    boundary = f"{returning.queue_id}.{int(now.timestamp())}/{host}"
    failed = action == "failed"
    subject = (
        "Undelivered Mail Returned to Sender" if failed else "Delayed Mail (still being retried)"
    )
    human = _human(host, failed, outcomes, until)
    charset = "us-ascii" if human.isascii() else "utf-8"
    bits = "" if human.isascii() else "Content-Transfer-Encoding: 8bit\n"
    head = (
        f"Date: {format_datetime(now)}\n"
        f"From: MAILER-DAEMON@{host} (Mail Delivery System)\n"
        f"Subject: {subject}\n"
        f"To: {returning.sender}\n"
        "Auto-Submitted: auto-replied\n"
        "MIME-Version: 1.0\n"
        "Content-Type: multipart/report; report-type=delivery-status;\n"
        f'\tboundary="{boundary}"\n'
        f"Message-Id: <{queue_id}@{host}>\n\n"
        "This is a MIME-encapsulated message.\n\n"
    )
    status_part = _delivery_status(host, action, returning, outcomes, until)
    notification = (
        f"Content-Description: Notification\nContent-Type: text/plain; charset={charset}\n"
        f"{bits}\n{human}"
    )
    delivery = (
        "Content-Description: Delivery report\nContent-Type: message/delivery-status\n\n"
        f"{status_part}"
    )
    out = head + "".join(f"--{boundary}\n{part}\n" for part in (notification, delivery))
    out += (
        f"--{boundary}\nContent-Description: Undelivered Message Headers\n"
        "Content-Type: text/rfc822-headers\nContent-Transfer-Encoding: 8bit\n\n"
    )
    return b"".join(
        (
            out.encode("utf-8", "surrogateescape"),
            f"Return-Path: <{returning.sender}>\n".encode("utf-8", "surrogateescape"),
            headers(returning.message),
            f"\n--{boundary}--\n".encode(),
        )
    )


def headers(message: bytes) -> bytes:
    """The header section, with line feeds alone."""
    return re.split(rb"\n\n", message.replace(b"\r\n", b"\n"), maxsplit=1)[0] + b"\n"


def _human(host: str, failed: bool, outcomes: Sequence[Outcome], until: datetime) -> str:
    lines = [f"This is the mail system at host {host}.", ""]
    if failed:
        lines += [
            "I'm sorry to have to inform you that your message could not",
            "be delivered to one or more recipients. It's attached below.",
            "",
            "For further assistance, please send mail to postmaster.",
            "",
            "If you do so, please include this problem report. You can",
            "delete your own text from the attached returned message.",
        ]
    else:
        lines += [
            "####################################################################",
            "# THIS IS A WARNING ONLY.  YOU DO NOT NEED TO RESEND YOUR MESSAGE. #",
            "####################################################################",
            "",
            f"Your message could not be delivered yet. It is tried until {until:%Y-%m-%d %H:%M %Z}.",
        ]
    lines += ["", "                   The mail system", ""]
    for outcome in outcomes:
        lines += [*_wrapped(f"<{outcome.recipient}>: {words(outcome)}", "    "), ""]
    return "\n".join(lines)


def _delivery_status(
    host: str,
    action: str,
    returning: Returning,
    outcomes: Sequence[Outcome],
    until: datetime,
) -> str:
    fields = [
        f"Reporting-MTA: dns; {host}",
        f"X-Postfix-Queue-ID: {returning.queue_id}",
        f"X-Postfix-Sender: rfc822; {returning.sender}",
        f"Arrival-Date: {format_datetime(returning.arrived)}",
    ]
    for outcome in outcomes:
        fields += [
            "",
            f"Final-Recipient: rfc822; {outcome.recipient}",
            f"Original-Recipient: rfc822;{outcome.recipient}",
            f"Action: {action}",
            f"Status: {status(outcome)}",
        ]
        if outcome.spoken is not None:
            fields.append(f"Remote-MTA: dns; {outcome.host}")
            fields += _wrapped(f"Diagnostic-Code: smtp; {outcome.spoken.text}", "    ")
        else:
            fields += _wrapped(f"Diagnostic-Code: X-Postfix; {outcome.why}", "    ")
        if action == "delayed":
            fields.append(f"Will-Retry-Until: {format_datetime(until)}")
    return "\n".join(fields) + "\n"


def _wrapped(text: str, indent: str) -> list[str]:
    """Folded at blanks; what has none stays whole."""
    lines, line = [], ""
    for word in text.split(" "):
        if line and len(line) + 1 + len(word) > _WIDTH:
            lines.append(line)
            line = indent + word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line]
