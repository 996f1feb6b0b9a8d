"""DKIM (RFC 6376) in the lab: a key out of the seed, signatures of the desk, and what the
administrator's server finds when it verifies them (RFC 8601)."""

from __future__ import annotations

import asyncio
import base64
import functools
import logging
import random
import re
from typing import Any, Final, NamedTuple

from todoku.lab.nameserver import Resolver

SELECTOR: Final = "lab"
_BITS: Final = 1024
"""Of the modulus: enough for verifiers, and found in a twentieth of a second."""
_EXPONENT: Final = 65537
_SIGNED: Final = (
    b"from", b"to", b"subject", b"date", b"message-id", b"in-reply-to", b"references",
    b"mime-version", b"content-type", b"content-transfer-encoding",
)  # fmt: skip
_QUIET: Final = logging.getLogger("todoku.lab.quiet")
"""Of a library that calls it an error when there is no key yet."""
_QUIET.disabled = True
_SMALL: Final = tuple(n for n in range(3, 2000, 2) if all(n % d for d in range(3, n, 2)))


class Key(NamedTuple):
    private: bytes
    """PEM (PKCS #1)."""
    record: str
    """What stands in DNS."""


@functools.lru_cache(maxsize=8)
def key(seed: int) -> Key:
    """The same seed gives the same key: good for a world on loopback, and for nothing else."""
    rng = random.Random(f"dkim {seed}")  # noqa: S311
    p, q = _prime(rng), _prime(rng)
    n, d = p * q, pow(_EXPONENT, -1, (p - 1) * (q - 1))
    numbers = (0, n, _EXPONENT, d, p, q, d % (p - 1), d % (q - 1), pow(q, -1, p))
    private = base64.encodebytes(_sequence(b"".join(map(_integer, numbers))))
    rsa = _sequence(_integer(n) + _integer(_EXPONENT))
    algorithm = _sequence(bytes.fromhex("06092a864886f70d010101") + b"\x05\0")
    public = _sequence(algorithm + _tagged(3, b"\0" + rsa))
    return Key(
        b"-----BEGIN RSA PRIVATE KEY-----\n" + private + b"-----END RSA PRIVATE KEY-----\n",
        f"v=DKIM1; k=rsa; p={base64.b64encode(public).decode()}",
    )


def sign(message: bytes, domain: str, private: bytes) -> bytes:
    """The message with a signature in front."""
    import dkim

    head: bytes = dkim.sign(
        message,
        SELECTOR.encode(),
        domain.encode(),
        private,
        canonicalize=(b"relaxed", b"relaxed"),
        include_headers=[h for h in _SIGNED if re.search(rb"(?mi)^" + h + rb":", message)],
    )
    return head + message


async def authentication_results(authserv: str, message: bytes, resolver: Resolver) -> str:
    """The header field that the server `authserv` puts on top; empty where nothing is signed."""
    found = re.search(rb"(?mi)^dkim-signature:(?:.|\n[ \t])*?\bd=([\w.-]+)", message)
    if found is None:
        return ""
    domain = found[1].decode("ascii", "replace").lower()
    passed = await verified(message, resolver)
    result = "pass" if passed else "fail"
    return f"Authentication-Results: {authserv};\r\n\tdkim={result} header.d={domain}\r\n"


def without_claims(message: bytes, authserv: str) -> bytes:
    """The message without header fields that claim to be results of our own: they came with it, and
    prove nothing (RFC 8601, section 5)."""
    end = re.search(rb"^\r?$", message, re.M)
    head, body = (message, b"") if end is None else (message[: end.start()], message[end.start() :])

    def kept(field: re.Match[bytes]) -> bytes:
        return b"" if _server(field[1]) == authserv.lower() else field[0]

    claim = rb"(?mi)^authentication-results[ \t]*:((?:.|\n[ \t])*)(?:\n|\Z)"
    return re.sub(claim, kept, head) + body


def _server(value: bytes) -> str:
    """Whose results these are: the first word, without comments and quotes."""
    text = value.partition(b";")[0].decode("utf-8", "replace")
    while (bare := re.sub(r"\((?:[^()\\]|\\.)*\)", " ", text)) != text:  # they may be nested
        text = bare
    return (text.replace('"', "").split() or [""])[0].lower()


async def verified(message: bytes, resolver: Resolver) -> bool:
    """Whether the first signature holds, by the key in the lab's DNS."""
    import dkim

    # The library asks for keys while it verifies, and waits: so first find which it wants.
    asked: list[str] = []

    def remember(name: bytes | str, timeout: float = 5) -> bytes:  # noqa: ARG001
        asked.append((name.decode() if isinstance(name, bytes) else name).rstrip("."))
        return b""

    def verify(look_up: Any) -> bool:
        try:
            return bool(dkim.verify(message, logger=_QUIET, dnsfunc=look_up))
        except dkim.DKIMException:
            return False

    verify(remember)
    try:
        records = {name: " ".join(await resolver.text(name)) for name in asked}
    except (OSError, TimeoutError):
        return False

    def known(name: bytes | str, timeout: float = 5) -> bytes:  # noqa: ARG001
        return records.get(
            (name.decode() if isinstance(name, bytes) else name).rstrip("."), ""
        ).encode()

    return await asyncio.to_thread(verify, known)


def _prime(rng: random.Random) -> int:
    while True:
        n = rng.getrandbits(_BITS // 2) | (3 << (_BITS // 2 - 2)) | 1
        if (
            all(n % s for s in _SMALL)
            and n % _EXPONENT != 1
            and all(_strong(n, rng.randrange(2, n - 1)) for _ in range(20))
        ):
            return n


def _strong(n: int, base: int) -> bool:
    """Miller and Rabin's test."""
    d, r = n - 1, 0
    while d % 2 == 0:
        d, r = d // 2, r + 1
    x = pow(base, d, n)
    if x in {1, n - 1}:
        return True
    return any((x := x * x % n) == n - 1 for _ in range(r - 1))


# DER (X.690): only what a key needs


def _tagged(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 128:
        return bytes((tag, length)) + content
    octets = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def _integer(n: int) -> bytes:
    return _tagged(2, n.to_bytes(n.bit_length() // 8 + 1, "big"))


def _sequence(content: bytes) -> bytes:
    return _tagged(0x30, content)
