"""Lists that nobody runs, and findings about them, made by hand: for the tests of `todoku check`."""

from __future__ import annotations

from typing import Any

from todoku.model import Entry, Finding, ListingState, Removal, Subject, UnknownCause

FILES = {
    "resolvers.toml": """
schema = 1
[[resolvers]]
name = "Open DNS Company"
addresses = ["203.0.113.53", "2001:db8:53::/48"]
""",
    "lists/known.toml": """
schema = 1
id = "known"
[desks.form]
channel = "form"
url = "https://known.example/remove"
requires = ["cause-fixed"]

[[lists]]
id = "known-zen"
name = "Known ZEN"
zones = ["zen.known.example", "zen.dq.known.example"]
names = ["KZEN"]
desk = "known/form"
[lists.ask]
kinds = ["ipv4", "ipv6"]
tier = "default"
weight = 4
[lists.ask.usage]
per_day = 30000
commercial = "agreement"
url = "https://known.example/terms"
[lists.ask.key]
name = "known-dqs"
zone = "zen.dq.known.example"
required = false
lifts = true
pattern = "[a-z0-9]{7,40}"

[[lists]]
id = "known-xbl"
name = "Known XBL"
zones = ["xbl.known.example"]
[lists.ask]
kinds = ["ipv4", "ipv6"]
tier = "optional"
part_of = "known-zen"

[[lists]]
id = "known-pbl"
name = "Known PBL"
zones = ["pbl.known.example"]
list_class = "policy"
[lists.ask]
kinds = ["ipv4"]
tier = "optional"
part_of = "known-zen"

[[lists]]
id = "known-dbl"
name = "Known DBL"
zones = ["dbl.known.example"]
[lists.ask]
kinds = ["domain"]
tier = "default"
weight = 3
""",
    "lists/others.toml": """
schema = 1
id = "others"

[[lists]]
id = "cop"
name = "Cop"
zones = ["bl.cop.example"]
[lists.ask]
kinds = ["ipv4"]
tier = "default"
weight = 2

[[lists]]
id = "brake"
name = "Brakeacuda"
zones = ["b.brakeacuda.example"]
[lists.ask]
kinds = ["ipv4"]
tier = "default"
weight = 5
[lists.ask.usage]
per_second = 20

[[lists]]
id = "range-2"
name = "Range Level 2"
zones = ["dnsbl-2.range.example"]
list_class = "range"
[lists.ask]
kinds = ["ipv4"]
tier = "optional"
weight = 1

[[lists]]
id = "white"
name = "Good Senders"
zones = ["list.good.example"]
[lists.ask]
role = "allow"
kinds = ["ipv4", "ipv6"]
tier = "default"

[[lists]]
id = "closed"
name = "Closed"
zones = ["ip.closed.example"]
[lists.ask]
kinds = ["ipv4"]
tier = "key"
[lists.ask.key]
name = "closed"

[[lists]]
id = "geo"
name = "Geo"
zones = ["geo.example"]
[lists.ask]
role = "info"
kinds = ["ipv4"]
tier = "optional"

[[lists]]
id = "sorry"
name = "Sorry"
zones = ["dnsbl.sorry.example"]
status = "dead"
[lists.ask]
kinds = ["ipv4"]
tier = "never"
since = "2024-06-05"
""",
}

NOW = 1_764_000_000.0  # 2025-11-24T16:00:00Z
AT = "2025-11-24T16:00:00Z"
IP = "198.51.100.7"

FORM = Removal(
    channel="form", url="https://known.example/remove", requires=("cause-fixed",), expires="3d"
)
ZONES = {
    "known-zen": "zen.known.example",
    "known-dbl": "dbl.known.example",
    "cop": "bl.cop.example",
    "brake": "b.brakeacuda.example",
    "range-2": "dnsbl-2.range.example",
    "white": "list.good.example",
    "closed": "ip.closed.example",
    "geo": "geo.example",
    "sorry": "dnsbl.sorry.example",
}


def subject(value: str) -> Subject:
    if value.replace(".", "").isdigit() or ":" in value:
        return Subject("ip", value)
    return Subject("hostname" if value.count(".") > 1 else "domain", value)


def finding(list_: str, state: ListingState = "not-listed", who: str = IP, **more: Any) -> Finding:
    """What one list says; an entry's code is among the codes."""
    s = subject(who)
    entries: tuple[Entry, ...] = more.pop("entries", ())
    zone = ZONES.get(list_, list_)
    name = ".".join(reversed(s.value.split("."))) if s.kind == "ip" else s.value
    fields: dict[str, Any] = {
        "identity": s,
        "list": list_,
        "zone": zone,
        "role": "allow" if list_ == "white" else "info" if list_ == "geo" else "block",
        "state": state,
        "codes": tuple(e.code for e in entries),
        "entries": entries,
        "asked": f"{name}.{zone}",
        "server": "127.0.0.1:53",
        "took_ms": 1.5,
        "health": "ok",
        "at": AT,
    }
    return Finding(**(fields | more))


def unknown(list_: str, cause: UnknownCause, who: str = IP, **more: Any) -> Finding:
    return finding(list_, "unknown", who, cause=cause, **more)


XBL = Entry(
    code="127.0.0.4", meaning="infected machine or open proxy", class_="abuse", scope="ip",
    weight=4, list="known-xbl", removal=FORM,
)  # fmt: skip
PBL = Entry(
    code="127.0.0.10", meaning="a range that does not send mail directly", class_="policy",
    scope="range", weight=3, list="known-pbl",
    removal=Removal(channel="form", url="https://known.example/pbl", requires=("static-address",)),
)  # fmt: skip
COP = Entry(
    code="127.0.0.2", meaning="spam was reported in the last days", class_="abuse", scope="ip",
    weight=2, removal=Removal(channel="automatic", expires="24h"),
)  # fmt: skip
LEVEL_2 = Entry(
    code="127.0.0.2", meaning="many spammers in this network", class_="range", scope="asn",
    weight=1, removal=Removal(channel="none"),
)  # fmt: skip
TRUST = Entry(
    code="127.0.10.1", meaning="e-mail service provider, low trust", class_="allow", scope="ip"
)
JAPAN = Entry(code="127.0.0.81", meaning="an address in Japan", class_="info", scope="range")
DOMAIN = Entry(
    code="127.0.1.2", meaning="spam domain", class_="abuse", scope="domain", weight=3, removal=FORM
)
