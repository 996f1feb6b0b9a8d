"""A name server that is a table: `Table({("ours.jp", "TXT"): ["v=spf1 -all"]})`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from todoku.preflight.values import Asked


class Table:
    """Names that stand there exist; others do not. `None` as records: no answer."""

    def __init__(self, records: Mapping[tuple[str, str], Sequence[str] | None]) -> None:
        self.records = dict(records)
        self.asked: list[tuple[str, str]] = []

    def __call__(self, name: str, kind: str, /) -> Asked:
        self.asked.append((name, kind))
        found = self.records.get((name, kind), ())
        if found is None:
            return Asked(name=name, type=kind, outcome="unknown", why="timeout")
        if found:
            return Asked(name=name, type=kind, outcome="found", records=tuple(found), ttl=3600)
        known = any(n == name for n, _ in self.records)
        return Asked(name=name, type=kind, outcome="no-data" if known else "no-name", ttl=60)
