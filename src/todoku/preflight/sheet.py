"""How a check is written down: its words stand in a table beside it.

    SHEET = Sheet("ptr", WORDS, ("RFC 1912, section 2.1",))
    SHEET.tell(lang, address, "bad", "none", asked)

`WORDS` has `title`, `wanted`, `why`, and for each finding `found.<key>` and, where there is
something to do, `remedy.<key>`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from todoku.i18n import Language, Words, say
from todoku.preflight.values import Asked, Cause, Check, Detail, State


class Sheet(NamedTuple):
    id: str
    words: Words
    source: tuple[str, ...]

    def tell(
        self,
        lang: Language,
        about: str,
        state: State,
        key: str,
        asked: Iterable[Asked] = (),
        *,
        cause: Cause | None = None,
        details: Iterable[str | Detail] = (),
        chart: str | None = None,
        **values: Any,
    ) -> Check:
        """The check, found to be so. `unknown` without a cause is `unanswered`."""
        if state == "unknown" and cause is None:
            cause = "unanswered"
        values = {"about": about, **{k: _short(v) for k, v in values.items()}}
        remedy = self.words.get(f"remedy.{key}")
        wanted = self.words.get(f"wanted.{key}", self.words["wanted"])
        return Check(
            id=self.id,
            about=about,
            title=self.words["title"][lang],
            state=state,
            cause=cause,
            finding=key,
            found=say(self.words[f"found.{key}"], lang, **values),
            wanted=say(wanted, lang, **values),
            why=say(self.words["why"], lang, **values),
            remedy=None if remedy is None else say(remedy, lang, **values),
            source=self.source,
            evidence=tuple(dict.fromkeys(asked)),
            details=tuple(Detail(text=_short(d)) if isinstance(d, str) else d for d in details),
            map=chart,
        )

    def silent(self, lang: Language, about: str, asked: Iterable[Asked], **values: Any) -> Check:
        """Nothing usable came: the answer that failed says why."""
        asked = tuple(dict.fromkeys(asked))
        failed = next((a for a in asked if a.outcome == "unknown"), None)
        name, kind, why = (failed.name, failed.type, failed.why) if failed else ("", "", None)
        words = {
            **self.words,
            "found.silent": SILENT[why or "timeout"],
            "remedy.silent": SILENT["remedy"],
        }
        values = {**values, "name": name, "type": kind}
        return Sheet(self.id, words, self.source).tell(
            lang, about, "unknown", "silent", asked, **values
        )


LONGEST: Final = 300
"""Characters of a stranger's record in a sentence; all of it stands in the evidence."""


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > LONGEST:
        return value[:LONGEST] + "…"
    return value


SILENT: Words = {
    "timeout": {
        "ja": "{name} の {type} に時間内に応答がありません。有無は分かりません。",
        "en": "no answer in time for {type} of {name}: whether there is one is not known.",
    },
    "servfail": {
        "ja": "{name} の {type} の名前解決に失敗しました（SERVFAIL）。有無は分かりません。",
        "en": "the look-up of {type} of {name} failed (SERVFAIL): whether there is one is not known.",
    },
    "refused": {
        "ja": "リゾルバーが {name} の {type} への問い合わせを拒否しました（REFUSED）。有無は分かりません。",
        "en": "the resolver refused the question for {type} of {name} (REFUSED): whether there is one "
        "is not known.",
    },
    "malformed": {
        "ja": "{name} の {type} への応答を読み取れません。有無は分かりません。",
        "en": "the answer for {type} of {name} cannot be read: whether there is one is not known.",
    },
    "late": {
        "ja": "{name} の {type} は期限内に尋ねられませんでした。有無は分かりません。",
        "en": "{type} of {name} could not be asked within the deadline: whether there is one is not "
        "known.",
    },
    "cut-off": {
        "ja": "リゾルバーが一度も応答しないため、{name} の {type} は分かりません。",
        "en": "the resolver never answered, so {type} of {name} is not known.",
    },
    "remedy": {
        "ja": "リゾルバー（--resolver）への経路と動作を確かめ、もう一度実行してください。",
        "en": "see that the resolver (--resolver) can be reached and works, and run this again.",
    },
}
"""Why an answer is not known."""
