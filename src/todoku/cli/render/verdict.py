"""A diagnosis as sentences: who refuses what, and on which ground.

The first sentence says who refused whose mail, the second why; both are built from the fields of
the diagnosis and the words of the knowledge. Nothing here knows a receiver by name.
"""

from __future__ import annotations

import re
from typing import Final

from todoku.cli.render import parties
from todoku.cli.render.text import short
from todoku.cli.render.words import (
    FEEDBACK,
    FEEDBACK_OTHER,
    SCOPE,
    STAGE,
    SUBJECT_OF_STATUS,
)
from todoku.i18n import Language, Words, say
from todoku.knowledge.catalogue import Catalogue, said
from todoku.model import Diagnosis

# Reasons that are about the sender's side: an address, a name, a way of sending.
OF_SENDER: Final = frozenset(
    (
        "listed",
        "reputation",
        "lookup-failed",
        "reverse-dns",
        "helo",
        "refused-client",
        "authentication",
        "rate-limit",
        "connection-limit",
        "greylisted",
        "policy",
        "sender-refused",
        "security",
        "tls",
        "syntax",
        "challenge",
    )
)

WORDS: Final[Words] = {
    "refused-from": {
        "ja": "{who} が {what} からのメールを拒否しています。",
        "en": "{who} refuses mail from {what}.",
    },
    "deferred-from": {
        "ja": "{who} が {what} からのメールの受け取りを先送りしています（再送で届く可能性があります）。",
        "en": "{who} defers mail from {what} and asks to try again.",
    },
    "given-up-from": {
        "ja": "{who} が {what} からのメールの受け取りを先送りし続け、送信側が再送を打ち切りました。",
        "en": "{who} kept deferring mail from {what}; the sending server has given up.",
    },
    "refused": {
        "ja": "{who} が{to}メールを拒否しました。",
        "en": "{who} refuses mail{to}.",
    },
    "deferred": {
        "ja": "{who} が{to}メールの受け取りを先送りしています（再送で届く可能性があります）。",
        "en": "{who} defers mail{to} and asks to try again.",
    },
    "given-up": {
        "ja": "{who} が{to}メールの受け取りを先送りし続け、送信側が再送を打ち切りました。",
        "en": "{who} kept deferring mail{to}; the sending server has given up.",
    },
    "undelivered": {
        "ja": "{to}メールを配送できませんでした。",
        "en": "Mail{to} could not be delivered.",
    },
    "not-yet": {
        "ja": "{to}メールはまだ届いていません。送信側が再送を続けています。",
        "en": "Mail{to} has not arrived yet; the sending server keeps trying.",
    },
    "to": {"ja": " {to} 宛ての", "en": " to {to}"},
    "to-and-others": {"ja": " {to} ほか {n} 件宛ての", "en": " to {to} and {n} other recipients"},
    "to-and-another": {"ja": " {to} ほか 1 件宛ての", "en": " to {to} and one other recipient"},
    "and": {"ja": "{a} と {b}", "en": "{a} and {b}"},
    "own-list": {
        "ja": "{name} 独自のブロックリストに載っています",
        "en": "{it} on a blocklist that {name} keeps itself",
    },
    "it": {"ja": "", "en": "It is"},
    "they": {"ja": "", "en": "They are"},
    "sender": {"ja": "", "en": "The sender is"},
    "on-list": {
        "ja": "ブロックリスト {name} に載っています",
        "en": "{it} on the blocklist {name}",
    },
    "on-policy-list": {
        "ja": "{name} に載っています。悪用の記録ではなく、直接送信しないはずの範囲の一覧です",
        "en": "{it} on {name}, a list of ranges that should not send directly; no record of abuse",
    },
    "lookup-of": {
        "ja": "受信側が {name} を引けなかっただけで、送信側が載っているという意味ではありません",
        "en": "The receiver's own look-up at {name} failed; this does not say that you are listed",
    },
    "no-list-named": {
        "ja": "受信側の参照するリストに載っています。どのリストかは応答に書かれていません",
        "en": "{it} on a list that the receiver consults; the reply does not name it",
    },
    "in-front": {
        "ja": "送信側は再送を続けていますが、この応答が変わらない限り届きません。",
        "en": "The sending server keeps trying, in vain while the answer stays the same.",
    },
    "before-block": {
        "ja": "まだ遮断ではありませんが、続けると遮断されることがあります。",
        "en": "This is no block yet; blocks often follow.",
    },
    "undecided": {
        "ja": "この応答の意味は分かりませんでした{facts}。",
        "en": "This reply was not understood{facts}.",
    },
    "undecided-permanent": {
        "ja": "分かっていること: 受信側が拒否しており、同じまま再送しても通りません。",
        "en": "What is known: the receiver refuses, and sending the same again does not help.",
    },
    "undecided-temporary": {
        "ja": "分かっていること: 受信側が先送りしており、再送で届く可能性があります。",
        "en": "What is known: the receiver defers, and a later attempt may pass.",
    },
    "undecided-nothing": {
        "ja": "分かっていること: メールは届かず、受信側の応答は残っていません。",
        "en": "What is known: it did not arrive, and no answer of a receiver is quoted.",
    },
    "undecided-subject": {
        "ja": "コードからは、{subject}と読めます。",
        "en": "By its code, {subject}.",
    },
    "own-relay-answered": {
        "ja": "応答したのは受信側ではなく、自社の中継サーバー {host} です。",
        "en": "Your own relay {host} answered, not the receiver.",
    },
    "permanent": {"ja": "恒久エラー", "en": "permanent"},
    "temporary": {"ja": "一時エラー", "en": "temporary"},
    "facts": {"ja": "（{facts}）", "en": " ({facts})"},
    "complaint-by": {"ja": "（報告元 {by}）", "en": ", through {by}"},
    "auto-reply": {
        "ja": "{whose}自動応答です。メールは届いています。",
        "en": "An automatic reply{whose}; the message arrived.",
    },
    "delivered": {
        "ja": "配送完了の通知です。{to}メールは届いています。",
        "en": "A success report: mail{to} has arrived.",
    },
    "relayed": {
        "ja": "{to}メールは、通知に対応しない次のサーバーへ渡されました。その先は確認できません。",
        "en": "Mail{to} was handed to a server that sends no reports; what became of it is not told.",
    },
    "expanded": {
        "ja": "{to}メールは、転送先またはメーリングリストの宛先へ送り出されました。",
        "en": "Mail{to} went on to the members of a list or to a forwarding address.",
    },
    "report": {
        "ja": "DMARC または TLS の集計レポートです。拒否されたメールの通知ではありません。",
        "en": "A DMARC or TLS report; it does not tell of refused mail.",
    },
    "not-a-bounce": {
        "ja": "これはエラーメールではありません。拒否や遅延を伝える内容は見つかりませんでした。",
        "en": "This is no bounce: nothing in it tells of a refused or delayed message.",
    },
}


def sentences(d: Diagnosis, c: Catalogue, lang: Language, others: int = 0) -> list[str]:
    """The verdict: the sentence that a person reads first, then the ground. `others` is how many
    more recipients share it."""
    if d.kind != "refusal":
        out = [_of_other_kind(d, lang)]
    elif d.reason == "undecided":
        out = _undecided(d, lang)
    else:
        out = [_first(d, c, lang, others), *_ground(d, c, lang)]
    return [_tight(s) for s in out] if lang == "ja" else out


_LOOSE: Final = r"(?<=[\u3000-\u9fff\uff00-\uff60]) (?=[\u3000-\u9fff\uff00-\uff60])|(?<=[。、（「]) | (?=[。、）」])"


def _tight(text: str) -> str:
    """Blanks stand between Latin and Japanese letters only."""
    return re.sub(_LOOSE, "", text)


def _to(d: Diagnosis, lang: Language, others: int) -> str:
    if not d.recipient:
        return ""
    to = short(d.recipient)
    if others == 1:
        return say(WORDS["to-and-another"], lang, to=to)
    if others:
        return say(WORDS["to-and-others"], lang, to=to, n=f"{others:,}")
    return say(WORDS["to"], lang, to=to)


def _first(d: Diagnosis, c: Catalogue, lang: Language, others: int) -> str:
    answered = bool(d.reply.code or d.reply.enhanced or d.reply.text)
    if not answered or d.reason in ("expired", "network"):
        key = "not-yet" if d.action == "delayed" else "undelivered"
        return say(WORDS[key], lang, to=_to(d, lang, others)).lstrip()
    key = "refused"
    if d.temporary:
        key = "given-up" if d.action == "failed" else "deferred"
    who = parties.server(d, c, lang)
    ours = parties.from_us(d)
    if ours and d.reason in OF_SENDER:
        what = _joined([parties.identity(b, lang) for b in ours], lang)
        sentence = say(WORDS[key + "-from"], lang, who=who, what=what)
    else:
        to = _to(d, lang, others)
        sentence = say(WORDS[key], lang, who=who, to=to)
    return (
        sentence[0].upper() + sentence[1:] if sentence.isascii() and not d.remote.host else sentence
    )


def _joined(parts: list[str], lang: Language) -> str:
    if len(parts) == 1:
        return parts[0]
    sep = "、" if lang == "ja" else ", "
    some = parts[:-1] if len(parts) <= 5 else [*parts[:3], "…"]
    return say(WORDS["and"], lang, a=sep.join(some), b=parts[-1])


def _ground(d: Diagnosis, c: Catalogue, lang: Language) -> list[str]:
    owned = c.rule_of(d)
    meaning = said(owned.rule.meaning, lang) if owned and owned.rule.meaning else ""
    told = facts(d, lang)
    named = _listing(d, c, lang, meaning)
    if named:
        out = [named + told + _stop(lang)]
        if meaning:
            out.append(meaning)
    else:
        ground = meaning or said(c.knowledge.reasons[d.reason or "undecided"].ground, lang)
        out = [_with_facts(ground, told, lang)]
    scopes = {b.scope for b in d.blocked if b.scope}
    scopes.update({owned.rule.scope} if owned is not None and owned.rule.scope else ())
    if d.reason in {"listed", "reputation"}:
        out += [say(SCOPE[s], lang) for s in sorted(scopes & SCOPE.keys())]
    if owned is not None and owned.rule.precedes_block:
        out.append(say(WORDS["before-block"], lang))
    if d.action == "delayed" and d.temporary is False:
        out.append(say(WORDS["in-front"], lang))
    return out


def _listing(d: Diagnosis, c: Catalogue, lang: Language, meaning: str) -> str:
    """Which list, without its full stop; empty where the rule's own words tell it already."""
    if d.reason not in {"listed", "lookup-failed"}:
        return ""
    if d.blocklist is None:
        if d.reason == "lookup-failed" or meaning:
            return ""
        return say(WORDS["no-list-named"], lang, it=_it(d, lang))
    id_ = d.blocklist.id
    if d.reason == "lookup-failed":
        key = "lookup-of"
    elif d.blocklist.zone is None and (id_ in {d.receiver, d.gateway} or id_ in c.receivers):
        if re.search("リスト|載って|list", meaning, re.IGNORECASE):
            return ""
        key = "own-list"
    else:
        if c.list_name(id_, lang).split()[0].lower() in meaning.lower():
            return ""
        key = "on-policy-list" if d.blocklist.class_ == "policy" else "on-list"
    return say(WORDS[key], lang, name=short(c.list_name(id_, lang)), it=_it(d, lang))


def _stop(lang: Language) -> str:
    return "。" if lang == "ja" else "."


_FIRST_STOP: Final = {"ja": re.compile("。"), "en": re.compile(r"[.](?= |$)")}


def _with_facts(text: str, told: str, lang: Language) -> str:
    """The facts in brackets at the end of the first sentence."""
    m = _FIRST_STOP[lang].search(text)
    head, rest = (text[: m.start()], text[m.start() :]) if m else (text, _stop(lang))
    if told and head.endswith(("）", ")")):  # one pair of brackets, not two
        told = ("、" if lang == "ja" else "; ") + told.lstrip(" （(")
        head = head[:-1]
    return head + told + rest


def _it(d: Diagnosis, lang: Language) -> str:
    """What the first sentence named, as the subject of the second."""
    n = len(parties.from_us(d))
    return say(WORDS["they" if n > 1 else "it" if n else "sender"], lang)


def facts(d: Diagnosis, lang: Language) -> str:
    """`(SC-001, 550 5.7.1, permanent, at MAIL FROM)`, with what is known of it."""
    parts = []
    if d.receiver_code:
        parts.append(short(d.receiver_code))
    status = codes(d)
    if status:
        parts.append(status)
    if d.temporary is not None:
        parts.append(say(WORDS["temporary" if d.temporary else "permanent"], lang))
    if d.stage:
        parts.append(say(STAGE[d.stage], lang))
    if not parts:
        return ""
    return say(WORDS["facts"], lang, facts=("、" if lang == "ja" else ", ").join(parts))


def codes(d: Diagnosis) -> str:
    """`550 5.7.1`."""
    both = (str(d.reply.code) if d.reply.code else "", short(d.reply.enhanced or ""))
    return " ".join(x for x in both if x)


def _undecided(d: Diagnosis, lang: Language) -> list[str]:
    status = codes(d)
    told = say(WORDS["facts"], lang, facts=status) if status else ""
    out = [say(WORDS["undecided"], lang, facts=told)]
    if d.refused_by == "own-smarthost":
        host = short(d.remote.host or d.remote.ip or "")
        out.append(say(WORDS["own-relay-answered"], lang, host=host))
    known = "nothing" if d.temporary is None else "temporary" if d.temporary else "permanent"
    out.append(say(WORDS[f"undecided-{known}"], lang))
    subject = (d.reply.enhanced or "..").split(".")
    if len(subject) == 3 and subject[1] in SUBJECT_OF_STATUS:
        words = say(SUBJECT_OF_STATUS[subject[1]], lang)
        out.append(say(WORDS["undecided-subject"], lang, subject=words))
    return out


def _of_other_kind(d: Diagnosis, lang: Language) -> str:
    if d.kind == "complaint":
        kind = d.feedback_type or "abuse"
        if kind in FEEDBACK:
            words = say(FEEDBACK[kind], lang)
        else:
            words = say(FEEDBACK_OTHER, lang, type=short(kind))
        by = say(WORDS["complaint-by"], lang, by=short(d.reported_by)) if d.reported_by else ""
        return words + by + ("。" if lang == "ja" else ".")
    if d.kind == "auto-reply":
        whose = ""
        if d.recipient:
            who = short(d.recipient)
            whose = f"{who} からの" if lang == "ja" else f" from {who}"
        return say(WORDS["auto-reply"], lang, whose=whose)
    if d.kind == "delivered":
        key = d.action if d.action in ("relayed", "expanded") else "delivered"
        return say(WORDS[key], lang, to=_to(d, lang, 0)).lstrip()
    return say(WORDS["report" if d.kind == "report" else "not-a-bounce"], lang)
