"""The keys that DKIM signatures are verified with: published, and long enough."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import msgspec

from todoku.i18n import Language, Words
from todoku.preflight import dns
from todoku.preflight.der import opened
from todoku.preflight.dns import Ask, Recorder
from todoku.preflight.sheet import Sheet
from todoku.preflight.values import Check, State

LEAST: Final = 1024
WANTED: Final = 2048
"""Bits of an RSA key: receivers must not verify shorter ones (RFC 8301, section 3.2)."""

Fault: TypeAlias = Literal["missing", "revoked", "unreadable", "short", "small", "testing", "young"]

WORDS: Final[Words] = {
    "title": {"ja": "DKIM の鍵", "en": "DKIM key"},
    "wanted": {
        "ja": "署名に使うセレクターの公開鍵が {domain} にあり、RSA なら 2048 ビット以上であること",
        "en": "the public key of the selector is published at {domain}, with 2048 bits or more if RSA",
    },
    "why": {
        "ja": "受信側は DNS の公開鍵で署名を検証します。1024 ビット未満の鍵は検証されません。",
        "en": "receivers verify signatures by it, and must not take keys below 1024 bits.",
    },
    "found.ok": {"ja": "{selector}: {kind} {bits} ビット。", "en": "{selector}: {kind}, {bits} bits."},
    "found.not-told": {
        "ja": "セレクターが指定されていません。DNS からは列挙できません。",
        "en": "no selector was given, and the DNS does not list them.",
    },
    "remedy.not-told": {
        "ja": "--selector で、署名の s= の値を指定してください。",
        "en": "give what stands behind s= in your signatures by --selector.",
    },
    "found.missing": {
        "ja": "{selector}: 公開鍵がありません。",
        "en": "{selector}: there is no key.",
    },
    "remedy.missing": {
        "ja": "{name} に公開鍵の TXT レコードを加えてください。",
        "en": "publish the key as a TXT record of {name}.",
    },
    "found.revoked": {
        "ja": "{selector}: 鍵は失効しています（p= が空）。",
        "en": "{selector}: the key is revoked (p= is empty).",
    },
    "remedy.revoked": {
        "ja": "署名を新しいセレクターに切り替え、その鍵を公開してください。",
        "en": "sign with another selector, and publish its key.",
    },
    "found.unreadable": {
        "ja": "{selector}: 公開鍵を読み取れません。",
        "en": "{selector}: the key cannot be read.",
    },
    "remedy.unreadable": {
        "ja": "{name} の TXT レコードを、鍵を作ったときの出力から貼り直してください（途中で切れていることが"
        "あります）。",
        "en": "paste the record of {name} anew from what made the key: often it was cut off.",
    },
    "found.short": {
        "ja": "{selector}: RSA {bits} ビット。検証されません。",
        "en": "{selector}: RSA, {bits} bits, which receivers do not verify.",
    },
    "remedy.short": {
        "ja": "2048 ビットの鍵を新しいセレクターで公開し、署名を切り替えてください。",
        "en": "publish a key of 2048 bits under a new selector, and sign with it.",
    },
    "found.small": {
        "ja": "{selector}: RSA {bits} ビット。2048 ビットが推奨です。",
        "en": "{selector}: RSA, {bits} bits, where 2048 are recommended.",
    },
    "remedy.small": {
        "ja": "次に鍵を替えるときに 2048 ビットにしてください。",
        "en": "make the next one 2048 bits long.",
    },
    "found.testing": {
        "ja": "{selector}: 試験中の印（t=y）があり、署名がないものとして扱われることがあります。",
        "en": "{selector}: it is marked as a test (t=y), so receivers may treat mail as unsigned.",
    },
    "remedy.testing": {
        "ja": "試験が済んだら t=y を外してください。",
        "en": "take t=y out when the test is over.",
    },
    "found.young": {
        "ja": "{selector}: Ed25519 の鍵だけです。まだ検証できない受信側が多くあります。",
        "en": "{selector}: an Ed25519 key, which many receivers cannot verify yet.",
    },
    "remedy.young": {
        "ja": "RSA 2048 ビットの鍵でも署名してください（二重署名）。",
        "en": "sign with an RSA key of 2048 bits as well.",
    },
}  # fmt: skip
SHEET: Final = Sheet(
    "dkim", WORDS, ("RFC 6376, section 3.6.1", "RFC 8301, section 3.2", "RFC 8463")
)

_STATE: Final[dict[Fault, State]] = {
    "missing": "bad", "revoked": "bad", "unreadable": "bad", "short": "bad",
    "small": "warning", "testing": "warning", "young": "warning",
}  # fmt: skip


class Key(NamedTuple):
    fault: Fault | None
    kind: str = ""
    bits: int = 0


def look(ask: Ask, domain: str, selectors: tuple[str, ...], lang: Language) -> list[Check]:
    """One check a selector."""
    if not selectors:
        return [SHEET.tell(lang, domain, "unknown", "not-told", cause="not-asked", domain=domain)]
    found = [_one(Recorder(ask), domain, selector, lang) for selector in selectors]
    if not any(key.fault is None for key, _ in found):
        return [check for _, check in found]
    # Beside a key that everybody can verify, one that few can is a gain.
    return [
        msgspec.structs.replace(check, state="ok", remedy=None) if key.fault == "young" else check
        for key, check in found
    ]


def _one(ask: Recorder, domain: str, selector: str, lang: Language) -> tuple[Key, Check]:
    name = f"{selector}._domainkey.{domain}"
    answer = ask(name, "TXT")
    if answer.outcome == "unknown":
        return Key("missing"), SHEET.silent(lang, domain, ask.asked, domain=domain)
    # Records without a version are keys too (RFC 6376, section 3.6.1); those of others are not.
    keys = [read(r) for r in answer.records if "p" in dns.tags(r)] or [Key("missing")]
    key = next((k for k in keys if k.fault is None), keys[0])
    told: dict[str, Any] = {
        "domain": domain, "selector": selector, "name": name, "kind": key.kind, "bits": key.bits,
    }  # fmt: skip
    if key.fault is None:
        return key, SHEET.tell(lang, domain, "ok", "ok", ask.asked, **told)
    return key, SHEET.tell(lang, domain, _STATE[key.fault], key.fault, ask.asked, **told)


def read(record: str) -> Key:
    """What a key record holds; never raises."""
    tags = dns.tags(record)
    kind = tags.get("k", "rsa").lower()
    packed = "".join(tags.get("p", "").split())
    if not packed:
        return Key("revoked", kind)
    try:
        octets = base64.b64decode(packed, validate=True)
        if kind == "ed25519":
            return Key("young" if len(octets) == 32 else "unreadable", "Ed25519", 256)
        bits = rsa_bits(octets) if kind == "rsa" else 0
    except (binascii.Error, ValueError):
        return Key("unreadable", kind)
    if kind != "rsa":
        return Key("unreadable", kind)
    if bits < LEAST:
        return Key("short", "RSA", bits)
    if "y" in tags.get("t", "").lower().split(":"):
        return Key("testing", "RSA", bits)
    return Key("small" if bits < WANTED else None, "RSA", bits)


def rsa_bits(der: bytes) -> int:
    """The length of the modulus in a SubjectPublicKeyInfo (RFC 5280), or in a bare RSAPublicKey
    (RFC 8017), as some publish it. Raises `ValueError`."""
    inside, _ = opened(der, 0x30)
    if inside[:1] == b"\x30":  # the algorithm, then the key in a bit string
        _, rest = opened(inside, 0x30)
        held, _ = opened(rest, 0x03)
        if held[:1] != b"\0":
            raise ValueError("bits are left over")
        inside, _ = opened(held[1:], 0x30)
    modulus, _ = opened(inside, 0x02)
    return int.from_bytes(modulus, "big").bit_length()
