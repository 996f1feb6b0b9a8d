"""How sure it is that a partner uses a list: what raises it, what lowers it, what is not known."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.partners import worlds
from todoku.partners import habits, model
from todoku.partners.forecast import cost, forecast
from todoku.partners.habits import family
from todoku.partners.judged import KINDS
from todoku.partners.model import HALF_LIFE, Shares, Told, chance, week
from todoku.partners.summary import view
from todoku.partners.values import WEEK, Evidence, Mail, MailKey, Proof, Use, UseKey

W = 2_960
NOW = float((W + 1) * WEEK)
ZEN = family("spamhaus-zen", {"spamhaus-xbl": "spamhaus-zen", "spamhaus-css": "spamhaus-zen"})


def partner(e: Evidence, domain: str, gate: str, *, use: Use | None = None, mails: int = 70, week: int = W - 1, list_: str = "spamhaus-zen") -> None:  # fmt: skip
    for n in range(10):
        e.mail[MailKey(domain, gate, "", W - n)] = Mail(mails, 0)
    if use is not None:
        e.uses[UseKey(domain, list_, week)] = use
        if use.named:
            e.proofs[domain, list_] = Proof(
                week * WEEK, week * WEEK, "blocked using zen", "RCPT TO"
            )
    e.first, e.last = float((W - 9) * WEEK), NOW


YES, NO = Use(3, 3, 0), Use(0, 0, 5)


def test_a_proof_ages_towards_the_share_of_its_gateway() -> None:
    weeks = [week(W, named=True)]
    at = [chance(weeks, 0.2, (W + n) * WEEK) for n in (0, round(HALF_LIFE), 20 * round(HALF_LIFE))]
    assert at[0] == pytest.approx(1.0)
    assert at[1] == pytest.approx(0.6, abs=0.01)
    assert at[2] == pytest.approx(0.2, abs=0.01)


def test_mail_that_is_taken_while_listed_speaks_against_it() -> None:
    assert chance([week(W, named=False)], 0.5, W * WEEK) < 0.06
    changed = [week(W - 9, named=True), *(week(W - n, named=False) for n in (3, 2, 1))]
    assert chance(changed, 0.5, W * WEEK) < 0.3
    assert chance([*changed, week(W, named=True)], 0.5, W * WEEK) == pytest.approx(1.0)


@given(
    st.lists(st.tuples(st.integers(1, 300), st.booleans()), max_size=12, unique_by=lambda x: x[0]),
    st.floats(0.001, 0.999), st.integers(0, 500),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_a_chance_is_one(seen: list[tuple[int, bool]], share: float, later: int) -> None:
    weeks = [week(w, named=named) for w, named in sorted(seen)]
    p = chance(weeks, share, (300 + later) * WEEK)
    assert 0.0 <= p <= 1.0
    if weeks:  # one more refusal that names it never makes it less likely
        assert chance([*weeks[:-1], weeks[-1] | 2], share, (300 + later) * WEEK) >= p - 1e-9  # fmt: skip


def test_gateways_tell_of_each_other() -> None:
    """Where all gateways seen are alike, one of which little is known is likely to be so, too."""
    alike = Shares({f"g{n}": Told(10, 0) for n in range(6)} | {"new": Told(1, 0)})
    mixed = Shares({f"g{n}": Told(10, 0) if n % 2 else Told(0, 10) for n in range(6)})
    assert alike.share("nobody knows") > mixed.share("nobody knows") + 0.2
    assert mixed.share("g1") > 0.9 and mixed.share("g2") < 0.1
    low, high = mixed.range("nobody knows")
    assert high - low > 0.6
    low, high = mixed.range("g1")
    assert high - low < 0.25


def test_draws_are_those_of_the_share() -> None:
    shares = Shares({"g": Told(6, 4), "h": Told(1, 9)})
    rng = random.Random(1)
    drawn = [shares.draw(rng, ("g", "new")) for _ in range(4_000)]
    for n, group in enumerate(("g", "new")):
        assert sum(d[n] for d in drawn) / len(drawn) == pytest.approx(shares.share(group), abs=0.02)


# ── what a listing would cost ─────────────────────────────────────────────────────────────────


def world() -> Evidence:
    e = Evidence()
    for n in range(4):
        partner(e, f"m{n}.example", "mimecast", use=YES)
    for n in range(4):
        partner(e, f"p{n}.example", "proofpoint", use=NO)
    partner(e, "m-quiet.example", "mimecast")
    partner(e, "p-quiet.example", "proofpoint")
    partner(e, "alone.example", "mx.alone.example.")
    return e


def test_kinds_of_partners() -> None:
    f = forecast(ZEN, view(world()), NOW)
    told = {part.kind: {r.domain for r in part.top} for part in f.parts}
    assert tuple(told) == KINDS
    assert told["proven"] == {f"m{n}.example" for n in range(4)}
    assert told["likely"] == {"m-quiet.example"}
    assert told["unlikely"] == {"p-quiet.example", *(f"p{n}.example" for n in range(4))}
    assert told["unknown"] == {"alone.example"}
    assert f.parts[3].top[0].chance is None
    assert f.mails_a_day == pytest.approx(110, rel=0.02)
    assert f.refused_a_day is not None and f.low is not None and f.high is not None
    assert f.low <= f.refused_a_day <= f.high
    assert 45 < f.refused_a_day < 65
    assert {s.gateway: round(s.yes) for s in f.shares} == {"mimecast": 4, "proofpoint": 0}


def test_nothing_seen_is_nothing_known() -> None:
    f = forecast(family("spamcop", {}), view(world()), NOW)
    assert [p.partners for p in f.parts] == [0, 0, 0, 11]
    assert f.refused_a_day is f.low is f.high is None
    assert all(p.refused_a_day is None for p in f.parts)
    empty = forecast(ZEN, view(Evidence()), NOW)
    assert empty.partners == 0 and empty.refused_a_day is None


def test_proofs_alone_say_nothing_of_others() -> None:
    """Where it is not known from which address mail left, nobody is seen not to use a list."""
    e = Evidence()
    for n in range(9):
        partner(e, f"m{n}.example", "mimecast", use=Use(3, 0, 0))
    partner(e, "m-quiet.example", "mimecast")
    f = forecast(ZEN, view(e), NOW)
    assert f.parts[0].partners == 9
    assert f.parts[3].partners == 1
    assert f.refused_a_day is None


def test_a_part_and_the_whole_are_one() -> None:
    e = world()
    partner(e, "xbl.example", "mx.xbl.example.", use=YES, list_="spamhaus-xbl")
    f = forecast(ZEN, view(e), NOW)
    row = next(r for r in f.parts[0].top if r.domain == "xbl.example")
    assert row.lists == ("spamhaus-xbl",)
    holds = {"spamhaus-xbl": "spamhaus-zen", "spamhaus-css": "spamhaus-zen"}
    xbl = forecast(family("spamhaus-xbl", holds), view(e), NOW)
    assert xbl.parts[0].partners == 5
    css = forecast(family("spamhaus-css", holds), view(e), NOW)
    assert "xbl.example" not in {r.domain for r in css.parts[0].top}


def test_no_list_is_claimed_without_a_sentence() -> None:
    e = world()
    e.proofs.clear()
    f = forecast(ZEN, view(e), NOW)
    assert f.parts[0].partners == 0
    assert not any(h.state == "proven" for hs in habits.habits(view(e), {}, NOW).values() for h in hs)  # fmt: skip


def test_the_dearest_listing_comes_first() -> None:
    e = world()
    partner(e, "big.example", "mx.big.example.", use=YES, list_="spamcop", mails=7_000)
    asked = [("192.0.2.1", "spamhaus-zen"), ("192.0.2.1", "psbl"), ("192.0.2.1", "spamcop")]
    assert [f.list for f in cost(asked, {}, view(e), NOW)] == ["spamcop", "spamhaus-zen", "psbl"]


def test_mail_from_one_address() -> None:
    e = world()
    e.mail[MailKey("m0.example", "mimecast", "192.0.2.1", W)] = Mail(70, 0)
    f = forecast(ZEN, view(e), NOW, identity="192.0.2.1")
    assert 0 < f.mails_a_day < 10
    (told,) = cost([("192.0.2.1", "spamhaus-zen")], {}, view(e), NOW)
    assert told.mails_a_day == f.mails_a_day
    (told,) = cost(
        [("192.0.2.9", "spamhaus-zen")], {}, view(e), NOW
    )  # not known which left from it
    assert told.mails_a_day > 100


@given(worlds.evidence)
@settings(max_examples=30, deadline=None)
def test_whatever_was_learned_something_is_told(e: Evidence) -> None:
    v = view(e)
    for list_ in ("spamhaus-zen", "spamcop", "psbl"):
        f = forecast(family(list_, {}), v, worlds.NOW)
        assert sum(p.partners for p in f.parts) == len(v.summary.partners) == f.partners
        if f.refused_a_day is not None:
            assert f.low is not None and f.high is not None and 0 <= f.low <= f.high
    for found in habits.habits(v, {}, worlds.NOW).values():
        for h in found:
            assert 0 <= h.chance <= 1
            assert (h.words is None) == (h.state == "accepts")


def test_mail_a_day_is_that_of_late() -> None:
    e = Evidence(first=float((W - 40) * WEEK), last=NOW)
    for n in range(40):
        e.mail[MailKey("a.example", "", "", W - n)] = Mail(700 if n < 20 else 7, 0)
    (p,) = view(e).summary.partners
    assert 75 < p.rate < 100
    assert p.mails == 700 * 20 + 7 * 20


def test_who_runs_it() -> None:
    e = Evidence(first=float((W - 9) * WEEK), last=NOW)
    for n in range(4):
        e.mail[MailKey(f"c{n}.example", "mx.hoster.example.", "", W)] = Mail(5, 0)
    e.mail[MailKey("alone.example", "mx.alone.example.", "", W)] = Mail(5, 0)
    # words named the product, the host's name did not
    e.mail[MailKey("told.example", "mx.told.example.", "", W)] = Mail(50, 0)
    e.mail[MailKey("told.example", "proofpoint", "", W)] = Mail(5, 5)
    # it went elsewhere long ago
    e.mail[MailKey("moved.example", "mimecast", "", W - 90)] = Mail(500, 0)
    e.mail[MailKey("moved.example", "mx.moved.example.", "", W)] = Mail(50, 0)
    found = {p.domain: (p.gate, p.group) for p in view(e).summary.partners}
    assert found["c0.example"] == ("mx.hoster.example.", "mx.hoster.example.")
    assert found["alone.example"] == ("mx.alone.example.", model.SELF)
    assert found["told.example"] == ("proofpoint", "proofpoint")
    assert found["moved.example"] == ("mx.moved.example.", model.SELF)
