"""Aggregate reports that domain owners ask for: DMARC (RFC 7489, 7.2) and TLS (RFC 8460).

They tell of no refused message; what their attachments hold is another room's business. Here they
are only recognised, by the subject that both RFCs prescribe and by the type of the attachment.
"""

from __future__ import annotations

from todoku.model import Refusal, Reply
from todoku.reading import address, returned
from todoku.reading.mail import Entity

_ATTACHED = (
    b"application/gzip",
    b"application/x-gzip",
    b"application/zip",
    b"application/x-zip-compressed",
    b"application/octet-stream",
    b"application/xml",
    b"text/xml",
)


def read(mail: Entity) -> Refusal | None:
    """The aggregate report that this mail carries, or `None`."""
    subject = mail.text(b"\nsubject:")
    low = subject.lower()
    tls = mail.kind.type == b"multipart/report" and mail.report_type == b"tlsrpt"
    if not tls and not (low.startswith(("report domain:", "[preview] report domain:"))):
        return None
    if not tls:
        kinds = {part.kind.type for part in mail.leaves()}
        tls = any(kind.startswith(b"application/tlsrpt") for kind in kinds)
        if not tls and not kinds.intersection(_ATTACHED):
            return None
    return Refusal(
        kind="report",
        reader="tls-report" if tls else "dmarc-report",
        reported_by=(address.of_header(mail.text(b"\nfrom:")) or "").rpartition("@")[2] or None,
        reply=Reply(None, None, subject),
        message_id=returned.message_id_of(mail),
    )
