"""`todoku logs --engine`: the pass over the input by several processes, or on a dask cluster."""

from __future__ import annotations

import contextlib
import functools
import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from todoku import __version__
from todoku.cli import EX_USAGE, Failure
from todoku.cli.logs_reading import Reading
from todoku.cli.render.text import short
from todoku.errors import TodokuError
from todoku.i18n import Language, Words, say
from todoku.logs import engine
from todoku.logs.engine import Asked, DiffersError, Merged, Told
from todoku.logs.parts import Part, Stream, Unreadable, logs, parts
from todoku.logs.run import Run
from todoku.logs.workers import Dask, Local, LostError, in_order

if TYPE_CHECKING:
    from todoku.diagnosis import Diagnoser

T = TypeVar("T")

WORDS: Final[Words] = {
    "bad-engine": {
        "ja": "--engine の {value} は分かりません。この機械の複数プロセスなら local、クラスターなら "
        "dask://HOST:PORT です。",
        "en": "--engine {value} is not known. It is local (processes of this machine) or dask://HOST:PORT "
        "(a cluster).",
    },
    "workers-of": {
        "ja": "--workers は --engine local のプロセス数です。--engine local と一緒に使ってください（dask では"
        "クラスターのワーカーすべてで読みます）。",
        "en": "--workers is the number of processes of --engine local, and goes with it alone (on dask, "
        "all workers of the cluster read).",
    },
    "not-with": {
        "ja": "--engine は {option} と一緒には使えません。何も読んでいません。",
        "en": "--engine does not go with {option}. Nothing was read.",
    },
    "store-local": {
        "ja": "--store は --engine local となら使えます。dask のワーカーは別の機械にあり、配送のフォルダーに書けないためです。"
        "何も読んでいません。フォルダーのある機械で --engine local を使ってください。",
        "en": "--store goes with --engine local alone: the workers of a dask cluster are on other machines, where "
        "the folder of deliveries is not. Nothing was read. Use --engine local on the machine that has it.",
    },
    "stream": {
        "ja": "--engine では標準入力やパイプを読めません（ワーカーがファイルを自分で開くためです）。ファイルを指定するか、"
        "--engine なしで読んでください。何も集計していません。",
        "en": "--engine cannot read standard input or a pipe, as each worker opens the files itself. Name "
        "files, or leave --engine out. Nothing was counted.",
    },
    "no-dask": {
        "ja": "--engine dask:// には追加のパッケージが要ります: pip install 'todoku[cluster]'",
        "en": "--engine dask:// needs further packages: pip install 'todoku[cluster]'",
    },
    "no-scheduler": {
        "ja": "dask のスケジューラー {place} につながりません（{why}）。何も集計していません。動いているか、"
        "ここから届くかを確かめてください: dask scheduler",
        "en": "cannot reach the dask scheduler at {place} ({why}). Nothing was counted. See that it runs "
        "and can be reached from here: dask scheduler",
    },
    "no-workers": {
        "ja": "dask のスケジューラー {place} にワーカーがいません。何も集計していません。dask worker {place} で加えてください。",
        "en": "the dask scheduler at {place} has no workers. Nothing was counted. To add one: dask worker "
        "{place}",
    },
    "lost": {
        "ja": "同じ部分を読むワーカーが何度も強制終了しました（メモリー不足のことが多いです）。何も集計していません。"
        "--workers を減らすか、--engine なしで読んでください。",
        "en": "workers were killed again and again over the same part of the logs (for want of memory, as a "
        "rule). Nothing was counted. Use fewer --workers, or leave --engine out.",
    },
    "failed": {
        "ja": "ワーカーがログを読めませんでした（{why}）。何も集計していません。ワーカーの todoku がここと同じ版（{version}）かを"
        "確かめてください。",
        "en": "a worker failed ({why}). Nothing was counted. See that the workers have the same version of "
        "todoku as this machine ({version}).",
    },
    "differs-version": {
        "ja": "ワーカーの todoku は {theirs} 版、こちらは {ours} 版です。判定が混ざるため、何も集計していません。"
        "同じ版にそろえてください。",
        "en": "a worker has todoku {theirs}, this machine {ours}. As their verdicts may differ, nothing was "
        "counted. Install the same version on all of them.",
    },
    "differs-knowledge": {
        "ja": "ワーカーの知識は {theirs} 版、こちらは {ours} 版です。判定が混ざるため、何も集計していません。todoku の版と、"
        "自分の規則のフォルダーをそろえてください。",
        "en": "a worker's knowledge is of version {theirs}, this machine's of {ours}. As their verdicts would "
        "differ, nothing was counted. Give all of them the same todoku and the same folder of own rules.",
    },
    "differs-zone": {
        "ja": "ワーカーの時間帯は {theirs}、こちらは {ours} です。年や時差のない時刻が食い違うため、何も集計していません。"
        "TZ をそろえてください。",
        "en": "a worker's time zone is {theirs}, this machine's {ours}. As stamps without a zone would be read "
        "differently, nothing was counted. Set TZ alike.",
    },
    "same-files": {
        "ja": "ワーカーはログを自分で開きます。どのワーカーからも同じパスで読めるようにしてください（共有フォルダーなど）。",
        "en": "the workers open the logs themselves: all of them must be able to read each under the same "
        "path (a shared folder, say).",
    },
}
DASK: Final = "dask://"
_CONNECT: Final = "10s"


class EngineError(TodokuError):
    """The engine could not do its work; nothing is told of a part of the logs."""

    exit_code = 69  # EX_UNAVAILABLE


class EngineReading(Reading):
    """The same pass, in parts that others read."""

    def __init__(
        self,
        name: str,
        workers: int | None,
        overlay: Path | None,
        run: Run,
        paths: tuple[str, ...],
        lang: Language,
        *,
        now: float,
        year: int | None,
        quiet: bool,
    ) -> None:
        super().__init__(run, paths, lang, now=now, year=year, quiet=quiet)
        self._engine = name
        self._workers = workers or cores()
        self._asked = Asked(
            since=None if run.since == float("-inf") else run.since,
            until=None if run.until == float("inf") else run.until,
            own=run.own, key=run.key, year=year, now=now, language=lang, overlay=overlay,
            version=__version__, knowledge=run.judge.knowledge, zone=engine.zone(),
        )  # fmt: skip

    def read(self) -> None:
        """All of it. Raises `NotUnderstoodError` where nothing was understood, and `EngineError`."""
        try:
            found = logs(self.paths)
        except Stream:
            raise Failure(say(WORDS["stream"], self.lang), EX_USAGE) from None
        merged = Merged(self.run.key)
        self.sums, self.run.counts, self.run.daily = merged.sums, merged.counts, merged.daily
        heads: list[tuple[str, bytes]] = []
        files, number, understood, begun = 0, -1, 0, False
        name, head = "", b""
        with self._opened() as workers:
            for part, told in self._told(workers, list(parts(found, workers.workers))):
                if told is None or isinstance(part, Unreadable):
                    self._unreadable(part.piece)  # type: ignore[union-attr]
                    continue
                if part.number != number:
                    if begun and not understood:
                        heads.append((name, head))
                    number, understood, begun = part.number, 0, False
                if told.begun and not begun:
                    begun = True
                    files += 1
                    name, head = told.name, told.head
                for piece in told.errors:
                    self._unreadable(piece)
                understood += told.counts.understood
                merged.add(part, told)
                if self._progress:
                    self._tick()
        if begun and not understood:
            heads.append((name, head))
        self._clear()
        if self.failed and self._engine != "local":
            self._say("same-files", WORDS)
        self._judge_heads(files, heads)

    def _told(
        self, workers: Local | Dask, all_of_it: list[Part | Unreadable]
    ) -> Iterator[tuple[Part, Told] | tuple[Unreadable, None]]:
        """In the order of one pass, with what is no file in its place."""
        do = functools.partial(engine.count, self._asked)
        told = each(workers, do, (p for p in all_of_it if isinstance(p, Part)), self._asked)
        for part in all_of_it:
            yield (part, None) if isinstance(part, Unreadable) else next(told)

    def _opened(self) -> contextlib.AbstractContextManager[Local | Dask]:
        return opened(self._engine, self._workers, self._asked, self.run.judge.diagnose)


def each(
    workers: Local | Dask, do: Callable[[Part], T], parts: Iterable[Part], asked: Asked
) -> Iterator[tuple[Part, T]]:
    """Each part with what `do` makes of it, in their order. Raises `EngineError`."""
    try:
        yield from in_order(workers, do, parts)
    except LostError:
        raise EngineError(WORDS["lost"]) from None
    except DiffersError as e:
        raise _differs(e, asked) from None
    except (TodokuError, MemoryError):
        raise
    except Exception as e:
        if isinstance(workers, Local):
            raise  # a fault of ours
        why = short(f"{type(e).__name__}: {e}", 120)
        raise EngineError(WORDS["failed"], why=why, version=asked.version) from e


def _differs(e: DiffersError, asked: Asked) -> EngineError:
    ours = {
        "version": asked.version,
        "knowledge": asked.knowledge,
        "zone": "/".join(time.tzname),
    }[e.what]
    return EngineError(WORDS[f"differs-{e.what}"], theirs=short(e.theirs, 60), ours=ours)


@contextlib.contextmanager
def opened(
    name: str, workers: int | None, asked: Asked, diagnose: Diagnoser
) -> Iterator[Local | Dask]:
    """Those who read the parts. Raises `EngineError`."""
    if name == "local":
        engine.share(asked, diagnose)
        with Local(workers or cores()) as local:
            yield local
        return
    import logging
    from typing import Any

    try:
        from distributed import Client, Security
    except ImportError:
        raise EngineError(WORDS["no-dask"]) from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    place = name.removeprefix(DASK)
    security: Any = Security()  # type: ignore[no-untyped-call]
    scheme = "tls" if security.require_encryption or security.tls_client_cert else "tcp"
    try:
        client = Client(
            f"{scheme}://{place}", timeout=_CONNECT, security=security, set_as_default=False
        )  # type: ignore[no-untyped-call]
    except (OSError, TimeoutError, ValueError) as e:
        why = short(str(e) or type(e).__name__, 100)
        raise EngineError(WORDS["no-scheduler"], place=place, why=why) from None
    with client:
        cluster = Dask(client)
        if not cluster.threads:
            raise EngineError(WORDS["no-workers"], place=place)
        yield cluster


def check(name: str | None, workers: int | None, against: dict[str, bool], lang: Language) -> str:
    """The engine; raises `Failure` for one that is none, or that does not go with another option."""
    if name is None:
        raise Failure(say(WORDS["workers-of"], lang), EX_USAGE)
    host, colon, port = name.removeprefix(DASK).rpartition(":")
    known = name == "local" or (
        name.startswith(DASK) and host and colon and port.isascii() and port.isdecimal()
        and int(port) < 65_536
    )  # fmt: skip
    if not known:
        raise Failure(say(WORDS["bad-engine"], lang, value=short(name, 60)), EX_USAGE)
    if workers is not None and name != "local":
        raise Failure(say(WORDS["workers-of"], lang), EX_USAGE)
    option = next((o for o, given in against.items() if given), None)
    if option == "--store" and name == "local":
        return name
    if option == "--store":
        raise Failure(say(WORDS["store-local"], lang), EX_USAGE)
    if option is not None:
        raise Failure(say(WORDS["not-with"], lang, option=option), EX_USAGE)
    return name


def cores() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
