"""The worlds of `tests.logs.trouble` as other mail servers log them, arrivals and deliveries."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

from tests.logs.trouble import SAID, Mail

_CLIENT: Final = re.compile(r"(?P<name>[^\[]+)\[(?P<ip>[^\]]+)\]")


def _of(m: Mail) -> tuple[str, str, str]:
    """Name and address of the client, both empty for a program; the server that it goes to."""
    c = _CLIENT.fullmatch(m.client or "")
    host = m.relay or f"mx.{m.to.rpartition('@')[2]}"
    return (c["name"], c["ip"], host) if c else ("", "", host)


def exim(mails: list[Mail]) -> Iterator[str]:
    for n, m in enumerate(mails):
        at = f"{datetime.fromtimestamp(m.time, UTC):%Y-%m-%d %H:%M:%S}"
        id_ = f"1{n:05d}-0000000{n:04d}-2X"
        name, ip, host = _of(m)
        fields = f"S=900 id=m{n}@a.example"
        if m.sender == "":
            yield f"{at} {id_} <= <> R=1{n:05d}-0000001{n:04d}-2X U=Debian-exim P=local {fields}"
        elif ip:
            h = f"H=(pc) [{ip}]:5123" if name == "unknown" else f"H={name} (pc) [{ip}]:5123"
            login = f" A=dovecot_login:{m.user}" if m.user else ""
            p = "esmtpsa" if m.user else "esmtps"
            yield f'{at} {id_} <= {m.sender} {h} I=[192.0.2.1]:587 P={p} X=TLS1.3:x:256 CV=no{login} {fields} T="A=login:me"'
        else:
            uid = (m.client or "uid=0").removeprefix("uid=")
            yield f"{at} cwd=/home/u{uid}/www 4 args: /usr/sbin/sendmail -t -i -f{m.sender}"
            yield f"{at} {id_} <= {m.sender} U=u{uid} P=local {fields}"
        tail = f"R=dnslookup T=remote_smtp H={host} [203.0.113.9]"
        if m.said:
            said = SAID[m.said].format(host=host)
            yield f"{at} {id_} ** {m.to} {tail}: SMTP error from remote mail server after RCPT TO:<{m.to}>: {said}"
        else:
            yield f'{at} {id_} => {m.to} {tail} C="250 OK"'


def sendmail(mails: list[Mail]) -> Iterator[str]:
    for n, m in enumerate(mails):
        when = datetime.fromtimestamp(m.time, UTC)
        head = f"{when:%b} {when.day:2d} {when:%H:%M:%S} mx1 sm-mta[{100 + n % 9000}]: "
        qid = f"1AB{n % 60:02d}XYZ{n:06d}"
        name, ip, host = _of(m)
        ctladdr = ""
        from_ = f"{qid}: from=<{m.sender}>, size=900, class=0, nrcpts=1, msgid=<m{n}@a.example>"
        if m.sender == "":
            yield f"{head}{from_}, relay=localhost"
        elif ip:
            relay = f"[{ip}]" if name == "unknown" else f"{name} [{ip}]"
            if m.user:
                yield f"{head}AUTH=server, relay={relay}, authid={m.user}, mech=PLAIN, bits=0"
            proto = "ESMTPSA" if m.user else "ESMTPS"
            yield f"{head}{from_}, proto={proto}, daemon=MSA, relay={relay}"
        else:
            uid = (m.client or "uid=0").removeprefix("uid=")
            ctladdr = f"ctladdr=<{m.sender}> ({uid}/{uid}), "
            yield f"{head}{from_}, proto=ESMTP, daemon=MTA, relay=localhost [127.0.0.1]"
        tail = f"delay=00:00:02, xdelay=00:00:01, mailer=esmtp, pri=120494, relay={host}. [203.0.113.9], "
        told = "dsn=2.0.0, stat=Sent (250 OK)"
        if m.said:
            said = SAID[m.said].format(host=host)
            told = f"dsn=5.0.0, reply={said}, stat=Service unavailable"
        yield f"{head}{qid}: to=<{m.to}>, {ctladdr}{tail}{told}"


_FIELDS: Final = (
    "date-time,client-ip,client-hostname,server-ip,server-hostname,source-context,connector-id,source,event-id,"
    "internal-message-id,message-id,network-message-id,recipient-address,recipient-status,total-bytes,recipient-count,"
    "related-recipient-address,reference,message-subject,sender-address,return-path,message-info,directionality,"
    "tenant-id,original-client-ip,original-server-ip,custom-data"
)


def exchange(mails: list[Mail]) -> Iterator[str]:
    yield "#Software: Microsoft Exchange Server"
    yield "#Fields: " + _FIELDS
    for n, m in enumerate(mails):
        at = f"{datetime.fromtimestamp(m.time, UTC):%Y-%m-%dT%H:%M:%S}.000Z"
        _, ip, host = _of(m)
        ids = f"{n},<m{n}@a.example>,00000000-0000-0000-0000-{n:012d}"
        sender = m.user or m.sender  # a mailbox sends under its own address
        path = sender or "<>"
        sender = sender or "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@a.example"
        tail = f"900,1,,,A subject,{sender},{path},,Originating,"
        if m.user:
            yield f"{at},10.0.0.5,EX01,,EX01,,,STOREDRIVER,SUBMIT,{ids},{m.to},,{tail},{ip},,"
            yield f"{at},10.0.0.5,EX01,10.0.0.5,EX01,,,SMTP,RECEIVE,{ids},{m.to},,{tail},,,"
        elif ip:
            yield f"{at},{ip},pc,10.0.0.5,EX01,,Frontend,SMTP,RECEIVE,{ids},{m.to},,{tail},{ip},,"
        event = "FAIL" if m.said else "SEND"
        said = SAID[m.said].format(host=host) if m.said else "250 2.0.0 OK"
        status = f'"[{{LED={said}}};{{MSG=}};{{FQDN={host}}};{{IP=203.0.113.9}}]"'
        yield f"{at},10.0.0.5,EX01,203.0.113.9,{host},,Out,SMTP,{event},{ids},{m.to},{status},{tail},,,"


def qmail(mails: list[Mail]) -> Iterator[str]:
    for n, m in enumerate(mails):
        stamp = f"@{0x400000000000000A + int(m.time):016x}00000000 "
        _, _, host = _of(m)
        yield f"{stamp}new msg {n}"
        yield f"{stamp}info msg {n}: bytes 900 from <{m.sender}> qp {n} uid 89"
        yield f"{stamp}starting delivery {n}: msg {n} to remote {m.to}"
        said = SAID[m.said].format(host=host).replace(" ", "_") if m.said else ""
        told = "success: 203.0.113.9_accepted_message./Remote_host_said:_250_OK/"
        if said:
            told = f"failure: 203.0.113.9_does_not_like_recipient./Remote_host_said:_{said}/Giving_up_on_203.0.113.9./"
        yield f"{stamp}delivery {n}: {told}"
        yield f"{stamp}end msg {n}"


FORMATS: Final[dict[str, Callable[[list[Mail]], Iterator[str]]]] = {
    "exim": exim, "sendmail": sendmail, "exchange": exchange, "qmail": qmail,
}  # fmt: skip
