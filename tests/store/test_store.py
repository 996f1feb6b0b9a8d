"""The store's frame: reached, migrated, and clear about what is wrong. On both databases."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import alembic.command
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from tests import postgres
from todoku import store
from todoku.cases import events as ev
from todoku.i18n import LANGUAGES
from todoku.store import MigrationFailed, MissingExtra, NewerStore, StoreError, Unreachable, migrate
from todoku.store import engine as engines
from todoku.store.cases import Desk
from todoku.store.tables import metadata

HEAD = "0007"

Connect = Callable[[str], sa.Engine]


@pytest.fixture
def connect() -> Iterator[Connect]:
    made: list[sa.Engine] = []

    def open_it(url: str) -> sa.Engine:
        made.append(store.connect(url))
        return made[-1]

    yield open_it
    for engine in made:
        engine.dispose()


class TestBothDatabases:
    def test_a_new_database_is_brought_to_the_newest_version(
        self, url: str, connect: Connect
    ) -> None:
        engine = connect(url)
        assert migrate.versions(engine) == (HEAD, HEAD)
        tables = {migrate.VERSION_TABLE, *metadata.tables}
        assert set(sa.inspect(engine).get_table_names()) == tables

    def test_again_changes_nothing(self, url: str, connect: Connect) -> None:
        connect(url)
        assert migrate.versions(connect(url)) == (HEAD, HEAD)

    def test_many_at_once(self, url: str, connect: Connect) -> None:
        with ThreadPoolExecutor(4) as pool:
            engines = list(pool.map(connect, [url] * 4))
        assert {migrate.versions(engine) for engine in engines} == {(HEAD, HEAD)}

    def test_tables_in_the_code_are_those_of_the_migrations(
        self, url: str, connect: Connect
    ) -> None:
        with connect(url).connect() as connection:
            options = {"version_table": migrate.VERSION_TABLE, "compare_type": True}
            context = MigrationContext.configure(connection, opts=options)
            assert compare_metadata(context, metadata) == []

    def test_a_newer_database_is_left_alone(self, url: str, connect: Connect) -> None:
        engine = connect(url)
        with store.writing(engine) as connection:
            connection.exec_driver_sql(f"UPDATE {migrate.VERSION_TABLE} SET version_num = '0999'")
        with pytest.raises(NewerStore) as caught:
            connect(url)
        assert "0999" in str(caught.value)
        assert HEAD in str(caught.value)
        assert "新しい todoku" in caught.value.text("ja")
        assert migrate.versions(engine)[0] == "0999"

    def test_a_failed_migration_leaves_all_as_it_was(
        self, url: str, connect: Connect, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def breaks(config: object, _target: str) -> None:
            connection: sa.Connection = config.attributes["connection"]  # type: ignore[attr-defined]
            connection.exec_driver_sql("CREATE TABLE half (a INTEGER)")
            connection.exec_driver_sql("INSERT INTO nowhere VALUES (1)")

        with monkeypatch.context() as patch:
            patch.setattr(alembic.command, "upgrade", breaks)
            with pytest.raises(MigrationFailed, match="nowhere"):
                connect(url)
        engine = connect(url)
        assert "half" not in sa.inspect(engine).get_table_names()

    def test_writing_commits_and_rolls_back(self, url: str, connect: Connect) -> None:
        engine = connect(url)
        with store.writing(engine) as connection:
            connection.exec_driver_sql("CREATE TABLE t (a INTEGER)")
            connection.exec_driver_sql("INSERT INTO t VALUES (1)")
        with pytest.raises(sa.exc.DBAPIError), store.writing(engine) as connection:
            connection.exec_driver_sql("INSERT INTO t VALUES (2)")
            connection.exec_driver_sql("INSERT INTO nowhere VALUES (3)")
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT a FROM t").scalars().all() == [1]

    def test_what_was_counted_before_floods_had_a_place_is_kept(self, url: str) -> None:
        engine = engines.make(url)
        migrate.upgrade(engine, "0005")
        seen = '{"event":"refused","v":1,"at":"%s","first":"%s","last":"%s","count":%d}'
        first, more = (seen % (at, at, at, n) for at, n in (("2026-11-24T00:00:00Z", 2), ("2026-11-24T00:30:00Z", 7)))  # fmt: skip
        with store.writing(engine) as connection:
            connection.execute(
                sa.text("INSERT INTO events (case_id, seq, at, event, payload) VALUES (1, 1, 0, 'refused', :p)"),
                {"p": first},
            )  # fmt: skip
            insert = sa.text("INSERT INTO tallies (case_id, since, payload) VALUES (:n, 5, :p)")
            connection.execute(insert, [{"n": n, "p": more} for n in (1, 2)])
        migrate.upgrade(engine)
        (recorded,) = Desk(engine).history(1)
        assert isinstance(recorded.event, ev.Refused)
        assert (recorded.event.count, recorded.event.last.minute) == (9, 30)
        with engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT case_id, seq, since FROM tallies").all()
        assert rows == [(1, 1, 5.0)]
        engine.dispose()

    def test_many_writers_wait_for_each_other(self, url: str, connect: Connect) -> None:
        engine = connect(url)
        with store.writing(engine) as connection:
            connection.exec_driver_sql("CREATE TABLE n (a INTEGER)")
            connection.exec_driver_sql("INSERT INTO n VALUES (0)")
        start = threading.Barrier(4)

        def add(_: int) -> None:
            start.wait()
            for _turn in range(10):
                with store.writing(engine) as connection:
                    row = "SELECT a FROM n"
                    if connection.dialect.name == "postgresql":
                        row += " FOR UPDATE"
                    value = connection.exec_driver_sql(row).scalar_one()
                    connection.exec_driver_sql(f"UPDATE n SET a = {value + 1}")

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(add, range(4)))
        with engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT a FROM n").scalar_one() == 40


class TestSQLite:
    def test_it_is_set_up_to_lose_nothing(self, tmp_path: Path, connect: Connect) -> None:
        path = tmp_path / "new" / "folder" / "todoku.db"
        engine = connect(f"sqlite:///{path}")
        with engine.connect() as connection:
            got = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
        assert got == {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "busy_timeout": engines.BUSY_SECONDS * 1000,
        }
        assert path.stat().st_mode & 0o077 == 0
        assert path.parent.stat().st_mode & 0o077 == 0

    def test_a_path_that_cannot_be(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(Unreachable) as caught:
            store.connect(f"sqlite:///{tmp_path}/file/todoku.db")
        assert f"{tmp_path}/file/todoku.db" in str(caught.value)
        assert "--data" in caught.value.text("ja")

    def test_a_file_that_is_no_database(self, tmp_path: Path) -> None:
        path = tmp_path / "todoku.db"
        path.write_text("Dear diary, this is not a database at all. " * 50)
        before = path.read_bytes()
        with pytest.raises(Unreachable, match="not a database"):
            store.connect(f"sqlite:///{path}")
        assert path.read_bytes() == before


class TestPostgreSQL:
    def test_nobody_answers(self) -> None:
        with pytest.raises(Unreachable) as caught:
            store.connect("postgresql://todoku:hunter2@127.0.0.1:1/desk")
        for lang in LANGUAGES:
            text = caught.value.text(lang)
            assert "127.0.0.1:1/desk" in text
            assert "hunter2" not in text
            assert "\n" not in text
        assert "Nothing was changed" in str(caught.value)

    @pytest.mark.slow
    def test_no_such_database(self, postgres_server: postgres.Server) -> None:
        with pytest.raises(Unreachable, match='database "absent" does not exist'):
            store.connect(postgres_server.url("absent"))

    @pytest.mark.slow
    def test_says_who_it_is(self, postgres_server: postgres.Server, connect: Connect) -> None:
        with connect(postgres_server.database()).connect() as connection:
            assert connection.exec_driver_sql("SHOW application_name").scalar_one() == "todoku"


class TestWithoutTheExtra:
    @pytest.mark.parametrize(
        ("module", "url"),
        [
            ("sqlalchemy", "sqlite:///x.db"),
            ("alembic", "sqlite:///x.db"),
            ("psycopg", "postgresql://todoku@127.0.0.1:1/desk"),
        ],
    )
    def test_a_missing_part_is_told(self, module: str, url: str, tmp_path: Path) -> None:
        code = f"""if True:
            import sys
            class Without:
                def find_spec(self, name, path=None, target=None):
                    if name.partition(".")[0] == {module!r}:
                        raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
            sys.meta_path.insert(0, Without())
            from todoku import store
            try:
                store.connect({url!r})
            except store.MissingExtra as error:
                print(error)
        """
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
        )
        assert f"there is no {module}" in done.stdout, done.stderr
        assert "pip install 'todoku[server]'" in done.stdout

    def test_errors_can_be_told_without_it(self) -> None:
        code = "import sys, todoku.store; print({'sqlalchemy', 'alembic'} & set(sys.modules))"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert done.stdout == "set()\n"

    def test_all_are_errors_of_the_store(self) -> None:
        for kind in (MissingExtra, NewerStore, Unreachable, MigrationFailed):
            assert issubclass(kind, StoreError)


def test_a_new_migration_is_written_from_the_tables(tmp_path: Path) -> None:
    """`scripts/new_migration.py`, into a copy."""
    root = Path(__file__).parent.parent.parent
    copy = tmp_path / "src"
    shutil.copytree(root / "src" / "todoku", copy / "todoku")
    code = f"""if True:
        import runpy, sys
        sys.path.insert(0, {str(copy)!r})
        import sqlalchemy as sa
        from todoku.store.engine import metadata
        sa.Table("things", metadata, sa.Column("id", sa.Integer, primary_key=True))
        sys.argv = ["new_migration.py", "things"]
        runpy.run_path({str(root / "scripts" / "new_migration.py")!r}, run_name="__main__")
    """
    subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    written = copy / "todoku" / "store" / "migrations" / "versions" / "0008_things.py"
    text = written.read_text()
    compile(text, "0008_things.py", "exec")
    assert 'revision = "0008"' in text.replace("'", '"')
    assert "op.create_table" in text
    assert "pk_things" in text


def test_migrations_are_in_the_package() -> None:
    module: ModuleType = migrate
    folder = Path(str(module.__file__)).parent / "migrations"
    versions = (
        "0001_begin.py",
        "0002_cases.py",
        "0003_mailboxes.py",
        "0004_unverified.py",
        "0005_deliveries.py",
        "0006_floods.py",
        "0007_log_begins.py",
    )
    for name in ("env.py", "script.py.mako", *(f"versions/{version}" for version in versions)):
        assert (folder / name).is_file()
