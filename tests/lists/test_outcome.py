"""What a run comes to, as a table: findings, the lists that are required, the exit code."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.cli.check_world import COP, IP, JAPAN, LEVEL_2, PBL, TRUST, finding, unknown
from todoku.lists.outcome import Outcome, grade, weight
from todoku.lists.values import Clean, Target
from todoku.model import Finding, Subject

SINGLE = Target(given=IP, subject=Subject("ip", IP))
RANGE = Target(given="198.51.100.0/24", range="198.51.100.0/24")
HOST = Target(given="mx.a.example", subject=Subject("hostname", "mx.a.example"))

ABUSE = finding("cop", "listed", entries=(COP,))
POLICY = finding("known-zen", "listed", entries=(PBL,))
WIDE = finding("range-2", "listed", entries=(LEVEL_2,))
NOTED = finding("known-zen", entries=(JAPAN,))
GEO = finding("geo", entries=(JAPAN,))
GEO_LISTED = finding("geo", "listed", entries=(COP,))
GOOD = finding("white", entries=(TRUST,))
NO = finding("cop")
NO_ZEN = finding("known-zen")
LATE = unknown("known-zen", "timeout")
BOTH = finding("known-zen", "listed", entries=(LEVEL_2, PBL))

TABLE: list[tuple[str, list[Finding | Clean], set[str], list[Target], int]] = [
    ("every required list answers, none lists", [NO, NO_ZEN], {"cop", "known-zen"}, [SINGLE], 0),
    ("listed", [ABUSE, NO_ZEN], {"cop", "known-zen"}, [SINGLE], 2),
    ("listed at a list that is not required", [ABUSE, NO_ZEN], {"known-zen"}, [SINGLE], 2),
    ("listed by policy", [POLICY, NO], {"cop", "known-zen"}, [SINGLE], 2),
    ("only the range", [WIDE, NO, NO_ZEN], {"cop", "known-zen"}, [SINGLE], 1),
    ("range and policy in one answer", [BOTH, NO], {"cop", "known-zen"}, [SINGLE], 2),
    ("a list of information is a warning at most", [GEO_LISTED, NO], {"cop"}, [SINGLE], 1),
    ("information of a blocklist", [NOTED, NO], {"cop", "known-zen"}, [SINGLE], 1),
    ("countries have an entry for everybody", [GEO, NO], {"cop"}, [SINGLE], 0),
    ("but not where that list was named", [GEO], {"geo"}, [SINGLE], 1),
    ("an allow list is good news", [GOOD, NO], {"cop", "white"}, [SINGLE], 0),
    ("a required list is not known", [NO, LATE], {"cop", "known-zen"}, [SINGLE], 3),
    ("another one is not known", [NO, LATE], {"cop"}, [SINGLE], 0),
    ("listed wins over unknown", [ABUSE, LATE], {"cop", "known-zen"}, [SINGLE], 2),
    ("a range wins over unknown", [WIDE, NO, LATE], {"cop", "known-zen"}, [SINGLE], 1),
    ("information does not", [GEO, LATE, NO], {"geo", "known-zen", "cop"}, [SINGLE], 3),
    ("nothing was asked", [], {"cop"}, [SINGLE], 3),
    ("nothing is required", [NO], set(), [SINGLE], 3),
    ("nobody answers for one of two", [NO], {"cop"}, [SINGLE, HOST], 3),
    ("a range that is clean", [Clean(RANGE.given, "cop", "z", 256)], {"cop"}, [RANGE], 0),
    ("a range with one listed", [ABUSE, Clean(RANGE.given, "cop", "z", 255)], {"cop"}, [RANGE], 2),
    ("a range with one unknown", [LATE, Clean(RANGE.given, "known-zen", "z", 255)], {"known-zen"},
     [RANGE], 3),
    ("a range that only others answer for", [Clean(RANGE.given, "x", "z", 256)], {"cop"}, [RANGE], 3),
    ("a host name that only its address is asked for", [Clean(HOST.given, "cop", "z", 1)], {"cop"},
     [HOST], 0),
]  # fmt: skip


@pytest.mark.parametrize(("what", "events", "required", "targets", "code"), TABLE)
def test_exit_code(
    what: str,
    events: Sequence[Finding | Clean],
    required: set[str],
    targets: list[Target],
    code: int,
) -> None:
    for order in (events, list(reversed(events))):
        outcome = Outcome(frozenset(required))
        for event in order:
            if isinstance(event, Clean):
                outcome.clean(event)
            else:
                outcome.add(event)
        assert outcome.exit_code(targets) == code, what


def test_what_could_not_be_asked_about_is_not_known() -> None:
    outcome = Outcome(frozenset({"cop"}))
    outcome.add(NO)
    outcome.missing()
    assert outcome.exit_code([SINGLE]) == 3
    outcome.add(ABUSE)
    assert outcome.exit_code([SINGLE]) == 2


def test_grades() -> None:
    graded = [grade(f) for f in (ABUSE, POLICY, WIDE, GEO_LISTED, NOTED, GEO, GOOD, NO, LATE)]
    assert graded == [
        "listed", "listed", "wide", "wide", "noted", "noted", "clear", "clear", "unknown",
    ]  # fmt: skip


def test_weight_is_that_of_listings() -> None:
    assert weight((LEVEL_2, PBL, JAPAN)) == 3
    assert weight((TRUST,)) == 0
