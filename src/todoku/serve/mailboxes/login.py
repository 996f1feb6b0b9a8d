"""How a mailbox is logged in to: by a password, or by the token of who has signed in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from todoku.serve.mailboxes import providers
from todoku.serve.mailboxes.oauth import Client
from todoku.serve.mailboxes.session import Password, Secret, Session, Token
from todoku.serve.mailboxes.signed import SignIn
from todoku.serve.mailboxes.trouble import WORDS, LoginRefused, Trouble
from todoku.settings import Settings
from todoku.settings.mailboxes import Mailbox

LONGEST: Final = 1000


class Login:
    def __init__(self, box: Mailbox, settings: Settings, now: Callable[[], float]) -> None:
        """`now`: Unix time, of the machine: tokens are of this world."""
        self.box = box
        self._data = Path(settings.general.data)
        overlay = Path(settings.knowledge.overlay)
        self._overlay = overlay if overlay.is_dir() else None
        self._now = now

    def client(self) -> Client:
        """Raises `NotSignedIn`."""
        return Client(self.box, providers.of(self.box, self._overlay))

    def sign_in(self) -> SignIn:
        """Raises `NotSignedIn`."""
        return SignIn(self.box, self.client(), self._data, self._now)

    def secret(self, *, fresh: bool = False) -> Secret:
        """Raises `Trouble`."""
        if self.box.sign_in is not None:
            return Token(self.sign_in().access(fresh=fresh))
        if self.box.password is not None:
            return Password(self.box.password)
        path = Path(self.box.password_file or "")
        try:
            with path.open(encoding="utf-8") as file:
                line = file.readline(LONGEST).rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            why = (getattr(error, "strerror", None) or str(error)).lower()
            named = {"name": self.box.name, "path": path, "why": why}
            raise Trouble(WORDS["password-file"], **named) from error
        if not line:
            raise Trouble(WORDS["password-empty"], name=self.box.name, path=path)
        return Password(line)


def log_in(session: Session, login: Login) -> None:
    """Connects, and logs in; with a new token where the server turns one away. Raises `Trouble`."""
    secret = login.secret()
    session.connect()
    try:
        session.log_in(secret)
    except LoginRefused:
        session.close()
        if not isinstance(secret, Token):
            raise
        secret = login.secret(fresh=True)
        session.connect()
        session.log_in(secret)
