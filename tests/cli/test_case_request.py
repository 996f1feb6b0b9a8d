"""`todoku case request`: the draft, what is in the way, and what was filed on record."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from todoku import settings
from todoku.cases import events as ev
from todoku.cli import Failure, main
from todoku.errors import TodokuError
from todoku.serve import opening

ROOT = Path(__file__).parents[2]
REFUSAL = "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service provider since part of their network is on our block list (S3150)."
CONTACT = {
    "TODOKU_CONTACT_NAME": "佐藤 花子",
    "TODOKU_CONTACT_EMAIL": "postmaster@hoge.test",
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("TODOKU_OWN_ADDRESSES", "192.0.2.1")
    monkeypatch.setenv("TODOKU_OWN_DOMAINS", "hoge.test")
    monkeypatch.setenv("TODOKU_MAIL_SENDER", "postmaster@hoge.test")
    # A resolver that nobody answers at: what it would say is not known.
    monkeypatch.setenv("TODOKU_DNS_RESOLVER", "127.0.0.1:9")
    monkeypatch.setattr("todoku.serve.reversing.DEADLINE", 0.1)
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    for name, value in CONTACT.items():
        monkeypatch.setenv(name, value)
    assert good("report", "届かない", "--to", "taro@hotmail.com", "--refusal", "-", stdin=REFUSAL)
    return tmp_path


def run(*words: str, stdin: str = "", lang: str = "ja") -> Result:
    return CliRunner().invoke(main, ["--lang", lang, *words], input=stdin, standalone_mode=False)


def good(*words: str, **more: Any) -> str:
    done = run(*words, **more)
    assert done.exception is None, done.exception
    return done.stdout


def bad(*words: str, **more: Any) -> str:
    error = run(*words, **more).exception
    assert isinstance(error, Failure | TodokuError), error
    return str(error)


def events() -> list[dict[str, Any]]:
    return [json.loads(line) for line in good("case", "show", "1", "--json").splitlines()]


def test_what_is_in_the_way_comes_first() -> None:
    shown = good("case", "request", "1")
    head, _, rest = shown.partition("先に片付けること:")
    assert "案件 1: Outlook.com / Hotmail（個人向け）への解除の依頼" in head
    stops, _, rest = rest.partition("知っておくこと:")
    assert "原因が記録されていません" in stops and "逆引き" not in stops
    know, _, rest = rest.partition("フォームに記入します: https://olcsupport.office.com/")
    assert "192.0.2.1 の逆引きは調べられませんでした" in know
    assert "Sending IP addresses（送信元 IP アドレス）: 192.0.2.1" in rest
    assert "Contact name（担当者名）: 佐藤 花子" in rest
    assert "Dedicated or shared address（専用か共用か）: （記入してください）" in rest
    letter, _, translation = rest.partition("文面の訳（送りません）")
    assert "Please lift the block" in letter and REFUSAL in letter
    assert "ブロックの解除をお願いいたします" in translation
    assert events()[-1]["event"] == "diagnosed", "a draft records nothing"


def test_a_cause_and_what_was_mended_are_recorded_first() -> None:
    shown = good(
        "case", "request", "1", "--cause", "open relay", "--mended", "closed it", "--offline",
        lang="en",
    )  # fmt: skip
    assert "In the way" not in shown
    assert "What we found: open relay\nWhat we did about it: closed it" in shown
    found, mended = events()[-2:]
    assert (found["event"], found["cause"]) == ("cause-found", "open relay")
    assert (mended["event"], mended["what"]) == ("mended", "closed it")
    assert found["by"] and found["source"] == mended["source"]


def test_what_was_filed_is_on_record_with_its_letter() -> None:
    said = bad("case", "request", "1", "--done", "--ticket", "7096915173")
    assert "先に片付けることがあります（原因が未確認）" in said and "--anyway" in said
    assert events()[-1]["event"] == "diagnosed"
    good("case", "request", "1", "--looked", "mail log", "--offline")
    good("case", "request", "1", "--done", "--ticket", "7096915173")
    asked, ticket = events()[-2:]
    assert (asked["event"], asked["desk"]) == ("requested", "microsoft-consumer/support")
    assert asked["channel"] == "form" and REFUSAL in asked["text"]
    assert (ticket["event"], ticket["ticket"]) == ("acknowledged", "7096915173")
    # A second one delays the desk.
    assert "まだ早い" in bad("case", "request", "1", "--done")


def test_anyway_is_a_persons_word() -> None:
    good("case", "request", "1", "--done", "--anyway")
    assert events()[-1]["event"] == "requested"


def test_the_draft_as_json() -> None:
    made = json.loads(good("case", "request", "1", "--json"))
    schema = json.loads((ROOT / "docs/reference/draft.schema.json").read_text("utf-8"))
    jsonschema.validate(made, schema)
    assert made["v"] == 1 and made["purpose"] == "request" and made["language"] == "en"
    assert [o["kind"] for o in made["obstacles"] if o["stops"]] == ["no-cause"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["case", "request", "9"], "案件 9"),
        (["case", "request", "1", "--desk", "microsoft-consumer/suport"], "microsoft-consumer/support"),
        (["case", "request", "1", "--ticket", "1"], "--done"),
        (["case", "request", "1", "192.0.2.9"], "192.0.2.9 は案件 1 の対象ではありません"),
    ],
)  # fmt: skip
def test_wrong_use_is_told_in_a_sentence(words: list[str], told: str) -> None:
    before = events()
    assert told in bad(*words)
    assert events() == before


def test_another_desk_is_a_persons_choice_and_said() -> None:
    shown = good("case", "request", "1", "--desk", "microsoft-365/delist", "--offline")
    assert "拒否の応答が示す窓口は microsoft-consumer/support です" in shown
    assert "https://sender.office.com/" in shown


# Sent by todoku


ICLOUD = ("case", "request", "1", "--desk", "apple-icloud/postmaster")


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is in the way of a letter to iCloud's desk."""
    monkeypatch.setenv("TODOKU_CONTACT_COMPANY", "Hoge K.K.")
    good("case", "request", "1", "--looked", "mail log", "--offline")


def test_a_letter_is_shown_and_goes_out_only_on_a_yes(
    ready: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "--send（送る前に確認します）" in good(*ICLOUD, "--offline")
    done = run(*ICLOUD, "--offline", "--send")
    assert isinstance(done.exception, Failure) and "--yes" in str(done.exception)
    assert REFUSAL in done.stdout
    monkeypatch.setattr("todoku.cli.case_request._terminal", lambda: True)
    shown = good(*ICLOUD, "--offline", "--send", stdin="n\n")
    assert "icloudadmin@apple.com に送りますか?（差出人 postmaster@hoge.test）" in shown
    assert "何も送らず" in shown and events()[-1]["event"] == "cause-found"
    shown = good(*ICLOUD, "--offline", "--send", stdin="y\n")
    asked = events()[-1]
    assert (asked["event"], asked["channel"]) == ("requested", "mail")
    assert asked["letter"]["to"] == "icloudadmin@apple.com" and asked["by"]
    assert asked["letter"]["sender"] == "postmaster@hoge.test" and REFUSAL in asked["text"]
    assert "todoku serve が動いたときに送られます" in shown
    shown = good("case", "show", "1")
    assert "icloudadmin@apple.com へのメール" in shown
    assert "原因    調べて見つからず: mail log" in shown
    # It is on its way: nobody asks a second time.
    assert "まだ早い" in bad(*ICLOUD, "--offline", "--send", "--yes")


def test_yes_is_a_persons_word_too(ready: None) -> None:
    said = good(*ICLOUD, "--offline", "--send", "--yes", lang="en")
    assert said == (
        "Recorded in case 1. The letter to icloudadmin@apple.com goes out when todoku serve runs. "
        "todoku case show 1\n"
    )
    assert events()[-1]["message_id"].startswith("<todoku.")


def test_ones_own_words_are_sent_instead(ready: None, tmp_path: Path) -> None:
    words = tmp_path / "letter.txt"
    words.write_text("Please look at 192.0.2.1 again.\n")
    good(*ICLOUD, "--offline", "--send", "--yes", "--letter", str(words))
    assert events()[-1]["text"] == "Please look at 192.0.2.1 again.\n"


WRONG = [
    (["case", "request", "1", "--send", "--offline"], "メールでの依頼を受け付けない"),
    ([*ICLOUD, "--send", "--done"], "--send と --done"),
    ([*ICLOUD, "--yes"], "--yes は --send と"),
    ([*ICLOUD, "--letter", "-"], "--letter は --send と"),
    ([*ICLOUD, "--send", "--yes", "--offline"], "（原因が未確認）"),
    (
        ["case", "request", "1", "--desk", "t-online/content", "--send", "--yes", "--offline"],
        "未記入の項目",
    ),
    ([*ICLOUD, "--send", "--yes", "--letter", "-", "--offline"], "手紙として読めません"),
]


def test_what_is_not_sent() -> None:
    before = len(events())
    for words, told in WRONG:
        assert told in bad(*words)
    assert len(events()) == before


def test_gaps_are_never_sent(ready: None, monkeypatch: pytest.MonkeyPatch) -> None:
    said = bad(
        *ICLOUD,
        "--send",
        "--yes",
        "--offline",
        "--letter",
        "-",
        stdin="Domain: [to be filled in]\n",
    )
    assert "[to be filled in]" in said and "何も送っていません" in said
    monkeypatch.delenv("TODOKU_MAIL_SENDER")
    assert "[mail] sender" in bad(*ICLOUD, "--send", "--yes")


def test_a_reply_never_leaves_by_the_blocked_address(
    ready: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long_ago = datetime(2026, 1, 2, tzinfo=UTC)
    with opening.desk(settings.load(None, None)) as desk:
        no = ev.Answered(at=long_ago, class_="refused", authentic=True)
        asked = ev.Requested(at=long_ago, by="x", desk="apple-icloud/postmaster")
        desk.change(1, lambda _: (asked, no))
    assert "（別の経路で送る）" in bad(*ICLOUD, "--offline", "--send", "--yes")
    monkeypatch.setenv("TODOKU_CASES_DESK_RELAY", "192.0.2.1")  # the blocked one itself
    assert "（別の経路で送る）" in bad(*ICLOUD, "--offline", "--send", "--yes")
    monkeypatch.setenv("TODOKU_CASES_DESK_RELAY", "127.0.0.1:2525")
    good(*ICLOUD, "--offline", "--send", "--yes")
    assert events()[-1]["event"] == "escalated"
