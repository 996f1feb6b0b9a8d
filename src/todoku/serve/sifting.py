"""A bounce that came in: what of it counts as a refusal of our mail, and what is only kept."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final, NamedTuple

from msgspec.structs import replace

from todoku import reading
from todoku.cases import events as ev
from todoku.cases import joining, provenance
from todoku.cases.case import identity_key
from todoku.cases.provenance import Doubt, Known
from todoku.diagnosis import Diagnoser
from todoku.model import Diagnosis
from todoku.reading import address, charset, mail
from todoku.serve import sightings
from todoku.settings.own import Own
from todoku.store.unverified import Unproven

LONGEST: Final = 300
"""Characters of a stranger's words that are shown."""


class Sifted(NamedTuple):
    """`events`: what is proven. `unproven`: what is kept instead, where nothing is. Neither: nothing of
    ours is blocked, nor anything else."""

    events: tuple[ev.Refused, ...] = ()
    unproven: Unproven | None = None


def refusals(body: bytes, diagnoser: Diagnoser) -> list[Diagnosis]:
    found = [diagnoser(refusal) for refusal in reading.read(body)]
    return [d for d in found if d.kind == "refusal"]


_ANY_MAIL: Final = (b"\nfrom:", b"\nsubject:", b"\ndate:", b"\nmessage-id:", b"\nto:")
_ROBOT: Final = re.compile(rb"(?i)(?:mailer[-_.]?daemon|postmaster)@")


def is_report(body: bytes) -> bool:
    """Whether a mail system wrote it."""
    whole = mail.parse(body)
    written = _ROBOT.search(whole.find(b"\nfrom:") or b"")
    return whole.type == b"multipart/report" or written is not None


def not_understood(sha256: str, body: bytes, now: datetime) -> Unproven | None:
    """A report in which nothing could be read, or what is no mail at all: a person looks. `None`: it is
    neither, or tells no refusal."""
    whole = mail.parse(body)
    rubble = all(whole.find(field) is None for field in _ANY_MAIL)
    if not (rubble or is_report(body)):
        return None
    if any(each.kind != "not-a-bounce" for each in reading.read(body)):
        return None
    who = next(iter(address.all_of(whole.text(b"\nfrom:"))), None)
    words = charset.header(whole.find(b"\nsubject:") or b"")
    if rubble:
        words = "".join(
            c if c.isprintable() else " " for c in body[-LONGEST:].decode("utf-8", "replace")
        )
    return Unproven(
        sha256=sha256,
        kind="refusal",
        doubt="not-understood",
        at=now.timestamp(),
        key=(who or "")[:LONGEST].lower(),
        who=who and who[:LONGEST],
        words=" ".join(words.split())[:LONGEST],
    )


def sift(
    sha256: str,
    body: bytes,
    found: Sequence[Diagnosis],
    known: Known,
    own: Own,
    now: datetime,
) -> Sifted:
    """`found`: the refusals in it."""
    events: list[ev.Refused] = []
    doubts: list[tuple[Doubt, Diagnosis]] = []
    when = written(body)
    clues = None
    for d in found:
        ours, foreign = sightings.split(d.blocked, own)
        if ours:
            if clues is None:
                clues = provenance.clues(body)
            verdict = provenance.judge(d, clues, known, own)
            if verdict.ours:
                event = sightings.refused(d, own, now, when=when, source=f"message:{sha256}")
                events.append(replace(event, proof=verdict.proof))
            elif verdict.doubt is not None:
                doubts.append((verdict.doubt, d))
        elif foreign:
            doubts.append(("not-our-address", d))
    if events or not doubts:
        return Sifted(joining.gather(events))
    # What is said of an address of ours is worth more to know.
    doubt, d = min(doubts, key=lambda each: each[0] == "not-our-address")
    return Sifted(unproven=_unproven(sha256, doubt, d, own, now))


def _unproven(sha256: str, doubt: Doubt, d: Diagnosis, own: Own, now: datetime) -> Unproven:
    ours, foreign = sightings.split(d.blocked, own)
    place = sightings.place(d)
    identities = ours or foreign
    where = "" if place is None else place.id[:LONGEST]
    return Unproven(
        sha256=sha256,
        kind="refusal",
        doubt=doubt,
        at=now.timestamp(),
        key=f"{identity_key(identities[0])[:LONGEST]}@{where}",
        who=d.reported_by and d.reported_by[:LONGEST],
        identities=tuple(i.value[:LONGEST] for i in identities[:10]),
        place=where or None,
        words=d.reply.text[:LONGEST],
    )


def written(body: bytes) -> datetime | None:
    """When the bounce was written, by its own word."""
    try:
        date = parsedate_to_datetime(mail.parse(body).text(b"\ndate:"))
        return None if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
