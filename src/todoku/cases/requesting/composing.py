"""A draft becomes a letter that todoku sends. Pure."""

from __future__ import annotations

from typing import Final

from todoku.cases.events import Letter
from todoku.cases.requesting.values import Draft
from todoku.settings import Contact

NOT_MAIL: Final = "not-mail"
"""The desk takes no mail: what keeps a letter from being sent, besides the obstacles of a draft."""
_NEEDS_A_PERSON: Final = frozenset({"own-mailbox", "other-desk", "old-refusal", "own-words"})
"""What a person may judge; todoku by itself does not."""


def keeps(draft: Draft, *, by_itself: bool) -> tuple[str, ...]:
    """What keeps todoku from sending the draft, by kinds of obstacles. `by_itself`: without a person
    who has read it.

    A reply to a desk that has said no never leaves by the address that is blocked: it would be
    refused, or count against it."""
    found = [o.kind for o in draft.obstacles if o.stops or o.kind == "gaps"]
    if draft.channel != "mail" or draft.address is None:
        return (NOT_MAIL,)
    those = _NEEDS_A_PERSON if by_itself else frozenset[str]()
    if draft.purpose == "escalate":
        those |= {"own-mailbox"}
    found += [o.kind for o in draft.obstacles if o.kind in those and not o.stops]
    return tuple(dict.fromkeys(found))


def compose(draft: Draft, contact: Contact, thread: tuple[str, ...]) -> Letter:
    """Of a draft that nothing keeps. `thread`: of the case; a first request begins a new one."""
    assert draft.address is not None  # noqa: S101  `keeps` has seen to these
    assert contact.email is not None  # noqa: S101
    return Letter(
        to=draft.address,
        subject=draft.subject,
        sender=contact.email,
        name=contact.name or "",
        thread=thread if draft.purpose != "request" else (),
    )
