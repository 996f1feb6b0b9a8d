"""The lists, asked for a case."""

from __future__ import annotations

from pathlib import Path

from tests.serve.world import Serving, live
from todoku.cases import events as ev
from todoku.knowledge import load
from todoku.lab.world import CLEAN, LIST, LISTED
from todoku.lists.kept import Kept
from todoku.lists.plan import Terms
from todoku.lists.values import Server, Upstream
from todoku.model import Identity
from todoku.serve.asking import Lists


def test_own_lists_are_asked_and_public_ones_are_not_about_our_loopback(tmp_path: Path) -> None:
    async def walk(s: Serving) -> None:
        s.lab.list_(LISTED)
        upstream = Upstream(kind="server", servers=(Server(s.lab.names.host, s.lab.names.port),))
        ours = [Identity("ip", LISTED), Identity("ip", CLEAN)]

        def ask(only: tuple[str, ...] | None, place: ev.Place | None) -> tuple[ev.Seen, ...]:
            with Kept.open(None) as kept:
                lists = Lists(load.knowledge(), Terms(), kept, upstream, "en", only=only)
                return lists(ours, place, s.clock.now())

        found = await s.aside(ask, (LIST,), None)
        assert {(f.list, f.identity.value, f.state) for f in found} == {
            (LIST, LISTED, "listed"),
            (LIST, CLEAN, "not-listed"),
        }
        assert await s.aside(ask, None, None) == ()

    live(tmp_path, walk)
