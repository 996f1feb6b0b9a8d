"""Equal refusals are one row.

Receivers put a queue id, a host number, a time stamp or a ticket into every reply, so a thousand
refusals for one ground are a thousand different texts. Two are equal here when the diagnosis says
the same of them; where it rests on no rule, when their words are the same once what belongs to the
one message is masked. Pure; a bound on the number of groups keeps a hostile or very mixed input
from filling the memory.
"""

from __future__ import annotations

import functools
import re
from typing import Final

from todoku.model import Diagnosis

MOST_GROUPS: Final = 5_000
MOST_KNOWN: Final = 1_000
"""Recipients kept apart in one group."""
MOST_SOURCES: Final = 5
MOST_WORDS: Final = 1_000
"""Characters of a reply that are compared."""

_CLOCK = r"\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?"
_ZONE = r"(?: ?(?:Z|GMT|UTC|[+-]\d\d:?\d\d)(?: \([A-Z]{2,5}\))?)?"
_MONTH = r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"

# What belongs to one message, one session or one server of many, and says nothing of the ground.
# Order matters: the most exact shapes first. All of them are linear.
_MASKS: Final = (
    # The query of a URL holds the address, the ticket, the time; host and path tell the page.
    (r"(https?://[^\s<>\"'?#]{1,300})[?#][^\s<>\"']{0,1000}", r"\1?…"),
    (r"[^\s<>@:;,()\[\]\"'=]{1,256}@[a-z0-9._-]{1,255}", "address"),
    # 2026-11-24T03:00:00Z; Tue, 24 Nov 2026 03:00:00 +0000 (JST); 24/Nov/2026:03:00:00
    (rf"\b\d{{4}}-\d\d-\d\d(?:[T ]{_CLOCK}{_ZONE})?", "time"),
    (
        (
            r"\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?"
            rf"\d{{1,2}}[ /-]{_MONTH}[ /-]\d{{4}}[ :]{_CLOCK}{_ZONE}"
        ),
        "time",
    ),
    (r"\b\d{1,2}:\d\d:\d\d\b", "time"),
    (r"\b(?:\d{1,3}\.){3}\d{1,3}\b", "ip"),
    (r"\b[0-9a-f]{1,4}:(?:[0-9a-f]{0,4}:){1,6}[0-9a-f]{1,4}\b", "ip"),
    (r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "id"),
)
# A word that mixes letters with digits (queue id, host number, message id), or a long number.
# A status code (5.7.1), a plain word and a short receiver's code (SC-001, TSS04) stay.
_WORD: Final = re.compile(r"[A-Za-z0-9_+/=.-]{5,500}")
_SHAPED: Final = re.compile(
    r"(?:\d{3}-)?[245]\.\d{1,3}\.\d{1,3}|[A-Za-z_]{1,12}[_.-]?\d{1,4}|\d{1,4}|[A-Za-z_./+=-]*"
)


@functools.cache
def _masks() -> tuple[tuple[re.Pattern[str], str], ...]:
    """Compiled when first needed: one refusal alone needs no mask."""
    return tuple((re.compile(shape, re.IGNORECASE), mask) for shape, mask in _MASKS)


def template(text: str) -> str:
    """The words of a reply with what belongs to the single message masked."""
    text = text[:MOST_WORDS]
    for shape, mask in _masks():
        text = shape.sub(mask, text)
    return " ".join(_WORD.sub(_word, text).split())


def _word(m: re.Match[str]) -> str:
    word = m[0].rstrip(".")
    tail = m[0][len(word) :]
    if _SHAPED.fullmatch(word):
        return m[0]
    if "." in word and not word[0].isdigit():  # a host: its number is masked, its name stays
        labels = [
            x if _SHAPED.fullmatch(x) and not x[-1:].isdigit() else "host" for x in word.split(".")
        ]
        return ".".join(labels) + tail
    return "id" + tail


Key = tuple[object, ...]


def key_of(d: Diagnosis) -> Key:
    """What two refusals must share to be one row."""
    if d.kind != "refusal":
        return (d.kind, d.feedback_type, d.action if d.kind == "delivered" else None)
    words: object = None
    if d.rule is None:
        words = template(d.reply.text or "")
    place = d.receiver or (d.remote.host and domain_of(d.remote.host))
    return (
        d.kind,
        d.reason,
        place,
        d.gateway,
        d.receiver_code,
        tuple((b.kind, b.value) for b in d.blocked),
        d.blocklist.id if d.blocklist else None,
        d.temporary,
        d.action == "delayed",
        d.rule,
        d.refused_by,
        words,
    )


def domain_of(host: str) -> str:
    """The part of a host name that its numbered brothers share: `mx3.example.com` and
    `mx4.example.com` are one place. No list of public suffixes: the first label is left out."""
    low = host.lower().rstrip(".")
    first, dot, rest = low.partition(".")
    return rest if dot and "." in rest and any(c.isdigit() for c in first) else low


class Group:
    """Equal refusals: the first of them stands for all."""

    __slots__ = ("_seen", "count", "first", "recipients", "sources")

    def __init__(self, first: Diagnosis) -> None:
        self.first = first
        self.count = 0
        self.recipients = 0
        """Different recipients, as far as they were kept apart."""
        self.sources: list[str] = []
        self._seen: set[str] = set()

    def add(self, d: Diagnosis) -> None:
        self.count += 1
        if d.recipient and len(self._seen) < MOST_KNOWN and d.recipient not in self._seen:
            self._seen.add(d.recipient)
            self.recipients += 1
        if len(self.sources) < MOST_SOURCES and (not self.sources or self.sources[-1] != d.source):
            self.sources.append(d.source)

    @property
    def others(self) -> int:
        """Recipients besides the first one's."""
        return max(0, self.recipients - 1)


class Groups:
    """Refusals as they come, kept as rows."""

    def __init__(self) -> None:
        self._of: dict[Key, Group] = {}
        self.total = 0

    def add(self, d: Diagnosis) -> None:
        self.total += 1
        key = key_of(d)
        group = self._of.get(key)
        if group is None:
            if len(self._of) >= MOST_GROUPS:
                key = (d.kind, d.reason, d.receiver, d.temporary)
                group = self._of.get(key)
            if group is None:
                group = self._of[key] = Group(d)
        group.add(d)

    def __len__(self) -> int:
        return len(self._of)

    def ordered(self) -> list[Group]:
        """What matters most first: see `standing`; then the greater number."""
        return sorted(
            self._of.values(),
            key=lambda g: (*standing(g.first), -g.count),
        )


# ── what matters most ─────────────────────────────────────────────────────────────────────────

_WAYS_OF_SENDING: Final = frozenset(("rate-limit", "connection-limit", "policy", "sender-refused",
                                      "tls", "syntax", "refused-client", "relay-denied", "security"))  # fmt: skip
_BLOCKS: Final = frozenset(("listed", "reputation", "reverse-dns", "helo", "authentication"))


OURS: Final = frozenset({"sender-admin", "domain-owner", "hoster"})
"""Those who act that are on the sending side."""


def standing(d: Diagnosis) -> tuple[int, bool]:
    """How early it is told: by urgency, and of two alike that which is ours to mend."""
    return urgency(d), d.who_acts not in OURS


def urgency(d: Diagnosis) -> int:
    """0 is first. A block of the sender hurts all its mail; a missing mailbox hurts one."""
    if d.kind == "complaint":
        return 2
    if d.kind != "refusal":
        return 9
    if d.reason in _BLOCKS:
        return 0 if not d.temporary else 1
    if d.reason in _WAYS_OF_SENDING:
        return 2
    if d.reason == "undecided":
        return 3
    if d.who_acts in OURS:
        return 4
    if d.reason == "lookup-failed":
        return 4
    if d.who_acts == "nobody" or d.action == "delayed":
        return 7
    return 5
