"""`todoku preflight`: whether a server may begin to send from an address, the day before it does.

    todoku preflight --ip 203.0.113.9 --old 192.0.2.1 --domain example.jp --helo mx1.example.jp

Exit 0: go. 1: go with care. 2: no go, something is to be mended first. 3: what decides is not known.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click
import msgspec

from todoku import settings
from todoku.cli import EX_USAGE, Failure, check_lists, options
from todoku.cli import preflight_request as request
from todoku.cli.render.text import harmless_json
from todoku.i18n import Language, say
from todoku.lists.kept import Kept
from todoku.lists.kept_file import KeptError
from todoku.lists.values import Server
from todoku.preflight.values import EXIT, Subject
from todoku.settings import Settings

if TYPE_CHECKING:
    from todoku.preflight.fetch import Fetching
    from todoku.preflight.outgoing import Way

DEADLINE: Final = 15.0
"""Seconds; what is later is not known."""
PROBING: Final = 90.0
"""Seconds, where receivers are probed: many let one wait, and each is asked once in six hours."""


@click.command(short_help="Whether a server may begin to send from an address.")
@click.option("--ip", required=True, metavar="ADDRESS", help="The address that is to send.")
@click.option("--old", metavar="ADDRESS", help="The address that sends today, to compare with.")
@click.option("--domain", "domains", multiple=True, metavar="DOMAIN", help="A domain that sends.")
@click.option("--helo", metavar="NAME", help="What the server says in EHLO.")
@click.option("--selector", "selectors", multiple=True, metavar="S", help="A DKIM selector.")
@click.option("--resolver", metavar="HOST[:PORT]", help="The resolver to ask.")
@click.option("--direct", is_flag=True, help="Ask each blocklist's own name servers.")
@click.option(
    "--from-host",
    is_flag=True,
    help="This is the new host: connect to receivers (greeting and EHLO, no mail).",
)
@click.option(
    "--fetch",
    is_flag=True,
    help="Meet your own web and mail servers, too: MTA-STS policy, certificates (DANE), contact "
    "page, abuse@ and postmaster@ (RCPT TO, no mail).",
)
@click.option(
    "--probe",
    is_flag=True,
    help="With --from-host: ask each big receiver whether it takes mail (MAIL FROM, no mail), once in "
    "six hours.",
)
@click.option(
    "--partner", "partners", multiple=True, metavar="DOMAIN", help="Probe this domain, too."
)
@click.option(
    "--mailbox",
    "mailboxes",
    multiple=True,
    metavar="ADDRESS",
    help="A mailbox of your own at one of them: RCPT TO goes to no other.",
)
@click.option("--sender", metavar="ADDRESS", help="An address of yours, for MAIL FROM.")
@click.option(
    "--arrived",
    multiple=True,
    metavar="DOMAIN",
    help="Real mail from --ip has arrived in a mailbox of yours there.",
)
@click.option(
    "--logs",
    multiple=True,
    type=click.Path(),
    metavar="PATH",
    help="Your mail log, file or folder: the warm-up starts from what you send today.",
)
@click.option("--list", "lists", multiple=True, metavar="LIST", help="Ask this blocklist alone.")
@click.option(
    "--deadline",
    type=click.FloatRange(min=0.1, max=600),
    metavar="SECONDS",
    help=f"What is later is not known.  [default: {DEADLINE:g}; with --probe {PROBING:g}]",
)
@click.option(
    "--html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Write the report as one HTML file, too.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, at the end.")
@click.option("--quiet", is_flag=True, help="Only errors and the exit code (and --json).")
@options.config
@options.data
@options.lang
@click.pass_context
def preflight(
    ctx: click.Context,
    /,
    ip: str,
    old: str | None,
    domains: tuple[str, ...],
    helo: str | None,
    selectors: tuple[str, ...],
    resolver: str | None,
    direct: bool,
    from_host: bool,
    fetch: bool,
    probe: bool,
    partners: tuple[str, ...],
    mailboxes: tuple[str, ...],
    sender: str | None,
    arrived: tuple[str, ...],
    logs: tuple[str, ...],
    lists: tuple[str, ...],
    deadline: float | None,
    html: Path | None,
    as_json: bool,
    quiet: bool,
    config: Path | None,
    data: Path | None,
    lang: Language,
) -> None:
    """Whether a server may begin to send from an address: lists, names, SPF, DKIM, DMARC and what
    the big receivers ask. Asks the DNS alone (but with --fetch and --from-host); no mail is sent."""
    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    subject = request.subject_of(found, ip, old, domains, helo, selectors, lang)
    servers = request.servers_of(found, resolver, lang)
    direct = direct or (found.dns.direct and resolver is None)
    given = request.given_of(probe, partners, mailboxes, sender, arrived, lang)
    subject = request.also_written(subject, (*partners, *arrived), lang)
    deadline = deadline or (PROBING if probe else DEADLINE)
    ask = _Asking(servers, direct, lists, deadline, from_host, fetch, given, logs)
    ctx.exit(_run(found, subject, ask, html, as_json, quiet, lang))


class _Asking(NamedTuple):
    """Whom to ask, which lists (those of a plain `todoku check` where none is named), how long."""

    servers: tuple[Server, ...]
    direct: bool
    lists: tuple[str, ...]
    deadline: float
    from_host: bool
    fetch: bool
    given: request.Given
    logs: tuple[str, ...]


# ── the run ───────────────────────────────────────────────────────────────────────────────────


def _run(
    found: Settings,
    subject: Subject,
    ask: _Asking,
    page: Path | None,
    as_json: bool,
    quiet: bool,
    lang: Language,
) -> int:
    from todoku.cli.partners import costing
    from todoku.cli.render.preflight import Screen
    from todoku.cli.setup import knowledge_of
    from todoku.knowledge.load import lists_of
    from todoku.lists.plan import Book
    from todoku.preflight import data
    from todoku.preflight.report import made
    from todoku.preflight.running import Run, World
    from todoku.preflight.trials import Trying

    overlay = Path(found.knowledge.overlay)
    knowledge = knowledge_of(overlay if overlay.is_dir() else None)
    book = Book(lists_of(knowledge))
    terms = check_lists.terms_of(found, book)
    chosen = check_lists.choose(book, terms, lists=ask.lists)
    if chosen.unknown:
        wrong = [check_lists.no_list(book, name, lang) for name in chosen.unknown]
        raise Failure("\n".join(wrong), EX_USAGE)
    way = _way(found, subject.ip) if ask.from_host else None
    trying = Trying(None)
    if any(ask.given):
        from todoku.cli import preflight_probe

        trying = preflight_probe.trying(
            found, knowledge, subject, ask.given, way, ask.servers[0], ask.deadline, lang
        )
    world = World(
        servers=ask.servers,
        deadline=ask.deadline,
        knowledge=knowledge,
        terms=terms,
        lists=chosen.ids,
        required=chosen.required,
        direct=ask.direct,
        kept=_Kept(Path(found.general.data)),
        generic=data.generic(),
        requirements=data.requirements(),
        warm_up=data.warm_up(),
        contact_page=data.contact_page(),
        way=way,
        trying=trying,
        fetching=_fetching(found, subject, ask.given.sender, lang) if ask.fetch else None,
        cost=costing(Path(found.general.data), knowledge),
    )
    volumes = None
    if ask.logs:
        from todoku.cli import preflight_logs

        volumes = preflight_logs.read(ask.logs, knowledge, found.own, lang, quiet=quiet)
    run = Run(subject, world, lang)
    screen = None if as_json or quiet else Screen.of_stdout(lang, subject)
    waiting = _Waiting(ask.deadline, lang, shown=not quiet and sys.stderr.isatty())
    waiting.show()
    try:
        for check in run:
            waiting.clear()
            if screen is not None:
                screen.add(check)
            waiting.show()
    finally:
        waiting.clear()
    report = made(run, time.time(), volumes)
    if page is not None:
        from todoku.cli.render import preflight_html

        preflight_html.write(page, report, lang)
    if as_json:
        sys.stdout.buffer.write(harmless_json(msgspec.json.encode(report)) + b"\n")
    elif screen is not None:
        screen.close(report)
    return EXIT[report.verdict]


def _way(found: Settings, ip: str) -> Way:
    from todoku.preflight.outgoing import Way, source_of

    return Way(source_of(ip, found.own.nat), int(found.lab.port))


def _fetching(found: Settings, subject: Subject, sender: str | None, lang: Language) -> Fetching:
    from todoku.cli.probe_request import mail_address
    from todoku.preflight.fetch import Fetching, Ports

    sender = found.mail.sender if sender is None else sender
    return Fetching(
        helo=subject.helo,
        sender=None if sender is None else mail_address("--sender", sender, lang),
        ports=Ports(smtp=int(found.lab.port)),
    )


class _Waiting:
    """Below what is known: that more is to come, and how long that may take."""

    def __init__(self, deadline: float, lang: Language, *, shown: bool) -> None:
        self._line = say(request.WORDS["waiting"], lang, seconds=f"{deadline:g}") if shown else ""

    def show(self) -> None:
        self._write(self._line)

    def clear(self) -> None:
        self._write("\r\x1b[K")

    def _write(self, text: str) -> None:
        if self._line:
            sys.stdout.flush()
            sys.stderr.write(text)
            sys.stderr.flush()


class _Kept:
    """Opens what `todoku check` keeps; where the file cannot be used, memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self) -> Kept:
        try:
            return Kept.open(self._folder)
        except KeptError:
            return Kept.open(None)
