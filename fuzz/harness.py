"""The way of a stranger's bytes through todoku, and what must hold on it whatever they are.

`check` hands one input to the front door, to each reader behind it, to the diagnosis and to both
ways of output. It raises `Fault` where something is raised, printed raw or takes too long; and
whoever calls it watches the memory of the process.
"""

from __future__ import annotations

import gzip
import io
import json
import signal
import time
import traceback
import unicodedata
from collections.abc import Callable, Iterable
from itertools import islice
from types import FrameType
from typing import Final, NoReturn, TypeVar

from todoku import reading, sources
from todoku.cli import diagnose as command
from todoku.cli import looks
from todoku.cli.render import screen
from todoku.cli.render.page import Page
from todoku.diagnosis import Diagnoser
from todoku.grouping import Groups
from todoku.knowledge import load, match
from todoku.knowledge.catalogue import Catalogue
from todoku.model import Diagnosis, Refusal
from todoku.reading import bounce, charset, logs, ndjson, paste, webhooks
from todoku.reading.reply import parse

SMALL: Final = 65536
LONGEST: Final = 1.0
"""Seconds of this process that a step may take with an input below SMALL bytes."""
MOST_SHOWN: Final = 40
"""Refusals of one input that are diagnosed and printed; thousands of equal ones show nothing new."""
MEMORY: Final = 1536 << 20
"""Bytes of address space beyond which the process is stopped."""

READERS: Final[tuple[tuple[str, Callable[[bytes], object]], ...]] = (
    ("bounce", bounce.read),
    ("logs", logs.read),
    ("webhooks", webhooks.read),
    ("NDJSON", lambda data: list(ndjson.lines(data))),
    ("paste", paste.read),
    ("mbox", lambda data: list(reading.split_mbox((data,)))),
    ("reply", lambda data: parse(data.decode("utf-8", "replace"))),
    ("charset", lambda data: charset.decode(data, None)),
    ("header", charset.header),
    ("quoted-printable", lambda data: charset.transfer(data, "quoted-printable")),
    ("base64", lambda data: charset.transfer(data, "base64")),
    ("uuencode", lambda data: charset.transfer(data, "x-uuencode")),
    ("what it looks like", lambda data: looks.what(data, "ja")),
)
_LOOKS: Final = (logs.looks, webhooks.looks, ndjson.looks, paste.looks)


T = TypeVar("T")
R = TypeVar("R")


class Fault(Exception):
    """What went wrong, in words; the traceback is in it where there is one."""


class Hang(BaseException):
    """Raised in the midst of a step that does not end; nothing in todoku catches it."""


def _hang(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Hang


class Check:
    """Built once: it holds the knowledge. Uses the profiling timer of the process."""

    def __init__(self, longest: float = LONGEST) -> None:
        self.longest = longest
        signal.signal(signal.SIGPROF, _hang)
        knowledge = load.knowledge()
        # Made before anything is timed: building the patterns takes seconds.
        scan = match.load(knowledge) or match.build(knowledge)
        self._diagnose = Diagnoser(knowledge, language="ja", scan=scan)
        self._catalogue = Catalogue(knowledge)

    def __call__(self, data: bytes) -> list[Diagnosis]:
        """All steps. Gives what the front door's refusals were diagnosed as."""
        for n, look in enumerate(_LOOKS):
            self._step(f"looks, {n}", look, data, data[:SMALL])
        for name, read in READERS:
            self._step(name, read, data, data)
        self._step("stream", _streamed, data, data)
        refusals = self._step("front door", reading.read, data, data)
        return self._step("diagnosis and output", self._answer, data, refusals)

    def _step(self, name: str, work: Callable[[T], R], data: bytes, given: T) -> R:
        before = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, 10 * self.longest)
        try:
            result = work(given)
        except Hang:
            raise Fault(f"{name} hangs\n{traceback.format_exc()}") from None
        except Exception:  # noqa: BLE001 (whatever it is, it is a fault)
            raise Fault(f"{name} raised\n{traceback.format_exc()}") from None
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        took = time.process_time() - before
        if len(data) < SMALL and took > self.longest:
            raise Fault(f"{name} took {took:.2f} s for {len(data):,} bytes")
        return result

    def _answer(self, refusals: Iterable[Refusal]) -> list[Diagnosis]:
        found = [self._diagnose(r, "-") for r in islice(refusals, MOST_SHOWN)]
        out = io.BytesIO()
        command.write_json(iter(found), out)
        _check_json(out.getvalue(), len(found))
        groups = Groups()
        for d in found:
            groups.add(d)
            _check_spans(d)
        for columns, full in ((80, True), (30, False)):
            page = Page(io.BytesIO(), columns=columns)
            for lang in ("ja", "en"):
                for line in screen.lines(groups, self._catalogue, lang, page, full=full):
                    if unsafe := unsafe_in(line):
                        raise Fault(f"U+{ord(unsafe):04X} on the screen: {line!a}")
        return found


def _streamed(data: bytes) -> None:
    """The same bytes as standard input, plain and packed, as a Maildir's file and as an mbox."""
    for raw in (data, gzip.compress(data, 1)):
        for _ in sources.open_sources(["-"], io.BytesIO(raw)):
            pass


def _check_json(lines: bytes, number: int) -> None:
    decoded = [json.loads(line) for line in lines.splitlines()]
    if len(decoded) != number or any(d["v"] != 1 for d in decoded):
        raise Fault(f"the JSON of {number} diagnoses is {len(decoded)} lines")


def _check_spans(d: Diagnosis) -> None:
    for e in d.evidence:
        if not 0 <= e.start <= e.end <= len(d.reply.text):
            raise Fault(f"evidence {e} lies outside of a text of {len(d.reply.text)}")


def unsafe_in(line: str) -> str | None:
    """The first character that a terminal acts on or hides: C0, C1, bidi and other formatting."""
    if line.isprintable():
        return None
    return next((c for c in line if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Co"}), None)
