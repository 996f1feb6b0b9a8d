"""The sending server's log, in Postfix's lines."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from todoku.lab import reports
from todoku.lab.clock import Clock
from todoku.lab.queue import Envelope
from todoku.lab.smtp import Outcome
from todoku.reading import mail

_PID: Final = 4711
_NOTICES: Final = {
    "failed": "sender non-delivery notification",
    "delayed": "sender delivery status notification",
}


class MailLog:
    def __init__(self, path: Path, host: str, clock: Clock) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        self.path = path
        self._host = host.partition(".")[0]
        self._clock = clock

    def arrived(self, envelope: Envelope, message: bytes) -> None:
        count, size = len(envelope.recipients), len(message)
        message_id = mail.parse(message[:65536]).find(b"\nmessage-id:") or b""
        self._write("cleanup", f"{envelope.id}: message-id={message_id.decode('latin-1').strip()}")
        self._write(
            "qmgr",
            f"{envelope.id}: from=<{envelope.sender}>, size={size}, nrcpt={count} (queue active)",
        )

    def attempted(self, envelope: Envelope, outcome: Outcome) -> None:
        relay = "none" if outcome.host is None else f"{outcome.host}[{outcome.address}]:25"
        if outcome.status == "sent" and outcome.spoken is not None:
            why = outcome.spoken.text
        else:
            why = reports.words(outcome)
        self._delivery(
            envelope, "smtp", outcome.recipient, relay, reports.status(outcome), outcome.status, why
        )

    def delivered(self, envelope: Envelope, recipient: str) -> None:
        why = "delivered to maildir"
        self._delivery(envelope, "virtual", recipient, "virtual", "2.0.0", "sent", why)

    def returned(self, envelope: Envelope, action: str, queue_id: str) -> None:
        self._write("bounce", f"{envelope.id}: {_NOTICES[action]}: {queue_id}")

    def removed(self, envelope: Envelope) -> None:
        self._write("qmgr", f"{envelope.id}: removed")

    def _delivery(
        self,
        envelope: Envelope,
        program: str,
        recipient: str,
        relay: str,
        dsn: str,
        status: str,
        why: str,
    ) -> None:
        delay = (self._clock.now() - envelope.arrived).total_seconds()
        waited = f"delay={delay:.2g}, delays={delay:.2g}/0/0/0"
        self._write(
            program,
            f"{envelope.id}: to=<{recipient}>, relay={relay}, {waited}, dsn={dsn}, "
            f"status={status} ({why})",
        )

    def _write(self, program: str, text: str) -> None:
        moment = self._clock.now()
        stamp = f"{moment:%b} {moment.day:2} {moment:%H:%M:%S}"
        line = "".join(c if c.isprintable() else "?" for c in text)
        with self.path.open("a", encoding="utf-8", errors="replace") as file:
            file.write(f"{stamp} {self._host} postfix/{program}[{_PID}]: {line}\n")
