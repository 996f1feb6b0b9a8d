"""Partners with known habits, and what their mail servers say: logs for tests."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from datetime import UTC, datetime

from hypothesis import strategies as st

from todoku.diagnosis import Diagnoser
from todoku.knowledge import load
from todoku.logs.clock import Clock
from todoku.logs.judging import Judge
from todoku.logs.reader import Source
from todoku.logs.run import Run
from todoku.logs.values import Delivery
from todoku.partners.gates import Gates
from todoku.partners.learning import Learner, Window
from todoku.partners.values import (
    Evidence,
    Mail,
    MailKey,
    Origin,
    Proof,
    Use,
    UseKey,
)
from todoku.settings.own import Own

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC).timestamp()
OURS = "198.51.100.7"
OWN = Own(addresses=(OURS,), domains=("ours.example",))
DAY = 86_400.0
ZEN = "zen.spamhaus.org"
BARRACUDA = "b.barracudacentral.org"


@functools.cache
def diagnoser() -> Diagnoser:
    return Diagnoser(load.knowledge(), own=OWN)


@functools.cache
def gates() -> Gates:
    return Gates(load.knowledge())


def line(at: float, domain: str, status: str, *, host: str = "", ip: str = "203.0.113.9", who: str = "taro") -> str:  # fmt: skip
    """A line of Postfix. `status`: `sent (250 ok)`, `bounced (host ... said: ...)`."""
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")
    host = host or f"mx.{domain}"
    dsn = "2.0.0" if status.startswith("sent") else "5.7.1"
    return (
        f"{stamp} mx1 postfix/smtp[2110]: 3F1A22C0D5: to=<{who}@{domain}>, "
        f"relay={host}[{ip}]:25, delay=2.1, delays=0.1/0/0.8/1.2, dsn={dsn}, status={status}"
    )


def sent(at: float, domain: str, **more: str) -> str:
    return line(at, domain, "sent (250 2.0.0 Ok)", **more)


def listed(at: float, domain: str, zone: str = ZEN, *, address: str = OURS, **more: str) -> str:
    host, ip = more.get("host") or f"mx.{domain}", more.get("ip", "203.0.113.9")
    who = more.get("who", "taro")
    return line(
        at, domain,
        f"bounced (host {host}[{ip}] said: 554 5.7.1 <{who}@{domain}>: Service unavailable; Client host "
        f"[{address}] blocked using {zone}; https://www.example.net/query?ip={address} (in reply to RCPT TO command))",
        **more,
    )  # fmt: skip


def deliveries(lines: Iterable[str], own: Own | None = OWN) -> list[Delivery]:
    run = Run(Judge(diagnoser()), own=own, key=b"k", whole=True)
    source = Source(run, Clock(NOW, UTC))
    return list(source.read("\n".join(lines).encode() + b"\n"))


def learned(
    lines: Iterable[str], own: Own | None = OWN, windows: Iterable[Window] = ()
) -> Evidence:
    learner = Learner(gates(), own, windows)
    for d in deliveries(lines, own):
        learner.add(d)
    return learner.take()


# ── any evidence ──────────────────────────────────────────────────────────────────────────────

_domains = st.sampled_from(["a.example", "b.example", "c.example"])
_lists = st.sampled_from(["spamhaus-zen", "spamcop"])
_weeks = st.integers(2_950, 2_968)
_counts = st.integers(0, 50)
_times = st.integers(1_780_000_000, 1_795_000_000).map(float)

mail = st.dictionaries(
    st.builds(MailKey, _domains, st.sampled_from(["mimecast", "mx.x.example.", ""]), st.sampled_from(["", OURS]), _weeks),
    st.builds(Mail, _counts, _counts), max_size=6,
)  # fmt: skip
uses = st.dictionaries(
    st.builds(UseKey, _domains, _lists, _weeks),
    st.builds(Use, _counts, _counts, _counts),
    max_size=6,
)
proofs = st.dictionaries(
    st.tuples(_domains, _lists),
    st.tuples(_times, _times).map(sorted).flatmap(
        lambda t: st.builds(
            Proof, st.just(t[0]), st.just(t[1]), st.sampled_from(["blocked using x", "listed"]),
            st.sampled_from([None, "RCPT TO"]), st.sampled_from([None, "550 5.7.1"]), st.none(),
        )
    ),
    max_size=4,
)  # fmt: skip
evidence = st.builds(Evidence, mail, uses, proofs, st.none() | _times, st.none() | _times)
known = st.dictionaries(
    st.sampled_from([f"{n:016x}" for n in range(4)]),
    st.builds(Origin, st.integers(0, 3), evidence),
    max_size=3,
)
