"""Text that a person pasted: a reply, a piece of a bounce, a log line, a session, in any wrapping.

Nothing marks where the answer of the server begins and where the words of the person end. So the
surest forms are tried first, and each only where its own marks stand: log lines, the fields of a
delivery report, a bounce's notice; what remains is searched for replies (RFC 5321, 4.2), line by
line. A multi-line reply stays one, several replies stay several.
"""

from __future__ import annotations

import re
from typing import Final

from todoku.lazy import expression
from todoku.model import Refusal
from todoku.reading import charset, codeless, logs
from todoku.reading.literals import unwrap
from todoku.reading.replies import COMMAND, READER, replies

MAX_PASTE: Final = 256 * 1024
"""Characters looked at. A pasted bounce with its mail stays below; more is no paste."""

# ── marks that quoting and mail programs put before a line ────────────────────────────────────

_QUOTE = expression(r"^[ \t]{0,3}(?:[>|＞][ \t]?)+")
_TRANSCRIPT = expression(r"^[ \t]{0,3}>>> ?(?:[A-Za-z]{4}\b|\.)")


def unquoted(text: str) -> list[str]:
    """The lines without reply marks (`> `, `>> `, `| `); `>>> DATA` of a transcript is none."""
    out = []
    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line.lstrip()[:1] in {">", "|", "＞"} and not _TRANSCRIPT.match(line):
            line = _QUOTE.sub("", line)
        out.append(line)
    return out


def looks(head: bytes) -> bool:
    """Is this text at all? Everything readable may be a paste: the front door asks here last."""
    return b"\x00" not in head.rstrip(b"\x00") or head[:2] in {b"\xff\xfe", b"\xfe\xff"}


def read(data: bytes | str) -> list[Refusal]:
    """All refusals that a pasted text holds; none where nothing is recognised."""
    text = unwrap(_text(data)[:MAX_PASTE])
    entries, lines = _apart(unquoted(text))
    if entries and (found := logs.read_lines(entries)):
        return found
    return (
        _quoted_mail(text, lines)
        or _complaint(lines)
        or _session(lines)
        or _notice(lines)
        or replies(lines)
        or codeless.read("\n".join(lines), READER)
    )


def _text(data: bytes | str) -> str:
    if isinstance(data, str):
        return data.lstrip("\ufeff")
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return data[: 2 * MAX_PASTE].decode("utf-16", "replace").lstrip("\ufeff")
    return charset.decode(data[: 4 * MAX_PASTE]).lstrip("\ufeff").replace("\x00", " ")


# ── log lines inside of prose ─────────────────────────────────────────────────────────────────

MAX_FOLDS: Final = 16
"""Pieces into which a mail program may have broken one log line."""


def _apart(lines: list[str]) -> tuple[list[str], list[str]]:
    """The log lines, mended where they were broken, and all others."""
    entries: list[str] = []
    others: list[str] = []
    folds = 0
    for i, line in enumerate(lines):
        if (said := logs.words(line)) is not None:
            others += ["", said]
            folds = 0
        elif logs.is_line(line):
            entries.append(line.strip())
            folds = MAX_FOLDS
            if _open(line):  # as far as the answer goes
                folds = _closed_after(lines, i)
        elif folds and line.strip() and (_open(entries[-1]) or not _complete(entries[-1])):
            entries[-1] += " " + line.strip()
            folds -= 1
        else:
            others.append(line)
            folds = 0
    return entries, others


def _open(entry: str) -> bool:
    """Has Postfix's quotation of an answer begun here and not ended?"""
    return "] said: " in entry and not entry.rstrip().endswith(("command)", "command))"))


def _closed_after(lines: list[str], at: int) -> int:
    """How many of the next lines belong to the answer that `lines[at]` begins; 0 if it has no end."""
    for n, line in enumerate(lines[at + 1 : at + 1 + MAX_FOLDS], 1):
        if not line.strip():
            return 0
        if line.rstrip().endswith(("command)", "command))")):
            return n
    return 0 if "status=" not in lines[at] else MAX_FOLDS


def _complete(entry: str) -> bool:
    if "status=" in entry:
        return entry.endswith(")")
    marks = (": to=", " ** ", " == ", "delivery ")
    return "stat=" in entry or not any(mark in entry for mark in marks)


# ── a whole mail, as reply marks leave it ─────────────────────────────────────────────────────

_FIRST_HEADER = expression(
    r"^(?:Return-Path|Received|Delivered-To|From|Date|To|Subject|Message-ID|MIME-Version"
    r"|Content-Type|X-[A-Za-z-]{2,40}):",
    re.IGNORECASE,
)


def _quoted_mail(text: str, lines: list[str]) -> list[Refusal]:
    """A bounce or complaint that someone forwarded with its headers and a mark before each line:
    without the marks it is a mail again."""
    if ">" not in text and "|" not in text and "＞" not in text:
        return []
    for i, line in enumerate(lines[:200]):
        if _FIRST_HEADER.match(line):
            mail = "\n".join(lines[i:])
            break
    else:
        return []
    if "\nContent-Type:" not in mail and "\nFeedback-Type:" not in mail:
        return []
    from todoku.reading import bounce

    found = bounce.read(mail.encode("utf-8", "replace"))
    return [r for r in found if r.kind not in {"not-a-bounce", "auto-reply"}]


# ── complaints (RFC 5965) ─────────────────────────────────────────────────────────────────────

_AT = expression(r"<(?P<a>[^<>\s@]{1,64}@[^<>\s@]{1,255})>")
_FIELD = expression(r"^\s{0,4}([A-Za-z][A-Za-z-]{3,40}):[ \t]*(.{0,2000})$")
_ABUSE_REPORT = expression(
    r"\bemail abuse report for an? (?:email )?message|\bfeedback[- ]?loop\b.{0,80}\bcomplain",
    re.IGNORECASE,
)


def _complaint(lines: list[str]) -> list[Refusal]:
    """A complaint, by its `Feedback-Type` field or by the sentence that such reports begin with."""
    fields: dict[str, str] = {}
    for line in lines[:400]:
        if (m := _FIELD.match(line)) and (name := m[1].lower()) not in fields:
            fields[name] = m[2].strip()
    kind = fields.get("feedback-type")
    if kind is None and not any(_ABUSE_REPORT.search(line[:400]) for line in lines[:60]):
        return []
    return [
        Refusal(
            kind="complaint",
            reader=READER,
            feedback_type=(kind or "abuse").split(" ")[0].strip(";,.").lower() or "abuse",
            recipient=_address(fields.get("original-rcpt-to") or fields.get("to")),
            sender=_address(fields.get("original-mail-from") or fields.get("return-path")),
            message_id=(fields.get("message-id") or "").strip("<> ") or None,
            reported_by=_typed(fields.get("reporting-mta")),
        )
    ]


def _typed(value: str | None) -> str | None:
    """`dns; mx.example (192.0.2.1)` without its type."""
    if not value:
        return None
    return value.partition(";")[2].strip() or value.strip() or None


def _address(value: str | None) -> str | None:
    """The address in `rfc822; <a@b>`, `Name <a@b>` or `a@b`."""
    if not value:
        return None
    if m := _AT.search(value):
        return m["a"]
    bare = (value.partition(";")[2] or value).strip().strip("<>")
    return bare if "@" in bare and " " not in bare else None


# ── the notice of a bounce ────────────────────────────────────────────────────────────────────


def _notice(lines: list[str]) -> list[Refusal]:
    """A bounce's own text: the same reader that reads it inside of a mail."""
    from todoku.reading import notice

    return notice.read_text("\n".join(lines))


# ── a session ─────────────────────────────────────────────────────────────────────────────────


def _session(lines: list[str]) -> list[Refusal]:
    """A session, command by command. Those that a bounce quotes (`>>> DATA`) are the notice's."""
    for line in lines[:2000]:
        if (m := COMMAND.match(line)) and not (m["data"] or m["eod"] or m["rest"]):
            return [] if _TRANSCRIPT.match(line) else replies(lines)
    return []
