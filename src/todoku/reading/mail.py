"""The structure of a mail, found lazily in its bytes (RFC 5322, 2045, 2046).

Bounces are small and read by the million; a mail that came back whole may weigh 30 MB. So nothing
is decoded, copied or even looked at before a reader asks for it: an `Entity` is a pair of offsets
into the bytes, a header is looked up where it stands, and parts are found by searching their
boundary. All searches are `bytes.find`; none looks at a byte more than a fixed number of times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from todoku.reading import charset

MAX_DEPTH = 10
MAX_PARTS = 200
MAX_HEAD = 256 * 1024
MAX_TEXT = 96 * 1024
"""Bytes of one text part that are decoded. The longest notices (HTML of Exchange) stay below."""

_BOUNDARY = re.compile(rb'\bboundary\s{0,8}=\s{0,8}(?:"([^"\n]{1,200})"|([^\s;"]{1,200}))', re.I)
_CHARSET = re.compile(rb'\bcharset\s{0,8}=\s{0,8}"?([\w.:+-]{1,40})', re.I)
_REPORT_TYPE = re.compile(rb'\breport-type\s{0,8}=\s{0,8}"?([\w.-]{1,60})', re.I)
_FIRST_HEADER = re.compile(rb"\A[!-9;-~]{1,76}[ \t]{0,4}:")


def normalise(data: bytes) -> bytes:
    """One line end, LF, for CRLF and CR; what stands before the headers (blank lines, the `From `
    line of an mbox, a byte order mark) taken away."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n")
        if b"\r" in data:
            data = data.replace(b"\r", b"\n")
    if data[:1] not in b"\n \t>F\xef" or not data:
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


class Entity:
    """A mail or a part of one: headers and a body, as offsets into `raw`."""

    __slots__ = ("_low", "_type", "body", "end", "head", "raw")

    def __init__(self, raw: bytes, start: int, end: int) -> None:
        self.raw = raw
        self.end = end
        self._low: bytes | None = None
        self._type: bytes | None = None
        if raw[start : start + 1] == b"\n":
            self.head, self.body = b"", start + 1
        else:
            blank = raw.find(b"\n\n", start, end)
            if blank < 0:
                blank = end
            self.head = raw[start : min(blank + 1, start + MAX_HEAD)]
            self.body = min(blank + 2, end)

    def find(self, needle: bytes) -> bytes | None:
        """Value of the first header whose lower-case name is `needle[1:-1]`, as it stands.

        `needle` is `b"\\nsubject:"`: line start, name, colon.
        """
        low = self._low
        if low is None:
            low = self._low = b"\n" + self.head.lower()
        at = low.find(needle)
        if at < 0:
            return None
        return self._value(at + len(needle) - 1)

    def _value(self, begin: int) -> bytes:
        head = self.head
        stop = head.find(b"\n", begin)
        while stop >= 0 and head[stop + 1 : stop + 2] in {b" ", b"\t"}:
            stop = head.find(b"\n", stop + 1)
        return head[begin:stop] if stop >= 0 else head[begin:]

    def all(self, needle: bytes, limit: int = 50) -> list[bytes]:
        """Values of all headers of that name, in order."""
        if self._low is None:
            self.find(needle)
        low = self._low or b""
        found: list[bytes] = []
        at = low.find(needle)
        while at >= 0 and len(found) < limit:
            found.append(self._value(at + len(needle) - 1))
            at = low.find(needle, at + 1)
        return found

    def text(self, needle: bytes) -> str:
        """A header's value as text, `""` where it is missing."""
        value = self.find(needle)
        return charset.header(value) if value is not None else ""

    @property
    def type(self) -> bytes:
        """`text/plain`, lower case, without parameters; `text/plain` where none is given."""
        if self._type is None:
            value = self.find(b"\ncontent-type:")
            if value is None:
                self._type = b"text/plain"
            else:
                kind = value.partition(b";")[0].strip().lower()
                self._type = (kind.split()[0] if kind else b"text/plain").strip(b'"')
        return self._type

    @property
    def report_type(self) -> bytes:
        m = _REPORT_TYPE.search(self.find(b"\ncontent-type:") or b"")
        return m[1].lower() if m else b""

    def content(self, limit: int = MAX_TEXT) -> bytes:
        """The body with its transfer encoding undone, at most about `limit` bytes of it."""
        encoding = (self.find(b"\ncontent-transfer-encoding:") or b"").strip().lower()
        body = self.raw[self.body : min(self.end, self.body + limit)]
        if not encoding or encoding[:1] in b"78":
            return body
        return charset.transfer(body, encoding.decode("latin-1").split()[0] if encoding else "")

    def decoded(self, limit: int = MAX_TEXT) -> str:
        """The body as text."""
        data = self.content(limit)
        if data.isascii() and b"\x1b" not in data:
            text = data.decode("ascii")
        else:
            m = _CHARSET.search(self.find(b"\ncontent-type:") or b"")
            text = charset.decode(data, m[1].decode("ascii") if m else None)
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        return text

    def parts(self) -> list[Entity]:
        """The parts of a multipart, at most `MAX_PARTS`; empty where the boundary is nowhere."""
        m = _BOUNDARY.search(self.find(b"\ncontent-type:") or b"")
        if m is None:
            return []
        raw, end = self.raw, self.end
        delimiter = b"\n--" + (m[1] or m[2]).rstrip()
        size = len(delimiter)
        found: list[Entity] = []
        begin = -1
        at = raw.find(delimiter, max(self.body - 1, 0), end)
        while at >= 0 and len(found) < MAX_PARTS:
            after = raw[at + size : at + size + 2]
            if after[:1] not in {b"\n", b" ", b"\t", b"-", b""}:  # a longer boundary
                at = raw.find(delimiter, at + size, end)
                continue
            if begin >= 0:
                found.append(Entity(raw, begin, max(at, begin)))
                begin = -1
            if after == b"--":
                break
            line = raw.find(b"\n", at + size, end)
            if line < 0:
                break
            begin = line + 1
            at = raw.find(delimiter, line, end)
        if begin >= 0 and len(found) < MAX_PARTS:
            found.append(Entity(raw, begin, end))
        return found

    def enclosed(self) -> Entity:
        """The mail inside a `message/rfc822` part."""
        encoding = (self.find(b"\ncontent-transfer-encoding:") or b"").strip().lower()
        if encoding in {b"base64", b"quoted-printable"}:
            return parse(self.content(1024 * 1024))
        start = self.body
        while self.raw[start : start + 1] == b"\n" and start < self.end:
            start += 1
        return Entity(self.raw, start, self.end)

    def leaves(self) -> Iterator[Entity]:
        """All parts that are no multiparts, depth first; enclosed mails are leaves."""
        stack = [(self, 0)]
        count = 0
        while stack:
            entity, depth = stack.pop()
            kind = entity.type
            if kind[:10] == b"multipart/" and depth < MAX_DEPTH:
                parts = entity.parts()
                if parts:
                    stack.extend((part, depth + 1) for part in reversed(parts))
                    continue
            count += 1
            if count > MAX_PARTS:
                return
            yield entity


def parse(data: bytes) -> Entity:
    """The structure of a whole mail."""
    data = normalise(data)
    return Entity(data, 0, len(data))


def looks(head: bytes) -> bool:
    """Do these first bytes begin a mail? A header line that mails begin with must stand there, or
    two header lines, so that a log line with a colon is none."""
    head = normalise(head[:65536])
    lines = 0
    known = False
    for line in head[:4000].split(b"\n", 12)[:12]:
        if not line:
            break
        if line[:1] in b" \t":
            if not lines:
                return False
            continue
        m = _FIRST_HEADER.match(line)
        if m is None:
            break
        lines += 1
        known = known or m[0].rstrip(b" \t:").lower() in _MAIL_HEADERS
    return known and lines >= 1


_MAIL_HEADERS = frozenset(
    b"return-path received from to subject date message-id delivered-to mime-version content-type"
    b" x-original-to x-envelope-to envelope-to x-mailer reply-to sender cc received-spf"
    b" authentication-results dkim-signature arc-seal x-received errors-to auto-submitted"
    b" x-failed-recipients x-account-key x-uidl x-mozilla-status status x-apparently-to"
    b" domainkey-signature arc-authentication-results x-spam-status resent-from".split()
)
