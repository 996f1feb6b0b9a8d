"""Who has signed in: a file for each mailbox in the data folder, for its owner alone. The access token
is made anew before it expires; the sign-in itself lasts until its provider ends it.

    DATA/sign-in/NAME.json
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from todoku.i18n import Words
from todoku.serve.mailboxes.oauth import Client, Refused, Tokens
from todoku.serve.mailboxes.trouble import NotSignedIn, Trouble, words
from todoku.settings.mailboxes import Mailbox

EARLY: Final = 300.0
"""Seconds before its end at which an access token is made anew."""
SHORTEST: Final = 30.0

WORDS: Final[Words] = {
    "never": {
        "ja": "メールボックス {name}: まだサインインしていません。次を実行してください: todoku mailbox sign-in "
        "{name}",
        "en": "mailbox {name}: nobody has signed in yet. Do: todoku mailbox sign-in {name}",
    },
    "other": {
        "ja": "メールボックス {name}: 保存されているサインインは、別の設定（sign_in、client_id、user）のものです。"
        "もう一度サインインしてください: todoku mailbox sign-in {name}",
        "en": "mailbox {name}: the sign-in that is kept is of other settings (sign_in, client_id, user). "
        "Sign in again: todoku mailbox sign-in {name}",
    },
    "over": {
        "ja": "メールボックス {name}: サインインが無効になりました（{why}）。メールはメールボックスに残っていて、"
        "サインインし直せば続きから取り込みます: todoku mailbox sign-in {name}",
        "en": "mailbox {name}: the sign-in is no longer good ({why}). Mail stays in the mailbox and is "
        "taken in once you sign in again: todoku mailbox sign-in {name}",
    },
    "unreadable": {
        "ja": "メールボックス {name}: サインインのファイル {path} を使えません（{why}）。",
        "en": "mailbox {name}: cannot use the sign-in file {path} ({why}).",
    },
}


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is in the file. Secret."""

    v: int = 1
    sign_in: str
    client_id: str
    user: str
    refresh: str
    access: str | None = None
    until: float = 0.0
    """When the access token ends; Unix time."""
    over: str | None = None
    """Why the provider refused it: it is not asked again with this one."""

    def __repr__(self) -> str:
        return f"Kept(sign_in={self.sign_in!r}, user={self.user!r})"


class SignIn:
    """That of a mailbox, in a data folder. `now`: Unix time."""

    def __init__(self, box: Mailbox, client: Client, data: Path, now: Callable[[], float]) -> None:
        self._box = box
        self._client = client
        self._now = now
        self.path = data / "sign-in" / f"{box.name}.json"

    def access(self, *, fresh: bool = False) -> str:
        """An access token that holds for some minutes. `fresh`: not the one that is kept. Raises
        `NotSignedIn`, which a person mends, and `Trouble`."""
        with self._locked():
            kept = self._read()
            if kept.over is not None:
                raise self._trouble("over", NotSignedIn, why=kept.over)
            if kept.access is not None and not fresh and self._now() < kept.until:
                return kept.access
            try:
                tokens = self._client.refresh(kept.refresh)
            except Refused as error:
                self._write(msgspec.structs.replace(kept, access=None, over=words(error)))
                raise self._trouble("over", NotSignedIn, why=words(error)) from error
            self._write(self._kept(tokens, tokens.refresh or kept.refresh))
            return tokens.access

    def keep(self, tokens: Tokens) -> None:
        """A person has signed in. Raises `Trouble`."""
        if tokens.refresh is None:
            raise self._trouble("over", NotSignedIn, why="no refresh token")
        with self._locked():
            self._write(self._kept(tokens, tokens.refresh))

    def _kept(self, tokens: Tokens, refresh: str) -> Kept:
        until = self._now() + max(tokens.lives - EARLY, min(tokens.lives / 2, SHORTEST))
        return Kept(
            sign_in=self._box.sign_in or "",
            client_id=self._box.client_id or "",
            user=self._box.user,
            refresh=refresh,
            access=tokens.access,
            until=until,
        )

    def _read(self) -> Kept:
        try:
            kept = msgspec.json.decode(self.path.read_bytes(), type=Kept)
        except FileNotFoundError as error:
            raise self._trouble("never", NotSignedIn) from error
        except OSError as error:
            raise self._unreadable(error) from error
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise self._trouble("unreadable", path=self.path, why=words(error)) from error
        box = self._box
        if (kept.sign_in, kept.client_id, kept.user) != (box.sign_in, box.client_id, box.user):
            raise self._trouble("other", NotSignedIn)
        return kept

    def _write(self, kept: Kept) -> None:
        """Whole or not at all."""
        new = self.path.with_name(f".{self.path.name}.{secrets.token_hex(4)}")
        try:
            file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(file, "wb") as out:
                out.write(msgspec.json.encode(kept))
                out.flush()
                os.fsync(out.fileno())
            new.replace(self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                new.unlink()
            raise self._unreadable(error) from error

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """`serve` and a person who signs in do not overwrite each other's tokens."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise self._unreadable(error) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)

    def _unreadable(self, error: OSError) -> Trouble:
        why = (error.strerror or str(error)).lower()
        return self._trouble("unreadable", path=self.path, why=why)

    def _trouble(self, key: str, kind: type[Trouble] = Trouble, **values: object) -> Trouble:
        return kind(WORDS[key], **{"name": self._box.name, **values})
