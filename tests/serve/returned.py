"""Bounces as a Postfix writes them, and the lines of its log about the same mails."""

from __future__ import annotations

import dataclasses
from pathlib import Path

HOTMAIL = "mx2.hotmail.com[198.51.100.25]"
SC_001 = "550 SC-001 (BAY004-MC3F26) Unfortunately, messages from {} weren't sent."


def bounce(
    to: str,
    reply: str,
    queue_id: str,
    message_id: str,
    *,
    reporter: str = "mx1.hoge.test",
    server: str = HOTMAIL,
    envelope_id: str = "",
    came_to: str = "sato@hoge.test",
) -> bytes:
    """`server`: the one that refused, `name[address]`."""
    status = next((w for w in reply.split() if w[:2] in {"5.", "4."}), "5.0.0")
    envid = f"Original-Envelope-Id: {envelope_id}\n" if envelope_id else ""
    text = (
        f"Return-Path: <>\nDate: Tue, 24 Nov 2026 09:10:00 +0900\n"
        f"From: MAILER-DAEMON@{reporter} (Mail Delivery System)\n"
        "Subject: Undelivered Mail Returned to Sender\n"
        f"To: {came_to}\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\n\n'
        f"--b\nContent-Type: text/plain\n\nThis is the mail system at host {reporter}.\n\n"
        f"<{to}>: host {server} said: {reply} (in reply to MAIL FROM command)\n\n"
        f"--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; {reporter}\n{envid}"
        f"X-Postfix-Queue-ID: {queue_id}\nX-Postfix-Sender: rfc822; sato@hoge.test\n\n"
        f"Final-Recipient: rfc822; {to}\nAction: failed\nStatus: {status}\n"
        f"Remote-MTA: dns; {server.partition('[')[0]}\nDiagnostic-Code: smtp; {reply}\n\n"
        f"--b\nContent-Type: text/rfc822-headers\n\nFrom: sato@hoge.test\nTo: {to}\n"
        f"Message-ID: {message_id}\nSubject: hello\n\n--b--\n"
    )
    return text.encode()


@dataclasses.dataclass
class MailServer:
    """One that logs what it did."""

    log: Path
    count: int = 0

    def sent(self, to: str, reply: str, *, server: str = HOTMAIL) -> tuple[str, str]:
        """A mail that got this reply. Gives its queue id and its Message-ID."""
        self.count += 1
        queue_id, message_id = f"4JYSCK{self.count:06}", f"<{self.count}@mx1.hoge.test>"
        status = {"2": "sent", "4": "deferred", "5": "bounced"}[reply[0]]
        said = (
            f"({reply})"
            if status == "sent"
            else f"(host {server} said: {reply} (in reply to MAIL FROM command))"
        )
        head = "Nov 24 09:10:00 mx1 postfix"
        lines = (
            f"{head}/cleanup[7]: {queue_id}: message-id={message_id}",
            f"{head}/qmgr[8]: {queue_id}: from=<sato@hoge.test>, size=500, nrcpt=1 (queue active)",
            (
                f"{head}/smtp[9]: {queue_id}: to=<{to}>, relay={server}:25, delay=1, delays=0/0/0/1, "
                f"dsn={reply[0]}.0.0, status={status} {said}"
            ),
        )
        with self.log.open("a") as file:
            file.writelines(f"{line}\n" for line in lines)
        return queue_id, message_id

    def refused(self, to: str, reply: str, *, server: str = HOTMAIL) -> bytes:
        """The bounce of a mail that was refused so."""
        return bounce(to, reply, *self.sent(to, reply, server=server), server=server)
