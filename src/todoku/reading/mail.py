"""The structure of a mail, found lazily in its bytes (RFC 5322, 2045, 2046).

Bounces are small and read by the million; a mail that came back whole may weigh 30 MB. So nothing
is decoded, copied or even looked at before a reader asks for it: an `Entity` is a pair of offsets
into the bytes, a header is looked up where it stands, and parts are found by searching their
boundary. All searches are `bytes.find`; none looks at a byte more than a fixed number of times.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from todoku.lazy import expression
from todoku.reading import charset

MAX_DEPTH = 10
MAX_PARTS = 200
MAX_HEAD = 256 * 1024
MAX_TEXT = 96 * 1024
"""Bytes of one text part that are decoded. The longest notices (HTML of Exchange) stay below."""

BOUNDARY = expression(rb'\bboundary\s{0,8}=\s{0,8}(?:"([^"\n]{1,200})"|([^\s;"]{1,200}))', re.I)
_CHARSET = expression(rb'\bcharset\s{0,8}=\s{0,8}"?([\w.:+-]{1,40})', re.I)
_REPORT_TYPE = expression(rb'\breport-type\s{0,8}=\s{0,8}"?([\w.-]{1,60})', re.I)
CR = 13  # Python looks for a number in bytes ten times faster than for bytes in bytes
_LONE_CR = expression(rb"\r(?!\n)")
# Faster than `bytes.find`, which finds a short needle slowly.
EMPTY_LINE = expression(rb"\n\n")
_FIRST_HEADER = expression(rb"\A[!-9;-~]{1,76}[ \t]{0,4}:")


def normalise(data: bytes) -> bytes:
    """One line end, LF, for CRLF and CR; what stands before the headers (blank lines, the `From `
    line of an mbox, a byte order mark) taken away."""
    if CR in data:
        if _LONE_CR.search(data) is None:
            data = data.translate(None, b"\r")
        else:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if not data or data[0] not in b"\n \t>F\xef":
        return data
    start = 3 if data.startswith(b"\xef\xbb\xbf") else 0
    while data[start : start + 1] in {b"\n", b" ", b"\t"}:
        nl = data.find(b"\n", start)
        if nl < 0 or data[start:nl].strip():
            break
        start = nl + 1
    if data.startswith((b"From ", b">From "), start):
        nl = data.find(b"\n", start)
        if nl > 0 and _FIRST_HEADER.match(data[nl + 1 : nl + 100]):
            start = nl + 1
    return data[start:] if start else data


_AFTERBOUNDARY = (b"\n", b"-", b" ", b"\t", b"")
_FOLD = (b" ", b"\t")


class Kind(NamedTuple):
    """What the MIME headers of a part say."""

    type: bytes
    """`text/plain`, lower case, without parameters."""
    charset: str | None
    encoding: str
    """Transfer encoding; empty where the bytes stand as they are."""
    parameters: bytes
    """The whole Content-Type value."""


_PLAIN = Kind(b"text/plain", None, "", b"")
# The heads of parts are the same few bytes in every mail of a program: read once, known after.
kinds: dict[bytes, Kind] = {b"\n": _PLAIN}
_MAX_KINDS = 2048
_MAX_KNOWN_HEAD = 240


class Entity:
    """A mail or a part of one: headers and a body, as offsets into `raw`."""

    __slots__ = ("_kind", "_low", "body", "end", "head", "raw")

    def __init__(self, raw: bytes, start: int, end: int) -> None:
        self.raw = raw
        self.end = end
        self._low: bytes | None = None
        self._kind: Kind | None
        if raw[start : start + 1] == b"\n":
            self.head, self.body, self._kind = b"\n", start + 1, _PLAIN
            return
        m = EMPTY_LINE.search(raw, start, end)
        if m is None:
            self.body = blank = end
        else:
            blank = m.start()
            self.body = blank + 2 if blank + 2 < end else end
        if blank - start > MAX_HEAD:
            blank = start + MAX_HEAD
        # The line end before a part's first header makes its name as easy to find as the others'.
        if start and raw[start - 1] == 10:
            self.head = raw[start - 1 : blank + 1]
        else:
            self.head = b"\n" + raw[start : blank + 1]
        self._kind = kinds.get(self.head) if blank - start < _MAX_KNOWN_HEAD else None

    @property
    def low(self) -> bytes:
        """The headers in lower case."""
        low = self._low
        if low is None:
            low = self._low = self.head.lower()
        return low

    def find(self, needle: bytes) -> bytes | None:
        """Value of the first header whose lower-case name is `needle[1:-1]`, as it stands.

        `needle` is `b"\\nsubject:"`: line start, name, colon.
        """
        at = (self._low or self.low).find(needle)
        return None if at < 0 else self._value(at + len(needle))

    def _value(self, begin: int) -> bytes:
        head = self.head
        stop = head.find(b"\n", begin)
        while head[stop + 1 : stop + 2] in _FOLD:
            if stop < 0:
                return head[begin:]
            stop = head.find(b"\n", stop + 1)
        return head[begin:stop] if stop >= 0 else head[begin:]

    def all(self, needle: bytes, limit: int = 50) -> list[bytes]:
        """Values of all headers of that name, in order."""
        low = self.low
        found: list[bytes] = []
        at = low.find(needle)
        while at >= 0 and len(found) < limit:
            found.append(self._value(at + len(needle)))
            at = low.find(needle, at + 1)
        return found

    def text(self, needle: bytes) -> str:
        """A header's value as text, `""` where it is missing."""
        value = self.find(needle)
        return charset.header(value) if value is not None else ""

    @property
    def kind(self) -> Kind:
        known = self._kind
        if known is None:
            known = self._kind = self._read_kind()
            if (
                len(self.head) <= _MAX_KNOWN_HEAD
                and len(kinds) < _MAX_KINDS
                and known.type[:10] != b"multipart/"  # its boundary is new in each mail
            ):
                kinds[self.head] = known
        return known

    def known_as(self, kind: Kind) -> None:
        """The kind was read before."""
        self._kind = kind

    def _read_kind(self) -> Kind:
        value = self.find(b"\ncontent-type:") or b""
        words = value.partition(b";")[0].lower().split(None, 1)
        kind = words[0].strip(b'"') if words else b"text/plain"
        if kind[:10] == b"multipart/":
            return Kind(kind, None, "", value)
        encoding = (self.find(b"\ncontent-transfer-encoding:") or b"").strip().lower()
        name = "" if not encoding or encoding[0] in b"78" else encoding.decode("latin-1").split()[0]
        if name == "binary":
            name = ""
        m = parameter(_CHARSET, b"charset", value) if value else None
        return Kind(kind or b"text/plain", m[1].decode() if m else None, name, value)

    @property
    def type(self) -> bytes:
        """`text/plain`, lower case, without parameters; `text/plain` where none is given."""
        return self.kind.type

    @property
    def report_type(self) -> bytes:
        m = _REPORT_TYPE.search(self.kind.parameters)
        return m[1].lower() if m else b""

    def content(self, limit: int = MAX_TEXT) -> bytes:
        """The body with its transfer encoding undone, at most about `limit` bytes of it."""
        end = self.body + limit
        body = self.raw[self.body : end if end < self.end else self.end]
        encoding = self.kind.encoding
        return charset.transfer(body, encoding) if encoding else body

    def decoded(self, limit: int = MAX_TEXT) -> str:
        """The body as text."""
        end = self.body + limit
        return text_of(self.kind, self.raw[self.body : end if end < self.end else self.end])

    def parts(self) -> list[Entity]:
        """The parts of a multipart, at most `MAX_PARTS`; empty where the boundary is nowhere."""
        m = parameter(BOUNDARY, b"boundary", self.kind.parameters)
        if m is None:
            return []
        raw, end = self.raw, self.end
        delimiter = b"\n--" + (m[1] or m[2]).rstrip()
        size = len(delimiter)
        found: list[Entity] = []
        begin = -1
        at = raw.find(delimiter, self.body - 1 if self.body else 0, end)
        while at >= 0 and len(found) < MAX_PARTS:
            after = at + size
            mark = raw[after : after + 1]
            if mark not in _AFTERBOUNDARY:  # a longer boundary
                at = raw.find(delimiter, after, end)
                continue
            if begin >= 0:
                found.append(Entity(raw, begin, at if at > begin else begin))
                begin = -1
            if mark == b"-" and raw[after + 1 : after + 2] == b"-":
                break
            line = after if mark == b"\n" else raw.find(b"\n", after, end)
            if line < 0:
                break
            begin = line + 1
            at = raw.find(delimiter, line, end)
        if begin >= 0 and len(found) < MAX_PARTS:
            found.append(Entity(raw, begin, end))
        return found

    def enclosed(self) -> Entity:
        """The mail inside a `message/rfc822` part."""
        if self.kind.encoding:
            return parse(self.content(1024 * 1024))
        start = self.body
        while self.raw[start : start + 1] == b"\n" and start < self.end:
            start += 1
        return Entity(self.raw, start, self.end)

    def leaves(self) -> list[Entity]:
        """All parts that are no multiparts, depth first; enclosed mails are leaves.

        A multipart without parts (its boundary stands nowhere) is a leaf too.
        """
        if self.kind.type[:10] != b"multipart/":
            return [self]
        found: list[Entity] = []
        stack = [(self, 0)]
        while stack and len(found) < MAX_PARTS:
            entity, depth = stack.pop()
            parts = entity.parts() if depth < MAX_DEPTH else None
            if not parts:
                found.append(entity)
                continue
            nested = False
            for part in parts:
                if (part._kind or part.kind).type[:10] == b"multipart/":
                    nested = True
            if not nested and not stack:
                found += parts
                continue
            for part in reversed(parts):
                inner = part.kind.type[:10] == b"multipart/"
                stack.append((part, depth + 1 if inner else MAX_DEPTH))
        return found


def parameter(
    expression: re.Pattern[bytes], name: bytes, parameters: bytes
) -> re.Match[bytes] | None:
    """A parameter of a Content-Type; the expression is tried where its name stands first."""
    at = parameters.lower().find(name)
    return (
        None
        if at < 0
        else expression.match(parameters, at) or expression.search(parameters, at + 1)
    )


def parse(data: bytes) -> Entity:
    """The structure of a whole mail."""
    data = normalise(data)
    return Entity(data, 0, len(data))


def text_of(kind: Kind, data: bytes) -> str:
    """The text of a part's bytes."""
    if kind.encoding:
        data = charset.transfer(data, kind.encoding)
    elif data.isascii() and charset.ESCAPE not in data:
        return data.decode()  # most are; their line ends were made one before
    text = charset.decode(data, kind.charset)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text


def begins(data: bytes) -> bool:
    """Is the very first line a header that only mails begin with? Nearly every mail is told so,
    without a look at anything else; `looks` does the rest."""
    at = data.find(b":", 0, 40)
    return at > 0 and data[:at].lower() in _BEGINNINGS


def looks(head: bytes) -> bool:
    """Do these first bytes begin a mail? A header that only mails have must stand among the first
    lines, and nothing but headers before it: a log line with a colon is none."""
    head = normalise(head[:65536])
    first = True
    for line in head[:4000].split(b"\n", 12)[:12]:
        if line[:1] in _FOLD:
            if first:
                return False
            continue
        m = _FIRST_HEADER.match(line)
        if m is None:
            return False
        name = m[0].rstrip(b" \t:").lower()
        # `Status: RO` is a mailbox's, `Status: 5.1.1` a delivery report's.
        if name in _MAIL_HEADERS and not (name == b"status" and b"." in line):
            return True
        first = False
    return False


_MAIL_HEADERS = frozenset(
    b"return-path received from to subject date message-id delivered-to mime-version content-type"
    b" x-original-to x-envelope-to envelope-to x-mailer reply-to sender cc received-spf"
    b" authentication-results dkim-signature arc-seal x-received errors-to auto-submitted"
    b" x-failed-recipients x-account-key x-uidl x-mozilla-status status x-apparently-to"
    b" domainkey-signature arc-authentication-results x-spam-status resent-from".split()
)
_BEGINNINGS = _MAIL_HEADERS - {b"status"}
