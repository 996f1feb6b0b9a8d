"""`todoku probe`: whether a receiver would take mail from an address. No mail is sent.

    todoku probe outlook.com --bind 192.0.2.1 --sender postmaster@example.jp

Exit 0: accepted. 1: nothing is proven (it refuses later than a probe goes, or deferred it). 2: refused.
3: not known (no server answered). 75: too soon after the last one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
import msgspec

from todoku import probing, settings
from todoku.cases import policy as policies
from todoku.cases.policy import Policy
from todoku.cli import options
from todoku.cli import probe_request as request
from todoku.cli.render.text import harmless_json
from todoku.i18n import Language
from todoku.probing import Probed, Verdict
from todoku.settings import Settings

if TYPE_CHECKING:
    from todoku.knowledge.schema import Compiled


EXIT: Final[dict[Verdict, int]] = {
    "accepted": 0, "inconclusive": 1, "greylisted": 1, "deferred": 1, "refused": 2,
    "failed": request.EX_NOT_KNOWN,
}  # fmt: skip


@click.command(short_help="Whether a receiver would take mail from an address.")
@click.argument("target", metavar="RECEIVER|DOMAIN")
@click.option("--bind", metavar="IP", help="The address of this machine that is asked about.")
@click.option("--helo", metavar="NAME", help="What is said in EHLO.")
@click.option("--sender", metavar="ADDRESS", help="An address of yours, for MAIL FROM.")
@click.option(
    "--mailbox", metavar="ADDRESS", help="A mailbox of your own there: RCPT TO goes to no other."
)
@click.option("--resolver", metavar="HOST[:PORT]", help="The resolver to ask.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@options.config
@options.data
@options.lang
@click.pass_context
def probe(
    ctx: click.Context,
    /,
    target: str,
    bind: str | None,
    helo: str | None,
    sender: str | None,
    mailbox: str | None,
    resolver: str | None,
    as_json: bool,
    config: Path | None,
    data: Path | None,
    lang: Language,
) -> None:
    """Whether a receiver would take mail from an address: an SMTP dialogue that ends where that receiver
    refuses, once in six hours. No mail is sent.

    RECEIVER is an id of the knowledge (todoku knowledge show); DOMAIN is one that you write to.
    """
    from todoku.cli.setup import knowledge_of

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    overlay = Path(found.knowledge.overlay)
    knowledge = knowledge_of(overlay if overlay.is_dir() else None)
    given = request.Given(bind, helo, sender, mailbox, resolver)
    probed = _probe(found, knowledge, target, given, policies.of(found), lang)
    if as_json:
        sys.stdout.buffer.write(harmless_json(msgspec.json.encode(probed)) + b"\n")
    else:
        from todoku.cli.render import probe as screen

        screen.show(probed, knowledge, lang)
    ctx.exit(EXIT[probed.result])


def _probe(
    found: Settings,
    knowledge: Compiled,
    target: str,
    given: request.Given,
    policy: Policy,
    lang: Language,
) -> Probed:
    """Everything is looked at before a word is said to the receiver."""
    from todoku.cli.case_desk import now

    named, domain = request.target_of(knowledge, target, given.mailbox, lang)
    request.refuse_never(policy, [named, domain], lang)
    said_sender = found.mail.sender if given.sender is None else given.sender
    sender = request.mail_address("--sender", said_sender, lang)
    mailbox = (
        None if given.mailbox is None else request.mail_address("--mailbox", given.mailbox, lang)
    )
    helo = request.helo_name(found, given.helo, lang)
    inner = None if given.bind is None else request.inner_address(found, given.bind, lang)
    if mailbox is not None and mailbox.rpartition("@")[2] != domain:
        request.refuse("not-there", lang, mailbox=mailbox, domain=domain)

    server = request.server_of(request.resolver_of(found, given.resolver, lang), domain, lang)
    inner = inner or request.local_address(server, lang)
    us = probing.Us(inner, found.own.nat.get(inner, inner), helo, sender, mailbox)
    folder, port = Path(found.general.data), int(found.lab.port)
    means = probing.Means(knowledge, found.own, policy, folder, port, lang)
    try:
        return probing.probe(domain, server, us, means, now(found), named=named)
    except probing.NeverError as error:
        request.refuse("never", lang, value=error.name)
    except probing.TooSoonError as error:
        request.too_soon(error.receiver, error.source, error.again, error.every, lang)
