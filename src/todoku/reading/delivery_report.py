"""Delivery status notifications: RFC 3464, with RFC 6533's addresses in UTF-8.

    Reporting-MTA: dns; mx1.example.jp              once for the message

    Final-Recipient: rfc822; user@example.com       one block a recipient
    Action: failed
    Status: 5.1.1
    Remote-MTA: dns; mx.example.com
    Diagnostic-Code: smtp; 550 5.1.1 User unknown

Beside it stands a part for people, which often says more: the address of the server that
answered, the command it answered, all the lines of an answer of which the report keeps one.
Both are read and laid over each other.
"""

from __future__ import annotations

import re

from todoku.lazy import expression
from todoku.model import Action, Refusal, Remote, Reply
from todoku.reading import address, phrases, transcript
from todoku.reading.reply import NOWHERE, Parsed, parse, wrapping
from todoku.reading.returned import Returned

MAX_RECIPIENTS = 10_000

_ACTIONS: dict[str, Action] = {
    "failed": "failed",
    "failure": "failed",
    "fail": "failed",
    "delayed": "delayed",
    "delay": "delayed",
    "delivered": "delivered",
    "deliverable": "delivered",
    "relayed": "relayed",
    "expanded": "expanded",
    "expand": "expanded",
}
_STATUS = expression(r"\s{0,4}([245]\.\d{1,3}\.\d{1,3})(?:\s{0,8}\(([^()]{3,200})\))?")
_USUAL_STATUS = frozenset(f"{a}.{b}.{c}" for a in "245" for b in range(8) for c in range(10))
# A value goes on where a line is folded, and where a gateway forgot to fold an answer's next line.
_FIELDS = expression(
    r"^([A-Za-z][A-Za-z0-9-]{1,60}):[ \t]*(.*(?:\n(?:[ \t]|[245]\d\d[ -]).*){0,200})", re.M
)
_BLANK = expression(r"\n[ \t]{1,40}(?=\n)|[ \t]{1,40}(?=\n\n)")
_HOST_IP = expression(r"[\[(]([0-9A-Fa-f.:]{4,45})[\]),]")
_TCP = expression(r"\(TCP\|[^|)]{1,60}\|\d{1,5}\|([^|)]{1,60})\|\d{1,5}\)")


_SILENT = Parsed(Reply())
# The registry's own wording (RFC 3463) beside a status code.
_SAYS_NOTHING = ("other or undefined", "undefined status", "other undefined")
_DONE = ("delivered", "relayed", "expanded")


def looks(text: str) -> bool:
    """Does this text hold the fields of a report?"""
    low = text[:20000].lower()
    return "final-recipient:" in low or ("\naction:" in low and "-recipient:" in low)


def blocks(text: str) -> list[dict[str, str]]:
    """The field groups of a report: lower-case names, values as they stand, first value kept."""
    if "\n \n" in text or "\n\t\n" in text or " \n\n" in text:
        text = _BLANK.sub("\n\n", text)
    found: list[dict[str, str]] = []
    for group in text.split("\n\n", MAX_RECIPIENTS):
        pairs = _FIELDS.findall(group)
        fields = {name.lower(): value for name, value in pairs}
        if len(fields) == len(pairs):
            if fields:
                found.append(fields)
            continue
        fields = {}
        for name, value in pairs:
            key = name.lower()
            if key == "final-recipient" and key in fields:
                found.append(fields)  # groups that no blank line parts
                fields = {}
            fields.setdefault(key, value)
        found.append(fields)
    return found


def read(status: str, human: str, returned: Returned) -> list[Refusal]:
    """All recipients of a report."""
    groups = blocks(status)
    message: dict[str, str] = {}
    recipients: list[dict[str, str]] = []
    for group in groups:
        if "final-recipient" in group or "original-recipient" in group or "action" in group:
            recipients.append(group)
        if "reporting-mta" in group or not message:
            message = group
    if not recipients:
        return []
    reported_by = host_of(message.get("reporting-mta", "")) or None
    sender = returned.sender
    if sender is None:
        for name in ("x-postfix-sender", "x-sendgrid-sender"):
            if name in message:
                sender = address.of_field(message[name])
    found: list[transcript.Answer] | None = None
    if "(in reply to" not in human and transcript.looks(human):
        found = transcript.answers(human)
    alone = len(recipients) == 1
    return [_one(group, human, found, returned, reported_by, sender, alone) for group in recipients]


def host_of(value: str) -> str:
    """`dns; mx.example (192.0.2.1)` to `mx.example`."""
    at = value.find(";", 0, 44)
    words = value[at + 1 :].split(None, 1)
    return words[0].strip("[](),").rstrip(".") if words else ""


def _one(
    group: dict[str, str],
    human: str,
    found: list[transcript.Answer] | None,
    returned: Returned,
    reported_by: str | None,
    sender: str | None,
    alone: bool,
) -> Refusal:
    final = group.get("final-recipient", "")
    original = group.get("original-recipient", "")
    recipient = address.of_field(final) or address.of_field(original)
    status: str | None = group.get("status", "")
    comment: str | None = None
    if status not in _USUAL_STATUS:
        m = _STATUS.match(status or "")
        status, comment = (m[1], m[2]) if m else (None, None)

    diagnostic = _diagnostic(group.get("diagnostic-code", ""), human)
    told = parse(diagnostic) if diagnostic else _SILENT
    if found:
        answer = transcript.answer_for(found, recipient, diagnostic, alone)
        if answer is not None:
            told = _with_answer(told, answer)
            if recipient is None and alone and answer.addresses:
                recipient = answer.addresses[0]
    elif human:
        told = _with_words(told, words_about(human, recipient, alone, bool(diagnostic)))
        if status is not None and status.endswith(".4.7") and "returned '" in human:
            told = _last_attempt(human) or told
    if recipient is None:
        recipient = (alone and _recipient_in(human)) or _as_printed(final, original)

    reply, stage, notice = told.reply, told.stage, told.notice
    text = reply.text
    if stage is None and comment and "MAIL FROM" in comment:
        stage = "MAIL FROM"
    if not text:
        if comment and not comment.startswith(_SAYS_NOTHING):
            text = comment
        else:
            text = notice = phrases.plain_words(human, recipient) or comment or ""
    if not notice and (category := group.get("x-powermta-bouncecategory")):
        notice = f"bounce category: {category}"
    enhanced = reconcile(reply.enhanced, status)
    if text is not reply.text or enhanced != reply.enhanced:
        reply = Reply(reply.code, enhanced, text)

    done_to = group.get("action", "")
    action = _ACTIONS.get(done_to) or _ACTIONS.get(done_to.lower().partition(" ")[0])
    if action is None:
        action = "delivered" if status and status[0] == "2" else "failed"
    done = action in _DONE
    expired = not done and (
        (status is not None and status.endswith(".4.7"))
        or (
            (reply.code is None or reply.code < 500)
            and phrases.says_expired((human if found else text).lower())
        )
    )
    return Refusal(
        kind="delivered" if done else "refusal",
        reader="delivery-report",
        action=action,
        recipient=recipient,
        sender=sender,
        reported_by=reported_by,
        remote=_remote(told.remote, group.get("remote-mta", "")),
        stage=stage,
        reply=reply,
        notice=notice,
        expired=expired,
        message_id=returned.message_id,
    )


def _diagnostic(raw: str, human: str) -> str:
    """`smtp; 550 5.1.1 ...` without its type."""
    at = raw.find(";", 0, 44)
    if at < 0 or not raw[:at].replace("-", "").isalnum():
        return raw
    kind, value = raw[:at].lower(), raw[at + 1 :].lstrip()
    if value.isdigit() and (len(value) < 3 or kind == "x-unix"):
        return ""  # the exit code of a program says nothing by itself
    if kind == "x-notes" and (m := _BECAUSE.search(human)):
        return m[1]  # Domino cuts the report's line in the middle of words
    return value


def _with_answer(told: Parsed, answer: transcript.Answer) -> Parsed:
    """The report's diagnostic, with what the transcript knows better: every line of the answer,
    the command, the server."""
    quoted = parse(answer.text)
    reply = told.reply
    if not reply.text or (
        quoted.reply.code is not None
        and (
            reply.code is None or (reply.code == quoted.reply.code and _longer(quoted.reply, reply))
        )
    ):
        reply = quoted.reply
    remote = told.remote
    if remote.host is None and answer.host:
        remote = Remote(answer.host, answer.ip)
    return Parsed(reply, answer.stage or quoted.stage or told.stage, remote, told.notice)


def _with_words(told: Parsed, about: str) -> Parsed:
    """The report's diagnostic, with what the part for people knows better."""
    if not about:
        return told
    if told.reply.code is not None:
        stage, remote = wrapping(about)
        if stage is None and remote is NOWHERE:
            return told
        return Parsed(told.reply, stage or told.stage, told.remote if remote is NOWHERE else remote)
    words = parse(about)
    reply = words.reply if words.reply.code is not None or not told.reply.text else told.reply
    host = words.remote.host or told.remote.host
    ip = words.remote.ip or told.remote.ip
    return Parsed(reply, words.stage or told.stage, Remote(host, ip), told.notice or words.notice)


def _last_attempt(human: str) -> Parsed | None:
    """Exchange: that the message expired says nothing; the attempt before it does."""
    for m in _ATTEMPT.finditer(human):
        if "xpired" not in m[0] and " 4.4.7 " not in m[0]:
            return Parsed(parse(m["said"]).reply, None, Remote(m["host"], m["ip"]))
    return None


def _remote(told: Remote, mta: str) -> Remote:
    """Who answered: the words' host and address first, the report's Remote-MTA for the rest."""
    if not mta or (told.host and told.ip):
        return told
    host: str | None = host_of(mta)
    ip: str | None = None
    if ("(" in mta or "[" in mta) and ((m := _TCP.search(mta)) or (m := _HOST_IP.search(mta))):
        ip = m[1].strip("[]")
    if host and (host.replace(".", "").isdigit() or ":" in host):
        host, ip = None, host
    elif host and "." not in host:
        host = None
    return Remote(told.host or host or None, told.ip or ip)


def _longer(a: Reply, b: Reply) -> bool:
    """Is `a` the whole of an answer of which `b` is a piece?"""
    return len(a.text) > len(b.text) and a.text[:3] == b.text[:3] and b.text[-20:] in a.text


def reconcile(said: str | None, status: str | None) -> str | None:
    """The receiver's own code beats the reporter's; a code that says nothing (`5.0.0`) beats none
    that says something."""
    if said is None or status is None:
        return said or status
    if said.endswith(".0.0") and said[0] == status[0]:
        return status
    return said


def words_about(human: str, recipient: str | None, alone: bool, said: bool) -> str:
    """What the part for people says of one recipient: from behind its address at the start of a
    line to the next blank line or the next address."""
    at = -1
    if recipient:
        for form in (f"<{recipient}>", recipient):
            at = human.find(form)
            while at > 0 and human[human.rfind("\n", 0, at) + 1 : at].strip(' \t"*>-<'):
                at = human.find(form, at + 1)
            if at >= 0:
                at += len(form)
                break
    if at < 0:
        # The address may have been rewritten; with one recipient there is no doubt.
        m = _address_line(human) if alone else None
        if m is None:
            return ""
        at = m.end()
    end = human.find("\n\n", at)
    piece = human[at : end if end >= 0 else len(human)][:6000]
    if said and not phrases.any_of(_WORTH, piece):
        return ""
    nxt = piece.find("\n")
    while nxt >= 0:
        if piece[nxt + 1 : nxt + 2] not in " \t" and _NEXT.match(piece, nxt + 1):
            piece = piece[:nxt]
            break
        nxt = piece.find("\n", nxt + 1)
    if piece.startswith((" (expanded from", " (generated from")):
        piece = piece.partition(")")[2]
    piece = piece.lstrip('">:; ').strip()
    if piece[:7].lower() == "action:" or (said and not phrases.any_of(_WORTH, piece)):
        return ""
    return piece


_ATTEMPT = expression(
    r"Server at (?P<host>[\w.-]{1,255})(?: \((?P<ip>[0-9A-Fa-f.:]{3,45})\))? returned '(?P<said>[45]\d\d [^\n]{3,2000}?)'$",
    re.M,
)
_BECAUSE = expression(
    r"^because:\s{1,10}(\S[^\n]{1,2000}(?:\n[ \t]{1,8}\S[^\n]{0,998}){0,5})", re.M
)
_ADDRESS_LINE = expression(rf"[ \t]{{0,4}}<?(?:{address.ATOM})>?(?=[ :(]|$)", re.M)
_NEXT = expression(rf"<?(?:{address.ATOM})>?(?: \([^()\n]{{1,320}}\))?:")
# Words round an answer that tell more than the report's diagnostic did; pieces, for they may be
# folded at any blank.
_WORTH = (
    "(in",
    "said",
    "rror from",
    "refused to",
    "onnect",
    "Command output",
    "while",
    "timed",
    "returned '",
    "],",
)


def _address_line(human: str) -> re.Match[str] | None:
    """The first address that stands at the head of a line."""
    at = human.find("@")
    while at >= 0:
        m = _ADDRESS_LINE.match(human, human.rfind("\n", 0, at) + 1)
        if m is not None:
            return m
        at = human.find("\n", at)  # one look a line
        at = human.find("@", at) if at >= 0 else -1
    return None


_GENERATED = expression(r"generated by ([^\s<>]{1,320}@[^\s<>]{1,255})")


def _as_printed(final: str, original: str) -> str | None:
    """A recipient that is no address but a local name, as the report prints it. A file or a program
    that the mail was written to is nobody's name."""
    value = (final or original).partition(";")[2].strip() or final or original
    value = value.strip("<>")
    return None if value.lstrip('"').startswith(("/", "|", ":include:")) else value or None


def _recipient_in(human: str) -> str | None:
    if m := _GENERATED.search(human):
        return m[1]
    m = _address_line(human)
    return address.clean(m[0]) if m else None
