"""Webhooks, against a server on loopback: what is posted, when, how often; and that nobody reads the URL."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.serve.world import Serving, live
from todoku import settings
from todoku.cases import events as ev
from todoku.cases.policy import Policy
from todoku.cases.working import Undone
from todoku.serve import hooking
from todoku.settings import SettingsError, Webhooks

SECRET = "T000-B000-hunter2"
KINDS = ("slack", "teams", "json")


class Server:
    def __init__(self) -> None:
        self.posted: list[Any] = []
        self.keys: list[str | None] = []
        self.says: list[tuple[int, dict[str, str]]] = []
        """What it says first; then 200."""
        self.slow = 0.0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.posted.append((self.path, json.loads(body)))
                outer.keys.append(self.headers["Idempotency-Key"])
                time.sleep(outer.slow)
                code, headers = outer.says.pop(0) if outer.says else (200, {})
                self.send_response(code)
                for name, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def url(self, path: str = "ops") -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/{SECRET}/{path}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def hooked(s: Serving, server: Server) -> None:
    hooks = Webhooks(**{kind: {"ops": server.url(kind)} for kind in KINDS})
    s.means = replace(s.means, webhooks=hooks)
    s.worker.deeds = {**s.worker.deeds, "hook": hooking.Hook(s.means)}


POLICY = Policy(webhooks=tuple(f"{kind}.ops" for kind in KINDS))


def test_each_is_told_once_when_it_opens_and_once_when_it_is_over(
    tmp_path: Path, server: Server
) -> None:
    async def walk(s: Serving) -> None:
        hooked(s, server)
        await s.report()
        await s.bounce()
        await s.work()
        await s.work()
        posted = {path.rpartition("/")[2]: body for path, body in server.posted}
        assert len(server.posted) == 3
        assert "127.0" in posted["slack"]["text"] or "拒否" in posted["slack"]["text"]
        card = posted["teams"]["attachments"][0]["content"]
        assert (card["type"], card["body"][0]["text"]) == ("AdaptiveCard", posted["slack"]["text"])
        assert (posted["json"]["about"], posted["json"]["case"]) == ("opened", 1)
        s.desk.change(1, lambda _: (ev.Closed(at=s.clock.now(), by="admin", why="resolved"),))
        await s.work()
        assert len(server.posted) == 6
        assert server.posted[-1][1].get("about") in {"resolved", None}
        await s.work()
        assert len(server.posted) == 6
        told = [e for e in s.events() if isinstance(e, ev.Told) and e.who.startswith("webhook:")]
        assert len(told) == 6 and all(e.delivered for e in told)

    live(tmp_path, walk, policy=POLICY)


def test_it_is_tried_again_when_it_says_so(tmp_path: Path, server: Server) -> None:
    async def walk(s: Serving) -> None:
        hooked(s, server)
        server.says = [(429, {"Retry-After": "120"}), (503, {})]
        await s.report()
        await s.work()
        assert len(server.posted) == 1
        await s.clock.advance(119)
        await s.work()
        assert len(server.posted) == 1
        await s.clock.advance(2)
        await s.work()
        assert len(server.posted) == 2
        await s.clock.advance(3600)
        await s.work()
        ids = {body["id"] for _, body in server.posted}
        assert len(server.posted) == 3 and len(ids) == 1
        assert {f'"{each}"' for each in ids} == set(server.keys), "the same in every attempt"
        assert s.names()[-1] == "told"

    live(tmp_path, walk, policy=Policy(webhooks=("json.ops",)))


def test_one_that_never_takes_it_is_left_and_others_are_not_kept_waiting(
    tmp_path: Path, server: Server
) -> None:
    async def walk(s: Serving) -> None:
        hooked(s, server)
        server.says = [(404, {})] * 20
        await s.report()
        for _ in range(30):
            await s.work()
            await s.clock.advance(24 * 3600 / 8)
        told = [e for e in s.events() if isinstance(e, ev.Told) and e.who == "webhook:json.ops"]
        assert [e.delivered for e in told] == [False]
        assert len(server.posted) <= 8

    live(tmp_path, walk, policy=Policy(webhooks=("json.ops",)))


def test_old_cases_are_no_news(tmp_path: Path, server: Server) -> None:
    async def walk(s: Serving) -> None:
        await s.report()
        await s.work()
        await s.clock.advance(2 * 24 * 3600)
        s.desk.policy = Policy(webhooks=("json.ops",))
        hooked(s, server)
        s.desk.change(1, lambda _: (ev.Noted(at=s.clock.now(), text="x"),))
        await s.work()
        assert server.posted == []

    live(tmp_path, walk)


@pytest.mark.parametrize(
    "says",
    [
        (302, {"Location": "http://127.0.0.1:1/elsewhere"}),
        (404, {}),
        (500, {}),
        (429, {"Retry-After": "9" * 5000}),
    ],
)
def test_nothing_says_the_url(server: Server, says: tuple[int, dict[str, str]]) -> None:
    from tests.serve.test_people import NOW

    server.says = [says]
    with pytest.raises(Undone) as error:
        hooking.post("slack.ops", server.url(), b"{}", NOW)
    assert str(says[0]) in str(error.value) and SECRET not in str(error.value)
    assert error.value.__cause__ is None
    assert len(server.posted) == 1
    with pytest.raises(Undone) as error:
        hooking.post("slack.ops", f"http://127.0.0.1:1/{SECRET}", b"{}", NOW)
    assert SECRET not in str(error.value)


def test_one_that_does_not_answer(server: Server) -> None:
    from tests.serve.test_people import NOW

    server.slow = 1.0
    began = time.monotonic()
    with pytest.raises(Undone):
        hooking.post("slack.ops", server.url(), b"{}", NOW, seconds=0.3)
    assert time.monotonic() - began < 0.9


def test_one_that_never_comes_to_its_end() -> None:
    from tests.serve.test_people import NOW

    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            client, _ = listening.accept()
            with client, contextlib.suppress(OSError):
                while not stop.wait(0.05):
                    client.sendall(b"H")

        thread = threading.Thread(target=drip)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/{SECRET}"
        began = time.monotonic()
        with pytest.raises(Undone, match="no answer within") as error:
            hooking.post("slack.ops", url, b"{}", NOW, seconds=2, whole=0.5)
        assert time.monotonic() - began < 1.5 and SECRET not in str(error.value)
        stop.set()
        thread.join(5)


def test_what_strangers_wrote_is_text_in_a_chat() -> None:
    from tests.serve.test_people import NOW
    from todoku.cases.case import Case
    from todoku.cases.due import Action

    case = Case(number=1, to=("<!channel>&x.test",))
    action = Action(kind="hook", key="hook/opened/slack.ops/1", not_before=NOW, about="opened")
    told = json.loads(hooking.payload("slack.ops", case, action, None, "en"))
    assert "&lt;!channel&gt;&amp;x.test" in told["text"]


@pytest.mark.parametrize(
    "bad",
    [
        '[webhooks.slack]\nops = "http://hooks.example/hunter2"\n',
        '[webhooks.json]\nops = "ftp://hunter2"\n',
        '[webhooks.json]\n"hunter2 x" = "https://x.example/"\n',
        '[webhooks]\nteams = "https://hunter2"\n',
        '[webhooks.json]\nops = "https://a b/hunter2"\n',
    ],
)
def test_settings(tmp_path: Path, bad: str) -> None:
    file = tmp_path / "todoku.toml"
    file.write_text(f'[webhooks.slack]\nops = "https://hooks.example/{SECRET}"\n')
    found = settings.load(file, environ={})
    assert found.webhooks.names == ("slack.ops",)
    assert found.webhooks.url("slack.ops") == f"https://hooks.example/{SECRET}"
    assert found.webhooks.url("slack.other") is found.webhooks.url("__repr__") is None
    assert SECRET not in repr(found)
    file.write_text(bad)
    with pytest.raises(SettingsError) as error:
        settings.load(file, environ={})
    assert "hunter2" not in str(error.value)
    assert timedelta(0) < hooking.LONGEST
