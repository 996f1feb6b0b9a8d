"""Lists of the tests' own, laid over the knowledge as a user would lay his: one for each zone of a
liar, with a code table that has every class."""

from __future__ import annotations

from pathlib import Path
from typing import Final

HEAD: Final = """\
schema = 1
id = "tests"
origin = "own"
licence = "CC0"

[desks.page]
channel = "form"
url = "https://list.example/remove"
requires = ["cause-fixed"]

"""

CODES: Final = """\
codes = [
  { code = "127.0.0.2", class = "abuse", weight = 4, meaning = { ja = "迷惑メールの送信元", en = "Spam source" } },
  { code = "127.0.0.3", class = "policy", weight = 2, meaning = { ja = "動的アドレス", en = "Dynamic address" } },
  { code = "127.0.0.9", class = "range", scope = "range", weight = 1, meaning = { ja = "隣の範囲", en = "Bad neighbourhood" } },
  { code = "127.0.0.20", class = "info", meaning = { ja = "新しい", en = "Newly seen" } },
  { code = "127.0.1.255", class = "error", cause = "refused", meaning = { ja = "対象外", en = "Not for addresses" } },
]
"""

BITS: Final = """\
code_mode = "bitmask"
codes = [
  { code = "bit 2", class = "abuse", weight = 4, meaning = { ja = "フィッシング", en = "Phish" } },
  { code = "bit 4", class = "abuse", weight = 3, meaning = { ja = "マルウェア", en = "Malware" } },
  { code = "127.0.0.1", class = "error", meaning = { ja = "照会元を拒否", en = "Your resolver is turned away" } },
]
"""

POINTS: Final = """\
[lists.ask.test]
listed = ["127.0.0.2"]
not_listed = ["127.0.0.1"]
basis = "operator"
"""

DOMAIN_POINTS: Final = """\
[lists.ask.test]
listed = ["test"]
not_listed = ["invalid"]
basis = "operator"
"""


def entry(
    name: str,
    *,
    zone: str | None = None,
    status: str = "alive",
    kinds: str = "ipv4",
    tier: str = "candidate",
    role: str = "block",
    codes: str = CODES,
    points: str = POINTS,
    ask: str = "",
    tables: str = "",
) -> str:
    """One list. `ask`: more lines of `[lists.ask]`; `tables`: more tables behind it."""
    wanted = ", ".join(f'"{kind}"' for kind in kinds.split())
    return f"""\
[[lists]]
id = "{name}"
name = "The list {name}"
zones = ["{zone or f"{name}.test"}"]
operator = "Tests"
list_class = "abuse"
status = "{status}"
desk = "tests/page"
[lists.ask]
role = "{role}"
kinds = [{wanted}]
tier = "{tier}"
weight = 3
{ask}
{codes}
{points}
{tables}
"""


RUNS: Final = (
    entry("plain"),
    entry("other"),
    entry("six", kinds="ipv4 ipv6", ask="ipv6_prefix = 64"),
    entry("names", kinds="domain", points=DOMAIN_POINTS),
    entry("registered", kinds="domain", points=DOMAIN_POINTS, ask='names = "registered"'),
    entry("locked", tables='[lists.ask.key]\nname = "tests-key"\nlifts = true\n'),
    entry(
        "lockable",
        tables='[lists.ask.key]\nname = "tests-key"\nzone = "keyed.test"\nrequired = false\n',
    ),
    entry("few", tables="[lists.ask.usage]\nper_day = 20\nper_second = 1000\n"),
    entry("shared", tables="[lists.ask.usage]\nper_day = 60\nper_second = 1000\n"),
    entry("slow", tables="[lists.ask.usage]\nper_second = 5\n"),
    entry("gone", status="dead", ask='dead = "wildcard"\nsince = "2024-06-05"'),
    entry("double").replace('"double.test"', '"double.test", "second.test"'),
    entry("terms", tables='[lists.ask.usage]\ncommercial = "agreement"\n'),
)
"""Lists of every kind, for runs."""


def write(folder: Path, *entries: str) -> Path:
    """An overlay folder with these lists."""
    (folder / "lists").mkdir(parents=True, exist_ok=True)
    (folder / "lists" / "tests.toml").write_text(HEAD + "\n".join(entries))
    return folder
