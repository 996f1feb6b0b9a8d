"""The steps in the DNS for a move, in their order, from what the checks found. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol

from todoku.i18n import Language, Words, say
from todoku.preflight import dns
from todoku.preflight.values import Asked, Check, Step, Subject

SHORT: Final = 300
"""Seconds; the TTL for the days of the move (habit, no source)."""
QUEUE: Final = 5 * 86400
"""How long mail may lie in the queue of the old server: RFC 5321, section 4.5.4.1."""

WORDS: Final[Words] = {
    "lower": {
        "ja": "{name} の {type} の TTL を {ttl} 秒から {short} 秒に下げる",
        "en": "lower the TTL of {type} at {name} from {ttl} to {short} seconds",
    },
    "host": {
        "ja": "{name} の {type} に {ip} を加える",
        "en": "add {ip} to the {type} records of {name}",
    },
    "pointer": {
        "ja": "アドレスの提供元に依頼し、{ip} の逆引きを {name} にする",
        "en": "have the hoster set the reverse name of {ip} to {name}",
    },
    "pointer-any": {
        "ja": "アドレスの提供元に依頼し、{ip} の逆引きを HELO と同じ名前にする",
        "en": "have the hoster set the reverse name of {ip} to the name said in HELO",
    },
    "spf-add": {
        "ja": "{name} の SPF に {term} を加える（今のアドレスは残す）",
        "en": "add {term} to the SPF record of {name}, and leave the old address in",
    },
    "spf-new": {
        "ja": "{name} に SPF「v=spf1 {term} -all」を加える（ほかの送信元があればその分も）",
        "en": "publish at {name}: v=spf1 {term} -all (with your other senders)",
    },
    "again": {
        "ja": "もう一度 todoku preflight を実行し、上の変更が見えることを確かめる",
        "en": "run todoku preflight again, and see that these changes are there",
    },
    "switch": {
        "ja": "送信を {old} から {ip} へ切り替える",
        "en": "switch sending from {old} to {ip}",
    },
    "drain": {
        "ja": "古いサーバーの待機列が空になるまで、{old} を SPF と逆引きに残す",
        "en": "leave {old} in SPF and in the reverse DNS until the queue of the old server is empty",
    },
    "spf-drop": {
        "ja": "{name} の SPF から {old} を外す",
        "en": "take {old} out of the SPF record of {name}",
    },
    "raise": {
        "ja": "{name} の {type} の TTL を {ttl} 秒に戻す",
        "en": "set the TTL of {type} at {name} back to {ttl} seconds",
    },
}

_NO_HOST: Final = frozenset({"unresolved", "elsewhere"})
_NO_SPF: Final = frozenset({"none", "not-covered"})


class _Step(Protocol):
    def __call__(
        self, key: str, /, *, wait: int = 0, source: tuple[str, ...] = (), **told: object
    ) -> Step: ...


def plan(s: Subject, checks: Iterable[Check], lang: Language) -> tuple[Step, ...]:
    """Empty where nothing is to be changed."""
    return tuple(_steps(s, tuple(checks), lang))


def _steps(s: Subject, checks: Sequence[Check], lang: Language) -> Iterator[Step]:
    kind = "A" if ipaddress.ip_address(s.ip).version == 4 else "AAAA"
    term = f"ip{ipaddress.ip_address(s.ip).version}:{s.ip}"
    host = next((c for c in checks if c.id == "helo" and c.finding in _NO_HOST), None)
    spf = [c for c in checks if c.id == "spf" and c.finding in _NO_SPF]
    changed = [(c.about, "TXT", _asked(c, c.about, "TXT")) for c in spf if c.finding != "none"]
    if host is not None:
        changed.append((host.about, kind, _asked(host, host.about, kind)))
    long = [
        (name, type_, a.ttl) for name, type_, a in changed
        if a is not None and a.ttl is not None and a.records and a.ttl > SHORT
    ]  # fmt: skip

    def step(key: str, /, *, wait: int = 0, source: tuple[str, ...] = (), **told: object) -> Step:
        name, type_, ttl = told.get("name"), told.get("type"), told.get("ttl")
        return Step(
            text=say(WORDS[key], lang, ip=s.ip, old=s.old, term=term, short=SHORT, **told),
            name=None if name is None else str(name),
            type=None if type_ is None else str(type_),
            ttl=ttl if isinstance(ttl, int) else None,
            wait=wait,
            source=source,
        )

    for name, type_, ttl in long:
        yield step(
            "lower", name=name, type=type_, ttl=ttl, wait=ttl, source=("RFC 1034, section 3.6",)
        )
    if host is not None:
        yield step("host", name=host.about, type=kind, wait=_wait(host, host.about, kind))
    yield from _pointer(s, checks, step)
    for c in spf:
        key = "spf-new" if c.finding == "none" else "spf-add"
        yield step(
            key, name=c.about, type="TXT", wait=_wait(c, c.about, "TXT"), source=("RFC 7208",)
        )
    if host is not None or spf or any(c.id == "ptr" and c.state == "bad" for c in checks):
        yield step("again")
    if s.old is not None:
        yield step("switch")
        yield step("drain", wait=QUEUE, source=("RFC 5321, section 4.5.4.1",))
        for c in checks:
            if c.id == "spf" and any(s.old in d.text for d in c.details):
                yield step("spf-drop", name=c.about, type="TXT")
    for name, type_, ttl in long:
        yield step("raise", name=name, type=type_, ttl=ttl)


def _pointer(s: Subject, checks: Sequence[Check], step: _Step) -> Iterator[Step]:
    pointer = next((c for c in checks if c.id == "ptr"), None)
    helo = next((c for c in checks if c.id == "helo"), None)
    wanted = pointer is not None and (pointer.state in {"bad", "warning"})
    if helo is not None and helo.finding in {"other-name", "no-name"}:
        wanted = True
    if not wanted or pointer is None:
        return
    wait = _wait(pointer, dns.reverse(s.ip), "PTR")
    source = ("RFC 1912, section 2.1",)
    if s.helo is not None and "." in s.helo:
        yield step("pointer", name=s.helo, type="PTR", wait=wait, source=source)
    else:
        yield step("pointer-any", type="PTR", wait=wait, source=source)


def _asked(c: Check, name: str, kind: str) -> Asked | None:
    return next((a for a in c.evidence if a.name == name and a.type == kind), None)


def _wait(c: Check, name: str, kind: str) -> int:
    """What resolvers may still keep: a negative answer too (RFC 2308)."""
    found = _asked(c, name, kind)
    ttl = 0 if found is None or found.ttl is None else found.ttl
    return min(ttl, SHORT) if found is not None and found.records and kind != "PTR" else ttl
