"""The two languages. Sentences stand beside the code that says them, as `{"ja": ..., "en": ...}`.

WORDS: Final[Words] = {
    "no-file": {
        "ja": "{path} がありません。",
        "en": "{path} does not exist.",
    },
}
say(WORDS["no-file"], "ja", path=path)
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

Language: TypeAlias = Literal["ja", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

Sentence: TypeAlias = Mapping[Language, str]
Words: TypeAlias = Mapping[str, Sentence]


def language(
    option: str | None, environ: Mapping[str, str], setting: str | None = None
) -> Language:
    """The language to speak: what the command line says, the settings, the locale.

    `TODOKU_GENERAL_LANGUAGE` is a setting like any other and beats the file; of the locale's
    variables the first that is set decides, as POSIX has it. Everything that is not Japanese is
    English.
    """
    for chosen in (option, environ.get("TODOKU_GENERAL_LANGUAGE"), setting):
        if chosen == "ja":
            return "ja"
        if chosen == "en":
            return "en"
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = environ.get(name)
        if value:
            return "ja" if value.lower().split(".")[0].split("_")[0] == "ja" else "en"
    return "en"


class Number(int):
    """A count in a sentence: `{n}` has its thousands, `{n:mail|mails}` is the word that fits it."""

    def __format__(self, spec: str) -> str:
        one, choice, many = spec.partition("|")
        if choice:
            return one if self == 1 else many
        return format(int(self), spec or ",")


def say(sentence: Sentence, lang: Language, /, **values: object) -> str:
    """The sentence in that language, filled in."""
    return sentence[lang].format(**values)
