"""The addresses of host names, by the user's resolver: a name is checked along with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from todoku.lists import wire
from todoku.lists.feeds import QuestionFeed
from todoku.lists.pace import Pace
from todoku.lists.values import Answer, Key, Server
from todoku.model import Subject

MOST: Final = 16
"""Addresses of a name that are checked."""


class Addresses(NamedTuple):
    host: Subject
    addresses: tuple[str, ...]
    known: bool
    """False: the resolver could not tell."""


class Lookup:
    """Asks for A and AAAA of each host; `told` is called once for each."""

    def __init__(
        self,
        hosts: Sequence[Subject],
        servers: Sequence[Server],
        told: Callable[[Addresses], None],
        wall: Callable[[], float],
        clock: Callable[[], float],
    ) -> None:
        pace = Pace(None, None, clock)
        self.feed = QuestionFeed(servers, pace, self._got, wall)
        self._told = told
        self._answers: dict[Subject, dict[int, Answer]] = {}
        for host in dict.fromkeys(hosts):
            self._answers[host] = {}
            name = wire.name(host.value)
            for kind in (wire.A, wire.AAAA):
                self.feed.ask((host, kind), wire.question(name, kind), host.value)

    def _got(self, key: Key, answer: Answer) -> None:
        match key:
            case (Subject() as host, int() as kind) if host in self._answers:
                self._answers[host][kind] = answer
                if len(self._answers[host]) == 2:
                    self._conclude(host)
            case _:
                pass

    def end(self) -> None:
        """What has not come does not come."""
        self.feed.give_up()
        for host in list(self._answers):
            self._conclude(host)

    def _conclude(self, host: Subject) -> None:
        answers = self._answers.pop(host)
        found = [a for kind in (wire.A, wire.AAAA) if kind in answers
                 for a in answers[kind].addresses]  # fmt: skip
        said = [a.rcode in {wire.NOERROR, wire.NXDOMAIN} for a in answers.values()]
        known = len(said) == 2 and all(said)
        self._told(Addresses(host, tuple(dict.fromkeys(found))[:MOST], known))
