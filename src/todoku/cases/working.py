"""One step of a worker: take what is due, do it, record what came of it. `serve`, the demo and the
tests all run this; they differ in their deeds and in their clock."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias

import msgspec

from todoku.cases import EventError, NotNow, NotThis
from todoku.cases.case import Case
from todoku.cases.due import REPEATABLE, Action, ActionKind
from todoku.cases.events import AnyEvent

Command: TypeAlias = Callable[[Case], Sequence[AnyEvent]]

MOST_ATTEMPTS: Final = 8
"""A deed that fails so often is given up (`Deed.give_up`), where it can be."""


class Undone(Exception):
    """The deed was certainly not done: nobody could be reached, nothing was sent. It is tried again
    later. Any other exception leaves open whether it was done."""

    def __init__(self, why: str, until: datetime | None = None) -> None:
        """`until`: when it may be tried again; `None`: after a pause that grows."""
        super().__init__(why)
        self.until = until


class Deed(Protocol):
    """How one kind of action is done. What changes a case is a command, run on the case as it is
    when the outcome is recorded."""

    def intent(self, case: Case, action: Action) -> Mapping[str, Any] | None:
        """What will be done, enough to find out later whether it was; `None`: nobody else sees it.
        A deed that must not be repeated needs one."""
        ...

    def do(
        self, case: Case, action: Action, intent: Mapping[str, Any] | None, now: datetime
    ) -> Command:
        """Do it, and give what records it. What others have seen is a fact: its command gives the
        event whatever has become of the case. Raises `Undone`."""
        ...

    def find_out(self, case: Case, action: Action, intent: Mapping[str, Any]) -> bool | None:
        """Whether a deed with an unknown outcome was done; `None`: still not known."""
        ...

    def record(self, case: Case, action: Action, now: datetime) -> Command:
        """What records a deed that was found to be done."""
        ...

    def give_up(self, case: Case, action: Action, now: datetime) -> Command | None:
        """What records that it failed for good; `None`: it never does."""
        ...


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """An action in a worker's hands, or one whose outcome is not known."""

    id: int
    case: int
    action: Action
    attempt: int
    token: str
    """Names the worker and this lease."""
    intent: Mapping[str, Any] | None = None
    """What was about to be done, with an unknown outcome."""
    intent_at: float | None = None
    failed: str | None = None
    """Of what `step` gives: why it was certainly not done."""


class Queue(Protocol):
    """What is needed of `todoku.store.actions.Queue`."""

    def case(self, number: int) -> Case: ...
    def take(
        self,
        worker: str,
        now: datetime,
        kinds: Collection[str] | None = None,
        identities: Collection[str] | None = None,
    ) -> Work | None: ...
    def intend(self, taken: Work, intent: Mapping[str, Any], now: datetime) -> None: ...
    def finish(
        self,
        taken: Work,
        outcome: Any,
        now: datetime,
        command: Command | None = None,
        why: str = "",
        again: datetime | None = None,
    ) -> object: ...
    def unknown(self, now: datetime) -> list[Work]: ...
    def settle(
        self, unknown: Work, *, done: bool, now: datetime, command: Command | None = None
    ) -> object: ...


def step(
    queue: Queue,
    worker: str,
    deeds: Mapping[ActionKind, Deed],
    clock: Callable[[], datetime],
    identities: Collection[str] | None = None,
) -> Work | None:
    """Do one action that is due. `None`: nothing is."""
    taken = queue.take(worker, clock(), kinds=deeds, identities=identities)
    if taken is None:
        return None
    deed = deeds[taken.action.kind]
    case = queue.case(taken.case)
    intent = deed.intent(case, taken.action)
    if intent is not None:
        queue.intend(taken, intent, clock())
    elif REPEATABLE[taken.action.kind] is None:
        raise TypeError(f"the deed of {taken.action.kind} needs an intent")
    try:
        command = deed.do(case, taken.action, intent, clock())
    except Undone as error:
        given_up = None
        if taken.attempt >= MOST_ATTEMPTS:
            given_up = deed.give_up(case, taken.action, clock())
        outcome = "failed" if given_up is None else "done"
        queue.finish(taken, outcome, clock(), given_up, str(error), error.until)
        return msgspec.structs.replace(taken, failed=str(error))
    try:
        queue.finish(taken, "done", clock(), command)
    except (NotNow, NotThis) as error:
        if intent is not None:
            raise
        # The case moved on meanwhile and wants this no more.
        queue.finish(taken, "moot", clock(), why=str(error))
    return taken


def find_out(
    queue: Queue, deeds: Mapping[ActionKind, Deed], clock: Callable[[], datetime]
) -> list[Work]:
    """Ask about deeds with an unknown outcome. Returns those about which a person must be asked,
    or whose case cannot be read."""
    left = []
    for unknown in queue.unknown(clock()):
        deed = deeds.get(unknown.action.kind)
        try:
            if deed is None or not _found_out(queue, unknown, deed, clock):
                left.append(unknown)
        except EventError:
            left.append(unknown)
    return left


def _found_out(queue: Queue, unknown: Work, deed: Deed, clock: Callable[[], datetime]) -> bool:
    case = queue.case(unknown.case)
    done = deed.find_out(case, unknown.action, unknown.intent or {})
    if done is None:
        return False
    command = deed.record(case, unknown.action, clock()) if done else None
    queue.settle(unknown, done=done, now=clock(), command=command)
    return True
