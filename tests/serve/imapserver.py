"""A small IMAP server on loopback that does what a test wants: for the edges that no good server shows.

    with Server({"INBOX": Folder({1: b"..."})}) as server: ...

`server.odd` maps the first words of a command to a function that answers instead, or first.
"""

from __future__ import annotations

import base64
import dataclasses
import re
import socketserver
import threading
from collections.abc import Callable
from datetime import date
from typing import Any, Final, Self

USER: Final = "desk@hoge.test"
PASSWORD: Final = "hunter2 \N{LATIN SMALL LETTER E WITH ACUTE}"
CAPABILITIES: Final = "IMAP4rev1 SASL-IR UIDPLUS MOVE AUTH=PLAIN AUTH=XOAUTH2"


@dataclasses.dataclass
class Folder:
    mails: dict[int, bytes] = dataclasses.field(default_factory=dict)
    validity: int = 7
    next: int | None = None
    dates: dict[int, date] = dataclasses.field(default_factory=dict)
    flags: dict[int, set[str]] = dataclasses.field(default_factory=dict)
    read_only: bool = False

    @property
    def uid_next(self) -> int:
        return self.next or max(self.mails, default=0) + 1

    def uids(self, sequence: str) -> list[int]:
        found: set[int] = set()
        top = max(self.mails, default=0)
        for part in sequence.split(","):
            ends = [top if end == "*" else int(end) for end in part.split(":")]
            found |= {uid for uid in self.mails if min(ends) <= uid <= max(ends)}
        return sorted(found)

    def number(self, uid: int) -> int:
        return sorted(self.mails).index(uid) + 1


Odd = Callable[["Talk", str, str], Any]
"""Called with the connection, the tag and the arguments; a false result: answer as usual, too."""


class Talk(socketserver.StreamRequestHandler):
    server: Listener
    folder: Folder
    wbufsize = -1
    disable_nagle_algorithm = True

    def say(self, *lines: bytes | str) -> bool:
        """True: that was the answer."""
        for line in lines:
            if isinstance(line, str):
                line = (f"{line} done" if line.endswith(" OK") else line).encode()
            self.wfile.write(line + b"\r\n")
        self.wfile.flush()
        return True

    def handle(self) -> None:
        the = self.server.the
        the.connections += 1
        try:
            self.say(the.greeting)
            while line := self.rfile.readline().decode("utf-8", "replace").strip():
                tag, _, command = line.partition(" ")
                the.commands.append(command)
                odd = next((f for name, f in the.odd.items() if command.startswith(name)), None)
                if odd is not None and odd(self, tag, command):
                    continue
                name, _, words = command.removeprefix("UID ").partition(" ")
                if name == "LOGOUT":
                    self.say("* BYE", f"{tag} OK")
                    return
                answer = getattr(self, f"do_{name.lower()}", None)
                if answer is None:
                    return
                answer(tag, words)
        except (OSError, ValueError):
            pass  # the client has gone away

    logged_in = False

    def do_capability(self, tag: str, _: str) -> None:
        """As good servers do, it names what a mailbox can do only to who is logged in."""
        words = self.server.the.capabilities.split()
        if not self.logged_in:
            words = [word for word in words if word not in {"MOVE", "UIDPLUS"}]
        self.say(f"* CAPABILITY {' '.join(words)}", f"{tag} OK")

    def do_login(self, tag: str, words: str) -> None:
        good = words == f'{USER} "{self.server.the.password}"'
        self.say(f"{tag} OK" if good else f"{tag} NO [AUTHENTICATIONFAILED] wrong")

    def do_authenticate(self, tag: str, words: str) -> None:
        self.say("+ ")
        said = base64.b64decode(self.rfile.readline())
        the = self.server.the
        if words == "PLAIN":
            good = said == f"\0{USER}\0{the.password}".encode()
        else:
            token = re.fullmatch(rb"user=(.*)\x01auth=Bearer (.*)\x01\x01", said)
            assert token is not None
            good = token[1] == USER.encode() and token[2].decode() in the.tokens
            if not good:
                self.say(b"+ " + base64.b64encode(b'{"status":"401"}'))
                assert self.rfile.readline().strip() == b""
        self.logged_in = good
        self.say(f"{tag} OK in" if good else f"{tag} NO [AUTHENTICATIONFAILED] not you")

    def do_list(self, tag: str, _: str) -> None:
        for name in self.server.the.folders:
            self.say(f'* LIST () "/" "{name}"')
        self.say(f"{tag} OK")

    def do_create(self, tag: str, words: str) -> None:
        self.server.the.folders[words.strip('"')] = Folder()
        self.say(f"{tag} OK")

    def do_select(self, tag: str, words: str, how: str = "READ-WRITE") -> None:
        folder = self.server.the.folders.get(words.strip('"'))
        if folder is None:
            self.say(f"{tag} NO [NONEXISTENT] no such mailbox")
            return
        self.folder = folder
        how = "READ-ONLY" if folder.read_only else how
        self.say(
            f"* {len(folder.mails)} EXISTS",
            f"* OK [UIDVALIDITY {folder.validity}] valid",
            f"* OK [UIDNEXT {folder.uid_next}] next",
            f"{tag} OK [{how}] selected",
        )

    def do_examine(self, tag: str, words: str) -> None:
        self.do_select(tag, words, "READ-ONLY")

    def do_search(self, tag: str, words: str) -> None:
        what, _, value = words.partition(" ")
        if what == "UID":
            found = self.folder.uids(value)
        else:
            day, month, year = value.split("-")
            months = "JanFebMarAprMayJunJulAugSepOctNovDec"
            since = date(int(year), months.index(month) // 3 + 1, int(day))
            dates = self.folder.dates
            found = [uid for uid in sorted(self.folder.mails) if dates.get(uid, since) >= since]
        self.say(" ".join(["* SEARCH", *map(str, found)]), f"{tag} OK")

    def do_fetch(self, tag: str, words: str) -> None:
        sequence, _, what = words.partition(" ")
        for uid in self.folder.uids(sequence):
            self.tell(uid, what)
        self.say(f"{tag} OK")

    def tell(self, uid: int, what: str) -> None:
        mail = self.folder.mails[uid]
        head = f"* {self.folder.number(uid)} FETCH (UID {uid}"
        if "RFC822.SIZE" in what:
            self.say(f"{head} RFC822.SIZE {self.server.the.sizes.get(uid, len(mail))})")
            return
        cut = re.search(r"<0\.(\d+)>", what)
        if cut is not None:
            mail = mail[: int(cut[1])]
        self.wfile.write(f"{head} BODY[]{'<0>' if cut else ''} {{{len(mail)}}}\r\n".encode())
        self.wfile.write(mail)
        self.say(")")

    def do_store(self, tag: str, words: str) -> None:
        sequence, _, flags = words.partition(" ")
        for uid in self.folder.uids(sequence):
            self.folder.flags.setdefault(uid, set()).update(re.findall(r"\\\w+", flags))
        self.say(f"{tag} OK")

    def do_copy(self, tag: str, words: str) -> list[int]:
        sequence, _, to = words.partition(" ")
        folder = self.server.the.folders[to.strip('"')]
        uids = self.folder.uids(sequence)
        for uid in uids:
            folder.mails[folder.uid_next] = self.folder.mails[uid]
        self.say(f"{tag} OK")
        return uids

    def do_move(self, tag: str, words: str) -> None:
        for uid in self.do_copy(tag, words):
            del self.folder.mails[uid]

    def do_expunge(self, tag: str, words: str) -> None:
        for uid in self.folder.uids(words):
            if "\\Deleted" in self.folder.flags.get(uid, ()):
                del self.folder.mails[uid]
        self.say(f"{tag} OK")


class Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    the: Server


class Server:
    def __init__(self, folders: dict[str, Folder] | None = None) -> None:
        self.folders = {"INBOX": Folder()} if folders is None else folders
        self.greeting = "* OK ready"
        self.capabilities = CAPABILITIES
        self.password = PASSWORD
        self.tokens: set[str] = set()
        self.sizes: dict[int, int] = {}
        """What it says of them, where that is not so."""
        self.odd: dict[str, Odd] = {}
        self.commands: list[str] = []
        self.connections = 0
        self._listener = Listener(("127.0.0.1", 0), Talk)
        self._listener.the = self
        self._thread = threading.Thread(
            target=self._listener.serve_forever, args=(0.02,), daemon=True
        )

    @property
    def inbox(self) -> Folder:
        return self.folders["INBOX"]

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listener.server_address[1]}"

    def asked(self, name: str) -> list[str]:
        return [command for command in self.commands if command.startswith(name)]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()
