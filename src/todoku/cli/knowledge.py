"""`todoku knowledge`: check the rules, show what is known, explain why a rule won."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from todoku.cli import EX_USAGE, Failure, options
from todoku.cli import setup as settings
from todoku.cli.render.page import Page
from todoku.cli.render.text import harmless_json, safe
from todoku.diagnosis import Diagnoser
from todoku.i18n import Language, Words, say
from todoku.knowledge import files
from todoku.knowledge.catalogue import Catalogue
from todoku.model import VERSION, Refusal, Remote

WORDS: Words = {
    "clean": {
        "ja": "知識に問題はありません（規則 {rules}、例 {examples}、リスト {lists}）。",
        "en": "the knowledge is clean ({rules} rules, {examples} examples, {lists} lists).",
    },
    "problems": {"ja": "問題 {n} 件", "en": "{n} problems"},
    "no-folder": {
        "ja": "{path} というフォルダーがありません。何も検査していません。",
        "en": "there is no folder {path}. Nothing was checked.",
    },
    "unknown": {
        "ja": "{name} は知識にありません。{nearest}一覧: todoku knowledge show",
        "en": "the knowledge has no {name}. {nearest}All of it: todoku knowledge show",
    },
    "nearest": {"ja": "近いもの: {names}。", "en": "Near: {names}. "},
    "no-text": {
        "ja": "調べる文がありません。応答を引数で渡すか、- を付けて貼り付けてください: "
        "todoku knowledge explain '550 5.7.1 ...'",
        "en": "no text to explain. Give the reply as an argument, or - and paste it: "
        "todoku knowledge explain '550 5.7.1 ...'",
    },
    "save-as": {
        "ja": "保存先: {path}（# の行を見て直したら todoku knowledge check）",
        "en": "save it as {path}, look at the lines with #, then: todoku knowledge check",
    },
}


@click.group(short_help="Check, show and explain the rules.")
def knowledge() -> None:
    """Check, show and explain the rules by which refusals are understood."""


def json_option(command: Any) -> Any:
    return click.option("--json", "as_json", is_flag=True, help="One JSON object.")(command)


def _print_json(value: Any) -> None:
    sys.stdout.buffer.write(harmless_json(msgspec.json.encode(value)) + b"\n")


def _print(lines: Iterator[str], page: Page) -> None:
    for line in lines:
        page.write(line)
    page.close()


# ── check ─────────────────────────────────────────────────────────────────────────────────────


@knowledge.command(short_help="Validate the knowledge and your own rules.")
@click.argument("folders", nargs=-1, metavar="[FOLDER]...", type=click.Path(path_type=Path))
@json_option
@options.config
@options.lang
@click.pass_context
def check(
    ctx: click.Context,
    folders: tuple[Path, ...],
    as_json: bool,
    config: Path | None,
    lang: Language,
) -> None:
    """Validate the knowledge, with the rules of FOLDER laid over it.

    Without FOLDER: those of your configuration folder, where there are any. Names file, line and
    rule of whatever is wrong. Exit 0 where nothing is, else 1.
    """
    from todoku.knowledge import check as checking

    for folder in folders:
        if not folder.is_dir():
            raise Failure(say(WORDS["no-folder"], lang, path=safe(str(folder))), EX_USAGE)
    setup = settings.read(ctx, config)
    lang = setup.language
    if not folders:
        folders = (setup.overlay,) if setup.overlay is not None else ()
    found = checking.problems(files.DATA, folders)
    if as_json:
        _print_json({"v": VERSION, "problems": found})
    else:
        for problem in found:
            click.echo(safe(problem))
        if found:
            click.echo(say(WORDS["problems"], lang, n=f"{len(found):,}"))
        else:
            click.echo(say(WORDS["clean"], lang, **_counted(folders)))
    ctx.exit(1 if found else 0)


def _counted(folders: tuple[Path, ...]) -> dict[str, str]:
    from todoku.knowledge.schema import Lists, Receiver

    rules = examples = 0
    lists: set[str] = set()
    for root in (files.DATA, *folders):
        for path in files.files(root):
            shape = files.shape_of(path)
            if shape is Receiver:
                receiver = files.read_toml(path, Receiver)
                rules += len(receiver.rules)
                examples += sum(len(r.examples) for r in receiver.rules)
            elif shape is Lists:
                lists |= {e.id for e in files.read_toml(path, Lists).lists}
    return {"rules": f"{rules:,}", "examples": f"{examples:,}", "lists": f"{len(lists):,}"}


# ── show ──────────────────────────────────────────────────────────────────────────────────────


@knowledge.command(short_help="All there is to tell of a receiver, list, desk, reason or rule.")
@click.argument("name", required=False)
@json_option
@options.config
@options.lang
@click.pass_context
def show(
    ctx: click.Context, name: str | None, as_json: bool, config: Path | None, lang: Language
) -> None:
    """All there is to tell of a receiver, list, desk, reason or rule.

    NAME is an id (microsoft-consumer, spamhaus-zen, microsoft-consumer/sc-001), a zone, or a code
    that a receiver prints (SC-001). Without NAME: an overview.
    """
    from todoku.cli.render import knowledge as screens

    setup = settings.read(ctx, config)
    lang = setup.language
    c = Catalogue(settings.knowledge_of(setup.overlay))
    if name is None:
        if as_json:
            _print_json(_overview(c))
        else:
            page = Page.of_stdout()
            _print(screens.overview(c, lang, page), page)
        return
    found = c.named(name)
    if not found:
        near = c.near(name)
        nearest = say(WORDS["nearest"], lang, names=", ".join(near)) if near else ""
        sentence = say(WORDS["unknown"], lang, name=safe(name)[:100], nearest=nearest)
        raise Failure(sentence, 1)
    if as_json:
        for kind, id_, thing in found:
            _print_json({"v": VERSION, "what": kind, "name": id_, **_told(kind, thing, c)})
        return
    page = Page.of_stdout()
    _print(_shown(found, c, lang, page), page)


def _told(kind: str, thing: Any, c: Catalogue) -> dict[str, Any]:
    """An entry as in its knowledge file; a list with the desks that it and its codes name."""
    if kind != "list":
        return {kind: msgspec.to_builtins(thing.rule if kind == "rule" else thing)}
    entry = c.asked[thing.id]
    names = (entry.desk, *(code.desk for code in (entry.ask.codes if entry.ask else ())))
    desks = {name: c.knowledge.desks[name] for name in dict.fromkeys(names) if name}
    return {kind: msgspec.to_builtins(entry), "desks": desks}


def _shown(
    found: list[tuple[str, str, Any]], c: Catalogue, lang: Language, page: Page
) -> Iterator[str]:
    from todoku.cli.render import knowledge as screens
    from todoku.cli.render import knowledge_list

    for n, (kind, id_, thing) in enumerate(found):
        if n:
            yield ""
        match kind:
            case "receiver":
                yield from screens.receiver(thing, c, lang, page)
            case "list":
                yield from knowledge_list.screen(c.asked[id_], c, lang, page)
            case "desk":
                yield from screens.desk(id_, thing, c, lang, page)
            case "reason":
                yield from screens.reason(id_, thing, c, lang, page)
            case _:
                yield from screens.rule(thing, c, lang, page)


def _overview(c: Catalogue) -> dict[str, Any]:
    k = c.knowledge
    return {
        "v": VERSION,
        "version": k.version,
        "receivers": [{"id": r.id, "kind": r.kind, "name": r.name} for r in k.receivers],
        "rules": sorted(c.rules),
        "lists": [{"id": e.id, "name": e.name, "zones": e.zones} for e in k.lists],
        "desks": sorted(k.desks),
        "reasons": {name: r.title for name, r in k.reasons.items()},
    }


# ── explain ───────────────────────────────────────────────────────────────────────────────────


@knowledge.command(short_help="Why a rule won, and which others matched.")
@click.argument("text", metavar="RULE|TEXT|-", required=False)
@click.option("--host", metavar="NAME", help="The server that answered.")
@click.option("--recipient", metavar="ADDRESS", help="The address that was refused.")
@click.option("--new", is_flag=True, help="Print a rule for this reply, to fill in and save.")
@json_option
@options.config
@options.lang
@click.pass_context
def explain(
    ctx: click.Context,
    text: str | None,
    host: str | None,
    recipient: str | None,
    new: bool,
    as_json: bool,
    config: Path | None,
    lang: Language,
) -> None:
    """Why a rule won, which others matched and how they stand, and who the receiver is.

    RULE is the name of a rule (as in `rule` of --json); TEXT a reply, bounce or log line; "-"
    reads it from standard input.
    """
    from todoku.cli.render import knowledge as screens
    from todoku.diagnosis import explain as explaining

    if text is None and (sys.stdin is None or sys.stdin.isatty()):
        raise Failure(say(WORDS["no-text"], lang), EX_USAGE)
    setup = settings.read(ctx, config)
    lang = setup.language
    judge = settings.diagnoser(setup)
    c = Catalogue(judge.knowledge)
    if text is not None and not new and text in c.rules:
        page = Page.of_stdout()
        if as_json:
            _print_json({"v": VERSION, "what": "rule", "name": text, "rule": c.rules[text].rule})
        else:
            _print(screens.rule(c.rules[text], c, lang, page), page)
        return
    data = (
        sys.stdin.buffer.read() if text in {None, "-"} else (text or "").encode("utf-8", "replace")
    )
    refusal = _refusal(data, host, recipient)
    if refusal is None:
        raise Failure(say(WORDS["no-text"], lang), EX_USAGE)
    if new:
        _propose(refusal, judge, setup)
        return
    told = explaining.explain(judge, refusal)
    if as_json:
        _print_json({"v": VERSION, **msgspec.to_builtins(told)})
        return
    page = Page.of_stdout()
    _print(screens.explanation(told, c, lang, page), page)


def _refusal(data: bytes, host: str | None, recipient: str | None) -> Refusal | None:
    """The first refusal in what was given; where the reader finds none, the text as a reply."""
    from todoku import reading
    from todoku.reading.reply import parse

    found = [r for r in reading.read(data) if r.kind == "refusal"]
    if found:
        refusal = found[0]
    else:
        got = parse(data.decode("utf-8", "replace"))
        if not (got.reply.text or got.notice):
            return None
        refusal = Refusal(reader="given", remote=got.remote, stage=got.stage, reply=got.reply,
                          notice=got.notice)  # fmt: skip
    if host:
        refusal = msgspec.structs.replace(refusal, remote=Remote(host, refusal.remote.ip))
    if recipient:
        refusal = msgspec.structs.replace(refusal, recipient=recipient)
    return refusal


def _propose(refusal: Refusal, judge: Diagnoser, setup: settings.Setup) -> None:
    import os
    import time

    from todoku.diagnosis.explain import skeleton

    d = judge(refusal)
    receiver = next((r for r in judge.knowledge.receivers if r.id == d.receiver), None)
    name, toml = skeleton(refusal, d, receiver, time.strftime("%Y-%m-%d"))
    folder = setup.overlay or settings.configuration(os.environ) / "knowledge"
    sys.stdout.buffer.write(toml.encode())
    sys.stdout.flush()
    click.echo(
        f"todoku: {say(WORDS['save-as'], setup.language, path=folder / 'receivers' / name)}",
        err=True,
    )
