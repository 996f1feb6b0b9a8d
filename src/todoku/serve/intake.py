"""What comes in as mail: bounces, and the answers of desks. A message is on disk in the store before
its file is put away, and one message counts once, however often it is handed over."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib import resources
from pathlib import Path
from typing import Final, Literal, NamedTuple

from todoku import reading
from todoku.cases import answers, commands, joining
from todoku.cases import events as ev
from todoku.cases.case import Case, identity_key
from todoku.diagnosis import Diagnoser
from todoku.model import Diagnosis
from todoku.reading import mail
from todoku.serve import sightings
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


def answer_rules() -> tuple[answers.Rules, ...]:
    """The rules that come with todoku, of every desk that has some."""
    folder = resources.files("todoku.knowledge").joinpath("data/answers")
    found = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return tuple(answers.parse(file.read_text("utf-8")) for file in found)


class Intake:
    def __init__(
        self,
        desk: Desk,
        diagnoser: Diagnoser,
        own: Own,
        rules: Sequence[answers.Rules],
        trusted: Sequence[str],
    ) -> None:
        """`trusted`: names under which our own server writes Authentication-Results (RFC 8601)."""
        self._desk = desk
        self._box = Mailbox(desk)
        self._diagnose = diagnoser
        self._own = own
        self._rules = tuple(rules)
        self._trusted = {name.lower() for name in trusted}

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
        whole = mail.parse(message.body)
        subject = whole.text(b"\nsubject:")
        text = "\n".join(
            leaf.decoded() for leaf in whole.leaves() if leaf.type in {b"text/plain", b""}
        )
        signed = self._signed_by(whole)
        for rules in self._rules:
            authentic = any(_is_below(domain, rules.signers) for domain in signed)
            read = answers.read(subject, text, rules)
            number = self._case_of(read, rules)
            if number is None or (read.class_ == "unclear" and read.ticket is None):
                continue
            self._record(number, read, rules, authentic, message, now)
            return (number,)
        return ()

    def _case_of(self, read: answers.Reading, rules: answers.Rules) -> int | None:
        """By its ticket; a new ticket by the address that it speaks of."""
        if read.ticket is not None:
            number = self._desk.find(f"ticket:{read.ticket}")
            if number is not None:
                return number
        for identity in read.identities:
            number = self._desk.find(f"{identity_key(identity)}@{rules.desk}")
            if number is not None:
                return number
        return None

    def _record(
        self,
        number: int,
        read: answers.Reading,
        rules: answers.Rules,
        authentic: bool,
        message: Message,
        now: datetime,
    ) -> None:
        source = f"message:{message.sha256}"
        if read.class_ == "received" and authentic:
            received = ev.Acknowledged(at=now, source=source, ticket=read.ticket)
            self._desk.change(number, lambda case: commands.acknowledge(case, received))
            return
        event = ev.Answered(
            at=now,
            source=source,
            class_=read.class_,
            words=read.words,
            ticket=read.ticket,
            desk=rules.desk,
            verdicts=read.verdicts,
            min_hours=read.min_hours,
            max_hours=read.max_hours,
            asks=read.asks,
            authentic=authentic,
        )

        def command(case: Case) -> Sequence[ev.AnyEvent]:
            return commands.answer(case, event, policy=self._desk.policy)

        self._desk.change(number, command)

    def _signed_by(self, whole: mail.Entity) -> tuple[str, ...]:
        """Domains whose signature our own server found good. Only a field above every Received
        counts: that one was added on arrival, and what stands below may have come with the mail
        (not every server takes forged ones away, as RFC 8601, section 5, wants)."""
        found = whole.low.find(b"\nauthentication-results:")
        if not 0 <= found < whole.low.find(b"\nreceived:"):
            return ()
        fields = whole.all(b"\nauthentication-results:", 1)
        text = fields[0].decode("ascii", "replace")
        server, _, results = text.partition(";")
        if server.strip().partition(" ")[0].lower() not in self._trusted:
            return ()
        return tuple(
            match[1].lower()
            for match in re.finditer(
                r"\bdkim\s*=\s*pass\b[^;]*?\bheader\.d\s*=\s*([\w.-]+)", results
            )
        )


def _is_below(domain: str, signers: Sequence[str]) -> bool:
    return any(domain == s or domain.endswith(f".{s}") for s in signers)


def _is_mail(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(".")


def _written(body: bytes) -> datetime | None:
    """When the bounce was written."""
    try:
        date = parsedate_to_datetime(mail.parse(body).text(b"\ndate:"))
        return None if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
