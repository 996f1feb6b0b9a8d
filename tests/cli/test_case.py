"""`todoku report` and `todoku case`: what is recorded, what is said, what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

from todoku.cases import events as ev
from todoku.cases.records import Recorded
from todoku.cli import Failure, main
from todoku.cli.render import case as render
from todoku.errors import TodokuError
from todoku.i18n import Language
from todoku.model import Reply

REFUSAL = "550 SC-001 (BAY004-MC3F26) Unfortunately, messages from {} weren't sent."
STORY = "Hotmailのアドレスの方へメールが送れない状況です。どうしましょうか?"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("TODOKU_OWN_ADDRESSES", "192.0.2.1")
    monkeypatch.setenv("TODOKU_MAIL_SENDER", "postmaster@hoge.test")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    return tmp_path


def run(*words: str, stdin: str = "", lang: str = "ja") -> Result:
    return CliRunner().invoke(main, ["--lang", lang, *words], input=stdin, standalone_mode=False)


def good(*words: str, **more: Any) -> str:
    done = run(*words, **more)
    assert done.exception is None, done.exception
    return done.stdout


def bad(*words: str, **more: Any) -> tuple[str, int]:
    error = run(*words, **more).exception
    assert isinstance(error, Failure), error
    return error.message, error.code


def events(number: int = 1) -> list[dict[str, Any]]:
    text = good("case", "show", str(number), "--json")
    return [json.loads(line) for line in text.splitlines()]


def test_a_report_and_the_refusal_that_explains_it_are_one_case() -> None:
    said = good(
        "report", STORY, "--to", "taro@hotmail.com", "--who", "sato@hoge.test", "--name", "佐藤"
    )
    assert said == "案件 1 に記録しました。todoku case show 1\n"
    good("case", "open", "--refusal", "-", stdin=REFUSAL.format("192.0.2.1"))
    found = events()
    assert [e["event"] for e in found] == ["reported", "refused", "diagnosed"]
    assert [(e["v"], e["case"], e["seq"]) for e in found] == [(1, 1, n) for n in (1, 2, 3)]
    assert (
        found[0]["words"] == STORY and found[0]["by"] is None and found[0]["to"] == ["hotmail.com"]
    )
    assert found[1]["reply"]["code"] == 550 and found[1]["by"]
    assert found[2]["receiver_code"] == "SC-001"
    assert "sato@hoge.test" not in json.dumps(found)


def test_the_case_on_the_screen() -> None:
    good("report", STORY, "--to", "hotmail.com", "--who", "sato@hoge.test", "--name", "佐藤")
    good("case", "open", "--refusal", "-", stdin=REFUSAL.format("192.0.2.1"))
    shown = good("case", "show", "1").splitlines()
    assert shown[0] == "案件 1  192.0.2.1 ⇄ Outlook.com / Hotmail（個人向け）    状態: 未依頼"
    assert shown[1].endswith(f"申告    佐藤「{STORY}」")
    assert "  拒否    550 SC-001 (BAY004-MC3F26)" in shown[2]
    assert "診断    Outlook.com / Hotmail（個人向け）、SC-001、192.0.2.1" in shown[3]
    assert shown[-1] == "次: 利用者に連絡（自動、まもなく）"
    shown = good("case", "show", "1", lang="en").splitlines()
    assert shown[0] == "Case 1  192.0.2.1 ⇄ Outlook.com / Hotmail (consumer)    State: open"
    (row,) = good("case", "list").splitlines()
    assert row.endswith("192.0.2.1 ⇄ Outlook.com / Hotmail（個人向け）")


def test_words_of_strangers_do_nothing_to_a_terminal() -> None:
    good(
        "report",
        "\x1b[2J\u202eevil",
        "--to",
        "hotmail.com",
        "--name",
        "a\x1bb",
        "--who",
        "a@b.test",
    )
    shown = good("case", "show", "1")
    assert "\x1b" not in shown and "\u202e" not in shown
    text = good("case", "show", "1", "--json")
    assert "\x1b" not in text and "\u202e" not in text


@pytest.mark.parametrize(
    ("words", "stdin", "code", "said"),
    [
        (("case", "open", "--refusal", "-"), REFUSAL.format("203.0.113.80"), 65, "設定 [own] にない 203.0.113.80"),
        (("case", "open", "203.0.113.80", "--to", "hotmail.com"), "", 65, "設定 [own] にない 203.0.113.80"),
        (("report", "x", "--refusal", "-"), "hello", 65, "拒否の応答は見つかりません"),
        (("report", "x"), "", 65, "--to に宛先のドメイン"),
        (("report",), "", 64, "何も渡されていません"),
        (("report", "x", "--to", "hotmail.com", "--who", "sato"), "", 64, "メールアドレスではありません"),
        (("report", "x", "--to", "a b"), "", 64, "ドメインでもメールアドレスでも"),
        (("case", "show", "9"), "", 66, "案件 9 はありません"),
        (("case", "close", "9", "--why", "gave-up"), "", 66, "案件 9 はありません"),
    ],
)  # fmt: skip
def test_wrong_use_changes_nothing(
    words: tuple[str, ...], stdin: str, code: int, said: str
) -> None:
    message, found = bad(*words, stdin=stdin)
    assert (found, said in message) == (code, True), message
    assert good("case", "list", "--all") == "対応中の案件はありません。\n"


def test_closing() -> None:
    good("report", STORY, "--to", "hotmail.com")
    message, code = bad("case", "close", "1")
    assert code == 1 and "理由が要ります" in message
    assert [e["event"] for e in events()] == ["reported"]
    good("case", "close", "1", "--why", "gave-up", "--text", "別の手段で連絡")
    assert (events()[-1]["event"], events()[-1]["why"]) == ("closed", "gave-up")
    assert "終了しています" in bad("case", "close", "1", "--why", "gave-up")[0]
    assert good("case", "list") == "対応中の案件はありません。\n"
    assert "断念" in good("case", "list", "--all")


def test_a_database_of_a_newer_version(home: Path) -> None:
    import sqlite3

    good("report", STORY, "--to", "hotmail.com")
    with sqlite3.connect(home / "XDG_DATA_HOME/todoku/todoku.db") as db:
        db.execute("UPDATE todoku_version SET version_num = '9999'")
    message, code = bad("case", "list")
    assert code == 69 and "より新しい todoku" in message


def test_errors_are_in_both_languages() -> None:
    from todoku.serve import opening, reporting

    for words in (opening.WORDS, reporting.WORDS):
        for sentence in words.values():
            assert set(sentence) == {"ja", "en"}
    assert issubclass(reporting.NotReported, TodokuError)


def test_a_flood_says_how_many_and_until_when() -> None:
    at = datetime(2026, 11, 24, tzinfo=UTC)
    event = ev.Refused(
        at=at, first=at, last=at, count=100_000, reply=Reply(550, "5.7.1", "no"), counted_to=at
    )
    hours = msgspec.structs.replace(event, counted_to=at + timedelta(hours=30))

    def told(event: ev.Refused, lang: Language) -> str:
        recorded = Recorded(case=1, seq=1, event=event)
        return render.line(recorded, str, str, lang, UTC)

    assert told(event, "en") == "11/24 00:00  refused       no  100000 times"
    assert told(hours, "en") == "11/24 00:00  refused       no  100000 times (until 11/25 06:00)"
    assert told(hours, "ja") == "11/24 00:00  拒否    no  100000 件（11/25 06:00 まで）"
