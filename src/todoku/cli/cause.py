"""`todoku cause`: what on our side earned the block, from one's own logs.

    todoku cause /var/log/mail.log*
    todoku cause 192.0.2.1 --case 12 /var/log/mail.log*

Stores nothing but, with --case, what it found: a `cause-found` of that case. Exit 0: looked. 1: a file
could not be read; the others were. 2: nothing in the input was understood.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from todoku.cli import EX_USAGE, Failure, options
from todoku.cli.logs_reading import Reading
from todoku.cli.render.text import harmless_json, short
from todoku.i18n import Language, Words, say
from todoku.logs.cause.looking import look
from todoku.logs.cause.tally import Tally
from todoku.logs.cause.values import Cause, Looked
from todoku.logs.clock import moment
from todoku.logs.judging import Judge
from todoku.logs.run import Run
from todoku.logs.sums import BUCKET, Group, Sums
from todoku.logs.values import Delivery

if TYPE_CHECKING:
    from todoku.serve.leads import Lead
    from todoku.serve.orders import Cause as Order
    from todoku.settings import Settings

WORDS: Final[Words] = {
    "no-input": {
        "ja": "読むログが指定されていません。ファイルを渡すか（todoku cause /var/log/mail.log*）、設定 [mail] log に"
        "書いてください。",
        "en": "no log to read. Name files (todoku cause /var/log/mail.log*), or set [mail] log.",
    },
    "bad-time": {
        "ja": "--at の {value} は時刻として読めません。例: 2026-11-01、2026-11-01T08:00、08:00、24h",
        "en": "--at {value} is no time. Such as: 2026-11-01, 2026-11-01T08:00, 08:00, 24h",
    },
    "bad-identity": {
        "ja": "--identity の {value} は IP アドレスではありません。",
        "en": "--identity {value} is no IP address.",
    },
    "no-logs": {
        "ja": "ログは読んでいません。自分のログも調べるには、ファイルを渡すか（todoku cause --case 番号 /var/log/mail.log*）、"
        "設定 [mail] log に書いてください。",
        "en": "No log was read. To look into your own, too, name files (todoku cause --case N "
        "/var/log/mail.log*), or set [mail] log.",
    },
    "recorded": {"ja": "案件 {case} に記録しました。", "en": "Recorded in case {case}."},
    "already": {
        "ja": "案件 {case} には同じ内容が記録済みです。",
        "en": "Case {case} has this on record already.",
    },
}
DAY: Final = 86_400
_BLOCKS: Final = frozenset(("listed", "reputation", "rate-limit"))


class _Both(Sums):
    """Refusals by group, and all deliveries by who sent them."""

    def __init__(self, tally: Tally, identity: str | None) -> None:
        super().__init__()
        self.tally = tally
        self.identity = identity

    def add(self, delivery: Delivery) -> None:
        super().add(delivery)
        if self.identity is None or delivery.source in {None, self.identity}:
            self.tally.add(delivery)


@click.command(short_help="What on our side earned a block.")
@click.argument("paths", nargs=-1, metavar="[PATH]...", type=click.Path())
@click.option("--identity", metavar="IP", help="The address of ours that is blocked.")
@click.option("--receiver", metavar="NAME", help="Who blocks: the time of its refusals counts.")
@click.option("--at", metavar="TIME", help="When the block began: 2026-11-01T08:00, 24h (ago).")
@click.option(
    "--case",
    "number",
    type=click.IntRange(1, (1 << 63) - 1),
    help="Look round the time of this case, and record there what is found.",
)
@click.option("--year", type=click.IntRange(1970, 9998), help="The year of stamps without one.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line (NDJSON).")
@click.option("--quiet", is_flag=True, help="Only errors and the exit code (and --json).")
@options.config
@options.data
@options.lang
@click.pass_context
def cause(
    ctx: click.Context,
    paths: tuple[str, ...],
    identity: str | None,
    receiver: str | None,
    at: str | None,
    number: int | None,
    year: int | None,
    as_json: bool,
    quiet: bool,
    config: Path | None,
    data: Path | None,
    lang: Language,
) -> None:
    """What on our side earned a block: who sent more than ever, whose mail is taken for spam or goes
    to nobody, whose password others have; forwarding and notifications to strangers.

    PATH is a mail log, as `todoku logs` reads it. Without one: those of the setting [mail] log, else
    standard input. An address of ours may stand in its place.
    """
    from todoku import settings
    from todoku.cli import setup
    from todoku.settings.own import normal_ip

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    named = [p for p in paths if normal_ip(p) is None or Path(p).exists()]
    identity = identity or next((p for p in paths if p not in named), None)
    if identity is not None:
        ip = normal_ip(identity)
        if ip is None:
            sentence = say(WORDS["bad-identity"], lang, value=short(identity, 60))
            raise Failure(sentence, EX_USAGE)
        identity = ip
    read = tuple(named) or found.mail.log
    leads = () if number is None else _leads(number, found, ctx, config)
    if leads and not read and not _piped():
        _told(leads, None, (), lang, as_json=as_json, quiet=quiet)
        _record(_order(number, leads, None, (), lang), found, lang, quiet=quiet or as_json)
        return
    if not read:
        if sys.stdin is None or sys.stdin.isatty():
            raise Failure(say(WORDS["no-input"], lang), EX_USAGE)
        read = ("-",)
    now = time.time()
    when = None
    if at is not None:
        when = moment(at, now)
        if when is None:
            raise Failure(say(WORDS["bad-time"], lang, value=short(at, 40)), EX_USAGE)
    elif number is not None:
        when = _of_case(number, found)
    diagnose = setup.diagnoser(setup.read(ctx, config))
    run = Run(Judge(diagnose), own=found.own, key=os.urandom(16), whole=True)
    reading = Reading(run, read, lang, now=now, year=year, quiet=quiet)
    tally = Tally(found.own.domains)
    reading.sums = _Both(tally, identity if found.own.transports else None)
    reading.read()
    if when is None:
        when = _onset(reading.sums.ordered(), identity, receiver, tally.first)
    offset = time.localtime(when if when is not None else now).tm_gmtoff
    looked, causes = look(tally, when, offset)
    _told(leads, looked, causes, lang, as_json=as_json, quiet=quiet)
    if number is not None:
        order = _order(number, leads, looked, causes, lang)
        _record(order, found, lang, quiet=quiet or as_json)
    ctx.exit(1 if reading.failed else 0)


def _onset(
    groups: list[Group], identity: str | None, receiver: str | None, first: float | None
) -> float | None:
    """When the block began: from where on as many refusals came in a day as half of the worst day.
    `None` where the log tells of none, or of one as old as itself and nobody asked for it."""
    buckets: dict[int, int] = {}
    for g in groups:
        if g.diagnosis.reason not in _BLOCKS:
            continue
        if identity is not None and (g.identity is None or g.identity.value != identity):
            continue
        if receiver is not None and receiver.lower() not in {g.diagnosis.receiver, g.place}:
            continue
        for bucket, n in g.buckets.items():
            buckets[bucket] = buckets.get(bucket, 0) + n
    if not buckets:
        return None
    day = DAY // BUCKET
    times = sorted(buckets)
    ends, total, within = 0, 0, []
    for begin in times:
        while ends < len(times) and times[ends] < begin + day:
            total += buckets[times[ends]]
            ends += 1
        within.append((begin, total))
        total -= buckets[begin]
    most = max(n for _, n in within)
    begin = next(b for b, n in within if 2 * n >= most) * BUCKET
    asked = identity is not None or receiver is not None
    return float(begin) if asked or first is None or begin > first + 3 * DAY else None


def _told(
    leads: tuple[Lead, ...],
    looked: Looked | None,
    causes: tuple[Cause, ...],
    lang: Language,
    *,
    as_json: bool,
    quiet: bool,
) -> None:
    """What the case tells, then what the logs do. `looked`: `None`, no log was read."""
    if as_json:
        _write_json((*leads, *(() if looked is None else (looked, *causes))))
    elif not quiet:
        from todoku.cli.render import cause as rendering
        from todoku.cli.render.page import Page

        page = Page.of_stdout()
        for line in rendering.leads(leads, lang):
            page.write(line)
        if looked is not None:
            for line in rendering.lines(looked, causes, lang, page):
                page.write(line)
        else:
            page.write(say(WORDS["no-logs"], lang))
        page.close()


def _write_json(those: tuple[msgspec.Struct, ...]) -> None:
    out = sys.stdout.buffer
    for told in those:
        out.write(harmless_json(msgspec.json.encode(told)) + b"\n")
    out.flush()


# ── a case ────────────────────────────────────────────────────────────────────────────────────


def _of_case(number: int, found: Settings) -> float | None:
    """When its mail was refused first, else when it was opened. Raises `UnknownCase`."""
    from todoku.serve import opening

    with opening.desk(found) as desk:
        case = desk.case(number)
    begin = case.refused_from or case.opened_at
    return begin.timestamp() if begin is not None else None


def _piped() -> bool:
    """Whether a log may come by standard input: no terminal, and not /dev/null."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (AttributeError, OSError, ValueError):
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)


def _leads(
    number: int, found: Settings, ctx: click.Context, config: Path | None
) -> tuple[Lead, ...]:
    from todoku.cli import setup
    from todoku.serve import leads, opening

    with opening.desk(found) as desk:
        case = desk.case(number)
    knowledge = setup.knowledge_of(setup.read(ctx, config).overlay)
    return leads.leads(case, knowledge, found.own.first_used)


def _order(
    number: int | None,
    leads: tuple[Lead, ...],
    looked: Looked | None,
    causes: tuple[Cause, ...],
    lang: Language,
) -> Order:
    """Its id is made of what it says: the same finding is recorded once. What logs and lists tell is the
    cause; a re-used address is, where they tell nothing."""
    from todoku.cli import case_desk as cases
    from todoku.cli.render import cause as rendering
    from todoku.serve.orders import Cause as Order

    assert number is not None  # noqa: S101
    grave = tuple(lead for lead in leads if lead.lead != "reused")
    inherited = not grave and not causes and bool(leads)
    said = [*rendering.leads(leads if inherited else grave, lang), rendering.recorded(causes, lang)]
    text = "\n".join(filter(None, said))
    where = () if looked is None else rendering.places(looked, lang)
    mark = msgspec.json.encode((number, leads, looked, causes))  # in whatever language it is told
    return Order(
        id=hashlib.blake2b(mark, digest_size=16).hexdigest(),
        by=cases.me(),
        case=number,
        cause=text or None,
        looked=where,
        inherited=inherited,
    )


def _record(order: Order, found: Settings, lang: Language, *, quiet: bool) -> None:
    from todoku.cli import case_desk as cases

    recorded = cases.done(order, found, lang)
    if not quiet:
        key = "recorded" if recorded else "already"
        click.echo(say(WORDS[key], lang, case=order.case))
