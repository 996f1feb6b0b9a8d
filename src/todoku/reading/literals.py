r"""Text as programs print it, turned back into text.

People paste what their program showed them, and that is often the text of a text:

    (550, b'5.7.1 <a@b.example>: Recipient address rejected')       Python's smtplib
    {'a@b.example': (550, b'5.1.1 ... User unknown')}               smtplib, one recipient each
    ['550-5.7.1 one', '550 5.7.1 two']                              a list of reply lines
    "550-5.7.1 one\r\n550 5.7.1 two"                                JSON, or any log of strings
    &lt;a@b.example&gt;: host mx.example said: ...                  copied out of a page's source

Only the wrapping goes; what is no such text comes back as it was. Nothing is evaluated.
"""

from __future__ import annotations

import html
import re
from itertools import islice
from typing import Final

import msgspec

from todoku.lazy import expression

# `(550, b'...')`: what smtplib hands over for a reply. The three branches cannot match the same
# character, so a string that never ends costs its own length and no more.
_PAIR = expression(
    r"\(\s*(?P<code>[245]\d\d)\s*,\s*[bBuUrR]{0,2}(?P<q>['\"])"
    r"(?P<body>(?:[^\\'\"]|\\.|(?!(?P=q))['\"]){0,4000})(?P=q)",
    re.DOTALL,
)
_BEFORE_PAIR = expression(r"['\"]([^'\"\s<>]{1,120}@[^'\"\s<>]{1,120})['\"]\s*:\s*$")
_STRING = expression(
    r"[bBuUrR]{0,2}(?P<q>['\"])(?P<body>(?:[^\\'\"]|\\.|(?!(?P=q))['\"]){0,4000})(?P=q)",
    re.DOTALL,
)
_ESCAPE = expression(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|([nrt\\'\"/]))")
_PLAIN: Final = {"n": "\n", "r": "", "t": " ", "\\": "\\", "'": "'", '"': '"', "/": "/"}
# A line end written out, where one can stand: `\r\n`, or `\n` before a code, a blank or the end.
_LINE_END = expression(r"\\r\\n|\\n(?=[245]\d\d|\s|\\|['\"]|$)")
_UNICODE = expression(r"\\u([0-9A-Fa-f]{4})")
MAX_STRINGS: Final = 200


def unwrap(text: str) -> str:
    """`text` without the marks that a program's output or a page's source put round it."""
    if "&" in text and ("&lt;" in text or "&gt;" in text or "&#" in text):
        text = html.unescape(text)
    bare = text.strip()
    if bare[:1] in {"{", "["} and (found := _json_strings(bare)) is not None:
        return "\n".join(found)
    if (said := _report(text)) is not None:
        return said
    if "(" in text and (pairs := _pairs(text)):
        return "\n\n".join(pairs)
    if bare[:2] in {"['", '["', "[b", "[u", "('", '("', "b'", 'b"', "u'", "{'"} or _is_quoted(bare):
        strings = [m["body"] for m in islice(_STRING.finditer(bare), MAX_STRINGS)]
        if strings:
            return "\n".join(_unescape(s).rstrip("\n") for s in strings)
    if "\\" in text:
        text = _LINE_END.sub("\n", text)
        text = _UNICODE.sub(lambda m: _character(int(m[1], 16)), text)
    return text


# Nodemailer prints an error as an object of JavaScript, PHPMailer as a sentence.
_JAVASCRIPT = expression(
    r"\bresponse: ?(?P<q>['\"`])(?P<body>[245]\d\d[ -](?:[^\\'\"`]|\\.|(?!(?P=q))['\"`]){0,4000})(?P=q)",
    re.DOTALL,
)
_JS_COMMAND = expression(r"\bcommand: ?['\"`](?P<command>[A-Z ]{4,20})['\"`]")
_PHPMAILER = expression(
    r"SMTP server error: (?P<command>[A-Z ]{4,20}?) (?:END )?command failed"
    r"(?: Detail: (?P<said>[^\n]{0,2000}?))? SMTP code: (?P<code>[245]\d\d)"
    r"(?: Additional SMTP info: (?P<status>[245]\.\d{1,3}\.\d{1,3}))?"
)


def _report(text: str) -> str | None:
    """The reply in the error report of a mail library, as RFC 5321 writes it."""
    if "response:" in text and (m := _JAVASCRIPT.search(text)):
        said = _unescape(m["body"])
        command = _JS_COMMAND.search(text)
        return f"{said} (in reply to {command['command']} command)" if command else said
    if "SMTP code: " in text and (m := _PHPMAILER.search(text)):
        words = " ".join(x for x in (m["code"], m["status"], m["said"]) if x)
        name = "end of DATA" if "DATA END" in m[0] else m["command"].strip()
        return f"{words} (in reply to {name} command)"
    return None


def _is_quoted(bare: str) -> bool:
    return len(bare) > 5 and bare[0] in "'\"" and bare[-1] == bare[0] and bare[1:4].isdigit()


def _pairs(text: str) -> list[str]:
    """Each `(550, b'...')` as a reply, with the recipient it is filed under, and the exception's
    name before it where that tells the command (`SMTPSenderRefused`)."""
    out: list[str] = []
    raised = _EXCEPTION.search(text)
    for m in islice(_PAIR.finditer(text), MAX_STRINGS):
        body = _unescape(m["body"])
        code = m["code"]
        lines = body.split("\n")
        # smtplib takes the code off each line: put it back as RFC 5321 writes it.
        reply = "\n".join(
            f"{code}{' ' if i == len(lines) - 1 else '-'}{line.strip()}"
            for i, line in enumerate(lines)
        )
        to = _BEFORE_PAIR.search(text, max(0, m.start() - 260), m.start())
        # Filed under an address stand the recipients that `sendmail` could not deliver to.
        command = _COMMANDS[raised[0]] if raised else "RCPT TO" if to else None
        said = f"{reply} (in reply to {command} command)" if command else reply
        out.append(f"<{to[1]}>: {said}" if to else said)
    return out


_COMMANDS: Final = {
    "SMTPRecipientsRefused": "RCPT TO",
    "SMTPSenderRefused": "MAIL FROM",
    "SMTPDataError": "end of DATA",
    "SMTPHeloError": "EHLO",
    "SMTPConnectError": "connect",
    "SMTPAuthenticationError": "AUTH",
}


_REPLY = expression(r"(?<![\d.])[245](?:\d\d(?=[ -]|$)|\.\d{1,3}\.\d{1,3}(?![\d.]))")

_EXCEPTION = expression("|".join(_COMMANDS))


def _json_strings(text: str) -> list[str] | None:
    """The strings of a JSON value that hold a reply, or None where it is no JSON. Mail libraries name the command beside it: `"command": "RCPT TO"`."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    out: list[str] = []
    command: str | None = None
    stack: list[object] = [value]
    while stack and len(out) < MAX_STRINGS:
        item = stack.pop()
        if isinstance(item, str):
            out.append(item)
        elif isinstance(item, list):
            stack.extend(reversed(item))
        elif isinstance(item, dict):
            said = item.get("command")
            command = said if isinstance(said, str) and len(said) < 40 else command
            if (answer := _with_code(item)) is not None:
                out.append(answer)
                continue
            stack.extend(reversed(item.values()))
    answers = [s for s in out if _REPLY.search(s)]
    if command and len(answers) == 1 and "in reply to" not in answers[0]:
        answers[0] = f"{answers[0]} (in reply to {command} command)"
    return answers


_CODE_KEYS: Final = ("code", "responseCode", "smtp_code", "smtpCode", "status_code", "reply_code")
_WORD_KEYS: Final = ("content", "message", "response", "text", "reply", "msg", "reason", "error")


def _with_code(item: dict[str, object]) -> str | None:
    """A reply whose code stands in a field of its own: `{"code": 550, "content": "blocked"}`."""
    code = next((c for k in _CODE_KEYS if (c := str(item.get(k))).isdigit() and len(c) == 3), None)
    words = next((w for k in _WORD_KEYS if isinstance(w := item.get(k), str) and w.strip()), None)
    if code is None or code[0] not in "45" or words is None or code in words[:40]:
        return None
    status = item.get("enhanced_code")
    if isinstance(status, dict):
        parts = [str(status.get(k)) for k in ("class", "subject", "detail")]
        status = ".".join(parts) if all(p.isdigit() for p in parts) else None
    elif not isinstance(status, str):
        status = None
    return f"{code} {status} {words}" if status else f"{code} {words}"


def _unescape(body: str) -> str:
    return _ESCAPE.sub(_escaped, body) if "\\" in body else body


def _escaped(m: re.Match[str]) -> str:
    if m[3]:
        return _PLAIN[m[3]]
    return _character(int(m[1] or m[2], 16))


def _character(point: int) -> str:
    """A character, but no half of a pair: those are no text and break every encoder after us."""
    return "\ufffd" if 0xD800 <= point <= 0xDFFF else chr(point)
