"""Mails and replies to measure with: copies of real ones, each different from the others.

Addresses, queue ids, message ids and numbers are varied per copy, so that nothing that remembers
whole texts or whole answers is faster than it would be in real life.
"""

from __future__ import annotations

import json
import random
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CORPORA = ROOT.parent / "shared" / "corpora" / "bounces"

_Change = Callable[[re.Match[bytes]], bytes]
_LOCAL = re.compile(rb"(?<=[<\s:;,(\"])([A-Za-z][A-Za-z0-9._-]{2,40})(?=@[A-Za-z0-9-]+\.[A-Za-z])")
_ID = re.compile(rb"\b(?=[0-9A-Za-z]*\d)(?=[0-9A-Za-z]*[A-Z])[0-9A-Za-z]{9,14}\b")
_LAST_OCTET = re.compile(rb"(?<![\d.])(\d{1,3}\.\d{1,3}\.\d{1,3}\.)\d{1,3}(?![\d.])")


def is_real() -> bool:
    """Whether the development corpus lies beside the checkout; else the samples serve."""
    return CORPORA.is_dir()


def mails() -> list[bytes]:
    """The mails of the corpus, else the shipped samples."""
    folder = ROOT / "samples" / "bounces"
    if is_real():
        folder = CORPORA / "emails" / "maildir" / "bsd"
    return [p.read_bytes() for p in sorted(folder.glob("*.eml"))]


def vary(mail: bytes, rng: random.Random) -> bytes:
    """The same mail for another recipient, with other ids. What was one address or id stays one
    throughout the mail: a boundary whose lines differ parts nothing."""
    known: dict[bytes, bytes] = {}

    def local(m: re.Match[bytes]) -> bytes:
        return m[0] + b"%05d" % rng.randrange(100000)

    def other(m: re.Match[bytes]) -> bytes:
        return b"".join(b"%d" % rng.randrange(10) if 48 <= c <= 57 else bytes([c]) for c in m[0])

    def octet(m: re.Match[bytes]) -> bytes:
        return m[1] + b"%d" % rng.randrange(1, 255)

    for shape, change in ((_LOCAL, local), (_ID, other), (_LAST_OCTET, octet)):

        def once(m: re.Match[bytes], change: _Change = change) -> bytes:
            return known.get(m[0]) or known.setdefault(m[0], change(m))

        mail = shape.sub(once, mail)
    return mail


def write_mails(folder: Path, number: int, seed: int = 1) -> int:
    """`number` mails into `folder`, 1,000 a subfolder. Returns the bytes written."""
    rng = random.Random(seed)
    originals = mails()
    total = 0
    for i in range(number):
        sub = folder / f"{i // 1000:04d}"
        if i % 1000 == 0:
            sub.mkdir(parents=True, exist_ok=True)
        data = vary(originals[i % len(originals)], rng)
        (sub / f"{i:07d}.eml").write_bytes(data)
        total += len(data)
    return total


def replies() -> list[str]:
    """Texts of single replies: the corpus's where it is there, else the examples of the rules."""
    path = CORPORA / "replies.jsonl"
    texts = []
    if path.exists():
        texts = [json.loads(line)["text"] for line in path.read_text().splitlines()]
    return texts + list(_examples())


def _examples() -> Iterator[str]:
    data = ROOT / "src" / "todoku" / "knowledge" / "data"
    for path in sorted(data.glob("*/*.toml")):
        for rule in tomllib.loads(path.read_text()).get("rules", ()):
            for example in rule.get("examples", ()):
                yield example["text"]


def distinct_replies(number: int, seed: int = 1) -> list[str]:
    """`number` replies, no two of them equal."""
    rng = random.Random(seed)
    originals = replies()
    out: list[str] = []
    for i in range(number):
        text = originals[i % len(originals)]
        varied = vary(text.encode(), rng).decode()
        out.append(f"{varied} [{rng.randrange(16**8):08x}.{i}]")
    return out
