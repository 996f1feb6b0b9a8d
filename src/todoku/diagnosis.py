"""Refusal and knowledge to `Diagnosis`: who refused, why, by which list, and the way out.

Pure: the knowledge comes in, nothing is asked of disk, network or clock. No receiver, list or
product has its name in this file; what is known of them is data (`todoku/knowledge/data`).

The order of evidence: for the receiver the answering host, then words that only it prints, then
the recipient's domain. For the reason the receiver's own code and text, then general words, then
the enhanced status code, then the reply code.
"""

from __future__ import annotations

import re
from typing import Literal, NamedTuple, Protocol

from msgspec import UNSET

from todoku.knowledge import match as matching
from todoku.knowledge import patterns
from todoku.knowledge.names import NameTable
from todoku.knowledge.schema import Compiled, Desk, ListEntry, Rule, Status
from todoku.model import (
    Blocklist,
    Confidence,
    Diagnosis,
    Evidence,
    Identity,
    IdentityKind,
    Language,
    Refusal,
    Removal,
    Reply,
    Sisimai,
    WhoActs,
)
from todoku.sisimai import translate

_URL = re.compile(r"https?://[^\s<>\"'|\\^`{}\u3000-\u30ff\uff00-\uffef]{3,2000}", re.I)
_NAME = re.compile(rb"[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63}){1,10}")
_DIGIT = re.compile(r"\d")
# What no address, masked or not, is without: four numbers, or two colons close to each other.
_ADDRESS = re.compile(
    rb"[0-9xXyYzZ*]\.[0-9xXyYzZ*]{1,3}\.[0-9xXyYzZ*]{1,3}\.[0-9xXyYzZ*]|:[0-9A-Fa-f]{0,4}:"
)

_KIND_OF_GROUP: dict[str, IdentityKind] = {
    "ip": "ip",
    "range": "range",
    "asn": "asn",
    "host": "hostname",
    "domain": "domain",
    "address": "address",
    "url": "url",
}
BASE_RANK = {"mailbox": 0, "gateway": 0, "wording": -2, "server": -12, "general": -20}
"""Where the rules of a kind of file stand against each other (`Rule.rank` is added)."""
_AT_HOME = 5
_ELSEWHERE = -15
_EMPTY_WORDS = -28
"""Standing of words that say less than any status code: general rules of rank -8 and lower."""
_NONE: tuple[()] = ()


class Own(Protocol):
    """What `[own]` of the settings answers (todoku.settings)."""

    def tells(self, identity: Identity) -> bool | None: ...
    def is_smarthost(self, host: str | None, ip: str | None = None) -> bool: ...


class _Found(NamedTuple):
    """A rule that won, and where its words stand in the bytes of the text."""

    rule: int
    pattern: int
    match: re.Match[bytes]
    text: str
    raw: bytes


class _Standing(NamedTuple):
    """What of a pattern and its rule decides how they stand against others."""

    owner: int
    rank: int
    coded: int
    length: int
    known: bool
    stages: tuple[str, ...]


class _Said(NamedTuple):
    """What a rule says whatever the text: put together once."""

    name: str
    sources: tuple[str, ...]
    remedy: tuple[str, ...]
    who: WhoActs
    desk: Desk | None
    confidence: Confidence
    common: bool


class Diagnoser:
    """Diagnoses refusals with one knowledge, in one language.

    Build it once and call it for each refusal; building costs milliseconds, a call microseconds.
    """

    def __init__(
        self,
        knowledge: Compiled,
        language: Language = "en",
        own: Own | None = None,
        sisimai: str = "5.5",
        scan: matching.Scan | None = None,
    ) -> None:
        self.knowledge = knowledge
        self.language = language
        self.own = own
        self._newer = sisimai == "5.6"
        self._scan = scan or matching.scanner(knowledge)
        self._re = matching.Expressions(knowledge.patterns)
        receivers = knowledge.receivers
        self._index = {r.id: i for i, r in enumerate(receivers)}
        self._family = [
            frozenset({i, *(self._index[a] for a in r.also if a in self._index)})
            for i, r in enumerate(receivers)
        ]
        self._identifies = [r.kind in ("mailbox", "gateway") for r in receivers]
        self._mailbox = [r.kind == "mailbox" for r in receivers]
        self._host = NameTable((h, i) for i, r in enumerate(receivers) for h in r.hosts)
        self._domain = NameTable((d, i) for i, r in enumerate(receivers) for d in r.domains)
        self._rank = [
            BASE_RANK[receivers[o].kind] + rule.rank
            for o, rule in zip(knowledge.owner, knowledge.rules, strict=True)
        ]
        # Among equals: a rule that knows a code of the receiver's own, then the longer words.
        self._weight = [
            (_is_coded(knowledge.rules[r], p) if r >= 0 else 0, len(p))
            for r, p in zip(knowledge.rule_of, knowledge.patterns, strict=True)
        ]
        self._standing = [
            _Standing(
                knowledge.owner[r],
                self._rank[r],
                *weight,
                knowledge.rules[r].known,
                knowledge.rules[r].stages,
            )
            if r >= 0
            else None
            for r, weight in zip(knowledge.rule_of, self._weight, strict=True)
        ]
        self._marks = frozenset(p for p, r in enumerate(knowledge.rule_of) if r < 0)
        self._said: list[_Said | None] = [None] * len(knowledge.rules)
        # Where no receiver is known: the shapes of codes that any may print.
        self._nobody = [i for i, r in enumerate(receivers) if r.kind == "general" and r.codes]
        self._codes: list[list[re.Pattern[bytes]] | None] = [None] * len(receivers)
        self._cues = [
            (re.compile(c.match.encode(), patterns.FLAGS), c.blocked) for c in knowledge.cues
        ]
        self._lists = {e.id: e for e in knowledge.lists}
        self._zones: dict[str, ListEntry] = {}
        self._list_names: dict[str, ListEntry] = {}
        for e in knowledge.lists:
            for z in e.zones:
                self._zones.setdefault(z.lower(), e)
            for n in (e.name, *e.names, e.id):
                self._list_names.setdefault(_plain(n), e)
        self._enhanced = {s.code: s for s in knowledge.statuses.enhanced}
        self._reply = {s.code: s for s in knowledge.statuses.reply}
        self._remedies: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}

    # ── the whole ─────────────────────────────────────────────────────────────────────────────

    def __call__(self, refusal: Refusal, source: str = "-") -> Diagnosis:
        """The diagnosis of one refusal. `source` is where it came from, as the user named it."""
        if refusal.kind != "refusal":
            return self._other(refusal, source)
        reply = refusal.reply
        remote = refusal.remote
        at_host, at_domain = self.places(refusal)
        text = reply.text or refusal.notice
        found, mark = self._choose(text, at_host, at_domain, refusal)
        if found is None and refusal.notice and refusal.notice != text:
            found, mark2 = self._choose(refusal.notice, at_host, at_domain, refusal)
            mark = mark if mark is not None else mark2
        elif mark is None and at_host is None and refusal.notice and refusal.notice != text:
            mark = self._mark_in(refusal.notice)

        status = self._status(reply)
        if (
            found is not None
            and self._rank[found.rule] <= _EMPTY_WORDS
            and status is not None
            and status.reason not in ("undecided", "policy")
        ):
            found = None
        rule = self.knowledge.rules[found.rule] if found else None
        owner = self.knowledge.owner[found.rule] if found else None
        receiver, gateway = self._who(at_host, mark, at_domain, owner)
        evidence: list[Evidence] = []
        confidence: Confidence
        said: _Said | None = None
        if rule is not None and found is not None:
            reason = rule.reason
            said = self._said[found.rule] or self._say(found.rule)
            confidence = said.confidence
            if rule.known and at_host is None and mark is None:
                confidence = "likely"
            start, end = found.match.span()
            evidence.append(_span("rule", found, start, end))
        else:
            confidence = "guess"
            reason = self._by_status(refusal, status)

        in_reply = found is not None and found.text is reply.text
        code = self._receiver_code(found, rule, receiver, gateway, text, evidence)
        blocked = self._blocked(found, rule, remote.ip, evidence)
        blocklist, entry = self._blocklist(found, rule, reason, evidence)
        urls = _urls(reply.text)
        removal = self._removal(said.desk if said else None, entry, reason, urls)
        if not in_reply:
            evidence = []
        about = self.knowledge.reasons[reason]
        temporary = _temporary(reply)
        if rule is not None and rule.temporary is not None and temporary is not None:
            temporary = rule.temporary
        if self.own is not None and blocked:
            blocked = tuple(Identity(b.kind, b.value, b.scope, self.own.tells(b)) for b in blocked)
        receivers = self.knowledge.receivers
        return Diagnosis(
            source=source,
            kind="refusal",
            action=refusal.action,
            recipient=refusal.recipient,
            sender=refusal.sender,
            reported_by=refusal.reported_by,
            remote=remote,
            stage=refusal.stage,
            reply=reply,
            reason=reason,
            temporary=temporary,
            receiver=receivers[receiver].id if receiver is not None else None,
            gateway=receivers[gateway].id if gateway is not None else None,
            receiver_code=code,
            blocked=blocked,
            blocklist=blocklist,
            urls=urls,
            removal=removal,
            who_acts=said.who if said else about.who,
            remedy=said.remedy if said else self._remedy(None, None, about.remedy),
            rule=said.name if said else None,
            confidence=confidence,
            evidence=tuple(evidence),
            sources=said.sources if said else _NONE,
            sisimai=translate(
                refusal,
                about,
                rule.sisimai if rule else None,
                self._status_word(status),
                common=said is None or said.common,
                understood=rule is not None,
                temporary=temporary,
                newer=self._newer,
            ),
            id=refusal.id if refusal.id is not None else UNSET,
            message_id=refusal.message_id,
            refused_by=self._refused_by(refusal),
            knowledge=self.knowledge.version,
        )

    def _other(self, refusal: Refusal, source: str) -> Diagnosis:
        """Complaints, automatic replies, success reports, reports, and what is no bounce."""
        reason = {
            "complaint": "complaint",
            "auto-reply": "auto-reply",
            "delivered": "delivered",
        }.get(refusal.kind)
        about = self.knowledge.reasons[reason] if reason else None
        return Diagnosis(
            source=source,
            kind=refusal.kind,
            action=refusal.action,
            recipient=refusal.recipient,
            sender=refusal.sender,
            reported_by=refusal.reported_by,
            remote=refusal.remote,
            stage=refusal.stage,
            reply=refusal.reply,
            reason=reason,
            temporary=None,
            receiver=None,
            gateway=None,
            receiver_code=None,
            blocked=_NONE,
            blocklist=None,
            urls=_urls(refusal.reply.text),
            removal=None,
            who_acts=about.who if about else None,
            remedy=self._remedy(None, None, about.remedy) if about else _NONE,
            rule=None,
            confidence="certain",
            evidence=_NONE,
            sources=_NONE,
            sisimai=Sisimai(about.sisimai, False) if about else None,
            feedback_type=refusal.feedback_type,
            id=refusal.id if refusal.id is not None else UNSET,
            message_id=refusal.message_id,
            knowledge=self.knowledge.version,
        )

    def places(self, refusal: Refusal) -> tuple[int | None, int | None]:
        """The receivers that the answering host and the recipient's domain belong to."""
        remote, reply = refusal.remote, refusal.reply
        at_host = self._host.find(remote.host) if remote.host else None
        if at_host is None and remote.host is None and refusal.reported_by and reply.text:
            # A system that reports on mail it refused itself: no other server answered.
            at_host = self._host.find(refusal.reported_by) if reply.code else None
        at_domain = None
        if refusal.recipient:
            at_domain = self._domain.find(refusal.recipient.rpartition("@")[2])
        return at_host, at_domain

    # ── which rule ────────────────────────────────────────────────────────────────────────────

    def _choose(
        self, text: str, at_host: int | None, at_domain: int | None, refusal: Refusal
    ) -> tuple[_Found | None, int | None]:
        """The winning rule, and the receiver whose marks stand in the text."""
        if not text:
            return None, None
        raw = text.encode("utf-8", "replace")
        hits = self._scan(raw)
        mark = self._mark_of(hits, raw)
        for *_, p in self._candidates(hits, at_host, mark, at_domain, refusal):
            m = self._re[p].search(raw)
            if m is not None:
                return _Found(self.knowledge.rule_of[p], p, m, text, raw), mark
        return None, mark

    def _mark_of(self, hits: list[int], raw: bytes) -> int | None:
        """The receiver whose own words stand in the text; a mailbox provider before a gateway."""
        if self._marks.isdisjoint(hits):
            return None
        rule_of = self.knowledge.rule_of
        mark = None
        for p in sorted(hits):
            if (
                rule_of[p] < 0
                and (mark is None or self._mailbox[-1 - rule_of[p]] > self._mailbox[mark])
                and self._re[p].search(raw)
            ):
                mark = -1 - rule_of[p]
        return mark

    def _mark_in(self, text: str) -> int | None:
        raw = text.encode("utf-8", "replace")
        return self._mark_of(self._scan(raw), raw)

    def _candidates(
        self,
        hits: list[int],
        at_host: int | None,
        mark: int | None,
        at_domain: int | None,
        refusal: Refusal,
    ) -> list[tuple[int, int, int, int]]:
        """Patterns that may count here, the best first: rank, coded, length, number."""
        homes: frozenset[int] = frozenset()
        if at_host is not None:
            homes = self._family[at_host]
        if mark is not None:
            homes |= self._family[mark]
        if at_domain is not None and (at_host is None or not self._mailbox[at_host]):
            homes |= self._family[at_domain]
        host_is_mailbox = at_host is not None and self._mailbox[at_host]
        stage = refusal.stage
        out = []
        for p in hits:
            standing = self._standing[p]
            if standing is None:
                continue
            owner, rank, coded, length, known, stages = standing
            if owner in homes:
                rank += _AT_HOME
            elif known:
                continue
            elif host_is_mailbox and self._mailbox[owner]:
                rank += _ELSEWHERE
            if stages and stage and stage not in stages:
                continue
            out.append((rank, coded, length, p))
        if len(out) > 1:
            out.sort(reverse=True)
        return out

    def rule_name(self, rule: int) -> str:
        """`microsoft-consumer/sc-001`."""
        k = self.knowledge
        return f"{k.receivers[k.owner[rule]].id}/{k.rules[rule].id}"

    def _status(self, reply: Reply) -> Status | None:
        """What the enhanced status code says by itself: the most exact entry."""
        if not reply.enhanced:
            return None
        cls, _, tail = reply.enhanced.partition(".")
        subject = tail.partition(".")[0]
        for key in (reply.enhanced, f"x.{tail}", f"{cls}.{subject}", f"x.{subject}"):
            if s := self._enhanced.get(key):
                return s
        return None

    def _status_word(self, status: Status | None) -> str | None:
        if status is None:
            return None
        return status.sisimai or self.knowledge.reasons[status.reason].sisimai

    def _by_status(self, refusal: Refusal, status: Status | None) -> str:
        """The reason where no words were understood: enhanced code, then reply code."""
        if status is not None and status.reason != "undecided":
            return status.reason
        if refusal.expired:
            return "expired"
        code = refusal.reply.code
        if code is not None and (s := self._reply.get(str(code))):
            return s.reason
        return "undecided"

    # ── who ───────────────────────────────────────────────────────────────────────────────────

    def _who(
        self, at_host: int | None, mark: int | None, at_domain: int | None, owner: int | None
    ) -> tuple[int | None, int | None]:
        """Receiver and gateway, in the order of evidence."""
        if owner is not None and not self._identifies[owner]:
            owner = None
        mailbox = gateway = None
        for i in (at_host, owner, mark, at_domain):
            if i is None:
                continue
            if self._mailbox[i]:
                if mailbox is None:
                    mailbox = i
            elif gateway is None and self._identifies[i]:
                gateway = i
        if (
            owner is not None
            and mailbox is not None
            and owner in self._family[mailbox]
            and at_host is None
            and mark is None
            and self._mailbox[owner]
        ):
            mailbox = owner
        if mailbox is None:
            return gateway, None
        return mailbox, gateway

    def _refused_by(self, refusal: Refusal) -> Literal["receiver", "own-smarthost"] | None:
        if self.own is None or (refusal.remote.host is None and refusal.remote.ip is None):
            return None
        own = self.own.is_smarthost(refusal.remote.host, refusal.remote.ip)
        return "own-smarthost" if own else "receiver"

    # ── what ──────────────────────────────────────────────────────────────────────────────────

    def _receiver_code(
        self,
        found: _Found | None,
        rule: Rule | None,
        receiver: int | None,
        gateway: int | None,
        text: str,
        evidence: list[Evidence],
    ) -> str | None:
        if found is not None and rule is not None:
            groups = found.match.re.groupindex
            if "code" in groups and found.match["code"]:
                start, end = found.match.span("code")
                evidence.append(_span("receiver_code", found, start, end))
                return found.match["code"].decode("utf-8", "replace")
            if rule.code:
                at = found.raw.lower().find(rule.code.lower().encode())
                if at >= 0:
                    end = at + len(rule.code.encode())
                    evidence.append(_span("receiver_code", found, at, end))
                    return found.raw[at:end].decode("utf-8", "replace")
        if not text:
            return None
        raw = found.raw if found else text.encode("utf-8", "replace")
        places = [i for i in (receiver, gateway) if i is not None]
        for i in places or self._nobody:
            for expression in self._codes_of(i):
                if m := expression.search(raw):
                    if found is not None:
                        evidence.append(_span("receiver_code", found, *m.span("code")))
                    return m["code"].decode("utf-8", "replace")
        return None

    def _codes_of(self, receiver: int) -> list[re.Pattern[bytes]]:
        got = self._codes[receiver]
        if got is None:
            got = self._codes[receiver] = [
                patterns.compile_re(patterns.expand(c))
                for i in (receiver, *sorted(self._family[receiver] - {receiver}))
                for c in self.knowledge.receivers[i].codes
            ]
        return got

    def _blocked(
        self,
        found: _Found | None,
        rule: Rule | None,
        remote_ip: str | None,
        evidence: list[Evidence],
    ) -> tuple[Identity, ...]:
        """The sender's identities that the text names as the ground."""
        if found is None or rule is None:
            return _NONE
        out: list[Identity] = []
        for group in found.match.re.groupindex:
            kind = _KIND_OF_GROUP.get(group)
            if kind is None or not found.match[group]:
                continue
            value = found.match[group].decode("utf-8", "replace").rstrip(".,;:")
            start, _ = found.match.span(group)
            evidence.append(_span("blocked", found, start, start + len(value.encode())))
            out.append(Identity(kind, value, rule.scope if kind in ("ip", "range") else None))
        if out or rule.scope not in ("ip", "range"):
            return tuple(out)
        if not _ADDRESS.search(found.raw):
            return _NONE
        not_ours: set[bytes] = {remote_ip.encode()} if remote_ip else set()
        for cue, blocked in self._cues:
            for m in cue.finditer(found.raw):
                value_b = m["ip"]
                if not blocked:
                    not_ours.add(value_b)
                elif value_b not in not_ours and _looks_like_address(value_b):
                    start, _ = m.span("ip")
                    value_b = value_b.rstrip(b".:")
                    evidence.append(_span("blocked", found, start, start + len(value_b)))
                    return (Identity("ip", value_b.decode(), rule.scope),)
        return _NONE

    def _blocklist(
        self, found: _Found | None, rule: Rule | None, reason: str, evidence: list[Evidence]
    ) -> tuple[Blocklist | None, ListEntry | None]:
        """The list that the text or the rule names, and what the knowledge holds of it."""
        if found is None or rule is None:
            return None, None
        groups = found.match.re.groupindex
        if "list" in groups and found.match["list"]:
            name = found.match["list"].decode("utf-8", "replace").strip(".")
            entry = self._list_named(name)
            evidence.append(_span("blocklist", found, *found.match.span("list")))
            if entry is not None:
                zone = _without_key(name, entry) or (entry.zones[0] if entry.zones else None)
                return Blocklist(entry.id, zone, rule.list_class or entry.list_class), entry
            if "." in name:
                zone = name.lower()
                return Blocklist(zone, zone, rule.list_class or "abuse"), None
            return Blocklist(_plain(name), None, rule.list_class or "abuse"), None
        if rule.list:
            entry = self._lists.get(rule.list)
            if entry is not None:
                zone = entry.zones[0] if entry.zones else None
                return Blocklist(entry.id, zone, rule.list_class or entry.list_class), entry
            return Blocklist(rule.list, None, rule.list_class or "abuse"), None
        if reason == "listed":
            for m in _NAME.finditer(found.raw):
                name = m[0].decode()
                entry = self._zone_of(name)
                if entry is not None:
                    evidence.append(_span("blocklist", found, *m.span()))
                    zone = _without_key(name, entry)
                    return Blocklist(entry.id, zone, rule.list_class or entry.list_class), entry
        return None, None

    def _list_named(self, name: str) -> ListEntry | None:
        return self._zone_of(name) or self._list_names.get(_plain(name))

    def _zone_of(self, name: str) -> ListEntry | None:
        """The list of a zone, or of a name below one (a private key stands in front)."""
        labels = name.lower().strip(".").split(".")
        for i in range(max(0, len(labels) - 6), len(labels) - 1):
            if entry := self._zones.get(".".join(labels[i:])):
                return entry
        return None

    # ── the way out ───────────────────────────────────────────────────────────────────────────

    def _removal(
        self,
        desk: Desk | None,
        entry: ListEntry | None,
        reason: str,
        urls: tuple[str, ...],
    ) -> Removal | None:
        if desk is None and entry is not None and entry.desk:
            desk = self._desk(entry.id, entry.desk)
        if desk is None:
            if reason not in ("listed", "reputation"):
                return None
            if urls and reason == "listed":
                return Removal("portal", urls[0])
            return Removal("none")
        url = desk.url or (urls[0] if urls and desk.channel in ("form", "portal") else None)
        return Removal(desk.channel, url, desk.address, desk.requires, desk.expires)

    def _say(self, number: int) -> _Said:
        rule, owner = self.knowledge.rules[number], self.knowledge.owner[number]
        whose = self.knowledge.receivers[owner]
        about = self.knowledge.reasons[rule.reason]
        sure = whose.kind in ("mailbox", "gateway", "wording") and not rule.doubtful
        said = self._said[number] = _Said(
            name=self.rule_name(number),
            sources=rule.source or whose.source,
            remedy=self._remedy(rule, owner, about.remedy),
            who=rule.who or about.who,
            desk=self._desk(whose.id, rule.desk) if rule.desk else None,
            confidence="certain" if sure else "likely",
            common=rule.doubtful or not self._identifies[owner],
        )
        return said

    def _desk(self, owner: str, name: str) -> Desk | None:
        return self.knowledge.desks.get(name if "/" in name else f"{owner}/{name}")

    def _remedy(
        self, rule: Rule | None, owner: int | None, default: tuple[str, ...]
    ) -> tuple[str, ...]:
        ids = rule.remedy if rule is not None and rule.remedy else default
        prefix = self.knowledge.receivers[owner].id if owner is not None else ""
        key = (prefix, ids)
        got = self._remedies.get(key)
        if got is None:
            texts = self.knowledge.texts
            chosen = (texts.get(f"{prefix}/{i}") or texts[i] for i in ids)
            got = tuple(t.ja if self.language == "ja" else t.en for t in chosen)
            self._remedies[key] = got
        return got


# ── small things ──────────────────────────────────────────────────────────────────────────────


def _is_coded(rule: Rule, pattern: str) -> int:
    return 1 if "(?P<code>" in pattern or (rule.code and _DIGIT.search(rule.code)) else 0


def _span(field: str, found: _Found, start: int, end: int) -> Evidence:
    if len(found.raw) != len(found.text):  # not ASCII: from bytes to code points
        start = len(found.raw[:start].decode("utf-8", "ignore"))
        end = len(found.raw[:end].decode("utf-8", "ignore"))
    return Evidence(field, start, end)


def _temporary(reply: Reply) -> bool | None:
    if reply.code is not None:
        return reply.code // 100 == 4
    if reply.enhanced:
        return reply.enhanced[0] == "4"
    return None


def _urls(text: str) -> tuple[str, ...]:
    if "://" not in text:
        return _NONE
    out: list[str] = []
    for m in _URL.finditer(text):
        url = m[0].rstrip(".,;:!?)]>'\"")
        if m[0].count("(") > url.count("(") or ("(" in url and url.count("(") > url.count(")")):
            url = m[0].rstrip(".,;:!?]>'\"")
        if url not in out:
            out.append(url)
    return tuple(out)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _without_key(name: str, entry: ListEntry) -> str | None:
    """The zone as known: what stands in front of it can be a receiver's private key."""
    low = "." + name.lower().strip(".")
    for zone in sorted(entry.zones, key=len, reverse=True):
        if low.endswith("." + zone.lower()):
            return zone
    return None


def _looks_like_address(value: bytes) -> bool:
    """Not a version number, a time or a status code. Masked addresses are addresses."""
    if b":" in value:
        return value.count(b":") >= 3 or b"::" in value
    return value.count(b".") == 3
