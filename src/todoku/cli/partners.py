"""`todoku partners`: the domains one sends to, which lists they were seen to use, and how sure that is.

    todoku partners learn /var/log/mail.log*
    todoku partners
    todoku partners partner.example
    todoku partners export > here.jsonl ; todoku partners import there.jsonl

Exit 0: told. 1: nothing is known yet, or a part could not be read. 64: wrong use.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from todoku.cli import EX_USAGE, Failure, options
from todoku.cli.render.text import harmless_json, short
from todoku.i18n import Language, Number, Words, say
from todoku.knowledge.schema import Compiled
from todoku.partners.keeping import Kept
from todoku.partners.kept_file import KeptError, has_file

if TYPE_CHECKING:
    from todoku.partners.forecast import Forecast
    from todoku.partners.habits import Told

WORDS: Final[Words] = {
    "nothing": {
        "ja": "取引先についてまだ何も学んでいません。配送ログを読ませてください: todoku partners learn /var/log/mail.log*",
        "en": "nothing was learned about partners yet. Let it read the mail logs: todoku partners learn "
        "/var/log/mail.log*",
    },
    "no-partner": {
        "ja": "{domain} への配送は、学んだログにありません。このドメインについては何も分かりません。{near}",
        "en": "what was learned holds no delivery to {domain}. Nothing is known of it. {near}",
    },
    "near": {"ja": "近いもの: {names}。", "en": "Near: {names}."},
    "taken-in": {
        "ja": "{n} 件の記録を取り込みました（新しいもの {new} 件）。取引先は {partners} 件です。",
        "en": "{n} {n:record|records} taken in, {new} of them new. There {partners:is|are} {partners} {partners:partner|partners} now.",
    },
    "forget": {
        "ja": "学んだことをすべて消します。元のログからもう一度学べますが、ほかのホストから取り込んだ分は取り込み直しが要ります。"
        "よければ --yes を付けてください。何も消していません。",
        "en": "this erases all that was learned. It can be learned anew from the logs; what came from other "
        "hosts must be taken in again. If you mean it, add --yes. Nothing was erased.",
    },
    "forgotten": {"ja": "学んだことをすべて消しました。", "en": "all that was learned is erased."},
    "html-of-one": {
        "ja": "--html は全取引先の地図を書きます。ドメインを付けずに実行してください。何も書いていません。",
        "en": "--html writes a map of all partners; name no domain with it. Nothing was written.",
    },
    "mx-of-all": {
        "ja": "--mx は 1 つのドメインについてだけ DNS に尋ねます。ドメインを付けてください。何も尋ねていません。",
        "en": "--mx asks the DNS about one domain: name it. Nothing was asked.",
    },
    "no-mx": {
        "ja": "{domain} の MX はリゾルバーから答えがなく、分かりません。",
        "en": "the resolver did not tell the MX of {domain}: it is not known.",
    },
    "no-file": {
        "ja": "{path} を読めません（{why}）。何も取り込んでいません。",
        "en": "cannot read {path} ({why}). Nothing was taken in.",
    },
}


_WITH_VALUE: Final = frozenset({"--data", "--config", "--lang", "--html"})


def _first_word(args: Sequence[str]) -> int | None:
    """The place of the first that is neither an option nor the value of one."""
    after = ""
    for n, word in enumerate(args):
        if not word.startswith("-") and after not in _WITH_VALUE:
            return n
        after = word
    return None


class Partners(click.Group):
    """A first word that is no command is a partner's domain."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        at = _first_word(args)
        if at is not None and args[at] in {"learn", *self.commands}:
            args = [args[at], *args[:at], *args[at + 1 :]]  # options may stand before its name
        elif at is not None or not {"-h", "--help"} & set(args):
            args = ["show", *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return ["learn", *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name == "learn":  # reads logs, which the others do not
            from todoku.cli.partners_learn import learn

            return learn
        return super().get_command(ctx, cmd_name)


@click.group(
    cls=Partners,
    short_help="Which lists the domains you send to use.",
    options_metavar="[OPTIONS] [DOMAIN]",
    subcommand_metavar="| COMMAND ...",
)
def partners() -> None:
    """The domains you send to: how much mail, who runs theirs, which lists they were seen to use, and
    how sure that is. With DOMAIN all that is known of one.

    Options of the list: see todoku partners show --help.
    """


@partners.command(short_help="All partners, or one (as without a command).")
@click.argument("domain", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a partner (NDJSON).")
@click.option("--csv", "as_csv", is_flag=True, help="One row a partner and list, for a table.")
@click.option(
    "--all", "everyone", is_flag=True, help="Show every partner, not those with most mail."
)
@click.option("--mx", is_flag=True, help="Ask the DNS which hosts take DOMAIN's mail today.")
@click.option(
    "--html",
    "html_file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write a map by gateway and list as one page, too.",
)
@options.config
@options.data
@options.lang
@click.pass_context
def show(
    ctx: click.Context,
    domain: str | None,
    as_json: bool,
    as_csv: bool,
    everyone: bool,
    mx: bool,
    html_file: Path | None,
    config: Path | None,
    data: Path | None,
    lang: Language,
) -> None:
    """All partners, those with the most mail first, and the lists that they named; or one partner."""
    from todoku import settings
    from todoku.partners import habits
    from todoku.settings.own import normal_name

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    if html_file is not None and domain is not None:
        raise Failure(say(WORDS["html-of-one"], lang), EX_USAGE)
    if mx and domain is None:
        raise Failure(say(WORDS["mx-of-all"], lang), EX_USAGE)
    folder = Path(found.general.data)
    if not has_file(folder):
        raise Failure(say(WORDS["nothing"], lang), 1)
    now = time.time()
    knowledge = knowledge_of(found)
    with Kept.open(folder) as kept:
        summary = kept.summary()
        if not summary.domains:
            raise Failure(say(WORDS["nothing"], lang), 1)
        if domain is None:
            view = kept.view(words=as_json or as_csv or html_file is not None)
        else:
            domain = normal_name(domain.rpartition("@")[2])
            if domain not in summary.domains:
                raise Failure(_nobody(domain, summary.domains, lang), 1)
            view = kept.view(habits.around(kept.lists(domain), holds_of(knowledge)))
        known = habits.habits(view, holds_of(knowledge), now, domain)
    place = None if domain is None else summary.place(domain)
    some = summary.partners if place is None else [summary.partner(place)]
    told = [habits.told(p, known.get(p.domain, ())) for p in some]
    if mx:
        told = [_asked(t, found, knowledge, lang) for t in told]
    if html_file is not None:
        from todoku.cli.render import partners_html
        from todoku.knowledge.catalogue import Catalogue

        text = partners_html.page(summary, told, Catalogue(knowledge), lang)
        partners_html.write(html_file, text)
    if as_json:
        for partner in told:
            sys.stdout.buffer.write(harmless_json(msgspec.json.encode(partner)) + b"\n")
        sys.stdout.buffer.flush()
        return
    from todoku.cli.render import partners as rendering
    from todoku.cli.render.page import Page
    from todoku.knowledge.catalogue import Catalogue

    c = Catalogue(knowledge)
    if as_csv:
        rendering.csv(told, sys.stdout)
        return
    page = Page.of_stdout()
    if domain is not None:
        lines = rendering.one(told[0], c, lang, page)
    else:
        lines = rendering.overview(summary, told, c, lang, page, everyone=everyone)
    for line in lines:
        page.write(line)
    page.close()


def _asked(t: Told, found: Any, knowledge: Compiled, lang: Language) -> Told:
    """With what the DNS says today."""
    from msgspec.structs import replace

    from todoku.cli.preflight_request import servers_of
    from todoku.partners.gates import Gates
    from todoku.serve.exchangers import NoAnswer, exchangers

    try:
        found_hosts = exchangers(t.domain, servers_of(found, None, lang)[0])
    except NoAnswer:
        click.echo(f"todoku: {say(WORDS['no-mx'], lang, domain=short(t.domain, 80))}", err=True)
        return t
    hosts = tuple(dict.fromkeys(short(h.host, 253) for h in found_hosts))
    gate = Gates(knowledge).of(hosts[0], t.domain) if hosts else ""
    return replace(t, mx=hosts, mx_gateway=gate or None)


def _nobody(domain: str, known: Iterable[str], lang: Language) -> str:
    import difflib

    close = difflib.get_close_matches(domain, list(known), n=3, cutoff=0.75)
    near = say(WORDS["near"], lang, names=", ".join(close)) if close else ""
    return say(WORDS["no-partner"], lang, domain=short(domain, 80), near=near).rstrip()


@partners.command(short_help="What is known, as JSON lines, for other hosts.")
@options.config
@options.data
@options.lang
@click.pass_context
def export(ctx: click.Context, config: Path | None, data: Path | None, lang: Language) -> None:
    """All that was learned here and taken in, as JSON lines on standard output. It holds no recipient's
    name; domains that you send to it does."""
    from todoku import settings
    from todoku.partners import sharing

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    folder = Path(found.general.data)
    if not has_file(folder):
        raise Failure(say(WORDS["nothing"], lang), 1)
    out = sys.stdout.buffer
    with Kept.open(folder) as kept:
        for line in sharing.lines(kept.rows()):
            out.write(harmless_json(line))
    out.flush()


@partners.command("import", short_help="Take in what other hosts exported.")
@click.argument("paths", nargs=-1, required=True, metavar="FILE|-...")
@click.option("--quiet", is_flag=True, help="Only errors.")
@options.config
@options.data
@options.lang
@click.pass_context
def import_(
    ctx: click.Context,
    paths: tuple[str, ...],
    quiet: bool,
    config: Path | None,
    data: Path | None,
    lang: Language,
) -> None:
    """Put what other hosts learned together with what was learned here. To take a file in again
    changes nothing; a newer one of the same host takes the place of the older."""
    from todoku import settings
    from todoku.partners import sharing

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    n = new = 0
    with Kept.open(Path(found.general.data)) as kept:
        with kept.merging() as merging:
            for path in paths:
                for copy in sharing.copies(_lines(path, lang), short(path, 200)):
                    n += 1
                    new += merging.take(*copy)
        there = len(kept.summary().domains)
    if not quiet:
        click.echo(
            say(WORDS["taken-in"], lang, n=Number(n), new=Number(new), partners=Number(there))
        )


def _lines(path: str, lang: Language) -> Iterator[bytes]:
    from todoku.partners import sharing

    if path == "-":
        yield from iter(lambda: sys.stdin.buffer.readline(sharing.LONGEST_LINE + 1), b"")
        return
    try:
        with Path(path).open("rb") as file:
            yield from iter(lambda: file.readline(sharing.LONGEST_LINE + 1), b"")
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        sentence = say(WORDS["no-file"], lang, path=short(path, 200), why=why)
        raise Failure(sentence, 74) from error


@partners.command(short_help="Erase all that was learned.")
@click.option("--yes", is_flag=True, help="Do it.")
@options.config
@options.data
@options.lang
@click.pass_context
def forget(
    ctx: click.Context, yes: bool, config: Path | None, data: Path | None, lang: Language
) -> None:
    """Erase all that was learned here, and all that was taken in."""
    from todoku import settings

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    if not yes:
        raise Failure(say(WORDS["forget"], lang), EX_USAGE)
    folder = Path(found.general.data)
    if has_file(folder):
        with Kept.open(folder) as kept:
            kept.forget()
    click.echo(say(WORDS["forgotten"], lang))


# ── for the neighbours ────────────────────────────────────────────────────────────────────────


def knowledge_of(found: Any) -> Compiled:
    """The knowledge with the user's own rules."""
    from todoku.cli import setup

    overlay = Path(found.knowledge.overlay)
    return setup.knowledge_of(overlay if overlay.is_dir() else None)


def holds_of(knowledge: Compiled) -> dict[str, str]:
    """Which lists are parts of which. What has no zone, and the name of which others of the same
    operator begin with, is what receivers say who do not tell which of them it was: "Spamhaus"."""
    from todoku.knowledge.load import lists_of

    lists = lists_of(knowledge)
    holds = {e.id: e.ask.part_of for e in lists if e.ask and e.ask.part_of}
    for whole in lists:
        if not whole.zones and whole.operator and whole.id not in holds:
            for e in lists:
                if e.operator == whole.operator and e.id.startswith(whole.id + "-"):
                    holds.setdefault(e.id, whole.id)
    return holds


def costing(
    folder: Path, knowledge: Compiled
) -> Callable[[Iterable[tuple[str, str]]], list[Forecast]] | None:
    """What listings (own identity, list) cost, the dearest first; `None` where nothing was learned. The
    file is opened for each question, in whichever thread it is put."""
    if not has_file(folder):
        return None

    def cost(listings: Iterable[tuple[str, str]]) -> list[Forecast]:
        from todoku.partners import forecast, habits

        asked = list(listings)
        holds = holds_of(knowledge)
        try:
            with Kept.open(folder) as kept:
                view = kept.view(habits.around((list_ for _, list_ in asked), holds))
                return (
                    forecast.cost(asked, holds, view, time.time()) if view.summary.domains else []
                )
        except KeptError:
            return []

    return cost
