"""The READMEs: the screen they show is the real one, and their links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize("name", ["README.md", "README.ja.md"])
def test_the_screen_is_real(name: str) -> None:
    text = (ROOT / name).read_text()
    m = re.search(r"^```\n\$ todoku (.+)\n((?:.*\n)+?)```$", text, re.M)
    assert m is not None
    run = subprocess.run(
        [sys.executable, "-m", "todoku", *m[1].split()],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "80", "NO_COLOR": "1", "TODOKU_CONFIG": os.devnull},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.rstrip() == m[2].rstrip()


@pytest.mark.parametrize(
    "page",
    [p.relative_to(ROOT).as_posix() for p in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]],
)
def test_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", text):
        assert ((ROOT / page).parent / target).exists(), f"{page} links to {target}"
