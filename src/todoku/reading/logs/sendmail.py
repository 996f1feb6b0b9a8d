"""sendmail (and MeTA1's kin): `to=` lines of its log (Sendmail Installation and Operation Guide).

    o6SGfUfN002977: to=<u@b.example>, delay=00:00:01, xdelay=00:00:01, mailer=esmtp, pri=120296,
        relay=mx.b.example. [192.0.2.9], dsn=5.7.1, reply=550 5.7.1 ..., stat=Service unavailable

`stat=` tells the outcome in sendmail's words. A deferral holds the answer behind `Deferred: `; for
a refusal for good only newer versions write it, as `reply=`. The outcome is taken from `dsn=`,
which stands before everything that the receiver wrote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from todoku.lazy import expression
from todoku.model import Refusal, Remote
from todoku.reading.logs.attempt import Attempt, Outcome, refusal
from todoku.reading.logs.syslog import split, text

READER = "sendmail-log"

_QUEUE_ID = rb"(?P<qid>[0-9A-Za-z]{8}\d{6}|[0-9A-Za-z]{10,20})"
_TO = expression(
    _QUEUE_ID + rb": to=(?P<to>[^\n]{1,4000}?), (?:ctladdr=[^\n]{1,400}?, )?delay=[\d:+]{1,20}, "
    rb"(?:(?:xdelay|mailer|pri)=[^,\n]{0,100}, ){0,3}(?:relay=(?P<relay>[^,\n]{0,400}), )?"
    rb"(?:dsn=(?P<dsn>[245]\.\d{1,3}\.\d{1,3}), )?(?P<rest>(?:reply|stat)=.*)",
    re.DOTALL,
)
_FROM = expression(_QUEUE_ID + rb": from=<?(?P<from>[^\n<>]{0,400}?)>?, size=")
# Without an address behind it, a name is what was looked up, and nobody was talked to.
_RELAY = expression(
    r"(?:(?P<host>[^\s\[\]]{1,255}?)\.? )?\[(?:IPv6:)?(?P<ip>[0-9A-Fa-f:.]{2,45})\]"
)
# sendmail's own code for a TLS that it did not get or does not trust; no server answers with it.
_OWN_CODE = expression(r"403 4\.7\.0 ")
_GOES_ON = expression(r"[245]\d\d-")
"""Of an answer of several lines the log has the first."""
_NO_ATTEMPT = ("queued", "Deferred: prior session", "Sent")
_LOOKS = expression(rb": (?:to=[^\n]{1,600}, delay=[^\n]{1,600}, stat=|from=[^\n]{1,400}, size=\d)")


def looks(head: bytes) -> bool:
    """Are there lines of a sendmail in it?"""
    return _LOOKS.search(head[:8192]) is not None


def line(raw: bytes | str) -> Attempt | None:
    """The attempt that a line tells of. One line may name several recipients; see `recipients`."""
    if isinstance(raw, str):
        raw = raw.encode("utf-8", "replace")
    if b"stat=" not in raw:
        return None
    entry = split(raw.rstrip())
    m = _TO.match(entry.message)
    if m is None:
        return None
    rest = text(m["rest"])
    reply = ""
    if rest.startswith("reply="):
        # The receiver may have written `stat=` as well: sendmail's own is the last.
        reply, found, stat = rest[6:].rpartition(", stat=")
        if not found:
            return None
    else:
        stat = rest[5:]
    dsn = text(m["dsn"]) if m["dsn"] else None
    outcome = _outcome(dsn, stat)
    if stat.startswith(_NO_ATTEMPT) and outcome != "bounced":
        if outcome != "sent":
            return None
        outcome = "sent"
    relay = _RELAY.match(text(m["relay"])) if m["relay"] else None
    expired = "annot send message for" in stat or "essage timed out" in stat
    said = reply or _OWN_CODE.sub("", stat.removeprefix("Deferred: "))
    return Attempt(
        outcome="bounced" if expired else outcome,
        recipient=text(m["to"]),
        text=said,
        queue_id=text(m["qid"]),
        host=entry.host,
        remote=Remote(relay["host"], relay["ip"]) if relay else Remote(),
        status=dsn,
        gave_up=expired,
        cut=_GOES_ON.match(said) is not None,
    )


def _outcome(dsn: str | None, stat: str) -> Outcome:
    if dsn is not None:
        return "sent" if dsn[0] == "2" else "deferred" if dsn[0] == "4" else "bounced"
    if stat.startswith("Sent"):
        return "sent"
    return "deferred" if stat.startswith(("Deferred", "queued")) else "bounced"


def recipients(attempt: Attempt) -> list[Attempt]:
    """One attempt for each address of `to=<a@b.example>,<c@b.example>`."""
    names = [n.strip().strip("<>") for n in (attempt.recipient or "").split(",")]
    return [msgspec.structs.replace(attempt, recipient=n) for n in names if n]


def read(data: bytes) -> list[Refusal]:
    """The refusals in a log or a piece of one, senders filled in where it tells them."""
    return read_lines(data.split(b"\n"))


def read_lines(lines: Iterable[bytes]) -> list[Refusal]:
    """The same for lines."""
    found: list[Attempt] = []
    senders: dict[tuple[str | None, str], str] = {}
    for raw in lines:
        if b"stat=" in raw:
            attempt = line(raw)
            if attempt is not None and attempt.outcome != "sent":
                found += recipients(attempt)
        elif b": from=" in raw:
            entry = split(raw)
            if m := _FROM.match(entry.message):
                senders[entry.host, text(m["qid"])] = text(m["from"])
    return [refusal(a, READER, senders.get((a.host, a.queue_id or "")) or None) for a in found]
