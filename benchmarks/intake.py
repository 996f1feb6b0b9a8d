"""Measures how bounces come in, with the real `todoku serve` on SQLite: by LMTP, through the spool, and a
flood of one incident with its memory and the time of `todoku case list` meanwhile.

    python benchmarks/intake.py [--mails 20000] [--flood 100000] [--write]
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import os
import platform
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import run  # noqa: E402  the neighbour, which writes the page

CLIENTS = 8
KEY = "a key of the benchmark"
WARM = 15
"""Seconds that the first answer may take."""


def return_path() -> bytes:
    """Signed by our server (BATV): a bounce that comes there answers a mail of ours."""
    day = f"0{(int(time.time() // 86400) + 3) % 1000:03d}"
    sign = hmac.new(KEY.encode(), f"{day}sato@hoge.test".encode(), hashlib.sha1).hexdigest()[:6]
    return f"prvs={day}{sign}=sato@hoge.test".encode()


CAME_TO = return_path()


def bounce(n: int) -> bytes:
    """One of a flood: Postfix's report, with the letter that came back (some 3,400 octets)."""
    body = b"Dear Taro,\r\n" + b"we meet on Thursday as agreed.\r\n" * 60
    return (
        b"From: MAILER-DAEMON@mx1.hoge.test (Mail Delivery System)\r\nTo: " + CAME_TO + b"\r\n"
        b"Subject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        b"--b\r\nContent-Type: text/plain\r\n\r\n<user%d@hotmail.com>: host "
        b"mx2.hotmail.com[198.51.100.25] said: 550 SC-001 (BAY004-MC3F26) Unfortunately, messages from "
        b"192.0.2.1 weren't sent. (in reply to MAIL FROM command)\r\n--b\r\n"
        b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx1.hoge.test\r\n\r\n"
        b"Final-Recipient: rfc822; user%d@hotmail.com\r\nAction: failed\r\nStatus: 5.7.1\r\n"
        b"Remote-MTA: dns; mx2.hotmail.com\r\nDiagnostic-Code: smtp; 550 SC-001 (BAY004-MC3F26) "
        b"Unfortunately, messages from 192.0.2.1 weren't sent.\r\n\r\n--b\r\n"
        b"Content-Type: message/rfc822\r\n\r\nFrom: sato@hoge.test\r\nMessage-ID: <%d@hoge.test>\r\n\r\n"
        b"%b--b--\r\n" % (n, n, n, body)
    )


class Serve:
    """A `todoku serve` in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        (folder / "todoku.toml").write_text(
            '[general]\nlanguage = "en"\ndata = "data"\n[own]\naddresses = ["192.0.2.1"]\n'
            'domains = ["hoge.test"]\n[dns]\nresolver = "127.0.0.1:1"\n[mail]\n'
            f'sender = "postmaster@hoge.test"\nrelay = "127.0.0.1:1"\nlmtp = "127.0.0.1:{self.port}"\n'
            f'batv_keys = ["{KEY}"]\n'
        )
        self.spool = folder / "data" / "spool"
        self._config = ["--config", str(folder / "todoku.toml")]
        words = [sys.executable, "-m", "todoku", "serve", "--quiet", *self._config]
        self.process = subprocess.Popen(words, stderr=(folder / "said").open("wb"))
        until = time.monotonic() + WARM
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise
                time.sleep(0.05)
            else:
                break

    def waiting(self) -> int:
        return sum(1 for _ in (self.spool / "new").iterdir())

    def peak(self) -> float:
        """MB, of the process in its whole life."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(x for x in status.splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) / 1000

    def command(self, *words: str) -> tuple[float, str]:
        begin = time.perf_counter()
        full = [sys.executable, "-m", "todoku", *words, *self._config]
        done = subprocess.run(full, capture_output=True, text=True, check=True)
        return time.perf_counter() - begin, done.stdout

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)


def by_lmtp(serve: Serve, number: int) -> float:
    """Messages a second that were acknowledged."""
    mails = [bounce(n) for n in range(number)]

    def send(mine: list[bytes]) -> None:
        with smtplib.LMTP("127.0.0.1", serve.port) as client:
            for mail in mine:
                client.sendmail("", ["bounces@hoge.test"], mail)

    threads = [threading.Thread(target=send, args=(mails[n::CLIENTS],)) for n in range(CLIENTS)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return number / (time.perf_counter() - begin)


def through_the_spool(serve: Serve, number: int, start: int) -> tuple[float, float, list[float]]:
    """Messages a second until they lie in the spool, until `serve` has taken them out of it; and what
    `case list` took meanwhile."""
    from todoku.serve import spool

    times: list[float] = []
    begin = time.perf_counter()
    for first in range(start, start + number, 500):
        spool.put(serve.spool, *map(bounce, range(first, min(first + 500, start + number))))
    put = time.perf_counter() - begin
    while serve.waiting():
        times.append(serve.command("case", "list")[0])
    return number / put, number / (time.perf_counter() - begin), times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=10_000)
    parser.add_argument("--flood", type=int, default=100_000)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    rows: list[run.Row] = []

    def say(what: str, figure: str, beside: str = "") -> None:
        rows.append(run.Row(what, figure, beside))
        print(f"{what:<62} {figure:>10}  {beside}", flush=True)

    with tempfile.TemporaryDirectory() as place:
        serve = Serve(Path(place))
        try:
            rate = by_lmtp(serve, options.mails)
            say("mails a second by LMTP, each on disk when acknowledged", f"{rate:,.0f}",
                f"{CLIENTS} connections, {len(bounce(1)):,} bytes each, serve reading meanwhile")  # fmt: skip
            while serve.waiting():
                time.sleep(0.1)
            put, read, times = through_the_spool(serve, options.flood, options.mails)
            say("mails a second into the spool, 500 flushed at once", f"{put:,.0f}", "")
            say(f"a flood of {options.flood:,}: taken in, mails a second", f"{read:,.0f}",
                f"peak memory of serve: {serve.peak():.0f} MB")  # fmt: skip
            if times:
                times.sort()
                say("todoku case list meanwhile, ms: median, worst",
                    f"{times[len(times) // 2] * 1000:.0f}, {times[-1] * 1000:.0f}",
                    f"{len(times)} times")  # fmt: skip
            _, text = serve.command("case", "list")
            say("cases that the flood became", str(len(text.splitlines())), "")
        finally:
            serve.stop()
    if options.write:
        machine = (
            f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, "
            f"{os.cpu_count()} cores, SQLite, {time.strftime('%Y-%m-%d')}"
        )
        run.write(rows, machine, "intake")


if __name__ == "__main__":
    main()
