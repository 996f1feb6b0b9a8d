"""The addresses around: how many of the /24 one list has. Pure.

One list is asked, within its rate; what it could not tell in time is `?` on the map."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Any, Final

from todoku.i18n import Language, Sentence, Words
from todoku.lists.outcome import counts
from todoku.model import Finding
from todoku.preflight.sheet import Sheet
from todoku.preflight.values import Check

SOME: Final = 0.05
MANY: Final = 0.25
"""Shares from which on a neighbourhood is doubtful, and bad (habit, no source)."""

_SHARE: Final[Sentence] = {
    "ja": "{network} の {heard} のうち、{list} に悪用で載っているのは {bad}（{share}%）、ポリシーで {policy}。",
    "en": "of {heard} addresses of {network}, {list} has {bad} for abuse ({share}%) and {policy} by "
    "policy.",
}

WORDS: Final[Words] = {
    "title": {"ja": "周囲のアドレス（/24）", "en": "neighbours (the /24)"},
    "wanted": {
        "ja": "周囲に悪用で載っているアドレスがほとんどないこと（注意 5%、要修正 25%。慣例で、出典はありません）",
        "en": "hardly any address around it is listed for abuse (care from 5%, bad from 25%: habit, without "
        "a source)",
    },
    "why": {
        "ja": "範囲ごと拒否する受信側があります（Outlook.com の「part of their network」など）。周囲が悪い"
        "と、自分が何もしなくても巻き込まれます。",
        "en": "some receivers refuse whole networks (Outlook.com: 'part of their network'): with bad "
        "neighbours one is refused for what others do.",
    },
    "found.ok": _SHARE,
    "found.some": _SHARE,
    "remedy.some": {
        "ja": "範囲単位の拒否に備え、提供元に対応を尋ねてください。",
        "en": "ask the hoster what is done about it: networks are refused as a whole.",
    },
    "found.many": _SHARE,
    "remedy.many": {
        "ja": "別の範囲のアドレスを提供元に頼んでください。",
        "en": "ask the hoster for an address of another network.",
    },
    "found.six": {
        "ja": "IPv6 の周囲を一つずつ調べられるリストはありません。",
        "en": "no list can be asked for the addresses around an IPv6 one.",
    },
    "found.few": {
        "ja": "{network} のうち期限内に分かったのは {heard} だけです（{list}。悪用で {bad}、ポリシーで {policy}）。",
        "en": "only {heard} addresses of {network} were told in time ({list}: {bad} for abuse, {policy} by "
        "policy).",
    },
    "remedy.few": {
        "ja": "もう一度実行すると続きから尋ねます。",
        "en": "run it again: it goes on where it stopped.",
    },
    "found.no-list": {
        "ja": "この利用条件で周囲を尋ねられるリストがありません。",
        "en": "no list permits such questions under these terms of use.",
    },
}
SHEET: Final = Sheet("neighbours", WORDS, ("RFC 6471",))


def network(ip: str) -> str | None:
    """The /24; `None` for IPv6."""
    if ":" in ip:
        return None
    return str(ipaddress.ip_network(f"{ip}/24", strict=False))


def judge(ip: str, list_: str | None, findings: Iterable[Finding], lang: Language) -> Check:
    """`findings`: those listed and those not known, of a range where all are not known; all other
    addresses are not listed."""
    around = network(ip)
    if around is None:
        return SHEET.tell(lang, ip, "unknown", "six", cause="not-asked")
    if list_ is None:
        return SHEET.tell(lang, ip, "unknown", "no-list", cause="not-asked")
    marks = ["."] * 256
    why: str | None = None
    for f in findings:
        if f.state == "unknown":
            why = why or f.detail or f.cause
        if f.identity.kind == "range":
            marks = ["?"] * 256 if f.state == "unknown" else marks
            continue
        marks[int(f.identity.value.rpartition(".")[2])] = _mark(f)
    chart = "".join(marks)
    heard = 256 - chart.count("?")
    told: dict[str, Any] = {"network": around, "list": list_, "heard": heard}
    bad, policy = chart.count("X"), chart.count("P")
    told |= {"bad": bad, "policy": policy, "share": f"{100 * bad / max(1, heard):.0f}"}
    # What is not known may be good or bad: a verdict stands where it would not change one.
    if bad >= MANY * 256:
        return SHEET.tell(lang, ip, "bad", "many", chart=chart, **told)
    if bad >= SOME * 256:
        return SHEET.tell(lang, ip, "warning", "some", chart=chart, **told)
    if bad + 256 - heard < SOME * 256:
        return SHEET.tell(lang, ip, "ok", "ok", chart=chart, **told)
    details = (why,) if why else ()
    return SHEET.tell(lang, ip, "unknown", "few", chart=chart, details=details, **told)


def _mark(f: Finding) -> str:
    if f.state == "unknown":
        return "?"
    classes = {e.class_ for e in f.entries if counts(e)}
    return "X" if "abuse" in classes else "P" if classes else "."
