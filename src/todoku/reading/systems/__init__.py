"""Notices whose shape is their program's own. Each module has `read(text, hint)`, which answers
`None` where the text is not that program's; a phrase of the text decides which one is asked.

To add one: a file here, and its phrase in the table below.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from todoku.model import Refusal

if TYPE_CHECKING:
    from todoku.reading.notice import Hint

_PHRASES = (
    ("ERROR_CODE :", "zoho"),
    (", ResponseCode ", "zoho"),
    ("Duplicated Message-ID in <", "fml"),
    ("did not accept our requests to connect", "gmail"),
    ('"notificationType', "ses"),
    ('"Type" : "Notification"', "ses"),
)


def read(text: str, hint: Hint) -> list[Refusal] | None:
    """The refusals of a notice that one of these knows; `None` where none does."""
    for phrase, name in _PHRASES:
        if phrase in text:
            module = import_module(f"{__name__}.{name}")
            found: list[Refusal] | None = module.read(text, hint)
            return found
    return None
