"""Speed of `todoku logs`, beside pflogsumm, on a generated Postfix log, on one core.

    .venv/bin/python benchmarks/logs.py              # some minutes
    .venv/bin/python benchmarks/logs.py --write      # the figures into docs/logs.md

Both read the same file and take turns; the medians of their processor time are told, as a machine
does other things too. pflogsumm counts; todoku counts, and says of each refusal who refused, why and
by which list. The log comes from ../shared/tools/gen_maillog.py, or from --log FILE.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import pty
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "logs.md"
GENERATOR = ROOT.parent / "shared" / "tools" / "gen_maillog.py"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"


class Done(NamedTuple):
    """One run."""

    processor: float
    """Seconds, user and system."""
    clock: float
    """Seconds from its start to its end."""
    peak: int
    """Bytes."""


class Row(NamedTuple):
    what: str
    figure: str
    beside: str = ""


class Bench:
    def __init__(self, where: Path) -> None:
        self.where = where
        self.rows: list[Row] = []
        self.environ = os.environ | {
            "LC_ALL": "C.UTF-8",
            "PYTHONPYCACHEPREFIX": str(where / "bytecode"),
            "PYTHONDONTWRITEBYTECODE": "",
        }

    def say(self, what: str, figure: str, beside: str = "") -> None:
        self.rows.append(Row(what, figure, beside))
        print(f"{what:<52} {figure:>12}  {beside}", flush=True)

    def run(self, *words: str) -> Done:
        out = os.open(self.where / "out", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        before = time.perf_counter()
        pid = os.posix_spawn(
            words[0], words, self.environ, file_actions=[(os.POSIX_SPAWN_DUP2, out, 1)]
        )
        os.close(out)
        _, status, usage = os.wait4(pid, 0)
        if os.waitstatus_to_exitcode(status):
            raise SystemExit(f"{words} failed")
        scale = 1 if sys.platform == "darwin" else 1024
        took = time.perf_counter() - before
        return Done(usage.ru_utime + usage.ru_stime, took, usage.ru_maxrss * scale)

    def todoku(self, *words: str) -> Done:
        return self.run(sys.executable, "-m", "todoku", "logs", "--json", *words)

    # ── what is measured ──────────────────────────────────────────────────────────────────────

    def beside_pflogsumm(self, log: Path, lines: int, times: int) -> None:
        peer = shutil.which("pflogsumm")
        ours: list[Done] = []
        theirs: list[float] = []
        self.todoku(str(log))  # bytecode, compiled patterns
        for _ in range(times):
            ours.append(self.todoku(str(log)))
            if peer is not None:
                theirs.append(self.run(peer, str(log)).processor)
        seconds = median(d.processor for d in ours)
        self.say("seconds of processor, whole command", f"{seconds:.2f}", f"{lines:,} lines")
        self.say("lines a second", f"{lines / seconds:,.0f}")
        self.say("peak memory, MB", f"{max(d.peak for d in ours) >> 20}")
        if peer is None:
            print("pflogsumm is not here (Debian: apt-get install pflogsumm)")
            return
        them = median(theirs)
        self.say(
            "- pflogsumm, seconds of processor",
            f"{them:.2f}",
            f"todoku: {them / seconds:.2f} times as fast",
        )

    def counted_alike(self, log: Path) -> None:
        """Both must have read the same."""
        told = subprocess.run(
            [sys.executable, "-m", "todoku", "logs", "--json", str(log)],
            capture_output=True, env=self.environ, check=True,
        )  # fmt: skip
        summary = json.loads(told.stdout.partition(b"\n")[0])
        assert summary["understood"] == summary["lines"]
        rows = [json.loads(x) for x in told.stdout.splitlines()[1:]]
        refused = sum(x["count"] for x in rows if x["kind"] == "refusals")
        counted = summary["deliveries"]
        assert refused == counted["bounced"] + counted["deferred"]
        self.say("refused and deferred attempts", f"{refused:,}", f"{summary['groups']:,} kinds")

    def on_two_cores(
        self, what: str, run: Callable[..., Done], times: int, cores: set[int]
    ) -> None:
        """The clock's seconds, worth telling on a machine that does nothing else; and those of all
        processors together, which are told of any. `run` takes further words of the command."""
        if len(cores) < 2:
            return
        one, two = [], []
        for _ in range(times):
            os.sched_setaffinity(0, {min(cores)})
            one.append(run())
            os.sched_setaffinity(0, set(sorted(cores)[:2]))
            two.append(run("--engine", "local"))
        os.sched_setaffinity(0, {min(cores)})
        clocks, busy = (
            [median(getattr(d, field) for d in several) for several in (one, two)]
            for field in ("clock", "processor")
        )
        self.say(
            f"{what}, seconds of the clock: one core, two", f"{clocks[0]:.2f}, {clocks[1]:.2f}",
            f"{clocks[0] / clocks[1]:.2f} times as fast",
        )  # fmt: skip
        self.say("- seconds of processor, all processes", f"{busy[0]:.2f}, {busy[1]:.2f}")

    def first_result(self, log: Path, times: int) -> None:
        """From the start to the first figures, on a terminal that reads the whole log."""
        took = sorted(self._first(log) for _ in range(times))
        self.say(
            "first figures on a terminal, ms: best, median", f"{took[0]:.0f}, {median(took):.0f}"
        )

    def _first(self, log: Path) -> float:
        leader, follower = pty.openpty()
        before = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-m", "todoku", "logs", str(log)],
            stdout=subprocess.DEVNULL, stderr=follower, stdin=subprocess.DEVNULL, env=self.environ,
        ) as child:  # fmt: skip
            os.close(follower)
            os.read(leader, 1)
            took = (time.perf_counter() - before) * 1000
            child.kill()
        os.close(leader)
        return took


def generate(where: Path, lines: int) -> Path:
    if not GENERATOR.exists():
        raise SystemExit(f"{GENERATOR} is not here: name a log with --log")
    log = where / "mail.log"
    with log.open("wb") as out:
        words = [sys.executable, str(GENERATOR), "--lines", str(lines)]
        subprocess.run(words, stdout=out, check=True)
    return log


def lines_of(log: Path) -> int:
    with log.open("rb") as data:
        return sum(block.count(b"\n") for block in iter(lambda: data.read(1 << 20), b""))


def write(page: Path, rows: list[Row], how: str) -> None:
    """The figures into their place in a page; `how` they were measured, without a full stop."""
    before, _, rest = page.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    page.write_text(f"{before}{BEGIN}\n{table(rows, how)}{END}{after}")


def table(rows: list[Row], how: str) -> str:
    head = (
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, "
        f"{time.strftime('%Y-%m-%d')}; {how}.\n\n"
        "| what | figure | beside |\n| --- | ---: | --- |\n"
    )
    return head + "".join(f"| {r.what} | {r.figure} | {r.beside} |\n" for r in rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=7)
    parser.add_argument("--log", type=Path, help="a Postfix log to read instead of a generated one")
    parser.add_argument("--write", action="store_true", help="the figures into docs/logs.md")
    chosen = parser.parse_args()
    cores: set[int] = set()
    if hasattr(os, "sched_setaffinity"):
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(cores)})
    with tempfile.TemporaryDirectory(prefix="todoku-bench-") as folder:
        where = Path(folder)
        bench = Bench(where)
        log = chosen.log or generate(where, chosen.lines)
        bench.beside_pflogsumm(log, lines_of(log), chosen.times)
        bench.counted_alike(log)
        bench.on_two_cores(
            "whole command", lambda *words: bench.todoku(*words, str(log)), chosen.times, cores
        )
        bench.first_result(log, chosen.times)
        if chosen.write:
            how = f"one core, medians of processor time, {chosen.times} runs in turn"
            write(PAGE, bench.rows, how)


if __name__ == "__main__":
    main()
