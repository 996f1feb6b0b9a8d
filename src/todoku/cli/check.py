"""`todoku check`: on which blocklists an address, a range or a name is, and what is not known.

    todoku check 192.0.2.1 example.jp
    todoku check --only listed 192.0.2.0/24
    todoku check --server 127.0.0.1:5301 --zone bl.test --rate unlimited 10.77.0.0/16

Exit 0: every required list answered, and none lists. 1: only entries that cover a range, or are
information. 2: listed. 3: none lists, and something that must be known is not.
"""

from __future__ import annotations

import contextlib
import gc
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeAlias

import click
import msgspec

from todoku import settings
from todoku.cli import EX_USAGE, Failure, check_lists, check_request, options
from todoku.cli.check_request import Given
from todoku.cli.check_told import Aside, Told
from todoku.cli.render.text import harmless_json
from todoku.i18n import Language, say
from todoku.lists.outcome import UNKNOWN, Outcome
from todoku.lists.values import Clean, Notice, Request, Target, Unclear, Upstream
from todoku.model import Finding, ListingState

if TYPE_CHECKING:
    from todoku.cli.check_lists import Chosen
    from todoku.cli.render.check_board import Board
    from todoku.cli.render.page import Page
    from todoku.knowledge.catalogue import Catalogue
    from todoku.knowledge.schema import Compiled
    from todoku.lists.kept import Kept
    from todoku.lists.plan import Book, Terms

Event: TypeAlias = Finding | Aside


@click.command(short_help="On which blocklists an address, a range or a name is.")
@click.argument("identities", nargs=-1, metavar="IDENTITY...")
@click.option(
    "--tier",
    "tiers",
    multiple=True,
    type=click.Choice(check_lists.TIERS),
    help="Ask the lists of this tier and those before it (default: default).",
)
@click.option("--list", "lists", multiple=True, metavar="LIST", help="Ask this list (id or name).")
@click.option("--zone", "zones", multiple=True, metavar="ZONE", help="Ask this zone, any.")
@click.option("--resolver", metavar="HOST[:PORT]", help="The resolver to ask through.")
@click.option("--server", metavar="HOST[:PORT]", help="A name server that holds the zones.")
@click.option("--direct", is_flag=True, help="Ask each list's own name servers.")
@click.option(
    "--rate",
    metavar="N|unlimited",
    help="Questions a second to each list, up to what it permits (unlimited: with --server).",
)
@click.option("--agreed", is_flag=True, help="The operators agreed to --rate.")
@click.option(
    "--only",
    multiple=True,
    type=click.Choice(check_request.STATES),
    help="Show only what is in this state.",
)
@click.option(
    "--deadline",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="What is later is not known (default: 5; for ranges and long lists none. 0: none).",
)
@click.option("--fresh", is_flag=True, help="Ask even where an answer is kept.")
@click.option("--restart", is_flag=True, help="Begin a range anew that was stopped.")
@click.option(
    "--plan", is_flag=True, help="Ask nothing; tell what would be, and how long it takes."
)
@click.option("--history", is_flag=True, help="Ask nothing; tell what was seen, by date.")
@click.option(
    "--by-cost",
    is_flag=True,
    help="First the listings that cost you most mail, by what todoku partners has learned.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line (NDJSON).")
@click.option("--quiet", is_flag=True, help="Only errors and the exit code (and --json).")
@options.config
@options.data
@options.lang
@click.pass_context
def check(
    ctx: click.Context, /, config: Path | None, data: Path | None, lang: Language, **words: Any
) -> None:
    """On which blocklists an address, a range or a name is.

    IDENTITY is an IP address, a range (192.0.2.0/24), a domain, a host name or a mail address;
    with "-" they are read from standard input, one a line.
    """
    given = Given(**words)
    check_request.refuse_contradictions(given, lang)
    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    run = Run(given, lang, found)
    ctx.exit(run())


class Run:
    """One run of the command."""

    def __init__(self, given: Given, lang: Language, found: settings.Settings) -> None:
        from todoku.cli.setup import knowledge_of
        from todoku.knowledge.load import lists_of
        from todoku.lists.plan import Book

        self.given = given
        self.lang = lang
        self.settings = found
        overlay = Path(found.knowledge.overlay)
        self.knowledge: Compiled = knowledge_of(overlay if overlay.is_dir() else None)
        self.book: Book = Book(lists_of(self.knowledge))
        self.terms: Terms = check_lists.terms_of(found, self.book)
        self.started = time.time()
        self.told = Told(lang, quiet=given.quiet)

    def __call__(self) -> int:
        given = self.given
        chosen = self._chosen()
        outcome = Outcome(chosen.required)
        for _ in chosen.unknown:
            outcome.missing()
        anywhere = chosen.by_zone or given.server is not None
        targets = self._targets(outcome, anywhere=anywhere or given.history)
        if not targets:
            return UNKNOWN
        if given.history:
            return self._history(targets)
        request = Request(
            targets=targets,
            lists=chosen.names,
            upstream=check_request.upstream(given, self.settings.dns),
            unlimited=given.rate == "unlimited",
            rate=None if given.rate in {None, "unlimited"} else float(given.rate),
            agreed=given.agreed or given.server is not None,
            deadline=check_request.deadline(given.deadline, targets),
            only=self._wanted(),
            fresh=given.fresh,
            restart=given.restart,
        )
        if given.plan:
            return self._plan(request)
        if not request.upstream.servers:
            self.told.notice(Notice("no-resolver", {}))
            return UNKNOWN
        self._warn_of_public(request.upstream)
        self._warn_of_settings(request)
        with self._kept() as kept:
            self._ask(request, kept, outcome)
        return outcome.exit_code(targets)

    # ── what is asked ─────────────────────────────────────────────────────────────────────────

    def _chosen(self) -> Chosen:
        given = self.given
        chosen = check_lists.choose(
            self.book, self.terms, lists=given.lists, zones=given.zones, tiers=given.tiers
        )
        sentences = [check_lists.no_list(self.book, name, self.lang) for name in chosen.unknown]
        if chosen.ids:
            for sentence in sentences:
                self.told.tell(sentence)
        elif sentences:
            raise Failure("\n".join(sentences), EX_USAGE)
        else:
            raise Failure(say(check_lists.WORDS["no-lists-left"], self.lang), EX_USAGE)
        return chosen

    def _targets(self, outcome: Outcome, *, anywhere: bool) -> tuple[Target, ...]:
        """What can be asked about. Whatever cannot has its sentence, and the others go on; where
        nothing is left because nothing was right, this is wrong usage."""
        read = check_request.read_identities(self.given.identities, sys.stdin)
        wrong = read.sentences(self.lang)
        if not read.targets:
            raise Failure("\n".join(wrong), EX_USAGE)
        for sentence in wrong:
            self.told.tell(sentence)
            outcome.missing()
        targets = []
        for t in read.targets:
            special = None if anywhere else check_request.special(t)
            if special is None:
                targets.append(t)
            else:
                outcome.missing()
                advice = say(check_request.WORDS["ask-anyway"], self.lang)
                self.told.tell(f"{special[self.lang]}{advice}")
        return tuple(targets)

    def _wanted(self) -> frozenset[ListingState]:
        """The findings of ranges that are made: what is listed decides the exit code, and the
        screen only counts the others."""
        shown = self.given.shown if self.given.as_json else frozenset()
        return shown | {"listed"}

    def _warn_of_public(self, upstream: Upstream) -> None:
        """Said once and first: by what so many lists then answer, nobody would guess the cause."""
        if upstream.kind != "resolver":
            return
        from todoku.knowledge.load import public_resolvers
        from todoku.lists.servers import public_resolver

        known = public_resolvers(self.knowledge)
        for server in upstream.servers:
            operator = public_resolver(server.host, known)
            if operator is not None:
                told = {"server": str(server), "operator": operator}
                self.told.notice(Notice("public-resolver", told))
                self.told.public = True
                return

    def _warn_of_settings(self, r: Request) -> None:
        warnings = check_lists.odd_keys(self.terms, self.book, r.lists, self.lang)
        if r.rate is not None and not r.agreed:
            warnings += check_lists.too_fast(self.book, r.lists, r.rate, self.lang)
        for sentence in warnings:
            if not self.given.quiet:
                self.told.tell(sentence)

    def _kept(self) -> Kept:
        """What is kept; where the file cannot be used, memory."""
        from todoku.lists.kept import Kept
        from todoku.lists.kept_file import KeptError

        try:
            return Kept.open(Path(self.settings.general.data))
        except KeptError as error:
            self.told.notice(Notice("not-kept", {"why": error.text(self.lang)}))
            return Kept.open(None)

    # ── the run itself ────────────────────────────────────────────────────────────────────────

    def _ask(self, request: Request, kept: Kept, outcome: Outcome) -> None:
        from todoku.lists import checking

        gc.freeze()  # what is there stays: neither now nor at the end need it be looked through
        events = checking.run(
            request, self.knowledge, self.terms, kept, lang=self.lang, book=self.book
        )
        with contextlib.closing(events):  # whatever ends it, what was learned is kept
            if self.given.as_json:
                self._print_json(events, request, outcome)
            else:
                self._show(events, request, outcome)

    def _print_json(self, events: Iterable[Event], request: Request, outcome: Outcome) -> None:
        out, shown = sys.stdout.buffer, self.given.shown
        encode = msgspec.json.Encoder().encode
        at_once = not check_request.is_batch(request.targets)
        next_flush = 0.0
        try:
            for event in events:
                if isinstance(event, Finding):
                    outcome.add(event)
                    if event.state in shown:
                        self.told.clear()
                        out.write(harmless_json(encode(event)) + b"\n")
                        if at_once:
                            out.flush()
                else:
                    self.told.aside(event, outcome)
                    if (now := time.monotonic()) >= next_flush:
                        next_flush = now + 0.2
                        out.flush()
        finally:
            self.told.clear()
            out.flush()

    def _show(self, events: Iterable[Event], request: Request, outcome: Outcome) -> None:
        from todoku.cli.render.check_board import Board

        board = Board(request.targets, map(self.book.id_of, request.lists))
        try:
            for event in events:
                if isinstance(event, Finding):
                    outcome.add(event)
                    board.add(event)
                    self.told.answered()
                else:
                    if isinstance(event, Clean | Unclear):
                        board.count(event)
                    self.told.aside(event, outcome)
        except BaseException:
            board.stopped = True  # what was found so far is shown, and a sweep goes on next time
            raise
        finally:
            self.told.clear()
            costs = self._costs(board) if self.given.by_cost else None
            self._print(lambda c, page: self._screen(board, c, page))
            if costs is not None:
                self._print(costs)

    def _costs(self, board: Board) -> Callable[[Catalogue, Page], Iterable[str]]:
        from todoku.cli.check_cost import ordered

        folder = Path(self.settings.general.data)
        return ordered(board, folder, self.knowledge, self.lang, self.told.tell)

    def _screen(self, board: Board, c: Catalogue, page: Page) -> Iterable[str]:
        from todoku.cli.render.check import Screen

        screen = Screen(
            c, self.lang, page, now=time.time(), started=self.started, only=self.given.shown
        )
        return screen.lines(board)

    # ── without asking ────────────────────────────────────────────────────────────────────────

    def _plan(self, request: Request) -> int:
        from todoku.cli.render import check_plan
        from todoku.lists.kept_file import has_file

        data = Path(self.settings.general.data)
        with contextlib.ExitStack() as stack:
            kept = stack.enter_context(self._kept()) if has_file(data) else None
            told = check_plan.plan(request, self.book, self.terms, kept, time.time())
        if self.given.as_json:
            _print_line(told, sys.stdout.buffer)
        else:
            self._print(lambda c, page: check_plan.lines(told, c, self.lang, page))
        return 0

    def _history(self, targets: tuple[Target, ...]) -> int:
        from todoku.cli.render import check_history

        with self._kept() as kept:
            if self.given.as_json:
                for row in check_history.rows(kept, targets):
                    _print_line(row, sys.stdout.buffer)
            else:
                self._print(lambda c, page: check_history.lines(kept, targets, c, self.lang, page))
        return 0

    def _print(self, lines: Callable[[Catalogue, Page], Iterable[str]]) -> None:
        if self.given.quiet:
            return
        from todoku.cli.render.page import Page
        from todoku.knowledge.catalogue import Catalogue

        page = Page.of_stdout()
        for line in lines(Catalogue(self.knowledge), page):
            page.write(line)
        page.close()


def _print_line(value: Any, out: BinaryIO) -> None:
    out.write(harmless_json(msgspec.json.encode(value)) + b"\n")
    out.flush()
