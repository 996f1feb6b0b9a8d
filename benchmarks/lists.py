"""Speed of `todoku check`, beside the peers, at one rbldnsd on loopback.

    make bench                                      # with all the others
    .venv/bin/python benchmarks/lists.py --write    # this alone, figures into docs/speed.md

All take turns in one run, and medians are told: a machine does other things too, and its mood
changes. todoku is measured as a whole command with start, SQLite and output; dnsperf by its own
figure; the Python peers inside one process, names prepared.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import run

HERE = Path(__file__).resolve().parent
NETS = [f"10.{second}.0.0/16" for second in range(77, 81)]
LISTED = 700
"""Of the first /16."""
ENTRIES = 200_000
ZONES = 100
ADNS_HOST = "127.77.0.1"
"""adns asks port 53 only."""


class Done(NamedTuple):
    """One run of the command."""

    seconds: float
    processor: float
    peak: int
    """Bytes."""
    lines: int


class Desk:
    """The server, and what is asked of it."""

    def __init__(self, where: Path, port: int, adns: bool) -> None:
        self.where = where
        self.port = port
        self.adns = adns
        self.environ = os.environ | {
            "LC_ALL": "C.UTF-8",
            "HOME": str(where),
            "XDG_CACHE_HOME": str(where / "cache"),
            "XDG_CONFIG_HOME": str(where / "config"),
            "PYTHONPYCACHEPREFIX": str(where / "bytecode"),
            "PYTHONDONTWRITEBYTECODE": "",
        }

    # ── todoku ────────────────────────────────────────────────────────────────────────────────

    def check(self, *words: str) -> Done:
        """Each time with nothing kept."""
        data, out = self.where / "data", self.where / "out.ndjson"
        shutil.rmtree(data, ignore_errors=True)
        command = [
            sys.executable,
            "-m",
            "todoku",
            "check",
            "--json",
            "--quiet",
            "--data",
            str(data),
        ]
        command += ["--server", f"127.0.0.1:{self.port}", "--rate", "unlimited", *words]
        begin = time.perf_counter()
        pid = os.posix_spawn(
            sys.executable,
            command,
            self.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 1, str(out), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            ],
        )
        _, status, usage = os.wait4(pid, 0)
        seconds = time.perf_counter() - begin
        if (code := os.waitstatus_to_exitcode(status)) not in {0, 2}:
            raise SystemExit(f"{' '.join(command)} ended with {code}")
        scale = 1 if sys.platform == "darwin" else 1024
        lines = out.read_bytes().count(b"\n")
        return Done(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * scale, lines)

    def sweep(self, nets: Sequence[str]) -> Done:
        done = self.check("--zone", "bl.test", "--only", "listed", *nets)
        if done.lines != LISTED:
            raise SystemExit(f"{done.lines} of {LISTED} were found")
        return done

    # ── peers: questions a second ─────────────────────────────────────────────────────────────

    def dnsperf(self, nets: Sequence[str]) -> float | None:
        if not shutil.which("dnsperf"):
            return None
        file = self.where / f"dnsperf-{len(nets)}"
        if not file.exists():
            file.write_text("".join(f"{name} A\n" for name in names(nets)))
        words = ["dnsperf", "-s", "127.0.0.1", "-p", str(self.port), "-d", str(file), "-n", "1"]
        told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        figures = dict(line.strip().split(":", 1) for line in told.splitlines() if ":" in line)
        return float(figures["Queries per second"])

    def adnshost(self, number: int) -> float | None:
        if not self.adns:
            return None
        text = "".join(f"{name}\n" for name in names(NETS[:1])[:number])
        config = f"nameserver {ADNS_HOST}"
        words = ["adnshost", "--config", config, "-a", "-t", "a", "-f"]
        begin = time.perf_counter()
        told = subprocess.run(words, input=text.encode(), capture_output=True).stdout
        seconds = time.perf_counter() - begin
        return (told.count(b" nxdomain ") + told.count(b" 0 ok ")) / seconds

    def python(self, way: str, asked: Sequence[str]) -> tuple[float, float, int]:
        """Seconds, those of the processor among them, and how many failed."""
        file = self.where / f"names-{way}"
        if not file.exists():
            file.write_text("\n".join(asked))
        words = [sys.executable, str(HERE / "lists_peers.py"), way, str(self.port), str(file)]
        done = subprocess.run(words, capture_output=True, check=True, env=self.environ)
        told = json.loads(done.stdout)
        return float(told["seconds"]), float(told["processor"]), int(told["failed"])


def names(nets: Sequence[str]) -> list[str]:
    """What is asked about all addresses of some /16, in the order of chance."""
    found = []
    for net in nets:
        first, second, *_ = net.split(".")
        found += [f"{d}.{c}.{second}.{first}.bl.test" for c in range(256) for d in range(256)]
    random.Random(16).shuffle(found)
    return found


@contextmanager
def server(where: Path) -> Iterator[Desk]:
    """rbldnsd with one big zone and a hundred small ones."""
    where.chmod(0o755)  # started by root it becomes another user
    dice = random.Random(77)
    head = ":127.0.0.2:listed, see https://bl.test/$\n127.0.0.2\n"
    with (where / "big").open("w") as big:
        big.write(head)
        for place in dice.sample(range(65_536), LISTED):
            big.write(f"10.77.{place >> 8}.{place & 255}\n")
        for _ in range(ENTRIES - LISTED):
            rest = ".".join(str(dice.randrange(256)) for _ in range(3))
            big.write(f"{dice.randrange(11, 224)}.{rest}\n")
    (where / "small").write_text(head + "10.77.0.1\n")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    adns = bool(shutil.which("adnshost")) and _may_bind(ADNS_HOST)
    words = ["rbldnsd", "-n", "-b", f"127.0.0.1/{port}", *(["-b", f"{ADNS_HOST}/53"] * adns)]
    words += ["bl.test:ip4set:big", *(f"z{i}.test:ip4set:small" for i in range(ZONES))]
    with (where / "rbldnsd.log").open("wb") as log:
        process = subprocess.Popen(words, cwd=where, stdout=log, stderr=log)
    try:
        _until_it_answers(port)
        yield Desk(where, port, adns)
    finally:
        process.terminate()
        process.wait()


def _may_bind(host: str) -> bool:
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind((host, 53))
    except OSError:
        return False
    return True


def _until_it_answers(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(("127.0.0.1", port))
        s.settimeout(0.2)
        question = b"\0\1\0\0\0\1\0\0\0\0\0\0\1z\2bl\4test\0\0\1\0\1"
        for _ in range(100):
            try:
                s.send(question)
                s.recv(512)
            except OSError:
                time.sleep(0.1)
            else:
                return
    raise SystemExit("rbldnsd does not answer")


def measure(desk: Desk, rounds: int) -> list[run.Row]:
    one, all_four = NETS[:1], NETS
    size = 65_536
    zones = [w for i in range(ZONES) for w in ("--zone", f"z{i}.test")]
    desk.check(*zones[:2], "10.77.0.1")  # bytecode and compiled knowledge
    # Before this process grows: a child is told to have had at least its parent's peak.
    lost = desk.check("--zone", "bl.test", "--only", "unknown", *all_four)
    if lost.lines:
        raise SystemExit(f"{lost.lines} of {4 * size} got no answer")
    peak = desk.sweep(all_four).peak
    small = names(one)
    figures: dict[str, list[float]] = {}

    def keep(what: str, figure: float | None) -> None:
        if figure is not None:
            figures.setdefault(what, []).append(figure)

    for _ in range(rounds):
        keep("dnsperf", desk.dnsperf(one))
        done = desk.sweep(one)
        keep("todoku", size / done.seconds)
        keep("processor", done.processor / size * 1e6)
        keep("dnsperf-4", desk.dnsperf(all_four))
        done = desk.sweep(all_four)
        keep("todoku-4", 4 * size / done.seconds)
        keep("adnshost", desk.adnshost(4_000))
        for way in ("pydnsbl", "aiodns"):
            seconds, processor, failed = desk.python(way, small[:20_000])
            keep(way, 20_000 / seconds)
            keep(f"{way}-processor", processor / 20_000 * 1e6)
            keep(f"{way}-failed", failed)
        seconds, _, failed = desk.python("engine", [f"1.0.77.10.z{i}.test" for i in range(ZONES)])
        keep("engine", seconds * 1000 if not failed else None)
        keep("command", desk.check(*zones, "10.77.0.1").seconds * 1000)
    return _rows(figures, peak)


def _rows(runs: dict[str, list[float]], peak: int) -> list[run.Row]:
    figures = {what: median(each) for what, each in runs.items()}

    def rate(what: str) -> str:
        return f"{figures[what]:,.0f}" if what in figures else "not here"

    def times(mine: str, peer: str, more: str = "") -> str:
        return (
            f"todoku: {figures[mine] / figures[peer]:.2f} times that{more}"
            if peer in figures
            else ""
        )

    def spread(peer: str) -> str:
        """It sends all at once; where the server's buffer overflows it waits for seconds."""
        return f"from {min(runs[peer]):,.0f} to {max(runs[peer]):,.0f}" if peer in runs else ""

    def more(way: str) -> str:
        """What it costs the processor, which other work on the machine changes little."""
        told = f"; {figures[f'{way}-processor']:.0f} µs of processor each"
        failed = figures[f"{way}-failed"]
        return told + (f"; {failed:.0f} of 20,000 failed" if failed else "")

    return [
        run.Row(
            "addresses a second, one /16, whole command",
            rate("todoku"),
            f"{figures['processor']:.1f} µs of processor each, start included",
        ),
        run.Row("- dnsperf (counts answers, by its own figure)", rate("dnsperf"), times("todoku", "dnsperf")),
        run.Row("- pydnsbl", rate("pydnsbl"), times("todoku", "pydnsbl", more("pydnsbl"))),
        run.Row("- aiodns, 200 under way", rate("aiodns"), times("todoku", "aiodns", more("aiodns"))),
        run.Row("- adnshost, 4,000 names at once", rate("adnshost"), spread("adnshost")),
        run.Row("addresses a second, four /16 in one run", rate("todoku-4"), f"peak {peak / 1e6:.0f} MB"),
        run.Row("- dnsperf", rate("dnsperf-4"), times("todoku-4", "dnsperf-4")),
        run.Row(
            f"one address at {ZONES} zones, whole command, ms",
            rate("command"),
            f"the engine alone: {figures['engine']:.0f}",
        ),
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--write", action="store_true", help="put the figures into docs/speed.md")
    options = parser.parse_args()
    if not shutil.which("rbldnsd"):
        raise SystemExit("rbldnsd is not installed: lists are not measured")
    cores = os.cpu_count() or 1
    if hasattr(os, "sched_setaffinity"):  # the other benchmark takes one core
        os.sched_setaffinity(0, range(cores))
    machine = (
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, "
        f"{cores} cores, {time.strftime('%Y-%m-%d')}; rbldnsd with {ENTRIES:,} entries, "
        f"medians of {options.rounds} runs in turn"
    )
    print(machine)
    with tempfile.TemporaryDirectory() as place, server(Path(place)) as desk:
        rows = measure(desk, options.rounds)
    for row in rows:
        print(f"{row.what:<56} {row.figure:>10}  {row.beside}")
    if options.write:
        run.write(rows, machine, "lists")


if __name__ == "__main__":
    main()
