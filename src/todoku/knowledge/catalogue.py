"""What the knowledge holds, found by name: for the faces, which show it to a person.

A `Diagnosis` carries ids; a person wants the name of the receiver, the desk's waiting time and
the date of the source. Pure, and built only when something is shown.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

from todoku.knowledge.load import lists_of
from todoku.knowledge.names import NameTable
from todoku.knowledge.schema import Compiled, Desk, ListEntry, Receiver, Rule, Text
from todoku.model import Diagnosis, Language


def said(text: Text, language: Language) -> str:
    """The sentence in that language."""
    return text.ja if language == "ja" else text.en


class Owned(NamedTuple):
    """A rule and the receiver in whose file it stands."""

    receiver: Receiver
    rule: Rule

    @property
    def name(self) -> str:
        return f"{self.receiver.id}/{self.rule.id}"


class Catalogue:
    """Look-ups in one knowledge."""

    def __init__(self, knowledge: Compiled) -> None:
        self.knowledge = knowledge

    @functools.cached_property
    def receivers(self) -> dict[str, Receiver]:
        return {r.id: r for r in self.knowledge.receivers}

    @functools.cached_property
    def lists(self) -> dict[str, ListEntry]:
        return {e.id: e for e in self.knowledge.lists}

    @functools.cached_property
    def asked(self) -> dict[str, ListEntry]:
        """Lists with how they are asked, which takes a while longer to read."""
        return {e.id: e for e in lists_of(self.knowledge)}

    @functools.cached_property
    def rules(self) -> dict[str, Owned]:
        """By `receiver/rule`; a rule's former names too."""
        k = self.knowledge
        out: dict[str, Owned] = {}
        for rule, owner in zip(k.rules, k.owner, strict=True):
            owned = Owned(k.receivers[owner], rule)
            out[owned.name] = owned
            for alias in rule.aliases:
                out.setdefault(f"{owned.receiver.id}/{alias}", owned)
        return out

    def rules_of(self, receiver: str) -> list[Owned]:
        k = self.knowledge
        return [
            Owned(k.receivers[o], r)
            for r, o in zip(k.rules, k.owner, strict=True)
            if k.receivers[o].id == receiver
        ]

    def receiver_name(self, id_: str, language: Language) -> str:
        """`Outlook.com / Hotmail`; the id where the knowledge has no such receiver (any more)."""
        found = self.receivers.get(id_)
        return said(found.name, language) if found else id_

    def list_name(self, id_: str, language: Language) -> str:
        entry = self.lists.get(id_)
        return entry.name if entry else self.receiver_name(id_, language)

    def rule_of(self, d: Diagnosis) -> Owned | None:
        return self.rules.get(d.rule) if d.rule else None

    def desk_of(self, d: Diagnosis) -> Desk | None:
        """The desk behind `d.removal`: the rule's, else that of the list."""
        if d.removal is None:
            return None
        desks = self.knowledge.desks
        owned = self.rule_of(d)
        if owned is not None and owned.rule.desk:
            name = owned.rule.desk
            desk = desks.get(name if "/" in name else f"{owned.receiver.id}/{name}")
            if desk is not None:
                return desk
        entry = self.lists.get(d.blocklist.id) if d.blocklist else None
        return desks.get(entry.desk) if entry and entry.desk else None

    # ── by whatever a person calls it ─────────────────────────────────────────────────────────

    def named(self, name: str) -> list[tuple[str, str, Any]]:
        """(`receiver`, `list`, `desk`, `reason` or `rule`, its id, itself) of all that has this
        name: an id, a zone, another name of a list, a code that a receiver prints, or a host or
        domain of a receiver."""
        k = self.knowledge
        low = name.lower().strip()
        out: list[tuple[str, str, Any]] = []
        out += [("receiver", r.id, r) for r in k.receivers if r.id == low]
        out += [("reason", low, k.reasons[low])] if low in k.reasons else []
        out += [("desk", low, k.desks[low])] if low in k.desks else []
        if low in self.rules:
            out.append(("rule", self.rules[low].name, self.rules[low]))
        out += [
            ("list", e.id, e)
            for e in k.lists
            if low in {e.id, e.name.lower(), *(z.lower() for z in e.zones)}
            or low in {n.lower() for n in e.names}
        ]
        if not out:
            out += [
                ("rule", o.name, o)
                for o in {o.name: o for o in self.rules.values()}.values()
                if low in {o.rule.id, (o.rule.code or "").lower(), *o.rule.aliases}
            ]
        if not out:
            out += [
                ("receiver", r.id, r) for r in k.receivers if low in {r.name.en.lower(), r.name.ja}
            ]
        if not out and "." in low:
            places = [(n, i) for i, r in enumerate(k.receivers) for n in (*r.domains, *r.hosts)]
            if (at := NameTable(places).find(low)) is not None:
                out.append(("receiver", k.receivers[at].id, k.receivers[at]))
        return out

    def near(self, name: str) -> list[str]:
        """Names that are written alike."""
        import difflib

        k = self.knowledge
        known = [*self.receivers, *self.lists, *k.desks, *k.reasons, *self.rules]
        known += [o.rule.id for o in self.rules.values()]
        found = difflib.get_close_matches(name.lower(), dict.fromkeys(known), n=3, cutoff=0.5)
        return found or [x for x in dict.fromkeys(known) if name.lower() in x][:3]
