"""One resolver, asked, with answers of four outcomes: there is a record, the name has none, there is
no such name, or nothing usable came. The last is never taken for one of the others.

`Ask` is what checks are given: `ask("example.jp", "TXT")`. Everything asked stays as evidence.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Any, Final, Protocol

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype

from todoku.lists.values import Server
from todoku.preflight.values import Asked, Outcome, Why

WAIT: Final = 2.0
"""Seconds for one packet; a question is sent twice."""
TRIES: Final = 2
CUT_OFF: Final = 3
"""So many questions lost and none ever answered: the resolver cannot be reached."""
MOST_TEXT: Final = 8_000
MOST_RECORDS: Final = 64

_FAILED: Final[dict[int, Why]] = {dns.rcode.SERVFAIL: "servfail", dns.rcode.REFUSED: "refused"}


class Ask(Protocol):
    def __call__(self, name: str, kind: str, /) -> Asked: ...


class Recorder:
    """Passes questions on, and remembers them: the evidence of one check."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self.asked: list[Asked] = []

    def __call__(self, name: str, kind: str, /) -> Asked:
        answer = self._ask(name, kind)
        self.asked.append(answer)
        return answer

    @property
    def silent(self) -> bool:
        """Whether some answer did not come."""
        return any(a.outcome == "unknown" for a in self.asked)


class Resolver:
    """Asks until the deadline, from any number of threads; each question once."""

    def __init__(
        self,
        servers: Sequence[Server],
        deadline: float,
        *,
        wait: float = WAIT,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`deadline`: seconds from now."""
        self._servers = servers
        self._wait = wait
        self._clock = clock
        self._end = clock() + deadline
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], Future[Asked]] = {}
        self._lost = 0
        self.heard = False
        """Whether any answer came at all."""

    def __call__(self, name: str, kind: str, /) -> Asked:
        name = name.rstrip(".").lower()
        with self._lock:
            told = self._known.get((name, kind))
            mine = told is None
            if told is None:
                told = self._known[name, kind] = Future()
        if mine:
            try:
                told.set_result(self._look(name, kind))
            except BaseException as error:
                told.set_exception(error)
                raise
        return told.result()

    def _look(self, name: str, kind: str) -> Asked:
        try:
            question = dns.message.make_query(
                dns.name.from_text(name), kind, use_edns=0, payload=1232
            )
        except (dns.exception.DNSException, ValueError, UnicodeError):
            # No DNS holds what is no name (an empty or overlong label in a stranger's record).
            return Asked(name=name, type=kind, outcome="no-name")
        question.flags |= dns.flags.AD
        why: Why = "timeout"
        for turn in range(TRIES):
            if not self.heard and self._lost >= CUT_OFF:
                return Asked(name=name, type=kind, outcome="unknown", why="cut-off")
            left = self._end - self._clock()
            if left <= 0:
                return Asked(name=name, type=kind, outcome="unknown", why="late")
            server = self._servers[turn % len(self._servers)]
            try:
                response, _ = dns.query.udp_with_fallback(
                    question,
                    server.host,
                    min(self._wait, left),
                    server.port,
                    ignore_unexpected=True,
                    ignore_errors=True,  # of other ids and questions: forged, or late
                )
            except dns.exception.Timeout:
                continue
            except (OSError, EOFError):
                why = "timeout"
                continue
            except dns.exception.DNSException:
                self.heard = True
                why = "malformed"
                continue
            self.heard = True
            code = response.rcode()
            if code in {dns.rcode.NOERROR, dns.rcode.NXDOMAIN}:
                return _read(name, kind, response)
            why = _FAILED.get(code, "servfail")
        if why == "timeout":
            with self._lock:
                self._lost += 1
        return Asked(name=name, type=kind, outcome="unknown", why=why)


def _read(name: str, kind: str, response: dns.message.Message) -> Asked:
    try:
        assert isinstance(response, dns.message.QueryMessage)  # noqa: S101
        chain = response.resolve_chaining()
    except dns.exception.DNSException:
        return Asked(name=name, type=kind, outcome="unknown", why="malformed")
    ttl = int(chain.minimum_ttl)
    secure = bool(response.flags & dns.flags.AD)
    if chain.answer is not None:
        records = tuple(sorted(_text(kind, r) for r in list(chain.answer)[:MOST_RECORDS]))
        return Asked(name=name, type=kind, outcome="found", records=records, ttl=ttl, secure=secure)
    gone = response.rcode() == dns.rcode.NXDOMAIN
    outcome: Outcome = "no-name" if gone else "no-data"
    return Asked(name=name, type=kind, outcome=outcome, ttl=ttl, secure=secure)


def _text(kind: str, record: Any) -> str:
    """A and AAAA: the address; names without the final dot, in lower case; MX: `10 mx.example.jp`
    (`0 ` for the null MX); TXT: its strings joined; others as in a zone file."""
    match kind:
        case "A" | "AAAA":
            return str(ipaddress.ip_address(record.address))
        case "PTR" | "NS" | "CNAME":
            return _name(record.target)
        case "MX":
            return f"{record.preference} {_name(record.exchange)}"
        case "TXT":
            return bytes(b"".join(record.strings))[:MOST_TEXT].decode("utf-8", "replace")
        case _:
            return str(record.to_text())


def _name(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() if name != dns.name.root else ""


# ── questions that many checks ask ────────────────────────────────────────────────────────────


def reverse(address: str) -> str:
    return ipaddress.ip_address(address).reverse_pointer


def addresses(ask: Ask, host: str, *, versions: Iterable[int] = (4, 6)) -> tuple[str, ...] | None:
    """All addresses of a host; `None` where none came and one of the answers is not known."""
    answers = [ask(host, "A" if v == 4 else "AAAA") for v in versions]
    found = tuple(r for a in answers for r in a.records)
    return None if not found and any(a.outcome == "unknown" for a in answers) else found


def texts(answer: Asked, tag: str) -> list[str]:
    """The TXT records that begin with a version tag, as `v=spf1`: case ignored, a blank, `;` or
    nothing behind it."""
    low = tag.lower()
    return [
        r for r in answer.records
        if r.lower().startswith(low) and (len(r) == len(tag) or r[len(tag)] in " ;\t")
    ]  # fmt: skip


def tags(record: str) -> dict[str, str]:
    """`v=DMARC1; p=none` as a table; names in lower case, of several alike the first."""
    found: dict[str, str] = {}
    for part in record.split(";"):
        name, sign, value = part.partition("=")
        if sign:
            found.setdefault(name.strip().lower(), value.strip())
    return found
