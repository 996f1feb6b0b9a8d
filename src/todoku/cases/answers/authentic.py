"""Did the desk write this mail? Proven by our own server's results (RFC 8601), or by its signature
verified at receipt (RFC 6376); everything else proves nothing. Pure: DNS comes in as an argument.

A mail is the desk's when the domain in From passed DMARC, or an aligned DKIM or SPF check, *and* that
domain is one in which nobody but this desk writes. What stands below any Received field may have come
with the mail: not every server takes forged results away (RFC 8601, section 5). Hops inside of a
machine (LMTP, RFC 2033) are not crossed by strangers and are passed over.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from typing import Final, Literal, NamedTuple

from todoku.cases.answers import shown
from todoku.cases.answers.reading import writes
from todoku.knowledge.answers import AnswerRules
from todoku.reading import mail

How = Literal[
    "dmarc",
    "dkim",
    "spf",
    "dkim-verified",
    "no-sender",
    "no-desk",
    "foreign-sender",
    "no-results",
    "not-passed",
    "not-covered",
]
"""How it is known; or why not. `no-sender`: From holds no one address. `no-desk`: no desk of the
knowledge. `foreign-sender`: a desk's words from a domain that is not the desk's. `no-results`: nothing
that our own server found out. `not-passed`: it found out that it is not so, or nothing that counts.
`not-covered`: a signature of that domain leaves open what is shown, so it may be another's choice."""

LookUp = Callable[[str], bytes]
"""TXT record of a name; empty where there is none."""

_MOST: Final = 20_000
_LMTP: Final = re.compile(
    r"\swith\s+(?:U?LMTP|LMTPS|LMTPA|LMTPSA)\b(?!.*\swith\s.*SMTP)", re.I | re.S
)
_ONCE: Final = frozenset(
    {
        "from", "subject", "date", "to", "message-id", "in-reply-to", "references",
        "content-type", "content-transfer-encoding",
    }
)  # fmt: skip
"""A second one above the signed one would be read in its place (RFC 6376, section 8.15)."""
_MOST_LINES: Final = 2000
"""Of a header. Big providers write some two hundred."""
_LONE_CR: Final = re.compile(rb"\r(?!\n)")
_TESTED: Final = re.compile(rb"(?:^|;)\s*t\s*=[^;]*\by\b", re.I)
_KEPT: Final = frozenset({"rsa-sha256", "ed25519-sha256"})


class Authenticity(NamedTuple):
    authentic: bool
    how: How
    domain: str | None = None
    """That of From."""


class Result(NamedTuple):
    """One result of an Authentication-Results field."""

    method: str
    result: str
    properties: dict[str, str]


def judge(
    data: bytes,
    sender: str | None,
    desk: AnswerRules | None,
    trusted: Collection[str] = (),
    look_up: LookUp | None = None,
    now: datetime | None = None,
) -> Authenticity:
    """`sender`: the one address in From. `desk`: whose answer it says it is. `trusted`: names under
    which our own server writes its results. `look_up` and `now`: verify signatures ourselves, which is
    good only when a mail is received (keys are withdrawn later)."""
    if sender is None:
        return Authenticity(False, "no-sender")
    domain = sender.rpartition("@")[2]
    if desk is None:
        return Authenticity(False, "no-desk", domain)
    if not writes(sender, desk):
        return Authenticity(False, "foreign-sender", domain)
    found = results(data, trusted)
    how = None if found is None else _passed(found, domain)
    covered = _covered(data, domain)
    # From the desk's own servers nobody changed it on its way.
    if how in {"dmarc", "dkim"} and covered is False and not _by_spf(found or (), domain):
        how = None
    if (
        how is None
        and look_up is not None
        and now is not None
        and _verified(data, domain, look_up, now)
    ):
        how = "dkim-verified"
    if how is not None:
        return Authenticity(True, how, domain)
    if covered is False:
        return Authenticity(False, "not-covered", domain)
    return Authenticity(False, "no-results" if found is None else "not-passed", domain)


def results(data: bytes, trusted: Collection[str]) -> list[Result] | None:
    """Those of the topmost field that our own server wrote; `None`: there is none that can be believed."""
    names = {name.lower().rstrip(".") for name in trusted}
    for name, value in _fields(data):
        if name == "received" and not is_local(value):
            return None
        if name == "authentication-results":
            server, found = parsed(value[:_MOST])
            if server in names:
                return found
    return None


def is_local(received: str) -> bool:
    """Whether a Received field tells of a hop within a machine. How a stranger greeted the server, and
    what stands in a comment, tells nothing: the protocol is named last."""
    return _LMTP.search(without_comments(received)) is not None


def without_comments(value: str) -> str:
    """Of a structured field, without quotes; empty where they do not match."""
    return _bare(value) or ""


def _fields(data: bytes) -> Iterator[tuple[str, str]]:
    """Names and values of the header fields, from the top."""
    head = mail.parse(data).head.decode("latin-1").lstrip("\n")
    for field in re.split(r"\n(?![ \t])", head)[:_MOST_LINES]:
        name, colon, value = field.partition(":")
        if colon:
            yield name.strip().lower(), value


def parsed(value: str) -> tuple[str, list[Result]]:
    """Whose results, and which. Comments and quoted words may hold anything, and count for nothing."""
    bare = _bare(value)
    if bare is None:
        return "", []
    server, *rest = bare.split(";")
    words = server.split()
    found: list[Result] = []
    for part in rest[:100]:
        head = re.match(r"\s*([\w-]+)(?:\s*/\s*\d+)?\s*=\s*([\w-]+)", part)
        if head is None:
            continue
        pairs = re.findall(r"([\w-]+(?:\s*\.\s*[\w-]+)?)\s*=\s*([^\s;]+)", part[head.end() :])
        properties: dict[str, str] = {}
        for key, text in pairs:
            # Twice the same property is no property: nobody knows which was meant.
            name = re.sub(r"\s", "", key).lower()
            properties[name] = "" if name in properties else text.lower()
        found.append(Result(head[1].lower(), head[2].lower(), properties))
    return (words[0].lower().rstrip(".") if words else ""), found


def _bare(value: str) -> str | None:
    """Without comments (they nest) and quotes; `None` where they do not match."""
    out: list[str] = []
    depth, quoted = 0, False
    chars = iter(value)
    for c in chars:
        if c == "\\" and (depth or quoted):
            next(chars, None)
        elif quoted:
            if c == '"':
                quoted = False
            elif c.isalnum() or c in ".@-_":
                out.append(c)
        elif c == '"' and not depth:
            quoted = True
        elif c == "(":
            depth += 1
        elif c == ")":
            depth -= 1
            if depth < 0:
                return None
            out.append(" ")
        elif not depth:
            out.append(c)
    return None if depth or quoted else "".join(out)


def _passed(found: list[Result], domain: str) -> How | None:
    """The strongest proof for the domain in From."""
    dmarc = [each for each in found if each.method == "dmarc"]
    if any(each.result in {"fail", "permerror"} for each in dmarc):
        return None
    for each in dmarc:
        if each.result == "pass" and _host(each.properties.get("header.from")) == domain:
            return "dmarc"
    for each in found:
        if each.method == "dkim" and each.result == "pass" and aligned(_signer(each), domain):
            return "dkim"
    return "spf" if _by_spf(found, domain) else None


def _by_spf(found: Iterable[Result], domain: str) -> bool:
    return any(
        each.method == "spf"
        and each.result == "pass"
        and aligned(_host(each.properties.get("smtp.mailfrom")), domain)
        for each in found
    )


def _signer(dkim: Result) -> str:
    """Domain of a signature: `d=`, else that of `i=`. Empty where `i=` lies outside of `d=`: such a
    signature is none (RFC 6376, section 6.1.1), whatever the server made of it."""
    d, i = (dkim.properties.get(name) for name in ("header.d", "header.i"))
    if d is None or i is None:
        return _host(i if d is None else d)
    inside = f".{_host(i)}".endswith(f".{_host(d)}")
    return _host(d) if inside else ""


def _host(value: str | None) -> str:
    return (value or "").rpartition("@")[2].strip("<>").rstrip(".").lower()


@functools.cache
def _suffixes() -> object:
    from publicsuffixlist import PublicSuffixList

    return PublicSuffixList()


def aligned(one: str, domain: str) -> bool:
    """Of one organisation (RFC 7489, section 3.1): the same domain below a public suffix."""
    if not one or not domain:
        return False
    if one == domain:
        return True
    return organisation(one) == organisation(domain)


@functools.lru_cache(4096)
def organisation(host: str) -> str:
    """The domain below a public suffix; what has none, as it is."""
    name = host.rstrip(".").lower()
    if not name.isascii() or name.replace(".", "").isdigit() or ":" in name:
        return name
    suffixes = _suffixes()
    return suffixes.privatesuffix(name) or name  # type: ignore[attr-defined]


def signed_by(
    data: bytes, domain: str, look_up: LookUp, now: datetime, over: Collection[str] = ()
) -> bool:
    """Whether a signature of that organisation holds now, over these header fields too."""
    return _verified(data, domain, look_up, now, over)


def _verified(
    data: bytes, domain: str, look_up: LookUp, now: datetime, over: Collection[str] = ()
) -> bool:
    """Whether a signature of that domain holds now."""
    import dkim

    if not _is_plain(data):
        return False
    whole = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    entity = mail.parse(data)

    def record(name: bytes | str, timeout: float = 5) -> bytes:  # noqa: ARG001
        text = name.decode("ascii", "replace") if isinstance(name, bytes) else name
        found = look_up(text.rstrip("."))
        # A key of a test proves nothing (RFC 6376, section 3.6.1: "t=y").
        return b"" if _TESTED.search(found) else found

    for n, tags in enumerate(itertools.islice(_signatures(data), 5)):
        if not (_is_of(tags, domain) and _is_good(tags, now) and _covers(tags, entity, over)):
            continue
        try:
            if dkim.DKIM(whole, minkey=1024).verify(idx=n, dnsfunc=record):
                return True
        except (dkim.DKIMException, ValueError, LookupError, TypeError):
            continue
    return False


def _covered(data: bytes, domain: str) -> bool | None:
    """Whether what is shown can be nothing but what a signature of that organisation is over, if it
    holds; `None`: there is no such signature."""
    if not _is_plain(data):
        return False  # nor is it known which signatures there are
    signatures = [tags for tags in _signatures(data) if _is_of(tags, domain)]
    if not signatures:
        return None
    whole = mail.parse(data)
    return any(_covers(tags, whole) for tags in signatures)


def _is_plain(data: bytes) -> bool:
    """Whether every reader sees the same header fields: none of those that count stands twice, and
    no CR alone begins a line, or the body, for some and not for others."""
    head = mail.parse(data).head
    names = [name for name, _ in _fields(data)]
    return (
        _LONE_CR.search(data) is None
        and len(head) < mail.MAX_HEAD
        and head.count(b"\n") < _MOST_LINES
        and not any(names.count(name) > 1 for name in _ONCE)
    )


def _signatures(data: bytes) -> Iterator[dict[str, str]]:
    """The tags of each; of one that has a tag twice, none."""
    for value in (value for name, value in _fields(data) if name == "dkim-signature"):
        tags: dict[str, str] = {}
        twice = False
        for part in value.split(";"):
            name, equals, text = part.partition("=")
            if equals:
                twice = twice or name.strip() in tags
                tags[name.strip()] = "".join(text.split())
        yield {} if twice else tags


def _is_of(tags: dict[str, str], domain: str) -> bool:
    return aligned(tags.get("d", "").lower(), domain)


def _covers(tags: dict[str, str], whole: mail.Entity, over: Collection[str] = ()) -> bool:
    """Whether it is over From, Subject, all of the body (no `l=`), and what tells how to read that."""
    signed = frozenset(tags.get("h", "").lower().split(":"))
    return (
        "l" not in tags and signed >= {"from", "subject", *over} and shown.as_signed(whole, signed)
    )


def _is_good(tags: dict[str, str], now: datetime) -> bool:
    """Whether it is neither expired nor of the future, and by an algorithm that holds."""
    try:
        begins = float(tags.get("t", "0"))
        ends = float(tags.get("x", "inf"))
    except ValueError:
        return False
    return tags.get("a", "").lower() in _KEPT and begins - 300 <= now.timestamp() < ends


__all__ = [
    "Authenticity",
    "How",
    "LookUp",
    "Result",
    "aligned",
    "is_local",
    "judge",
    "organisation",
    "parsed",
    "results",
    "signed_by",
    "without_comments",
]
