"""How fast a list may be asked, and when to leave it in peace: its budget, its rate, its silence.

A `Pace` belongs to one list in one run; what it spends is leased from what all processes share.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

LOSSES: Final = 5
"""So many questions in a row without an answer, and the list is left in peace for a while."""
PAUSES: Final = (5.0, 15.0, 45.0)
"""Seconds of peace; after the last, one more silence ends the run for this list."""


class Granted(NamedTuple):
    """`wait`: seconds until more will be granted; `None` with nothing granted: not today."""

    number: int
    wait: float | None


class Pace:
    """`lease(count) -> Granted`, or `None` where nothing is limited. `clock` is the engine's."""

    def __init__(
        self,
        lease: Callable[[int], Granted] | None,
        give_back: Callable[[int], None] | None,
        clock: Callable[[], float],
        *,
        block: int = 10,
    ) -> None:
        self._lease = lease
        self._give_back = give_back
        self._clock = clock
        self._block = block
        self._left = 0
        self._next = 0.0
        self._losses = 0
        self._opened = 0
        self._trying = False
        """One question is under way, to see whether the list answers again."""
        self.asked = False
        """A question was sent."""
        self.heard = False
        """One was answered."""
        self.exhausted = False
        """The day's budget is used up."""
        self.silenced = False
        """The list answers no more."""

    def draw(self, most: int, now: float) -> int:
        """How many of `most` questions may be sent now; they count as sent."""
        if self._next > now or self.silenced or self._trying:
            return 0
        trying = self._losses >= LOSSES
        if trying:
            most = min(most, 1)  # after a pause: one question, to see
        if self._lease is None:
            self._trying = trying and most > 0
            self.asked |= most > 0
            return most
        if self._left < most and not self.exhausted:
            got = self._lease(max(most - self._left, self._block))
            self._left += got.number
            if got.number == 0:
                if got.wait is None:
                    self.exhausted = True
                elif self._left <= 0:
                    self._next = now + got.wait
        count = max(min(most, self._left), 0)
        self._left -= count
        self._trying = trying and count > 0
        self.asked |= count > 0
        return count

    def ready_at(self, now: float) -> float | None:
        if self.silenced or self._trying or (self.exhausted and self._left <= 0):
            return None
        return max(self._next, now)

    def spent(self, count: int) -> None:
        """Questions sent besides (again), or, negative, drawn and not sent."""
        self._left -= count
        if count < 0:
            self._trying = False

    def alive(self) -> None:
        self.heard = True
        self._losses = 0
        self._opened = 0
        self._trying = False

    def silent(self) -> None:
        """A question got no answer in any try."""
        now = self._clock()
        self._losses += 1
        self._trying = False
        if self._losses >= LOSSES and self._next <= now:
            if self._opened == len(PAUSES):
                self.silenced = True
            else:
                self._next = now + PAUSES[self._opened]
                self._opened += 1

    def close(self) -> None:
        """Hand back what was leased and not spent."""
        if self._give_back is not None and self._left > 0:
            self._give_back(self._left)
            self._left = 0
