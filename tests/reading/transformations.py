"""Mails changed in ways that must not change what is read in them.

Each function takes a mail (bytes, line ends LF) and gives the changed one, or `None` where the
change does not apply. `MEANING_KEPT` must leave every answer as it was.
"""

from __future__ import annotations

import base64
import quopri
import re
from collections.abc import Callable

Change = Callable[[bytes], bytes | None]


def head_and_body(mail: bytes) -> tuple[bytes, bytes]:
    if mail[:1] == b"\n":  # a part without headers
        return b"", mail[1:]
    head, _, body = mail.partition(b"\n\n")
    return head, body


def _boundary(mail: bytes) -> bytes | None:
    head = re.sub(rb"\n[ \t]+", b" ", head_and_body(mail)[0])
    m = re.search(rb'^content-type:[^\n]*\bboundary="?([^"\n;]+)"?', head, re.I | re.M)
    return m[1].strip() if m else None


def parts(mail: bytes) -> list[bytes] | None:
    """Outermost parts of a multipart, each with its headers."""
    boundary = _boundary(mail)
    if boundary is None:
        return None
    pieces = re.split(rb"\n--" + re.escape(boundary) + rb"(?=\n|--|[ \t]+\n)", b"\n" + mail)
    return [p[1:] if p[:1] == b"\n" else p for p in pieces[1:] if p[:2] != b"--"] or None


def with_parts(mail: bytes, new: list[bytes]) -> bytes:
    head, _ = head_and_body(mail)
    line = b"\n--" + (_boundary(mail) or b"")
    return head + b"\n" + b"".join(line + b"\n" + p for p in new) + line + b"--\n"


def type_of(part: bytes) -> bytes:
    if part[:1] == b"\n":
        return b"text/plain"
    m = re.search(rb"^content-type:\s*([^\s;]+)", head_and_body(part)[0], re.I | re.M)
    return m[1].lower() if m else b"text/plain"


# ── how it travels ────────────────────────────────────────────────────────────────────────────


def crlf(mail: bytes) -> bytes:
    return mail.replace(b"\n", b"\r\n")


def cr(mail: bytes) -> bytes:
    return mail.replace(b"\n", b"\r")


def from_line(mail: bytes) -> bytes | None:
    if mail.startswith(b"From "):
        return None
    return b"From MAILER-DAEMON  Tue Mar 10 10:00:00 2026\n" + mail


def byte_order_mark(mail: bytes) -> bytes:
    return b"\xef\xbb\xbf" + mail


def blank_lines_first(mail: bytes) -> bytes:
    return b"\n\n" + mail


def more_received(mail: bytes) -> bytes:
    hop = (
        b"Received: from mx9.hops.example (mx9.hops.example [198.51.100.77])\n"
        b"\tby in.hops.example (Postfix) with ESMTPS id 4XYZ\n"
        b"\tfor <postmaster@hops.example>; Tue, 10 Mar 2026 10:00:00 +0900 (JST)\n"
    )
    return b"Delivered-To: postmaster@hops.example\n" + hop * 3 + mail


def headers_of_filters(mail: bytes) -> bytes:
    head, body = head_and_body(mail)
    return (
        head
        + b"\nX-Spam-Status: No, score=-1.9 required=5.0 tests=BAYES_00,\n\tURIBL_BLOCKED"
        + b"\nAuthentication-Results: mx.hops.example; dkim=fail (550 5.7.1) spf=none\n\n"
        + body
    )


def small_names(mail: bytes) -> bytes:
    head, body = head_and_body(mail)
    return re.sub(rb"^[!-9;-~]+:", lambda m: m[0].lower(), head, flags=re.M) + b"\n\n" + body


def capital_names(mail: bytes) -> bytes:
    head, body = head_and_body(mail)
    return re.sub(rb"^[!-9;-~]+:", lambda m: m[0].upper(), head, flags=re.M) + b"\n\n" + body


def folded_headers(mail: bytes) -> bytes:
    head, body = head_and_body(mail)
    head = re.sub(rb"^(Content-Type:[^\n]*?;) ?(?=\S)", rb"\1\n\t", head, flags=re.M | re.I)
    return re.sub(rb"^(To:|From:|Subject:) ", rb"\1\n ", head, flags=re.M | re.I) + b"\n\n" + body


def no_mime_version(mail: bytes) -> bytes | None:
    head, body = head_and_body(mail)
    new = re.sub(rb"^mime-version:.*(?:\n[ \t].*)*\n", b"", head + b"\n", flags=re.M | re.I)
    return new + b"\n" + body if new != head + b"\n" else None


def another_date(mail: bytes) -> bytes:
    head, body = head_and_body(mail)
    head = re.sub(rb"^date:.*$", b"Date: 10.3.2026 25:61 (no zone)", head, flags=re.M | re.I)
    return head + b"\n\n" + body


def bare_boundary(mail: bytes) -> bytes | None:
    m = re.search(rb'boundary="([\w.+/=-]+)"', head_and_body(mail)[0])
    return mail.replace(m[0], b"boundary=" + m[1], 1) if m else None


def footer_below(mail: bytes) -> bytes:
    return mail.rstrip(b"\n") + (
        b"\n\n-- \nThis message and any attachment are confidential. If you received it in error,\n"
        b"write to privacy@hops.example. Scanned for viruses.\n"
    )


def forwarded_as_attachment(mail: bytes) -> bytes:
    return (
        b"From: Taro <taro@hops.example>\nTo: postmaster@hops.example\nSubject: Fwd: what is this?\n"
        b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="outer-0001"\n\n'
        b"--outer-0001\nContent-Type: text/plain\n\nPlease look at this.\n\n"
        b'--outer-0001\nContent-Type: message/rfc822; name="mail.eml"\n'
        b"Content-Disposition: attachment\n\n" + mail + b"\n--outer-0001--\n"
    )


def forwarded_in_base64(mail: bytes) -> bytes:
    return (
        b"From: Taro <taro@hops.example>\nTo: postmaster@hops.example\nSubject: Fwd: what is this?\n"
        b'MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary="outer-0001"\n\n'
        b"--outer-0001\nContent-Type: text/plain\n\nPlease look at this.\n\n"
        b"--outer-0001\nContent-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(mail)
        + b"\n--outer-0001--\n"
    )


def list_footer_part(mail: bytes) -> bytes | None:
    """Mailing lists append their footer as a part."""
    found = parts(mail)
    if found is None:
        return None
    return with_parts(mail, [*found, b"Content-Type: text/plain\n\n____\nlist@hops.example\n"])


# ── how its words are written ─────────────────────────────────────────────────────────────────


def _recode(encoding: bytes, code: Callable[[bytes], bytes]) -> Change:
    def change(mail: bytes) -> bytes | None:
        found = parts(mail)
        whole = found is None
        first = mail if found is None else found[0]
        head, body = head_and_body(first)
        if type_of(first) != b"text/plain" or b"transfer-encoding" in head.lower():
            return None
        if re.search(rb"^content-type:\s*$", head, re.I | re.M):
            return None
        first = head + (b"\n" if head else b"") + b"Content-Transfer-Encoding: " + encoding
        first += b"\n\n" + code(body)
        return first if whole or found is None else with_parts(mail, [first, *found[1:]])

    return change


words_in_base64 = _recode(b"base64", base64.encodebytes)
words_in_quoted_printable = _recode(b"quoted-printable", quopri.encodestring)


def html_beside(mail: bytes) -> bytes | None:
    found = parts(mail)
    if found is None or type_of(found[0]) != b"text/plain":
        return None
    inner = (
        b'Content-Type: multipart/alternative; boundary="alt-0001"\n\n--alt-0001\n'
        + found[0]
        + b"\n--alt-0001\nContent-Type: text/html\n\n<p>Sorry. <b>It failed.</b></p>\n--alt-0001--\n"
    )
    return with_parts(mail, [inner, *found[1:]])


# ── what is left of it ────────────────────────────────────────────────────────────────────────

_FIELDS = (b"message/delivery-status", b"message/global-delivery-status")


def is_report(mail: bytes) -> bool:
    found = parts(mail)
    return found is not None and len(found) > 1 and any(type_of(p) in _FIELDS for p in found)


def without_returned(mail: bytes) -> bytes | None:
    found = parts(mail)
    if found is None or not is_report(mail):
        return None
    kept = [
        p for p in found if type_of(p)[:8] in {b"text/pla", b"multipar"} or type_of(p) in _FIELDS
    ]
    return with_parts(mail, kept) if len(kept) < len(found) else None


def returned_as_text(mail: bytes) -> bytes | None:
    found = parts(mail)
    if found is None or not is_report(mail) or type_of(found[-1]) != b"message/rfc822":
        return None
    _, body = head_and_body(found[-1])
    return with_parts(mail, [*found[:-1], b"Content-Type: text/plain\n\n" + body])


def returned_headers(mail: bytes) -> bytes | None:
    found = parts(mail)
    if found is None or not is_report(mail) or type_of(found[-1]) != b"message/rfc822":
        return None
    if b"transfer-encoding" in head_and_body(found[-1])[0].lower():
        return None
    _, body = head_and_body(found[-1])
    headers = body.lstrip(b"\n").partition(b"\n\n")[0]
    return with_parts(
        mail, [*found[:-1], b"Content-Type: text/rfc822-headers\n\n" + headers + b"\n"]
    )


def without_words(mail: bytes) -> bytes | None:
    found = parts(mail)
    if found is None or not is_report(mail) or type_of(found[0]) != b"text/plain":
        return None
    return with_parts(mail, found[1:])


def localised(mail: bytes) -> bytes | None:
    """A part for people that says nothing that we could read."""
    found = parts(mail)
    if found is None or not is_report(mail) or type_of(found[0]) != b"text/plain":
        return None
    words = "メールを配信できませんでした。詳細は添付の報告をご覧ください。\n".encode()
    return with_parts(mail, [b"Content-Type: text/plain; charset=utf-8\n\n" + words, *found[1:]])


def without_fields(mail: bytes) -> bytes | None:
    found = parts(mail)
    if found is None or not is_report(mail) or type_of(found[0]) != b"text/plain":
        return None
    return with_parts(mail, [p for p in found if type_of(p) not in _FIELDS])


def words_alone(mail: bytes) -> bytes | None:
    """The part for people as the whole mail."""
    found = parts(mail)
    if found is None or not is_report(mail) or type_of(found[0]) != b"text/plain":
        return None
    head, _ = head_and_body(mail)
    head = re.sub(rb"^content-[\w-]+:.*(?:\n[ \t].*)*\n", b"", head + b"\n", flags=re.M | re.I)
    return head + found[0]


def quoted_inline(mail: bytes) -> bytes | None:
    """Forwarded with `> ` before each line, as text: the words, the fields, the returned head."""
    found = parts(mail)
    if found is None:
        text = [head_and_body(mail)[1]] if type_of(mail) == b"text/plain" else []
        if b"transfer-encoding: base64" in mail.lower() or b"quoted-printable" in mail.lower():
            return None
    else:
        text = []
        for p in found:
            head, body = head_and_body(p)
            if type_of(p) in {b"text/html", b"image/png"} or type_of(p)[:9] == b"multipart":
                return None
            if re.search(rb"transfer-encoding:\s*(?:base64|quoted)", head, re.I):
                return None
            text.append(body)
    if not text:
        return None
    lines = b"\n".join(text).split(b"\n")
    m = re.search(rb"^content-type:[^\n]*charset=\S+", mail, re.I | re.M)
    charset = re.search(rb'charset="?([\w-]+)', m[0], re.I) if m else None
    return (
        b"From: Taro <taro@hops.example>\nTo: postmaster@hops.example\n"
        b"Subject: Fwd: Undelivered Mail Returned to Sender\n"
        b"Content-Type: text/plain; charset="
        + (charset[1] if charset else b"us-ascii")
        + b"\n\nWhat is this?\n\n"
        + b"".join(b"> " + line + b"\n" for line in lines)
    )


TRAVEL: dict[str, Change] = {
    f.__name__: f
    for f in (
        crlf,
        cr,
        from_line,
        byte_order_mark,
        blank_lines_first,
        more_received,
        headers_of_filters,
        small_names,
        capital_names,
        folded_headers,
        no_mime_version,
        another_date,
        bare_boundary,
        footer_below,
        forwarded_as_attachment,
        forwarded_in_base64,
        list_footer_part,
        html_beside,
    )
} | {
    "words_in_base64": words_in_base64,
    "words_in_quoted_printable": words_in_quoted_printable,
}
LESS: dict[str, Change] = {
    f.__name__: f
    for f in (
        without_returned,
        returned_as_text,
        returned_headers,
        without_words,
        localised,
        without_fields,
        words_alone,
        quoted_inline,
    )
}


# ── what it says ──────────────────────────────────────────────────────────────────────────────

ANSWERS = (
    "550 5.1.1 No such user here",
    "554 Your host may not talk to us: see https://why.example/x?ip=198.51.100.9 (Ref 12-34)",
    (
        "452 4.2.2 The mailbox of that person is full. Please write to the person in another way, "
        "or try again after some days; this text is as long as those of some large providers are."
    ),
    "550 5.7.1 Nachricht wegen Spam-Verdachts abgelehnt",
    "421 4.7.0 [XY01] Messages from 198.51.100.9 temporarily deferred: 4.16.55.1",
)


def words_of(answer: str) -> re.Pattern[bytes]:
    """The answer as it may stand in a mail: folded at any blank."""
    words = [re.escape(w) for w in answer.encode().split()]
    return re.compile(rb"\s{1,40}".join(words))


def another_answer(mail: bytes, old: str, new: str) -> bytes | None:
    """The server said something else; the reporting system puts the same words round it."""
    if len(old) < 12:
        return None
    # The reporter's own folding: as wide as its lines were.
    changed, n = words_of(old).subn(lambda m: _folded(new, m[0]), mail)
    return changed if n else None


def _folded(new: str, old: bytes) -> bytes:
    if b"\n" not in old:
        return new.encode()
    m = re.search(rb"\n[ \t]*", old)
    lead = m[0] if m else b"\n "
    out, line = b"", b""
    for word in new.encode().split():
        if line and len(line) + len(word) > 60:
            out, line = out + line + lead, b""
        line = line + b" " + word if line else word
    return out + line


def renamed(mail: bytes, old: str, new: str) -> bytes:
    """Another name wherever the old one stands as a whole."""
    edge = rb"(?<![\w.-])" + re.escape(old.encode()) + rb"(?![\w-]|\.\w)"
    return re.sub(edge, new.encode(), mail, flags=re.I)
