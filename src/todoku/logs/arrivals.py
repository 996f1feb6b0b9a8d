"""Who handed a message in: lines of Exim, sendmail and Exchange about its arrival.

    <= bob@a.example H=(pc) [198.51.100.7]:5 P=esmtpsa A=login:bob S=900 id=...       Exim
    cwd=/home/alice/www 3 args: /usr/sbin/sendmail -t -i
    <= alice@a.example U=alice P=local S=900
    AUTH=server, relay=pc [198.51.100.7], authid=bob, mech=PLAIN, bits=0              sendmail
    from=<bob@a.example>, size=900, ..., proto=ESMTPSA, daemon=MSA, relay=pc [198.51.100.7]
    ...,STOREDRIVER,SUBMIT,...                                                        Exchange

They are kept in the words of Postfix, which `todoku.logs.messages` reads. Names that strangers give
themselves (HELO, Message-ID, subject) stand on these lines too: fields count by their place, and where
the places do not hold nobody is named.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from todoku.lazy import expression
from todoku.logs.messages import Messages
from todoku.reading.logs.exchange import envelope

# ── Exim (its specification, chapter on log files) ────────────────────────────────────────────

_IN: Final = expression(
    rb"<= (?P<from>\"(?:[^\"\\\n]|\\.){0,256}\"@\S{1,255}|\S{1,400})(?P<more>.*)", re.DOTALL
)
_HOST: Final = expression(
    rb" H=(?:(?P<name>[\w.-]{1,255}) )?(?:\([^()\n]{0,255}\) )?\[(?P<ip>[0-9A-Fa-f:.]{2,45})\]"
    rb"(?::\d{1,5})?(?= )"
)
_FIELD: Final = expression(
    rb" (?P<key>[A-Z][A-Za-z]{0,9})=(?P<value>\"(?:[^\"\\\n]|\\.){0,1000}\"|[^\s\"]\S{0,400})(?= |$)"
)
_SIZE: Final = expression(rb" S=(\d{1,15})(?= |$)")
_MESSAGE_ID: Final = expression(rb"(?:^| )id=([^\s<>]{1,500})(?: |$)")
"""Behind the size, and before a subject, which is in the words of a stranger."""
_CALLED: Final = expression(
    rb"(?:\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?(?: [+-]\d{4})? )?(?:\[(?P<pid>\d{1,10})\] )?"
    rb"cwd=(?P<cwd>/[^\s,]{0,250}) \d{1,4} args: (?P<args>[^\n]{1,2000})"
)
_PID: Final = expression(
    rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?(?: [+-]\d{4})? \[(\d{1,10})\] "
)
_NO_MESSAGE: Final = expression(rb" -(?:q|M|E|V|b[^msS])")
"""Called for the queue, as a daemon, or by another Exim: no program hands a message in."""
_WAITING: Final = 64
"""Calls that are remembered until their message comes; it follows at once."""
_NAME: Final = expression(rb"[^\s,:]{1,200}")

# ── sendmail (its logs name them so since 8.12) ───────────────────────────────────────────────

_FROM: Final = expression(
    rb"(?P<qid>[0-9A-Za-z]{10,20}): from=<?(?P<from>[^\n<>]{0,400}?)>?, size=(?P<size>\d{1,15})"
)
_MSGID: Final = expression(rb"(?:, (?:class|nrcpts|pri)=-?\d{1,10}){0,3}, msgid=<([^\s<>]{1,500})>")
_AUTH: Final = expression(
    rb"(?:[0-9A-Za-z]{10,20}: )?AUTH=server, relay=(?P<relay>[^,\n]{1,400}), authid=(?P<user>[^\s,]{1,200}),"
)
_BY: Final = expression(
    rb"(?:, proto=(?P<proto>[A-Z0-9]{1,20})(?:, [a-z_]{2,20}=[^,\n]{0,100}){0,6})?"
    rb", relay=(?P<relay>[^,\n]{1,400})$"
)
_RELAY: Final = expression(
    rb"(?:(?P<user>[^\s@\[\]]{1,100})@)?(?:(?P<host>[^\s\[\]@]{1,255}) ?)?"
    rb"(?:\[(?:IPv6:)?(?P<ip>[0-9A-Fa-f:.]{2,45})\])?(?: \(may be forged\))?"
)
_CONTROLLING: Final = expression(
    rb"[0-9A-Za-z]{10,20}: to=[^\n]{1,4000}?, ctladdr=[^\n]{1,400}? \((?P<uid>\d{1,10})/\d{1,10}\), delay="
)
_PROCESS: Final = expression(rb"\[(\d{1,10})\]: (?:\[ID \d{1,10} [\w.]{1,30}\] )?$")
_SESSIONS: Final = 10_000
_LOOPBACK: Final = (b"127.", b"::1")
_LONGEST: Final = 8_192
"""Bytes of a line; what was written behind a Message-ID of this length is nobody's."""


_ADDRESS: Final = expression(r"[0-9A-Fa-f:.]{2,45}(?:%\w{1,20})?")


class Arrivals:
    """Notes of each message who sent it and who handed it in. Bounded."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self._calls: list[tuple[bytes | None, bytes]] = []
        """Process, directory: programs that called Exim, whose message did not come yet."""
        self._sessions: dict[tuple[bytes, bytes], tuple[bytes, bytes]] = {}
        """Host and process of a sendmail: the client, and the user who logged in."""

    # ── Exim ──────────────────────────────────────────────────────────────────────────────────

    def called(self, line: bytes, process: bytes | None = None) -> None:
        """A line without a message's id, perhaps about a program that called Exim."""
        m = _CALLED.match(line)
        if m is not None and not _NO_MESSAGE.search(m["args"]):
            del self._calls[: 1 - _WAITING]
            self._calls.append((process or m["pid"], m["cwd"]))

    def exim(self, line: bytes, id_: bytes, rest: bytes, process: bytes | None = None) -> bool:
        """Is it a line about a message that came in? `rest`: what stands behind its id."""
        m = _IN.match(rest)
        if m is None:
            return False
        more = m["more"]
        sender = m["from"] if m["from"] != b"<>" else b""
        size = _SIZE.search(more)
        if process is None and (pid := _PID.match(line)) is not None:
            process = pid[1]
        for noted in self._handed_in(process, more, size.start() if size else len(more)):
            self._messages.note(b"exim", id_, noted)
        head = b"from=<%b>, size=%b" % (sender, size[1] if size else b"")
        self._messages.note(b"exim", id_, head)
        behind = more[size.end(1) :].partition(b' T="')[0] if size else b""
        if said := _MESSAGE_ID.search(behind):
            self._messages.note(b"exim", id_, b"message-id=" + said[1])
        return True

    def _handed_in(self, process: bytes | None, more: bytes, end: int) -> list[bytes]:
        """Of the fields up to the size, which is the server's own count."""
        told = more[:end]
        host = _HOST.match(told)
        fields: dict[bytes, bytes] = {}
        pos = host.end() if host else 0
        while pos < len(told):
            m = _FIELD.match(told, pos)
            if m is None or m["key"] in fields:
                if told[pos : pos + 4] == b" I=[" and (end := told.find(b" ", pos + 1)) > 0:
                    pos = end
                    continue
                return []
            fields[m["key"]] = m["value"]
            pos = m.end()
        if b"R" in fields:  # a notification; nobody handed it in
            about = fields[b"R"]
            return [b"about=" + about] if re.fullmatch(rb"[0-9A-Za-z-]{16,24}", about) else []
        if host is None:
            return self._local(process, fields)
        if b") [" in more[host.end() :].partition(b' T="')[0]:
            return []  # the client called itself an end of this field
        client = b"%b[%b]" % (host["name"], host["ip"]) if host["name"] else host["ip"]
        if b"A" not in fields:
            return [b"client=" + client]
        user = _NAME.match(fields[b"A"].partition(b":")[2])
        if user is None or fields.get(b"P", b"")[-1:] != b"a":
            return []  # somebody who logged in, but who?
        return [b"client=%b, sasl_username=%b" % (client, user[0])]

    def _local(self, process: bytes | None, fields: Mapping[bytes, bytes]) -> list[bytes]:
        user = fields.get(b"U", b"")
        if not _NAME.fullmatch(user) or not fields.get(b"P", b"").startswith(b"local"):
            return []
        where = self._called_by(process, user)
        return [b"client=U=%b" % user if where is None else b"client=cwd=" + where]

    def _called_by(self, process: bytes | None, user: bytes) -> bytes | None:
        """The directory of the program that handed this message in; `None` where several may have."""
        calls = self._calls
        found = [c for c in calls if c[0] == process]
        if process is None and len({c[1] for c in found}) > 1:
            found = [c for c in found if b"/%b/" % user in c[1] + b"/"]
        if len({c[1] for c in found}) != 1:
            self._calls = [c for c in calls if c not in found]
            return None
        calls.remove(found[0])
        return found[0][1]

    # ── sendmail ──────────────────────────────────────────────────────────────────────────────

    def sendmail(self, host: bytes, line: bytes, message: bytes) -> bool:
        """Is it a line about a message that came in, or about somebody who logged in?"""
        if (m := _AUTH.match(message)) is not None:
            if (pid := process_of(line, message)) is not None:
                if len(self._sessions) >= _SESSIONS:
                    del self._sessions[next(iter(self._sessions))]
                self._sessions.pop((host, pid), None)
                self._sessions[host, pid] = (m["relay"], m["user"])
            return True
        if (m := _FROM.match(message)) is None:
            return False
        qid = m["qid"]
        for noted in self._connected(host, process_of(line, message), message[m.end() :]):
            self._messages.note(host, qid, noted)
        self._messages.note(host, qid, b"from=<%b>, size=%b" % (m["from"], m["size"]))
        if said := _MSGID.match(message, m.end()):
            self._messages.note(host, qid, b"message-id=" + said[1])
        return True

    def _connected(self, host: bytes, pid: bytes | None, told: bytes) -> list[bytes]:
        at = told.rfind(b", relay=")  # the last one: a Message-ID stands before it
        if at < 0 or len(told) > _LONGEST:
            return []
        proto = told.rfind(b", proto=", 0, at)
        m = _BY.fullmatch(told, proto) if proto >= 0 else None
        m = m or _BY.fullmatch(told, at)
        relay = _RELAY.fullmatch(m["relay"]) if m else None
        if m is None or relay is None:
            return []
        if relay["ip"] is None:
            user = relay["user"]
            return [b"client=U=" + user] if user and relay["host"] == b"localhost" else []
        name = b"%b[%b]" % (relay["host"], relay["ip"]) if relay["host"] else relay["ip"]
        secure = m["proto"] or b""
        if secure.endswith(b"A"):  # RFC 3848: somebody logged in
            session = self._sessions.get((host, pid)) if pid is not None else None
            if session is None or session[0] != m["relay"]:
                return []
            return [b"client=%b, sasl_username=%b" % (name, session[1])]
        return [b"client=" + name]

    def controlling(self, host: bytes, message: bytes) -> None:
        """`ctladdr=` of a delivery: whose rights it had, where a program of this machine sent it."""
        m = _CONTROLLING.match(message[:_LONGEST])
        if m is None:
            return
        qid = message.partition(b":")[0]
        client = self._messages.find(host + b" " + qid).client or ""
        address = client.rpartition("[")[2].rstrip("]").encode("utf-8", "replace")
        if address.startswith(_LOOPBACK):
            self._messages.note(host, qid, b"local=uid=" + m["uid"])

    # ── Exchange ──────────────────────────────────────────────────────────────────────────────

    def exchange(self, row: Mapping[str, str]) -> None:
        """A row of the message tracking log. A mailbox's own submission is a login; the log names none
        of those who log in by SMTP."""
        key = key_of(row)
        event, source = row.get("event-id"), row.get("source")
        if not key or event not in {"RECEIVE", "SUBMIT"}:
            return
        sender = envelope(row) or ""
        client = row.get("original-client-ip", "").strip()
        user = ""
        if source == "STOREDRIVER" and re.fullmatch(r"[^\s,]{1,200}", sender):
            user = f", sasl_username={sender}"
        elif source == "SMTP" and self._messages.find(key).user is None:
            client = client or row.get("client-ip", "").strip()
        else:
            return  # handed on from server to server
        if not _ADDRESS.fullmatch(client):
            return
        size, id_ = row.get("total-bytes", ""), row.get("message-id", "").strip("<> ")
        for noted in (
            f"client={client}{user}",
            f"from=<{sender}>, size={size}",
            f"message-id=<{id_}>",
        ):
            line = noted.replace("\n", " ").encode("utf-8", "replace")
            self._messages.note(b"exchange", key.partition(b" ")[2], line)


def process_of(line: bytes, message: bytes) -> bytes | None:
    """The number of the process that wrote a line: one connection is one process."""
    m = _PROCESS.search(line[: len(line) - len(message)][-60:])
    return m[1] if m else None


def key_of(row: Mapping[str, str]) -> bytes:
    """By which a message of Exchange is known on all its way; empty where the log has none."""
    name = row.get("network-message-id", "").strip() or row.get("message-id", "").strip("<> ")
    return b"exchange " + name.encode("utf-8", "replace") if name and " " not in name else b""
