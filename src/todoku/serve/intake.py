"""What comes in as mail: bounces, and the answers of desks. A message is on disk in the store before
its file is put away, and one message counts once, however often it is handed over."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final, Literal, NamedTuple

from todoku import reading
from todoku.cases import answers, joining
from todoku.cases.answers.authentic import LookUp
from todoku.diagnosis import Diagnoser
from todoku.knowledge import load
from todoku.model import Diagnosis
from todoku.reading import mail
from todoku.serve import answering, sightings
from todoku.settings.own import Own
from todoku.store.cases import Desk
from todoku.store.messages import Mailbox, Message

BATCH: Final = 500
MOST: Final = 30 << 20
"""Octets of one message that are read."""

What = Literal["refusal", "not-ours", "answer", "nothing"]


class Taken(NamedTuple):
    """What became of a message."""

    sha256: str
    what: What
    cases: tuple[int, ...] = ()


def answer_rules(overlay: Path | None = None) -> tuple[answers.Rules, ...]:
    """How desks answer, as the knowledge has it; with the user's own rules where there are any."""
    return load.answers_of(load.knowledge(overlay))


class Intake:
    def __init__(
        self,
        desk: Desk,
        diagnoser: Diagnoser,
        own: Own,
        rules: Sequence[answers.Rules],
        trusted: Sequence[str],
        look_up: LookUp | None = None,
    ) -> None:
        """`trusted`: names under which our own server writes Authentication-Results (RFC 8601).
        `look_up`: TXT records, to verify signatures at receipt where our own server did not."""
        self._desk = desk
        self._box = Mailbox(desk)
        self._diagnose = diagnoser
        self._own = own
        self._rules = tuple(rules)
        self._trusted = {name.lower() for name in trusted}
        self._look_up = look_up

    def collect(self, folder: Path, now: datetime, *, ours: bool = False) -> int:
        """Take what lies in a folder (plain files, or the `new` of a Maildir) into the store. Files
        go into `cur` of a Maildir, and away from a plain folder and from our own spool (`ours`).
        Returns how many there were."""
        new = folder / "new"
        maildir = new.is_dir()
        files = sorted(p for p in (new if maildir else folder).iterdir() if _is_mail(p))[:BATCH]
        bodies = []
        for path in files:
            with path.open("rb") as file:
                bodies.append(file.read(MOST))
        self._box.keep(bodies, f"folder:{folder}", now)
        for path in files:
            with contextlib.suppress(FileNotFoundError):  # another worker was faster
                if maildir and not ours:
                    (folder / "cur").mkdir(exist_ok=True)
                    path.replace(folder / "cur" / f"{path.name}:2,S")
                else:
                    path.unlink()
        return len(files)

    def handle(self, now: datetime) -> list[Taken]:
        """What was kept and nobody is done with."""
        return [self._handle(message, now) for message in self._box.unhandled(BATCH)]

    def _handle(self, message: Message, now: datetime) -> Taken:
        found = [d for d in self._diagnosed(message.body) if d.kind == "refusal"]
        if found:
            return self._refused(message, found, now)
        numbers = self._answered(message, now)
        self._box.handled([message.sha256], now)
        return Taken(message.sha256, "answer" if numbers else "nothing", numbers)

    def _diagnosed(self, body: bytes) -> list[Diagnosis]:
        return [self._diagnose(refusal) for refusal in reading.read(body)]

    def _refused(self, message: Message, found: Sequence[Diagnosis], now: datetime) -> Taken:
        """Only what blocks an identity of ours is a case; what is not known to be ours is none."""
        source = f"message:{message.sha256}"
        when = _written(message.body)
        events = [
            sightings.refused(d, self._own, now, when=when, source=source)
            for d in found
            if sightings.split(d.blocked, self._own)[0]
        ]
        numbers: list[int] = []
        gathered = joining.gather(events)
        for n, event in enumerate(gathered, 1):
            # Counted and done with in one transaction, for the last; before it, `source` says so.
            handled = [message.sha256] if n == len(gathered) else []
            numbers += [r.case for r in self._desk.see(event, handled=handled)]
        if not gathered:
            self._box.handled([message.sha256], now)
        what: What = "refusal" if gathered else "not-ours"
        return Taken(message.sha256, what, tuple(dict.fromkeys(numbers)))

    # Answers

    def _answered(self, message: Message, now: datetime) -> tuple[int, ...]:
        found = answers.answer(
            message.body,
            self._rules,
            source=f"message:{message.sha256}",
            trusted=self._trusted,
            look_up=self._look_up,
            now=now,
        )
        number = answering.case_of(found, self._desk, self._rules)
        if number is None or found.class_ == "unrelated":
            return ()
        answering.record(number, found, self._desk, now)
        return (number,)


def _is_mail(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


def _written(body: bytes) -> datetime | None:
    """When the bounce was written."""
    try:
        date = parsedate_to_datetime(mail.parse(body).text(b"\ndate:"))
        return None if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
