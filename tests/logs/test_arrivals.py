"""Who handed a message in: Exim, sendmail, Exchange; and what strangers write into these lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.logs.logs import new, read
from todoku.logs.values import Message

ID = "1uXyZ1-000ABC-2A"
AT = "2026-11-20 10:00:00"
EXIM_SENT = (
    f'{AT} {ID} => u@b.example R=dnslookup T=remote_smtp H=mx.b.example [203.0.113.9] C="250 OK"'
)
H = "H=pc.isp.example (pc) [198.51.100.7]:5123 I=[192.0.2.1]:587"


def message(*lines: str) -> Message:
    found, run = read("\n".join(lines), new(whole=True))
    assert run.counts.understood == run.counts.lines
    return found[-1].message


@pytest.mark.parametrize(
    ("line", "client", "user"),
    [
        (f"<= bob@a.example {H} P=esmtpsa X=TLS1.3:x:256 CV=no A=login:bob S=9", "pc.isp.example[198.51.100.7]", "bob"),
        (f"<= bob@a.example {H} P=esmtpsa A=login:bob:from@a.example S=9 id=x", "pc.isp.example[198.51.100.7]", "bob"),
        ("<= b@a.example H=(pc) [2001:db8::7]:1 P=esmtpsa A=dovecot_plain:b@a.example S=9", "2001:db8::7", "b@a.example"),
        (f"<= w@w.example {H} P=esmtps K S=9", None, None),
        (f'<= w@w.example {H} P=esmtps DN="CN=x A=login:y" S=9', "pc.isp.example[198.51.100.7]", None),
        (f"<= w@w.example {H} P=esmtps S=9 id=1 A=login:bob", "pc.isp.example[198.51.100.7]", None),
        (f'<= w@w.example {H} P=esmtps S=9 T="A=login:bob"', "pc.isp.example[198.51.100.7]", None),
        # It says that somebody logged in, but not who: neither a user nor a host without a login.
        (f"<= b@a.example {H} P=esmtpsa A=login S=9", None, None),
        # No login in the protocol: the field is not the server's own.
        (f"<= w@w.example {H} P=esmtps A=login:bob S=9", None, None),
        # Names of strangers that look like fields.
        ('<= "x A=login:bob"@w.example H=(pc) [198.51.100.7]:1 P=esmtps S=9', "198.51.100.7", None),
        ("<= w@w.example H=(a) [192.0.2.66] P=esmtpsa A=login:bob) [198.51.100.7]:1 P=esmtp S=9", None, None),
        ("<= w@w.example H=(a A=login:bob) [198.51.100.7]:1 P=esmtp S=9", "198.51.100.7", None),
        ("<= www@a.example U=www-data P=local S=9", "U=www-data", None),
        ("<= w@w.example H=(pc) [198.51.100.7]:1 U=root P=esmtp S=9", "198.51.100.7", None),
        ("<= <> R=1uXyZ0-000ABC-2A U=Debian-exim P=local S=9", None, None),
    ],
)  # fmt: skip
def test_exim(line: str, client: str | None, user: str | None) -> None:
    told = message(f"{AT} {ID} {line}", EXIM_SENT)
    assert (told.client, told.user) == (client, user)
    assert told.size == 9
    assert told.about == ("1uXyZ0-000ABC-2A" if " R=" in line else None)
    sender = line.split(" ")[1]
    assert told.sender == {"<>": "", '"x': '"x A=login:bob"@w.example'}.get(sender, sender)


CWD = "cwd=/home/alice/www 3 args: /usr/sbin/sendmail -t -i"
LOCAL = "<= www@a.example U=alice P=local S=9"


@pytest.mark.parametrize(
    ("before", "client"),
    [
        ([f"{AT} {CWD}"], "cwd=/home/alice/www"),
        # The queue and the daemon hand nothing in.
        ([f"{AT} {CWD}", f"{AT} cwd=/var/spool/exim 3 args: /usr/sbin/exim -Mc {ID}"], "cwd=/home/alice/www"),
        ([f"{AT} {CWD}", f"{AT} cwd=/ 2 args: /usr/sbin/exim -bd"], "cwd=/home/alice/www"),
        # Of two programs at once, the one that ran in this user's home; else nobody knows.
        ([f"{AT} {CWD}", f"{AT} cwd=/home/bob/www 2 args: /usr/sbin/sendmail -t"], "cwd=/home/alice/www"),
        ([f"{AT} cwd=/srv/one 2 args: /usr/sbin/sendmail -t", f"{AT} cwd=/srv/two 2 args: /usr/sbin/sendmail -t"], "U=alice"),
        ([f"{AT} [7] {CWD}"], "U=alice"),
    ],
)  # fmt: skip
def test_the_program_that_called_exim(before: list[str], client: str) -> None:
    assert message(*before, f"{AT} {ID} {LOCAL}", EXIM_SENT).client == client


def test_calls_are_told_apart_by_their_process() -> None:
    calls = [f"{AT} [{n}] cwd=/srv/{n} 2 args: /usr/sbin/sendmail -t" for n in (7, 8, 9)]
    lines = [*calls, f"{AT} [8] {ID} {LOCAL}", EXIM_SENT]
    assert message(*lines).client == "cwd=/srv/8"
    head = "Nov 20 10:00:00 mx1 exim[8]: "
    assert message(*(head + line for line in lines)).client == "U=alice"  # one process for all
    several = [line.replace("[8] ", "") for line in lines]
    heads = [head.replace("[8]", f"[{n}]") for n in (7, 8, 9, 8, 8)]
    assert (
        message(*(h + line for h, line in zip(heads, several, strict=True))).client == "cwd=/srv/8"
    )
    many = [f"{AT} cwd=/srv/{n} 2 args: /usr/sbin/sendmail -t" for n in range(300)]
    assert message(*many, f"{AT} {ID} {LOCAL}", EXIM_SENT).client == "U=alice"


SM = "Nov 20 10:00:00 mx1 sm-mta[77]: "
QID = "1ABcdXYZ000077"
AUTH = f"{SM}AUTH=server, relay=pc.isp.example [198.51.100.7], authid=bob, mech=PLAIN, bits=0"
BY = "proto=ESMTPSA, daemon=MSA, relay=pc.isp.example [198.51.100.7]"
FROM = f"{SM}{QID}: from=<b@a.example>, size=9, class=0, nrcpts=1, msgid=<1@a.example>, "
TO = f"{SM}{QID}: to=<u@b.example>, delay=00:00:02, xdelay=00:00:01, mailer=esmtp, pri=1, relay=mx.b.example. [203.0.113.9], dsn=2.0.0, stat=Sent (OK)"


@pytest.mark.parametrize(
    ("lines", "client", "user"),
    [
        ([AUTH, FROM + BY], "pc.isp.example[198.51.100.7]", "bob"),
        ([AUTH, FROM + BY.replace("daemon=MSA", "daemon=MSA, tls_verify=NO, auth=PLAIN")], "pc.isp.example[198.51.100.7]", "bob"),
        ([AUTH.replace("[198", "[IPv6:2001:db8::9], x=[198"), FROM + BY], None, None),
        ([AUTH.replace("[77]", "[78]"), FROM + BY], None, None),
        ([AUTH, FROM + BY.replace("198.51.100.7", "198.51.100.8")], None, None),
        ([AUTH, FROM + BY.replace("ESMTPSA", "ESMTPS")], "pc.isp.example[198.51.100.7]", None),
        ([FROM + "proto=ESMTP, daemon=MTA, relay=[IPv6:2001:db8::7]"], "2001:db8::7", None),
        ([FROM + "relay=w [203.0.114.9] (may be forged)"], "w[203.0.114.9]", None),
        ([FROM + "relay=alice@localhost"], "U=alice", None),
        # The Message-ID is a stranger's.
        ([AUTH, FROM.replace("<1@a.example>", f"<x, {BY}>") + "proto=ESMTP, daemon=MTA, relay=w [203.0.114.9]"], "w[203.0.114.9]", None),
    ],
)  # fmt: skip
def test_sendmail(lines: list[str], client: str | None, user: str | None) -> None:
    told = message(*lines, TO)
    assert (told.client, told.user, told.sender, told.size) == (client, user, "b@a.example", 9)


def test_whose_rights_sendmail_had() -> None:
    to = TO.replace("delay=00:00:02", "ctladdr=<www@a.example> (33/33), delay=00:00:02", 1)
    inside = FROM + "proto=ESMTP, daemon=MTA, relay=localhost [127.0.0.1]"
    assert message(inside, to).client == "uid=33"
    assert message(AUTH, FROM + BY, to).client == "pc.isp.example[198.51.100.7]"


FIELDS = "#Fields: date-time,client-ip,event-id,source,message-id,network-message-id,recipient-address,recipient-status,total-bytes,sender-address,return-path,original-client-ip"


@pytest.mark.parametrize(
    ("rows", "client", "user", "sender"),
    [
        (["10.0.0.5,SUBMIT,STOREDRIVER,<1@a>,n1,u@b.example,,9,bob@a.example,bob@a.example,198.51.100.7"], "198.51.100.7", "bob@a.example", "bob@a.example"),
        # From server to server the mailbox stays known.
        (["10.0.0.5,SUBMIT,STOREDRIVER,<1@a>,n1,u@b.example,,9,bob@a.example,bob@a.example,198.51.100.7",
          "10.0.0.6,RECEIVE,SMTP,<1@a>,n1,u@b.example,,9,bob@a.example,bob@a.example,"], "198.51.100.7", "bob@a.example", "bob@a.example"),
        (["198.51.100.9,RECEIVE,SMTP,<1@a>,n1,u@b.example,,9,w@w.example,w@w.example,"], "198.51.100.9", None, "w@w.example"),
        # Where a mailbox was used from is not told: of its password nothing can be said.
        (["10.0.0.5,SUBMIT,STOREDRIVER,<1@a>,n1,u@b.example,,9,bob@a.example,bob@a.example,"], None, None, "s@a.example"),
        (["198.51.100.9,RECEIVE,SMTP,<1@a>,n1,u@b.example,,9,x@a.example,<>,"], "198.51.100.9", None, ""),
    ],
)  # fmt: skip
def test_exchange(rows: list[str], client: str | None, user: str | None, sender: str) -> None:
    at = "2026-11-20T10:00:00.000Z"
    sent = f"{at},10.0.0.5,SEND,SMTP,<1@a>,n1,u@b.example,250 OK,9,s@a.example,s@a.example,"
    told = message(FIELDS, *(f"{at},{row}" for row in rows), sent)
    assert (told.client, told.user, told.sender) == (client, user, sender)
    assert told.message_id == "1@a"


_SAID = [*'AHSPUR=:[]() "\\,;xé\x00', ") [192.0.2.66]", " A=l:bob", " P=esmtpsa", " S=9"]


@given(st.lists(st.sampled_from(_SAID), max_size=30).map("".join))
def test_no_login_is_made_up_by_a_helo(name: str) -> None:
    """The protocol is the server's word, and it stands behind what the client calls itself."""
    line = f"{AT} {ID} <= w@w.example H=({name}) [198.51.100.7]:1 P=esmtp S=9"
    found, _ = read(f"{line}\n{EXIM_SENT}", new(whole=True))
    assert found[-1].message.user is None
