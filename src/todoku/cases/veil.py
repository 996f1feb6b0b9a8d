"""Addresses of recipients are for those who may see them (`[privacy] clear_for`). Pure.

A server's reply repeats them, a user names them, a letter to a desk quotes them: they stand in the events
as they were said, and are shown as `t…@example.jp`. Whose mail does not arrive can still be told apart by
domain, and an event keeps its shape."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from todoku.cases import events as ev
from todoku.cases.records import Recorded

replace = msgspec.structs.replace

_AT: Final = r"(?P<at>@|%40)(?=[\w-]{1,63}(?:\.[\w-]{1,63}){1,10}|\[[\d.]+\])"
_LOCAL: Final = r"[A-Za-z0-9!#$%&*+/=?^_|~.-]"
_ADDRESSES: Final = (
    re.compile(rf'(?P<local>"[^"\n@]{{1,64}}"){_AT}'),
    re.compile(rf"(?<!{_LOCAL})(?P<local>{_LOCAL}{{1,128}}?){_AT}"),
    # Words in Japanese may stand right before an address of ASCII; what ends in them is one itself.
    re.compile(rf"(?P<local>[^\W\d_]{{0,63}}(?=[^\x00-\x7f])[^\W\d_]){_AT}"),
)
_ROLE: Final = re.compile(
    r"(?:postmaster|hostmaster|webmaster|mailer[-_.]?daemon|abuse|noc|security|no-?reply|support"
    r"|help(?:desk)?|(?:de|un)(?:list|block)(?:ing)?|removals?|feedback|forgotten-[0-9a-f]{8})",
    re.IGNORECASE,
)
"""Whom one asks (RFC 2142): no person, and often the way out. And who was forgotten."""
_SHORT: Final = 2
"""Letters of a local part of which even the first tells all."""


def veiled(text: str) -> str:
    """A text with what stands before the @ of each address left out, but for its first letter."""
    if "@" in text or "%40" in text:
        for addresses in _ADDRESSES:
            text = addresses.sub(_veil, text)
    return text


def _veil(m: re.Match[str]) -> str:
    local = m["local"]
    if _ROLE.fullmatch(local):
        return m[0]
    first = local[0] if len(local) > _SHORT and local[0] != '"' else ""
    return f"{first}…{m['at']}"


def event(event: ev.AnyEvent) -> ev.AnyEvent:
    """An event for one who may not see recipients. What a desk says, what identities are blocked, and who
    reported stays: the work is done with these."""
    match event:
        case ev.Refused() | ev.Probed() | ev.Tried():
            return replace(event, reply=replace(event.reply, text=veiled(event.reply.text)))
        case ev.Reported():
            return replace(event, words=veiled(event.words))
        case ev.Requested() | ev.Escalated() | ev.Noted() | ev.Closed():
            return replace(event, text=veiled(event.text))
        case _:
            return event


def recorded(found: tuple[Recorded, ...]) -> tuple[Recorded, ...]:
    return tuple(replace(each, event=event(each.event)) for each in found)
