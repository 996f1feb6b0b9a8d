"""How far `todoku.diagnose` agrees with what a person read in refusals from the field.

python tests/field/measure.py                  the figures of both halves of the first sample
python tests/field/measure.py A                and every answer of half A that differs
python tests/field/measure.py second.jsonl A   the same for another sample
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import todoku
from todoku.model import Diagnosis

FIRST, SECOND = "replies.jsonl", "second.jsonl"
Row = dict[str, Any]


class Mark(NamedTuple):
    """One answer compared with one label."""

    id: str
    half: str
    measure: str
    right: bool
    wanted: Any
    got: Any


def rows(sample: str = FIRST) -> list[Row]:
    text = Path(__file__).with_name(sample).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def plain(value: object) -> str:
    return re.sub(r"\s+", "", str(value or "")).lower().strip("[]")


def marks(sample: str = FIRST) -> Iterator[Mark]:
    for row in rows(sample):
        found = [d for d in todoku.diagnose(row["text"].encode()) if d.kind != "not-a-bounce"]
        for measure, right, wanted, got in _compare(row, found[0] if found else None):
            yield Mark(row["id"], row["half"], measure, right, wanted, got)


def _compare(row: Row, d: Diagnosis | None) -> Iterator[tuple[str, bool, Any, Any]]:
    understood = d is not None and (d.reason != "undecided" or row["reason"] == "undecided")
    yield "understood", understood, row["reason"], d and d.reason
    reasons = [row["reason"], *row["reason_alt"]]
    yield "reason", d is not None and d.reason in reasons, reasons, d and d.reason
    if d is None:
        return
    receivers = [row["receiver"], *row["receiver_alt"]]
    if row["receiver"] or d.receiver:
        yield "receiver", d.receiver in receivers, receivers, d.receiver
    codes = [row["receiver_code"], *row["receiver_code_alt"]]
    if row["receiver_code"] or d.receiver_code:
        right = plain(d.receiver_code) in map(plain, codes)
        yield "receiver code", right, codes, d.receiver_code
    if row["blocked"] or d.blocked:
        named = {plain(b.value) for b in d.blocked}
        yield "blocked identity", _blocked(row, named), row["blocked"], sorted(named)
    if row["blocklist"] or d.blocklist:
        yield "blocklist", _blocklist(row, d), row["blocklist"], d.blocklist and d.blocklist.id
    for measure, wanted, got in (
        ("stage", row["stage"], d.stage),
        ("recipient", row["recipient"], d.recipient),
        ("remote host", row["remote_host"], d.remote.host),
    ):
        if wanted:
            yield measure, plain(wanted) == plain(got), wanted, got
    who = [row["who_acts"], *row["who_acts_alt"]]
    yield "who acts", d.who_acts in who, who, d.who_acts
    yield "temporary", d.temporary == row["temporary"], row["temporary"], d.temporary


def _blocked(row: Row, named: set[str]) -> bool:
    wanted = {plain(x) for x in row["blocked"]}
    others = [{plain(y) for y in (x if isinstance(x, list) else [x])} for x in row["blocked_alt"]]
    if named == wanted or named in others:
        return True
    return bool(named and others) and named <= wanted.union(*others)


def _blocklist(row: Row, d: Diagnosis) -> bool:
    wanted = [row["blocklist"], *row["blocklist_alt"]]
    if d.blocklist is None:
        return None in wanted
    names = [plain(n) for n in (d.blocklist.id, d.blocklist.zone) if n]
    return any(plain(w) in n or n in plain(w) for w in wanted if w for n in names)


def main(sample: str, half: str | None) -> None:
    score: dict[str, dict[str, list[int]]] = defaultdict(lambda: {"A": [0, 0], "B": [0, 0]})
    for mark in marks(sample):
        pair = score[mark.measure][mark.half]
        pair[0] += mark.right
        pair[1] += 1
        if mark.half == half and not mark.right:
            print(f"{mark.id} {mark.measure}: wanted {mark.wanted}, got {mark.got}")
    for measure, halves in score.items():
        figures = (f"{h} {n[0]}/{n[1]} = {n[0] / max(1, n[1]):.4f}" for h, n in halves.items())
        print(f"{measure:20} " + "   ".join(figures))


if __name__ == "__main__":
    arguments = sys.argv[1:]
    named = arguments and arguments[0].endswith(".jsonl")
    main(arguments.pop(0) if named else FIRST, arguments[0] if arguments else None)
