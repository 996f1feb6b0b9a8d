"""`[lists]` and `[dns]`: which lists are asked, and through whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from todoku.i18n import Sentence
from todoku.settings import forms
from todoku.settings.setting import Setting


class Lists(msgspec.Struct, frozen=True, kw_only=True):
    """Which lists `todoku check` asks besides, or instead of, those of the knowledge's choice. Ids
    or zones, as written: only the knowledge can tell whether there is such a list."""

    required: tuple[str, ...] | None = None
    """Those whose answer decides the exit code; `None`: those of the tier `default` that this use
    permits."""
    add: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    keys: Mapping[str, str] = {}
    """By the name of the key; secrets."""

    def __repr__(self) -> str:
        """Without the keys: a value may end in a log."""
        names = ", ".join(f"{name}=..." for name in self.keys)
        return f"Lists(required={self.required}, add={self.add}, skip={self.skip}, keys=<{names}>)"


class DNS(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the lists are asked through."""

    resolver: str | None = None
    """`HOST[:PORT]`; `None`: what resolv.conf says."""
    direct: bool = False
    """Each list's own name servers are asked."""


_LISTS: Final[Sentence] = {
    "ja": 'リストの id かゾーンの並び。例: ["spamhaus-zen", "bl.spamcop.net"]',
    "en": 'a list of the ids or zones of lists, such as ["spamhaus-zen", "bl.spamcop.net"]',
}

ROWS: Final[tuple[Setting, ...]] = (
    Setting("lists", "required", "list", forms.list_id, _LISTS),
    Setting("lists", "add", "list", forms.list_id, _LISTS),
    Setting("lists", "skip", "list", forms.list_id, _LISTS),
    Setting(
        "lists",
        "keys",
        "table",
        forms.key,
        {
            "ja": '鍵の名前と、運営から受け取った鍵の対。例: { spamhaus-dqs = "your-key" }',
            "en": "names of keys and the keys that operators gave you, such as "
            '{ spamhaus-dqs = "your-key" }',
        },
        read_name=forms.list_id,
        secret=True,
    ),
    Setting(
        "dns",
        "resolver",
        "text",
        forms.server,
        {
            "ja": 'リゾルバーの IP アドレス。ポートも付けられます。例: "127.0.0.1"、"127.0.0.1:5353"',
            "en": "the IP address of a resolver, with its port where it is not 53, such as "
            '"127.0.0.1" or "127.0.0.1:5353"',
        },
    ),
    Setting("dns", "direct", "flag", str, {"ja": "true または false", "en": "true or false"}),
    Setting(
        "mail",
        "relay",
        "text",
        forms.server,
        {
            "ja": '手元のメールサーバーの IP アドレス。ポートも付けられます。例: "127.0.0.1:25"',
            "en": "the IP address of your own mail server, with its port where it is not 25, such as "
            '"127.0.0.1:25"',
        },
    ),
)
