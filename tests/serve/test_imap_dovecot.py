"""Mailboxes of a real Dovecot 2.3: answers of a desk move their case; the server is away, serve is
killed: nothing twice, nothing lost."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests import dovecot
from tests.dovecot import PASSWORD, USER, Dovecot
from tests.serve import oauthserver
from todoku import store
from todoku.cases import events as ev
from todoku.i18n import Sentence, say
from todoku.model import Identity
from todoku.serve.mailboxes.login import Login
from todoku.serve.mailboxes.oauth import Tokens
from todoku.serve.mailboxes.polling import Poller
from todoku.serve.mailboxes.trouble import LoginRefused, Trouble
from todoku.settings import Settings, load
from todoku.store import tables as t
from todoku.store.cases import Desk
from todoku.store.positions import Positions

pytestmark = [dovecot.needed, pytest.mark.slow]
WAIT = 40.0
ANSWER = (
    b"Authentication-Results: mx1.hoge.test; dmarc=pass header.from=css.one.microsoft.com\r\n"
    b"Received: from a by mx1.hoge.test with ESMTPS; Tue, 24 Nov 2026 01:40:00 +0000\r\n"
    b"From: Desk <x@css.one.microsoft.com>\r\nSubject: RE: SRX1234567890ID\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\nConditionally mitigated\r\n192.0.2.1\r\n"
    b"Mitigation may take 24 - 48 hours to replicate.\r\n"
)


def mail(n: int) -> bytes:
    return b"From: list@news.test\r\nSubject: number %d\r\n\r\ntext of %d\r\n" % (n, n)


class House:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.told: list[str] = []
        self.desk = Desk(store.connect(f"sqlite:///{folder}/data/todoku.db"))

    def settings(self, server: str, **given: str) -> Settings:
        values = {"server": server, "tls": "none", "user": USER, "authserv": "mx1.hoge.test"}
        values |= given or {"password": PASSWORD}
        lines = [
            '[general]\nlanguage = "en"\ndata = "data"\n[own]\naddresses = ["192.0.2.1"]',
            'helo = ["mx1.hoge.test"]\n[dns]\nresolver = "127.0.0.1:9"',
            '[mail]\nsender = "postmaster@hoge.test"\nrelay = "127.0.0.1:9"\n[mailbox.desk]',
            *(f'{key} = "{value}"' for key, value in values.items()),
        ]
        (self.folder / "todoku.toml").write_text("\n".join(lines), encoding="utf-8")
        return load(self.folder / "todoku.toml", environ={"HOME": str(self.folder)})

    def take(self, server: str, **given: str) -> int:
        settings = self.settings(server, **{"password": PASSWORD, **given})
        (box,) = settings.mailboxes
        return Poller(box, settings, self.desk, lambda: datetime.now(UTC), self.tell).take()

    def tell(self, sentence: Sentence, values: dict[str, object]) -> None:
        self.told.append(say(sentence, "en", **values))

    def count(self) -> int:
        with self.desk.engine.connect() as connection:
            return connection.execute(
                sa.select(sa.func.count()).select_from(t.messages)
            ).scalar_one()

    def bodies(self) -> list[bytes]:
        with self.desk.engine.connect() as connection:
            return list(connection.execute(sa.select(t.messages.c.body)).scalars())

    def case(self) -> int:
        now = datetime.now(UTC)
        place = ev.Place(id="microsoft-consumer")
        seen = ev.Reported(at=now, place=place, identities=(Identity("ip", "192.0.2.1"),))
        number = self.desk.see(seen)[0].case
        ticket = "SRX1234567890ID"
        asked = ev.Requested(at=now, by="me", ticket=ticket)
        self.desk.change(number, lambda _: (asked, ev.Acknowledged(at=now, ticket=ticket)))
        return number

    def names(self, number: int) -> list[str]:
        return [ev.name(recorded.event) for recorded in self.desk.history(number)]

    @contextmanager
    def serve(self) -> Iterator[subprocess.Popen[bytes]]:
        log = (self.folder / "serve.log").open("ab")
        with log:
            process = subprocess.Popen(
                [sys.executable, "-m", "todoku", "serve", "--config",
                 str(self.folder / "todoku.toml")],
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder), "LC_ALL": "C.UTF-8",
                     "TODOKU_CACHE": os.environ["TODOKU_CACHE"]},
                stderr=log,
            )  # fmt: skip
            try:
                yield process
            finally:
                process.kill()
                process.wait(WAIT)

    @property
    def log(self) -> str:
        return (self.folder / "serve.log").read_text(encoding="utf-8")


def until(true: Callable[[], object], seconds: float = WAIT) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.fixture
def place() -> Iterator[Path]:
    """A short path that other users may enter."""
    folder = Path(tempfile.mkdtemp(prefix="dc", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def server(place: Path) -> Iterator[Dovecot]:
    with dovecot.running(place / "d") as made:
        yield made


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    (tmp_path / "data").mkdir()
    made = House(tmp_path)
    yield made
    made.desk.engine.dispose()


def address(server: Dovecot) -> str:
    return f"127.0.0.1:{server.port}"


def test_a_desks_answer_moves_its_case(house: House, server: Dovecot) -> None:
    number = house.case()
    house.settings(address(server), password=PASSWORD, after="move", move_to="済み")
    server.put([mail(1), ANSWER])
    with house.serve() as process:
        until(lambda: "answered" in house.names(number))
        until(lambda: server.flags() == [])
        process.send_signal(signal.SIGTERM)
        assert process.wait(WAIT) == 0
    assert house.desk.case(number).state == "settling"
    assert len(server.flags(_utf7("済み"))) == 2
    with house.serve():
        time.sleep(2)
    assert house.names(number).count("answered") == 1
    assert "mailbox" not in house.log


def _utf7(name: str) -> str:
    from imap_tools.imap_utf7 import utf7_encode

    return utf7_encode(name).decode()


def test_the_server_is_killed_and_comes_back(house: House, server: Dovecot) -> None:
    server.put(mail(n) for n in range(50))
    assert house.take(address(server)) == 50
    server.kill()
    with pytest.raises(Trouble, match="cannot reach"):
        house.take(address(server))
    server.put(mail(n) for n in range(50, 90))
    server.start()
    assert house.take(address(server)) == 40
    assert house.take(address(server)) == 0
    assert house.count() == 90


def test_killed_in_the_middle_of_many(house: House, server: Dovecot) -> None:
    """5,000 after a day away; the server dies on the way, and what it handed over is kept."""
    server.put(mail(n) for n in range(5000))
    with server.client() as client:
        client.select(readonly=True)
    settings = house.settings(address(server), password=PASSWORD)
    (box,) = settings.mailboxes
    once: list[int] = []

    def taken() -> None:
        once.append(house.count())
        if len(once) == 5:
            server.kill()

    now = datetime.now(UTC)
    poller = Poller(box, settings, house.desk, lambda: now, house.tell, taken)
    with pytest.raises(Trouble):
        poller.take()
    assert once == [200, 400, 600, 800, 1000]
    server.start()
    start = time.monotonic()
    assert poller.take() == 4000
    assert time.monotonic() - start < 20
    assert house.count() == 5000
    assert len(once) == 25
    (looked,) = Positions(house.desk).all()
    assert looked.position.taken == 5000


@pytest.mark.parametrize("after", ["seen", "move"])
def test_serve_is_killed_again_and_again(house: House, server: Dovecot, after: str) -> None:
    """With SIGKILL, wherever it is: before the store, between store and mark, in a mark."""
    server.put(mail(n) for n in range(3000))
    house.settings(address(server), password=PASSWORD, after=after)
    for round_ in range(6):
        before = house.count()
        with house.serve():
            until(lambda before=before: house.count() > before or house.count() == 3000)  # type: ignore[misc]
            time.sleep(0.013 * round_)
    assert house.take(address(server), after=after) >= 0
    assert house.count() == 3000
    assert len(set(house.bodies())) == 3000
    if after == "seen":
        assert all("\\Seen" in flags for flags in server.flags())
    else:
        assert server.flags() == []
        assert len(server.flags("todoku")) == 3000, "moved once each"


def test_hostile_messages(house: House, server: Dovecot) -> None:
    hostile = [
        b"",
        b"\r\n",
        b"no header at all",
        b"Subject: one line\r\n\r\n" + b"x" * (10 << 20),
        b"Subject: nul \x00 nul\r\n\r\n\x00\x00\xff\r\n",
        b"From: \xff\xfe\r\nSubject: =?utf-8?B?" + b"A" * 100_000 + b"?=\r\n\r\nhi\r\n",
        b"a: b\r\n" * 50_000 + b"\r\nhi\r\n",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n" + b"--x\r\n" * 20_000,
        b"Subject: literal {5}\r\n\r\n* 1 FETCH (UID 9 BODY[] {3}\r\nabc)\r\n",
    ]
    number = house.case()
    server.put([*hostile, ANSWER])
    house.settings(address(server), password=PASSWORD)
    with house.serve():
        until(lambda: "answered" in house.names(number))
        until(lambda: house.count() == len(hostile) + 1)
    assert max(len(body) for body in house.bodies()) > 10 << 20
    assert house.desk.case(number).state == "settling"
    assert "mailbox" not in house.log


def test_numbered_anew(house: House, server: Dovecot) -> None:
    """The index is lost: other UIDs, another UIDVALIDITY."""
    server.put(mail(n) for n in range(20))
    house.take(address(server))
    server.stop()
    home = server.mail / USER
    for path in home.glob("dovecot*"):
        path.unlink()
    time.sleep(1.1)  # UIDVALIDITY is a time
    server.start()
    server.put([mail(20)])
    house.take(address(server))
    assert house.count() == 21
    (told,) = house.told
    assert "numbered the folder INBOX anew" in told


def test_words_of_a_real_server(house: House, server: Dovecot) -> None:
    where = address(server)
    with pytest.raises(LoginRefused, match=r"\[AUTHENTICATIONFAILED\]"):
        house.take(where, password="wrong")
    server.put([mail(1)], "Answers")
    with pytest.raises(Trouble, match=r"cannot open the folder INBOX/None.*There are: .*Answers"):
        house.take(where, folders="INBOX/None")
    assert house.take(where, folders="Answers") == 1
    with pytest.raises(Trouble, match="offers no STARTTLS"):
        house.take(where, tls="starttls")
    with pytest.raises(Trouble, match="does not speak TLS"):
        house.take(where, tls="tls")


def test_tls_is_verified(house: House, place: Path) -> None:
    with dovecot.running(place / "t", tls=True) as server:
        server.put([mail(1)])
        tls = f"localhost:{server.tls_port}"
        for where, how in ((tls, "tls"), (f"localhost:{server.port}", "starttls")):
            with pytest.raises(Trouble, match=r"certificate of .* cannot be verified"):
                house.take(where, tls=how)
            with pytest.raises(Trouble, match=r"cannot be verified \(IP address mismatch"):
                house.take(
                    where.replace("localhost", "127.0.0.1"),
                    tls=how,
                    ca_file=str(server.certificate),
                )
        assert PASSWORD not in server.log
        assert "Login" not in server.log
        assert house.take(tls, tls="tls", ca_file=str(server.certificate)) == 1
        where = f"localhost:{server.port}"
        assert house.take(where, tls="starttls", ca_file=str(server.certificate)) == 1
        assert house.count() == 1


def test_xoauth2(house: House, place: Path) -> None:
    """Dovecot asks the authorization server about the token."""
    with (
        oauthserver.Server() as oauth,
        dovecot.running(place / "o", introspection=f"{oauth.url}/introspect") as server,
    ):
        rules = house.folder / "knowledge" / "sign-in"
        rules.mkdir(parents=True)
        (rules / "test.toml").write_text(oauth.rules())
        server.put([mail(1)])
        settings = house.settings(address(server), sign_in="test", client_id="app")
        (box,) = settings.mailboxes
        Login(box, settings, time.time).sign_in().keep(Tokens("old", "r-1", 1e6))
        poller = Poller(box, settings, house.desk, lambda: datetime.now(UTC), house.tell)
        oauth.tokens = {"new": USER}
        oauth.answers = [oauthserver.tokens("new", "r-2", 1e6)]
        assert poller.take() == 1
        assert oauth.asked[0][1]["refresh_token"] == "r-1"
        oauth.tokens = {"new": "somebody-else@hoge.test"}
        oauth.answers = [oauthserver.tokens("new", "r-3", 1e6)]
        time.sleep(0.1)
        with pytest.raises(LoginRefused, match=r"whether it was desk@hoge\.test who signed in"):
            poller.take()
