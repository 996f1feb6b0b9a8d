"""The queue of the sending server on disk. A message is queued once its envelope is there; kill the
process anywhere, and what was acknowledged is there again.

    ID.eml    the message        (written first)
    ID.json   its envelope       (renamed into place: from then on it is queued; removed first)
"""

from __future__ import annotations

import random
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from todoku.lab import maildir

_LETTERS: Final = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxy"
"""Of Postfix's long queue ids (no vowels); `z` parts the time from the rest."""


class Envelope(msgspec.Struct, kw_only=True):
    id: str
    sender: str
    recipients: list[str]
    """Those that are left."""
    arrived: datetime
    source: str | None = None
    """The address to send from, where the submitter chose one."""
    next_at: datetime | None = None
    tries: int = 0
    warned: bool = False


class Queue:
    def __init__(self, folder: Path, rng: random.Random) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._rng = rng

    def new_id(self) -> str:
        """As Postfix's long queue ids look."""
        while True:
            letters = "".join(self._rng.choices(_LETTERS, k=13))
            name = f"4{letters[:9]}z{letters[9:]}"
            if not self._path(name, "json").exists():
                return name

    def put(self, envelope: Envelope, message: bytes) -> None:
        maildir.write(self._path(envelope.id, "eml"), message)
        self.save(envelope)

    def save(self, envelope: Envelope) -> None:
        temporary = self._path(envelope.id, "tmp")
        maildir.write(temporary, msgspec.json.encode(envelope))
        temporary.replace(self._path(envelope.id, "json"))
        maildir.sync(self._folder)

    def message(self, envelope: Envelope) -> bytes:
        return self._path(envelope.id, "eml").read_bytes()

    def drop(self, envelope: Envelope) -> None:
        self._path(envelope.id, "json").unlink(missing_ok=True)
        maildir.sync(self._folder)
        self._path(envelope.id, "eml").unlink(missing_ok=True)

    def all(self) -> list[Envelope]:
        """What is queued, oldest first. What a killed process left half done is tidied away."""
        for path in (*self._folder.glob("*.tmp"), *self._folder.glob("*.eml")):
            if not path.with_suffix(".json").exists():
                path.unlink()
        found = [
            msgspec.json.decode(path.read_bytes(), type=Envelope)
            for path in self._folder.glob("*.json")
        ]
        return sorted(found, key=lambda e: (e.arrived, e.id))

    def _path(self, name: str, suffix: str) -> Path:
        return self._folder / f"{name}.{suffix}"
