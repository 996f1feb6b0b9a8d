"""`todoku case hold`: the lines by which mail for a receiver waits in one's own Postfix.

todoku case hold 12                # what to apply, and how to undo it; nothing is changed
todoku case hold 12 --done         # applied: the case reminds of it
todoku case hold 12 --slow         # instead: mail goes, one message after the other
todoku case hold 12 --released     # taken back
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from todoku import settings
from todoku.cli import case_way, options
from todoku.cli.render.text import harmless_json
from todoku.i18n import Language, Words, say

if TYPE_CHECKING:
    from todoku.cases.case import Case

WORDS: Words = {
    "slowly": {"ja": "{domains}（少しずつ送る）", "en": "{domains} (slowly)"},
    "then": {
        "ja": "# 適用したら: todoku case hold {case}{more} --done　元に戻したら: todoku case hold {case} --released\n"
        "# すでに差出人に返ったメール: todoku case show {case} --affected",
        "en": "# When applied: todoku case hold {case}{more} --done   when undone: todoku case hold {case} "
        "--released\n# What came back to its senders already: todoku case show {case} --affected",
    },
}


@click.command(name="hold", short_help="Let mail for the receiver wait in your Postfix.")
@case_way.case_and_domains
@case_way.postconf
@click.option(
    "--lifetime",
    type=click.IntRange(1, 100),
    default=5,
    show_default=True,
    metavar="DAYS",
    help="Your maximal_queue_lifetime.",
)
@click.option("--slow", is_flag=True, help="It does not wait; it goes slowly.")
@case_way.applied
@click.pass_context
def hold(
    ctx: click.Context, /, number: int, domains: tuple[str, ...], postconf: str, lifetime: int,
    slow: bool, done: bool, released: bool, as_json: bool, config: Path | None, data: Path | None, lang: Language,
) -> None:  # fmt: skip
    """Let mail for the receiver of case NUMBER wait in your Postfix; DOMAIN: for these alone.

    Prints what to apply and how to undo it, and changes nothing.
    """
    from todoku.cases.holding import holding, script, slow_script, typed
    from todoku.cli import case_desk as cases
    from todoku.serve.orders import Hold, Release, fresh_id

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    domains = typed(domains)
    case_way.not_both(done, released, lang)
    if released:
        release = Release(id=fresh_id(), by=cases.me(), case=number)
        cases.record(release, found, lang, number)
        return
    with cases.opened(ctx, config, data) as house:
        now = cases.now(house.settings).astimezone()
        days = timedelta(days=lifetime)
        case = house.desk.case(number)
        delay, advice = _volumes(case, lang)
        named = domains or case_way.seen_in_logs(house, case).domains
        made = holding(case, now, named, days, postconf, delay)
    if done:
        how = ", ".join(made.domains)
        order = Hold(
            id=fresh_id(), by=cases.me(), case=number,
            how=say(WORDS["slowly"], lang, domains=how) if slow else how,
            until=None if slow else made.until,
        )  # fmt: skip
        cases.record(order, found, lang, number)
    elif as_json:
        sys.stdout.buffer.write(harmless_json(msgspec.json.encode(made)) + b"\n")
    else:
        text = script(made, lang, now, days, advice)
        if slow:
            text = slow_script(made, lang, delay, advice)
        case_way.echo(text)
        more = " --slow" if slow else ""
        click.echo(say(WORDS["then"], lang, case=number, more=more))


def _volumes(case: Case, lang: Language) -> tuple[int, tuple[str, ...]]:
    """Seconds between two messages, within what the receiver documents; and what it says of volumes."""
    from todoku.cases.holding import DELAY
    from todoku.preflight import data

    theirs = {case.place and case.place.id, case.diagnosis and case.diagnosis.receiver}
    known = next((w for w in data.warm_up().receivers if w.receiver in theirs), None)
    if known is None:
        return DELAY, ()
    day = 86_400
    delay = DELAY if known.per_day is None else max(DELAY, -(-day // known.per_day))
    return delay, tuple(getattr(each.text, lang) for each in known.advice)
