"""Counts of mail by who sent it and hour.

Bounded by `MOST_CELLS` hours of names. Beyond, the names with the least mail are forgotten, a quarter at
a time; how many, and the most that one of them had, is kept: who sends enough to earn a block stays.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Final

from todoku.logs.cause.values import Kind
from todoku.logs.values import Delivery

MOST_CELLS: Final = 200_000
MOST_SEEN: Final = 64
"""Networks, and domains, kept apart in an hour."""
MOST_OWN: Final = 10_000
HOUR: Final = 3_600

UNKNOWN: Final = frozenset(
    ("user-unknown", "mailbox-disabled", "moved", "host-unknown", "no-mail-service")
)
SPAM: Final = frozenset(("spam-content", "content", "malware", "complaint"))
_INSIDE: Final = tuple(
    ipaddress.ip_network(n)
    for n in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7", "fe80::/10")
)  # fmt: skip
_LOCAL: Final = frozenset(("local", "virtual", "lmtp", "pipe", "dovecot", "discard", "error"))

PROGRAM: Final = ("uid=", "U=", "cwd=")
"""A message of a program of this machine: by the number or name of its user, or where it ran."""

Name = tuple[Kind, str]


class Cell:
    """One hour of one name."""

    __slots__ = ("domains", "example", "mails", "networks", "refused", "spam", "unknown")

    def __init__(self) -> None:
        self.mails = self.unknown = self.spam = self.refused = 0
        self.networks: set[str] | None = None
        self.domains: set[str] | None = None
        """Of recipients: those that do not exist; with `notified` and `forwarded` all."""
        self.example: str | None = None
        """A queue id; of mail that was refused where there is one."""


class Tally:
    """All that was delivered, by who and hour since 1970."""

    def __init__(self, own: Iterable[str] = ()) -> None:
        """`own`: our domains; those of users who log in with one are added."""
        self.names: dict[Name, dict[int, Cell]] = {}
        self.all: dict[int, Cell] = {}
        """Mail that left, whoever sent it; and (`rest`) that was not forwarded."""
        self.rest: dict[int, Cell] = {}
        self.users = self.clients = False
        """Does the log tell of them?"""
        self.first: float | None = None
        self.last: float | None = None
        self.left_out = self.left_out_most = 0
        self._own = {d.lower() for d in own}
        self._cells = 0

    def add(self, d: Delivery) -> None:
        """Any attempt, sent or not."""
        time = d.time
        if time is None:
            return
        self.first = time if self.first is None else min(self.first, time)
        self.last = time if self.last is None else max(self.last, time)
        hour = int(time) // HOUR
        message = d.message
        outside = goes_out(d)
        if message.user:
            self.users = self.users or address_of(message.client) is not None
            self._count(("user", message.user), hour, d, network_of(message.client))
        if message.client:
            self.clients = True
        sender = message.sender
        domain = sender.rpartition("@")[2].lower() if sender else ""
        if message.user and "@" in message.user and len(self._own) < MOST_OWN:
            self._own.add(message.user.rpartition("@")[2].lower())
        if not outside:
            return
        _count(self.all.setdefault(hour, Cell()), d)
        if sender:
            self._count(("sender", sender), hour, d)
        elif sender == "" and d.domain and not self._is_own(d.domain):
            self._count(("notified", d.domain), hour, d, None, d.domain)
        client = message.client
        forwarded = False
        if client and not message.user:
            if client.startswith(PROGRAM):
                self._count(("script", client), hour, d)
            elif not inside(address_of(client)):
                self._count(("client", client), hour, d)
                forwarded = sender not in {None, ""} and (
                    not self._is_own(domain) or _rewritten(sender)
                )  # fmt: skip
        if forwarded and d.domain:
            self._count(("forwarded", d.domain), hour, d, None, d.domain)
        else:
            _count(self.rest.setdefault(hour, Cell()), d)

    def _is_own(self, domain: str) -> bool:
        return any(domain == o or domain.endswith("." + o) for o in _parents(domain, self._own))

    def _count(
        self, name: Name, hour: int, d: Delivery, network: str | None = None, to: str | None = None
    ) -> None:
        hours = self.names.get(name)
        if hours is None:
            hours = self.names[name] = {}
        cell = hours.get(hour)
        if cell is None:
            if self._cells >= MOST_CELLS:
                self._forget(name)
            cell = hours[hour] = Cell()
            self._cells += 1
        unknown = _count(cell, d)
        if network is not None:
            _keep(cell, "networks", network)
        if to is None and unknown:
            to = d.domain
        if to is not None:
            _keep(cell, "domains", to)

    def _forget(self, but: Name) -> None:
        """The names with the least mail, until a quarter of the cells is free."""
        ranked = sorted(
            (sum(c.mails + c.spam for c in hours.values()), name)
            for name, hours in self.names.items()
            if name != but
        )
        for mails, name in ranked:
            if self._cells <= MOST_CELLS * 3 // 4:
                break
            self._cells -= len(self.names.pop(name))
            self.left_out += 1
            self.left_out_most = max(self.left_out_most, mails)
        else:
            if self._cells >= MOST_CELLS:  # one name alone: its oldest hours
                hours = self.names[but]
                for hour in sorted(hours)[: len(hours) // 4]:
                    del hours[hour]
                    self._cells -= 1


def _rewritten(sender: str | None) -> bool:
    """By the Sender Rewriting Scheme: mail that is sent on under our name."""
    return (sender or "")[:5].upper() in {"SRS0=", "SRS1=", "SRS0+", "SRS1+"}


def _parents(domain: str, own: set[str]) -> Iterable[str]:
    """Those of our domains that this one may be below."""
    while domain:
        if domain in own:
            yield domain
        domain = domain.partition(".")[2]


def _count(cell: Cell, d: Delivery) -> bool:
    """Whether the recipient does not exist."""
    reason = d.diagnosis.reason if d.diagnosis is not None else None
    over = d.outcome in {"sent", "bounced"}
    unknown = over and reason in UNKNOWN
    cell.mails += over
    cell.unknown += unknown
    spam = reason in SPAM
    cell.spam += spam
    cell.refused += spam or reason == "authentication"
    if cell.example is None or ((unknown or spam) and not cell.unknown + cell.spam > 1):
        cell.example = d.queue_id
    return unknown


def _keep(cell: Cell, field: str, value: str) -> None:
    kept: set[str] | None = getattr(cell, field)
    if kept is None:
        setattr(cell, field, {value})
    elif len(kept) < MOST_SEEN:
        kept.add(value)


def goes_out(d: Delivery) -> bool:
    """Does this attempt leave for another's server? Not so what goes to a content filter, to a
    mailbox here, or to a server within."""
    if d.relay_ip is not None:
        return not inside(d.relay_ip)
    return (d.transport or "").rpartition("/")[2] not in _LOCAL and (d.relay or "") not in _LOCAL


def inside(address: str | None) -> bool:
    """Is it an address of this machine or of a private network?"""
    if address is None:
        return False
    known = _known_inside.get(address)
    if known is None:
        try:
            ip = ipaddress.ip_address(address)
            known = any(ip.version == n.version and ip in n for n in _INSIDE)
        except ValueError:
            known = False
        if len(_known_inside) >= MOST_OWN:
            _known_inside.clear()
        _known_inside[address] = known
    return known


_known_inside: dict[str, bool] = {}


def address_of(client: str | None) -> str | None:
    """`mail.a.example[192.0.2.1]` is 192.0.2.1; `None` for a program of this machine."""
    if not client or client.startswith(PROGRAM):
        return None
    _, bracket, rest = client.rpartition("[")
    return rest.partition("]")[0].removeprefix("IPv6:") if bracket else client


def network_of(client: str | None) -> str | None:
    """The /24, or /48, of a client."""
    address = address_of(client)
    if address is None:
        return None
    if ":" in address:
        try:
            full = ipaddress.IPv6Address(address.partition("%")[0]).exploded
        except ValueError:
            return None
        return full[:14]
    return address.rpartition(".")[0] or None
