"""The verdict in Sisimai's words, for those who migrate.

Sisimai judges some things by other signs than we do; what it says is kept to what it would say:

- A mailbox that does not exist is `userunknown` to it where the status code says so (x.1.z) or the
  refusal came at `RCPT TO`, and otherwise `filtered`.
- A queue that gave up is `expired` to it where nothing but a failed connection is known.

5.6 merged some reasons into `ratelimited` and `emailtoolarge`.
"""

from __future__ import annotations

from todoku.knowledge.schema import Reason
from todoku.model import Refusal, Sisimai


def translate(
    refusal: Refusal,
    about: Reason,
    word: str | None,
    *,
    common: bool,
    temporary: bool | None,
    newer: bool,
) -> Sisimai:
    """`word` is the rule's own, where it has one; `common` says that the words are not those of
    one receiver, `newer` asks for the names of 5.6."""
    if refusal.expired and about.sisimai in ("expired", "networkerror"):
        word = "expired"
    elif word is None:
        word = about.sisimai
        if about.sisimai_unsupported and common and not _supported(refusal):
            word = about.sisimai_unsupported
    if newer:
        word = _NEWER.get(word, word)
    return Sisimai(word, about.hardbounce and temporary is not True)


_NEWER = {
    "speeding": "ratelimited",
    "toomanyconn": "ratelimited",
    "exceedlimit": "emailtoolarge",
    "mesgtoobig": "emailtoolarge",
}


def _supported(refusal: Refusal) -> bool:
    enhanced = refusal.reply.enhanced
    return refusal.stage == "RCPT TO" or (enhanced is not None and enhanced[2:4] == "1.")
