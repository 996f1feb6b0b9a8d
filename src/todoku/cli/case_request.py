"""`todoku case request`: what the desk is asked, ready to be copied, and what is in the way.

todoku case request 12
todoku case request 12 --cause "open relay" --mended "closed it, looked through the queue"
todoku case request 12 --done --ticket 7096915173
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from todoku import settings
from todoku.cli import EX_USAGE, Failure, options
from todoku.cli.render.text import harmless_json, short
from todoku.i18n import Language, Words, say

if TYPE_CHECKING:
    from datetime import datetime

    from todoku.cases.requesting import Draft
    from todoku.cli.case import Opened
    from todoku.lists.values import Server

EX_DATAERR: Final = 65

WORDS: Final[Words] = {
    "no-desk": {
        "ja": "窓口 {desk} は知識にありません。{near}何も記録していません。一覧: todoku knowledge show",
        "en": "the knowledge has no desk {desk}.{near} Nothing was recorded. All: todoku knowledge show",
    },
    "near": {"ja": "近いのは {names} です。", "en": " The nearest: {names}."},
    "ticket-alone": {
        "ja": "--ticket は --done と一緒に使います（提出した記録に受付番号を添えるため）。何も記録していません。",
        "en": "--ticket goes with --done: it is the number of a request that was filed. Nothing was "
        "recorded.",
    },
    "stopped": {
        "ja": "案件 {case}: 先に片付けることがあります（{what}）。それでも提出したのなら --anyway を付けてください。"
        "何も記録していません。",
        "en": "case {case}: something is in the way ({what}). If it was filed all the same, add --anyway. "
        "Nothing was recorded.",
    },
    "recorded": {
        "ja": "案件 {case} に記録しました。todoku case show {case}",
        "en": "Recorded in case {case}. todoku case show {case}",
    },
}


@click.command(name="request", short_help="What to ask the desk, ready to be copied.")
@click.argument("number", type=click.IntRange(min=1))
@click.argument("identities", nargs=-1, metavar="[IDENTITY]...")
@click.option("--desk", metavar="DESK", help="Another desk than the one that the case leads to.")
@click.option("--cause", metavar="TEXT", help="Record first what earned the block.")
@click.option(
    "--looked", multiple=True, metavar="TEXT", help="Record first where you looked in vain."
)
@click.option("--mended", metavar="TEXT", help="Record first what was done about it.")
@click.option("--done", is_flag=True, help="Record that it was filed.")
@click.option("--ticket", metavar="ID", help="With --done: the number that the desk gave.")
@click.option("--anyway", is_flag=True, help="With --done: although something was in the way.")
@click.option("--offline", is_flag=True, help="Do not look up the reverse DNS.")
@click.option("--json", "as_json", is_flag=True, help="The draft as one JSON object.")
@options.config
@options.data
@options.lang
@click.pass_context
def request(
    ctx: click.Context, /, number: int, identities: tuple[str, ...], config: Path | None,
    data: Path | None, lang: Language, as_json: bool, offline: bool, **given: Any,
) -> None:  # fmt: skip
    """What to ask the desk of case NUMBER, ready to be copied; nothing is sent.

    IDENTITY: only these addresses of it. The desk's words: `todoku case answer`.
    """
    from todoku.cli import case as cases
    from todoku.serve.orders import Cause, fresh_id

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    if given["ticket"] and not given["done"]:
        raise Failure(say(WORDS["ticket-alone"], lang), EX_USAGE)
    if given["cause"] or given["looked"] or given["mended"]:
        learnt = {key: given[key] for key in ("cause", "looked", "mended")}
        order = Cause(id=fresh_id(), by=cases.me(), case=number, **learnt)
        cases.done(order, found, lang)
    with cases.opened(ctx, config, data) as house:
        made = _draft(house, number, identities, given["desk"], offline=offline or given["done"])
    if given["done"]:
        _filed(made, given["ticket"], found, lang, anyway=given["anyway"])
    elif as_json:
        sys.stdout.buffer.write(harmless_json(msgspec.json.encode(made)) + b"\n")
    else:
        from todoku.cli.render import case_request as screen

        for line in screen.draft(made, lang, house.named):
            click.echo(line)


def _draft(
    house: Opened, number: int, identities: tuple[str, ...], named: str | None, *, offline: bool
) -> Draft:
    from todoku.cases.requesting import Facts, choose, draft
    from todoku.cli import case as cases
    from todoku.serve.reporting import identities_of
    from todoku.serve.reversing import reverse_of

    case = house.desk.case(number)
    try:
        chosen = choose(case, house.knowledge, named)
    except KeyError:
        raise Failure(_unknown(house, named or ""), EX_DATAERR) from None
    addresses = [s.identity.value for s in case.standings if s.identity.kind == "ip"]
    reverse = {} if offline else reverse_of(addresses, _resolvers(house.settings))
    facts = Facts(own=house.settings.own, contact=house.settings.contact, reverse=reverse)
    now: datetime = cases.now(house.settings).astimezone()
    return draft(
        case, chosen, house.knowledge, facts, now, house.lang,
        identities=identities_of(identities), policy=house.desk.policy,
    )  # fmt: skip


def _unknown(house: Opened, named: str) -> str:
    import difflib

    close = difflib.get_close_matches(named, house.knowledge.desks, n=3, cutoff=0.4)
    near = say(WORDS["near"], house.lang, names=", ".join(close)) if close else ""
    return say(WORDS["no-desk"], house.lang, desk=short(named, 60), near=near)


def _resolvers(found: settings.Settings) -> tuple[Server, ...]:
    from todoku.cli import check_request
    from todoku.lists.servers import resolvers

    if found.dns.resolver is not None:
        return (check_request.server(found.dns.resolver, recursive=True),)
    return resolvers()


def _filed(
    made: Draft, ticket: str | None, found: settings.Settings, lang: Language, *, anyway: bool
) -> None:
    """Record that a person asked. What stops does not undo a deed, but may have been overlooked."""
    from todoku.cli import case as cases
    from todoku.cli.render.case_request import OBSTACLES
    from todoku.serve.orders import Ask, fresh_id

    # What was not looked up (--done asks no resolver) stops nothing.
    stops = [o for o in made.obstacles if o.stops]
    if stops and not anyway:
        what = (", " if lang == "en" else "、").join(
            OBSTACLES[o.kind]["short"][lang] for o in stops
        )
        raise Failure(say(WORDS["stopped"], lang, case=made.case, what=what), EX_DATAERR)
    order = Ask(
        id=fresh_id(),
        by=cases.me(),
        case=made.case,
        desk=made.desk,
        channel=made.channel,
        identities=made.identities,
        ticket=ticket,
        text=made.letter,
    )
    cases.done(order, found, lang)
    click.echo(say(WORDS["recorded"], lang, case=made.case))
