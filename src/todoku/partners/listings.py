"""When own identities were listed, from what `todoku check` kept; and how they stand now. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from todoku.lists.history import At, Change, Standing
from todoku.model import Subject
from todoku.partners.learning import Window

UNSURE: Final = 86_400.0
"""Seconds before a listing was found to be gone, in which it may have gone."""


def windows(changes: Iterable[Change], standings: Mapping[At, Standing]) -> list[Window]:
    """Times at which it is certain that the identity was listed: from when it was first seen to when it
    was last seen; of listings that ended long ago to a day before they were found to be gone."""
    begun: dict[At, float] = {}
    sure: dict[At, float] = {}
    out = []
    for c in changes:
        at = (c.identity, c.list)
        if c.change == "gone":
            first = begun.pop(at, c.first_seen)
            last = max(sure.pop(at, first), c.at - UNSURE)
            out.append(Window(c.identity.value, c.list, first, last))
        else:
            begun.setdefault(at, c.first_seen)
            sure[at] = c.at
    for at, first in begun.items():
        standing = standings.get(at)
        seen = standing.last_seen if standing is not None else None
        out.append(Window(at[0].value, at[1], first, max(sure[at], seen or first)))
    return out


def present(standings: Mapping[At, Standing]) -> list[tuple[Subject, str, Standing]]:
    """Those that are listed, as was last seen."""
    found = [(*at, s) for at, s in standings.items() if s.state == "listed"]
    return sorted(found, key=lambda x: (x[0].value, x[1]))
