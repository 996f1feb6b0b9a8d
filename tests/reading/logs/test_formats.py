"""Each format of log: the shipped sample, refusal by refusal, and the rules behind it."""

from __future__ import annotations

import pytest

from tests.maillogs import SAMPLES
from todoku.reading import logs
from todoku.reading.logs import exchange, exim, postfix, qmail, sendmail

LOGS = SAMPLES / "logs"

Row = tuple[str | None, str | None, str | None, str | None, int | None, str | None, str | None]


def rows(name: str) -> list[Row]:
    data = (LOGS / name).read_bytes()
    assert logs.looks(data[:65536])
    return [
        (r.action, r.recipient, r.sender, r.stage, r.reply.code, r.reply.enhanced, r.remote.host)
        for r in logs.read(data)
    ]


# action, recipient, sender, stage, code, status, remote host
EXPECTED: dict[str, list[Row]] = {
    "postfix-bsd.log": [
        (
            "failed", "sato@partner.example", "info@hoge.example", "MAIL FROM", 550, "5.7.1",
            "mx2.partner.example",
        ),
        (
            "delayed", "abe@banner.example", "news@hoge.example", "CONN", 554, "5.7.1",
            "mx.banner.example",
        ),
        ("delayed", "mori@silent.example", None, "CONN", None, "4.4.1", "mx.silent.example"),
        ("failed", "nobody@hoge.example", None, None, None, "5.1.1", None),
    ],
    "postfix-iso.log": [
        (
            "failed", "ueda@mail.example", "sales@hoge.example", "END OF DATA", 550, "5.7.26",
            "mx.mail.example",
        ),
        ("failed", "ono@hoge.example", None, "END OF DATA", 554, "5.7.0", "127.0.0.1"),
        (
            "failed", "kudo@banner.example", "boss@hoge.example", "RCPT TO", None, "4.4.2",
            "mx.banner.example",
        ),
        ("failed", "full@hoge.example", None, "END OF DATA", 552, "5.2.2", "mx1.hoge.example"),
    ],
    "postfix-journal.json": [
        (
            "delayed", "hara@mail.example", "info@hoge.example", "MAIL FROM", 421, "4.7.0",
            "mx.mail.example",
        ),
        ("failed", "cafe@latin.example", None, "RCPT TO", 550, "5.2.1", "mx.latin.example"),
    ],
    "exim-mainlog.log": [
        (
            "failed", "sato@partner.example", "info@hoge.example", "MAIL FROM", 550, "5.7.1",
            "mx2.partner.example",
        ),
        (
            "failed", "abe@old.example", "info@hoge.example", "END OF DATA", 421, "4.7.0",
            "mx.old.example",
        ),
        (
            "delayed", "mori@silent.example", "info@hoge.example", "CONN", None, None,
            "mx.silent.example",
        ),
        ("failed", "ono@nodomain.example", "sales@hoge.example", None, None, None, None),
    ],
    "exim-syslog.log": [
        ("failed", "kudo@mail.example", None, "RCPT TO", 550, "5.1.1", "mx.mail.example"),
    ],
    "sendmail.log": [
        (
            "failed", "sato@partner.example", "info@hoge.example", None, 550, "5.7.1",
            "mx2.partner.example",
        ),
        ("delayed", "abe@old.example", "info@hoge.example", None, 450, "4.2.0", "mx.old.example"),
        ("delayed", "mori@old.example", "info@hoge.example", None, 450, "4.2.0", "mx.old.example"),
        ("delayed", "ono@silent.example", None, None, None, "4.4.1", "mx.silent.example"),
    ],
    "qmail.log": [
        ("failed", "sato@partner.example", "info@hoge.example", "END OF DATA", 550, "5.7.1", None),
        ("delayed", "abe@old.example", "info@hoge.example", "CONN", 421, "4.7.0", None),
    ],
    "opensmtpd.log": [
        (
            "failed", "sato@partner.example", "info@hoge.example", None, 550, "5.7.1",
            "mx2.partner.example",
        ),
        ("delayed", "abe@old.example", "info@hoge.example", None, 421, "4.7.0", "mx.old.example"),
    ],
    "exchange-tracking.csv": [
        (
            "failed", "sato@partner.example", "info@hoge.example", None, 550, "5.7.26",
            "mx2.partner.example",
        ),
        ("delayed", "abe@old.example", "info@hoge.example", None, 450, "4.2.0", "mx.old.example"),
        ("delayed", "mori@old.example", "info@hoge.example", None, 450, "4.2.0", "mx.old.example"),
        ("failed", "nobody@hoge.example", "info@hoge.example", None, 550, "5.1.10", None),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", EXPECTED)
def test_the_shipped_sample(name: str) -> None:
    assert rows(name) == EXPECTED[name]


def test_every_sample_is_in_the_table() -> None:
    assert {p.name for p in LOGS.iterdir()} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_line_ends_of_windows(name: str) -> None:
    data = (LOGS / name).read_bytes()
    unix = data.replace(b"\r\n", b"\n")
    assert logs.read(unix) == logs.read(unix.replace(b"\n", b"\r\n"))


# ── Postfix ───────────────────────────────────────────────────────────────────────────────────

SAID = "host mx.b.example[203.0.113.9] said: 550 5.1.1 no (in reply to RCPT TO command)"
MESSAGE = (
    "3F2A9C0D51: to=<u@b.example>, relay=mx.b.example[203.0.113.9]:25, delay=1,"
    f" delays=0/0/0/1, dsn=5.1.1, status=bounced ({SAID})"
)
JSON = MESSAGE.replace('"', '\\"')


@pytest.mark.parametrize(
    "line",
    [
        MESSAGE,
        f"postfix/smtp[1]: {MESSAGE}",
        f"Nov  1 00:00:38 mail postfix/smtp[47228]: {MESSAGE}",
        f"Nov 24 10:00:38 postfix/smtp[47228]: {MESSAGE}",
        f"2026-11-01T00:00:02.641528+00:00 mail postfix-out2/smtp[34668]: {MESSAGE}",
        f"2026-11-01 00:00:02 mail postfix/relay/smtp[34668]: {MESSAGE}",
        f"<22>Nov  1 00:00:38 mail postfix-mx/content-filter/smtp[1]: {MESSAGE}",
        f"<22>1 2026-11-01T00:00:02Z mail postfix/smtp 34668 - - {MESSAGE}",
        f"Nov  1 00:00:38 mail mx-out/smtp[47228]: [ID 197553 mail.info] {MESSAGE}",
        f"mail-1  | Nov  1 00:00:38 mail postfix/smtp[1]: {MESSAGE}",
        f"Tue 2026-11-24 10:00:00 UTC mail postfix/smtp[1]: {MESSAGE}",
        f'{{"SYSLOG_IDENTIFIER":"postfix-out1/smtp","_COMM":"smtp","MESSAGE":"{JSON}"}}',
        f'{{"MESSAGE" : "{JSON}", "SYSLOG_IDENTIFIER" : "postfix/smtp"}}',
        f'{{"log":"Nov  1 00:00:38 mail postfix/smtp[1]: {JSON}\\n","stream":"stdout"}}',
    ],
)
def test_postfix_behind_any_head(line: str) -> None:
    attempt = postfix.line(line)
    assert attempt is not None
    assert (attempt.outcome, attempt.recipient, attempt.queue_id, attempt.status, attempt.text) == (
        "bounced",
        "u@b.example",
        "3F2A9C0D51",
        "5.1.1",
        SAID,
    )
    assert logs.looks(line.encode())
    assert [r.reply.text for r in logs.read(line.encode())] == ["550 5.1.1 no"]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("sent", "sent"),
        ("bounced", "bounced"),
        ("deferred", "deferred"),
        ("SOFTBOUNCE", "deferred"),
        ("undeliverable", "bounced"),
        ("deliverable", "sent"),
        ("expired", None),
        ("filtered", None),
    ],
)
def test_postfix_outcomes(status: str, outcome: str | None) -> None:
    attempt = postfix.line(MESSAGE.replace("bounced", status))
    assert (attempt.outcome if attempt else None) == outcome


@pytest.mark.parametrize("agent", ["smtp", "lmtp", "local", "virtual", "pipe", "error", "own"])
def test_postfix_any_agent_that_delivers(agent: str) -> None:
    assert len(logs.read(f"Nov 24 10:00:00 m postfix/{agent}[1]: {MESSAGE}".encode())) == 1


@pytest.mark.parametrize("agent", ["smtpd", "postscreen", "cleanup", "submission/smtpd"])
def test_postfix_agents_that_receive_are_left_alone(agent: str) -> None:
    assert logs.read(f"Nov 24 10:00:00 m postfix/{agent}[1]: {MESSAGE}".encode()) == []


def test_postfix_long_queue_ids_and_original_recipients() -> None:
    line = MESSAGE.replace("3F2A9C0D51", "4yzXyCh4yMzy7g8").replace(
        "relay=", "orig_to=<team@a.example>, relay="
    )
    attempt = postfix.line(line.replace("delay=1,", "conn_use=2, delay=1,"))
    assert attempt is not None
    assert (attempt.queue_id, attempt.recipient) == ("4yzXyCh4yMzy7g8", "u@b.example")


@pytest.mark.parametrize(
    ("line", "stage", "code", "host"),
    [
        (
            "40197AA: host mx.b.example[203.0.113.9] refused to talk to me: 450 4.3.2 later",
            "CONN", 450, "mx.b.example",
        ),
        (
            "B99FE3D: lost connection with mx.b.example[203.0.113.9] while sending RCPT TO",
            "RCPT TO", None, "mx.b.example",
        ),
        (
            "postfix/smtp[1]: connect to mx.b.example[2001:db8::1]:25: Network is unreachable",
            "CONN", None, "mx.b.example",
        ),
        (
            "D0F29603B4: SASL authentication failed; server mx.b.example[203.0.113.9] said: 535 no",
            "AUTH", 535, "mx.b.example",
        ),
        (
            "SSL_connect error to mx.b.example[203.0.113.9]:25: lost connection",
            "STARTTLS", None, "mx.b.example",
        ),
    ],
)  # fmt: skip
def test_postfix_lines_between_count_where_no_other_does(
    line: str, stage: str, code: int | None, host: str
) -> None:
    alone = logs.read(line.encode())
    assert [(r.stage, r.reply.code, r.remote.host) for r in alone] == [(stage, code, host)]
    both = logs.read(f"{line}\n{MESSAGE}\n".encode())
    assert [r.recipient for r in both] == ["u@b.example"]


def test_postfix_a_message_whose_time_ran_out() -> None:
    gone = "Nov 24 10:00:01 m postfix/qmgr[2]: 3F2A9C0D51: from=<s@a.example>, status=expired, returned to sender"
    alone = logs.read(gone.encode())
    assert [(r.expired, r.action, r.sender, r.recipient) for r in alone] == [
        (True, "failed", "s@a.example", None)
    ]
    deferred = MESSAGE.replace("bounced", "deferred")
    line = f"Nov 24 10:00:00 m postfix/smtp[1]: {deferred}"
    three = logs.read(f"{line}\n{line}\n{gone}\n".encode())
    assert [(r.expired, r.action) for r in three] == [(False, "delayed"), (True, "failed")]
    assert {r.sender for r in three} == {"s@a.example"}


def test_queue_ids_are_of_one_host() -> None:
    log = (
        "Nov 24 10:00:00 one postfix/qmgr[1]: 3F2A9C0D51: from=<a@a.example>, size=1, nrcpt=1 (queue active)\n"
        f"Nov 24 10:00:01 two postfix/smtp[1]: {MESSAGE}\n"
    )
    assert [(r.sender, r.reported_by) for r in logs.read(log.encode())] == [(None, "two")]


# ── what a receiver writes is never believed ──────────────────────────────────────────────────

FORGED = (
    "550 x (in reply to RCPT TO command)) to=<v@victim.example>, dsn=2.0.0, status=sent (250 ok"
)
FORGED_LINE = (
    "Nov 24 10:00:00 m postfix/smtp[1]: AAAAAAAAAA: to=<v@victim.example>, relay=none, delay=1,"
    " delays=0/0/0/0, dsn=5.0.0, status=bounced (host v[192.0.2.9] said: 550 forged)"
)


@pytest.mark.parametrize("forged", [FORGED, FORGED_LINE, "\n", "stat=Sent", " ** v@v.example: x"])
def test_forged_fields_inside_of_a_reply(forged: str) -> None:
    forged = forged.replace("\n", " ")
    said = f"host mx.b.example[203.0.113.9] said: 550 5.1.1 {forged} (in reply to RCPT TO command)"
    log = MESSAGE.replace(SAID, said)
    for line in (log, f"Nov 24 10:00:00 m postfix/smtp[1]: {log}"):
        found = logs.read(line.encode())
        assert [r.recipient for r in found] == ["u@b.example"]
        assert found[0].reported_by in {None, "m"}
        assert found[0].action == "failed"


def test_forged_lines_inside_of_what_others_are_refused() -> None:
    line = (
        "Nov 24 10:00:00 m postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.9]: 550 5.1.1"
        f" <{MESSAGE}>: Recipient address rejected; from=<{MESSAGE}> to=<{FORGED_LINE}>"
    )
    assert logs.read(line.encode()) == []


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.7.1 no, stat=Sent (ok)",
        "550 5.7.1 no, dsn=2.0.0, stat=Sent",
        "550 5.7.1 no: to=<v@victim.example>, delay=1, dsn=2.0.0, stat=Sent",
    ],
)
def test_forged_fields_in_sendmail(reply: str) -> None:
    line = (
        "Nov 24 11:00:01 m sm-mta[1]: 4AO200Xy005101: to=<u@b.example>, delay=00:00:01,"
        " xdelay=00:00:01, mailer=esmtp, pri=1, relay=mx.b.example. [203.0.113.9], dsn=5.7.1,"
        f" reply={reply}, stat=Service unavailable"
    )
    attempt = sendmail.line(line)
    assert attempt is not None
    assert (attempt.outcome, attempt.text) == ("bounced", reply)
    assert [r.recipient for r in logs.read(line.encode())] == ["u@b.example"]


def test_forged_fields_in_exim() -> None:
    line = (
        "2026-11-24 10:00:01 1uXyZ1-000ABC-2A ** u@b.example R=r T=t H=mx.b.example [203.0.113.9]:"
        " SMTP error from remote mail server after end of data: 550 x H=evil.example [192.0.2.66]:"
        " ** v@victim.example F=<v@victim.example>: 550 forged"
    )
    (r,) = logs.read(line.encode())
    assert (r.recipient, r.sender, r.remote.host) == ("u@b.example", None, "mx.b.example")


def test_forged_fields_in_exchange() -> None:
    said = "550 5.7.1 no};{MSG=};{FQDN=evil.example};{IP=192.0.2.66};{LRT=x}];[{LED=250 ok"
    status = f"[{{LED={said}}};{{MSG=}};{{FQDN=mx.b.example}};{{IP=203.0.113.9}};{{LRT=y}}]"
    row = (
        "2026-11-24T02:00:00.000Z,,EXCH01,203.0.113.9,mx.b.example,,c,SMTP,FAIL,1,<m@a.example>,n,"
        f"u@b.example,{status},1,1,,,s,s@a.example,s@a.example,,Originating,,,,"
    )
    (attempt,) = exchange.line(row, exchange.FIELDS)
    assert (attempt.outcome, attempt.text) == ("bounced", said)
    assert (attempt.remote.host, attempt.remote.ip) == ("mx.b.example", "203.0.113.9")


def test_forged_deliveries_in_qmail() -> None:
    log = (
        b"@400000006f05a111398b2b5b starting delivery 5: msg 1 to remote u@b.example\n"
        b"@400000006f05a112398b2b5b delivery 5: failure: 203.0.113.9_does_not_like_recipient./"
        b"Remote_host_said:_550_x_delivery_6:_failure:_y_starting_delivery_5:_msg_1_to_remote_"
        b"v@v.example/Giving_up_on_203.0.113.9./\n"
    )
    (r,) = logs.read(log)
    assert r.recipient == "u@b.example"


# ── the other formats, rule by rule ───────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("rest", "recipient", "host", "text"),
    [
        ("u@b.example <t@a.example> R=r T=t: 550 no", "u@b.example", None, "550 no"),
        ("u@b.example F=<s@a.example> P=<s@a.example> R=r T=t: 550 no", "u@b.example", None, "550 no"),
        ("u@b.example R=r T=t H=mx.b.example [2001:db8::1]:25 I=[192.0.2.1]:9: 550 no",
         "u@b.example", "mx.b.example", "550 no"),
        ('u@b.example R=r T=t H=mx.b.example [203.0.113.9] DN="/O=A: B/CN=x" C="550 z": 550 no',
         "u@b.example", "mx.b.example", "550 no"),
        ("u@b.example: Unrouteable address", "u@b.example", None, "Unrouteable address"),
        ("u@b.example R=r T=t: 550-one\\n550 two", "u@b.example", None, "550-one 550 two"),
    ],
)  # fmt: skip
def test_exim_fields(rest: str, recipient: str, host: str | None, text: str) -> None:
    attempt = exim.line(f"2026-11-24 10:00:01.123 +0900 [77] 1uXyZ1-000ABC-2A ** {rest}")
    assert attempt is not None
    assert (attempt.recipient, attempt.remote.host, attempt.text) == (recipient, host, text)


def test_exim_ids_since_4_97_and_waiting_messages() -> None:
    new = (
        "2026-11-24 10:00:01 1uXyZ1-00000000ABC-2A3b == u@b.example R=r T=t defer (-44): 450 later"
    )
    attempt = exim.line(new)
    assert attempt is not None
    assert attempt.outcome == "deferred"
    assert exim.line(new.replace("450 later", "retry time not reached for any host")) is None


def test_qmail_numbers_are_used_again_and_urls_keep_their_slashes() -> None:
    log = (
        "starting delivery 5: msg 1 to remote u@b.example\n"
        "delivery 5: success: ok/\n"
        "starting delivery 5: msg 2 to remote v@b.example\n"
        "delivery 5: deferral: 203.0.113.9_failed_after_I_sent_the_message./Remote_host_said:"
        "_421-4.7.0_see/421_4.7.0_https://b.example/421/x_now/\n"
    )
    (r,) = qmail.read(log.encode())
    assert r.recipient == "v@b.example"
    assert r.reply.text == "421 4.7.0 see https://b.example/421/x now"


def test_exchange_columns_are_named_by_the_file() -> None:
    short = (
        "#Fields: date-time,event-id,source,recipient-address,recipient-status,sender-address\r\n"
        "2026-11-24T02:00:00.000Z,FAIL,SMTP,u@b.example,550 5.1.1 unknown; really,s@a.example\r\n"
    )
    (r,) = logs.read(short.encode())
    assert (r.recipient, r.sender, r.reply.text) == (
        "u@b.example", "s@a.example", "550 5.1.1 unknown; really",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "code", "text"),
    [
        (
            '451 4.4.0 Primary target IP address responded with: "550 5.7.1 blocked." Attempted f',
            550,
            "550 5.7.1 blocked.",
        ),
        (
            '441 4.4.1 Error encountered while communicating with primary target IP address: "Failed',
            None,
            'Error encountered while communicating with primary target IP address: "Failed',
        ),
    ],
)
def test_exchange_words_of_its_own(said: str, code: int | None, text: str) -> None:
    quoted = said.replace('"', '""')
    row = (
        "2026-11-24T02:00:00.000Z,,EXCH01,203.0.113.9,mx.b.example,,c,SMTP,DEFER,1,<m@a.example>,n,"
        f'u@b.example,"[{{LED={quoted}}};{{MSG=}};{{FQDN=mx.b.example}};{{IP=203.0.113.9}}]",'
        "1,1,,,s,s@a.example,s@a.example,,Originating,,,,"
    )
    (r,) = logs.read(row.encode())
    assert (r.reply.code, r.reply.text, r.remote.host) == (code, text, "mx.b.example")


# ── a log in which nothing was refused ────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "line",
    [
        "Nov 24 10:00:00 m postfix/smtpd[1]: connect from x[192.0.2.9]",
        "Nov 24 10:00:00 m dovecot[1]: imap-login: Login: user=<a>",
        "2026-11-24 10:00:00 1uXyZ1-000ABC-2A Completed",
        "@400000006f05a111398b2b5b status: local 0/10 remote 0/120",
        "#Software: Microsoft Exchange Server\r\n#Fields: date-time,client-ip\r\n",
    ],
)
def test_recognised_all_the_same(line: str) -> None:
    assert logs.looks(line.encode())
    assert logs.read(line.encode()) == []


@pytest.mark.parametrize("text", ["", "550 5.1.1 no", "Dear all,\nhello", '{"text": "550"}'])
def test_not_every_text_is_a_log(text: str) -> None:
    assert not logs.looks(text.encode())
