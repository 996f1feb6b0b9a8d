"""A `todoku serve` that is killed. Run as a program by test_crash.py; it reads lines and forks for
each, so that a new process starts in a moment:

    round  SETTINGS NOW POINT    one round of serve; killed (SIGKILL) at that point, 0: not
    report SETTINGS NOW POINT    what `todoku report` does
    work   SETTINGS NAME POINT   rounds of a worker among others, on the lab's clock

For each it prints `done POINTS TRIED` (how many points it came through, how many actions it tried),
then `status N`.

A point is each moment before a statement that writes, before and after a commit, before and after
each piece that goes into a socket (so: within a deed, and between a mail's last octet and the
relay's word), and before and after a file of mail is put away.
"""

from __future__ import annotations

import os
import socket
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import sqlalchemy as sa

from tests.store.crash import Points
from todoku import settings
from todoku.i18n import Sentence
from todoku.knowledge import load
from todoku.lists.kept import Kept
from todoku.lists.plan import Terms
from todoku.serve import executing, opening, service
from todoku.serve.orders import Report
from todoku.settings import Settings
from todoku.store.cases import Desk

USER: Final = "sato@hoge.test"
REPORT: Final = Report(
    id="0123456789abcdef" * 2,
    words="Hotmailのアドレスの方へメールが送れない状況です。どうしましょうか?",
    who=USER,
    name="佐藤",
    lang="ja",
    to=("hotmail.test",),
)


class Standing(NamedTuple):
    """A clock that stands still: the one who keeps the lab's waits."""

    at: datetime
    factor: float = 1.0

    def now(self) -> datetime:
        return self.at


class Serving(NamedTuple):
    settings: Settings
    desk: Desk
    service: service.Service


def opened(
    stack: ExitStack, found: Settings, clock: service.Clock, name: str, *, log: bool = True
) -> Serving:
    """As `todoku serve` opens it. `log`: whether the fate of a mail can be found out."""
    knowledge = load.knowledge()
    desk = stack.enter_context(opening.desk(found))
    if desk.engine.dialect.name == "sqlite":
        # A killed process loses nothing that it has written: no need to wait for the disk.
        sa.event.listen(desk.engine, "checkout", _unsynced)
    kept = stack.enter_context(Kept.open(Path(found.general.data)))
    boxes = Path(found.mail.folder or "").parent
    was_sent: Callable[[str], bool | None] = (
        (lambda message_id: _holds(boxes, found.mail.log, message_id.encode()))
        if log
        else lambda _: None
    )
    terms = Terms(use=found.general.use)
    means = service.means(found, desk, knowledge, terms, kept, "ja", clock, was_sent)
    served = service.Service(name, found, means, clock, tell=_raise)
    stack.callback(served.close)
    return Serving(found, desk, served)


def _unsynced(connection: Any, *_: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")


def _holds(boxes: Path, logs: Sequence[str], message_id: bytes) -> bool:
    """Instead of reading the log's deliveries: mail for people of the house is in their boxes, and
    what our server took for others is in its log."""
    places = (*boxes.rglob("*.lab"), *map(Path, logs))
    return any(message_id in path.read_bytes() for path in places)


def _raise(sentence: Sentence, values: dict[str, object]) -> None:
    raise AssertionError(sentence["en"].format(**values))


def watch(points: Points) -> None:
    """The points outside of the database."""
    for owner, name in (
        (socket.socket, "sendall"),
        (Path, "replace"),
        (Path, "rename"),
        (Path, "unlink"),
    ):
        setattr(owner, name, _around(getattr(owner, name), points))


def _around(work: Any, points: Points) -> Any:
    def watched(*words: Any, **more: Any) -> Any:
        points()
        done = work(*words, **more)
        points()
        return done

    return watched


def run(words: list[str]) -> tuple[int, int]:
    what, file, at, point = words
    points = Points(int(point))
    found = settings.load(Path(file), environ={})
    with ExitStack() as stack:
        if what == "work":
            return work(stack, found, at, points)
        serving = opened(stack, found, Standing(datetime.fromisoformat(at)), "killed")
        points.watch(serving.desk.engine)
        watch(points)
        if what == "report":
            report(serving)
            return points.seen, 1
        tried = serving.service.round()
        return points.seen, tried


def report(serving: Serving) -> None:
    served = serving.service
    own, now = serving.settings.own, served.clock.now()
    executing.execute(REPORT, serving.desk, lambda: served.means.diagnoser, own, now)


def work(stack: ExitStack, found: Settings, name: str, points: Points) -> tuple[int, int]:
    """Until nothing has been due for a while, in anybody's hands."""
    clock = service.clock_of(found)
    serving = opened(stack, found, clock, name)
    points.watch(serving.desk.engine)
    watch(points)
    queue = serving.service.worker.queue
    tried = idle = 0
    end = time.monotonic() + 60
    while idle < 5 and time.monotonic() < end:
        tried += serving.service.round()
        idle = 0 if queue.count_due(clock.now()) else idle + 1
        time.sleep(0.05)
    return points.seen, tried


def zygote() -> None:
    load.knowledge()
    for line in sys.stdin:
        words = line.rstrip("\n").split("\t")
        child = os.fork()
        if not child:
            status = 1
            try:
                seen, tried = run(words)
                print(f"done {seen} {tried}", flush=True)
                status = 0
            except BaseException:  # noqa: BLE001  said, and told by the status
                traceback.print_exc()
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        print(f"status {os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    zygote()
