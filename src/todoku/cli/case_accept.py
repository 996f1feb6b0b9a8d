"""`todoku case accept`: what came in and is not proven to be ours; a person says what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from todoku.cli import EX_USAGE, Failure, options
from todoku.cli.render.text import safe, short
from todoku.i18n import Language, Words, say

if TYPE_CHECKING:
    from todoku.settings import Privacy
    from todoku.store.unverified import Group

WORDS: Final[Words] = {
    "none": {"ja": "未確認のメールはありません。", "en": "There is no unverified mail."},
    "head": {
        "ja": "未確認（何も動かしていません）",
        "en": "Not verified (it moves nothing)",
    },
    "no-proof": {
        "ja": "自分のメールへの返送という証拠なし",
        "en": "no proof that it is about our mail",
    },
    "no-proof-report": {
        "ja": "利用者本人という証拠なし",
        "en": "no proof that a user of ours wrote it",
    },
    "delivered": {"ja": "ログでは配送済み", "en": "by our log it was delivered"},
    "not-our-address": {
        "ja": "設定 [own] にないアドレス",
        "en": "not our address: [own] does not name it",
    },
    "not-understood": {"ja": "読み取れない返送", "en": "a bounce that was not understood"},
    "no-place": {"ja": "届かない宛先が不明", "en": "does not tell where mail does not arrive"},
    "case": {"ja": "案件 {case} のもの", "en": "would be of case {case}"},
    "more": {"ja": "ほか {n} 種類", "en": "and {n} more kinds"},
    "how": {
        "ja": "自分のものなら todoku case accept ID、違うなら todoku case accept ID --not-ours"
        "（同じ内容をまとめて: --alike）",
        "en": "If it is yours: todoku case accept ID; if not: todoku case accept ID --not-ours (all that "
        "say the same: --alike)",
    },
    "opened": {
        "ja": "案件 {case} に記録しました。todoku case show {case}",
        "en": "Recorded in case {case}. todoku case show {case}",
    },
    "known": {"ja": "記録済みです。", "en": "It is recorded already."},
    "aside": {"ja": "自分のものではないと記録しました。", "en": "Noted as not ours."},
    "not-an-id": {
        "ja": "{value} は未確認のメールの ID ではありません（16 進 6 桁以上）。何も記録していません。",
        "en": "{value} is no id of an unverified mail (six hexadecimal digits or more). Nothing was "
        "recorded.",
    },
}


def lines(
    groups: Sequence[Group],
    count: int,
    named: Callable[[str], str],
    lang: Language,
    *,
    of_case: bool = False,
) -> Iterator[str]:
    """Those that wait, by what they say. `named`: receivers and lists, by their id. `of_case`: all are of
    one that is on the screen already."""
    yield WORDS["head"][lang]
    for group in groups:
        new = group.newest
        doubt = "no-proof-report" if (new.kind, new.doubt) == ("report", "no-proof") else new.doubt
        at = datetime.fromtimestamp(group.last).astimezone()
        what = ", ".join(new.identities[:3])
        if new.place:
            what = " ⇄ ".join(part for part in (what, named(new.place)) if part)
        parts = [f"{new.sha256[:8]}  {at:%m/%d %H:%M}", WORDS[doubt][lang]]
        parts += [safe(p) for p in (new.who or "", what) if p]
        if group.case is not None and not of_case:
            parts.append(say(WORDS["case"], lang, case=group.case))
        if group.count > 1:
            parts.append(f"×{group.count}")
        yield "  " + "  ".join(parts) + f"  {short(new.words, 60)}".rstrip()
    if count > len(groups):
        yield "  " + say(WORDS["more"], lang, n=count - len(groups))
    yield "  " + WORDS["how"][lang]


def shown(group: Group, privacy: Privacy, user: str) -> Group:
    """As this user may see it: whom mail was to is in the words."""
    from msgspec.structs import replace

    from todoku.cases.veil import veiled
    from todoku.serve.privacy import may_see

    if may_see(privacy, user):
        return group
    return replace(group, newest=replace(group.newest, words=veiled(group.newest.words)))


@click.command(name="accept", short_help="Say of unverified mail whether it is ours.")
@click.argument("message", required=False, metavar="[ID]")
@click.option("--not-ours", "foreign", is_flag=True, help="It is not about our mail; lay it aside.")
@click.option("--alike", is_flag=True, help="All that say the same, too.")
@click.option("--to", multiple=True, metavar="DOMAIN", help="Of a report: where mail is refused.")
@click.option("--json", "as_json", is_flag=True, help="Events, or what waits; one object a line.")
@options.config
@options.data
@options.lang
@click.pass_context
def accept(
    ctx: click.Context, /, message: str | None, foreign: bool, alike: bool, to: Sequence[str],
    config: Path | None, data: Path | None, as_json: bool, **_: Any,
) -> None:  # fmt: skip
    """Bounces that nothing proves to be of our mail, and reports that nothing proves to be of our
    users, are kept and move nothing. Without ID: which there are."""
    import msgspec

    from todoku import settings
    from todoku.cli import case_desk as cases
    from todoku.cli.case_report import domain
    from todoku.serve.orders import Accept, fresh_id
    from todoku.store.unverified import Unverified

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    if message is None:
        with cases.opened(ctx, config, data) as house:
            groups, count = Unverified(house.desk).groups()
            groups = [shown(group, found.privacy, cases.me()) for group in groups]
        if as_json:
            for group in groups:
                click.echo(msgspec.json.encode(group))
        elif not groups:
            click.echo(WORDS["none"][lang])
        else:
            for line in lines(groups, count, house.named, lang):
                click.echo(line)
        return
    if not (6 <= len(message) <= 64 and all(c in "0123456789abcdefABCDEF" for c in message)):
        sentence = say(WORDS["not-an-id"], lang, value=short(message, 40))
        raise Failure(sentence, EX_USAGE)
    order = Accept(
        id=fresh_id(), by=cases.me(), message=message, ours=not foreign, alike=alike,
        to=tuple(domain(text, lang) for text in to),
    )  # fmt: skip
    recorded = cases.done(order, found, lang)
    if as_json:
        cases.print_json(recorded)
    elif foreign:
        click.echo(WORDS["aside"][lang])
    elif not recorded:
        click.echo(WORDS["known"][lang])
    for number in dict.fromkeys(r.case for r in recorded if not as_json):
        click.echo(say(WORDS["opened"], lang, case=number))
