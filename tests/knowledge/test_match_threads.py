"""Threads share one engine: each gets the hits of its own text."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from todoku.knowledge import load, match

TEXTS = [
    b"550 5.7.1 Service unavailable; client [192.0.2.1] blocked using zen.spamhaus.org",
    b"550 SC-001 part of their network is on our block list",
    b"452 4.2.2 mailbox full",
    b"nothing of the kind",
] * 500


def test_threads_share_one_engine() -> None:
    knowledge = load.knowledge()
    scan = match.load(knowledge) or match.build(knowledge) or match.pure(knowledge)
    alone = [sorted(scan(text)) for text in TEXTS]
    with ThreadPoolExecutor(8) as threads:
        assert [sorted(each) for each in threads.map(scan, TEXTS)] == alone
