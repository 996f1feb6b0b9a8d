"""Clock, masks and the memory of diagnoses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from tests.logs.logs import BOUNCED, HEAD, NOW, new, read
from todoku.logs.clock import Clock, moment, rfc3339
from todoku.logs.masking import Masks

JST = timezone(timedelta(hours=9))


@pytest.mark.parametrize(
    ("stamp", "wanted"),
    [
        ("Nov 24 09:12:05", "2026-11-24T09:12:05Z"),
        ("Nov 25 09:12:05", "2026-11-25T09:12:05Z"),  # a host whose clock is ahead
        ("Nov 26 09:12:05", "2025-11-26T09:12:05Z"),
        ("Dec 31 23:59:59", "2025-12-31T23:59:59Z"),
        ("Jan  1 00:00:00", "2026-01-01T00:00:00Z"),
        ("Feb 29 10:00:00", "2024-02-29T10:00:00Z"),
        ("2026-11-24T09:12:05.5Z", "2026-11-24T09:12:05Z"),
        ("2026-11-24T09:12:05+09:00", "2026-11-24T00:12:05Z"),
        ("2026-11-24 09:12:05 -0330", "2026-11-24T12:42:05Z"),
        ("2026-11-24 09:12:05,123", "2026-11-24T09:12:05Z"),
        ("@1795511525000000", "2026-11-24T09:12:05Z"),
        ("@40000000419f13a508f3214c", "2004-11-20T09:51:23Z"),
        ("Feb 30 10:00:00", None),
        ("Xyz  1 00:00:00", None),
        ("Nov 24 99:00:00", None),
        ("9999-99-99T00:00:00Z", None),
        ("@99999999999999999999", None),
        ("@zz", None),
        ("", None),
    ],
)
def test_stamps(stamp: str, wanted: str | None) -> None:
    assert rfc3339(Clock(NOW, UTC).read(stamp.encode())) == wanted


def test_a_zone_and_a_year_that_are_told() -> None:
    assert rfc3339(Clock(NOW, JST).read(b"Nov 24 09:12:05")) == "2026-11-24T00:12:05Z"
    assert rfc3339(Clock(NOW, UTC, 2020).read(b"Dec 24 09:12:05")) == "2020-12-24T09:12:05Z"
    assert Clock(NOW, UTC, 2021).read(b"Feb 29 09:12:05") is None


def test_the_clock_forgets() -> None:
    clock = Clock(NOW, UTC)
    for day in range(1, 29):
        for minute in range(0, 1440, 5):
            assert clock.read(b"Oct %2d %02d:%02d:00" % (day, minute // 60, minute % 60))
    assert len(clock._minutes) <= 4_096


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ("24h", "2026-11-23T12:00:00Z"),
        ("-7d", "2026-11-17T12:00:00Z"),
        ("90m", "2026-11-24T10:30:00Z"),
        ("08:00", "2026-11-24T08:00:00Z"),
        ("2026-11-01", "2026-11-01T00:00:00Z"),
        ("2026-11-01T08:00+09:00", "2026-10-31T23:00:00Z"),
        ("soon", None),
        ("2026-02-30", None),
        ("", None),
    ],
)
def test_moments(told: str, wanted: str | None) -> None:
    assert rfc3339(moment(told, NOW, UTC)) == wanted
    assert datetime.fromtimestamp(NOW, UTC).hour == 12


@pytest.mark.parametrize(
    ("reply", "wanted"),
    [
        ("550 5.1.1 <u@b.example>: no", "550 5.1.1 <<recipient>>: no"),
        ("(S3140). [DB1PEPF000509E2.eop-nam11.prod.protection.outlook.com 2026-11-24T03:00:00.123Z 08DCFEC3A91B2C4D]",
         "(S3140). [#.eop-nam#.prod.protection.outlook.com # #]"),
        ("AS(201806281) AS16012611 SC-001 TSS04 5.7.26 421-4.7.28 OFR006_102",
         "AS(201806281) AS16012611 SC-001 TSS04 5.7.26 421-4.7.28 OFR006_102"),
        ("blocked using dnsbl-2.uceprotect.net", "blocked using dnsbl-2.uceprotect.net"),
        ("Client host [203.0.113.25] 2001:db8:113::25", "Client host [203.0.113.25] 2001:db8:113::25"),
        ("81347a8c0474-ad6f48a0csi94279028c.12 - gsmtp", "#-# - gsmtp"),
        ("x" * 5000, "#"),
    ],
)  # fmt: skip
def test_masks(reply: str, wanted: str) -> None:
    assert Masks().template(reply.encode(), b"u@b.example").decode() == wanted


def test_one_diagnosis_a_template() -> None:
    lines = [
        f"{HEAD}{BOUNCED.replace('u@', f'user{n}@').replace('3F1A22C0D5', f'{n:010X}')}"
        for n in range(500)
    ]
    found, run = read("\n".join(lines))
    assert len(found) == 500
    assert run.judge.made == 1


def test_a_ground_that_was_masked_is_read_in_each_line() -> None:
    """The list's zone holds a number that a mask takes away: every line has its own."""
    said = (
        "host mx.b.example[203.0.113.9] said: 554 5.7.1 Service unavailable; Client host [192.0.2.1] "
        "blocked using l{n}.bbfh.ext.sorbs.net"
    )
    lines = [
        f"{HEAD}{BOUNCED.partition('status=')[0]}status=bounced ({said.format(n=n)})"
        for n in (1, 2, 3, 1)
    ]
    found, _ = read("\n".join(lines), new())
    zones = [d.diagnosis.reply.text.rpartition(" ")[2] for d in found if d.diagnosis]
    assert zones == [f"l{n}.bbfh.ext.sorbs.net" for n in (1, 2, 3, 1)]
