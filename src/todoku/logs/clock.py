"""Stamps of log lines to seconds since 1970, UTC.

    Nov  1 00:00:38                      local time, no year
    2026-11-01T00:00:02.641528+00:00     what else has a date; without an offset, local time
    @1793491200641528                    microseconds, as the journal counts
    @400000006ae6810a20658697            TAI64N, 10 seconds ahead of UTC in 1970

The year that is missing is the latest in which the stamp lies no more than a day ahead of `newest`:
when the file was last written. So a log of less than a year is read right however its clock jumps.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from todoku.lazy import expression

_MONTHS: Final = {
    m: n for n, m in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)
}
_DATED: Final = expression(
    rb"(?P<date>\d{4}-\d\d-\d\d)[T ](?P<minute>\d\d:\d\d):(?P<second>\d\d(?:[.,]\d{1,9})?)"
    rb" ?(?P<zone>Z|[+-]\d\d:?\d\d)?"
)
_KEPT: Final = 4_096
"""Minutes remembered: lines come in order, so most fall into the last one."""
_TAI: Final = 0x4000000000000000 + 10


class Clock:
    """Reads the stamps of one source. `zone` is that of stamps without one (default: this
    machine's), `newest` the seconds that no stamp is later than, give or take a day."""

    def __init__(self, newest: float, zone: tzinfo | None = None, year: int | None = None) -> None:
        self._newest = newest + 86_400
        self._zone = zone
        self._year = year
        self._minutes: dict[bytes, float | None] = {}
        self._hour: tuple[bytes, bytes, float | None] = (b"", b"", None)
        """What stands before and behind the minutes, and when the hour begins."""

    def move(self, newest: float) -> None:
        """Time goes on while a log is followed."""
        self._newest = newest + 86_400
        self._minutes.clear()
        self._hour = (b"", b"", None)

    def read(self, stamp: bytes) -> float | None:
        """Seconds since 1970; `None` for what is no time, such as 30 February."""
        first = stamp[:1]
        if first.isalpha():
            minute, second = stamp[:12], stamp[13:]
        elif first == b"@":
            return _counted(stamp[1:])
        else:
            m = _DATED.match(stamp)
            if m is None:
                return None
            minute = b"%b %b %b" % (m["date"], m["minute"], m["zone"] or b"")
            second = m["second"].replace(b",", b".")
        if minute not in self._minutes:
            if len(self._minutes) >= _KEPT:
                self._minutes.clear()
            self._minutes[minute] = self._minute(minute)
        start = self._minutes[minute]
        if start is None:
            return None
        try:
            return start + float(second)
        except ValueError:
            return None

    def _minute(self, minute: bytes) -> float | None:
        """Most minutes are so many after the hour: the calendar is asked for both ends of an hour alone,
        and minute by minute where another year or offset begins in it."""
        at = 10 if minute[:1].isalpha() else 14
        before, told, behind = minute[:at], minute[at : at + 2], minute[at + 2 :]
        if self._hour[:2] != (before, behind):
            first, last = (self._asked(before + n + behind) for n in (b"00", b"59"))
            even = first is not None and last is not None and last - first == 59 * 60
            self._hour = before, behind, first if even else None
        begin = self._hour[2]
        if begin is not None and len(told) == 2 and told.isdigit() and told < b"60":
            return begin + 60 * int(told)
        return self._asked(minute)

    def _asked(self, minute: bytes) -> float | None:
        try:
            if minute[:1].isalpha():
                return self._without_year(minute)
            date, clock, zone = minute.decode("ascii").split(" ")
            told = datetime.fromisoformat(f"{date}T{clock}{zone}")
            return self._seconds(told) if told.tzinfo is None else told.timestamp()
        except (ValueError, OverflowError, OSError):
            return None

    def _without_year(self, minute: bytes) -> float | None:
        month = _MONTHS.get(minute[:3])
        if month is None:
            return None
        day, hour, minutes = int(minute[4:6]), int(minute[7:9]), int(minute[10:12])
        if self._year is not None:
            return self._seconds(datetime(self._year, month, day, hour, minutes))  # noqa: DTZ001
        latest = datetime.fromtimestamp(self._newest, UTC).year + 1
        for year in range(latest, latest - 10, -1):  # 29 February: at most eight years back
            try:
                seconds = self._seconds(datetime(year, month, day, hour, minutes))  # noqa: DTZ001
            except ValueError:
                continue
            if seconds <= self._newest:
                return seconds
        return None

    def _seconds(self, local: datetime) -> float:
        return local.replace(tzinfo=self._zone).timestamp()


def _counted(digits: bytes) -> float | None:
    """The journal's microseconds, or TAI64N; `None` for what no calendar holds."""
    try:
        if len(digits) == 24:
            seconds = int(digits[:16], 16) - _TAI + int(digits[16:], 16) / 1e9
        else:
            seconds = int(digits) / 1e6
    except ValueError:
        return None
    return seconds if 0 <= seconds < 1e11 else None


def rfc3339(seconds: float | None) -> str | None:
    """`2026-11-01T00:00:02Z`; `None` for what no calendar holds."""
    if seconds is None:
        return None
    try:
        return (datetime(1970, 1, 1) + timedelta(seconds=int(seconds))).isoformat() + "Z"  # noqa: DTZ001
    except OverflowError:
        return None


_AGO: Final = expression(r"-?(?P<n>\d{1,6})(?P<unit>[mhdw])")
_UNITS: Final = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_TODAY: Final = expression(r"\d\d:\d\d(?::\d\d)?")


def moment(told: str, now: float, zone: tzinfo | None = None) -> float | None:
    """Seconds of what a person writes: `24h` and `7d` ago, `08:00` today, `2026-11-01`,
    `2026-11-01T08:00`, with an offset or in `zone`. `None` for what is no time."""
    told = told.strip()
    if m := _AGO.fullmatch(told):
        return now - int(m["n"]) * _UNITS[m["unit"]]
    try:
        if _TODAY.fullmatch(told):
            today = datetime.fromtimestamp(now, zone).date().isoformat()
            told = f"{today}T{told}"
        when = datetime.fromisoformat(told)
        return (when.replace(tzinfo=zone) if when.tzinfo is None else when).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
