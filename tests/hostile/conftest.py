"""The real command, as a stranger's input meets it."""

from __future__ import annotations

import os
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

Done = subprocess.CompletedProcess[bytes]
Run = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """`run("diagnose", path, stdin=...)`, with no settings and no longer than half a minute."""
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path / "home"),
        "TODOKU_CACHE": os.environ["TODOKU_CACHE"],
        "LC_ALL": "C.UTF-8",
        "TODOKU_PURE": "1",  # no database is built in the background of a test
    }

    def todoku(*words: str | bytes | Path, stdin: bytes = b"", **more: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "todoku", *words],
            input=stdin,
            capture_output=True,
            check=False,
            timeout=30,
            env=environ | more,
        )
        assert b"Traceback" not in done.stderr, done.stderr.decode(errors="replace")
        assert done.returncode != 70, done.stderr.decode(errors="replace")
        assert_harmless(done.stdout)
        assert_harmless(done.stderr)
        return done

    return todoku


def assert_harmless(output: bytes) -> None:
    """Valid UTF-8 in which nothing acts on a terminal or hides."""
    text = output.decode()
    bad = {
        c for c in text if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    }
    assert not bad, f"{sorted(bad)!a} in {text[:2000]!a}"
