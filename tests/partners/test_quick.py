"""A question is answered in less than a tenth of a second of processor time, whatever was learned."""

from __future__ import annotations

import time
from pathlib import Path

from tests.partners.test_model import NOW, W
from todoku.partners import habits
from todoku.partners.forecast import forecast
from todoku.partners.habits import family
from todoku.partners.keeping import Kept
from todoku.partners.values import WEEK, Evidence, Mail, MailKey, Proof, Use, UseKey

PARTNERS = 20_000
LIMIT = 0.1
"""Seconds."""


def evidence() -> Evidence:
    """As after a year: a few products, hosters, and partners by themselves, most of them seen several times."""
    e = Evidence(first=float((W - 9) * WEEK), last=NOW)
    for n in range(PARTNERS):
        domain, kind = f"d{n}.example", n * 2_654_435_761 % 100
        gate = "mimecast" if kind < 15 else "proofpoint" if kind < 25 else f"mx.h{n % 300}.example." if kind < 65 else f"mx.d{n}.example."  # fmt: skip
        e.mail[MailKey(domain, gate, "192.0.2.1", W)] = Mail(1 + 90_000 // (n + 9), 0)
        uses = kind < 15 or n % 3 == 0
        for k in range(n % 5):  # of every fifth nothing is seen
            e.uses[UseKey(domain, "spamhaus-zen", W - 9 * k - n % 7)] = Use(2, 2, 0) if uses else Use(0, 0, 3)  # fmt: skip
        if uses and n % 5:
            e.proofs[domain, "spamhaus-zen"] = Proof(NOW, NOW, "blocked using zen.spamhaus.org", "RCPT TO")  # fmt: skip
    return e


def test_a_question_is_answered_at_once(tmp_path: Path) -> None:
    with Kept.open(tmp_path) as kept:
        with kept.learning() as step:
            step.add(evidence())
        took: dict[str, list[float]] = {}
        for _ in range(3):
            for asked in ("list", "identity", "partner"):
                began = time.process_time()
                if asked == "partner":
                    view = kept.view(habits.around(kept.lists("d7.example"), {}))
                    found = habits.habits(view, {}, NOW, "d7.example")
                    assert [h.list for h in found["d7.example"]] == ["spamhaus-zen"]
                else:
                    identity = "192.0.2.1" if asked == "identity" else None
                    view = kept.view(["spamhaus-zen"])
                    told = forecast(family("spamhaus-zen", {}), view, NOW, identity=identity)
                    assert told.partners == PARTNERS
                    assert all(p.partners > 100 for p in told.parts)
                took.setdefault(asked, []).append(time.process_time() - began)
    assert max(map(min, took.values())) < LIMIT, took
