"""The users of ours who are told when their mail comes back, as the settings' file names them:

    sato@example.jp    ja   佐藤 花子
    info@example.jp    en
    # address, language and name; the last two may be missing

Nobody else is: whoever is in no line of it is written to only if he reported himself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final, NamedTuple

from todoku.i18n import LANGUAGES, Language
from todoku.model import Diagnosis, Identity
from todoku.reading import mail
from todoku.settings import table
from todoku.settings.own import Own

MOST: Final = 64 << 20
"""Octets of the file that are read."""
_RETURNED: Final = frozenset(
    (b"message/rfc822", b"message/global", b"text/rfc822-headers", b"message/global-headers")
)
_AUTOMATIC: Final = re.compile(
    rb"^(?:auto-submitted:[ \t]*(?!no\b)\S|precedence:[ \t]*(?:bulk|list|junk)\b|list-(?:id|unsubscribe):)",
    re.I | re.M,
)


class User(NamedTuple):
    address: str
    name: str | None
    lang: Language | None


class Directory:
    """Read anew when the file has changed."""

    def __init__(
        self,
        path: Path | None,
        own: Own,
        tell: Callable[[Path, str], object] = lambda _path, _why: None,
    ) -> None:
        """`tell`: that the file cannot be read, and why. Then nobody is told."""
        self._path = path
        self._own = own
        self._tell = tell
        self._seen: tuple[int, int, int] | None = None
        self._users: dict[str, User] = {}

    def find(self, address: str | None) -> User | None:
        """Of ours alone, whatever the file says."""
        if self._path is None or not address:
            return None
        self._read()
        user = self._users.get(address.strip("<> ").lower())
        ours = user is not None and self._own.covers(Identity("address", user.address))
        return user if ours else None

    def senders(self, body: bytes, found: Iterable[Diagnosis]) -> tuple[User, ...]:
        """Who wrote what came back in this bounce, and may be told. A machine is not (RFC 3834)."""
        if self._path is None or is_automatic(body):
            return ()
        users = (self.find(d.sender) for d in found if not d.temporary)
        return tuple(dict.fromkeys(filter(None, users)))

    def _read(self) -> None:
        assert self._path is not None  # noqa: S101
        try:
            there = self._path.stat()
            now = (there.st_ino, there.st_size, there.st_mtime_ns)
            if now == self._seen:
                return
            with self._path.open("rb") as file:
                text = file.read(MOST).decode("utf-8", "replace")
        except OSError as error:
            self._users, self._seen = {}, None
            self._tell(self._path, (error.strerror or str(error)).lower())
            return
        self._users = {
            user.address.lower(): user for user in filter(None, map(_user, text.splitlines()))
        }
        self._seen = now


def _user(line: str) -> User | None:
    address, *more = line.split("#", maxsplit=1)[0].split()[:20] or [""]
    if (good := table.mailbox(address)) is None:
        return None
    lang: Language | None = None
    if more and more[0].lower() in LANGUAGES:
        lang = "ja" if more.pop(0).lower() == "ja" else "en"
    return User(good, " ".join(more) or None, lang)


def is_automatic(body: bytes) -> bool:
    """Whether the mail that came back was written by a machine, by its own header."""
    whole = mail.parse(body)
    parts = (
        [leaf for leaf in whole.leaves() if leaf.type in _RETURNED]
        if whole.type.startswith(b"multipart/")
        else []
    )
    heads = (part.content(100_000).partition(b"\n\n")[0] for part in parts)
    return any(_AUTOMATIC.search(head) for head in heads)
