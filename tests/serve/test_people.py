"""Users whose mail came back are told, where the settings name them: once when it is worked on, once when
it arrives again; never outsiders, never for a bounce that nothing proves, never a machine."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.serve import returned
from tests.serve.returned import SC_001
from tests.serve.test_intake_proof import OWN, House
from tests.serve.world import Serving, live
from todoku.cases import commands, fold
from todoku.cases import events as ev
from todoku.cases.case import Case
from todoku.cases.due import plan
from todoku.lab.world import LISTED
from todoku.model import Identity, Reply
from todoku.serve import telling
from todoku.serve.directory import Directory, is_automatic
from todoku.serve.intake import Intake, answer_rules
from todoku.serve.proving import Proofs

NOW = datetime.fromisoformat("2026-11-24T00:12:00+00:00")
REPLY = SC_001.format("192.0.2.1")
TO = "taro@hotmail.com"
USERS = """\
# address, language, name
sato@hoge.test\tja 佐藤 花子
Suzuki@Hoge.Test
stranger@elsewhere.test en
not an address
"""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    directory = Directory(made.folder / "users", OWN)
    (made.folder / "users").write_text(USERS)
    proofs = Proofs(made.desk, OWN, log=made.log, folder=tmp_path)
    made.intake = Intake(
        made.desk, made.diagnoser, OWN, answer_rules(), (), proofs=proofs, directory=directory
    )
    yield made
    made.log.close()
    made.engine.dispose()


def bounce(
    house: House, sender: str = "sato@hoge.test", *, proven: bool = True, head: str = ""
) -> bytes:
    queue_id, message_id = house.server.sent(TO, REPLY)
    made = returned.bounce(
        TO, REPLY, queue_id if proven else "4FORGED", message_id if proven else "<x@y>"
    )
    made = made.replace(
        b"X-Postfix-Sender: rfc822; sato@hoge.test", f"X-Postfix-Sender: rfc822; {sender}".encode()
    )
    return made.replace(
        b"\nFrom: sato@hoge.test\n", f"\n{head}From: {sender}\nReturn-Path: <{sender}>\n".encode()
    )


def people(house: House) -> list[tuple[str, str | None]]:
    from todoku.store.messages import People

    if house.desk.find("ip:192.0.2.1@microsoft-consumer") is None:
        return []
    known = People(house.desk)
    return [
        (p.address or "", p.lang)
        for p in (known.get(q.who) for q in house.desk.case(1).people)
        if p
    ]


def test_who_is_in_the_directory_is_told_once_each(house: House) -> None:
    house.take(bounce(house))
    assert people(house) == [("sato@hoge.test", "ja")]
    kinds = [(a.kind, a.about) for a in plan(house.desk.case(1))]
    assert ("tell", "opened") in kinds
    # More of the same is counted alone; another user's is an event again.
    house.take(bounce(house))
    assert len(house.desk.history(1)) == 1
    house.take(bounce(house, "suzuki@hoge.test"))
    assert people(house) == [("sato@hoge.test", "ja"), ("Suzuki@hoge.test", None)]
    assert len([a for a in plan(house.desk.case(1)) if a.kind == "tell"]) == 2


@pytest.mark.parametrize(
    ("sender", "head", "proven"),
    [
        ("tanaka@hoge.test", "", True),  # not in the directory
        ("stranger@elsewhere.test", "", True),  # no user of ours, whatever the directory says
        ("sato@hoge.test", "Auto-Submitted: auto-generated\n", True),
        ("sato@hoge.test", "List-Id: <news.hoge.test>\n", True),
        ("sato@hoge.test", "", False),  # anybody could have written it
    ],
)
def test_nobody_else_is(house: House, sender: str, head: str, proven: bool) -> None:
    house.take(bounce(house, sender, head=head, proven=proven))
    assert people(house) == []


def test_a_person_wrote_it(house: House) -> None:
    assert not is_automatic(bounce(house, head="Auto-Submitted: no\nPrecedence: first-class\n"))
    assert is_automatic(bounce(house, head="Precedence: bulk\n"))
    assert not is_automatic(b"")


def test_a_directory_that_cannot_be_read_or_changes(tmp_path: Path) -> None:
    said: list[str] = []
    path = tmp_path / "users"
    directory = Directory(path, OWN, lambda _path, why: said.append(why))
    assert directory.find("sato@hoge.test") is None
    assert said == ["no such file or directory"]
    path.write_text(USERS)
    found = directory.find("<SATO@hoge.test>")
    assert found == ("sato@hoge.test", "佐藤 花子", "ja")
    path.write_text("tanaka@hoge.test en\n")
    assert directory.find("sato@hoge.test") is None
    assert directory.find("tanaka@hoge.test") == ("tanaka@hoge.test", None, "en")


def told(case: Case, about: str, lang: str) -> email.message.EmailMessage:
    action = next(a for a in plan(case) if a.kind == "tell" and a.about == about)
    text = telling.mail(
        case, action, NOW, place="Outlook.com", to="sato@hoge.test", name=None,
        lang="ja" if lang == "ja" else "en", sender="postmaster@hoge.test",
    )  # fmt: skip
    made = email.message_from_bytes(text, policy=email.policy.default)
    assert isinstance(made, email.message.EmailMessage)
    return made


@pytest.mark.parametrize(("lang", "words"), [("ja", "戻って"), ("en", "came back")])
def test_what_they_read(lang: str, words: str) -> None:
    refused = ev.Refused(at=NOW, first=NOW, last=NOW, affected=("person:1",), to=("hotmail.com",))
    case = fold.fold([refused], Case(number=3))
    mail = told(case, "opened", lang)
    assert words in mail.get_content()
    assert mail["auto-submitted"] == "auto-generated"
    # He reports, too: that counts, and he is not written to again before it works.
    opened = ev.Told(at=NOW, who="person:1", about="opened")
    case = fold.fold([opened, ev.Reported(at=NOW, who="person:1", words="help")], case)
    assert [p.affected for p in case.people] == [False]
    assert not [a for a in plan(case) if a.kind == "tell"]


def test_a_delay_is_told_to_nobody(house: House) -> None:
    later = "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation."
    queue_id, message_id = house.server.sent(TO, later)
    mail = returned.bounce(TO, later, queue_id, message_id).replace(
        b"Action: failed", b"Action: delayed"
    )
    house.take(mail)
    assert people(house) == []


def test_a_refusal_that_names_somebody_new_is_not_only_counted() -> None:
    first = ev.Refused(at=NOW, first=NOW, last=NOW)
    case = fold.fold([first], Case(number=1))
    assert commands.only_counts(case, first)
    assert not commands.only_counts(
        case, ev.Refused(at=NOW, first=NOW, last=NOW, affected=("person:1",))
    )


@pytest.mark.parametrize("lang", ["ja", None])
def test_who_names_no_language_reads_that_of_the_house(tmp_path: Path, lang: Any) -> None:
    async def walk(s: Serving) -> None:
        who = s.people.known_as("suzuki@hoge.test", None, lang)
        now = s.clock.now()
        identity = Identity("ip", LISTED)
        refused = ev.Refused(
            at=now,
            first=now,
            last=now,
            affected=(who,),
            identities=(identity,),
            place=ev.Place(id="microsoft-consumer"),
            reply=Reply(code=550, text="550 no"),
        )
        s.desk.see(refused)
        await s.work()
        (mail,) = s.mails("suzuki@hoge.test")
        made = email.message_from_bytes(mail, policy=email.policy.default)
        assert made["content-language"] == "ja", mail
        assert made["return-path"] == "<>"

    live(tmp_path, walk)
