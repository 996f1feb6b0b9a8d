"""Early warning: what is told, of what, and what is not known."""

from __future__ import annotations

import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.logs.logs import diagnoser, new, read
from tests.logs.test_command import REFERENCE, rows, todoku
from todoku.cli.render.logs_warnings import odds, percent, watched
from todoku.logs import daily as counting
from todoku.logs.change import look, tail
from todoku.logs.daily import Daily, Day
from todoku.logs.sums import Sums
from todoku.logs.values import Deliveries, Warnings, Watched
from todoku.logs.warning import by_receiver, warnings

END = datetime(2026, 11, 24, 20, tzinfo=UTC).timestamp()
TSS04 = (
    "host mta7.am0.yahoodns.net[67.195.204.77] said: 421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily "
    "deferred due to unexpected volume or user complaints - 4.16.55.1; see "
    "https://postmaster.yahooinc.com/error-codes (in reply to MAIL FROM command)"
)
SC001 = (
    "host outlook-com.olc.protection.outlook.com[52.101.1.1] said: 550 SC-001 (BAY004-MC3F26) Unfortunately, "
    "messages from 192.0.2.1 weren't sent. (in reply to MAIL FROM command)"
)
RP001 = (
    "host outlook-com.olc.protection.outlook.com[52.101.1.1] said: 421 RP-001 (SNT004-MC1F26) Unfortunately, "
    "some messages from 192.0.2.1 weren't sent. Please try again. (in reply to MAIL FROM command)"
)
UNKNOWN = "host mx.b.example[203.0.113.9] said: 550 5.1.1 <u@b.example>: User unknown (in reply to RCPT TO command)"


@pytest.fixture(autouse=True)
def zone(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setenv("TZ", "UTC")
    time.tzset()


def line(at: float, n: int, why: str = "", status: str = "") -> str:
    stamp = datetime.fromtimestamp(at, UTC).isoformat()
    m = re.match(r"host (\S+) ", why)
    relay = m[1] if m else "mx.b.example[203.0.113.9]"
    status = status or ("sent (250 ok)" if not why else "deferred" if " 421 " in why else "bounced")
    dsn = {"s": "2.0.0", "d": "4.0.0", "b": "5.0.0"}[status[0]]
    told = f"status={status}" + (f" ({why})" if why else "")
    return (
        f"{stamp} mx1 postfix/smtp[1]: {n:010X}: to=<u@b.example>, relay={relay}:25, delay=1, "
        f"delays=0/0/0/1, dsn={dsn}, {told}"
    )


def log(days: int, a_day: int, refused: dict[int, int], why: str = SC001) -> str:
    """`a_day` mails on each of the last `days` days, of which so many are refused (days ago)."""
    out, n = [], 0
    for ago in range(days - 1, -1, -1):
        for k in range(a_day):
            n += 1
            at = END - ago * 86_400 - 36_000 + k * 30
            host = re.match(r"host (\S+) ", why)
            sent = line(at, n).replace("mx.b.example[203.0.113.9]", host[1] if host else "")
            out.append(line(at, n, why) if k < refused.get(ago, 0) else sent)
    return "\n".join(out)


def told(text: str, **options: Any) -> Warnings:
    found, run = read(text, new(**options))
    sums = Sums()
    for d in found:
        if d.outcome != "sent":
            sums.add(d)
            run.daily.refused(d)
    return warnings(sums.ordered(), run.daily, diagnoser().knowledge, run.counts.last)


@pytest.mark.parametrize("why", [TSS04, RP001])
def test_a_code_that_precedes_a_block(why: str) -> None:
    found = told("\n".join(line(END + n, n, why) for n in range(3)))
    (w,) = found.told
    assert (w.sign, w.count, w.blocked) == ("code", 3, False)
    assert w.receiver in {"yahoo", "microsoft-consumer"}
    assert w.receiver_code in {"TSS04", "RP-001"}
    assert w.identity is not None
    assert w.identity.value == "192.0.2.1"
    assert w.source
    assert w.date is not None
    assert w.since == "2026-11-24T20:00:00Z"
    assert found.watched == Watched(0, 1)


def test_a_code_of_last_week_warns_of_nothing_now() -> None:
    old = line(END - 4 * 86_400, 1, TSS04)
    assert told("\n".join([old, line(END, 2)])).told == ()
    assert len(told("\n".join([line(END - 2 * 86_400, 1, TSS04), line(END, 2)])).told) == 1


def test_a_block_that_has_come_is_told() -> None:
    found = told("\n".join([line(END, 1, RP001), line(END + 1, 2, SC001)]))
    assert [(w.receiver_code, w.blocked) for w in found.told] == [("RP-001", True)]
    other = SC001.replace("192.0.2.1", "192.0.2.2")
    found = told("\n".join([line(END, 1, RP001), line(END + 1, 2, other)]))
    assert [w.blocked for w in found.told] == [False]


@pytest.mark.parametrize("whole", [False, True])
def test_a_share_that_rose(whole: bool) -> None:
    found = told(log(35, 30, {0: 20, 20: 1, 12: 1}), whole=whole)
    (w,) = found.told
    assert (w.sign, w.receiver, w.span) == ("share", "microsoft-consumer", "day")
    assert (w.count, w.mails, w.share) == (20, 30, 0.6667)
    assert w.usual is not None
    assert w.usual < 0.01
    assert w.chance is not None
    assert w.chance < 1e-4
    assert (w.since, w.last, w.blocked) == ("2026-11-24", "2026-11-24", True)
    assert found.watched == Watched(1, 0)


def test_a_rise_stays_told_while_it_is_new() -> None:
    for ago in range(1, 5):
        refused = dict.fromkeys(range(ago + 1), 20)
        (w,) = told(log(35, 30, refused)).told
        assert w.since == f"2026-11-{24 - ago}"


def test_what_is_no_opinion_of_us_raises_no_share() -> None:
    assert told(log(35, 30, {0: 20}, UNKNOWN)).told == ()


def test_a_mail_that_is_deferred_all_day_counts_once() -> None:
    calm = log(35, 30, {})
    again = "\n".join(line(END + n, 1, TSS04) for n in range(40))
    (w,) = told(f"{calm}\n{again}").told
    assert w.sign == "code"
    days = Daily()
    found, _ = read(again)
    for d in found:
        days.refused(d)
    assert list(days.cells.values()) == [[0, 1]]


def test_too_short_a_past_is_not_known() -> None:
    found = told(log(10, 30, {0: 30}))
    assert found == Warnings((), Watched(0, 1))
    assert not look([], 0).known
    assert not look([Day(n, 2, 0) for n in range(20)], 19).known


def test_hosts_of_one_receiver_are_one() -> None:
    days = Daily()
    for host in (
        "mta5.am0.yahoodns.net[192.0.2.9]:25",
        "mta6.am0.yahoodns.net",
        b"mx.b.example[::1]:25",
    ):
        days.sent(END, host, 3)
    days.sent(None, "x", 1)
    days.sent(END, None, 1)
    got = by_receiver(days, diagnoser().knowledge)
    day = int(END) // 86_400
    assert got == {("yahoo", None): [Day(day, 6, 0)], (None, "mx.b.example"): [Day(day, 3, 0)]}


def test_counts_are_bounded_and_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = Daily(), Daily()
    one.sent(END, "a.example", 2)
    two.sent(END, "a.example", 3)
    one.add(two.cells)
    assert list(one.cells.values()) == [[5, 0]]
    monkeypatch.setattr(counting, "MOST_CELLS", 10)
    for n in range(50):
        one.sent(END, f"host{n}x.example", 1)
    assert (len(one.cells), one.partial) == (10, True)


@pytest.mark.parametrize(
    ("n", "share", "weight"), [(10, 0.1, 20.0), (40, 0.5, 3.0), (7, 0.9, 100.0)]
)
def test_the_tail_is_that_of_a_beta_binomial(n: int, share: float, weight: float) -> None:
    import math

    a, b = share * weight, (1 - share) * weight

    def beta(x: float, y: float) -> float:
        return math.exp(math.lgamma(x) + math.lgamma(y) - math.lgamma(x + y))

    chances = [math.comb(n, k) * beta(k + a, n - k + b) / beta(a, b) for k in range(n + 1)]
    assert sum(chances) == pytest.approx(1)
    for x in range(int(n * share) + 1, n + 1):
        assert tail(x, n, share, weight) == pytest.approx(sum(chances[x:]))
    assert tail(0, n, share, weight) == 1.0


def test_command(tmp_path: Path) -> None:
    path = tmp_path / "mail.log"
    path.write_text(log(35, 30, {0: 20}) + "\n" + line(END, 99_999, TSS04) + "\n")
    os.utime(path, (END, END))
    summary, *rest = rows(todoku("--json", path))
    schema = json.loads((REFERENCE / "logs-warning.schema.json").read_text())
    assert (summary["warnings"], summary["watched"]) == (2, {"receivers": 1, "unknown": 1})
    early = [r for r in rest if r["kind"] == "warning"]
    assert [r["sign"] for r in early] == ["code", "share"]
    assert rest[-2:] == early
    for row in early:
        jsonschema.Draft202012Validator(schema).validate(row)
    for lang, words in (("en", "early warning: 2"), ("ja", "早期警戒 2 件")):
        shown = todoku(path, lang=lang).stdout.decode()
        assert words in shown
        assert "TSS04" in shown
        assert "66.7%" in shown
    shown = todoku("--receiver", "yahoo", path).stdout.decode()
    assert "early warning: 1" in shown


def test_words() -> None:
    from types import SimpleNamespace

    assert [percent(x) for x in (None, 0.0, 0.0004, 0.05)] == ["?", "< 0.1%", "< 0.1%", "5.0%"]
    assert odds(1e-4, "en") == "1 in 10,000"
    assert odds(0.0, "en") == odds(1e-30, "en") == "1 in 1,000,000"
    assert odds(3.2e-5, "ja") == "30,000 分の 1"
    for known, unknown, words in (
        (0, 0, ""),
        (0, 2, "not known yet"),
        (3, 0, "of 3 receivers, none"),
        (3, 2, "of 2 receivers"),
        (1, 1, "of 1 receiver:"),
    ):
        s: Any = SimpleNamespace(watched=Watched(known, unknown), deliveries=Deliveries())
        assert words in watched(s, (), "en")
    s = SimpleNamespace(watched=Watched(), deliveries=Deliveries(sent=1))  # as of qmail
    assert "no receiving hosts, or no times" in watched(s, (), "en")
