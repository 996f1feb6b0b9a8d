"""What the addresses of an answer mean by the table of a list (RFC 5782, section 2.1).

Whatever a table leaves open is not guessed: an address is a listing, an error, good news, or not
understood.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Final, NamedTuple

from todoku.knowledge.schema import Ask, Code, ListEntry, Shown, Text
from todoku.model import EntryClass, Scope, UnknownCause

LISTINGS: Final = frozenset({"abuse", "policy", "range"})
"""Classes that make somebody listed."""

MOST_KNOWN: Final = 256
"""Different answers of a list that are kept read."""

_LOOPBACK: Final = 127
_ERRORS: Final = 0x7FFFFF
"""127.255.255.0/24: operators' errors, in every list whose table does not say otherwise."""
_FIRST: Final = 0x7F000002
"""127.0.0.2: below it nothing is a listing unless the table says so."""

_ERROR: Final = Text(ja="リストに共通のエラーコード", en="an error code that lists share")
_LISTED: Final = Text(ja="掲載あり（理由の説明はありません）", en="listed (the list tells no more)")


class Meaning(NamedTuple):
    """One address of an answer, or one bit of it, as the list means it."""

    code: str
    class_: EntryClass
    text: Text
    scope: Scope | None = None
    weight: float | None = None
    desk: str | None = None
    list: str | None = None
    cause: UnknownCause | None = None
    """What an error is."""
    shows: Shown | None = None


class Read(NamedTuple):
    """An answer, understood as far as the table goes."""

    codes: tuple[str, ...]
    """All its addresses, each once, sorted."""
    meanings: tuple[Meaning, ...]
    unknown: tuple[str, ...]
    """Addresses within 127/8 of which all, or a bit, has no meaning here."""
    outside: tuple[str, ...]
    """Addresses outside 127/8: no answer of any list."""

    @property
    def lists(self) -> bool:
        return any(m.class_ in LISTINGS for m in self.meanings)

    @property
    def error(self) -> UnknownCause | None:
        """Why this answer is not the list's, or not all of it: an error that it told, an address
        that no list gives, a code that nobody knows."""
        for m in self.meanings:
            if m.class_ == "error":
                return m.cause
        if self.outside:
            return "not-loopback"
        return "unknown-code" if self.unknown else None


class Span(NamedTuple):
    """A code of the table as the addresses that it stands for."""

    kind: int
    """0 an address, 1 a range, 2 a shape: a lower kind is the more exact one."""
    size: int
    low: int
    high: int
    mask: int
    """Octets that must be those of `low`; 0 for a range."""
    code: Code

    def holds(self, n: int) -> bool:
        return self.low <= n <= self.high and n & self.mask == self.low & self.mask


def number(address: str) -> int:
    """An IPv4 address as an integer. Raises `ValueError`."""
    try:
        return int.from_bytes(socket.inet_pton(socket.AF_INET, address.strip()), "big")
    except OSError:
        raise ValueError(f"{address!r} is no IPv4 address") from None


def span(code: Code) -> Span | None:
    """The addresses that a code stands for; `None` for a bit. Raises `ValueError`."""
    text = code.code.strip()
    if bit(code) is not None:
        return None
    first, dash, last = text.partition("-")
    if dash:
        low, high = number(first), number(last)
        return Span(1, high - low + 1, low, high, 0, code)
    octets = text.upper().split(".")
    free = octets.count("X")
    low = number(".".join("0" if o == "X" else o for o in octets))
    mask = int.from_bytes(bytes(0 if o == "X" else 255 for o in octets), "big")
    high = low | ~mask & 0xFFFFFFFF
    return Span(2 if free else 0, 256**free, low, high, mask, code)


def bit(code: Code) -> int | None:
    """The bit that a code stands for, by its value (1 to 128); `None` for anything else."""
    word, _, value = code.code.strip().partition(" ")
    return int(value) if word.lower() == "bit" and value.isdecimal() else None


class Table:
    """The codes of one list, made ready. Raises `ValueError` for a code that cannot be read."""

    def __init__(self, entry: ListEntry) -> None:
        ask = entry.ask or Ask()
        self.ask = ask
        spans = [s for s in map(span, ask.codes) if s is not None]
        self._spans = sorted(spans, key=lambda s: s[:2])
        self._bits = {value: c for c in ask.codes if (value := bit(c)) is not None}
        self._open = ask.open or not ask.codes
        self._class: EntryClass = self._within_role(ask.list_class or entry.list_class or "abuse")
        self._known: dict[tuple[str, ...], Read] = {}
        """Answers that were read before: most of a list's are alike."""

    def read(self, addresses: Iterable[str]) -> Read:
        """What an answer says. Never raises: an address that is none is outside 127/8."""
        answer = tuple(addresses)
        read = self._known.get(answer)
        if read is None:
            read = self._read(answer)
            if len(self._known) < MOST_KNOWN:
                self._known[answer] = read
        return read

    def _read(self, addresses: tuple[str, ...]) -> Read:
        meanings: list[Meaning] = []
        unknown: list[str] = []
        outside: list[str] = []
        numbers = {a: _number(a) for a in addresses}
        codes = sorted(numbers, key=lambda a: (numbers[a] < 0, numbers[a], a))
        for address in codes:
            n = numbers[address]
            if n >> 24 != _LOOPBACK:
                outside.append(address)
                continue
            found, whole = self._meanings(address, n)
            meanings += found
            if not whole:
                unknown.append(address)
        return Read(tuple(codes), tuple(meanings), tuple(unknown), tuple(outside))

    def _meanings(self, address: str, n: int) -> tuple[list[Meaning], bool]:
        """What one address means, and whether that is all of it."""
        error = n >> 8 == _ERRORS
        for s in self._spans:
            if s.holds(n) and not (error and s.size > 256):
                return [self._of(address, s.code, self._category(s, n))], True
        if error:
            return [Meaning(address, "error", _ERROR, cause="resolver-refused")], True
        found = []
        left = n & 255
        for value, code in self._bits.items():
            if n & value:
                found.append(self._of(address, code, None))
                left &= ~value
        if found and (left == 0 or self._open):
            return found, True
        if not found and self._open and n >= _FIRST:
            text = self.ask.criterion or _LISTED
            return [Meaning(address, self._class, text)], True
        return found, False

    def _of(self, address: str, code: Code, category: Text | None) -> Meaning:
        class_ = self._within_role(code.class_)
        text = code.meaning
        if category is not None:
            text = Text(ja=f"{text.ja}（{category.ja}）", en=f"{text.en} ({category.en})")
        return Meaning(
            address,
            class_,
            text,
            code.scope,
            code.weight,
            code.desk,
            code.list,
            (code.cause or "resolver-refused") if class_ == "error" else None,
            code.shows,
        )

    def _category(self, s: Span, n: int) -> Text | None:
        """The name of the octet that a structured code leaves open, or its number."""
        octet = self.ask.category_octet
        if self.ask.code_mode != "structured" or octet is None or s.code.class_ == "error":
            return None
        shift = 8 * (4 - octet)
        if s.mask >> shift & 255 or s.kind != 2:
            return None
        value = str(n >> shift & 255)
        return self.ask.categories.get(value, Text(ja=value, en=value))

    def _within_role(self, class_: EntryClass) -> EntryClass:
        """Whatever a table says, a list of good senders or of facts makes nobody listed."""
        role = self.ask.role
        return role if role != "block" and class_ in LISTINGS else class_


def _number(address: str) -> int:
    try:
        return number(address)
    except ValueError:
        return -1
