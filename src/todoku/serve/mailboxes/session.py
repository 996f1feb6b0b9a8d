"""A connection to an IMAP server: what it says is bounded, and what goes wrong is a sentence.

`imaplib` speaks the protocol; folder names in modified UTF-7 and lists of folders are read by `imap_tools`.
Nothing here deletes: no EXPUNGE but of UIDs that were copied before.
"""

from __future__ import annotations

import imaplib
import re
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from typing import Any, Final, NamedTuple, TypeAlias

from imap_tools.errors import ImapToolsError
from imap_tools.imap_utf7 import utf7_encode
from imap_tools.mailbox import BaseMailBox

from todoku.serve.mailboxes import fetched
from todoku.serve.mailboxes.trouble import (
    WORDS,
    Cut,
    LoginRefused,
    NotFetched,
    Trouble,
    words,
)
from todoku.settings.mailboxes import Mailbox

SECONDS: Final = 30.0
"""For the server to say anything."""
MOST: Final = 30 << 20
"""Octets of one message that are taken."""
ANSWER: Final = 96 << 20
"""Octets that a server may say to one command."""
SHOWN: Final = 12
MONTHS: Final = "JanFebMarAprMayJunJulAugSepOctNovDec"


class Password(NamedTuple):
    text: str


class Token(NamedTuple):
    """An access token of OAuth 2."""

    text: str


Secret: TypeAlias = Password | Token


class Selected(NamedTuple):
    exists: int
    validity: int
    next: int | None
    """UIDNEXT; old servers do not tell it."""
    writable: bool


class _Bounded:
    """What a server says to a command has an end."""

    left = ANSWER

    def read(self, size: int) -> bytes:
        if size > self.left:
            raise imaplib.IMAP4.abort(f"a literal of {size} octets")
        data: bytes = super().read(size)  # type: ignore[misc]
        self.left -= size
        if len(data) < size:
            raise imaplib.IMAP4.abort("the end in the middle of a message")
        return data

    def readline(self) -> bytes:
        line: bytes = super().readline()  # type: ignore[misc]
        self.left -= len(line)
        if self.left < 0:
            raise imaplib.IMAP4.abort("an answer without end")
        return line


class _Plain(_Bounded, imaplib.IMAP4):
    pass


class _Secure(_Bounded, imaplib.IMAP4_SSL):
    pass


class _Folders(BaseMailBox):
    """`imap_tools` on a connection of ours."""

    def __init__(self, client: imaplib.IMAP4) -> None:
        self._given = client
        super().__init__()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        return self._given


class Session:
    def __init__(self, box: Mailbox, *, seconds: float = SECONDS, most: int = MOST) -> None:
        self.most = most
        self._box = box
        self._seconds = seconds
        self._client: _Plain | _Secure | None = None
        self._able: frozenset[str] = frozenset()
        """What the server can do for who is logged in."""

    @property
    def client(self) -> _Plain | _Secure:
        assert self._client is not None  # noqa: S101
        return self._client

    def _trouble(self, key: str, kind: type[Trouble] = Trouble, **values: Any) -> Trouble:
        named = {"name": self._box.name, "server": self._box.server, "user": self._box.user}
        return kind(WORDS[key], **named | values)

    # Connecting and logging in

    def connect(self) -> None:
        box, (host, port) = self._box, self._box.endpoint
        try:
            if box.tls == "tls":
                context = ssl.create_default_context(cafile=box.ca_file)
                self._client = _Secure(host, port, ssl_context=context, timeout=self._seconds)
                return
            self._client = _Plain(host, port, timeout=self._seconds)
            if box.tls == "starttls":
                if "STARTTLS" not in self.client.capabilities:
                    raise self._trouble("no-starttls")
                self.client.starttls(ssl.create_default_context(cafile=box.ca_file))
        except ssl.SSLCertVerificationError as error:
            self.close()
            why = words(error.verify_message)
            raise self._trouble("certificate", why=why) from error
        except ssl.SSLError as error:
            self.close()
            why = words(error.reason or error)
            raise self._trouble("tls", why=why) from error
        except TimeoutError as error:
            self.close()
            raise self._trouble("slow", seconds=round(self._seconds)) from error
        except (imaplib.IMAP4.error, UnicodeError) as error:
            self.close()
            raise self._trouble("no-imap", why=_why(error)) from error
        except OSError as error:
            self.close()
            why = words(error.strerror or error).lower()
            raise self._trouble("unreachable", why=why) from error
        except Trouble:
            self.close()
            raise

    def log_in(self, secret: Secret) -> None:
        capabilities = self.client.capabilities
        oauth = "AUTH=XOAUTH2" in capabilities or "AUTH=OAUTHBEARER" in capabilities
        hint = WORDS["hint-oauth" if oauth else "hint-none"]
        user = self._box.user
        if isinstance(secret, Token):
            if "AUTH=XOAUTH2" not in capabilities:
                raise self._trouble("no-xoauth2")
            said = f"user={user}\1auth=Bearer {secret.text}\1\1".encode()
            self._authenticate("XOAUTH2", said, "token")
        elif "AUTH=PLAIN" in capabilities:
            said = b"\0".join((b"", user.encode(), secret.text.encode()))
            self._authenticate("PLAIN", said, "password", hint=hint)
        elif "LOGINDISABLED" in capabilities:
            raise self._trouble("no-mechanism", LoginRefused, hint=hint)
        else:
            self._login(user, secret.text, hint)
        with self._talking():  # it may say more now (RFC 9051, section 6.2)
            _, told = self.client.capability()
            self._able = frozenset(words(told[-1] or b"", 10_000).upper().split())

    def _authenticate(self, mechanism: str, said: bytes, key: str, **values: Any) -> None:
        asked: list[bytes] = []

        def answer(challenge: bytes) -> bytes:
            # To a second challenge, which says why it was refused, an empty answer (XOAUTH2).
            asked.append(challenge)
            return said if len(asked) == 1 else b""

        with self._talking():
            try:
                self.client.authenticate(mechanism, answer)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                raise self._refused(key, error, **values) from None

    def _login(self, user: str, password: str, hint: object) -> None:
        """The command of old. Both as quoted strings, or literals where they cannot be."""
        with self._talking():
            try:
                if user.isascii() and password.isascii():
                    self.client.login(user, password)
                else:
                    raise self._trouble("no-mechanism", LoginRefused, hint=hint)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:
                raise self._refused("password", error, hint=hint) from None

    def _refused(self, key: str, error: Exception, **values: Any) -> Trouble:
        why = _why(error)
        if "[UNAVAILABLE]" in why.upper():  # RFC 9051: for the moment
            return self._trouble("unreachable", why=why)
        return self._trouble(key, LoginRefused, why=why, minutes=10, **values)

    def close(self) -> None:
        """Ends the conversation, whatever state it is in."""
        client, self._client = self._client, None
        if client is None:
            return
        with suppress(OSError, imaplib.IMAP4.error, ValueError):
            client.sock.settimeout(2.0)
            client.logout()
        with suppress(OSError, ValueError):
            client.shutdown()

    def cut(self) -> None:
        """From another thread: whoever waits for the server waits no more."""
        client = self._client
        if client is not None:
            with suppress(OSError):
                client.sock.shutdown(2)

    # Folders

    def select(self, folder: str, *, write: bool) -> Selected:
        """Raises `Trouble` where there is no such folder."""
        with self._talking():
            try:
                kind, data = self.client.select(_folder(folder), readonly=not write)
            except imaplib.IMAP4.readonly:
                return self.select(folder, write=False)
            if kind != "OK":
                why, folders = words(data[-1] or b""), self._named(self.folders())
                raise self._trouble("no-folder", folder=folder, why=why, folders=folders)
            exists = _number(data[-1])
            return Selected(
                exists=exists or 0,
                validity=_number(self.client.response("UIDVALIDITY")[1][-1]) or 0,
                next=_number(self.client.response("UIDNEXT")[1][-1]),
                writable=write,
            )

    def folders(self) -> tuple[str, ...]:
        try:
            listed = _Folders(self.client).folder.list()
        except (ImapToolsError, ValueError, LookupError):  # a name that nobody can read
            return ()
        return tuple(words(each.name, 80) for each in listed if "\\Noselect" not in each.flags)

    def junk(self) -> tuple[str, ...]:
        r"""Folders that the server marks with `\Junk` (RFC 6154)."""
        asked = ['""']
        if "SPECIAL-USE" in self._able:  # some tell of it only where it is asked for
            asked.insert(0, '(SPECIAL-USE) ""')
        for reference in asked:
            with self._talking():
                kind, data = self.client.list(reference, '"*"')
                if kind == "OK" and (found := tuple(fetched.folders(data, "\\Junk"))):
                    return found
        return ()

    @staticmethod
    def _named(folders: Sequence[str]) -> str:
        more = ", ..." if len(folders) > SHOWN else ""
        return (", ".join(folders[:SHOWN]) or "?") + more

    # Messages

    def since(self, day: date) -> list[int]:
        """UIDs of what has come since that day, ascending."""
        month = MONTHS[3 * day.month - 3 : 3 * day.month]
        return self._search("SINCE", f"{day.day}-{month}-{day.year}")

    def above(self, uid: int) -> list[int]:
        # `7:*` is the last message too where that has a smaller UID.
        return [found for found in self._search("UID", f"{uid + 1}:*") if found > uid]

    def between(self, first: int, last: int) -> list[int]:
        return self._search("UID", f"{first}:{last}")

    def last(self) -> int:
        """The highest UID of a folder that is not empty."""
        return max(self._search("UID", "*"), default=0)

    def named(self, message_id: str) -> list[int]:
        """UIDs of the messages with this Message-ID; of ours, without any quotation mark."""
        return self._search("HEADER", "Message-ID", f'"{message_id}"')

    def _search(self, *criteria: str) -> list[int]:
        with self._talking():
            kind, data = self.client.uid("SEARCH", *criteria)
            if kind != "OK":
                raise self._trouble("odd", why=words(data[-1] or b""))
            found = b" ".join(line for line in data if line)
            return sorted({int(number) for number in found.split() if number.isdigit()})

    def sizes(self, uids: Sequence[int]) -> dict[int, int]:
        """Octets of those that are still there. Raises `NotFetched`."""
        found = self._fetch(uids, "(UID RFC822.SIZE)")
        return {each.uid: each.size for each in found if each.size is not None}

    def bodies(self, uids: Sequence[int], *, cut: bool = False) -> dict[int, bytes]:
        """The messages as they are, of those that are still there; flags stay as they are. `cut`: no
        more of each than `most` octets. Raises `NotFetched`."""
        part = f"<0.{self.most}>" if cut else ""
        found = self._fetch(uids, f"(UID BODY.PEEK[]{part})")
        return {each.uid: each.body[: self.most] for each in found if each.body is not None}

    def _fetch(self, uids: Sequence[int], what: str) -> list[fetched.Fetched]:
        with self._talking():
            kind, data = self.client.uid("FETCH", fetched.uid_set(uids), what)
            if kind != "OK":
                raise NotFetched(words(data[-1] or b""))
            wanted = set(uids)
            return [each for each in fetched.messages(data) if each.uid in wanted]

    def mark(self, uids: Sequence[int]) -> None:
        self._ask("no-mark", {}, "STORE", fetched.uid_set(uids), "+FLAGS.SILENT", r"(\Seen)")

    def move(self, uids: Sequence[int], folder: str) -> None:
        """Into a folder, which is made where it is not there (RFC 6851; else a copy, and the removal
        of these UIDs alone, RFC 4315)."""
        self._make(folder)
        which, to = fetched.uid_set(uids), _folder(folder)
        named = {"folder": folder}
        if "MOVE" in self._able:
            self._ask("no-move", named, "MOVE", which, to)
            return
        if "UIDPLUS" not in self._able:
            raise self._trouble("no-move", folder=folder, why="no MOVE, no UIDPLUS")
        self._ask("no-move", named, "COPY", which, to)
        self._ask("no-move", named, "STORE", which, "+FLAGS.SILENT", r"(\Deleted)")
        self._ask("no-move", named, "EXPUNGE", which)

    def _make(self, folder: str) -> None:
        with self._talking():
            if folder not in self.folders():
                self.client.create(_folder(folder))  # who may not is told when it is moved

    def _ask(self, key: str, named: dict[str, Any], *command: str) -> None:
        with self._talking():
            kind, data = self.client.uid(*command)
            if kind != "OK":
                raise self._trouble(key, why=words(data[-1] or b""), **named)

    @contextmanager
    def _talking(self) -> Iterator[None]:
        """For one command: its answer has an end, and its errors are sentences."""
        self.client.left = ANSWER
        try:
            yield
        except imaplib.IMAP4.abort as error:
            raise self._trouble("cut", Cut, why=_why(error)) from error
        except imaplib.IMAP4.error as error:
            raise self._trouble("odd", why=_why(error)) from error
        except TimeoutError as error:
            raise self._trouble("slow", Cut, seconds=round(self._seconds)) from error
        except OSError as error:
            why = words(error.strerror or error).lower()
            raise self._trouble("cut", Cut, why=why) from error
        except ValueError as error:  # the connection was closed by `cut`
            raise self._trouble("cut", Cut, why=words(error)) from error


def _why(error: Exception) -> str:
    """The server's words, without those that `imaplib` puts around them."""
    text = str(error.args[0] if error.args and isinstance(error.args[0], bytes) else error)
    return words(re.sub(r"^command: \w+ => |^b'|'$", "", text))


def _folder(name: str) -> Any:
    """As a quoted string, in modified UTF-7 (RFC 3501, section 5.1.3)."""
    encoded = utf7_encode(name).decode("ascii")
    return '"' + encoded.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _number(data: object) -> int | None:
    return int(data) if isinstance(data, bytes) and data.isdigit() else None
