"""Is a signed body shown as its writer showed it? Pure.

A signature holds for the octets of the body; how they are read stands in Content-Type and
Content-Transfer-Encoding. Many sign these (Microsoft the first, Google neither). Where one is unsigned,
whoever has the mail writes it anew: another boundary makes a part of what was quoted, another encoding
undoes the quotation marks (RFC 6376, sections 5.4.1 and 8.2). So what is not signed has to be what the
body shows by itself.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Collection
from typing import Final

from todoku.reading import mail

# Of ASCII alone these all make the same.
_SAME: Final = re.compile(
    r"(?:us-)?ascii|utf-?8|iso-8859-\d{1,2}|windows-125\d|cp125\d|shift[-_]jis|cp932|euc-jp|iso-2022-jp",
    re.I,
)
_STRICT: Final = frozenset({"utf-8", "utf8", "iso-2022-jp"})
"""What is no text of that charset is not read as one."""
_PART: Final = re.compile(rb"^(?:--|content-(?:type|transfer-encoding|disposition)[ \t]*:)", re.I)
_PART_LATER: Final = re.compile(rb"\ncontent-(?:type|transfer-encoding|disposition)[ \t]*:", re.I)
_HTML: Final = re.compile(
    rb"\s*(?:<\?xml[^<>]{0,200}>\s*)?<(?:!doctype|html|head|body|div|p|meta)\b", re.I
)
_UNDOES: Final = re.compile(rb"=(?!\n|[89A-F][0-9A-F]|3D|46|2E|(?:20|09)[ \t]*(?:\n|\Z))", re.I)
"""Escapes that are needed in no text: with them line breaks, tags and marks of quotation are made of
words. `=46` and `=2E`: as many write "From" and "." at the beginning of a line."""
_BASE64: Final = re.compile(rb"(?:[A-Za-z0-9+/]*={0,2}[ \t]*\n)*[A-Za-z0-9+/]*={0,2}\s*")


def as_signed(whole: mail.Entity, signed: Collection[str]) -> bool:
    """`signed`: lower-case names of the header fields under the signature, one that is not there
    included (none can be added then)."""
    kind = whole.kind
    body = whole.raw[whole.body : whole.end]
    typed = "content-type" in signed
    if kind.type.startswith(b"multipart/"):
        return typed or _begins_with_a_part(kind, body)
    if not typed and kind.type not in {b"text/plain", b"text/html"}:
        return False
    if "content-transfer-encoding" not in signed and not _is_encoded(kind.encoding, body):
        return False
    return typed or _is_text(whole)


def _begins_with_a_part(kind: mail.Kind, body: bytes) -> bool:
    """Whether the boundary is the very first line: nobody else's choice fits there."""
    m = mail.parameter(mail.BOUNDARY, b"boundary", kind.parameters)
    name = (m[1] or m[2]).rstrip() if m is not None else b""
    return bool(name) and body.partition(b"\n")[0].rstrip() == b"--" + name


def _is_encoded(encoding: str, body: bytes) -> bool:
    """Whether it is so encoded that nobody would write it otherwise."""
    if encoding == "quoted-printable":
        return _UNDOES.search(body) is None
    if encoding == "base64":
        return _BASE64.fullmatch(body) is not None
    return encoding == ""


def _is_text(whole: mail.Entity) -> bool:
    """Whether it is text of that kind, and can be of no other."""
    kind, body = whole.kind, whole.content(whole.end - whole.body)
    charset = (kind.charset or "utf-8").lower()
    if _SAME.fullmatch(charset) is None or _PART.match(body) or _PART_LATER.search(body):
        return False
    if (kind.type == b"text/html") != (_HTML.match(body) is not None):
        return False
    if body.isascii() and b"\x1b" not in body:
        return True
    try:
        codecs.decode(body, charset)
    except (LookupError, ValueError):
        return False
    return charset in _STRICT and not (charset != "iso-2022-jp" and b"\x1b" in body)


__all__ = ["as_signed"]
