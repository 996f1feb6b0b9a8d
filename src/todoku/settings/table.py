"""Every setting. A new one is a field and a row in its section's module."""

from __future__ import annotations

from typing import Final

from todoku.settings.forms import ADDRESS, endpoint, host_name, mailbox, port, server, smarthost
from todoku.settings.sections import asking, cases, general, keeping, mail, own, surroundings
from todoku.settings.setting import Setting

__all__ = [
    "ADDRESS",
    "SETTINGS",
    "Setting",
    "endpoint",
    "host_name",
    "mailbox",
    "port",
    "server",
    "smarthost",
]

SETTINGS: Final[tuple[Setting, ...]] = (
    *general.ROWS,
    *own.ROWS,
    *asking.ROWS,
    *mail.ROWS,
    *cases.ROWS,
    *keeping.ROWS,
    *surroundings.ROWS,
)
