"""A letter to the hoster: this address carries a past, another one please. Pure.

The person who sends it reads it first: what only he can know stands in square brackets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from todoku.i18n import Language, Words, say
from todoku.preflight.values import Check, Subject

WORDS: Final[Words] = {
    "letter": {
        "ja": """\
件名: IP アドレス {ip} の交換のお願い

[提供元] サポート ご担当者様

貴社のサービスで割り当てていただいた IP アドレス {ip} を、メールサーバーに使う予定です。
利用を始める前の {date} に調べたところ、このアドレスからはまだ一通も送っていないにもかかわらず、
次の記録がありました。以前の利用者によるものと思われます。

{evidence}

このままでは、取引先へのメールが受け取りを拒否されます。つきましては、ブロックリストに載って
おらず、周囲のアドレスにも問題のない、別の固定 IP アドレスへの交換をお願いいたします。
交換が難しい場合は、アドレスの管理者として各リストへの解除の依頼をお願いいたします。

契約番号: [契約番号]
ご連絡先: [氏名、メールアドレス]
""",
        "en": """\
Subject: Please exchange the IP address {ip}

Dear support team of [hoster],

you assigned us the IP address {ip}, which is meant for a mail server. We looked at it on {date},
before its first use: we have sent nothing from it yet. It carries these entries, which seem to
stem from somebody who held it before:

{evidence}

With these, mail to our partners would be refused. Please exchange it for another static address
that is on no blocklist and has no listed neighbours. Where that cannot be, please ask the
operators of these lists for removal, as the holder of the network.

Contract: [number]
Contact: [name, e-mail address]
""",
    },
}
_PAST: Final = {
    "lists": {"listed", "wide"},
    "policy-lists": {"listed"},
    "neighbours": {"some", "many"},
    "probe": {"blocked"},
}


def letter(s: Subject, checks: Iterable[Check], lang: Language, date: str) -> str | None:
    """`None` where the address carries nothing. `date`: as it is to stand there."""
    found = [
        c for c in checks
        if c.finding in _PAST.get(c.id, ()) and (c.about == s.ip or c.id == "probe")
    ]  # fmt: skip
    if not found:
        return None
    lines = []
    for c in found:
        about = "" if c.about == s.ip else f" {c.about}"
        lines.append(f"- {c.title}{about}: {c.found}")
        lines += [f"    {d.text}" for d in c.details]
    return say(WORDS["letter"], lang, ip=s.ip, date=date, evidence="\n".join(lines))
