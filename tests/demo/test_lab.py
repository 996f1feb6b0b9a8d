"""`todoku lab` as a process, and another process, `todoku serve`, that lives in it."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

WAIT = 40.0
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[subprocess.Popen[str]] = []

    def begin(*words: str, **more: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "todoku", *words],
            env=os.environ | {"HOME": str(tmp_path)} | more,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        running.append(process)
        return process

    yield begin
    for process in reversed(running):
        if process.poll() is None:
            process.kill()
        process.communicate()


def standing(start: Start, folder: Path, *words: str) -> dict[str, Any]:
    lab = start("lab", "--json", "--folder", str(folder), *words)
    assert lab.stdout is not None
    found: dict[str, Any] = json.loads(lab.stdout.readline())
    return found


def test_serve_lives_in_it(start: Start, tmp_path: Path) -> None:
    """Its clock, its receiver's port, its list and its desk, by the settings file alone."""
    where = standing(start, tmp_path / "lab", "--speed", "20000")
    own = {"TODOKU_CONFIG": where["config"]}
    serve = start("serve", **own)
    assert serve.stderr is not None
    assert "at work" in serve.stderr.readline() or serve.poll() is None
    words = ("report", "x", "--to", "hotmail.test", "--who", "sato@hoge.test")
    assert start(*words, **own).wait(WAIT) == 0
    host, _, port = str(where["submission"]).rpartition(":")
    with smtplib.SMTP(host, int(port)) as door:
        mail = "Subject: x\r\n\r\nx\r\n"
        door.sendmail("postmaster@hoge.test", ["taro@hotmail.test"], mail)

    def shown() -> list[dict[str, Any]]:
        out, _ = start("case", "show", "1", "--json", **own).communicate(timeout=WAIT)
        return [json.loads(line) for line in out.splitlines()]

    until(lambda: "checked" in {e["event"] for e in shown()})
    (refused,) = [e for e in shown() if e["event"] == "refused"]
    assert refused["reply"]["text"].startswith("550 SC-001")
    (checked,) = [e for e in shown() if e["event"] == "checked"]
    assert [(f["list"], f["state"]) for f in checked["findings"]] == [("bl.lab.test", "not-listed")]

    fields = {"ips": "127.0.1.10", "contact": "postmaster@hoge.test", "domain": "hoge.test"}
    data = urllib.parse.urlencode(fields).encode()
    browser = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with browser.open(where["form"], data, timeout=WAIT) as page:
        assert page.status == 200
    # Days pass: the desk answers, the wait is over, probes prove it, the case is closed.
    until(lambda: "closed" in {e["event"] for e in shown()}, 120)
    told = shown()
    assert [e["about"] for e in told if e["event"] == "told" and e["who"] != "admin"] == [
        "opened", "resolved",
    ]  # fmt: skip
    assert next(e["why"] for e in told if e["event"] == "closed") == "resolved"
    serve.send_signal(signal.SIGTERM)
    assert serve.wait(WAIT) == 0


def until(true: Callable[[], object], wait: float = WAIT) -> None:
    end = time.monotonic() + wait
    while not true():
        assert time.monotonic() < end
        time.sleep(1)


def test_it_ends_when_told_and_cleans_up(start: Start, tmp_path: Path) -> None:
    lab = start("lab", "--lang", "en", TMPDIR=str(tmp_path))
    assert lab.stdout is not None
    assert lab.stdout.readline().startswith("The lab stands (scenario: straight")
    lab.send_signal(signal.SIGINT)
    assert lab.wait(WAIT) == 0
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith("todoku-lab")] == []


def test_two_stand_side_by_side(start: Start, tmp_path: Path) -> None:
    one = standing(start, tmp_path / "one")
    other = standing(start, tmp_path / "other")
    assert one["smtp_port"] != other["smtp_port"]


def test_an_unknown_scenario(start: Start) -> None:
    _, said = start("lab", "--scenario", "nothing", "--lang", "en").communicate(timeout=WAIT)
    assert "straight" in said
    assert "Nothing was started." in said
