"""`[knowledge]` and `[lab]`: a folder of rules of one's own, and the world that `todoku lab` makes."""

from __future__ import annotations

from typing import Final

import msgspec

from todoku.settings import forms
from todoku.settings.setting import Setting


class Knowledge(msgspec.Struct, frozen=True, kw_only=True):
    overlay: str


class Lab(msgspec.Struct, frozen=True, kw_only=True):
    """For those that live in the world of `todoku lab`, which writes all of it."""

    port: str = "25"
    """Where receivers answer."""
    clock: str | None = None
    """`todoku.lab.clock.FastClock.of` reads it; `None`: the machine's."""
    list: str | None = None
    """The zone of the only list that is asked; `None`: those of the knowledge."""
    signer: str | None = None
    """Who signs for the desks; `None`: as the knowledge has it."""
    desk: str | None = None
    """The mailbox of the desks, which take mail; `None`: as the knowledge has it."""


ROWS: Final[tuple[Setting, ...]] = (
    Setting(
        "knowledge",
        "overlay",
        "text",
        forms.path,
        {
            "ja": '規則を置くフォルダー。例: "/etc/todoku/knowledge"',
            "en": 'the folder of your own rules, such as "/etc/todoku/knowledge"',
        },
    ),
    Setting(
        "lab",
        "port",
        "text",
        forms.port,
        {"ja": 'ポート番号。例: "2525"', "en": 'a port, such as "2525"'},
    ),
    Setting(
        "lab",
        "clock",
        "text",
        forms.clock,
        {"ja": "todoku lab が書いた時計", "en": "the clock that todoku lab wrote"},
    ),
    Setting(
        "lab",
        "list",
        "text",
        forms.domain,
        {
            "ja": 'リストのゾーン。例: "bl.lab.test"',
            "en": 'the zone of a list, such as "bl.lab.test"',
        },
    ),
    Setting(
        "lab",
        "signer",
        "text",
        forms.domain,
        {"ja": "窓口のドメイン", "en": "the domain of the desk"},
    ),
    Setting("lab", "desk", "text", forms.mailbox, forms.ADDRESS),
)
