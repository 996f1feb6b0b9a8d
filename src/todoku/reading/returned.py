"""The message that came back: who sent it, to whom, under which id.

Bounces enclose it whole, its headers alone, or a piece of text behind a dashed line.
"""

from __future__ import annotations

import re

import msgspec

from todoku.lazy import expression
from todoku.reading import address, charset
from todoku.reading.mail import Entity


class Returned(msgspec.Struct, frozen=True, gc=False):
    """What the returned message tells; all unknown where none is enclosed."""

    sender: str | None = None
    message_id: str | None = None
    recipients: tuple[str, ...] = ()


NOTHING = Returned()
_FOR = expression(rb"\bfor\s{1,10}<?([^\s<>;]{1,256}@[^\s<>;]{1,255})>?\s{0,10};", re.I)


# Both as nearly everybody writes them, on one line: such an address needs no cleaning.
_PATH = expression(rb" <([\w.+=-]{1,200}@[\w.-]{1,200}\w)>\n(?![ \t])")
_ID = expression(rb" (\S{1,998})\n(?![ \t])")


def sender_of(entity: Entity) -> str | None:
    """The envelope sender where a Return-Path stands, else the author."""
    at = entity.low.find(b"\nreturn-path:")
    if at >= 0:
        if m := _PATH.match(entity.head, at + 13):
            return m[1].decode()
        value = entity.find(b"\nreturn-path:")
        if value is not None and 64 in value:  # an @
            path = value.decode("utf-8", "replace")
            return address.clean(path) if value.count(b"<") < 2 else None
    value = entity.find(b"\nfrom:")
    return address.of_header(charset.header(value)) if value is not None else None


def message_id_of(entity: Entity) -> str | None:
    at = entity.low.find(b"\nmessage-id:")
    if at < 0:
        return None
    if m := _ID.match(entity.head, at + 12):
        return m[1].decode("utf-8", "replace")
    value = entity.find(b"\nmessage-id:") or b""
    return b" ".join(value[:1000].split()).decode("utf-8", "replace") or None


def recipients_of(entity: Entity) -> tuple[str, ...]:
    """To whom it went: the envelope as the last hop's trace gives it, else the To header."""
    for needle in (b"\nx-original-to:", b"\nx-envelope-to:", b"\ndelivered-to:", b"\nto:"):
        value = entity.find(needle)
        if value is not None and 64 in value:  # an @
            found = address.all_of(entity.text(needle))
            if found:
                return tuple(dict.fromkeys(found))
    for value in entity.all(b"\nreceived:", 10):
        m = _FOR.search(value[:2000])
        if m:
            return (m[1].decode("utf-8", "replace"),)
    return ()


def of(entity: Entity | None) -> Returned:
    """All of it at once; the recipients only where somebody asks (`recipients_of`)."""
    if entity is None or not entity.head:
        return NOTHING
    return Returned(sender_of(entity), message_id_of(entity))
