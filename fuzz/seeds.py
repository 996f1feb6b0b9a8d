"""Where the fuzzer begins: mails, logs, payloads and replies as they come, and the words of them."""

from __future__ import annotations

import json
import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
CORPORA: Final = ROOT.parent / "shared" / "corpora"
"""The development corpora, where they lie beside the checkout."""
LARGEST: Final = 32768


def seeds() -> list[bytes]:
    """All of them, each once, the small first."""
    found = {s for s in (*_samples(), *_examples(), *_corpora()) if 0 < len(s) <= LARGEST}
    return sorted(found, key=lambda s: (len(s), s))


def _samples() -> Iterator[bytes]:
    for path in sorted((ROOT / "samples").rglob("*")):
        if path.is_file():
            yield path.read_bytes()


def _examples() -> Iterator[bytes]:
    data = ROOT / "src" / "todoku" / "knowledge" / "data"
    for path in sorted(data.rglob("*.toml")):
        for rule in tomllib.loads(path.read_text("utf-8")).get("rules", ()):
            for example in rule.get("examples", ()):
                yield example["text"].encode()


def _corpora() -> Iterator[bytes]:
    for folder in ("bounces/emails", "bounces/texts", "maillogs"):
        for path in sorted((CORPORA / folder).rglob("*")):
            if path.is_file():
                yield path.read_bytes()
    replies = CORPORA / "bounces" / "replies.jsonl"
    if replies.is_file():
        for line in replies.read_text("utf-8").splitlines():
            yield json.loads(line)["text"].encode()


# Bytes that change what an input is, whatever stands around them.
TOKENS: Final[tuple[bytes, ...]] = (
    b"\0", b"\r", b"\n", b"\r\n", b"\n\n", b"\n.\n", b"\x1b[2J", b"\x1b$B", b"\x1b(B", b"\x9b1m",
    b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xe2\x80\xae", b"\xe2\x81\xa6", b"\xf0\x9f\x98\x80",
    b"=?utf-8?B?", b"=?iso-2022-jp?B?GyRC?=", b"=?x?Q?=1B=5B2J?=", b"?=", b"=\n", b"=E2=80=AE", b"%00",
    b"\n--", b"--\n", b'\nContent-Type: multipart/mixed; boundary=""\n\n', b'; boundary="a"',
    b"\nContent-Type: message/rfc822\n\n", b"\nContent-Type: message/delivery-status\n\n",
    b"\nContent-Type: text/plain; charset=utf-7\n", b"\nContent-Transfer-Encoding: base64\n",
    b"\nContent-Transfer-Encoding: quoted-printable\n", b"\nContent-Transfer-Encoding: x-uuencode\n",
    b"\nFinal-Recipient: rfc822; ", b"\nOriginal-Recipient: utf-8; ", b"\nAction: failed\n",
    b"\nStatus: 5.7.1\n", b"\nDiagnostic-Code: smtp; 550 5.7.1 ", b"\nRemote-MTA: dns; ",
    b"\nFeedback-Type: abuse\n", b"\nAuto-Submitted: auto-replied\n", b"\nReturn-Path: <>\n",
    b"\nFrom MAILER-DAEMON Mon Nov 24 00:00:00 2026\n", b"\n\nFrom a Mon Nov 24 00:00:00 2026\nA: b\n",
    b" said: ", b" refused to talk to me: ", b" (in reply to RCPT TO command)", b"550-5.7.1 ",
    b"550 5.7.1 ", b"421 ", b"<<< ", b">>> ", b"> ", b"Remote host said: ", b"blocked using ",
    b"192.0.2.1", b"[192.0.2.1]", b"2001:db8::1", b"x.x.x.x", b"https://", b"<a@example.com>: ",
    b"Nov 24 00:00:00 mx postfix/smtp[1]: 4ABCDEF: to=<a@b.example>, ", b"status=bounced (",
    b" ** ", b" == ", b"delivery 1: failure: ", b"stat=", b"#Fields: date-time,", b"@40000000",
    b'{"text": "', b'{"notificationType":"Bounce"}', b'{"event-data":{}}', b"[[[[", b"]]]]",
    b'{"a":', b"}", b"\\u0000", b"\\ud800", b"\\n", b"null", b"1e999", b"-", b'"',
)  # fmt: skip


def tokens(texts: list[bytes], most: int = 600) -> list[bytes]:
    """TOKENS, and the words that occur most in the seeds."""
    words: Counter[bytes] = Counter()
    for text in texts:
        words.update(set(re.findall(rb"[A-Za-z][\w-]{3,30}:?(?: [a-z]{2,12}){0,2}", text)))
    return [*TOKENS, *(w for w, _ in words.most_common(most))]
