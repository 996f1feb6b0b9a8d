"""`todoku case answer`: what a desk's mail says, and what it moves."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from todoku import settings
from todoku.cli import case_desk, options
from todoku.cli.render.text import harmless_json, short
from todoku.errors import TodokuError
from todoku.i18n import Language, Words, say

if TYPE_CHECKING:
    from todoku.cases.answers import Answer, Rules
    from todoku.knowledge.schema import Compiled
    from todoku.store.cases import Desk

EX_NOINPUT: Final = 66

WORDS: Final[Words] = {
    "unreadable": {
        "ja": "{path} を読めません（{why}）。ほかのファイルは読みました。",
        "en": "cannot read {path} ({why}). The other files were read.",
    },
    "empty": {
        "ja": "{path} は空です。ほかのファイルは読みました。",
        "en": "{path} is empty. The other files were read.",
    },
    "no-case": {
        "ja": "{path}: この回答に当たる案件がありません（受付番号 {ticket}）。何も記録していません。一覧: todoku case list",
        "en": "{path}: no case has this answer (ticket {ticket}). Nothing was recorded. All cases: todoku "
        "case list",
    },
    "not-ours": {
        "ja": "{path}: この回答は {about} についてのもので、設定 [own] にありません。何も記録していません。自分のアドレスなら "
        "todoku init --add {about}、違うならあなた宛ての回答ではありません。",
        "en": "{path}: this answer is about {about}, which the settings ([own]) do not have. Nothing was "
        "recorded. If it is yours: todoku init --add {about}; if not, this is no answer to you.",
    },
    "other-address": {
        "ja": "案件 {case} に記録しましたが、回答は {about} についてのもので、この案件の対象（{known}）ではないため、状態は変えて"
        "いません。",
        "en": "Recorded in case {case}, but it is about {about}, and not about what this case is ({known}); "
        "so it moves nothing.",
    },
    "unrelated": {
        "ja": "{path}: 窓口の回答ではありません。何も記録していません。",
        "en": "{path} is no desk's answer. Nothing was recorded.",
    },
    "recorded": {
        "ja": "案件 {case} に記録しました。todoku case show {case}",
        "en": "Recorded in case {case}. todoku case show {case}",
    },
    "waits": {
        "ja": "案件 {case} に記録しましたが、本物と確かめられないため、状態は変えていません。本物と認めるなら "
        "--accept を付けてください。",
        "en": "Recorded in case {case}. It could not be proven genuine, so it moves nothing. If you take it "
        "for genuine, add --accept.",
    },
    "known": {
        "ja": "案件 {case} に記録済みの回答です。",
        "en": "Case {case} has this answer already.",
    },
}


@click.command(name="answer", short_help="Read a desk's answer, and move the case by it.")
@click.argument(
    "files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path)
)
@click.option("--dry-run", is_flag=True, help="Only tell what it says; nothing is recorded.")
@click.option(
    "--authserv-id",
    "trusted",
    multiple=True,
    metavar="NAME",
    help="Whose Authentication-Results are believed (default: [mail] authserv).",
)
@click.option(
    "--accept", is_flag=True, help="You take an answer for genuine that is not proven so."
)
@click.option("--json", "as_json", is_flag=True, help="One object a file, one a line.")
@options.config
@options.data
@options.lang
@click.pass_context
def answer(
    ctx: click.Context,
    /,
    files: Sequence[Path],
    dry_run: bool,
    trusted: Sequence[str],
    accept: bool,
    as_json: bool,
    config: Path | None,
    data: Path | None,
    lang: Language,
) -> None:
    """Read a desk's answer. FILE is a mail as it came ("-": standard input).

    Tells what it says of which address, whether the desk wrote it, and records it in its case."""
    from todoku.cli.setup import knowledge_of
    from todoku.knowledge import load

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    overlay = Path(found.knowledge.overlay)
    knowledge = knowledge_of(overlay if overlay.is_dir() else None)
    rules = load.answers_of(knowledge)
    names = trusted or found.mail.authserv
    failed = False
    with _opened(found, dry_run) as desk:
        show = _shower(knowledge, lang, as_json)
        for path in files:
            try:
                body = case_desk.read(path)
            except OSError as error:
                failed = True
                why = error.strerror or str(error)
                _complain(say(WORDS["unreadable"], lang, path=short(str(path), 200), why=why))
                continue
            if not body.strip():
                failed = True
                _complain(say(WORDS["empty"], lang, path=short(str(path), 200)))
                continue
            read = _of(body, rules, str(path), names, desk)
            show(read)
            if dry_run or desk is None:
                continue
            try:
                told = _record(body, read, accept, found, lang)
            except TodokuError as error:
                failed = True
                told = error.text(lang)
            if told and not as_json:
                click.echo(told)
            elif told:
                _complain(told)
    if failed:
        ctx.exit(EX_NOINPUT)


def _of(
    body: bytes, rules: Sequence[Rules], source: str, trusted: Sequence[str], desk: Desk | None
) -> Answer:
    from todoku.cases import answers

    read = answers.answer(body, rules, source=source, trusted=trusted)
    if desk is None:
        return read
    from todoku.serve import answering

    return msgspec.structs.replace(read, case=answering.case_of(read, desk, rules))


def _record(
    body: bytes, read: Answer, accept: bool, found: settings.Settings, lang: Language
) -> str:
    """Into its case, by the `todoku serve` that runs there or without one; a sentence of what came
    of it."""
    from todoku.cases import events as ev
    from todoku.cli.case_desk import done, me, now
    from todoku.serve import answering
    from todoku.serve.orders import Hear, fresh_id

    path = short(read.source, 200)
    if read.class_ == "unrelated":
        return say(WORDS["unrelated"], lang, path=path)
    about = tuple(v.identity for v in read.verdicts) or read.identities
    named = short(", ".join(dict.fromkeys(i.value for i in about)), 100)
    if read.case is None:
        if about and all(found.own.tells(i) is False for i in about):
            return say(WORDS["not-ours"], lang, path=path, about=named)
        return say(WORDS["no-case"], lang, path=path, ticket=short(read.ticket or "-", 40))
    event = answering.event_of(read, now(found))
    order = Hear(id=fresh_id(), by=me(), case=read.case, event=event, mail=body, accept=accept)
    recorded = done(order, found, lang)
    if accept:
        return say(WORDS["recorded"], lang, case=read.case)
    if not recorded:
        return say(WORDS["known"], lang, case=read.case)
    if known := _of_others(read, found):
        return say(WORDS["other-address"], lang, case=read.case, about=named, known=known)
    waits = not read.authentic and any(isinstance(r.event, ev.Answered) for r in recorded)
    return say(WORDS["waits" if waits else "recorded"], lang, case=read.case)


def _of_others(read: Answer, found: settings.Settings) -> str:
    """What its case is about, where all of its verdicts are about something else; else empty."""
    from todoku.cases.case import identity_key
    from todoku.serve import opening

    assert read.case is not None  # noqa: S101
    with opening.desk(found) as desk:
        case = desk.case(read.case)
    theirs = {identity_key(v.identity) for v in read.verdicts}
    if not theirs or any(s.key in theirs for s in case.standings) or not case.standings:
        return ""
    return short(", ".join(s.identity.value for s in case.standings), 100)


@contextmanager
def _opened(found: settings.Settings, dry_run: bool) -> Iterator[Desk | None]:
    """The store; with `--dry-run` only where there is one already, else `None`."""
    store = found.general.store
    file = store.removeprefix(settings.SQLITE)
    if dry_run and (file == store or not Path(file).exists()):
        yield None
        return
    from todoku.serve import opening

    with opening.desk(found) as desk:
        yield desk


def _shower(knowledge: Compiled, lang: Language, as_json: bool) -> Callable[[Answer], None]:
    if as_json:

        def show(read: Answer) -> None:
            sys.stdout.buffer.write(harmless_json(msgspec.json.encode(read)) + b"\n")
            sys.stdout.buffer.flush()

        return show
    from todoku.cli.render import case_answer as screen
    from todoku.knowledge.catalogue import Catalogue

    catalogue = Catalogue(knowledge)

    def told(read: Answer) -> None:
        for line in screen.lines(read, lambda id_: catalogue.list_name(id_, lang), lang):
            click.echo(line)

    return told


def _complain(text: str) -> None:
    click.echo(f"todoku: {text}", err=True)
