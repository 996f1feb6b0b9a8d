"""Receivers that refuse by a list of their own: no DNS shows it. A probe from the address does, or a real
mail; until then it is not known. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from todoku.i18n import Language, Words, say
from todoku.preflight.sheet import Sheet
from todoku.preflight.trials import GOOD, Trial, by_receiver
from todoku.preflight.values import PRIVATE, Check, Detail

WORDS: Final[Words] = {
    "title": {"ja": "受信側の独自リスト", "en": "receivers' own lists"},
    "wanted": {
        "ja": "独自リストを持つ受信側が {about} からのメールを受け付けること",
        "en": "receivers with a list of their own take mail from {about}",
    },
    "why": {
        "ja": "Outlook.com などは DNS で見えない独自のリストで拒否します。公開リストに載っていなくても、"
        "前の利用者の記録が残っていることがあります。",
        "en": "some, such as Outlook.com, refuse by lists that no DNS shows. An address that is on no "
        "public list may still be on one of these.",
    },
    "found.unseen": {
        "ja": "独自リストを持つ受信側 {n} 件の記録は、ここからは分かりません。",
        "en": "the lists of {n} receivers cannot be seen from here.",
    },
    "remedy.unseen": {
        "ja": "決め手になるのは、新しいサーバーでの探査（--from-host --probe）か、{about} から各受信側の自分の宛先へ"
        "実際に送った 1 通です。移行の前に試してください。",
        "en": "what settles it: a probe from the new server (--from-host --probe), or one real mail from "
        "{about} to a mailbox of yours at each of them. Try that before you move.",
    },
    "found.some": {
        "ja": "確かめた受信側 {good} 件は受け付けます。残る {n} 件（{names}）の記録は分かりません。",
        "en": "{good} of those that were asked take mail from it; the lists of {n} are not known: {names}.",
    },
    "remedy.some": {
        "ja": "探査の各項目の → を見てください。実際のメールが届いた受信側は --arrived に指定します。",
        "en": "see the step at each probe (→). Where real mail arrived, say so by --arrived.",
    },
    "found.settled": {
        "ja": "確かめた受信側 {good} 件は、どれも {about} を受け付けます。",
        "en": "all that were asked ({good}) take mail from {about}.",
    },
    "found.refused": {
        "ja": "独自リストを持つ受信側が拒否しています: {names}",
        "en": "refused by receivers with lists of their own: {names}",
    },
    "remedy.refused": {
        "ja": "探査の項目にある窓口へ解除を依頼するか、提供元に別のアドレスを頼んでください。",
        "en": "ask the desk named at the probe for removal, or the hoster for another address.",
    },
    "not-asked": {
        "ja": "ほかに独自リストを持つ受信側（送るなら --partner に指定）: {names}",
        "en": "others with lists of their own (if you write there, name them by --partner): {names}",
    },
}
SHEET: Final = Sheet(
    PRIVATE, WORDS, ("https://sendersupport.olc.protection.outlook.com/pm/troubleshooting.aspx",)
)


def judge(
    ip: str,
    receivers: Mapping[str, str],
    trials: Sequence[Trial],
    big: frozenset[str],
    lang: Language,
) -> Check:
    """`receivers`: ids of those with a list of their own, and their names. `big`: ids of those that
    everybody writes to; of the others those count that a person named. Without any trial nothing is
    known."""
    if not trials:
        return SHEET.tell(
            lang, ip, "unknown", "unseen",
            cause="unseen", n=len(receivers), details=sorted(receivers.values()),
        )  # fmt: skip
    by = {id_: t for id_, t in by_receiver(trials).items() if id_ in receivers}
    wanted = [id_ for id_ in receivers if id_ in big or id_ in by]
    good = [id_ for id_ in wanted if id_ in by and by[id_].result in GOOD]
    bad = [id_ for id_ in wanted if id_ in by and by[id_].result == "refused"]
    left = [id_ for id_ in wanted if id_ not in {*good, *bad}]
    details = [
        Detail(
            text=receivers[id_],
            state="ok" if id_ in good else "bad" if id_ in bad else "unknown",
        )
        for id_ in wanted
    ]
    others = sorted(name for id_, name in receivers.items() if id_ not in wanted)
    told: dict[str, Any] = {"good": len(good), "n": len(left), "details": details}
    if others:
        line = say(WORDS["not-asked"], lang, names=", ".join(others))
        told["details"] = [*details, Detail(text=line)]
    if bad:
        names = ", ".join(receivers[id_] for id_ in bad)
        return SHEET.tell(lang, ip, "bad", "refused", names=names, **told)
    if left:
        key = "some" if good else "unseen"
        names = ", ".join(receivers[id_] for id_ in left)
        return SHEET.tell(lang, ip, "unknown", key, cause="unseen", names=names, **told)
    return SHEET.tell(lang, ip, "ok", "settled", **told)
