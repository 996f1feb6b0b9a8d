"""Postfix in bulk: one expression walks over a whole piece of a log.

A log has seven lines to one delivery, so a line that nobody needs must cost next to nothing. The
expression matches runs of lines with a Postfix's head up to the next one that counts, inside the
engine. It is anchored line by line: no word in a line, whoever wrote it, can stand for the head or
for a field of another. What it does not match (odd heads, quoted addresses, other programs) is
handed back, for `todoku.logs.lines` to read one by one.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Final

from todoku.logs.daily import Tally
from todoku.logs.messages import Messages

# Ranges instead of classes such as `\w`: the engine makes one table of them. A stamp's digits are
# read by the clock; here it is enough that nothing else can stand there. `.`, not `[^\n]`: the same
# for bytes, in half the time.
_STAMPS: Final = (
    rb"[A-Z][a-z]{2} [0-9: ]{11}",
    rb"[0-9]{4}-[0-9T:.Z+-]{15,31}+",
    rb"@[0-9]{10,20}+",
)
_HOST: Final = rb"[^ \t\r\n\v\f\[\]]{1,255}+"
_TAG: Final = rb"[A-Za-z][0-9A-Za-z_.-]{0,63}+/[0-9A-Za-z_./-]{1,128}+"
_WORD: Final = rb"[^, \t\r\n\v\f]"
_QUEUE_ID: Final = rb"[0-9A-Za-z]{5,24}+"
RECEIVING: Final = (b"smtpd", b"postscreen", b"cleanup", b"tlsproxy", b"dnsblog", b"qmqpd")
"""Daemons that receive: no line of theirs is a delivery."""
_ADDRESS: Final = rb"[^<>\" \t\r\n\v\f]{0,600}+"
# Lines of a message that say who sent it; with `whole` also who handed it in, and whether it is a
# notification about another. First what is looked for, then what is understood.
_SENDER: Final = (rb"to=<|from=<", rb"from=<" + _ADDRESS + rb">, size=")
_WHOLE: Final = (
    rb"to=<|from=<|client=|uid=|(?:resent-)?message-id=|sender [a-z-]{5,12} notification: ",
    _SENDER[1] + rb"|client=|uid=\d{1,10} from=|(?:resent-)?message-id="
    rb"|sender (?:non-delivery|delay) notification: ",
)


def _walker(stamp: bytes, looked_for: bytes, noted: bytes) -> re.Pattern[bytes]:
    head = rb"\n" + stamp + rb" " + _HOST + rb" " + _TAG + rb"\[[0-9]{1,10}+\]: "
    passed = head + rb"(?!" + _QUEUE_ID + rb": (?:" + looked_for + rb")).*+"
    # `(?:x|)` where a field may be missing: for the engine that is less work than `(?:x)?`.
    counted = (
        rb"\n(?P<stamp>" + stamp + rb") (?P<host>" + _HOST + rb") (?P<tag>" + _TAG + rb")"
        rb"\[[0-9]{1,10}+\]: (?P<qid>" + _QUEUE_ID + rb"): (?:"
        rb"to=<(?P<to>" + _ADDRESS + rb")>, (?:orig_to=<" + _ADDRESS + rb">, |)"
        rb"(?:relay=(?P<relay>" + _WORD + rb"{1,400}+), |)(?:conn_use=[0-9]{1,9}, |)"
        rb"(?:delay=(?P<delay>[0-9.e+]{1,20}+), |)(?:delays=" + _WORD + rb"{1,100}+, |)"
        rb"(?:tls=" + _WORD + rb"{1,100}+, |)"
        rb"(?:dsn=(?P<dsn>[245]\.[0-9]{1,3}\.[0-9]{1,3}), |)"
        rb"status=(?:sent(?P<sent>) \(.*+|(?P<status>bounced|deferred) \((?P<text>.*+))"
        rb"|(?P<noted>(?:" + noted + rb").*+))"
    )
    return re.compile(rb"(?:" + passed + rb")*+(?:" + counted + rb"|(?P<stop>))")


@functools.cache
def _walkers(whole: bool) -> tuple[Callable[[], re.Pattern[bytes]], ...]:
    """One for each kind of stamp, compiled when first needed."""
    words = _WHOLE if whole else _SENDER
    return tuple(functools.cache(functools.partial(_walker, s, *words)) for s in _STAMPS)


def _hour(stamp: bytes) -> bytes:
    """What the stamps of an hour begin with; those of the journal's count: of 1,000 seconds."""
    first = stamp[:1]
    return stamp[: 9 if first.isalpha() else 8 if first == b"@" else 13]


Sent = tuple[bytes | None, ...]
"""A delivery that was sent, as it stands in the log: stamp, host, tag, queue id, recipient, relay,
delay, status, and the line that names its sender (`None` where none is known)."""


def walk(
    data: bytes,
    end: int,
    messages: Messages,
    *,
    whole: bool = False,
    each: bool = False,
    tally: Tally | None = None,
    told: list[Sent] | None = None,
) -> Iterator[re.Match[bytes] | tuple[int, int] | int]:
    r"""What of a piece of a log cannot be passed over, in order:

    - a match: a delivery that was not `sent`; with `each` any delivery
    - (start, end): a line that is not in one of the shapes known here
    - last, a number: how many deliveries were sent and not told of

    `tally` gets what was delivered where, by the hour; `told` each of these as it stands; neither
    with `each`.
    What lines tell of messages is noted on the way: the sender, with `whole` everything. A line
    feed stands before each line in `data`, which counts up to `end`.
    """
    pos, sent = 0, 0
    walkers = _walkers(whole)
    walker = walkers[0]()
    note, senders = messages.note, messages.senders()
    hour, here = b"-", defaultdict[bytes | None, int](int)
    while pos < end:
        start = pos
        for m in iter(walker.scanner(data, pos, end).match, None):  # type: ignore[attr-defined]
            kind = m.lastgroup
            if kind == "sent":
                if each:
                    yield m
                else:
                    sent += 1
                    stamp, relay = m.group(1, 6)
                    if not stamp.startswith(hour):
                        hour, here = _hour(stamp), defaultdict(int)
                        if tally is not None:
                            tally.append((stamp, here))
                    here[relay] += 1
                    if told is not None:
                        host, qid = m.group(2, 4)
                        line = messages.line(host + b" " + qid)
                        told.append((*m.group(1, 2, 3, 4, 5, 6, 7, 8), line))
            elif kind == "noted":
                host, qid, line = m.group(2, 4, 12)
                if whole:
                    note(host, qid, line)
                else:  # nothing but senders: the last one counts
                    senders[host + b" " + qid] = line
            elif kind == "text":
                yield m
            else:  # "stop"
                pos = m.end()
                break
        if pos > start or pos >= end:
            continue
        if (other := _other(walkers, data, pos, end)) is not None:
            walker = other
            continue
        behind = data.find(b"\n", pos + 1, end)
        behind = end if behind < 0 else behind
        yield pos + 1, behind
        pos = behind
    yield sent


_STARTS: Final = re.compile(rb"\n(?:([A-Z])|(\d)|(@\d))")


def _other(
    walkers: tuple[Callable[[], re.Pattern[bytes]], ...], data: bytes, pos: int, end: int
) -> re.Pattern[bytes] | None:
    """The expression that matches the line at `pos`, by the kind of its stamp."""
    start = _STARTS.match(data, pos)
    if start is None or start.lastindex is None:
        return None
    walker = walkers[start.lastindex - 1]()
    found = walker.match(data, pos, end)
    return walker if found is not None and found.end() > pos else None
