"""A small world of receivers, so that the tests read as the rules of judging, not as data."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests import worlds
from todoku.diagnosis import Diagnoser, Own
from todoku.knowledge import match
from todoku.knowledge.schema import Compiled
from todoku.model import Diagnosis, Language, Refusal, Remote
from todoku.reading.reply import parse

HEAD = """
schema = 1
origin = "own"
licence = "CC0"
source = ["https://docs.example/"]
name = {{ ja = "{id}", en = "{id}" }}
id = "{id}"
kind = "{kind}"
"""

FILES = {
    "receivers/bigmail.toml": HEAD.format(id="bigmail", kind="mailbox")
    + r"""
hosts = ["*.bigmail.example", "mx?.old-bigmail.example"]
domains = ["bigmail.com.example", "bigmail.*"]
marks = ['\bbigsmtp$']
codes = ['\((?P<code>B\d{3})\)']
[desks.form]
channel = "form"
url = "https://bigmail.example/unblock"
requires = ["cause-fixed"]
expires = "7d"
[texts.special]
ja = "特別"
en = "special step"
[[rules]]
id = "own-list"
match = ['\[(?P<code>BL\d\d)\]']
reason = "listed"
scope = "ip"
list = "bigmail"
desk = "form"
remedy = ["special", "find-cause"]
[[rules]]
id = "no-ptr"
phrases = ["no PTR, no mail"]
reason = "reverse-dns"
scope = "ip"
[[rules]]
id = "common"
known = true
rank = -10
phrases = ["not now"]
reason = "rate-limit"
[[rules]]
id = "late"
phrases = ["after all"]
reason = "spam-content"
stages = ["END OF DATA"]
""",
    "receivers/othermail.toml": HEAD.format(id="othermail", kind="mailbox")
    + r"""
hosts = ["*.othermail.example"]
also = ["bigmail"]
[[rules]]
id = "user"
phrases = ["nobody of that name"]
reason = "user-unknown"
""",
    "receivers/thirdmail.toml": HEAD.format(id="thirdmail", kind="mailbox")
    + r"""
hosts = ["*.thirdmail.example"]
[[rules]]
id = "spam"
phrases = ["smells of spam"]
reason = "spam-content"
""",
    "receivers/wall.toml": HEAD.format(id="wall", kind="gateway")
    + r"""
hosts = ["*.wall.example"]
[[rules]]
id = "list"
match = ['(?P<code>WALL-\d+) client {{ip}} on the wall']
reason = "listed"
scope = "ip"
list = "wall"
""",
    "receivers/any-list.toml": HEAD.format(id="any-list", kind="wording")
    + r"""
[[rules]]
id = "using"
match = ['blocked using {{list}}']
reason = "listed"
scope = "ip"
[[rules]]
id = "resolver"
rank = 10
phrases = ["open resolver"]
reason = "lookup-failed"
""",
    "general/words.toml": HEAD.format(id="general-words", kind="general")
    + r"""
[[rules]]
id = "user-unknown"
phrases = ["user unknown", "smells of spam"]
reason = "user-unknown"
[[rules]]
id = "sender"
match = ['<{{address}}>: sender address rejected']
reason = "sender-refused"
[[rules]]
id = "japanese"
phrases = ["宛先不明"]
reason = "user-unknown"
""",
    "general/status.toml": """
schema = 1
[[enhanced]]
code = "x.2.2"
reason = "mailbox-full"
[[enhanced]]
code = "5.7"
reason = "policy"
[[reply]]
code = "552"
reason = "message-too-big"
""",
    "lists/known.toml": """
schema = 1
id = "known"
[desks.page]
channel = "portal"
url = "https://known.example/remove"
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


Ask = Callable[..., Diagnosis]


@pytest.fixture
def ask(small: Compiled) -> Ask:
    """`ask("550 ...", host=..., recipient=..., ...)`: the diagnosis in the small world."""

    def diagnose(
        text: str,
        host: str | None = None,
        recipient: str | None = None,
        language: Language = "en",
        own: Own | None = None,
        sisimai: str = "5.5",
        **more: object,
    ) -> Diagnosis:
        got = parse(text)
        fields: dict[str, object] = {
            "recipient": recipient,
            "remote": Remote(host or got.remote.host, got.remote.ip),
            "stage": got.stage,
            "reply": got.reply,
            "notice": got.notice,
        }
        refusal = Refusal(**(fields | more))  # type: ignore[arg-type]
        return Diagnoser(small, language, own, sisimai, scan=match.pure(small))(refusal, "x")

    return diagnose
