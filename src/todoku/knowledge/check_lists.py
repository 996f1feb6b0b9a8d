"""Validates how lists are asked: what contradicts itself, cannot be read or would raise an alarm
for nothing.

`problems` gives sentences that name file, line and list at fault.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from todoku.knowledge.files import files, line_of, read_toml, shape_of
from todoku.knowledge.schema import Ask, AskKind, Code, ListEntry, Lists, Resolvers, Text
from todoku.lists.codes import LISTINGS, Span, bit, span

GONE: Final = frozenset({"dead", "fraudulent", "merged", "renamed"})
ASKED: Final = frozenset({"default", "optional", "candidate"})
"""Tiers whose lists are asked by public DNS."""
HEAVIEST: Final = 8

_ZONE = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,253}")
_LOOPBACK = ipaddress.ip_network("127.0.0.0/8")
_ERRORS = (0x7FFFFF00, 0x7FFFFFFF)
_DATE = re.compile(r"\d{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)?")
_JAPANESE = re.compile(r"[\u3041-\u30ff\u4e00-\u9fff]")


class _Place(NamedTuple):
    """A list, and where it stands."""

    where: str
    entry: ListEntry


def problems(folders: Iterable[Path]) -> list[str]:
    """Everything that is wrong with the lists of the package's folder and of those laid over it.

    A list of a later folder replaces that of an earlier one. Files must be of the right shape
    (`KnowledgeError` otherwise)."""
    out: list[str] = []
    book: dict[str, _Place] = {}
    for folder in folders:
        layer: dict[str, _Place] = {}
        for path in files(folder):
            shape = shape_of(path)
            if shape is Resolvers:
                out += [f"{path}: {p}" for p in _of_resolvers(read_toml(path, Resolvers))]
            elif shape is Lists:
                out += _read(path, layer)
        book |= layer
    out += _zones(book.values())
    lists = {name: place.entry for name, place in book.items()}
    for place in book.values():
        out += [f"{place.where}: {p}" for p in of_list(place.entry, lists)]
    return out


def _read(path: Path, layer: dict[str, _Place]) -> Iterator[str]:
    """The lists of one file, into the layer; what is wrong with the file itself."""
    group = read_toml(path, Lists)
    text = path.read_text()
    for name, desk in group.desks.items():
        yield from (f"{path}: desk {group.id}/{name}: {p}" for p in _words(desk))
    for n, entry in enumerate(group.lists):
        line = line_of(text, "lists", n)
        place = _Place(f"{path}:{line}: list {entry.id}", entry)
        if (other := layer.get(entry.id)) is not None:
            yield f"{place.where}: the id stands a second time (first: {other.where})"
        if not group.origin or not group.licence:
            yield f"{place.where}: no `origin` or `licence` of its facts at the head of the file"
        layer[entry.id] = place


def _zones(places: Iterable[_Place]) -> Iterator[str]:
    """Zones that are malformed, or that two lists call theirs."""
    taken: dict[str, _Place] = {}
    for place in places:
        ask = place.entry.ask
        keyed = (ask.key.zone,) if ask and ask.key and ask.key.zone else ()
        if len(set(place.entry.zones)) < len(place.entry.zones):
            yield f"{place.where}: a zone stands twice in `zones`"
        for zone in dict.fromkeys((*place.entry.zones, *keyed)):
            if not _ZONE.fullmatch(zone) or len(zone) > 253:
                yield f"{place.where}: {zone!r} is no zone (a lower-case name without blanks)"
            other = taken.setdefault(zone, place)
            if other is not place:
                yield f"{place.where}: the zone {zone} is that of {other.where} already"


def of_list(entry: ListEntry, lists: Mapping[str, ListEntry]) -> Iterator[str]:
    """What is wrong with one list; `lists` are all of them, by id."""
    yield from _words(entry)
    for date in (entry.date, entry.ask.since if entry.ask else None):
        if date is not None and not _DATE.fullmatch(date):
            yield f"{date!r} is no date (2026, 2026-08 or 2026-08-21)"
    ask = entry.ask
    if ask is None:
        return
    yield from _of_status(entry, ask)
    yield from _of_tier(entry, ask)
    yield from _of_kin(entry, ask, lists)
    yield from _of_asking(entry, ask)
    yield from _of_codes(ask)
    yield from _of_tests(ask)
    yield from _of_terms(entry, ask)


# ── status, tier, what became of it ───────────────────────────────────────────────────────────


def _of_status(entry: ListEntry, ask: Ask) -> Iterator[str]:
    """What became of it: told where it is gone, and only there."""
    if entry.status in GONE:
        if ask.tier != "never":
            yield f"it is {entry.status}, but its tier is {ask.tier!r}, not 'never'"
        if ask.became is None:
            yield f"it is {entry.status}, and no `became` says what became of it"
        if ask.dead is None and entry.status == "dead":
            yield "it is dead, and no `dead` says what its zone answers ('unknown' is allowed)"
    else:
        if ask.moved_to:
            yield f"it is {entry.status}, but has `moved_to`"
        if ask.dead is not None and entry.status != "unknown":
            yield f"it is {entry.status}, but `dead` says what its zone answers without service"
    if entry.status in {"merged", "renamed"} and not ask.moved_to:
        yield f"it is {entry.status}, and no `moved_to` says into what"


def _of_tier(entry: ListEntry, ask: Ask) -> Iterator[str]:
    """What must be known of a list before it is asked without being named."""
    if entry.status in {"documented", "unknown"} and ask.tier in {"default", "optional"}:
        yield f"it is {entry.status}: too little is known of it for the tier {ask.tier!r}"
    if ask.tier in {"default", "key", "optional"}:
        if not entry.source:
            yield f"no `source`, which the tier {ask.tier!r} needs"
        if ask.criterion is None:
            yield f"no `criterion`: what gets one listed is for the tier {ask.tier!r} to tell"
    if ask.tier == "default" and not ask.test.listed:
        yield "no test point, which the tier 'default' needs"


def _of_kin(entry: ListEntry, ask: Ask, lists: Mapping[str, ListEntry]) -> Iterator[str]:
    """The lists that it belongs to."""
    for field, other in (("part_of", ask.part_of), ("moved_to", ask.moved_to)):
        target = lists.get(other or "")
        if other is None or target is None:  # a list that is not there: the compiler says so
            continue
        if other == entry.id:
            yield f"`{field}` names the list itself"
        elif target.status in GONE:
            yield f"`{field}`: {other} is {target.status} itself"
        elif field == "part_of" and target.ask is not None and target.ask.part_of == entry.id:
            yield f"it and {other} are parts of each other"


def _of_asking(entry: ListEntry, ask: Ask) -> Iterator[str]:
    if ask.tier in ASKED and not entry.zones:
        yield f"it has no zone, but the tier {ask.tier!r}"
    if ask.tier in ASKED and not ask.kinds:
        yield f"it has no `kinds` of what may be asked, but the tier {ask.tier!r}"
    if ask.tier == "key" and not entry.zones and ask.note is None:
        yield "it cannot be asked by DNS, and no `note` says how one looks it up"
    if len(set(ask.kinds)) < len(ask.kinds):
        yield "a kind stands twice in `kinds`"
    if ask.names == "registered" and "domain" not in ask.kinds:
        yield '`names = "registered"`, but it is not asked for domains'
    if not 1 <= ask.ipv6_prefix <= 128:
        yield f"`ipv6_prefix` is {ask.ipv6_prefix}, not 1 to 128"
    elif ask.ipv6_prefix < 128 and "ipv6" not in ask.kinds:
        yield "`ipv6_prefix`, but it is not asked for IPv6"


# ── codes ─────────────────────────────────────────────────────────────────────────────────────


def _of_codes(ask: Ask) -> Iterator[str]:
    spans: list[Span] = []
    bits: set[int] = set()
    for code in ask.codes:
        yield from (f"code {code.code!r}: {p}" for p in _of_meaning(code, ask))
        value = bit(code)
        if value is not None:
            if ask.code_mode != "bitmask":
                yield f'code {code.code!r}: a bit, without `code_mode = "bitmask"`'
            if value not in {1, 2, 4, 8, 16, 32, 64, 128}:
                yield f"code {code.code!r}: no bit of an octet (1, 2, 4 ... 128)"
            if value in bits:
                yield f"code {code.code!r}: it stands twice"
            bits.add(value)
            continue
        if found := _span(code):
            spans.append(found)
        else:
            yield (
                f"code {code.code!r}: no address of 127.0.0.0/8 (127.0.0.2), range "
                "(127.0.0.5-127.0.0.7), shape (127.0.X.3) or bit (bit 8)"
            )
    for a, b in combinations(spans, 2):
        if a.kind == b.kind and a.size == b.size and _overlap(a, b):
            yield f"codes {a.code.code!r} and {b.code.code!r} overlap and are equally exact"
    yield from _of_categories(ask)
    if ask.code_mode == "bitmask" and ask.codes and not bits:
        yield '`code_mode = "bitmask"`, but no code is a bit'
    if ask.weight is not None:
        yield from _of_weight(ask.weight, "allow" if ask.role == "allow" else "abuse")


def _span(code: Code) -> Span | None:
    """The addresses of a code; `None` where it cannot be read or lies outside 127/8."""
    try:
        found = span(code)
    except ValueError:
        return None
    if found is None or found.size < 1 or found.low >> 24 != 127 or found.high >> 24 != 127:
        return None
    return found


def _overlap(a: Span, b: Span) -> bool:
    """Whether some address is in both. Ranges have no mask, shapes agree where both are fixed."""
    common = a.mask & b.mask
    return a.low <= b.high and b.low <= a.high and a.low & common == b.low & common


def _of_meaning(code: Code, ask: Ask) -> Iterator[str]:
    if code.cause is not None and code.class_ != "error":
        yield f"a `cause`, but it is {code.class_}, not an error"
    if code.class_ == "error" and (code.weight is not None or code.desk or code.list):
        yield "an error has neither weight nor desk nor part list"
    if code.class_ == "range" and code.scope not in {None, "range", "asn"}:
        yield f"class range, but the scope is {code.scope!r}"
    if ask.role != "block" and code.class_ in LISTINGS:
        yield f"class {code.class_}, but the role {ask.role!r} lists nobody"
    if code.weight is not None:
        yield from _of_weight(code.weight, code.class_)
    found = _span(code)
    if found and _ERRORS[0] <= found.low and found.high <= _ERRORS[1] and code.class_ != "error":
        yield f"127.255.255.0/24 are errors, not {code.class_}"


def _of_weight(weight: float, class_: str) -> Iterator[str]:
    low, high = (-HEAVIEST, 0) if class_ == "allow" else (0, HEAVIEST)
    if not low <= weight <= high or weight == 0:
        yield f"the weight {weight:g} is not within {low} to {high} (class {class_}), without 0"


def _of_categories(ask: Ask) -> Iterator[str]:
    if ask.categories and ask.category_octet is None:
        yield "`categories`, but no `category_octet` says where they stand"
    if ask.category_octet is not None:
        if ask.code_mode != "structured":
            yield '`category_octet`, without `code_mode = "structured"`'
        if not 1 <= ask.category_octet <= 4:
            yield f"`category_octet` is {ask.category_octet}, not 1 to 4"
    for value in ask.categories:
        if not value.isdecimal() or int(value) > 255:
            yield f"the category {value!r} is no octet"


# ── test points ───────────────────────────────────────────────────────────────────────────────


def _of_tests(ask: Ask) -> Iterator[str]:
    test = ask.test
    for point in (*test.listed, *test.not_listed):
        kind = _kind(point)
        if kind is None:
            yield f"the test point {point!r} is neither an address nor a name"
        elif kind not in ask.kinds and not (kind == "ipv4" and _loopback(point) and ask.kinds):
            yield f"the test point {point!r} is {kind}, for which it is never asked"
    for point in sorted({*map(str.lower, test.listed)} & {*map(str.lower, test.not_listed)}):
        yield f"the test point {point!r} is both listed and not listed"
    for answer in test.gives:
        if not _loopback(answer):
            yield f"the answer {answer!r} of a test point is no address of 127.0.0.0/8"
    if test.gives and not test.listed:
        yield "`gives` tells what a listed test point answers, but there is none"


def _kind(point: str) -> AskKind | None:
    try:
        return "ipv4" if ipaddress.ip_address(point).version == 4 else "ipv6"
    except ValueError:
        return "domain" if _NAME.fullmatch(point) and not point[-1:].isdigit() else None


def _loopback(address: str) -> bool:
    """Some domain lists too have 127.0.0.2 as test point: it is nobody's address."""
    try:
        return ipaddress.ip_address(address) in _LOOPBACK
    except ValueError:
        return False


# ── terms and keys ────────────────────────────────────────────────────────────────────────────


def _of_terms(entry: ListEntry, ask: Ask) -> Iterator[str]:
    usage, key = ask.usage, ask.key
    if usage.per_day is not None and usage.per_day < 1:
        yield f"`per_day` is {usage.per_day}"
    if usage.per_second is not None and usage.per_second <= 0:
        yield f"`per_second` is {usage.per_second:g}"
    for url in (usage.url, ask.lookup_url):
        if url is not None and not re.fullmatch(r"https?://\S+", url):
            yield f"{url!r} is no URL"
    if key is None:
        return
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", key.name):
        yield f"the key's name {key.name!r} is not made of a-z, 0-9 and -"
    if key.zone is not None and key.zone in entry.zones[:1]:
        yield "`key.zone` is the public zone: leave it out"
    if key.pattern is not None:
        try:
            re.compile(key.pattern)
        except re.error as e:
            yield f"`key.pattern` is no regular expression ({e})"


# ── words ─────────────────────────────────────────────────────────────────────────────────────


def _words(value: Any, at: str = "") -> Iterator[str]:
    """Sentences that are missing in a language, wherever they stand in a value."""
    if isinstance(value, Text):
        for language, said in (("ja", value.ja), ("en", value.en)):
            if not said.strip():
                yield f"{at}: no words in {language}"
            elif (language == "ja") != bool(_JAPANESE.search(said)):
                yield f"{at}: the words in {language} are not {language}: {said!r}"
    elif isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            yield from _words(getattr(value, field), f"{at}.{field}".lstrip("."))
    elif isinstance(value, tuple):
        for part in value:
            name = f" {part.code!r}" if isinstance(part, Code) else ""
            yield from _words(part, at + name)
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _words(part, f"{at}.{name}")


def _of_resolvers(table: Resolvers) -> Iterator[str]:
    taken: dict[str, str] = {}
    for resolver in table.resolvers:
        for address in resolver.addresses:
            try:
                network = str(ipaddress.ip_network(address))
            except ValueError:
                yield f"{resolver.name}: {address!r} is neither an address nor a network"
                continue
            if (other := taken.setdefault(network, resolver.name)) != resolver.name:
                yield f"{resolver.name}: {address} is that of {other} already"
