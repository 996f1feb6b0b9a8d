"""The whole of a diagnosis, put together from the parts of this room.

The order of evidence: for the receiver the answering host, then words that only it prints, then
the recipient's domain. For the reason the receiver's own code and text, then general words, then
the enhanced status code, then the reply code.
"""

from __future__ import annotations

import functools
from typing import Literal, NamedTuple, Protocol

from msgspec import UNSET

from todoku.diagnosis import identities
from todoku.diagnosis.blocklists import ListBook
from todoku.diagnosis.identities import Cues
from todoku.diagnosis.receivers import Places, Receivers
from todoku.diagnosis.sisimai import translate
from todoku.diagnosis.weighing import EMPTY_WORDS, Found, Rules
from todoku.knowledge import match as matching
from todoku.knowledge.schema import Compiled, Desk, ListEntry, Reason, Rule, Status
from todoku.model import (
    Blocklist,
    Confidence,
    Diagnosis,
    Evidence,
    Identity,
    Language,
    Refusal,
    Removal,
    Sisimai,
    WhoActs,
)

_REASON_OF_KIND = {
    "complaint": "complaint",
    "auto-reply": "auto-reply",
    "delivered": "delivered",
}
_SEE_PAGE = "see-url"
"""The step that speaks of a page that the reply names."""
_SAYS_LITTLE = ("undecided", "policy")
"""Reasons of a status code that do not beat empty words."""
_NO_GROUND = ("policy", "refused-client")
"""Reasons that say that one is refused, and not why: the lines that are missing may tell more."""
_BLANK_FOR_UNDERSCORE = "qmail-log"
"""The reader whose log writes both alike. Words have blanks, codes (`OFR_417`) have none."""


class Own(Protocol):
    """What `[own]` of the settings answers (todoku.settings)."""

    def tells(self, identity: Identity) -> bool | None: ...
    def is_smarthost(self, host: str | None, ip: str | None) -> bool: ...


class _Said(NamedTuple):
    """What a rule says whatever the text: put together once."""

    name: str
    sources: tuple[str, ...]
    remedy: tuple[str, ...]
    """Ids of steps."""
    own_remedy: bool
    owner: str
    who: WhoActs
    desk: Desk | None
    confidence: Confidence
    common: bool


class Diagnoser:
    """Diagnoses refusals with one knowledge, in one language.

    Build it once and call it for each refusal; building costs milliseconds, a call microseconds.
    `rules` and `receivers` are for those who explain a diagnosis.
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
        self.rules = Rules(knowledge, scan or matching.scanner(knowledge))
        self.receivers = Receivers(knowledge)
        self._lists = ListBook(knowledge.lists)
        self._cues = Cues(knowledge.cues, knowledge.cue_words)
        self._said: list[_Said | None] = [None] * len(knowledge.rules)
        self._enhanced = {s.code: s for s in knowledge.statuses.enhanced}
        self._status = functools.lru_cache(1024)(self._of_status)
        self._reply = {s.code: s for s in knowledge.statuses.reply}
        self._steps: dict[tuple[str, tuple[str, ...]], tuple[str, ...]] = {}

    def __call__(self, refusal: Refusal, source: str = "-") -> Diagnosis:
        """The diagnosis of one refusal. `source` is where it came from, as the user named it."""
        if refusal.kind != "refusal":
            return self._other(refusal, source)
        reply = refusal.reply
        places = self.receivers.places(refusal)
        found, mark = self._read(refusal, places)
        status = self._status(reply.enhanced) if reply.enhanced else None
        if (
            found is not None
            and status is not None
            and status.reason not in _SAYS_LITTLE
            and self.rules.standing(found.pattern).rank <= EMPTY_WORDS
        ):
            found = None
        if refusal.cut and found and self.knowledge.rules[found.rule].reason in _NO_GROUND:
            found = None
        evidence: list[Evidence] = []
        blocked: tuple[Identity, ...] = ()
        blocklist: Blocklist | None = None
        entry: ListEntry | None = None
        rule: Rule | None = None
        said: _Said | None = None
        owner: int | None = None
        reason: str
        confidence: Confidence
        if found is not None:
            rule = self.knowledge.rules[found.rule]
            said = self._said[found.rule] or self._say(found.rule)
            owner = self.knowledge.owner[found.rule]
            reason, confidence = rule.reason, said.confidence
            if rule.known and places.host is None and mark is None:
                confidence = "likely"
            start, end = found.match.span()
            evidence.append(Evidence("rule", found.position(start), found.position(end)))
            blocked = identities.blocked(found, rule, self._cues, refusal.remote.ip, evidence)
            blocklist, entry = self._lists.consulted(found, rule, reason, evidence)
        else:
            reason, confidence = self._by_status(refusal, status), "guess"
            if refusal.cut and reason in _NO_GROUND:
                reason = "undecided"
        who = self.receivers.who(places, mark, owner)
        text = reply.text or refusal.notice
        code = self.receivers.code(found, rule, who, text, evidence) if text else None
        if code is not None and refusal.reader == _BLANK_FOR_UNDERSCORE:
            code = code.replace(" ", "_")
        about = self.knowledge.reasons[reason]
        urls = identities.urls(reply.text)
        temporary = _temporary(refusal, reason, understood=rule is not None)
        if rule is not None and rule.temporary is not None and temporary is not None:
            temporary = rule.temporary
        if self.own is not None and blocked:
            blocked = tuple(Identity(b.kind, b.value, b.scope, self.own.tells(b)) for b in blocked)
        refused_by = self._refused_by(refusal)
        return Diagnosis(
            source=source,
            kind="refusal",
            action=refusal.action,
            recipient=refusal.recipient,
            sender=refusal.sender,
            reported_by=refusal.reported_by,
            remote=refusal.remote,
            stage=refusal.stage,
            reply=reply,
            reason=reason,
            temporary=temporary,
            receiver=self._id(who[0]),
            gateway=self._id(who[1]),
            receiver_code=code,
            blocked=blocked,
            blocklist=blocklist,
            urls=urls,
            removal=self._removal(said.desk if said else None, entry, reason, urls),
            who_acts=_who_acts(said.who if said else about.who, refused_by),
            remedy=self._remedy(said, about, blocklist, urls),
            rule=said.name if said else None,
            confidence=confidence,
            evidence=tuple(evidence) if found is not None and found.text is reply.text else (),
            sources=said.sources if said else (),
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
            refused_by=refused_by,
            knowledge=self.knowledge.version,
        )

    def _other(self, refusal: Refusal, source: str) -> Diagnosis:
        """Complaints, automatic replies, success reports, reports, and what is no bounce."""
        reason = _REASON_OF_KIND.get(refusal.kind)
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
            blocked=(),
            blocklist=None,
            urls=identities.urls(refusal.reply.text),
            removal=None,
            who_acts=about.who if about else None,
            remedy=self._texts("", about.remedy) if about else (),
            rule=None,
            confidence="certain",
            evidence=(),
            sources=(),
            sisimai=Sisimai(about.sisimai, False) if about else None,
            feedback_type=refusal.feedback_type,
            id=refusal.id if refusal.id is not None else UNSET,
            message_id=refusal.message_id,
            knowledge=self.knowledge.version,
        )

    # ── words ─────────────────────────────────────────────────────────────────────────────────

    def _read(self, refusal: Refusal, places: Places) -> tuple[Found | None, int | None]:
        """The winning rule, and the receiver whose marks stand in the words: in the receiver's
        own, else in the reporter's."""
        text, notice = refusal.reply.text, refusal.notice
        found = mark = None
        if text:
            found, mark = self.choose(text, refusal, places)
        if notice and notice != text:
            if found is None:
                found, second = self.choose(notice, refusal, places)
                mark = second if mark is None else mark
            elif mark is None and places.host is None:
                raw = notice.encode("utf-8", "replace")
                mark = self.rules.mark(self.rules.scan_first(raw), raw)
        return found, mark

    def choose(
        self, text: str, refusal: Refusal, places: Places
    ) -> tuple[Found | None, int | None]:
        """The winning rule for one text, and the receiver whose marks stand in it."""
        raw = text.encode("utf-8", "replace")
        rules = self.rules
        hits = rules.scan_first(raw)
        mark = rules.mark(hits, raw)
        homes = self.receivers.homes(places, mark)
        elsewhere = places.host is not None and self.receivers.mailbox[places.host]
        candidates = rules.candidates(hits, homes, refusal.stage, elsewhere=elsewhere)
        found = rules.first(candidates, text, raw)
        rest = rules.scan_rest
        if rest is not None and (found is None or found.weighed[0] <= rules.highest_of_rest):
            others = rules.candidates(rest(raw), homes, refusal.stage, elsewhere=elsewhere)
            other = rules.first(others, text, raw)
            if other is not None and (found is None or other.weighed > found.weighed):
                found = other
        return found, mark

    # ── codes ─────────────────────────────────────────────────────────────────────────────────

    def _of_status(self, enhanced: str) -> Status | None:
        """What the enhanced status code says by itself: the most exact entry."""
        cls, _, tail = enhanced.partition(".")
        subject = tail.partition(".")[0]
        for key in (enhanced, f"x.{tail}", f"{cls}.{subject}", f"x.{subject}"):
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

    # ── who, and the way out ──────────────────────────────────────────────────────────────────

    def _id(self, receiver: int | None) -> str | None:
        return None if receiver is None else self.knowledge.receivers[receiver].id

    def _refused_by(self, refusal: Refusal) -> Literal["receiver", "own-smarthost"] | None:
        if self.own is None or (refusal.remote.host is None and refusal.remote.ip is None):
            return None
        own = self.own.is_smarthost(refusal.remote.host, refusal.remote.ip)
        return "own-smarthost" if own else "receiver"

    def _removal(
        self, desk: Desk | None, entry: ListEntry | None, reason: str, urls: tuple[str, ...]
    ) -> Removal | None:
        if reason == "lookup-failed":
            return None  # nothing is shown to be listed
        if desk is None and entry is not None and entry.desk:
            desk = self.knowledge.desks.get(entry.desk)
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
        desk = None
        if rule.desk:
            name = rule.desk if "/" in rule.desk else f"{whose.id}/{rule.desk}"
            desk = self.knowledge.desks.get(name)
        said = self._said[number] = _Said(
            name=self.rules.name(number),
            sources=rule.source or whose.source,
            remedy=rule.remedy or about.remedy,
            own_remedy=bool(rule.remedy) and self.receivers.identifies[owner],
            owner=whose.id,
            who=rule.who or about.who,
            desk=desk,
            confidence="certain" if sure else "likely",
            common=rule.doubtful or not self.receivers.identifies[owner],
        )
        return said

    def _remedy(
        self,
        said: _Said | None,
        about: Reason,
        blocklist: Blocklist | None,
        urls: tuple[str, ...],
    ) -> tuple[str, ...]:
        """The rule's steps, else the reason's; for a list of what should not send directly those
        for such a list; and no step that speaks of a page where none is named."""
        owner, ids = (said.owner, said.remedy) if said else ("", about.remedy)
        policy_list = blocklist is not None and blocklist.class_ == "policy"
        if policy_list and about.remedy_policy and not (said and said.own_remedy):
            owner, ids = "", about.remedy_policy
        if not urls and _SEE_PAGE in ids and len(ids) > 1:
            ids = tuple(i for i in ids if i != _SEE_PAGE)
        return self._texts(owner, ids)

    def _texts(self, owner: str, ids: tuple[str, ...]) -> tuple[str, ...]:
        """Steps by id, a file's own before the shared ones, in the language asked for."""
        got = self._steps.get((owner, ids))
        if got is None:
            texts = self.knowledge.texts
            chosen = [texts.get(f"{owner}/{i}") or texts[i] for i in ids]
            got = tuple(t.ja if self.language == "ja" else t.en for t in chosen)
            self._steps[owner, ids] = got
        return got


def _who_acts(who: WhoActs, refused_by: str | None) -> WhoActs:
    """What the receiver's administrator would do at one's own relay is one's own move."""
    return "sender-admin" if who == "receiver-admin" and refused_by == "own-smarthost" else who


_NOBODY_ANSWERED = frozenset({"network", "tls", "expired", "host-unknown"})
"""Where one of these is told without a reply code, the sending side speaks of itself."""
_OWN_TROUBLE = frozenset({"undecided", "mailer", "system", "system-full", "message-too-big"})
"""Told without any code, these are as often the reporting system's own."""


def _temporary(refusal: Refusal, reason: str, *, understood: bool) -> bool | None:
    """Does the receiver ask to try again? A status code that the reporter chose by itself (4.4.7 for
    a connection that failed) is no answer; words without any code that were final are one."""
    reply = refusal.reply
    if reply.code is not None:
        return reply.code // 100 == 4
    if reason in _NOBODY_ANSWERED:
        return None
    if reply.enhanced:
        return reply.enhanced[0] == "4"
    final = understood and refusal.action == "failed" and reason not in _OWN_TROUBLE
    return False if final else None
