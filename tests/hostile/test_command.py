"""The whole command with files that are made to hurt: it ends, says why in a sentence, and what it
prints is harmless on a terminal."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import threading
import time
import unicodedata
import zlib
from pathlib import Path

import msgspec
import pytest

from tests.hostile.conftest import Run, assert_harmless
from tests.hostile.strategies import NASTY
from todoku.cli.render.text import harmless_json

REFUSED = "550 5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org"
LINE = (REFUSED + "\n").encode()
needs_limits = pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")


def mail(text: str) -> bytes:
    body = f"From: MAILER-DAEMON@example.com\nSubject: Undelivered Mail {text}\n"
    body += f"Content-Type: text/plain; charset=utf-8\n\n<a@example.com>: host {text}\n"
    body += f"<u{text}v@example.com>: host mx.example.com[192.0.2.9] said: {REFUSED} {text}\n"
    return body.encode("utf-8", "surrogatepass")


# ── nothing acts on the terminal ──────────────────────────────────────────────────────────────


@pytest.mark.parametrize("language", ["ja", "en"])
def test_text_of_mails(run: Run, tmp_path: Path, language: str) -> None:
    for n, text in enumerate(NASTY):
        (tmp_path / f"{n}.eml").write_bytes(mail(text))
    for options in ([], ["--full"], ["--json"]):
        done = run("diagnose", "--lang", language, *options, tmp_path)
        assert b"192.0.2.1" in done.stdout, options
    for path in sorted(tmp_path.glob("*.eml"))[:6]:
        run("diagnose", "--lang", language, path)


def test_text_of_replies_and_their_ids(run: Run) -> None:
    rows = [
        {
            "id": f"{t}{n}",
            "text": f"{REFUSED} {t}",
            "host": f"mx{t}.example",
            "recipient": f"{t}@b.example",
        }
        for n, t in enumerate(NASTY)
    ]
    data = "".join(json.dumps(r) + "\n" for r in rows).encode()
    for options in ([], ["--full"], ["--json"]):
        done = run("diagnose", *options, stdin=data)
        assert done.stdout
    for text in NASTY:
        run("diagnose", stdin=f"{REFUSED} {text}\n".encode("utf-8", "surrogatepass"))
        run("diagnose", stdin=f"{text}\n".encode("utf-8", "surrogatepass"))


def test_escaped_json_has_the_same_values() -> None:
    everything = "".join(
        map(chr, [*range(0xD800), *range(0xE000, 0x30000), *range(0xE0000, 0xE1000)])
    )
    made = msgspec.json.encode(everything)
    shown = harmless_json(made)
    assert msgspec.json.decode(shown) == everything == json.loads(shown)
    assert_harmless(shown)
    for c in everything:
        one = msgspec.json.encode("日本" + c)
        assert harmless_json(one) == one or unicodedata.category(c) not in {"Lo", "Ll", "Po", "So"}
        assert_harmless(harmless_json(one))


def test_bad_lines_are_told_harmlessly(run: Run) -> None:
    data = LINE.join(
        [b'{"text": "550 no"}\n', '{"text": "\x1b[2J\u202e"\n'.encode(), b'{"text": ["\\u001b"]}\n']
    )
    assert run("diagnose", "--json", stdin=data).stdout


NAMES = [
    "\x1b[2J\x1b]0;x\x07",
    "a\nb",
    "\u202egpj.exe",
    "\u200b",
    "-rf",
    "--json",
    "\x9b1m",
    " ",
    "\r",
    "%s{0}",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_of_files(run: Run, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / name).write_bytes(mail("x"))
    (folder / (name + "2")).write_bytes(b"nothing here")
    for options in ([], ["--json"], ["--full"]):
        done = run("diagnose", *options, folder)
        assert b"192.0.2.1" in done.stdout
    missing = run("diagnose", "--", tmp_path / (name + "3"))
    assert missing.returncode == 2 and b"cannot read" in missing.stderr


def test_names_that_are_no_text(run: Run, tmp_path: Path) -> None:
    inside = tmp_path / "in"
    inside.mkdir()
    folder = os.fsencode(inside)
    path = folder + b"/\xff\xfe\x9b1m\x80.eml"
    try:
        Path(os.fsdecode(path)).write_bytes(mail("x"))
    except OSError:
        pytest.skip("this file system takes no such names")
    for given in (folder, path):
        row = json.loads(run("diagnose", "--json", given).stdout.splitlines()[0])
        assert "\ufffd" in row["source"]
        assert b"192.0.2.1" in run("diagnose", given).stdout
    assert b"cannot read" in run("diagnose", path + b"2").stderr


@pytest.mark.parametrize(
    "words",
    [
        ("diagnose", "--sisimai", "\x1b[2J"),
        ("diagnose", "--\x1b[2J\u202e"),
        ("\x1b[2J",),
        ("--lang", "\u202e"),
        ("knowledge", "explain", "\x1b[2J 550 \u202e no"),
        ("knowledge", "show", "\x1b]0;x\x07"),
        ("knowledge", "check", "/\x1b[2J"),
        ("diagnose", "--config", "/\x1b[2J.toml", "x"),
    ],
)
def test_words_of_the_command_line(run: Run, words: tuple[str, ...]) -> None:
    done = run(*words)
    assert done.returncode != 0 or words[0] == "knowledge"


# ── packed ────────────────────────────────────────────────────────────────────────────────────


def bomb(size: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = b"\0" * (1 << 20)
    return b"".join(packer.compress(block) for _ in range(size >> 20)) + packer.flush()


def test_a_bomb_is_told_and_the_others_are_read(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.gz").write_bytes(bomb(600 << 20))
    (tmp_path / "b.gz").write_bytes(gzip.compress(mail("x")))
    done = run("diagnose", "--json", tmp_path)
    assert b"decompression bomb" in done.stderr
    assert done.stderr.count(b"\n") == 1  # that its zeros tell of no refusal need not be said
    assert done.stdout.count(b"\n") >= 1
    assert done.returncode == 1


def test_a_bomb_behind_a_refusal(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "a.log.gz"
    path.write_bytes(gzip.compress(LINE) + bomb(600 << 20))
    done = run("diagnose", "--json", path)
    assert b"decompression bomb" in done.stderr
    assert done.stderr.count(b"\n") == 1
    assert done.returncode in {1, 2}


def test_packed_twice(run: Run, tmp_path: Path) -> None:
    """Not unpacked again and again: a .gz of a .gz is something that is not recognised."""
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(gzip.compress(mail("x"))))
    done = run("diagnose", path)
    assert done.returncode == 2 and done.stderr.count(b"\n") == 1


def test_packed_and_cut_off(run: Run, tmp_path: Path) -> None:
    whole = gzip.compress(LINE * 5000)
    for n, size in enumerate((3, 10, 18, len(whole) // 2, len(whole) - 4)):
        path = tmp_path / f"{n}.gz"
        path.write_bytes(whole[:size])
        done = run("diagnose", "--json", path)
        assert done.returncode in {1, 2} and b"gzip" in done.stderr, size


# ── what is no ordinary file ──────────────────────────────────────────────────────────────────


def test_links_that_lead_to_themselves(run: Run, tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "up").symlink_to(".")
    (tmp_path / "gone").symlink_to("nowhere")
    (tmp_path / "a.eml").write_bytes(mail("x"))
    done = run("diagnose", "--json", tmp_path)
    assert b"leads to itself" in done.stderr
    assert len({json.loads(row)["source"] for row in done.stdout.splitlines()}) == 1
    assert run("diagnose", tmp_path / "loop").returncode == 2


def test_a_pipe_in_a_folder_is_passed_over(run: Run, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "a.eml").write_bytes(mail("x"))
    done = run("diagnose", "--json", tmp_path)
    assert b"named pipe" in done.stderr and b"192.0.2.1" in done.stdout


def test_a_pipe_that_was_named_is_read(run: Run, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(mail("x")))
    writer.start()
    done = run("diagnose", "--json", pipe)
    writer.join()
    assert b"192.0.2.1" in done.stdout


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/full", "/dev/null"])
def test_devices_are_not_read(run: Run, tmp_path: Path, device: str) -> None:
    """Some have no end. What is named besides is read."""
    if not Path(device).exists():
        pytest.skip(f"no {device} here")
    (tmp_path / "a.eml").write_bytes(mail("x"))
    done = run("diagnose", "--json", device, tmp_path)
    assert done.returncode == 1 and b"(a device)" in done.stderr and b"192.0.2.1" in done.stdout
    assert run("diagnose", device).returncode == 2


@needs_limits
def test_what_may_not_be_read(run: Run, tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(mail("x"))
    (tmp_path / "b.eml").write_bytes(mail("x"))
    (tmp_path / "b.eml").chmod(0)
    shut = tmp_path / "shut"
    shut.mkdir(mode=0)
    done = run("diagnose", "--json", tmp_path)
    shut.chmod(0o700)
    assert done.stderr.count(b"permission denied") == 2 and b"192.0.2.1" in done.stdout


def test_a_folder_called_an_mbox(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "bounces.mbox"
    folder.mkdir()
    done = run("diagnose", folder)
    assert done.returncode == 2


def test_a_path_that_is_too_long(run: Run, tmp_path: Path) -> None:
    done = run("diagnose", tmp_path / ("x" * 300), "/" + "y/" * 3000)
    assert done.returncode == 2 and done.stderr.count(b"cannot read") == 2


def test_files_that_go_away_meanwhile(run: Run, tmp_path: Path) -> None:
    for n in range(4000):
        (tmp_path / f"{n:04}.eml").write_bytes(mail("x"))

    def delete() -> None:
        for n in reversed(range(4000)):
            (tmp_path / f"{n:04}.eml").unlink(missing_ok=True)
            time.sleep(0.0002)

    thief = threading.Thread(target=delete)
    thief.start()
    done = run("diagnose", "--json", tmp_path)
    thief.join()
    for row in done.stdout.splitlines():
        json.loads(row)
    assert done.returncode in {0, 1, 2}


# ── where the answer goes ─────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_reader_that_has_gone(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "many.log").write_bytes(LINE * 3000)
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "todoku", "diagnose", *options, tmp_path / "many.log"],
        stdout=write, stderr=subprocess.PIPE, timeout=30, check=False,
    )  # fmt: skip
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_disk_that_is_full(tmp_path: Path, options: list[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    for number in (1, 3000):
        (tmp_path / "many.log").write_bytes(LINE * number)
        with Path("/dev/full").open("wb") as full:
            done = subprocess.run(
                [sys.executable, "-m", "todoku", "diagnose", *options, tmp_path / "many.log"],
                stdout=full, stderr=subprocess.PIPE, timeout=30, check=False,
            )  # fmt: skip
        assert done.returncode == 74, done.stderr
        assert b"Traceback" not in done.stderr and b"Exception" not in done.stderr
        assert done.stderr.startswith(b"todoku: ") and b"no space" in done.stderr


def test_no_output_at_all(tmp_path: Path) -> None:
    """Started with standard output closed, as some supervisors do."""
    (tmp_path / "a.log").write_bytes(LINE)
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" -m todoku diagnose --json a.log >&-', sys.executable],
        cwd=tmp_path, stderr=subprocess.PIPE, timeout=30, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
