"""The screen of `todoku probe`: the verdict, how far it went, and, of a refusal, what `todoku diagnose`
says of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Final

from todoku.cli.render import screen
from todoku.cli.render.page import Page
from todoku.cli.render.text import safe, short
from todoku.cli.render.words import STAGE
from todoku.grouping import Groups
from todoku.i18n import Language, Words, say
from todoku.knowledge.catalogue import Catalogue
from todoku.knowledge.schema import Compiled

if TYPE_CHECKING:
    from todoku.probing import Probed

WORDS: Final[Words] = {
    "accepted": {
        "ja": "{receiver} は {source} を拒否していません。",
        "en": "{receiver} does not refuse {source}.",
    },
    "inconclusive": {
        "ja": "{receiver} が {source} からのメールを受け取るかどうかは、ここまででは決められません。",
        "en": "Inconclusive: whether {receiver} takes mail from {source} is not decided so far.",
    },
    "greylisted": {
        "ja": "グレイリストです。{receiver} は {source} を拒否しておらず、時間を置いた再送を求めています。",
        "en": "Greylisted: {receiver} does not refuse {source}; it wants to be tried again later.",
    },
    "deferred": {
        "ja": "{receiver} は {source} を一時的に断りました。受け取るかどうかは、まだ決められません。",
        "en": "Deferred: {receiver} turned {source} away for now. Whether it takes mail is not decided.",
    },
    "refused": {
        "ja": "{receiver} は {source} を拒否しています。",
        "en": "{receiver} refuses {source}.",
    },
    "failed": {
        "ja": "不明です。{receiver} との対話が成り立ちませんでした。",
        "en": "Not known: there was no dialogue with {receiver}.",
    },
    "at-banner": {
        "ja": "挨拶（バナー）の段階で断られました。送信者も宛先も見ていない、接続元アドレスへの判断です。",
        "en": "It answered so instead of a greeting: it looked at the address alone, at no sender and no "
        "recipient.",
    },
    "later": {
        "ja": "この受信側の拒否は{stage}で、探査はそこまで進みません。実際のメールで確かめて"
        "ください。",
        "en": "This receiver refuses {stage}, and a probe does not go as far. A real mail settles it.",
    },
    "with-mailbox": {
        "ja": "この受信側の拒否は{stage}です。そこに自分のメールボックスがあれば、--mailbox で指定すると確かめ"
        "られます。",
        "en": "This receiver refuses {stage}. With a mailbox of your own there, named by --mailbox, a "
        "probe can tell.",
    },
    "unknown-stage": {
        "ja": "この受信側がどの段階で拒否するかは知られていません。ここまで通っても、受け取る証拠にはなりません。",
        "en": "At which stage this receiver refuses is not known, so having come so far proves nothing.",
    },
    "the-mailbox": {
        "ja": "断られたのは宛先 {mailbox} で、送信元のアドレスではありません。",
        "en": "It is the mailbox {mailbox} that was refused, not your address.",
    },
    "server": {"ja": "サーバー", "en": "Server"},
    "from": {"ja": "送信元", "en": "From"},
    "as": {
        "ja": "{source}（EHLO {helo}、MAIL FROM {sender}）",
        "en": "{source} (EHLO {helo}, MAIL FROM {sender})",
    },
    "ended": {"ja": "終わった段階", "en": "Ended"},
    "reply": {"ja": "応答", "en": "Reply"},
    "why": {"ja": "理由", "en": "Because"},
    "again": {"ja": "次の探査", "en": "Again"},
    "not-before": {"ja": "{at} 以降", "en": "not before {at}"},
}


def show(probed: Probed, knowledge: Compiled, lang: Language) -> None:
    page = Page.of_stdout()
    for line in lines(probed, Catalogue(knowledge), lang, page):
        page.write(line)
    page.close()


def lines(p: Probed, c: Catalogue, lang: Language, page: Page) -> Iterator[str]:
    receiver = p.domain if p.receiver is None else c.receiver_name(p.receiver, lang)
    colour = {"accepted": page.bold, "refused": page.red}.get(p.result, page.yellow)
    head = say(WORDS[p.result], lang, receiver=safe(receiver), source=p.source)
    if lang == "ja":
        head = head.replace("） ", "）")  # the bracket is wide enough
    yield from map(colour, page.wrapped(head))
    more = _more(p, lang)
    if more is not None:
        yield from page.wrapped(more)
    yield ""
    yield from page.row(WORDS["server"][lang], [safe(f"{p.host} ({p.address})")])
    told = say(WORDS["as"], lang, source=p.source, helo=p.helo, sender=p.sender)
    yield from page.row(WORDS["from"][lang], [safe(told)])
    if p.stage is not None:
        yield from page.row(WORDS["ended"][lang], [say(STAGE[p.stage], lang)])
    if p.reply.text and p.diagnosis is None:
        yield from page.row(WORDS["reply"][lang], [short(p.reply.text, 300)])
    if p.why:
        yield from page.row(WORDS["why"][lang], [short(p.why, 200)])
    at = f"{datetime.fromisoformat(p.again).astimezone():%Y-%m-%d %H:%M %z}"
    yield from page.row(WORDS["again"][lang], [say(WORDS["not-before"], lang, at=at)])
    if p.diagnosis is not None:
        groups = Groups()
        groups.add(p.diagnosis)
        yield ""
        yield from screen.lines(groups, c, lang, page)


def _more(p: Probed, lang: Language) -> str | None:
    """The sentence behind the verdict, where there is more to say."""
    if p.result in {"refused", "deferred"} and p.stage == "CONN":
        return say(WORDS["at-banner"], lang)
    if p.result != "inconclusive":
        return None
    if p.diagnosis is not None:
        return say(WORDS["the-mailbox"], lang, mailbox=safe(p.mailbox or ""))
    if p.refuses_at is None:
        return say(WORDS["unknown-stage"], lang)
    key = "with-mailbox" if p.refuses_at == "RCPT TO" and p.mailbox is None else "later"
    stage = say(STAGE[p.refuses_at], lang)
    if lang == "ja" and stage[0].isascii():
        stage = f" {stage}"
    return say(WORDS[key], lang, stage=stage)
