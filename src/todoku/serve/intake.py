"""What comes in as mail: bounces, and the answers of desks. A message is on disk in the store before
its file is put away, and one message counts once, however often it is handed over."""

from __future__ import annotations

import contextlib
import heapq
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal, NamedTuple

from msgspec.structs import replace

from todoku.cases import CaseError, EventError, answers, joining, provenance
from todoku.cases import events as ev
from todoku.cases.answers.authentic import LookUp
from todoku.diagnosis import Diagnoser
from todoku.knowledge import load
from todoku.model import Diagnosis
from todoku.serve import answering, spool
from todoku.serve.directory import Directory
from todoku.serve.proving import Ours, Proofs
from todoku.serve.returning import letter_back
from todoku.serve.sifting import Sifted, is_report, not_understood, refusals, sift
from todoku.serve.usermail import UserMail
from todoku.settings import mailboxes as settings
from todoku.settings.own import Own
from todoku.store import Overtaken
from todoku.store.cases import Desk
from todoku.store.messages import Mailbox, Message, People
from todoku.store.unverified import Unproven, Unverified

BATCH: Final = 2000
OCTETS: Final = 64 << 20
"""Messages, and octets of them, that are taken at once."""
MOST: Final = 30 << 20
"""Octets of one message that are read."""

LATE: Final = timedelta(hours=1)
"""So long after a bounce our log is looked at again: its lines may come later than the bounce does."""
AGAIN: Final = 500
AGAIN_OCTETS: Final = 8 << 20
"""Bounces, and octets of them, that are looked at again in one round."""
WAITING: Final = 50
"""Bounces of requests that wait for our log and not yet for a person; they are read in each round."""

What = Literal["refusal", "report", "unverified", "answer", "nothing"]


class Taken(NamedTuple):
    """What became of a message."""

    sha256: str
    what: What
    cases: tuple[int, ...] = ()


class _Batch(NamedTuple):
    """What a look at the new messages has gathered."""

    done: list[Taken]
    news: list[str]
    """Done with, and no news of ours."""
    alike: dict[tuple[str, ...], list[tuple[Message, ev.Refused]]]
    unproven: list[Unproven]
    wait: list[str]
    """Left as they are, for a while."""


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
        proofs: Proofs | None = None,
        users: UserMail | None = None,
        directory: Directory | None = None,
    ) -> None:
        """`trusted`: names under which our own server writes Authentication-Results (RFC 8601).
        `look_up`: TXT records, to verify signatures at receipt where our own server did not.
        `tell`: what could not be recorded of an answer, and why. `mailboxes`: what is read by IMAP,
        and what of it counts. `proofs`: what is known of our own mail; without it no bounce is
        believed. `users`: reads reports of users. `directory`: whose mail came back is told, too."""
        self._desk = desk
        self._box = Mailbox(desk)
        self._diagnose = diagnoser
        self._own = own
        self._rules = tuple(rules)
        self._desks = {name for desk in self._rules for name in (*desk.desks, *desk.addresses)}
        self._trusted = {name.lower() for name in trusted}
        self._look_up = look_up
        self._tell = tell
        self._mailboxes = {box.origin: box for box in mailboxes}
        self._proofs = proofs or Proofs(desk, own)
        self._users = users or UserMail(None, diagnoser, own)
        self._directory = directory
        self._kept = Unverified(desk)
        self._moved_on = False
        """Whether our log knows more than when `_look_again` began."""
        self._looked: tuple[float, str] | None = None
        """Where that goes on; `None`: it is through."""

    def collect(self, folder: Path, now: datetime, *, ours: bool = False) -> int:
        """Take what lies in a folder (plain files, or the `new` of a Maildir) into the store. Files
        go into `cur` of a Maildir, and away from a plain folder and from our own spool (`ours`).
        Returns how many there were."""
        new = folder / "new"
        maildir = new.is_dir()
        with os.scandir(new if maildir else folder) as entries:
            names = heapq.nsmallest(BATCH, (e.name for e in entries if _is_mail(e, ours)))
        bodies: list[bytes] = []
        taken: list[Path] = []
        octets = 0
        for name in names:
            path = (new if maildir else folder) / name
            with contextlib.suppress(FileNotFoundError):  # another worker was faster
                if ours:
                    data = spool.read(path, MOST)
                    bodies += spool.messages(name, data)
                else:
                    with path.open("rb") as file:
                        data = file.read(MOST)
                    bodies.append(data)
                taken.append(path)
                octets += len(data)
            if octets > OCTETS or len(bodies) >= BATCH:
                break
        self._box.keep(bodies, f"folder:{folder}", now)
        for path in taken:
            with contextlib.suppress(FileNotFoundError):
                if maildir and not ours:
                    (folder / "cur").mkdir(exist_ok=True)
                    path.replace(folder / "cur" / f"{path.name}:2,S")
                else:
                    path.unlink()
        return len(bodies)

    def handle(self, now: datetime) -> list[Taken]:
        """What was kept and nobody is done with. Bounces of one incident are one refusal with a
        count, in one transaction."""
        news = self._proofs.read_on(now)
        known = self._proofs.at(now)
        batch = _Batch([], [], {}, [], [])
        self._look_again(known, news, now)
        for message in self._box.unhandled(BATCH, OCTETS):
            with self._unless_unreadable():
                self._take(message, known, batch, now)
        done = batch.done
        if batch.news:
            self._box.handled(batch.news, now)
        if batch.unproven:
            shas = [each.sha256 for each in batch.unproven]
            self._kept.put(batch.unproven, shas, now)
            done += [Taken(sha, "unverified") for sha in shas]
        for group in batch.alike.values():
            with self._unless_unreadable():
                done += self._refused_together(group, now)
        return done

    def _take(self, message: Message, known: Ours, batch: _Batch, now: datetime) -> None:
        takes = self._takes(message)
        if takes == "any" and self._is_report(message, known, batch, now):
            return
        found = refusals(message.body, self._diagnose)
        if takes == "answers" or (takes == "any" and (not found or self._is_answer(message, now))):
            self._no_news(message, self._answered(message, now), batch, now)
            return
        if takes == "any" and letter_back(found, self._desk, f"message:{message.sha256}", now):
            pass  # its case is open again; what refused the letter may tell more
        elif takes == "any" and (requests := self._requests(found)):  # an answer of a kind, too
            ours = self._are_ours(message, requests, known)
            if not ours and self._may_be_proven(message, batch, now):
                return
            self._answered(message, now, ours=ours)
        sifted = self._sifted(message.sha256, message.body, found, known, now)
        if sifted.unproven is not None:
            batch.unproven.append(sifted.unproven)
        elif len(sifted.events) == 1:
            event = sifted.events[0]
            batch.alike.setdefault(joining.alike(event), []).append((message, event))
        elif sifted.events:
            batch.done.append(self._refused(message, sifted.events))
        else:
            self._no_news(message, Taken(message.sha256, "nothing"), batch, now)

    def _no_news(self, message: Message, taken: Taken, batch: _Batch, now: datetime) -> None:
        """It is done with; a bounce in which nothing could be read is shown to a person."""
        unread = None
        if taken.what == "nothing" and self._takes(message) != "answers":
            unread = not_understood(message.sha256, message.body, now)
        if unread is not None:
            batch.unproven.append(unread)
            return
        batch.done.append(taken)
        batch.news.append(message.sha256)

    def _sifted(
        self, sha256: str, body: bytes, found: Sequence[Diagnosis], known: Ours, now: datetime
    ) -> Sifted:
        """With the users whose mail it was, where that is proven and they may be told."""
        sifted = sift(sha256, body, found, known, self._own, now)
        if self._directory is None or not sifted.events:
            return sifted
        if any(event.proof not in provenance.OF_THIS_MAIL for event in sifted.events):
            return sifted
        users = self._directory.senders(body, found)
        affected = tuple(People(self._desk).known_as(*user) for user in users)
        events = (
            event if event.temporary else replace(event, affected=affected)
            for event in sifted.events
        )
        return sifted._replace(events=tuple(events))

    def _look_again(self, known: Ours, news: bool, now: datetime) -> None:
        """What was not proven when it came may be by now, as our log knows more: from the oldest on,
        some in each round. Those that are proven are read as if they had come just now."""
        self._moved_on |= news
        if self._looked is None:
            if not self._moved_on:
                return
            self._moved_on, self._looked = False, (0.0, "")
        found = self._kept.late(now - LATE, self._looked, AGAIN, AGAIN_OCTETS)
        self._looked = (found[-1].at, found[-1].sha256) if found else None
        proven = []
        for _, sha, body in found:
            read = refusals(body, self._diagnose)
            if sift(sha, body, read, known, self._own, now).events:
                proven.append(sha)
        if proven:
            self._kept.again(proven)

    def _is_report(self, message: Message, known: Ours, batch: _Batch, now: datetime) -> bool:
        """Whether it is a user's report. A bounce that he sends along is put to the proof as any."""
        reported = self._users.read(message, self._names(message), now)
        if reported is None:
            return False
        event = None
        if reported.how is not None:
            source = f"message:{message.sha256}"
            event = self._users.event(reported.told, self._desk, now, source)
        if event is None:
            batch.unproven.append(self._users.unproven(message, reported, now))
            return True
        found = refusals(message.body, self._diagnose)
        sifted = self._sifted(message.sha256, message.body, found, known, now)
        seen: list[ev.Refused | ev.Reported] = [event, *sifted.events]
        batch.done.append(self._refused(message, seen)._replace(what="report"))
        return True

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
        return [self._refused(message, [event]) for message, event in group]

    def _refused(self, message: Message, events: Sequence[ev.Refused | ev.Reported]) -> Taken:
        numbers: list[int] = []
        for n, event in enumerate(events, 1):
            # Counted and done with in one transaction, for the last; before it, `source` says so.
            handled = [message.sha256] if n == len(events) else []
            numbers += [r.case for r in self._desk.see(event, handled=handled)]
        return Taken(message.sha256, "refusal", tuple(dict.fromkeys(numbers)))

    # Answers

    def _is_answer(self, message: Message, now: datetime) -> bool:
        """Whether a mail in which refusals are read is an answer that quotes them: no report of a mail
        system, and a desk wrote it, or it comes under a ticket or in a thread of a case."""
        if is_report(message.body):
            return False
        read, number = self._read(message, now)
        known = read.how not in {"foreign-sender", "no-desk", "no-sender"}
        told = read.ticket is not None or bool(read.thread.replies_to)
        return number is not None and (known or told)

    def _requests(self, found: Sequence[Diagnosis]) -> list[Diagnosis]:
        """Those that were addressed to a desk."""
        return [d for d in found if d.recipient and self._is_desk(d.recipient.lower())]

    def _is_desk(self, address: str) -> bool:
        """As `answers.reading.goes_to`, of all desks at once."""
        labels = address.rpartition("@")[2].split(".")
        ends = (".".join(labels[n:]) for n in range(len(labels)))
        return address in self._desks or any(end in self._desks for end in ends)

    def _are_ours(self, message: Message, requests: Sequence[Diagnosis], known: Ours) -> bool:
        """Whether it is proven that these were mails of ours. That we met the same refusal proves that
        there is a block, and not that we had asked to lift it."""
        clues = provenance.clues(message.body)
        proofs = {provenance.judge(d, clues, known, self._own).proof for d in requests}
        return not proofs <= {None, "reproduced"}

    def _may_be_proven(self, message: Message, batch: _Batch, now: datetime) -> bool:
        """It stays new for a while: the log's lines may come later, and a person need not be asked."""
        young = now.timestamp() - LATE.total_seconds() < message.received_at <= now.timestamp()
        if not (young and self._proofs.has_log and len(batch.wait) < WAITING):
            return False
        batch.wait.append(message.sha256)
        return True

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

    def _answered(self, message: Message, now: datetime, *, ours: bool = False) -> Taken:
        """`ours`: what bounced is proven to be a request of ours, and moves its case at once."""
        read, number = self._read(message, now)
        if ours and read.class_ == "bounce":
            read = replace(read, authentic=True)
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


def _is_mail(entry: os.DirEntry[str], ours: bool) -> bool:
    return not entry.name.startswith(".") and entry.is_file(follow_symlinks=not ours)
