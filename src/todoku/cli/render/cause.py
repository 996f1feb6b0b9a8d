"""The screen of `todoku cause`: what earned the block, how sure that is, and what to do."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from todoku.cli.render.page import Page
from todoku.cli.render.text import short
from todoku.i18n import Language, Number, Words, say
from todoku.logs.cause.values import Cause, Looked, LookedAt

if TYPE_CHECKING:
    from todoku.serve.leads import Lead

WORDS: Final[Words] = {
    "found": {
        "ja": "原因と思われるものが {n} 件あります（{span} の 3 日間を、その前の {days} 日と比べました）。",
        "en": "{n} possible {n:cause|causes} ({span}, three days held against the {days} {days:day|days} before).",
    },
    "found-new": {
        "ja": "原因と思われるものが {n} 件あります（{span}）。ログがそれ以前をほとんど含まないため、過去とは比べていません。",
        "en": "{n} possible {n:cause|causes} ({span}). The log has no whole day before to compare with.",
    },
    "none-new": {
        "ja": "原因は見つかりませんでした（{span}、メール {mails} 通）。ログがそれ以前をほとんど含まないため、過去とは"
        "比べていません。",
        "en": "No cause was found ({span}: {mails} {mails:mail|mails}). The log has no whole day before to "
        "compare with.",
    },
    "none": {
        "ja": "原因は見つかりませんでした（{span} の 3 日間のメール {mails} 通を、その前の {days} 日と比べました）。",
        "en": "No cause was found ({span}: {mails} {mails:mail|mails} of three days, held against the {days} {days:day|days} before).",
    },
    "none-at": {
        "ja": "遮断が別の時刻に始まっていたなら、--at でその時刻を指定する（--at 2026-11-01T08:00）",
        "en": "if the block began at another time, tell when: --at 2026-11-01T08:00",
    },
    "none-lists": {
        "ja": "リストが何を根拠に載せているかを調べる: todoku check アドレス",
        "en": "see what the lists hold against the address: todoku check ADDRESS",
    },
    "no-mail": {
        "ja": "時刻のある配送がログにないため、原因は分かりません。",
        "en": "The log holds no delivery with a time, so the cause is not known.",
    },
    "checked": {"ja": "調べたもの", "en": "Looked at"},
    "unknown": {"ja": "分からない", "en": "Not known"},
    "evidence": {"ja": "根拠", "en": "Evidence"},
    "examples": {"ja": "例", "en": "Such as"},
    "next": {"ja": "次の一手", "en": "Next"},
    "sure": {"ja": "確からしさ", "en": "How sure"},
    "likely": {"ja": "おそらく（互いに無関係な兆候が 2 つ）", "en": "likely: two signs that have little to do with each other"},
    "guess": {"ja": "可能性あり（兆候は 1 つ）", "en": "a guess: one sign"},
    "in-a-day": {"ja": "{day} からの 24 時間に {n} 通", "en": "{n} {n:mail|mails} in the 24 hours from {day}"},
    "before": {"ja": "以前は 1 日平均 {n} 通", "en": "before: {n} a day"},
    "none-before": {"ja": "以前はなし", "en": "before: none"},
    "no-before": {"ja": "以前の記録なし", "en": "nothing to compare with"},
    "unknown-n": {"ja": "存在しない宛先 {n} 件（{share}）", "en": "{n} to {n:a recipient that does|recipients that do} not exist ({share})"},
    "spam-n": {"ja": "迷惑メールとの回答 {n} 件", "en": "{n} called spam"},
    "refused-n": {"ja": "内容・認証を理由とする拒否 {n} 件", "en": "{n} refused for content or authentication"},
    "networks": {"ja": "{n} のネットワークから", "en": "from {n} {n:network|networks}"},
    "night": {"ja": "夜間 {share}", "en": "{share} of it by night"},
    "domains": {"ja": "{n} 以上のドメイン宛" , "en": "to {n} {n:domain|domains} or more"},
    "left-out": {
        "ja": "送信数の少ない {n} 件の名前は数えきれず除きました（どれも {most} 通以下）。",
        "en": "{n} {n:name|names} with little mail {n:was|were} left out to save memory (none had more than {most}).",
    },
    "needs-users": {"ja": "誰がどこから認証したかがログにない", "en": "the log does not tell who logged in, and from where"},
    "needs-clients": {"ja": "送信元のホストがログにない", "en": "the log does not say who handed mail in"},
    "needs-past": {"ja": "比べる過去が 3 日分ない", "en": "there are no three days of past to compare with"},
}  # fmt: skip
LEADS: Final[Words] = {
    "compromised": {
        "ja": "{value}: 感染・乗っ取り、または開放プロキシの疑い（{list} {code}「{meaning}」）。そのアドレスから出る全ての機器（"
        "NAT の内側も）と、漏れたパスワードを調べます。",
        "en": "{value}: a compromised host, or an open proxy ({list} {code}: {meaning}). Look at every machine "
        "that sends from this address (behind NAT, too), and for leaked passwords.",
    },
    "traps": {
        "ja": "{value}: スパムトラップに届いています（{list} {code}「{meaning}」）。古い・買った配信リスト、転送、無関係な人への"
        "エラー通知を調べます。",
        "en": "{value}: mail reached spam traps ({list} {code}: {meaning}). Look at old or bought lists, at "
        "forwarding, and at notifications to strangers.",
    },
    "reputation": {
        "ja": "{value}: 評価の低い送信元と判定されています（{list} {code}「{meaning}」）。急増した送信、乗っ取られたアカウント、"
        "配信リストを調べます。",
        "en": "{value}: judged a sender of low reputation ({list} {code}: {meaning}). Look for a jump in "
        "volume, a hijacked account, or a bad list.",
    },
    "policy": {
        "ja": "{value}: 直接送信しないはずの範囲です（{list} {code}「{meaning}」）。悪用の記録ではありません。固定 IP でなければ、"
        "プロバイダーの中継サーバーから送ります。",
        "en": "{value}: lies in a range that is not meant to send directly ({list} {code}: {meaning}). That is "
        "no record of abuse. Unless the address is static, send through your provider's relay.",
    },
    "reused": {
        "ja": "{value}: 使い始めた日（{day}）の {days} 日後に拒否されました。以前の使用者の評価が残っている可能性が高いです。",
        "en": "{value}: refused {days} {days:day|days} after its first use ({day}). Most likely an earlier holder earned "
        "it.",
    },
}
TITLES: Final[Words] = {
    "leaked-password": {"ja": "漏れたパスワード", "en": "leaked passwords"},
    "volume": {"ja": "送信量の急増", "en": "jumps in volume"},
    "spam": {"ja": "迷惑メールと見なされる送信者", "en": "mail that is taken for spam"},
    "stale-list": {"ja": "古い配信リスト", "en": "stale lists"},
    "unknown-recipients": {"ja": "存在しない宛先への送信", "en": "mail to nobody"},
    "forwarding": {"ja": "転送", "en": "forwarding"},
    "backscatter": {"ja": "無関係な人へのエラー通知", "en": "notifications to strangers"},
}
WHO: Final[Words] = {
    "user": {"ja": "アカウント {name}", "en": "the account {name}"},
    "sender": {"ja": "差出人 {name}", "en": "the sender {name}"},
    "client": {"ja": "ホスト {name}", "en": "the host {name}"},
    "script": {
        "ja": "このサーバーのプログラム（{name}）",
        "en": "a program of this server ({name})",
    },
    "forwarded": {"ja": "{name} などへの転送", "en": "mail forwarded to {name} and others"},
    "notified": {"ja": "{name} などへの通知", "en": "notifications to {name} and others"},
}
SENTENCES: Final[Words] = {
    "leaked-password": {
        "ja": "{who} のパスワードが漏れ、他人が送信しているようです。",
        "en": "The password of {who} seems to be in other hands.",
    },
    "volume": {
        "ja": "{who} からの送信が急に増えました。",
        "en": "Much more mail than ever came from {who}.",
    },
    "spam": {
        "ja": "{who} からのメールが迷惑メールと見なされています。",
        "en": "Mail of {who} is taken for spam.",
    },
    "stale-list": {
        "ja": "{who} が古い配信リストに送っているようです。多くのドメインで宛先が存在しません。",
        "en": "A stale list: at many domains the recipients of {who} do not exist.",
    },
    "unknown-recipients": {
        "ja": "{who} が存在しない宛先に多く送っています。",
        "en": "Much of the mail of {who} goes to recipients that do not exist.",
    },
    "forwarding": {
        "ja": "転送したメールが、自分たちのメールより多く拒否されています（{who}）。",
        "en": "Forwarded mail is refused far more often than our own: {who}.",
    },
    "backscatter": {
        "ja": "送信していない人にエラー通知を送っています（{who}）。",
        "en": "People who sent nothing get notifications: {who}.",
    },
}
STEPS: Final[dict[str, dict[Language, tuple[str, ...]]]] = {
    "leaked-password": {
        "ja": ("パスワードを変え、開いているセッションを切る", "キューに残るこのアカウントのメールを保留にして調べる", "本人の端末を調べ、1 時間あたりの送信数に上限を設ける"),
        "en": ("change the password, and end open sessions", "hold this account's mail in the queue, and look through it", "examine that person's devices; limit mails an hour"),
    },
    "volume": {
        "ja": ("本人に、意図した送信かを確かめる", "意図したものなら日に分けて送る。違うなら止めて調べる"),
        "en": ("ask whether it was meant", "if so, spread it over days; if not, stop it and look into it"),
    },
    "spam": {
        "ja": ("キューにあるそのメールを 1 通読む（postcat -q、Exim は exim -Mvc）", "不正な送信なら止める。ウェブの送信フォームや更新されていない CMS を疑う", "意図した送信なら、同意のある宛先だけに減らす"),
        "en": ("read one of these mails (postcat -q; Exim: exim -Mvc)", "if it is abuse, stop it: think of web forms, and of a CMS that was not updated", "if it was meant, send only to people who asked for it"),
    },
    "stale-list": {
        "ja": ("配信を止め、存在しないと回答された宛先をリストから除く", "長く反応のない宛先に、まとめて送らない"),
        "en": ("stop the mailing, and take out the recipients that do not exist", "do not send to people who have not answered for long"),
    },
    "unknown-recipients": {
        "ja": ("宛先の出どころを確かめ、存在しない宛先を除く", "意図しない送信なら止める"),
        "en": ("find out where these addresses come from, and take them out", "if it was not meant, stop it"),
    },
    "forwarding": {
        "ja": ("迷惑メールは転送前に除く（受信時に拒否する）", "転送をやめ、相手側から取りに来てもらう（POP・IMAP）か、SRS と ARC を使う", "転送を別のアドレスから出す"),
        "en": ("refuse spam at receipt, before it is forwarded", "end forwarding (let mail be fetched by POP or IMAP), or use SRS and ARC", "forward from another address"),
    },
    "backscatter": {
        "ja": ("存在しない宛先は受信時に拒否する（受け取ってから返さない）", "自動応答と迷惑メール通知を、送信元が確かなときだけ返す"),
        "en": ("refuse unknown recipients at receipt, instead of answering afterwards", "send auto-replies and notices of spam only where the sender is proven"),
    },
}  # fmt: skip


def lines(looked: Looked, causes: tuple[Cause, ...], lang: Language, page: Page) -> Iterator[str]:
    """All lines of the answer."""
    if looked.at is None:
        yield from page.wrapped(say(WORDS["no-mail"], lang))
        return
    span = f"{_moment(looked.first)} – {_moment(looked.at)}"
    key = ("found" if causes else "none") + ("" if looked.days_before else "-new")
    head = say(
        WORDS[key], lang, n=Number(len(causes)), span=span, days=Number(looked.days_before), mails=Number(looked.mails)
    )  # fmt: skip
    yield from map(page.bold, page.wrapped(head))
    for n, c in enumerate(causes, 1):
        yield ""
        yield page.rule(f"{n}/{len(causes)}")
        colour = page.red if c.confidence == "likely" else page.yellow
        yield from map(colour, page.wrapped(sentence(c, lang)))
        yield ""
        yield from page.row(WORDS["evidence"][lang], [_list(x, lang) for x in signs(c, lang)])
        if c.examples:
            yield from page.row(WORDS["examples"][lang], [_list(c.examples, lang)])
        steps = [f"{k}. {step}" for k, step in enumerate(STEPS[c.pattern][lang], 1)]
        yield from page.row(WORDS["next"][lang], steps)
        yield from page.row(WORDS["sure"][lang], [say(WORDS[c.confidence], lang)])
    if not causes:
        yield ""
        steps = [say(WORDS[k], lang) for k in ("none-at", "none-lists")]
        yield from page.row(WORDS["next"][lang], [f"{k}. {x}" for k, x in enumerate(steps, 1)])
    yield ""
    known = [TITLES[x.pattern][lang] for x in looked.looked if x.known]
    yield from page.row(WORDS["checked"][lang], [_list(known, lang)])
    unknown = [_not_known(x, lang) for x in looked.looked if not x.known]
    if unknown:
        yield from page.row(WORDS["unknown"][lang], unknown)
    if looked.left_out:
        told = say(WORDS["left-out"], lang, n=Number(looked.left_out), most=looked.left_out_most)
        yield from map(page.dim, page.wrapped(told))


def sentence(c: Cause, lang: Language) -> str:
    """What it seems to be, in one sentence."""
    told = say(SENTENCES[c.pattern], lang, who=say(WHO[c.who], lang, name=short(c.name, 80)))
    return told.replace("） ", "）") if lang == "ja" else told


def evidence(c: Cause, lang: Language) -> str:
    """Counts of that day, and before, in one line."""
    return _list([x for those in signs(c, lang) for x in those], lang)


def signs(c: Cause, lang: Language) -> Iterator[list[str]]:
    """The same: how much was sent, from where and when, and what is wrong with it."""
    n = c.now
    told = [say(WORDS["in-a-day"], lang, n=Number(n.mails), day=_moment(c.first))]
    if c.before is None:
        told.append(say(WORDS["no-before"], lang))
    elif not c.before.mails:
        told.append(say(WORDS["none-before"], lang))
    else:
        told.append(say(WORDS["before"], lang, n=f"{c.before.mails:,.1f}"))
    yield told
    if c.networks is not None:
        told = [say(WORDS["networks"], lang, n=Number(c.networks))]
        if c.night is not None:
            told.append(say(WORDS["night"], lang, share=f"{c.night:.0%}"))
        yield told
    told = []
    if n.unknown:
        share = f"{n.unknown / max(1, n.mails):.0%}"
        told.append(say(WORDS["unknown-n"], lang, n=Number(n.unknown), share=share))
    if n.spam:
        told.append(say(WORDS["spam-n"], lang, n=Number(n.spam)))
    if c.pattern == "forwarding":
        told.append(say(WORDS["refused-n"], lang, n=Number(n.refused)))
    if c.domains and c.domains > 1:
        told.append(say(WORDS["domains"], lang, n=Number(c.domains)))
    if told:
        yield told


def leads(those: Sequence[Lead], lang: Language) -> Iterator[str]:
    """What a case itself tells: each in a sentence, with where that is known from."""
    for lead in those:
        meaning = "" if lead.meaning is None else str(getattr(lead.meaning, lang))
        yield say(
            LEADS[lead.lead],
            lang,
            value=short(lead.identity.value, 60),
            list=short(lead.list or "", 60),
            code=lead.code or "",
            meaning=meaning,
            day=lead.first_used or "",
            days=Number(lead.days or 0),
        )


def recorded(causes: tuple[Cause, ...], lang: Language) -> str:
    """What a case is told: each cause with its evidence and how sure it is; empty for none."""
    gap = "" if lang == "ja" else " "
    return "\n".join(
        f"{sentence(c, lang)}{gap}{evidence(c, lang)}. {say(WORDS[c.confidence], lang)}. "
        f"{_list(c.examples, lang)}".rstrip()
        for c in causes
    )


def places(looked: Looked, lang: Language) -> tuple[str, ...]:
    """Where was looked, and where that was not possible."""
    return tuple(
        TITLES[x.pattern][lang] if x.known else f"{WORDS['unknown'][lang]}: {_not_known(x, lang)}"
        for x in looked.looked
    )


def _not_known(x: LookedAt, lang: Language) -> str:
    why = say(WORDS[f"needs-{x.needs}"], lang)
    return TITLES[x.pattern][lang] + (f"（{why}）" if lang == "ja" else f" ({why})")


def _list(parts: list[str] | tuple[str, ...], lang: Language) -> str:
    return ("、" if lang == "ja" else ", ").join(short(p, 120) for p in parts)


def _moment(told: str | None) -> str:
    """In the reader's zone."""
    if told is None:
        return "?"
    try:
        return time.strftime(
            "%Y-%m-%d %H:%M", time.localtime(datetime.fromisoformat(told).timestamp())
        )
    except (ValueError, OverflowError, OSError):
        return told[:16]
