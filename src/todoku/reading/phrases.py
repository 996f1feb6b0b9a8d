"""Wording that notices share: where the returned message begins, what says that a message is
delayed or that the queue gave up, and which sentences say nothing.

All are literals of the lower-case text: a handful of searches costs less than one pattern with as
many branches.
"""

from __future__ import annotations

import re

from todoku.lazy import expression

# ── where the returned message begins ─────────────────────────────────────────────────────────

# A word, and what of the line that announces the message goes with it.
_ANCHORS = {
    "message": (
        "returned message",
        "unsent message",
        "message header",
        "undelivered message",
        "message text follows",
    ),
    "original": ("original m", "originali del"),
    "copy of ": ("copy of the", "copy of your"),
    "bounced e": ("bounced e",),
    "contents follow": ("contents follow",),
    "origine": ("d'origine", "d\u2019origine"),
    "kop": ("nachrichtenkop", "berichtkop"),
    "\u5143\u306e\u30e1": ("\u5143\u306e\u30e1",),
    "\u539f\u6587": ("\u539f\u6587",),
}
_BEGINS = expression(
    r"[ \t]{0,30}(?:[-=*_#]{2,80} ?)?(?:"
    r"below (?:this line )?is a copy of the|included is a copy of the"
    r"|(?:this is|enclosed is|here is|the following is) a copy of the(?: original)? (?:message|mail|header)"
    r"|the headers? of the original message (?:is|are)"
    r"|(?:the )?original (?:message|mail)(?: info| headers?)?(?: follows?| is attached| as follows)?(?=[ .:\n-])"
    r"|original message headers|unsent message follows|returned message|message headers? follows?"
    r"|message headers? ?:|bounced e-?mail|undelivered message|message text follows"
    r"|message contents? follows|copy of (?:your|the) (?:original )?message|original mail as follows"
    r"|en-t[e\u00ea]tes de message d['\u2019]origine|intestazioni originali"
    r"|urspr\u00fcngliche nachrichtenkopf|oorspronkelijke berichtkop|encabezados de mensajes? original"
    r"|\u5143\u306e\u30e1\u30c3\u30bb\u30fc\u30b8|\u539f\u6587)"
)
_GOES_ON = (
    " details",
    " was received",
    " has been",
    " could not",
    " were received",
    " is attached to",
)
_HEADERS = expression(
    r"^(?:return-path|received|x-received|dkim-signature|message-id|x-original-to|x-sid):.{0,998}\n"
    r"(?:[ \t].{0,998}\n|[a-z0-9-]{2,60}:.{0,998}\n){2,60}",
    re.M,
)


def split(text: str, low: str) -> tuple[str, str]:
    """The notice, and the returned message's text (empty where none is found)."""
    cut = size = len(low)
    at = low.find("\n--")
    while at >= 0:  # most draw a line above it
        if _BEGINS.match(low, at + 1) and not any_of(_GOES_ON, low[at : at + 120]):
            cut = at + 1
            break
        at = low.find("\n--", at + 3)
    if cut == size:
        for word, anchors in _ANCHORS.items():
            if word in low:
                for anchor in anchors:
                    cut = _announced(low, anchor, cut)
    if cut < size:
        end = text.find("\n", cut)
        return text[:cut], text[end + 1 :].lstrip("-\n =") if end >= 0 else ""
    if "\nreceived:" in low or "\nreturn-path:" in low or "\nmessage-id:" in low:
        m = _HEADERS.search(low)
        if m is not None:
            return text[: m.start()], text[m.start() :]
    return text, ""


def _announced(low: str, anchor: str, cut: int) -> int:
    """Where the line stands, before `cut`, that announces the message with these words; else
    `cut`."""
    at = low.find(anchor, 0, cut)
    tries = 0
    while at >= 0 and tries < 20:
        start = low.rfind("\n", 0, at) + 1
        end = low.find("\n", at)
        if end < 0:
            end = len(low)
        if at - start < 120 and _BEGINS.match(low, start, end + 1):
            line = low[start:end]
            if not any_of(_GOES_ON, line) and (start or line[:1] == "-"):
                return start
        at = low.find(anchor, end, cut)
        tries += 1
    return cut


# ── what the words say at large ───────────────────────────────────────────────────────────────

FAILURE = (
    "deliver",
    "could not",
    "couldn",
    "unable",
    "fail",
    "reject",
    "refus",
    "return",
    "bounce",
    "error",
    "exceed",
    "not reach",
    "unknown",
    "invalid",
    "delay",
    "blocked",
    "undeliver",
    "lost connection",
    "duplicated",
    "transcript of session",
    "\u914d\u4fe1",
    "\u9001\u4fe1",
    "\u5c4a",
    "\u30a8\u30e9\u30fc",
    "\u4e0d\u660e",
    "\u4e0d\u80fd",
    "\u0434\u043e\u0441\u0442\u0430\u0432",
    "remise",
    "zustell",
    "bezorgd",
    "recapit",
    "entreg",
)
"""A notice without any of these tells of no failure."""

# A few searches tell that a text holds none of the phrases: each key stands in all of its phrases.
_DELAYED = {
    "delayed": (),
    "undeliverable for ": ("enqueued and undeliverable for",),
    "will ": (
        "will be retried",
        "will keep trying",
        "delivery attempts will continue",
        "will retry for",
        "will continue trying for",
    ),
    "still ": ("still being retried", "still undelivered"),
    "warning ": ("warning message only", "warning only"),
    "temporary ": ("temporary failure report", "temporary problem delivering"),
    "not yet been delivered": (),
    "delivery incomplete": (),
}
_EXPIRED = {
    "expired": (
        "message expired",
        "envelope expired",
        "queue.expired",
        "time expired",
        "delivery expired",
    ),
    "deliver": (
        "could not be delivered for",
        "could not deliver for the last",
        "not delivered within",
    ),
    "retr": ("retry time", "retries, giving up"),
    "in the queue too long": (),
    "cannot send message for": (),
    "stopped trying": (),
    "aborted after": (),
    " attempts: ": (),
}


def says_delayed(low: str) -> bool:
    """Do the words say that the message waits?"""
    return _any_below(_DELAYED, low)


def says_expired(low: str) -> bool:
    """Do they say that the queue gave up?"""
    return _any_below(_EXPIRED, low)


def _any_below(phrases: dict[str, tuple[str, ...]], low: str) -> bool:
    for key, whole in phrases.items():  # noqa: SIM110 - as above
        if key in low and (not whole or any_of(whole, low)):
            return True
    return False


def any_of(literals: tuple[str, ...], low: str) -> bool:
    for literal in literals:  # noqa: SIM110 - a generator would double the cost
        if literal in low:
            return True
    return False


# ── what is left when no server is quoted ─────────────────────────────────────────────────────

# Sentences that every notice of some program holds, whatever happened; in lower case.
_BOILERPLATE = expression(
    r"\W{0,8}(?:this (?:message|e-?mail|mail|report|is an? auto|is the .{0,40}(?:mail|program|agent)|is a permanent"
    r"|delivery status|condition|has been a permanent)|i['\u2019]m sorry to|i['\u2019]m afraid"
    r"|for further assist|if you (?:do so|sent|require|need)"
    r"|please (?:do not|don['\u2019]t|contact your|include|, do not|try again)|the mail system|the postfix program|hi[.!]"
    r"|hello|dear |the original message was received|from \S+ ?\[|your message\W*$|you do not need|no action is required"
    r"|a message (?:that you|sent by)|message from |postmaster|date:|subject:|sent:|from:|to:|cc:|learn more"
    r"|original message|the message (?:subject|date|identifier|reference)|sorry, we were unable to deliver"
    r"|unable to deliver message to the following address|the following address"
    r"|delivery to the following recipients?\W{0,3}(?:failed)?(?: permanently)?\W*$"
    r"|diagnostic information|generating server|technical details|email delivery failure|an email that you"
    r"|message details|your mail sent on|could not be delivered to:|there was an error delivering your mail to"
    r"|the mts-id of|size \(in bytes|number of lines|transcript of session|message will be retried"
    r"|\u3053\u306e\u30e1\u30fc\u30eb\u306f)"
)


def says_nothing(words: str) -> bool:
    """A sentence or a header line that stands there whatever happened."""
    if _HEADER.match(words) and not _CODE.search(words):
        return True
    return _BOILERPLATE.match(words) is not None and not _TELLS.search(words)


_CODE = expression(r"\b[245](?:\d\d[ -]\D|\.\d{1,3}\.\d)")
_HEADER = expression(r"(?:date|subject|from|to|cc|sent): ", re.I)
_TELLS = expression(r"[245](?:\d\d|\.\d{1,3}\.\d)|[:;] \S")
_REASON = expression(
    r"^[ \t]{0,8}(?:for the following reason|reason|the problem appears to be|because|error(?: message)?"
    r"|the reason for the (?:problem|failure)|\u7406\u7531|\u30a8\u30e9\u30fc\u5185\u5bb9)[ \t]{0,3}[:\uff1a]\s{0,8}(?:-- )?"
    r"(?P<words>\S[^\n]{2,1000}(?:\n[ \t]{0,8}[^\s-][^\n]{1,998}){0,6})",
    re.M | re.I,
)
_PARAGRAPH = expression(r"\n[ \t]{0,40}\n")
_WORD = expression(r"\w{2}")


def plain_words(text: str, recipient: str | None = None) -> str:
    """What the notice says where no server is quoted: its sentences less the ones it always has."""
    if (m := _REASON.search(text)) and m["words"].strip() != recipient:
        return " ".join(m["words"].split())[:2000]
    kept: list[str] = []
    rest: list[str] = []
    for paragraph in _PARAGRAPH.split(text[:8000]):
        lines: list[str] = []
        for line in paragraph.split("\n"):
            line = " ".join(line.split())
            if line[:3] == "---" and line[-3:] == "---":  # a heading
                continue
            line = line.strip("-=*# _")
            if not line or not _WORD.search(line):
                continue
            if recipient and line.strip("<>\"' :*-") == recipient:
                continue
            lines.append(line)
        if not lines:
            continue
        telling = [x for x in lines if not _BOILERPLATE.match(x.lower())]
        if telling and telling[0] is lines[0]:
            kept += telling
        else:
            rest += telling
    return " ".join(kept or rest)[:2000]
