"""FML, a Japanese list server: it refuses a message that it has seen before (a loop), and says so
to its own list's administrator."""

from __future__ import annotations

import re

from todoku.lazy import expression
from todoku.model import Refusal, Reply
from todoku.reading.notice import Hint, refusal
from todoku.reading.reply import Parsed

_LOOP = expression(r"^Duplicated Message-ID in <(?P<addr>[^<>\s]{1,320}@[^<>\s]{1,255})>\.?", re.M)


def read(text: str, hint: Hint) -> list[Refusal] | None:
    m = _LOOP.search(text)
    if m is None:
        return None
    told = Parsed(Reply(None, None, m[0]), notice=m[0])
    return [refusal(m["addr"], told, hint, reader="fml")]
