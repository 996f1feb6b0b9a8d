"""A small, fixed world of receivers: the screens and tables of these tests do not change with the
knowledge of the package, only with its reasons and shared steps."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator

import pytest

from tests import worlds
from todoku.diagnosis import Diagnoser, Own
from todoku.knowledge import match
from todoku.knowledge.schema import Compiled
from todoku.model import Diagnosis, Identity, Language, Refusal, Remote
from todoku.reading.reply import parse

HEAD = """
schema = 1
origin = "own"
licence = "CC0"
date = "2026-06-15"
"""

FILES = {
    "receivers/bigmail.toml": HEAD
    + r"""
id = "bigmail"
name = { ja = "ビッグメール", en = "Bigmail" }
hosts = ["*.bigmail.example"]
domains = ["bigmail.example"]
source = ["https://postmaster.bigmail.example/codes"]
[desks.support]
channel = "form"
url = "https://postmaster.bigmail.example/delist"
requires = ["cause-fixed", "reverse-dns"]
wait = "24-48h"
note = { ja = "企業向けの窓口とは別です。", en = "Not the desk of its business service." }
[[rules]]
id = "bm-001"
match = ['\b(?P<code>BM-001)\b.{0,80}from {{ip}}']
reason = "listed"
scope = "ip"
list = "bigmail"
desk = "support"
refuses_at = "MAIL FROM"
remedy = ["find-cause", "check-lists", "ask-removal", "wait-effect"]
[[rules]]
id = "rate"
match = ['unusual rate of mail']
reason = "rate-limit"
scope = "ip"
precedes_block = true
[[rules]]
id = "no-such-user"
phrases = ["nobody of that name here"]
reason = "user-unknown"
""",
    "receivers/wall.toml": HEAD
    + r"""
id = "wall"
name = { ja = "Wall ゲートウェイ", en = "Wall Gateway" }
kind = "gateway"
hosts = ["*.wall.example"]
source = ["https://wall.example/help"]
[[rules]]
id = "auth"
phrases = ["DMARC says no"]
reason = "authentication"
meaning = { ja = "差出人ドメインの DMARC 方針が拒否を求めています。", en = "The DMARC policy of the sender's domain asks for refusal." }
""",
    "receivers/list-text.toml": HEAD
    + r"""
id = "list-text"
name = { ja = "リストの引用", en = "List wordings" }
kind = "wording"
source = ["https://docs.example/"]
[[rules]]
id = "using"
match = ['client (?:host )?\[?{{ip}}\]? blocked using {{list}}']
reason = "listed"
scope = "ip"
remedy = ["find-cause", "ask-list"]
[[rules]]
id = "resolver"
rank = 10
match = ['blocked using {{list}}; error: open resolver']
reason = "lookup-failed"
""",
    "general/words.toml": HEAD
    + r"""
id = "general-words"
name = { ja = "一般", en = "General" }
kind = "general"
source = ["https://docs.example/"]
[[rules]]
id = "full"
phrases = ["mailbox is full"]
reason = "mailbox-full"
[[rules]]
id = "relay"
phrases = ["relaying not permitted"]
reason = "relay-denied"
""",
    "general/status.toml": """
schema = 1
[[enhanced]]
code = "x.1.1"
reason = "user-unknown"
""",
    "lists/known.toml": """
schema = 1
id = "known"
[desks.page]
channel = "portal"
url = "https://known.example/remove"
[desks.quiet]
channel = "automatic"
expires = "7d"
[[lists]]
id = "known-xbl"
name = "Known XBL"
zones = ["xbl.known.example"]
list_class = "abuse"
desk = "quiet"
[[lists]]
id = "known-dul"
name = "Known DUL"
zones = ["dul.known.example"]
list_class = "policy"
desk = "page"
""",
}


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return worlds.compiled(tmp_path_factory.mktemp("knowledge"), FILES)


class Ours:
    """An `[own]` of one address and one relay."""

    def tells(self, identity: Identity) -> bool | None:
        return identity.value == "192.0.2.1"

    def is_smarthost(self, host: str | None, ip: str | None = None) -> bool:
        return host == "relay.ours.example"


def refusal(text: str, **more: object) -> Refusal:
    """As a reader would hand it over. `host` names the answering server."""
    got = parse(text)
    host = more.pop("host", None) or got.remote.host
    fields: dict[str, object] = {
        "action": "failed",
        "remote": Remote(host, got.remote.ip),  # type: ignore[arg-type]
        "stage": got.stage,
        "reply": got.reply,
        "notice": got.notice,
    }
    return Refusal(**(fields | more))  # type: ignore[arg-type]


Judge = Callable[..., list[Diagnosis]]


@pytest.fixture(scope="session")
def judge(small: Compiled) -> Judge:
    """`judge(refusals, language, own)`: their diagnoses in the small world."""
    scan = match.pure(small)

    def diagnoses(
        refusals: Iterable[Refusal], language: Language = "en", own: Own | None = None
    ) -> list[Diagnosis]:
        diagnose = Diagnoser(small, language, own, scan=scan)
        return [diagnose(r, f"mails/{n}.eml") for n, r in enumerate(refusals, 1)]

    return diagnoses


@pytest.fixture
def tokyo(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Times are told in the reader's zone: here nine hours ahead."""
    monkeypatch.setenv("TZ", "JST-9")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()
