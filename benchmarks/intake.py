"""Measures how bounces come in, with the real `todoku serve` on SQLite: by LMTP, through the spool, and a
flood of one incident with its memory and the time of `todoku case list` meanwhile. Beside it, what the
disk does by itself: such mails written one by one, each flushed.

    python benchmarks/intake.py [--mails 20000] [--flood 100000] [--log] [--write]

`--log`: bounces are proven by the mail log, line by line, instead of by a signed return path.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import hmac
import os
import platform
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import run  # noqa: E402  the neighbour, which writes the page

CLIENTS = 20
"""As many as a Postfix opens to one destination (default_destination_concurrency_limit)."""
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
        b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx1.hoge.test\r\n"
        b"X-Postfix-Queue-ID: 4JYSCK%07d\r\n\r\n"
        b"Final-Recipient: rfc822; user%d@hotmail.com\r\nAction: failed\r\nStatus: 5.7.1\r\n"
        b"Remote-MTA: dns; mx2.hotmail.com\r\nDiagnostic-Code: smtp; 550 SC-001 (BAY004-MC3F26) "
        b"Unfortunately, messages from 192.0.2.1 weren't sent.\r\n\r\n--b\r\n"
        b"Content-Type: message/rfc822\r\n\r\nFrom: sato@hoge.test\r\nMessage-ID: <%d@hoge.test>\r\n\r\n"
        b"%b--b--\r\n" % (n, n, n, n, body)
    )


def logged(number: int) -> bytes:
    """What Postfix's log says of the mails that came back."""
    head = time.strftime("%b %e %H:%M:%S mx1 postfix").encode()
    refused = (
        b"host mx2.hotmail.com[198.51.100.25] said: 550 SC-001 (BAY004-MC3F26) Unfortunately, messages "
        b"from 192.0.2.1 weren't sent. (in reply to MAIL FROM command)"
    )
    return b"".join(
        b"%b/cleanup[7]: 4JYSCK%07d: message-id=<%d@hoge.test>\n"
        b"%b/qmgr[8]: 4JYSCK%07d: from=<sato@hoge.test>, size=2500, nrcpt=1 (queue active)\n"
        b"%b/smtp[9]: 4JYSCK%07d: to=<user%d@hotmail.com>, relay=mx2.hotmail.com[198.51.100.25]:25, "
        b"delay=1, delays=0/0/0/1, dsn=5.0.0, status=bounced (%b)\n"
        b"%b/qmgr[8]: 4JYSCK%07d: removed\n" % (head, n, n, head, n, head, n, n, refused, head, n)
        for n in range(number)
    )


class Serve:
    """A `todoku serve` in a folder of its own."""

    def __init__(self, folder: Path, *, signs: bool = True, store: str | None = None) -> None:
        """`signs`: it knows the signature of our return paths. `store`: the URL of a PostgreSQL."""
        self.folder = folder
        self._store = store
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        (folder / "todoku.toml").write_text(
            '[general]\nlanguage = "en"\ndata = "data"\n'
            + (f'store = "{store}"\n' if store else "")
            + '[own]\naddresses = ["192.0.2.1"]\n'
            'domains = ["hoge.test"]\n[dns]\nresolver = "127.0.0.1:1"\n[mail]\n'
            f'sender = "postmaster@hoge.test"\nrelay = "127.0.0.1:1"\nlmtp = "127.0.0.1:{self.port}"\n'
            f'log = ["{folder / "mail.log"}"]\n' + (f'batv_keys = ["{KEY}"]\n' if signs else "")
        )
        self.log = folder / "mail.log"
        self.log.touch()
        self.spool = folder / "data" / "spool"
        self._config = ["--config", str(folder / "todoku.toml")]
        words = [sys.executable, "-m", "todoku", "serve", "--quiet", *self._config]
        with (folder / "said").open("wb") as said:
            self.process = subprocess.Popen(words, stderr=said)
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

    def waiting(self) -> bool:
        """Whether some are in the spool yet, or were kept and not read."""
        if any((self.spool / "new").iterdir()):
            return True
        return bool(self.told("SELECT 1 FROM messages WHERE handled_at IS NULL LIMIT 1"))

    def told(self, query: str) -> list[tuple[Any, ...]]:
        """By the database."""
        if self._store is not None:
            import psycopg

            with psycopg.connect(self._store) as server:
                return server.execute(query).fetchall()
        database = f"file:{self.folder / 'data' / 'todoku.db'}?mode=ro"
        with contextlib.closing(sqlite3.connect(database, uri=True, timeout=30)) as store:
            return store.execute(query).fetchall()

    def drain(self) -> None:
        while self.waiting():
            time.sleep(0.05)

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


def alone(folder: Path, number: int = 500) -> float:
    """Messages a second that the disk takes from one who waits for each."""
    folder.mkdir()
    begin = time.perf_counter()
    for n in range(number):
        file = os.open(folder / f"{n}.tmp", os.O_WRONLY | os.O_CREAT)
        os.write(file, bounce(n))
        os.fsync(file)
        os.close(file)
        (folder / f"{n}.tmp").rename(folder / str(n))
    return number / (time.perf_counter() - begin)


def send(port: int, mails: list[bytes]) -> None:
    """As Postfix does: one connection, the envelope's commands at once (RFC 2920), each mail when the
    one before it was acknowledged."""
    with socket.create_connection(("127.0.0.1", port)) as client, client.makefile("rb") as replies:

        def reply(wanted: bytes) -> None:
            while (line := replies.readline())[3:4] == b"-":
                pass
            if not line.startswith(wanted):
                raise SystemExit(f"the server said {line!r}")

        reply(b"220")
        client.sendall(b"LHLO mx1.hoge.test\r\n")
        reply(b"250")
        for mail in mails:
            client.sendall(b"MAIL FROM:<>\r\nRCPT TO:<bounces@hoge.test>\r\nDATA\r\n")
            for code in (b"250", b"250", b"354"):
                reply(code)
            client.sendall(mail + b".\r\n")  # no line of theirs begins with a dot
            reply(b"250")


def by_lmtp(serve: Serve, number: int) -> float:
    """Messages a second that were acknowledged."""
    mails = [bounce(n) for n in range(number)]
    threads = [
        threading.Thread(target=send, args=(serve.port, mails[n::CLIENTS])) for n in range(CLIENTS)
    ]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return number / (time.perf_counter() - begin)


def through_the_spool(
    serve: Serve, number: int, start: int
) -> tuple[float, float, list[tuple[float, float]]]:
    """Messages a second that are put into the spool; that `serve` reads and counts, from its first look
    there (it looks every five seconds); and what `case list` took meanwhile, once a second, each time
    beside that of a desk at which nothing happens."""
    from todoku.serve import spool

    mails = [bounce(n) for n in range(start, start + number)]
    begin = time.perf_counter()
    for first in range(0, number, 500):
        spool.put(serve.spool, *mails[first : first + 500])
    put = time.perf_counter() - begin
    del mails
    lain = sum(1 for _ in (serve.spool / "new").iterdir())
    while sum(1 for _ in (serve.spool / "new").iterdir()) == lain:
        time.sleep(0.01)
    begin = time.perf_counter()
    times: list[tuple[float, float]] = []
    quiet = ("--data", str(serve.folder / "quiet"))
    while serve.waiting():
        times.append((serve.command("case", "list")[0], serve.command("case", "list", *quiet)[0]))
        time.sleep(1)
    return number / put, number / (time.perf_counter() - begin), times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=10_000)
    parser.add_argument("--flood", type=int, default=100_000)
    parser.add_argument("--log", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    rows: list[run.Row] = []

    def say(what: str, figure: str, beside: str = "") -> None:
        rows.append(run.Row(what, figure, beside))
        print(f"{what:<62} {figure:>10}  {beside}", flush=True)

    with tempfile.TemporaryDirectory() as place:
        serve = Serve(Path(place), signs=not options.log)
        try:
            disk = alone(Path(place) / "alone")
            say("the disk: mails a second, written one by one, each flushed", f"{disk:,.0f}")
            if options.log:
                serve.log.write_bytes(logged(options.mails + options.flood))
            rate = by_lmtp(serve, options.mails)
            say("mails a second by LMTP, each on disk when acknowledged", f"{rate:,.0f}",
                f"{CLIENTS} connections, {len(bounce(1)):,} bytes each, serve reading meanwhile; "
                f"{rate / disk:.2f} times the disk's")  # fmt: skip
            serve.drain()
            put, read, times = through_the_spool(serve, options.flood, options.mails)
            say("mails a second into the spool, 500 at once", f"{put:,.0f}",
                f"{put / disk:.0f} times the disk's")  # fmt: skip
            say(f"a flood of {options.flood:,}: mails a second, until all are counted", f"{read:,.0f}",
                f"peak memory of serve: {serve.peak():.0f} MB")  # fmt: skip
            if times:
                here, quiet = (sorted(each) for each in zip(*times, strict=True))
                told = [f"{x[len(x) // 2] * 1000:.0f}, {x[-1] * 1000:.0f}" for x in (here, quiet)]
                say("todoku case list meanwhile, ms: median, worst", told[0],
                    f"at a desk where nothing happens: {told[1]}; {len(times)} times")  # fmt: skip
            ((cases, events),) = serve.told(
                "SELECT count(DISTINCT case_id), count(*) FROM events WHERE event = 'refused'"
            )
            say("cases and events that all of them became", f"{cases}, {events}")
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
