"""What a desk's answer says. Pure: words and rules in, a `Reading` out.

The rules are data (`knowledge/data/answers/*.toml`), tried in their order. What one matches is taken
out of the text before the next is tried: "Not qualified for mitigation" must never be read as
"mitigation", nor "Conditionally mitigated" as "Mitigated". So the sterner ones stand first, and what
no rule understands is `unclear`, which a person looks at.

Whether the mail is the desk's at all is not decided here: `signers` are the domains whose signature
says so, and whoever receives mail checks that.
"""

from __future__ import annotations

import ipaddress
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import msgspec

from todoku.cases.events import AnswerClass, Asked, Verdict
from todoku.i18n import Language
from todoku.model import Identity

SCHEMA: Final = 1
MOST: Final = 64_000
"""Characters of an answer that are read."""

WORST_FIRST: Final[tuple[AnswerClass, ...]] = (
    "not-qualified",
    "refused",
    "needs-information",
    "nothing-detected",
    "received",
    "expires",
    "conditionally-mitigated",
    "mitigated",
    "delisted",
    "bounce",
    "unrelated",
    "unclear",
)

_IP: Final = re.compile(
    r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7})(?![\w:]|\.\d)",
    re.I,
)
_QUOTED: Final = re.compile(r"(?m)^[ \t]*>.*$")


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words by which an answer is known."""

    id: str
    class_: AnswerClass = msgspec.field(name="class")
    lang: Language
    match: tuple[str, ...]
    """Expressions, case ignored; a blank stands for any white space, a line end too. What the
    first in the text matches are the deciding words."""
    asks: tuple[Asked, ...] = ()
    source: tuple[str, ...]


class Rules(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of one desk."""

    schema: int
    desk: str
    """By the knowledge's id of its receiver or list."""
    signers: tuple[str, ...] = ()
    """Domains whose DKIM signature proves that a mail is this desk's."""
    tickets: tuple[str, ...]
    """Expressions with the group `ticket`."""
    hours: tuple[str, ...] = ()
    """Expressions with the groups `min` and `max`."""
    rules: tuple[Rule, ...]


class Reading(NamedTuple):
    class_: AnswerClass
    words: str = ""
    """Those that decided, as they stand there."""
    ticket: str | None = None
    verdicts: tuple[Verdict, ...] = ()
    min_hours: float | None = None
    max_hours: float | None = None
    asks: tuple[Asked, ...] = ()
    rule: str | None = None
    identities: tuple[Identity, ...] = ()
    """Addresses that it speaks of, whether or not it says anything of them."""


class _Hit(NamedTuple):
    at: int
    rule: Rule
    words: str


def parse(text: str) -> Rules:
    """Of a rules file. Raises `ValueError` for what is none."""
    found = msgspec.convert(tomllib.loads(text), Rules)
    if found.schema != SCHEMA:
        raise ValueError(f"schema = {SCHEMA} is wanted, not {found.schema}")
    for pattern in (*found.tickets, *found.hours, *(m for r in found.rules for m in r.match)):
        _compiled(pattern)
    return found


def ticket(subject: str, body: str, rules: Rules) -> str | None:
    """The number under which the desk has it; that of the subject before any other."""
    for text in (_plain(subject), _plain(body)):
        for pattern in rules.tickets:
            if found := _compiled(pattern).search(text):
                return found["ticket"]
    return None


def read(subject: str, body: str, rules: Rules) -> Reading:
    """What the answer says. What is quoted with `>` is ours and is passed over."""
    text = _plain(subject[:1000] + "\n" + _QUOTED.sub("", body[:MOST]))
    number = ticket(subject, text, rules)
    hits = list(_hits(text, rules))
    if not hits:
        return Reading("unclear", ticket=number, identities=tuple(_addresses(text)))
    verdicts = tuple(_verdicts(text, hits))
    # A mail that says how the request ended also says, as a rule, that it was received.
    told = [hit for hit in hits if hit.rule.class_ != "received"] or hits
    worst = min(told, key=lambda hit: (WORST_FIRST.index(hit.rule.class_), hit.at))
    low, high = _hours(text, rules)
    asks = tuple(dict.fromkeys(a for hit in told for a in hit.rule.asks))
    rule = worst.rule
    told_of = tuple(_addresses(text))
    return Reading(rule.class_, worst.words, number, verdicts, low, high, asks, rule.id, told_of)


def _addresses(text: str) -> Iterator[Identity]:
    found = (_address(match[0]) for match in _IP.finditer(text))
    yield from (Identity("ip", address) for address in dict.fromkeys(found) if address)


def _address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def _plain(text: str) -> str:
    """Full-width digits and letters as the usual ones, whatever way they are composed."""
    return unicodedata.normalize("NFKC", text)


_cache: Final[dict[str, re.Pattern[str]]] = {}


def _compiled(pattern: str) -> re.Pattern[str]:
    if pattern not in _cache:
        _cache[pattern] = re.compile(pattern.replace(" ", r"\s+"), re.I)
    return _cache[pattern]


def _hits(text: str, rules: Rules) -> Iterator[_Hit]:
    """In the order of the rules; the words of one are blanked out for those after it."""
    for rule in rules.rules:
        for pattern in rule.match:
            for found in list(_compiled(pattern).finditer(text)):
                yield _Hit(found.start(), rule, " ".join(found[0].split()))
                blank = "\0" * (found.end() - found.start())
                text = text[: found.start()] + blank + text[found.end() :]


def _verdicts(text: str, hits: Iterable[_Hit]) -> Iterator[Verdict]:
    """Each address has the verdict of the words that stand nearest above it, else below."""
    ordered = sorted((h for h in hits if h.rule.class_ != "received"), key=lambda hit: hit.at)
    seen: dict[str, AnswerClass] = {}
    for found in _IP.finditer(text):
        address = _address(found[0])
        if address is None:
            continue
        above = [hit for hit in ordered if hit.at < found.start()]
        hit = above[-1] if above else next(iter(ordered), None)
        if hit is None:
            continue
        other = seen.get(address, hit.rule.class_)
        seen[address] = min(other, hit.rule.class_, key=WORST_FIRST.index)
    for address, class_ in seen.items():
        yield Verdict(identity=Identity("ip", address), class_=class_)


def _hours(text: str, rules: Rules) -> tuple[float | None, float | None]:
    for pattern in rules.hours:
        if found := _compiled(pattern).search(text):
            low, high = float(found["min"]), float(found["max"])
            return min(low, high), max(low, high)
    return None, None
