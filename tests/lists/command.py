"""`todoku check` as its user calls it: the real command, with a home of its own, watched so that it
cannot leave the machine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema

from tests.lists import guard

ROOT = Path(__file__).parent.parent.parent
SCHEMA = ROOT / "docs" / "reference" / "check.schema.json"


class Done(NamedTuple):
    """What came of a run."""

    code: int
    out: str
    err: str
    took: float
    """Seconds."""

    @property
    def findings(self) -> list[dict[str, Any]]:
        """The lines of `--json`."""
        return [json.loads(line) for line in self.out.splitlines()]

    def of(self, list_: str, identity: str | None = None) -> dict[str, Any]:
        """The one finding of this list."""
        found = [
            f
            for f in self.findings
            if list_ in (f["list"], f["zone"]) and identity in (None, f["identity"]["value"])
        ]
        assert len(found) == 1, f"{len(found)} findings of {list_} in:\n{self.out}\n{self.err}"
        return found[0]

    def state(self, list_: str, identity: str | None = None) -> tuple[str, str | None]:
        finding = self.of(list_, identity)
        return finding["state"], finding["cause"]


class Command:
    """`command("203.0.114.9", "--zone", "bl.test")` runs `todoku check --json`. `secrets` may
    stand in no output."""

    def __init__(self, folder: Path, cache: Path | None = None) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.report = folder / "outside"
        self.secrets: list[str] = []
        hook = folder / "hook"
        hook.mkdir(parents=True, exist_ok=True)
        shutil.copy(guard.__file__, hook / "sitecustomize.py")
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": str(hook),
            guard.REPORT: str(self.report),
            "TODOKU_GENERAL_DATA": str(self.data),
            "TODOKU_CACHE": str(cache or folder / "cache"),
        }

    def set(self, **settings: str) -> None:
        """`set(lists_keys="name=key")`: settings, by the environment."""
        self.environment |= {f"TODOKU_{name}".upper(): value for name, value in settings.items()}

    def start(self, *words: str, as_json: bool = True) -> subprocess.Popen[bytes]:
        """Started, and not waited for."""
        return subprocess.Popen(
            [sys.executable, "-m", "todoku", "check", *(["--json"] if as_json else []), *words],
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def __call__(
        self,
        *words: str,
        stdin: str = "",
        as_json: bool = True,
        timeout: float = 60,
    ) -> Done:
        start = time.monotonic()
        return self.end(self.start(*words, as_json=as_json), start, stdin, timeout, as_json)

    def end(
        self,
        process: subprocess.Popen[bytes],
        start: float,
        stdin: str = "",
        timeout: float = 60,
        as_json: bool = True,
    ) -> Done:
        """Waits for it, and holds what it said against what any output must be."""
        try:
            out, err = process.communicate(stdin.encode(), timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"it does not end: {err.decode(errors='replace')}") from None
        done = Done(process.returncode, out.decode(), err.decode(), time.monotonic() - start)
        assert "Traceback" not in done.err, done.err
        assert done.code != 70, done.err
        left = self.report.read_text() if self.report.exists() else ""
        assert not left, f"left the machine: {left}"
        for text in (done.out, done.err):
            assert_harmless(text)
            for secret in self.secrets:
                assert secret.lower() not in text.lower(), f"a key was shown in: {text}"
        if as_json:
            assert_schema(done.findings)
        return done


def named(*lists: str) -> list[str]:
    """The words that ask these lists alone."""
    return [word for name in lists for word in ("--list", name)]


def assert_harmless(text: str) -> None:
    """Nothing in it acts on a terminal or hides."""
    bad = {
        c for c in text if c != "\n" and unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    }
    assert not bad, f"{sorted(bad)!a} in {text[:2000]!a}"


def assert_schema(findings: Iterable[dict[str, Any]]) -> None:
    """Every line is as docs/reference says."""
    check = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    for finding in findings:
        check.validate(finding)
