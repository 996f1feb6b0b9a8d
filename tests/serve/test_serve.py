"""`todoku serve` as a process: it works, stops when told, and dies without harm."""

from __future__ import annotations

import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.serve.returned import SC_001, MailServer

WAIT = 30.0


class Relay:
    """A mail server that keeps what it takes. `slow`: seconds before it says that it did."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.slow = 0.0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        with client, client.makefile("rwb", buffering=0) as file:
            file.write(b"220 relay\r\n")
            for line in file:
                if line.startswith(b"DATA"):
                    file.write(b"354 go on\r\n")
                    body = b"".join(iter(file.readline, b".\r\n"))
                    self.mails.append(body)
                    time.sleep(self.slow)
                try:
                    file.write(b"250 ok\r\n")
                except OSError:
                    return

    def close(self) -> None:
        self._listening.close()


@pytest.fixture
def relay() -> Iterator[Relay]:
    made = Relay()
    yield made
    made.close()


@pytest.fixture
def environ(tmp_path: Path, relay: Relay) -> dict[str, str]:
    box = tmp_path / "mail"
    for part in ("tmp", "new", "cur"):
        (box / part).mkdir(parents=True)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "TODOKU_CACHE": os.environ["TODOKU_CACHE"],
        "LC_ALL": "C.UTF-8",
        "TODOKU_OWN_ADDRESSES": "127.0.0.1",
        "TODOKU_OWN_HELO": "mx1.hoge.test",
        "TODOKU_MAIL_RELAY": f"127.0.0.1:{relay.port}",
        "TODOKU_MAIL_SENDER": "postmaster@hoge.test",
        "TODOKU_MAIL_FOLDER": str(box),
        "TODOKU_MAIL_LOG": str(tmp_path / "mail.log"),
        "TODOKU_DNS_RESOLVER": "127.0.0.1:1",
    }


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(environ: dict[str, str]) -> Iterator[Start]:
    running: list[subprocess.Popen[str]] = []

    def begin(*words: str, **more: str) -> subprocess.Popen[str]:
        running.append(
            subprocess.Popen(
                [sys.executable, "-m", "todoku", *words],
                env=environ | more,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        )
        return running[-1]

    yield begin
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + WAIT
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def report(start: Start) -> None:
    words = ("report", "x", "--to", "hotmail.com", "--who", "sato@hoge.test")
    assert start(*words).wait(WAIT) == 0


def serving(start: Start) -> subprocess.Popen[str]:
    process = start("serve")
    assert process.stderr is not None
    assert process.stderr.readline().startswith("todoku: at work")
    return process


def shown(start: Start) -> str:
    return start("case", "show", "1").communicate(timeout=WAIT)[0]


def test_it_tells_who_reported_takes_in_a_bounce_and_stops_when_told(
    start: Start, relay: Relay, environ: dict[str, str]
) -> None:
    report(start)
    process = serving(start)
    until(lambda: relay.mails)
    bounce = Path(environ["TODOKU_MAIL_FOLDER"]) / "new" / "1.mail"
    server = MailServer(Path(environ["TODOKU_MAIL_LOG"]))
    bounce.write_bytes(server.refused("a@hotmail.com", SC_001.format("127.0.0.1")))
    until(lambda: "SC-001" in shown(start))
    until(lambda: "checked" in shown(start))
    assert not bounce.exists()
    process.send_signal(signal.SIGTERM)
    assert process.wait(WAIT) == 0
    assert process.stderr is not None and "stopped" in process.stderr.read()
    assert len(relay.mails) == 1
    assert b"Auto-Submitted: auto-generated" in relay.mails[0]


def test_an_order_wakes_it(start: Start, relay: Relay) -> None:
    """It looks every five seconds by itself."""
    serving(start)
    report(start)
    until(lambda: "told" in shown(start))
    events = start("case", "show", "1", "--json").communicate(timeout=WAIT)[0].splitlines()
    at = {e["event"]: datetime.fromisoformat(e["at"]) for e in map(json.loads, events)}
    assert at["told"] - at["reported"] < timedelta(seconds=2.5)
    assert len(relay.mails) == 1


def test_killed_it_leaves_a_socket_that_harms_nobody(start: Start, tmp_path: Path) -> None:
    path = tmp_path / ".local/share/todoku/serve.sock"
    process = serving(start)
    process.kill()
    process.wait(WAIT)
    assert path.is_socket()
    report(start)
    process = serving(start)
    report(start)
    process.send_signal(signal.SIGTERM)
    assert process.wait(WAIT) == 0
    assert not path.exists()
    assert shown(start).count("reported") == 2


def test_two_on_one_folder(start: Start) -> None:
    first = serving(start)
    second = start("serve")
    _, said = second.communicate(timeout=WAIT)
    assert second.returncode == 75
    assert f"(process {first.pid})" in said
    assert first.poll() is None


def test_killed_in_the_middle_of_a_word_it_is_not_said_twice(start: Start, relay: Relay) -> None:
    report(start)
    relay.slow = 5.0
    process = serving(start)
    until(lambda: relay.mails)
    process.kill()  # the relay has it, and todoku does not know
    process.wait(WAIT)
    relay.slow = 0.0
    serving(start)
    time.sleep(3)
    assert len(relay.mails) == 1
    assert "told" not in shown(start)


@pytest.mark.parametrize(
    ("unset", "said"), [("TODOKU_MAIL_SENDER", "[mail] sender"), ("TODOKU_OWN", "[own]")]
)
def test_settings_that_make_it_impossible(
    start: Start, environ: dict[str, str], unset: str, said: str
) -> None:
    for name in [n for n in environ if n.startswith(unset)]:
        del environ[name]
    process = start("serve")
    _, told = process.communicate(timeout=WAIT)
    assert process.returncode == 78
    assert said in told


def test_what_was_handed_over_by_ingest_and_by_lmtp_is_read(
    start: Start, environ: dict[str, str], tmp_path: Path
) -> None:
    """And put away from the spool: it is in the store."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = MailServer(Path(environ["TODOKU_MAIL_LOG"]))
    one, two = (server.refused(f"{n}@hotmail.com", SC_001.format("127.0.0.1")) for n in (1, 2))
    half = tmp_path / ".local/share/todoku/spool/tmp/half"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"written by a machine that died")
    os.utime(half, (0, 0))
    (tmp_path / "one.eml").write_bytes(one)
    assert start("ingest", str(tmp_path / "one.eml")).wait(WAIT) == 0
    process = start("serve", TODOKU_MAIL_LMTP=f"127.0.0.1:{port}")
    assert process.stderr is not None
    assert process.stderr.readline().startswith("todoku: at work")

    def sent() -> bool:
        try:
            with smtplib.LMTP("127.0.0.1", port) as talk:
                talk.sendmail("", ["bounces@hoge.test"], two.replace(b"\n", b"\r\n"))
        except OSError:
            return False
        return True

    until(sent)
    spool = tmp_path / ".local/share/todoku/spool"
    until(lambda: "2 times" in shown(start) or shown(start).count("SC-001") >= 2)
    assert [list((spool / part).iterdir()) for part in ("tmp", "new")] == [[], []]
    process.send_signal(signal.SIGTERM)
    assert process.wait(WAIT) == 0


def test_a_port_for_lmtp_that_is_taken(start: Start, relay: Relay) -> None:
    process = start("serve", TODOKU_MAIL_LMTP=f"127.0.0.1:{relay.port}")
    _, said = process.communicate(timeout=WAIT)
    assert process.returncode == 75
    assert "Nothing was started." in said


def test_a_spool_that_cannot_be_written(start: Start, relay: Relay, tmp_path: Path) -> None:
    """It is named, and not the port that has nothing to do with it."""
    (tmp_path / "file").write_text("no folder")
    spool = tmp_path / "file" / "spool"
    process = start(
        "serve", TODOKU_MAIL_SPOOL=str(spool), TODOKU_MAIL_LMTP=f"127.0.0.1:{relay.port}"
    )
    _, said = process.communicate(timeout=WAIT)
    assert process.returncode == 75
    assert str(spool) in said and "[mail] spool" in said
