"""Any event at all, in any order: for what must hold whatever comes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

from hypothesis import strategies as st

from todoku.cases import events as ev
from todoku.cases.records import KINDS
from todoku.model import Identity, Reply

IDENTITIES = (
    Identity("ip", "192.0.2.1"),
    Identity("ip", "192.0.2.2"),
    Identity("ip", "2001:db8:1:2::25"),
    Identity("ip", "2001:DB8:1:2::26"),
    Identity("range", "192.0.2.0/24"),
    Identity("domain", "hoge.example"),
    Identity("ip", "not an address"),
)
PLACES = (
    ev.Place(id="microsoft-consumer"),
    ev.Place(id="spamhaus-zen", zone="zen.spamhaus.org"),
    ev.Place(id="domain:partner.example"),
)
START = datetime(2026, 11, 24, tzinfo=UTC)

moments = st.one_of(
    st.integers(-(10**6), 10**7).map(lambda seconds: START + timedelta(seconds=seconds)),
    st.sampled_from([START, START + timedelta(days=2)]),
    # Clocks that are wrong by ages, and days that desks name.
    st.datetimes(timezones=st.sampled_from([UTC])),
    st.sampled_from([datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)]),
)
identities = st.sampled_from(IDENTITIES)
some = st.lists(identities, max_size=3).map(tuple)
classes = st.sampled_from(get_args(ev.AnswerClass))
results = st.sampled_from(get_args(ev.Result))
people = st.sampled_from(["sato", "suzuki", "admin"])
texts = st.sampled_from(["", "550 SC-001", "緩和済み", "\ud800\x00"])
replies = st.builds(Reply, st.sampled_from([None, 421, 550]), st.none(), texts)
seqs = st.integers(-1, 30)
tickets = st.sampled_from([None, "SRX1234567890ID", "7096915173"])
keys = st.sampled_from(["ip:192.0.2.1", "ip:2001:db8:1:2::/64", "ip:203.0.113.9"])

message_ids = st.sampled_from(["<a@hoge.test>", "<b@hoge.test>"])

FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "at": moments,
    "first": moments,
    "last": moments,
    "until": st.one_of(st.none(), moments),
    "identity": identities,
    "identities": some,
    "place": st.one_of(st.none(), st.sampled_from(PLACES)),
    "reply": replies,
    "class_": classes,
    "result": results,
    "ticket": tickets,
    "message_id": st.sampled_from([None, "<a@hoge.test>", "<b@hoge.test>"]),
    "authentic": st.booleans(),
    "temporary": st.booleans(),
    "count": st.integers(1, 5),
    "verdicts": st.lists(
        st.builds(ev.Verdict, identity=identities, class_=classes), max_size=3
    ).map(tuple),
    "asks": st.lists(st.sampled_from(get_args(ev.Asked)), max_size=2).map(tuple),
    "findings": st.lists(
        st.builds(
            ev.Seen,
            list=st.sampled_from(["spamhaus-zen", "spamcop"]),
            identity=identities,
            state=st.sampled_from(["listed", "not-listed", "unknown"]),
        ),
        max_size=3,
    ).map(tuple),
    "proves": st.lists(keys, max_size=1).map(tuple),
    "answer": seqs,
    "answers": st.lists(seqs, max_size=2).map(tuple),
    "why": st.sampled_from(ev.WHYS),
    "what": st.sampled_from(["held", "detoured"]),
    "about": st.sampled_from(get_args(ev.About)),
    "how": st.sampled_from(["trial", "mail"]),
    "to": st.lists(st.sampled_from(["hotmail.com", "partner.example"]), max_size=2).map(tuple),
    "words": texts,
    "min_hours": st.sampled_from([None, 24.0, -1.0, 1e300]),
    "max_hours": st.sampled_from([None, 48.0, float("inf")]),
    "desk": st.sampled_from([None, "microsoft-consumer"]),
    "delivered": st.booleans(),
    "letter": st.one_of(
        st.none(), st.builds(ev.Letter, to=texts, subject=texts, sender=texts, name=texts)
    ),
    "obstacles": st.lists(st.sampled_from(["gaps", "no-cause"]), max_size=2).map(tuple),
}
OWN: dict[type[ev.Event], dict[str, st.SearchStrategy[Any]]] = {
    ev.Reported: {"who": st.one_of(st.none(), people)},
    ev.Told: {"who": people, "task": st.sampled_from([None, "request/1/0/0"])},
    ev.Detoured: {"via": texts},
    ev.Noted: {"text": texts},
    ev.Waited: {"until": moments},
    ev.Held: {"how": texts},
    ev.Mended: {"what": texts},
    ev.Sent: {"message_id": message_ids, "why": texts},
    ev.Reopened: {"why": texts},
    ev.Trying: {"to": texts, "sender": texts, "message_id": message_ids},
    ev.Tried: {
        "why": st.sampled_from([None, *get_args(ev.Untold)]),
        "folder": st.sampled_from([None, "INBOX", "Junk"]),
    },
}


def _strategy(kind: type[ev.AnyEvent]) -> st.SearchStrategy[ev.AnyEvent]:
    own = OWN.get(kind, {})
    known = {name: FIELDS[name] for name in kind.__struct_fields__ if name in FIELDS}
    return st.builds(kind, **(known | own))


events = st.one_of([_strategy(kind) for kind in KINDS.values()])
histories = st.lists(events, max_size=25)
