"""How single values are written: each function gives a value in its normal form, or `None` if it
cannot be used. Also for values that are no settings: words of a command line, lines of a file."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import datetime
from math import isfinite
from typing import Final

from todoku.i18n import Sentence
from todoku.lazy import expression
from todoku.settings import own as ours


def choice(*names: str) -> Callable[[str], str | None]:
    return lambda text: text if text in names else None


def path(text: str) -> str | None:
    return text or None


def store(text: str) -> str | None:
    good = re.match(r"(sqlite:///.|(postgresql|postgres)(\+psycopg)?://.)", text)
    return text if good else None


def network(text: str) -> str | None:
    """Exactly one network. `192.0.2.1/24` is refused: it is unclear which of the two is meant."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        return None


_LABEL: Final = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_NAME: Final = expression(rf"{_LABEL}(\.{_LABEL})*")


def host_name(text: str) -> str | None:
    name = ours.normal_name(text)
    good = _NAME.fullmatch(name) and len(name) <= 253 and ours.parse_ip(name) is None
    return name if good else None


def domain(text: str) -> str | None:
    """A domain: `@example.jp` and `*.example.jp` are understood, a bare top level is not."""
    name = host_name(text.removeprefix("@").removeprefix("*."))
    return name if name and "." in name else None


def smarthost(text: str) -> str | None:
    """A host or address; `[host]:port`, as in Postfix, is understood and its port left out."""
    text = text.strip()
    if bracketed := re.fullmatch(r"\[(.+)\](:\w+)?", text):
        text = bracketed[1]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return ours.normal_ip(text) or host_name(text)


_ID: Final = expression(r"[a-z0-9_][a-z0-9_.-]{0,252}")


def list_id(text: str) -> str | None:
    """The id of a list (`spamhaus-zen`) or a zone; whether there is one, the knowledge tells."""
    name = text.strip().lower().rstrip(".")
    return name if _ID.fullmatch(name) else None


def place_id(text: str) -> str | None:
    """The id of a receiver (`t-online`), or a domain; whether there is one, the knowledge tells."""
    return list_id(text.removeprefix("@"))


def desk_id(text: str) -> str | None:
    """The id of a desk, `t-online/bl`."""
    owner, sign, name = text.strip().lower().partition("/")
    return f"{owner}/{name}" if sign and _ID.fullmatch(owner) and _ID.fullmatch(name) else None


_KEY: Final = expression(r"[A-Za-z0-9_-]{1,63}")


def key(text: str) -> str | None:
    """A key that a list's operator gave out: a label of a DNS name."""
    text = text.strip()
    return text if _KEY.fullmatch(text) else None


def secret(text: str) -> str | None:
    """A key of HMAC-SHA1, as long as servers take one."""
    return text if 1 <= len(text.encode("utf-8", "replace")) <= 64 else None


def server(text: str) -> str | None:
    """`192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53`, `[2001:db8::53]:5353`. A name would itself
    have to be asked for."""
    text = text.strip()
    host, port = text, ""
    if bracketed := re.fullmatch(r"\[([^\]]+)\](?::(\d{1,5}))?", text):
        host, port = bracketed[1], bracketed[2] or ""
    elif m := re.fullmatch(r"([^:]+):(\d{1,5})", text):
        host, port = m[1], m[2]
    ip = ours.parse_ip(host)
    if ip is None or (port and not 0 < int(port) < 65536):
        return None
    if not port:
        return str(ip)
    return f"[{ip}]:{int(port)}" if ip.version == 6 else f"{ip}:{int(port)}"


def endpoint(text: str, port: int) -> tuple[str, int]:
    """Host and port of a text that `server` took; `port` where it names none."""
    if text.startswith("["):
        host, _, named = text[1:].partition("]:")
    elif text.count(":") == 1:
        host, _, named = text.partition(":")
    else:
        host, named = text, ""
    return host, int(named or port)


def port(text: str) -> str | None:
    text = text.strip()
    return text if re.fullmatch(r"[1-9]\d{0,4}", text) and int(text) < 65536 else None


def clock(text: str) -> str | None:
    """What `FastClock.text` gives: how fast, from when, since which reading of the machine's."""
    words = text.split()
    try:
        factor, start, since = float(words[0]), datetime.fromisoformat(words[1]), float(words[2])
    except (ValueError, IndexError):
        return None
    fits = len(words) == 3 and 0 < factor < float("inf") and start.tzinfo and isfinite(since)
    return " ".join(words) if fits else None


def day(text: str) -> str | None:
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d").date().isoformat()  # noqa: DTZ007
    except ValueError:
        return None


def number(least: int, most: int) -> Callable[[str], str | None]:
    def read(text: str) -> str | None:
        text = text.strip()
        good = re.fullmatch(r"0|[1-9][0-9]{0,3}", text) and least <= int(text) <= most
        return text if good else None

    return read


def days(text: str) -> str | None:
    text = text.strip()
    good = re.fullmatch(r"[1-9][0-9]{0,3}", text) and int(text) <= 3650
    return text if good else None


_MAILBOX: Final = expression(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[^@]+")


def mailbox(text: str) -> str | None:
    """A mail address as RFC 5321 has it, without quoted or international local parts."""
    text = text.strip()
    if not _MAILBOX.fullmatch(text):
        return None
    local, _, domain = text.partition("@")
    name = host_name(domain)
    return f"{local}@{name}" if name else None


ADDRESS: Final[Sentence] = {
    "ja": 'メールアドレス。例: "postmaster@example.jp"',
    "en": 'a mail address, such as "postmaster@example.jp"',
}


def user(text: str) -> str | None:
    """A login name, or `*`."""
    text = text.strip()
    return text if re.fullmatch(r"\*|[\w][\w.-]{0,63}\$?", text) else None


def line(text: str) -> str | None:
    """A line of text."""
    text = " ".join(text.split())
    return text if text and text.isprintable() and len(text) <= 200 else None


def page(text: str) -> str | None:
    text = text.strip()
    return text if re.fullmatch(r"https?://[^\s<>\"]{3,500}", text) else None


LINE: Final[Sentence] = {
    "ja": "1 行の文字列（200 字まで）",
    "en": "one line of text (up to 200 letters)",
}
