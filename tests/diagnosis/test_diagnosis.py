"""How a refusal is judged: each test is one sentence of the diagnosis contract."""

from __future__ import annotations

from typing import Any

import pytest

from todoku.knowledge import compiling, match
from todoku.knowledge.schema import Compiled
from todoku.model import Diagnosis, Identity


class TestReceiver:
    @pytest.mark.parametrize(
        ("text", "host", "recipient", "receiver", "gateway"),
        [
            # the answering host first
            ("550 no", "mx1.bigmail.example", "a@thirdmail.example", "bigmail", None),
            ("550 no", "mx2.old-bigmail.example", None, "bigmail", None),
            ("550 no", "mx22.old-bigmail.example", None, None, None),
            # then words that only it prints
            ("550 no bigsmtp", None, None, "bigmail", None),
            ("550 [BL01] go", None, None, "bigmail", None),
            # the recipient's domain last
            ("550 no", None, "a@bigmail.co", "bigmail", None),
            ("550 no", "mx.othermail.example", "a@bigmail.co", "othermail", None),
            ("550 no", None, "a@nobody.example", None, None),
            # a filter in front: both where both are known, else the filter
            ("550 WALL-1 client 192.0.2.1 on the wall", None, None, "wall", None),
            ("550 no", "in.wall.example", None, "wall", None),
            (
                "550 WALL-1 client 192.0.2.1 on the wall",
                "mx.bigmail.example",
                None,
                "bigmail",
                "wall",
            ),
            ("550 no", "in.wall.example", "a@bigmail.co", "bigmail", "wall"),
            # a wording, a server's default or general words say nothing about who it is
            ("550 user unknown", None, None, None, None),
            ("550 192.0.2.1 blocked using dul.known.example", None, None, None, None),
        ],
    )
    def test_order_of_evidence(
        self, ask: Any, text: str, host: str, recipient: str, receiver: str, gateway: str
    ) -> None:
        d = ask(text, host=host, recipient=recipient)
        assert (d.receiver, d.gateway) == (receiver, gateway)

    def test_a_family_shares_its_rules(self, ask: Any) -> None:
        d = ask("550 [BL01] go", host="mx.othermail.example")
        assert (d.receiver, d.rule) == ("othermail", "bigmail/own-list")


class TestReason:
    @pytest.mark.parametrize(
        ("text", "host", "rule", "reason", "confidence"),
        [
            ("550 5.2.2 [BL01] user unknown", None, "bigmail/own-list", "listed", "certain"),
            (
                "550 5.2.2 user unknown",
                None,
                "general-words/user-unknown",
                "user-unknown",
                "likely",
            ),
            ("550 5.2.2 hm", None, None, "mailbox-full", "guess"),
            ("452 4.2.2 hm", None, None, "mailbox-full", "guess"),
            ("552 5.7.99 hm", None, None, "policy", "guess"),
            ("552 5.9.9 hm", None, None, "message-too-big", "guess"),
            ("550 hm", None, None, "undecided", "guess"),
            # common words count only where the receiver is known
            ("450 not now", None, None, "undecided", "guess"),
            ("450 not now", "mx.bigmail.example", "bigmail/common", "rate-limit", "certain"),
            # another mailbox provider's words do not beat general ones at a known host
            ("550 smells of spam", None, "thirdmail/spam", "spam-content", "certain"),
            (
                "550 smells of spam",
                "mx.bigmail.example",
                "thirdmail/spam",
                "spam-content",
                "certain",
            ),
            # an error of the receiver's look-up corrects the listing
            (
                "554 blocked using dul.known.example; Error: open resolver",
                None,
                "any-list/resolver",
                "lookup-failed",
                "certain",
            ),
        ],
    )
    def test_text_beats_status_beats_code(
        self, ask: Any, text: str, host: str, rule: str, reason: str, confidence: str
    ) -> None:
        d = ask(text, host=host)
        assert (d.rule, d.reason, d.confidence) == (rule, reason, confidence)

    def test_a_rule_of_one_stage(self, ask: Any) -> None:
        at = "host mx.bigmail.example[192.0.2.9] said: 550 after all (in reply to {} command)"
        assert ask(at.format("end of DATA")).rule == "bigmail/late"
        assert ask(at.format("RCPT TO")).rule is None
        assert ask("550 after all").rule == "bigmail/late"

    def test_the_reporters_words_where_the_reply_says_nothing(self, ask: Any) -> None:
        d = ask("550 hm", notice="user unknown there")
        assert d.reason == "user-unknown"
        assert d.evidence == (), "spans point into reply.text only"

    def test_a_queue_that_gave_up(self, ask: Any) -> None:
        quoted = ask("450 not now", host="mx.bigmail.example", expired=True)
        assert (quoted.reason, quoted.sisimai.reason) == ("rate-limit", "speeding")
        bare = ask("", expired=True)
        assert (bare.reason, bare.sisimai.reason) == ("expired", "expired")

    def test_a_lookup_error_blocks_nobody(self, ask: Any) -> None:
        d = ask("554 [192.0.2.1] blocked using dul.known.example; Error: open resolver")
        assert (d.blocked, d.blocklist) == ((), None)
        assert d.who_acts == "receiver-admin"

    @pytest.mark.parametrize(
        ("text", "temporary"),
        [("450 hm", True), ("550 hm", False), ("5.1.1 hm", False), ("connection lost", None)],
    )
    def test_temporary_is_the_answers_word(
        self, ask: Any, text: str, temporary: bool | None
    ) -> None:
        assert ask(text).temporary is temporary

    @pytest.mark.parametrize(
        ("text", "stage", "word"),
        [
            ("550 user unknown", "RCPT TO", "userunknown"),
            ("550 5.1.1 user unknown", "END OF DATA", "userunknown"),
            ("550 user unknown", "END OF DATA", "filtered"),
            ("550 nobody of that name", "END OF DATA", "userunknown"),
        ],
    )
    def test_sisimai_wants_support_for_common_words(
        self, ask: Any, text: str, stage: str, word: str
    ) -> None:
        d = ask(text, stage=stage)
        assert (d.reason, d.sisimai.reason) == ("user-unknown", word)

    def test_sisimais_newer_names(self, ask: Any) -> None:
        d = ask("450 not now", host="mx.bigmail.example", sisimai="5.6")
        assert d.sisimai.reason == "ratelimited"


class TestEvidence:
    def test_every_span_is_what_it_says(self, ask: Any) -> None:
        d: Diagnosis = ask("550 [BL01] your server 192.0.2.1 is bad")
        words = {e.field: d.reply.text[e.start : e.end] for e in d.evidence}
        assert words["receiver_code"] == d.receiver_code == "BL01"
        assert words["blocked"] == d.blocked[0].value == "192.0.2.1"

    def test_spans_count_code_points(self, ask: Any) -> None:
        d: Diagnosis = ask("550 日本語の前置き [BL01] 192.0.2.1 拒否")
        words = {e.field: d.reply.text[e.start : e.end] for e in d.evidence}
        assert (words["receiver_code"], words["blocked"]) == ("BL01", "192.0.2.1")

    def test_words_of_any_script(self, ask: Any) -> None:
        assert ask("550 このアドレスは宛先不明です").rule == "general-words/japanese"

    def test_urls_as_printed(self, ask: Any) -> None:
        d = ask("550 no (see https://a.example/x?ip=192.0.2.1), or <http://b.example/#c>.")
        assert d.urls == ("https://a.example/x?ip=192.0.2.1", "http://b.example/#c")

    def test_a_code_the_receiver_prints_elsewhere(self, ask: Any) -> None:
        assert ask("550 no PTR, no mail (B123)").receiver_code == "B123"
        assert ask("550 user unknown (B123)").receiver_code is None


class TestBlocked:
    @pytest.mark.parametrize(
        "text",
        [
            "550 [BL01] Client host [192.0.2.1] is bad",
            "550 [BL01] messages from 192.0.2.1 weren't sent",
            "550 [BL01] see https://x.example/?ip=192.0.2.1",
            "550 [BL01] 192.0.2.1 is listed",
            "550 [BL01] your IP address 192.0.2.1",
            "550 [BL01] IP=192.0.2.1 - A problem occurred",
        ],
    )
    def test_how_addresses_are_shown(self, ask: Any, text: str) -> None:
        assert ask(text).blocked == (Identity("ip", "192.0.2.1", "ip"),)

    @pytest.mark.parametrize(
        "text",
        [
            "550 [BL01] version 1.2.3 at 10:20:30",
            "host mx.bigmail.example[192.0.2.9] said: 550 [BL01] we are [192.0.2.9]",
            "550 user unknown, client [192.0.2.1]",
            "550 [BL01] https://x.example/returnc/pub/192.0.2.53",
        ],
    )
    def test_an_address_in_the_text_is_not_always_blocked(self, ask: Any, text: str) -> None:
        assert ask(text).blocked == ()

    def test_the_refused_sender(self, ask: Any) -> None:
        d = ask("550 5.1.8 <a@b.example>: Sender address rejected: x")
        assert d.blocked == (Identity("address", "a@b.example"),)

    def test_what_is_ours_is_told(self, ask: Any) -> None:
        class Ours:
            def tells(self, identity: Identity) -> bool | None:
                return identity.value == "192.0.2.1"

            def is_smarthost(self, host: str | None, ip: str | None = None) -> bool:
                return ip == "192.0.2.25"

        d = ask("550 [BL01] client [192.0.2.1]", own=Ours())
        assert d.blocked[0].own is True
        d = ask("host relay.a.example[192.0.2.25] said: 550 [BL01] client [192.0.2.7]", own=Ours())
        assert (d.blocked[0].own, d.refused_by) == (False, "own-smarthost")

    def test_what_our_own_relay_refuses_is_our_move(self, ask: Any) -> None:
        class Ours:
            def tells(self, identity: Identity) -> bool | None:
                return None

            def is_smarthost(self, host: str | None, ip: str | None) -> bool:
                return host == "relay.a.example"

        words = "554 [192.0.2.1] blocked using dul.known.example; Error: open resolver"
        assert ask(words, host="mx.b.example", own=Ours()).who_acts == "receiver-admin"
        assert ask(words, host="relay.a.example", own=Ours()).who_acts == "sender-admin"


class TestListAndWayOut:
    def test_the_receivers_own_list(self, ask: Any) -> None:
        d: Diagnosis = ask("550 [BL01] go")
        assert d.blocklist is not None and d.removal is not None
        assert (d.blocklist.id, d.blocklist.zone, d.blocklist.class_) == ("bigmail", None, "abuse")
        assert (d.removal.channel, d.removal.url, d.removal.expires) == (
            "form",
            "https://bigmail.example/unblock",
            "7d",
        )
        assert d.remedy[0] == "special step"

    def test_steps_in_japanese(self, ask: Any) -> None:
        assert ask("550 [BL01] go", language="ja").remedy[0] == "特別"

    def test_a_list_that_the_knowledge_has(self, ask: Any) -> None:
        d: Diagnosis = ask("554 [192.0.2.1] blocked using secretkey.dul.known.example; x")
        assert d.blocklist is not None and d.removal is not None
        assert (d.blocklist.id, d.blocklist.class_) == ("known-dul", "policy")
        assert d.blocklist.zone == "dul.known.example", "a private key is never shown"
        assert d.removal.url == "https://known.example/remove"

    def test_a_list_that_nobody_knows(self, ask: Any) -> None:
        d: Diagnosis = ask(
            "554 [192.0.2.1] blocked using bl.corp.example; see http://corp.example/"
        )
        assert d.blocklist is not None and d.removal is not None
        assert (d.blocklist.id, d.blocklist.zone) == ("bl.corp.example", "bl.corp.example")
        assert (d.removal.channel, d.removal.url) == ("portal", "http://corp.example/")

    def test_a_list_of_dynamic_addresses_leads_to_the_smarthost(self, ask: Any) -> None:
        d = ask("554 [192.0.2.1] blocked using dul.known.example")
        assert "smarthost" in d.remedy[0]

    def test_no_step_speaks_of_a_page_that_is_not_named(self, ask: Any) -> None:
        with_page = ask("550 5.7.99 hm https://x.example/why")
        without = ask("550 5.7.99 hm")
        assert with_page.reason == without.reason == "policy"
        assert len(with_page.remedy) == len(without.remedy) + 1

    def test_no_way_out_is_said(self, ask: Any) -> None:
        d: Diagnosis = ask("554 [192.0.2.1] blocked using bl.corp.example")
        assert d.removal is not None
        assert d.removal.channel == "none"


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("complaint", "complaint"),
        ("auto-reply", "auto-reply"),
        ("delivered", "delivered"),
        ("report", None),
        ("not-a-bounce", None),
    ],
)
def test_what_is_no_refusal(ask: Any, kind: str, reason: str | None) -> None:
    d = ask("550 user unknown", kind=kind)
    assert (d.kind, d.reason, d.rule, d.temporary) == (kind, reason, None, None)


def test_both_engines_agree(small: Compiled, tmp_path: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("TODOKU_CACHE", str(tmp_path))
    monkeypatch.delenv("TODOKU_PURE", raising=False)
    fast = match.build(small)
    if fast is None:
        pytest.skip("hyperscan has no wheel for this machine")
    kept = match.load(small)
    assert kept is not None, "what was built is found again"
    slow = match.pure(small)
    exact = match.Expressions(small.patterns)
    for text in (b"550 [BL01] go", b"x blocked using a.b; open resolver", "550 宛先不明".encode()):
        sure = [i for i in range(len(small.patterns)) if exact[i].search(text)]
        for scan in (fast, kept, slow):
            assert set(sure) <= set(scan(text)), "no engine may miss what `re` finds"
    assert small.format == compiling.FORMAT
