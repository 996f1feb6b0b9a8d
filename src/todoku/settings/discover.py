"""What this machine tells about itself, for `todoku init`. Asks local programs, never the network.

A machine without Postfix or `ip` gives less; nothing here fails.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import msgspec

from todoku.settings import own as ours
from todoku.settings.own import IP, Own
from todoku.settings.table import smarthost

SECONDS: Final = 5
"""How long a program may take. One that hangs is as good as none."""

SBIN: Final = ("/usr/sbin", "/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")
"""Where programs for administrators are, which a plain user's PATH leaves out."""

PARAMETERS: Final = (
    "myhostname",
    "mydomain",
    "mydestination",
    "virtual_alias_domains",
    "virtual_mailbox_domains",
    "inet_interfaces",
    "smtp_bind_address",
    "smtp_bind_address6",
    "relayhost",
    "smtp_helo_name",
)

# Not the documentation's addresses (RFC 5737), which `ipaddress` counts as private: labs use them.
_INNER: Final = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)
# `co.jp`, `com.au`: Postfix takes such a one for `mydomain` on a host named `example.co.jp`.
_REGISTRY: Final = re.compile(r"(ac|ad|co|com|ed|edu|go|gob|gov|gr|lg|ne|net|or|org)\.[a-z]{2}")
_LOCAL_NAMES: Final = ("localhost", "localdomain", "local", "internal", "lan", "home", "invalid")


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What was found, in the form of `[own]`; and what could not be known."""

    own: Own = Own()
    postfix: bool = False
    inner: tuple[str, ...] = ()
    """Private addresses, if the machine has no others: it sends through NAT."""


def discover(environ: Mapping[str, str]) -> Found:
    path = os.pathsep.join([environ.get("PATH", os.defpath), *SBIN])
    postfix = postconf(path)
    names = [name for name in (postfix.get("smtp_helo_name"), postfix.get("myhostname")) if name]
    host = next(_names(names or [socket.gethostname()]), None)
    listed = [*_words(postfix.get("mydomain")), *_words(postfix.get("mydestination"))]
    listed += _words(postfix.get("virtual_alias_domains"))
    listed += _words(postfix.get("virtual_mailbox_domains"))
    if not postfix and host and host.count(".") > 1:
        listed = [host.partition(".")[2]]

    bound = _words(postfix.get("smtp_bind_address")) + _words(postfix.get("smtp_bind_address6"))
    heard = _words(postfix.get("inet_interfaces"))
    # What Postfix is told to send from; else what it listens on; else all the machine has.
    addresses = _ips(bound) or _outer(_ips(heard)) or interfaces(path)
    transports = bound_transports(path) if postfix else {}
    for ips in transports.values():
        addresses = [*addresses, *_ips(ips)]
    outer = _outer(addresses)

    own = Own(
        addresses=_texts(outer),
        domains=_without_covered(_names(listed)),
        helo=(host,) if host else (),
        transports={
            name: _texts(kept) for name, ips in transports.items() if (kept := _outer(_ips(ips)))
        },
        smarthosts=tuple(filter(None, map(smarthost, _words(postfix.get("relayhost"))))),
    )
    inner = () if outer else _texts(ip for ip in addresses if not ip.is_loopback)
    return Found(own=own, postfix=bool(postfix), inner=inner)


def postconf(path: str) -> dict[str, str]:
    """Postfix's parameters, references to others filled in. Empty where there is no Postfix."""
    lines = _output(["postconf", *PARAMETERS], path).splitlines()
    raw = dict(_assignment(line) for line in lines if "=" in line)

    def fill(match: re.Match[str]) -> str:
        return raw.get(match[1] or match[2], "")

    filled = {}
    for name, value in raw.items():
        text = value
        for _depth in range(5):
            text = re.sub(r"\$(?:(\w+)|[{(](\w+)[)}])", fill, text)
        filled[name] = text
    return filled


def bound_transports(path: str) -> dict[str, tuple[str, ...]]:
    """The transports of `master.cf` with an address of their own."""
    patterns = ["*/unix/smtp_bind_address", "*/unix/smtp_bind_address6"]
    found: dict[str, tuple[str, ...]] = {}
    for line in _output(["postconf", "-P", *patterns], path).splitlines():
        name, value = _assignment(line)
        transport = name.partition("/")[0]
        if transport and value:
            found[transport] = (*found.get(transport, ()), value)
    return found


def interfaces(path: str) -> list[IP]:
    """The addresses of this machine, without loopback and link-local ones."""
    try:
        links = json.loads(_output(["ip", "-j", "addr"], path) or "[]")
        found = [
            ours.parse_ip(address["local"])
            for link in links
            for address in link.get("addr_info", ())
            if address.get("scope") == "global"
            # IPv6 privacy addresses come and go: no mail server is known by one.
            and not address.get("temporary")
            and not address.get("deprecated")
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        found = []
    return [ip for ip in found if ip is not None] or list(_routes())


def _routes() -> Iterator[IP]:
    """The addresses that the default routes leave by: `connect` on UDP sends nothing."""
    for family, anywhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.connect((anywhere, 9))
                ip = ours.parse_ip(sock.getsockname()[0])
        except OSError:
            continue
        if ip is not None and not ip.is_link_local and not ip.is_unspecified:
            yield ip


def _output(words: list[str], path: str) -> str:
    program = shutil.which(words[0], path=path)
    if program is None:
        return ""
    try:
        done = subprocess.run(
            [program, *words[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace") if done.returncode == 0 else ""


def _assignment(line: str) -> tuple[str, str]:
    name, _, value = line.partition("=")
    return name.strip(), value.strip()


def _words(value: str | None) -> list[str]:
    """A list as Postfix writes it, without lookup tables and files."""
    words = re.split(r"[,\s]+", value or "")
    tables = re.compile(r"\w+:|/|!|static:")
    return [w for w in words if w and (w.startswith("[") or not tables.match(w))]


def _ips(words: Iterable[str]) -> list[IP]:
    return [ip for ip in map(ours.parse_ip, words) if ip is not None and not ip.is_unspecified]


def _outer(ips: Iterable[IP]) -> list[IP]:
    return [ip for ip in ips if not any(ip in network for network in _INNER)]


def _texts(ips: Iterable[IP]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(ip) for ip in ips))


def _names(words: Iterable[str]) -> Iterator[str]:
    """Names that the world can know: with a dot, no address, not of this machine alone."""
    for word in words:
        name = ours.normal_name(word)
        if (
            "." in name
            and ours.parse_ip(name) is None
            and name.rpartition(".")[2] not in _LOCAL_NAMES
            and not name.startswith("localhost.")
            and re.fullmatch(r"[a-z0-9_.-]+", name)
            and not _REGISTRY.fullmatch(name)
        ):
            yield name


def _without_covered(names: Iterable[str]) -> tuple[str, ...]:
    """Domains, without those that lie below another one of the list."""
    unique = list(dict.fromkeys(names))
    return tuple(n for n in unique if not any(n.endswith("." + other) for other in unique))
