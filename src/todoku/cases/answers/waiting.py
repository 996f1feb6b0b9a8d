"""How long a desk says that it takes, or until when. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple

from todoku.knowledge.answer_patterns import compiled
from todoku.knowledge.answers import AnswerRules

MOST_HOURS: Final = 24 * 366
_PAST: Final = re.compile(
    r"(?:\b(?:last|past|previous|preceding|every|per|letzten|vergangenen)\s*|過去|直近|これまで)\Z",
    re.I,
)
_AGO: Final = re.compile(r"\s*(?:ago|old|earlier|前に)\b", re.I)
_OTHER: Final = re.compile(
    r"\b(?:re-?open\w*|observ\w*|monitor\w*|link|valid|unconfirmed|not confirmed|close[sd]?|survey|TTL|per (?:hour|day)"
    r"|(?:reply|respond|answer us) within|gültig|beobachte\w*|schließen)\b|有効期間|様子を見",
    re.I,
)
"""What takes so long is something else."""
_END: Final = re.compile(r"[.!?](?=\s)|[。\n]")
_NUMBERS: Final = {
    name: str(number)
    for number, names in {
        1: "one", 2: "two zwei deux", 3: "three drei trois",
        4: "four vier quatre", 5: "five fünf cinq", 6: "six sechs", 7: "seven sieben sept",
        8: "eight acht huit", 9: "nine neun neuf", 10: "ten zehn dix", 12: "twelve zwölf douze",
        15: "fifteen fünfzehn quinze", 20: "twenty zwanzig vingt", 24: "twenty-four vierundzwanzig",
        30: "thirty dreißig trente", 36: "thirty-six", 48: "forty-eight achtundvierzig",
        60: "sixty sechzig soixante", 72: "seventy-two zweiundsiebzig",
    }.items()
    for name in names.split()
}  # fmt: skip
_UNIT: Final = (
    r"(?:[\w-]+ )??(?:hours?|minutes?|days?|weeks?|Stunden?|Minuten?|\w*Tag(?:e?[ns]?)?|Wochen?|heures?|jours?"
    r"|semaines?)\b"
)
_ONE: Final = re.compile(
    r"\b(within|in|up to|about|after|takes?|allow|another|innerhalb|binnen|nach|dans|sous|d'ici|après)"
    rf" (?:an?|eine[mnrs]?|une?) (?={_UNIT})",
    re.I,
)
_NUMBER: Final = re.compile(
    rf"(?<![\w-])({'|'.join(sorted(_NUMBERS, key=len, reverse=True))})(?= (?:to |or |bis |oder |à |ou )?"
    rf"{_UNIT})",
    re.I,
)
"""Numbers in words, where they count time: "within one business day"."""
_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        ("jan", "feb", "mar mär mrz", "apr", "may mai", "jun", "jul", "aug", "sep", "oct okt", "nov",
         "dec dez"),
        1,
    )
    for name in names.split()
}  # fmt: skip
_DATE: Final = re.compile(
    r"(?P<y>20\d\d)[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?!\d)"
    r"|(?P<yj>20\d\d)\s*年\s*(?P<mj>\d{1,2})\s*月\s*(?P<dj>\d{1,2})\s*日"
    r"|(?P<de>\d{1,2})(?:st|nd|rd|th|\.)?\s+(?:of\s+)?(?P<me>[A-Za-zä]{3,9})\.?,?\s+(?P<ye>20\d\d)"
    r"|(?P<mu>[A-Za-z]{3,9})\.?\s+(?P<du>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<yu>20\d\d)"
    r"|(?P<dd>\d{1,2})\.(?P<md>\d{1,2})\.(?P<yd>20\d\d)"
)
_TIME: Final = re.compile(
    r"(?:[\sT,(]{1,3}|(?<=日))(?:at\s+|um\s+)?(?P<h>\d{1,2})(?::|時)(?P<min>\d{2})?(?::\d{2})?\s*分?\s*"
    r"(?P<zone>Z|UTC|GMT|JST|[+-]\d\d:?\d\d)?"
)
_UNTIL: Final = re.compile(
    r"(?:\b(?:until|till|expires?(?: automatically)?(?: on| at)?|removed (?:automatically )?on|ends?(?: on)?|by"
    r"|bis(?: zum)?|am)\s{1,3}(?:\w{2,9}day,?\s+)?|期限[は:]?\s{0,2})\Z",
    re.I,
)
_UNTIL_JA: Final = re.compile(r"\s{0,2}(?:まで|に(?:自動|期限|失効|解除))")


class Wait(NamedTuple):
    min_hours: float | None = None
    max_hours: float | None = None
    until: datetime | None = None


def find(text: str, desks: Sequence[AnswerRules]) -> Wait:
    """The first span that the text names, and the first day until when."""
    text = _ONE.sub(r"\1 1 ", text)
    text = _NUMBER.sub(lambda found: _NUMBERS[found[1].lower()], text)
    low, high = _span(text, desks)
    return Wait(low, high, _until(text))


def _span(text: str, desks: Sequence[AnswerRules]) -> tuple[float | None, float | None]:
    first: tuple[tuple[int, bool], float | None, float] | None = None
    for desk in desks:
        for span in desk.waits:
            for pattern in span.match:
                for found in compiled(pattern).finditer(text):
                    groups = found.groupdict()
                    number = found.start("min" if groups.get("min") else "max")
                    if _PAST.search(text[max(0, number - 24) : number]):
                        continue
                    if _AGO.match(text, found.end()) or _OTHER.search(
                        _sentence(text, found.start(), found.end())
                    ):
                        continue
                    high = float(groups["max"]) * span.hours
                    low = float(groups["min"]) * span.hours if groups.get("min") else None
                    place = found.start("max"), low is None  # "24-48 hours" before "48 hours"
                    if high <= MOST_HOURS and (first is None or place < first[0]):
                        first = place, low, high
                    break
    if first is None:
        return None, None
    _, low, high = first
    return (None, high) if low is None else (min(low, high), max(low, high))


def _sentence(text: str, start: int, end: int) -> str:
    """A sentence, or the part of a long one that is near."""
    low = max(0, start - 200)
    begin = max((found.end() for found in _END.finditer(text, low, start)), default=low)
    stop = _END.search(text, end, end + 200)
    return text[begin : stop.start() if stop else end + 200]


def _until(text: str) -> datetime | None:
    for n, found in enumerate(_DATE.finditer(text)):
        if n > 100:
            break
        before = text[max(0, found.start() - 40) : found.start()]
        time = _TIME.match(text, found.end())
        end = time.end() if time else found.end()
        if _UNTIL.search(before) or _UNTIL_JA.match(text, end):
            return _moment(found, time)
    return None


def _moment(found: re.Match[str], time: re.Match[str] | None) -> datetime | None:
    """A day without an hour is over when it ends; without a zone it is UTC."""
    g = found.groupdict()
    year = g["y"] or g["yj"] or g["ye"] or g["yu"] or g["yd"]
    day = g["d"] or g["dj"] or g["de"] or g["du"] or g["dd"]
    name = g["me"] or g["mu"]
    month = _MONTHS.get(name[:3].lower()) if name else int(g["m"] or g["mj"] or g["md"])
    if month is None:
        return None
    zone = "+00:00"
    hour, minute = 23, 59
    if time is not None:
        hour, minute = int(time["h"]), int(time["min"] or 0)
        told = time["zone"] or ""
        zone = "+09:00" if told == "JST" else told if told[:1] in {"+", "-"} else "+00:00"
    try:
        moment = datetime.strptime(
            f"{year}-{month}-{day} {hour}:{minute} {zone.replace(':', '')}", "%Y-%m-%d %H:%M %z"
        )
        return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
