"""`todoku case try`: a marked mail to a mailbox of one's own at the receiver, and what became of it.

todoku case try 12                          # to the mailbox that the settings name for that receiver
todoku case try 12 --to me@hotmail.com      # to this one; logs and bounces tell

Exit 0: accepted (and in the inbox, where it was looked for). 1: put into junk, or nothing is proven.
2: refused. 3: not known yet.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from todoku import settings
from todoku.cases import events as ev
from todoku.cli import EX_USAGE, Failure, options
from todoku.cli.render.text import short
from todoku.errors import TodokuError
from todoku.i18n import Language, Words, say
from todoku.settings import table

if TYPE_CHECKING:
    from todoku.cases.case import Case
    from todoku.cases.records import Recorded
    from todoku.cli.case_desk import Opened
    from todoku.model import Identity
    from todoku.settings import Settings

EX_NOT_KNOWN: Final = 3
EXIT: Final[dict[str, int]] = {"accepted": 0, "refused": 2}
WAIT: Final = 60
"""Seconds for an answer to come."""
SOON: Final = 0.2

WORDS: Final[Words] = {
    "no-sender": {
        "ja": "送信者のアドレスがありません。--from か設定 [mail] sender で、受信できる自分のアドレスを指定してください。"
        "何も送っていません。",
        "en": "no sender: give an address of yours that takes mail, by --from or [mail] sender of the "
        "settings. Nothing was sent.",
    },
    "not-an-address": {
        "ja": "{option} {value} はメールアドレスではありません。何も送っていません。",
        "en": "{option} {value} is no mail address. Nothing was sent.",
    },
    "no-mailbox": {
        "ja": "案件 {case} の受信側に、自分のメールボックスが設定されていません。--to で指定するか、設定に [mailbox.NAME]"
        '（address = "me@{domain}"）を加えてください。受信箱と迷惑メールのどちらに入ったかも分かります。何も送って'
        "いません。",
        "en": "the settings name no mailbox of yours at the receiver of case {case}. Give one by --to, or add "
        '[mailbox.NAME] with address = "me@{domain}": then it is seen, too, whether it went to the inbox or '
        "to junk. Nothing was sent.",
    },
    "unknown-mailbox": {
        "ja": "[mailbox.{name}] という設定がないか、address がありません。何も送っていません。",
        "en": "the settings have no [mailbox.{name}], or it has no address. Nothing was sent.",
    },
    "elsewhere": {
        "ja": "{to} は案件 {case} の受信側（{place}）のメールボックスではありません。そこに届いても何も証明されません。"
        "何も送っていません。",
        "en": "{to} is no mailbox at the receiver of case {case} ({place}): that it arrives would prove "
        "nothing. Nothing was sent.",
    },
    "which": {
        "ja": "案件 {case} には対象のアドレスが複数あります。--address（{which}）で指定してください。何も送っていません。",
        "en": "case {case} is about several addresses. Name one by --address ({which}). Nothing was sent.",
    },
    "waits": {
        "ja": "案件 {case} のメールは{what}にされています。この宛先もそうなら、試し送りは届きません。",
        "en": "mail of case {case} is {what}. If that holds for this mailbox, the trial will not arrive.",
    },
    "under-way": {
        "ja": "案件 {case}: {to} への試し送りはもう頼まれています。新しくは送らず、結果を待ちます。",
        "en": "case {case}: a trial to {to} is under way. No other is sent; this waits for its outcome.",
    },
    "asked": {
        "ja": "案件 {case}: {to} へ試し送りします（{identity} から）。結果を待っています。",
        "en": "case {case}: a trial goes to {to}, from {identity}. Waiting for what becomes of it.",
    },
    "not-yet": {
        "ja": "まだ分かりません。todoku serve が動いていれば見続け、結果を案件 {case} に記録します。ここで待つなら、もう一度 "
        "todoku case try {case}",
        "en": "Not known yet. A running todoku serve goes on looking, and what it finds is put into case "
        "{case}. To wait here, once more: todoku case try {case}",
    },
    "untaken-yet": {
        "ja": "自分のメールサーバーがまだ受け取っていません（{why}）。間隔を空けて試します。",
        "en": "our mail server has not taken it yet ({why}). It is tried again.",
    },
    "untaken": {
        "ja": "自分のメールサーバー（{relay}）が試し送りを受け取りませんでした。何も送っていません。",
        "en": "our mail server ({relay}) did not take the trial. Nothing was sent.",
    },
    "blind": {
        "ja": "設定 [mail] log がなく、メールボックスも見られないため、結果は返送からしか分かりません。",
        "en": "there is neither [mail] log in the settings nor a mailbox to look into: only a bounce can tell "
        "what becomes of it.",
    },
}


@click.command(name="try", short_help="Send a test mail to a mailbox of your own at the receiver.")
@click.argument("number", type=click.IntRange(min=1))
@click.option("--to", metavar="ADDRESS", help="A mailbox of your own at the receiver.")
@click.option("--mailbox", metavar="NAME", help="That of [mailbox.NAME] in the settings.")
@click.option(
    "--from", "sender", metavar="ADDRESS", help="An address of yours; else [mail] sender."
)
@click.option("--address", metavar="IP", help="Which address of the case it leaves from.")
@click.option(
    "--wait", type=click.IntRange(min=0), default=WAIT, show_default=True, metavar="SECONDS"
)
@click.option("--json", "as_json", is_flag=True, help="The events, one a line.")
@options.config
@options.data
@options.lang
@click.pass_context
def try_(
    ctx: click.Context, /, number: int, to: str | None, mailbox: str | None, sender: str | None,
    address: str | None, wait: int, config: Path | None, data: Path | None, as_json: bool,
    lang: Language,
) -> None:  # fmt: skip
    """Send a marked mail through your own mail server to a mailbox of your own at the receiver of case
    NUMBER, and see what becomes of it: refused, accepted, put into junk."""
    from todoku.cli import case_desk as cases
    from todoku.serve.orders import Try, fresh_id

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    said = _mail_address("--from", sender or found.mail.sender, lang)
    with cases.opened(ctx, config, data) as house:
        case = house.desk.case(number)
        identity = _identity(case, address, lang)
        under_way = _under_way(house, case, identity)
        name, target = (None, "") if under_way else _target(house, case, to, mailbox)

    def tell(key: str, **values: object) -> None:
        click.echo(f"todoku: {say(WORDS[key], lang, case=number, **values)}", err=True)

    if under_way is not None:
        first = under_way
        tell("under-way", to=_trying(first).to)
    else:
        order = Try(
            id=fresh_id(), by=cases.me(), case=number, identity=identity, to=target, mailbox=name,
            sender=said,
        )  # fmt: skip
        (first,) = cases.done(order, found, lang)
        if case.held or case.detoured:
            tell("waits", what=_held(case, lang))
        if name is None and not found.mail.log:
            tell("blind")
        tell("asked", to=target, identity=identity.value)
    seen = _followed(found, lang, first, wait)
    if as_json:
        cases.print_json(seen)
    else:
        _show(ctx, config, data, seen)
    ctx.exit(_exit(seen, tell, found))


def _trying(recorded: Recorded) -> ev.Trying:
    assert isinstance(recorded.event, ev.Trying)  # noqa: S101
    return recorded.event


def _held(case: Case, lang: Language) -> str:
    from todoku.cases import WORDS as CASES

    return CASES["held" if case.held else "detoured"][lang]


def _mail_address(option: str, text: str | None, lang: Language) -> str:
    if text is None:
        raise Failure(say(WORDS["no-sender"], lang), EX_USAGE)
    good = table.mailbox(text)
    if good is None:
        told = {"option": option, "value": short(text, 60)}
        raise Failure(say(WORDS["not-an-address"], lang, **told), EX_USAGE)
    return good


def _identity(case: Case, address: str | None, lang: Language) -> Identity:
    """Which of the case: named, or the only one that is not free yet."""
    from todoku.cases.case import identity_key
    from todoku.model import Identity

    if address is not None:
        named = Identity(kind="ip", value=address)
        known = case.standing(identity_key(named))
        return named if known is None else known.identity
    open_ = [s for s in case.standings if s.state not in {"resolved", "closed"}] or case.standings
    if len(open_) != 1:
        which = ", ".join(s.identity.value for s in open_) or "-"
        raise Failure(say(WORDS["which"], lang, case=case.number, which=which), EX_USAGE)
    return open_[0].identity


def _target(
    house: Opened, case: Case, to: str | None, mailbox: str | None
) -> tuple[str | None, str]:
    """The mailbox of the settings, where it is one, and its address."""
    from todoku.serve import visiting

    lang = house.lang
    boxes = {b.name: b.address for b in house.settings.mailboxes if b.address is not None}
    name = mailbox
    if mailbox is not None and mailbox not in boxes:
        told = short(mailbox, 60)
        raise Failure(say(WORDS["unknown-mailbox"], lang, name=told), EX_USAGE)
    if to is not None:
        to = _mail_address("--to", to, lang)
        name = mailbox or next((n for n, a in boxes.items() if a.lower() == to.lower()), None)
    elif mailbox is not None:
        to = boxes[mailbox]
    else:
        for name, to in boxes.items():
            if visiting.is_at(house.knowledge, case, to.rpartition("@")[2]):
                return name, to
        domain = next(iter(case.to), "example.com")
        raise Failure(say(WORDS["no-mailbox"], lang, case=case.number, domain=domain), EX_USAGE)
    if not visiting.is_at(house.knowledge, case, to.rpartition("@")[2]):
        place = "-" if case.place is None else house.named(case.place.id)
        raise Failure(say(WORDS["elsewhere"], lang, to=to, case=case.number, place=place), EX_USAGE)
    return name, to


def _under_way(house: Opened, case: Case, identity: Identity) -> Recorded | None:
    """The event of a trial whose outcome is not known yet."""
    from todoku.cases.case import identity_key

    key = identity_key(identity)
    trial = next((t for t in case.trials if t.key == key), None)
    return None if trial is None else house.desk.history(case.number)[trial.seq - 1]


def _followed(found: Settings, lang: Language, first: Recorded, wait: float) -> Sequence[Recorded]:
    """What was recorded of the trial since it was asked for, when its outcome is known or so many
    seconds are over. Without a `serve` its work is done here."""
    from todoku.serve import opening

    number, message_id = first.case, _trying(first).message_id
    told: set[str] = set()

    def tell(text: str) -> None:
        if text not in told:
            told.add(text)
            click.echo(f"todoku: {text}", err=True)

    with opening.desk(found) as desk, _worker(found, lang, tell) as work:
        end = time.monotonic() + wait
        while True:
            work()
            seen = [r for r in desk.history(number)[first.seq - 1 :] if _is_of(r.event, message_id)]
            over = all(t.message_id != message_id for t in desk.case(number).trials)
            if over or time.monotonic() >= end:
                return seen
            time.sleep(SOON)


def _is_of(event: ev.AnyEvent, message_id: str) -> bool:
    match event:
        case ev.Trying() | ev.Sent() | ev.Tried():
            return event.message_id == message_id
        case ev.Refused():
            return True
        case _:
            return False


@contextmanager
def _worker(
    found: Settings, lang: Language, tell: Callable[[str], object]
) -> Iterator[Callable[[], object]]:
    """Sends trials and looks for them, where no `serve` does. `tell`: what keeps it from that."""
    from msgspec.structs import replace

    from todoku.cases.working import Undone
    from todoku.cli.setup import knowledge_of
    from todoku.lists.kept import Kept
    from todoku.lists.plan import Terms
    from todoku.serve import opening, service, trying
    from todoku.serve.sentlog import SentLog
    from todoku.serve.worker import Worker
    from todoku.store.actions import Queue

    with ExitStack() as stack:
        try:
            stack.enter_context(opening.alone(found))
        except opening.Served:
            yield lambda: None
            return
        overlay = Path(found.knowledge.overlay)
        knowledge = knowledge_of(overlay if overlay.is_dir() else None)
        data = Path(found.general.data)
        desk = stack.enter_context(opening.desk(found))
        kept = stack.enter_context(Kept.open(data))
        clock = service.clock_of(found)
        terms = Terms(use=found.general.use)
        means = service.means(found, desk, knowledge, terms, kept, lang, clock)

        def unread(log: object) -> None:
            tell(say(service.WORDS["unread-log"], lang, **log._asdict()))  # type: ignore[attr-defined]

        log = SentLog(found.mail.log, data, means.diagnoser, unread, found.own)
        stack.callback(log.close)

        def seek(name: str, message_id: str) -> trying.Found | None:
            try:
                return None if means.seek is None else means.seek(name, message_id)
            except TodokuError as error:
                tell(error.text(lang))
                raise

        able = replace(means, trial=log.trial, was_sent=log.was_sent, seek=seek)

        class Sending(trying.Try):
            def do(self, *words: Any) -> Any:
                try:
                    return super().do(*words)
                except Undone as error:
                    tell(say(WORDS["untaken-yet"], lang, why=short(str(error), 200)))
                    raise

        deeds: Any = {"try": Sending(able), "look": trying.Look(able)}
        worker = Worker("case try", Queue(desk), deeds, clock.now)

        def work() -> None:
            log.read_on(clock.now().timestamp())
            worker.work()

        yield work


def _show(
    ctx: click.Context,
    config: Path | None,
    data: Path | None,
    seen: Sequence[Recorded],
) -> None:
    from todoku.cli import case_desk as cases
    from todoku.cli.render import case as screen

    with cases.opened(ctx, config, data) as house:
        zone = cases.zone()
        for recorded in seen:
            click.echo(screen.line(recorded, house.named, house.who(), house.lang, zone))


def _exit(seen: Sequence[Recorded], tell: Callable[..., None], found: Settings) -> int:
    events = [r.event for r in seen]
    outcome = next((e.result for e in events if isinstance(e, ev.Tried)), None)
    if outcome is not None:
        return EXIT.get(outcome, 1)
    if any(isinstance(e, ev.Sent) and not e.delivered for e in events):
        tell("untaken", relay=found.mail.relay)
        return EX_NOT_KNOWN
    if any(isinstance(e, ev.Refused) and e.proof is not None for e in events):
        return EXIT["refused"]
    tell("not-yet")
    return EX_NOT_KNOWN
