"""`todoku logs`: who refuses us, since when, why and by which list, and whose mail it is.

    todoku logs /var/log/mail.log*
    journalctl -u 'postfix@*' -o json --since -7d | todoku logs --json

Reports what it is given, every time, and stores nothing, unless `--store` or `--follow` says so. Exit 0: read. 1: a file could not be read
or was not understood; the others were. 2: nothing in the input was understood.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import click
import msgspec

from todoku.cli import EX_USAGE, Failure, options
from todoku.cli import setup as settings
from todoku.cli.logs_reading import Reading
from todoku.cli.render.text import harmless_json, short
from todoku.i18n import Language, Words, say
from todoku.knowledge.schema import Compiled
from todoku.logs.clock import moment
from todoku.logs.judging import Judge
from todoku.logs.run import Run
from todoku.logs.sums import Group, row
from todoku.logs.values import EarlyWarning, Summary
from todoku.logs.warning import warnings

WORDS: Final[Words] = {
    "no-input": {
        "ja": "読むログが指定されていません。ファイルかフォルダーを渡すか（todoku logs "
        "/var/log/mail.log）、標準入力に流してください（journalctl -o json | todoku logs）。",
        "en": "no log to read. Name a file or folder (todoku logs /var/log/mail.log), or pipe one in "
        "(journalctl -o json | todoku logs).",
    },
    "bad-time": {
        "ja": "--{option} の {value} は時刻として読めません。例: 2026-11-01、2026-11-01T08:00、08:00、24h、7d",
        "en": "--{option} {value} is no time. Such as: 2026-11-01, 2026-11-01T08:00, 08:00, 24h, 7d",
    },
    "all-of-it": {
        "ja": "--store と --follow は渡されたものをすべて保存します。--since と --until は、保存したものを見るときに使えます"
        "（todoku logs --stored --since 7d）。何も保存していません。",
        "en": "--store and --follow keep all that they are given. --since and --until go with what is stored (todoku logs "
        "--stored --since 7d). Nothing was stored.",
    },
    "bad-reason": {
        "ja": "--reason の {value} という理由はありません。{near}一覧: todoku knowledge show",
        "en": "there is no reason {value} for --reason. {near}All of them: todoku knowledge show",
    },
    "near": {"ja": "近いもの: {names}。", "en": "Near: {names}. "},
}


@click.command(short_help="Who refuses us, since when, why, and whose mail it is.")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line (NDJSON).")
@click.option(
    "--since", metavar="TIME", help="Count attempts from then: 2026-11-01, 08:00, 24h, 7d."
)
@click.option("--until", metavar="TIME", help="Count attempts before then.")
@click.option(
    "--receiver", metavar="NAME", help="Tell only of this receiver, or of hosts of a domain."
)
@click.option("--reason", metavar="REASON", help="Tell only of refusals for this reason.")
@click.option(
    "--year",
    type=click.IntRange(1970, 9998),
    help="The year of stamps that have none (default: by when the file was last written).",
)
@click.option(
    "--html",
    "html_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a report with charts as one page, too.",
)
@click.option(
    "--store", is_flag=True, help="Store what is new; nothing is stored or counted twice."
)
@click.option(
    "--follow", is_flag=True, help="Store what is written from now on, too, until it is stopped."
)
@click.option("--stored", is_flag=True, help="Report what is stored; no log is read.")
@click.option(
    "--engine",
    metavar="local|dask://HOST:PORT",
    help="Read with all cores of this machine, or on a dask cluster.",
)
@click.option(
    "--workers", type=click.IntRange(1, 1_024), help="Processes of --engine local (default: cores)."
)
@click.option(
    "--open-cases", is_flag=True, help="Open a case for each refusal of what is yours, once."
)
@click.option(
    "--by-cost",
    is_flag=True,
    help="Early warnings by how much mail a block would stop (todoku partners).",
)
@click.option("--full", is_flag=True, help="Show every kind of refusal in full.")
@click.option("--quiet", is_flag=True, help="Only errors and the exit code (and --json).")
@options.data
@options.config
@options.lang
@click.pass_context
def logs(
    ctx: click.Context,
    paths: tuple[str, ...],
    as_json: bool,
    since: str | None,
    until: str | None,
    receiver: str | None,
    reason: str | None,
    year: int | None,
    html_file: Path | None,
    store: bool,
    follow: bool,
    stored: bool,
    engine: str | None,
    workers: int | None,
    open_cases: bool,
    by_cost: bool,
    full: bool,
    quiet: bool,
    data: Path | None,
    config: Path | None,
    lang: Language,
) -> None:
    """Who refuses us, since when, why and by which list, whose mail it is, and what to do.

    PATH is a mail log (Postfix, Exim, sendmail, qmail, Exchange message tracking), as a file, from
    syslog, the journal (-o json) or a container, compressed or not, or a folder of them. Without
    PATH, or with "-": standard input.
    """
    paths = _paths(paths, stored=stored, storing=store or follow, lang=lang)
    setup = settings.read(ctx, config)
    lang = setup.language
    now = time.time()
    begin, end = (
        _moment(name, told, now, lang) for name, told in (("since", since), ("until", until))
    )
    others = {"--follow": follow, "--stored": stored, "--store": store}
    kind_of_pass = _pass(engine, workers, others, setup)
    diagnose = settings.diagnoser(setup)
    desk = None
    if open_cases:
        from todoku.cli import logs_cases

        desk = logs_cases.Opening(config, data, lang)
    if reason is not None:
        _check_reason(reason, diagnose.knowledge, lang)
    judge = Judge(diagnose)
    with contextlib.ExitStack() as stack:
        if store or follow:
            if begin is not None or end is not None:
                raise Failure(say(WORDS["all-of-it"], lang), EX_USAGE)
            from todoku.cli import logs_store

            place = stack.enter_context(logs_store.opened(config, data))
            run = Run(judge, own=setup.own, recipients=place.shown, key=place.key)
            kind: Callable[..., Reading] = logs_store.StoringReading
            if engine is not None:
                from todoku.cli import logs_engine_store

                kind = functools.partial(logs_engine_store.EngineStoring, workers, setup.overlay)
            if follow:
                from todoku.cli import logs_follow

                kind = logs_follow.FollowingReading
            reading = kind(place, run, paths, lang, now=now, year=year, quiet=quiet)
        elif stored:
            from todoku.cli import logs_stored

            run = Run(judge, since=begin, until=end, own=setup.own)
            reading = logs_stored.StoredReading(
                run, lang, config=config, data=data, since=begin, until=end,
                receiver=receiver and receiver.lower(),
            )  # fmt: skip
        else:
            run = Run(judge, since=begin, until=end, own=setup.own, key=os.urandom(16))
            reading = kind_of_pass(run, paths, lang, now=now, year=year, quiet=quiet)
        gc.freeze()
        gc.set_threshold(50_000, 20, 50)
        reading.read()
    names = {n.lower(): r.id for r in diagnose.knowledge.receivers for n in (r.name.en, r.name.ja)}
    ordered = reading.sums.ordered()
    chosen = [g for g in ordered if _fits(g, receiver, reason, names)]
    bounds = reading.bounds()
    early = warnings(ordered, run.daily, diagnose.knowledge, bounds[1])
    told = tuple(w for w in early.told if _warns_of(w, receiver, names))
    if by_cost:
        told = _by_cost(told, diagnose.knowledge, config, data, lang)
    summary = reading.summary(len(chosen), early._replace(told=told))
    if html_file is not None:
        from todoku.cli.render import logs_html
        from todoku.knowledge.catalogue import Catalogue

        page = logs_html.page(summary, chosen, told, bounds, Catalogue(diagnose.knowledge), lang)
        logs_html.write(html_file, page)
    kept = reading.kept()
    if desk is not None:
        desk.open(chosen, diagnose.knowledge)
    if as_json:
        _write_json(
            summary,
            chosen,
            told,
            bounds,
            (*(desk.opened if desk else ()), *((kept,) if kept else ())),
        )
    elif not quiet:
        if kept is None or kept.logs:
            left_out = len(ordered) - len(chosen)
            _show(summary, chosen, told, bounds, diagnose.knowledge, lang, full, left_out)
        reading.tell()
        if desk is not None:
            desk.tell()
    ctx.exit(1 if reading.failed else 0)


def _paths(
    paths: tuple[str, ...], *, stored: bool, storing: bool, lang: Language
) -> tuple[str, ...]:
    """What is to be read. Raises `Failure`."""
    if stored and (paths or storing):
        from todoku.cli import logs_stored

        key = "no-paths" if paths else "alone"
        raise Failure(say(logs_stored.WORDS[key], lang, paths=short(" ".join(paths), 60)), EX_USAGE)
    if not paths and not stored:
        if sys.stdin is None or sys.stdin.isatty():
            raise Failure(say(WORDS["no-input"], lang), EX_USAGE)
        paths = ("-",)
    return paths


def _pass(
    engine: str | None, workers: int | None, others: dict[str, bool], setup: settings.Setup
) -> Callable[..., Reading]:
    if engine is None and workers is None:
        return Reading
    from todoku.cli import logs_engine

    name = logs_engine.check(engine, workers, others, setup.language)
    return functools.partial(logs_engine.EngineReading, name, workers, setup.overlay)


def _moment(option: str, told: str | None, now: float, lang: Language) -> float | None:
    if told is None:
        return None
    seconds = moment(told, now)
    if seconds is None:
        sentence = say(WORDS["bad-time"], lang, option=option, value=short(told, 40))
        raise Failure(sentence, EX_USAGE)
    return seconds


def _check_reason(reason: str, knowledge: Compiled, lang: Language) -> None:
    if reason in knowledge.reasons:
        return
    import difflib

    close = difflib.get_close_matches(reason, list(knowledge.reasons), n=3, cutoff=0.5)
    near = say(WORDS["near"], lang, names=", ".join(close)) if close else ""
    sentence = say(WORDS["bad-reason"], lang, value=short(reason, 40), near=near)
    raise Failure(sentence, EX_USAGE)


def _fits(g: Group, receiver: str | None, reason: str | None, names: dict[str, str]) -> bool:
    d = g.diagnosis
    if reason is not None and d.reason != reason:
        return False
    if receiver is None:
        return True
    low = names.get(receiver.lower(), receiver.lower())
    return low in {d.receiver, d.gateway, g.place} or low in g.domains


def _warns_of(w: EarlyWarning, receiver: str | None, names: dict[str, str]) -> bool:
    if receiver is None:
        return True
    return names.get(receiver.lower(), receiver.lower()) in {w.receiver, w.place}


def _by_cost(
    told: tuple[EarlyWarning, ...],
    knowledge: Compiled,
    config: Path | None,
    data: Path | None,
    lang: Language,
) -> tuple[EarlyWarning, ...]:
    from todoku.cli import partners_cost
    from todoku.settings import load

    folder = Path(load(config, data).general.data)
    return partners_cost.of_warnings(told, partners_cost.asking(folder, knowledge, lang))


def _write_json(
    summary: Summary,
    groups: list[Group],
    early: tuple[EarlyWarning, ...],
    bounds: tuple[float | None, float | None],
    after: Sequence[msgspec.Struct],
) -> None:
    out = sys.stdout.buffer
    encode = msgspec.json.encode
    out.write(harmless_json(encode(summary)) + b"\n")
    for g in groups:
        out.write(harmless_json(encode(row(g, *bounds))) + b"\n")
    for w in early:
        out.write(harmless_json(encode(w)) + b"\n")
    for line in after:
        out.write(harmless_json(encode(line)) + b"\n")
    out.flush()


def _show(
    summary: Summary,
    groups: list[Group],
    early: tuple[EarlyWarning, ...],
    bounds: tuple[float | None, float | None],
    knowledge: Compiled,
    lang: Language,
    full: bool,
    left_out: int,
) -> None:
    from todoku.cli.render import logs as rendering
    from todoku.cli.render.page import Page
    from todoku.knowledge.catalogue import Catalogue

    page = Page.of_stdout()
    for line in rendering.lines(
        summary, groups, bounds, Catalogue(knowledge), lang, page, early=early, full=full,
        left_out=left_out,
    ):  # fmt: skip
        page.write(line)
    page.close()
