"""`todoku case detour`: the lines by which mail from person to person goes by another server meanwhile.

todoku case detour 12 --via relay.example.jp      # what to apply, and how to undo it; nothing is changed
todoku case detour 12 --via relay.example.jp --done     # applied: the case reminds of it
todoku case detour 12 --released                        # taken back
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from todoku import settings
from todoku.cli import EX_USAGE, Failure, case_way, options
from todoku.cli.render.text import harmless_json, short
from todoku.i18n import Language, Words, say

if TYPE_CHECKING:
    from todoku.cases.case import Case
    from todoku.cases.detouring import Checked, Relay
    from todoku.cli.case_desk import Opened

EX_DATAERR: Final = 65
SECONDS: Final = 20.0
"""For all that the DNS is asked."""

WORDS: Final[Words] = {
    "no-relay": {
        "ja": "--via で、代わりに送るサーバーを指定してください。例: --via relay.example.jp、--via 192.0.2.25:587。何も"
        "変更していません。",
        "en": "name the server that is to send instead by --via: relay.example.jp, 192.0.2.25:587. Nothing was "
        "changed.",
    },
    "not-a-relay": {
        "ja": "--via {value} はサーバーとして読めません。例: relay.example.jp、192.0.2.25:587。何も変更していません。",
        "en": "--via {value} is no server, such as relay.example.jp or 192.0.2.25:587. Nothing was changed.",
    },
    "not-an-ip": {
        "ja": "--leaves-from {value} は IP アドレスではありません。何も変更していません。",
        "en": "--leaves-from {value} is no IP address. Nothing was changed.",
    },
    "no-sender": {
        "ja": "設定 [mail] sender がないため、中継の許可を確かめられません。何も変更していません。",
        "en": "[mail] sender of the settings is not set, so the relay cannot be asked. Nothing was changed.",
    },
    "stopped": {
        "ja": "案件 {case}: {via} を通す前に片付けることがあります。{what}。何も変更していません。確かめたうえで進めるなら "
        "--anyway を付けてください。",
        "en": "case {case}: something is in the way of {via}. {what}. Nothing was changed. If you know better, "
        "add --anyway.",
    },
    "then": {
        "ja": "# 適用したら: todoku case detour {case} --via {via} --done　元に戻したら: todoku case detour {case} "
        "--released",
        "en": "# When applied: todoku case detour {case} --via {via} --done   when undone: todoku case detour "
        "{case} --released",
    },
    "ok": {"ja": "済", "en": "ok"},
    "bad": {"ja": "不可", "en": "BAD"},
    "unknown": {"ja": "不明", "en": "NOT KNOWN"},
}


@click.command(name="detour", short_help="Let mail go by another server meanwhile.")
@case_way.case_and_domains
@click.option("--via", metavar="RELAY", help="The server that sends instead: HOST[:PORT].")
@click.option(
    "--leaves-from", multiple=True, metavar="IP", help="From where its mail leaves, if elsewhere."
)
@case_way.postconf
@click.option("--anyway", is_flag=True, help="Although a check is bad or not known.")
@case_way.applied
@click.pass_context
def detour(
    ctx: click.Context, /, number: int, domains: tuple[str, ...], via: str | None,
    leaves_from: tuple[str, ...], postconf: str, anyway: bool, done: bool, released: bool,
    as_json: bool, config: Path | None, data: Path | None, lang: Language,
) -> None:  # fmt: skip
    """Let mail from person to person for the receiver of case NUMBER go by another server of yours; DOMAIN:
    for these alone. Only after the cause was mended.

    Prints what to apply and how to undo it, and changes nothing.
    """
    from todoku.cases.detouring import Printed, detouring, script
    from todoku.cases.holding import typed
    from todoku.cli import case_desk as cases
    from todoku.serve.orders import Detour, Release, fresh_id

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    domains = typed(domains)
    case_way.not_both(done, released, lang)
    if released:
        order = Release(id=fresh_id(), by=cases.me(), case=number, what="detoured")
        cases.record(order, found, lang, number)
        return
    relay = _relay(via, lang)
    if done:
        applied = Detour(id=fresh_id(), by=cases.me(), case=number, via=str(relay))
        cases.record(applied, found, lang, number)
        return
    with cases.opened(ctx, config, data) as house:
        case = house.desk.case(number)
        detouring(
            case, relay, domains or case.to or ("x.example",)
        )  # refused before anybody is asked
        seen = case_way.seen_in_logs(house, case)
        made = detouring(case, relay, domains or seen.domains, postconf)
        checks = _checked(house, case, relay, leaves_from, made.domains[0], lang)
    stops = [c.text for c in checks if c.stops]
    if stops and not anyway:
        what = ("。" if lang == "ja" else ". ").join(stops)
        told = {"case": number, "via": relay, "what": short(what, 1500)}
        raise Failure(say(WORDS["stopped"], lang, **told), EX_DATAERR)
    if as_json:
        said = msgspec.json.encode(Printed(detour=made, checks=tuple(checks)))
        sys.stdout.buffer.write(harmless_json(said) + b"\n")
        return
    lines = [f"{WORDS[c.state][lang]}: {c.text}" for c in checks]
    case_way.echo(script(made, lang, lines, seen.senders))
    click.echo(say(WORDS["then"], lang, case=number, via=via))


def _relay(text: str | None, lang: Language) -> Relay:
    from todoku.cases.detouring import relay

    if text is None:
        raise Failure(say(WORDS["no-relay"], lang), EX_USAGE)
    made = relay(text)
    if made is None:
        raise Failure(say(WORDS["not-a-relay"], lang, value=short(text, 80)), EX_USAGE)
    return made


def _checked(
    house: Opened, case: Case, relay: Relay, leaves_from: Sequence[str], domain: str, lang: Language
) -> list[Checked]:
    from todoku.cli.probe_request import resolver_of
    from todoku.preflight.dns import Resolver
    from todoku.serve import relaying
    from todoku.settings.own import normal_ip

    found = house.settings
    if found.mail.sender is None:
        raise Failure(say(WORDS["no-sender"], lang), EX_USAGE)
    outer = []
    for text in leaves_from:
        if (ip := normal_ip(text)) is None:
            raise Failure(say(WORDS["not-an-ip"], lang, value=short(text, 60)), EX_USAGE)
        outer.append(ip)
    ask = Resolver((resolver_of(found, None, lang),), SECONDS)
    helo = next(iter(found.own.helo), "localhost")
    return relaying.look(
        case, relay, outer, found.own, ask, sender=found.mail.sender, to=f"postmaster@{domain}",
        helo=helo, lang=lang,
    )  # fmt: skip
