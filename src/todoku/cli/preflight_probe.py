"""`todoku preflight --from-host --probe`: what was asked for is read, and then receivers are, by the rules
of `todoku probe` (docs/probe.md): each once in six hours, and what either command asked counts for both."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

from todoku import probing
from todoku.cases import policy as policies
from todoku.cli import EX_USAGE, Failure
from todoku.cli import probe_request as request
from todoku.cli.case_desk import now
from todoku.cli.preflight_request import Given
from todoku.cli.render.text import short
from todoku.i18n import Language, Words, say
from todoku.knowledge.schema import Compiled
from todoku.lists.values import Server
from todoku.preflight import data
from todoku.preflight.outgoing import Way
from todoku.preflight.trials import Trial, Trying
from todoku.preflight.values import Subject
from todoku.serve import visiting
from todoku.serve.exchangers import NoAnswer, exchangers
from todoku.settings import Settings
from todoku.visits import VisitsError

WAIT: Final = 5.0
"""Seconds for one answer of the resolver."""
LEAST: Final = 0.5
"""Seconds that a probe needs."""

WORDS: Final[Words] = {
    "no-probe": {
        "ja": "{option} は --probe と一緒に使います。何も調べていません。",
        "en": "{option} goes with --probe. Nothing was looked at.",
    },
    "no-host": {
        "ja": "--probe は新しいサーバーから尋ねるため、--from-host と一緒に使います。何も調べていません。",
        "en": "--probe asks from the new server, so it goes with --from-host. Nothing was looked at.",
    },
    "not-here": {
        "ja": "--probe を使えません。このマシンは {value} を持っていません。新しいサーバーで実行するか、NAT の内側"
        "なら設定 [own] nat に対を書いてください。何も調べていません。",
        "en": "--probe: this machine does not have {value}. Run this on the new server, or, behind NAT, "
        "write the pair into [own] nat of the settings. Nothing was looked at.",
    },
    "no-ipv6": {
        "ja": "--probe は IPv4 だけです（--ip {value}）。何も調べていません。",
        "en": "--probe goes by IPv4 alone (--ip {value}). Nothing was looked at.",
    },
    "no-place": {
        "ja": "--mailbox {value} は、探査する受信側（{domains}）のどこにもありません。取引先なら --partner も指定して"
        "ください。何も調べていません。",
        "en": "--mailbox {value} is at none of the receivers that are asked ({domains}). If it is a partner's, "
        "name that by --partner, too. Nothing was looked at.",
    },
}


class _Aim(NamedTuple):
    """Where one receiver is asked."""

    domain: str
    mailbox: str | None = None


def _refuse(key: str, lang: Language, **values: str) -> NoReturn:
    raise Failure(say(WORDS[key], lang, **values), EX_USAGE)


def trying(
    found: Settings,
    knowledge: Compiled,
    subject: Subject,
    given: Given,
    way: Way | None,
    resolver: Server,
    deadline: float,
    lang: Language,
) -> Trying:
    """Everything is read before a word is said to anybody. Raises `Failure`."""
    arrived = {_canonical(knowledge, d): visiting.whose(knowledge, "", d) for d in given.arrived}
    if not given.probe:
        for option, values in (("--partner", given.partners), ("--mailbox", given.mailboxes)):
            if values:
                _refuse("no-probe", lang, option=option)
        return Trying(None, arrived=arrived)
    if way is None:
        _refuse("no-host", lang)
    if ":" in subject.ip:
        _refuse("no-ipv6", lang, value=subject.ip)
    if way.source is None:
        _refuse("not-here", lang, value=subject.ip)
    told = found.mail.sender if given.sender is None else given.sender
    us = probing.Us(
        inner=way.source,
        source=subject.ip,
        helo=request.helo_name(found, subject.helo, lang),
        sender=request.mail_address("--sender", told, lang),
    )
    partners = tuple(d for d in given.partners if _canonical(knowledge, d) not in _big())
    aims = _aims(knowledge, partners, given.mailboxes, lang)
    means = probing.Means(
        knowledge, found.own, policies.of(found), Path(found.general.data), way.port, lang
    )
    ask = _asking(aims, us, means, resolver, now(found), time.monotonic() + deadline)
    return Trying(ask, partners, arrived)


def _big() -> dict[str, str]:
    """The domains of those that everybody writes to, and their ids."""
    return {rules.domain: rules.receiver for rules in data.requirements()}


def _canonical(knowledge: Compiled, domain: str) -> str:
    """`hotmail.com` is `outlook.com`, where that is the one which is asked."""
    receiver = visiting.whose(knowledge, "", domain)
    return next((d for d, id_ in _big().items() if id_ == receiver), domain)


def _aims(
    knowledge: Compiled, partners: tuple[str, ...], mailboxes: tuple[str, ...], lang: Language
) -> Mapping[str, _Aim]:
    """For each mailbox the receiver that has it: there its domain is asked."""
    asked = [*_big(), *partners]
    aims: dict[str, _Aim] = {}
    for text in mailboxes:
        mailbox = request.mail_address("--mailbox", text, lang)
        domain = mailbox.rpartition("@")[2]
        place = domain if domain in partners else _canonical(knowledge, domain)
        if place not in asked:
            _refuse("no-place", lang, value=short(mailbox, 200), domains=", ".join(asked))
        aims[place] = _Aim(domain, mailbox)
    return aims


def _asking(
    aims: Mapping[str, _Aim],
    us: probing.Us,
    means: probing.Means,
    resolver: Server,
    at: datetime,
    end: float,
) -> Callable[[str], Trial]:
    big = _big()

    def ask(place: str) -> Trial:
        aim = aims.get(place, _Aim(place))
        if end - time.monotonic() < LEAST:  # it would be a visit in vain, and count for six hours
            return Trial(aim.domain, "no-time")
        try:
            servers = exchangers(aim.domain, resolver, max(0.1, min(WAIT, end - time.monotonic())))
        except NoAnswer:
            return Trial(aim.domain, "unresolved")
        if not servers:
            return Trial(aim.domain, "no-servers")
        try:
            told = probing.probe(
                aim.domain, servers[0], us._replace(mailbox=aim.mailbox), means, at,
                named=big.get(place), wait=max(0.1, end - time.monotonic()),
            )  # fmt: skip
        except probing.NeverError:
            return Trial(aim.domain, "never")
        except probing.TooSoonError as error:
            return _earlier(aim.domain, error)
        except VisitsError as error:
            return Trial(aim.domain, "no-record", why=error.text(means.lang))
        return _trial(told)

    return ask


def _earlier(domain: str, error: probing.TooSoonError) -> Trial:
    """What the receiver said within the last hours still counts, where it settled something."""
    again = f"{error.again.astimezone():%Y-%m-%d %H:%M %z}"
    last = error.last
    if last is None or last.result not in {"accepted", "refused"}:
        return Trial(domain, "too-soon", again=again)
    at = f"{(error.again - error.every).astimezone():%Y-%m-%d %H:%M %z}"
    return _trial(last)._replace(at=at, again=again)


def _trial(told: probing.Probed) -> Trial:
    diagnosis = told.diagnosis
    way = None if diagnosis is None else diagnosis.removal
    return Trial(
        domain=told.domain,
        result=told.result,
        receiver=told.receiver,
        host=told.host,
        stage=told.stage,
        refuses_at=told.refuses_at,
        mailbox=told.mailbox,
        reply=told.reply.text or str(told.reply.code or ""),
        reason=None if diagnosis is None else diagnosis.reason,
        remedy=next(iter(diagnosis.remedy), None) if diagnosis is not None else None,
        desk=None if way is None else way.url or way.address,
        starttls=told.starttls,
        why=told.why,
    )
