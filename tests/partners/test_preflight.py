"""What the listings of a new address would cost, as preflight tells it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.partners.test_model import NOW, world
from todoku.cli.partners import costing
from todoku.knowledge import load
from todoku.model import Language
from todoku.partners.forecast import cost
from todoku.partners.keeping import Kept
from todoku.partners.summary import view
from todoku.partners.values import Evidence
from todoku.preflight.checks.cost import judge
from todoku.preflight.values import judge as verdict


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize(
    ("lists", "state", "finding"),
    [
        (["spamhaus-zen", "psbl"], "warning", "dear"),
        (["psbl"], "unknown", "unseen"),
        ([], None, None),
    ],
)
def test_what_is_told(
    lists: list[str], state: str | None, finding: str | None, lang: Language
) -> None:
    told = judge("192.0.2.9", cost([("192.0.2.9", x) for x in lists], {}, view(world()), NOW), lang)
    if state is None:
        assert told is None
        return
    assert told is not None
    assert (told.state, told.finding, len(told.details)) == (state, finding, len(lists))
    if state == "unknown":  # it leaves the verdict to the others
        assert told.cause == "unseen" and verdict([told]).verdict != "no-go"


def test_cheap_only_where_all_of_it_is_known() -> None:
    e = world()
    for key in [k for k, u in e.uses.items() if u.named]:
        e.uses[key] = e.uses[key]._replace(named=0, within=0, accepted=5)
    e.proofs.clear()
    v = view(e)
    told = judge("192.0.2.9", cost([("192.0.2.9", "spamhaus-zen")], {}, v, NOW), "en")
    assert told is not None and told.finding in {"ok", "dear"}
    both = [("192.0.2.9", "spamhaus-zen"), ("192.0.2.9", "psbl")]
    told = judge("192.0.2.9", cost(both, {}, v, NOW), "en")
    assert told is not None and told.state != "ok"


def test_where_nothing_was_learned(tmp_path: Path) -> None:
    knowledge = load.knowledge()
    assert costing(tmp_path, knowledge) is None
    with Kept.open(tmp_path):
        pass
    ask = costing(tmp_path, knowledge)
    assert ask is not None and ask([("192.0.2.9", "spamhaus-zen")]) == []
    with Kept.open(tmp_path) as kept, kept.learning() as step:
        step.add(world())
        step.add(Evidence())
    told = ask([("192.0.2.9", "psbl"), ("192.0.2.9", "spamhaus-zen")])
    assert [f.list for f in told] == ["spamhaus-zen", "psbl"]
    (tmp_path / "partners.db").write_bytes(b"damaged" * 1_000)
    assert ask([("192.0.2.9", "spamhaus-zen")]) == []
