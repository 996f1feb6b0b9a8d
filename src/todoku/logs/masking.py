"""What belongs to a single message taken out of a reply, so that equal grounds are equal words.

Done for every refused line of a log, so each word is masked once and then looked up: most words of
replies come again and again. What could be the ground stays as it is: addresses of hosts, names,
codes (`S3140`, `AS(201806281)`, `5.7.1`). `todoku.logs.judging` sees to it that nothing that a
diagnosis names is masked.
"""

from __future__ import annotations

import re
from typing import Final

RECIPIENT: Final = b"<recipient>"
_KEPT: Final = 50_000
"""Words remembered."""
_LONGEST: Final = 2_000

# Letters behind a digit: the number of a queue, a message, a session or a server. Codes have digits
# alone behind their letters. Of numbers only those are masked that are as long as a time, or that
# stand in the first labels of a long host name.
_ID: Final = re.compile(
    rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.,\d]{0,12}Z?"
    rb"|(?<![0-9A-Za-z])(?=[A-Za-z]{0,60}\d{1,60}[A-Za-z])[0-9A-Za-z]{5,500}(?:\.[a-z]{0,3}\d{1,4}(?![\w.]))?"
    rb"|(?<![0-9A-Za-z.(])\d{10,500}(?![\d.])"
    rb"|(?<=[A-Za-z-])\d{1,4}[a-z]?(?=\.[a-z0-9-]{1,20}\.[a-z0-9-]{1,20}\.[a-z])"
)


class _Words(dict[bytes, bytes]):
    """A word to the word without what is of one message."""

    def __missing__(self, word: bytes) -> bytes:
        if len(word) > _LONGEST:
            return b"#"
        masked = word if len(word) < 5 else _ID.sub(b"#", word)
        if masked == word:
            if len(self) >= _KEPT:
                self.clear()
            self[word] = masked
        return masked


class Masks:
    """Masks the replies of a run."""

    __slots__ = ("_words",)

    def __init__(self) -> None:
        self._words = _Words()

    def template(self, reply: bytes, recipient: bytes) -> bytes:
        """The words of a reply, the recipient's address and the marks of one message masked."""
        if recipient:
            reply = reply.replace(recipient, RECIPIENT)
        return b" ".join(map(self._words.__getitem__, reply.split(b" ")))
