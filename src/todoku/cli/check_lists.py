"""Which lists `todoku check` asks, and which of them decide: the command line's word, the settings',
the knowledge's."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from todoku.cli.render.text import short
from todoku.errors import TodokuError
from todoku.i18n import Language, Sentence, Words, say
from todoku.knowledge.schema import ListEntry, Tier
from todoku.lists import names, plan
from todoku.lists.plan import Book, Terms
from todoku.settings import Settings

TIERS: Final[tuple[Tier, ...]] = ("default", "key", "optional", "candidate")
"""Each takes more lists than the one before."""

WORDS: Final[Words] = {
    "no-list": {
        "ja": "{name} というリストは知識にありません。{nearest}一覧: todoku knowledge show"
        "（知識にないゾーンは --zone {name} で尋ねられます）",
        "en": "the knowledge has no list {name}. {nearest}All of them: todoku knowledge show (a zone "
        "that it does not have: --zone {name})",
    },
    "no-list-set": {
        "ja": "設定 [lists] {key} の {name} というリストは知識にありません。{nearest}何も尋ねていません。"
        "一覧: todoku knowledge show",
        "en": "[lists] {key} of the settings names {name}, which the knowledge does not have. "
        "{nearest}Nothing was asked. All lists: todoku knowledge show",
    },
    "no-key": {
        "ja": "設定 [lists.keys] の {name} という鍵を使うリストはありません。{nearest}何も尋ねていません。",
        "en": "[lists.keys] of the settings has {name}, but no list takes a key of that name. "
        "{nearest}Nothing was asked.",
    },
    "odd-key": {
        "ja": "設定 [lists.keys] の {name} は、この種の鍵の形をしていません。写し間違いがないか確かめてください。",
        "en": "the key {name} in [lists.keys] does not look as such keys do. See whether it was copied "
        "as a whole.",
    },
    "too-fast": {
        "ja": "{lists} が認めているのは毎秒 {rate} 問までなので、--rate {asked} ではなくその速さで尋ねます。運営者と"
        "合意があるなら --agreed を付けてください。",
        "en": "{lists}: at most {rate} questions a second are permitted, so it is not --rate {asked} "
        "that holds here. If the operator agreed to more, add --agreed.",
    },
    "two-zones": {
        "ja": "{zones} は同じリスト（{list}）のゾーンです。一度に一つずつ指定してください。何も尋ねていません。",
        "en": "{zones} are zones of one list ({list}). Name them in runs of their own. Nothing was asked.",
    },
    "holds-key": {
        "ja": "{zone} のようにゾーンの名前に鍵を入れないでください（画面やログに残ります）。鍵は設定 "
        "[lists.keys] に {key} として書き、リストは --list {list} で指定します。何も尋ねていません。",
        "en": "a name such as {zone} holds a key, which would show on screens and in logs. Set the key "
        "as {key} in [lists.keys] of the settings, and name the list: --list {list}. Nothing was "
        "asked.",
    },
    "nearest": {"ja": "近いもの: {names}。", "en": "Near: {names}. "},
    "no-lists-left": {
        "ja": "尋ねるリストがありません。設定 [lists] skip を確かめるか、--list で指定してください。",
        "en": "there is no list to ask. See [lists] skip in the settings, or name one with --list.",
    },
}


class NoSuchList(TodokuError):
    """The settings name a list that there is not: nothing could be decided by it."""

    exit_code = 78


class HoldsKey(TodokuError):
    """The name of a zone has a key in front. The sentence does not show it."""

    exit_code = 64


class TwoZones(TodokuError):
    """Two zones of one list: what the one says would stand for the other."""

    exit_code = 64


class Chosen(NamedTuple):
    """The lists of a run."""

    ids: tuple[str, ...]
    """The heaviest first; a zone that the knowledge does not have stands for itself."""
    names: tuple[str, ...]
    """The same in the same order, those that were named by a zone by that zone."""
    required: frozenset[str]
    unknown: tuple[str, ...]
    """Names of the command line that are no list."""
    by_zone: bool
    """The user named a zone, so that what no public list speaks of may be asked too."""


def terms_of(settings: Settings, book: Book) -> Terms:
    """The settings that bear on lists; names of lists become ids."""
    s = settings.lists

    def ids(key: str, given: Iterable[str]) -> Iterator[str]:
        for name in given:
            found = find(book, name)
            if not found:
                try:
                    refuse_key(book, name)
                except HoldsKey as error:
                    raise NoSuchList(error.sentence, **error.values) from None
                raise NoSuchList(
                    _near(WORDS["no-list-set"], name, _names(book)), key=key, name=name
                )
            yield from (e.id for e in found)

    known = {e.ask.key.name for e in book.by_id.values() if e.ask and e.ask.key}
    for name in s.keys:
        if name not in known:
            raise NoSuchList(_near(WORDS["no-key"], name, known), name=name)
    return Terms(
        use=settings.general.use,
        keys=s.keys,
        required=None if s.required is None else tuple(ids("required", s.required)),
        add=tuple(ids("add", s.add)),
        skip=frozenset(ids("skip", s.skip)),
    )


def choose(
    book: Book,
    terms: Terms,
    *,
    lists: Iterable[str] = (),
    zones: Iterable[str] = (),
    tiers: Iterable[str] = (),
) -> Chosen:
    """The lists that are named, else those of the tiers and the settings."""
    lists, zones = tuple(lists), tuple(zones)
    if not lists and not zones:
        entries = book.chosen(terms, _up_to(tiers))
        ids = tuple(e.id for e in entries)
        return Chosen(ids, ids, book.required(terms), (), by_zone=False)
    found: dict[str, ListEntry] = {}
    unknown = []
    for name in lists:
        entries = find(book, name)
        found |= {e.id: e for e in entries}
        if not entries:
            refuse_key(book, name)
            unknown.append(name)
    at: dict[str, str] = {}
    for zone in dict.fromkeys(z.lower().strip(".") for z in zones):
        entry = book.find(zone)
        if entry is None:
            refuse_key(book, zone)
            entry = plan.of_zone(zone)
        found[entry.id] = entry
        if at.setdefault(entry.id, zone) != zone:
            raise TwoZones(WORDS["two-zones"], zones=f"{at[entry.id]}, {zone}", list=entry.name)
    ids = tuple(sorted(found, key=lambda i: (-plan.heaviest(found[i]), i)))
    names = tuple(at.get(i, i) for i in ids)
    return Chosen(ids, names, frozenset(ids), tuple(unknown), by_zone=bool(zones))


def refuse_key(book: Book, name: str) -> None:
    """Raises `HoldsKey` for a name below a zone that takes a key: so it stands in the configuration
    of a mail server, from which people copy it."""
    low = name.strip().strip(".").lower()
    for e in book.by_id.values():
        key = e.ask.key if e.ask else None
        if key is None:
            continue
        for zone in filter(None, (*e.zones, key.zone)):
            if low.endswith(f".{zone.lower()}"):
                shown = f"{names.KEY_SHOWN}.{zone}"
                raise HoldsKey(WORDS["holds-key"], zone=shown, key=key.name, list=e.id)


def no_list(book: Book, name: str, lang: Language) -> str:
    return say(_near(WORDS["no-list"], name, _names(book)), lang, name=short(name, 100))


def _up_to(tiers: Iterable[str]) -> tuple[Tier, ...]:
    """All tiers up to the last that was named."""
    last = max((TIERS.index(t) for t in tiers if t in TIERS), default=0)
    return TIERS[: last + 1]


def find(book: Book, name: str) -> list[ListEntry]:
    """The lists that are called so: by id or zone, else by name."""
    entry = book.find(name)
    if entry is not None:
        return [entry]
    low = name.strip().lower()
    return [
        e for e in book.by_id.values()
        if low == e.name.lower() or low in {n.lower() for n in e.names}
    ]  # fmt: skip


def _names(book: Book) -> list[str]:
    return [*book.by_id, *(z.lower() for e in book.by_id.values() for z in e.zones)]


def _near(sentence: Sentence, name: str, known: Iterable[str]) -> Sentence:
    """The sentence, with names that are written alike in the place of `{nearest}`."""
    import difflib

    known = dict.fromkeys(known)
    low = name.lower()
    near = difflib.get_close_matches(low, known, n=3, cutoff=0.6)
    near = near or [k for k in known if low in k][:3]
    told = ", ".join(near)
    return {
        lang: text.replace("{nearest}", say(WORDS["nearest"], lang, names=told) if near else "")
        for lang, text in sentence.items()
    }


def odd_keys(terms: Terms, book: Book, asked: Iterable[str], lang: Language) -> list[str]:
    """A sentence for each key, of the lists that are asked, that is not of its operator's form."""
    odd: dict[str, None] = {}
    for name in asked:
        entry = book.find(name)
        key = entry.ask.key if entry and entry.ask else None
        value = terms.keys.get(key.name) if key else None
        if key and value and key.pattern and not re.fullmatch(key.pattern, value):
            odd[key.name] = None
    return [say(WORDS["odd-key"], lang, name=name) for name in odd]


def too_fast(book: Book, names: Iterable[str], asked: float, lang: Language) -> list[str]:
    """A sentence where lists would be asked faster than their operators permit, and are not."""
    slower: dict[float, list[str]] = {}
    for name in names:
        entry = book.find(name)
        rate = entry.ask.usage.per_second if entry and entry.ask else None
        if entry and rate is not None and rate < asked:
            slower.setdefault(rate, []).append(entry.name)
    comma = "、" if lang == "ja" else ", "
    return [
        say(WORDS["too-fast"], lang, lists=comma.join(listed), rate=f"{rate:g}", asked=f"{asked:g}")
        for rate, listed in sorted(slower.items())
    ]
