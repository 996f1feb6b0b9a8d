"""A flood of bounces of one incident, taken by a real `todoku serve`: one case, one `refused` event with
its counts, bounded memory, and `case list` answers meanwhile. 100,000 of them: `benchmarks/intake.py`."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgres

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import intake as bench

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc"),
]

FEW, MANY = 5_000, 25_000
MOST = 180.0
"""MB that `serve` may take at its peak, Hyperscan's patterns and SQLite's cache included."""
GROWTH = 40.0
"""MB by which the peaks of few and many may differ: one batch at work beside the next."""
ANSWERS = 0.3
"""Seconds within which `case list` answers. Of several the best counts: other work may take the cores."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[bench.Serve]:
    """Only the log proves what comes back."""
    made = bench.Serve(tmp_path, signs=False)
    yield made
    made.stop()


def flood(serve: bench.Serve, first: int, number: int) -> list[float]:
    """How long `case list` took meanwhile."""
    from todoku.serve import spool

    for start in range(first, first + number, 500):
        spool.put(serve.spool, *map(bench.bounce, range(start, start + 500)))
    bench.send(serve.port, [b"Subject: lunch\r\n\r\nAt noon?\r\n"])  # now it looks into the spool
    times: list[float] = []
    until = time.monotonic() + 240
    while serve.waiting():
        assert time.monotonic() < until
        times.append(serve.command("case", "list")[0])
        time.sleep(0.3)
    return times


def counted(serve: bench.Serve) -> tuple[int, int, int]:
    """Cases, `refused` events, and what they and the tally count."""
    payloads = serve.told("SELECT payload, case_id FROM events WHERE event = 'refused'")
    tallies = serve.told("SELECT payload, case_id FROM tallies")
    counts = [json.loads(text).get("count", 1) for text, _ in (*payloads, *tallies)]
    return len({case for _, case in payloads}), len(payloads), sum(counts)


def test_one_case_with_one_event_in_bounded_memory(server: bench.Serve) -> None:
    server.log.write_bytes(bench.logged(MANY))
    flood(server, 0, FEW)
    few = server.peak()
    times = flood(server, FEW, MANY - FEW)
    assert counted(server) == (1, 1, MANY)
    assert server.peak() < min(MOST, few + GROWTH)
    assert len(times) > 3
    assert min(times) < ANSWERS
    flood(server, 0, FEW)  # the same again
    assert counted(server) == (1, 1, MANY)


def test_on_postgresql(tmp_path: Path) -> None:
    with postgres.server() as database:
        serve = bench.Serve(tmp_path, store=database.database())
        try:
            times = flood(serve, 0, FEW)
            assert counted(serve) == (1, 1, FEW)
            assert min(times) < 2 * ANSWERS
        finally:
            serve.stop()
