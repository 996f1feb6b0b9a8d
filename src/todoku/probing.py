"""One probe of one receiver, by the rules: never one that does not want it, once in six hours from an
address (`todoku.visits`), no further than that receiver refuses (`todoku.probe`), and what that proves.

    probing.probe(domain, server, us, means, at)

The visit is written down before a word is said.
"""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

import msgspec
from msgspec.structs import replace

from todoku.cases.policy import Policy
from todoku.i18n import Language
from todoku.model import VERSION, Diagnosis, Refusal, Remote, Reply, Stage
from todoku.settings import Own

if TYPE_CHECKING:
    from todoku.knowledge.schema import Compiled
    from todoku.probe import Found
    from todoku.serve.exchangers import Exchanger
    from todoku.visits import Visit

Verdict: TypeAlias = Literal[
    "accepted", "inconclusive", "greylisted", "deferred", "refused", "failed"
]
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
    starttls: bool | None
    """Whether it offers STARTTLS; `null`: it did not come to that."""
    diagnosis: Diagnosis | None
    """Of what was refused or deferred, as `todoku diagnose` has it."""
    at: str
    again: str
    """When this receiver may be asked about this address again."""


class Us(NamedTuple):
    """As whom we come."""

    inner: str
    """The address of this machine that the connection leaves from."""
    source: str
    """The same, as the receiver sees it."""
    helo: str
    sender: str
    """An address of ours that takes mail."""
    mailbox: str | None = None
    """One of our own, at the domain that is asked."""


class Means(NamedTuple):
    """With what."""

    knowledge: Compiled
    own: Own
    policy: Policy
    folder: Path
    """Where visits are kept."""
    port: int
    lang: Language


class NeverError(Exception):
    """The policy names it as one that does not want to be probed."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class TooSoonError(Exception):
    def __init__(
        self,
        receiver: str,
        source: str,
        again: datetime,
        every: timedelta,
        last: Probed | None = None,
    ) -> None:
        super().__init__(receiver)
        self.receiver, self.source, self.again, self.every = receiver, source, again, every
        self.last = last
        """What it said then, where that is remembered."""


def probe(
    domain: str,
    server: Exchanger,
    us: Us,
    means: Means,
    at: datetime,
    *,
    named: str | None = None,
    wait: float | None = None,
) -> Probed:
    """`named`: the receiver that a person meant, where its servers do not tell. `wait`: seconds for
    all of it, where whoever asks has less patience than a probe. Raises `NeverError`, `TooSoonError`
    and `VisitsError`; then nothing was said to the receiver."""
    from todoku import probe as smtp
    from todoku.serve import visiting
    from todoku.visits import Visit, VisitsError, enter, note

    receiver = visiting.whose(means.knowledge, server.host, domain) or named
    who = receiver or visiting.registered(server.host)
    refuse_never(means.policy, named, domain, who)
    stage = None if receiver is None else smtp.refuses_at(means.knowledge, receiver)
    farthest = None if receiver is None else smtp.farthest(means.knowledge, receiver)
    every = means.policy.probe_every
    visit = Visit(receiver=who, source=us.source, at=at)
    again = enter(means.folder, visit, every)
    if again is not None:
        raise TooSoonError(who, us.source, again, every, _last(means.folder, visit))
    said = smtp.ask(
        smtp.Question(
            host=server.host,
            address=server.address,
            port=means.port,
            source=us.inner,
            helo=us.helo,
            sender=us.sender,
            recipient=us.mailbox,
            stage=_as_far_as(farthest, us.mailbox),
        ),
        wait=min(smtp.WAIT, wait or smtp.WAIT),
        whole=min(smtp.WHOLE, wait or smtp.WHOLE),
    )
    diagnosis = _diagnosed(said, domain, server, us, means)
    probed = Probed(
        domain=domain,
        receiver=receiver,
        host=server.host,
        address=server.address,
        source=us.source,
        helo=us.helo,
        sender=us.sender,
        mailbox=us.mailbox,
        refuses_at=stage,
        result=verdict(said, stage, diagnosis),
        stage=said.stage,
        reply=said.reply,
        why=said.why,
        starttls=said.starttls,
        diagnosis=diagnosis,
        at=at.isoformat(timespec="seconds"),
        again=(at + every).isoformat(timespec="seconds"),
    )
    with contextlib.suppress(VisitsError):  # it is told now in any case
        note(means.folder, visit, msgspec.to_builtins(probed))
    return probed


def _last(folder: Path, visit: Visit) -> Probed | None:
    """What the one before this said. A visit that was cut short said nothing."""
    from todoku.visits import last

    before = last(folder, visit.receiver, visit.source)
    if before is None or before.said is None:
        return None
    try:
        return msgspec.convert(before.said, Probed)
    except msgspec.ValidationError:
        return None


def refuse_never(policy: Policy, *names: str | None) -> None:
    """`names`: of the receiver, and its domains. Raises `NeverError`."""
    for each in names:
        if each is not None and each in policy.never_probed:
            raise NeverError(each)


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


def _as_far_as(stage: Stage | None, mailbox: str | None) -> Stage | None:
    """Where the refusal comes later than a probe goes, or may, a mailbox of one's own is still asked."""
    if mailbox is not None and stage in {None, "DATA", "END OF DATA"}:
        return "RCPT TO"
    return stage


def _diagnosed(
    said: Found, domain: str, server: Exchanger, us: Us, means: Means
) -> Diagnosis | None:
    if said.result not in {"refused", "deferred"}:
        return None
    from todoku.diagnosis import Diagnoser

    # Whatever the settings name, the address that was asked from is ours.
    own = replace(means.own, addresses=(*means.own.addresses, us.source))
    judge = Diagnoser(means.knowledge, language=means.lang, own=own if means.own.given else None)
    refusal = Refusal(
        reader="probe",
        action="failed" if said.result == "refused" else "delayed",
        recipient=us.mailbox or f"postmaster@{domain}",
        sender=us.sender,
        remote=Remote(host=server.host, ip=server.address),
        stage=said.stage,
        reply=said.reply,
    )
    return replace(judge(refusal), recipient=us.mailbox)
