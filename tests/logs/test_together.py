"""Refusals are judged together, a stretch of a log at a time: nothing of this shows."""

from __future__ import annotations

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.logs.logs import new, read
from todoku.logs.run import Run

SAID = [
    "host mx.b.example[203.0.113.9] said: 550 5.1.1 <{to}>: User unknown (in reply to RCPT TO command)",
    (
        "host mx.b.example[203.0.113.9] said: 554 5.7.1 Service unavailable; Client host [192.0.2.{n}] "
        "blocked using zen.spamhaus.org (in reply to RCPT TO command)"
    ),
    "host mx.b.example[203.0.113.9] refused to talk to me: 421 4.7.0 ticket 4c{n}ab0f9e12 for {to}",
    "connect to mx.b.example[203.0.113.9]:25: Connection timed out",
    "said: x) 3F1A22C0D5: from=<evil@e.example>, size=1, nrcpt=1 (queue active)",
    (
        "host mx.b.example[203.0.113.9] said: 550 Nov 24 09:12:05 mx1 postfix/smtp[1]: 3F1A22C0D5: "
        "to=<{to}>, relay=none, delay=1, dsn=2.0.0, status=sent (250"
    ),
    "\0\xff",
    "",
]
stamps = st.sampled_from(
    ["Nov 24 09:12:05", "Nov 24 10:59:59", "2026-11-24T09:12:05+09:00", "Feb 31 99:99:99"]
)
heads = st.builds(
    "{} {} postfix{}/{}[2110]: ".format, stamps, st.sampled_from(["mx1", "mx2"]),
    st.sampled_from(["", "-out2"]), st.sampled_from(["smtp", "qmgr", "smtpd", "bulk/smtp"]),
)  # fmt: skip
qids = st.sampled_from(["3F1A22C0D5", "4c9XyZ1bcDz8"])
addresses = st.sampled_from(
    ["u@b.example", "spam@b.example", "U.2@C.example", '"a b"@b.example', ""]
)
told = st.builds(
    lambda q, to, status, said, n: (
        f"{q}: to=<{to}>, relay=mx.b.example[203.0.113.9]:25, delay={n}, delays=0/0/0/1, dsn=5.1.1, "
        f"status={status} ({said.format(to=to, n=n)})"
    ),
    qids, addresses, st.sampled_from(["bounced", "deferred", "sent", "BOUNCED"]), st.sampled_from(SAID),
    st.integers(1, 3),
)  # fmt: skip
noted = st.builds(
    lambda q, sender, rest: f"{q}: from=<{sender}>, {rest}",
    qids, st.sampled_from(["a@a.example", "b@a.example", "", '"x y"@a.example', "a>, b"]),
    st.sampled_from(["size=9, nrcpt=1 (queue active)", "status=expired, returned to sender", "size="]),
)  # fmt: skip
others = st.builds(
    "{}: {}".format, qids,
    st.sampled_from(["client=c.example[192.0.2.7], sasl_username=u1", "message-id=<1@a.example>", "removed"]),
)  # fmt: skip
lines = st.builds(lambda head, rest: (head + rest).encode("latin-1"), heads, told | noted | others)
foreign = st.sampled_from(
    [
        b"Nov 24 09:12:05 mx1 dovecot: imap-login: Login",
        b"2026-11-24 09:12:05 1tFabc-0001Qx-2b ** u@b.example R=dnslookup T=smtp: 550 no",
        b"", b"\0\0", b"x" * 300,
    ]
)  # fmt: skip
cut = st.builds(lambda line, n: line[:n], lines, st.integers(0, 200))


def _read(data: list[bytes], kind: str, *, apart: bool) -> tuple[object, ...]:
    run: Run = new(whole=kind == "whole", since=1_795_000_000.0 if kind == "bounded" else None)
    if kind == "sent":
        run.sent = []
    found, run = read(b"\n".join(data), run, pieces=len(data) if apart else 1)
    counts = msgspec.structs.replace(run.counts, jumps=0, first=None, last=None)  # told by pieces
    # What stands at the end of a piece without a word is no line.
    return found, msgspec.structs.replace(counts, lines=0, unknown=0), run.sent, run.daily.cells


@given(
    st.lists(lines | foreign | cut, min_size=1, max_size=25),
    st.sampled_from(["plain", "whole", "bounded", "sent"]),
)
@example(
    [
        b"Nov 24 09:12:05 mx1 postfix/qmgr[1]: 3F1A22C0D5: from=<a@a.example>, size=9, nrcpt=1 (queue active)",
        (
            b"Nov 24 09:12:05 mx1 postfix/smtp[1]: 3F1A22C0D5: to=<u@b.example>, relay=none, delay=1, "
            b"dsn=5.1.1, status=bounced (no)"
        ),
        b"Nov 24 09:12:06 mx1 postfix/qmgr[1]: 3F1A22C0D5: from=<b@a.example>, size=9, nrcpt=1 (queue active)",
    ],
    "plain",
)
@settings(max_examples=150, deadline=None)
def test_together_tells_what_each_alone_tells(data: list[bytes], kind: str) -> None:
    together, apart = (_read(data, kind, apart=a) for a in (False, True))
    assert together == apart
