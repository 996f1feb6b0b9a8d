"""Mails of the corpus and of `samples/`, changed in ways that must not change what is read."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from todoku.model import Refusal
from todoku.reading import read
from todoku.reading.reply import parse

from . import transformations as t

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT.parent / "shared" / "corpora" / "bounces" / "emails" / "maildir"


@cache
def mails() -> dict[str, bytes]:
    """Single mails, line ends LF. The corpus is read where it is there, else the samples alone."""
    found = {}
    folders = [CORPUS / "bsd", CORPUS / "err", ROOT / "samples" / "bounces"]
    for path in (p for folder in folders for p in sorted(folder.glob("*.eml"))):
        mail = path.read_bytes().replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        if mail.count(b"\n\nFrom ") == 0:  # no mailbox of several
            found[path.stem] = mail
    return found


def told(found: list[Refusal], words: bool = True) -> list[tuple[object, ...]]:
    return [
        (r.kind, r.action, r.recipient, r.reply.code, r.reply.enhanced, r.stage, r.remote)
        + ((r.reply.text,) if words else ())
        for r in found
    ]


@pytest.mark.parametrize("name", t.TRAVEL)
def test_the_way_it_travelled_changes_nothing(name: str) -> None:
    changed = t.TRAVEL[name]
    differ = []
    for stem, mail in mails().items():
        new = changed(mail)
        if new is None:
            continue
        before = read(mail)
        # A reply of a person or a complaint is its whole text, footer and all.
        words = name != "footer_below" or before[0].kind in {"refusal", "delivered"}
        if told(read(new), words) != told(before, words):
            differ.append(stem)
    assert differ == []


# How many in a hundred may name other recipients when something is missing: an address rewritten
# by an alias stands in one part only, some systems say nothing at all in their words.
MAY_DIFFER = {
    "without_returned": 1.5,
    "returned_as_text": 1.5,
    "returned_headers": 0,
    "without_words": 1.5,
    "localised": 1.5,
    "without_fields": 9,
    "words_alone": 9,
    "quoted_inline": 6,
}


@pytest.mark.parametrize("name", t.LESS)
def test_what_is_left_tells_the_same(name: str) -> None:
    differ: list[str] = []
    contrary: list[str] = []
    number = 0
    for stem, mail in mails().items():
        new = t.LESS[name](mail)
        if new is None:
            continue
        number += 1
        before, after = read(mail), read(new)
        if [(r.kind, r.recipient) for r in before] != [(r.kind, r.recipient) for r in after]:
            differ.append(stem)
        elif any(
            a.reply.code and b.reply.code and a.reply.code != b.reply.code
            for a, b in zip(before, after, strict=True)
        ):
            contrary.append(stem)
    assert contrary == []
    assert len(differ) * 100 <= MAY_DIFFER[name] * max(number, 70), differ


@pytest.mark.parametrize("answer", t.ANSWERS)
def test_another_answer_in_the_same_words_of_the_reporter(answer: str) -> None:
    """Left out are those that print the code twice, so that the changed mail contradicts itself."""
    wanted = parse(answer).reply
    number = 0
    wrong = []
    for stem, mail in mails().items():
        before = read(mail)
        if len(before) != 1 or before[0].kind != "refusal" or before[0].reply.code is None:
            continue
        old = before[0].reply.text
        new = t.another_answer(mail, old, answer)
        if new is None or t.words_of(old.split(" ", 2)[-1]).search(new):
            continue
        number += 1
        after = read(new)
        if (
            len(after) != 1
            or after[0].recipient != before[0].recipient
            or after[0].remote != before[0].remote
            or after[0].stage != before[0].stage
            or after[0].reply.text != wanted.text
        ):
            wrong.append(stem)
    assert len(wrong) * 100 <= 4 * max(number, 100), wrong


NAMES = {
    "recipient": [
        "x@y.example",
        "somebody.with-a+long_name=tag@mail.a-very-long-company-name.example",
        "m.o'neill@d-1.example",
    ],
    "host": ["a.mx.example", "mx-77-out.smtp.a-very-long-company-name.example"],
    "ip": ["203.0.113.250", "2001:db8::7"],
}


@pytest.mark.parametrize(("what", "new"), [(k, v) for k in NAMES for v in NAMES[k]])
def test_another_name(what: str, new: str) -> None:
    wrong = []
    number = 0
    for stem, mail in mails().items():
        before = read(mail)
        names = {_name(r, what) for r in before if r.kind == "refusal"} - {None}
        if len(names) != 1 or b"base64" in mail.lower() or b"quoted-printable" in mail.lower():
            continue
        old = names.pop()
        if old is None or len(old) < 4:
            continue
        number += 1
        after = read(t.renamed(mail, old, new))
        if _plain(after) != [t.renamed(one.encode(), old, new).decode() for one in _plain(before)]:
            wrong.append(stem)
    assert len(wrong) <= 0.02 * max(number, 50), wrong


def _name(r: Refusal, what: str) -> str | None:
    return r.recipient if what == "recipient" else r.remote.host if what == "host" else r.remote.ip


def _plain(found: list[Refusal]) -> list[str]:
    return [
        f"{r.kind} {r.action} {r.recipient} {r.reply.code} {r.reply.enhanced} {r.stage} "
        f"{r.remote.host} {r.remote.ip} {r.reply.text}"
        for r in found
    ]
