"""What findings of lists come to: abuse and policy told apart, and what was not heard."""

from __future__ import annotations

import pytest

from tests.cli.check_world import COP, IP, LEVEL_2, PBL, TRUST, XBL, finding, unknown
from todoku.model import Finding
from todoku.preflight.checks import lists, neighbours
from todoku.preflight.running import policy_lists, with_lists

REQUIRED = frozenset({"known-zen", "cop"})
POLICY = frozenset({"known-zen", "dyna"})


def judged(*findings: Finding) -> dict[str, tuple[str, str, str | None]]:
    checks = lists.judge(IP, findings, REQUIRED, POLICY, "en")
    return {c.id: (c.state, c.finding, c.cause) for c in checks}


CLEAR = ("ok", "clear", None)
ROWS = [
    ((finding("known-zen"), finding("cop")), CLEAR, CLEAR),
    ((finding("known-zen", "listed", entries=(XBL,)),), ("bad", "listed", None), CLEAR),
    ((finding("known-zen", "listed", entries=(PBL,)),), CLEAR, ("bad", "listed", None)),
    (
        (finding("known-zen", "listed", entries=(XBL, PBL)),),
        ("bad", "listed", None),
        ("bad", "listed", None),
    ),
    (
        (finding("known-zen"), finding("range-2", "listed", entries=(LEVEL_2,))),
        ("warning", "wide", None),
        CLEAR,
    ),
    # Good news from an allow list is no listing, and hides none.
    (
        (
            finding("white", "listed", role="allow", entries=(TRUST,)),
            finding("known-zen", "listed", entries=(XBL,)),
        ),
        ("bad", "listed", None),
        CLEAR,
    ),
    # One that decides is not known: neither are we.
    (
        (unknown("cop", "timeout"), finding("known-zen")),
        ("unknown", "unknown", "unanswered"),
        CLEAR,
    ),
    # A listing wins over what is not known.
    (
        (unknown("cop", "timeout"), finding("known-zen", "listed", entries=(XBL,))),
        ("bad", "listed", None),
        CLEAR,
    ),
    # One that does not decide may be silent, where others were heard.
    ((unknown("dyna", "timeout"), finding("cop")), CLEAR, ("unknown", "none-told", "unanswered")),
    (
        (unknown("dyna", "timeout"),),
        ("unknown", "none-told", "unanswered"),
        ("unknown", "none-told", "unanswered"),
    ),
    # No list of the kind may be asked: that is not "on none of them".
    (
        (unknown("dyna", "not-permitted"), finding("cop")),
        CLEAR,
        ("unknown", "barred", "not-asked"),
    ),
    ((unknown("dyna", "no-key"), finding("cop")), CLEAR, ("unknown", "barred", "not-asked")),
    ((finding("cop"),), CLEAR, ("unknown", "none-asked", "not-asked")),
]


@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
def test_an_address(row: tuple[tuple[Finding, ...], object, object]) -> None:
    findings, abuse, policy = row
    assert judged(*findings) == {"lists": abuse, "policy-lists": policy}


def test_a_name_has_no_policy_check() -> None:
    checks = lists.judge("x.jp", [finding("known-dbl", who="x.jp")], REQUIRED, POLICY, "en")
    assert [(c.id, c.state) for c in checks] == [("lists", "ok")]
    (none,) = lists.judge("x.jp", [], REQUIRED, POLICY, "en")
    assert (none.state, none.cause) == ("unknown", "not-asked")


def test_the_way_out_is_told() -> None:
    check, _ = lists.judge(IP, [finding("cop", "listed", entries=(COP,))], REQUIRED, POLICY, "en")
    assert [d.text for d in check.details] == [
        "cop: spam was reported in the last days (127.0.0.2)"
    ]
    check, _ = lists.judge(
        IP, [finding("known-zen", "listed", entries=(XBL,))], REQUIRED, POLICY, "en"
    )
    assert [d.text for d in check.details] == [
        "known-xbl: infected machine or open proxy (127.0.0.4) https://known.example/remove"
    ]


def _around(bad: int, lost: int = 0) -> list[Finding]:
    found = [finding("cop", "listed", f"198.51.100.{n}", entries=(COP,)) for n in range(bad)]
    lost_ones = range(256 - lost, 256)
    return found + [unknown("cop", "timeout", f"198.51.100.{n}") for n in lost_ones]


@pytest.mark.parametrize(
    ("bad", "lost", "told"),
    [
        (0, 0, ("ok", "ok")),
        (12, 0, ("ok", "ok")),
        (13, 0, ("warning", "some")),
        (63, 0, ("warning", "some")),
        (64, 0, ("bad", "many")),
        (64, 192, ("bad", "many")),  # whatever the others are
        (16, 192, ("warning", "some")),  # at the least
        (0, 12, ("ok", "ok")),  # whatever the others are
        (0, 13, ("unknown", "few")),
        (12, 1, ("unknown", "few")),
        (0, 192, ("unknown", "few")),
        (0, 256, ("unknown", "few")),
    ],
)
def test_neighbours(bad: int, lost: int, told: tuple[str, str]) -> None:
    check = neighbours.judge(IP, "cop", _around(bad, lost), "en")
    assert (check.state, check.finding) == told
    assert check.map is not None
    assert len(check.map) == 256
    assert (check.map.count("X"), check.map.count("?")) == (bad, lost)


def test_neighbours_that_nobody_can_be_asked_about() -> None:
    assert neighbours.judge("2a0f::1", "cop", [], "en").finding == "six"
    assert neighbours.judge(IP, None, [], "en").finding == "no-list"


def test_the_package_s_own_knowledge() -> None:
    from todoku.knowledge.load import knowledge

    known = knowledge()
    assert "spamhaus-zen" in policy_lists(known)
    assert "spamcop" not in policy_lists(known)
    own = list(with_lists(known, "en").values())
    assert any("Outlook.com" in name for name in own)
    assert len(own) >= 5
