"""Lists of every shape that there is, small: what the tests of judging and health speak of."""

from __future__ import annotations

from typing import Any

from todoku.knowledge.schema import (
    Ask,
    Code,
    Desk,
    Key,
    ListEntry,
    TestPoints,
    Text,
    Usage,
)
from todoku.model import EntryClass

DESKS = {
    "acme/desk": Desk("form", "https://acme.test/remove", requires=("cause-fixed",), expires="7d"),
    "acme/pbl": Desk("mail", address="pbl@acme.test"),
}


def code(code: str, class_: EntryClass = "abuse", **more: Any) -> Code:
    return Code(
        code=code, class_=class_, meaning=Text(ja=f"意味 {code}", en=f"sense {code}"), **more
    )


def entry(*codes: Code, desk: str | None = "acme/desk", **ask: Any) -> ListEntry:
    ask.setdefault("kinds", ("ipv4", "ipv6", "domain"))
    more = {k: ask.pop(k) for k in ("list_class", "status") if k in ask}
    return ListEntry(
        id="acme",
        name="Acme BL",
        zones=("bl.acme.test",),
        desk=desk,
        ask=Ask(codes=codes, **ask),
        **more,
    )


EXACT = entry(
    code("127.0.0.2", weight=4.0, list="acme-sbl"),
    code("127.0.0.3-127.0.0.7", weight=6.0),
    code("127.0.0.5", "policy", desk="acme/pbl"),  # more exact than the range around it
    code("127.0.0.9", "range", scope="asn"),
    code("127.0.1.X", "info"),
    code("127.0.1.7"),  # more exact than the shape around it
    code("127.0.0.200", "allow"),
    code("127.0.0.255", "error"),
    code("127.0.0.254", "error", cause="budget"),
    code("127.255.255.252", "error", cause="no-key"),
    weight=1.0,
)
OPEN = entry(
    code("127.0.0.2", "policy"),
    open=True,
    criterion=Text(ja="スパムを送った", en="sent spam"),
    list_class="range",
)
BARE = entry(criterion=Text(ja="スパムを送った", en="sent spam"))
"""No table at all: whatever it lists, it lists."""
SILENT = entry(desk=None)
"""Nor does it say why."""
LIST_CLASS = entry(list_class="policy")
BITS = entry(
    code("bit 1", "error"),
    code("bit 2"),
    code("bit 4", "info"),
    code("bit 8", "policy"),
    code("127.255.255.255", "error", cause="not-permitted"),
    code_mode="bitmask",
)
STRUCTURED = entry(
    code("127.0.X.0", "allow"),
    code("127.0.X.3", "allow"),
    code("127.0.X.255", "error"),
    code("127.0.10.X", "error"),
    role="allow",
    code_mode="structured",
    category_octet=3,
    categories={"5": Text(ja="通信事業者", en="service provider")},
)
SCORE = entry(code("127.0.4.X", "info"), role="info", code_mode="structured", category_octet=4)
WHITE_ONE = entry(
    code("127.0.0.1", "allow"), code("127.0.0.2"), code("127.0.0.3", "info"), code_mode="exact"
)
"""127.0.0.1 is a good sender here."""
BOTNET_ONE = entry(code("bit 1"), code("bit 2", "policy"), code_mode="bitmask")
"""127.0.0.1 is a listing here."""
WIDE = entry(code("127.X.X.X"), code("127.255.255.1"))
"""A table so wide that it would take errors for listings, and one that says so of one address."""
NESTED = entry(
    code("127.0.0.3-127.0.0.9"),
    code("127.0.0.4-127.0.0.5", "policy"),
    code("127.255.255.X", "error", cause="no-key"),
)
"""Ranges within ranges, and a shape of errors of its own."""
COUNTRIES = entry(code("127.0.0.X", "abuse"), role="info")
"""A table that calls abuse what the role says is information."""
GOOD = entry(role="allow")
SLASH64 = entry(code("127.0.0.2"), ipv6_prefix=64)
KEYED = entry(
    code("127.0.0.2"),
    key=Key(name="acme-dq", zone="dq.acme.test", required=False, lifts=True),
    usage=Usage(commercial="agreement", url="https://acme.test/terms", per_day=1000),
)
REGISTERED = entry(usage=Usage(registration=True, url="https://acme.test/register"))
BOGONS = entry(test=TestPoints(listed=("192.168.1.1",), basis="operator", random=False))
TOLD = entry(
    code("127.0.0.2"),
    code("127.0.0.4"),
    test=TestPoints(
        listed=("127.0.0.2", "::FFFF:7F00:2", "_DNSBL_.test"),
        not_listed=("127.0.0.1", "::FFFF:7F00:1", "_DNSBLNEG_.test"),
        basis="operator",
    ),
)
GIVES = entry(
    code("127.0.X.3", "allow"),
    code("127.0.10.X", "error"),
    role="allow",
    code_mode="structured",
    test=TestPoints(listed=("127.0.0.2",), basis="third-party", gives=("127.0.10.0",)),
)
ALL = {name: value for name, value in list(globals().items()) if isinstance(value, ListEntry)}
