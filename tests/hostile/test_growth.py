"""No input makes reading slower than in proportion to its length.

What is measured is a ratio, never seconds: an input of eight times the length may take some eight
times as long, and what is quadratic takes sixty-four. Each unit below is repeated to both lengths;
between them the readers' own limits (of a head, a reply, a paste) are not reached, or both times.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

from todoku import reading
from todoku.diagnosis import Diagnoser
from todoku.grouping import template
from todoku.knowledge import load, match
from todoku.model import Refusal, Reply
from todoku.reading import bounce, charset, logs, ndjson, paste, webhooks
from todoku.reading.reply import parse

BOUNCE = b"From: MAILER-DAEMON@example.com\nSubject: Undelivered Mail\n"
POSTFIX = b"Nov 24 00:00:00 mx postfix/smtp[1]: 4ABC12345: to=<a@example.com>, "
MORE = 8
LIMIT = 24.0
"""Between eight (linear) and sixty-four (quadratic)."""
NOTHING_BELOW = 0.003
"""Seconds under which a time is the machine's business."""


T = TypeVar("T")


def growth(make: Callable[[int], T], work: Callable[[T], object], size: int) -> float:
    """How much longer MORE times as much takes. Longer inputs where it is quick, and 0 where it
    stays so; once more, and longer, where it looks bad: a busy machine does not do it twice."""

    def best(n: int, times: int) -> float:
        made = make(n)
        took = []
        for _ in range(times):
            begin = time.process_time()
            work(made)
            took.append(time.process_time() - begin)
        return min(took)

    def best_of_three(n: int) -> float:
        """Or one that is too short to count, as the best would be."""
        first = best(n, 1)
        return first if first < NOTHING_BELOW else min(first, best(n, 2))

    small = best_of_three(size)
    while small < NOTHING_BELOW and size < 1 << 20:
        size *= 4
        small = best_of_three(size)
    if small < NOTHING_BELOW:
        return 0
    ratio = best(MORE * size, 1) / small
    if ratio >= LIMIT:
        ratio = best(2 * MORE * size, 3) / best(2 * size, 3)
    return ratio


UNITS: dict[str, tuple[bytes, bytes]] = {
    # name: what stands in front, what is repeated
    "headers": (BOUNCE, b"X-Header: some words\n"),
    "empty headers": (BOUNCE, b"a:\n"),
    "folded lines": (BOUNCE + b"Subject: x\n", b" y\n"),
    "blank folded lines": (BOUNCE + b"Subject: x\n", b" \n"),
    "encoded words": (BOUNCE + b"Subject:", b" =?utf-8?Q?=41?="),
    "encoded words without end": (BOUNCE + b"Subject:", b"=?utf-8?Q?"),
    "boundaries": (BOUNCE + b"Content-Type: multipart/mixed; boundary=b\n\n", b"\n--b\n\nx"),
    "boundaries inside of lines": (BOUNCE + b"Content-Type: multipart/mixed; boundary=b\n\n", b"--b--b"),
    "longer boundaries": (BOUNCE + b"Content-Type: multipart/mixed; boundary=b\n\n", b"\n--bb"),
    "attached mails": (BOUNCE, b"Content-Type: message/rfc822\n\nSubject: x\n"),
    "multiparts in each other": (
        BOUNCE,
        b'Content-Type: multipart/mixed; boundary="b"\n\n--b\n',
    ),
    "recipients": (
        BOUNCE + b"Content-Type: message/delivery-status\n\nReporting-MTA: dns; a\n",
        b"\nFinal-Recipient: rfc822; a@example.com\nAction: failed\nStatus: 5.1.1\n",
    ),
    "diagnostic codes": (
        BOUNCE + b"Content-Type: message/delivery-status\n\n",
        b"\nFinal-Recipient: rfc822; a@b.example\nDiagnostic-Code: smtp; 550 no\n",
    ),
    "an address": (BOUNCE + b"\n<", b"a"),
    "addresses": (BOUNCE + b"\n", b"<a@example.com>: "),
    "addresses in lines": (BOUNCE + b"\n", b"<a@example.com>: host x[192.0.2.1] said: 550 no\n\n"),
    "at signs": (BOUNCE + b"\n", b"a@"),
    "words of a notice": (BOUNCE + b"\n", b"could not be delivered to the following recipients "),
    "quote marks": (BOUNCE + b"\n", b"> > "),
    "transcripts": (BOUNCE + b"\n", b">>> RCPT TO:<a@b.example>\n<<< 550 no\n"),
    "Received": (b"", b"Received: from a ([192.0.2.1]) by b with SMTP id x; Mon, 24 Nov 2026\n"),
    "mbox separators": (b"", b"\n\nFrom a Mon Nov 24 00:00:00 2026\nA: b\n\n"),
    "half separators": (b"From a Mon Nov 24 00:00:00 2026\nA: b\n", b"\n\nFrom a Mon "),
    "blanks": (BOUNCE + b"\n", b" "),
    "tabs and blanks": (BOUNCE + b"\n550", b" \t"),
    "line ends": (BOUNCE + b"\n", b"\r"),
    "mixed line ends": (BOUNCE + b"\n", b"\r\n\r"),
    "NUL": (BOUNCE + b"\n", b"\0"),
    "digits": (BOUNCE + b"\n", b"5"),
    "codes": (BOUNCE + b"\n", b"550 5.7.1 "),
    "continuations": (BOUNCE + b"\n", b"550-5.7.1 no\n"),
    "dots": (BOUNCE + b"\n", b"a."),
    "addresses of machines": (BOUNCE + b"\n", b"[192.0.2.1] "),
    "open brackets": (BOUNCE + b"\n", b"["),
    "colons": (BOUNCE + b"\n", b"a:"),
    "links": (BOUNCE + b"\n", b"https://a.example/?"),
    "ISO-2022-JP escapes": (BOUNCE + b"\n", b"\x1b$B"),
    "Japanese": (BOUNCE + b"\n", "拒否されました。".encode()),
    "Shift_JIS without label": (BOUNCE + b"\n", "拒否されました。".encode("shift_jis")),
    "any bytes": (BOUNCE + b"\n", bytes(range(128, 256))),
    "quoted-printable": (BOUNCE + b"Content-Transfer-Encoding: quoted-printable\n\n", b"=\n"),
    "base64": (BOUNCE + b"Content-Transfer-Encoding: base64\n\n", b"QUJD=\n"),
    "uuencode": (BOUNCE + b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n", b"#86)C\n"),
    "HTML": (BOUNCE + b"Content-Type: text/html\n\n", b"<p>&lt;<"),
    "HTML comments": (BOUNCE + b"Content-Type: text/html\n\n", b"<!--"),
    "open tags": (BOUNCE + b"Content-Type: text/html\n\n", b"<a "),
    "pasted replies": (b"", b"550 5.7.1 blocked using zen.spamhaus.org\n"),
    "pasted quotes": (b"550 no\n", b">"),
    "pasted words": (b"", b"access denied because "),
    "Postfix lines": (b"", POSTFIX + b"status=bounced (host x[192.0.2.1] said: 550 no)\n"),
    "one Postfix line": (POSTFIX + b"status=bounced (", b"host x[192.0.2.1] said: "),
    "brackets of a Postfix line": (POSTFIX + b"relay=", b"x[1]:"),
    "Exim lines": (b"", b"2026-11-24 00:00:00 1uXyZ1-000ABC-2A ** a@b.example R=r T=t: 550 no\n"),
    "one Exim line": (b"2026-11-24 00:00:00 1uXyZ1-000ABC-2A ** a@b.example ", b"R=a T=b H=c [1]: "),
    "sendmail": (b"Nov 24 00:00:00 mx sm-mta[1]: o6SGfUfN002977: to=", b"<a@b.example>,"),
    "qmail": (b"", b"@40000000419f13a508f3214c delivery 5: failure: no\n"),
    "one qmail line": (b"@40000000419f13a508f3214c delivery 5: failure: ", b"_"),
    "Exchange": (b"#Fields: date-time,event-id\n", b"2026-11-24T00:00:00.000Z,FAIL,\n"),
    "open quotes of a CSV": (b"#Fields: date-time,event-id\n2026-11-24T00:00:00.000Z,", b'"",'),
    "journal": (b"", b'{"SYSLOG_IDENTIFIER":"postfix/smtp","MESSAGE":"4A: status=bounced (no)"}\n'),
    "NDJSON": (b"", b'{"text":"550 5.7.1 no"}\n'),
    "one NDJSON line": (b'{"text":"', b"550 "),
    "arrays": (b"", b"["),
    "objects": (b"", b'{"event-data":'),
    "events": (b"[", b'{"event":"bounce","sg_event_id":"x","email":"a@b.example","reason":"550 no"},'),
}  # fmt: skip


def repeated(name: str) -> Callable[[int], bytes]:
    front, unit = UNITS[name]
    return lambda size: front + unit * (size // len(unit))


@pytest.mark.parametrize("name", UNITS)
def test_inputs(name: str) -> None:
    assert growth(repeated(name), reading.read, 32_768) < LIMIT


READERS: dict[str, Callable[[bytes], object]] = {
    "bounce": bounce.read,
    "logs": logs.read,
    "webhooks": webhooks.read,
    "NDJSON": ndjson.read,
    "paste": paste.read,
    "header": charset.header,
    "text": lambda data: charset.decode(data, None),
    "reply": lambda data: parse(data.decode("latin-1")),
    "grouping": lambda data: template(data.decode("latin-1")),
}


@pytest.mark.parametrize("reader", READERS)
def test_readers_with_all_of_them(reader: str) -> None:
    """Whatever a reader is handed that is another's."""
    slow = {}
    for name in UNITS:
        ratio = growth(repeated(name), READERS[reader], 16_384)
        if ratio >= LIMIT:
            slow[name] = ratio
    assert not slow


PUMPS = (
    "a", " ", ".", "1", "1.", "[", "(", "<", "a@", "a.b ", "550 ", "192.0.2.1 ", "2001:db8:", "x.", "*.", "https://a/",
    "blocked ", "blocked using ", "listed at ", "from ", "client [", "rejected by ", "spam ", "IP: ", "the ip address ",
    "host a.example ", "AS", "\t", "S3150 ", "AUP#", "拒否", "ー",
)  # fmt: skip


@pytest.mark.parametrize("pump", PUMPS)
def test_diagnosis(pump: str) -> None:
    """All rules together, on words that nearly match many of them. Readers cut replies at some
    thousand characters; here they are not cut."""

    def make(size: int) -> Refusal:
        text = "550 5.7.1 " + pump * (size // len(pump)) + "!"
        return Refusal(reply=Reply(550, "5.7.1", text))

    assert growth(make, _diagnoser(), 2048) < LIMIT


_made: list[Diagnoser] = []


def _diagnoser() -> Diagnoser:
    if not _made:
        knowledge = load.knowledge()
        scan = match.load(knowledge) or match.pure(knowledge)
        _made.append(Diagnoser(knowledge, scan=scan))
    return _made[0]


def test_thirty_megabytes() -> None:
    """A mail with an attachment costs what looking through its bytes once costs."""
    line = b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0NTY3ODkr\n"
    front = (
        BOUNCE + b'Content-Type: multipart/mixed; boundary="q"\n\n--q\nContent-Type: text/plain\n\n'
        b"<a@example.com>: host x.example[192.0.2.1] said: 550 no\n"
        b"--q\nContent-Type: application/zip\nContent-Transfer-Encoding: base64\n\n"
    )

    def make(size: int) -> bytes:
        return front + line * (size // len(line)) + b"--q--\n"

    assert [r.reply.code for r in reading.read(make(1 << 20))] == [550]
    assert growth(make, reading.read, 4 << 20) < LIMIT
