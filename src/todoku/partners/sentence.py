"""The words of a reply that prove the use of a list, without anybody's name in them."""

from __future__ import annotations

import re
from typing import Final

from todoku.lazy import expression
from todoku.model import Diagnosis

MOST: Final = 400
"""Characters that are kept."""
_LOOKED_AT: Final = 4_000
ADDRESS: Final = "<address>"

_QUERY: Final = expression(r"(https?://[^\s<>\"'?#]{1,300})\?[^\s<>\"'#]{1,1000}", re.IGNORECASE)
_QUOTED: Final = expression(r"<?\"[^\"\n]{1,100}\"@[A-Za-z0-9._-]{1,255}>?")
_ADDRESS: Final = expression(r"<?[^\s<>@:;,()\[\]\"'=]{1,256}@[\w.-]{1,255}>?")


def proving(
    template: str, domain: str, *, local_part: str | None = None, named: str | None = None
) -> str:
    """A reply with its addresses, and what could be a part of one, masked; of a long one what stands
    around `named`. `domain` is the recipient's; so is `local_part`, where it is known."""
    text = template[:_LOOKED_AT].replace("<<recipient>>", ADDRESS).replace("<recipient>", ADDRESS)
    # the query of a link holds addresses and tickets; the page itself tells what it is
    text = _QUERY.sub(r"\1?…", text)
    text = _QUOTED.sub(ADDRESS, text)
    text = _ADDRESS.sub(ADDRESS, text)
    if domain.lower() in text.lower():  # rewritten: `taro=partner.example`
        rewritten = rf"[^\s<>=\[\]()]{{1,100}}=(?={re.escape(domain)})"
        text = re.sub(rewritten, f"{ADDRESS}=", text, flags=re.IGNORECASE)
    if local_part and len(local_part) > 1:
        word = rf"(?<![\w.-]){re.escape(local_part)}(?![\w-])"
        text = re.sub(word, ADDRESS, text, flags=re.IGNORECASE)
    return _around(" ".join(text.split()), named)


def naming(d: Diagnosis) -> str | None:
    """How the reply calls the list; `None` where it does by a code."""
    return next((d.reply.text[e.start : e.end] for e in d.evidence if e.field == "blocklist"), None)


def _around(text: str, named: str | None) -> str:
    if len(text) <= MOST:
        return text
    at = text.lower().find(named.lower()) if named else -1
    begin = max(0, at + len(named or "") - MOST + 60)
    cut = text[begin : begin + MOST - 2]
    return ("…" if begin else "") + cut + ("…" if begin + len(cut) < len(text) else "")
