"""What a desk is asked, and what would make the asking fail. Pure.

    case, knowledge ──desks──▶ which desk ──obstacles──▶ what is in the way
                                   └────────drafting───▶ fields to copy, a letter, its translation

A form is filled in by a person, who records that with `todoku case request N --done`. A letter is
sent by todoku (`composing`) where a person confirms it, or the settings allow that desk. No line here names a receiver or a list: what a desk wants stands
in the knowledge.
"""

from __future__ import annotations

from todoku.cases.requesting.composing import compose, keeps
from todoku.cases.requesting.desks import Chosen, choose
from todoku.cases.requesting.drafting import draft
from todoku.cases.requesting.values import (
    Draft,
    Facts,
    Filled,
    Obstacle,
    ObstacleKind,
    Purpose,
    Reverse,
)

__all__ = [
    "Chosen",
    "Draft",
    "Facts",
    "Filled",
    "Obstacle",
    "ObstacleKind",
    "Purpose",
    "Reverse",
    "choose",
    "compose",
    "draft",
    "keeps",
]
