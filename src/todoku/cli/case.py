"""`todoku report` and `todoku case`: cases are opened, shown and closed.

What changes something is an order (`todoku.serve.orders`), which a running `todoku serve` executes;
what only reads goes to the store."""

from __future__ import annotations

import getpass
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from todoku import settings
from todoku.cases.events import WHYS, Why
from todoku.cases.records import Recorded, to_json
from todoku.cli import EX_USAGE, Failure, options
from todoku.cli.case_accept import accept
from todoku.cli.case_answer import answer
from todoku.cli.case_detour import detour
from todoku.cli.case_forget import forget
from todoku.cli.case_hold import hold
from todoku.cli.case_request import request
from todoku.cli.case_try import try_
from todoku.cli.render.text import harmless_json, short
from todoku.i18n import Language, Words, say
from todoku.settings import table

if TYPE_CHECKING:
    from todoku.cases.working import Work
    from todoku.cli.render.case import Named
    from todoku.diagnosis import Diagnoser
    from todoku.knowledge.schema import Compiled
    from todoku.serve.orders import AnyOrder
    from todoku.store.actions import Failing
    from todoku.store.cases import Desk

MOST: Final = 30 << 20

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
    "opened": {
        "ja": "案件 {case} に記録しました。todoku case show {case}",
        "en": "Recorded in case {case}. todoku case show {case}",
    },
    "closed": {"ja": "案件 {case} を閉じました。", "en": "Case {case} is closed."},
    "not-sent": {"ja": "メールは送られていませんでした", "en": "the mail had not been sent"},
    "unverified": {
        "ja": "未確認のメールが {n} 通あります（何も動かしていません）: todoku case accept",
        "en": "{n} not verified, which move nothing: todoku case accept",
    },
    "silent": {
        "ja": "設定 [mail] sender がないため、申告した人には知らせません。探査もしません。",
        "en": "[mail] sender is not set: nobody will be told, and nothing will be probed.",
    },
}


class Opened(NamedTuple):
    desk: Desk
    settings: settings.Settings
    lang: Language
    knowledge: Compiled

    def named(self, place: str) -> str:
        """A receiver or list as people call it."""
        return _named(place, self.knowledge, self.lang)

    def history(self, number: int) -> tuple[Recorded, ...]:
        """The events of a case, as who asks may see them. Raises `UnknownCase`."""
        from todoku.serve import privacy

        return privacy.shown(tuple(self.desk.history(number)), self.settings.privacy, me())

    def diagnoser(self) -> Diagnoser:
        from todoku.diagnosis import Diagnoser

        return Diagnoser(self.knowledge, language=self.lang, own=self.settings.own)

    def unsure(self, number: int | None = None) -> list[Work]:
        """Mails of which nobody knows whether they were sent."""
        from todoku.store.actions import Queue

        return Queue(self.desk).unknown(now(self.settings), number)

    def failing(self, number: int) -> list[Failing]:
        """What was tried in vain, and is tried again."""
        from todoku.store.actions import Queue

        return Queue(self.desk).failing(number)

    def who(self) -> Named:
        from todoku.store.messages import People

        people = People(self.desk)

        def told(ref: str) -> str:
            person = people.get(ref)
            return ref if person is None else person.name or person.address or ref

        return told


def _named(place: str, knowledge: Compiled, lang: Language) -> str:
    if place.startswith("domain:"):
        return place.removeprefix("domain:")
    for receiver in knowledge.receivers:
        if receiver.id == place:
            return str(getattr(receiver.name, lang))
    return next((e.name for e in knowledge.lists if e.id == place), place)


@contextmanager
def opened(ctx: click.Context, config: Path | None, data: Path | None) -> Iterator[Opened]:
    """The desk of the settings."""
    found = settings.load(config, data)
    with _opened(found, options.speak(ctx, found)) as house:
        yield house


@contextmanager
def _opened(found: settings.Settings, lang: Language) -> Iterator[Opened]:
    from todoku.cli.setup import knowledge_of
    from todoku.serve import opening

    overlay = Path(found.knowledge.overlay)
    knowledge = knowledge_of(overlay if overlay.is_dir() else None)
    with opening.desk(found) as desk:
        yield Opened(desk, found, lang, opening.desks_of(found, knowledge))


def _common(command: Any) -> Any:
    for option in (
        click.option("--json", "as_json", is_flag=True, help="The store's events, one a line."),
        options.config,
        options.data,
        options.lang,
        click.pass_context,
    )[::-1]:
        command = option(command)
    return command


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
@_common
def report(
    ctx: click.Context, /, words: str, config: Path | None, data: Path | None, **given: Any
) -> None:
    """A user says that mail does not arrive. WORDS are his own."""
    if not words and given["refusal"] is None:
        raise Failure(say(WORDS["nothing"], given["lang"]), EX_USAGE)
    _record(ctx, config, data, words=words, identities=(), by=None, **given)


@click.group(short_help="What is blocked where, and what is done about it.")
def case() -> None:
    """What is blocked where, and what is done about it."""


@case.command(name="open", short_help="Open a case by hand.")
@click.argument("identities", nargs=-1, metavar="[IDENTITY]...")
@click.option("--words", default="", metavar="TEXT", help="What is known of it.")
@_reporting
@_common
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
        to=tuple(_domain(text, lang) for text in to),
        since=None if since is None else _moment(since, now(found), lang),
        refusal=None if refusal is None else _read(refusal),
    )
    recorded = done(order, found, lang)
    if as_json:
        _print_json(recorded)
        return
    for number in dict.fromkeys(r.case for r in recorded):
        click.echo(say(WORDS["opened"], lang, case=number))
    if found.mail.sender is None:
        click.echo(f"todoku: {say(WORDS['silent'], lang)}", err=True)


def done(order: AnyOrder, found: settings.Settings, lang: Language) -> tuple[Recorded, ...]:
    from todoku.serve import giving, privacy

    def here() -> tuple[Recorded, ...]:
        from todoku.serve.executing import execute

        with _opened(found, lang) as house:
            return execute(order, house.desk, house.diagnoser, found.own, now(found))

    return privacy.shown(giving.done(order, found, here), found.privacy, me())


@case.command(name="list", short_help="The open cases.")
@click.option("--all", "closed", is_flag=True, help="The closed ones too.")
@_common
def list_(
    ctx: click.Context, /, closed: bool, config: Path | None, data: Path | None,
    as_json: bool, **_: Any,
) -> None:  # fmt: skip
    """The open cases, the last changed first."""
    from todoku.cli.render import case as screen

    if not as_json and _list_at_once(ctx, closed, config, data):
        return
    with opened(ctx, config, data) as found:
        rows = found.desk.rows(closed)
        if as_json:
            for row in rows:
                _print_json(found.history(row["number"]))
            return
        unsure = {work.case for work in found.unsure()}
        for line in screen.rows(rows, found.named, found.lang, _zone(), unsure):
            click.echo(line)
        from todoku.store.unverified import Unverified

        if waiting := Unverified(found.desk).count():
            click.echo(say(WORDS["unverified"], found.lang, n=waiting))


def _list_at_once(ctx: click.Context, closed: bool, config: Path | None, data: Path | None) -> bool:
    """Without what takes long to import. False: the store has to be opened properly first."""
    from todoku.cli.render import case as screen
    from todoku.cli.setup import knowledge_of
    from todoku.store import listing

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    listed = listing.listed(found.general.store, now(found).timestamp(), closed)
    if listed is None:
        return False
    overlay = Path(found.knowledge.overlay)
    knowledge = knowledge_of(overlay if overlay.is_dir() else None)

    def named(place: str) -> str:
        return _named(place, knowledge, lang)

    for line in screen.rows(listed.rows, named, lang, _zone(), listed.unsure):
        click.echo(line)
    if listed.unverified:
        click.echo(say(WORDS["unverified"], lang, n=listed.unverified))
    return True


@case.command(short_help="All that happened to a case.")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--affected", is_flag=True, help="Whose mail came back, and is to be sent again.")
@_common
def show(
    ctx: click.Context, /, number: int, affected: bool, config: Path | None, data: Path | None,
    as_json: bool, **_: Any,
) -> None:  # fmt: skip
    """All that happened to a case, and what comes next."""
    from todoku.cli.render import case as screen

    with opened(ctx, config, data) as found:
        if affected:
            from todoku.cli import case_affected

            case_affected.show(found, number, as_json=as_json)
            return
        history = found.history(number)
        if as_json:
            _print_json(history)
            return
        for line in screen.case(
            found.desk.case(number), history, found.named, found.who(), found.desk.policy,
            found.lang, now(found.settings).astimezone(), found.unsure(number),
            found.failing(number),
        ):  # fmt: skip
            click.echo(line)
        for line in _unverified(found, number):
            click.echo(line)


def _unverified(found: Opened, number: int) -> Iterator[str]:
    """What came in that would belong to the case, and moves nothing: why, and what to do."""
    from todoku.cli.case_accept import lines, shown
    from todoku.store.unverified import Unverified

    groups = Unverified(found.desk).of_case(found.desk.case(number))
    if groups:
        groups = [shown(group, found.settings.privacy, me()) for group in groups]
        yield from lines(groups, len(groups), found.named, found.lang, of_case=True)


@case.command(short_help="Say whether a mail was sent of which that is not known.")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--sent/--not-sent", required=True, default=None, help="As the mail log shows.")
@click.option("--action", type=click.IntRange(min=1), help="Which, where there are several.")
@_common
def settle(
    ctx: click.Context, /, number: int, config: Path | None, data: Path | None,
    as_json: bool, lang: Language, **given: Any,
) -> None:  # fmt: skip
    """Say whether a mail was sent, where that is not known. One that was not is sent again."""
    from todoku.serve.orders import Settle, fresh_id

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    text = "" if given["sent"] else say(WORDS["not-sent"], lang)
    order = Settle(id=fresh_id(), by=me(), case=number, text=text, **given)
    recorded = done(order, found, lang)
    if as_json:
        _print_json(recorded)
    else:
        click.echo(say(WORDS["opened"], lang, case=number))


@case.command(short_help="End a case, and say why.")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--why", type=click.Choice([w for w in WHYS if w != "joined"]), help="The reason.")
@click.option("--text", default="", metavar="TEXT", help="More about it.")
@_common
def close(
    ctx: click.Context, /, number: int, why: Why | None, text: str, config: Path | None,
    data: Path | None, as_json: bool, **_: Any,
) -> None:  # fmt: skip
    """End a case. Who reported is told where the reason is that it works again."""
    from todoku.serve.orders import Close, fresh_id

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    order = Close(id=fresh_id(), by=me(), case=number, why=why, text=text)
    recorded = done(order, found, lang)
    if as_json:
        _print_json(recorded)
    else:
        click.echo(say(WORDS["closed"], lang, case=number))


def _print_json(recorded: Sequence[Recorded]) -> None:
    out = sys.stdout.buffer
    for each in recorded:
        out.write(harmless_json(to_json(each)) + b"\n")
    out.flush()


def _domain(text: str, lang: Language) -> str:
    from todoku.serve import orders

    found = orders.domain(text)
    if found is None:
        raise Failure(say(WORDS["not-a-domain"], lang, value=short(text, 60)), EX_USAGE)
    return found


def _moment(text: str, now: datetime, lang: Language) -> datetime:
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


def now(found: settings.Settings) -> datetime:
    """By the clock that this folder lives by."""
    if found.lab.clock is None:
        return datetime.now(UTC)
    from todoku.serve import service

    return service.clock_of(found).now()


def _read(path: Path) -> bytes:
    if str(path) == "-":
        return sys.stdin.buffer.read(MOST)
    with path.open("rb") as file:
        return file.read(MOST)


def me() -> str:
    try:
        return os.environ.get("SUDO_USER") or getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"


def _zone() -> Any:
    return datetime.now(UTC).astimezone().tzinfo


case.add_command(accept)
case.add_command(answer)
case.add_command(request)
case.add_command(hold)
case.add_command(detour)
case.add_command(forget)
case.add_command(try_)
