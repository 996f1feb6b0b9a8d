"""Whole logs: what is understood, what is not, and that nobody's words are taken for the log's."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.logs.logs import BOUNCED, FIELDS, FROM, HEAD, NOW, SAID, SENT, diagnoser, new, read
from tests.maillogs import SAMPLES
from todoku.logs import postfix, wrapped
from todoku.reading import logs as readers

LOGS = SAMPLES / "logs"
JSON = {"MESSAGE": BOUNCED, "_HOSTNAME": "mx1", "SYSLOG_PID": "1"}
MICROSECONDS = "1795511525000000"

ONE_LINE = {
    "bsd": f"{HEAD}{BOUNCED}",
    "day of two digits": f"Nov 24 09:12:05 mx1 postfix/smtp[2110]: {BOUNCED}",
    "iso": f"2026-11-24T09:12:05.641528+00:00 mx1 postfix/smtp[2110]: {BOUNCED}",
    "iso, another zone": f"2026-11-24T18:12:05+09:00 mx1 postfix/smtp[2110]: {BOUNCED}",
    "rfc 5424": f"<22>1 2026-11-24T09:12:05Z mx1 postfix/smtp 2110 - - {BOUNCED}",
    "priority": f"<22>{HEAD}{BOUNCED}",
    "journal": json.dumps(
        {"__REALTIME_TIMESTAMP": MICROSECONDS, "SYSLOG_IDENTIFIER": "postfix/smtp", **JSON}
    ),
    "journal, bytes": json.dumps(
        {
            "__REALTIME_TIMESTAMP": MICROSECONDS,
            "SYSLOG_IDENTIFIER": "postfix/smtp",
            **JSON,
            "MESSAGE": list(BOUNCED.encode()),
        }
    ),
    "docker": json.dumps({"log": f"{HEAD}{BOUNCED}\n", "stream": "stdout", "time": "2026-11-24T09:12:05Z"}),
    "docker, no stamp": json.dumps(
        {"log": f"postfix/smtp[1]: {BOUNCED}\n", "stream": "stdout", "time": "2026-11-24T09:12:05.1Z"}
    ),
    "kubernetes": f"2026-11-24T09:12:05.123456789Z stdout F {HEAD}{BOUNCED}",
    "kubernetes, no stamp": f"2026-11-24T09:12:05.123456789Z stderr F postfix/smtp[1]: {BOUNCED}",
    "compose": f"mail-1  | {HEAD}{BOUNCED}",
    "no host": f"Nov 24 09:12:05 postfix/smtp[2110]: {BOUNCED}",
}  # fmt: skip


@pytest.mark.parametrize("shape", ONE_LINE)
def test_heads(shape: str) -> None:
    (found,), run = read(ONE_LINE[shape])
    assert run.counts.lines == run.counts.understood == 1
    assert run.counts.formats == {"postfix"}
    assert (found.outcome, found.recipient, found.domain) == ("bounced", "u@b.example", "b.example")
    assert (found.relay, found.relay_ip) == ("mx.b.example", "203.0.113.9")
    assert (found.code, found.enhanced, found.status) == (550, "5.1.1", "5.1.1")
    assert (found.stage, found.instance, found.transport) == ("RCPT TO", "postfix", "smtp")
    assert found.time == pytest.approx(1795511525, abs=1)
    assert found.diagnosis is not None
    assert found.diagnosis.reason == "user-unknown"


@pytest.mark.parametrize(
    ("tag", "instance", "transport"),
    [
        ("postfix-out2/smtp", "postfix-out2", "smtp"),
        ("postfix/bulk/smtp", "postfix", "bulk/smtp"),
        ("mx-out/smtp", "mx-out", "smtp"),
        ("postfix-mx/content-filter/smtp", "postfix-mx", "content-filter/smtp"),
    ],
)
def test_instances(tag: str, instance: str, transport: str) -> None:
    line = f"{HEAD}{BOUNCED}".replace("postfix/smtp", tag)
    journal = json.dumps(
        {"__REALTIME_TIMESTAMP": MICROSECONDS, "SYSLOG_IDENTIFIER": tag, "_COMM": "smtp", **JSON}
    )
    for shape in (line, journal):
        (found,), _ = read(shape)
        assert (found.instance, found.transport) == (instance, transport)


# ── what is told of the message ───────────────────────────────────────────────────────────────

STORY = [
    "postfix/submission/smtpd[1]: 3F1A22C0D5: client=pc[192.0.2.7], sasl_method=PLAIN, sasl_username=sato",
    "postfix/cleanup[2]: 3F1A22C0D5: message-id=<1@a.example>",
    f"postfix/qmgr[3]: {FROM}",
    f"postfix/smtp[4]: {BOUNCED}",
    "postfix/cleanup[2]: 7C0011C0D8: message-id=<2@a.example>",
    "postfix/bounce[5]: 3F1A22C0D5: sender non-delivery notification: 7C0011C0D8",
    "postfix/qmgr[3]: 7C0011C0D8: from=<>, size=5000, nrcpt=1 (queue active)",
    "postfix/qmgr[3]: 3F1A22C0D5: removed",
    "postfix/smtp[6]: " + BOUNCED.replace("3F1A22C0D5", "7C0011C0D8"),
]


def story(host: str = "mx1") -> str:
    return "\n".join(f"Nov 24 09:12:05 {host} {line}" for line in STORY)


@pytest.mark.parametrize("pieces", [1, 2, 9])
def test_the_whole_story_of_a_message(pieces: int) -> None:
    (first, second), _ = read(story(), new(whole=True), pieces)
    told = first.message
    assert (told.sender, told.size, told.client) == ("info@a.example", 2210, "pc[192.0.2.7]")
    assert (told.user, told.message_id, told.about) == ("sato", "1@a.example", None)
    assert second.message.sender == ""
    assert second.message.about == "3F1A22C0D5"


def test_a_summary_needs_the_sender_alone() -> None:
    (first, _), _ = read(story())
    assert (first.message.sender, first.message.client) == ("info@a.example", None)


def test_queue_ids_are_of_one_host() -> None:
    other = f"Nov 24 09:12:04 mx2 postfix/qmgr[1]: {FROM.replace('info@', 'other@')}"
    (first, _), _ = read(f"{other}\n{story()}\n{other}")
    assert first.message.sender == "info@a.example"


def test_an_id_is_used_again() -> None:
    again = story().replace("info@a.example", "new@a.example").replace("=sato", "=kato")
    found, _ = read(f"{story()}\n{again}", new(whole=True))
    assert [d.message.user for d in found] == ["sato", None, "kato", None]
    assert found[2].message.sender == "new@a.example"


def test_every_recipient_and_every_attempt() -> None:
    later = BOUNCED.replace("status=bounced", "status=deferred").replace("u@b", "v@b")
    lines = [f"{HEAD}{x}" for x in (FROM, BOUNCED, later, SENT, later)]
    found, run = read("\n".join(lines), new(whole=True))
    assert [(d.recipient, d.outcome) for d in found] == [
        ("u@b.example", "bounced"), ("v@b.example", "deferred"), ("u@b.example", "sent"), ("v@b.example", "deferred"),
    ]  # fmt: skip
    assert (run.counts.sent, run.counts.bounced, run.counts.deferred) == (1, 1, 2)
    assert {d.message.sender for d in found} == {"info@a.example"}


def test_recipients_are_hashed_unless_asked_for() -> None:
    data = f"{HEAD}{BOUNCED}"
    (hashed,), _ = read(data, new(recipients="hashed", key=b"1"))
    (other,), _ = read(data, new(recipients="hashed", key=b"2"))
    (off,), _ = read(data, new(recipients="off"))
    assert hashed.recipient is not None
    assert len(hashed.recipient) == 16
    assert hashed.recipient != other.recipient
    assert off.recipient is None
    assert "u@b.example" not in str(hashed.template)


def test_refused_in_the_greeting_is_deferred_and_is_in_it() -> None:
    text = "host mx.b.example[203.0.113.9] refused to talk to me: 554 5.7.1 Client host [192.0.2.1] blocked using zen.spamhaus.org"
    fields = FIELDS.replace("5.1.1", "4.0.0")
    (found,), _ = read(f"{HEAD}{fields}status=deferred ({text})")
    assert found.outcome == "deferred"
    assert found.diagnosis is not None
    assert (found.diagnosis.reason, found.diagnosis.temporary) == ("listed", False)


def test_a_message_that_was_given_up() -> None:
    line = "Nov 24 09:12:05 mx1 postfix/qmgr[1]: 3F1A22C0D5: from=<info@a.example>, status=expired, returned to sender"
    found, run = read(f"{line}\n{HEAD}{BOUNCED}")
    assert len(found) == 1
    assert (run.counts.expired, run.counts.understood) == (1, 2)


# ── the same as line by line ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", sorted(p.name for p in LOGS.iterdir()))
def test_samples_say_what_diagnose_says_of_them(name: str) -> None:
    data = (LOGS / name).read_bytes()
    found, run = read(data)
    judge = diagnoser()
    wanted = [judge(r) for r in readers.read(data)]
    told = [
        (d.recipient, d.domain, d.diagnosis.reason, d.diagnosis.remote)
        for d in found
        if d.diagnosis
    ]
    assert len(told) == len(found) > 0
    for d in wanted:
        if d.recipient is None:  # a message whose time ran out is counted, not told of
            assert run.counts.expired
            continue
        domain = d.recipient.rpartition("@")[2]
        assert (d.recipient, domain, d.reason, d.remote) in told
    assert run.counts.understood == run.counts.lines
    assert run.counts.formats == {name.partition("-")[0].partition(".")[0]}


@pytest.mark.parametrize("name", sorted(p.name for p in LOGS.iterdir()))
def test_pieces_and_line_ends_change_nothing(name: str) -> None:
    data = (LOGS / name).read_bytes()
    whole, run = read(data)
    for other in (read(data, pieces=3), read(data.replace(b"\n", b"\r\n"))):
        assert other[0] == whole
        assert other[1].counts == run.counts


def test_formats_one_after_another() -> None:
    """A log collector mixes them."""
    names = [
        "postfix-bsd.log",
        "exim-syslog.log",
        "postfix-iso.log",
        "sendmail.log",
        "postfix-journal.json",
    ]
    data = b"".join((LOGS / n).read_bytes() for n in names)
    found, run = read(data)
    alone = sum(len(read((LOGS / n).read_bytes())[0]) for n in names)
    assert len(found) == alone
    assert run.counts.understood == run.counts.lines
    assert run.counts.formats == {"postfix", "exim", "sendmail"}


# ── logs that tell less ───────────────────────────────────────────────────────────────────────

SM = (
    "Nov 24 09:12:05 mx1 sm-mta[48]: o6SGfUfN002977: to=<u@b.example>, delay=00:00:02, xdelay=00:00:01, "
    "mailer=esmtp, pri=120494, relay=mx.b.example. [203.0.113.9], dsn={dsn}, {rest}"
)


@pytest.mark.parametrize(
    ("dsn", "rest", "reason", "code", "status"),
    [
        ("5.7.26", "stat=Service unavailable", "undecided", None, "5.7.26"),
        ("5.0.0", "reply=554-mx.b.example, stat=Service unavailable", "undecided", 554, "5.0.0"),
        ("5.7.1", "reply=550-5.7.1 We do not like it, stat=Service unavailable", "undecided", 550, "5.7.1"),
        ("5.7.1", "reply=550 5.7.1 We do not like it, stat=Service unavailable", "policy", 550, "5.7.1"),
        ("5.1.1", "reply=550-5.1.1 <u@b.example> User unknown, stat=User unknown", "user-unknown", 550, "5.1.1"),
        ("4.0.0", "stat=Deferred: Name server: b.example.: host name lookup failure", "network", None, "4.0.0"),
    ],
)  # fmt: skip
def test_the_first_line_alone(
    dsn: str, rest: str, reason: str, code: int | None, status: str
) -> None:
    (found,), _ = read(SM.format(dsn=dsn, rest=rest))
    assert found.diagnosis is not None
    assert (found.diagnosis.reason, found.code, found.status) == (reason, code, status)


def test_qmail_s_underscores_in_codes() -> None:
    head = "@40000000419f13a508f3214c "
    said = "203.0.113.9_does_not_like_recipient./Remote_host_said:_552_5.1.1_Recipient_overquota._OFR_417_[417]/"
    ended = f"{head}delivery 5: failure: {said}Giving_up_on_203.0.113.9./"
    (found,), run = read(f"{head}starting delivery 5: msg 9 to remote u@orange.fr\n{ended}\n")
    assert found.diagnosis is not None
    assert (found.diagnosis.receiver_code, found.relay_ip) == ("OFR_417", "203.0.113.9")
    read(f"{head}starting delivery 5: msg 9 to remote u@orange.fr\n{ended}\n", run)
    assert run.judge.made == 1


def test_a_status_of_our_own_is_no_receiver_s() -> None:
    text = FIELDS.replace("5.1.1", "4.4.1")
    (found,), _ = read(
        f"{HEAD}{text}status=deferred (connect to mx.b.example[203.0.113.9]:25: Connection timed out)"
    )
    assert (found.code, found.enhanced, found.status) == (None, None, "4.4.1")


# ── not understood ────────────────────────────────────────────────────────────────────────────


def test_what_is_not_understood_is_counted() -> None:
    lines = [
        f"{HEAD}{BOUNCED}",
        "Nov 24 09:12:05 mx1 sshd[1]: Accepted publickey for root",
        "Nov 24 09:12:05 mx1 dovecot: imap-login: Login: user=<sato>",
        "hello",
        f"{HEAD}{SENT}",
    ]
    found, run = read("\n".join(lines))
    counts = run.counts
    assert len(found) == 1
    assert (counts.lines, counts.understood, counts.other_programs, counts.unknown) == (5, 2, 2, 1)
    assert counts.sent == 1


def test_mail_that_comes_in_is_no_delivery() -> None:
    lines = [
        ("postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.1]: 554 5.7.1 Service unavailable; "
        "from=<a@b.example> to=<u@c.example> proto=ESMTP helo=<x>"),
        "postfix/smtpd[1]: 3F1A22C0D5: to=<u@b.example>, relay=none, delay=1, dsn=5.0.0, status=bounced (x)",
        "postfix/cleanup[1]: 3F1A22C0D5: reject: header Subject: status=bounced (550 x) from x; from=<a@b.example>",
    ]  # fmt: skip
    found, run = read("\n".join(f"Nov 24 09:12:05 mx1 {x}" for x in lines))
    assert found == []
    assert run.counts.understood == 3
    assert run.counts.bounced == run.counts.sent == 0


# ── forged ────────────────────────────────────────────────────────────────────────────────────

FORGED = [
    f"550 no) {HEAD}{SENT}",
    "550 no), dsn=2.0.0, status=sent (250 ok",
    f"550 no\\n{HEAD}{SENT}",
    f"550 no#012{HEAD}{FROM.replace('info@', 'evil@')}",
    "550 no 3F1A22C0D5: from=<evil@x.example>, size=1, nrcpt=1 (queue active)",
    f"550 \x00\x1b[2J\u202e {HEAD}{SENT}",
]


@pytest.mark.parametrize("said", FORGED)
@pytest.mark.parametrize("journal", [False, True])
def test_fields_forged_in_a_reply_are_not_believed(said: str, journal: bool) -> None:
    text = f"{FIELDS}status=bounced (host mx.b.example[203.0.113.9] said: {said} (in reply to RCPT TO command))"
    for real in (text, text.replace("\\n", "\n") if journal else text):
        line = f"{HEAD}{real}"
        if journal:
            line = json.dumps(
                {
                    "__REALTIME_TIMESTAMP": MICROSECONDS,
                    "SYSLOG_IDENTIFIER": "postfix/smtp",
                    **JSON,
                    "MESSAGE": real,
                }
            )
        found, run = read(f"{HEAD}{FROM}\n{line}\n{line}")
        assert [d.outcome for d in found] == ["bounced", "bounced"]
        assert run.counts.sent == 0
        assert run.counts.lines == 3
        assert {d.recipient for d in found} == {"u@b.example"}
        if not journal:
            assert {d.message.sender for d in found} == {"info@a.example"}


# The same in the logs of the others: a line that the receiver's words fill with fields of that log.
EXIM = "2026-11-24 09:12:05 1uXyZ1-000ABC-2A "
TAI = "@40000000419f13a508f3214c "
ROW = (
    "2026-11-24T09:12:05.000Z,198.51.100.5,EX1,203.0.113.9,mx.b.example,,Out,SMTP,FAIL,7,<1@a.example>,"
    'u@b.example,"{said}",2210,1,,,Subject,info@a.example,info@a.example,,Originating,,198.51.100.5,198.51.100.2,'
)
FIELDS_OF_ROWS = (
    "#Fields: date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,connector-id,source,"
    "event-id,internal-message-id,message-id,recipient-address,recipient-status,total-bytes,recipient-count,"
    "related-recipient-address,reference,message-subject,sender-address,return-path,message-info,directionality,"
    "tenant-id,original-client-ip,original-server-ip,custom-data"
)
OTHERS = {
    "exim": (
        (f"{EXIM}** u@b.example R=dnslookup T=smtp H=mx.b.example [203.0.113.9]: SMTP error from remote mail server "
        "after RCPT TO:<u@b.example>: {said}"),
        f"550 no\\n{EXIM}=> u@b.example R=dnslookup T=smtp H=evil.example [192.0.2.66] C=250",
    ),
    "sendmail": (
        SM.format(dsn="5.7.1", rest="reply={said}, stat=Service unavailable"),
        "550 no, stat=Sent (ok), to=<v@evil.example>, dsn=2.0.0, relay=evil.example. [192.0.2.66], stat=Sent",
    ),
    "qmail": (
        (f"{TAI}starting delivery 5: msg 9 to remote u@b.example\n{TAI}delivery 5: failure: "
        "203.0.113.9_does_not_like_recipient./Remote_host_said:_{said}/Giving_up_on_203.0.113.9./"),
        f"550_no/{TAI.strip()}_delivery_6:_success:_192.0.2.66_accepted_message./delivery 5: success: x",
    ),
    "exchange": (
        f"{FIELDS_OF_ROWS}\n" + ROW.replace("{said}", "[{{LED={said}}};{{MSG=}};{{FQDN=mx.b.example}};{{IP=203.0.113.9}};{{LRT=}}]"),
        "550 no}};{{FQDN=evil.example}};{{IP=192.0.2.66}};{{LRT=}}],SEND,250 2.0.0 ok",
    ),
}  # fmt: skip


@pytest.mark.parametrize("format_", OTHERS)
def test_fields_forged_in_the_others(format_: str) -> None:
    line, said = OTHERS[format_]
    data = line.replace("{said}", said).replace("{{", "{").replace("}}", "}")
    (found,), run = read(data)
    counts = run.counts
    assert (found.outcome, found.recipient, found.relay_ip) == (
        "bounced",
        "u@b.example",
        "203.0.113.9",
    )
    assert found.relay in {"mx.b.example", None}
    assert (counts.sent, counts.bounced, counts.deferred) == (0, 1, 0)
    assert counts.understood == counts.lines == data.count("\n") + 1
    assert counts.formats == {format_}


def test_the_message_id_that_exim_and_sendmail_log() -> None:
    said = f"{EXIM}** u@b.example R=dnslookup T=smtp H=mx.b.example [203.0.113.9]: 550 no"
    came = f"{EXIM}<= s@a.example H=(pc) [192.0.2.5] P=esmtpsa X=TLS1.3 S=1814"
    for more, known in (
        (" id=1@a.example", "1@a.example"),
        (' id=1@a.example T="x id=2@a.example y" for u@b.example', "1@a.example"),
        (' T="x id=2@a.example y"', None),
        ("", None),
    ):
        (found,), _ = read(f"{came}{more}\n{said}")
        assert (found.message.sender, found.message.message_id) == ("s@a.example", known), more
    head = SM.partition(" to=")[0]
    came = (
        f"{head} from=<s@a.example>, size=1814, class=0, nrcpts=1, msgid=<1@a.example>, proto=ESMTP"
    )
    (found,), _ = read(
        f"{came}\n{SM.format(dsn='5.7.1', rest='reply=550 no, stat=Service unavailable')}"
    )
    assert found.message.message_id == "1@a.example"


def test_a_quoted_address_that_looks_like_fields() -> None:
    evil = '"u>, relay=x, delay=1, delays=1/1/1/1, dsn=2.0.0, status=sent (x"@b.example'
    _, run = read(f"{HEAD}{BOUNCED.replace('u@b.example', evil, 1)}")
    assert run.counts.understood == 1
    assert run.counts.sent + run.counts.bounced <= 1


# ── hostile ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "evil",
    [
        b"\x00" * 1000,
        b"\xff\xfe\x80" * 50,
        b"x" * 10_000_000,
        HEAD.encode() + b"a" * 10_000_000,
        (HEAD + FIELDS + "status=bounced (").encode() + b"x " * 5_000_000,
        HEAD.encode() + b"3F1A22C0D5: to=<" + b"a" * 1_000_000,
        b"{" * 100_000,
        b'{"MESSAGE": ' + b"[" * 100_000,
        b'{"MESSAGE":"x","SYSLOG_IDENTIFIER":"a b\\nc","__REALTIME_TIMESTAMP":"99999999999999999999"}',
        b"#Fields: " + b"," * 100_000,
        b"@4000000000000000ffffffff delivery 1: failure: x",
        b"@ffffffffffffffffffffffff delivery 1: failure: x",
        b"Feb 31 99:99:99 mx1 postfix/smtp[1]: " + BOUNCED.encode(),
        b"9999-99-99T99:99:99Z mx1 postfix/smtp[1]: " + BOUNCED.encode(),
        b"2026-11-24 09:12:05 " + b"1a-" * 10_000 + b" ** x",
    ],
    ids=range(15),
)
def test_broken_lines_are_counted_and_harm_nothing(evil: bytes) -> None:
    good = f"{HEAD}{BOUNCED}".encode()
    found, run = read(good + b"\n" + evil + b"\n" + good)
    assert run.counts.lines == 3
    assert run.counts.understood in {2, 3}
    assert next(d for d in found if d.time is not None).outcome == "bounced"
    good_ones = sum(d.recipient == "u@b.example" and d.time is not None for d in found)
    assert good_ones == (3 if b"relay=mx.b" in evil and evil.startswith(b"Nov") else 2)


@settings(deadline=None)
@given(
    st.lists(
        st.binary(max_size=60) | st.sampled_from([x.encode() for x in ONE_LINE.values()]),
        max_size=12,
    )
)
def test_any_bytes_at_all(parts: list[bytes]) -> None:
    data = b"\n".join(parts)
    _, run = read(data)
    counts = run.counts
    assert 0 <= counts.understood <= counts.lines
    assert counts.lines <= data.count(b"\n") + 1


def test_what_a_machine_that_broke_down_left_before_a_line() -> None:
    line = f"{HEAD}{BOUNCED}".encode()
    found, run = read(
        line + b"\n" + b"\0" * 4_000 + line + b"\n" + b"\0" * 10 + f"{TAI}end msg 9".encode()
    )
    assert [d.time for d in found] == [found[0].time] * 2
    assert run.counts.understood == 3


def test_a_row_of_exchange_that_goes_on_in_the_next_line() -> None:
    """A stranger's words may hold line feeds: what stands in the quotes is no row."""
    row = ROW.format(said="550 5.1.1 no")
    forged = row.replace("u@b.example", "v@evil.example")
    opened = row.replace("Subject", f'"Sub\n{forged.replace(chr(34), chr(34) * 2)}\nject"')
    found, run = read(f"{FIELDS_OF_ROWS}\n{opened}\n{row}")
    assert [d.recipient for d in found] == ["u@b.example", "u@b.example"]
    assert (run.counts.lines, run.counts.unknown) == (5, 1)
    # A row that was cut off hides some rows, which is told, and never the rest of a log.
    cut = row[: row.index("550") + 2]
    found, run = read("\n".join([FIELDS_OF_ROWS, cut, *[row.replace('"', "")] * 60]))
    assert len(found) == 1 + 10
    assert run.counts.unknown == 50
    found, run = read(f"{FIELDS_OF_ROWS}\n{cut}\n{FIELDS_OF_ROWS}\n{row}")
    assert (len(found), run.counts.unknown) == (2, 0)


@pytest.mark.parametrize("stamp", ["@" + "9" * 24, "@" + "f" * 24, "@" + "0" * 24, "@" + "9" * 20])
def test_a_time_that_no_calendar_holds_is_none(stamp: str) -> None:
    line = f"{stamp} delivery 5: failure: 203.0.113.9_does_not_like_recipient./Remote_host_said:_550_no/"
    if len(stamp) == 21:
        line = f"{stamp} mx1 postfix/smtp[1]: {BOUNCED}"
    (found,), run = read(line)
    assert (found.time, run.counts.first, run.counts.last) == (None, None, None)


def test_truncated_lines() -> None:
    line = f"{HEAD}{BOUNCED}".encode()
    for n in range(len(line)):
        _, run = read(line[:n] + b"\n" + line)
        assert run.counts.bounced in {1, 2}


def test_unwrapping_keeps_the_number_of_lines() -> None:
    line = json.dumps(
        {"MESSAGE": "a\nb\r\x00c", "SYSLOG_IDENTIFIER": "x", "__REALTIME_TIMESTAMP": "1"}
    )
    assert wrapped.unwrap(f"{line}\n{line}".encode()).count(b"\n") == 1


# ── time ──────────────────────────────────────────────────────────────────────────────────────


def test_since_and_until_bound_all_counts() -> None:
    lines = [
        f"Nov 24 0{h}:00:00 mx1 postfix/smtp[1]: {x}" for h in range(1, 9) for x in (SENT, BOUNCED)
    ]
    run = new(since=NOW - 10 * 3600, until=NOW - 7 * 3600)  # from 02:00 to below 05:00
    found, _ = read("\n".join(lines), run)
    assert len(found) == run.counts.bounced == run.counts.sent == 3


def test_a_clock_that_jumps_is_counted() -> None:
    at = ["09:00:00", "09:00:05", "09:00:03", "08:00:00", "09:00:06"]
    found, run = read("\n".join(f"Nov 24 {t} mx1 postfix/smtp[1]: {BOUNCED}" for t in at))
    assert len(found) == 5
    assert run.counts.jumps == 1


# ── memory ────────────────────────────────────────────────────────────────────────────────────


def test_messages_are_forgotten_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("todoku.logs.reader.CELL", 1_000)
    for whole in (False, True):
        run = new(whole=whole)
        lines = [f"{HEAD}{FROM.replace('3F1A22C0D5', f'{n:010X}')}" for n in range(1000)]
        refused = [f"{HEAD}{BOUNCED.replace('3F1A22C0D5', f'{n:010X}')}" for n in (0, 930, 999)]
        found, _ = read("\n".join([*lines, *refused]), run, pieces=300)
        assert [d.message.sender for d in found] == [None, "info@a.example", "info@a.example"]
        assert len(run.messages) < 100


def test_a_message_may_be_told_of_in_several_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("todoku.logs.reader.CELL", 100)
    key = "3F1A22C0D5: "
    begun = [f"{HEAD}{key}client=a.example[192.0.2.7]", f"{HEAD}{key}message-id=<1@a.example>"]
    later = [f"{HEAD}{FROM}", f"{HEAD}{key}message-id=from=<x>", f"{HEAD}{BOUNCED}"]
    for whole, wanted in ((False, (None, None)), (True, ("a.example[192.0.2.7]", "from="))):
        (found,), _ = read("\n".join([*begun, *later]), new(whole=whole), pieces=5)
        assert found.message.sender == "info@a.example"
        assert (found.message.client, found.message.message_id) == wanted
    again = [*later, f"{HEAD}{key}client=b.example[192.0.2.8]", f"{HEAD}{BOUNCED}"]
    found_, _ = read("\n".join(again), new(whole=True), pieces=5)
    assert [d.message.sender for d in found_] == ["info@a.example", None], "the id was used again"


def test_a_queue_manager_that_says_it_again_and_again() -> None:
    run = new(whole=True)
    read("\n".join([f"{HEAD}{FROM}"] * 5000), run)
    assert run.messages.size() < 4000


def test_all_expressions_compile_for_every_stamp() -> None:
    for whole in (False, True):
        assert all(w().groups == 13 for w in postfix._walkers(whole))


def test_said_is_what_the_tests_think() -> None:
    assert SAID in BOUNCED
