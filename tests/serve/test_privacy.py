"""Customers' mail is not read before its legal basis is on record."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from todoku import settings
from todoku.serve import privacy

BASIS = {
    "TODOKU_PRIVACY_LEGAL_BASIS": "section 4 of our terms",
    "TODOKU_PRIVACY_DECIDED_BY": "Sato",
    "TODOKU_PRIVACY_DECIDED_ON": "2026-11-24",
}
OTHERS = {"TODOKU_PRIVACY_OPERATOR": "others"}


def load(tmp_path: Path, **environ: str) -> settings.Settings:
    return settings.load(None, tmp_path, {"HOME": str(tmp_path), **environ})


def test_ones_own_mail_needs_nothing(tmp_path: Path) -> None:
    privacy.check(load(tmp_path))
    assert load(tmp_path).privacy.keep_days == "30"


@pytest.mark.parametrize("missing", BASIS)
def test_each_of_three_is_needed(tmp_path: Path, missing: str) -> None:
    given = {key: value for key, value in BASIS.items() if key != missing}
    with pytest.raises(privacy.NotPermitted, match=missing.removeprefix("TODOKU_PRIVACY_").lower()):
        privacy.check(load(tmp_path, **OTHERS, **given))
    privacy.check(load(tmp_path, **OTHERS, **BASIS))


@pytest.mark.parametrize("key", ["decided_on", "keep_days", "operator"])
def test_what_is_no_value(tmp_path: Path, key: str) -> None:
    for value in ("0", "2026-02-30", "tomorrow"):
        with pytest.raises(settings.SettingsError):
            load(tmp_path, **{f"TODOKU_PRIVACY_{key.upper()}": value})


def run(
    tmp_path: Path, *words: str, environ: dict[str, str], stdin: bytes = b""
) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "todoku", *words, "--data", str(tmp_path / "data"), "--lang", "en"],
        input=stdin,
        capture_output=True,
        check=False,
        env={"HOME": str(tmp_path), "TODOKU_CACHE": os.environ["TODOKU_CACHE"], **environ},
    )
    return done.returncode, done.stderr.decode()


def test_a_mail_server_keeps_what_may_not_be_read(tmp_path: Path) -> None:
    mail = b"Subject: 1\r\n\r\nhello\r\n"
    code, said = run(tmp_path, "ingest", "-", stdin=mail, environ=OTHERS)
    assert code == 75
    assert "legal_basis, decided_by, decided_on is not set" in said
    assert not (tmp_path / "data" / "spool").exists()
    assert run(tmp_path, "ingest", "-", stdin=mail, environ=OTHERS | BASIS) == (0, "")
    assert len(list((tmp_path / "data" / "spool" / "new").iterdir())) == 1


def test_serve_does_not_start(tmp_path: Path) -> None:
    more = {"TODOKU_OWN_ADDRESSES": "192.0.2.1", "TODOKU_MAIL_SENDER": "postmaster@hoge.test"}
    code, said = run(tmp_path, "serve", environ=OTHERS | more)
    assert code == 78
    assert "legal basis" in said


SAID = "550 SC-001 <taro@hotmail.com>: messages from 192.0.2.1 weren't sent"


def shown(tmp_path: Path, *clear_for: str) -> str:
    """What `case list --json`, `case show` and `case show --json` show of a case."""
    users = ", ".join(f'"{user}"' for user in clear_for)
    (tmp_path / "todoku.toml").write_text(
        '[general]\nlanguage = "en"\n[own]\naddresses = ["192.0.2.1"]\n'
        f"[privacy]\nclear_for = [{users}]\n"
    )
    common = ["--config", str(tmp_path / "todoku.toml"), "--data", str(tmp_path / "data")]
    words = [sys.executable, "-m", "todoku"]
    environ = {"HOME": str(tmp_path), "SUDO_USER": "sato", "PATH": "/usr/bin:/bin"}
    environ |= {"TODOKU_CACHE": os.environ["TODOKU_CACHE"]}

    def run(*more: str, stdin: str = "") -> str:
        done = subprocess.run(
            [*words, *more, *common],
            input=stdin,
            capture_output=True,
            text=True,
            check=True,
            env=environ,
        )
        return done.stdout

    report = [
        "report",
        "taro@hotmail.com へ届きません",
        "--to",
        "hotmail.com",
        "--refusal",
        "-",
        "--json",
    ]
    said = "" if (tmp_path / "data").exists() else run(*report, stdin=SAID)
    parts = (
        run("case", "list", "--json"),
        run("case", "show", "1"),
        run("case", "show", "1", "--json"),
    )
    assert all("hotmail.com" in part for part in parts)
    return said + "".join(parts)


def test_recipients_are_for_those_who_may_see_them(tmp_path: Path) -> None:
    masked = shown(tmp_path)
    assert "taro" not in masked
    assert masked.count("t…@hotmail.com") == 8
    assert shown(tmp_path, "tanaka", "sato").count("taro@hotmail.com") == 6
    assert privacy.may_see(settings.Privacy(clear_for=("*",)), "anybody")
    assert not privacy.may_see(settings.Privacy(clear_for=("tanaka",)), "sato")


def test_who_may_see_is_a_list_of_users(tmp_path: Path) -> None:
    assert load(tmp_path, TODOKU_PRIVACY_CLEAR_FOR="sato,mail$").privacy.clear_for == (
        "sato",
        "mail$",
    )
    with pytest.raises(settings.SettingsError, match="CLEAR_FOR"):
        load(tmp_path, TODOKU_PRIVACY_CLEAR_FOR="sato@example.jp")
