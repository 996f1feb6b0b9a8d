"""`todoku partners learn`: deliveries of logs to evidence. A log is known by its first bytes, so that
what was learned once does not count again, whatever the file is called now."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

import click
import msgspec

from todoku.cli import EX_USAGE, Failure, options
from todoku.cli.render.text import short
from todoku.i18n import Language, Number, Words, say

if TYPE_CHECKING:
    from todoku import settings
    from todoku.diagnosis import Diagnoser
    from todoku.knowledge.schema import Compiled
    from todoku.logs.engine import Asked
    from todoku.logs.opening import Piece
    from todoku.partners.gates import Gates
    from todoku.partners.keeping import Kept, Step
    from todoku.partners.learning import Learner, Window

WORDS: Final[Words] = {
    "no-input": {
        "ja": "読むログが指定されていません。ファイルかフォルダーを渡すか（todoku partners learn /var/log/mail.log*）、設定 "
        "[mail] log に書いてください。何も学んでいません。",
        "en": "no log to learn from. Name files or folders (todoku partners learn /var/log/mail.log*), or write "
        "them into [mail] log of the settings. Nothing was learned.",
    },
    "learned": {
        "ja": "{deliveries} 件の配送から学びました。取引先は {partners} 件、リスト名を挙げた拒否は {proofs} 組（ドメインと"
        "リスト）です。",
        "en": "learned from {deliveries} {deliveries:delivery|deliveries}. There {partners:is|are} {partners} {partners:partner|partners} now, and {proofs} {proofs:pair|pairs} of "
        "partner and list that a refusal named.",
    },
    "nothing-new": {
        "ja": "新しい配送はありません（同じログは一度しか数えません）。取引先は {partners} 件です。",
        "en": "there is no delivery that is new (a log counts once). There {partners:is|are} {partners} {partners:partner|partners}.",
    },
    "own": {
        "ja": "送信元アドレスが分からないため、掲載中に受け取ってもらえたメールは数えていません。[own] addresses に自分の"
        "アドレスを書くと（複数あれば [own.transports] も）、使っていない相手と製品ごとの割合も学べます: todoku init",
        "en": "mail that was accepted while you were listed was not counted, as it is not known which address "
        "it left from. Write yours into [own] addresses (several: [own.transports] too): todoku init. Then it "
        "also learns who does not use a list, and the share of each product's customers that do.",
    },
    "unreadable": {
        "ja": "{source} を最後まで読めません（{why}）。読めたところまで学びました。",
        "en": "cannot read all of {source} ({why}). It was learned from up to there.",
    },
    "differs": {
        "ja": "{source} は前に学んだログと同じ書き出しですが、途中が違います。このファイルからは学んでいません。",
        "en": "{source} begins as a log that was learned from before, and then differs. Nothing was learned "
        "from it.",
    },
    "not-a-log": {
        "ja": "{names} には、メールサーバーのログとして理解できた行がありません。何も学んでいません。",
        "en": "no line of {names} was understood as one of a mail server. Nothing was learned.",
    },
    "mixed-stored": {
        "ja": "これまではログを直接読んで学んでいます。保存した配送からも学ぶと同じ配送を二重に数えるため、学んでいません。"
        "ログを指定するか、todoku partners forget --yes のあと学び直してください。",
        "en": "so far it was learned from logs that were named. To learn from stored deliveries, too, would "
        "count the same mail twice, so nothing was learned. Name the logs, or begin anew: todoku partners "
        "forget --yes",
    },
    "mixed-logs": {
        "ja": "これまでは保存した配送から学んでいます。ログからも学ぶと同じ配送を二重に数えるため、学んでいません。"
        "ログは todoku logs --store で保存してから、ログを指定せずに学んでください。",
        "en": "so far it was learned from stored deliveries. To learn from logs, too, would count the same mail "
        "twice, so nothing was learned. Store them (todoku logs --store LOG), then learn without naming any.",
    },
    "missed": {
        "ja": "保存し直された日の配送 {n} 件は、学んだ分と見分けられないため学んでいません。",
        "en": "{n} deliveries of days that were stored anew cannot be told apart from those that were learned, "
        "and were not learned from.",
    },
    "not-this": {
        "ja": "{source} には、メールサーバーのログとして理解できた行がありません。ほかのファイルからは学びました。",
        "en": "no line of {source} was understood as one of a mail server. The others were learned from.",
    },
    "no-files": {
        "ja": "{names} に読めるファイルがありません。何も学んでいません。",
        "en": "there is no file that could be read in {names}. Nothing was learned.",
    },
    "engine-logs": {
        "ja": "--engine はログを読むときのものです。読むログを指定してください（保存した配送からは一つのプロセスで学びます）。"
        "何も学んでいません。",
        "en": "--engine is for reading logs: name those that are to be read (from what is stored, one process "
        "learns). Nothing was learned.",
    },
    "unread": {"ja": "{source} を読めません（{why}）。", "en": "cannot read {source} ({why})."},
    "untimed": {
        "ja": "時刻のない配送 {n} 件は学んでいません。",
        "en": "{n} {n:delivery|deliveries} without a time {n:was|were} not learned from.",
    },
}


class Learned(msgspec.Struct, frozen=True, kw_only=True):
    """What `todoku partners learn --json` prints."""

    v: int = 1
    kind: str = "learned"
    deliveries: int
    untimed: int
    partners: int
    named: int
    """Pairs of partner and list that a refusal named, all that are known now."""
    failed: bool
    """A part of the input could not be read."""


@click.command(short_help="Learn from mail logs what partners do.")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
@click.option(
    "--cases",
    is_flag=True,
    help="From the refusals of cases: bounces and webhooks that todoku serve took in.",
)
@click.option(
    "--engine",
    metavar="ENGINE",
    help="Read logs with several processes (local) or a cluster (dask://HOST:PORT).",
)
@click.option(
    "--workers", type=click.IntRange(1, 1_024), help="Processes of --engine local (default: cores)."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@click.option("--year", type=click.IntRange(1970, 9998), help="The year of stamps without one.")
@click.option("--quiet", is_flag=True, help="Only errors and the exit code (and --json).")
@options.config
@options.data
@options.lang
@click.pass_context
def learn(
    ctx: click.Context,
    paths: tuple[str, ...],
    cases: bool,
    engine: str | None,
    workers: int | None,
    as_json: bool,
    year: int | None,
    quiet: bool,
    config: Path | None,
    data: Path | None,
    lang: Language,
) -> None:
    """Learn which lists partners use. PATH is a mail log as todoku logs reads it; "-" is standard input.
    Without one: the deliveries that todoku logs --store has stored, else the logs of the setting [mail] log.
    What was learned before does not count again, so this can run every night.
    """
    from todoku import settings
    from todoku.cli import partners_logs, partners_stored
    from todoku.partners.keeping import Kept

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    folder = Path(found.general.data)
    stored = not paths and (folder / "deliveries").is_dir()
    read = paths or found.mail.log
    if not read and not stored and not cases:
        raise Failure(say(WORDS["no-input"], lang), EX_USAGE)
    by = None
    if engine is not None or workers is not None:
        from todoku.cli import logs_engine

        by = logs_engine.check(engine, workers, {}, lang), workers
        if not read or stored:
            raise Failure(say(WORDS["engine-logs"], lang), EX_USAGE)
    with Kept.open(folder) as kept:
        learning = Learning(ctx, found, config, lang, year)
        with kept.learning() as step:
            if cases:
                learning.cases(found, step)
            if step.logs() if stored else step.parts():
                raise Failure(
                    say(WORDS["mixed-stored" if stored else "mixed-logs"], lang), EX_USAGE
                )
            if stored:
                partners_stored.learn(learning, found, step)
            elif read:
                partners_logs.learn(learning, read, step, by)
        done = learning.done(kept)
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(done) + b"\n")
    elif not quiet:
        _tell(done, learning, lang)
    ctx.exit(1 if done.failed else 0)


def _tell(done: Learned, learning: Learning, lang: Language) -> None:
    key = "learned" if done.deliveries else "nothing-new"
    click.echo(
        say(
            WORDS[key], lang, deliveries=Number(done.deliveries), partners=Number(done.partners),
            proofs=Number(done.named),
        )
    )  # fmt: skip
    if done.untimed:
        click.echo(say(WORDS["untimed"], lang, n=Number(done.untimed)))
    if done.deliveries and not learning.attributable:
        click.echo(f"todoku: {say(WORDS['own'], lang)}", err=True)


class Learning:
    """One run: what reads, and what it has read."""

    def __init__(
        self,
        ctx: click.Context,
        found: settings.Settings,
        config: Path | None,
        lang: Language,
        year: int | None,
    ) -> None:
        from todoku.cli import setup
        from todoku.cli.partners_logs import asked
        from todoku.partners.gates import Gates
        from todoku.partners.learning import Learner, Sources

        told = setup.read(ctx, config)
        self.diagnose: Diagnoser = setup.diagnoser(told)
        own = found.own if found.own.given else None
        self.asked: Asked = asked(told, self.diagnose, own, year)
        self.knowledge: Compiled = self.diagnose.knowledge
        self.names = {e.id: (*e.zones, e.name, *e.names) for e in self.knowledge.lists}
        self.gates: Gates = Gates(self.knowledge, found.own.is_smarthost)
        self.windows: list[Window] = windows_in(Path(found.general.data))
        self.lang = lang
        self.failed = False
        self.deliveries = 0
        self.attributable = bool(Sources(own).all)
        self.learner: Learner = Learner(self.gates, own, self.windows)

    def done(self, kept: Kept) -> Learned:
        return Learned(
            deliveries=self.deliveries,
            untimed=self.learner.untimed,
            partners=len(kept.summary().domains),
            named=kept.named(),
            failed=self.failed,
        )

    # ── cases ─────────────────────────────────────────────────────────────────────────────────

    def cases(self, found: settings.Settings, step: Step) -> None:
        """Refusals of cases that are new, each once. Raises `StoreError`."""
        from todoku.partners import from_cases
        from todoku.serve import opening

        with opening.desk(found) as desk:
            numbers = [int(row["number"]) for row in desk.rows(closed=True)]
            # With what was counted in it a refusal may be about several domains: as it was recorded, first.
            events = {
                from_cases.name(e): e.event
                for counted in (True, False)
                for n in numbers
                for e in desk.history(n, counted=counted)
            }
        refused = [events[name] for name in sorted(step.fresh(events))]
        evidence = from_cases.learn(refused, self.names)
        self.deliveries += sum(u.named for u in evidence.uses.values())
        if evidence.cells:
            step.add(evidence)

    # ── what is said ──────────────────────────────────────────────────────────────────────────

    def say(self, key: str, **values: object) -> None:
        click.echo(f"todoku: {say(WORDS[key], self.lang, **values)}", err=True)

    def nothing(self, key: str, names: str) -> NoReturn:
        raise Failure(say(WORDS[key], self.lang, names=names), 2)

    def unreadable(self, piece: Piece, *, begun: bool) -> None:
        from todoku.cli.looks import why

        self.failed = True
        self.say("unreadable" if begun else "unread", source=short(piece.source, 200), why=why(piece.error or "", self.lang))  # fmt: skip


def windows_in(folder: Path) -> list[Window]:
    """When own identities were listed, as `todoku check` saw it; nothing where it never ran."""
    from todoku.lists.kept import Kept as Checked
    from todoku.lists.kept_file import KeptError
    from todoku.lists.kept_file import has_file as was_checked
    from todoku.partners import listings

    if not was_checked(folder):
        return []
    try:
        with Checked.open(folder) as kept:
            changes = list(kept.history())
            return listings.windows(changes, kept.standings({c.identity for c in changes}))
    except KeptError:
        return []  # evidence that is missing, and never wrong
