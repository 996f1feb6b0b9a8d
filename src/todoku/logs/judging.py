"""One diagnosis for each masked reply, and not one for each line of a log.

A template is judged as its first line is. That holds for all lines with it only where nothing that
the diagnosis names was masked: where a code or the ground is made of what belongs to one message,
each line of the template is judged by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from todoku.diagnosis import Diagnoser
from todoku.model import Diagnosis, Refusal

MOST: Final = 20_000
"""Templates remembered."""

Key = tuple[object, ...]
"""All that a diagnosis depends on: who answered, the recipient's domain, the masked reply, ..."""


class Judge:
    """Diagnoses, remembered by template."""

    def __init__(self, diagnose: Diagnoser) -> None:
        self._diagnose = diagnose
        self._known: dict[Key, Diagnosis | None] = {}
        self.made = 0
        """Diagnoses that had to be made."""

    @property
    def knowledge(self) -> str:
        """Version of the knowledge that judges."""
        return self._diagnose.knowledge.version

    def known(self, key: Key) -> Diagnosis | None:
        """The diagnosis of this template, if there is one that holds for all its lines."""
        return self._known.get(key)

    def judge(self, key: Key, template: bytes, refusal: Callable[[], Refusal]) -> Diagnosis:
        """The diagnosis of a line with this template; `refusal` reads the line in full."""
        self.made += 1
        d = self._diagnose(refusal())
        if _named(d, template):
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[key] = d
        return d


def _named(d: Diagnosis, template: bytes) -> bool:
    """Does all that the diagnosis names stand in what was not masked?"""
    names = [b.value for b in d.blocked]
    if d.receiver_code is not None:
        names.append(d.receiver_code)
    names += [d.reply.text[e.start : e.end] for e in d.evidence if e.field == "blocklist"]
    low = b" ".join(template.lower().split()).replace(b"_", b" ")  # alike in qmail's log
    return all(n.encode("utf-8", "replace").lower().replace(b"_", b" ") in low for n in names)
