"""Parts that are read apart tell exactly what one pass tells, wherever a log is cut."""

from __future__ import annotations

import functools
import itertools
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from random import Random

import hypothesis.strategies as st
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from tests.logs.logs import NOW, diagnoser, new
from todoku import __version__
from todoku.logs import engine, messages, opening, parts, reader
from todoku.logs.clock import Clock
from todoku.logs.engine import Asked, Merged
from todoku.logs.opening import open_logs
from todoku.logs.parts import Part, Unreadable
from todoku.logs.reader import Source
from todoku.logs.run import Run
from todoku.logs.sums import Sums, row

KEY = b"k" * 16
SMALL = {
    "PIECE": 1_024,
    "HEAD": 512,
    "CUT": 512,
    "CELL": 2_048,
    "CELLS": 3,
    "LEAST": 2_048,
    "MOST": 4_096,
}
"""The sizes of `todoku.logs`, so small that every log has many pieces, cells and parts."""

REPLIES = (
    "550 5.1.1 <{to}>: User unknown",
    "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
    "550 5.7.1 Unfortunately, messages from 192.0.2.{n} weren't sent. (S3150) [x{n}.example]",
    "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred",
    "550 5.7.1 <{sender}>: Sender address rejected",
)


@pytest.fixture(autouse=True, scope="module")
def small() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for module in (messages, opening, parts, reader):
            for name, value in SMALL.items():
                if hasattr(module, name):
                    patch.setattr(module, name, value)
        yield


# ── logs ──────────────────────────────────────────────────────────────────────────────────────


def lines(seed: int, many: int) -> list[str]:
    """A log of few messages, whose ids come again; its clock mostly goes on."""
    random = Random(seed)
    out: list[str] = []
    time = random.randrange(20_000)
    ids, kinds = random.randint(2, 12), random.choices(range(10), k=random.randint(2, 12))
    for _ in range(many):
        kind, id_, n = random.choice(kinds), random.randrange(ids), random.randrange(5)
        time = max(0, time + (-3_000 if random.random() < 0.02 else 40 * n))
        day, rest = divmod(time, 86_400)
        stamp = f"Nov {20 + day:2d} {rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"
        head = f"{stamp} mx{id_ % 2} postfix/smtp[7]: {id_:06X}: "
        to = f"u{n}@b{id_ % 3}.example"
        sender = f"s{(id_ * 7 + n) % 5}@a.example"
        relay = (
            f"relay=mx{n % 2}.b{id_ % 3}.example[203.0.113.{n}]:25, delay=1.{n}, delays=0/0/0/1, "
        )
        said = (
            f"host mx.b.example[203.0.113.9] said: {REPLIES[n].format(to=to, n=id_, sender=sender)}"
        )
        out += {
            0: [f"{head}from=<{sender}>, size=1{n}, nrcpt=1 (queue active)"],
            1: [f"{head}to=<{to}>, {relay}dsn=2.0.0, status=sent (250 Ok)"],
            2: [f"{head}to=<{to}>, {relay}dsn=5.7.1, status=bounced ({said} (in reply to RCPT TO command))"],
            3: [f"{head}to=<{to}>, {relay}dsn=4.7.1, status=deferred ({said} (in reply to end of DATA command))"],
            4: [f"{head}removed", f"{stamp} mx0 sshd[1]: Accepted publickey for root"],
            5: [f"{head}client=c{n}.example[192.0.2.7], sasl_username=x"],
            6: [f"{stamp} mx0 qmail: 1.5 starting delivery {id_}: msg {id_} to remote {to}",
                f"{stamp} mx0 qmail: 1.6 delivery {(id_ + n) % 9}: failure: 203.0.113.9_does_not_like_recipient./",
                "what is no line of a log " + "x" * n * 60],
            7: [f"{stamp} mx0 sendmail[9]: {id_:010X}: from=<{sender}>, size=1, class=0",
                f"{stamp} mx0 sendmail[9]: {id_:010X}: to=<{to}>, delay=00:00:01, mailer=esmtp, dsn=5.1.1, stat=User unknown"],
            8: [f"{head}from=<{sender}>, status=expired, returned to sender"],
            9: [f"{stamp} mx0 postfix/qmgr[1]: statistics: " + "y" * n * 20],
        }[kind]  # fmt: skip
    return out


LOGS = st.lists(
    st.tuples(st.builds(lines, st.integers(0, 1 << 32), st.integers(0, 250)), st.sampled_from(["plain", "plain", "plain", "gz", "crlf", "unended"])),
    min_size=1, max_size=4,
)  # fmt: skip
START = "Nov 20 00:00:00 mx0 postfix/qmgr[1]: 3F1A22C0D5: removed\n" * 12
"""By its beginning a log is known to be Postfix's."""


def write(folder: Path, logs: list[tuple[list[str], str]]) -> list[str]:
    import gzip

    paths = []
    for n, (told, kind) in enumerate(logs):
        data = (START + "".join(f"{x}\n" for x in told)).encode()
        if kind == "crlf":
            data = data.replace(b"\n", b"\r\n")
        elif kind == "unended":
            data = data[:-1]
        path = folder / f"mail.{n}.log"
        path.write_bytes(gzip.compress(data) if kind == "gz" else data)
        os.utime(path, (NOW, NOW))
        paths.append(str(path))
    return paths


# ── one pass, and parts ───────────────────────────────────────────────────────────────────────


def told(run: Run, sums: Sums) -> object:
    """All that is printed of a pass, and more."""
    groups = sums.ordered()
    return (
        run.counts,
        [msgspec.json.encode(row(g, run.counts.first, run.counts.last)) for g in groups],
        [(g.senders, sorted(g.recipients), g.buckets, g.domains, g.hosts) for g in groups],
        [g.diagnosis for g in groups],
        run.daily.cells,
        sums.undecided,
        sums.partial,
    )


def one_pass(paths: list[str], **options: object) -> tuple[object, list[str]]:
    run, sums, errors = new(recipients="hashed", key=KEY, **options), Sums(), []
    source: Source | None = None
    for piece in open_logs(paths, None):
        if piece.error is not None:
            errors.append(piece.source)
            continue
        if source is None or piece.first:
            source = Source(run, Clock(min(NOW, piece.written or NOW)))
        for delivery in source.read(piece.data, piece.cell):
            sums.add(delivery)
            run.daily.refused(delivery)
    return told(run, sums), errors


def in_parts(
    paths: list[str], workers: int = 1, since: float | None = None
) -> tuple[object, list[str], int]:
    asked = Asked(
        since, None, None, KEY, None, NOW, "en", None, __version__,
        diagnoser().knowledge.version, engine.zone(),
    )  # fmt: skip
    merged, errors = Merged(KEY), []
    all_of_it = list(parts.parts(parts.logs(paths), workers))
    engine.share(asked, diagnoser())
    order = list(range(len(all_of_it)))
    Random(workers).shuffle(order)  # as processes may do that come and go
    found = {}
    for n in order:
        if not isinstance(part := all_of_it[n], Unreadable):
            told_ = engine.count(asked, pickle.loads(pickle.dumps(part)))
            found[n] = pickle.loads(pickle.dumps(told_))
    for n, part in enumerate(all_of_it):
        if isinstance(part, Unreadable):
            errors.append(part.piece.source)
            continue
        said = found[n]
        errors += [piece.source for piece in said.errors]
        merged.add(part, said)
    run = new()
    run.counts, run.daily = merged.counts, merged.daily
    return told(run, merged.sums), errors, len(all_of_it)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(logs=LOGS, since=st.sampled_from([None, None, NOW - 4 * 86_400 + 3_600]))
def test_parts_tell_what_one_pass_tells(
    tmp_path_factory: pytest.TempPathFactory, logs: list[tuple[list[str], str]], since: float | None
) -> None:
    paths = write(tmp_path_factory.mktemp("logs"), logs)
    paths.insert(1, paths[0] + ".is-not-there")
    wanted, errors = one_pass(paths, since=since)
    found, as_well, _ = in_parts(paths, since=since)
    assert found == wanted
    assert as_well == errors == [paths[1]]


def a_log(messages: int) -> list[str]:
    out = []
    for n in range(messages):
        head = f"Nov 20 {n // 60 % 24:02d}:{n % 60:02d}:00 mx1 postfix/smtp[7]: {n:08X}: "
        before = (
            f"Nov 20 {n // 60 % 24:02d}:{n % 60:02d}:00 mx1 postfix/smtp[7]: {max(0, n - 9):08X}: "
        )
        to = f"{before}to=<u{n % 50}@b.example>, relay=mx.b.example[203.0.113.9]:25, delay=1, delays=0/0/0/1, "
        out += [
            f"{head}from=<s{n % 7}@a.example>, size=1, nrcpt=1 (queue active)",
            f"{to}dsn=5.1.1, status=bounced (host mx.b.example[203.0.113.9] said: 550 5.1.1 no such user)",
        ]
    return out


def test_a_log_is_really_cut_and_senders_stand_in_earlier_parts(tmp_path: Path) -> None:
    paths = write(tmp_path, [(a_log(400), "plain")])
    found, _, many = in_parts(paths)
    wanted, _ = one_pass(paths)
    assert many > 10
    assert found == wanted
    ((senders, *_),) = wanted[2]  # type: ignore[index]
    assert sum(senders.values()) == 400, "no sender was forgotten on the way"


def test_without_what_stands_before_it_would_not_be_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above can fail."""
    paths = write(tmp_path, [(a_log(400), "plain")])
    wanted, _ = one_pass(paths)
    monkeypatch.setattr(parts.Looking, "entries", lambda *_: iter(()))
    assert in_parts(paths)[0] != wanted


def test_parts_are_whole_and_end_to_end(tmp_path: Path) -> None:
    paths = write(tmp_path, [(a_log(300), "plain"), (a_log(300), "gz")])
    for workers in (1, 2, 5):
        cut = [p for p in parts.parts(parts.logs(paths), workers) if isinstance(p, Part)]
        first = [p for p in cut if p.number == 0]
        assert [p.begin for p in first] == [0, *(p.end for p in first[:-1])]
        assert first[-1].end is None
        data = b"".join(piece.data for p in first for piece in p.pieces())
        assert data == Path(paths[0]).read_bytes()
        assert len([p for p in cut if p.number == 1]) == 1, "a packed log is one part"


def test_large_parts_come_first_and_small_ones_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that little has to be put together, and nobody waits for long at the end."""
    monkeypatch.setattr(parts, "MOST", 1 << 20)
    paths = write(tmp_path, [(a_log(500), "plain"), (a_log(20), "plain")])
    total, cell = sum(Path(path).stat().st_size for path in paths), SMALL["CELL"]
    for workers in (1, 2, 4):
        sizes = [
            (p.log.size if p.end is None else p.end) - p.begin
            for p in parts.parts(parts.logs(paths), workers)
            if isinstance(p, Part)
        ]
        assert sum(sizes) == total
        assert all(after <= size + cell for size, after in itertools.pairwise(sizes))
        assert sum(sizes[:workers]) == pytest.approx(0.75 * total, abs=workers * cell)
        assert max(sizes[-workers:]) <= max(SMALL["LEAST"] + cell, total // 4)


def test_pieces_are_those_of_the_whole_log(tmp_path: Path) -> None:
    """Whatever hangs on a piece is the same in a part."""
    told = a_log(60)
    told[30:30] = ["z" * 700, "z" * 1_500, "z" * 5_000, "z" * 40, "z" * 9_000]
    paths = write(tmp_path, [(told, "plain")])
    cut = [p for p in parts.parts(parts.logs(paths), 1) if isinstance(p, Part)]
    assert len(cut) > 3
    assert [x for p in cut for x in p.pieces()] == list(open_logs(paths, None))


def test_the_key_is_not_printed() -> None:
    asked = Asked(None, None, None, b"secret", None, NOW, "en", None, __version__, "", ())
    assert "secret" not in repr(asked) + str(asked)
    assert "secret" not in repr(functools.partial(engine.count, asked))
