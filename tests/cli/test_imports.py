"""A cold run has a tenth of a second: what `todoku diagnose one.eml` imports, and what it must not.

The list of modules is tested, not the time: a test of milliseconds fails on busy machines.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

MAIL = """\
From: MAILER-DAEMON@mx1.ours.example
To: info@ours.example
Subject: Undelivered Mail Returned to Sender

<taro@x.example>: host mx.x.example[203.0.113.5] said: 550 5.1.1 User unknown
    (in reply to RCPT TO command)
"""

HEAVY = {
    # ours that this command has no use for
    "todoku.settings", "todoku.store", "todoku.knowledge.check", "todoku.diagnosis.explain",
    "todoku.knowledge.warm", "todoku.cli.knowledge", "todoku.cli.looks", "todoku.api",
    # heavy, or a sign that something is done in the wrong place
    "asyncio", "concurrent.futures", "dataclasses", "difflib", "email", "fast_mail_parser", "html",
    "http", "json", "logging", "multiprocessing", "rich", "socket", "sqlalchemy", "sqlite3", "ssl",
    "subprocess", "urllib.request", "xml", "zipfile",
}  # fmt: skip


def modules(*words: str, stdin: bytes = b"") -> set[str]:
    code = (
        "import sys, atexit\n"
        "atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))\n"
        "from todoku.cli import main\n"
        f"main({list(words)!r})\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], input=stdin, capture_output=True, check=False
    )
    assert done.returncode in {0, 1}, done.stderr
    return set(done.stderr.decode().split())


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("one") / "one.eml"
    path.write_text(MAIL)
    from todoku.knowledge import load, match

    knowledge = load.knowledge()
    if not match.is_built(knowledge):
        match.build(knowledge)
    return str(path)


@pytest.mark.parametrize("options", [(), ("--json",), ("--lang", "ja")])
def test_one_mail_imports_nothing_heavy(mail: str, options: tuple[str, ...]) -> None:
    got = modules("diagnose", *options, mail)
    heavy = {m for m in got if m in HEAVY or m.split(".")[0] in HEAVY}
    assert heavy == set()


def test_json_needs_no_screen(mail: str) -> None:
    got = {m for m in modules("diagnose", "--json", mail) if m.startswith("todoku.cli.render")}
    assert got <= {"todoku.cli.render", "todoku.cli.render.text"}


def test_all_third_party_modules_are_known(mail: str) -> None:
    names = {m.split(".")[0] for m in modules("diagnose", mail) if not m.startswith("_")}
    third = {n for n in names if n not in sys.stdlib_module_names and n != "todoku"}
    allowed = {"click", "msgspec", "hyperscan", "typing_extensions"}
    # What an interpreter brings along by itself (site packages with .pth files).
    bare = subprocess.run(
        [sys.executable, "-c", "import sys; print(*sys.modules)"], capture_output=True, check=True
    )
    assert third - {m.split(".")[0] for m in bare.stdout.decode().split()} <= allowed
