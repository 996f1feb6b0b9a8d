"""`todoku logs --stored`: the report of what is stored (docs/deliveries.md)."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from todoku.cli.logs_reading import Reading, told
from todoku.errors import TodokuError
from todoku.i18n import Language, Words, say
from todoku.logs.run import Run
from todoku.logs.values import Summary, Warnings

WORDS: Final[Words] = {
    "nothing": {
        "ja": "保存した配送はまだありません（{folder}）。todoku logs --store /var/log/mail.log* で保存できます。",
        "en": "no deliveries are stored yet in {folder}. To store some: todoku logs --store "
        "/var/log/mail.log*",
    },
    "no-paths": {
        "ja": "--stored は保存済みの配送を見るもので、ログのファイルは読みません。{paths} を読んで保存するには "
        "--store を使ってください。",
        "en": "--stored tells what is stored and reads no log. To read and store {paths}: --store",
    },
    "alone": {
        "ja": "--stored は保存済みの配送を見るもので、--store や --follow とは一緒に使えません。先に保存してから、"
        "--stored で見てください。",
        "en": "--stored tells what is stored; it does not go with --store or --follow. Store first, then "
        "look with --stored.",
    },
    "whole-days": {
        "ja": "読んだ行数は日単位（UTC）で、期間にかかる日のすべての行を数えています。件数と時刻は指定どおりです。",
        "en": "Lines are counted for whole days (UTC) with a part in that time; attempts and times are as "
        "you asked.",
    },
}


class StoredReading(Reading):
    """What is stored, in place of a pass over some logs."""

    def __init__(
        self, run: Run, lang: Language, *, config: Path | None, data: Path | None,
        since: float | None, until: float | None, receiver: str | None,
    ) -> None:  # fmt: skip
        super().__init__(run, (), lang, now=time.time(), year=None, quiet=True)
        self._config = config
        self._data = data
        self._since = since
        self._until = until
        self._receiver = receiver
        self._knowledge = ""

    def read(self) -> None:
        from todoku import settings
        from todoku.deliveries.asking import Asking

        found = settings.load(self._config, data=self._data)
        with Asking() as asking:  # it starts while the rest is imported
            from todoku.deliveries.reading import open_stored
            from todoku.deliveries.report import report

            with open_stored(found.general.data, found.general.store) as stored:
                if not stored.rows:
                    raise TodokuError(WORDS["nothing"], folder=str(stored.folder.path))
                asking.begin(stored, _day(self._since), _day(self._until))
                answer = report(
                    asking, stored.ledger.grounds, stored.days(), since=self._since,
                    until=self._until, domain=self._receiver,
                )  # fmt: skip
        self.sums, self.run.counts, self.run.daily = answer.sums, answer.counts, answer.daily
        self._knowledge = answer.knowledge

    def tell(self) -> None:
        if self._since is not None or self._until is not None:
            told(say(WORDS["whole-days"], self.lang))

    def summary(self, groups: int, early: Warnings) -> Summary:
        import msgspec

        summary = super().summary(groups, early)
        return msgspec.structs.replace(summary, knowledge=self._knowledge or summary.knowledge)


def _day(seconds: float | None) -> str | None:
    """Parts are by day of UTC; a row without a time is of no bounded time."""
    if seconds is None:
        return None
    try:
        return time.strftime("%Y-%m-%d", time.gmtime(seconds))
    except (ValueError, OverflowError, OSError):
        return None
