"""Whose mail it is (docs/privacy.md). Bounces tell who wrote to whom: whoever runs mail for others, as
hosting companies and schools do, says why he may read them before todoku does; and who is shown whom
mail was sent to."""

from __future__ import annotations

from typing import Final

from todoku.cases import veil
from todoku.cases.records import Recorded
from todoku.errors import TodokuError
from todoku.i18n import Words
from todoku.settings import Privacy, Settings

WORDS: Final[Words] = {
    "no-basis": {
        "ja": '設定 [privacy] operator が "others"（他人の通信を扱う事業者）ですが、{missing} が書かれていません。'
        "返送メールには、だれがだれへ送ったかという通信の秘密が含まれるため、法的根拠を記録するまで読みません。"
        "メールは渡した側に残っています。書き方: docs/privacy.ja.md",
        "en": '[privacy] operator of the settings is "others", and {missing} is not set. Bounces tell who '
        "wrote to whom, so customers' mail is not read before its legal basis is on record. The mail "
        "stays with whoever handed it over. How to write it: docs/privacy.md",
    },
}


class NotPermitted(TodokuError):
    """There is no legal basis on record. Nothing was read."""

    exit_code = 78


def check(settings: Settings) -> None:
    """Raises `NotPermitted` where mail of others would be read and nobody has said why it may be."""
    missing = lacking(settings.privacy)
    if missing:
        raise NotPermitted(WORDS["no-basis"], missing=", ".join(missing))


def may_see(privacy: Privacy, user: str | None) -> bool:
    """Whether this user of the machine is shown addresses of recipients as they are."""
    return "*" in privacy.clear_for or user in privacy.clear_for


def shown(
    recorded: tuple[Recorded, ...], privacy: Privacy, user: str | None
) -> tuple[Recorded, ...]:
    """Events as this user may see them."""
    return recorded if may_see(privacy, user) else veil.recorded(recorded)


def lacking(privacy: Privacy) -> tuple[str, ...]:
    """The settings that an operator of others' mail still has to write down."""
    if privacy.operator == "own":
        return ()
    wanted = ("legal_basis", "decided_by", "decided_on")
    return tuple(name for name in wanted if getattr(privacy, name) is None)
