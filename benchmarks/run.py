"""Speed, beside the peers, in one run on one core. Ratios count; rates are of this machine.

    make bench                                     # some minutes
    make bench ARGS='--million --write'            # all, and the figures into docs/speed.md

What is measured of todoku is the whole command with its output (NDJSON to a file), start included.
A peer is measured in its own best light: inside one process, mails already in memory; the one that
the goal names also as todoku is, as a command that reads the folder and prints. Each figure is the
best of several, as whatever else a machine does only ever takes time.
"""

from __future__ import annotations

import argparse
import base64
import email
import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import corpus

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "speed.md"


class Row(NamedTuple):
    what: str
    figure: str
    beside: str = ""


class Done(NamedTuple):
    """One run of todoku."""

    seconds: float
    code: int
    peak: int
    """Bytes of memory."""


class Bench:
    """The figures of one run, told as they come."""

    def __init__(self, where: Path) -> None:
        self.where = where
        self.rows: list[Row] = []
        # An installed package has its bytecode; a checkout may not, or may not be let write it.
        self.environ = os.environ | {
            "LC_ALL": "C.UTF-8",
            "PYTHONPYCACHEPREFIX": str(where / "bytecode"),
            "PYTHONDONTWRITEBYTECODE": "",
        }

    def say(self, what: str, figure: str, beside: str = "") -> None:
        self.rows.append(Row(what, figure, beside))
        print(f"{what:<56} {figure:>18}  {beside}", flush=True)

    # ── todoku ────────────────────────────────────────────────────────────────────────────────

    def command(self, *words: str | Path) -> Done:
        return self.run("-m", "todoku", *words)

    def run(self, *words: str | Path) -> Done:
        """A Python with these words."""
        out = self.where / "out.ndjson"
        before = time.perf_counter()
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, *map(str, words)],
            self.environ,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 1, str(out), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            ],
        )
        _, status, usage = os.wait4(pid, 0)
        took = time.perf_counter() - before
        code = os.waitstatus_to_exitcode(status)
        if code not in {0, 1}:
            message = f"python {' '.join(map(str, words))} ended with {code}"
            raise SystemExit(message)
        scale = 1 if sys.platform == "darwin" else 1024
        return Done(took, code, usage.ru_maxrss * scale)

    def best(self, *words: str | Path, times: int = 5) -> float:
        return min(self.command(*words).seconds for _ in range(times))

    # ── what is measured ──────────────────────────────────────────────────────────────────────

    def start(self) -> float:
        one = self.where / "one.eml"
        one.write_bytes(corpus.mails()[0])
        self.command("diagnose", one)
        times = sorted(self.command("diagnose", one).seconds * 1000 for _ in range(21))
        bare = sorted(_timed([sys.executable, "-c", "0"]) * 1000 for _ in range(21))
        self.say(
            "one mail, cold start, ms: best, median, worst of 21",
            f"{times[0]:.0f}, {times[10]:.0f}, {times[-1]:.0f}",
            f"python itself: {bare[0]:.0f}, {bare[10]:.0f}, {bare[-1]:.0f}",
        )
        return times[0] / 1000

    def mails(self, number: int) -> None:
        folder = self.where / "mails"
        size = corpus.write_mails(folder, number)
        peer = Path(__file__).with_name("flufl_command.py")
        ours: list[float] = []
        theirs: list[float] = []
        for _ in range(5):  # by turns: what else the machine does falls on both
            ours.append(self.command("diagnose", "--json", folder).seconds)
            if len(theirs) < 3 and _has("flufl.bounce"):
                theirs.append(self.run(peer, folder).seconds)
        rate = number / min(ours)
        self.say("mails a second, whole command", f"{rate:,.0f}", f"{size // number:,} bytes each")
        if theirs:
            speed = number / min(theirs)
            self.say(
                "- flufl.bounce, as a command too",
                f"{speed:,.0f}",
                f"todoku: {rate / speed:.2f} times that",
            )
        some = [p.read_bytes() for p in sorted(folder.rglob("*.eml"))[:4000]]
        for name, reads in _python_peers():
            if reads is None:
                self.say(f"- {name}", "not installed")
                continue
            speed = max(_rate(reads, some) for _ in range(3))
            self.say(f"- {name}", f"{speed:,.0f}", f"todoku: {rate / speed:.2f} times that")

    def replies(self, number: int) -> None:
        path = self.where / "replies.ndjson"
        texts = corpus.distinct_replies(number)
        rows = ({"id": str(i), "text": t} for i, t in enumerate(texts))
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        rate = number / self.best("diagnose", "--json", path)
        self.say("distinct replies a second, whole command", f"{rate:,.0f}")
        speed, why = _node_peer(self.where, texts[:20_000])
        if speed:
            self.say(
                "- email-bounce-parser (node)",
                f"{speed:,.0f}",
                f"todoku: {rate / speed:.2f} times that",
            )
        else:
            self.say("- email-bounce-parser (node)", why)

    def big_mails(self, start: float) -> None:
        for megabytes in (5, 15, 30):
            path = self.where / "big.eml"
            path.write_bytes(big_mail(megabytes << 20))
            more = self.best("diagnose", path) - start
            self.say(f"a mail of {megabytes} MB, ms above the start", f"{more * 1000:.0f}")

    def million(self, number: int = 1_000_000) -> None:
        """A folder of hard links: memory must not grow with the number of mails."""
        folder = self.where / "million"
        link_mails(folder, self.where / "originals", number)
        done = self.command("diagnose", "--json", folder)
        self.say(
            f"a folder of {number:,} mails: peak memory, MB",
            f"{done.peak / 1e6:.0f}",
            f"{done.seconds:.0f} s, {number / done.seconds:,.0f} mails a second",
        )
        shutil.rmtree(folder)


def big_mail(size: int) -> bytes:
    """A bounce with an attachment of about `size` bytes behind it."""
    _, _, body = corpus.mails()[0].partition(b"\n\n")
    return (
        b"From: MAILER-DAEMON@a.example\nTo: b@a.example\nSubject: failed\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/mixed; boundary="q"\n\n--q\nContent-Type: text/plain\n\n'
        + body
        + b"\n--q\nContent-Type: application/zip\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(os.urandom(size * 54 // 73))
        + b"\n--q--\n"
    )


def link_mails(folder: Path, originals: Path, number: int) -> None:
    """`number` mails that take the place of 400."""
    corpus.write_mails(originals, 400)
    files = sorted(originals.rglob("*.eml"))
    for i in range(number):
        sub = folder / f"{i // 10_000:03d}"
        if i % 10_000 == 0:
            sub.mkdir(parents=True)
        (sub / f"{i:07d}.eml").hardlink_to(files[i % len(files)])


# ── peers ─────────────────────────────────────────────────────────────────────────────────────


def _python_peers() -> list[tuple[str, Callable[[bytes], object] | None]]:
    def optional(name: str) -> Any:
        try:
            return import_module(name)
        except ImportError:
            return None

    flufl, fast = optional("flufl.bounce"), optional("fast_mail_parser")

    def finds_addresses(mail: bytes) -> object:
        return flufl.scan_message(email.message_from_bytes(mail))

    def parses(mail: bytes) -> object:
        try:
            return fast.parse_email(mail)
        except fast.ParseError:  # the time was spent all the same
            return None

    return [
        ("stdlib email (parses, says nothing)", email.message_from_bytes),
        ("flufl.bounce (finds addresses alone)", finds_addresses if flufl else None),
        ("fast-mail-parser (parses, says nothing)", parses if fast else None),
    ]


def _has(name: str) -> bool:
    return find_spec(name.partition(".")[0]) is not None and find_spec(name) is not None


def _rate(work: Callable[[bytes], object], mails: list[bytes]) -> float:
    begin = time.perf_counter()
    for m in mails:
        work(m)
    return len(mails) / (time.perf_counter() - begin)


def _node_peer(where: Path, texts: list[str]) -> tuple[float, str]:
    """Replies a second of email-bounce-parser, where node and the registry are at hand."""
    if not shutil.which("npm"):
        return 0, "no npm here"
    home = where / "npm"
    home.mkdir()
    install = [
        "npm",
        "install",
        "--no-package-lock",
        "--no-audit",
        "--no-fund",
        "email-bounce-parser",
    ]
    if subprocess.run(install, cwd=home, capture_output=True, check=False).returncode:
        return 0, "cannot be installed"
    done = subprocess.run(
        ["node", str(ROOT / "benchmarks" / "peers.mjs"), str(home)],
        input="".join(json.dumps({"text": t}) + "\n" for t in texts).encode(),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        return 0, "does not start here"
    return len(texts) / float(json.loads(done.stdout)["seconds"]), ""


def _timed(words: list[str]) -> float:
    begin = time.perf_counter()
    subprocess.run(words, check=True)
    return time.perf_counter() - begin


# ── the page ──────────────────────────────────────────────────────────────────────────────────


def write(rows: list[Row], machine: str, name: str = "figures") -> None:
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    table = [f"{machine}.", "", "| what | figure | beside |", "| --- | ---: | --- |"]
    table += [f"| {' | '.join(row)} |" for row in rows]
    head, _, rest = PAGE.read_text("utf-8").partition(begin)
    _, _, tail = rest.partition(end)
    PAGE.write_text(f"{head}{begin}\n" + "\n".join(table) + f"\n{end}{tail}", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--mails", type=int, default=20_000)
    parser.add_argument("--replies", type=int, default=60_000)
    parser.add_argument("--million", action="store_true", help="also a folder of 1,000,000 mails")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/speed.md")
    options = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):  # what is started inherits it
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    machine = (
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, one core, "
        f"{time.strftime('%Y-%m-%d')}; {'the development corpus' if corpus.is_real() else 'the samples'}"
    )
    print(machine)
    with tempfile.TemporaryDirectory() as place:
        bench = Bench(Path(place))
        subprocess.run([sys.executable, "-m", "todoku.knowledge.warm"], check=True)
        if options.million:  # first: a child's peak counts what this process holds at its start
            bench.million()
        start = bench.start()
        bench.mails(options.mails)
        bench.replies(options.replies)
        bench.big_mails(start)
    if options.write:
        write(bench.rows, machine)
    lists = [sys.executable, str(Path(__file__).with_name("lists.py"))]
    subprocess.run([*lists, *["--write"] * options.write], check=False)


if __name__ == "__main__":
    main()
