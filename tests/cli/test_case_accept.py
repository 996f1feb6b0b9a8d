"""What came in and is not proven: shown with its doubt, with its case, and what a person says of it."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.serve import returned
from todoku import settings
from todoku.cli import Failure, main
from todoku.diagnosis import Diagnoser
from todoku.knowledge import load
from todoku.serve import opening
from todoku.serve.intake import Intake, answer_rules
from todoku.serve.usermail import UserMail
from todoku.settings.own import Own
from todoku.store.messages import Mailbox
from todoku.store.unverified import Unverified

OWN = Own(addresses=("192.0.2.1",), domains=("hoge.test",))
REPORT = (
    "From: sato@hoge.test\r\nTo: trouble@hoge.test\r\nSubject: x\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n\r\ntaro@hotmail.com へ送れません\r\n"
).encode()
ANSWER = re.compile(r"^  ([0-9a-f]{8})  \d\d/\d\d \d\d:\d\d  ", re.M)


def bounce(n: int, address: str = "192.0.2.1") -> bytes:
    reply = returned.SC_001.format(address)
    return returned.bounce(f"taro{n}@hotmail.com", reply, f"Q{n}", f"<{n}@x>")


@pytest.fixture(autouse=True)
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Four bounces of one kind, one of an address that is not ours, a report of nobody knows whom."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("TODOKU_OWN_ADDRESSES", "192.0.2.1")
    monkeypatch.setenv("TODOKU_OWN_DOMAINS", "hoge.test")
    monkeypatch.setenv("TODOKU_MAIL_SENDER", "postmaster@hoge.test")
    diagnoser = Diagnoser(load.knowledge(), language="en", own=OWN)
    with opening.desk(settings.load(None, None)) as desk:
        users = UserMail("trouble@hoge.test", diagnoser, OWN)
        intake = Intake(desk, diagnoser, OWN, answer_rules(), (), users=users)
        mails = [*map(bounce, range(4)), bounce(9, "203.0.113.80"), REPORT]
        now = datetime.now(UTC)
        Mailbox(desk).keep(mails, "test", now)
        intake.handle(now)


def run(*words: str, lang: str = "ja", stdin: str = "") -> Result:
    return CliRunner().invoke(main, ["--lang", lang, *words], input=stdin, standalone_mode=False)


def said(*words: str, lang: str = "ja") -> str:
    done = run(*words, lang=lang)
    assert done.exception is None, done.exception
    return done.stdout


def ids() -> dict[str, str]:
    """The ids on the screen, by what is blocked, or by who reported."""
    lines = said("case", "accept").splitlines()
    found = {}
    for line in lines:
        if m := ANSWER.match(line):
            key = next(k for k in ("192.0.2.1", "203.0.113.80", "sato@") if k in line)
            found[key] = m[1]
    return found


def masked(text: str) -> str:
    return re.sub(r"[0-9a-f]{8}  \d\d/\d\d \d\d:\d\d", "ID  AT", text)


def test_the_screen() -> None:
    lines = masked(said("case", "accept")).splitlines()
    assert lines[0] == "未確認（何も動かしていません）"
    assert sorted(lines[1:4]) == sorted(
        [
            (
                "  ID  AT  自分のメールへの返送という証拠なし  mx1.hoge.test  192.0.2.1 ⇄ Outlook.com / "
                "Hotmail（個人向け）  ×4  550 SC-001 (BAY004-MC3F26) Unfortunately, messages from 192…"
            ),
            (
                "  ID  AT  設定 [own] にないアドレス  mx1.hoge.test  203.0.113.80 ⇄ Outlook.com / "
                "Hotmail（個人向け）  550 SC-001 (BAY004-MC3F26) Unfortunately, messages from 203…"
            ),
            "  ID  AT  利用者本人という証拠なし  sato@hoge.test  hotmail.com  t…@hotmail.com へ送れません",
        ]
    )
    assert "todoku case accept ID --not-ours" in lines[4]
    assert len(lines) == 5
    english = masked(said("case", "accept", lang="en"))
    for words in ("Not verified", "no proof that it is about our mail", "not our address: [own]",
                  "no proof that a user of ours wrote it", "×4", "If it is yours"):  # fmt: skip
        assert words in english
    assert said("case", "list", lang="en").splitlines() == [
        "There are no open cases.",
        "6 not verified, which move nothing: todoku case accept",
    ]


def test_as_json() -> None:
    groups = [json.loads(line) for line in said("case", "accept", "--json").splitlines()]
    assert sorted((g["doubt"], g["count"]) for g in groups) == [
        ("no-proof", 1), ("no-proof", 4), ("not-our-address", 1),
    ]  # fmt: skip
    assert "taro" not in json.dumps(groups)


def test_a_case_shows_what_would_belong_to_it_and_how_what_it_believes_is_known() -> None:
    said("case", "accept", ids()["192.0.2.1"])
    shown = said("case", "show", "1").splitlines()
    assert shown[1].endswith("（人が確認）") or "（人が確認）" in shown[1]
    at = shown.index("未確認（何も動かしていません）")
    assert "×3" in shown[at + 1] and "証拠なし" in shown[at + 1]
    assert "sato@hoge.test" in shown[at + 2]
    assert "case accept ID" in shown[at + 3]
    assert not any("203.0.113.80" in line or "案件 1 のもの" in line for line in shown)
    listed = said("case", "accept").splitlines()
    assert [
        "案件 1 のもの" in line for line in listed if "192.0.2.1" in line or "sato" in line
    ] == [True] * 2
    groups = [json.loads(line) for line in said("case", "accept", "--json").splitlines()]
    assert sorted(str(g["case"]) for g in groups) == ["1", "1", "None"]
    assert "(by a person's word)" in said("case", "show", "1", lang="en")
    events = [json.loads(line) for line in said("case", "show", "1", "--json").splitlines()]
    assert events[0]["proof"] == "person"


def test_all_that_say_the_same_count() -> None:
    assert (
        said("case", "accept", ids()["192.0.2.1"], "--alike")
        == "案件 1 に記録しました。todoku case show 1\n"
    )
    (event, *_) = [json.loads(line) for line in said("case", "show", "1", "--json").splitlines()]
    assert (event["event"], event["count"], event["proof"]) == ("refused", 4, "person")
    assert "192.0.2.1" not in ids()


def test_not_ours_is_laid_aside() -> None:
    assert said("case", "accept", ids()["192.0.2.1"], "--not-ours", "--alike") == (
        "自分のものではないと記録しました。\n"
    )
    assert set(ids()) == {"203.0.113.80", "sato@"}
    assert "There are no open cases" in said("case", "list", lang="en")


def test_a_report() -> None:
    said("case", "accept", ids()["sato@"])
    (event, *_) = [json.loads(line) for line in said("case", "show", "1", "--json").splitlines()]
    assert (event["event"], event["to"], event["who"]) == ("reported", ["hotmail.com"], "person:1")
    assert event["by"]


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (("xyz",), "is no id"),
        (("abc",), "is no id"),
        (("0123456789",), "no unverified mail begins with"),
    ],
)
def test_wrong_ids(words: tuple[str, ...], wanted: str) -> None:
    error = run("case", "accept", *words, lang="en").exception
    assert isinstance(error, Failure)
    assert wanted in error.message and "Nothing was recorded" in error.message


def test_what_is_not_ours_cannot_be_accepted() -> None:
    error = run("case", "accept", ids()["203.0.113.80"], lang="en").exception
    assert isinstance(error, Failure) and "203.0.113.80" in error.message


def test_the_text_of_one_is_erased_and_the_others_count() -> None:
    first = ids()["192.0.2.1"]
    with opening.desk(settings.load(None, None)) as desk:
        (one,) = Unverified(desk).find(first)
        n = next(n for n in range(4) if hashlib.sha256(bounce(n)).hexdigest() == one.sha256)
    said("case", "forget", f"taro{n}@hotmail.com", "--yes")
    error = run("case", "accept", first, lang="en").exception
    assert isinstance(error, Failure) and "has been erased" in error.message
    said("case", "accept", first, "--alike")
    (event, *_) = [json.loads(line) for line in said("case", "show", "1", "--json").splitlines()]
    assert event["count"] == 3
