"""How each kind of action is really done. What a deed needs of the world comes in as `Means`; the
order of intent, deed and outcome is that of `todoku.cases.working`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from email.errors import MessageError
from pathlib import Path
from typing import Any, Final

import msgspec

from todoku import probe
from todoku.cases import CaseError, commands
from todoku.cases import events as ev
from todoku.cases.case import Case, Standing
from todoku.cases.due import Action, ActionKind
from todoku.cases.policy import Policy
from todoku.cases.working import Command, Deed, Undone
from todoku.diagnosis import Diagnoser
from todoku.i18n import Language
from todoku.lists.values import Server
from todoku.model import Identity, Refusal, Remote
from todoku.serve import sightings, telling, visiting
from todoku.serve.arrivals import Met
from todoku.serve.exchangers import Exchanger, NoAnswer, exchangers
from todoku.serve.hooking import Hook
from todoku.serve.observing import Observe
from todoku.serve.quiet import Intent, Quiet
from todoku.serve.sentlog import Trial
from todoku.serve.submitting import send
from todoku.serve.trying import Look, Seek, Try
from todoku.serve.writing import Send, Write
from todoku.settings import Contact, Webhooks
from todoku.settings.own import Own
from todoku.store.cases import Desk
from todoku.store.messages import People
from todoku.visits import Visit, enter

FEW_HOSTS: Final = 2
"""Hosts of a receiver that are asked in turn, from probe to probe."""

Lists = Callable[[Sequence[Identity], "ev.Place | None", datetime], tuple[ev.Seen, ...]]


class Means(msgspec.Struct, frozen=True, kw_only=True):
    """What deeds need of the world."""

    desk: Desk
    people: People
    diagnoser: Diagnoser
    own: Own
    lists: Lists
    """Asks the lists."""
    resolver: Server | None
    relay: tuple[str, int]
    """The local mail server that takes what we tell."""
    sender: str
    """Our address in From, and in `MAIL FROM` of a probe."""
    data: Path
    """The data folder."""
    admin: str
    """Whom tasks are recalled to."""
    helo: str
    inner: Mapping[str, str] = {}
    """Behind NAT: what an outer address of ours is on this machine."""
    port: int = 25
    """Where receivers answer."""
    lang: Language = "en"
    contact: Contact = Contact()
    """Who asks desks."""
    desk_relay: tuple[str, int] | None = None
    """Takes letters to desks; `None`: the local one does, where the blocked address may send them."""
    met: Callable[[Sequence[str], str, datetime], Met] | None = None
    """What real mail met at domains and receivers, from an address, since a moment, as our log tells."""
    was_sent: Callable[[str], bool | None] | None = None
    """Whether a mail of this Message-ID was sent, as the mail log tells; `None`: not known."""
    trial: Callable[[str, str], Trial | None] | None = None
    """What our log says of a trial, by its Message-ID and its recipient."""
    seek: Seek | None = None
    """Looks for it in a mailbox of ours."""
    webhooks: Webhooks = Webhooks()
    mailboxes: tuple[str, ...] = ()
    """Addresses of ours at receivers."""

    @property
    def policy(self) -> Policy:
        return self.desk.policy

    def called(self, place: str | None, lang: Language) -> str | None:
        """As people call the receiver or list."""
        if place is None or place.startswith("domain:"):
            return None if place is None else place.removeprefix("domain:")
        knowledge = self.diagnoser.knowledge
        for receiver in knowledge.receivers:
            if receiver.id == place:
                return str(getattr(receiver.name, lang))
        return next((entry.name for entry in knowledge.lists if entry.id == place), place)


def all_of(means: Means) -> dict[ActionKind, Deed]:
    """All deeds that can be done without a person."""
    return {
        "diagnose": Diagnose(means),
        "check": Check(means),
        "wait": Wait(means),
        "request": Write(means),
        "escalate": Write(means),
        "send": Send(means),
        "try": Try(means),
        "look": Look(means),
        "observe": Observe(means),
        "probe": Probe(means),
        "tell": Tell(means),
        "remind": Tell(means),
        "hook": Hook(means),
        "close": Close(means),
    }


class Diagnose(Quiet):
    """What the knowledge makes of the newest refusal."""

    def do(self, case: Case, _action: Action, _intent: Intent, now: datetime) -> Command:
        refused = [
            recorded.event
            for recorded in self.means.desk.history(case.number)
            if isinstance(recorded.event, ev.Refused)
        ]
        newest = next((e for e in reversed(refused) if e.reply == case.reply), refused[-1])
        domain = next(iter(newest.to), None)
        refusal = Refusal(
            action="delayed" if newest.temporary else "failed",
            recipient=None if domain is None else f"postmaster@{domain}",
            remote=Remote(host=newest.host),
            stage=newest.stage,
            reply=newest.reply,
        )
        found = self.means.diagnoser(refusal)
        event = sightings.diagnosed(found, self.means.diagnoser.knowledge, self.means.own, now)
        return lambda _: (event,)


class Check(Quiet):
    """Ask the lists about the identities of the case."""

    def do(self, case: Case, action: Action, _intent: Intent, now: datetime) -> Command:
        identities = [s.identity for s in _standings(case, action)]
        found = self.means.lists(identities, case.place, now)
        event = ev.Checked(at=now, findings=found)
        return lambda c: commands.check(c, event, self.means.policy)


class Wait(Quiet):
    """The time to settle is over."""

    def do(self, _case: Case, _action: Action, _intent: Intent, now: datetime) -> Command:
        return lambda c: commands.wait_over(c, now)


class Close(Quiet):
    """Proven, and all are told."""

    def do(self, _case: Case, _action: Action, _intent: Intent, now: datetime) -> Command:
        return lambda c: commands.close(c, now, "resolved")


class Probe(Quiet):
    """Ask the receiver from the address in question."""

    def intent(self, case: Case, action: Action) -> Intent:
        return {"identities": list(action.identities), "place": case.place and case.place.id}

    def do(self, case: Case, action: Action, _intent: Intent, now: datetime) -> Command:
        (standing,) = _standings(case, action)
        try:
            commands.may_probe(case, standing.identity, now, self.means.policy)
        except CaseError as error:
            raise Undone(str(error)) from error
        found, hosts = self._ask(case, standing, now)
        event = ev.Probed(
            at=now,
            identity=standing.identity,
            result=found.result,
            stage=found.stage,
            reply=found.reply,
            host=found.host,
        )
        return lambda c: commands.probe(c, event, self.means.policy, hosts)

    def _ask(self, case: Case, standing: Standing, now: datetime) -> tuple[probe.Found, int]:
        """What came of it, and how many hosts answer there. The visit is entered before."""
        domain, servers = self._servers(case)
        if not servers:
            return probe.Found(result="failed", why="no host takes mail there"), 1
        names = list(dict.fromkeys(server.host for server in servers))
        host = names[standing.probes % min(len(names), FEW_HOSTS)]
        server = next(s for s in servers if s.host == host)
        knowledge = self.means.diagnoser.knowledge
        receiver = visiting.whose(knowledge, host, domain) or visiting.registered(host)
        visit = Visit(receiver=receiver, source=standing.identity.value, at=now)
        again = enter(self.means.data, visit, self.means.policy.probe_every)
        if again is not None:
            raise Undone(f"{receiver} was probed from {visit.source} already", again)
        refuses_at = case.diagnosis.refuses_at if case.diagnosis is not None else case.stage
        question = probe.Question(
            host=server.host,
            address=server.address,
            port=self.means.port,
            source=self.means.inner.get(standing.identity.value, standing.identity.value),
            helo=self.means.helo,
            sender=self.means.sender,
            stage=refuses_at,
            recipient=self._mailbox(domain),
        )
        return probe.ask(question), len(names)

    def _mailbox(self, domain: str) -> str | None:
        """One of our own there: `RCPT TO` names no other."""
        ours = self.means.mailboxes
        return next((a for a in ours if a.rpartition("@")[2].lower() == domain), None)

    def _servers(self, case: Case) -> tuple[str, tuple[Exchanger, ...]]:
        """The domain that is asked, and its servers."""
        if self.means.resolver is None:
            raise Undone("no resolver is known")
        domains = [d for d in case.to if d not in self.means.policy.never_probed]
        # Where a mailbox of ours is, more can be asked.
        for domain in sorted(domains, key=lambda d: self._mailbox(d) is None):
            try:
                found = exchangers(domain, self.means.resolver)
            except NoAnswer as error:
                raise Undone(str(error)) from error
            if found:
                return domain, found
        return "", ()


class Tell(Quiet):
    """Write to a person who reported, or remind the administrator of a task."""

    def intent(self, case: Case, action: Action) -> Intent:
        return {"message_id": self._message_id(case, action), "who": action.who or self.means.admin}

    def do(self, case: Case, action: Action, _intent: Intent, now: datetime) -> Command:
        to, name, lang = self._whom(case, action)
        if to is None:  # forgotten meanwhile: nobody can be told
            return self._recorded(action, now, delivered=False)
        place = case.place.id if case.place is not None else None
        try:
            message = telling.mail(
                case,
                action,
                now,
                place=self.means.called(place, lang),
                to=to,
                name=name,
                lang=lang,
                sender=self.means.sender,
            )
        except (ValueError, LookupError, MessageError) as error:  # an address that is none
            raise Undone(f"{to}: {error}") from error
        send(self.means.relay, to, message)
        return self._recorded(action, now)

    def find_out(self, _case: Case, _action: Action, intent: Mapping[str, Any]) -> bool | None:
        was_sent = self.means.was_sent
        return None if was_sent is None else was_sent(str(intent["message_id"]))

    def record(self, _case: Case, action: Action, now: datetime) -> Command:
        return self._recorded(action, now)

    def give_up(self, _case: Case, action: Action, now: datetime) -> Command | None:
        return self._recorded(action, now, delivered=False)

    def _recorded(self, action: Action, now: datetime, *, delivered: bool = True) -> Command:
        assert action.about is not None  # noqa: S101  these kinds have it
        who = action.who or "admin"
        event = ev.Told(at=now, who=who, about=action.about, task=action.task, delivered=delivered)
        # What people have in their mailbox is a fact, whatever has become of the case meanwhile.
        return lambda c: commands.tell(c, event)

    def _message_id(self, case: Case, action: Action) -> str:
        return telling.message_id(case, action, self.means.sender.rpartition("@")[2])

    def _whom(self, case: Case, action: Action) -> tuple[str | None, str | None, Language]:
        if action.who is None:
            return self.means.admin, None, self.means.lang
        person = self.means.people.get(action.who)
        if person is None:
            return None, None, self.means.lang
        told = next((p.lang for p in case.people if p.who == action.who and p.lang), person.lang)
        told = told or self.means.lang
        return person.address, person.name, "ja" if told == "ja" else "en"


def _standings(case: Case, action: Action) -> list[Standing]:
    return [s for s in case.standings if s.key in set(action.identities)]
