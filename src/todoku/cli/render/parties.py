"""Who is who in a refusal, in words: the server that refused, and what of ours it refused."""

from __future__ import annotations

from typing import Final

from todoku.cli.render.text import short
from todoku.i18n import Language, Words, say
from todoku.knowledge.catalogue import Catalogue
from todoku.model import Diagnosis, Identity

OF_US: Final = frozenset(("ip", "range", "asn", "hostname", "domain", "address"))
"""Kinds of identity that mail comes from."""

WORDS: Final[Words] = {
    "behind": {
        "ja": "{receiver} の手前にあるフィルター {gateway}",
        "en": "{gateway}, the filter in front of {receiver},",
    },
    "own-relay": {
        "ja": "自社の中継サーバー {host}（受信側ではありません）",
        "en": "Your own relay {host} (not the receiver)",
    },
    "server-of": {
        "ja": "{domain} のメールサーバー {host}",
        "en": "{host}, mail server of {domain},",
    },
    "some-server-of": {
        "ja": "{domain} のメールサーバー",
        "en": "The mail server of {domain}",
    },
    "receiver": {"ja": "受信側", "en": "The receiver"},
    "yours": {"ja": "自社の{kind} {what}", "en": "your {kind} {what}"},
    "address": {"ja": "アドレス", "en": "address"},
    "domain": {"ja": "ドメイン", "en": "domain"},
    "host": {"ja": "サーバー", "en": "host"},
    "network": {"ja": "ネットワーク", "en": "network"},
    "not-yours": {
        "ja": "{what}（設定 [own] にないアドレス）",
        "en": "{what}, which is not yours by your settings",
    },
}


def identity(one: Identity, lang: Language) -> str:
    """`192.0.2.1`, told as ours or not where the settings know."""
    value = short(one.value)
    if one.own is None:
        return value
    if not one.own:
        return say(WORDS["not-yours"], lang, what=value)
    kind = say(WORDS[_NOUN.get(one.kind, "address")], lang)
    return say(WORDS["yours"], lang, what=value, kind=kind)


_NOUN: Final = {"domain": "domain", "hostname": "host", "range": "network", "asn": "network"}


def from_us(d: Diagnosis) -> list[Identity]:
    return [b for b in d.blocked if b.kind in OF_US]


def is_foreign(d: Diagnosis) -> bool:
    """Every blocked identity is known to be somebody else's."""
    return bool(d.blocked) and all(b.own is False for b in d.blocked)


def server(d: Diagnosis, c: Catalogue, lang: Language) -> str:
    """Who refused, as the subject of a sentence."""
    host = short(d.remote.host or d.remote.ip or "")
    domain = short(d.recipient.rpartition("@")[2]) if d.recipient else ""
    if d.refused_by == "own-smarthost":
        return say(WORDS["own-relay"], lang, host=host)
    if d.receiver and d.gateway:
        return say(
            WORDS["behind"],
            lang,
            receiver=c.receiver_name(d.receiver, lang),
            gateway=c.receiver_name(d.gateway, lang),
        )
    if d.receiver:
        name = c.receiver_name(d.receiver, lang)
        known = c.receivers.get(d.receiver)
        if known is not None and known.kind == "gateway" and domain:
            return say(WORDS["behind"], lang, receiver=domain, gateway=name)
        return name
    if host and domain and not _belongs(host, domain):
        return say(WORDS["server-of"], lang, domain=domain, host=host)
    if host:
        return host
    if domain:
        return say(WORDS["some-server-of"], lang, domain=domain)
    return say(WORDS["receiver"], lang)


def short_server(d: Diagnosis, c: Catalogue, lang: Language) -> str:
    """Who refused, for a column."""
    if d.kind == "complaint":
        return short(d.reported_by or "–")
    if d.receiver:
        return c.receiver_name(d.receiver, lang)
    if d.remote.host:
        return short(d.remote.host)
    if d.recipient:
        return short(d.recipient.rpartition("@")[2])
    return short(d.remote.ip or "") or "–"


def _belongs(host: str, domain: str) -> bool:
    return host.lower().rstrip(".").endswith(domain.lower())
