"""Refusals of cases teach, too: proven ones, about one domain, that call the list by its name."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from tests.partners.worlds import OURS, diagnoser
from todoku import cli, store
from todoku.cases.events import AnyEvent, Noted, Place, Refused
from todoku.cases.records import Recorded
from todoku.model import Identity, Reply
from todoku.partners.from_cases import learn, name
from todoku.partners.keeping import Kept
from todoku.store.cases import Desk

AT = datetime(2026, 11, 20, 9, tzinfo=UTC)
NAMES = {e.id: (*e.zones, e.name, *e.names) for e in diagnoser().knowledge.lists}
ZEN = Refused(
    at=AT, first=AT, last=AT, identities=(Identity("ip", OURS),),
    place=Place(id="spamhaus-zen", zone="zen.spamhaus.org"), stage="RCPT TO", to=("p.example",), proof="mark",
    reply=Reply(554, "5.7.1", f"554 5.7.1 <taro@p.example>: Client host [{OURS}] blocked using zen.spamhaus.org"),
)  # fmt: skip


def test_a_bounce_that_is_ours_proves() -> None:
    e = learn([ZEN, ZEN], NAMES)
    proof = e.proofs["p.example", "spamhaus-zen"]
    assert (
        proof.words == f"554 5.7.1 <address>: Client host [{OURS}] blocked using zen.spamhaus.org"
    )
    assert (proof.stage, proof.code, proof.last) == ("RCPT TO", "554 5.7.1", AT.timestamp())
    ((_, use),) = e.uses.items()
    assert use == (2, 0, 0)
    assert e.mail == {}


@pytest.mark.parametrize(
    "event",
    [
        replace(ZEN, proof=None),  # anybody could have sent it
        replace(ZEN, to=("p.example", "q.example")),  # whose words are they?
        replace(ZEN, to=()),
        replace(ZEN, to=("not a domain",)),
        replace(ZEN, place=None),
        replace(ZEN, reply=Reply(554, None, "554 no")),
        replace(ZEN, place=Place(id="microsoft-consumer")),
        Noted(at=AT, text="blocked using zen.spamhaus.org"),
    ],
)
def test_what_proves_nothing(event: AnyEvent) -> None:
    assert learn([event], NAMES).cells == 0


def test_each_event_counts_once(tmp_path: Path) -> None:
    (tmp_path / "t.toml").write_text(f'[own]\naddresses = ["{OURS}"]\n')
    engine = store.connect(f"sqlite:///{tmp_path / 'd' / 'todoku.db'}")
    Desk(engine).see(ZEN)
    # More of the same, of another's domain: who refused the first stays known.
    assert Desk(engine).see(replace(ZEN, to=("q.example",))) == ()
    engine.dispose()
    words = ["partners", "learn", "--cases", "--json", "--data", str(tmp_path / "d"), "--config", str(tmp_path / "t.toml")]  # fmt: skip
    for n in (1, 0):
        done = CliRunner().invoke(cli.main, words)
        assert done.exit_code == 0, done.stderr
        told = json.loads(done.stdout)
        assert (told["deliveries"], told["named"]) == (n, 1)
    with Kept.open(tmp_path / "d") as kept:
        ((((list_, proof),),)) = kept.view().proofs(None).values()
        assert list_ == "spamhaus-zen"
        assert "taro" not in proof.words


def test_a_flood_that_goes_on_proves_anew_each_week() -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)

    def named(days: float | None) -> str:
        later = None if days is None else at + timedelta(days=days)
        event = Refused(at=at, first=at, last=later or at, counted_to=later)
        return name(Recorded(case=12, seq=5, event=event))

    assert named(None) == named(1) == "12:5"
    names = [named(days) for days in range(22)]
    assert len(set(names)) == 4 and names == sorted(names, key=lambda n: n.partition("+")[2])
    assert name(Recorded(case=12, seq=6, event=Noted(at=at, text=""))) == "12:6"
