"""Evidence adds up in any order, and what was taken in twice counts once."""

from __future__ import annotations

from hypothesis import given, settings

from tests.partners import worlds
from todoku.partners.values import (
    FORGOTTEN,
    Evidence,
    Mail,
    MailKey,
    Origin,
    merge,
    recent,
    total,
    union,
)

FEW = settings(max_examples=40, deadline=None)


@given(worlds.evidence, worlds.evidence, worlds.evidence)
@FEW
def test_the_order_of_learning_does_not_matter(a: Evidence, b: Evidence, c: Evidence) -> None:
    assert merge(a, b) == merge(b, a)
    assert merge(merge(a, b), c) == merge(a, merge(b, c))
    assert merge(a, Evidence()) == a


@given(worlds.known, worlds.known, worlds.known)
@FEW
def test_the_order_of_merging_does_not_matter(
    a: dict[str, Origin], b: dict[str, Origin], c: dict[str, Origin]
) -> None:
    assert union(a, b) == union(b, a)
    assert union(union(a, b), c) == union(a, union(b, c))
    assert union(a, a) == a
    assert union(union(a, b), b) == union(a, b)


@given(worlds.known, worlds.known)
@FEW
def test_of_one_origin_the_later_copy_counts_alone(
    a: dict[str, Origin], b: dict[str, Origin]
) -> None:
    both = union(a, b)
    assert set(both) == {*a, *b}
    for id_, origin in both.items():
        assert origin in (a.get(id_), b.get(id_))
        assert all(origin.seq >= x[id_].seq for x in (a, b) if id_ in x)


def test_origins_add_up() -> None:
    key = MailKey("a.example", "mimecast", "", 2_960)
    known = {
        "0" * 16: Origin(1, Evidence({key: Mail(2, 1)}, first=5.0, last=7.0)),
        "1" * 16: Origin(9, Evidence({key: Mail(3, 0)}, first=1.0, last=6.0)),
    }
    assert total(known) == Evidence({key: Mail(5, 1)}, first=1.0, last=7.0)


@given(worlds.evidence, worlds.evidence)
@FEW
def test_what_is_old_goes_whatever_the_order(a: Evidence, b: Evidence) -> None:
    new = Evidence({MailKey("z.example", "", "", 2_960 + FORGOTTEN): Mail(1, 0)})
    left = recent(merge(merge(a, b), new))
    assert left == recent(merge(merge(new, b), a))
    assert all(k.week >= 2_960 for k in left.mail)
    assert set(left.proofs) <= {(k.domain, k.list) for k, u in left.uses.items() if u.named}
