"""Findings and answers for the tests of what is kept, and programs that share one file."""

from __future__ import annotations

import ipaddress
import subprocess
import sys
from pathlib import Path

from todoku.lists.history import rfc3339
from todoku.lists.sweeps import Sweep
from todoku.lists.values import Answer
from todoku.model import Finding, ListingState, Subject

NOW = 1_764_000_000.0
ZEN = "spamhaus-zen"
RESOLVER = "resolver 127.0.0.1:53"
NET = "10.77.0.0/16"
FIRST = int(ipaddress.ip_address("10.77.0.0"))


def finding(
    value: str = "192.0.2.1",
    state: ListingState = "listed",
    *,
    list_id: str = ZEN,
    at: float = NOW,
    codes: tuple[str, ...] | None = None,
    text: str | None = None,
    partial: bool = False,
    asked: str | None = "1.2.0.192.zen.example",
) -> Finding:
    if codes is None:
        codes = ("127.0.0.2",) if state == "listed" else ()
    return Finding(
        identity=Subject("ip", value),
        list=list_id,
        zone="zen.example",
        role="block",
        state=state,
        cause="timeout" if state == "unknown" else None,
        partial=partial,
        codes=codes,
        text=text,
        asked=asked,
        at=rfc3339(at),
    )


def answer(*addresses: str, ttl: int = 300, at: float = NOW, text: str | None = None) -> Answer:
    return Answer(
        rcode=0 if addresses else 3,
        addresses=addresses,
        text=text,
        ttl=ttl,
        asked="1.2.0.192.zen.example",
        server="127.0.0.1:53",
        took=0.0012,
        at=at,
    )


def found(sweep: Sweep, *places: int, code: str = "127.0.0.2", at: float = NOW) -> None:
    """These of `NET` are listed, by their place in it."""
    for place in places:
        address = str(ipaddress.ip_address(FIRST + place))
        sweep.found(
            FIRST + place,
            answer(code, at=at, text=f"see {place}"),
            finding(address, list_id=sweep.list, at=at, codes=(code,), text=f"see {place}"),
        )


def program(source: str, *arguments: str | Path) -> subprocess.Popen[str]:
    """Another process, with its output as lines."""
    return subprocess.Popen(
        [sys.executable, "-c", source, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


def output(process: subprocess.Popen[str]) -> list[str]:
    """What it printed; fails where it did."""
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    return out.splitlines()
