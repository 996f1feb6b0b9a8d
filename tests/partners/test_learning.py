"""What deliveries teach about partners, and what they do not."""

from __future__ import annotations

import pytest

from tests.partners.worlds import BARRACUDA, DAY, NOW, OURS, OWN, learned, line, listed, sent
from todoku.partners.learning import Window
from todoku.partners.sentence import MOST, proving
from todoku.partners.values import Use, UseKey, merge, week_of
from todoku.settings.own import Own

T = NOW - 10 * DAY
ZEN = "spamhaus-zen"


def use(domain: str, at: float = T, list_: str = ZEN) -> UseKey:
    return UseKey(domain, list_, week_of(at))


def test_a_reply_that_names_a_list_proves_its_use() -> None:
    e = learned([sent(T, "p.example"), listed(T + 60, "p.example")])
    proof = e.proofs["p.example", ZEN]
    assert proof.words == (
        "554 5.7.1 <address>: Service unavailable; Client host "
        "[198.51.100.7] blocked using zen.spamhaus.org; https://www.example.net/query?…"
    )
    assert (proof.stage, proof.code, proof.first) == ("RCPT TO", "554 5.7.1", T + 60)
    assert e.uses[use("p.example")].named == 1
    (key,) = e.mail
    assert key.domain == "p.example" and key.gate == "mx.p.example." and key.source == OURS
    assert e.mail[key] == (2, 1)


def test_silence_proves_nothing() -> None:
    e = learned([
        sent(T, "p.example"),
        line(T + 1, "p.example", "bounced (host mx.p.example[203.0.113.9] said: 550 5.7.1 Rejected (in reply to RCPT TO command))"),
        line(T + 2, "p.example", "bounced (host mx.p.example[203.0.113.9] said: 550 5.1.1 User unknown (in reply to RCPT TO command))"),
    ])  # fmt: skip
    assert e.uses == {} and e.proofs == {}


def test_between_two_refusals_the_address_was_listed_for_others_too() -> None:
    e = learned([
        sent(T - 60, "early.example"),
        listed(T, "p.example"),
        sent(T + 60, "takes.example"), sent(T + 90, "takes.example"),
        sent(T + 95, "six.example", ip="2001:db8::9"),  # left from another address
        listed(T + 3_600, "q.example"),
        sent(T + 3_700, "late.example"),
    ])  # fmt: skip
    assert e.uses == {
        use("p.example"): Use(1, 1, 0),
        use("q.example"): Use(1, 1, 0),
        use("takes.example"): Use(0, 0, 2),
    }


def test_a_day_without_a_refusal_ends_it() -> None:
    e = learned([listed(T, "p.example"), sent(T + 60, "q.example"), listed(T + DAY + 1, "p.example")])  # fmt: skip
    assert (
        e.uses[use("p.example")].named + e.uses.get(use("p.example", T + DAY + 1), Use()).named >= 1
    )
    assert not any(u.accepted or u.within for u in e.uses.values())


def test_what_check_saw_counts() -> None:
    window = Window(OURS, "barracuda", T, T + DAY)
    e = learned(
        [sent(T - 1, "p.example"), sent(T + 1, "p.example"), listed(T + 2, "q.example", BARRACUDA)],
        windows=[window],
    )
    assert e.uses[use("p.example", list_="barracuda")] == Use(accepted=1)
    assert e.uses[use("q.example", list_="barracuda")] == Use(1, 1, 0)


@pytest.mark.parametrize(
    "own", [None, Own(), Own(addresses=(OURS, "198.51.100.8")), Own(ranges=("198.51.100.0/24",))]
)
def test_whose_address_it_was_must_be_known(own: Own | None) -> None:
    """Who has two addresses was accepted, perhaps, from the other: no evidence against; and then
    no evidence for the share of a gateway either."""
    lines = [listed(T, "p.example"), sent(T + 60, "q.example"), listed(T + 90, "p.example")]
    e = learned(lines, own)
    assert e.proofs
    assert not any(u.accepted or u.within for u in e.uses.values())


def test_transports_tell_the_address() -> None:
    own = Own(transports={"smtp": (OURS, "2001:db8::7"), "bulk/smtp": ("198.51.100.8",)})
    bulk = sent(T + 60, "q.example").replace("postfix/smtp", "postfix/bulk/smtp")
    e = learned([listed(T, "p.example"), bulk, sent(T + 70, "r.example"), listed(T + 90, "p.example")], own)  # fmt: skip
    assert e.uses[use("r.example")] == Use(accepted=1)
    assert use("q.example") not in e.uses
    assert {k.source for k in e.mail} == {OURS, "198.51.100.8"}


def test_our_smarthost_is_no_partner() -> None:
    from tests.partners.worlds import deliveries
    from todoku.knowledge import load
    from todoku.partners.gates import Gates
    from todoku.partners.learning import Learner

    gates = Gates(load.knowledge(), lambda host: host == "relay.isp.example")
    learner = Learner(gates, OWN)
    lines = [listed(T, "p.example"), sent(T + 60, "q.example", host="relay.isp.example"), listed(T + 90, "p.example")]  # fmt: skip
    for d in deliveries(lines):
        learner.add(d)
    e = learner.take()
    assert use("q.example") not in e.uses
    assert {k.gate for k in e.mail if k.domain == "q.example"} == {""}


def test_what_is_no_partner() -> None:
    e = learned([
        sent(T, "ours.example"),
        sent(T, "p.example", ip="127.0.0.1", host="localhost"),
        sent(T, "p"), sent(T, "192.0.2.9"), sent(T, "-.-"), sent(T, "a" * 300 + ".example"),
        line(T, "p.example", "deferred (connect to mx.p.example[203.0.113.9]:25: Connection timed out)").replace("relay=mx.p.example[203.0.113.9]:25", "relay=none"),
    ])  # fmt: skip
    assert {k.domain for k in e.mail} <= {"-.-"}
    assert not e.proofs


def test_gates_are_products_where_they_are_known() -> None:
    e = learned([
        sent(T, "m.example", host="eu-smtp-inbound-1.mimecast.com"),
        sent(T, "o.example", host="o-example.mail.protection.outlook.com"),
        sent(T, "own.example", host="mx3.own.example"),
        sent(T, "bare.example", host="203.0.113.9"),
    ])  # fmt: skip
    assert {k.domain: k.gate for k in e.mail} == {
        "m.example": "mimecast", "o.example": "microsoft-365", "own.example": "own.example.",
        "bare.example": "",
    }  # fmt: skip


def test_learning_in_pieces_never_claims_more() -> None:
    lines = [listed(T, "p.example"), sent(T + 60, "q.example"), listed(T + 90, "r.example"), sent(T + 95, "q.example")]  # fmt: skip
    whole = learned(lines)
    for at in range(len(lines)):
        parts = merge(learned(lines[:at]), learned(lines[at:]))
        assert parts.mail == whole.mail and parts.proofs == whole.proofs
        for key, u in parts.uses.items():
            assert all(x <= y for x, y in zip(u, whole.uses[key], strict=True))


@pytest.mark.parametrize("who", ["taro.yamada", "Taro.Yamada", '"taro yamada"', "t"])
def test_nobodys_name_is_kept(who: str) -> None:
    e = learned([listed(T, "p.example", who=who)])
    for proof in e.proofs.values():
        assert "yamada" not in proof.words.lower()
        assert "taro" not in proof.words.lower()


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("blocked using zen for taro@p.example", "blocked using zen for <address>"),
        ("<taro@p.example>: blocked", "<address>: blocked"),
        ('"taro yamada"@p.example blocked', "<address> blocked"),
        ("see https://x.example/q?a=taro&ip=1.2.3.4 now", "see https://x.example/q?… now"),
        ("see http://x.example/codes.php#BL000010", "see http://x.example/codes.php#BL000010"),
        ("bounce-taro=p.example listed", "<address>=p.example listed"),
        ("prvs=123=taro@p.example listed", "prvs=123=<address> listed"),
    ],
)
def test_sentences(said: str, kept: str) -> None:
    assert proving(said, "p.example") == kept


def test_the_local_part_alone() -> None:
    assert (
        proving("mailbox taro: listed", "p.example", local_part="taro")
        == "mailbox <address>: listed"
    )


def test_of_a_long_sentence_the_list_is_kept() -> None:
    words = proving(
        "x " * 900 + "blocked using zen.spamhaus.org today", "p.example", named="zen.spamhaus.org"
    )
    assert "zen.spamhaus.org" in words and len(words) <= MOST
