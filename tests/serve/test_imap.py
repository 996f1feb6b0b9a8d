"""Mailboxes read by IMAP: what is odd, what ends in the middle, what is told. A fake server; a real one
is in test_imap_dovecot.py."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from tests.serve.imapserver import PASSWORD, USER, Folder, Server, Talk
from todoku import store
from todoku.cases import events as ev
from todoku.diagnosis import Diagnoser
from todoku.i18n import LANGUAGES, Sentence, say
from todoku.knowledge import load as knowledge
from todoku.model import Identity
from todoku.serve import intake as intakes
from todoku.serve.mailboxes import fetched, oauth, polling, providers, reader, signed, trouble
from todoku.serve.mailboxes.fetched import Fetched
from todoku.serve.mailboxes.polling import Poller, Pollers, pause
from todoku.serve.mailboxes.session import Session
from todoku.serve.mailboxes.trouble import Cut, LoginRefused, NotSignedIn, Trouble
from todoku.settings import Settings, load
from todoku.settings.own import Own
from todoku.store import tables as t
from todoku.store.cases import Desk
from todoku.store.positions import Position, Positions

NOW = datetime(2026, 11, 24, 0, 12, tzinfo=UTC)


def mail(n: int) -> bytes:
    return b"From: a@b.test\r\nSubject: %d\r\n\r\ntext {%d} \x00\xff\r\n" % (n, n)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as running:
        yield running


class House:
    """A data folder, with the one mailbox of a server."""

    def __init__(self, folder: Path, server: Server) -> None:
        self.server = server
        self.folder = folder
        self.desk = Desk(store.connect(f"sqlite:///{folder}/todoku.db"))
        self.told: list[str] = []
        self.now = NOW

    def settings(self, **given: object) -> Settings:
        values = {"server": self.server.address, "tls": "none", "user": USER, **given}
        if not {"sign_in", "password_file"} & given.keys():
            values.setdefault("password", PASSWORD)
        lines = [f'[general]\ndata = "{self.folder}"\n[mailbox.desk]']
        lines += [f"{k} = {_toml(v)}" for k, v in values.items() if v is not None]
        path = self.folder / "todoku.toml"
        path.write_text("\n".join(lines), encoding="utf-8")
        return load(path, environ={"HOME": str(self.folder)})

    def tell(self, sentence: Sentence, values: dict[str, object]) -> None:
        for lang in LANGUAGES:
            assert say(sentence, lang, **values)
        self.told.append(say(sentence, "en", **values))

    def poller(self, **given: object) -> Poller:
        settings = self.settings(**given)
        (box,) = settings.mailboxes
        return Poller(box, settings, self.desk, lambda: self.now, self.tell, every=0.02)

    def take(self, **given: object) -> int:
        return self.poller(**given).take()

    def kept(self) -> list[bytes]:
        with self.desk.engine.connect() as connection:
            rows = connection.execute(sa.select(t.messages.c.body).order_by(t.messages.c.body))
            return sorted(rows.scalars())

    def position(self, folder: str = "INBOX") -> Position | None:
        return Positions(self.desk).get(f"{USER}@{self.server.address}", folder)


def first(*deeds: Callable[[], object]) -> Callable[..., bool]:
    """This happens before the server answers as usual."""

    def odd(*_: object) -> bool:
        for deed in deeds:
            deed()
        return False

    return odd


def end(talk: Talk, *_: str) -> bool:
    """The connection ends."""
    talk.connection.shutdown(2)
    return True


def _toml(value: object) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)


@pytest.fixture
def house(tmp_path: Path, server: Server) -> Iterator[House]:
    made = House(tmp_path, server)
    yield made
    made.desk.engine.dispose()


class TestTaking:
    def test_what_is_there_and_what_comes(self, house: House) -> None:
        house.server.inbox.mails = {n: mail(n) for n in (3, 4, 9)}
        assert house.take() == 3
        assert house.kept() == [mail(3), mail(4), mail(9)]
        assert house.position() == Position(7, 9, 9)
        assert house.take() == 0
        house.server.inbox.mails[12] = mail(12)
        assert house.take() == 1
        assert house.position() == Position(7, 12, 12)
        assert house.server.asked("UID STORE") == []
        assert len(house.server.asked("EXAMINE")) == 3, "what is left is not even opened to write"
        assert house.told == []

    def test_an_empty_folder_then_the_first_mail(self, house: House) -> None:
        house.server.inbox.next = 100
        assert house.take() == 0
        assert house.position() == Position(7, 99, 99)
        house.server.inbox.mails[100] = mail(1)
        house.server.inbox.next = None
        assert house.take() == 1

    def test_old_mail_is_left_at_the_first_time(self, house: House) -> None:
        inbox = house.server.inbox
        inbox.mails = {n: mail(n) for n in range(1, 6)}
        inbox.dates = {1: date(2020, 1, 1), 2: date(2026, 10, 1), 3: date(2026, 11, 1)}
        assert house.take() == 3
        assert house.kept() == [mail(3), mail(4), mail(5)]

    def test_only_old_mail(self, house: House) -> None:
        inbox = house.server.inbox
        inbox.mails, inbox.dates = {5: mail(5)}, {5: date(2020, 1, 1)}
        assert house.take() == 0
        inbox.mails[6] = mail(6)
        assert house.take() == 1

    def test_where_it_comes_from_is_kept(self, house: House) -> None:
        house.server.folders["受信"] = Folder()
        house.server.folders["&U9dP4Q-"] = Folder({1: mail(1)})
        assert house.take(folders=["受信"]) == 1
        with house.desk.engine.connect() as connection:
            origins = connection.execute(sa.select(t.messages.c.origin)).scalars().all()
        assert origins == ["imap:desk/受信"]

    def test_the_same_message_in_two_folders_counts_once(self, house: House) -> None:
        house.server.folders = {"INBOX": Folder({1: mail(1)}), "b": Folder({5: mail(1)})}
        assert house.take(folders=["INBOX", "b"]) == 2
        assert house.kept() == [mail(1)]

    def test_many_in_batches(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reader, "BATCH", 10)
        monkeypatch.setattr(reader, "OCTETS", 300)
        house.server.inbox.mails = {n: mail(n) for n in range(1, 96)}
        assert house.take() == 95
        assert len(house.kept()) == 95
        asked = [c for c in house.server.asked("UID FETCH") if "BODY" in c]
        assert len(asked) > 10
        assert house.position() == Position(7, 95, 95)

    def test_stopped_between_batches(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reader, "BATCH", 10)
        house.server.inbox.mails = {n: mail(n) for n in range(1, 31)}
        poller = house.poller()
        house.server.odd["UID FETCH 11"] = lambda *_: poller._stop.set()
        assert poller.take() == 20
        assert house.take() == 10

    def test_expunged_meanwhile(self, house: House) -> None:
        """Between SEARCH and FETCH, and between the sizes and the bodies."""
        inbox = house.server.inbox
        inbox.mails = {n: mail(n) for n in range(1, 6)}

        def gone(*uids: int) -> Callable[..., bool]:
            return first(*(partial(inbox.mails.pop, uid, None) for uid in uids))

        house.server.odd["UID FETCH 1:5 (UID RFC822.SIZE)"] = gone(2, 5)
        house.server.odd["UID FETCH 1,3:4 (UID BODY"] = gone(3)
        assert house.take() == 2
        assert house.kept() == [mail(1), mail(4)]
        assert house.position() == Position(7, 5, 5)
        assert house.told == []

    def test_a_large_message_is_cut_and_told(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(Session, "__init__", _limited(Session.__init__, 2 << 20))
        large = mail(1) + b"x" * (5 << 20)
        house.server.inbox.mails = {1: mail(0), 2: large, 3: mail(3)}
        assert house.take() == 3
        assert house.kept() == sorted([mail(0), large[: 2 << 20], mail(3)])
        (told,) = house.told
        assert "UID 2 of INBOX has 5 MB; the first 2 MB were taken in" in told

    def test_sizes_that_are_not_so(self, house: House) -> None:
        house.server.inbox.mails = {1: mail(1), 2: mail(2)}
        house.server.sizes = {1: 0, 2: 1 << 40}
        assert house.take() == 2
        assert house.kept() == [mail(1), mail(2)]
        assert house.told == []


def _limited(make: Callable[..., None], most: int) -> Callable[..., None]:
    def made(self: Session, *words: Any, **named: Any) -> None:
        make(self, *words, **named | {"most": most})

    return made


class TestRenumbered:
    def test_uid_validity_changes(self, house: House) -> None:
        inbox = house.server.inbox
        inbox.mails = {n: mail(n) for n in range(1, 4)}
        assert house.take() == 3
        house.server.folders["INBOX"] = Folder({n: mail(n + 1) for n in range(1, 4)}, validity=8)
        assert house.take() == 3
        assert house.kept() == [mail(n) for n in range(1, 5)], "nothing twice"
        assert house.position() == Position(8, 3, 3)
        (told,) = house.told
        assert "numbered the folder INBOX anew" in told

    def test_uids_go_backwards(self, house: House) -> None:
        """A folder that was restored, under the same UIDVALIDITY: against the standard."""
        house.server.inbox.mails = {n: mail(n) for n in range(50, 54)}
        house.take()
        house.server.folders["INBOX"] = Folder({1: mail(50), 2: mail(99)})
        assert house.take() == 2
        assert house.kept() == sorted([*(mail(n) for n in range(50, 54)), mail(99)])

    def test_another_account_is_read_from_its_beginning(self, house: House) -> None:
        house.server.inbox.mails = {9: mail(9)}
        house.take()
        with Server({"INBOX": Folder({1: mail(1)})}) as other:
            assert house.take(server=other.address) == 1


class TestMarking:
    def test_seen(self, house: House) -> None:
        house.server.inbox.mails = {1: mail(1), 5: mail(5)}
        assert house.take(after="seen") == 2
        assert house.server.inbox.flags == {1: {"\\Seen"}, 5: {"\\Seen"}}
        assert house.position() == Position(7, 5, 5)

    @pytest.mark.parametrize("capabilities", ["MOVE", "UIDPLUS"])
    def test_moved(self, house: House, capabilities: str) -> None:
        house.server.capabilities = f"IMAP4rev1 AUTH=PLAIN {capabilities}"
        house.server.inbox.mails = {1: mail(1), 5: mail(5)}
        house.server.inbox.flags = {}
        assert house.take(after="move", move_to="done") == 2
        assert house.server.inbox.mails == {}
        assert list(house.server.folders["done"].mails.values()) == [mail(1), mail(5)]
        assert house.take(after="move", move_to="done") == 0
        assert len(house.server.asked("CREATE")) == 1

    def test_only_ours_is_expunged(self, house: House) -> None:
        """Somebody else has marked a message of his for deletion."""
        house.server.capabilities = "IMAP4rev1 AUTH=PLAIN UIDPLUS"
        inbox = house.server.inbox
        inbox.mails, inbox.flags = {1: mail(1)}, {1: {"\\Deleted"}}
        house.take()
        inbox.mails[2] = mail(2)
        assert house.take(after="move") == 1
        assert list(inbox.mails) == [1]

    def test_nowhere_to_move_to(self, house: House) -> None:
        """Told once; what comes is taken in all the same, and moved when it can be."""
        house.server.odd["CREATE"] = lambda talk, tag, _: talk.say(f"{tag} NO full")
        house.server.odd["UID MOVE"] = lambda talk, tag, _: talk.say(f"{tag} NO [TRYCREATE]")
        house.server.inbox.mails = {1: mail(1)}
        poller = house.poller(after="move")
        assert poller.take() == 1
        house.server.inbox.mails[2] = mail(2)
        assert poller.take() == 1
        assert house.position() == Position(7, 2, 0)
        (told,) = house.told
        assert "cannot be moved to todoku ([TRYCREATE])" in told
        house.server.odd.clear()
        assert poller.take() == 0
        assert house.server.inbox.mails == {}
        assert house.position() == Position(7, 2, 2)

    def test_a_folder_that_cannot_be_written(self, house: House) -> None:
        house.server.inbox.mails, house.server.inbox.read_only = {1: mail(1)}, True
        assert house.take(after="seen") == 1
        (told,) = house.told
        assert "read-only" in told
        assert house.server.asked("UID STORE") == []

    def test_cut_between_keeping_and_marking(self, house: House) -> None:
        """As a kill does it: what was taken is marked the next time."""
        house.server.odd["UID STORE"] = end
        house.server.inbox.mails = {1: mail(1), 2: mail(2)}
        with pytest.raises(Cut):
            house.take(after="seen")
        assert house.position() == Position(7, 2, 0)
        house.server.odd.clear()
        assert house.take(after="seen") == 0
        assert house.server.inbox.flags == {1: {"\\Seen"}, 2: {"\\Seen"}}
        assert house.position() == Position(7, 2, 2)
        assert house.kept() == [mail(1), mail(2)]


class TestCut:
    def test_bye_in_the_middle_of_a_fetch(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing of that batch counts, and what was before is not read again."""
        monkeypatch.setattr(reader, "BATCH", 2)
        house.server.inbox.mails = {n: mail(n) for n in range(1, 6)}

        def bye(talk: Talk, *_: str) -> bool:
            talk.tell(3, "BODY")
            talk.say("* BYE going down")
            talk.connection.shutdown(2)
            return True

        house.server.odd["UID FETCH 3:4 (UID BODY"] = bye
        poller = house.poller()
        with pytest.raises(Cut, match=r"ended the connection \(going down\)"):
            poller.take()
        assert house.kept() == [mail(1), mail(2)]
        assert house.position() == Position(7, 2, 2)
        house.server.odd.clear()
        assert poller.take() == 3
        assert house.kept() == [mail(n) for n in range(1, 6)]

    def test_the_end_in_the_middle_of_a_literal(self, house: House) -> None:
        house.server.inbox.mails = {1: mail(1)}

        def end(talk: Talk, *_: str) -> bool:
            talk.say("* 1 FETCH (UID 1 BODY[]<0> {5000}", "Subject: half")
            talk.connection.shutdown(2)
            return True

        house.server.odd["UID FETCH 1 (UID BODY"] = end
        with pytest.raises(Cut):
            house.take()
        assert house.kept() == []
        assert house.position() is None

    def test_one_message_at_which_the_server_dies(self, house: House) -> None:
        """It is passed over at the third time, told, and asked for again by the next process."""
        house.server.inbox.mails = {n: mail(n) for n in range(1, 5)}

        def dies(talk: Talk, _: str, command: str) -> bool:
            if 3 not in talk.folder.uids(command.split()[2]):
                return False
            talk.connection.shutdown(2)
            return True

        def fetch(talk: Talk, tag: str, command: str) -> bool:
            return "BODY" in command and dies(talk, tag, command)

        house.server.odd["UID FETCH"] = fetch
        poller = house.poller()
        for _ in range(3):
            with pytest.raises(Cut):
                poller.take()
        assert poller.take() == 1
        assert house.kept() == [mail(1), mail(2), mail(4)]
        assert house.position() == Position(7, 4, 4, (3,))
        assert poller.take() == 0, "it is not asked for again"
        (told,) = house.told
        assert "does not hand over UID 3 of INBOX" in told
        house.server.odd.clear()
        assert house.take() == 1
        assert house.kept() == [mail(n) for n in range(1, 5)]
        assert house.position() == Position(7, 4, 4)

    def test_no_to_one_message(self, house: House) -> None:
        house.server.inbox.mails = {n: mail(n) for n in range(1, 5)}

        def no(talk: Talk, tag: str, command: str) -> bool:
            if "BODY" not in command or 2 not in talk.folder.uids(command.split()[2]):
                return False
            talk.say(f"{tag} NO [SERVERBUG] corrupt")
            return True

        house.server.odd["UID FETCH"] = no
        poller = house.poller(after="seen")
        assert poller.take() == 3
        assert poller.take() == 0
        assert house.position() == Position(7, 4, 4, (2,))
        (told,) = house.told
        assert "UID 2 of INBOX ([SERVERBUG] corrupt)" in told
        assert set(house.server.inbox.flags) == {1, 3, 4}
        house.server.odd.clear()
        assert poller.take() == 1
        assert house.server.inbox.flags[2] == {"\\Seen"}

    def test_one_that_is_there_without_text(self, house: House) -> None:
        house.server.inbox.mails = {1: mail(1), 2: mail(2)}

        def nil(talk: Talk, tag: str, command: str) -> bool:
            if "BODY" not in command:
                return False
            for uid in talk.folder.uids(command.split()[2]):
                talk.say(f"* {uid} FETCH (UID 2 BODY[] NIL)") if uid == 2 else talk.tell(
                    uid, "BODY"
                )
            talk.say(f"{tag} OK")
            return True

        house.server.odd["UID FETCH"] = nil
        assert house.take() == 1
        assert house.position() == Position(7, 2, 2, (2,))
        house.server.inbox.mails.pop(2)
        house.server.inbox.next = 3
        house.take()
        assert house.position() == Position(7, 2, 2), "it is gone, and owed no more"

    def test_no_to_everything_passes_nothing_over(self, house: House) -> None:
        house.server.inbox.mails = {n: mail(n) for n in range(1, 100)}
        house.server.odd["UID FETCH"] = lambda talk, tag, _: talk.say(f"{tag} NO ill")
        with pytest.raises(Trouble, match="one message after the other"):
            house.take()
        assert house.position() is None
        house.server.odd.clear()
        assert house.take() == 99

    def test_a_literal_without_end(self, house: House) -> None:
        house.server.inbox.mails = {1: mail(1)}
        house.server.odd["UID FETCH"] = lambda talk, *_: talk.say(
            "* 1 FETCH (UID 1 RFC822.SIZE {99999999999}"
        )
        with pytest.raises(Cut, match="99999999999"):
            house.take()

    def test_an_answer_without_end(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("todoku.serve.mailboxes.session.ANSWER", 50_000)

        def endless(talk: Talk, *_: str) -> bool:
            for n in range(1, 100_000):
                talk.say(f"* {n} FETCH (FLAGS (\\Seen))")
            return True

        house.server.odd["UID SEARCH"] = endless
        with pytest.raises(Cut, match="without end"):
            house.take()


class TestWords:
    """What is said of a mailbox that cannot be read."""

    def refused(self, house: House, kind: type[Trouble] = Trouble, **given: object) -> str:
        with pytest.raises(kind) as caught:
            house.take(**given)
        assert PASSWORD not in str(caught.value)
        assert caught.value.text("ja") != str(caught.value)
        return str(caught.value)

    def test_a_wrong_password(self, house: House) -> None:
        house.server.password = "other"
        told = self.refused(house, LoginRefused)
        assert "refuses the login of desk@hoge.test ([AUTHENTICATIONFAILED] not you)" in told
        assert "after 10 minutes" in told
        assert "OAuth 2" in told
        house.server.capabilities = "IMAP4rev1"
        assert "OAuth" not in self.refused(house, LoginRefused, password="plain")

    def test_the_old_login(self, house: House) -> None:
        house.server.capabilities = "IMAP4rev1"
        house.server.password = 'a "quoted\\'
        house.server.inbox.mails = {1: mail(1)}
        house.server.odd["LOGIN"] = lambda talk, tag, command: talk.say(
            f"{tag} {'OK' if command.endswith(chr(34)) else 'NO'}"
        )
        assert house.take(password='a "quoted\\') == 1
        (asked,) = house.server.asked("LOGIN")
        assert asked.endswith('"a \\"quoted\\\\"')
        assert "takes no login by password" in self.refused(house)

    def test_a_login_that_is_not_wanted(self, house: House) -> None:
        house.server.capabilities = "IMAP4rev1 LOGINDISABLED"
        assert "takes no login by password" in self.refused(house, LoginRefused)
        assert house.server.asked("LOGIN ") == []

    def test_not_for_the_moment(self, house: House) -> None:
        house.server.odd["AUTHENTICATE"] = lambda talk, tag, _: talk.say(
            f"{tag} NO [UNAVAILABLE] try later"
        )
        with pytest.raises(Trouble) as caught:
            house.take()
        assert not isinstance(caught.value, LoginRefused)

    def test_no_such_folder(self, house: House) -> None:
        house.server.folders |= {"&U9dP4Q-": Folder(), "Sent": Folder()}
        house.server.inbox.mails = {1: mail(1)}
        told = self.refused(house, folders=["Answers", "INBOX"])
        assert "cannot open the folder Answers ([NONEXISTENT] no such mailbox)" in told
        assert "There are: INBOX, 受信, Sent" in told
        assert house.kept() == [mail(1)], "the other one is read"

    def test_folders_with_names_that_nobody_can_read(self, house: House) -> None:
        house.server.folders["&2AA-"] = Folder()
        assert "There are: ?" in self.refused(house, folders=["x"])

    def test_no_tls_where_it_is_wanted(self, house: House) -> None:
        assert "offers no STARTTLS" in self.refused(house, tls="starttls")
        assert "does not speak TLS" in self.refused(house, tls="tls")
        assert house.server.asked("AUTH") == []

    def test_nobody_there(self, house: House) -> None:
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            port = sock.getsockname()[1]
        told = self.refused(house, server=f"127.0.0.1:{port}")
        assert f"cannot reach 127.0.0.1:{port} (connection refused)" in told

    def test_no_answer(self, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("todoku.serve.mailboxes.session.SECONDS", 0.2)
        monkeypatch.setattr(Session.__init__, "__kwdefaults__", {"seconds": 0.2, "most": 1 << 20})
        house.server.odd["UID SEARCH"] = lambda *_: True
        house.server.inbox.mails = {1: mail(1)}
        assert "did not answer within" in self.refused(house)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            port = silent.getsockname()[1]
            assert "did not answer" in self.refused(house, server=f"127.0.0.1:{port}")

    def test_no_imap(self, house: House) -> None:
        house.server.greeting = "220 mail ESMTP \x1b[31m"
        told = self.refused(house)
        assert "no IMAP server" in told
        assert told.isprintable()

    def test_the_password_file(self, house: House) -> None:
        path = house.folder / "password"
        assert "cannot read the password file" in self.refused(house, password_file="password")
        path.write_text("\n")
        assert "is empty" in self.refused(house, password_file="password")
        path.write_text(f"{PASSWORD}\nmore\n", encoding="utf-8")
        assert house.take(password_file="password") == 0

    def test_every_sentence_in_both_languages(self) -> None:
        for module in (trouble, oauth, signed, providers):
            for key, sentence in module.WORDS.items():
                assert set(sentence) == set(LANGUAGES), key
                fields = [sorted(_fields(sentence[lang])) for lang in LANGUAGES]
                assert fields[0] == fields[1], key


def _fields(text: str) -> set[str]:
    import re

    return set(re.findall(r"\{(\w+)", text))


class TestPolling:
    @staticmethod
    def until(true: Callable[[], bool]) -> None:
        end = time.monotonic() + 10
        while not true():
            assert time.monotonic() < end
            time.sleep(0.01)

    def test_pauses_grow(self) -> None:
        some, login, away = Trouble({"ja": "", "en": ""}), LoginRefused(
            {"ja": "", "en": ""}
        ), NotSignedIn({"ja": "", "en": ""})  # fmt: skip
        pauses = [0.0]
        for _ in range(9):
            pauses.append(pause(some, pauses[-1]))
        assert pauses[1:] == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
        assert pause(login, 0) == 600
        assert pause(login, 600) == 1200
        assert pause(away, 3600) == 60

    def test_it_goes_on_and_tells_once(self, house: House) -> None:
        house.server.password = "other"
        poller = house.poller()
        polling_refused = polling.REFUSED
        polling.REFUSED = 0.02  # type: ignore[misc]
        try:
            poller.start()
            self.until(lambda: house.server.connections > 2)
            assert len(house.told) == 1
            house.server.inbox.mails = {1: mail(1)}
            house.server.password = PASSWORD
            self.until(lambda: house.kept() == [mail(1)])
            self.until(lambda: len(house.told) == 2)
            assert house.told[1] == "mailbox desk: it can be read again."
            poller.stop()
            poller.join()
            assert not poller._thread.is_alive()
        finally:
            polling.REFUSED = polling_refused  # type: ignore[misc]

    def test_one_that_hangs_stops_nobody(self, house: House) -> None:
        """Nor the end of serve."""
        house.server.inbox.mails = {1: mail(1)}
        with Server({"INBOX": Folder({1: mail(2)})}) as other:
            hangs = threading.Event()

            def hang(*_: object) -> bool:
                hangs.set()
                return True

            other.odd["UID SEARCH"] = hang
            settings = house.settings()
            path = settings.file
            assert path is not None
            text = path.read_text(encoding="utf-8")
            more = text.partition("[mailbox.desk]")[2].replace(house.server.address, other.address)
            path.write_text(f"{text}\n[mailbox.a-first]{more}", encoding="utf-8")
            settings = load(path, environ={"HOME": str(house.folder)})
            start = time.monotonic()
            with Pollers(settings, house.desk, lambda: NOW, house.tell):
                assert hangs.wait(10)
                self.until(lambda: house.kept() == [mail(1)])
            assert time.monotonic() - start < 5
        assert house.told == [], "that it was stopped is no trouble"

    def test_another_worker_was_faster(self, house: House) -> None:
        house.server.inbox.mails = {1: mail(1), 2: mail(2)}
        house.server.odd["UID FETCH 1:2 (UID BODY"] = first(house.server.odd.clear, house.take)
        assert house.take() == 0
        assert house.kept() == [mail(1), mail(2)]
        assert house.position() == Position(7, 2, 2)
        assert house.told == []

    def test_a_day_later(self, house: House) -> None:
        house.server.inbox.mails = {1: mail(1)}
        house.take()
        house.now += timedelta(days=40)
        house.server.inbox.mails[2] = mail(2)
        house.server.inbox.dates = {2: date(2026, 11, 25)}
        assert house.take() == 1, "age counts at the first time alone"


class TestFetched:
    @pytest.mark.parametrize(
        ("pieces", "found"),
        [
            ([None], []),
            ([b"1 (UID 5 RFC822.SIZE 42)"], [Fetched(5, 42, None)]),
            ([(b"1 (UID 5 BODY[] {2}", b"ab"), b")"], [Fetched(5, None, b"ab")]),
            # The UID after the text, as Exchange has it; and flags that nobody asked for.
            (
                [(b"1 (BODY[]<0> {3}", b"UID"), b" UID 7)", b"2 (FLAGS (\\Seen))", b"3 (UID 9)"],
                [Fetched(7, None, b"UID"), Fetched(9, None, None)],
            ),
            # A quoted string, in which there is anything.
            ([rb'1 (UID 3 BODY[] "a \"UID 4\" \\ {5}")'], [Fetched(3, None, rb'a "UID 4" \ {5}')]),
            ([b'1 (UID 3 BODY[] "")'], [Fetched(3, None, b"")]),
            ([b"1 (UID 3 BODY[] NIL)"], [Fetched(3, None, None)]),
            (
                [(b"1 (X {4}", b"(UID"), (b" UID 3 BODY[] {1}", b"b"), b")"],
                [Fetched(3, None, b"b")],
            ),
            ([b"1 (X-UID 5 UIDX 6 BODY[TEXT] 7)"], []),
            ([b"", b")", b"nonsense", (b"", b"")], []),
        ],
    )
    def test_answers(self, pieces: list[fetched.Piece], found: list[Fetched]) -> None:
        assert list(fetched.messages(pieces)) == found

    @given(st.lists(st.tuples(st.integers(1, 2**32 - 1), st.binary()), unique_by=lambda x: x[0]))
    def test_texts_come_through(self, mails: list[tuple[int, bytes]]) -> None:
        pieces: list[fetched.Piece] = []
        for n, (uid, body) in enumerate(mails, 1):
            pieces += [(b"%d (UID %d BODY[] {%d}" % (n, uid, len(body)), body), b")"]
        assert [(m.uid, m.body) for m in fetched.messages(pieces)] == mails

    @given(
        st.lists(st.one_of(st.none(), st.binary(), st.tuples(st.binary(), st.binary())), max_size=8)
    )
    def test_nothing_breaks_it(self, pieces: list[fetched.Piece]) -> None:
        list(fetched.messages(pieces))

    @given(st.sets(st.integers(1, 60)))
    def test_sets(self, uids: set[int]) -> None:
        text = fetched.uid_set(uids)
        found: set[int] = set()
        for part in text.split(",") if text else []:
            first, _, last = part.partition(":")
            found |= set(range(int(first), int(last or first) + 1))
        assert found == uids


class TestWhatCounts:
    """What of a mailbox counts, and whom it believes."""

    ANSWER = (
        b"Authentication-Results: mx1.hoge.test; dmarc=pass header.from=css.one.microsoft.com\r\n"
        b"Received: from a by mx1.hoge.test with ESMTPS; Tue, 24 Nov 2026 01:40:00 +0000\r\n"
        b"From: Desk <x@css.one.microsoft.com>\r\nSubject: RE: SRX1234567890ID\r\n\r\n"
        b"Conditionally mitigated\r\n192.0.2.1\r\nMitigation may take 24 - 48 hours.\r\n"
    )
    BOUNCE = (
        b"From: MAILER-DAEMON@mx1.hoge.test\r\nSubject: Undelivered Mail Returned\r\n\r\n"
        b"<user@hotmail.com>: host mx2.hotmail.com[198.51.100.25] said: 550 SC-001\r\n"
        b"    Unfortunately, messages from 192.0.2.1 weren't sent.\r\n"
    )

    @pytest.fixture
    def handled(self, house: House) -> Callable[..., list[intakes.Taken]]:
        own = Own(addresses=("192.0.2.1",), domains=("hoge.test",), helo=("mx1.hoge.test",))
        diagnoser = Diagnoser(knowledge.knowledge(), language="en", own=own)

        def handle(mail: bytes, **given: object) -> list[intakes.Taken]:
            house.server.inbox.mails = {1: mail}
            assert house.take(**given) == 1
            # The fake server is on this machine; what counts here is whose it is.
            boxes = [
                msgspec.structs.replace(box, server="imap.example.com")
                for box in house.settings(**given).mailboxes
            ]
            place = ev.Place(id="microsoft-consumer")
            seen = ev.Reported(at=NOW, place=place, identities=(Identity("ip", "192.0.2.1"),))
            number = house.desk.see(seen)[0].case
            ticket = "SRX1234567890ID"
            asked = ev.Requested(at=NOW, by="me", ticket=ticket)
            house.desk.change(number, lambda _: (asked, ev.Acknowledged(at=NOW, ticket=ticket)))
            intake = intakes.Intake(
                house.desk, diagnoser, own, intakes.answer_rules(), own.helo, mailboxes=boxes
            )
            return intake.handle(NOW)

        return handle

    @pytest.mark.parametrize(
        ("given", "state"),
        [
            ({}, "acknowledged"),
            ({"authserv": ["mx.other.test"]}, "acknowledged"),
            ({"authserv": ["MX1.hoge.test"]}, "settling"),
        ],
    )
    def test_a_server_elsewhere_is_believed_by_its_own_names(
        self,
        house: House,
        handled: Callable[..., list[intakes.Taken]],
        given: dict[str, object],
        state: str,
    ) -> None:
        """Names of `[own] helo` could be written by whoever writes to an account elsewhere."""
        (taken,) = handled(self.ANSWER, **given)
        assert (taken.what, taken.cases) == ("answer", (1,))
        assert house.desk.case(1).state == state

    def test_one_for_bounces_reads_no_answers(
        self, house: House, handled: Callable[..., list[intakes.Taken]]
    ) -> None:
        (taken,) = handled(self.ANSWER, takes="bounces", authserv=["mx1.hoge.test"])
        assert (taken.what, taken.cases) == ("nothing", ())
        assert house.desk.case(1).state == "acknowledged"

    def test_one_for_answers_counts_no_bounces(
        self, house: House, handled: Callable[..., list[intakes.Taken]]
    ) -> None:
        handled(self.BOUNCE, takes="answers", authserv=["mx1.hoge.test"])
        names = [ev.name(recorded.event) for recorded in house.desk.history(1)]
        assert "refused" not in names
        assert house.desk.case(1).state == "acknowledged"
