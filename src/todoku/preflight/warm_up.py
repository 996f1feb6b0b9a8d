"""How a new address begins: at most so many messages a day to each receiver. Pure.

The volumes end at the busiest day of one's own logs. Without logs they are habit from end to end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from todoku.i18n import Language, Words, say
from todoku.knowledge.schema import Receiver
from todoku.preflight.data import Habit, WarmUps
from todoku.preflight.values import Advice, Figure, Past, Ramp, WarmUp
from todoku.preflight.volumes import Volume

MOST: Final = 12
"""Places that are told one by one."""
SHOWN: Final = 14
"""Days without a volume to end at: what Outlook.com calls a couple of weeks."""
_WEEKS: Final = "https://sendersupport.olc.protection.outlook.com/pm/troubleshooting.aspx"

WORDS: Final[Words] = {
    "start": {
        "ja": "1 日目に一つの受信側へ送る数",
        "en": "messages to one receiver on the first day",
    },
    "growth": {"ja": "前の日に対する倍率", "en": "each day to the day before"},
    "days": {"ja": "計画の最長日数", "en": "days of the longest plan"},
    "shown": {
        "ja": "ログがないときに示す日数（Outlook.com が言う 2 週間ほど）",
        "en": "days that are shown without logs (Outlook.com: a couple of weeks)",
    },
}


def warm_up(
    data: WarmUps,
    receivers: Mapping[str, Receiver],
    past: Past | None,
    volumes: Sequence[Volume],
    lang: Language,
) -> WarmUp:
    """`receivers`: the knowledge's, by id. `volumes`: the largest first."""
    habit, advice = data.habit, {w.receiver: w for w in data.receivers}

    def told(id_: str | None) -> tuple[Advice, ...]:
        found = advice.get(id_ or "")
        return () if found is None else tuple(
            Advice(text=getattr(a.text, lang), source=a.source, date=a.date) for a in found.advice
        )  # fmt: skip

    def named(id_: str | None, otherwise: str) -> str:
        known = receivers.get(id_ or "")
        return otherwise if known is None else str(getattr(known.name, lang))

    if past is None:
        ramps = [
            Ramp(
                receiver=id_,
                name=named(id_, id_),
                volumes=_volumes(habit, None, SHOWN),
                advice=told(id_),
            )
            for id_ in advice
        ]
        return WarmUp(past=None, figures=_figures(habit, lang, logs=False), ramps=tuple(ramps))
    large = [v for v in volumes if v.most > habit.start][:MOST]
    ramps = []
    for v in large:
        steps = _volumes(habit, v.most, habit.days)
        ramps.append(
            Ramp(
                receiver=v.receiver, name=named(v.receiver, v.place), usual=v.usual, most=v.most,
                volumes=steps, reached=steps[-1] >= v.most, advice=told(v.receiver),
            )
        )  # fmt: skip
    return WarmUp(
        past=past,
        figures=_figures(habit, lang, logs=True),
        ramps=tuple(ramps),
        small=len(volumes) - len(large),
    )


def _volumes(habit: Habit, most: int | None, days: int) -> tuple[int, ...]:
    found = [habit.start]
    while len(found) < days and found[-1] != most:
        volume = max(found[-1] + 1, _round(found[-1] * habit.growth))
        found.append(volume if most is None else min(most, volume))
    return tuple(found)


def _round(volume: float) -> int:
    """Down, to two digits: a plan is no measurement."""
    whole = int(volume)
    step = int(10 ** max(0, len(str(whole)) - 2))
    return whole // step * step


def _figures(habit: Habit, lang: Language, *, logs: bool) -> tuple[Figure, ...]:
    found = [
        Figure(value=habit.start, text=say(WORDS["start"], lang)),
        Figure(value=habit.growth, text=say(WORDS["growth"], lang)),
    ]
    if logs:
        return (*found, Figure(value=habit.days, text=say(WORDS["days"], lang)))
    shown = Figure(value=SHOWN, text=say(WORDS["shown"], lang), source=(_WEEKS,), habit=False)
    return (*found, shown)
