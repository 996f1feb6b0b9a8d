"""The lab, and a worker that lives in it: real SMTP and DNS on loopback, days in moments."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from todoku import store
from todoku.cases import events as ev
from todoku.cases.answers import Rules
from todoku.cases.policy import DEFAULT, Policy
from todoku.diagnosis import Diagnoser
from todoku.knowledge import load
from todoku.lab import maildir
from todoku.lab.clock import STORY, SteppedClock
from todoku.lab.signing import SELECTOR, key, sign
from todoku.lab.world import LISTED, Lab
from todoku.lab.zones import txt
from todoku.lists.values import Server
from todoku.serve.deeds import Means, all_of
from todoku.serve.intake import Intake, answer_rules
from todoku.serve.proving import Proofs
from todoku.serve.sentlog import SentLog
from todoku.serve.trying import Found
from todoku.serve.worker import Worker
from todoku.settings.own import Own
from todoku.store.actions import Queue
from todoku.store.cases import Desk
from todoku.store.messages import People

Result = TypeVar("Result")
SATO = "sato@hoge.test"
OWN = Own(addresses=(LISTED,), domains=("hoge.test",), helo=("mx1.hoge.test",))
WORDS = "Hotmailのアドレスの方へメールが送れない状況です。どうしましょうか?"


@dataclasses.dataclass
class Serving:
    """A data folder and the worker on it."""

    lab: Lab
    clock: SteppedClock
    folder: Path
    policy: Policy = DEFAULT
    troubles: list[Exception] = dataclasses.field(default_factory=list)
    seen: Found | Exception | None = None
    """In the mailbox in which trials are looked for."""
    _signers: set[str] = dataclasses.field(default_factory=set)

    def __post_init__(self) -> None:
        self.engine = store.connect(f"sqlite:///{self.folder}/todoku.db")
        self.desk = Desk(self.engine, self.policy)
        self.queue = Queue(self.desk)
        self.people = People(self.desk)
        diagnoser = Diagnoser(load.knowledge(), language="ja", own=OWN)
        self.means = Means(
            desk=self.desk,
            people=self.people,
            diagnoser=diagnoser,
            own=OWN,
            lists=lambda _identities, _place, _now: (),
            resolver=Server(self.lab.names.host, self.lab.names.port),
            relay=self.lab.submission,
            sender="postmaster@hoge.test",
            data=self.folder,
            admin="postmaster@hoge.test",
            helo="mx1.hoge.test",
            port=self.lab.smtp_port,
            lang="ja",
            was_sent=self.was_sent,
        )
        log = SentLog([str(self.lab.sender.log.path)], self.folder, diagnoser)
        self.log = log
        self.means = msgspec.structs.replace(self.means, trial=log.trial, seek=self.seek)
        self.worker = Worker(
            "w", self.queue, all_of(self.means), self.clock.now, tell=self.troubles.append
        )
        proofs = Proofs(self.desk, OWN, log=log, folder=self.folder)
        self.intake = Intake(self.desk, diagnoser, OWN, rules(), ["mx1.hoge.test"], proofs=proofs)

    def seek(self, _name: str, _message_id: str) -> Found | None:
        if isinstance(self.seen, Exception):
            raise self.seen
        return self.seen

    def was_sent(self, message_id: str) -> bool | None:
        boxes = (SATO, "postmaster@hoge.test")
        return any(message_id.encode() in mail for box in boxes for mail in self.mails(box))

    def mails(self, address: str) -> list[bytes]:
        return [p.read_bytes() for p in maildir.messages(self.lab.sender.mailbox(address))]

    async def aside(self, work: Callable[..., Result], *words: Any) -> Result:
        """In a thread, as `serve` works; the clock waits for it."""
        with self.clock.working():
            return await asyncio.to_thread(work, *words)

    async def work(self) -> int:
        done = await self.aside(self.worker.work)
        await self.clock.rest()
        assert not self.troubles
        return done

    async def report(self) -> int:
        who = self.people.known_as(SATO, "佐藤", "ja")
        event = ev.Reported(
            at=self.clock.now(), who=who, words=WORDS, lang="ja", to=("hotmail.test",)
        )
        return self.desk.see(event)[0].case

    async def bounce(self) -> None:
        """The administrator tries it himself, and hands over what comes back."""
        mail = (
            b"From: postmaster@hoge.test\r\nTo: taro@hotmail.test\r\nSubject: test\r\n\r\ntest\r\n"
        )
        self.lab.sender.submit("postmaster@hoge.test", ["taro@hotmail.test"], mail)
        await self.clock.rest()
        await self.collect()

    async def collect(self) -> list[Any]:
        box = self.lab.sender.mailbox("postmaster@hoge.test")
        await self.aside(self.intake.collect, box, self.clock.now())
        return await self.aside(self.intake.handle, self.clock.now())

    async def answer(self, subject: str, body: str, signer: str = "desk.hotmail.test") -> None:
        """The desk's mail, signed, through the front door."""
        signing = key(1)
        if signer not in self._signers:
            self._signers.add(signer)
            self.lab.zones.zone(signer)
            self.lab.zones.add(f"{SELECTOR}._domainkey.{signer}", txt(signing.record))
        mail = (
            f"From: support@{signer}\r\nTo: postmaster@hoge.test\r\nSubject: {subject}\r\n"
            "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Transfer-Encoding: 8bit\r\n\r\n{body}"
        ).encode()
        signed = sign(mail, signer, signing.private)
        self.lab.sender.submit(f"support@{signer}", ["postmaster@hoge.test"], signed)
        await self.clock.rest()

    def events(self, number: int = 1) -> list[ev.AnyEvent]:
        return [recorded.event for recorded in self.desk.history(number)]

    def names(self, number: int = 1) -> list[str]:
        return [ev.name(event) for event in self.events(number)]

    async def pass_to(self, moment: datetime) -> None:
        await self.clock.advance_to(moment)


def rules() -> tuple[Rules, ...]:
    """Those that come with todoku, of a desk that signs as the lab's."""
    return tuple(
        msgspec.structs.replace(each, signers=("desk.hotmail.test",)) for each in answer_rules()
    )


def live(
    folder: Path,
    walk: Callable[[Serving], Awaitable[None]],
    *,
    policy: Policy = DEFAULT,
    start: datetime = STORY,
    **lab: Any,
) -> None:
    async def run() -> None:
        clock = SteppedClock(start)
        async with Lab(folder=folder / "lab", clock=clock, **lab) as world:
            serving = Serving(world, clock, folder, policy)
            try:
                await walk(serving)
            finally:
                serving.log.close()
                serving.engine.dispose()

    asyncio.run(run())
