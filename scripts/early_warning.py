#!/usr/bin/env python3
"""Measure early warning on simulated months, and write the figures and the picture.

python scripts/early_warning.py              # print (some minutes)
python scripts/early_warning.py --write      # into docs/early-warning.md and docs/early-warning.svg
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.logs import months  # noqa: E402
from todoku.logs.change import look  # noqa: E402

PAGE, PICTURE = ROOT / "docs" / "early-warning.md", ROOT / "docs" / "early-warning.svg"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
SIZES = ((30, 0.02), (300, 0.02), (300, 0.1), (3000, 0.02))
WORLDS = 100
CHANGE = months.BEGIN + 7


def rows() -> list[str]:
    """The two tables."""
    head = " | ".join(f"{n:,} a day, {share:.0%}" for n, share in SIZES)
    out = [
        f"{WORLDS} months for each figure, {months.DAYS - months.BEGIN} evenings each.",
        "", f"| no block: false alarms per receiver and month | {head} |", "| --- |" + " ---: |" * len(SIZES),
    ]  # fmt: skip
    evenings = months.DAYS - months.BEGIN
    for name, world in months.CALM.items():
        cells = []
        for n, share in SIZES:
            total = sum(len(months.alarms(months.month(world, s, n, share))) for s in range(WORLDS))
            cells.append(f"{total / WORLDS * 30 / evenings:.3f}")
        out.append(f"| {name} | " + " | ".join(cells) + " |")
    out += ["", f"| block: days until it is told, median / 95 % (missed) | {head} |", "| --- |" + " ---: |" * len(SIZES)]  # fmt: skip
    for name, world in months.BLOCKED.items():
        cells = []
        for n, share in SIZES:
            found = [months.alarms(months.month(world, s, n, share)) for s in range(WORLDS)]
            days = sorted(next((a - CHANGE for a in f if a >= CHANGE), 999) for f in found)
            missed = days.count(999)
            told = [
                ("–" if d == 999 else str(d)) for d in (days[WORLDS // 2], days[WORLDS * 95 // 100])
            ]
            cells.append(f"{told[0]} / {told[1]} ({missed / WORLDS:.0%})")
        out.append(f"| {name} | " + " | ".join(cells) + " |")
    return out


def picture() -> str:
    """Four worlds: the share by day, and the days on which a warning stands."""
    out = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 760 400" font-family="sans-serif" font-size="12">',
        '<rect width="760" height="400" fill="#fff"/>',
    ]  # fmt: skip
    chosen = (*list(months.CALM.items())[3:5], *list(months.BLOCKED.items())[1:3])
    for k, (name, world) in enumerate(chosen):
        x0, y0 = 20 + k % 2 * 370, 30 + k // 2 * 190
        days = months.month(world, 7, 300, 0.04)
        most = max(0.1, *(d.refused / max(1, d.mails) for d in days))
        out.append(
            f'<text x="{x0}" y="{y0 - 8}" fill="#1b1f24">{name.replace("&", "&amp;")}</text>'
        )
        for d in days:
            high = 130 * d.refused / max(1, d.mails) / most
            on = d.day >= months.BEGIN and look(days[: d.day + 1], d.day).rise is not None
            colour = "#b3261e" if on else "#8894a0"
            out.append(
                f'<rect x="{x0 + d.day * 4.8:.1f}" y="{y0 + 130 - high:.1f}" width="4" height="{high:.1f}" fill="{colour}"/>'
            )
        out.append(
            f'<text x="{x0}" y="{y0 + 145}" fill="#57606a">70 days; at most {most:.0%} refused; red: warned</text>'
        )
    return "\n".join([*out, "</svg>", ""])


def main() -> None:
    told = rows()
    print("\n".join(told))
    if "--write" in sys.argv:
        PICTURE.write_text(picture())
        text = PAGE.read_text()
        before, _, rest = text.partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n" + "\n".join(told) + f"\n{END}{after}")


if __name__ == "__main__":
    main()
