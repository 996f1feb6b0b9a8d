"""Mail from person to person goes by another server while an address is blocked, as lines for Postfix, to
be reviewed and applied by a person. Pure.

Only after the cause was mended: what got one address listed would get the other listed. What the other
server refuses comes back at once, as ever: a refusal for good (5yz) is never made a retry.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

import msgspec

from todoku.cases import WORDS, NotNow
from todoku.cases.case import Case
from todoku.cases.holding import good_domains
from todoku.cases.postfixing import Postfix
from todoku.i18n import Language, Words, say
from todoku.settings import table

DELAY: Final = 1
"""Seconds between two messages to a domain: people do not notice, a newsletter would."""
SERVICE: Final = "todoku-detour"
State: TypeAlias = Literal["ok", "bad", "unknown"]

SAYINGS: Final[Words] = {
    "head": {
        "ja": "# 案件 {case}: {domains} 宛てのメールを {via} 経由で送る（todoku case detour {case}）\n"
        "# 人から人へのメールのためのものです。一斉配信はここを通さず、止めておいてください（{via} まで載ります）。\n"
        "# 1 通ずつ {delay} 秒おきに送ります。{via} が 5xx で断ったものは、通常どおり差出人に返ります。",
        "en": "# Case {case}: mail for {domains} goes by {via} (todoku case detour {case}).\n"
        "# For mail from person to person. Bulk mail must not go this way, or {via} is listed next: stop it.\n"
        "# One message after the other, {delay} s apart. What {via} refuses with 5xx comes back as ever.",
    },
    "bulk": {
        "ja": "# この 7 日に多く送っている差出人（一斉配信なら止めてください）: {senders}",
        "en": "# Senders of much mail there in the last 7 days (if it is bulk, stop it): {senders}",
    },
    "apply": {
        "ja": "# 適用（root で）。/etc/postfix/{file} に次の内容を書き、そのあと:",
        "en": "# To apply, as root: put this into /etc/postfix/{file}, then:",
    },
    "undo": {"ja": "# 元に戻す:", "en": "# To undo:"},
}


class Relay(NamedTuple):
    host: str
    port: int = 25

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}"


class Detouring(msgspec.Struct, frozen=True, kw_only=True):
    """What a person applies, and takes back."""

    v: int = 1
    case: int
    via: str
    domains: tuple[str, ...]
    file: str
    """In Postfix's folder."""
    content: str
    """Of that file (texthash_table(5))."""
    apply: tuple[str, ...]
    """Lines for a shell, all of them together."""
    undo: tuple[str, ...]


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of the relay (`todoku.serve.relaying`)."""

    check: Literal["address", "spf", "dkim", "permission"]
    state: State
    stops: bool
    """With it the detour would do harm, or nothing."""
    text: str


class Printed(msgspec.Struct, frozen=True, kw_only=True):
    """What `todoku case detour --json` prints."""

    v: int = 1
    detour: Detouring
    checks: tuple[Checked, ...]


def relay(text: str) -> Relay | None:
    """`relay.example.jp`, `relay.example.jp:587`, `192.0.2.25`, `[192.0.2.25]:25`."""
    text = text.strip()
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]") or (host.count(":") > 0 and not host.startswith("[")):
        host, port = text, "25"
    name = table.smarthost(host)
    number = table.port(port)
    return None if name is None or number is None else Relay(name, int(number))


def detouring(
    case: Case, via: Relay, domains: Sequence[str] = (), postconf: str = "postconf"
) -> Detouring:
    """`domains`: none named, those that the case knows. Raises `NotNow`, `NotThis`."""
    if case.closed is not None and case.detoured is None:
        raise NotNow(WORDS["closed"], case=case.number)
    if not case.mended and case.detoured is None:
        raise NotNow(WORDS["no-cause"], case=case.number)
    good = good_domains(case, domains)
    file = f"{SERVICE}-{case.number}"
    it = Postfix(postconf)
    return Detouring(
        case=case.number,
        via=str(via),
        domains=good,
        file=file,
        content="".join(f"{d}\t{file}:{via}\n" for d in good),
        apply=(*it.slow(file, DELAY), it.map_first(file), it.reload),
        undo=(*it.no_map(file), *it.not_slow(file), it.reload),
    )


def script(
    made: Detouring, lang: Language, checked: Sequence[str] = (), senders: Sequence[str] = ()
) -> str:
    """All of it as a text that can be read, kept and run in parts. `checked`: lines of what was found of
    the relay. `senders`: of much mail."""
    shown = ", ".join(made.domains[:10]) + (" ..." if len(made.domains) > 10 else "")
    head = [say(SAYINGS["head"], lang, case=made.case, domains=shown, via=made.via, delay=DELAY)]
    if senders:
        head.append(say(SAYINGS["bulk"], lang, senders=", ".join(senders)))
    head += [f"# {line}" for line in checked]
    parts = [
        "\n".join(head),
        say(SAYINGS["apply"], lang, file=made.file),
        made.content.rstrip("\n"),
        "\n".join(made.apply),
        SAYINGS["undo"][lang],
        "\n".join(made.undo),
    ]
    return "\n\n".join(parts) + "\n"
