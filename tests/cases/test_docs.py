"""docs/cases.md says what the code does."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import get_args

from todoku.cases.due import REPEATABLE, ActionKind
from todoku.cases.events import WHYS, AnswerClass
from todoku.cases.records import KINDS
from todoku.cases.states import MOVES, WORST_FIRST

PAGE = (Path(__file__).parents[2] / "docs" / "cases.md").read_text()


def picture() -> dict[str, dict[str, str]]:
    """The state diagram as a table. An arrow from a box is one from each state in it."""
    lines = PAGE.partition("stateDiagram-v2\n")[2].partition("```")[0].splitlines()
    boxes: list[str] = []
    inside: dict[str, set[str]] = defaultdict(set)
    arrows = []
    for line in map(str.strip, lines):
        if line.startswith("state "):
            boxes.append(line.split()[1])
        elif line == "}":
            boxes.pop()
        elif arrow := re.fullmatch(r"(\S+) --> (\S+): (.+)", line):
            start, end, triggers = arrow.groups()
            arrows.append((start, end, triggers.split(", ")))
            # A state is in the box in which it is first named.
            for state in (start, end):
                if state in WORST_FIRST and not any(
                    state in members for members in inside.values()
                ):
                    for box in boxes:
                        inside[box].add(state)
    table: dict[str, dict[str, str]] = defaultdict(dict)
    for start, end, triggers in arrows:
        for state in inside.get(start, {start}):
            for trigger in triggers:
                assert state not in table[trigger], f"{state}: two arrows for {trigger}"
                if state != end:
                    table[trigger][state] = end
    return dict(table)


def rows(heading: str) -> dict[str, list[str]]:
    """The table below a heading: first cell, without its backticks, to the others."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    found = re.findall(r"^\| `([\w-]+)` \|(.*)\|$", section, re.M)
    return {first: [cell.strip() for cell in rest.split("|")] for first, rest in found}


def test_the_picture_is_the_table() -> None:
    assert picture() == {trigger: dict(moves) for trigger, moves in MOVES.items() if moves}


def test_every_state_is_explained() -> None:
    assert set(rows("States")) == set(WORST_FIRST)


def test_every_event_is_explained() -> None:
    events = rows("Events")
    assert list(events) == list(KINDS)
    assert re.findall(r"`([\w-]+)`", events["closed"][0])[1:] == list(WHYS)


def test_what_may_be_repeated_is_said() -> None:
    told = {
        kind: cells[-1]
        for kind, cells in rows("What todoku does, and what may be done twice").items()
    }
    assert set(told) == set(get_args(ActionKind)) == set(REPEATABLE)
    for kind, wait in REPEATABLE.items():
        expected = (
            "never"
            if wait is None
            else "yes"
            if not wait
            else f"after {wait.seconds // 3600} hours"
        )
        assert told[kind] == expected


def test_every_answer_has_its_place_in_the_table() -> None:
    assert {t.removeprefix("answered ") for t in MOVES if t.startswith("answered ")} == set(
        get_args(AnswerClass)
    )


def test_the_rules_know_no_store_no_clock_no_socket() -> None:
    code = """if True:
        import sys
        import todoku.cases.commands, todoku.cases.joining, todoku.cases.working
        print({"sqlalchemy", "asyncio", "socket", "sqlite3"} & set(sys.modules),
              [m for m in sys.modules if m.startswith(("todoku.store", "todoku.settings"))])
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set() []\n"
    folder = Path(__file__).parents[2] / "src" / "todoku" / "cases"
    for path in folder.glob("*.py"):
        found = re.search(
            r"\.now\(|time\.time|\bopen\(|import (os|random|time)\b", path.read_text()
        )
        assert found is None, f"{path.name}: {found}"
