"""SPF evaluated for one address (RFC 7208), with the limits that receivers keep.

    evaluate(ask, "example.jp", "203.0.113.9", helo="mx.example.jp")

Twice: as a receiver does, which stops at the first match, and to the end, because an address that
matches nothing costs all look-ups. Never raises for what a record or a resolver says: that is
`permerror` and `temperror`.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple, TypeAlias

from todoku.preflight import dns
from todoku.preflight.dns import Ask

Result: TypeAlias = Literal["pass", "fail", "softfail", "neutral", "none", "permerror", "temperror"]
Error: TypeAlias = Literal[
    "two-records", "syntax", "look-ups", "void", "no-include", "mx-hosts", "loop", "silent"
]

LOOK_UPS: Final = 10
VOID: Final = 2
HOSTS: Final = 10
"""Limits of RFC 7208, section 4.6.4: terms that ask, look-ups that find nothing, hosts of one `mx`
or `ptr`."""
MOST: Final = 60
"""Terms that are followed to the end; hostile records have no end."""
DEEPEST: Final = 20

_QUALIFIERS: Final[dict[str, Result]] = {
    "+": "pass", "-": "fail", "~": "softfail", "?": "neutral",
}  # fmt: skip
_TERM: Final = re.compile(r"([+?~-]?)([a-z][a-z0-9_.-]*)(?:([:/=])(.*))?", re.I)
_MACRO: Final = re.compile(r"%(?:\{([slodiphcrtv])(\d*)(r?)([-.+,/_=]*)\}|([%_-])|(.?))", re.I)
_CIDR: Final = re.compile(r"(.*?)(?:/(\d{1,3}))?(?://(\d{1,3}))?")


class Spf(NamedTuple):
    """What a receiver makes of the address."""

    result: Result
    error: Error | None = None
    where: str = ""
    """The domain whose record, or the term that, decided or is at fault."""
    look_ups: int = 0
    """Terms that ask, over the whole record."""
    void: int = 0
    record: str | None = None
    ttl: int | None = None


class _Stop(Exception):
    def __init__(self, error: Error, where: str) -> None:
        self.error: Error = error
        self.where = where


def evaluate(ask: Ask, domain: str, ip: str, *, helo: str | None = None) -> Spf:
    """As for mail from `postmaster@domain` out of `ip`."""
    first = _Run(ask, ip, domain, helo, to_the_end=False)
    try:
        result, where = first.check(domain, 0)
        error: Error | None = None
    except _Stop as stop:
        result, where = ("temperror" if stop.error == "silent" else "permerror"), stop.where
        error = stop.error
    whole = _Run(ask, ip, domain, helo, to_the_end=True)
    with contextlib.suppress(_Stop):  # what was counted until there counts
        whole.check(domain, 0)
    return Spf(
        result, error, where, max(whole.look_ups, first.look_ups), max(whole.void, first.void),
        whole.record, whole.ttl,
    )  # fmt: skip


class _Run:
    def __init__(
        self, ask: Ask, ip: str, domain: str, helo: str | None, *, to_the_end: bool
    ) -> None:
        self.ask = ask
        self.ip = ipaddress.ip_address(ip)
        self.sender = domain
        self.helo = helo or "unknown"
        self.to_the_end = to_the_end
        self.look_ups = 0
        self.void = 0
        self.record: str | None = None
        self.ttl: int | None = None
        self._seen: list[str] = []

    def check(self, domain: str, depth: int) -> tuple[Result, str]:
        """`check_host()` of section 4."""
        if depth > DEEPEST or domain in self._seen:
            raise _Stop("loop", domain)
        answer = self.ask(domain, "TXT")
        if answer.outcome == "unknown":
            raise _Stop("silent", domain)
        records = dns.texts(answer, "v=spf1")
        if depth == 0 and records:
            self.record, self.ttl = records[0], answer.ttl
        if not records:
            return "none", domain
        if len(records) > 1:
            raise _Stop("two-records", domain)
        self._seen.append(domain)
        try:
            return self._record(records[0], domain, depth)
        finally:
            self._seen.pop()

    def _record(self, record: str, domain: str, depth: int) -> tuple[Result, str]:
        terms = list(_terms(record))  # the whole record is read before any of it counts
        redirect = [value for _, name, sign, value in terms if sign == "=" and name == "redirect"]
        if len(redirect) > 1:
            raise _Stop("syntax", "redirect=")
        found: tuple[Result, str] | None = None
        for qualifier, name, sign, value in terms:
            if sign == "=":
                continue
            if self._matches(name, sign, value, domain, depth) and found is None:
                found = _QUALIFIERS[qualifier or "+"], f"{name}{sign}{value}"
                if not self.to_the_end:
                    return found
            if name == "all":  # what stands behind it is never looked at (section 5.1)
                return found or ("neutral", "all")
        if redirect and (found is None or self.to_the_end):
            self._count("redirect=")
            target = self._expand(redirect[0], domain)
            result, where = self.check(target, depth + 1)
            if result == "none":
                raise _Stop("no-include", target)
            found = found or (result, where)
        return found or ("neutral", domain)

    def _matches(self, name: str, sign: str, value: str, domain: str, depth: int) -> bool:
        match name:
            case "all":
                return True
            case "ip4" | "ip6":
                return self._in(value)
            case "include":
                self._count(f"include:{value}")
                target = self._expand(value, domain)
                result, _ = self.check(target, depth + 1)
                if result == "none":
                    raise _Stop("no-include", target)
                return result == "pass"
            case "a" | "mx":
                self._count(f"{name}{sign}{value}")
                rest, v4, v6 = _cidr(f"/{value}" if sign == "/" else value)
                target = self._expand(rest, domain) if rest else domain
                return self._hosts(name, target, v4, v6)
            case "exists":
                self._count(f"exists:{value}")
                return bool(self._addresses(self._expand(value, domain), 4))
            case "ptr":
                self._count("ptr")
                return self._pointer(self._expand(value, domain) if value else domain)
            case _:
                raise _Stop("syntax", f"{name}{sign}{value}")

    def _in(self, network: str) -> bool:
        try:
            return self.ip in ipaddress.ip_network(network, strict=False)
        except ValueError:
            raise _Stop("syntax", network) from None

    def _hosts(self, name: str, target: str, v4: int, v6: int) -> bool:
        hosts = [target]
        if name == "mx":
            answer = self._look(target, "MX")
            hosts = [r.partition(" ")[2] for r in answer]
            if len(hosts) > HOSTS:
                raise _Stop("mx-hosts", target)
        prefix = v4 if self.ip.version == 4 else v6
        for host in filter(None, hosts):
            for address in self._addresses(host, self.ip.version):
                if self.ip in ipaddress.ip_network(f"{address}/{prefix}", strict=False):
                    return True
        return False

    def _pointer(self, target: str) -> bool:
        """Section 5.5 takes an error for no match; here it is not known what receivers will see."""
        names = self.ask(dns.reverse(str(self.ip)), "PTR")
        lost = names.outcome == "unknown"
        kind = "A" if self.ip.version == 4 else "AAAA"
        for name in names.records[:HOSTS]:
            if not f".{name}".endswith(f".{target}"):
                continue
            answer = self.ask(name, kind)
            if str(self.ip) in answer.records:
                return True
            lost = lost or answer.outcome == "unknown"
        if lost:
            raise _Stop("silent", "ptr")
        return False

    def _addresses(self, host: str, version: int) -> tuple[str, ...]:
        return self._look(host, "A" if version == 4 else "AAAA")

    def _look(self, name: str, kind: str) -> tuple[str, ...]:
        answer = self.ask(name, kind)
        if answer.outcome == "unknown":
            raise _Stop("silent", name)
        if not answer.records:
            self.void += 1
            if self.void > VOID and not self.to_the_end:
                raise _Stop("void", name)
        return answer.records

    def _count(self, term: str) -> None:
        self.look_ups += 1
        if self.look_ups > (MOST if self.to_the_end else LOOK_UPS):
            raise _Stop("look-ups", term)

    # ── macros (section 7) ────────────────────────────────────────────────────────────────────

    def _expand(self, text: str, domain: str) -> str:
        if not text:
            raise _Stop("syntax", domain)
        name = _MACRO.sub(lambda m: self._macro(m, domain), text).rstrip(".").lower()
        while len(name) > 253 and "." in name:
            name = name.partition(".")[2]
        return name

    def _macro(self, m: re.Match[str], domain: str) -> str:
        letter, digits, backwards, delimiters, literal, wrong = m.groups()
        if wrong is not None:
            raise _Stop("syntax", m[0])
        if literal is not None:
            return {"%": "%", "_": " ", "-": "%20"}[literal]
        parts = re.split(f"[{re.escape(delimiters or '.')}]", self._value(letter.lower(), domain))
        if backwards:
            parts.reverse()
        if digits:
            if int(digits) == 0:
                raise _Stop("syntax", m[0])
            parts = parts[-int(digits) :]
        return ".".join(parts)

    def _value(self, letter: str, domain: str) -> str:
        match letter:
            case "s":
                return f"postmaster@{self.sender}"
            case "l":
                return "postmaster"
            case "o":
                return self.sender
            case "d":
                return domain
            case "i":
                if self.ip.version == 4:
                    return str(self.ip)
                return ".".join(self.ip.exploded.replace(":", ""))
            case "v":
                return "in-addr" if self.ip.version == 4 else "ip6"
            case "h":
                return self.helo
            case "p":
                return "unknown"  # section 7.3: it should not be used
            case _:
                raise _Stop("syntax", f"%{{{letter}}}")  # c, r, t: in explanations alone


def _terms(record: str) -> Iterator[tuple[str, str, str, str]]:
    """(qualifier, name in lower case, `:`, `/`, `=` or nothing, the rest). Raises `_Stop`."""
    for word in record.split()[1:]:
        m = _TERM.fullmatch(word)
        if m is None:
            raise _Stop("syntax", word)
        qualifier, name, sign, value = m.groups()
        name, sign, value = name.lower(), sign or "", value or ""
        wants = name in {"include", "exists", "ip4", "ip6"}
        if sign != "=" and (name not in _MECHANISMS or (wants and (sign != ":" or not value))):
            raise _Stop("syntax", word)
        if name in {"ip4", "ip6"} and sign == ":":
            _network(name, value, word)
        yield qualifier, name, sign, value


_MECHANISMS: Final = frozenset({"all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"})


def _network(name: str, value: str, word: str) -> None:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise _Stop("syntax", word) from None
    if network.version != (4 if name == "ip4" else 6):
        raise _Stop("syntax", word)


def _cidr(text: str) -> tuple[str, int, int]:
    """Domain, and the two prefix lengths of `a` and `mx` (section 5.3)."""
    m = _CIDR.fullmatch(text)
    if m is None:
        raise _Stop("syntax", text)
    v4, v6 = int(m[2] or 32), int(m[3] or 128)
    if v4 > 32 or v6 > 128:
        raise _Stop("syntax", text)
    return m[1], v4, v6
