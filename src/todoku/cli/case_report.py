"""`todoku report` and `todoku case open`: a case begins with what a user says, or an administrator."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any, Final

import click

from todoku import settings
from todoku.cli import EX_USAGE, Failure, case_desk, options
from todoku.cli.case_desk import common, done, me, now, print_json, read
from todoku.cli.render.text import short
from todoku.i18n import Language, Words, say
from todoku.settings import table

WORDS: Final[Words] = {
    "nothing": {
        "ja": '何も渡されていません。利用者の言葉（todoku report "届きません" --to hotmail.com）か、拒否の返信'
        "（--refusal FILE）を渡してください。",
        "en": 'nothing was given. Give the words of the user (todoku report "it does not arrive" --to '
        "hotmail.com) or the refusal (--refusal FILE).",
    },
    "not-an-address": {
        "ja": "{option} {value} はメールアドレスではありません。何も記録していません。",
        "en": "{option} cannot be {value}, which is no mail address. Nothing was recorded.",
    },
    "not-a-domain": {
        "ja": "--to {value} はドメインでもメールアドレスでもありません。何も記録していません。",
        "en": "--to cannot be {value}, which is neither a domain nor a mail address. Nothing was "
        "recorded.",
    },
    "not-a-time": {
        "ja": "--since {value} は日時として読めません。09:12（今日）、2026-11-24、2026-11-24T09:12 のように指定"
        "してください。何も記録していません。",
        "en": "--since cannot be {value}. Give 09:12 (today), 2026-11-24 or 2026-11-24T09:12. Nothing was "
        "recorded.",
    },
    "future": {
        "ja": "--since {value} はまだ来ていません。何も記録していません。",
        "en": "--since cannot be {value}, which is still to come. Nothing was recorded.",
    },
    "silent": {
        "ja": "設定 [mail] sender がないため、申告した人には知らせません。探査もしません。",
        "en": "[mail] sender is not set: nobody will be told, and nothing will be probed.",
    },
}


def _reporting(command: Any) -> Any:
    for option in (
        click.option("--to", multiple=True, metavar="DOMAIN", help="Where it does not arrive."),
        click.option("--who", metavar="ADDRESS", help="Whom to tell when it works again."),
        click.option("--name", metavar="NAME", help="That person's name."),
        click.option(
            "--refusal",
            type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
            metavar="FILE|-",
            help="The bounce, or the reply of the server.",
        ),
        click.option("--since", metavar="WHEN", help="Since when: 09:12, 2026-11-24, or both."),
    )[::-1]:
        command = option(command)
    return command


@click.command(short_help="A user says that mail does not arrive.")
@click.argument("words", required=False, default="")
@_reporting
@common
def report(
    ctx: click.Context, /, words: str, config: Path | None, data: Path | None, **given: Any
) -> None:
    """A user says that mail does not arrive. WORDS are his own."""
    if not words and given["refusal"] is None:
        raise Failure(say(WORDS["nothing"], given["lang"]), EX_USAGE)
    _record(ctx, config, data, words=words, identities=(), by=None, **given)


@click.command(name="open", short_help="Open a case by hand.")
@click.argument("identities", nargs=-1, metavar="[IDENTITY]...")
@click.option("--words", default="", metavar="TEXT", help="What is known of it.")
@_reporting
@common
def open_(
    ctx: click.Context, /, identities: Sequence[str], config: Path | None, data: Path | None,
    **given: Any,
) -> None:  # fmt: skip
    """Open a case by hand. IDENTITY is an address, range or name of yours."""
    from todoku.serve.reporting import identities_of

    _record(ctx, config, data, identities=identities_of(identities), by=me(), **given)


def _record(
    ctx: click.Context,
    config: Path | None,
    data: Path | None,
    *,
    as_json: bool,
    to: Sequence[str],
    who: str | None,
    since: str | None,
    refusal: Path | None,
    **more: Any,
) -> None:
    from todoku.serve.orders import Report, fresh_id

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    if who is not None and table.mailbox(who) is None:
        value = short(who, 60)
        raise Failure(say(WORDS["not-an-address"], lang, option="--who", value=value), EX_USAGE)
    order = Report(
        **more | {"lang": lang},
        id=fresh_id(),
        who=who,
        to=tuple(domain(text, lang) for text in to),
        since=None if since is None else moment(since, now(found), lang),
        refusal=None if refusal is None else read(refusal),
    )
    recorded = done(order, found, lang)
    if as_json:
        print_json(recorded)
        return
    for number in dict.fromkeys(r.case for r in recorded):
        click.echo(say(case_desk.WORDS["opened"], lang, case=number))
    if found.mail.sender is None:
        click.echo(f"todoku: {say(WORDS['silent'], lang)}", err=True)


def domain(text: str, lang: Language) -> str:
    from todoku.serve import orders

    found = orders.domain(text)
    if found is None:
        raise Failure(say(WORDS["not-a-domain"], lang, value=short(text, 60)), EX_USAGE)
    return found


def moment(text: str, now: datetime, lang: Language) -> datetime:
    """A moment of the past: an hour of today, a day (its beginning), or both; in this machine's zone
    where none is given."""
    local = now.astimezone()
    try:
        if re.fullmatch(r"\d{1,2}:\d\d", text):
            hour, minute = map(int, text.split(":"))
            found = datetime.combine(local.date(), time(hour, minute))
        else:
            found = datetime.fromisoformat(text)
        found = found.astimezone(UTC)
    except (ValueError, OverflowError):
        sentence = say(WORDS["not-a-time"], lang, value=short(text, 40))
        raise Failure(sentence, EX_USAGE) from None
    if found > now:
        raise Failure(say(WORDS["future"], lang, value=short(text, 40)), EX_USAGE)
    return found
