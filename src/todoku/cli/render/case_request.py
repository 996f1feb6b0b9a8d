"""A draft on the screen: what is in the way, where to ask, what to copy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from todoku.cases.requesting import Draft, Obstacle, ObstacleKind, Purpose
from todoku.cases.requesting.composing import NOT_MAIL
from todoku.cli.render.text import safe
from todoku.i18n import Language, Sentence, Words, say
from todoku.knowledge.fields import label

Named = Callable[[str], str]
"""The name of a receiver or list, by its id."""

HEADS: Final[Mapping[Purpose, Sentence]] = {
    "request": {
        "ja": "案件 {case}: {desk} への解除の依頼（下書き。何も送っていません）",
        "en": "Case {case}: a request to {desk} (a draft; nothing was sent)",
    },
    "inform": {
        "ja": "案件 {case}: {desk} のお尋ねへの返信（下書き。何も送っていません）",
        "en": "Case {case}: what {desk} wants to know (a draft; nothing was sent)",
    },
    "chase": {
        "ja": "案件 {case}: 返事のない {desk} への問い合わせ（下書き。何も送っていません）",
        "en": "Case {case}: asking {desk}, which has not answered (a draft; nothing was sent)",
    },
    "escalate": {
        "ja": "案件 {case}: {desk} に再考を求める返信（下書き。何も送っていません）",
        "en": "Case {case}: asking {desk} to look again (a draft; nothing was sent)",
    },
}
CHANNELS: Final[Words] = {
    "form": {"ja": "フォームに記入します: {where}", "en": "Fill in the form: {where}"},
    "portal": {"ja": "サイトで手続きします: {where}", "en": "On their site: {where}"},
    "mail": {"ja": "メールで送ります: {where}", "en": "By mail to: {where}"},
    "automatic": {
        "ja": "依頼はできません。自動で解除されます。{where}",
        "en": "Nothing is asked: it ends by itself. {where}",
    },
    "none": {"ja": "依頼先は知られていません。{where}", "en": "No desk is known. {where}"},
}
WORDS: Final[Words] = {
    "stops": {"ja": "先に片付けること", "en": "In the way"},
    "know": {"ja": "知っておくこと", "en": "To know"},
    "where-unknown": {
        "ja": "（拒否の応答に書かれています）",
        "en": "(the refusal tells where)",
    },
    "reply-to": {
        "ja": "新しい依頼にせず、受付番号 {ticket} のメールに返信します。",
        "en": "Reply to the mail with ticket {ticket}; do not file a new request.",
    },
    "fields": {"ja": "記入欄", "en": "Fields"},
    "missing": {"ja": "（記入してください）", "en": "(only you can tell)"},
    "letter": {"ja": "文面", "en": "Letter"},
    "subject": {"ja": "件名: {subject}", "en": "Subject: {subject}"},
    "translation": {"ja": "文面の訳（送りません）", "en": "What it says (not to be sent)"},
    "wait": {
        "ja": "反映や回答までの目安: {wait}",
        "en": "It takes, as they say: {wait}",
    },
    "not-mail": {"ja": "メールを受け付けない窓口", "en": "the desk takes no mail"},
    "send": {
        "ja": "todoku から送る: todoku case request {case} --send（送る前に確認します）",
        "en": "To have it sent: todoku case request {case} --send (you are asked before)",
    },
    "then": {
        "ja": "提出したら: todoku case request {case} --done{ticket}",
        "en": "When it is filed: todoku case request {case} --done{ticket}",
    },
    "ticket": {"ja": " --ticket 受付番号", "en": " --ticket NUMBER"},
    "others": {
        "ja": "ほかの人がしたこと: 宛先の方に別の手段で知らせ、先方の管理者に許可してもらう。postmaster@{domain} に応答の"
        "全文を送る。提供元に別のアドレスを求める。",
        "en": "What others did: told the recipient by another way, so that the administrator there lets the "
        "mail in; sent the whole reply to postmaster@{domain}; asked the hoster for another address.",
    },
}
OBSTACLES: Final[Mapping[ObstacleKind, Mapping[str, Sentence]]] = {
    "not-ours": {
        "short": {"ja": "自分のアドレスではない", "en": "not your address"},
        "long": {
            "ja": "{about} は設定 [own] にありません。自分のアドレスでなければ、依頼しても解除されません。",
            "en": "{about} is not in your settings ([own]). Nobody removes an address for somebody else.",
        },
    },
    "no-listing": {
        "short": {"ja": "登録は示されていない", "en": "nothing is shown to be listed"},
        "long": {
            "ja": "応答が示すのは、受信側がリストに問い合わせられなかったことだけです。登録されているとは言えません。"
            "受信側の管理者に知らせます。",
            "en": "the reply shows only that the receiver could not ask the list. That is no listing: tell "
            "the receiver's administrator.",
        },
    },
    "no-desk": {
        "short": {"ja": "依頼先がない", "en": "no desk is known"},
        "long": {
            "ja": "解除を受け付ける窓口は公開されていません。",
            "en": "no desk that removes is known for it.",
        },
    },
    "ends-by-itself": {
        "short": {"ja": "自動で解除される", "en": "it ends by itself"},
        "long": {
            "ja": "依頼は要りません。原因が止まっていれば自動で解除されます{until}。それまで何もしないでください。",
            "en": "there is nothing to ask: once the cause is gone it ends by itself{until}. Do nothing "
            "until then.",
        },
    },
    "holder-only": {
        "short": {
            "ja": "依頼できるのはアドレスの保有者",
            "en": "only the holder of the range may ask",
        },
        "long": {
            "ja": "依頼できるのはアドレス範囲の保有者（提供元）だけです。この文面を提供元に渡してください: {about}",
            "en": "only who holds the range (your provider) may ask. Give this letter to your provider: "
            "{about}",
        },
    },
    "no-refusal": {
        "short": {"ja": "拒否の応答がない", "en": "no refusal is on record"},
        "long": {
            "ja": "拒否の応答の原文がありません。todoku report --refusal ファイル で加えてください。",
            "en": "no refusal is on record. Add one: todoku report --refusal FILE",
        },
    },
    "no-contact": {
        "short": {"ja": "連絡先がない", "en": "no contact is set"},
        "long": {
            "ja": "設定 [contact] に name と email がありません。窓口は名乗らない依頼に答えません。",
            "en": "the settings ([contact]) have no name and email. Desks do not answer who does not say "
            "who he is.",
        },
    },
    "no-imprint": {
        "short": {"ja": "運営者のページがない", "en": "no imprint is set"},
        "long": {
            "ja": "この窓口は、ホスト名の下に運営者を示すページ（名前、住所、メール、電話）を求めます。用意して、設定 "
            "[contact] imprint に書いてください。",
            "en": "this desk wants a page below the host name that tells who operates it (name, postal "
            "address, e-mail, telephone). Publish one and set [contact] imprint.",
        },
    },
    "no-cause": {
        "short": {"ja": "原因が未確認", "en": "no cause is on record"},
        "long": {
            "ja": "原因が記録されていません。直さずに頼むと、数時間で再び登録されます。調べて記録してください: "
            'todoku cause --case {case}、todoku case request {case} --cause "…" --mended "…"（見つからなければ '
            '--looked "調べた所"）',
            "en": "no cause is on record. Who asks without mending is listed again within hours. Look, and "
            'record it: todoku cause --case {case}; todoku case request {case} --cause "..." --mended "..." '
            '(if there is none: --looked "where you looked")',
        },
    },
    "not-mended": {
        "short": {"ja": "原因が未修正", "en": "the cause is not mended"},
        "long": {
            "ja": '原因を直した記録がありません: todoku case request {case} --mended "…"',
            "en": 'nothing says that the cause is mended: todoku case request {case} --mended "..."',
        },
    },
    "reverse-missing": {
        "short": {"ja": "逆引きがない", "en": "no reverse DNS"},
        "long": {
            "ja": "{about} に逆引きがありません。提供元に設定を頼んでから依頼します。",
            "en": "{about} has no reverse DNS. Have your provider set it first.",
        },
    },
    "reverse-unconfirmed": {
        "short": {"ja": "逆引きが一致しない", "en": "the reverse DNS does not lead back"},
        "long": {
            "ja": "{about} の逆引きの名前が、そのアドレスに戻りません。先に直してください。",
            "en": "the reverse name of {about} does not lead back to it. Mend that first.",
        },
    },
    "too-early": {
        "short": {"ja": "まだ早い", "en": "too early"},
        "long": {
            "ja": "次に尋ねるのは {until_at} 以降です。急ぐと印象を悪くします。",
            "en": "the next word is due from {until_at}. Haste does harm.",
        },
    },
    "ends-later": {
        "short": {"ja": "待てば解除される", "en": "it also ends by itself"},
        "long": {
            "ja": "待っていても自動で解除されます{until}（最後の拒否から数えました）。",
            "en": "it also ends by itself{until} (counted from the last refusal).",
        },
    },
    "reverse-unknown": {
        "short": {"ja": "逆引きが不明", "en": "the reverse DNS is not known"},
        "long": {
            "ja": "{about} の逆引きは調べられませんでした。この窓口は正しい逆引きを求めます。",
            "en": "the reverse DNS of {about} is not known. This desk wants it to be right.",
        },
    },
    "contact-elsewhere": {
        "short": {"ja": "連絡先が別のドメイン", "en": "the contact is at another domain"},
        "long": {
            "ja": "連絡先 {about} は自分のドメインではありません。自分のドメインのアドレスだと信用されやすくなります。",
            "en": "the contact {about} is not at a domain of yours. Desks trust one that is.",
        },
    },
    "needs-account": {
        "short": {"ja": "アカウントが必要", "en": "an account is needed"},
        "long": {
            "ja": "アカウントでのログインが必要です。回答はそのアカウントのアドレスに届きます。",
            "en": "one has to sign in with an account; answers go to its address.",
        },
    },
    "link-follows": {
        "short": {"ja": "確認リンクが届く", "en": "a link follows"},
        "long": {
            "ja": "届くメールのリンクを開くまで、窓口は何もしません。todoku がリンクを開くことはありません。",
            "en": "the desk does nothing until the link in its mail was opened, which todoku does not do.",
        },
    },
    "static-only": {
        "short": {"ja": "固定アドレスに限る", "en": "for static addresses"},
        "long": {
            "ja": "{about} が動的な回線のアドレスなら、依頼せずにプロバイダーの中継サーバーから送ります。固定アドレスのメール"
            "サーバーだけが対象です。",
            "en": "if {about} is the address of a dynamic line, send through your provider's relay instead. "
            "Only mail servers at static addresses are taken off.",
        },
    },
    "authentication": {
        "short": {"ja": "送信ドメイン認証", "en": "authentication"},
        "long": {
            "ja": "SPF・DKIM・DMARC が正しいことを求められます。確かめる: todoku preflight",
            "en": "SPF, DKIM and DMARC have to be right. To see: todoku preflight",
        },
    },
    "other-desk": {
        "short": {"ja": "別の窓口", "en": "another desk"},
        "long": {
            "ja": "拒否の応答が示す窓口は {about} です。違う窓口への依頼には答えがありません。",
            "en": "the refusal leads to the desk {about}. Requests to the wrong desk are not answered.",
        },
    },
    "listed-elsewhere": {
        "short": {"ja": "ほかのリストにも登録", "en": "listed elsewhere too"},
        "long": {
            "ja": "ほかのリストにも登録されています（{about}）。多くの窓口は先にそちらの解除を求めます。",
            "en": "it is on other lists too ({about}). Many desks want those settled first.",
        },
    },
    "old-refusal": {
        "short": {"ja": "応答が古い", "en": "the refusal is old"},
        "long": {
            "ja": "記録にある拒否は {about} のものです。今日の応答を添えると確かです。",
            "en": "the refusal on record is of {about}. One of today weighs more.",
        },
    },
    "own-words": {
        "short": {"ja": "訳が必要", "en": "to be translated"},
        "long": {
            "ja": "原因と対処はあなたの言葉のままです。窓口の言語に直してから送ってください。",
            "en": "cause and remedy stand in your words: put them into the desk's language before sending.",
        },
    },
    "own-mailbox": {
        "short": {"ja": "別の経路で送る", "en": "send it another way"},
        "long": {
            "ja": "拒否されている {about} からではなく、別の経路のメールボックスから送ってください。設定 [cases] desk_relay が"
            "あれば、todoku がそのサーバーから送ります。",
            "en": "send it from a mailbox whose mail does not leave from {about}, which is refused. With "
            "[cases] desk_relay of the settings todoku sends it by a server of its own.",
        },
    },
    "gaps": {
        "short": {"ja": "未記入の項目", "en": "the letter has gaps"},
        "long": {
            "ja": "手紙に、あなたにしか書けない項目が残っています: {about}",
            "en": "the letter leaves open what only you can tell: {about}",
        },
    },
}


def short_words(kind: str, lang: Language) -> str:
    """An obstacle in a few words; the kind itself, of a newer todoku."""
    if kind == NOT_MAIL:
        return WORDS["not-mail"][lang]
    known = OBSTACLES.get(kind)  # type: ignore[call-overload]
    return kind if known is None else str(known["short"][lang])


def draft(made: Draft, lang: Language, named: Named, *, sending: bool = False) -> Iterator[str]:
    """`sending`: it is about to be sent, if the person agrees."""
    head = say(HEADS[made.purpose], lang, case=made.case, desk=safe(made.desk_name))
    yield head.replace("） ", "）")
    yield from _obstacles(made, lang, named)
    yield ""
    yield from _where(made, lang)
    if made.channel == "automatic" or not made.desk:
        return
    yield ""
    if not sending:
        yield from _fields(made, lang)
        yield ""
    yield f"── {WORDS['letter'][lang]} " + "─" * 40
    yield say(WORDS["subject"], lang, subject=safe(made.subject))
    yield ""
    yield from _lines(made.letter)
    if made.translation is not None:
        yield ""
        yield f"── {WORDS['translation'][lang]} " + "─" * 30
        yield from _lines(made.translation)
    yield "─" * 48
    if sending:
        return
    if made.channel == "mail" and made.address is not None:
        yield say(WORDS["send"], lang, case=made.case)
    ticket = "" if made.ticket else WORDS["ticket"][lang]
    yield say(WORDS["then"], lang, case=made.case, ticket=ticket)


def _fields(made: Draft, lang: Language) -> Iterator[str]:
    yield f"── {WORDS['fields'][lang]} " + "─" * 40
    for each in made.fields:
        name = each.label
        if lang != made.language:  # as the form has it, and as the person says it
            name += ("（{}）" if lang == "ja" else " ({})").format(label(each.field, lang))
        if each.value is None:
            yield f"{name}: {WORDS['missing'][lang]}"
        elif "\n" in each.value:
            yield f"{name}:"
            yield from (f"    {safe(line)}" for line in each.value.splitlines() if line)
        else:
            yield f"{name}: {safe(each.value)}"


def _lines(text: str) -> Iterator[str]:
    return (safe(line) for line in text.rstrip("\n").split("\n"))


def _obstacles(made: Draft, lang: Language, named: Named) -> Iterator[str]:
    for stops, mark in ((True, "✗"), (False, "・" if lang == "ja" else "-")):
        those = [o for o in made.obstacles if o.stops is stops]
        if those:
            yield ""
            yield f"{WORDS['stops' if stops else 'know'][lang]}:"
        for each in those:
            yield f"  {mark} {_sentence(each, made, lang, named)}"


def _sentence(each: Obstacle, made: Draft, lang: Language, named: Named) -> str:
    about = each.about
    if each.kind == "listed-elsewhere":
        about = tuple(map(named, about))
    comma = "、" if lang == "ja" else ", "
    at = "" if each.until is None else f"{each.until.astimezone():%Y-%m-%d %H:%M}"
    until = "" if not at else {"ja": f"（目安 {at}）", "en": f" (about {at})"}[lang]
    return say(
        OBSTACLES[each.kind]["long"], lang,
        about=safe(comma.join(about)), until=until, until_at=at, case=made.case,
    )  # fmt: skip


def _where(made: Draft, lang: Language) -> Iterator[str]:
    where = made.address if made.channel == "mail" else made.url
    if where is None and made.channel in {"form", "portal", "mail"}:
        where = WORDS["where-unknown"][lang]
    yield say(CHANNELS[made.channel], lang, where=safe(where or "")).rstrip()
    if made.ticket and made.purpose != "request":
        yield say(WORDS["reply-to"], lang, ticket=safe(made.ticket))
    if made.note:
        yield made.note
    if made.wait:
        yield say(WORDS["wait"], lang, wait=made.wait)
    if made.channel == "none":
        yield say(WORDS["others"], lang, domain=safe(made.to[0]) if made.to else "…")
