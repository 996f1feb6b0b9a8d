"""`todoku case answer`: what a mail says, and what it moves."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from todoku import store
from todoku.cases import events as ev
from todoku.cli import main
from todoku.model import Identity
from todoku.store.cases import Desk

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "answer.schema.json"
RESULTS = (
    "Authentication-Results: mx1.hoge.test; dmarc=pass header.from=css.one.microsoft.com\n"
    "Received: from a by mx1.hoge.test with ESMTPS; Tue, 24 Nov 2026\n"
)
HEAD = "From: Desk <x@css.one.microsoft.com>\nSubject: RE: SRX1234567890ID\nContent-Type: text/plain; charset=utf-8\n\n"
VERDICT = "Conditionally mitigated\n192.0.2.1\nMitigation may take 24 - 48 hours to replicate.\n"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, folder in (("HOME", tmp_path), ("XDG_CONFIG_HOME", tmp_path / "c")):
        monkeypatch.setenv(name, str(folder))
    (tmp_path / "a.eml").write_text(RESULTS + HEAD + VERDICT)
    (tmp_path / "b.eml").write_text(HEAD + "緩和対象外\n192.0.2.1\n")
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["case", "answer", *arguments, "--data", "d"])


def rows(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def opened(house: Path, ticket: str = "SRX1234567890ID", ip: str = "192.0.2.1") -> int:
    (house / "d").mkdir(exist_ok=True)
    engine = store.connect(f"sqlite:///{house}/d/todoku.db")
    desk, now = Desk(engine), datetime.now(UTC)
    number = desk.see(
        ev.Reported(
            at=now, place=ev.Place(id="microsoft-consumer"), identities=(Identity("ip", ip),)
        )
    )[0].case
    desk.change(number, lambda _: (ev.Requested(at=now, by="me", ticket=ticket),
                                   ev.Acknowledged(at=now, ticket=ticket)))  # fmt: skip
    engine.dispose()
    return number


def events(house: Path, number: int) -> list[ev.AnyEvent]:
    engine = store.connect(f"sqlite:///{house}/d/todoku.db")
    found = [r.event for r in Desk(engine).history(number)]
    engine.dispose()
    return found


def test_one_object_a_file_and_nothing_is_kept(house: Path) -> None:
    result = run("a.eml", "b.eml", "--dry-run", "--json", "--authserv-id", "mx1.hoge.test")
    assert result.exit_code == 0, result.output
    first, second = rows(result)
    valid = jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text()))
    for row in (first, second):
        valid.validate(row)
    assert (first["source"], first["class"], first["authentic"], first["case"]) == (
        "a.eml", "conditionally-mitigated", True, None,
    )  # fmt: skip
    assert first["wait"] == {"min_hours": 24.0, "max_hours": 48.0, "until": None}
    assert (second["class"], second["authentic"], second["how"]) == (
        "not-qualified", False, "no-results",
    )  # fmt: skip
    assert not (house / "d").exists()


def test_an_unreadable_file_keeps_no_other_from_being_read(house: Path) -> None:
    (house / "empty.eml").write_text("\n")
    result = run("none.eml", "empty.eml", ".", "a.eml", "--dry-run", "--json", "--lang", "en")
    assert [row["source"] for row in rows(result)] == ["a.eml"]
    assert result.exit_code == 66
    assert "cannot read none.eml" in result.stderr
    assert "empty.eml is empty" in result.stderr


@pytest.mark.parametrize(
    ("lang", "words"), [("ja", "条件付きで緩和されました"), ("en", "conditionally mitigated")]
)
def test_the_screen(house: Path, lang: str, words: str) -> None:
    result = run("a.eml", "--dry-run", "--lang", lang, "--authserv-id", "mx1.hoge.test")
    assert result.stdout.splitlines()[0] == f"a.eml: {words}"
    assert "SRX1234567890ID" in result.stdout and "192.0.2.1" in result.stdout


def test_it_moves_its_case_once(house: Path) -> None:
    number = opened(house)
    for _ in range(2):
        result = run("a.eml", "--json", "--authserv-id", "mx1.hoge.test")
        assert rows(result)[0]["case"] == number
    answered = [e for e in events(house, number) if isinstance(e, ev.Answered)]
    assert [(a.class_, a.authentic, a.max_hours) for a in answered] == [
        ("conditionally-mitigated", True, 48.0)
    ]


def test_what_is_not_proven_waits_until_a_person_accepts_it(house: Path) -> None:
    number = opened(house)
    result = run("b.eml", "--lang", "en")
    assert "moves nothing" in result.stdout
    assert not any(isinstance(e, ev.AcceptedByPerson) for e in events(house, number))
    assert run("b.eml", "--accept").exit_code == 0
    (accepted,) = (e for e in events(house, number) if isinstance(e, ev.AcceptedByPerson))
    assert accepted.by


def test_an_answer_without_a_case_is_said(house: Path) -> None:
    opened(house, ticket="SRX9999999999ID", ip="198.51.100.1")
    result = run("a.eml", "--lang", "en")
    assert "no case has this answer (ticket SRX1234567890ID)" in result.stdout
    (house / "c.eml").write_text("From: a@b.test\nSubject: lunch\n\nnoon?\n")
    assert "is no desk's answer" in run("c.eml", "--lang", "en").stdout


def test_the_number_without_its_letters_is_the_same_ticket(house: Path) -> None:
    number = opened(house)
    (house / "n.eml").write_text(
        HEAD.replace("RE: SRX1234567890ID", "your request")
        + "This is about ticket number [1234567890]. We have implemented mitigation.\n"
    )
    assert rows(run("n.eml", "--dry-run", "--json"))[0]["case"] == number


def test_it_goes_through_the_serve_that_runs_there(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from todoku import settings
    from todoku.diagnosis import Diagnoser
    from todoku.knowledge import load
    from todoku.serve import giving, listening, opening

    number = opened(house)
    found = settings.load(None, house / "d")
    taken: list[object] = []
    given = giving.give

    def give(order: Any, settings: Any) -> Any:
        answer = given(order, settings)
        taken.append(answer)
        return answer

    monkeypatch.setattr(giving, "give", give)
    with opening.desk(found) as desk:
        listener = listening.of(
            found, desk, Diagnoser(load.knowledge()), lambda: datetime.now(UTC), wake=lambda: None
        )
        with listener:
            for _ in range(2):
                result = run("a.eml", "--authserv-id", "mx1.hoge.test")
                assert result.exit_code == 0, result.output
        answered = [r for r in desk.history(number) if isinstance(r.event, ev.Answered)]
    assert len(answered) == 1
    assert len(taken) == 2 and None not in taken  # by the one who listened, both times


def test_an_answer_about_an_address_that_is_not_ours(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TODOKU_OWN_ADDRESSES", "192.0.2.1")
    strange = (RESULTS + HEAD + VERDICT).replace("192.0.2.1", "203.0.113.9")
    (house / "a.eml").write_text(strange)
    told = run("a.eml", "--lang", "en").stdout
    assert "this answer is about 203.0.113.9, which the settings ([own]) do not have" in told
    assert "Nothing was recorded" in told
    # Under the ticket of a case it is kept, and moves nothing.
    number = opened(house)
    told = run("a.eml", "--authserv-id", "mx1.hoge.test", "--lang", "ja").stdout
    assert f"案件 {number} に記録しましたが、回答は 203.0.113.9 についてのもの" in told
    assert "この案件の対象（192.0.2.1）ではない" in told
    engine = store.connect(f"sqlite:///{house}/d/todoku.db")
    case = Desk(engine).case(number)
    assert case.state == "acknowledged" and case.answer is not None
    engine.dispose()


def test_a_ticket_of_another_case_is_refused(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TODOKU_OWN_ADDRESSES", "192.0.2.1,192.0.2.2")
    first = opened(house)
    engine = store.connect(f"sqlite:///{house}/d/todoku.db")
    now = datetime.now(UTC)
    place = ev.Place(id="t-online")
    other = (
        Desk(engine)
        .see(ev.Reported(at=now, place=place, identities=(Identity("ip", "192.0.2.2"),)))[0]
        .case
    )
    words = (
        "case", "request", str(other), "--desk", "t-online/bl", "--done", "--anyway", "--ticket",
        "1234567890", "--data", "d", "--lang", "en",
    )  # fmt: skip
    done = CliRunner().invoke(main, words, standalone_mode=False)
    assert "ticket 1234567890 does not belong to case" in str(done.exception), "in its other form"
    assert Desk(engine).case(other).tickets == ()
    assert Desk(engine).case(first).tickets == ("SRX1234567890ID",)
    engine.dispose()
