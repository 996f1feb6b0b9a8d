"""Measures `todoku diagnose` on the labelled corpora, and compares with docs/accuracy.md.

    python scripts/accuracy.py              print the table, exit 1 if a figure fell
    python scripts/accuracy.py --write      put the figures into docs/accuracy.md
    python scripts/accuracy.py --misses F   every answer that differs from its label, as NDJSON

The measures are those of the corpora's own tool (tools/eval_diagnose.py beside them).
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "accuracy.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"

# What must be reached: (measure, share, what it says).
TARGETS = {
    "mail: recipient found": 0.99,
    "mail: reason": 0.985,
    "mail: reply code": 0.985,
    "mail: enhanced code": 0.985,
    "mail: not a bounce": 1.0,
    "evidence: reason": 0.95,
    "evidence: receiver": 0.96,
    "evidence: receiver code": 0.97,
    "evidence: blocked identity": 0.97,
    "evidence: blocklist": 0.95,
    "evidence: urls": 0.99,
    "evidence: stage": 0.95,
    "evidence: who acts": 0.85,
    "reply: understood": 0.96,
    "text: recipient": 0.98,
    "text: remote ip": 0.98,
    "text: reply code": 0.98,
}


class Figure(NamedTuple):
    hits: int
    of: int

    @property
    def share(self) -> float:
        return self.hits / self.of if self.of else 1.0


def corpora() -> Path | None:
    """The folder `shared` beside the checkout (or `TODOKU_SHARED`), where it is there."""
    places = [os.environ.get("TODOKU_SHARED", ""), str(ROOT.parent / "shared")]
    for place in filter(None, places):
        if (Path(place) / "corpora" / "bounces" / "truth.jsonl").exists():
            return Path(place)
    return None


def measure(shared: Path, misses: Path | None = None) -> dict[str, Figure]:
    """Run the tool; the figures by name, with the sums over the three hand-read sets added."""
    bounces = shared / "corpora" / "bounces"
    command = f"{sys.executable} -m todoku diagnose --json"
    args = [sys.executable, str(shared / "tools" / "eval_diagnose.py"), str(bounces), str(bounces)]
    args += ["--cmd", command]
    if misses:
        args += ["--misses", str(misses)]
    run = subprocess.run(args, capture_output=True, text=True, check=False)
    figures = {
        m[1]: Figure(int(m[2]), int(m[3]))
        for m in re.finditer(r"^(.+?): (\d+)/(\d+) = [\d.]+$", run.stdout, re.MULTILINE)
    }
    if not figures:
        sys.exit(f"the measuring tool gave no figures:\n{run.stdout}{run.stderr}")
    for name in [t for t in TARGETS if t.startswith("evidence: ")]:
        what = name.removeprefix("evidence: ")
        parts = [figures[k] for s in ("reply", "text", "mail+") if (k := f"{s}: {what}") in figures]
        figures[name] = Figure(sum(p.hits for p in parts), sum(p.of for p in parts))
    return figures


def kept() -> dict[str, Figure]:
    """The figures that docs/accuracy.md holds."""
    text = PAGE.read_text() if PAGE.exists() else ""
    return {
        m[1].strip(): Figure(int(m[2]), int(m[3]))
        for m in re.finditer(r"^\| (.+?) \| (\d+)/(\d+) \|", text, re.MULTILINE)
    }


def table(figures: dict[str, Figure]) -> str:
    rows = ["| measure | right | share | wanted |", "| --- | --- | --- | --- |"]
    for name, f in figures.items():
        wanted = f"{TARGETS[name]:.3f}" if name in TARGETS else ""
        rows.append(f"| {name} | {f.hits}/{f.of} | {f.share:.4f} | {wanted} |")
    return "\n".join(rows)


def fallen(figures: dict[str, Figure], before: dict[str, Figure]) -> list[str]:
    """Sentences about every figure below its target or below what is kept."""
    out = []
    for name, f in figures.items():
        if name in TARGETS and f.share < TARGETS[name]:
            out.append(f"{name} is {f.share:.4f}, wanted {TARGETS[name]}")
        old = before.get(name)
        if old and f.share < old.share - 1e-9:
            out.append(f"{name} fell from {old.hits}/{old.of} to {f.hits}/{f.of}")
    return out


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--misses", type=Path)
    options = parser.parse_args()
    shared = corpora()
    if shared is None:
        print("skipped: the corpora (../shared/corpora) are not on this machine")
        return 0
    figures = measure(shared, options.misses)
    print(table(figures))
    if options.write:
        text = PAGE.read_text()
        head, _, rest = text.partition(BEGIN)
        _, _, tail = rest.partition(END)
        PAGE.write_text(f"{head}{BEGIN}\n{table(figures)}\n{END}{tail}")
        return 0
    bad = fallen(figures, kept())
    for sentence in bad:
        print(sentence)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
