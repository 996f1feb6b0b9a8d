"""todoku as a library: one function, from bytes, text or a path to diagnoses.

    todoku.diagnose(raw_mail)                            # bytes: a mail, a log, NDJSON, ...
    todoku.diagnose("550 5.7.1 ... blocked using ...")   # str: the text itself
    todoku.diagnose(Path("/var/mail/bounces"))           # a file, folder, Maildir, mbox, .gz

It reads no settings and asks nothing of the network. What is ours can be handed in as `own`.
"""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Iterator
from typing import Literal

from todoku import reading, sources
from todoku.diagnosis import Diagnoser, Own
from todoku.errors import TodokuError
from todoku.i18n import Words
from todoku.knowledge import load
from todoku.model import Diagnosis, Language

WORDS: Words = {
    "unreadable": {
        "ja": "{source} を読めません（{why}）。",
        "en": "cannot read {source} ({why}).",
    }
}


class UnreadableError(TodokuError):
    """The path that was named cannot be read."""


class UnreadableWarning(UserWarning):
    """A file in a folder cannot be read; the others were."""


def diagnose(
    source: bytes | bytearray | memoryview | str | os.PathLike[str],
    *,
    language: Language = "en",
    own: Own | None = None,
    sisimai: Literal["5.5", "5.6"] = "5.5",
) -> list[Diagnosis]:
    """Who refused, why, by which list, and the way out: one `Diagnosis` a refused recipient.

    `source` is the input itself (`bytes`, or `str` for text) or where it lies (a path object; a
    `str` is never taken for a path). `language` is that of `remedy`. `own` tells what is ours,
    as `todoku.settings.Own` does; without it `Identity.own` stays `None`. `sisimai` chooses the
    names of `Diagnosis.sisimai`.

    Empty where nothing was recognised; a mail that is no bounce gives a `Diagnosis` of kind
    `not-a-bounce`. Raises `UnreadableError` where the path cannot be read; files in a folder that
    cannot be read are passed over with an `UnreadableWarning`.
    """
    judge = _diagnoser(language, sisimai) if own is None else _make(language, sisimai, own)
    if isinstance(source, str):
        data = source.encode("utf-8", "replace")
        return [judge(r) for r in reading.read(data)]
    if isinstance(source, os.PathLike):
        return list(_of_path(source, judge))
    return [judge(r) for r in reading.read(bytes(source))]


def _of_path(path: os.PathLike[str], judge: Diagnoser) -> Iterator[Diagnosis]:
    for item in sources.open_sources([path]):
        if item.error is None:
            for refusal in reading.read(item.data):
                yield judge(refusal, item.source)
        elif item.source == os.fspath(path):
            raise UnreadableError(WORDS["unreadable"], source=item.source, why=item.error)
        elif not item.skipped:
            warnings.warn(
                f"cannot read {item.source} ({item.error})", UnreadableWarning, stacklevel=3
            )


@functools.lru_cache(maxsize=4)
def _diagnoser(language: Language, sisimai: str) -> Diagnoser:
    return _make(language, sisimai, None)


def _make(language: Language, sisimai: str, own: Own | None) -> Diagnoser:
    return Diagnoser(load.knowledge(), language=language, own=own, sisimai=sisimai)
