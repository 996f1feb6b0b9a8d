"""A run through the library: events as they come, and what is left of a run that is given up."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lists import lies
from tests.lists.liar import Liar
from todoku.knowledge import load
from todoku.knowledge.schema import Compiled
from todoku.lists import checking, identities
from todoku.lists.kept import Kept
from todoku.lists.plan import Terms
from todoku.lists.values import Clean, Progress, Request, Server, Upstream
from todoku.model import Finding

IP = "203.0.114.9"


@pytest.fixture
def compiled(knowledge: str, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Compiled:
    monkeypatch.setenv("TODOKU_CACHE", str(cache))
    return load.knowledge(Path(knowledge))


def request(liar: Liar, *targets: str, lists: tuple[str, ...], **more: object) -> Request:
    return Request(
        targets=tuple(identities.read(t) for t in targets),
        lists=lists,
        upstream=Upstream(kind="resolver", servers=(Server(liar.host, liar.port),)),
        **more,  # type: ignore[arg-type]
    )


def test_findings_come_as_they_are_known(compiled: Compiled) -> None:
    zones = {"plain.test": lies.lists(IP), "other.test": lies.late(0.5, lies.lists())}
    with Liar(zones) as liar, Kept.open(None) as kept:
        asked = request(liar, IP, lists=("other", "plain"), deadline=5.0)
        events = checking.run(asked, compiled, Terms(), kept, lang="en")
        found = [e for e in events if isinstance(e, Finding)]
    assert [(f.list, f.state) for f in found] == [("plain", "listed"), ("other", "not-listed")]


def test_one_finding_for_each_identity_and_list(compiled: Compiled) -> None:
    """Whatever the lists do, and also where an identity is named twice."""
    behaviours = [lies.lists(IP), lies.world(), lies.silent(), lies.garbage(), lies.loop(),
                  lies.fails(lies.REFUSED), lies.truncated(lies.world(), lies.hang_up())]  # fmt: skip
    zones = {f"z{n}.test": behaviour for n, behaviour in enumerate(behaviours)}
    with Liar(zones) as liar, Kept.open(None) as kept:
        many = (IP, "203.0.114.10", IP)
        asked = request(liar, *many, lists=(*zones, "gone", "names"), deadline=1.0)
        events = list(checking.run(asked, compiled, Terms(), kept, lang="ja"))
    found = [(e.identity.value, e.list) for e in events if isinstance(e, Finding)]
    wanted = [(ip, name) for ip in (IP, "203.0.114.10") for name in (*zones, "gone")]
    assert sorted(found) == sorted(wanted)


def test_a_run_that_is_given_up_keeps_what_was_answered(compiled: Compiled) -> None:
    zones = {"plain.test": lies.lists(IP), "other.test": lies.silent()}
    with Liar(zones) as liar, Kept.open(None) as kept:
        asked = request(liar, IP, lists=("plain", "other"), deadline=5.0)
        events = checking.run(asked, compiled, Terms(), kept, lang="en")
        first = next(e for e in events if isinstance(e, Finding))
        assert first.list == "plain"
        events.close()
        liar.forget()
        asked = request(liar, IP, lists=("plain",))
        again = list(checking.run(asked, compiled, Terms(), kept, lang="en"))
        assert not liar.log
    (second,) = [e for e in again if isinstance(e, Finding)]
    assert (second.state, second.at, second.text) == (first.state, first.at, first.text)


def test_a_sweep_tells_how_far_it_is_and_counts_the_rest(compiled: Compiled) -> None:
    with Liar({"bl.test": lies.late(0.05, lies.lists(IP))}) as liar, Kept.open(None) as kept:
        asked = request(
            liar, "203.0.112.0/22", lists=("bl.test",), unlimited=True,
            only=frozenset({"listed", "unknown"}),
        )  # fmt: skip
        events = list(checking.run(asked, compiled, Terms(), kept, lang="en"))
    (found,) = [e for e in events if isinstance(e, Finding)]
    assert (found.identity.value, found.state) == (IP, "listed")
    (clean,) = [e for e in events if isinstance(e, Clean)]
    assert (clean.given, clean.number) == ("203.0.112.0/22", 1023)
    progress = [e for e in events if isinstance(e, Progress)]
    assert progress
    done = [p.done for p in progress]
    assert done == sorted(done)
    assert {p.total for p in progress} == {1024}
