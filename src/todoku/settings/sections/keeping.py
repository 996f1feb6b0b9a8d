"""`[privacy]` and `[logs]`: what is kept, for how long, and who may see it."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from todoku.settings import forms
from todoku.settings.setting import Setting


class Privacy(msgspec.Struct, frozen=True, kw_only=True):
    """Whose mail it is, and how long it is kept (docs/privacy.md)."""

    operator: Literal["own", "others"] = "own"
    """`others`: their mail is not read before the next three are set."""
    legal_basis: str | None = None
    decided_by: str | None = None
    decided_on: str | None = None
    """YYYY-MM-DD."""
    keep_days: str = "30"
    """After so many days the text of a mail that came in is erased."""
    clear_for: tuple[str, ...] = ()
    """Users of this machine who see addresses of recipients as they are; `*`: all."""


class Logs(msgspec.Struct, frozen=True, kw_only=True):
    """How deliveries are stored (docs/deliveries.md)."""

    recipients: Literal["off", "hashed", "clear"] = "hashed"
    keep_deliveries: str = "180"
    """Days."""


ROWS: Final[tuple[Setting, ...]] = (
    Setting(
        "privacy",
        "operator",
        "text",
        forms.choice("own", "others"),
        {
            "ja": '"own"（自分たちのメール）または "others"（顧客など他人のメール）',
            "en": '"own" (mail of your own people) or "others" (mail of customers)',
        },
    ),
    Setting("privacy", "legal_basis", "text", forms.line, forms.LINE),
    Setting("privacy", "decided_by", "text", forms.line, forms.LINE),
    Setting(
        "privacy",
        "decided_on",
        "text",
        forms.day,
        {"ja": '日付。例: "2026-11-24"', "en": 'a date, such as "2026-11-24"'},
    ),
    Setting(
        "privacy",
        "keep_days",
        "text",
        forms.days,
        {"ja": '1〜3650 の日数。例: "30"', "en": 'days, from 1 to 3650, such as "30"'},
    ),
    Setting(
        "privacy",
        "clear_for",
        "list",
        forms.user,
        {
            "ja": 'このマシンのユーザー名の並び。例: ["sato"]（全員なら ["*"]）',
            "en": 'a list of users of this machine, such as ["sato"] (all of them: ["*"])',
        },
    ),
    Setting(
        "logs",
        "recipients",
        "text",
        forms.choice("off", "hashed", "clear"),
        {
            "ja": '"off"（保存しない）、"hashed"（鍵付きハッシュ）または "clear"（そのまま）',
            "en": '"off" (not stored), "hashed" (with a key) or "clear"',
        },
    ),
    Setting(
        "logs",
        "keep_deliveries",
        "text",
        forms.days,
        {"ja": '1〜3650 の日数。例: "180"', "en": 'days, from 1 to 3650, such as "180"'},
    ),
)
