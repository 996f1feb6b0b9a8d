"""What comes in as mail: bounces, and the answers of desks. A message is on disk in the store before
its file is put away, and one message counts once, however often it is handed over."""

from __future__ import annotations

import contextlib
import heapq
import os
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final, Literal, NamedTuple

from msgspec.structs import replace

from todoku import reading
from todoku.cases import CaseError, EventError, answers, joining
from todoku.cases import events as ev
from todoku.cases.answers.authentic import LookUp
from todoku.cases.answers.reading import goes_to
from todoku.diagnosis import Diagnoser
from todoku.knowledge import load
from todoku.model import Diagnosis
from todoku.reading import mail
from todoku.serve import answering, sightings
from todoku.settings import mailboxes as settings
from todoku.settings.own import Own
from todoku.store import Overtaken
from todoku.store.cases import Desk
from todoku.store.messages import Mailbox, Message

BATCH: Final = 2000
OCTETS: Final = 64 << 20
"""Messages, and octets of them, that are taken at once."""
MOST: Final = 30 << 20
"""Octets of one message that are read."""

_ROBOT: Final = re.compile(rb"(?i)(?:mailer[-_.]?daemon|postmaster)@")

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
        tell: Callable[[Exception], object] = lambda _error: None,
        mailboxes: Sequence[settings.Mailbox] = (),
    ) -> None:
        """`trusted`: names under which our own server writes Authentication-Results (RFC 8601).
        `look_up`: TXT records, to verify signatures at receipt where our own server did not.
        `tell`: what could not be recorded of an answer, and why. `mailboxes`: what is read by IMAP,
        and what of it counts."""
        self._desk = desk
        self._box = Mailbox(desk)
        self._diagnose = diagnoser
        self._own = own
        self._rules = tuple(rules)
        self._trusted = {name.lower() for name in trusted}
        self._look_up = look_up
        self._tell = tell
        self._mailboxes = {box.origin: box for box in mailboxes}

    def collect(self, folder: Path, now: datetime, *, ours: bool = False) -> int:
        """Take what lies in a folder (plain files, or the `new` of a Maildir) into the store. Files
        go into `cur` of a Maildir, and away from a plain folder and from our own spool (`ours`).
        Returns how many there were."""
        new = folder / "new"
        maildir = new.is_dir()
        with os.scandir(new if maildir else folder) as entries:
            names = heapq.nsmallest(BATCH, (e.name for e in entries if _is_mail(e)))
        bodies: list[bytes] = []
        taken: list[Path] = []
        octets = 0
        for name in names:
            path = (new if maildir else folder) / name
            with contextlib.suppress(FileNotFoundError):  # another worker was faster
                with path.open("rb") as file:
                    bodies.append(file.read(MOST))
                taken.append(path)
                octets += len(bodies[-1])
            if octets > OCTETS:
                break
        self._box.keep(bodies, f"folder:{folder}", now)
        for path in taken:
            with contextlib.suppress(FileNotFoundError):
                if maildir and not ours:
                    (folder / "cur").mkdir(exist_ok=True)
                    path.replace(folder / "cur" / f"{path.name}:2,S")
                else:
                    path.unlink()
        return len(taken)

    def handle(self, now: datetime) -> list[Taken]:
        """What was kept and nobody is done with. Bounces of one incident are one refusal with a
        count, in one transaction."""
        alike: dict[tuple[str, ...], list[tuple[Message, ev.Refused]]] = {}
        done: list[Taken] = []
        news: list[str] = []
        for message in self._box.unhandled(BATCH, OCTETS):
            with self._unless_unreadable():
                takes = self._takes(message)
                found = [d for d in self._diagnosed(message.body) if d.kind == "refusal"]
                if takes == "bounces":
                    if not found:
                        done.append(Taken(message.sha256, "nothing"))
                        news.append(message.sha256)
                        continue
                elif not found or takes == "answers" or self._is_answer(message, now):
                    done.append(self._answered(message, now))
                    news.append(message.sha256)
                    continue
                if takes == "any" and self._is_request(
                    found
                ):  # of ours, which bounced: an answer of a kind, too
                    self._answered(message, now)
                events = self._events(message, found, now)
                if len(events) == 1:
                    alike.setdefault(joining.alike(events[0]), []).append((message, events[0]))
                else:
                    done.append(self._refused(message, events, now))
        if news:
            self._box.handled(news, now)
        for group in alike.values():
            with self._unless_unreadable():
                done += self._refused_together(group, now)
        return done

    def _takes(self, message: Message) -> settings.Takes:
        """What counts of the mailbox that it was read from."""
        box = self._mailboxes.get(message.origin.partition("/")[0])
        return "any" if box is None else box.takes

    def _names(self, message: Message) -> set[str]:
        """Names that are believed in its Authentication-Results: of somebody else's server, those
        that were set for that mailbox."""
        if not message.origin.startswith(settings.ORIGIN):
            return self._trusted
        box = self._mailboxes.get(message.origin.partition("/")[0])
        if box is None:
            return set()
        return {*box.authserv, *(self._trusted if box.local else ())}

    @contextlib.contextmanager
    def _unless_unreadable(self) -> Iterator[None]:
        """A message for a case of a newer todoku waits for that; the others are read."""
        try:
            yield
        except EventError as error:
            self._tell(error)

    def _diagnosed(self, body: bytes) -> list[Diagnosis]:
        return [self._diagnose(refusal) for refusal in reading.read(body)]

    def _events(
        self, message: Message, found: Sequence[Diagnosis], now: datetime
    ) -> tuple[ev.Refused, ...]:
        """Only what blocks an identity of ours is a case; what is not known to be ours is none."""
        source = f"message:{message.sha256}"
        when = _written(message.body)
        return joining.gather(
            sightings.refused(d, self._own, now, when=when, source=source)
            for d in found
            if sightings.split(d.blocked, self._own)[0]
        )

    def _refused_together(
        self, group: Sequence[tuple[Message, ev.Refused]], now: datetime
    ) -> list[Taken]:
        messages = [message for message, _ in group]
        if len(group) > 1:
            (event,) = joining.gather(event for _, event in group)
            shas = [message.sha256 for message in messages]
            try:
                # Counted and done with in one transaction: no message of it counts twice.
                recorded = self._desk.see(replace(event, source=None), handled=shas)
            except Overtaken:
                pass  # another worker did some of them: one by one
            else:
                numbers = tuple(dict.fromkeys(r.case for r in recorded))
                return [Taken(sha, "refusal", numbers) for sha in shas]
        return [self._refused(message, [event], now) for message, event in group]

    def _refused(self, message: Message, events: Sequence[ev.Refused], now: datetime) -> Taken:
        numbers: list[int] = []
        for n, event in enumerate(events, 1):
            # Counted and done with in one transaction, for the last; before it, `source` says so.
            handled = [message.sha256] if n == len(events) else []
            numbers += [r.case for r in self._desk.see(event, handled=handled)]
        if not events:
            self._box.handled([message.sha256], now)
        what: What = "refusal" if events else "not-ours"
        return Taken(message.sha256, what, tuple(dict.fromkeys(numbers)))

    # Answers

    def _is_answer(self, message: Message, now: datetime) -> bool:
        """Whether a mail in which refusals are read is an answer that quotes them: no report of a mail
        system, and a desk wrote it, or it comes under a ticket or in a thread of a case."""
        whole = mail.parse(message.body)
        if whole.type == b"multipart/report" or _ROBOT.search(whole.find(b"\nfrom:") or b""):
            return False
        read, number = self._read(message, now)
        known = read.how not in {"foreign-sender", "no-desk", "no-sender"}
        told = read.ticket is not None or bool(read.thread.replies_to)
        return number is not None and (known or told)

    def _is_request(self, found: Sequence[Diagnosis]) -> bool:
        """Whether what bounced was addressed to a desk."""
        failed = [d.recipient.lower() for d in found if d.recipient]
        return any(goes_to(address, desk) for desk in self._rules for address in failed)

    def _read(self, message: Message, now: datetime) -> tuple[answers.Answer, int | None]:
        """What it says as an answer, and the case that it belongs to."""
        read = answers.answer(
            message.body,
            self._rules,
            source=f"message:{message.sha256}",
            trusted=self._names(message),
            look_up=self._look_up,
            now=now,
        )
        if read.class_ == "unrelated":
            return read, None
        return read, answering.case_of(read, self._desk, self._rules)

    def _answered(self, message: Message, now: datetime) -> Taken:
        read, number = self._read(message, now)
        if number is None:
            return Taken(message.sha256, "nothing")
        try:
            answering.record(number, read, self._desk, now)
        except EventError:
            raise
        except CaseError as error:  # it fits no case; it stays in the store
            self._tell(error)
            return Taken(message.sha256, "nothing")
        return Taken(message.sha256, "answer", (number,))


def _is_mail(entry: os.DirEntry[str]) -> bool:
    return not entry.name.startswith(".") and entry.is_file()


def _written(body: bytes) -> datetime | None:
    """When the bounce was written."""
    try:
        date = parsedate_to_datetime(mail.parse(body).text(b"\ndate:"))
        return None if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
