"""A case and what is known besides become a draft. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from todoku.cases import commands
from todoku.cases import events as ev
from todoku.cases.case import Case, Standing, identity_key
from todoku.cases.policy import DEFAULT, Policy
from todoku.cases.requesting import letters, obstacles
from todoku.cases.requesting.desks import Chosen, name_of
from todoku.cases.requesting.values import Draft, Facts, Filled, Purpose
from todoku.cases.standings import PROMISES
from todoku.cases.states import ASKED, UNDECIDED
from todoku.i18n import Language
from todoku.knowledge import fields
from todoku.knowledge.schema import Compiled, DeskLanguage, Field
from todoku.model import Identity

MOST_REPLY: Final = 1500
"""Characters of a refusal that a letter quotes."""
_TOLD: Final = frozenset({
    "address", "refusal", "mended", "description", "contact-name", "contact-email", "title",
    "phone", "company",
})  # fmt: skip
"""What every letter has in its sentences."""


def draft(
    case: Case,
    chosen: Chosen,
    knowledge: Compiled,
    facts: Facts,
    now: datetime,
    lang: Language,
    *,
    identities: Sequence[Identity] = (),
    policy: Policy = DEFAULT,
) -> Draft:
    """What may be sent to the desk now. `identities`: empty, those that are worst off. `now` has
    the reader's zone. Raises `NotNow` where nothing is to be asked, `NotThis` where the case does
    not know what is blocked, or is about other identities."""
    purpose, standings = _purpose(case, chosen, identities, now)
    desk = chosen.desk
    language = desk.languages[0] if desk.languages else "en"
    if lang in desk.languages:
        language = lang
    writer = _Writer(case, facts, now, purpose, standings, chosen, knowledge)
    wanted = desk.fields or fields.USUAL
    filled = tuple(
        Filled(field=f, label=fields.label(f, language), value=writer.value(f, language))
        for f in wanted
    )
    note = None if desk.note is None else str(getattr(desk.note, lang))
    return Draft(
        case=case.number,
        purpose=purpose,
        desk=chosen.id,
        desk_name=name_of(chosen.id, case, knowledge, lang),
        channel=desk.channel,
        url=desk.url or writer.url(),
        address=desk.address,
        ticket=case.tickets[-1] if case.tickets else None,
        language=language,
        identities=tuple(s.identity for s in standings),
        to=case.to[:5],
        obstacles=obstacles.obstacles(
            case, chosen, facts, purpose, standings, now, policy, writer.gaps(filled)
        ),
        fields=filled,
        subject=writer.subject(language),
        letter=writer.letter(language, filled),
        translation=None if language == lang else writer.letter(lang, filled),
        note=note,
        wait=desk.wait,
    )


def _purpose(
    case: Case, chosen: Chosen, identities: Sequence[Identity], now: datetime
) -> tuple[Purpose, tuple[Standing, ...]]:
    """What there is to be said to the desk, and about which identities."""
    named = {identity_key(i) for i in identities}
    those = tuple(s for s in case.standings if not named or s.key in named)
    if case.closed is None and commands.asks_another(case, chosen.id):
        undecided = tuple(s for s in those if s.state in UNDECIDED)
        if undecided and len(named) <= len(those):
            return "request", undecided
    kinds: tuple[tuple[Purpose, tuple[Standing, ...]], ...] = (
        ("escalate", tuple(s for s in those if s.state == "declined")),
        ("inform", tuple(s for s in those if s.state == "open" and s.asks)),
        ("request", tuple(s for s in those if s.state == "open")),
        ("chase", tuple(s for s in those if s.state in ASKED)),
    )
    if case.closed is None:
        for purpose, standings in kinds:
            if standings and len(named) <= len(those):
                return purpose, standings
    # Whatever the case says to a request is the reason that there is none.
    commands.request(case, ev.Requested(at=now, identities=tuple(identities)))
    raise AssertionError(f"case {case.number} takes a request that cannot be drafted")


class _Writer:
    """The words of one draft, in any of the languages."""

    def __init__(
        self,
        case: Case,
        facts: Facts,
        now: datetime,
        purpose: Purpose,
        standings: Sequence[Standing],
        chosen: Chosen,
        knowledge: Compiled,
    ) -> None:
        self.case, self.facts, self.now = case, facts, now
        self.purpose, self.standings = purpose, standings
        self.chosen, self.knowledge = chosen, knowledge
        self.by_list = next(
            (e.name for e in knowledge.lists if case.place is not None and e.id == case.place.id),
            None,
        )

    def value(self, field: Field, language: DeskLanguage) -> str | None:
        """What a field of the form gets; `None`: only a person can tell."""
        contact, told = self.facts.contact, self.case.diagnosis
        known: dict[Field, str | None] = {
            "address": "; ".join(self._addresses()),
            "code": told.receiver_code if told is not None else None,
            "company": contact.company,
            "company-kind": contact.business,
            "contact-email": contact.email,
            "contact-name": contact.name,
            "description": "\n".join(self._story(language)),
            "domain": "; ".join(self.facts.own.domains),
            "host-name": "; ".join(name for s in self.standings for name in self._names(s)),
            "imprint": contact.imprint,
            "mail-kind": contact.sends,
            "mended": "\n".join(self._mended(language)),
            "phone": contact.phone,
            "recipient-domain": ", ".join(self.case.to),
            "refusal": self._reply(),
            "time-zone": self.now.strftime("UTC%z") if self.now.tzinfo else None,
            "title": self.subject(language),
        }
        return known.get(field) or None

    def subject(self, language: DeskLanguage) -> str:
        code = self.case.diagnosis.receiver_code if self.case.diagnosis else None
        ticket = self.case.tickets[-1] if self.case.tickets else ""
        key = {"request": "subject-request", "inform": "subject-inform"}.get(
            self.purpose, "subject-again"
        )
        if key != "subject-request" and not ticket:
            key = "subject-request"
        addresses = ", ".join(self._addresses()[:4])
        told = f" ({code})" if code else ""
        return self._say(key, language, addresses=addresses, code=told, ticket=ticket)

    def letter(self, language: DeskLanguage, filled: Sequence[Filled]) -> str:
        """The whole letter."""
        parts = [self._say("hello", language), "\n\n".join(self._story(language))]
        if mended := self._mended(language):
            parts.append("\n".join(mended))
        parts += self._more(language, filled)
        parts += [self._ask(language), self._signed(language)]
        return "\n\n".join(part for part in parts if part) + "\n"

    def gaps(self, filled: Sequence[Filled]) -> tuple[str, ...]:
        """What a letter to this desk leaves to a person, by the labels."""
        if self.chosen.desk.channel != "mail":
            return ()
        return tuple(f.label for f in filled if f.value is None and f.field not in _TOLD)

    def url(self) -> str | None:
        """Where the refusal itself leads to."""
        removal = self.case.diagnosis.removal if self.case.diagnosis else None
        return removal.url if removal is not None else None

    # The parts of it

    def _story(self, language: DeskLanguage) -> list[str]:
        hosts = ", ".join(self._host(s) for s in self.standings)
        since = ""
        if self.case.refused_from is not None:
            since = self._say("since", language, date=self._date(self.case.refused_from))
        if self.by_list is not None:
            begin = self._say("listed", language, hosts=hosts, list=self.by_list, since=since)
        else:
            domains = ", ".join(self.case.to[:5]) or self._say("recipients", language)
            begin = self._say("refused", language, hosts=hosts, domains=domains, since=since)
        told = [begin]
        if reply := self._reply():
            at = self.case.refused_to or self.now
            told.append(f"{self._say('reply', language, date=self._date(at))}\n\n    {reply}")
        return told

    def _mended(self, language: DeskLanguage) -> list[str]:
        told: list[str] = []
        cause, mended = self.case.cause, self.case.mended
        if cause is not None and cause.inherited:
            looked = ", ".join(cause.looked)
            key = "inherited-looked" if looked else "inherited"
            told.append(self._say(key, language, looked=looked))
        elif cause is not None and cause.cause:
            told.append(self._say("cause", language, cause=_line(cause.cause)))
        elif cause is not None:
            looked = ", ".join(cause.looked) or _line(cause.evidence)
            if looked:
                told.append(self._say("looked", language, looked=looked))
        if mended is not None and mended.what:
            told.append(self._say("mended", language, mended=_line(mended.what)))
        return told

    def _more(self, language: DeskLanguage, filled: Sequence[Filled]) -> list[str]:
        """Fields that the letter has not told yet: a desk that takes mail wants them in it."""
        if self.chosen.desk.channel != "mail":
            return []
        lines = []
        for each in filled:
            if each.field in _TOLD:
                continue
            value = self.value(each.field, language) or self._say("missing", language)
            label = fields.label(each.field, language)
            lines.append(self._say("fields", language, label=label, value=value))
        return ["\n".join(lines)] if lines else []

    def _ask(self, language: DeskLanguage) -> str:
        if self.purpose == "request":
            return self._say("ask-request" if self.by_list is None else "ask-listed", language)
        asked = min((s.requested_at for s in self.standings if s.requested_at), default=None)
        answer = self.case.answer
        if self.purpose == "escalate" and answer is not None and answer.class_ in PROMISES:
            return self._say("ask-broken", language, answered=self._date(answer.at))
        asks = dict.fromkeys(a for s in self.standings for a in s.asks)
        return self._say(
            f"ask-{self.purpose}",
            language,
            asked=self._date(asked or self.now),
            asks=", ".join(letters.ASKS[a][language] for a in asks),
        )

    def _signed(self, language: DeskLanguage) -> str:
        contact = self.facts.contact
        lines = (contact.name, contact.company, contact.email, contact.phone)
        known = [line for line in lines if line] or [self._say("missing", language)]
        return "\n".join([self._say("thanks", language), *known])

    # Small things

    def _addresses(self) -> list[str]:
        return [s.identity.value for s in self.standings]

    def _names(self, standing: Standing) -> tuple[str, ...]:
        found = self.facts.reverse.get(standing.identity.value)
        return found.names or () if found is not None else ()

    def _host(self, standing: Standing) -> str:
        names = self._names(standing)
        return f"{standing.identity.value} ({names[0]})" if names else standing.identity.value

    def _reply(self) -> str:
        reply = self.case.reply
        if reply is None:
            return ""
        text = _line(reply.text)[:MOST_REPLY]
        codes = " ".join(str(c) for c in (reply.code, reply.enhanced) if c is not None)
        return text if text.startswith(codes[:3]) else f"{codes} {text}".strip()

    def _date(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.now.tzinfo):%Y-%m-%d %H:%M %z}"

    def _say(self, key: str, language: DeskLanguage, **values: str) -> str:
        return letters.WORDS[key][language].format(**values)


def _line(text: str) -> str:
    """What strangers wrote, on one line and without what a terminal would act on."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
