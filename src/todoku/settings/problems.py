"""What is wrong with settings, told all at once: where, what, and what is wanted instead."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias

from todoku.errors import TodokuError
from todoku.i18n import Language, Sentence, Words, say
from todoku.settings.setting import Setting

Problem: TypeAlias = tuple[Sentence, dict[str, Any]]
"""A sentence, and the words in it."""


class SettingsError(TodokuError):
    """The settings cannot be used; names file (or variable), section, key and what is wanted."""

    exit_code = 78


WORDS: Final[Words] = {
    "unknown-key": {
        "ja": "{where}: [{section}] に {key} という設定はありません。{nearest}",
        "en": "{where}: [{section}] has no setting {key}. {nearest}",
    },
    "unknown-section": {
        "ja": "{where}: [{section}] という節はありません。{nearest}",
        "en": "{where}: there is no section [{section}]. {nearest}",
    },
    "unknown-variable": {
        "ja": "環境変数 {key}: そのような設定はありません。{nearest}",
        "en": "environment variable {key}: there is no such setting. {nearest}",
    },
    "nearest": {"ja": "最も近いのは {names} です。", "en": "The nearest is {names}."},
    "choices": {"ja": "使えるのは {names} です。", "en": "There are: {names}."},
    "bad-value": {
        "ja": "{where}: {key} の値 {value} は使えません。必要な形: {wanted}",
        "en": "{where}: {key} cannot be {value}. Wanted: {wanted}",
    },
    "not-a-section": {
        "ja": "{where}: {section} は節です。[{section}] の行の下に設定を書いてください。",
        "en": "{where}: {section} is a section; write its settings below a line [{section}].",
    },
    "no-toml": {
        "ja": "{where} は TOML として読めません（{why}）。",
        "en": "{where} is not readable as TOML ({why}).",
    },
    "no-utf8": {
        "ja": "{where} の文字コードが UTF-8 ではありません。UTF-8 で保存し直してください。",
        "en": "{where} is not in UTF-8. Save it as UTF-8.",
    },
    "no-file": {
        "ja": "設定ファイル {where} がありません（{by} で指定）。todoku init で作れます。",
        "en": "there is no settings file {where} (named by {by}). todoku init writes one.",
    },
    "unreadable": {
        "ja": "設定ファイル {where} を読めません（{why}）。読めるユーザーで実行するか、--config で"
        "別のファイルを指定してください。",
        "en": "cannot read the settings file {where} ({why}). Run as a user who may read it, or "
        "name another with --config.",
    },
    "secret": {"ja": "（表示しません）", "en": "(not shown)"},
}

SAFE: Final[Sentence] = {
    "ja": "何も実行していません。設定の一覧: docs/reference/settings.md",
    "en": "Nothing was done. All settings: docs/reference/settings.md",
}


def bad_value(setting: Setting, where: object, key: str, value: str) -> Problem:
    shown: object = WORDS["secret"] if setting.secret else value
    words = {"where": where, "key": key, "value": shown, "wanted": setting.wanted}
    return WORDS["bad-value"], words


def nearest_to(name: str, known: Iterable[str], form: str = "{}") -> dict[str, Any]:
    """For a message: the nearest right name, else all of them."""
    known = list(known)
    import difflib

    close = difflib.get_close_matches(name.lower(), [k.lower() for k in known], n=1, cutoff=0.6)
    if close:
        right = next(k for k in known if k.lower() == close[0])
        return {"nearest": (WORDS["nearest"], {"names": form.format(right)})}
    return {"nearest": (WORDS["choices"], {"names": ", ".join(form.format(k) for k in known)})}


def in_one(problems: list[Problem]) -> SettingsError:
    """One error of all problems, a line each."""

    def told(lang: Language) -> Iterator[str]:
        for sentence, words in problems:
            yield say(sentence, lang, **{k: _told(v, lang) for k, v in words.items()})
        yield SAFE[lang]

    lines = {lang: "\n".join(told(lang)) for lang in ("ja", "en")}
    return SettingsError({"ja": "{ja}", "en": "{en}"}, **lines)


def _told(value: object, lang: Language) -> object:
    """A word of a message, which may itself be a sentence in two languages."""
    if isinstance(value, dict):
        return value[lang]
    if isinstance(value, tuple):
        sentence, words = value
        return say(sentence, lang, **words)
    return value
