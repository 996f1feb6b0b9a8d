"""Zoho Mail: the parts of the answer, taken apart and labelled.

user@example.com Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1 <user@example.com>... Unknown
[Status: Error, Address: <user@example.com>, ResponseCode 421, , Host not reachable.]
"""

from __future__ import annotations

import re

from todoku.lazy import expression
from todoku.model import Refusal, Reply
from todoku.reading import address, phrases
from todoku.reading.notice import Hint, refusal
from todoku.reading.reply import Parsed, parse

_LABELLED = expression(
    rf"^(?:\[Status: (?P<s>[^,\n]{{1,40}}), Address: )?<?(?P<addr>{address.ATOM})>?"
    r"(?:,| (?P<words>[^,\n]{1,60}),) (?:ERROR_CODE :|ResponseCode )(?P<code>[245]\d\d)?,"
    r" (?:ERROR_CODE :)?(?P<rest>[^\n]{0,2000}?)\]?$",
    re.M,
)


# Mail programs fold the long line: what follows until an empty line or another address belongs to it.
_FOLDED = expression(
    rf"(?P<line>^[^\n]{{0,400}}ERROR_CODE :[^\n]{{0,2000}})\n(?!\s{{0,80}}$|<?{address.ATOM})(?=[^\s\[-])",
    re.M,
)


def _joined(text: str) -> str:
    for _ in range(6):
        text, n = _FOLDED.subn(r"\g<line> ", text)
        if not n:
            break
    return text


def read(text: str, hint: Hint) -> list[Refusal] | None:
    delayed = phrases.says_delayed(text.lower())
    found = []
    for m in _LABELLED.finditer(_joined(text)):
        said = f"{m['code'] or ''} {m['rest'].strip(', ')}".strip()
        told = parse(said) if m["code"] else Parsed(Reply(None, None, said))
        found.append(refusal(address.clean(m["addr"]), told, hint, delayed, reader="zoho"))
    return found or None
