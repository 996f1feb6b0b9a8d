"""Drafts of requests: every desk of the knowledge gets a right one, and what would make it fail is
told first."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from msgspec.structs import replace

from todoku.cases import NotNow, NotThis
from todoku.cases import events as ev
from todoku.cases.case import Case
from todoku.cases.fold import fold
from todoku.cases.requesting import Draft, Facts, Reverse, choose, compose, draft, keeps
from todoku.cases.requesting.composing import NOT_MAIL
from todoku.cases.requesting.letters import ASKS, WORDS
from todoku.cases.requesting.values import KINDS
from todoku.cli.render.case_request import OBSTACLES
from todoku.cli.render.case_request import draft as screen
from todoku.knowledge import load
from todoku.knowledge.fields import LABELS
from todoku.knowledge.schema import DeskLanguage
from todoku.model import Identity, Reply
from todoku.settings import Contact
from todoku.settings.own import Own

from .world import IP, OTHER_IP, SC001, START, ZEN, refused

K = load.knowledge(None)
NOW = (START + timedelta(hours=3)).astimezone(timezone(timedelta(hours=9)))
DESK = "microsoft-consumer/support"
ME = Contact(
    name="Sato Hanako",
    email="postmaster@hoge.test",
    phone="+81 3 0000 0000",
    company="Hoge K.K.",
    business="machine parts",
    sends="person to person",
    imprint="https://www.hoge.test/company",
)
FACTS = Facts(
    own=Own(addresses=("192.0.2.1",), domains=("hoge.test",)),
    contact=ME,
    reverse={"192.0.2.1": Reverse(names=("mail.hoge.test",), confirmed=True)},
)
LANGUAGES: tuple[DeskLanguage, ...] = ("de", "en", "fr", "ja")


def a_case(*more: ev.AnyEvent, desk: str | None = DESK, **fields: Any) -> Case:
    told = ev.Diagnosed(
        at=START, receiver="microsoft-consumer", receiver_code="SC-001", desk=desk, identities=(IP,)
    )
    event = refused(START, to=("hotmail.com",), **fields)
    return fold([event, told, *more], Case(number=12))


def mended() -> tuple[ev.AnyEvent, ...]:
    found = ev.CauseFound(at=START, cause="an open relay")
    return (found, ev.Mended(at=START, what="closed it"))


def drafted(case: Case, named: str | None = None, lang: Any = "en", **facts: Any) -> Draft:
    known = replace(FACTS, **facts)
    return draft(case, choose(case, K, named), K, known, NOW, lang)


def kinds(made: Draft, *, stops: bool | None = None) -> set[str]:
    return {o.kind for o in made.obstacles if stops is None or o.stops is stops}


@pytest.mark.parametrize("name", sorted(K.desks))
def test_every_desk_of_the_knowledge_gets_a_draft(name: str) -> None:
    desk = K.desks[name]
    for lang in ("ja", "en"):
        made = drafted(a_case(*mended(), desk=name), lang=lang)
        assert (made.desk, made.channel, made.address) == (name, desk.channel, desk.address)
        assert made.language == (lang if lang in desk.languages else desk.languages[0])
        assert (made.translation is None) is (made.language == lang)
        assert made.purpose == "request" and made.identities == (IP,)
        # Nothing of a template is left, and what a desk must know is in the letter.
        for text in (made.subject, made.letter, made.translation or ""):
            assert not re.search(r"[{}]|None", text)
        for words in ("192.0.2.1", "SC-001", "an open relay", "closed it", ME.name, ME.email):
            assert str(words) in made.letter
        assert [f.field for f in made.fields if f.value is None] == [
            f for f in desk.fields if f in {"authenticator", "recipient", "reference", "shared"}
        ]
        if desk.channel == "mail":  # all that it asks for stands in the mail
            for each in made.fields:
                if each.field in {"host-name", "imprint", "domain"}:
                    assert each.value is not None and each.value in made.letter
        # What this desk requires is met here, but what only a person or the desk can bring about.
        assert kinds(made, stops=True) <= {"ends-by-itself", "holder-only", "no-desk"}
        assert ("ends-by-itself" in kinds(made)) is (desk.channel == "automatic")
        assert ("no-desk" in kinds(made)) is (desk.channel == "none")
        assert ("holder-only" in kinds(made)) is ("owner" in desk.requires)


def test_words_are_there_in_every_language() -> None:
    for table in (*WORDS.values(), *ASKS.values(), *LABELS.values()):
        assert set(table) == set(LANGUAGES)
    for key, letter in WORDS.items():
        holes = {frozenset(re.findall(r"{(\w+)}", text)) for text in letter.values()}
        assert len(holes) == 1, key
    assert set(OBSTACLES) == set(KINDS)


class TestObstacles:
    def test_asking_without_mending(self) -> None:
        assert "no-cause" in kinds(drafted(a_case()), stops=True)
        found = ev.CauseFound(at=START, cause="an open relay")
        assert "not-mended" in kinds(drafted(a_case(found)), stops=True)
        assert not {"no-cause", "not-mended"} & kinds(drafted(a_case(*mended())))

    def test_one_may_have_looked_in_vain(self) -> None:
        looked = ev.CauseFound(at=START, looked=("mail log", "queue"))
        made = drafted(a_case(looked))
        assert not {"no-cause", "not-mended"} & kinds(made)
        assert "mail log, queue" in made.letter

    def test_reverse_dns_has_three_values(self) -> None:
        def those(reverse: Reverse) -> set[str]:
            return kinds(drafted(a_case(*mended()), reverse={"192.0.2.1": reverse}))

        assert "reverse-missing" in those(Reverse(names=()))
        assert "reverse-unconfirmed" in those(Reverse(names=("a.test",), confirmed=False))
        for unknown in (Reverse(), Reverse(names=("a.test",), confirmed=None)):
            assert not {"reverse-missing", "reverse-unconfirmed"} & those(unknown)
        assert "reverse-unknown" in those(Reverse())

    def test_a_lookup_that_failed_is_no_listing(self) -> None:
        told = ev.Diagnosed(at=START, reason="lookup-failed", desk="spamhaus/check")
        assert "no-listing" in kinds(drafted(fold([refused(START), told])), stops=True)

    def test_an_address_that_is_not_ours(self) -> None:
        case = fold([refused(START, OTHER_IP)])
        assert "not-ours" in kinds(drafted(case, DESK), stops=True)

    def test_an_end_by_itself_is_told_with_its_moment(self) -> None:
        made = drafted(a_case(*mended(), desk="spamcop/expiry"))
        [end] = [o for o in made.obstacles if o.kind == "ends-by-itself"]
        assert end.stops and end.until == START + timedelta(hours=24)
        later = drafted(a_case(*mended(), desk="blocklistde/removal"))
        [also] = [o for o in later.obstacles if o.kind == "ends-later"]
        assert not also.stops and also.until == START + timedelta(hours=48)

    def test_the_holder_of_a_range_may_ask(self) -> None:
        case = a_case(*mended(), desk="spamhaus/sbl")
        assert "holder-only" in kinds(drafted(case))
        holder = Own(ranges=("192.0.2.0/24",), domains=("hoge.test",))
        assert "holder-only" not in kinds(drafted(case, own=holder))

    def test_who_asks(self) -> None:
        assert "no-contact" in kinds(drafted(a_case(), contact=Contact()), stops=True)
        elsewhere = replace(ME, email="hanako@elsewhere.test")
        assert "contact-elsewhere" in kinds(drafted(a_case(), contact=elsewhere), stops=False)
        no_page = replace(ME, imprint=None)
        case = a_case(*mended(), desk="t-online/bl")
        assert "no-imprint" in kinds(drafted(case, contact=no_page), stops=True)

    def test_the_wrong_desk(self) -> None:
        made = drafted(a_case(*mended()), "microsoft-365/delist")
        [other] = [o for o in made.obstacles if o.kind == "other-desk"]
        assert other.about == (DESK,) and made.desk == "microsoft-365/delist"
        with pytest.raises(KeyError):
            choose(a_case(), K, "no-such/desk")

    def test_other_lists_come_first(self) -> None:
        seen = ev.Seen(list="spamhaus-zen", identity=IP, state="listed")
        case = a_case(*mended(), ev.Checked(at=START, findings=(seen,)))
        [found] = [o for o in drafted(case).obstacles if o.kind == "listed-elsewhere"]
        assert found.about == ("spamhaus-zen",)

    def test_an_old_refusal_weighs_little(self) -> None:
        old = START - timedelta(days=5)
        assert "old-refusal" in kinds(drafted(a_case(first=old, last=old)))

    def test_words_that_the_desk_cannot_read(self) -> None:
        found = ev.CauseFound(at=START, cause="オープンリレー")
        assert "own-words" in kinds(drafted(a_case(found)))
        assert "own-words" not in kinds(drafted(a_case(found, desk="yahoo-co-jp/help")))


class TestPurpose:
    def test_a_desk_that_said_no_is_answered_under_its_ticket(self) -> None:
        asked = ev.Requested(at=START, desk=DESK, ticket="7096915173")
        no = ev.Answered(at=START, class_="not-qualified", authentic=True)
        made = drafted(a_case(*mended(), asked, no))
        assert made.purpose == "escalate" and made.ticket == "7096915173"
        assert made.subject.startswith("Re: 7096915173") and "SC-001" in made.letter
        [early] = [o for o in made.obstacles if o.kind == "too-early"]
        assert early.until == START + timedelta(hours=4) and early.stops

    def test_what_it_asks_is_answered(self) -> None:
        asked = ev.Requested(at=START, desk=DESK, ticket="7096915173")
        wants = ev.Answered(
            at=START, class_="needs-information", asks=("refusal-line", "logs"), authentic=True
        )
        made = drafted(a_case(*mended(), asked, wants), lang="ja")
        assert made.purpose == "inform" and "the refusal, log lines" in made.letter
        assert made.translation is not None and "拒否の応答、ログ" not in made.letter

    def test_a_silent_desk_is_asked_after_a_week(self) -> None:
        asked = ev.Requested(at=START, desk=DESK)
        made = drafted(a_case(*mended(), asked))
        assert made.purpose == "chase" and "too-early" in kinds(made, stops=True)
        late = draft(
            a_case(*mended(), asked), choose(a_case(), K), K, FACTS, NOW + timedelta(days=8), "en"
        )
        assert "too-early" not in kinds(late)

    def test_nothing_is_asked_of_who_promised(self) -> None:
        asked = ev.Requested(at=START, desk=DESK)
        yes = ev.Answered(
            at=START, class_="mitigated", authentic=True, until=START + timedelta(days=2)
        )
        with pytest.raises(NotNow, match="settles until"):
            drafted(a_case(asked, yes))
        closed = ev.Closed(at=START, why="gave-up")
        with pytest.raises(NotNow, match="is closed"):
            drafted(a_case(closed))

    def test_other_identities(self) -> None:
        with pytest.raises(NotThis, match="is not what case 12 is about"):
            draft(a_case(), choose(a_case(), K), K, FACTS, NOW, "en", identities=(OTHER_IP,))
        nameless = fold([ev.Reported(at=START, to=("hotmail.com",))], Case(number=12))
        with pytest.raises(NotThis, match="not known"):
            drafted(nameless, DESK)


class TestWords:
    def test_a_list_is_asked_about_an_entry(self) -> None:
        case = fold([refused(START, place=ZEN), *mended()], Case(number=3))
        made = drafted(case)
        assert made.desk == "spamhaus/check"
        assert "is listed by Spamhaus ZEN" in made.letter and "remove the entry" in made.letter

    def test_what_strangers_wrote_stays_on_its_line(self) -> None:
        reply = replace(SC001, text="550 no\r\nBcc: all@hoge.test\x1b[31m\u202e 192.0.2.1")
        made = drafted(a_case(reply=reply))
        assert "\nBcc" not in made.letter and "\x1b" not in made.letter
        assert "\u202e" not in made.letter

    def test_braces_in_a_refusal_are_words(self) -> None:
        made = drafted(a_case(reply=replace(SC001, text="550 {name} {0} %s")))
        assert "550 {name} {0} %s" in made.letter

    def test_a_receiver_without_a_desk(self) -> None:
        case = fold([refused(START, place=ev.Place(id="domain:partner.test"))], Case(number=1))
        made = drafted(case)
        assert made.desk is None and made.channel == "none"
        assert made.desk_name == "partner.test" and "no-desk" in kinds(made, stops=True)

    def test_the_readers_zone(self) -> None:
        assert "2026-11-24 09:12 +0900" in drafted(a_case()).letter
        utc = draft(
            a_case(), choose(a_case(), K), K, FACTS, datetime(2026, 11, 25, tzinfo=UTC), "en"
        )
        assert "2026-11-24 00:12 +0000" in utc.letter

    def test_a_name_is_told_with_its_address(self) -> None:
        assert "our server 192.0.2.1 (mail.hoge.test) to hotmail.com" in drafted(a_case()).letter

    def test_of_several_identities_the_declined_come_first(self) -> None:
        both = fold([refused(START, IP, OTHER_IP)], Case(number=12))
        asked = ev.Requested(at=START, desk=DESK)
        verdict = ev.Verdict(identity=OTHER_IP, class_="not-qualified")
        no = ev.Answered(
            at=START, class_="not-qualified", verdicts=(verdict,), authentic=True, ticket="1"
        )
        made = drafted(fold([asked, no], both), DESK)
        assert made.identities == (OTHER_IP,) and isinstance(made.identities[0], Identity)


def test_another_desk_than_the_one_that_was_asked_gets_a_first_request() -> None:
    asked = ev.Requested(at=START, by="admin", desk="microsoft-365/delist-mail")
    no = ev.Answered(at=START, class_="refused", authentic=True, ticket="MS-1")
    case = a_case(*mended(), asked, no)
    wrong = drafted(case)
    assert wrong.purpose == "escalate"
    (other,) = [o for o in wrong.obstacles if o.kind == "other-desk"]
    assert other.about == (DESK,), "the refusal leads elsewhere than was asked"
    right = drafted(case, DESK)
    assert (right.purpose, right.desk) == ("request", DESK)
    assert not {"other-desk", "too-early"} & kinds(right) and "MS-1" not in right.subject


@pytest.mark.parametrize(
    ("lang", "told"),
    [
        ("en", ("No desk is known.", "What others did: told the recipient by another way",
                "postmaster@partner.example")),
        ("ja", ("依頼先は知られていません。", "ほかの人がしたこと", "postmaster@partner.example")),
    ],
)  # fmt: skip
def test_a_receiver_without_a_desk_is_said_with_what_others_did(
    lang: Any, told: tuple[str, ...]
) -> None:
    reply = Reply(550, "5.7.1", "rejected: rule 4711 at mx.partner.example")
    place = ev.Place(id="domain:partner.example")
    case = fold([refused(START, place=place, reply=reply, to=("partner.example",))])
    made = drafted(case, lang=lang)
    assert (made.channel, made.desk) == ("none", None) and "no-desk" in kinds(made, stops=True)
    shown = "\n".join(screen(made, lang, str))
    for words in told:
        assert words in shown
    assert keeps(made, by_itself=False) == (NOT_MAIL,), "nothing can be sent"


class TestLetters:
    """What keeps a letter from being sent."""

    def made(
        self, *more: ev.AnyEvent, name: str = "microsoft-365/delist-mail", **facts: Any
    ) -> Draft:
        return drafted(a_case(*mended(), *more, desk=name), **facts)

    def test_what_a_person_may_judge_keeps_todoku_alone(self) -> None:
        made = self.made()
        assert keeps(made, by_itself=False) == ()
        assert keeps(made, by_itself=True) == ("own-mailbox",)
        assert keeps(self.made(elsewhere=True), by_itself=True) == ()

    def test_a_reply_never_leaves_by_the_blocked_address(self) -> None:
        asked = ev.Requested(at=START - timedelta(days=9), desk="microsoft-365/delist-mail")
        no = ev.Answered(at=START - timedelta(days=8), class_="refused", authentic=True)
        for by_itself in (True, False):
            assert keeps(self.made(asked, no), by_itself=by_itself) == ("own-mailbox",)
            assert keeps(self.made(asked, no, elsewhere=True), by_itself=by_itself) == ()

    def test_gaps_and_what_stops_keep_it(self) -> None:
        made = self.made(name="t-online/content", elsewhere=True)
        (gaps,) = [o for o in made.obstacles if o.kind == "gaps"]
        assert gaps.about and not gaps.stops and keeps(made, by_itself=False) == ("gaps",)
        unmended = drafted(a_case(desk="microsoft-365/delist-mail"), elsewhere=True)
        assert keeps(unmended, by_itself=False) == ("no-cause",)
        assert keeps(self.made(name=DESK), by_itself=False) == (NOT_MAIL,)

    def test_a_first_request_begins_a_thread_and_a_reply_goes_on_with_it(self) -> None:
        first = compose(self.made(elsewhere=True), ME, ("<old@a>",))
        assert (first.to, first.sender, first.thread) == (
            "delist@messaging.microsoft.com", ME.email, (),
        )  # fmt: skip
        asked = ev.Requested(
            at=START - timedelta(days=9), desk="microsoft-365/delist-mail", message_id="<1@a>"
        )
        no = ev.Answered(
            at=START - timedelta(days=8), class_="refused", authentic=True, message_id="<2@b>"
        )
        case = a_case(*mended(), asked, no, desk="microsoft-365/delist-mail")
        again = compose(drafted(case, elsewhere=True), ME, case.thread)
        assert again.thread == ("<1@a>", "<2@b>")

    def test_a_promise_that_was_not_kept_is_named(self) -> None:
        asked = ev.Requested(at=START - timedelta(days=9))
        yes = ev.Answered(
            at=START - timedelta(days=8), class_="mitigated", authentic=True, until=START
        )
        waited = ev.Waited(at=START, until=START)
        today = Reply(550, "5.7.1", "still S3150, today")
        no = ev.Probed(at=START + timedelta(hours=1), identity=IP, result="refused", reply=today)
        made = drafted(a_case(*mended(), asked, yes, waited, no))
        assert made.purpose == "escalate" and "still S3150, today" in made.letter
        assert "You wrote on 2026-11-16" in made.letter and "was lifted" in made.letter
