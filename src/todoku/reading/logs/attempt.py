"""One attempt to deliver, as a line of a log tells it."""

from __future__ import annotations

from typing import Literal

import msgspec

from todoku.model import Action, Refusal, Remote, Stage
from todoku.reading.reply import parse

Outcome = Literal["sent", "deferred", "bounced", "expired"]


class Attempt(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What became of one message for one recipient, in the words of the log."""

    outcome: Outcome
    recipient: str | None
    text: str
    """The reason: the receiver's answer in the mail server's words, or the mail server's own."""
    queue_id: str | None = None
    host: str | None = None
    """The host that wrote the line; queue ids are unique on one host only."""
    sender: str | None = None
    remote: Remote = Remote()
    """Who was talked to, from the line's own fields; what the text quotes comes first."""
    status: str | None = None
    """The mail server's own status code (`dsn=`): its verdict, not always the receiver's."""
    stage: Stage | None = None
    message_id: str | None = None
    gave_up: bool = False
    """The queue time ran out."""
    cut: bool = False
    """The log kept the first line alone of an answer of several."""
    wordless: bool = False
    """The log kept neither the answer nor its code: `text` and `status` are the mail server's guess."""


_ACTIONS: dict[Outcome, Action] = {
    "sent": "delivered",
    "deferred": "delayed",
    "bounced": "failed",
    "expired": "failed",
}


def refusal(attempt: Attempt, reader: str, sender: str | None = None) -> Refusal:
    """The refusal that an attempt tells of. `sender` comes from another line of the same log."""
    if attempt.wordless:
        attempt = msgspec.structs.replace(attempt, text="", status=None)
    found = parse(attempt.text, attempt.stage)
    reply = found.reply
    if reply.code is None and reply.enhanced is None and attempt.status is not None:
        # No server answered: the mail server's own verdict is the only one.
        reply = msgspec.structs.replace(reply, enhanced=attempt.status)
    remote = found.remote
    if remote.ip is not None and "/" in remote.ip:
        remote = Remote(remote.host, None)  # `[private/dovecot-lmtp]`: a socket of this machine
    if remote.ip in {None, attempt.remote.ip} and (
        remote.host is None or remote.host.rstrip(".") == attempt.remote.host
    ):
        remote = attempt.remote
    return Refusal(
        reader=reader,
        action=_ACTIONS[attempt.outcome],
        recipient=attempt.recipient,
        sender=attempt.sender or sender,
        reported_by=attempt.host,
        remote=remote,
        stage=found.stage,
        reply=reply,
        notice=found.notice,
        expired=attempt.gave_up,
        cut=attempt.cut,
        message_id=attempt.message_id,
    )
