"""The socket at which a running `todoku serve` takes orders (`todoku.serve.orders`).

    with listening.of(settings, desk, diagnoser, clock.now, wake=service.wake, tell=tell):
        service.run()

or `made = listening.of(...)`, `made.start()`, `made.stop()`. It lives on threads of its own. Each order is
executed at once, one after the other, and then `wake` is called, for what the order made due. `stop`
lets the order under way be finished and answered; call it before the desk is closed.

Whatever comes through it, `serve` lives on: a line has a length and a time, connections have a number,
and what cannot be understood gets an answer that says so. Where there can be no socket, that is told
(`tell`) and everything else goes on: `todoku case` then writes to the store by itself.

Only root and the user of this process are listened to. Both could write to the store anyway, so the
name that they give (`by`) is taken: it is the person behind `sudo`.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import selectors
import socket
import stat
import struct
import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from todoku.cases.records import Recorded
from todoku.diagnosis import Diagnoser
from todoku.errors import TodokuError
from todoku.i18n import Sentence, Words
from todoku.knowledge import match as matching
from todoku.serve import orders, privacy
from todoku.serve.executing import execute
from todoku.serve.orders import AnyOrder, Passed
from todoku.settings import Settings
from todoku.store.cases import Desk

SECONDS: Final = 10.0
"""For a line to come, and for an answer to be taken."""
MOST: Final = 16
"""Connections at a time."""
LOCK: Final = ".lock"
ASKED: Final = msgspec.json.Decoder(orders.Asked)

WORDS: Final[Words] = {
    "no-socket": {
        "ja": "{path} で命令を受け付けられません（{why}）。作業は続けます。todoku report と todoku case は"
        "データベースへ直接書き込み、こちらには 5 秒以内に伝わります。",
        "en": "cannot take orders at {path} ({why}). Work goes on: todoku report and todoku case write "
        "to the database by themselves, and it is noticed here within five seconds.",
    },
    "stranger": {
        "ja": "この todoku serve に命令できるのは、root と、それを動かしているユーザーだけです。何も記録して"
        "いません。sudo で実行してください。",
        "en": "only root and the user who runs this todoku serve may give it orders. Nothing was "
        "recorded. Use sudo.",
    },
    "trouble": {
        "ja": "受け付けた命令を実行できませんでした（{why}）。命令した側が自分で実行します。",
        "en": "an order could not be executed here ({why}). Who gave it executes it there.",
    },
}

Execute = Callable[[AnyOrder], tuple[Recorded, ...]]
Tell = Callable[[Sentence, dict[str, object]], object]


class Stranger(TodokuError):
    """An order of a user whom this process does not listen to."""

    exit_code = 77


def of(
    settings: Settings,
    desk: Desk,
    diagnoser: Diagnoser,
    now: Callable[[], datetime],
    *,
    wake: Callable[[], object],
    tell: Tell = lambda _sentence, _values: None,
) -> Listener:
    """That of the data folder. `diagnoser`: its knowledge is used, not itself: a diagnoser, and the
    Hyperscan that all of a process share, serve one thread. `now`: the service's clock."""
    made: list[Diagnoser] = []

    def its_own() -> Diagnoser:
        if not made:
            knowledge = diagnoser.knowledge
            made.append(Diagnoser(knowledge, own=settings.own, scan=matching.pure(knowledge)))
        return made[0]

    return Listener(
        Path(settings.general.data) / orders.SOCKET,
        lambda order: privacy.shown(
            execute(order, desk, its_own, settings.own, now()), settings.privacy, order.by
        ),
        orders.house(settings),
        wake=wake,
        tell=tell,
    )


class Listener:
    def __init__(
        self,
        path: Path,
        do: Execute,
        house: str,
        *,
        wake: Callable[[], object] = lambda: None,
        tell: Tell = lambda _sentence, _values: None,
    ) -> None:
        """`do` is called by one thread at a time; raises `TodokuError`. `house`: `orders.house`."""
        self.path = path
        self._do = do
        self._house = house
        self._wake = wake
        self._tell = tell
        self._doing = threading.Lock()
        self._lock: int | None = None
        self._listening: socket.socket | None = None
        self._bell: tuple[socket.socket, socket.socket] | None = None
        self._thread: threading.Thread | None = None
        self._talks: dict[socket.socket, threading.Thread] = {}

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self) -> bool:
        """False: another `serve` has this folder's socket (on PostgreSQL several may work), or there
        can be none, which is told."""
        try:
            if not self._have_it_alone():
                return False
            self._listen()
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            self._tell(WORDS["no-socket"], {"path": self.path, "why": why})
            self.stop()
            return False
        self._bell = socket.socketpair()
        self._thread = threading.Thread(target=self._open, name="orders", daemon=True)
        self._thread.start()
        return True

    def stop(self) -> None:
        """Nobody is let in any more; who is in gets his answer. Once stopped it stays so."""
        if self._thread is not None and self._bell is not None:
            self._bell[0].send(b"\0")
            self._thread.join()
            for end in self._bell:
                end.close()
        for client, talk in list(self._talks.items()):
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RD)  # it waits no more for what has not come
            talk.join()
        if self._listening is not None:
            self._listening.close()
            self.path.unlink(missing_ok=True)
        if self._lock is not None:
            os.close(self._lock)
        self._thread = self._listening = self._lock = None

    def _have_it_alone(self) -> bool:
        """The kernel lets go of the lock when the process ends, however it ends. So who has it may
        take away a socket that somebody has left."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = self.path.with_name(self.path.name + LOCK)
        self._lock = os.open(name, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            self._lock = None
            return False
        return True

    def _listen(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISSOCK(self.path.lstat().st_mode):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            self.path.unlink()
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with orders.reachable(self.path) as address:
                listening.bind(address)
            self.path.chmod(0o600)
            listening.listen(MOST)  # only now somebody can connect
            listening.setblocking(False)
        except BaseException:
            listening.close()
            raise
        self._listening = listening

    def _open(self) -> None:
        """Let them in, until the bell rings."""
        assert self._listening is not None and self._bell is not None  # noqa: S101
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._listening, selectors.EVENT_READ)
            waiting.register(self._bell[1], selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in waiting.select()}
                if self._bell[1] in ready:
                    return
                try:
                    client, _ = self._listening.accept()
                except OSError:  # gone again; or no descriptor is left, for now
                    time.sleep(0.05)
                    continue
                talk = threading.Thread(target=self._talk, args=(client,), daemon=True)
                self._talks[client] = talk
                talk.start()

    def _talk(self, client: socket.socket) -> None:
        """One order, one answer."""
        try:
            with client:
                answer = self._answer(client)
                if answer is not None:
                    client.settimeout(SECONDS)
                    client.sendall(msgspec.json.encode(answer) + b"\n")
        except OSError:
            pass  # it is gone; what was recorded is recorded
        finally:
            self._talks.pop(client, None)

    def _answer(self, client: socket.socket) -> orders.Answer | None:
        """`None`: nobody waits for one."""
        if len(self._talks) > MOST:
            return Passed(why="too-many")
        line = _line(client)
        if not line:
            return None
        if peer(client) not in {None, 0, os.geteuid()}:
            return _refused(Stranger(WORDS["stranger"]))
        if not line.endswith(b"\n"):
            return Passed(why="too-long" if len(line) > orders.LONGEST else "unread")
        try:
            asked = ASKED.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return Passed(why="unread")
        if asked.house != self._house:
            return Passed(why="other-house")
        return self._executed(asked.order, client)

    def _executed(self, order: AnyOrder, client: socket.socket) -> orders.Answer | None:
        with self._doing:
            if _hung_up(client):  # it waited too long, and does it by itself
                return None
            try:
                return orders.Done(recorded=self._do(order))
            except TodokuError as error:
                return _refused(error)
            except Exception as error:  # noqa: BLE001  one order must not end the others
                why = " ".join(f"{type(error).__name__}: {error}".split())[:300]
                self._tell(WORDS["trouble"], {"why": why})
                return Passed(why="fault")
            finally:
                self._wake()


def peer(client: socket.socket) -> int | None:
    """The user at the other end; `None`: this system does not tell, and the permissions of socket
    and folder have to do."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    _, user, _ = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, option, 12))
    return int(user)


def _line(client: socket.socket) -> bytes:
    """What came until the first line's end, the end of all, or too much or too long."""
    until = time.monotonic() + SECONDS
    came = bytearray()
    more = b""
    while b"\n" not in more and len(came) <= orders.LONGEST:
        client.settimeout(max(until - time.monotonic(), 0.001))
        try:
            more = client.recv(65536)
        except TimeoutError:
            break
        if not more:
            break
        came += more
    line, end, _ = bytes(came).partition(b"\n")
    return line + end


def _hung_up(client: socket.socket) -> bool:
    waiting = select.poll()
    waiting.register(client, 0)
    return any(events & (select.POLLHUP | select.POLLERR) for _, events in waiting.poll(0))


def _refused(error: TodokuError) -> orders.Refused:
    return orders.Refused(code=error.exit_code, ja=error.text("ja"), en=error.text("en"))
