"""What the command line of `todoku check` says: options that cannot stand together, whom one asks,
and the identities."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple, NoReturn, TextIO

import msgspec

from todoku.cli import EX_USAGE, Failure
from todoku.cli.render.text import short
from todoku.errors import TodokuError
from todoku.i18n import Language, Sentence, Words, say
from todoku.lazy import expression
from todoku.lists import identities
from todoku.lists.values import Server, Target, Upstream
from todoku.model import ListingState
from todoku.settings import DNS, table

STATES: Final[tuple[ListingState, ...]] = ("listed", "unknown", "not-listed")
DEADLINE: Final = 5.0
FEW: Final = 16
"""Single identities that are asked about at once. A list may be asked 20 questions at once, three
of them for its health (`budgets.LEAST_BURST`)."""
MOST_TOLD: Final = 5
"""Mistakes that are told one by one."""

_ZONE: Final = expression(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")

WORDS: Final[Words] = {
    "nothing": {
        "ja": "調べるものが指定されていません。IP アドレス、範囲、ドメインのいずれかを渡してください"
        "（例: todoku check 192.0.2.1）。標準入力の一覧なら - を指定します。",
        "en": "nothing to check. Name an IP address, a range or a domain (todoku check 192.0.2.1), "
        "or - for a list on standard input.",
    },
    "one-way": {
        "ja": "{options} は同時に指定できません。どれか一つにしてください。",
        "en": "{options} exclude one another. Give one of them.",
    },
    "not-a-server": {
        "ja": "{option} {value} は使えません。IP アドレスで指定します（例: 127.0.0.1、127.0.0.1:5353、"
        "[::1]:5353）。何も尋ねていません。",
        "en": "{option} cannot be {value}. Give an IP address, such as 127.0.0.1, 127.0.0.1:5353 or "
        "[::1]:5353. Nothing was asked.",
    },
    "not-a-rate": {
        "ja": "--rate {value} は使えません。1 秒あたりの問い合わせ数（0 より大きい数）か unlimited です。",
        "en": "--rate cannot be {value}. Give questions a second (more than 0), or unlimited.",
    },
    "unlimited": {
        "ja": "--rate unlimited は、自分のネームサーバーに尋ねるとき（--server）だけ使えます。公開のリストは"
        "速すぎる問い合わせ元を締め出します。何も尋ねていません。",
        "en": "--rate unlimited is for a name server of your own (--server): public lists shut out "
        "whoever asks faster than they permit. Nothing was asked.",
    },
    "no-zone": {
        "ja": "--zone {value} はゾーンの名前ではありません（例: bl.example.jp）。何も尋ねていません。",
        "en": "--zone {value} is no name of a zone (such as bl.example.jp). Nothing was asked.",
    },
    "more-wrong": {
        "ja": "ほか {n} 行も読めませんでした。",
        "en": "{n} more lines could not be read either.",
    },
    "ask-anyway": {
        "ja": "自分のリストに尋ねるなら --zone か --server を指定してください。",
        "en": " To ask a list of your own, name it (--zone, --server).",
    },
}


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """The words of the command line."""

    identities: tuple[str, ...]
    tiers: tuple[str, ...]
    lists: tuple[str, ...]
    zones: tuple[str, ...]
    resolver: str | None
    server: str | None
    direct: bool
    rate: str | None
    agreed: bool
    only: tuple[ListingState, ...]
    deadline: float | None
    fresh: bool
    restart: bool
    plan: bool
    history: bool
    by_cost: bool
    as_json: bool
    quiet: bool

    @property
    def shown(self) -> frozenset[ListingState]:
        return frozenset(self.only or STATES)


def refuse_contradictions(given: Given, lang: Language) -> None:
    """Raises `Failure` for words that cannot stand together or cannot be used."""

    def refuse(key: str, **values: str) -> NoReturn:
        raise Failure(say(WORDS[key], lang, **values), EX_USAGE)

    if not given.identities:
        refuse("nothing")
    ways = [o for o in ("resolver", "server", "direct") if getattr(given, o)]
    if len(ways) > 1:
        refuse("one-way", options=" ".join(f"--{w}" for w in ways))
    if given.plan and given.history:
        refuse("one-way", options="--plan --history")
    for other in ("plan", "history", "json"):
        if given.by_cost and getattr(given, "as_json" if other == "json" else other):
            refuse("one-way", options=f"--by-cost --{other}")
    for option in ("resolver", "server"):
        text = getattr(given, option)
        if text is not None and table.server(text) is None:
            refuse("not-a-server", option=f"--{option}", value=short(text, 60))
    if given.rate == "unlimited":
        if given.server is None:
            refuse("unlimited")
    elif given.rate is not None and not _is_rate(given.rate):
        refuse("not-a-rate", value=short(given.rate, 60))
    for zone in given.zones:
        if not _ZONE.fullmatch(zone.strip(".")):
            refuse("no-zone", value=short(zone, 60))


def _is_rate(text: str) -> bool:
    try:
        return 0 < float(text) < 1e9
    except ValueError:
        return False


def server(text: str, *, recursive: bool) -> Server:
    """Of a text that `table.server` takes."""
    normal = table.server(text)
    assert normal is not None  # noqa: S101  refused or read by the settings before
    if normal.startswith("["):
        host, _, port = normal[1:].partition("]:")
    elif normal.count(":") == 1:
        host, _, port = normal.partition(":")
    else:
        host, port = normal, ""
    return Server(host, int(port or 53), recursive)


def upstream(given: Given, dns: DNS) -> Upstream:
    """Whom the lists are asked through: the command line's word, then the settings'."""
    if given.server is not None:
        return Upstream(kind="server", servers=(server(given.server, recursive=False),))
    named = given.resolver or dns.resolver
    if named is not None:
        servers: tuple[Server, ...] = (server(named, recursive=True),)
    else:
        from todoku.lists.servers import resolvers

        servers = tuple(resolvers())
    direct = given.direct or (dns.direct and given.resolver is None)
    return Upstream(kind="direct" if direct else "resolver", servers=servers)


def deadline(given: float | None, targets: Iterable[Target]) -> float | None:
    """Seconds; by default 5 for a few single identities, and none for more."""
    if given is not None:
        return given or None
    return None if is_batch(targets) else DEADLINE


def is_batch(targets: Iterable[Target]) -> bool:
    """Whether this is more than a few single identities: the rate of lists then bounds it, and an
    end after seconds would cut it off."""
    targets = tuple(targets)
    return len(targets) > FEW or any(t.range is not None for t in targets)


# ── identities ────────────────────────────────────────────────────────────────────────────────


class Read(NamedTuple):
    """What was named."""

    targets: list[Target]
    """Each once, in order."""
    wrong: list[TodokuError]
    """Of the first mistakes."""
    more: int
    """How many mistakes there are besides."""

    def sentences(self, lang: Language) -> list[str]:
        told = [e.text(lang) for e in self.wrong]
        if self.more:
            told.append(say(WORDS["more-wrong"], lang, n=f"{self.more:,}"))
        if not told and not self.targets:  # an empty list on standard input
            return [say(WORDS["nothing"], lang)]
        return told


def read_identities(words: Iterable[str], stdin: TextIO | None) -> Read:
    """The targets; `-` stands for the lines of standard input."""
    targets: dict[object, Target] = {}
    wrong: list[TodokuError] = []
    more = 0
    for text in _words(words, stdin):
        try:
            t = identities.read(text)
        except identities.NotAnIdentity as error:
            if len(wrong) < MOST_TOLD:
                wrong.append(error)
            else:
                more += 1
        else:
            targets.setdefault(t.range or t.subject, t)
    return Read(list(targets.values()), wrong, more)


def _words(words: Iterable[str], stdin: TextIO | None) -> Iterator[str]:
    for word in words:
        if word != "-":
            yield word
        elif stdin is not None:
            for line in stdin.buffer:
                text = line.decode("utf-8", "replace").partition("#")[0].strip()
                if text:
                    yield text


def special(t: Target) -> Sentence | None:
    """Why no public list speaks of it."""
    from todoku.lists.special import special as of_subject
    from todoku.lists.special import special_range

    if t.subject is not None:
        return of_subject(t.subject)
    return special_range(t.range) if t.range is not None else None
