"""Blocklists: what `todoku.lists` found of the address and the names. Pure.

A policy listing (a range that is not meant to send) is another thing than one for abuse: another
check, with another way out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from todoku.i18n import Language, Sentence, Words, say
from todoku.lists.outcome import counts, grade
from todoku.model import Entry, Finding
from todoku.preflight.sheet import Sheet
from todoku.preflight.values import Check

_WANTED: Final[Sentence] = {
    "ja": "どのリストにも載っていないこと",
    "en": "it is on no list",
}
_CLEAR: Final[Sentence] = {
    "ja": "尋ねたリスト {n} 件のどれにも載っていません。{left}",
    "en": "on none of the lists asked ({n}).{left}",
}
_UNKNOWN: Final[Sentence] = {
    "ja": "判定に要るリスト {m} 件から答えが得られません（{names}）。ほかの {n} 件には載っていません。",
    "en": "{m} lists that decide could not tell ({names}); {n} others do not list it.",
}
_NONE_TOLD: Final[Sentence] = {
    "ja": "尋ねたリスト {m} 件のどれからも答えが得られません（{names}）。",
    "en": "none of the lists asked ({m}) could tell ({names}).",
}
_AGAIN: Final[Sentence] = {
    "ja": "リゾルバー（--resolver）への経路と、公開リゾルバーでないことを確かめ、もう一度実行してください。",
    "en": "see that the resolver (--resolver) works and is no public one, and run this again.",
}
_NONE_ASKED: Final[Sentence] = {
    "ja": "尋ねられるリストがありません。",
    "en": "there is no list that could be asked.",
}

WORDS: Final[Words] = {
    "title": {"ja": "ブロックリスト（悪用）", "en": "blocklists (abuse)"},
    "wanted": _WANTED,
    "why": {
        "ja": "載っているアドレスやドメインからのメールは、そのリストを使う受信側がその場で拒否します。"
        "再利用されたアドレスでは、前の利用者の記録が残っています。",
        "en": "whoever uses the list refuses the mail at once. A re-used address carries what its "
        "holders before earned.",
    },
    "found.clear": _CLEAR,
    "found.listed": {
        "ja": "リスト {n} 件に載っています: {names}",
        "en": "listed by {names} ({n}).",
    },
    "remedy.listed": {
        "ja": "アドレスなら、別のアドレスへの交換を提供元に依頼するのが早道です。使うなら、上の窓口で解除を"
        "済ませてから移行してください。",
        "en": "for an address, the shortest way is to ask the hoster for another one. Else have it removed by "
        "the desks above before you move.",
    },
    "found.wide": {
        "ja": "周囲の範囲として載っています: {names}",
        "en": "listed as part of its network: {names}",
    },
    "remedy.wide": {
        "ja": "このアドレス自身の記録ではありません。提供元に対応を求めるか、別の範囲のアドレスを頼んで"
        "ください。",
        "en": "no record of this address itself: ask the hoster to act, or for one of another network.",
    },
    "found.unknown": _UNKNOWN,
    "remedy.unknown": _AGAIN,
    "found.none-told": _NONE_TOLD,
    "remedy.none-told": _AGAIN,
    "found.none-asked": _NONE_ASKED,
    "remedy.none-asked": _AGAIN,
    "left": {
        "ja": "ほか {k} 件（{names}）は尋ねていないか、答えが得られません。",
        "en": " {k} others ({names}) were not asked, or did not tell.",
    },
}
BARRED: Final = frozenset({"not-permitted", "no-key", "list-dead"})
"""Causes of `unknown` by which a list was not asked at all."""
FEW: Final = 5
"""Names of lists that a sentence holds."""
SHEET: Final = Sheet("lists", WORDS, ("RFC 5782", "RFC 6471"))

POLICY_WORDS: Final[Words] = {
    "title": {"ja": "ポリシーリスト（動的アドレスなど）", "en": "policy lists (dynamic ranges)"},
    "wanted": {
        "ja": "直接送信しない範囲として登録されていないこと",
        "en": "it is not in a range that is not meant to send directly",
    },
    "why": {
        "ja": "悪用の記録ではありません。家庭の回線や未使用の範囲など、直接送信しないはずのアドレスの一覧で、"
        "多くの受信側がこれで拒否します。",
        "en": "no record of abuse: such lists hold home lines and unused ranges, which are not meant to "
        "send directly, and many receivers refuse by them.",
    },
    "found.clear": _CLEAR,
    "found.listed": {"ja": "載っています: {names}", "en": "on {names}"},
    "remedy.listed": {
        "ja": "固定アドレスのメールサーバーなら、逆引きを整えてから除外を申請してください（上の窓口、または"
        "提供元から）。そうでなければ中継サーバーを通して送ります。",
        "en": "for a mail server on a static address: set its reverse name, then ask for an exception at "
        "the desk above, or through the hoster. Otherwise send through a relay.",
    },
    "found.unknown": _UNKNOWN,
    "remedy.unknown": _AGAIN,
    "found.none-told": _NONE_TOLD,
    "remedy.none-told": _AGAIN,
    "found.none-asked": _NONE_ASKED,
    "remedy.none-asked": _AGAIN,
    "found.barred": {
        "ja": "この種のリスト（{names}）に尋ねられませんでした。登録の有無は分かりません。",
        "en": "no list of this kind could be asked ({names}): whether it is on one is not known.",
    },
    "remedy.barred": {
        "ja": '理由を見て、鍵を設定 [lists.keys] に入れるか、営利でない利用なら [general] use = "private" '
        "にしてください。リストの Web ページでも調べられます。",
        "en": "see the reasons: set a key in [lists.keys], or, where your use is not commercial, "
        'use = "private" in [general]. The lists\' own web pages tell, too.',
    },
}
POLICY: Final = Sheet("policy-lists", POLICY_WORDS, ("RFC 6471",))


def judge(
    about: str,
    findings: Sequence[Finding],
    required: frozenset[str],
    policy: frozenset[str],
    lang: Language,
) -> list[Check]:
    """Of one address or name; for an address also its policy check. `required`: ids of the lists
    that decide; `policy`: of those that hold ranges which are not meant to send."""
    block = [f for f in findings if f.role == "block"]
    is_address = any(f.identity.kind == "ip" for f in block)
    abuse = _of_class(block, "abuse")
    checks = [_abuse(about, block, abuse, required, lang)]
    if is_address:
        kind = [f for f in block if f.list in policy]
        checks.append(_policy(about, kind, _of_class(block, "policy"), required, lang))
    return checks


def _abuse(
    about: str,
    findings: Sequence[Finding],
    listed: Sequence[tuple[Finding, Entry]],
    required: frozenset[str],
    lang: Language,
) -> Check:
    if listed:
        return SHEET.tell(
            lang, about, "bad", "listed", n=len({f.list for f, _ in listed}), names=_names(listed),
            details=_details(listed),
        )  # fmt: skip
    silent = _silent(findings, required, lang, about, SHEET)
    if silent is not None:
        return silent
    wide = _of_class(findings, "range")
    if wide:
        return SHEET.tell(
            lang, about, "warning", "wide", names=_names(wide), details=_details(wide)
        )
    return _clear(SHEET, findings, lang, about)


def _policy(
    about: str,
    findings: Sequence[Finding],
    listed: Sequence[tuple[Finding, Entry]],
    required: frozenset[str],
    lang: Language,
) -> Check:
    if listed:
        return POLICY.tell(
            lang, about, "bad", "listed", names=_names(listed), details=_details(listed)
        )
    if findings and all(f.state == "unknown" and f.cause in BARRED for f in findings):
        return POLICY.tell(
            lang, about, "unknown", "barred", cause="not-asked",
            names=", ".join(f.list for f in findings),
            details=[f"{f.list}: {f.detail or f.cause}" for f in findings],
        )  # fmt: skip
    silent = _silent(findings, required, lang, about, POLICY)
    return silent or _clear(POLICY, findings, lang, about)


def _silent(
    findings: Sequence[Finding], required: frozenset[str], lang: Language, about: str, sheet: Sheet
) -> Check | None:
    """The check, where something that decides is not known, or nothing is known at all."""
    lost = [f for f in findings if f.list in required and f.state == "unknown"]
    heard = [f for f in findings if f.state != "unknown"]
    if not findings:
        return sheet.tell(lang, about, "unknown", "none-asked", cause="not-asked")
    if not lost and heard:
        return None
    lost = lost or [f for f in findings if f.state == "unknown"]
    return sheet.tell(
        lang, about, "unknown", "unknown" if heard else "none-told", m=len(lost), n=len(heard),
        names=", ".join(f.list for f in lost[:8]) + (" ..." if len(lost) > 8 else ""),
        details=[f"{f.list}: {f.detail or f.cause}" for f in lost] if sheet is SHEET else (),
    )  # fmt: skip


def _clear(sheet: Sheet, findings: Sequence[Finding], lang: Language, about: str) -> Check:
    heard = sum(f.state != "unknown" for f in findings)
    lost = [f.list for f in findings if f.state == "unknown"]
    names = ", ".join(lost[:FEW]) + (" ..." if len(lost) > FEW else "")
    told = say(WORDS["left"], lang, k=len(lost), names=names) if lost else ""
    unknown = [f"{f.list}: {f.detail or f.cause}" for f in findings if f.state == "unknown"]
    return sheet.tell(lang, about, "ok", "clear", n=heard, left=told, details=unknown)


def _of_class(findings: Iterable[Finding], class_: str) -> list[tuple[Finding, Entry]]:
    """Entries that are listings of this class. What covers only a range is `range`, whatever the
    list calls it (`outcome.grade`)."""
    found: list[tuple[Finding, Entry]] = []
    for f in findings:
        if f.state != "listed":
            continue
        wide = grade(f) == "wide"
        found += [
            (f, e) for e in f.entries if counts(e) and ("range" if wide else e.class_) == class_
        ]
    return found


def _names(listed: Iterable[tuple[Finding, Entry]]) -> str:
    return ", ".join(dict.fromkeys(e.list or f.list for f, e in listed))


def _details(listed: Iterable[tuple[Finding, Entry]]) -> list[str]:
    lines = []
    for f, e in listed:
        way = e.removal
        where = (way.url or way.address or "") if way is not None else ""
        lines.append(f"{e.list or f.list}: {e.meaning} ({e.code}) {where}".rstrip())
    return list(dict.fromkeys(lines))
