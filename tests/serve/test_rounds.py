"""What the rounds of `serve` do with mail: erased when its time is over; no rest while more waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.serve.test_trouble import Hands
from todoku import settings, store
from todoku.i18n import Sentence
from todoku.knowledge import load
from todoku.lists.kept import Kept
from todoku.lists.plan import Terms
from todoku.serve import intake, service, spool
from todoku.store.cases import Desk

DAY = timedelta(days=1)
Told = list[tuple[Sentence, dict[str, object]]]


@pytest.fixture
def told() -> Told:
    return []


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def serve(tmp_path: Path, told: Told, clock: Hands) -> Iterator[service.Service]:
    environ = {
        "HOME": str(tmp_path),
        "TODOKU_OWN_ADDRESSES": "192.0.2.1",
        "TODOKU_MAIL_SENDER": "postmaster@hoge.test",
        "TODOKU_DNS_RESOLVER": "127.0.0.1:1",
        "TODOKU_PRIVACY_KEEP_DAYS": "7",
    }
    found = settings.load(None, tmp_path, environ)
    engine = store.connect(found.general.store)
    with Kept.open(tmp_path / "kept") as kept:
        means = service.means(found, Desk(engine), load.knowledge(), Terms(), kept, "en", clock)
        yield service.Service("w", found, means, clock, tell=lambda s, v: told.append((s, v)))
    engine.dispose()


def test_mail_is_erased_after_the_days_of_the_settings(
    serve: service.Service, told: Told, clock: Hands
) -> None:
    spool.make(serve.spool)
    spool.put(serve.spool, b"Subject: lunch\r\n\r\nAt noon?\r\n")
    serve.round()
    clock.at += 6 * DAY
    serve.round()
    assert told == []
    clock.at += 2 * DAY
    serve.round()
    serve.round()
    assert told == [(service.WORDS["expired"], {"count": 1, "days": 7})]


def test_no_rest_while_mail_waits(serve: service.Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches follow each other; between two looks into an empty spool are seconds."""
    monkeypatch.setattr(intake, "BATCH", 5)
    spool.make(serve.spool)
    spool.put(serve.spool, *(b"Subject: %d\r\n\r\nAt noon?\r\n" % n for n in range(40)))
    thread = threading.Thread(target=serve.run)
    thread.start()
    until = time.monotonic() + service.EVERY
    while time.monotonic() < until and any((serve.spool / "new").iterdir()):
        time.sleep(0.02)
    left = list((serve.spool / "new").iterdir())
    serve.stop()
    thread.join(30)
    assert left == []
