"""Whose a host or domain is."""

from __future__ import annotations

import pytest

from todoku.knowledge.names import NameTable

TABLE = NameTable(
    [
        ("mx.example.com", 1),
        ("*.example.com", 2),
        ("mx?.example.net", 3),
        ("mx*.example.net", 4),
        ("*.in*.example.org", 5),
        ("mail.*", 6),
        ("*.sub.example.com", 7),
    ]
)


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("mx.example.com", 1),
        ("MX.Example.COM.", 1),
        ("mx2.example.com", 2),
        ("a.b.example.com", 2),
        ("a.sub.example.com", 7),
        ("example.com", None),
        ("mx1.example.net", 3),
        ("mx12.example.net", 4),
        ("mx.example.net", 4),
        ("a.mx1.example.net", None),
        ("a.b.in7.example.org", 5),
        ("in7.example.org", None),
        ("mail.co", 6),
        ("mail.co.uk", None),
        ("", None),
        ("x" * 300, None),
    ],
)
def test_the_most_exact_entry_wins(name: str, owner: int | None) -> None:
    assert TABLE.find(name) == owner
    assert TABLE.find(name) == owner, "and is remembered"


def test_memory_is_bounded() -> None:
    table = NameTable([("*.example.com", 1)])
    for i in range(10_000):
        assert table.find(f"h{i}.example.com") == 1
    assert len(table._known) <= NameTable._BOUND
    assert table.find("x" * 1_000_000 + ".example.com") is None
    assert max(map(len, table._known)) < 300, "what is no name is not remembered"
