"""What belongs to a single message taken out of a reply, so that equal grounds are equal words.

Done for every refused line of a log, so each word is masked once and then looked up: most words of
replies come again and again. What could be the ground stays as it is: addresses of hosts, names,
codes (`S3140`, `AS(201806281)`, `5.7.1`). `todoku.logs.judging` sees to it that nothing that a
diagnosis names is masked.

The recipient is taken out however it is written: in another case, at another domain, with a URL's
escapes, or as its local part alone. A bare local part that is a word by which the knowledge judges
(`spam@`, `unknown@`, `mailbox@`) stays: else two grounds would become one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from todoku.lazy import expression

RECIPIENT: Final = b"<recipient>"
_KEPT: Final = 50_000
"""Words remembered."""
_REPLIES: Final = 4_000
"""Replies remembered: of those that name no ticket, most come again."""
_LONGEST: Final = 2_000
_SHORTEST: Final = 3
"""Bytes of a local part that is masked where it stands alone."""
_MOST_FOUND: Final = 200
"""Places in one reply that are looked at; what is behind them is left out."""

# Letters behind a digit: the number of a queue, a message, a session or a server. Codes have digits
# alone behind their letters. Of numbers only those are masked that are as long as a time, or that
# stand in the first labels of a long host name.
_ID: Final = expression(
    rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.,\d]{0,12}Z?"
    rb"|(?<![0-9A-Za-z])(?=[A-Za-z]{0,60}\d{1,60}[A-Za-z])[0-9A-Za-z]{5,500}(?:\.[a-z]{0,3}\d{1,4}(?![\w.]))?"
    rb"|(?<![0-9A-Za-z.(])\d{10,500}(?![\d.])"
    rb"|(?<=[A-Za-z-])\d{1,4}[a-z]?(?=\.[a-z0-9-]{1,20}\.[a-z0-9-]{1,20}\.[a-z])"
)
_WHOLE: Final = expression(rb"(?=[A-Za-z]{0,60}\d{1,60}[A-Za-z])[0-9A-Za-z]{5,500}")
"""A word that is nothing but such a number: the most frequent ones."""
_ALNUM: Final = frozenset(b"0123456789abcdefghijklmnopqrstuvwxyz")
_PART: Final = _ALNUM | frozenset(b".-+")
"""What a local part or a host name goes on with."""
_SIGNS: Final = (b"@", b"%40", b"=", b"%", b"#")
"""What may stand between the two parts of an address."""
_QUOTES: Final = {b"<": b">", b'"': b'"', b"'": b"'", b"`": b"'", b"(": b")", b"[": b"]"}
_DOMAIN: Final = expression(rb"@[0-9a-z](?:[0-9a-z.-]{0,252}[0-9a-z])?")


class _Words(dict[bytes, bytes]):
    """A word to the word without what is of one message."""

    def __init__(self) -> None:
        self._masked: dict[bytes, bytes] = {}
        """Apart, as there is no end of them: those of hosts come again, those of messages do not."""

    def __missing__(self, word: bytes) -> bytes:
        if len(word) > _LONGEST or _WHOLE.fullmatch(word) is not None:
            return b"#"
        masked = self._masked.get(word)
        if masked is not None:
            return masked
        masked = word if len(word) < 5 else _ID.sub(b"#", word)
        kept, most = (self, _KEPT) if masked == word else (self._masked, _KEPT // 2)
        if len(kept) >= most:
            kept.clear()
        kept[word] = masked
        return masked


class Masks:
    """Masks the replies of a run."""

    __slots__ = ("_judging", "_replies", "_words")

    def __init__(self, judging: Callable[[bytes], bool] | None = None) -> None:
        """`judging`: is this a word by which the knowledge judges? Lower case. Without it no bare
        word is taken for a local part."""
        self._words = _Words()
        self._replies: dict[bytes, bytes] = {}
        """By their words without the recipient's address."""
        self._judging = judging

    def template(self, reply: bytes, recipient: bytes) -> bytes:
        """The words of a reply, the recipient's address and the marks of one message masked."""
        if recipient:
            reply = reply.replace(recipient, RECIPIENT)
            local, _, domain = recipient.lower().rpartition(b"@")
            low = reply.lower()
            if local and low.find(local) >= 0:  # `in` tries bytes as a number first
                reply = self._without(reply, low, local, domain)
                low = reply.lower()
            base = local.partition(b"+")[0]  # `taro+news@` is delivered to `taro@`
            if base and base != local and low.find(base) >= 0:
                reply = self._without(reply, low, base, domain)
        masked = self._replies.get(reply)
        if masked is None:
            masked = b" ".join(map(self._words.__getitem__, reply.split(b" ")))
            if len(self._replies) >= _REPLIES:
                self._replies.clear()
            self._replies[reply] = masked
        return masked

    def _without(self, reply: bytes, low: bytes, local: bytes, domain: bytes) -> bytes:
        out: list[bytes] = []
        at = end = 0
        for _ in range(_MOST_FOUND):
            at = low.find(local, end if end > at else at)
            if at < 0:
                break
            size = 0 if low.startswith(RECIPIENT, at - 1) else self._size(low, at, local, domain)
            if size:
                out += [reply[end:at], RECIPIENT]
                end = at + size
            else:
                at += 1
        else:
            return b"".join([*out, reply[end:at], b"#"])
        return b"".join([*out, reply[end:]]) if out else reply

    def _size(self, low: bytes, at: int, local: bytes, domain: bytes) -> int:
        """How many bytes from here on name the recipient; 0 where this is another word."""
        if at and low[at - 1] in _PART:
            return 0
        behind = at + len(local)
        for sign in _SIGNS:
            if low.startswith(sign + domain, behind):
                return len(local) + len(sign) + len(domain)
        alone = self._judging is not None and not self._judging(local)
        if (other := _DOMAIN.match(low, behind)) is not None:
            near = _related(other[0][1:], domain)  # else `info@` may be the sender
            return other.end() - at if near or alone else 0
        if low[behind : behind + 1] == _QUOTES.get(low[at - 1 : at], b"-") and (
            low[at - 1] not in b"([" or not local.isalpha()
        ):
            return len(local)
        after = low[behind : behind + 2]
        if after[:1] and after[0] in _PART and not (after[:1] == b"." and _ends(after)):
            return 0
        if len(local) < _SHORTEST or not any(c > 57 for c in local):
            return 0  # a number is a code as soon as a name
        return len(local) if alone else 0


def _related(one: bytes, other: bytes) -> bool:
    """Equal domains, or one below the other."""
    return one == other or one.endswith(b"." + other) or other.endswith(b"." + one)


def _ends(after: bytes) -> bool:
    """A full stop that ends a sentence."""
    return len(after) < 2 or after[1] not in _ALNUM
