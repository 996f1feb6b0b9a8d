"""Who runs a domain's mail: the product or provider whose hosts answer, else the hosts themselves."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Final

from todoku.grouping import domain_of
from todoku.knowledge.names import NameTable
from todoku.knowledge.schema import Compiled
from todoku.model import Diagnosis

NAME: Final = r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+"
"""A host or domain name."""
NUMBERS: Final = r"[0-9.]+"
LONGEST: Final = 253
_NAME: Final = re.compile(NAME)
_NUMBERS: Final = re.compile(NUMBERS)
_REMEMBERED: Final = 50_000


class Gates:
    """The receivers and gateways of a knowledge, by their hosts and domains."""

    def __init__(
        self, knowledge: Compiled, smarthost: Callable[[str], bool] = lambda _host: False
    ) -> None:
        """`smarthost`: whether a host is one that we hand our mail to: who takes it there is not
        the partner."""
        known = [r for r in knowledge.receivers if r.kind in {"mailbox", "gateway"}]
        self._ids = [r.id for r in known]
        self._known = frozenset(self._ids)
        self._hosts = NameTable((h, n) for n, r in enumerate(known) for h in r.hosts)
        self._domains = NameTable((d, n) for n, r in enumerate(known) for d in r.domains)
        self._smarthost = smarthost
        self.of = functools.lru_cache(_REMEMBERED)(self._of)

    def _of(self, relay: str | None, domain: str) -> str:
        """By the answering host (lower or upper case); empty where that tells nothing."""
        if not relay:
            return ""
        host = relay.lower().rstrip(".")
        if self._smarthost(host):
            return ""
        at = self._hosts.find(host)
        if at is None:
            at = self._domains.find(domain)
        if at is not None:
            return self._ids[at]
        if not _NAME.fullmatch(host) or _NUMBERS.fullmatch(host) or len(host) > LONGEST:
            return ""
        return domain_of(host) + "."

    def told(self, d: Diagnosis, relay: str | None, domain: str) -> str:
        """By a refusal: its words can name the product where the host does not."""
        return self.named(self.of(relay, domain), d.gateway, d.receiver)

    def named(self, gate: str, *told: str | None) -> str:
        """`gate`, or what the words of a refusal named (the first that is known), where its hosts alone
        are known."""
        if not is_place(gate):
            return gate
        return next((g for g in told if g is not None and g in self._known), gate)


def is_place(gate: str) -> bool:
    """Hosts that no knowledge knows."""
    return gate.endswith(".")


def well_made(domain: str) -> bool:
    """Whether this can be a partner: what strangers write into addresses is often no domain."""
    return (
        len(domain) <= LONGEST and bool(_NAME.fullmatch(domain)) and not _NUMBERS.fullmatch(domain)
    )
