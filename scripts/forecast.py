#!/usr/bin/env python3
"""Measure the forecast on simulated worlds, and write the figures and the picture.

python scripts/forecast.py              # print (some minutes)
python scripts/forecast.py --write      # into docs/forecast.md and docs/forecast.svg
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.partners.simulated import ASSUMED, OTHERS, Figures, measure  # noqa: E402

PAGE, PICTURE = ROOT / "docs" / "forecast.md", ROOT / "docs" / "forecast.svg"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
WORLDS = 200
CURVES = {
    "as the model has it": "#2c8a53",
    "a third of the partners moved in mid-year": "#d79b00",
    "a third never names the list": "#b3261e",
}


def rows(found: Mapping[str, Figures]) -> list[str]:
    out = [
        f"{WORLDS} simulated years for each figure.", "",
        "| world | truth within the 80 % range | below / above it | width of the range, of all mail | forecast to truth | told 70 to 90 %: so many use the list |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]  # fmt: skip
    for name, f in found.items():
        part = [c for c in f.chances if 0.7 <= c[0] < 0.9]
        n = sum(k for *_, k in part)
        used = f"{sum(u * k for _, u, k in part) / n:.0%}" if n else "–"
        mean = f"{sum(c * k for c, _, k in part) / n:.0%}" if n else "–"
        bold = name in ASSUMED
        out.append(
            f"| {'**' if bold else ''}{name}{'**' if bold else ''} | {f.within:.0%} | {f.below:.0%} / {f.above:.0%} | "
            f"{f.width:.0%} | {f.ratio:.2f} | {used} (told {mean}) |"
        )
    return out


def picture(found: Mapping[str, Figures]) -> str:
    """Left: how often the truth lies within the range. Right: what was told of partners, and what was."""
    out = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 360" font-family="sans-serif" font-size="12" fill="#1b1f24">',
        '<rect width="860" height="360" fill="#fff"/>',
        '<text x="20" y="22">The truth lies within the stated 80 % range: in so many worlds of a hundred</text>',
    ]  # fmt: skip
    x0, wide = 290, 200
    out.append(f'<rect x="{x0 + 0.75 * wide:.0f}" y="34" width="{0.1 * wide:.0f}" height="{24 * len(found) + 4}" fill="#dbe9df"/>')  # fmt: skip
    for k, (name, f) in enumerate(found.items()):
        y = 40 + 24 * k
        colour = "#2c8a53" if name in ASSUMED else "#b3261e" if f.within < 0.7 else "#d79b00"
        out.append(f'<text x="{x0 - 8}" y="{y + 12}" text-anchor="end">{name}</text>')
        out.append(f'<rect x="{x0}" y="{y}" width="{wide * f.within:.1f}" height="15" fill="{colour}"/>')  # fmt: skip
        out.append(f'<text x="{x0 + wide * f.within + 5:.1f}" y="{y + 12}">{f.within:.0%}</text>')
    y = 62 + 24 * len(found)
    out.append(f'<text x="20" y="{y}" fill="#57606a">green: worlds as the model has them; others break one assumption each</text>')  # fmt: skip
    left, top, side = 580, 50, 240
    out.append(f'<text x="{left}" y="22">Partners of whom a chance was told,</text>')
    out.append(f'<text x="{left}" y="38">and how many of them use the list</text>')
    out.append(f'<rect x="{left}" y="{top}" width="{side}" height="{side}" fill="none" stroke="#8894a0"/>')  # fmt: skip
    out.append(f'<line x1="{left}" y1="{top + side}" x2="{left + side}" y2="{top}" stroke="#8894a0" stroke-dasharray="4 4"/>')  # fmt: skip
    for n, (name, colour) in enumerate(CURVES.items()):
        at = [(left + side * c, top + side * (1 - u)) for c, u, k in found[name].chances if k >= 10]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in at)
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in at]
        out.append(f'<text x="{left}" y="{top + side + 34 + 16 * n}" fill="{colour}">{name}</text>')
    out.append(f'<text x="{left}" y="{top + side + 15}" fill="#57606a">0 %</text>')
    out.append(f'<text x="{left + side}" y="{top + side + 15}" text-anchor="end" fill="#57606a">told: 100 %</text>')  # fmt: skip
    return "\n".join([*out, "</svg>", ""])


def main() -> None:
    found = {n: measure(w, range(WORLDS)) for n, w in {**ASSUMED, **OTHERS}.items()}
    told = rows(found)
    print("\n".join(told))
    if "--write" in sys.argv:
        PICTURE.write_text(picture(found))
        text = PAGE.read_text()
        before, _, rest = text.partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n" + "\n".join(told) + f"\n{END}{after}")


if __name__ == "__main__":
    main()
