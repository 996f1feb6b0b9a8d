"""How the warm-up plan is said, on the screen and in the page."""

from __future__ import annotations

from typing import Final

from todoku.i18n import Language, Words, say
from todoku.preflight.values import Advice, Figure, Ramp, WarmUp

WORDS: Final[Words] = {
    "title": {"ja": "送り始めの計画", "en": "warm-up"},
    "past": {
        "ja": "自分のログ（{first}〜{last}、メールのあった {days} 日、よそへの {messages} 通）をもとに、受信側"
        "ごとの 1 日の上限を示します。日付は UTC です。",
        "en": "Most messages a day for each receiver, by your own logs ({first} to {last}, {days} days with "
        "mail, {messages} messages to other servers; days are of UTC).",
    },
    "no-past": {
        "ja": "ログがないため、最初の日々の 1 日の上限（どの受信側にも同じ）だけを示します。--logs で自分の"
        "メールログを渡すと、受信側ごとに普段の量まで計画します。",
        "en": "Most messages a day to any one receiver in the first days. With your own mail logs (--logs) "
        "the plan goes up to what each of them usually gets from you.",
    },
    "habit": {"ja": "慣例、出典なし", "en": "habit, no source"},
    "figure": {"ja": "{text}: {value}（{by}）", "en": "{text}: {value} ({by})"},
    "usual": {
        "ja": "普段 1 日 {usual} 通、最も多い日 {most} 通",
        "en": "{usual} on a usual day, {most} on the busiest",
    },
    "volumes": {"ja": "1 日目から {volumes}", "en": "from the first day on: {volumes}"},
    "then": {
        "ja": "。{days} 日目からは普段どおり",
        "en": "; from day {days} on, as always",
    },
    "not-reached": {
        "ja": "。{days} 日では普段の量に届きません。残りは今のアドレスから送り続けてください",
        "en": "; {days} days are not enough: let the address of today send the rest",
    },
    "small": {
        "ja": "ほか {n} か所は最も多い日でも 1 日目の数以下なので、抑える必要はありません。",
        "en": "To {n} further places less goes on any day than on the first of the plan: nothing is to be "
        "held back.",
    },
    "none": {
        "ja": "どの送り先も 1 日目の数以下なので、抑える必要はありません。",
        "en": "To no place more goes on any day than on the first of the plan: nothing is to be held back.",
    },
    "elsewhere": {
        "ja": "受信側 {n} 件が公開している注意と上限は、--html と --json にあります。",
        "en": "What {n} receivers say of new senders, and limits of theirs: in --html and --json.",
    },
    "rest": {
        "ja": "上限を超える分は今のアドレスから送るか、翌日に回します。4xx が増えたら、その受信側だけ前の日の"
        "数に戻してください。",
        "en": "What exceeds it goes out from the address of today, or a day later. Where 4xx replies grow, go "
        "back to the volume of the day before, for that receiver alone.",
    },
}


class Told:
    """The sentences of a plan, in one language."""

    def __init__(self, plan: WarmUp, lang: Language) -> None:
        self.plan = plan
        self.lang: Language = lang

    def _say(self, key: str, **values: object) -> str:
        return say(WORDS[key], self.lang, **values)

    @property
    def title(self) -> str:
        return self._say("title")

    def head(self) -> str:
        past = self.plan.past
        if past is None:
            return self._say("no-past")
        return self._say(
            "past", first=past.first, last=past.last, days=past.days, messages=f"{past.messages:,}"
        )

    def figures(self) -> list[str]:
        return [self._figure(f) for f in self.plan.figures]

    def _figure(self, f: Figure) -> str:
        by = self._say("habit") if f.habit else ", ".join(f.source)
        return self._say("figure", text=f.text, value=f"{f.value:g}", by=by)

    def ramp(self, r: Ramp) -> list[str]:
        """Without the name."""
        told = []
        if r.usual is not None and r.most is not None:
            told.append(self._say("usual", usual=f"{r.usual:,}", most=f"{r.most:,}"))
        told.append(self.volumes(r))
        return told

    def volumes(self, r: Ramp) -> str:
        line = self._say("volumes", volumes=", ".join(f"{v:,}" for v in r.volumes))
        if self.plan.past is not None:
            key = "then" if r.reached else "not-reached"
            line += self._say(key, days=len(r.volumes))
        return line

    def advice(self, a: Advice) -> str:
        return f"{a.text} [{', '.join(a.source)}, {a.date}]"

    def small(self) -> str | None:
        if self.plan.past is None:
            return None
        if not self.plan.ramps:
            return self._say("none")
        return self._say("small", n=self.plan.small) if self.plan.small else None

    def elsewhere(self) -> str:
        return self._say("elsewhere", n=sum(bool(r.advice) for r in self.plan.ramps))

    def rest(self) -> str:
        return self._say("rest")
