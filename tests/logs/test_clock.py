"""Stamps to seconds: what is told by the hour is what the calendar tells of each minute."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from todoku.logs.clock import Clock
from todoku.logs.messages import read, sender_of

NEWEST: Final = datetime.fromisoformat("2026-11-01T05:29:00+00:00").timestamp()
ZONES: Final = [
    None,
    *map(
        ZoneInfo, ("UTC", "Asia/Tokyo", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns")
    ),
    ZoneInfo("Africa/Monrovia"),
]
"""One that changes by half an hour, one that did so at a minute past midnight, one by 44 minutes."""


def _by_the_minute(stamp: bytes, zone: tzinfo | None, newest: float) -> float | None:
    """As the clock was before it knew hours."""
    clock = Clock(newest, zone)
    clock._minute = clock._asked  # type: ignore[method-assign]
    return clock.read(stamp)


digits = st.text("0123456789: ", min_size=9, max_size=9).map(str.encode)
short = st.builds(
    lambda month, rest: month + b" " + rest,
    st.sampled_from([b"Jan", b"Feb", b"Mar", b"Apr", b"Oct", b"Nov", b"Dec", b"Xyz"]),
    st.datetimes(datetime(1972, 1, 1), datetime(2026, 12, 31)).map(  # noqa: DTZ001
        lambda t: t.strftime("%e %H:%M:%S").encode()
    )
    | digits,
)
long = st.builds(
    lambda t, zone: t.isoformat(timespec="milliseconds").encode() + zone,
    st.datetimes(datetime(1972, 1, 1), datetime(2027, 12, 31)),  # noqa: DTZ001
    st.sampled_from([b"", b"Z", b"+09:00", b"-0330"]),
)


@given(st.lists(short | long, max_size=20), st.sampled_from(ZONES))
@example([b"Nov  2 05:29:00", b"Nov  2 05:28:00", b"Nov  2 05:30:00"], ZoneInfo("UTC"))
@example([b"2026-04-05T01:%d:00" % n for n in (10, 29, 30, 59)], ZoneInfo("Australia/Lord_Howe"))
@example([b"1972-01-07T00:%d:00" % n for n in (10, 43, 44, 50)], ZoneInfo("Africa/Monrovia"))
@example([b"2006-10-29T00:%02d:00" % n for n in (0, 1, 2, 59)], ZoneInfo("America/St_Johns"))
@settings(max_examples=200, deadline=None)
def test_hours_tell_what_minutes_tell(stamps: list[bytes], zone: tzinfo | None) -> None:
    clock = Clock(NEWEST, zone)
    for stamp in stamps:
        assert clock.read(stamp) == _by_the_minute(stamp, zone, NEWEST)


@pytest.mark.parametrize("stamp", [b"Nov  1 00:7 :10", b"Nov  1 00:-1:10", b"Nov  1 00:60:10"])
def test_minutes_that_are_none(stamp: bytes) -> None:
    assert Clock(NEWEST).read(stamp) == _by_the_minute(stamp, None, NEWEST)


@given(
    st.binary(max_size=40),
    st.sampled_from([b"", b", size=12, nrcpt=1", b">, ", b"\nfrom=<b>, size=1"]),
)
@example(b"a>, b", b">, size=1")
@example(b"a" * 600, b">, size=1")
@example(b"a" * 601, b">, size=1")
def test_a_sender_found_at_once_is_the_one_that_is_read(name: bytes, rest: bytes) -> None:
    line = b"from=<" + name + b">" + rest
    assert sender_of(line).sender == read(line).sender
