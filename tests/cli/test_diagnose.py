"""`todoku diagnose` as it is run: input, output, exit codes, and bad days."""

from __future__ import annotations

import gzip
import json
import os
import pty
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from todoku import sources
from todoku.cli import diagnose as command
from todoku.cli import looks
from todoku.reading import ndjson

BLOCKED = "550 SC-001 (BAY004-MC3F26) Unfortunately, messages from 192.0.2.1 weren't sent."
RIDDLE = "550 5.0.0 zorble the quux 77-42"
PLAIN_MAIL = "From: a@x.example\nTo: b@y.example\nSubject: lunch\nMessage-ID: <1@x>\n\nAt noon?\n"


def run(
    *words: str | Path, stdin: str | bytes = b"", lang: str | None = "en", **environ: str
) -> subprocess.CompletedProcess[bytes]:
    language = [] if lang is None else ["--lang", lang]
    return subprocess.run(
        [sys.executable, "-m", "todoku", "diagnose", *language, *map(str, words)],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        check=False,
        env={
            "PATH": os.environ["PATH"],
            "HOME": "/nonexistent",
            "LC_ALL": "C.UTF-8",
            "TODOKU_PURE": "1",
            "TODOKU_CACHE": os.environ["TODOKU_CACHE"],
            **environ,
        },
    )  # fmt: skip


def rows(done: subprocess.CompletedProcess[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in done.stdout.splitlines()]


# ── exit codes ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (BLOCKED, 0),
        (RIDDLE, 1),
        (f"{BLOCKED}\n\n{RIDDLE}\n", 1),
        (PLAIN_MAIL, 0),  # recognised as a mail, and it says that it is no bounce
        ("", 2),
        ("   \n\n", 2),
        ("What shall we have for lunch?\n", 2),
    ],
)
@pytest.mark.parametrize("options", [(), ("--json",), ("--quiet",), ("--quiet", "--json")])
def test_exit_codes(text: str, code: int, options: tuple[str, ...]) -> None:
    assert run(*options, stdin=text).returncode == code


def test_an_unreadable_file_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(BLOCKED)
    (tmp_path / "loop").symlink_to("loop")
    done = run("--json", tmp_path / "none.eml", tmp_path)
    assert [r["receiver_code"] for r in rows(done)] == ["SC-001"]
    assert done.returncode == 1
    first, second = done.stderr.decode().splitlines()
    assert "none.eml (no such file). The others are read." in first
    assert "loop (a link that leads to itself)" in second


@pytest.mark.parametrize(
    ("lang", "words"), [("en", "there is no file to read in"), ("ja", "読めるファイルがありません")]
)
def test_an_empty_folder_is_said_to_be_empty(tmp_path: Path, lang: str, words: str) -> None:
    done = run(tmp_path, lang=lang)
    assert done.returncode == 2
    assert words in done.stderr.decode()


@pytest.mark.parametrize(
    ("content", "said", "gesagt"),
    [
        (b"", "it is empty", "空です"),
        (b"%PDF-1.7 x", "it looks like PDF", "PDF のようです"),
        (b"\0\1\2\3" * 50, "it looks like binary data", "テキストではないデータ"),
        (b"<!DOCTYPE html><html></html>", "an HTML page", "HTML のページ"),
        ("日本".encode("utf-16"), "UTF-16", "UTF-16"),
        (b'{"a": 1}', "neither a known webhook nor NDJSON", "既知の Webhook でも"),
        (
            b"Nov  1 00:00:38 mail sshd[1]: Connection closed\n" * 1234,
            "1,234 lines, no refusal in them",
            "1,234 行に拒否はありません",
        ),
        (b"hello\nworld\n", "2 lines of text", "2 行のテキスト"),
    ],
)
def test_what_was_not_recognised_is_told(
    tmp_path: Path, content: bytes, said: str, gesagt: str
) -> None:
    path = tmp_path / "thing"
    path.write_bytes(content)
    for lang, words in (("en", said), ("ja", gesagt)):
        done = run(path, lang=lang)
        assert done.returncode == 2
        assert words in done.stderr.decode()
        assert done.stdout == b""


def test_many_unrecognised_files_are_two_lines(tmp_path: Path) -> None:
    for n in range(20):
        (tmp_path / f"{n:02}.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    done = run(tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 2
    assert b"the same holds for 19 more" in done.stderr


def test_a_reply_given_as_a_path_is_told_apart() -> None:
    done = run(BLOCKED)
    assert done.returncode == 2
    assert b"echo '550 ...' | todoku diagnose" in done.stderr


def test_usage() -> None:
    done = run("--sisimai", "4")
    assert done.returncode == 64
    main, other = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "todoku", "diagnose"], stdin=other, capture_output=True, check=False
        )  # fmt: skip
    finally:
        os.close(main)
        os.close(other)
    assert done.returncode == 64
    assert b"todoku diagnose bounce.eml" in done.stderr


def test_reasons_of_other_rooms_are_told_in_japanese() -> None:
    english = [*sources._WHY.values(), *(words for _, words in sources._SPECIAL)]
    english += [line.why for line in (ndjson.read_line(b"{"), ndjson.read_line(b"{}"),
                ndjson.read_line(b'{"text": 1}')) if isinstance(line, ndjson.BadLine)]  # fmt: skip
    assert len(english) > 10
    for words in english:
        assert not looks.why(words, "ja").isascii(), words
        assert looks.why(words, "en") == words


# ── input and output ──────────────────────────────────────────────────────────────────────────


def test_standard_input_by_name_and_by_default() -> None:
    assert [r["source"] for r in rows(run("--json", "-", stdin=BLOCKED))] == ["-"]
    assert [r["source"] for r in rows(run("--json", stdin=BLOCKED))] == ["-"]


def test_sources_in_the_order_of_the_input(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text(BLOCKED)
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(BLOCKED.encode()))
    names = [tmp_path / "b.txt", tmp_path / "a.txt.gz"]
    assert [r["source"] for r in rows(run("--json", *names))] == list(map(str, names))
    done = run("--json", tmp_path)
    assert [Path(r["source"]).name for r in rows(done)] == ["a.txt.gz", "b.txt"]


def test_ndjson_carries_the_id_and_bad_lines_are_told(tmp_path: Path) -> None:
    path = tmp_path / "replies.ndjson"
    lines = [
        json.dumps({"id": "x1", "text": BLOCKED}),
        "{nonsense",
        "",
        json.dumps({"id": 7, "text": RIDDLE, "host": "mx.x.example", "recipient": "a@x.example"}),
    ]
    path.write_text("\n".join(lines))
    done = run("--json", path)
    assert [r["id"] for r in rows(done)] == ["x1", "7"]
    assert rows(done)[1]["recipient"] == "a@x.example"
    assert "one line could not be read (line 2: is not JSON)" in done.stderr.decode()
    assert done.returncode == 1
    path.write_text("\n".join([*lines, "{nonsense"]))
    assert "2 lines could not be read (the first is line 2: is not JSON)" in (
        run("--json", path).stderr.decode()
    )


def test_what_is_no_bounce_is_told_in_json_and_in_words() -> None:
    (row,) = rows(run("--json", stdin=PLAIN_MAIL))
    assert (row["kind"], row["reason"]) == ("not-a-bounce", None)
    assert run(stdin=PLAIN_MAIL).stdout.decode().startswith("This is no bounce")


def test_quiet_silences_prose_never_json() -> None:
    done = run("--quiet", stdin=BLOCKED)
    assert (done.stdout, done.stderr) == (b"", b"")
    assert len(rows(run("--quiet", "--json", stdin=BLOCKED))) == 1


def test_fields_stand_in_the_order_of_the_contract() -> None:
    (row,) = rows(run("--json", stdin=BLOCKED))
    assert list(row)[:12] == [
        "v", "source", "kind", "action", "recipient", "sender", "reported_by", "remote", "stage",
        "reply", "reason", "temporary",
    ]  # fmt: skip


def test_newer_names_of_sisimai() -> None:
    slow = "421 4.7.0 Too many concurrent SMTP connections; please try again later."
    older, newer = (rows(run("--json", "--sisimai", v, stdin=slow))[0] for v in ("5.5", "5.6"))
    assert older["reason"] == newer["reason"]
    assert newer["sisimai"]["reason"] == "ratelimited"
    assert older["sisimai"]["reason"] != "ratelimited"


def test_language_of_the_locale() -> None:
    done = run(stdin=BLOCKED, lang=None, LC_ALL="ja_JP.UTF-8")
    assert "拒否しています" in done.stdout.decode()
    assert "対応する人" in done.stdout.decode()


def test_progress_only_after_a_second(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    progress = command._Progress("en")
    progress.tick(10, 1)
    assert capsys.readouterr().err == ""
    now[0] += 1.5
    progress.tick(1200, 345)
    progress.tick(1201, 345)
    assert capsys.readouterr().err == "\r\x1b[K1,200 read, 345 results"
    progress.clear()
    progress.clear()
    assert capsys.readouterr().err == "\r\x1b[K"


# ── what is ours ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("ours", "own", "words"),
    [("192.0.2.1", True, "your address 192.0.2.1"), ("192.0.2.9", False, "which is not yours")],
)
def test_own(tmp_path: Path, ours: str, own: bool, words: str) -> None:
    settings = tmp_path / "todoku.toml"
    settings.write_text(f'[own]\naddresses = ["{ours}"]\n')
    (row,) = rows(run("--json", "--config", settings, stdin=BLOCKED))
    assert row["blocked"][0]["own"] is own
    assert words in " ".join(run("--config", settings, stdin=BLOCKED).stdout.decode().split())


def test_settings_that_cannot_be_used(tmp_path: Path) -> None:
    settings = tmp_path / "todoku.toml"
    settings.write_text("[onw]\n")
    assert run("--config", settings, stdin=BLOCKED).returncode == 78


def test_rules_of_ones_own_are_laid_over(tmp_path: Path) -> None:
    folder = tmp_path / "todoku" / "knowledge" / "receivers"
    folder.mkdir(parents=True)
    (folder / "quux.toml").write_text(
        'schema = 1\nid = "quux"\nname = { ja = "Q", en = "Q" }\norigin = "own"\nlicence = "facts"\n'
        '[[rules]]\nid = "zorble"\nphrases = ["zorble the quux"]\nreason = "policy"\n'
        'source = ["own"]\nexamples = [{ text = "550 zorble the quux" }]\n'
    )
    (row,) = rows(
        run("--json", stdin=RIDDLE, XDG_CONFIG_HOME=str(tmp_path), TODOKU_CACHE=str(tmp_path / "c"))
    )
    assert (row["rule"], row["reason"]) == ("quux/zorble", "policy")


def test_rules_of_ones_own_that_cannot_be_used(tmp_path: Path) -> None:
    folder = tmp_path / "todoku" / "knowledge" / "receivers"
    folder.mkdir(parents=True)
    (folder / "quux.toml").write_text("schema = 1\nid = \n")
    done = run(stdin=BLOCKED, XDG_CONFIG_HOME=str(tmp_path), TODOKU_CACHE=str(tmp_path / "c"))
    assert done.returncode == 78
    said = done.stderr.decode()
    assert "quux.toml" in said
    assert "todoku knowledge check" in said


# ── terminals and pipes ───────────────────────────────────────────────────────────────────────


def on_terminal(*words: str, stdin: str = BLOCKED, columns: int = 80, **environ: str) -> str:
    """What a terminal would be sent (its size is `columns`)."""
    import fcntl
    import struct
    import termios

    main, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    child = subprocess.Popen(
        [sys.executable, "-m", "todoku", "diagnose", "--lang", "en", *words, "-"],
        stdin=subprocess.PIPE, stdout=other, stderr=subprocess.DEVNULL,
        env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TERM": "xterm", "TODOKU_PURE": "1",
             "HOME": "/nonexistent",
             "TODOKU_CACHE": os.environ["TODOKU_CACHE"], **environ},
    )  # fmt: skip
    assert child.stdin is not None
    child.stdin.write(stdin.encode())
    child.stdin.close()
    os.close(other)
    got = b""
    try:
        while block := os.read(main, 65536):
            got += block
    except OSError:
        pass
    os.close(main)
    child.wait()
    return got.decode()


def test_colours_on_a_terminal_only() -> None:
    assert "\x1b[1;31m" in on_terminal()
    assert "\x1b" not in on_terminal(NO_COLOR="1")
    assert "\x1b" not in on_terminal(TERM="dumb")
    assert b"\x1b" not in run(stdin=BLOCKED).stdout


def test_the_width_of_the_terminal() -> None:
    assert max(map(len, on_terminal(columns=50, NO_COLOR="1").splitlines())) < 80
    wide = on_terminal(columns=100, NO_COLOR="1")
    assert max(len(line) for line in wide.splitlines() if "://" not in line) > 80
    assert max(map(len, on_terminal(columns=200, NO_COLOR="1").splitlines())) <= 110


def test_no_escape_of_a_mail_reaches_the_terminal() -> None:
    evil = BLOCKED + " \x1b]0;x\x07 \u202e \x9b2J"
    text = on_terminal(stdin=evil, NO_COLOR="1")
    assert "\\x1b]0;x\\x07" in text
    assert not set(text) & {"\x1b", "\x07", "\x9b", "\u202e"}


@pytest.mark.parametrize("encoding", ["ascii", "euc-jp", "latin-1"])
def test_a_character_set_that_cannot_hold_it_all(encoding: str) -> None:
    done = run(stdin=BLOCKED, lang="ja", PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert done.returncode == 0
    assert b"192.0.2.1" in done.stdout
    done.stdout.decode(encoding)


def test_no_locale_at_all() -> None:
    done = run(stdin=BLOCKED, lang=None, LC_ALL="C")
    assert done.returncode == 0
    assert b"refuses mail from 192.0.2.1" in done.stdout


def test_a_reader_that_goes_away(tmp_path: Path) -> None:
    path = tmp_path / "many.ndjson"
    path.write_text((json.dumps({"text": BLOCKED}) + "\n") * 5_000)
    child = subprocess.Popen(
        [sys.executable, "-m", "todoku", "diagnose", "--json", str(path)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={"PATH": os.environ["PATH"], "TODOKU_PURE": "1", "HOME": "/nonexistent",
             "TODOKU_CACHE": os.environ["TODOKU_CACHE"]},
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stderr is not None
    child.stdout.readline()
    child.stdout.close()
    assert child.stderr.read() == b""
    child.stderr.close()
    assert child.wait() == 141


def test_bytes_that_are_no_text_do_not_end_the_run() -> None:
    noise = bytes(range(256)) * 20
    done = run("--json", stdin=BLOCKED.encode() + b"\n\n" + noise)
    assert done.returncode in {0, 1, 2}
    assert b"todoku: stopped" not in done.stderr
