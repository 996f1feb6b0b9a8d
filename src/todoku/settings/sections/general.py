"""`[general]`: the language, and where everything is."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

import msgspec

from todoku.i18n import Language
from todoku.settings import forms
from todoku.settings.setting import Setting

Use: TypeAlias = Literal["private", "commercial"]


class General(msgspec.Struct, frozen=True, kw_only=True):
    language: Language | None = None
    use: Use = "commercial"
    data: str
    store: str


ROWS: Final[tuple[Setting, ...]] = (
    Setting(
        "general",
        "language",
        "text",
        forms.choice("ja", "en"),
        {"ja": '"ja" または "en"', "en": '"ja" or "en"'},
    ),
    Setting(
        "general",
        "use",
        "text",
        forms.choice("private", "commercial"),
        {"ja": '"private" または "commercial"', "en": '"private" or "commercial"'},
    ),
    Setting(
        "general",
        "data",
        "text",
        forms.path,
        {"ja": '"/var/lib/todoku" のようなフォルダー', "en": 'a folder, such as "/var/lib/todoku"'},
    ),
    Setting(
        "general",
        "store",
        "text",
        forms.store,
        {
            "ja": '"sqlite:///ファイル" または "postgresql://ユーザー@ホスト/データベース"',
            "en": '"sqlite:///FILE" or "postgresql://USER@HOST/DATABASE"',
        },
        secret=True,
    ),
)
