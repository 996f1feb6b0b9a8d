"""What of the sender's the text names as the ground, and the URLs that it prints.

An address in a refusal is often not the blocked one: a resolver, a host of the receiver, the
recipient. The winning rule says what its groups are; where it only says that the ground is the
sender's address (`scope`), the cues of `identities.toml` find it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from todoku.diagnosis.weighing import Found
from todoku.knowledge import patterns
from todoku.knowledge.schema import Cue, Rule
from todoku.lazy import expression
from todoku.model import Evidence, Identity, IdentityKind

_KIND_OF_GROUP: dict[str, IdentityKind] = {
    "ip": "ip",
    "range": "range",
    "asn": "asn",
    "host": "hostname",
    "domain": "domain",
    "address": "address",
    "url": "url",
}
# What no address, masked or not, is without: four numbers, or two colons close to each other.
_ADDRESS = expression(
    rb"[0-9xXyYzZ*]\.[0-9xXyYzZ*]{1,3}\.[0-9xXyYzZ*]{1,3}\.[0-9xXyYzZ*]|:[0-9A-Fa-f]{0,4}:"
)
_URL = expression(r"https?://[^\s<>\"'|\\^`{}\u3000-\u30ff\uff00-\uffef]{3,2000}", re.I)


class Cues:
    """How receivers show the address that they block; compiled when first needed."""

    def __init__(self, cues: tuple[Cue, ...], words: tuple[tuple[str, ...], ...]) -> None:
        """`words` are, for each cue, fixed words of which each of its matches holds one."""
        self._cues = [
            (
                tuple(w.encode() for w in some),
                expression(c.match.encode(), patterns.FLAGS),
                c.blocked,
            )
            for c, some in zip(cues, words, strict=True)
        ]

    def of(self, raw: bytes) -> Iterator[tuple[re.Pattern[bytes], bool]]:
        """The cues that may stand in a text, in their order, and whether they show a blocked one."""
        low = raw.lower()
        for words, cue, is_blocked in self._cues:
            if not words or any(low.find(w) >= 0 for w in words):
                yield cue, is_blocked


def blocked(
    found: Found, rule: Rule, cues: Cues, remote_ip: str | None, evidence: list[Evidence]
) -> tuple[Identity, ...]:
    """The sender's identities that the text names as the ground."""
    out: list[Identity] = []
    for group in found.groups:
        kind = _KIND_OF_GROUP.get(group)
        value = found.group(group) if kind is not None else None
        if kind is None or value is None:
            continue
        value = value.rstrip(".,;:")
        start = found.position(found.match.start(group))
        evidence.append(Evidence("blocked", start, start + len(value)))
        out.append(Identity(kind, value, rule.scope if kind in ("ip", "range") else None))
    if out or rule.scope not in ("ip", "range") or not _ADDRESS.search(found.raw):
        return tuple(out)
    not_ours: set[bytes] = {remote_ip.encode()} if remote_ip else set()
    for cue, is_blocked in cues.of(found.raw):
        for m in cue.finditer(found.raw):
            address = m["ip"]
            if not is_blocked:
                not_ours.add(address)
            elif address not in not_ours and _looks_like_address(address):
                start = found.position(m.start("ip"))
                text = address.decode().rstrip(".:")
                evidence.append(Evidence("blocked", start, start + len(text)))
                return (Identity("ip", text, rule.scope),)
    return ()


def _looks_like_address(value: bytes) -> bool:
    """Not a version number, a time or a status code. Masked addresses are addresses."""
    if b":" in value:
        return value.count(b":") >= 3 or b"::" in value
    return value.count(b".") == 3


def urls(text: str) -> tuple[str, ...]:
    """URLs as printed, without the punctuation of the sentence round them."""
    if "://" not in text:
        return ()
    out: list[str] = []
    for m in _URL.finditer(text):
        url = m[0].rstrip(".,;:!?>]'\"")
        while url.endswith(")") and url.count(")") > url.count("("):
            url = url[:-1].rstrip(".,;:!?>]'\"")
        if url not in out:
            out.append(url)
    return tuple(out)
