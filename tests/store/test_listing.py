"""The list without SQLAlchemy is the list with it, on both databases."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.cases.world import START
from todoku import store
from todoku.cases import commands
from todoku.cases import events as ev
from todoku.model import Identity
from todoku.store import listing, migrate
from todoku.store.actions import Queue
from todoku.store.cases import Desk

HOUR = timedelta(hours=1)


def url_of(desk: Desk) -> str:
    return desk.engine.url.render_as_string(hide_password=False)


def fill(desk: Desk) -> None:
    for n in range(3):
        event = ev.Refused(
            at=START + n * HOUR,
            identities=(Identity("ip", f"192.0.2.{n + 1}"),),
            place=ev.Place(id="microsoft-consumer"),
            first=START,
            last=START,
        )
        desk.see(event)
    desk.change(2, lambda case: commands.close(case, START + 4 * HOUR, "gave-up", by="admin"))


def test_it_lists_what_the_desk_lists(desk: Desk) -> None:
    fill(desk)
    for closed in (False, True):
        found = listing.listed(url_of(desk), START.timestamp(), closed)
        assert found is not None
        assert found.rows == desk.rows(closed)
        assert len(found.rows) == (3 if closed else 2)


def test_it_knows_which_mails_are_unsure(desk: Desk) -> None:
    desk.see(ev.Reported(at=START, who="person:1", place=ev.Place(id="microsoft-consumer")))
    queue = Queue(desk)
    taken = queue.take("mx1", START, kinds={"tell"})
    assert taken is not None
    queue.intend(taken, {"to": "sato@hoge.test"}, START)
    for after in (0, 4, 6, 60):
        now = START + timedelta(minutes=after)
        found = listing.listed(url_of(desk), now.timestamp())
        assert found is not None
        assert found.unsure == {work.case for work in queue.unknown(now)}
        assert bool(found.unsure) is (after > 5)


def test_another_version_goes_the_long_way(desk: Desk) -> None:
    with store.writing(desk.engine) as connection:
        connection.execute(sa.text("UPDATE todoku_version SET version_num = '0001'"))
    assert listing.listed(url_of(desk), START.timestamp()) is None


def test_the_newest_version_is_that_of_the_migrations(desk: Desk) -> None:
    assert migrate.versions(desk.engine) == (listing.newest(), listing.newest())


def test_nothing_is_made_where_there_is_no_database(tmp_path: Path) -> None:
    assert listing.listed(f"sqlite:///{tmp_path}/no.db", 0.0) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [("case", "list"), ("case", "list", "--all")])
def test_the_command_imports_no_orm(tmp_path: Path, words: tuple[str, ...]) -> None:
    """Tested by the list of modules: a test of milliseconds fails on busy machines."""
    url = f"sqlite:///{tmp_path}/todoku.db"
    engine = store.connect(url)
    fill(Desk(engine))
    engine.dispose()
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))\n"
        "from todoku.cli import main\n"
        f"main({list(words)!r} + ['--lang', 'en', '--data', {str(tmp_path)!r}])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        check=False,
        env={"HOME": str(tmp_path), "TODOKU_CACHE": os.environ["TODOKU_CACHE"]},
    )
    assert done.returncode == 0, done.stderr
    assert b"192.0.2.1" in done.stdout
    loaded = set(done.stderr.decode().split())
    assert not {"sqlalchemy", "alembic", "hyperscan"} & loaded
