"""The key of an installation's hashes of recipients: made once, and readable to its owner alone."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import Final

from todoku.errors import TodokuError
from todoku.i18n import Words

NAME: Final = "recipients.key"
LENGTH: Final = 32

WORDS: Final[Words] = {
    "damaged": {
        "ja": "{path} が壊れています（{length} バイトの鍵ではありません）。宛先のハッシュに使う鍵です。何も保存していません。"
        "バックアップから戻してください。消すと新しい鍵を作りますが、以前の宛先とは別の宛先に見えます。",
        "en": "{path} is damaged: it is not a key of {length} bytes. Recipients are hashed with it. Nothing "
        "was stored. Restore it from a backup; without the file a new key is made, and the recipients "
        "stored before then look like other people.",
    },
    "open": {
        "ja": "{path} を所有者以外も読めます。宛先のハッシュに使う鍵です。何も保存していません。chmod 600 {path} を実行してください。",
        "en": "others than its owner can read {path}, the key that recipients are hashed with. Nothing was "
        "stored. Run: chmod 600 {path}",
    },
}


def key_in(folder: Path) -> bytes:
    """The key of this data folder, made where there is none; two that make one at once get the same.
    Raises `TodokuError` where the file holds none or others can read it, and `OSError`."""
    path = folder / NAME
    if not path.exists():
        _make(path)
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        key = file.read(LENGTH + 1)
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise TodokuError(WORDS["open"], path=str(path))
    if len(key) != LENGTH:
        raise TodokuError(WORDS["damaged"], path=str(path), length=LENGTH)
    return key


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(LENGTH))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(new, path)  # whole or not at all, and never over another's
        except FileExistsError:
            return
    finally:
        new.unlink()
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
