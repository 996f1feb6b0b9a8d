"""`todoku logs --store`: what the logs tell that is new, reported and stored (docs/deliveries.md)."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from todoku.cli.logs_reading import Reading
from todoku.cli.logs_reading import told as said
from todoku.cli.render.text import short
from todoku.errors import TodokuError
from todoku.i18n import Language, Number, Words, say
from todoku.logs.clock import Clock
from todoku.logs.messages import CELLS, Messages
from todoku.logs.opening import Piece, files, why
from todoku.logs.parts import Log as File
from todoku.logs.parts import Looking, Part, Stream, look
from todoku.logs.values import Kept

if TYPE_CHECKING:
    from todoku.deliveries.ledger import Ledger
    from todoku.deliveries.parts import Folder
    from todoku.deliveries.storing import Log, Storing
    from todoku.logs.opening import Readable
    from todoku.logs.run import Recipients, Run
    from todoku.logs.values import Delivery

WORDS: Final[Words] = {
    "missing": {
        "ja": "配送を保存するには追加の部品が要ります（{module} がありません）。何も保存していません。"
        "pip install 'todoku[logs,server]' で入れてください。保存せずに読むだけなら --store は要りません。",
        "en": "storing deliveries needs parts that are not installed (there is no {module}). Nothing was "
        "stored. Install them: pip install 'todoku[logs,server]'. To read without storing, leave out "
        "--store.",
    },
    "folder": {
        "ja": "{path} に書き込めません（{why}）。最後に保存した後の分は保存していません。それまでの分はそのままです。"
        "空き容量と権限を確かめて、もう一度実行してください（続きから保存します）。",
        "en": "cannot write to {path} ({why}). What was read since the last part is not stored; what was "
        "stored before is as it was. See to its room and permissions, and run it again: it goes on where "
        "that stood.",
    },
    "overtaken": {
        "ja": "別のプロセス（todoku logs --store か --follow）が同じログを読み進めました。最後に保存した後の分は今回"
        "保存していません。何も失われず、二重にもなりません。ログごとに 1 つだけ動かしてください。",
        "en": "another process (todoku logs --store or --follow) read one of these logs on. What this one "
        "read since it last stored is not stored by it; nothing is lost, and nothing counts twice. Let "
        "one process read a log.",
    },
    "stored": {
        "ja": "新しい配送 {rows} 件を保存しました（{folder}）。",
        "en": "Stored {rows} new {rows:delivery|deliveries} in {folder}.",
    },
    "nothing-new": {
        "ja": "新しい行はありません。最後まで保存済みのログ: {n} 個（{folder}）。何も二重には数えていません。",
        "en": "Nothing new. Logs that were stored to their end before: {n} ({folder}). Nothing counts "
        "twice.",
    },
    "known": {
        "ja": "新しい行のなかったログ: {n} 個。",
        "en": "Logs that held nothing new: {n}.",
    },
    "too-old": {
        "ja": "[logs] keep_deliveries の日数より古く、保存しなかった配送: {n} 件。",
        "en": "Deliveries older than [logs] keep_deliveries allows, not stored: {n}.",
    },
    "erased": {
        "ja": "[logs] keep_deliveries の日数を過ぎた配送 {n} 件を消去しました。",
        "en": "Erased, as [logs] keep_deliveries says: {n}.",
    },
    "differs": {
        "ja": "{source} は保存済みのログと同じ始まりですが、途中から違います。どこまで読んだか分からないため、"
        "このログは数えも保存もしていません。",
        "en": "{source} begins as a log that is stored, and then differs. How far it was read cannot be "
        "told, so nothing of it was counted or stored.",
    },
    "unnumbered": {
        "ja": "ジャーナルの {n} 行には番号（__CURSOR）がなく、前に読んだかどうか分かりません。すべて新しいものとして"
        "数えました。journalctl -o json の出力をそのまま渡してください。",
        "en": "{n} {n:line|lines} of the journal {n:has|have} no number (__CURSOR), so nobody can tell whether they were "
        "read before; all of them count as new. Pipe in what journalctl -o json writes, unchanged.",
    },
}


class FolderError(TodokuError):
    """The folder of deliveries cannot be used. What was in it before is still there."""

    exit_code = 74


class Place(NamedTuple):
    """Where deliveries are stored, and how."""

    folder: Folder
    ledger: Ledger
    recipients: Recipients
    key: bytes
    """Of the hash of recipients."""
    keep_days: int

    def oldest(self, now: float) -> str:
        """The first day that is kept, 2026-05-28. `now`: Unix time."""
        return time.strftime("%Y-%m-%d", time.gmtime(now - self.keep_days * 86_400))

    @property
    def shown(self) -> Recipients:
        """As what the report counts them by: it has to tell them apart though none is stored."""
        return "hashed" if self.recipients == "off" else self.recipients


@contextmanager
def opened(config: Path | None, data: Path | None) -> Iterator[Place]:
    """The store of deliveries. Raises `TodokuError` where it cannot be used."""
    from todoku import settings, store
    from todoku.serve import privacy

    found = settings.load(config, data=data)
    privacy.check(found)
    try:
        from todoku.deliveries.key import key_in
        from todoku.deliveries.ledger import Ledger
        from todoku.deliveries.parts import Folder
        from todoku.deliveries.reading import FOLDER
    except ModuleNotFoundError as error:
        module = (error.name or "").partition(".")[0]
        raise TodokuError(WORDS["missing"], module=module) from error
    engine = store.connect(found.general.store)
    try:
        home = Path(found.general.data)
        with told(home):
            recipients = found.logs.recipients
            key = key_in(home) if recipients == "hashed" else os.urandom(16)
            keep_days = int(found.logs.keep_deliveries)
            yield Place(Folder(home / FOLDER), Ledger(engine), recipients, key, keep_days)
    finally:
        engine.dispose()


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """What a disk does, in sentences."""
    from todoku.store import Overtaken

    try:
        yield
    except Overtaken as error:
        raise Overtaken(WORDS["overtaken"]) from error
    except (OSError, EOFError) as error:
        if isinstance(error, BrokenPipeError):
            raise
        reason = ((isinstance(error, OSError) and error.strerror) or str(error)).lower()
        raise FolderError(WORDS["folder"], path=str(folder), why=reason) from error


class StoringReading(Reading):
    """One pass over the input that stores what is new."""

    def __init__(
        self, place: Place, run: Run, paths: tuple[str, ...], lang: Language,
        *, now: float, year: int | None, quiet: bool,
    ) -> None:  # fmt: skip
        super().__init__(run, paths, lang, now=now, year=year, quiet=quiet)
        self.place = place
        self.storing = self._storing()
        self._files = 0
        self._known = 0
        self._erased = 0
        self._heads: list[tuple[str, bytes]] = []
        self._earlier: tuple[File, ...] = ()
        """The files before the one that is read, the latest first."""
        self._remembers = False
        """Of the file before all was read, so this pass knows what it tells of messages."""

    def _storing(self) -> Storing:
        import pyarrow as pa

        from todoku.deliveries.rows import Rows
        from todoku.deliveries.storing import Storing

        pa.set_memory_pool(pa.system_memory_pool())  # gives back what was freed
        place, run = self.place, self.run
        rows = Rows(run.judge.knowledge, run.own, place.recipients, run.key)
        return Storing(
            run, rows, place.folder, place.ledger, time.time, oldest=place.oldest(self.now)
        )

    def read(self) -> None:
        """All of it. Raises `NotUnderstoodError` where nothing was understood, and stores nothing
        then."""
        for path in files(self.paths):
            if isinstance(path, Piece):
                self._unreadable(path)
            elif path == "-":
                self._files += 1
                self._stream("-", sys.stdin.buffer, None)
            else:
                self._file(path)
                with contextlib.suppress(Stream):
                    self._earlier = (look(path), *self._earlier)[:CELLS]
        self._clear()
        self._judge_heads(self._files, self._heads)
        self.storing.keep()
        self._tidy()
        self._say_unnumbered()

    def _say_unnumbered(self) -> None:
        if self.storing.journals.unnumbered:
            self._say("unnumbered", WORDS, n=Number(self.storing.journals.unnumbered))

    def _tidy(self) -> None:
        """Erases what is too old, and makes large parts of small ones, and of a tail that nobody
        follows any more."""
        from todoku.deliveries.compacting import compact, erase
        from todoku.deliveries.living import MOST_SECONDS, fold

        place = self.place
        oldest = place.ledger.tail_size()[1]
        if oldest is not None and self.now - oldest > 2 * MOST_SECONDS:
            fold(place.folder, place.ledger, self.now)
        self._erased += erase(place.folder, place.ledger, place.oldest(self.now), self.now)
        compact(place.folder, place.ledger, self.now)

    def kept(self) -> Kept:
        return Kept(
            rows=self.storing.stored,
            logs=self._files - self._known - len(self._heads),
            known=self._known,
            too_old=self.storing.too_old,
            erased=self._erased,
            folder=str(self.place.folder.path),
        )

    def tell(self) -> None:
        kept, lang = self.kept(), self.lang
        folder, several = short(kept.folder, 200), kept.logs + kept.known
        if not kept.logs:
            sentences = [say(WORDS["nothing-new"], lang, n=f"{several:,}", folder=folder)]
        else:
            sentences = [say(WORDS["stored"], lang, rows=Number(kept.rows), folder=folder)]
            if kept.known:
                sentences.append(say(WORDS["known"], lang, n=f"{kept.known:,}"))
        if kept.too_old:
            sentences.append(say(WORDS["too-old"], lang, n=f"{kept.too_old:,}"))
        if kept.erased:
            sentences.append(say(WORDS["erased"], lang, n=f"{kept.erased:,}"))
        said(("" if lang == "ja" else " ").join(sentences))

    def _file(self, path: str) -> None:
        source = os.fsencode(path).decode("utf-8", "replace")
        try:
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123 (names need not be text)
                self._files += 1
                status = os.fstat(file.fileno())
                if not stat.S_ISREG(status.st_mode):
                    self._stream(source, file, None)
                    return
                from todoku.deliveries.storing import file_of

                name = file_of(status)
                if self.storing.whole(name):
                    self._known += 1
                    self._remembers = False
                else:
                    self._stream(source, file, status.st_mtime, name)
        except OSError as error:
            self._remembers = False
            self._unreadable(Piece(source, error=why(error)))

    def _stream(self, source: str, file: Readable, written: float | None, name: str = "") -> None:
        """`written`: when it was last written to; `None` for what cannot be read again. `name`: the
        file's, as `Read.file` has it."""
        from todoku.deliveries.feeding import Feeding

        newest = self.now if written is None else min(self.now, written)
        clock = Clock(newest, year=self.year)
        again = written is not None
        cell = -1
        if not self._remembers:
            place = Part(File(source, newest, 0, packed=False, cut=False), 0, earlier=self._earlier)
            self.run.messages, cell = Messages(Looking(place)), 0
        feeding = Feeding(
            file, lambda head: self._log(source, clock, head, cell, again=again), again=again
        )
        for found in feeding:
            self._count(found)
            if self.storing.full:
                self.storing.keep()
            if self._progress:
                self._tick()
        if feeding.error is not None:
            self._unreadable(Piece(source, error=feeding.error))
        elif feeding.log is not None and name:
            self.storing.ended(feeding.log, name)
        self._remembers = feeding.whole
        self._judge(source, feeding.state, feeding.head)

    def _log(self, source: str, clock: Clock, head: bytes, cell: int, *, again: bool) -> Log:
        from todoku.deliveries import journal

        if not again and journal.looks(head):
            return self.storing.piped(source, clock, numbered=True)
        return self.storing.log(source, clock, cell)

    def _count(self, deliveries: list[Delivery]) -> None:
        for delivery in deliveries:
            self.sums.add(delivery)
            self.run.daily.refused(delivery)

    def _judge(self, source: str, state: str, head: bytes) -> None:
        """What became of a log, as `todoku.deliveries.feeding` has it."""
        if state == "differs":
            self.failed = True
            self._say("differs", WORDS, source=self._name(source))
        if state == "nothing":
            self._heads.append((source, head))
        self._known += state in {"differs", "known"}
