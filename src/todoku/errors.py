"""What todoku says when it cannot go on.

    TodokuError
    ├── SettingsError      (todoku.settings)
    └── StoreError         (todoku.store)

Each carries its sentence in both languages: what happened, what is safe, what to do. `str()` is
the English one, for logs and library users; the faces use `text(lang)`.
"""

from __future__ import annotations

from todoku.i18n import Language, Sentence, say


class TodokuError(Exception):
    """Something that a person can put right. Never a fault of the program itself."""

    exit_code: int = 1

    def __init__(self, sentence: Sentence, **values: object) -> None:
        super().__init__(say(sentence, "en", **values))
        self.sentence = sentence
        self.values = values

    def text(self, lang: Language) -> str:
        return say(self.sentence, lang, **self.values)
