"""The root of the command line: what it imports, how it ends, which language it speaks."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import click
import pytest
from click.testing import CliRunner, Result

import todoku
from todoku import cli, errors, i18n


def todoku_run(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "todoku", *words],
        capture_output=True,
        text=True,
        check=False,
        env={
            "PATH": os.environ["PATH"],
            "LC_ALL": "C.UTF-8",
            "TODOKU_CACHE": os.environ["TODOKU_CACHE"],
            **environ,
        },
    )


Ending = Callable[..., Result]


@pytest.fixture
def ending(monkeypatch: pytest.MonkeyPatch) -> Ending:
    """Runs a command that ends by raising, and gives what came of it."""

    def run(error: BaseException, *words: str) -> Result:
        @click.command()
        def boom() -> NoReturn:
            raise error

        monkeypatch.setattr(cli.Root, "get_command", lambda self, ctx, name: boom)
        monkeypatch.setenv("LC_ALL", "C")
        return CliRunner().invoke(cli.main, [*words, "boom"])

    return run


def test_the_root_imports_click_and_little_else() -> None:
    code = """if True:
        import sys
        import click
        with_click = set(sys.modules)
        import todoku.cli
        print(*sorted(set(sys.modules) - with_click))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    added = [m for m in done.stdout.split() if m.split(".")[0] not in sys.stdlib_module_names]
    assert added == ["todoku", "todoku.cli", "todoku.errors", "todoku.i18n"]


def test_help_names_every_command_and_imports_none() -> None:
    code = """if True:
        import sys
        from todoku.cli import main
        try:
            main(["--help"])
        finally:
            print(*[m for m in sys.modules if m.startswith("todoku.")], file=sys.stderr)
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    for name, lazy in cli.COMMANDS.items():
        assert name in done.stdout
        assert lazy.help in done.stdout
        assert lazy.target.partition(":")[0] not in done.stderr.split()


def test_version() -> None:
    done = todoku_run("--version")
    assert done.stdout == f"todoku {todoku.__version__}\n"
    assert done.returncode == 0


@pytest.mark.parametrize("words", [["nope"], ["--nope"], ["--lang", "fr"], []])
def test_usage_errors_exit_64(words: list[str]) -> None:
    done = todoku_run(*words)
    assert done.returncode == 64
    assert "Usage: todoku" in done.stderr
    assert "Traceback" not in done.stderr


class TestEndings:
    def test_own_errors_are_sentences_in_both_languages(self, ending: Ending) -> None:
        sentence: i18n.Sentence = {"ja": "{what} がありません。", "en": "there is no {what}."}
        result = ending(errors.TodokuError(sentence, what="X"))
        assert (result.exit_code, result.stderr) == (1, "todoku: there is no X.\n")
        result = ending(errors.TodokuError(sentence, what="X"), "--lang", "ja")
        assert result.stderr == "todoku: X がありません。\n"

    def test_system_errors(self, ending: Ending) -> None:
        result = ending(PermissionError(13, "Permission denied", "a\x1b.eml"))
        assert result.exit_code == 74
        assert result.stderr.startswith("todoku: cannot use a\N{REPLACEMENT CHARACTER}.eml (perm")
        assert ending(OSError(28, "No space left on device")).stderr.startswith(
            "todoku: the system reports an error (no space left on device)."
        )

    def test_interrupt(self, ending: Ending) -> None:
        result = ending(KeyboardInterrupt(), "--lang", "ja")
        assert result.exit_code == 130
        assert result.stderr.startswith("todoku: 中断しました。")

    def test_a_fault_of_our_own(self, ending: Ending) -> None:
        result = ending(ValueError("bad {0}\n\x1b[31m"))
        assert result.exit_code == 70
        assert "ValueError: bad {0}" in result.stderr
        assert "\x1b" not in result.stderr
        assert result.stderr.count("\n") == 1
        assert "TODOKU_DEBUG=1" in result.stderr

    def test_a_fault_with_its_trace(self, ending: Ending, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("TODOKU_DEBUG", "1")
        assert isinstance(ending(ValueError("bad")).exception, ValueError)

    def test_nobody_reads_any_more(self, tmp_path: Path) -> None:
        """As in `todoku ... | head -1`: no message, no trace."""
        code = """if True:
            import click
            from todoku import cli
            @click.command()
            def loud():
                for _ in range(100_000):
                    click.echo("line")
            cli.Root.get_command = lambda self, ctx, name: loud
            cli.main(["loud"])
        """
        script = tmp_path / "loud.py"
        script.write_text(code)
        shell = f"{{ '{sys.executable}' '{script}'; echo $? >&2; }} | head -n 1"
        done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True)
        assert done.stdout == "line\n"
        assert done.stderr == "141\n"


class TestLanguage:
    @pytest.mark.parametrize(
        ("option", "environ", "setting", "spoken"),
        [
            (None, {}, None, "en"),
            (None, {"LANG": "ja_JP.UTF-8"}, None, "ja"),
            (None, {"LANG": "ja"}, None, "ja"),
            (None, {"LANG": "jav_ID"}, None, "en"),
            (None, {"LANG": "ja_JP.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, None, "en"),
            (None, {"LC_MESSAGES": "en_US.UTF-8", "LC_ALL": "ja_JP.eucJP"}, None, "ja"),
            (None, {"LC_ALL": "", "LANG": "ja_JP"}, None, "ja"),
            (None, {"LC_ALL": "C", "LANG": "ja_JP"}, None, "en"),
            (None, {"LANG": "de_DE"}, "ja", "ja"),
            (None, {"TODOKU_GENERAL_LANGUAGE": "en", "LANG": "ja_JP"}, "ja", "en"),
            ("ja", {"TODOKU_GENERAL_LANGUAGE": "en"}, "en", "ja"),
        ],
    )
    def test_who_decides(
        self, option: str | None, environ: dict[str, str], setting: str | None, spoken: str
    ) -> None:
        assert i18n.language(option, environ, setting) == spoken

    def test_every_sentence_of_ours_is_there_in_both(self) -> None:
        from todoku import settings

        for words in (cli.WORDS, settings.WORDS):
            for name, sentence in words.items():
                assert set(sentence) == {"ja", "en"}, name
