"""`todoku case`: what is blocked where; cases are shown, settled and closed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from todoku import settings
from todoku.cases.events import WHYS, Why
from todoku.cli import options
from todoku.cli.case_accept import accept
from todoku.cli.case_answer import answer
from todoku.cli.case_desk import (
    Opened,
    common,
    done,
    me,
    named_by,
    now,
    opened,
    print_json,
    record,
    zone,
)
from todoku.cli.case_detour import detour
from todoku.cli.case_forget import forget
from todoku.cli.case_hold import hold
from todoku.cli.case_report import open_
from todoku.cli.case_request import request
from todoku.cli.case_try import try_
from todoku.i18n import Language, Words, say

WORDS: Final[Words] = {
    "closed": {"ja": "案件 {case} を閉じました。", "en": "Case {case} is closed."},
    "not-sent": {"ja": "メールは送られていませんでした", "en": "the mail had not been sent"},
    "unverified": {
        "ja": "未確認のメールが {n} 通あります（何も動かしていません）: todoku case accept",
        "en": "{n} not verified, which move nothing: todoku case accept",
    },
}


@click.group(short_help="What is blocked where, and what is done about it.")
def case() -> None:
    """What is blocked where, and what is done about it."""


@case.command(name="list", short_help="The open cases.")
@click.option("--all", "closed", is_flag=True, help="The closed ones too.")
@click.option("--by-cost", is_flag=True, help="Those first that cost most mail (todoku partners).")
@common
def list_(
    ctx: click.Context, /, closed: bool, by_cost: bool, config: Path | None, data: Path | None,
    as_json: bool, **_: Any,
) -> None:  # fmt: skip
    """The open cases, the last changed first."""
    from todoku.cli.render import case as screen

    if not (as_json or by_cost) and _list_at_once(ctx, closed, config, data):
        return
    with opened(ctx, config, data) as found:
        rows, costs = found.desk.rows(closed), None
        if by_cost:
            from todoku.cli.partners_cost import CaseCosts

            costs = CaseCosts(rows, found.settings, found.knowledge, found.lang)
            rows = costs.rows
        if as_json:
            for row in rows:
                if costs is not None:
                    costs.print(row["number"])
                print_json(found.history(row["number"]))
            return
        unsure = {work.case for work in found.unsure()}
        shown = costs.shown() if costs is not None else {}
        for line in screen.rows(rows, found.named, found.lang, zone(), unsure, shown):
            click.echo(line)
        from todoku.store.unverified import Unverified

        if waiting := Unverified(found.desk).count():
            click.echo(say(WORDS["unverified"], found.lang, n=waiting))


def _list_at_once(ctx: click.Context, closed: bool, config: Path | None, data: Path | None) -> bool:
    """Without what takes long to import. False: the store has to be opened properly first."""
    from todoku.cli.render import case as screen
    from todoku.cli.setup import knowledge_of
    from todoku.store import listing

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    listed = listing.listed(found.general.store, now(found).timestamp(), closed)
    if listed is None:
        return False
    overlay = Path(found.knowledge.overlay)
    knowledge = knowledge_of(overlay if overlay.is_dir() else None)

    def named(place: str) -> str:
        return named_by(place, knowledge, lang)

    for line in screen.rows(listed.rows, named, lang, zone(), listed.unsure):
        click.echo(line)
    if listed.unverified:
        click.echo(say(WORDS["unverified"], lang, n=listed.unverified))
    return True


@case.command(short_help="All that happened to a case.")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--affected", is_flag=True, help="Whose mail came back, and is to be sent again.")
@common
def show(
    ctx: click.Context, /, number: int, affected: bool, config: Path | None, data: Path | None,
    as_json: bool, **_: Any,
) -> None:  # fmt: skip
    """All that happened to a case, and what comes next."""
    from todoku.cli.render import case as screen

    with opened(ctx, config, data) as found:
        if affected:
            from todoku.cli import case_affected

            case_affected.show(found, number, as_json=as_json)
            return
        history = found.history(number)
        if as_json:
            print_json(history)
            return
        for line in screen.case(
            found.desk.case(number), history, found.named, found.who(), found.desk.policy,
            found.lang, now(found.settings).astimezone(), found.unsure(number),
            found.failing(number),
        ):  # fmt: skip
            click.echo(line)
        for line in _unverified(found, number):
            click.echo(line)


def _unverified(found: Opened, number: int) -> Iterator[str]:
    """What came in that would belong to the case, and moves nothing: why, and what to do."""
    from todoku.cli.case_accept import lines, shown
    from todoku.store.unverified import Unverified

    groups = Unverified(found.desk).of_case(found.desk.case(number))
    if groups:
        groups = [shown(group, found.settings.privacy, me()) for group in groups]
        yield from lines(groups, len(groups), found.named, found.lang, of_case=True)


@case.command(short_help="Say whether a mail was sent of which that is not known.")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--sent/--not-sent", required=True, default=None, help="As the mail log shows.")
@click.option("--action", type=click.IntRange(min=1), help="Which, where there are several.")
@common
def settle(
    ctx: click.Context, /, number: int, config: Path | None, data: Path | None,
    as_json: bool, lang: Language, **given: Any,
) -> None:  # fmt: skip
    """Say whether a mail was sent, where that is not known. One that was not is sent again."""
    from todoku.serve.orders import Settle, fresh_id

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    text = "" if given["sent"] else say(WORDS["not-sent"], lang)
    order = Settle(id=fresh_id(), by=me(), case=number, text=text, **given)
    if as_json:
        print_json(done(order, found, lang))
    else:
        record(order, found, lang, number)


@case.command(short_help="End a case, and say why.")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--why", type=click.Choice([w for w in WHYS if w != "joined"]), help="The reason.")
@click.option("--text", default="", metavar="TEXT", help="More about it.")
@common
def close(
    ctx: click.Context, /, number: int, why: Why | None, text: str, config: Path | None,
    data: Path | None, as_json: bool, **_: Any,
) -> None:  # fmt: skip
    """End a case. Who reported is told where the reason is that it works again."""
    from todoku.serve.orders import Close, fresh_id

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    order = Close(id=fresh_id(), by=me(), case=number, why=why, text=text)
    recorded = done(order, found, lang)
    if as_json:
        print_json(recorded)
    else:
        click.echo(say(WORDS["closed"], lang, case=number))


case.add_command(open_)
case.add_command(accept)
case.add_command(answer)
case.add_command(request)
case.add_command(hold)
case.add_command(detour)
case.add_command(forget)
case.add_command(try_)
