"""`todoku case forget`: an address goes from all that todoku keeps."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from todoku.cli import Failure, main
from todoku.serve import spool

NOW = datetime.now(UTC).timestamp()
REFUSAL = "550 SC-001 <taro@hotmail.com>: messages from 192.0.2.1 weren't sent."


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A case with the address, and mail that waits."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("TODOKU_OWN_ADDRESSES", "192.0.2.1")
    monkeypatch.setenv("TODOKU_PRIVACY_CLEAR_FOR", "*")
    monkeypatch.setenv("TODOKU_MAIL_SENDER", "postmaster@hoge.test")
    words = ("report", "taro@hotmail.com へ届きません", "--to", "hotmail.com", "--refusal", "-")
    assert run(*words, stdin=REFUSAL).exception is None
    folder = tmp_path / "XDG_DATA_HOME" / "todoku" / "spool"
    spool.make(folder)
    spool.put(folder, b"To: taro@hotmail.com\r\n\r\nx", b"To: jiro@hotmail.com\r\n\r\nx")
    spool.put(folder, b"To: Taro@hotmail.com\r\n\r\ny")
    return folder


def run(*words: str, stdin: str = "", lang: str = "ja") -> Result:
    return CliRunner().invoke(main, ["--lang", lang, *words], input=stdin, standalone_mode=False)


def test_it_is_gone_and_the_case_goes_on(home: Path) -> None:
    done = run("case", "forget", "taro@hotmail.com", "--yes")
    assert done.exception is None
    said, more = done.stdout.splitlines()
    assert said == (
        "taro@hotmail.com を消しました: 出来事 2 件（案件 1）、メール 2 通、申告者 0 人、送信の記録 0 件、"
        "保存した配送 0 件、その他 0 件。件数と経過は残っています。"
    )
    assert "docs/privacy.ja.md" in more
    (left,) = (home / "new").iterdir()
    assert left.read_bytes() == b"To: jiro@hotmail.com\r\n\r\nx"
    shown = run("case", "show", "1").stdout
    assert "taro" not in shown
    assert "@hotmail.com へ届きません" in shown
    assert "hotmail.com のアドレスを一つ消去" in shown
    again = run("case", "forget", "taro@hotmail.com", "--yes", lang="en")
    none, more = again.stdout.splitlines()
    assert none == "taro@hotmail.com is in nothing that todoku keeps."
    assert "Not touched" in more and "backups" in more


def test_as_json_with_other_words(home: Path) -> None:
    done = run("case", "forget", "taro@hotmail.com", "--also", "weren't sent", "--yes", "--json")
    assert json.loads(done.stdout) == {
        "v": 1, "events": 2, "cases": [1], "mails": 2, "people": 0, "others": 0,
        "sent": 0, "deliveries": 0, "left": [],
    }  # fmt: skip
    assert "sent" not in run("case", "show", "1", "--json").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("taro", "--yes"), "no mail address"),
        (("taro@hotmail.com", "--also", "ab", "--yes"), "three letters"),
        (("taro@hotmail.com",), "give --yes"),
        (("taro@hotmail.com", "--json"), "give --yes"),
    ],
)
def test_nothing_is_erased(home: Path, words: tuple[str, ...], said: str) -> None:
    error = run("case", "forget", *words, lang="en").exception
    assert isinstance(error, Failure) and error.code == 64
    assert said in error.message and "Nothing was erased" in error.message
    assert "taro@hotmail.com" in run("case", "show", "1").stdout


# What is kept of mail that was sent

LOG = """\
Nov 24 01:00:0{n} mx1 postfix/smtp[1]: {qid}1: to=<{to}>, relay=mx.hotmail.test[198.51.100.1]:25, delay=1, \
delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok for {to})
Nov 24 01:00:1{n} mx1 postfix/smtp[1]: {qid}2: to=<{to}>, relay=mx.hotmail.test[198.51.100.1]:25, delay=1, \
delays=0/0/0/1, dsn=5.7.1, status=bounced (host mx.hotmail.test[198.51.100.1] said: 550 5.7.1 <{to}> SC-001)
"""


def maillog(folder: Path) -> Path:
    path = folder / "mail.log"
    tos = ("taro@hotmail.com", "jiro@hotmail.com", "Taro@hotmail.com")
    lines = []
    for n, to in enumerate(tos):
        for qid in (f"4A0{n}0001", f"4A0{n}0002"):
            head = f"Nov 24 01:00:00 mx1 postfix/cleanup[1]: {qid}: message-id=<{qid}@hoge.test>\n"
            sender = "taro@hotmail.com" if n == 1 else "sato@hoge.test"
            lines.append(
                head
                + f"Nov 24 01:00:00 mx1 postfix/qmgr[1]: {qid}: from=<{sender}>, size=9, nrcpt=1 (queue active)\n"
            )
        lines.append(LOG.format(n=n, qid=f"4A0{n}000", to=to))
    path.write_text("".join(lines))
    return path


def stored(data: Path) -> list[tuple[str, str]]:
    """Senders and recipients."""
    from todoku.deliveries.reading import open_stored

    with open_stored(data, f"sqlite:///{data / 'todoku.db'}") as found:
        batches = list(found.batches(["sender", "recipient"]))
    return [(r["sender"], r["recipient"]) for batch in batches for r in batch.to_pylist()]


@pytest.mark.parametrize("kept", ["clear", "hashed"])
def test_stored_deliveries_are_reached(
    home: Path, monkeypatch: pytest.MonkeyPatch, kept: str
) -> None:
    data = home.parent
    monkeypatch.setenv("TODOKU_LOGS_RECIPIENTS", kept)
    assert run("logs", "--store", str(maillog(data))).exception is None
    before = stored(data)
    done = run("case", "forget", "taro@hotmail.com", "--yes", "--json")
    assert done.exception is None, done.exception
    told = json.loads(done.stdout)
    # To him, to him in capitals (whose hash is another), and from him to jiro: two each.
    assert told["deliveries"] == (6 if kept == "clear" else 4) and told["left"] == []
    after = stored(data)
    gone = {to for _, to in before} - {to for _, to in after}
    assert len(after) == len(before) == 6
    assert len(gone) == (2 if kept == "clear" else 1)
    assert not any("taro@" in f"{sender} {to}".lower() for sender, to in after)
    assert any(sender.startswith("forgotten-") for sender, _ in after)
    parts = [str(p) for p in (data / "deliveries").glob("day=*/*.parquet")]
    assert len(parts) == 1, "the old file is gone"
    again = json.loads(run("case", "forget", "taro@hotmail.com", "--yes", "--json").stdout)
    assert again["deliveries"] == 0


def test_what_was_sent_is_reached_and_does_not_come_back(home: Path) -> None:
    from todoku.diagnosis import Diagnoser
    from todoku.knowledge import load
    from todoku.serve.sentlog import SentLog

    data = home.parent
    log = SentLog([str(maillog(data))], data, Diagnoser(load.knowledge()))

    def known(qid: str, to: str) -> bool:
        return log.logged(f"<{qid}@hoge.test>", qid, to, None) is not None

    try:
        log.read_on(NOW)
        assert known("4A000002", "taro@hotmail.com") and known("4A010002", "jiro@hotmail.com")
        told = json.loads(run("case", "forget", "taro@hotmail.com", "--yes", "--json").stdout)
        assert told["sent"] == 8  # four deliveries, by Message-ID and by queue id
        assert not known("4A000002", "taro@hotmail.com") and known("4A010002", "jiro@hotmail.com")
    finally:
        log.close()
    # After a start the end of the log is read again.
    log = SentLog([str(data / "mail.log")], data, Diagnoser(load.knowledge()))
    try:
        assert log.read_on(NOW)
        assert not known("4A000002", "taro@hotmail.com") and known("4A010002", "jiro@hotmail.com")
    finally:
        log.close()


def test_rows_of_a_version_that_did_not_tell_whose_they_are_go_too(home: Path) -> None:
    with sqlite3.connect(home.parent / "sent.db") as old:
        old.executescript(
            "CREATE TABLE secret (key BLOB NOT NULL); INSERT INTO secret VALUES (x'00');"
            "CREATE TABLE sent (key INTEGER PRIMARY KEY, outcome INTEGER NOT NULL, relay INTEGER NOT NULL,"
            " at REAL NOT NULL); INSERT INTO sent VALUES (1, 1, 0, 0.0)"
        )
    old.close()
    told = json.loads(run("case", "forget", "taro@hotmail.com", "--yes", "--json").stdout)
    assert told["sent"] == 1


def test_what_could_not_be_reached_is_said(home: Path) -> None:
    (home.parent / "sent.db").write_bytes(b"no database" * 100)
    done = run("case", "forget", "taro@hotmail.com", "--yes", lang="en")
    error = done.exception
    assert isinstance(error, Failure) and error.code == 74
    assert "cannot erase it from" in error.message and "sent.db" in error.message
    assert "Erased taro@hotmail.com: in 2 events" in done.stdout
