"""The desk of a receiver that decides on removal: requests come in by its form (`form`) and by replies
to its mails, and it answers by mail, signed, as its scenario says (`scenario`).

It lives in the lab's process and forgets everything with it.
"""

from __future__ import annotations

import random
import secrets
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from aiosmtpd.smtp import Envelope, Session

from todoku.i18n import Language
from todoku.lab import letters
from todoku.lab.clock import Clock
from todoku.lab.form import Form, Request
from todoku.lab.happenings import Filed, Happened, Read, Wrote
from todoku.lab.nameserver import Resolver
from todoku.lab.receiver import Receiver
from todoku.lab.scenario import Event, Scenario, Step, Which, manner
from todoku.lab.signing import Key, sign
from todoku.lab.smtp import Client
from todoku.lab.work import Work

_NAME: Final = "Outlook.com Sender Support"
FORGER: Final = "forger.test"
"""Whose mail is signed too, in its own name."""


class Ticket(msgspec.Struct, kw_only=True):
    number: str
    request: Request
    filing: int
    """The first, second, ... request about one of its addresses."""
    token: str
    """Of the link that confirms it."""
    confirmed: bool = False
    open: set[str]
    """The addresses that were not mitigated yet."""
    letters: int = 0
    about: str | None = None
    """The Message-ID of the last reply."""

    def addresses(self, which: Which) -> tuple[str, ...]:
        every = self.request.addresses
        return {"all": every, "first": every[:1], "rest": every[1:]}[which]


class Desk:
    def __init__(
        self,
        domain: str,
        address: str,
        *,
        scenario: Scenario,
        lang: Language,
        receiver: Receiver,
        clock: Clock,
        happened: Happened,
        resolver: Resolver,
        port: int,
        key: Key,
        seed: int = 0,
        unlist: Callable[[str], object] = lambda _address: None,
    ) -> None:
        """`unlist`: takes an address off the public list. `domain`: the host's name, of its mail addresses and of its signature. `port`: the lab's
        port 25."""
        self.domain = domain
        self.address = address
        self.mailbox = f"support@{domain}"
        self.scenario = scenario
        self.lang: Language = scenario.lang or lang
        self.tickets: dict[str, Ticket] = {}
        self.url = ""
        self.form = Form(self, self.lang)
        self._filings: Counter[str] = Counter()
        self._receiver = receiver
        self._clock = clock
        self._happened = happened
        self._resolver = resolver
        self._port = port
        self._key = key
        # A later lab in the same folder gives other numbers.
        self._rng = random.Random(f"tickets {seed} {clock.now().isoformat()}")  # noqa: S311
        self._work = Work(clock)
        self._unlist = unlist
        self._opened = clock.now()

    def start(self) -> None:
        self.url = self.form.start(self.address)

    async def stop(self) -> None:
        self.form.stop()
        await self._work.stop()

    @property
    def faults(self) -> list[BaseException]:
        return [*self._work.faults, *self.form.faults]

    # What comes in

    def opens(self) -> datetime | None:
        """When requests are taken; `None`: now."""
        listing = self.scenario.listing
        if listing is None:
            return None
        moment = self._opened + timedelta(hours=listing.cooling)
        return moment if moment > self._clock.now() else None

    def file(self, request: Request, about: str | None = None) -> str:
        """Take a request; gives its ticket. `about`: the Message-ID, of one that came by mail."""
        for address in request.addresses:
            self._filings[address] += 1
        ticket = Ticket(
            number=self._number(),
            request=request,
            filing=max(self._filings[a] for a in request.addresses),
            token=secrets.token_urlsafe(16),
            open=set(request.addresses),
            about=about,
        )
        self.tickets[ticket.number] = ticket
        self._happened.add(
            Filed(
                at=self._clock.now(),
                ticket=ticket.number,
                addresses=request.addresses,
                contact=request.contact,
                domain=request.domain,
                error=request.error,
                by_mail=about is not None,
            )
        )
        self._go(ticket, "filed")
        return ticket.number

    def take(self, sender: str, message: bytes) -> None:
        """A mail to the desk. What a machine reports (the null return path) is not answered."""
        reply = letters.read(message)
        ticket = next((self.tickets[n] for n in reply.tickets if n in self.tickets), None)
        insists = ticket is not None and reply.insists and bool(sender)
        self._happened.add(
            Read(
                at=self._clock.now(),
                ticket=ticket.number if ticket else None,
                sender=sender,
                subject=reply.subject,
                insists=insists,
            )
        )
        if ticket is None and sender and self.scenario.by_mail:
            self._file_by_mail(reply)
        if ticket is not None and sender:
            ticket.about = reply.message_id
            self._go(ticket, "replied", insists)

    def _file_by_mail(self, letter: letters.Reply) -> None:
        """A request for those of the addresses it names that the receiver has an opinion of."""
        addresses = tuple(a for a in letter.addresses if a in self._receiver.opinions)
        if addresses and "@" in letter.sender:
            domain = letter.sender.rpartition("@")[2]
            request = Request(addresses=addresses, contact=letter.sender, domain=domain)
            self.file(request, letter.message_id or "")

    def waiting(self, token: str) -> str | None:
        return next((t.number for t in self.tickets.values() if t.token == token), None)

    def confirm(self, token: str) -> str | None:
        """Once is as good as twice."""
        number = self.waiting(token)
        if number is not None and not self.tickets[number].confirmed:
            self.tickets[number].confirmed = True
            self._go(self.tickets[number], "confirmed")
        return number

    def _number(self) -> str:
        """As those of the real desk look."""
        while (number := f"SRX1{self._rng.randrange(10**9):09}ID") in self.tickets:
            pass
        return number

    # What comes of it

    def _go(self, ticket: Ticket, event: Event, insists: bool = False) -> None:
        if not ticket.open:
            return
        for step in self.scenario.steps:
            if (
                step.on == event
                and step.insists in {None, insists}
                and step.filing in {None, ticket.filing}
            ):
                self._work.begin(self._step(ticket, step))

    async def _step(self, ticket: Ticket, step: Step) -> None:
        await self._clock.sleep(step.after * 60)
        with self._clock.working():
            if step.does != "nothing":
                these = ticket.open.intersection(ticket.addresses(step.of))
                if not these:
                    return  # two replies, and the first was enough
                ticket.open -= these
                lift = self._unlist if step.does == "unlist" else self._receiver.mitigate
                for address in sorted(these):
                    lift(address)
            if step.answer is not None:
                await self._write(ticket, step, step.answer)

    async def _write(self, ticket: Ticket, step: Step, answer: str) -> None:
        """One try: a desk does not ask whether its answer arrived."""
        values = {
            "ticket": ticket.number,
            "link": f"{self.url}confirm/{ticket.token}",
            "ips": "\n".join(ticket.addresses(step.of)),
            "first": "\n".join(ticket.addresses("first")),
            "rest": "\n".join(ticket.addresses("rest")),
        }
        subject, body = manner().answers[answer][self.lang].filled(values)
        ticket.letters += 1
        to = ticket.request.contact
        letter = letters.written(
            sender=self.mailbox,
            name=_NAME,
            to=to,
            subject=subject,
            body=body,
            at=self._clock.now(),
            message_id=f"<{ticket.number}.{ticket.letters}@{self.domain}>",
            about=ticket.about,
        )
        domain = to.rpartition("@")[2].lower()
        host = self.domain
        if step.forged:
            host = FORGER
            claim = f"Authentication-Results: mx1.{domain};\r\n\tdkim=pass header.d={self.domain}"
            letter = f"{claim}\r\n".encode() + letter
        letter = sign(letter, host, self._key.private)
        client = Client(self._resolver, self._port, host, self.address)
        # No answer may be answered by a machine (RFC 3834, section 3.3).
        (outcome,) = await client.deliver("", [to], domain, letter)
        self._happened.add(
            Wrote(
                at=self._clock.now(),
                ticket=ticket.number,
                answer=answer,
                to=to,
                subject=subject,
                delivered=outcome.status == "sent",
                forged=step.forged,
            )
        )

    # Its mailbox: the hooks of aiosmtpd

    def greet(self, peer: str) -> str | None:
        return None

    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        source = session.peer[0] if session.peer else ""
        if self.scenario.closed_to_blocked and self._receiver.blocks(source):
            reply = self._receiver.words(source, self.domain)
            sender = envelope.mail_from
            self._receiver.met(self.domain, source, "RCPT TO", reply, sender, (address,))
            return reply
        if address.lower() != self.mailbox:
            return f"550 5.1.1 <{address}>: Recipient address rejected: User unknown"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Recipient OK"

    async def handle_DATA(  # noqa: N802
        self, server: Any, session: Session, envelope: Envelope
    ) -> str:
        sender = (envelope.mail_from or "").strip("<>")
        self.take(sender, envelope.original_content or b"")
        return "250 2.0.0 Queued mail for delivery"

    async def handle_exception(self, error: Exception) -> str:
        self._work.faults.append(error)
        return "451 4.3.0 fault of the lab"
