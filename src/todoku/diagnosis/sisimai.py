"""The verdict in Sisimai's words, for those who migrate.

Sisimai weighs some signs otherwise than we do; what it says is kept to what it would say:

- A mailbox that does not exist is `userunknown` to it where the status code says so (x.1.z), the
  refusal came at `RCPT TO`, or the reporter calls it a bad mailbox, and otherwise `filtered`.
- A policy in general words is what the status code says (`5.7.0`: `securityerror`).
- A client refused at `MAIL FROM` is a `rejected` sender.
- A queue that gave up, or a warning that names no ground, is `expired`.

5.6 merged some reasons into `ratelimited` and `emailtoolarge`.
"""

from __future__ import annotations

from todoku.knowledge.schema import Reason
from todoku.model import Refusal, Sisimai

_NEWER = {
    "speeding": "ratelimited",
    "toomanyconn": "ratelimited",
    "exceedlimit": "emailtoolarge",
    "mesgtoobig": "emailtoolarge",
}


def translate(
    refusal: Refusal,
    about: Reason,
    rule: str | None,
    status: str | None,
    *,
    common: bool,
    understood: bool,
    temporary: bool | None,
    newer: bool,
) -> Sisimai:
    """`rule` is the word of the rule that won, where it has one, and `status` that of the status
    code; `common` says that the words are not those of one receiver, `understood` that a rule won;
    `newer` asks for the names of 5.6."""
    word = rule or about.sisimai
    if not understood and refusal.action == "delayed":
        word = "expired"
    elif rule is None and common:
        word = _of_common_words(refusal, about, status, word)
    if newer:
        word = _NEWER.get(word, word)
    return Sisimai(word, about.hardbounce and temporary is not True)


def _of_common_words(refusal: Refusal, about: Reason, status: str | None, word: str) -> str:
    if refusal.expired and word in ("expired", "networkerror"):
        return "expired"
    if about.sisimai_unsupported and not _supported(refusal):
        return about.sisimai_unsupported
    if word == "blocked" and about.sisimai_at_mail and refusal.stage == "MAIL FROM":
        return about.sisimai_at_mail
    if word in ("policyviolation", "undefined") and status:
        return status
    return word


def _supported(refusal: Refusal) -> bool:
    enhanced = refusal.reply.enhanced
    return (
        refusal.stage == "RCPT TO"
        or (enhanced is not None and enhanced[2:4] == "1.")
        or "bad-mailbox" in refusal.notice
    )
