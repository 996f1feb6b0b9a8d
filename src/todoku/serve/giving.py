"""An order is given to the `todoku serve` that runs on the data folder; where none does, or no answer
comes, it is executed here. What comes of it is the same."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from todoku.cases.records import Recorded
from todoku.errors import TodokuError
from todoku.i18n import Words
from todoku.serve import orders
from todoku.serve.orders import AnyOrder
from todoku.settings import Settings
from todoku.store import StoreError, UnknownCase

SECONDS: Final = 10.0
"""For its answer. Later the order is executed here: it is done once in any case."""
LONGEST: Final = 64 << 20
"""Octets of an answer."""
ANSWER: Final[msgspec.json.Decoder[orders.Answer]] = msgspec.json.Decoder(orders.Answer)

WORDS: Final[Words] = {
    "unanswered": {
        "ja": "動いている todoku serve に渡しましたが、答えがありませんでした。自分で書き込もうとしましたが、"
        "それもできません（{ja}）。記録されたかどうかは分かりません。todoku case list で確かめてください。",
        "en": "the running todoku serve was given this and did not answer, and it could not be done "
        "without it ({en}). Whether it was recorded is not known. See: todoku case list",
    },
}


class Unanswered(TodokuError):
    """It may have been done, and that cannot be found out now."""

    exit_code = 75


class Refused(TodokuError):
    """What `serve` said instead of doing it, in both languages. Nothing was written."""

    def __init__(self, said: orders.Refused) -> None:
        super().__init__({"ja": "{ja}", "en": "{en}"}, ja=said.ja, en=said.en)
        self.exit_code = said.code


class Lost(Exception):
    """The order was sent, and no answer came: it may have been executed, and may still be."""


def done(
    order: AnyOrder, settings: Settings, here: Callable[[], tuple[Recorded, ...]]
) -> tuple[Recorded, ...]:
    """What was recorded. `here` executes the same order, of the same id. Raises `TodokuError`."""
    try:
        recorded = give(order, settings)
    except Lost as lost:
        try:
            return here()
        except UnknownCase:
            raise
        except StoreError as error:
            why = {"ja": error.text("ja"), "en": error.text("en")}
            raise Unanswered(WORDS["unanswered"], **why) from lost
    return here() if recorded is None else recorded


def give(order: AnyOrder, settings: Settings) -> tuple[Recorded, ...] | None:
    """What was recorded; `None`: nobody took it. Raises `Refused`, `Lost`."""
    try:
        asked = msgspec.json.encode(orders.Asked(house=orders.house(settings), order=order)) + b"\n"
    except (UnicodeEncodeError, OverflowError):  # half a surrogate pair; a number beyond all cases
        return None
    if len(asked) > orders.LONGEST:
        return None
    path = Path(settings.general.data) / orders.SOCKET
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(SECONDS)
        try:
            with orders.reachable(path) as address:
                line.connect(address)
        except OSError:  # there is none, nobody is behind it, it is not for us, too many wait
            return None
        answer = _said(line, asked)
    match answer:
        case orders.Done():
            return answer.recorded
        case orders.Refused():
            raise Refused(answer)
        case orders.Passed():
            return None


def _said(line: socket.socket, asked: bytes) -> orders.Answer:
    until = time.monotonic() + SECONDS
    came = bytearray()
    try:
        with contextlib.suppress(BrokenPipeError):  # it has answered before it read all
            line.sendall(asked)
        while not came.endswith(b"\n") and len(came) <= LONGEST:
            line.settimeout(max(until - time.monotonic(), 0.001))
            more = line.recv(65536)
            if not more:
                break
            came += more
        return ANSWER.decode(came)
    except (OSError, UnicodeDecodeError, msgspec.MsgspecError, RecursionError) as error:
        raise Lost from error
