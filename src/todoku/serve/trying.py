"""A trial: a marked mail through our own server to a mailbox of our own at the receiver, and what became
of it. What they answered stands in our log, or in a bounce; where it was put, in that mailbox.

    Trying ─▶ try (our server takes it) ─▶ Sent ─▶ look, ever more rarely ─▶ Tried
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

from todoku.cases import commands, marks
from todoku.cases import events as ev
from todoku.cases.case import Case, identity_key
from todoku.cases.due import Action
from todoku.cases.working import Command, Undone
from todoku.errors import TodokuError
from todoku.i18n import Language, Words, say
from todoku.model import Identity, Reply
from todoku.reading import mail as mails
from todoku.serve import markkeys
from todoku.serve.exchangers import NoAnswer, exchangers
from todoku.serve.quiet import Quiet
from todoku.serve.sentlog import Trial
from todoku.serve.submitting import send
from todoku.settings.own import Own

if TYPE_CHECKING:
    from todoku.serve.deeds import Means

SHOWS: Final = timedelta(hours=1)
"""So long after they took it, it is in that mailbox or nowhere."""
GIVES_UP: Final = timedelta(days=1)
"""So long one looks at all: a greylisting or a full queue is over by then."""
SOONEST: Final = timedelta(seconds=5)
RAREST: Final = timedelta(hours=1)
_BY: Final = re.compile(r"\bby\s+\[?([A-Za-z0-9.:-]+)")

WORDS: Final[Words] = {
    "subject": {
        "ja": "配送の確認（案件 {case}）",
        "en": "Checking delivery (case {case})",
    },
    "text": {
        "ja": "{place} でこのメールが受け取られるか、どのフォルダーに入るかを確かめるためのメールです。\n"
        "{sender} の管理者が、自分のメールボックスに送りました。返信は要りません。",
        "en": "This mail checks whether {place} takes it, and into which folder it goes. The "
        "administrator of {sender} sent it to a mailbox of his own. No answer is needed.",
    },
}


class Found(NamedTuple):
    """What a look into the mailbox saw."""

    where: Literal["inbox", "junk"] | None
    folder: str | None = None
    received: tuple[str, ...] = ()
    """Its Received fields, the newest first."""
    knows_junk: bool = True
    """Whether it is known which folder is junk."""


Seek: TypeAlias = Callable[[str, str], "Found | None"]
"""By the name of a mailbox and the Message-ID. `None`: there is no such mailbox in the settings. Raises
`Trouble`."""


def message_id(sender: str) -> str:
    """One that nobody can guess."""
    return f"<{marks.TRIAL}{os.urandom(16).hex()}@{sender.rpartition('@')[2]}>"


def message(case: Case, event: ev.Trying, place: str, now: datetime, lang: Language) -> bytes:
    """A short mail as people write them: a null sender or a bulk header would be judged otherwise.
    Raises `ValueError` for an address that is none."""
    made = EmailMessage(SMTP)
    made["From"] = Address("todoku", addr_spec=event.sender)
    made["To"] = Address(addr_spec=event.to)
    made["Subject"] = say(WORDS["subject"], lang, case=case.number)
    made["Date"] = format_datetime(now)
    made["Message-ID"] = event.message_id
    made["Auto-Submitted"] = "auto-generated"
    text = say(WORDS["text"], lang, place=place, sender=event.sender.rpartition("@")[2])
    made.set_content(text + "\n", cte="base64" if lang == "ja" else None)
    made["Content-Language"] = lang
    return made.as_bytes()


def judged(
    event: ev.Trying,
    sent_at: datetime,
    logged: Trial | None,
    found: Found | None,
    own: Own,
    now: datetime,
    *,
    handed_on: bool = False,
) -> ev.Tried | None:
    """What became of it; `None`: not known yet. `found`: `None` where nobody can look. `handed_on`: our
    server gave it to another, which sends from an address of its own."""
    answered = logged.at if logged is not None else sent_at
    said = logged.reply if logged is not None else Reply()

    def tried(
        result: ev.Result, folder: str | None = None, why: ev.Untold | None = None
    ) -> ev.Tried:
        return ev.Tried(
            at=now,
            identity=event.identity,
            result=result,
            reply=said,
            hosts=(logged.host,) if logged is not None and logged.host else (),
            first=answered,
            last=answered,
            message_id=event.message_id,
            folder=folder,
            why=why,
        )

    refused = logged is not None and logged.outcome == "refused"
    taken = logged is not None and logged.outcome == "sent"
    seen = found is not None and found.where is not None
    if handed_on and (seen or taken or refused):
        return tried("inconclusive", why="other-address")
    if (refused or seen or taken) and (doubt := _address(event, logged, found, own, refused)):
        return tried("inconclusive", why=doubt)
    if seen:
        assert found is not None  # noqa: S101
        return tried("accepted" if found.where == "inbox" else "junked", found.folder)
    if refused:
        return tried("refused")
    if taken and (found is None or now - answered >= SHOWS):
        if found is None:
            return tried("accepted")
        return tried("inconclusive", why="not-seen" if found.knows_junk else "no-junk-folder")
    if now - sent_at < GIVES_UP:
        return None
    if logged is not None and logged.outcome == "deferred":
        return tried("deferred")
    return tried("inconclusive", why="no-word")


def _address(
    event: ev.Trying, logged: Trial | None, found: Found | None, own: Own, refused: bool
) -> ev.Untold | None:
    """Whether it left from the address that is put to the test, as far as that is known."""
    if event.identity.kind != "ip":
        return None
    ours = identity_key(event.identity)
    if logged is not None and logged.source is not None:
        same = identity_key(Identity("ip", logged.source)) == ours
        return None if same else "other-address"
    if refused and logged is not None and _names(logged.reply.text, event.identity.value):
        return None
    if found is not None and _names(_handed_over(found.received, own), event.identity.value):
        return None
    sending = {identity_key(Identity("ip", ip)) for ip in own.addresses}
    sending |= {
        identity_key(Identity("ip", ip)) for t in own.transports for ip in own.sends_from(t)
    }
    return None if sending == {ours} else "which-address"


def _names(text: str, ip: str) -> bool:
    """`192.0.2.1` does not stand in `192.0.2.10`."""
    return re.search(rf"(?<![\w.:]){re.escape(ip)}(?!\w|[.:]\w)", text, re.I) is not None


def _handed_over(received: Sequence[str], own: Own) -> str:
    """The Received field of the first host that is not ours: it says where the mail came from."""
    for line in reversed(received):
        by = _BY.search(line)
        if by is not None and not own.covers(Identity("hostname", by[1].lower())):
            return line
    return ""


def received(data: bytes) -> tuple[str, ...]:
    """Its Received fields. Never raises."""
    whole = mails.parse(data)
    return tuple(v[:2000].decode("utf-8", "replace") for v in whole.all(b"\nreceived:", 20))


class Try:
    """The mail goes to our server, with a mark by which its bounce is known."""

    def __init__(self, means: Means) -> None:
        self.means = means

    def intent(self, case: Case, action: Action) -> Mapping[str, Any]:
        event, _ = _event(self.means, case, action)
        return {"message_id": event.message_id, "to": event.to}

    def do(self, case: Case, action: Action, _intent: object, now: datetime) -> Command:
        event, _ = _event(self.means, case, action)
        means = self.means
        try:
            key = markkeys.current(means.data, now)
        except OSError as error:
            raise Undone(f"{means.data}: {error}") from error
        mark = marks.mark(key, now, event.to)
        place = event.to.rpartition("@")[2]
        try:
            made = message(case, event, place, now, means.lang)
            send(means.relay, event.to, made, sender=event.sender, envelope_id=mark)
        except (ValueError, LookupError, MessageError) as error:  # an address that is none
            raise Undone(f"{event.to}: {error}") from error
        return self.record(case, action, now)

    def find_out(self, _case: Case, _action: Action, intent: Mapping[str, Any]) -> bool | None:
        was_sent = self.means.was_sent
        return None if was_sent is None else was_sent(str(intent["message_id"]))

    def record(self, _case: Case, action: Action, now: datetime) -> Command:
        event = ev.Sent(at=now, message_id=_id(action))
        return lambda c: commands.sent(c, event)

    def give_up(self, _case: Case, action: Action, now: datetime) -> Command | None:
        event = ev.Sent(at=now, message_id=_id(action), delivered=False)
        return lambda c: commands.sent(c, event)


class Look(Quiet):
    """What became of it."""

    def do(self, case: Case, action: Action, _intent: object, now: datetime) -> Command:
        event, sent_at = _event(self.means, case, action)
        sent_at = sent_at or now
        means = self.means
        logged = None if means.trial is None else means.trial(event.message_id, event.to)
        found, why = None, "nothing was heard of it yet"
        blind = False
        refused = logged is not None and logged.outcome == "refused"
        if event.mailbox is not None and means.seek is not None and not refused:
            try:
                found = means.seek(event.mailbox, event.message_id)
            except TodokuError as error:  # it cannot be looked into now
                why = error.text("en")
                blind = now - sent_at < GIVES_UP
        host = None if logged is None else logged.host
        handed_on = case.detoured is not None or means.own.is_smarthost(host)
        judge = None
        if not blind:
            judge = judged(event, sent_at, logged, found, means.own, now, handed_on=handed_on)
        if judge is None:
            pause = min(max((now - sent_at) / 2, SOONEST), RAREST)
            raise Undone(why, now + pause)
        hosts = self._hosts(event) if judge.hosts else 1
        return lambda c: commands.trial_over(c, judge, means.policy, hosts)

    def _hosts(self, event: ev.Trying) -> int:
        """How many take mail there."""
        try:
            assert self.means.resolver is not None  # noqa: S101
            servers = exchangers(event.to.rpartition("@")[2], self.means.resolver)
        except (NoAnswer, AssertionError):  # then as many as are wanted
            return self.means.policy.hosts
        return len({server.host for server in servers}) or 1


def _event(means: Means, case: Case, action: Action) -> tuple[ev.Trying, datetime | None]:
    """What was asked for, and when it was sent."""
    trial = next(t for t in case.trials if t.message_id == _id(action))
    event = means.desk.history(case.number)[trial.seq - 1].event
    assert isinstance(event, ev.Trying)  # noqa: S101
    return event, trial.sent_at


def _id(action: Action) -> str:
    return action.key.partition("/")[2]
