"""Who refused: the answering host first, then words of its own, the recipient's domain last."""

from __future__ import annotations

import re
from typing import NamedTuple

from todoku.diagnosis.weighing import Found
from todoku.knowledge import patterns
from todoku.knowledge.names import NameTable
from todoku.knowledge.schema import Compiled, Rule
from todoku.model import Evidence, Refusal


class Places(NamedTuple):
    """The receivers that the answering host and the recipient's domain belong to."""

    host: int | None
    domain: int | None


class Receivers:
    """The receivers of a knowledge, by number."""

    def __init__(self, knowledge: Compiled) -> None:
        everyone = knowledge.receivers
        self._everyone = everyone
        index = {r.id: i for i, r in enumerate(everyone)}
        self.family = [
            frozenset({i, *(index[a] for a in r.also if a in index)})
            for i, r in enumerate(everyone)
        ]
        """For each receiver those whose rules hold for it too."""
        self.identifies = [r.kind in ("mailbox", "gateway") for r in everyone]
        self.mailbox = [r.kind == "mailbox" for r in everyone]
        self._hosts = NameTable((h, i) for i, r in enumerate(everyone) for h in r.hosts)
        self._domains = NameTable((d, i) for i, r in enumerate(everyone) for d in r.domains)
        # Where no receiver is known: the shapes of codes that any may print.
        self._nobody = [i for i, r in enumerate(everyone) if r.kind == "general" and r.codes]
        self._codes: list[list[re.Pattern[bytes]] | None] = [None] * len(everyone)

    def places(self, refusal: Refusal) -> Places:
        """What host and domain tell."""
        remote, reply = refusal.remote, refusal.reply
        host = self._hosts.find(remote.host) if remote.host else None
        if host is None and remote.host is None and refusal.reported_by and reply.code:
            # A system that reports on mail it refused itself: no other server answered.
            host = self._hosts.find(refusal.reported_by)
        domain = None
        if refusal.recipient:
            domain = self._domains.find(refusal.recipient.rpartition("@")[2])
        return Places(host, domain)

    def homes(self, places: Places, mark: int | None) -> frozenset[int]:
        """The receivers whose common words count here."""
        host, domain = places
        homes: frozenset[int] = frozenset()
        if host is not None:
            homes = self.family[host]
        if mark is not None:
            homes |= self.family[mark]
        if domain is not None and (host is None or not self.mailbox[host]):
            homes |= self.family[domain]
        return homes

    def who(
        self, places: Places, mark: int | None, owner: int | None
    ) -> tuple[int | None, int | None]:
        """Receiver and gateway, in the order of evidence; `owner` is that of the rule."""
        if owner is not None and not self.identifies[owner]:
            owner = None
        domain = places.domain
        if mark is not None and domain is not None and self._kin(mark, domain):
            mark = domain  # both print these words: the address tells which of them it was
        mailbox = gateway = None
        for i in (places.host, owner, mark, places.domain):
            if i is None:
                continue
            if self.mailbox[i]:
                if mailbox is None:
                    mailbox = i
            elif gateway is None and self.identifies[i]:
                gateway = i
        if mailbox is None:
            return gateway, None
        return mailbox, gateway

    def _kin(self, a: int, b: int) -> bool:
        """Do two mailbox providers share all their words, as the two services of Microsoft do?"""
        return a in self.family[b] and b in self.family[a] and self.mailbox[a] and self.mailbox[b]

    def code(
        self,
        found: Found | None,
        rule: Rule | None,
        who: tuple[int | None, int | None],
        text: str,
        evidence: list[Evidence],
    ) -> str | None:
        """The receiver's own code: what the rule caught, else what has the shape of its codes."""
        raw = found.raw if found else text.encode("utf-8", "replace")
        span = None
        if found is not None and rule is not None:
            if found.group("code"):
                span = found.match.span("code")
            elif rule.code:
                wanted = rule.code.lower().encode()
                at = raw.lower().find(wanted)
                span = (at, at + len(wanted)) if at >= 0 else None
        if span is None:
            for i in [i for i in who if i is not None] or self._nobody:
                for expression in self._codes_of(i):
                    if span is None and (m := expression.search(raw)):
                        span = m.span("code")
        if span is None:
            return None
        if found is not None:
            start, end = span
            evidence.append(Evidence("receiver_code", found.position(start), found.position(end)))
        return raw[span[0] : span[1]].decode("utf-8", "replace")

    def _codes_of(self, receiver: int) -> list[re.Pattern[bytes]]:
        got = self._codes[receiver]
        if got is None:
            got = self._codes[receiver] = [
                patterns.compile_re(patterns.expand(c))
                for i in (receiver, *sorted(self.family[receiver] - {receiver}))
                for c in self._everyone[i].codes
            ]
        return got
