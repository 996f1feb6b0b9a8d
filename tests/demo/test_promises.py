"""An end that is good by chance is none: what each scenario is about is looked for in its events."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from todoku.cases import events as ev
from todoku.demo.promises import kept
from todoku.lab.scenario import scenario
from todoku.model import Identity, ListingState

AT = datetime(2026, 11, 24, tzinfo=UTC)
ONE, TWO, THREE = "127.0.1.10", "127.0.1.11", "127.0.1.12"
IP, OTHER = Identity("ip", ONE), Identity("ip", TWO)


def asked(
    *identities: Identity, desk: str | None = "a/b", by: str | None = "admin"
) -> ev.Requested:
    return ev.Requested(at=AT, identities=identities or (IP,), desk=desk, by=by)


def probed(identity: Identity = IP) -> ev.Probed:
    return ev.Probed(at=AT, identity=identity, result="accepted")


def tried(result: ev.Result) -> ev.Tried:
    return ev.Tried(at=AT, identity=IP, result=result, first=AT, last=AT)


def sent(delivered: bool = True) -> ev.Sent:
    return ev.Sent(at=AT, message_id="<1@a>", delivered=delivered)


def checked(state: ListingState) -> ev.Checked:
    return ev.Checked(at=AT, findings=(ev.Seen(list="bl", identity=IP, state=state),))


REFUSED = ev.Refused(at=AT, first=AT, last=AT)
END = ev.Closed(at=AT, why="resolved")
TOLD = ev.Told(at=AT, who="person:1", about="resolved")
AGAIN = ev.Escalated(at=AT)
NOTED = ev.Noted(at=AT, text="cooling")
LISTED, GONE = checked("listed"), checked("not-listed")


@pytest.mark.parametrize(
    ("name", "events", "good"),
    [
        ("straight", [], True),
        ("three-addresses", [asked(), probed()], True),
        ("three-addresses", [asked(IP, OTHER), probed()], False),
        ("three-addresses", [asked(), probed(), probed(OTHER)], False),
        ("junked", [tried("junked"), tried("accepted")], True),
        ("junked", [tried("accepted")], False),
        ("junked", [tried("accepted"), tried("junked")], False),
        ("relisted", [REFUSED, TOLD, END, REFUSED, TOLD, END], True),
        ("relisted", [REFUSED, TOLD, END], False),
        ("relisted", [REFUSED, TOLD, END, TOLD, END], False),
        ("wrong-desk", [asked(), asked(desk="c/d")], True),
        ("wrong-desk", [asked(), asked()], False),
        ("by-mail", [asked(), sent()], True),
        ("by-mail", [asked()], False),
        ("by-mail", [asked(), sent(delivered=False)], False),
        ("by-itself", [asked(by=None), sent(), AGAIN, sent()], True),
        ("by-itself", [asked(), sent(), AGAIN, sent()], False),
        ("by-itself", [asked(by=None), sent()], False),
        ("list-form", [LISTED, asked(), GONE], True),
        ("list-form", [LISTED, GONE], False),
        ("list-form", [LISTED, asked(), LISTED], False),
        ("list-expiry", [LISTED, GONE], True),
        ("list-expiry", [LISTED, asked(), GONE], False),
        ("list-cooling", [LISTED, NOTED, asked(), GONE], True),
        ("list-cooling", [LISTED, asked(), GONE], False),
    ],
)
def test_what_a_scenario_is_about(name: str, events: list[ev.AnyEvent], good: bool) -> None:
    assert kept(scenario(name), [events], (ONE, TWO, THREE)) is good
