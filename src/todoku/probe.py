"""Would this receiver take mail from that address? An SMTP dialogue (RFC 5321) that goes as far as
the refusal stands, and no further: where a receiver refuses by its greeting, the greeting is the
answer. No mail is sent, and nothing is asked of a mailbox unless the refusal stands at `RCPT TO`.

A receiver that refuses at `DATA` or later cannot be asked so: acceptance until then says nothing,
and the probe is `inconclusive`.
"""

from __future__ import annotations

import contextlib
import smtplib
from typing import TYPE_CHECKING, Final, get_args

import msgspec

from todoku.cases.events import Result
from todoku.dialogue import Talk, name_for_tls, opportunistic, plain, talking
from todoku.model import Reply, Stage
from todoku.reading import reply as replies

if TYPE_CHECKING:
    from todoku.knowledge.schema import Compiled, Rule

WAIT: Final = 60.0
"""Seconds for each reply; RFC 5321 (4.5.3.2) would have us wait for minutes."""
WHOLE: Final = 300.0
"""Seconds for the whole dialogue: whoever sends a byte a minute never lets one reply time out."""

_ORDER: Final[tuple[Stage, ...]] = ("CONN", "EHLO", "STARTTLS", "AUTH", "MAIL FROM", "RCPT TO")

GROUNDS: Final = frozenset(("listed", "reputation", "refused-client", "reverse-dns"))
"""Reasons for which an address is refused, whatever it sends and to whom."""
_ADDRESS: Final = frozenset(("ip", "range"))
_STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
"""As they follow each other in a dialogue."""


class Question(msgspec.Struct, frozen=True, kw_only=True):
    host: str
    """Its name; `address`: where it answers."""
    address: str
    port: int = 25
    source: str
    """The address of ours that is asked about: the connection comes from there."""
    helo: str
    sender: str
    """An address of ours that takes mail. Never the null sender, which many refuse to all."""
    recipient: str | None = None
    """A mailbox there that wants our mail; only with `stage` `RCPT TO`."""
    stage: Stage | None = None
    """Where it refuses (a rule's `refuses_at`); `None`: not known, taken for `MAIL FROM`."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    result: Result
    stage: Stage | None = None
    """Where it ended."""
    reply: Reply = Reply()
    host: str | None = None
    why: str = ""
    """With `failed`: the system's words."""
    starttls: bool | None = None
    """Whether it offers it; `None`: it did not come to that."""


def refuses_at(knowledge: Compiled, receiver: str) -> Stage | None:
    """The furthest stage at which this receiver lets its rules refuse an address. `None`: not known,
    for some of them at least, so that nothing is proved by what was accepted."""
    last = farthest(knowledge, receiver)
    unknown = any(r.refuses_at is None and r.scope in _ADDRESS for r in _rules(knowledge, receiver))
    return None if unknown and last != _STAGES[-1] else last


def farthest(knowledge: Compiled, receiver: str) -> Stage | None:
    """The same of the rules of which it is known: a probe has no ground to go beyond."""
    stages = [
        rule.refuses_at for rule in _rules(knowledge, receiver) if rule.refuses_at is not None
    ]
    return max(stages, key=_STAGES.index, default=None)


def _rules(knowledge: Compiled, receiver: str) -> list[Rule]:
    """Its own rules that refuse an address; where none of them knows a stage, those that hold there too."""
    also = next((r.also for r in knowledge.receivers if r.id == receiver), ())
    rules: list[Rule] = []
    for family in ((receiver,), also):
        rules += [
            rule
            for rule, owner in zip(knowledge.rules, knowledge.owner, strict=True)
            if rule.reason in GROUNDS and knowledge.receivers[owner].id in family
        ]
        if any(rule.refuses_at is not None for rule in rules):
            break
    return rules


class _Ended(Exception):
    def __init__(self, stage: Stage, code: int, text: bytes) -> None:
        super().__init__(code)
        self.stage, self.code, self.text = stage, code, text


def ask(q: Question, wait: float = WAIT, whole: float = WHOLE) -> Found:
    """One probe. Never raises for what a network or a receiver does."""
    if not q.sender:
        raise ValueError("a probe needs a sender")
    name = name_for_tls(q.host, q.address)
    with talking(helo=q.helo, wait=wait, whole=whole, source=q.source, host=name) as talk:
        try:
            stage, code, text = _dialogue(talk, q)
            result: Result = (
                "accepted" if reaches(stage, q.stage or "MAIL FROM") else "inconclusive"
            )
        except _Ended as end:
            stage, code, text = end.stage, end.code, end.text
            result = "refused" if code >= 500 else "deferred"
        except (OSError, smtplib.SMTPException) as error:
            return Found(result="failed", host=q.host, why=plain(error), starttls=talk.offered)
    reply = _reply(code, text)
    return Found(result=result, stage=stage, reply=reply, host=q.host, starttls=talk.offered)


def _dialogue(talk: Talk, q: Question) -> tuple[Stage, int, bytes]:
    """As far as it may go: the last stage and what was said there. Raises `_Ended`."""
    said = _good("CONN", talk.connect(q.address, q.port))
    if q.stage == "CONN":
        return "CONN", *said
    said = talk.ehlo()
    if said[0] >= 500:
        said = talk.helo()
    _good("EHLO", said)
    if q.stage == "EHLO":
        return "EHLO", *said
    if talk.has_extn("starttls"):
        _good("STARTTLS", talk.starttls(context=opportunistic()))
        said = _good("EHLO", talk.ehlo())
        if q.stage == "STARTTLS":
            return "STARTTLS", *said
    elif q.stage == "STARTTLS":
        return "EHLO", *said
    said = _good("MAIL FROM", talk.mail(q.sender))
    stage: Stage = "MAIL FROM"
    if q.stage == "RCPT TO" and q.recipient is not None:
        said, stage = _good("RCPT TO", talk.rcpt(q.recipient)), "RCPT TO"
    with contextlib.suppress(OSError, smtplib.SMTPException):
        talk.rset()
    return stage, *said


def _good(stage: Stage, said: tuple[int, bytes]) -> tuple[int, bytes]:
    code, text = said
    if code == -1:
        raise smtplib.SMTPServerDisconnected("no SMTP reply")
    if code // 100 != 2:
        raise _Ended(stage, code, text)
    return code, text


def reaches(stage: Stage, wanted: Stage) -> bool:
    """Whether acceptance at `stage` answers for a refusal that stands at `wanted`."""
    return wanted in _ORDER and _ORDER.index(stage) >= _ORDER.index(wanted)


def _reply(code: int, text: bytes) -> Reply:
    words = " ".join(text.decode("utf-8", "replace").split())
    return replies.parse(f"{code} {words}").reply
