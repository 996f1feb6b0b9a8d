"""One `todoku serve`: what the settings name, put together; intake, then what is due, again and again.

The demo lives by the same rounds as the daemon, on another clock."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final, Protocol

import msgspec

from todoku.cases import EventError
from todoku.cases.case import identity_key
from todoku.diagnosis import Diagnoser
from todoku.errors import TodokuError
from todoku.i18n import Language, Sentence, Words
from todoku.knowledge.schema import Compiled
from todoku.lists.kept import Kept
from todoku.lists.plan import Terms
from todoku.lists.servers import resolvers
from todoku.lists.values import Server, Upstream
from todoku.model import Identity
from todoku.serve import spool, unsure
from todoku.serve.asking import Lists
from todoku.serve.deeds import Means, all_of
from todoku.serve.directory import Directory
from todoku.serve.exchangers import txt
from todoku.serve.intake import Intake, answer_rules
from todoku.serve.once import Once
from todoku.serve.opening import desks_of
from todoku.serve.proving import Proofs
from todoku.serve.sentlog import SentLog, Unread
from todoku.serve.trying import Seek
from todoku.serve.usermail import UserMail
from todoku.serve.worker import Worker
from todoku.settings import Settings
from todoku.settings.table import endpoint
from todoku.store import UNUSABLE
from todoku.store.actions import Queue
from todoku.store.cases import Desk
from todoku.store.messages import Mailbox, People
from todoku.store.unverified import Unverified

EVERY: Final = 5.0
"""Seconds between two looks into the folder of mails."""
SHORTEST: Final = 0.1
MOST_TOLD: Final = 1000
SWEEP: Final = timedelta(hours=1)
"""Between two looks for mail whose time is over."""

WORDS: Final[Words] = {
    "unread": {
        "ja": "{folder} のメールを読めません（{why}）。次の機会に読み直します。",
        "en": "cannot read the mails of {folder} ({why}). They are tried again.",
    },
    "unread-log": {
        "ja": "設定 [mail] log の {path} を読めません（{why}）。読めるようになるまで、このログで証明される返送は"
        "「未確認」として残します。",
        "en": "cannot read {path}, named by [mail] log of the settings ({why}). Until it can be read, "
        "bounces that it would prove are kept as not verified.",
    },
    "unread-directory": {
        "ja": "設定 [cases] directory の {path} を読めません（{why}）。読めるようになるまで、メールが返された利用者には"
        "知らせません（申告した人には知らせます）。",
        "en": "cannot read {path}, named by [cases] directory of the settings ({why}). Until it can be read, "
        "users whose mail comes back are not told; those who report are.",
    },
    "expired": {
        "ja": "{days} 日を過ぎたメール {count} 通の本文を消しました（設定 [privacy] keep_days）。",
        "en": "erased the text of {count} mails older than {days} days ([privacy] keep_days).",
    },
    "again": {
        "ja": "データベースを再び使えます。作業を続けます。",
        "en": "the database can be used again; work goes on.",
    },
    "unplaced": {
        "ja": "窓口の回答を案件に記録できませんでした（{why}）。メールは残してあります。",
        "en": "an answer of a desk could not be recorded in its case ({why}). The mail is kept.",
    },
    "trouble": {
        "ja": "作業が一つ終わりませんでした（{why}）。済んだかどうかは後で確かめます。",
        "en": "an action did not come to its end ({why}). Whether it was done is found out later.",
    },
}

Tell = Callable[[Sentence, dict[str, object]], object]


class Clock(Protocol):
    def now(self) -> datetime: ...
    @property
    def factor(self) -> float:
        """Seconds that pass on it in one of the machine's."""
        ...


class Wall:
    """The machine's."""

    factor = 1.0

    def now(self) -> datetime:
        return datetime.now(UTC)


def clock_of(settings: Settings) -> Clock:
    """The machine's, or that of the lab in which this lives."""
    if settings.lab.clock is None:
        return Wall()
    from todoku.lab.clock import FastClock

    return FastClock.of(settings.lab.clock)


def means(
    settings: Settings,
    desk: Desk,
    knowledge: Compiled,
    terms: Terms,
    kept: Kept,
    lang: Language,
    clock: Clock,
    was_sent: Callable[[str], bool | None] | None = None,
) -> Means:
    """What the deeds need, as the settings name it. `was_sent`: instead of the log of the settings."""
    named = settings.dns.resolver
    servers = (Server(*endpoint(named, 53)),) if named else tuple(resolvers())
    upstream = Upstream(kind="direct" if settings.dns.direct else "resolver", servers=servers)
    only = None if settings.lab.list is None else (settings.lab.list,)
    sender = settings.mail.sender or ""
    knowledge = desks_of(settings, knowledge)
    return Means(
        desk=desk,
        people=People(desk),
        diagnoser=Diagnoser(knowledge, language=lang, own=settings.own),
        own=settings.own,
        lists=Lists(
            knowledge,
            terms,
            kept,
            upstream,
            lang,
            only=only,
            wall=lambda: clock.now().timestamp(),
        ),
        resolver=servers[0] if servers else None,
        relay=endpoint(settings.mail.relay, 25),
        sender=sender,
        data=Path(settings.general.data),
        admin=settings.mail.admin or sender,
        helo=next(iter(settings.own.helo), socket.getfqdn()),
        inner={outer: inner for inner, outer in settings.own.nat.items()},
        contact=settings.contact,
        desk_relay=endpoint(settings.cases.desk_relay, 25) if settings.cases.desk_relay else None,
        port=int(settings.lab.port),
        lang=lang,
        was_sent=was_sent,
        seek=_seek(settings),
        webhooks=settings.webhooks,
        mailboxes=tuple(box.address for box in settings.mailboxes if box.address is not None),
    )


def _seek(settings: Settings) -> Seek | None:
    if not settings.mailboxes:
        return None
    from todoku.serve.mailboxes import seeking

    return seeking.by_name(settings)


def intake(
    settings: Settings,
    means: Means,
    tell: Callable[[Exception], object],
    log: SentLog,
    unread: Callable[[Path, str], object] = lambda _path, _why: None,
) -> Intake:
    """Answers are believed where their signature holds when they are read, or our own server, by the
    names of `[mail] authserv`, says so; bounces where `log` or a mark of ours proves them. `unread`:
    that the directory of users cannot be read, and why."""
    overlay = Path(settings.knowledge.overlay)
    rules = answer_rules(overlay if overlay.is_dir() else None)
    if settings.lab.signer is not None:
        host = (settings.lab.signer,)
        rules = tuple(msgspec.structs.replace(each, signers=host, desks=host) for each in rules)
    look_up = None if means.resolver is None else partial(txt, resolver=means.resolver)
    mail, own = settings.mail, settings.own
    data = Path(settings.general.data)
    directory = None
    if settings.cases.directory is not None:
        directory = Directory(Path(settings.cases.directory), own, unread)
    return Intake(
        means.desk,
        means.diagnoser,
        own,
        rules,
        mail.authserv,
        look_up=look_up,
        tell=tell,
        mailboxes=settings.mailboxes,
        proofs=Proofs(means.desk, own, log=log, folder=data, batv=mail.batv_keys),
        users=UserMail(mail.reports, means.diagnoser, own, look_up),
        directory=directory,
    )


def identities_here(settings: Settings) -> frozenset[str]:
    """Keys of our addresses that are on this machine: probes leave from these alone."""
    own = settings.own
    here = set()
    inner = {outer: within for within, outer in own.nat.items()}
    sending = (ip for ips in own.transports.values() for ip in ips)
    for address in {*own.addresses, *sending}:
        local = inner.get(address, address)
        family = socket.AF_INET6 if ":" in local else socket.AF_INET
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.bind((local, 0))
            here.add(identity_key(Identity("ip", address)))
    return frozenset(here)


class Service:
    """Rounds: mail that came in, then what is due."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        means: Means,
        clock: Clock,
        *,
        tell: Tell = lambda _sentence, _values: None,
    ) -> None:
        """`name`: of this worker, among those that share a database. `tell`: what went wrong."""
        self.means = means
        self.clock = clock
        self.folder = None if settings.mail.folder is None else Path(settings.mail.folder)
        self.spool = Path(settings.mail.spool)
        self._tell = tell
        self._tell_once = Once(tell, MOST_TOLD)
        self._stop = threading.Event()
        self._woken = threading.Event()
        self._box = Mailbox(means.desk)
        self._keep = timedelta(days=int(settings.privacy.keep_days))
        self._swept: datetime | None = None
        self._came = False
        """Mail came in during the last round: more may wait."""
        data = Path(settings.general.data)
        log = SentLog(settings.mail.log, data, means.diagnoser, self._unread_log, settings.own)
        if means.was_sent is None:
            means = msgspec.structs.replace(means, was_sent=log.was_sent)
        means = self.means = msgspec.structs.replace(
            means, trial=log.trial, met=log.met if log.paths else None
        )
        self._log = log
        self._intake = intake(settings, means, self._unplaced, log, self._unread_directory)
        self.worker = Worker(
            name,
            Queue(means.desk),
            all_of(means),
            clock.now,
            identities=identities_here(settings),
            tell=self._trouble,
        )

    def round(self) -> int:
        """Returns how many actions were tried."""
        came = 0
        if self.folder is not None:
            came += self._collect(self.folder)
        if (self.spool / "new").is_dir():
            came += self._collect(self.spool, ours=True)
        self._came = bool(came + len(self._intake.handle(self.clock.now())))
        self._expire()
        tried = self.worker.work()
        self._tell_unsure()
        return tried

    def _expire(self) -> None:
        """What came in is not kept for longer than its time."""
        now = self.clock.now()
        if self._swept is not None and now < self._swept + SWEEP:
            return
        count = self._box.expire(now, self._keep)
        Unverified(self.means.desk).forget(now)
        self._swept = now
        if count:
            self._tell(WORDS["expired"], {"count": count, "days": self._keep.days})

    def _collect(self, folder: Path, *, ours: bool = False) -> int:
        try:
            return self._intake.collect(folder, self.clock.now(), ours=ours)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            self._tell(WORDS["unread"], {"folder": folder, "why": why})
            return 0

    def run(self) -> None:
        """Until `stop`. While the store cannot be used, it is tried again."""
        try:
            self._run()
        finally:
            self.close()

    def _run(self) -> None:
        spool.tidy(self.spool, time.time())
        trouble = False
        while not self._stop.is_set():
            self._woken.clear()
            try:
                tried = self.round()
                rest = 0.0 if tried or self._came else self.worker.rest() / self.clock.factor
            except UNUSABLE as error:
                if not trouble:
                    self._tell(error.sentence, error.values)
                trouble = True
                self._woken.wait(EVERY)
                continue
            if trouble and tried:  # while nothing is written, nobody knows
                self._tell(WORDS["again"], {})
                trouble = False
            if rest:
                self._woken.wait(min(max(rest, SHORTEST), EVERY))

    def close(self) -> None:
        """Files that are read are let go."""
        self._log.close()

    def wake(self) -> None:
        """Something may be due. Any thread may."""
        self._woken.set()

    def stop(self) -> None:
        """After the action under way. Any thread, and a signal handler, may."""
        self._stop.set()
        self.worker.stop()
        self._woken.set()

    def _tell_unsure(self) -> None:
        for work in self.worker.left:
            among = sum(other.case == work.case for other in self.worker.left)
            self._tell_once(*unsure.told(work, self._named, among))

    def _named(self, who: str) -> str | None:
        person = self.means.people.get(who)
        return None if person is None else person.address

    def _unplaced(self, error: Exception) -> None:
        if isinstance(error, EventError):
            self._tell_once(error.sentence, error.values)
            return
        self._tell(WORDS["unplaced"], {"why": " ".join(str(error).split())[:300]})

    def _trouble(self, error: Exception) -> None:
        if isinstance(error, TodokuError):
            self._tell_once(error.sentence, error.values)
        else:
            self._tell_once(WORDS["trouble"], {"why": " ".join(str(error).split())[:300]})

    def _unread_log(self, unread: Unread) -> None:
        self._tell_once(WORDS["unread-log"], unread._asdict())

    def _unread_directory(self, path: Path, why: str) -> None:
        self._tell_once(WORDS["unread-directory"], {"path": path, "why": why})
