"""The typed value of an answer: what it says, and whether it is the desk's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec

from todoku.cases.answers import authentic
from todoku.cases.answers.authentic import How, LookUp
from todoku.cases.answers.letter import read as letter_of
from todoku.cases.answers.reading import of
from todoku.cases.answers.weighing import weighed
from todoku.cases.events import At, Verdict
from todoku.knowledge.answers import AnswerRules
from todoku.model import VERSION, AnswerClass, Asked, Identity


class Wait(msgspec.Struct, frozen=True, kw_only=True):
    """How long the desk says that it takes, in hours; or until when."""

    min_hours: float | None = None
    max_hours: float | None = None
    until: At | None = None


class Thread(msgspec.Struct, frozen=True, kw_only=True):
    """What ties it to mail of ours."""

    message_id: str | None = None
    replies_to: tuple[str, ...] = ()
    """Message-IDs of In-Reply-To and References, the nearest first."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """One mail, as `todoku case answer --json` prints it (docs/reference/answer.schema.json)."""

    v: int = VERSION
    source: str = "-"
    class_: AnswerClass = msgspec.field(name="class")
    words: str = ""
    """Those that decided, as they stand in the mail."""
    provider: str | None = None
    """The desk that it says it is, by the knowledge's id."""
    ticket: str | None = None
    verdicts: tuple[Verdict, ...] = ()
    wait: Wait | None = None
    asks: tuple[Asked, ...] = ()
    authentic: bool = False
    """Whether that desk wrote it. What is not authentic moves nothing until a person accepts it."""
    how: How = "no-sender"
    """How that is known, or why it is not."""
    sender: str | None = None
    """The address in From."""
    subject: str = ""
    identities: tuple[Identity, ...] = ()
    """All addresses that it speaks of."""
    thread: Thread = Thread()
    rule: str | None = None
    case: int | None = None
    """The case that it belongs to, where one is known."""


def answer(
    data: bytes,
    rules: Sequence[AnswerRules],
    *,
    source: str = "-",
    trusted: Collection[str] = (),
    look_up: LookUp | None = None,
    now: datetime | None = None,
) -> Answer:
    """Of a mail's bytes; never raises. `trusted`, `look_up` and `now`: see `authentic.judge`."""
    letter = letter_of(data)
    read = weighed(letter, of(letter, rules), rules)
    desk = next((each for each in rules if each.desk == read.desk), None)
    proof = authentic.judge(data, letter.sender, desk, trusted, look_up, now)
    wait = Wait(**read.wait._asdict()) if any(each is not None for each in read.wait) else None
    return Answer(
        source=source,
        class_=read.class_,
        words=read.words,
        provider=read.desk,
        ticket=read.ticket,
        verdicts=read.verdicts,
        wait=wait,
        asks=read.asks,
        authentic=proof.authentic and read.class_ != "bounce",
        how=proof.how,
        sender=letter.sender,
        subject=letter.subject[:300],
        identities=read.identities,
        thread=Thread(message_id=letter.message_id, replies_to=letter.thread),
        rule=read.rule,
    )
