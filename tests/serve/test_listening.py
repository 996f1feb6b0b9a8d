"""The socket of a running `serve`: orders come in, and nothing that comes in can hurt it."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as trials
from hypothesis import strategies as st

from tests import postgres
from todoku import reading, settings
from todoku.cases import events as ev
from todoku.cases.records import Recorded
from todoku.diagnosis import Diagnoser
from todoku.errors import TodokuError
from todoku.i18n import Sentence
from todoku.knowledge import load
from todoku.knowledge import match as matching
from todoku.serve import giving, listening, opening, orders
from todoku.serve.executing import execute
from todoku.serve.listening import Listener
from todoku.serve.orders import Close, Report, fresh_id
from todoku.settings import Settings
from todoku.store import UnknownCase, Unreachable
from todoku.store.cases import Desk

ENVIRON = {"TODOKU_OWN_ADDRESSES": "192.0.2.1", "HOME": "/nonexistent"}
REFUSAL = b"550 SC-001 (BAY004-MC3F26) Unfortunately, messages from 192.0.2.1 weren't sent."


@pytest.fixture
def found(tmp_path: Path) -> Settings:
    return settings.load(None, tmp_path / "data", environ=ENVIRON)


@pytest.fixture
def desk(found: Settings) -> Iterator[Desk]:
    with opening.desk(found) as desk:
        yield desk


class Served:
    """A listener, and what it did."""

    def __init__(self, found: Settings, desk: Desk) -> None:
        self.found = found
        self.desk = desk
        self.woken = 0
        self.said: list[str] = []
        self.listener = listening.of(
            found,
            desk,
            Diagnoser(load.knowledge()),
            lambda: datetime.now(UTC),
            wake=self._wake,
            tell=self._tell,
        )

    def _wake(self) -> None:
        self.woken += 1

    def _tell(self, sentence: Sentence, values: dict[str, object]) -> None:
        self.said.append(sentence["en"].format(**values))

    def asked(self, order: orders.AnyOrder) -> bytes:
        house = orders.house(self.found)
        return msgspec.json.encode(orders.Asked(house=house, order=order)) + b"\n"

    def talk(self, line: bytes, *, end: bool = False) -> dict[str, Any] | None:
        """What it answers to some octets; `end`: no more will come."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(20)
            sock.connect(str(self.listener.path))
            if line:
                sock.sendall(line)
            if end:
                sock.shutdown(socket.SHUT_WR)
            came = b"".join(iter(lambda: sock.recv(65536), b""))
        return json.loads(came) if came else None

    def works(self) -> None:
        """It still takes an order."""
        recorded = giving.give(said(), self.found)
        assert recorded is not None and len(recorded) == 1


@pytest.fixture
def served(found: Settings, desk: Desk) -> Iterator[Served]:
    made = Served(found, desk)
    assert made.listener.start()
    yield made
    made.listener.stop()


def said(words: str = "x", **more: Any) -> Report:
    return Report(**({"id": fresh_id(), "words": words, "to": ("hotmail.com",)} | more))


def events(desk: Desk, number: int = 1) -> list[str]:
    return [ev.name(r.event) for r in desk.history(number)]


# Orders


def test_an_order_is_executed_and_serve_is_woken(served: Served) -> None:
    order = said("どうしましょうか?", refusal=REFUSAL, by="佐藤")
    recorded = giving.give(order, served.found)
    assert recorded == tuple(served.desk.history(1))
    assert events(served.desk) == ["reported", "refused", "diagnosed"]
    assert {r.event.source for r in recorded} == {f"order:{order.id}"}
    assert {r.event.by for r in recorded} == {"佐藤"}
    assert served.woken == 1
    close = Close(id=fresh_id(), by="root", case=1, why="gave-up", text="別の手段で")
    (closed,) = giving.give(close, served.found) or ()
    assert isinstance(closed.event, ev.Closed) and closed.event.text == "別の手段で"


def test_who_may_not_see_recipients_gets_none(served: Served) -> None:
    (recorded,) = giving.give(said("taro@hotmail.com へ届きません", by="sato"), served.found) or ()
    assert isinstance(recorded.event, ev.Reported)
    assert recorded.event.words == "t…@hotmail.com へ届きません"
    (stored,) = served.desk.history(1)
    assert isinstance(stored.event, ev.Reported)
    assert stored.event.words == "taro@hotmail.com へ届きません"


def test_what_cannot_be_done_is_said_in_both_languages(served: Served) -> None:
    with pytest.raises(giving.Refused) as caught:
        giving.give(Close(id=fresh_id(), case=9, why="gave-up"), served.found)
    direct = UnknownCase
    assert caught.value.exit_code == direct.exit_code == 66
    assert caught.value.text("ja").startswith("案件 9 はありません")
    assert caught.value.text("en").startswith("there is no case 9")
    assert served.said == []
    # Braces in what a person wrote are no places to fill.
    with pytest.raises(giving.Refused, match="no refusal was found"):
        giving.give(said("{0} {x}", refusal=b"{hello}"), served.found)


def test_many_at_once(served: Served) -> None:
    given_ = [said(f"n{number}") for number in range(40)]

    def give(order: Report) -> tuple[Recorded, ...]:
        def here() -> tuple[Recorded, ...]:
            with opening.desk(served.found) as desk:
                diagnoser = Diagnoser(load.knowledge())
                return execute(order, desk, lambda: diagnoser, served.found.own, datetime.now(UTC))

        return giving.done(order, served.found, here)

    with ThreadPoolExecutor(20) as pool:
        recorded = [each for done in pool.map(give, given_) for each in done]
    assert sorted(r.seq for r in recorded) == list(range(1, 41))
    assert {r.event.source for r in recorded} == {f"order:{o.id}" for o in given_}


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def on_either(
    request: pytest.FixtureRequest, found: Settings, tmp_path: Path
) -> Iterator[Settings]:
    """Settings with each kind of store."""
    if request.param == "sqlite":
        yield found
        return
    with postgres.server() as server:
        environ = ENVIRON | {"TODOKU_GENERAL_STORE": server.database()}
        yield settings.load(None, tmp_path / "data", environ=environ)


def test_the_same_orders_by_serve_and_by_the_command_at_once(on_either: Settings) -> None:
    """As after a `serve` that woke from a long sleep. Each is done once, and both say the same."""
    given_ = [said(f"n{number}", refusal=REFUSAL) for number in range(8)]
    knowledge = load.knowledge()

    def here(order: Report) -> tuple[Recorded, ...]:
        diagnoser = Diagnoser(knowledge, scan=matching.pure(knowledge))
        own, now = on_either.own, datetime.now(UTC)
        return execute(order, other, lambda: diagnoser, own, now)

    with (
        opening.desk(on_either) as desk,
        opening.desk(on_either) as other,
        Served(on_either, desk).listener,
        ThreadPoolExecutor(8) as pool,
    ):
        by_serve = [pool.submit(giving.give, order, on_either) for order in given_]
        by_command = [pool.submit(here, order) for order in given_]
        for one, two in zip(by_serve, by_command, strict=True):
            assert one.result(60) == two.result(60) != ()
        recorded = desk.history(1)
    assert [ev.name(r.event) for r in recorded].count("reported") == len(given_)
    refusals = sum(r.event.count for r in recorded if isinstance(r.event, ev.Refused))
    assert refusals == len(given_)


def test_the_worker_diagnoses_meanwhile(served: Served) -> None:
    """With a scanner that serves one thread."""
    diagnose = Diagnoser(load.knowledge())
    refusals = list(reading.read(REFUSAL)) * 20
    over = threading.Event()

    def work() -> int:
        times = 0
        while not over.is_set():
            times += 1
            assert {diagnose(refusal).receiver_code for refusal in refusals} == {"SC-001"}
        return times

    with ThreadPoolExecutor(1) as pool:
        working = pool.submit(work)
        try:
            for number in range(20):
                order = said(f"{number}", refusal=REFUSAL)
                assert len(giving.give(order, served.found) or ()) == 3
        finally:
            over.set()
        assert working.result(20) > 1
    assert served.said == []


@pytest.mark.parametrize(
    "order",
    [
        said(),
        said("", refusal=REFUSAL),
        said(refusal=REFUSAL, who="sato@hoge.test", name="佐藤", lang="ja"),
        Close(id=fresh_id(), case=1, why="gave-up"),
    ],
    ids=["words", "refusal", "both", "close"],
)
def test_an_order_is_done_once_by_whomever(served: Served, order: orders.AnyOrder) -> None:
    served.works()
    first = giving.give(order, served.found)
    whole = served.desk.history(1)
    assert first and giving.give(order, served.found) == first
    diagnoser = Diagnoser(load.knowledge())
    now = datetime.now(UTC)
    assert execute(order, served.desk, lambda: diagnoser, served.found.own, now) == first
    assert served.desk.history(1) == whole


def test_a_serve_with_other_settings_passes(served: Served, tmp_path: Path) -> None:
    environ = ENVIRON | {"TODOKU_OWN_ADDRESSES": "192.0.2.1,192.0.2.2"}
    changed = settings.load(None, tmp_path / "data", environ=environ)
    assert giving.give(said(), changed) is None
    assert served.desk.rows() == []
    assert served.woken == 0


def test_what_is_too_long_for_a_line_is_not_sent(served: Served) -> None:
    assert giving.give(said(refusal=b"x" * orders.LONGEST), served.found) is None
    assert giving.give(said("\ud83d"), served.found) is None
    assert giving.give(Close(case=10**30), served.found) is None


def test_a_fault_ends_one_order_and_no_more(found: Settings, tmp_path: Path) -> None:
    told = []

    def do(_order: orders.AnyOrder) -> tuple[Recorded, ...]:
        raise ZeroDivisionError("so")

    with Listener(
        tmp_path / "data" / orders.SOCKET, do, orders.house(found),
        tell=lambda sentence, values: told.append(sentence["en"].format(**values)),
    ):  # fmt: skip
        for _ in range(2):
            assert giving.give(said(), found) is None
    assert len(told) == 2 and "ZeroDivisionError: so" in told[0]


# What strangers and broken programs send

HOSTILE: dict[str, bytes] = {
    "nothing": b"\n",
    "no JSON": b"GET / HTTP/1.1\r\n",
    "no object": b"[1, 2]\n",
    "empty object": b"{}\n",
    "no Unicode": b'{"v": 1, "house": "\xff\xfe"}\n',
    "NUL": b"\x00" * 1000 + b"\n",
    "deep": b"[" * 100_000 + b"\n",
    "deep order": b'{"v":1,"house":"HOUSE","order":' + b'{"do":' * 50_000 + b"\n",
    "another version": b'{"v":2,"house":"HOUSE","order":{"do":"close","case":1}}\n',
    "unknown order": b'{"v":1,"house":"HOUSE","order":{"do":"burn","case":1}}\n',
    "unknown field": b'{"v":1,"house":"HOUSE","order":{"do":"close","case":1,"x":1}}\n',
    "no number": b'{"v":1,"house":"HOUSE","order":{"do":"close","case":"1"}}\n',
    "number too big": b'{"v":1,"house":"HOUSE","order":{"do":"close","case":' + b"9" * 99 + b"}}\n",
    "an id of its own": b'{"v":1,"house":"HOUSE","order":{"do":"close","case":1,"id":"action:1"}}\n',
    "two lines in an address": b'{"v":1,"house":"HOUSE","order":{"do":"report","words":"x",'
    b'"to":["hotmail.com"],"who":"a@b.test\\r\\nDATA"}}\n',
    "no domain": b'{"v":1,"house":"HOUSE","order":{"do":"report","words":"x","to":["a b"]}}\n',
    "no base64": b'{"v":1,"house":"HOUSE","order":{"do":"report","refusal":"***"}}\n',
}  # fmt: skip


@pytest.mark.parametrize("line", HOSTILE.values(), ids=HOSTILE)
def test_what_is_no_order_is_answered_and_does_nothing(served: Served, line: bytes) -> None:
    line = line.replace(b"HOUSE", orders.house(served.found).encode())
    assert served.talk(line) == {"v": 1, "answer": "passed", "why": "unread"}
    assert served.desk.rows() == []
    served.works()
    assert served.said == []


def test_lines_that_do_not_end(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    half = served.asked(said())[:-10]
    assert served.talk(half, end=True) == {"v": 1, "answer": "passed", "why": "unread"}
    assert served.talk(b"", end=True) is None
    monkeypatch.setattr(listening, "SECONDS", 0.2)
    assert served.talk(half) == {"v": 1, "answer": "passed", "why": "unread"}
    assert served.desk.rows() == []
    served.works()


def test_a_line_that_is_too_long(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "LONGEST", 100_000)
    assert served.talk(b"x" * 100_001) == {"v": 1, "answer": "passed", "why": "too-long"}
    served.works()


def test_more_who_say_nothing_than_it_listens_to(served: Served) -> None:
    silent = []
    try:
        for _ in range(listening.MOST):
            silent.append(socket.socket(socket.AF_UNIX))
            silent[-1].connect(str(served.listener.path))
        until(lambda: len(served.listener._talks) == listening.MOST)
        assert served.talk(b"") == {"v": 1, "answer": "passed", "why": "too-many"}
    finally:
        for sock in silent:
            sock.close()
    until(lambda: not served.listener._talks)
    served.works()


@given(st.binary(max_size=300))
@trials(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_octets(served: Served, octets: bytes) -> None:
    answer = served.talk(octets, end=True)
    assert answer is None if not octets else answer == {"v": 1, "answer": "passed", "why": "unread"}


def test_who_gives_up_waiting_is_not_served_any_more(found: Settings, tmp_path: Path) -> None:
    """He has done it by himself, or has been told that it was not done."""
    done: list[orders.AnyOrder] = []
    going = threading.Event()

    def do(order: orders.AnyOrder) -> tuple[Recorded, ...]:
        done.append(order)
        going.wait(20)
        return ()

    made = Listener(tmp_path / "data" / orders.SOCKET, do, orders.house(found))
    with made, ThreadPoolExecutor(1) as pool:
        first = pool.submit(giving.give, said("first"), found)
        until(lambda: done)
        line = msgspec.json.encode(orders.Asked(house=orders.house(found), order=said("second")))
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(made.path))
            sock.sendall(line + b"\n")
            until(lambda: len(made._talks) == 2)
            time.sleep(0.1)
        going.set()
        assert first.result(20) == ()
        until(lambda: not made._talks)
    assert [order.words for order in done if isinstance(order, Report)] == ["first"]


# The socket


def test_only_its_user_can_reach_it(served: Served) -> None:
    mode = served.listener.path.stat().st_mode
    assert stat.S_ISSOCK(mode) and stat.S_IMODE(mode) == 0o600
    assert stat.S_IMODE(served.listener.path.parent.stat().st_mode) == 0o700


def test_an_order_of_another_user(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "peer", lambda _client: os.geteuid() + 4711)
    with pytest.raises(giving.Refused, match="only root and the user") as caught:
        giving.give(said(by="root"), served.found)
    assert caught.value.exit_code == 77
    assert served.desk.rows() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_real_other_user() -> None:
    """Kept out by the permissions; and should somebody have opened them, by name."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        found = settings.load(None, Path(folder), environ=ENVIRON)
        with opening.desk(found) as desk:
            made = Served(found, desk)
            with made.listener:
                line = made.asked(said(by="root"))
                assert "PermissionError" in as_nobody(made.listener.path, line)
                made.listener.path.chmod(0o666)
                if hasattr(socket, "SO_PEERCRED"):
                    assert '"code":77' in as_nobody(made.listener.path, line)
                assert desk.rows() == []


def as_nobody(path: Path, line: bytes) -> str:
    script = f"""
        import os, socket
        os.setgroups([]); os.setgid(65534); os.setuid(65534)
        sock = socket.socket(socket.AF_UNIX)
        sock.connect({str(path)!r})
        sock.sendall({line!r})
        print(sock.recv(65536).decode())
    """
    words = [sys.executable, "-I", "-S", "-c", textwrap.dedent(script)]
    done = subprocess.run(words, check=False, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_a_socket_that_a_dead_process_left(found: Settings, desk: Desk) -> None:
    path = Path(found.general.data) / orders.SOCKET
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert giving.give(said(), found) is None
    made = Served(found, desk)
    with made.listener:
        made.works()
    assert not path.exists()
    assert giving.give(said(), found) is None


def test_two_on_one_folder_have_one_socket(served: Served) -> None:
    second = Served(served.found, served.desk)
    assert not second.listener.start()
    second.listener.stop()
    assert second.said == []
    served.works()
    served.listener.stop()
    with second.listener:
        second.works()


def test_what_else_has_its_name_is_left_alone(found: Settings, desk: Desk) -> None:
    path = Path(found.general.data) / orders.SOCKET
    path.write_text("mine")
    made = Served(found, desk)
    assert not made.listener.start()
    assert "cannot take orders" in made.said[0] and "file exists" in made.said[0]
    assert path.read_text() == "mine"
    assert giving.give(said(), found) is None
    path.unlink()
    assert made.listener.start()  # nothing of the first try is in the way
    made.listener.stop()


def test_a_path_longer_than_an_address(tmp_path: Path) -> None:
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("no /proc here")
    found = settings.load(None, tmp_path / ("long" * 40), environ=ENVIRON)
    with opening.desk(found) as desk:
        made = Served(found, desk)
        with made.listener:
            assert len(str(made.listener.path)) > 108
            made.works()
            assert stat.S_IMODE(made.listener.path.stat().st_mode) == 0o600
        assert not made.listener.path.exists()


def test_a_path_longer_than_an_address_where_it_cannot_be_shortened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "is_dir", lambda path: "/proc" not in str(path))
    found = settings.load(None, tmp_path / ("long" * 40), environ=ENVIRON)
    with opening.desk(found) as desk:
        made = Served(found, desk)
        assert not made.listener.start()
    assert "too long" in made.said[0]
    assert giving.give(said(), found) is None


def test_stopping_waits_for_the_order_under_way_and_for_nobody_else(
    found: Settings, tmp_path: Path
) -> None:
    going, ready = threading.Event(), threading.Event()

    def do(_order: orders.AnyOrder) -> tuple[Recorded, ...]:
        ready.set()
        going.wait(20)
        return ()

    made = Listener(tmp_path / "data" / orders.SOCKET, do, orders.house(found))
    made.start()
    with socket.socket(socket.AF_UNIX) as silent, ThreadPoolExecutor(2) as pool:
        silent.connect(str(made.path))
        answer = pool.submit(giving.give, said(), found)
        ready.wait(20)
        began = time.monotonic()
        stopped = pool.submit(made.stop)
        time.sleep(0.2)
        assert not stopped.done()
        going.set()
        stopped.result(20)
        assert time.monotonic() - began < listening.SECONDS / 2
        assert answer.result(20) == ()


# Death


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


DIES = """
    import os, signal, sys, time
    from datetime import UTC, datetime
    from pathlib import Path
    from todoku import settings
    from todoku.diagnosis import Diagnoser
    from todoku.knowledge import load
    from todoku.serve import opening, orders
    from todoku.serve.listening import Listener
    from todoku.serve.executing import execute

    folder, when = Path(sys.argv[1]), sys.argv[2]
    found = settings.load(None, folder)
    die = lambda: os.kill(os.getpid(), signal.SIGKILL)
    with opening.desk(found) as desk:
        diagnoser = Diagnoser(load.knowledge())
        def do(order):
            if when == "before":
                die()
            if when == "between":  # what was reported is there, the refusal is not
                see = desk.see
                desk.see = lambda *a, **k: (see(*a, **k), die())
            execute(order, desk, lambda: diagnoser, found.own, datetime.now(UTC))
            die()
        with Listener(folder / orders.SOCKET, do, orders.house(found)):
            print("up", flush=True)
            time.sleep(60)
"""


@pytest.mark.parametrize("when", ["before", "between", "after"])
def test_serve_is_killed_between_order_and_answer(found: Settings, when: str) -> None:
    order = said(refusal=REFUSAL)
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(DIES), found.general.data, when],
        env=ENVIRON | {"PATH": os.environ["PATH"], "TODOKU_CACHE": os.environ["TODOKU_CACHE"]},
        stdout=subprocess.PIPE,
        text=True,
    ) as dying:
        _dies(found, order, dying, when)


def _dies(found: Settings, order: Report, dying: subprocess.Popen[str], when: str) -> None:
    assert dying.stdout is not None and dying.stdout.readline() == "up\n"
    times = 0

    def here() -> tuple[Recorded, ...]:
        nonlocal times
        times += 1
        assert dying.wait(20) == -9
        with opening.desk(found) as desk:
            before = [] if not desk.rows() else events(desk)
            assert len(before) == {"before": 0, "between": 1, "after": 3}[when]
            diagnoser = Diagnoser(load.knowledge())
            return execute(order, desk, lambda: diagnoser, found.own, datetime.now(UTC))

    recorded = giving.done(order, found, here)
    assert times == 1
    with opening.desk(found) as desk:
        assert events(desk) == ["reported", "refused", "diagnosed"]
        assert recorded == tuple(desk.history(1))


def test_a_serve_that_hangs_and_wakes_later(
    found: Settings, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving, "SECONDS", 0.2)
    order = said()
    diagnoser = Diagnoser(load.knowledge())

    def do() -> tuple[Recorded, ...]:
        return execute(order, desk, lambda: diagnoser, found.own, datetime.now(UTC))

    with socket.socket(socket.AF_UNIX) as hanging:
        hanging.bind(str(Path(found.general.data) / orders.SOCKET))
        hanging.listen()
        first = giving.done(order, found, do)
    assert do() == first
    assert events(desk) == ["reported"]


@pytest.mark.parametrize("answer", [b"", b"so\n", b'{"v":1,"answer":"done"}\n', b"[" * 10**5])
def test_an_answer_that_is_none(found: Settings, answer: bytes) -> None:
    path = Path(found.general.data) / orders.SOCKET
    path.parent.mkdir()
    with socket.socket(socket.AF_UNIX) as liar, ThreadPoolExecutor(1) as pool:
        liar.bind(str(path))
        liar.listen()

        def lie() -> None:
            client, _ = liar.accept()
            with client:
                client.recv(65536)
                client.sendall(answer)

        lying = pool.submit(lie)
        with pytest.raises(giving.Lost):
            giving.give(said(), found)
        lying.result(20)


def test_neither_answered_nor_to_be_found_out(
    found: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lost(*_: object) -> None:
        raise giving.Lost

    def gone() -> tuple[Recorded, ...]:
        raise Unreachable({"ja": "つながりません", "en": "is gone"})

    def unknown() -> tuple[Recorded, ...]:
        raise UnknownCase({"ja": "ありません", "en": "there is none"})

    assert issubclass(giving.Unanswered, TodokuError)
    monkeypatch.setattr(giving, "give", lost)
    with pytest.raises(giving.Unanswered, match=r"\(is gone\).* is not known"):
        giving.done(said(), found, gone)
    with pytest.raises(UnknownCase):
        giving.done(said(), found, unknown)
    monkeypatch.setattr(giving, "give", lambda *_: None)
    with pytest.raises(Unreachable):
        giving.done(said(), found, gone)
