"""The administrator's mail server: takes mail, queues it on disk, sends it from one of its source
addresses, tries again, and writes real bounces. Mail for its own domains goes to Maildirs."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from aiosmtpd.smtp import Envelope as Dialogue
from aiosmtpd.smtp import Session

from todoku.lab import maildir, reports
from todoku.lab.clock import Clock
from todoku.lab.happenings import Attempted, Delivered, Happened, Queued, Returned
from todoku.lab.maillog import MailLog
from todoku.lab.nameserver import Resolver
from todoku.lab.queue import Envelope, Queue
from todoku.lab.signing import authentication_results, without_claims
from todoku.lab.smtp import Client, Outcome
from todoku.lab.work import Work

_AT_ONCE: Final = 20


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """Postfix's names and defaults, but for the warning, which Postfix does not send unasked."""

    minimal_backoff: float = 300
    maximal_backoff: float = 4000
    delay_warning: float = 4 * 3600
    queue_lifetime: float = 5 * 86400


class SendingServer:
    def __init__(
        self,
        name: str,
        domains: Sequence[str],
        sources: Mapping[str, str],
        folder: Path,
        *,
        clock: Clock,
        happened: Happened,
        resolver: Resolver,
        port: int,
        seed: int = 0,
        patience: Patience | None = None,
        takes_claims_away: bool = True,
    ) -> None:
        """`domains`: its own. `sources`: sender's domain to the address that its mail is sent from;
        the first is for all others. `port`: the lab's port 25.
        `takes_claims_away`: Authentication-Results in its own name, of mail that comes in."""
        self.name = name
        self.domains = frozenset(domains)
        self.sources = dict(sources)
        self.mail = folder / "mail"
        self.patience = patience or Patience()
        self.takes_claims_away = takes_claims_away
        self.log = MailLog(folder / "log" / "mail.log", name, clock)
        self._clock = clock
        self._happened = happened
        self._resolver = resolver
        self._port = port
        self._queue = Queue(folder / "queue", random.Random(seed))  # noqa: S311
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._work = Work(clock)

    def start(self) -> None:
        """Go on with what is queued."""
        for envelope in self._queue.all():
            self._work.begin(self._life(envelope))

    async def stop(self) -> None:
        await self._work.stop()

    @property
    def faults(self) -> list[BaseException]:
        return self._work.faults

    def queued(self) -> list[Envelope]:
        return self._queue.all()

    def mailbox(self, address: str) -> Path:
        """The Maildir of one of its own addresses."""
        return maildir.box(self.mail, address)

    def submit(
        self, sender: str, recipients: Sequence[str], message: bytes, *, source: str | None = None
    ) -> str:
        """Take a message. On return it is on disk; gives the queue id. `source`: the address to
        send it from, else that of the sender's domain."""
        for address in (sender, *recipients):
            if any(c in address for c in "\r\n<> \0"):
                raise ValueError(f"{address!r} is no address")
        envelope = Envelope(
            id=self._queue.new_id(),
            sender=sender,
            recipients=list(dict.fromkeys(recipients)),
            arrived=self._clock.now(),
            source=source,
        )
        self._queue.put(envelope, self._received(envelope, message))
        self.log.arrived(envelope, message)
        self._happened.add(
            Queued(
                at=self._clock.now(),
                queue_id=envelope.id,
                sender=sender,
                recipients=tuple(envelope.recipients),
            )
        )
        self._work.begin(self._life(envelope))
        return envelope.id

    def _received(self, envelope: Envelope, message: bytes) -> bytes:
        if self.takes_claims_away:
            message = without_claims(message, self.name)
        line = f"Received: by {self.name} (todoku lab)\r\n\tid {envelope.id}; "
        return (line + format_datetime(envelope.arrived) + "\r\n").encode() + message

    # A message's life

    async def _life(self, envelope: Envelope) -> None:
        now = self._clock.now()
        if envelope.next_at is not None and envelope.next_at > now:
            await self._clock.sleep((envelope.next_at - now).total_seconds())
        while True:
            with self._clock.working():
                async with self._slots:
                    await self._try(envelope)
                if not envelope.recipients:
                    return
                wait = self._backoff(envelope.tries)
                envelope.next_at = self._clock.now() + timedelta(seconds=wait)
                self._queue.save(envelope)
            await self._clock.sleep(wait)

    def _backoff(self, tries: int) -> float:
        p = self.patience
        return float(min(p.minimal_backoff * 2 ** min(tries - 1, 30), p.maximal_backoff))

    async def _try(self, envelope: Envelope) -> None:
        message = self._queue.message(envelope)
        envelope.tries += 1
        outcomes: list[Outcome] = []
        by_domain: dict[str, list[str]] = defaultdict(list)
        for recipient in envelope.recipients:
            by_domain[recipient.rpartition("@")[2].lower()].append(recipient)
        for domain, recipients in by_domain.items():
            if domain in self.domains:
                for recipient in recipients:
                    await self._keep(envelope, recipient, message)
                    outcomes.append(Outcome(recipient, "sent", None, None, "DATA", None, "local"))
                continue
            source = self._source(envelope)
            client = Client(self._resolver, self._port, self.name, source)
            found = await client.deliver(envelope.sender, recipients, domain, message)
            for outcome in found:
                self._note(envelope, source, outcome)
            outcomes += found
        await self._settle(envelope, message, outcomes)

    def _source(self, envelope: Envelope) -> str:
        if envelope.source is not None:
            return envelope.source
        domain = envelope.sender.rpartition("@")[2].lower()
        return self.sources.get(domain) or next(iter(self.sources.values()))

    def _note(self, envelope: Envelope, source: str | None, outcome: Outcome) -> None:
        reply = outcome.spoken.text if outcome.spoken else outcome.why
        self.log.attempted(envelope, outcome)
        self._happened.add(
            Attempted(
                at=self._clock.now(),
                queue_id=envelope.id,
                recipient=outcome.recipient,
                source=source,
                host=outcome.host,
                status=outcome.status,
                reply=reply,
            )
        )

    async def _keep(self, envelope: Envelope, recipient: str, message: bytes) -> None:
        results = await authentication_results(self.name, message, self._resolver)
        head = f"Return-Path: <{envelope.sender}>\r\nDelivered-To: {recipient}\r\n{results}"
        box = self.mailbox(recipient)
        data = head.encode("utf-8", "surrogateescape") + message
        path = maildir.deliver(box, data, envelope.id, self._clock.now())
        self.log.delivered(envelope, recipient)
        self._happened.add(
            Delivered(at=self._clock.now(), queue_id=envelope.id, mailbox=recipient, path=str(path))
        )

    async def _settle(self, envelope: Envelope, message: bytes, outcomes: list[Outcome]) -> None:
        """Reports first, then the queue: a kill between them repeats a report and loses none."""
        now = self._clock.now()
        until = envelope.arrived + timedelta(seconds=self.patience.queue_lifetime)
        deferred = [o for o in outcomes if o.status == "deferred"]
        failed = [o for o in outcomes if o.status == "bounced"]
        if deferred and now >= until:
            failed, deferred = failed + deferred, []
        if failed:
            self._return("failed", envelope, message, failed, until)
        warn = envelope.arrived + timedelta(seconds=self.patience.delay_warning)
        if deferred and not envelope.warned and now >= warn:
            envelope.warned = True
            self._return("delayed", envelope, message, deferred, until)
        envelope.recipients = [o.recipient for o in deferred]
        if not envelope.recipients:
            self._queue.drop(envelope)
            self.log.removed(envelope)

    def _return(
        self,
        action: Any,
        envelope: Envelope,
        message: bytes,
        outcomes: Sequence[Outcome],
        until: datetime,
    ) -> None:
        if not envelope.sender:
            return  # nobody to tell: this is a report itself (RFC 5321, section 6.1)
        returning = reports.Returning(envelope.id, envelope.sender, envelope.arrived, message)
        report = reports.report(
            action,
            self.name,
            returning,
            outcomes,
            queue_id=self._queue.new_id(),
            now=self._clock.now(),
            until=until,
        )
        queue_id = self.submit("", [envelope.sender], report.replace(b"\n", b"\r\n"))
        self.log.returned(envelope, action, queue_id)
        self._happened.add(
            Returned(at=self._clock.now(), queue_id=envelope.id, action=action, to=envelope.sender)
        )


class Door:
    """A listener of the sending server: the hooks of aiosmtpd. `relays`: takes mail for anybody
    (submission); else for its own domains alone (MX)."""

    def __init__(self, server: SendingServer, *, relays: bool, source: str | None = None) -> None:
        """`source`: what comes in by it is sent from this address."""
        self._server = server
        self._relays = relays
        self._source = source

    def greet(self, peer: str) -> str | None:
        return None

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Session, envelope: Dialogue, address: str, options: list[str]
    ) -> str:
        if not self._relays and address.rpartition("@")[2].lower() not in self._server.domains:
            return f"554 5.7.1 <{address}>: Relay access denied"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(  # noqa: N802
        self, server: Any, session: Session, envelope: Dialogue
    ) -> str:
        try:
            queue_id = self._server.submit(
                # aiosmtpd hands the null return path (RFC 5321, 4.5.5) on as it was written.
                (envelope.mail_from or "").removeprefix("<>"),
                envelope.rcpt_tos,
                envelope.original_content or b"",
                source=self._source,
            )
        except (OSError, ValueError) as error:
            return f"451 4.3.0 {error}".replace("\n", " ")
        return f"250 2.0.0 Ok: queued as {queue_id}"

    async def handle_exception(self, error: Exception) -> str:
        self._server.faults.append(error)
        return "451 4.3.0 fault of the lab"
