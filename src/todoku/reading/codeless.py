"""Refusals without a number: some programs show only the words of an answer.

Words alone also stand in what people write to each other ("my letter could not be delivered, I think
his mailbox is full"), so a sentence that speaks as a person does counts only as far as it quotes.
"""

from __future__ import annotations

import re
from typing import Final

from todoku.lazy import expression
from todoku.model import Refusal, Reply
from todoku.reading.reply import parse

MAX_LENGTH: Final = 2000
"""Longest text without any code that is taken for a refusal: an answer is short, an essay on mail
delivery is not."""

REFUSED: Final = expression(
    r"\bblocked using \S|\b(?:block|black|deny|reject)[ -]?list(?:ed|ing)\b"
    r"|\b(?:is|are|was|be|been|found|listed) (?:currently )?(?:on|in) .{0,40}(?:block|black|deny)[ -]?list"
    r"|\bmailbox (?:is )?(?:unavailable|full|disabled|not found|does not exist)"
    r"|\buser (?:is )?unknown\b|\bno such (?:user|recipient|mailbox|address)\b|\bunknown user\b"
    r"|\b(?:over|exceed(?:s|ed)?|out of) (?:the |its |their )?(?:quota|storage)\b"
    r"|\bquota exceeded\b"
    r"|\b(?:message|mail|e-?mail|recipient|sender|client|address|connection|command|host)s?"
    r" (?:address |host |was |has been |is |were |have been ){0,2}"
    r"(?:rejected|refused|denied|blocked|deferred|bounced|undeliverable)\b"
    r"|\b(?:relay(?:ing)?|access) (?:access )?denied\b|\breject(?:ed)? (?:due to|by|for)\b"
    r"|\bRequested (?:mail )?action (?:not taken|aborted)\b"
    r"|\b(?:rejected|blocked|refused|deferred) using \S|\bESMTP Service not available\b"
    r"|\b(?:can(?:no|')t|could(?: not|n't)|was(?: not|n't)|unable to) be delivered\b"
    r"|\bundeliverable\b|\b(?:temporarily|rate) (?:deferred|limited|rejected)\b|\bgreylist"
    r"|\btoo many (?:connections|errors|messages|recipients)\b"
    r"|\b(?:message|mail|e-?mail) size (?:limit )?(?:is |was )?exceed"
    r"|\brate ?limit\b.{0,40}\bexceeded\b|\bhas exceeded the max\b|\bMessage discarded\b"
    r"|\b(?:user|recipient|account|address) (?:does )?not (?:exist|found)\b"
    r"|\bnot listed in \S{1,30} (?:Name|Directory)\b|\balready has my Delivered-To\b"
    r"|\b(?:login|user) ?name rejected\b|\bService unavailable[,;] Client host\b"
    r"|\b(?:failed|unable) to connect to upstream\b"
    r"|\b(?:SPF|DKIM|DMARC)\b.{0,40}\b(?:fail|reject|align|policy)"
    r"|\breverse DNS\b.{0,60}\b(?:missing|fail|invalid|not|without|must|no)\b"
    r"|\b(?:bad|invalid|missing|no|inconsistent) (?:DNS )?PTR (?:resource )?record\b"
    r"|\bmessages? from \S{3,60} (?:weren't|were not) sent"
    r"|拒否され|受信(?:が)?拒否|宛先(?:不明|が見つかりません)|配信(?:できません|に失敗)|送信できません"
    r"|届けられません|ブロックされ|ブラックリスト|存在しません|メールボックスが(?:いっぱい|満杯)",
    re.IGNORECASE,
)
"""Whole phrases that answers are made of."""

# ── people ────────────────────────────────────────────────────────────────────────────────────

_SENTENCE = expression(r"[^.!?。！？\n]{1,2000}[.!?。！？]{0,3}")
_PERSON = expression(
    r"\bI\b|\bI['’](?:m|ve|d|ll)\b|(?i:\b(?:my|me|he|she|him|her|his|they|them|we['’](?:re|ve))\b"
    r"|\b(?:yesterday|tomorrow|today|tonight|last (?:week|month|night)|this morning|next week)\b"
    r"|^\s{0,8}(?:hi|hello|hey|dear|thanks|thank you|sorry for|regards|cheers)\b)"
    r"|[?？]$|でしょうか|ましょうか|お世話|よろしく|私(?:の|は|が)|昨日|今日|明日|先週"
)
_MAILER = expression(
    r"\bI(?:['’]m| am) (?:sorry|afraid)\b|\bI (?:was|am|were)(?: not|n['’]t)? (?:able|unable)\b"
    r"|\bI wasn['’]t able\b|\bI(?:['’]ve| have) given up\b|\bI could(?: not|n['’]t)\b|@|\b5\.\d\.\d\b"
)
"""Mail programs that say `I`, and what only they print."""
_QUOTED = expression(r"[\"“«「『`]([^\"”»」』`]{8,1000})[\"”»」』`]|[:：]\s{1,4}(\S.{7,1000})$")


def _said_by_servers(text: str) -> bool:
    """Does a phrase of refusal stand outside of sentences that a person speaks, or in a quotation?"""
    for sentence in _SENTENCE.findall(text):
        if not REFUSED.search(sentence):
            continue
        bare = sentence.strip()
        if not _PERSON.search(bare) or _MAILER.search(bare):
            return True
        if any(REFUSED.search(a or b) for a, b in _QUOTED.findall(bare)):
            return True
    return False


# An entry of some program's log, as log4j and its kin write it.
_LOGGED = expression(
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d\S{0,12} {1,3}(?:TRACE|DEBUG|INFO|WARN|ERROR|FATAL)"
)


def read(text: str, reader: str) -> list[Refusal]:
    """The answer without its number, or nothing. A program that logs what it does is no server
    that answers."""
    text = "\n".join(line for line in text.split("\n") if not _LOGGED.match(line))
    bare = " ".join(text.split())
    if not bare or len(bare) > MAX_LENGTH or not REFUSED.search(bare):
        return []
    if not _said_by_servers(text) and not _said_by_servers(bare):
        return []
    found = parse(bare)
    if found.reply.code is not None and found.reply.code < 400:
        return []
    reply = found.reply if found.reply.text else Reply(None, None, bare)
    return [Refusal(reader=reader, remote=found.remote, stage=found.stage, reply=reply)]
