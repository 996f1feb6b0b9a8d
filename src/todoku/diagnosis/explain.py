"""Why a rule won: what each rule that matched was worth, and what was left out.

For the person who writes or doubts a rule. Uses the diagnoser's own steps, so that it cannot tell
another story than the diagnosis does.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from todoku.diagnosis.judge import Diagnoser
from todoku.diagnosis.receivers import Places
from todoku.diagnosis.weighing import BASE_RANK
from todoku.knowledge.schema import Receiver, Rule
from todoku.model import Diagnosis, Refusal

By = Literal["host", "mark", "domain"]
Left = Literal["receiver-not-known", "other-stage"]


class Sign(msgspec.Struct, frozen=True):
    """Something that tells who the receiver is, strongest first."""

    by: By
    receiver: str
    words: str
    """The host, the words that only this receiver prints, or the recipient's domain."""


class Match(msgspec.Struct, frozen=True):
    """A rule whose words stand in the text."""

    rule: str
    words: str
    reason: str
    base: int
    """By the kind of its file (receiver, wording, server, general)."""
    own: int
    """The rule's `rank`."""
    place: int
    """For a receiver that is known to answer, or against one that is not."""
    coded: bool
    """Holds a code of the receiver's own: decides among equals, before the length of the words."""
    pattern: str
    left_out: Left | None = None
    """Why it could not count at all."""

    @property
    def standing(self) -> int:
        return self.base + self.own + self.place


class Explanation(msgspec.Struct, frozen=True):
    """The diagnosis, the signs of the receiver, and all rules that matched, the winner first."""

    text: str
    signs: tuple[Sign, ...]
    matches: tuple[Match, ...]
    diagnosis: Diagnosis


MOST: Final = 50
"""Matches told: no text in earnest has so many."""


def explain(diagnose: Diagnoser, refusal: Refusal) -> Explanation:
    """The whole weighing of one refusal."""
    d = diagnose(refusal)
    rules, places = diagnose.rules, diagnose.receivers.places(refusal)
    text = refusal.reply.text or refusal.notice
    if d.rule is None or not _stands_in(diagnose, d.rule, text):
        text = refusal.notice or text
    raw = text.encode("utf-8", "replace")
    hits = rules.scan(raw)
    mark = rules.mark(hits, raw)
    homes = diagnose.receivers.homes(places, mark)
    elsewhere = places.host is not None and diagnose.receivers.mailbox[places.host]
    counting = {
        pattern: rank
        for rank, *_, pattern in rules.candidates(hits, homes, refusal.stage, elsewhere=elsewhere)
    }
    best: dict[int, tuple[tuple[int, int, int], Match]] = {}
    knowledge = diagnose.knowledge
    for p in hits:
        r = knowledge.rule_of[p]
        m = rules.expressions[p].search(raw) if r >= 0 else None
        if m is None:
            continue
        rule, receiver = knowledge.rules[r], knowledge.receivers[knowledge.owner[r]]
        standing, weighed = rules.standing(p), counting.get(p)
        rank = (-1000 if weighed is None else weighed, standing.coded, standing.length)
        match = Match(
            rule=rules.name(r),
            words=m[0].decode("utf-8", "replace"),
            reason=rule.reason,
            base=BASE_RANK[receiver.kind],
            own=rule.rank,
            place=0 if weighed is None else weighed - standing.rank,
            coded=bool(standing.coded),
            pattern=knowledge.patterns[p],
            left_out=_why_not(rule, refusal) if weighed is None else None,
        )
        if r not in best or best[r][0] < rank:
            best[r] = (rank, match)
    ordered = sorted(best.values(), key=lambda x: x[0], reverse=True)
    return Explanation(
        text=text,
        signs=tuple(_signs(diagnose, refusal, raw, hits, places)),
        matches=tuple(m for _, m in ordered[:MOST]),
        diagnosis=d,
    )


def _stands_in(diagnose: Diagnoser, name: str, text: str) -> bool:
    raw = text.encode("utf-8", "replace")
    rules, rule_of = diagnose.rules, diagnose.knowledge.rule_of
    return any(
        rule_of[p] >= 0 and rules.name(rule_of[p]) == name and rules.expressions[p].search(raw)
        for p in rules.scan(raw)
    )


def _why_not(rule: Rule, refusal: Refusal) -> Left:
    if rule.stages and refusal.stage and refusal.stage not in rule.stages:
        return "other-stage"
    return "receiver-not-known"


def _signs(
    diagnose: Diagnoser,
    refusal: Refusal,
    raw: bytes,
    hits: list[int],
    places: Places,
) -> list[Sign]:
    receivers: tuple[Receiver, ...] = diagnose.knowledge.receivers
    out = []
    if places.host is not None:
        host = refusal.remote.host or refusal.reported_by or ""
        out.append(Sign("host", receivers[places.host].id, host))
    seen = set()
    for p in hits:
        r = diagnose.knowledge.rule_of[p]
        if r < 0 and r not in seen and (m := diagnose.rules.expressions[p].search(raw)):
            seen.add(r)
            out.append(Sign("mark", receivers[-1 - r].id, m[0].decode("utf-8", "replace")))
    if places.domain is not None and refusal.recipient:
        domain = refusal.recipient.rpartition("@")[2]
        out.append(Sign("domain", receivers[places.domain].id, domain))
    return out


# ── a new rule ────────────────────────────────────────────────────────────────────────────────


def skeleton(
    refusal: Refusal, d: Diagnosis, receiver: Receiver | None, today: str
) -> tuple[str, str]:
    """A file name and the TOML of a rule for this reply, with the reply as its example.

    Where the receiver is known the file adds to it; else it begins a new one, named after the
    answering host or the recipient's domain.
    """
    host = refusal.remote.host
    domain = refusal.recipient.rpartition("@")[2] if refusal.recipient else None
    name = receiver.id if receiver else _slug(_registered(host or domain or "")) or "new-receiver"
    text = " ".join((refusal.reply.text or refusal.notice).split())
    lines = ["schema = 1", f"id = {_toml(name)}"]
    if receiver is None:
        label = _registered(host or domain or "") or "NAME"
        lines += [
            f"name = {{ ja = {_toml(label)}, en = {_toml(label)} }}",
            'kind = "mailbox"  # or "gateway": a filter in front of other people\'s mailboxes',
        ]
        if host:
            lines.append(f"hosts = [{_toml('*.' + _registered(host))}, {_toml(host)}]")
        if domain:
            lines.append(f"domains = [{_toml(domain)}]")
    else:
        lines.append(f"name = {{ ja = {_toml(receiver.name.ja)}, en = {_toml(receiver.name.en)} }}")
    usual = d.reason if d.reason and d.reason != "undecided" else "policy"
    lines += [
        'origin = "own observation"',
        'licence = "facts"',
        "",
        "[[rules]]",
        'id = "new-rule"  # permanent: choose it well',
        "# Words that every such reply holds and no other does. What belongs to the one message",
        "# (numbers, addresses, ids) must not stand here: see `match` in docs/knowledge.md.",
        f"phrases = [{_toml(_phrase(text))}]",
        f"reason = {_toml(usual)}  # todoku knowledge show lists the reasons",
    ]
    if d.blocked and d.blocked[0].kind == "ip":
        lines.append('scope = "ip"')
    if refusal.stage:
        lines.append(f"refuses_at = {_toml(refusal.stage)}")
    lines += [
        '# who = "sender-admin"  # who has to act, where it is not the reason\'s usual one',
        '# meaning = { ja = "...", en = "..." }',
        'source = ["own observation"]',
        f"date = {_toml(today)}",
        "examples = [",
        f"  {{ text = {_toml(text)}{_beside(refusal)} }},",
        "]",
    ]
    return f"{_slug(name)}.toml", "\n".join(lines) + "\n"


def _beside(refusal: Refusal) -> str:
    out = ""
    if refusal.remote.host:
        out += f", host = {_toml(refusal.remote.host)}"
    if refusal.recipient:
        out += f", recipient = {_toml('user@' + refusal.recipient.rpartition('@')[2])}"
    if refusal.stage:
        out += f", stage = {_toml(refusal.stage)}"
    return out


def _phrase(text: str) -> str:
    """The longest run of plain words: what is most likely the same in every such reply."""
    best: list[str] = []
    run: list[str] = []
    for word in [*text.split(), "\0"]:
        plain = word.strip(".,;:!\"'()")
        if plain and plain.isascii() and plain.replace("-", "").replace("'", "").isalpha():
            run.append(word)
            continue
        if len(" ".join(run)) > len(" ".join(best)):
            best = run
        run = []
    return " ".join(best[:12]).rstrip(".,;:") or text[:60]


def _registered(host: str) -> str:
    """`mx1.mail.example.co.jp` to `example.co.jp`, without a list of public suffixes: good enough
    for a proposal that a person reads."""
    labels = host.lower().rstrip(".").split(".")
    short = len(labels) >= 3 and len(labels[-1]) == 2 and len(labels[-2]) <= 3
    return ".".join(labels[-3 if short else -2 :])


def _slug(name: str) -> str:
    return "-".join(
        "".join(c if c.isalnum() and c.isascii() else " " for c in name).lower().split()
    )


_ESCAPED: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def _toml(text: str) -> str:
    """A basic string; whatever does not print becomes an escape."""
    out = []
    for c in text:
        if c in _ESCAPED:
            out.append(_ESCAPED[c])
        elif c.isprintable():
            out.append(c)
        else:
            n = ord(c)
            out.append("\\ufffd" if 0xD800 <= n < 0xE000 else f"\\U{n:08x}")
    return f'"{"".join(out)}"'
