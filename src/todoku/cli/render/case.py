"""Cases on the screen: a list, and one with what happened to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any, Final

from todoku.cases import events as ev
from todoku.cases.case import Case
from todoku.cases.due import ActionKind, plan
from todoku.cases.marks import TRIAL
from todoku.cases.policy import Policy
from todoku.cases.records import Recorded
from todoku.cases.tasks import tasks
from todoku.cases.working import Work
from todoku.cli.render.text import pad, safe, short
from todoku.i18n import Language, Sentence, Words, say
from todoku.serve.telling import WORDS as TELLING
from todoku.serve.unsure import told as unsure_told

if TYPE_CHECKING:
    from todoku.store.actions import Failing

Named = Callable[[str], str]
"""The name of a receiver or list, by its id."""

COMMA: Final[Sentence] = {"ja": "、", "en": ", "}
STATES: Final[Words] = {
    "open": {"ja": "未依頼", "en": "open"},
    "requested": {"ja": "依頼済み", "en": "requested"},
    "acknowledged": {"ja": "受付済み", "en": "acknowledged"},
    "declined": {"ja": "不承認", "en": "declined"},
    "settling": {"ja": "浸透待ち", "en": "settling"},
    "verifying": {"ja": "確認中", "en": "verifying"},
    "junked": {"ja": "迷惑メール入り", "en": "junked"},
    "resolved": {"ja": "解決", "en": "resolved"},
    "closed": {"ja": "終了", "en": "closed"},
}
EVENTS: Final[Words] = {
    "reported": {"ja": "申告", "en": "reported"},
    "refused": {"ja": "拒否", "en": "refused"},
    "checked": {"ja": "照会", "en": "checked"},
    "diagnosed": {"ja": "診断", "en": "diagnosed"},
    "cause-found": {"ja": "原因", "en": "cause"},
    "mended": {"ja": "修正", "en": "mended"},
    "requested": {"ja": "依頼", "en": "requested"},
    "acknowledged": {"ja": "受付", "en": "ticket"},
    "answered": {"ja": "回答", "en": "answered"},
    "accepted-by-person": {"ja": "承認", "en": "accepted"},
    "waited": {"ja": "経過", "en": "waited"},
    "probed": {"ja": "探査", "en": "probed"},
    "trying": {"ja": "試送", "en": "trial"},
    "tried": {"ja": "試送", "en": "tried"},
    "escalated": {"ja": "再依頼", "en": "escalated"},
    "sent": {"ja": "送信", "en": "sent"},
    "hindered": {"ja": "保留", "en": "hindered"},
    "held": {"ja": "待機", "en": "held"},
    "detoured": {"ja": "迂回", "en": "detoured"},
    "released": {"ja": "復帰", "en": "released"},
    "told": {"ja": "連絡", "en": "told"},
    "noted": {"ja": "メモ", "en": "noted"},
    "closed": {"ja": "終了", "en": "closed"},
    "reopened": {"ja": "再開", "en": "reopened"},
}
RESULTS: Final[Words] = {
    "accepted": {"ja": "受け入れられました", "en": "accepted"},
    "refused": {"ja": "拒否されました", "en": "refused"},
    "deferred": {"ja": "保留されました", "en": "deferred"},
    "junked": {"ja": "迷惑メールに入りました", "en": "put into junk"},
    "inconclusive": {"ja": "この方法では分かりません", "en": "tells nothing"},
    "failed": {"ja": "接続できませんでした", "en": "could not be asked"},
}
UNTOLD: Final[Words] = {
    "not-seen": {
        "ja": "受け付けられましたが、受信箱にも迷惑メールにも見当たりません",
        "en": "accepted, and neither in the inbox nor in junk",
    },
    "no-junk-folder": {
        "ja": "受け付けられましたが、受信箱にありません（迷惑メールのフォルダーが不明）",
        "en": "accepted, and not in the inbox (which folder is junk is not known)",
    },
    "other-address": {
        "ja": "別のアドレスから出ていったため、分かりません",
        "en": "left from another address: tells nothing",
    },
    "which-address": {
        "ja": "どのアドレスから出ていったか不明のため、分かりません",
        "en": "from which address it left is not known: tells nothing",
    },
    "no-word": {"ja": "届いたかどうか分かりませんでした", "en": "nothing was heard of it"},
}
WHYS: Final[Words] = {
    "resolved": {"ja": "解決", "en": "resolved"},
    "expired": {"ja": "期限切れで解除", "en": "expired by itself"},
    "address-changed": {"ja": "アドレスを変更", "en": "the address was changed"},
    "gave-up": {"ja": "断念", "en": "given up"},
    "not-ours": {"ja": "自分のアドレスではない", "en": "not our address"},
    "joined": {"ja": "別の案件に統合", "en": "joined to another case"},
}
ABOUTS: Final[Words] = {
    "opened": {"ja": "対応を始めたこと", "en": "being worked on"},
    "resolved": {"ja": "届くようになったこと", "en": "works again"},
    "reminder": {"ja": "作業の催促", "en": "reminded of a task"},
}
PROOFS: Final[Words] = {
    "log": {"ja": "自分のログで確認", "en": "our log has it"},
    "relayed": {
        "ja": "受け取ったサーバーからの返送とログで確認",
        "en": "by our log, from the server that had taken it",
    },
    "mark": {"ja": "todoku の印で確認", "en": "it carries a mark of ours"},
    "batv": {"ja": "返信先の署名（BATV）で確認", "en": "our signed return path (BATV)"},
    "reproduced": {"ja": "探査・試し送りで再現", "en": "a probe or trial met it, too"},
    "person": {"ja": "人が確認", "en": "by a person's word"},
}
"""How it is known that a bounce is about a mail of ours."""
ACTIONS: Final[dict[ActionKind, Sentence]] = {
    "diagnose": {"ja": "応答を診断", "en": "diagnose the reply"},
    "check": {"ja": "リストに照会", "en": "ask the lists"},
    "observe": {"ja": "ログで実際のメールを確認", "en": "see in the logs what real mail meets"},
    "probe": {"ja": "届くか探査", "en": "probe whether it arrives"},
    "wait": {"ja": "反映待ちの終わり", "en": "the time to settle is over"},
    "request": {"ja": "解除を依頼", "en": "ask for removal"},
    "escalate": {"ja": "再考を依頼", "en": "ask to look again"},
    "send": {"ja": "窓口への手紙を送信", "en": "send the letter to the desk"},
    "try": {"ja": "試し送り", "en": "send the trial"},
    "look": {"ja": "試し送りの結果を確認", "en": "see what became of the trial"},
    "tell": {"ja": "利用者に連絡", "en": "tell users"},
    "remind": {"ja": "作業を催促", "en": "remind of a task"},
    "hook": {"ja": "Webhook に通知", "en": "tell a webhook"},
    "close": {"ja": "案件を終了", "en": "close the case"},
}
WORDS: Final[Words] = {
    "head": {"ja": "案件 {case}  {what} ⇄ {place}", "en": "Case {case}  {what} ⇄ {place}"},
    "state": {"ja": "状態: {state}{more}", "en": "State: {state}{more}"},
    "until": {"ja": "（{at} まで）", "en": " (until {at})"},
    "next": {"ja": "次: {at} に{what}（自動）", "en": "Next: {what}, {at} (by itself)"},
    "now": {"ja": "次: {what}（自動、まもなく）", "en": "Next: {what} (by itself, soon)"},
    "task": {"ja": "あなたの作業: {what}（{at} から）", "en": "For you: {what} (since {at})"},
    "failing": {
        "ja": "まだできていません: {what}（{why}）。{at} にやり直します。",
        "en": "Not done yet: {what} ({why}). Tried again {at}.",
    },
    "unknown": {"ja": "不明", "en": "not known"},
    "ticket": {"ja": "受付番号 {ticket}", "en": "ticket {ticket}"},
    "since": {"ja": "（{at} から）", "en": " (since {at})"},
    "hours": {
        "ja": "反映まで {low:g}〜{high:g} 時間",
        "en": "takes {low:g} to {high:g} hours",
    },
    "unproven": {"ja": "差出人を確認できません", "en": "not proven to be theirs"},
    "times": {"ja": "{n} 件", "en": "{n} times"},
    "lists": {"ja": "{n} リストに掲載: {names}", "en": "on {n}: {names}"},
    "not-listed": {
        "ja": "リストへの掲載は見つからず（照会 {n} 件、うち不明 {unknown} 件）",
        "en": "found on no list ({n} asked, {unknown} of them not known)",
    },
    "not-asked": {
        "ja": "尋ねられるリストがありませんでした",
        "en": "there was no list that could be asked",
    },
    "looked": {"ja": "調べて見つからず: {looked}", "en": "looked in vain: {looked}"},
    "letter": {"ja": "{to} へのメール", "en": "by mail to {to}"},
    "sent": {
        "ja": "窓口への手紙をメールサーバーに渡しました",
        "en": "our mail server has the letter to the desk",
    },
    "trial": {"ja": "自分のメールサーバーに渡しました", "en": "our mail server has it"},
    "no-trial": {
        "ja": "自分のメールサーバーが受け取りませんでした",
        "en": "our mail server did not take it",
    },
    "unsent": {
        "ja": "窓口への手紙を送れませんでした（{why}）",
        "en": "the letter to the desk could not be sent ({why})",
    },
    "told-not": {"ja": "（届けられませんでした）", "en": " (could not be reached)"},
    "unsure": {
        "ja": "（送れたか分からないメールがあります）",
        "en": " (not known whether a mail was sent)",
    },
    "none": {
        "ja": "対応中の案件はありません。",
        "en": "There are no open cases.",
    },
}


def rows(
    found: Sequence[dict[str, Any]],
    named: Named,
    lang: Language,
    zone: tzinfo | None,
    unsure: Collection[int] = (),
    costs: Mapping[int, str] = {},
) -> Iterator[str]:
    """The list: a line for each case. `unsure`: those with a mail that was sent or not. `costs`: what cases
    cost, by number."""
    if not found:
        yield WORDS["none"][lang]
    for row in found:
        what = short(str(row["identities"]).replace("ip:", ""), 40) or WORDS["unknown"][lang]
        place = short(named(row["place"]), 40) if row["place"] else WORDS["unknown"][lang]
        state = STATES[row["state"]][lang]
        if row["closed"]:
            state += f" ({WHYS[row['closed']][lang]})"
        changed = datetime.fromtimestamp(row["changed_at"] or 0, zone)
        mark = WORDS["unsure"][lang] if row["number"] in unsure else ""
        if row["number"] in costs:
            place += f"  {costs[row['number']]}"
        yield f"{row['number']:>5}  {changed:%m/%d %H:%M}  {pad(state, 14)}  {what} ⇄ {place}{mark}"


def case(
    found: Case,
    history: Sequence[Recorded],
    named: Named,
    who: Named,
    policy: Policy,
    lang: Language,
    now: datetime,
    unsure: Sequence[Work] = (),
    failing: Sequence[Failing] = (),
) -> Iterator[str]:
    """One case. `now` in the reader's zone. `unsure`: its mails that were sent or not. `failing`: what
    was tried in vain."""
    zone = now.tzinfo
    what = ", ".join(s.identity.value for s in found.standings[:4]) or WORDS["unknown"][lang]
    place = named(found.place.id) if found.place is not None else WORDS["unknown"][lang]
    more = ""
    untils = [s.until for s in found.among("settling") if s.until is not None]
    if found.state == "settling" and untils:
        more = say(WORDS["until"], lang, at=_moment(max(untils), zone))
    elif found.closed is not None:
        more = f" ({WHYS[found.closed.why][lang]})"
    head = say(WORDS["head"], lang, case=found.number, what=safe(what), place=safe(place))
    yield f"{head}    {say(WORDS['state'], lang, state=STATES[found.state][lang], more=more)}"
    for recorded in history:
        yield line(recorded, named, who, lang, zone)
    for task in tasks(found, policy):
        if task.since <= now:
            words = TELLING[task.kind][lang]
            yield say(WORDS["task"], lang, what=words, at=_moment(task.since, zone))
    for work in unsure:
        sentence, values = unsure_told(work, who, len(unsure))
        yield safe(say(sentence, lang, **values))
    for action, why, again_at in failing:
        again = _moment(datetime.fromtimestamp(again_at, zone), zone)
        values = {"what": ACTIONS[action.kind][lang], "why": short(why, 160), "at": again}
        yield say(WORDS["failing"], lang, **values)
    waits = {work.action.key for work in unsure}
    for action in [a for a in plan(found, policy) if a.key not in waits][:1]:
        key = "next" if action.not_before > now else "now"
        words = ACTIONS[action.kind][lang]
        yield say(WORDS[key], lang, what=words, at=_moment(action.not_before, zone))


_SHORT: Final = timedelta(minutes=5)
"""A flood that takes no longer has one moment."""


def line(recorded: Recorded, named: Named, who: Named, lang: Language, zone: tzinfo | None) -> str:
    """One event, with its moment."""
    event = recorded.event
    label = pad(EVENTS[ev.name(event)][lang], 6 if lang == "ja" else 12)
    by = f" [{safe(event.by)}]" if event.by else ""
    told = _told(event, named, who, lang)
    if isinstance(event, ev.Reported) and event.since is not None:
        told += say(WORDS["since"], lang, at=_day_or_moment(event.since, zone))
    if isinstance(event, ev.Refused) and (event.counted_to or event.at) - event.at > _SHORT:
        told += say(WORDS["until"], lang, at=_moment(event.counted_to or event.at, zone))
    return f"{_moment(event.at, zone)}  {label}  {told}{by}".rstrip()


def _moment(at: datetime, zone: tzinfo | None) -> str:
    return f"{at.astimezone(zone):%m/%d %H:%M}"


def _day_or_moment(at: datetime, zone: tzinfo | None) -> str:
    """Midnight is what a day alone was recorded as."""
    here = at.astimezone(zone)
    return f"{here:%m/%d}" if (here.hour, here.minute) == (0, 0) else _moment(at, zone)


def _told(event: ev.AnyEvent, named: Named, who: Named, lang: Language) -> str:
    """What happened, in short. Words of strangers are made safe."""
    match event:
        case ev.Reported() | ev.Refused() | ev.Diagnosed() | ev.Checked():
            return _seen(event, named, who, lang)
        case ev.Requested() | ev.Escalated() | ev.Acknowledged() | ev.Answered():
            return _with_the_desk(event, lang)
        case ev.Probed() | ev.Tried():
            host = event.host if isinstance(event, ev.Probed) else ", ".join(event.hosts)
            said = "" if event.result == "accepted" else short(event.reply.text, 50)
            result = RESULTS[event.result][lang]
            if isinstance(event, ev.Tried) and event.why is not None:
                result = UNTOLD[event.why][lang]
            return "  ".join(p for p in (safe(host or ""), result, said) if p)
        case ev.Trying():
            return f"{short(event.to, 40)} ({safe(event.identity.value)})"
        case ev.Told():
            told = "" if event.delivered else WORDS["told-not"][lang]
            return f"{short(who(event.who), 30)}: {ABOUTS[event.about][lang]}{told}"
        case ev.Sent() if TRIAL in event.message_id:
            return WORDS["trial" if event.delivered else "no-trial"][lang]
        case ev.Sent():
            key = "sent" if event.delivered else "unsent"
            return say(WORDS[key], lang, why=short(event.why, 80))
        case ev.Hindered():
            return _hindered(event, lang)
        case ev.Waited():
            return ACTIONS["wait"][lang]
        case ev.Closed():
            return COMMA[lang].join(p for p in (WHYS[event.why][lang], short(event.text, 60)) if p)
        case _:
            return short(_words(event, lang), 60)


def _words(event: ev.AnyEvent, lang: Language) -> str:
    """Those of a person, for events that are little else."""
    match event:
        case ev.CauseFound():
            looked = say(WORDS["looked"], lang, looked=COMMA[lang].join(event.looked))
            return event.cause or event.evidence or (looked if event.looked else "")
        case ev.Mended():
            return event.what
        case ev.Noted():
            return event.text
        case ev.Reopened():
            return event.why
        case ev.Held():
            return event.how
        case ev.Detoured():
            return event.via
        case _:
            return ""


def _seen(
    event: ev.Reported | ev.Refused | ev.Diagnosed | ev.Checked,
    named: Named,
    who: Named,
    lang: Language,
) -> str:
    comma = COMMA[lang]
    match event:
        case ev.Reported():
            name = short(who(event.who), 30) if event.who else ""
            quoted = ("「{}」" if lang == "ja" else ' "{}"').format(short(event.words, 80))
            return (name + (quoted if event.words else "")).lstrip()
        case ev.Refused():
            times = f"  {say(WORDS['times'], lang, n=event.count)}" if event.count > 1 else ""
            proof = "" if event.proof is None else PROOFS[event.proof][lang]
            proof = proof and ("（{}）" if lang == "ja" else " ({})").format(proof)
            return short(event.reply.text, 70) + times + proof
        case ev.Diagnosed():
            place = named(event.place.id) if event.place else WORDS["unknown"][lang]
            parts = (place, event.receiver_code or "", *(i.value for i in event.identities))
            return comma.join(safe(p) for p in parts if p)
        case ev.Checked():
            listed = sorted({named(f.list) for f in event.findings if f.state == "listed"})
            if listed:
                return say(WORDS["lists"], lang, n=len(listed), names=comma.join(listed))
            if not event.findings:
                return WORDS["not-asked"][lang]
            unknown = sum(f.state == "unknown" for f in event.findings)
            return say(WORDS["not-listed"], lang, n=len(event.findings), unknown=unknown)


def _with_the_desk(
    event: ev.Requested | ev.Escalated | ev.Acknowledged | ev.Answered, lang: Language
) -> str:
    comma = COMMA[lang]
    match event:
        case ev.Requested() | ev.Escalated():
            parts = [safe(p) for p in (event.desk, event.ticket) if p]
            if event.letter is not None:
                parts.append(say(WORDS["letter"], lang, to=safe(event.letter.to)))
            return comma.join(parts)
        case ev.Acknowledged():
            return say(WORDS["ticket"], lang, ticket=short(event.ticket or "-", 40))
        case ev.Answered():
            parts = _said(event, lang)
            low, high = event.min_hours, event.max_hours
            if low is not None and high is not None:
                parts.append(say(WORDS["hours"], lang, low=low, high=high))
            if not event.authentic:
                parts.append(WORDS["unproven"][lang])
            return comma.join(parts)


def _hindered(event: ev.Hindered, lang: Language) -> str:
    """What was in the way, in the words of a draft."""
    from todoku.cli.render.case_request import short_words

    return COMMA[lang].join(short_words(kind, lang) for kind in event.obstacles)


def _said(event: ev.Answered, lang: Language) -> list[str]:
    """Its words; where these would tell half of it, what it means: several verdicts, each of its own
    address, and a request that came back."""
    from todoku.cli.render.case_answer import CLASSES

    if len({verdict.class_ for verdict in event.verdicts}) > 1:
        return [f"{short(v.identity.value, 45)}: {CLASSES[v.class_][lang]}" for v in event.verdicts]
    words = short(event.words, 50)
    if event.class_ == "bounce":
        return [": ".join(p for p in (CLASSES["bounce"][lang], words) if p)]
    return [words or event.class_]
