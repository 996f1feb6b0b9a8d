"""`todoku case request`: what the desk is asked, ready to be copied, and what is in the way.

todoku case request 12
todoku case request 12 --cause "open relay" --mended "closed it, looked through the queue"
todoku case request 12 --done --ticket 7096915173
todoku case request 12 --send                     # to a desk that takes mail; asks before
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
    from collections.abc import Sequence
    from datetime import datetime

    from todoku.cases.records import Recorded
    from todoku.cases.requesting import Draft
    from todoku.cli.case_desk import Opened
    from todoku.lists.values import Server

EX_DATAERR: Final = 65
EX_CONFIG: Final = 78

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
    "one": {
        "ja": "--send と --done は一緒に使えません（--done は自分で提出したことの記録です）。何も記録していません。",
        "en": "--send and --done cannot both be given: --done records what you filed yourself. Nothing was "
        "recorded.",
    },
    "send-alone": {
        "ja": "{option} は --send と一緒に使います。何も記録していません。",
        "en": "{option} goes with --send. Nothing was recorded.",
    },
    "not-mail": {
        "ja": "案件 {case}: {desk} はメールでの依頼を受け付けないため、todoku からは送れません（{where}）。何も記録して"
        "いません。提出したら --done で記録してください。",
        "en": "case {case}: {desk} takes no requests by mail, so todoku cannot send this ({where}). Nothing "
        "was recorded. File it there, and record that with --done.",
    },
    "keeps": {
        "ja": "案件 {case}: 送る前に片付けることがあります（{what}）。何も送っていません。詳しくは todoku case request "
        "{case}",
        "en": "case {case}: something is in the way of sending it ({what}). Nothing was sent. More: todoku "
        "case request {case}",
    },
    "no-sender": {
        "ja": "設定 [mail] sender がないため、手紙を送れません。何も記録していません。",
        "en": "[mail] sender of the settings is not set, so no letter can be sent. Nothing was recorded.",
    },
    "gaps": {
        "ja": "{path} に「{gap}」が残っています。何も送っていません。",
        "en": "{path} still has {gap}. Nothing was sent.",
    },
    "not-text": {
        "ja": "{path} を手紙として読めません（空か、UTF-8 の文字ではありません）。何も送っていません。",
        "en": "{path} cannot be read as a letter (it is empty, or no UTF-8 text). Nothing was sent.",
    },
    "confirm": {
        "ja": "この手紙を {to} に送りますか?（差出人 {sender}）",
        "en": "Send this letter to {to}? (from {sender})",
    },
    "unconfirmed": {
        "ja": "端末でないため、確認できません。この手紙でよければ --yes を付けてください。何も送っていません。",
        "en": "this is no terminal, so nobody can be asked. If the letter is right, add --yes. Nothing was "
        "sent.",
    },
    "left": {
        "ja": "何も送らず、何も記録していません。",
        "en": "Nothing was sent, and nothing was recorded.",
    },
    "sent": {
        "ja": "送りました（メールサーバーが {to} への手紙を受け取りました）。todoku case show {case}",
        "en": "Sent: our mail server has the letter to {to}. todoku case show {case}",
    },
    "waits": {
        "ja": "案件 {case} に記録しました。動いている todoku serve が {to} へ送ります。todoku case show {case}",
        "en": "Recorded in case {case}. The todoku serve that runs sends it to {to}. todoku case show {case}",
    },
    "needs-serve": {
        "ja": "案件 {case} に記録しました。{to} への手紙は、todoku serve が動いたときに送られます。todoku case show "
        "{case}",
        "en": "Recorded in case {case}. The letter to {to} goes out when todoku serve runs. todoku case show "
        "{case}",
    },
}
SOON: Final = 5.0
"""Seconds for a running `serve` to have it sent."""


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
@click.option("--send", is_flag=True, help="Send it, where the desk takes mail. Asks before.")
@click.option("--yes", is_flag=True, help="With --send: do not ask.")
@click.option(
    "--letter",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    metavar="FILE|-",
    help="With --send: these words instead of the draft's.",
)
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
    """What to ask the desk of case NUMBER, ready to be copied; nothing is sent without --send.

    IDENTITY: only these addresses of it. The desk's words: `todoku case answer`.
    """
    from todoku.cli import case_desk as cases
    from todoku.serve.orders import Cause, fresh_id

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    _fits_together(given, found, lang)
    if given["cause"] or given["looked"] or given["mended"]:
        learnt = {key: given[key] for key in ("cause", "looked", "mended")}
        order = Cause(id=fresh_id(), by=cases.me(), case=number, **learnt)
        cases.done(order, found, lang)
    with cases.opened(ctx, config, data) as house:
        made = _draft(house, number, identities, given["desk"], offline=offline or given["done"])
        thread = house.desk.case(number).thread
    if given["done"]:
        _filed(made, given["ticket"], found, lang, anyway=given["anyway"])
    elif given["send"]:
        text = None if given["letter"] is None else _words(given["letter"], made, lang)
        _send(made, text, thread, house, found, ask=not given["yes"], as_json=as_json)
    elif as_json:
        sys.stdout.buffer.write(harmless_json(msgspec.json.encode(made)) + b"\n")
    else:
        from todoku.cli.render import case_request as screen

        for line in screen.draft(made, lang, house.named):
            click.echo(line)


def _fits_together(given: dict[str, Any], found: settings.Settings, lang: Language) -> None:
    if given["ticket"] and not given["done"]:
        raise Failure(say(WORDS["ticket-alone"], lang), EX_USAGE)
    if given["send"] and given["done"]:
        raise Failure(say(WORDS["one"], lang), EX_USAGE)
    for option in ("yes", "letter"):
        if given[option] and not given["send"]:
            raise Failure(say(WORDS["send-alone"], lang, option=f"--{option}"), EX_USAGE)
    if given["send"] and found.mail.sender is None:
        raise Failure(say(WORDS["no-sender"], lang), EX_CONFIG)


def _draft(
    house: Opened, number: int, identities: tuple[str, ...], named: str | None, *, offline: bool
) -> Draft:
    from todoku.cases.requesting import Facts, choose, draft
    from todoku.cli import case_desk as cases
    from todoku.serve.reporting import identities_of
    from todoku.serve.reversing import reverse_of
    from todoku.serve.writing import elsewhere
    from todoku.settings.table import endpoint

    case = house.desk.case(number)
    try:
        chosen = choose(case, house.knowledge, named)
    except KeyError:
        raise Failure(_unknown(house, named or ""), EX_DATAERR) from None
    addresses = [s.identity.value for s in case.standings if s.identity.kind == "ip"]
    reverse = {} if offline else reverse_of(addresses, _resolvers(house.settings))
    relay = house.settings.cases.desk_relay
    free = elsewhere(endpoint(relay, 25) if relay else None, case, dict(house.settings.own.nat))
    facts = Facts(
        own=house.settings.own, contact=house.settings.contact, reverse=reverse, elsewhere=free
    )
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
    from todoku.cli import case_desk as cases
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
    cases.record(order, found, lang, made.case)


def _words(path: Path, made: Draft, lang: Language) -> str:
    """A letter that the person has put into words of his own."""
    from todoku.cases.requesting.letters import WORDS as LETTER
    from todoku.cli import case_desk as cases

    try:
        text = cases.read(path).decode()
    except UnicodeDecodeError:
        text = ""
    if not text.strip():
        raise Failure(say(WORDS["not-text"], lang, path=path), EX_DATAERR)
    gap = LETTER["missing"][made.language]
    if gap in text:
        raise Failure(say(WORDS["gaps"], lang, path=path, gap=gap), EX_DATAERR)
    return text.replace("\r\n", "\n")


def _send(
    made: Draft,
    text: str | None,
    thread: tuple[str, ...],
    house: Opened,
    found: settings.Settings,
    *,
    ask: bool,
    as_json: bool,
) -> None:
    """Have the letter sent, once a person has seen it."""
    from msgspec.structs import replace

    from todoku.cases.requesting import compose, keeps
    from todoku.cases.requesting.composing import NOT_MAIL
    from todoku.cli import case_desk as cases
    from todoku.cli.render import case_request as screen
    from todoku.serve.orders import Ask, fresh_id

    lang = house.lang
    kept = keeps(made, by_itself=False)
    if kept == (NOT_MAIL,):
        where = short(made.url or say(screen.CHANNELS[made.channel], lang, where=""), 100)
        words = {"case": made.case, "desk": made.desk_name, "where": where}
        raise Failure(say(WORDS["not-mail"], lang, **words), EX_DATAERR)
    if text is not None:  # his own words may fill the gaps
        kept = tuple(kind for kind in kept if kind != "gaps")
        made = replace(made, letter=text, translation=None)
    if kept:
        what = (", " if lang == "en" else "、").join(screen.short_words(k, lang) for k in kept)
        raise Failure(say(WORDS["keeps"], lang, case=made.case, what=what), EX_DATAERR)
    letter = compose(made, found.contact, thread)
    if ask:
        for line in screen.draft(made, lang, house.named, sending=True):
            click.echo(line)
        if not _terminal():
            raise Failure(say(WORDS["unconfirmed"], lang), EX_USAGE)
        if not click.confirm(say(WORDS["confirm"], lang, to=letter.to, sender=letter.sender)):
            click.echo(WORDS["left"][lang])
            return
    order = Ask(
        id=fresh_id(),
        by=cases.me(),
        case=made.case,
        desk=made.desk,
        channel="mail",
        identities=made.identities,
        text=made.letter,
        letter=letter,
    )
    recorded = cases.done(order, found, lang)
    if as_json:
        cases.print_json(recorded)
        return
    key = _what_came(made.case, recorded, found, lang)
    click.echo(say(WORDS[key], lang, case=made.case, to=letter.to))


def _terminal() -> bool:
    return sys.stdin.isatty()


def _at_work(path: Path) -> bool:
    """Whether a `serve` listens there: one that was killed leaves its socket."""
    import socket

    from todoku.serve.orders import reachable

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
        line.settimeout(1)
        try:
            with reachable(path) as address:
                line.connect(address)
        except OSError:
            return False
    return True


def _what_came(
    number: int, recorded: Sequence[Recorded], found: settings.Settings, lang: Language
) -> str:
    """Whether a running `serve` has sent it within a moment."""
    import time

    from todoku.cases.events import Escalated, Requested, Sent
    from todoku.cli import case_desk as cases
    from todoku.serve.orders import SOCKET

    if not _at_work(Path(found.general.data) / SOCKET):
        return "needs-serve"
    asked = (e.event for e in recorded if isinstance(e.event, Requested | Escalated))
    message_id = next((event.message_id for event in asked), None)
    until = time.monotonic() + SOON
    with cases.at_desk(found, lang) as house:
        while time.monotonic() < until:
            events = [each.event for each in house.desk.history(number)]
            if any(isinstance(e, Sent) and e.message_id == message_id for e in events):
                return "sent"
            time.sleep(0.2)
    return "waits"
