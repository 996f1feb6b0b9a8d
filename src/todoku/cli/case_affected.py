"""`todoku case show N --affected`: whose mail came back, and which messages are to be sent again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

import click
import msgspec
from msgspec.structs import replace

from todoku.cli.render.text import harmless_json, short
from todoku.i18n import Words, say

if TYPE_CHECKING:
    from todoku.cli.case_desk import Opened
    from todoku.serve.affected import Returned

WORDS: Final[Words] = {
    "head": {
        "ja": "案件 {case}: メールが戻っています（差出人 {senders} 人、{messages} 通、宛先 {recipients} 件）。{next}",
        "en": "Case {case}: mail came back (messages: {messages}, senders: {senders}, recipients: "
        "{recipients}). {next}",
    },
    "later": {
        "ja": "今は送り直しても戻ります。届くようになってから、差出人が送り直します。",
        "en": "Sent again now they would come back again; their senders send them when mail arrives.",
    },
    "now": {
        "ja": "届くようになったので、差出人に送り直してもらってください。",
        "en": "Mail arrives again: let their senders send them again.",
    },
    "none": {
        "ja": "案件 {case}: 戻ったメールは見つかりません（調べたもの: ログ {logs} 件と、保存してある返送）。",
        "en": "Case {case}: no mail that came back was found, in {logs} logs and the bounces that are kept.",
    },
    "no-log": {
        "ja": "設定 [mail] log がないため、保存してある返送から分かるものだけです。",
        "en": "[mail] log of the settings is not set: this is what the bounces that are kept tell.",
    },
    "unread": {
        "ja": "ログ {path} を読めません（{why}）。",
        "en": "cannot read the log {path} ({why}).",
    },
    "veiled": {
        "ja": "宛先は伏せてあります（設定 [privacy] clear_for）。",
        "en": "recipients are masked ([privacy] clear_for of the settings).",
    },
    "unknown": {"ja": "不明", "en": "not known"},
}


def show(house: Opened, number: int, *, as_json: bool) -> None:
    from todoku.cases import veil
    from todoku.cli import case_desk as cases
    from todoku.serve import affected, privacy
    from todoku.store.messages import Mailbox

    found, lang = house.settings, house.lang

    def tell(key: str, **values: object) -> None:
        click.echo(f"todoku: {say(WORDS[key], lang, **values)}", err=True)

    case, now = house.desk.case(number), cases.now(found)
    returned: Sequence[Returned] = affected.returned(
        case,
        house.desk.history(number),
        found.mail.log,
        Mailbox(house.desk).body,
        house.diagnoser(),
        found.own,
        now,
        lambda path, why: tell("unread", path=short(path, 100), why=why),
    )
    if not found.mail.log:
        tell("no-log")
    if returned and not privacy.may_see(found.privacy, cases.me()):
        tell("veiled")
        returned = [
            replace(r, recipient=r.recipient and veil.veiled(r.recipient)) for r in returned
        ]
    if as_json:
        for each in returned:
            click.echo(harmless_json(msgspec.json.encode(each)))
        return
    if not returned:
        click.echo(say(WORDS["none"], lang, case=number, logs=len(found.mail.log)))
        return
    over = case.state in {"resolved", "closed"}
    click.echo(
        say(
            WORDS["head"],
            lang,
            case=number,
            messages=len({r.message_id or r.queue_id for r in returned}),
            senders=len({r.sender for r in returned}),
            recipients=len({r.recipient for r in returned}),
            next=WORDS["now" if over else "later"][lang],
        )
    )
    for line in _lines(returned, now, WORDS["unknown"][lang]):
        click.echo(line)


def _lines(returned: Sequence[Returned], now: datetime, unknown: str) -> Iterator[str]:
    zone = now.astimezone().tzinfo
    for each in returned:
        at = "-" if each.at is None else f"{each.at.astimezone(zone):%m/%d %H:%M}"
        who, to = (short(a or unknown, 60) for a in (each.sender, each.recipient))
        yield f"  {at}  {who} → {to}  {short(each.message_id or each.queue_id or '-', 80)}"
