"""The deed `observe`: what real mail from an address that is being verified has met meanwhile."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from todoku.cases import commands
from todoku.cases import events as ev
from todoku.cases.case import Case, Standing
from todoku.cases.due import Action
from todoku.cases.fold import fold
from todoku.cases.working import Command, Undone
from todoku.model import Reply
from todoku.serve.arrivals import Met
from todoku.serve.exchangers import NoAnswer, exchangers
from todoku.serve.quiet import Quiet

if TYPE_CHECKING:
    pass

SOONEST: Final = timedelta(minutes=10)
RAREST: Final = timedelta(hours=2)
"""Between two looks in which nothing is seen."""


class Observe(Quiet):
    def do(self, case: Case, action: Action, _intent: object, now: datetime) -> Command:
        (standing,) = (s for s in case.standings if s.key in action.identities)
        since = max(filter(None, (standing.since, standing.mail.last, standing.refused_at)))
        if self.means.met is None:
            raise Undone("[mail] log is not set", now + RAREST)
        names = [*case.to, *((case.place.id.removeprefix("domain:"),) if case.place else ())]
        found = self.means.met(names, standing.identity.value, since)
        events: list[ev.Tried] = []
        if found.refused is not None:
            events.append(_tried(standing, now, found.refused, found.refused, found))
        if found.first is not None and found.last is not None:
            events.append(_tried(standing, now, found.first, found.last, found))
        if not events:
            pause = min(max((now - standing.since) / 4, SOONEST), RAREST)
            raise Undone("no mail was seen", now + pause)
        hosts = self._hosts(case, now)

        def command(c: Case) -> commands.Events:
            told: commands.Events = ()
            for event in events:
                told += commands.try_(fold(told, c), event, self.means.policy, hosts)
            return told

        return command

    def _hosts(self, case: Case, now: datetime) -> int:
        """How many take mail there. Raises `Undone` where nobody can tell."""
        try:
            for domain in case.to:
                assert self.means.resolver is not None  # noqa: S101
                servers = exchangers(domain, self.means.resolver)
                if servers:
                    return len({server.host for server in servers})
        except (NoAnswer, AssertionError) as error:
            raise Undone("how many hosts take mail there is not known", now + SOONEST) from error
        return 1


def _tried(
    standing: Standing, now: datetime, first: datetime, last: datetime, found: Met
) -> ev.Tried:
    refused = first == found.refused
    host = (found.host,) if found.host else ()
    return ev.Tried(
        at=now,
        identity=standing.identity,
        how="mail",
        result="refused" if refused else "accepted",
        reply=found.reply if refused else Reply(),
        hosts=host if refused else found.hosts,
        count=1 if refused else found.accepted,
        first=first,
        last=last,
    )
