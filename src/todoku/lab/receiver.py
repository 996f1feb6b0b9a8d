"""A receiver: one or more hosts that answer, mailboxes behind them, and an opinion of everybody who
connects (`reputation`) or the blocklists that it asks."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any, Final

import msgspec
from aiosmtpd.smtp import Envelope, Session

from todoku.lab import maildir, reputation
from todoku.lab.clock import Clock
from todoku.lab.happenings import Arrived, Changed, Happened, Met
from todoku.lab.nameserver import Resolver
from todoku.lab.reputation import Opinion, Rules
from todoku.model import Stage

_GREY_KEPT: Final = timedelta(days=36)


class Said(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A reply of replies.toml."""

    stage: Stage
    lines: tuple[str, ...]


@functools.lru_cache(maxsize=1)
def replies() -> dict[str, Said]:
    text = resources.files("todoku.lab").joinpath("data/replies.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, Said])


class Receiver:
    """All hosts of one receiver share what is known. `lists`: blocklists that it asks."""

    def __init__(
        self,
        domain: str,
        hosts: Sequence[str],
        folder: Path,
        *,
        clock: Clock,
        happened: Happened,
        resolver: Resolver,
        rules: Rules | None = None,
        lists: Sequence[str] = (),
        mailboxes: Iterable[str] = (),
    ) -> None:
        self.domain = domain
        self.hosts = tuple(hosts)
        self.folder = folder
        self.rules = rules or Rules()
        self.lists = tuple(lists)
        self.mailboxes = {m.lower() for m in mailboxes}
        self.opinions = {ip: reputation.blocked(c) for ip, c in self.rules.blocked.items()}
        self.faults: list[Exception] = []
        self._greeted: dict[tuple[str, str, str], datetime] = {}
        self._clock = clock
        self._happened = happened
        self._resolver = resolver
        self._count = 0

    # What the desk, a test or the world does

    def block(self, source: str, code: str = "S3140") -> None:
        self.opinions[source] = reputation.blocked(code)
        self._changed(source, "blocked")

    def blocks(self, source: str) -> bool:
        """Whether it is on the list: no host, or not yet every host, lets it in."""
        opinion, now = self.opinions.get(source, Opinion()), self._clock.now()
        return any(reputation.refuses(opinion, host, now) for host in self.hosts)

    def mitigate(self, source: str) -> None:
        """Conditionally, as such receivers do: it takes time to reach all hosts, and then limits
        hold. An address that is not blocked stays as it is."""
        opinion = self.opinions.get(source)
        if opinion is None or opinion.code is None:
            return
        self.opinions[source] = reputation.mitigated(
            opinion, self.hosts, self._clock.now(), self.rules
        )
        self._changed(source, "mitigated")

    def complain(self, source: str) -> None:
        """One of its users calls mail from there spam."""
        before = self.opinions.get(source, Opinion())
        after = reputation.complained(before, "S3140", self.rules)
        self.opinions[source] = after
        renewed = after.code is not None and not after.lifted and before != after
        self._changed(source, "blocked" if renewed else "complained")

    def _changed(self, source: str, how: Any) -> None:
        self._happened.add(
            Changed(at=self._clock.now(), receiver=self.domain, source=source, how=how)
        )

    # What it says

    def host(self, name: str) -> Host:
        return Host(self, name)

    def words(self, source: str, host: str) -> str:
        """What a host says to an address that is blocked: the whole reply."""
        code = self.opinions[source].code or ""
        values = {"ip": source, "host": host, "to": ""}
        return "\r\n".join(line.format_map(values) for line in replies()[code].lines)

    async def refusal(
        self, stage: Stage, host: str, source: str, sender: str | None, to: str | None
    ) -> str | None:
        """What is said at this stage to somebody who is not welcome: the whole reply."""
        now = self._clock.now()
        opinion = self.opinions.get(source, Opinion())
        said = replies()
        name: str | None = None
        values: dict[str, str] = {"ip": source, "host": host, "to": to or ""}
        code = opinion.code
        if (
            code is not None
            and said[code].stage == stage
            and reputation.refuses(opinion, host, now)
        ):
            name = code
        elif stage in {"MAIL FROM", "END OF DATA"} and reputation.over(opinion, now, self.rules):
            name = "RP-001"
        elif stage == "RCPT TO" and to is not None:
            name = self._recipient(source, sender or "", to, now)
            if name is None:
                for zone in self.lists:
                    text = await self._listed(zone, source)
                    if text is not None:
                        name = "zone"
                        values |= {"zone": zone, "text": text}
                        break
        if name is None:
            return None
        return "\r\n".join(line.format_map(values) for line in said[name].lines)

    def _recipient(self, source: str, sender: str, to: str, now: datetime) -> str | None:
        local, _, domain = to.lower().rpartition("@")
        if domain != self.domain:
            return "relay"
        if local not in self.mailboxes:
            return "no-mailbox"
        if self.rules.greylist:
            key = (source, sender.lower(), to.lower())
            first = self._greeted.setdefault(key, now)
            if now - first > _GREY_KEPT:
                first = self._greeted[key] = now
            if now - first < timedelta(minutes=self.rules.greylist):
                return "greylisted"
        return None

    async def _listed(self, zone: str, source: str) -> str | None:
        name = f"{'.'.join(reversed(source.split('.')))}.{zone}"
        try:
            if not await self._resolver.addresses(name):
                return None
            return " ".join(await self._resolver.text(name))
        except (OSError, TimeoutError):
            return None  # a list that cannot be asked refuses nobody

    def met(
        self,
        host: str,
        source: str,
        stage: Stage,
        reply: str,
        sender: str | None,
        recipients: Sequence[str],
    ) -> None:
        self._happened.add(
            Met(
                at=self._clock.now(),
                host=host,
                source=source,
                stage=stage,
                code=int(reply[:3]),
                reply=reply.replace("\r\n", "\n"),
                sender=sender,
                recipients=tuple(recipients),
            )
        )

    def keep(self, host: str, source: str, recipients: Sequence[str], message: bytes) -> None:
        """Accepted: into the mailboxes."""
        now = self._clock.now()
        before = self.opinions.get(source, Opinion())
        junk = before.code is not None and before.accepted < self.rules.junk
        for recipient in recipients:
            self._count += 1
            folder = maildir.box(self.folder, recipient) / ("junk" if junk else "inbox")
            path = maildir.deliver(folder, message, f"{self._count:08}", now)
            self._happened.add(
                Arrived(
                    at=now,
                    host=host,
                    source=source,
                    recipient=recipient,
                    folder="junk" if junk else "inbox",
                    path=str(path),
                )
            )
        if source in self.opinions:
            after = reputation.accepted(before, now, self.rules)
            self.opinions[source] = after
            if before.limited and not after.limited:
                self._changed(source, "limits-ended")


class Host:
    """One answering host: the hooks of aiosmtpd."""

    def __init__(self, receiver: Receiver, name: str) -> None:
        self.name = name
        self._receiver = receiver

    def greet(self, peer: str) -> str | None:
        receiver = self._receiver
        opinion = receiver.opinions.get(peer, Opinion())
        if opinion.code is None or replies()[opinion.code].stage != "CONN":
            return None
        if not reputation.refuses(opinion, self.name, receiver._clock.now()):
            return None
        reply = receiver.words(peer, self.name)
        receiver.met(self.name, peer, "CONN", reply, None, ())
        return reply

    async def handle_MAIL(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        source = session.peer[0] if session.peer else ""
        refusal = await self._refusal("MAIL FROM", source, address, None)
        if refusal is not None:
            return refusal
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender OK"

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        source = session.peer[0] if session.peer else ""
        refusal = await self._refusal("RCPT TO", source, envelope.mail_from, address)
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient OK"

    async def handle_DATA(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope
    ) -> str:
        source = session.peer[0] if session.peer else ""
        # Many may have been let in at once: the limit holds for what is accepted.
        refusal = await self._refusal("END OF DATA", source, envelope.mail_from, None)
        if refusal is not None:
            return refusal
        content = envelope.original_content or b""
        self._receiver.keep(self.name, source, envelope.rcpt_tos, content)
        reply = "250 2.0.0 Queued mail for delivery"
        self._receiver.met(
            self.name, source, "END OF DATA", reply, envelope.mail_from, envelope.rcpt_tos
        )
        return reply

    async def handle_exception(self, error: Exception) -> str:
        self._receiver.faults.append(error)
        return "451 4.3.0 fault of the lab"

    async def _refusal(
        self, stage: Stage, source: str, sender: str | None, to: str | None
    ) -> str | None:
        refusal = await self._receiver.refusal(stage, self.name, source, sender, to)
        if refusal is not None:
            self._receiver.met(self.name, source, stage, refusal, sender, (to,) if to else ())
        return refusal
