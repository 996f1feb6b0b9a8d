"""The generator's logs, in all formats, beside what it says of each refusal."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.logs.logs import diagnoser, new, read
from tests.maillogs import MAILLOGS, SHARED, needs_generator, needs_maillogs
from todoku.logs.sums import Sums
from todoku.logs.values import Delivery
from todoku.reading import logs as readers

FORMATS = ("bsd", "iso", "journal", "exim", "sendmail", "qmail", "exchange")
LINES = {"bsd": 30_000, "iso": 12_000, "journal": 12_000, "qmail": 20_000}
WANTED = 0.99
"""Share of refusals of which each field is as the truth has it."""
FIELDS = ("outcome", "recipient", "domain", "instance", "transport", "host", "ip", "time", "stage", "code", "enhanced", "receiver", "reason")  # fmt: skip

Read = tuple[list[Delivery], list[dict[str, Any]], Sums]


@pytest.fixture(scope="module", params=FORMATS)
def log(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Read]:
    where = tmp_path_factory.mktemp("log")
    format_ = request.param
    data, truth = generated(where, format_, "--instances", "2" if format_ == "iso" else "1")
    found, run = read(data, new(), pieces=4)
    sums = Sums()
    for d in found:
        sums.add(d)
    counts = run.counts
    assert counts.lines == counts.understood == data.count(b"\n")
    assert counts.bounced + counts.deferred == len(found)
    assert sum(g.count for g in sums.groups.values()) == len(found)
    yield found, truth, sums
    for path in where.iterdir():
        path.unlink()


def generated(where: Path, format_: str, *more: str) -> tuple[bytes, list[dict[str, Any]]]:
    words = ["--lines", str(LINES.get(format_, 8_000)), "--seed", "11", "--format", format_, *more]
    tool = SHARED / "tools" / "gen_maillog.py"
    done = subprocess.run(
        [sys.executable, str(tool), *words, "--truth", str(where / "truth")],
        capture_output=True,
        check=True,
    )
    return done.stdout, [json.loads(x) for x in (where / "truth").read_text().splitlines()]


@needs_generator
def test_refused_deliveries_are_counted_exactly(log: Read) -> None:
    found, truth, _ = log
    assert len(found) == len(truth) > 300
    assert [d.recipient for d in found] == [t["rcpt"] for t in truth]
    assert [d.outcome for d in found] == [t["status"] for t in truth]


@needs_generator
def test_every_field_is_as_the_truth_has_it(log: Read) -> None:
    found, truth, _ = log
    wrong: Counter[str] = Counter()
    for d, t in zip(found, truth, strict=True):
        x = d.diagnosis
        assert x is not None
        when = datetime.fromisoformat(t["time"]).timestamp()
        good = {
            "outcome": d.outcome == t["status"],
            "recipient": d.recipient == t["rcpt"],
            "domain": d.domain == t["rcpt"].rpartition("@")[2],
            "instance": t["instance"] in {None, d.instance},
            "transport": t["transport"] in {None, d.transport},
            "host": t["host"] in {None, d.relay},
            "ip": t["ip"] in {None, d.relay_ip},
            "time": d.time is not None and abs(d.time - when) < 1.01,
            "stage": t["stage"] in {None, d.stage},
            "code": t["code"] == d.code,
            "enhanced": t["enhanced"] == d.enhanced,
            "receiver": t["receiver"] == x.receiver,
            "reason": x.reason in {t["reason"], *t["reason_alt"]},
        }
        assert set(good) == set(FIELDS)
        wrong.update(name for name, ok in good.items() if not ok)
    share = {name: 1 - n / len(found) for name, n in wrong.items()}
    assert all(s >= WANTED for s in share.values()), share


# What we think otherwise of, with the reasons in docs/accuracy.md: words, then what we say instead.
CODES_OF_OURS = ("RESOLVER.ADR.",)
LISTS_OF_OURS = {
    "DNSBLs, see http://postmaster.comcast.net": "cloudmark",
    "Blocked - see https://ipcheck.proofpoint.com": "proofpoint",
    "due to listing in Spamhaus SBL": "spamhaus-sbl",
}


@needs_generator
def test_the_identity_the_code_and_the_list_that_are_named(log: Read) -> None:
    """Codes and lists also where the truth has none; identities where it names one of ours."""
    found, truth, _ = log
    right: Counter[str] = Counter()
    of: Counter[str] = Counter()
    for d, t in zip(found, truth, strict=True):
        x, said = d.diagnosis, d.template or ""
        assert x is not None
        if t["identity"]:
            of["identity"] += 1
            right["identity"] += t["identity"] in {b.value for b in x.blocked}
        if (t["receiver_code"] or x.receiver_code) and not any(w in said for w in CODES_OF_OURS):
            of["code"] += 1
            right["code"] += t["receiver_code"] == x.receiver_code
        named = {x.blocklist.id, x.blocklist.zone} if x.blocklist else {None}
        ours = next((name for words, name in LISTS_OF_OURS.items() if words in said), None)
        if ours is not None:
            assert ours in named
        elif t["blocklist"] or x.blocklist:
            of["list"] += 1
            right["list"] += t["blocklist"] in named
    assert min(of.values()) > 5
    assert all(right[name] >= WANTED * of[name] for name in of), (right, of)


@needs_generator
@pytest.mark.parametrize("format_", [f for f in FORMATS if f != "sendmail"])
def test_one_diagnosis_a_template_is_what_each_line_would_get(format_: str, tmp_path: Path) -> None:
    """Nothing is lost by judging a masked reply once: all lines judged alone say the same. (Of
    sendmail's answers without words less is told here: that nothing is known of the ground.)"""
    data, _ = generated(tmp_path, format_, "--templates", "42")
    once, run = read(data, new())
    alone = [diagnoser()(r) for r in readers.read(data)]
    assert len(once) == len(alone)
    assert run.judge.made < len(once) * 0.6
    got = sorted(facts_of(d.diagnosis) for d in once)
    assert got == sorted(map(facts_of, alone))


def facts_of(d: Any) -> str:
    blocked = [(b.kind, b.value) for b in d.blocked]
    blocklist = d.blocklist and d.blocklist.id
    return str(
        (d.reason, d.receiver, d.gateway, d.receiver_code, blocked, blocklist, d.stage, d.temporary,
         d.remote.host, d.remote.ip, d.rule, d.reply.code, d.reply.enhanced)
    )  # fmt: skip


@needs_maillogs
@pytest.mark.parametrize(
    "path", sorted((MAILLOGS / "postfix-grok").glob("*.yaml")), ids=lambda p: p.stem
)
def test_the_shared_lines_of_postfix(path: Path) -> None:
    """One message each: a delivery is read as the file says, all others are none."""
    message, wanted = shared_line(path)
    daemon = path.stem.partition("_")[0]
    tag = {"postdrop": "postfix/postdrop"}.get(daemon, f"postfix/{daemon}")
    found, run = read(f"Nov 24 09:12:05 mx1 {tag}[1]: {message}", new(whole=True))
    assert run.counts.understood == run.counts.lines == 1
    told = DELIVERY.search(message)
    if told is None or daemon in {"smtpd", "postscreen", "cleanup"}:
        assert found == []
        return
    (d,) = found
    outcome = {"deliverable": "sent", "undeliverable": "bounced"}.get(
        told["status"], told["status"]
    )
    assert (d.outcome, d.recipient) == (outcome, told["to"])
    assert told["to"] in wanted.get("postfix_keyvalue_data", told["to"])


DELIVERY = re.compile(
    r"^\w+: to=<(?P<to>[^>]*)>,.* status=(?P<status>sent|bounced|deferred|deliverable|undeliverable)\b"
)


def shared_line(path: Path) -> tuple[str, dict[str, str]]:
    """`data:` and `results:` of such a file, which is simple YAML."""
    data, wanted, inside = "", {}, False
    for line in path.read_text().splitlines():
        key, _, value = line.strip().partition(":")
        value = value.strip()
        if value[:1] in {"'", '"'} and value[-1:] == value[:1]:
            quote = value[0]
            value = value[1:-1].replace("''", "'") if quote == "'" else json.loads(value)
        if line.startswith("data:"):
            data = value
        elif line.startswith("results:"):
            inside = True
        elif inside and line.startswith(" "):
            wanted[key] = value
    assert data
    return data, wanted
