"""Is what came back about a mail of ours? Pure.

Anybody can write a bounce. It is believed where it says what only our side knows:

- our log says so: that very message to that very recipient was refused (by queue id, Message-ID and
  recipient), or was taken by the server that now reports;
- it carries a mark of ours: a signed envelope id (RFC 3461, section 4.4), or a return path that was
  signed (`todoku.cases.marks`);
- a probe or a trial of ours met the same refusal;
- a person says so.

Who it says that it is from, a domain of ours in it, a Message-ID that looks like ours: nobody needs
to have had mail of ours to write these, and they prove nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, Protocol

from todoku.cases.events import Proof
from todoku.model import Diagnosis
from todoku.reading import address, mail
from todoku.settings.own import Own

Doubt = Literal["no-proof", "delivered", "not-our-address", "no-place", "not-understood"]
"""Why it moves nothing. `delivered`: our log says that it was delivered. `not-our-address`: what is
blocked is not of `[own]`. `no-place`: a user's report that does not tell where mail does not arrive. `not-understood`: a mail system wrote it, and nothing could be
read in it."""

MOST_ADDRESSES: Final = 20
MOST_MARK: Final = 300


class Clues(NamedTuple):
    """What a message tells besides the refusals in it."""

    queue_id: str | None = None
    """Of the refused message, at the server that reports."""
    envelope_id: str | None = None
    """RFC 3464, `Original-Envelope-Id`, decoded."""
    came_to: tuple[str, ...] = ()
    """The addresses that it was sent to: return paths of ours."""


class Logged(NamedTuple):
    """What our log says of one message to one recipient."""

    refused: bool
    """It was refused or put off at least once, as far as we sent it."""
    taken_by_reporter: bool
    """It was delivered to a server of those that report now."""
    delivered: bool


class Known(Protocol):
    """What only our side knows."""

    def logged(
        self,
        message_id: str | None,
        queue_id: str | None,
        recipient: str,
        reporter: str | None,
    ) -> Logged | None:
        """`None`: it knows nothing of it. Where both ids are given, both must be known."""
        ...

    def marked(self, text: str, recipient: str | None) -> bool:
        """Whether a mark of ours, for this recipient or for all, stands in it."""
        ...

    def signed(self, came_to: str) -> bool:
        """Whether it is a return path that our server signed (BATV)."""
        ...

    def reproduced(self, d: Diagnosis) -> bool:
        """Whether a probe or a trial of ours met the same refusal."""
        ...


OF_THIS_MAIL: Final = frozenset({"log", "relayed", "mark", "batv"})
"""Proofs that this very mail was ours; the others say that there is such a block, or that somebody says so."""


class Verdict(NamedTuple):
    """`proof` or `doubt`; one is set."""

    proof: Proof | None = None
    doubt: Doubt | None = None

    @property
    def ours(self) -> bool:
        return self.proof is not None


def judge(d: Diagnosis, clues: Clues, known: Known, own: Own) -> Verdict:
    """Of one refusal. That what it blocks is ours is asked apart from this."""
    marks = (clues.envelope_id, *clues.came_to)
    if any(known.marked(text, d.recipient) for text in marks if text):
        return Verdict("mark")
    if any(map(known.signed, clues.came_to)):
        return Verdict("batv")
    logged = None
    if d.recipient:
        logged = known.logged(d.message_id, clues.queue_id, d.recipient, d.reported_by)
    if logged is not None:
        if logged.refused:
            return Verdict("log")
        if logged.taken_by_reporter or own.is_smarthost(d.reported_by):
            return Verdict("relayed")
    if known.reproduced(d):
        return Verdict("reproduced")
    said_otherwise = logged is not None and logged.delivered
    return Verdict(doubt="delivered" if said_otherwise else "no-proof")


_QUEUE_ID: Final = re.compile(
    rb"^x-(?:postfix|sendmail|exim)-queue-id:[ \t]*([0-9A-Za-z-]{5,40})[ \t]*$", re.I | re.M
)
_ENVELOPE: Final = re.compile(rb"^original-envelope-id:[ \t]*(\S{1,300})[ \t]*$", re.I | re.M)
_XTEXT: Final = re.compile(r"\+([0-9A-F]{2})")
_CAME_TO: Final = (b"\ndelivered-to:", b"\nx-original-to:", b"\nenvelope-to:", b"\nto:")


def clues(data: bytes) -> Clues:
    """Of a message's bytes; never raises."""
    whole = mail.parse(data)
    queue_id = envelope = None
    for part in _reports(whole):
        head = part.content(20_000).partition(b"\n\n")[0]
        if m := _QUEUE_ID.search(head):
            queue_id = m[1].decode("ascii")
        if m := _ENVELOPE.search(head):
            envelope = _XTEXT.sub(lambda x: chr(int(x[1], 16)), m[1].decode("ascii", "replace"))[
                :MOST_MARK
            ]
        break
    came_to: list[str] = []
    for name in _CAME_TO:
        for value in whole.all(name, 5):
            came_to += address.all_of(value[:2000].decode("utf-8", "replace"))
    return Clues(queue_id, envelope, tuple(dict.fromkeys(came_to))[:MOST_ADDRESSES])


def _reports(whole: mail.Entity) -> Sequence[mail.Entity]:
    if not whole.type.startswith(b"multipart/"):
        return ()
    kinds = (b"message/delivery-status", b"message/global-delivery-status")
    return [leaf for leaf in whole.leaves() if leaf.type in kinds]
