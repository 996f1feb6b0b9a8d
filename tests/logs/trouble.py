"""Eighteen days of a small mail server, with and without a cause for a block: what `todoku cause` is
tried on. Quiet worlds have what real ones have: a weekly rhythm, newsletters on Tuesdays, people on the
road, a mail that is forwarded, a cron job, lists with a few stale addresses."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple

from tests.logs.logs import diagnoser
from todoku.logs.values import Delivery, Message
from todoku.model import Diagnosis, Refusal, Remote
from todoku.reading.reply import parse

DAYS: Final = 18
BEGIN: Final = datetime(2026, 11, 2, tzinfo=UTC).timestamp()
"""A Monday."""
END: Final = BEGIN + DAYS * 86_400
RHYTHM: Final = (1.0, 1.1, 1.0, 0.95, 0.9, 0.25, 0.2)
PLACES: Final = (
    "gmail.com",
    "outlook.com",
    "yahoo.co.jp",
    "b.example",
    "c.example",
    "d.example",
    "e.example",
)
SAID: Final = {
    "unknown": "550 5.1.1 <x@{host}>: User unknown",
    "spam": "554 5.7.1 Spam message rejected",
    "block": "550 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
}  # fmt: skip


class Mail(NamedTuple):
    """One message to one recipient."""

    time: float
    sender: str
    to: str
    user: str | None = None
    client: str | None = "pc.a.example[198.51.100.7]"
    said: str | None = None
    relay: str = ""


@functools.cache
def judged(said: str, host: str) -> Diagnosis:
    got = parse(SAID[said].format(host=host))
    return diagnoser()(Refusal(reader="test", remote=Remote(host, None), reply=got.reply))


def delivery(m: Mail, n: int) -> Delivery:
    domain = m.to.rpartition("@")[2]
    host = m.relay or f"mx.{domain}"
    d = judged(m.said, host) if m.said else None
    return Delivery(
        time=m.time, host="mx1", instance="postfix", transport="smtp", source=None, queue_id=f"{n:010X}",
        recipient=None, domain=domain, relay=host, relay_ip="203.0.113.9",
        outcome="bounced" if d else "sent", status=None, code=None, enhanced=None, stage=None,
        template=None, delay=1.0, message=Message(sender=m.sender, client=m.client, user=m.user),
        diagnosis=d,
    )  # fmt: skip


def lines(mails: list[Mail]) -> str:
    """The same as a log of Postfix."""
    out = []
    for n, m in enumerate(mails):
        d = delivery(m, n)
        qid, stamp = f"{n:010X}", datetime.fromtimestamp(m.time, UTC).isoformat()
        if m.client and m.client.startswith("uid="):
            out.append(f"{stamp} mx1 postfix/pickup[9]: {qid}: {m.client} from=<{m.sender}>")
        elif m.client:
            user = f", sasl_method=PLAIN, sasl_username={m.user}" if m.user else ""
            out.append(f"{stamp} mx1 postfix/smtpd[9]: {qid}: client={m.client}{user}")
        out.append(
            f"{stamp} mx1 postfix/qmgr[9]: {qid}: from=<{m.sender}>, size=900, nrcpt=1 (queue active)"
        )
        said = SAID[m.said].format(host=d.relay) if m.said else ""
        at = f"{d.relay}[203.0.113.9]"
        told = f"status=bounced (host {at} said: {said} (in reply to RCPT TO command))"
        if not said:
            told = "status=sent (250 2.0.0 OK)"
        out.append(
            f"{stamp} mx1 postfix/smtp[9]: {qid}: to=<{m.to}>, relay={at}:25, delay=1, "
            f"delays=0/0/0/1, dsn={'5.0.0' if said else '2.0.0'}, {told}"
        )
    return "\n".join(out)


def quiet(seed: int, scale: float = 1.0) -> list[Mail]:
    """A world without a cause."""
    rng = random.Random(seed)
    mails: list[Mail] = []
    people = [f"p{n}@a.example" for n in range(rng.randint(5, 25))]
    volume = {p: scale * rng.lognormvariate(1.5, 0.8) for p in people}
    home = {p: rng.randint(1, 200) for p in people}
    for day in range(DAYS):
        begin, busy = BEGIN + day * 86_400, RHYTHM[day % 7]
        for p in people:
            for _ in range(_some(rng, volume[p] * busy)):
                hour = min(23.9, max(0.0, rng.gauss(13, 3.5)))
                network = rng.choice((7, 7, 7, home[p], rng.randint(201, 203)))
                client = f"x.isp.example[198.51.{network}.{rng.randint(1, 250)}]"
                mails.append(_mail(rng, begin + hour * 3600, p, user=p, client=client, bad=0.03))
        if day % 7 == 1:  # the newsletter
            for n in range(int(150 * scale)):
                client = "uid=33" if seed % 2 else "news.a.example[192.0.2.40]"
                at = begin + 9 * 3600 + n * 4
                mails.append(_mail(rng, at, "news@a.example", client=client, bad=0.06))
        for _ in range(_some(rng, 10 * scale)):  # forwarded
            at = begin + rng.random() * 86_399
            said = "spam" if rng.random() < 0.05 else None
            sender = f"w{rng.randint(1, 900)}@w{rng.randint(1, 300)}.example"
            client = f"mx.w.example[203.0.114.{rng.randint(1, 250)}]"
            mails.append(Mail(at, sender, "taro@gmail.com", None, client, said))
        for _ in range(_some(rng, 3 * scale)):  # notifications
            at = begin + rng.random() * 86_399
            mails.append(
                Mail(at, "", f"w{rng.randint(1, 9)}@w{rng.randint(1, 300)}.example", None, None)
            )
        mails.append(Mail(begin + 4 * 3600, "root@a.example", "admin@gmail.com", None, "uid=0"))
    return mails


def _some(rng: random.Random, mean: float) -> int:
    return max(0, round(rng.gauss(mean, mean**0.5)))


def _mail(
    rng: random.Random, at: float, sender: str, *, user: str | None = None, client: str, bad: float
) -> Mail:
    said = rng.choice(("unknown", "unknown", "spam")) if rng.random() < bad else None
    return Mail(at, sender, f"r{rng.randint(1, 9999)}@{rng.choice(PLACES)}", user, client, said)


# ── causes, planted on the last day ───────────────────────────────────────────────────────────


def leaked(rng: random.Random) -> Iterator[Mail]:
    """Somebody sends as p1 by night from all over the world."""
    for n in range(400):
        at = END - 86_400 + rng.random() * 5 * 3600
        client = f"unknown[{rng.randint(1, 99)}.{rng.randint(1, 250)}.{rng.randint(1, 250)}.4]"
        said = "unknown" if rng.random() < 0.35 else "spam" if rng.random() < 0.2 else None
        to = f"v{n}@{rng.choice(PLACES)}"
        yield Mail(at, f"x{n}@fake{n % 7}.example", to, "p1@a.example", client, said)


def script(rng: random.Random) -> Iterator[Mail]:
    """A form on the web server sends what it likes."""
    for n in range(600):
        at = END - 40_000 + rng.random() * 30_000
        said = "spam" if rng.random() < 0.3 else None
        yield Mail(at, "www-data@a.example", f"v{n}@{rng.choice(PLACES)}", None, "uid=1033", said)


def volume(rng: random.Random) -> Iterator[Mail]:
    """A person's first mailing to all customers."""
    for n in range(800):
        at = END - 30_000 + n * 20
        yield Mail(at, "p2@a.example", f"k{n}@{rng.choice(PLACES)}", "p2@a.example")


def stale(rng: random.Random) -> Iterator[Mail]:
    """The newsletter goes to a list from ten years ago."""
    for n in range(300):
        said = "unknown" if rng.random() < 0.3 else None
        at = END - 30_000 + n * 20
        yield Mail(
            at,
            "news@a.example",
            f"k{n}@old{n % 90}.example",
            None,
            "news.a.example[192.0.2.40]",
            said,
        )


def forwarding(rng: random.Random) -> Iterator[Mail]:
    """Spam comes in for a forwarded mailbox, and is sent on."""
    for n in range(120):
        at = END - 80_000 + rng.random() * 70_000
        said = "spam" if rng.random() < 0.5 else None
        sender = f"s{n}@spam{n}.example"
        yield Mail(at, sender, "taro@gmail.com", None, f"x[203.0.114.{n % 200}]", said)


def backscatter(rng: random.Random) -> Iterator[Mail]:
    """Mail to nobody is taken first, and answered to forged senders."""
    for n in range(200):
        at = END - 80_000 + rng.random() * 70_000
        said = "unknown" if rng.random() < 0.4 else None
        yield Mail(at, "", f"v{n}@victim{n % 120}.example", None, None, said)


PLANTED: Final[dict[str, Callable[[random.Random], Iterator[Mail]]]] = {
    "leaked-password": leaked, "script": script, "volume": volume, "stale-list": stale,
    "forwarding": forwarding, "backscatter": backscatter,
}  # fmt: skip
WANTED: Final = {
    "leaked-password": ("leaked-password", "user", "p1@a.example"),
    "script": ("spam", "script", "uid=1033"),
    "volume": ("volume", "user", "p2@a.example"),
    "stale-list": ("stale-list", "client", "news.a.example[192.0.2.40]"),
    "forwarding": ("forwarding", "forwarded", "gmail.com"),
    "backscatter": ("backscatter", "notified", None),
}


def block(rng: random.Random) -> Iterator[Mail]:
    """Its effect: the last hours' mail to some receivers is refused, whoever sent it."""
    for n in range(60):
        p = f"p{rng.randint(0, 4)}@a.example"
        yield Mail(END - 3_000 + n * 40, p, f"r{n}@b.example", p, said="block")


def planted(kind: str, seed: int, scale: float = 1.0) -> list[Mail]:
    rng = random.Random(f"{kind}/{seed}")
    mails = [*quiet(seed, scale), *PLANTED[kind](rng), *block(rng)]
    return sorted(mails, key=lambda m: m.time)
