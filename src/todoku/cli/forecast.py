"""`todoku forecast`: what a listing would cost; without a list, which of the present listings matter.

    todoku forecast --list spamhaus-zen
    todoku forecast --list zen.spamhaus.org --identity 192.0.2.1 --json
    todoku forecast

Exit 0: told. 1: nothing is known yet. 64: wrong use.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from todoku.cli import EX_USAGE, Failure, options
from todoku.cli.render.text import harmless_json, short
from todoku.i18n import Language, Words, say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from todoku.knowledge.catalogue import Catalogue
    from todoku.partners.forecast import Forecast
    from todoku.partners.keeping import Kept

WORDS: Final[Words] = {
    "bad-list": {
        "ja": "{name} というリストは知識にも、取引先の応答にもありません。{near}一覧: todoku knowledge show",
        "en": "neither the knowledge nor any partner's reply knows a list {name}. {near}All of them: todoku "
        "knowledge show",
    },
    "near": {"ja": "近いもの: {names}。", "en": "Near: {names}. "},
    "bad-identity": {
        "ja": "{value} は IP アドレスではありません。--identity には自分の送信元アドレスを書いてください。",
        "en": "{value} is no IP address. --identity takes an address of yours that mail leaves from.",
    },
    "no-mail-from": {
        "ja": "{value} から送ったメールは学んだログにありません（どのアドレスから出たかは [own] で決まります）。{known}",
        "en": "what was learned holds no mail from {value} (which address mail left from follows from [own]). "
        "{known}",
    },
    "known": {"ja": "あるもの: {names}。", "en": "There is mail from: {names}."},
    "none-known": {
        "ja": "送信元アドレスの分かるメールがありません。",
        "en": "Of no mail it is known which address it left from.",
    },
    "never-checked": {
        "ja": "どのリストに載っているか、まだ調べたことがありません。先に todoku check を実行してください。"
        "特定のリストの損失: todoku forecast --list リスト",
        "en": "no address was ever checked, so no listing is known. First run: todoku check ADDRESS. What one "
        "list would cost: todoku forecast --list LIST",
    },
    "not-listed": {
        "ja": "最後に調べた時点で、載っているリストはありません。特定のリストの損失: todoku forecast --list リスト",
        "en": "You are on no list, as last seen. What one list would cost: todoku forecast --list LIST",
    },
}


@click.command(short_help="What a listing would cost, and which of the present ones matter.")
@click.option(
    "--list", "lists", multiple=True, metavar="LIST", help="An id, zone or name of a list."
)
@click.option("--identity", metavar="IP", help="Count mail from this address of yours alone.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a list (NDJSON).")
@options.config
@options.data
@options.lang
@click.pass_context
def forecast(
    ctx: click.Context,
    lists: tuple[str, ...],
    identity: str | None,
    as_json: bool,
    config: Path | None,
    data: Path | None,
    lang: Language,
) -> None:
    """What a listing would cost you: whose mail would be refused, how much, and how sure that is.

    Without --list: of the lists on which your addresses stand now (as todoku check saw them last), which
    ones matter to those you write to, in that order.
    """
    from todoku import settings
    from todoku.cli.partners import WORDS as PARTNERS
    from todoku.cli.partners import holds_of, knowledge_of
    from todoku.knowledge.catalogue import Catalogue
    from todoku.lists.kept_file import has_file as was_checked
    from todoku.partners.keeping import Kept
    from todoku.partners.kept_file import has_file

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    folder = Path(found.general.data)
    if not has_file(folder):
        raise Failure(say(PARTNERS["nothing"], lang), 1)
    knowledge = knowledge_of(found)
    c = Catalogue(knowledge)
    holds = holds_of(knowledge)
    with Kept.open(folder) as kept:
        if identity is not None:
            identity = _identity(identity, kept, lang)
        if lists:
            told = _of_lists([_list(x, c, kept, lang) for x in lists], identity, kept, holds)
        else:
            told = _of_listings(folder, identity, kept, holds)
        if not (told[0].partners if told else kept.summary().domains):
            raise Failure(say(PARTNERS["nothing"], lang), 1)
    if not lists and not was_checked(folder):
        raise Failure(say(WORDS["never-checked"], lang), 1)
    if as_json:
        for f in told:
            sys.stdout.buffer.write(harmless_json(msgspec.json.encode(f)) + b"\n")
        sys.stdout.buffer.flush()
        return
    if not told:
        click.echo(say(WORDS["not-listed"], lang))
        return
    from todoku.cli.render import forecast as rendering
    from todoku.cli.render.page import Page

    page = Page.of_stdout()
    if lists:
        for n, f in enumerate(told):
            if n:
                page.write("")
            for line in rendering.one(f, c, lang, page):
                page.write(line)
    else:
        for line in rendering.listings(told, c, lang, page):
            page.write(line)
    page.close()


def _of_lists(
    lists: Sequence[str], identity: str | None, kept: Kept, holds: Mapping[str, str]
) -> list[Forecast]:
    from todoku.partners import forecast as model
    from todoku.partners import habits

    view = kept.view(habits.around(lists, holds))
    now = time.time()
    return [
        model.forecast(habits.family(list_, holds), view, now, identity=identity)
        for list_ in dict.fromkeys(lists)
    ]


def _of_listings(
    folder: Path, identity: str | None, kept: Kept, holds: Mapping[str, str]
) -> list[Forecast]:
    """Of the listings that `todoku check` saw last; none where it never ran."""
    from todoku.lists.kept import Kept as Checked
    from todoku.lists.kept_file import has_file as was_checked
    from todoku.partners import forecast as model
    from todoku.partners import habits, listings

    if not was_checked(folder):
        return []
    with Checked.open(folder) as checked:
        known = checked.standings({c.identity for c in checked.history()})
    found = [
        x for x in listings.present(known) if identity is None or x[0].value == identity
    ]  # fmt: skip
    since = {(i.value, list_): s.first_seen for i, list_, s in found}
    view = kept.view(habits.around((list_ for _, list_, _ in found), holds))
    told = model.cost(since, holds, view, time.time())
    return [model.dated(f, since) for f in told]


def _list(name: str, c: Catalogue, kept: Kept, lang: Language) -> str:
    """The id of a list by whatever a person calls it."""
    import difflib

    named = c.named(name)
    for kind in ("list", "receiver"):  # a receiver's own list has its name
        for found, id_, _ in named:
            if found == kind:
                return id_
    low = name.lower().strip()
    if low in kept.lists():
        return low
    close = difflib.get_close_matches(low, sorted({*c.lists, *kept.lists()}), n=3, cutoff=0.5)
    near = say(WORDS["near"], lang, names=", ".join(close)) if close else ""
    raise Failure(say(WORDS["bad-list"], lang, name=short(name, 60), near=near), EX_USAGE)


def _identity(value: str, kept: Kept, lang: Language) -> str:
    from todoku.settings.own import normal_ip

    ip = normal_ip(value)
    if ip is None:
        raise Failure(say(WORDS["bad-identity"], lang, value=short(value, 60)), EX_USAGE)
    sources = sorted(filter(None, kept.summary().by_source))
    if ip not in sources:
        names = ", ".join(sources[:10])
        known = say(WORDS["known" if sources else "none-known"], lang, names=names)
        raise Failure(say(WORDS["no-mail-from"], lang, value=ip, known=known), EX_USAGE)
    return ip
