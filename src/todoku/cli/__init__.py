"""The command line. This module is imported by every run, so it imports click and little else;
a command's own module is imported when that command is called.

Exit codes: what a command documents (0 to 3), else 64 usage, 70 a fault of todoku itself,
74 input or output failed, 78 settings, 130 interrupted, 141 nobody reads the output any more.
"""

from __future__ import annotations

import functools
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, NoReturn

# What imports make stays: to look through it for garbage takes a twentieth of a cold run.
gc.set_threshold(50_000, 20, 50)

import click  # noqa: E402

from todoku import __version__  # noqa: E402
from todoku.errors import TodokuError  # noqa: E402
from todoku.i18n import LANGUAGES, Language, Words, language, say  # noqa: E402

EX_USAGE: Final = 64
EX_SOFTWARE: Final = 70
EX_IOERR: Final = 74
EX_INTERRUPTED: Final = 130
EX_PIPE: Final = 141

WORDS: Final[Words] = {
    "interrupted": {
        "ja": "中断しました。ここまでの出力は有効です。",
        "en": "interrupted. What was printed so far is good.",
    },
    "os-file": {
        "ja": "{path} を扱えませんでした（{why}）。中断しました。ここまでの出力は有効です。",
        "en": "cannot use {path} ({why}). Stopped here; what was printed so far is good.",
    },
    "os": {
        "ja": "システムがエラーを返しました（{why}）。中断しました。ここまでの出力は有効です。",
        "en": "the system reports an error ({why}). Stopped here; what was printed so far is good.",
    },
    "fault": {
        "ja": "todoku 自身の不具合で中断しました（{kind}: {why}）。入力は変更していません。"
        "TODOKU_DEBUG=1 を付けて再実行すると詳細が出ます。その出力を添えて報告してください。",
        "en": "stopped by a fault of todoku itself ({kind}: {why}). Your input was not changed. "
        "Run it again with TODOKU_DEBUG=1 for the details, and report it with them.",
    },
}


class Lazy(NamedTuple):
    """Where a command lives, and its line in `todoku --help` (which imports no command)."""

    target: str
    help: str


COMMANDS: Final = {
    "diagnose": Lazy(
        "todoku.cli.diagnose:diagnose", "Who refused a mail, why, by which list, and the way out."
    ),
    "logs": Lazy("todoku.cli.logs:logs", "Who refuses us, since when, why, and whose mail it is."),
    "cause": Lazy("todoku.cli.cause:cause", "What on our side earned a block."),
    "check": Lazy("todoku.cli.check:check", "On which blocklists an address, range or name is."),
    "preflight": Lazy(
        "todoku.cli.preflight:preflight", "Whether a server may begin to send from an address."
    ),
    "probe": Lazy("todoku.cli.probe:probe", "Whether a receiver would take mail from an address."),
    "partners": Lazy(
        "todoku.cli.partners:partners", "Which lists the domains you send to were seen to use."
    ),
    "forecast": Lazy("todoku.cli.forecast:forecast", "What a listing would cost."),
    "report": Lazy("todoku.cli.case_report:report", "A user says that mail does not arrive."),
    "case": Lazy("todoku.cli.case:case", "What is blocked where, and what is done about it."),
    "ingest": Lazy(
        "todoku.cli.ingest:ingest", "Hand mail to todoku: bounces, and answers of desks."
    ),
    "mailbox": Lazy(
        "todoku.cli.mailbox:mailbox", "Mailboxes read by IMAP: read now, or sign in to one."
    ),
    "serve": Lazy("todoku.cli.serve:serve", "Do what is due in the cases, until told to stop."),
    "demo": Lazy("todoku.cli.demo:demo", "Live through a case on this machine, in seconds."),
    "lab": Lazy("todoku.cli.lab:lab", "The world of the demo, to try things in."),
    "init": Lazy("todoku.cli.init:init", "Write the settings file, with what is yours."),
    "knowledge": Lazy("todoku.cli.knowledge:knowledge", "Check, show and explain the rules."),
}


class Failure(click.ClickException):
    """A sentence on stderr, and an exit code."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code

    def show(self, file: Any = None) -> None:
        click.echo(f"todoku: {self.format_message()}", file=file or sys.stderr)


def spoken(ctx: click.Context) -> Language:
    """The language of this run."""
    chosen: Language | None = ctx.meta.get("todoku.language")
    return chosen or language(None, os.environ)


def choose_language(ctx: click.Context, _parameter: click.Parameter, value: str | None) -> Language:
    """Callback of `--lang`, which may stand before or after the command's name."""
    if value is not None:
        ctx.meta["todoku.language"] = language(value, os.environ)
    return spoken(ctx)


class Root(click.Group):
    """The group of all commands: imports them when called, and ends every run with a sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        lazy = COMMANDS.get(cmd_name)
        if lazy is None:
            return None
        module, _, name = lazy.target.partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, lazy.help) for name, lazy in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            value = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # `todoku ... | head`: the reader has what it wanted. Nothing to say, and nothing may
            # be written when the interpreter closes stdout.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            raise click.exceptions.Exit(EX_PIPE) from None
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except TodokuError as error:
            raise Failure(error.text(spoken(ctx)), error.exit_code) from error
        except KeyboardInterrupt:
            raise Failure(say(WORDS["interrupted"], spoken(ctx)), EX_INTERRUPTED) from None
        except OSError as error:
            self._system(ctx, error)
        except Exception as error:
            if os.environ.get("TODOKU_DEBUG"):
                raise
            sentence = say(
                WORDS["fault"], spoken(ctx), kind=type(error).__name__, why=_one_line(str(error))
            )
            raise Failure(sentence, EX_SOFTWARE) from error
        return value

    def _system(self, ctx: click.Context, error: OSError) -> NoReturn:
        why = (error.strerror or str(error) or type(error).__name__).lower()
        path = error.filename
        sentence = WORDS["os"] if path is None else WORDS["os-file"]
        shown = _one_line(os.fsdecode(path) if isinstance(path, bytes) else str(path))
        raise Failure(say(sentence, spoken(ctx), path=shown, why=why), EX_IOERR) from error

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        _open_streams()
        run = functools.partial(super().main, args, prog_name, complete_var, **extra)
        if not standalone_mode:
            return run(standalone_mode=False)
        try:
            code: object = run(standalone_mode=False)
        except Failure as error:
            error.show()
            sys.exit(error.code)
        except click.UsageError as error:
            error.show()
            sys.exit(EX_USAGE)
        except click.ClickException as error:
            error.show()
            sys.exit(error.exit_code)
        except click.Abort:
            click.echo(f"todoku: {say(WORDS['interrupted'], language(None, os.environ))}", err=True)
            sys.exit(EX_INTERRUPTED)
        sys.exit(code if isinstance(code, int) else 0)


def _open_streams() -> None:
    """Where a supervisor closed standard output or error: nothing is to be seen, and no file that
    is opened later may be taken for them."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))


def _one_line(text: str) -> str:
    """Safe on a terminal: no control or formatting characters, no surrogates."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)[:300]


@click.command(cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="todoku", message="%(prog)s %(version)s")
@click.option(
    "--lang",
    type=click.Choice(LANGUAGES),
    callback=choose_language,
    expose_value=False,
    is_eager=True,
    help="Language of the answer (default: the locale's).",
)
def main() -> None:
    """From "my mail is refused" to "it arrives again, and the people know it"."""
