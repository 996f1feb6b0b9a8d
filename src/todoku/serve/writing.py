"""Letters to desks. A person confirms one, or todoku writes by itself where the settings allow that
desk: either way the letter is an event, and then the deed `send` is due.

    draft ─▶ Requested | Escalated (letter, Message-ID) ─▶ send ─▶ Sent
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

from todoku.cases import CaseError, commands
from todoku.cases import events as ev
from todoku.cases.case import Case, identity_key
from todoku.cases.due import Action
from todoku.cases.requesting import Facts, choose, compose, draft, keeps
from todoku.cases.working import Command, Undone
from todoku.model import Identity
from todoku.serve.quiet import Quiet
from todoku.serve.submitting import send

if TYPE_CHECKING:
    from todoku.serve.deeds import Means


def message_id(letter: ev.Letter) -> str:
    """One that nobody can guess: what names it later has seen the letter."""
    return f"<todoku.{os.urandom(16).hex()}@{letter.sender.rpartition('@')[2]}>"


def elsewhere(relay: tuple[str, int] | None, case: Case, nat: Mapping[str, str]) -> bool:
    """Whether letters leave by a server of their own, which is none of the blocked addresses. `nat`:
    outer addresses by inner ones."""
    if relay is None:
        return False
    blocked = {s.key for s in case.standings}
    return identity_key(Identity("ip", nat.get(relay[0], relay[0]))) not in blocked


def mail(event: ev.Requested | ev.Escalated, at: datetime) -> bytes:
    """The whole message. No `Auto-Submitted`: a person has confirmed it, or allowed the desk, and
    ticket systems throw away what says it. Raises `ValueError` for an address that is none."""
    letter = event.letter
    assert letter is not None  # noqa: S101
    made = EmailMessage(SMTP)
    made["From"] = Address(_line(letter.name), addr_spec=letter.sender)
    made["To"] = letter.to
    made["Subject"] = _line(letter.subject)
    made["Date"] = format_datetime(at)
    made["Message-ID"] = event.message_id or ""
    if letter.thread:
        made["In-Reply-To"] = _line(letter.thread[-1])
        made["References"] = " ".join(map(_line, letter.thread))
    made.set_content(event.text, cte=_encoding(event.text))
    return made.as_bytes()


class Write(Quiet):
    """`request` and `escalate`: todoku writes by itself. The letter is an event; nobody has seen it."""

    def do(self, case: Case, action: Action, _intent: object, now: datetime) -> Command:
        means = self.means
        knowledge = means.diagnoser.knowledge
        identities = [s.identity for s in case.standings if s.key in set(action.identities)]
        try:
            made = draft(
                case,
                choose(case, knowledge),
                knowledge,
                self._facts(case),
                now.astimezone(),
                means.lang,
                identities=identities,
                policy=means.policy,
            )
        except CaseError as error:
            return _raising(error)  # the case moved on meanwhile
        if made.purpose != action.kind:
            raise Undone("the case has moved on meanwhile")
        if any(o.kind == "reverse-unknown" for o in made.obstacles):
            raise Undone("the reverse DNS is not known, and this desk wants it to be right")
        if found := keeps(made, by_itself=True):
            hindered = ev.Hindered(at=now, obstacles=found)
            return lambda c: commands.hinder(c, hindered)
        letter = compose(made, means.contact, case.thread)
        said: dict[str, Any] = {
            "at": now,
            "desk": made.desk,
            "identities": made.identities,
            "text": made.letter,
            "message_id": message_id(letter),
            "letter": letter,
        }
        if action.kind == "request":
            asked = ev.Requested(channel="mail", **said)
            return lambda c: commands.request(c, asked)
        again = ev.Escalated(**said)
        return lambda c: commands.escalate(c, again, means.policy)

    def _facts(self, case: Case) -> Facts:
        from todoku.serve.reversing import reverse_of

        means = self.means
        addresses = [s.identity.value for s in case.standings if s.identity.kind == "ip"]
        servers = () if means.resolver is None else (means.resolver,)
        outer = {inner: outer for outer, inner in means.inner.items()}
        return Facts(
            own=means.own,
            contact=means.contact,
            reverse=reverse_of(addresses, servers),
            elsewhere=elsewhere(means.desk_relay, case, outer),
        )


class Send:
    """A letter goes to our mail server."""

    def __init__(self, means: Means) -> None:
        self.means = means
        self._whys: dict[str, str] = {}
        """What was said the last time, by Message-ID."""

    def intent(self, case: Case, action: Action) -> Mapping[str, Any]:
        event = self._event(case, action)
        return {"message_id": event.message_id, "to": event.letter and event.letter.to}

    def do(self, case: Case, action: Action, _intent: object, now: datetime) -> Command:
        event = self._event(case, action)
        assert event.letter is not None  # noqa: S101  it is of the outbox
        relay = self.means.desk_relay or self.means.relay
        if event.by is None or isinstance(event, ev.Escalated):
            self._never_by_what_is_blocked(case, action)
        try:
            message = mail(event, now)
            send(relay, event.letter.to, message, sender=self.means.sender)
        except (ValueError, LookupError, MessageError) as error:  # an address that is none
            self._whys[_id(action)] = str(error)
            raise Undone(f"{event.letter.to}: {error}") from error
        except Undone as error:
            self._whys[_id(action)] = str(error)
            raise
        self._whys.pop(_id(action), None)
        return self.record(case, action, now)

    def _never_by_what_is_blocked(self, case: Case, action: Action) -> None:
        """The settings may have changed since the letter was written."""
        outer = {inner: outer for outer, inner in self.means.inner.items()}
        if not elsewhere(self.means.desk_relay, case, outer):
            why = "[cases] desk_relay names no server that is not blocked"
            self._whys[_id(action)] = why
            raise Undone(why)

    def find_out(self, _case: Case, _action: Action, intent: Mapping[str, Any]) -> bool | None:
        was_sent = self.means.was_sent
        return None if was_sent is None else was_sent(str(intent["message_id"]))

    def record(self, _case: Case, action: Action, now: datetime) -> Command:
        event = ev.Sent(at=now, message_id=_id(action))
        return lambda c: commands.sent(c, event)

    def give_up(self, _case: Case, action: Action, now: datetime) -> Command | None:
        why = self._whys.pop(_id(action), "")
        event = ev.Sent(at=now, message_id=_id(action), delivered=False, why=why)
        return lambda c: commands.sent(c, event)

    def _event(self, case: Case, action: Action) -> ev.Requested | ev.Escalated:
        waits = next(out for out in case.outbox if out.message_id == _id(action))
        event = self.means.desk.history(case.number)[waits.seq - 1].event
        assert isinstance(event, ev.Requested | ev.Escalated)  # noqa: S101
        return event


def _encoding(text: str) -> str | None:
    """Letters of few strange characters stay readable as they are: filters like them better."""
    strange = sum(not c.isascii() for c in text)
    if not strange:
        return None
    return "quoted-printable" if strange * 5 < len(text) else "base64"


def _id(action: Action) -> str:
    return action.key.removeprefix("send/")


def _raising(error: CaseError) -> Command:
    def command(_case: Case) -> commands.Events:
        raise error

    return command


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
