"""Gmail, where no server answered: the attempts stand in brackets, one a line.

The recipient server did not accept our requests to connect. Learn more at http://...
[(0) example.com. [192.0.2.222]:25: socket error]
"""

from __future__ import annotations

import re

from todoku.lazy import expression
from todoku.model import Refusal, Remote, Reply
from todoku.reading import phrases
from todoku.reading.notice import Hint, refusal
from todoku.reading.recipients import recipients_in
from todoku.reading.reply import Parsed

_ATTEMPT = expression(
    r"^\[\(\d{1,3}\) (?P<host>[\w.-]{1,255}?)\.? \[(?P<ip>[0-9A-Fa-f.:]{3,45})\](?::\d{1,5})?: "
    r"(?P<error>[^\n\]]{1,200})\]",
    re.M,
)


def read(text: str, hint: Hint) -> list[Refusal] | None:
    first = _ATTEMPT.search(text)
    recipients = hint.recipients or tuple(f.recipient for f in recipients_in(text))
    if first is None or not recipients:
        return None
    start = text.find("The recipient server did not accept")
    words = " ".join(text[start : first.end()].split()) if 0 <= start < first.start() else first[0]
    told = Parsed(Reply(None, None, words), "CONN", Remote(first["host"], first["ip"]), words)
    delayed = phrases.says_delayed(text.lower())
    return [
        refusal(one, told, hint, delayed, expired=not delayed, reader="gmail") for one in recipients
    ]
