"""`todoku probe`: whether a receiver would take mail from an address. No mail is sent.

    todoku probe outlook.com --bind 192.0.2.1 --sender postmaster@example.jp

Exit 0: accepted. 1: nothing is proven (it refuses later than a probe goes, or deferred it). 2: refused.
3: not known (no server answered). 75: too soon after the last one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import click
import msgspec
from msgspec.structs import replace

from todoku import settings
from todoku.cases import policy as policies
from todoku.cases.policy import Policy
from todoku.cli import options
from todoku.cli import probe_request as request
from todoku.cli.render.text import harmless_json
from todoku.i18n import Language
from todoku.model import VERSION, Diagnosis, Refusal, Remote, Reply, Stage
from todoku.settings import Settings

if TYPE_CHECKING:
    from todoku.knowledge.schema import Compiled
    from todoku.probe import Found
    from todoku.serve.exchangers import Exchanger


Verdict = Literal["accepted", "inconclusive", "greylisted", "deferred", "refused", "failed"]
EXIT: Final[dict[Verdict, int]] = {
    "accepted": 0, "inconclusive": 1, "greylisted": 1, "deferred": 1, "refused": 2,
    "failed": request.EX_NOT_KNOWN,
}  # fmt: skip
_OF_A_MAILBOX: Final = frozenset(("user-unknown", "mailbox-full", "mailbox-disabled", "moved"))
"""Reasons of the recipient's: they tell nothing of our address."""


class Probed(msgspec.Struct, frozen=True, kw_only=True):
    """What `todoku probe --json` prints."""

    v: int = VERSION
    domain: str
    receiver: str | None
    """Whose server it is, by the knowledge."""
    host: str
    address: str
    source: str
    """Our address, as the receiver sees it."""
    helo: str
    sender: str
    mailbox: str | None
    refuses_at: Stage | None
    """The furthest stage at which this receiver refuses an address; `null`: not known."""
    result: Verdict
    stage: Stage | None
    """Where it ended."""
    reply: Reply
    why: str
    """With `failed`: the system's words."""
    diagnosis: Diagnosis | None
    """Of what was refused or deferred, as `todoku diagnose` has it."""
    at: str
    again: str
    """When this receiver may be asked about this address again."""


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
    from todoku import probe as smtp
    from todoku.cli.case import now
    from todoku.diagnosis import Diagnoser
    from todoku.serve import visiting
    from todoku.visits import Visit, enter

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
    receiver = visiting.whose(knowledge, server.host, domain) or named
    who = receiver or visiting.registered(server.host)
    request.refuse_never(policy, [who], lang)
    stage = None if receiver is None else smtp.refuses_at(knowledge, receiver)
    inner = inner or request.local_address(server, lang)
    source = found.own.nat.get(inner, inner)

    at = now(found)
    every = policy.probe_every
    visit = Visit(receiver=who, source=source, at=at)
    again = enter(Path(found.general.data), visit, every)
    if again is not None:
        request.too_soon(who, source, again, every, lang)
    said = smtp.ask(
        smtp.Question(
            host=server.host,
            address=server.address,
            port=int(found.lab.port),
            source=inner,
            helo=helo,
            sender=sender,
            recipient=mailbox,
            stage=_as_far_as(stage, mailbox),
        )
    )
    diagnosis = None
    if said.result in {"refused", "deferred"}:
        # Whatever the settings name, the address that was asked from is ours.
        own = replace(found.own, addresses=(*found.own.addresses, source))
        judge = Diagnoser(knowledge, language=lang, own=own if found.own.given else None)
        refusal = _refusal(said, server, sender, mailbox or f"postmaster@{domain}")
        diagnosis = replace(judge(refusal), recipient=mailbox)
    return Probed(
        domain=domain,
        receiver=receiver,
        host=server.host,
        address=server.address,
        source=source,
        helo=helo,
        sender=sender,
        mailbox=mailbox,
        refuses_at=stage,
        result=verdict(said, stage, diagnosis),
        stage=said.stage,
        reply=said.reply,
        why=said.why,
        diagnosis=diagnosis,
        at=at.isoformat(timespec="seconds"),
        again=(at + every).isoformat(timespec="seconds"),
    )


def _as_far_as(stage: Stage | None, mailbox: str | None) -> Stage | None:
    """Where the refusal comes later than a probe goes, or may, a mailbox of one's own is still asked."""
    if mailbox is not None and stage in {None, "DATA", "END OF DATA"}:
        return "RCPT TO"
    return stage


def verdict(said: Found, refuses_at: Stage | None, diagnosis: Diagnosis | None) -> Verdict:
    """What the dialogue proves of our address."""
    from todoku.probe import reaches

    if said.result in {"accepted", "inconclusive"}:
        if said.stage is None or refuses_at is None:
            return "inconclusive"
        return "accepted" if reaches(said.stage, refuses_at) else "inconclusive"
    if said.result == "failed" or diagnosis is None:
        return "failed"
    if said.stage == "RCPT TO" and diagnosis.reason in _OF_A_MAILBOX:
        return "inconclusive"
    if said.result == "refused":
        return "refused"
    return "greylisted" if diagnosis.reason == "greylisted" else "deferred"


def _refusal(said: Found, server: Exchanger, sender: str, recipient: str) -> Refusal:
    return Refusal(
        reader="probe",
        action="failed" if said.result == "refused" else "delayed",
        recipient=recipient,
        sender=sender,
        remote=Remote(host=server.host, ip=server.address),
        stage=said.stage,
        reply=said.reply,
    )
