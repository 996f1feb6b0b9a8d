"""The people of the story: a user who complains, and the administrator, who does what the case asks
of a person. Both act over HTTP and SMTP, as they would from their desks."""

from __future__ import annotations

import email
import re
import smtplib
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from todoku.cases import commands
from todoku.cases import events as ev
from todoku.cases.case import Case, later
from todoku.cases.requesting import Facts, choose, compose, draft, keeps
from todoku.cases.states import ASKED
from todoku.cases.tasks import Task, TaskKind, tasks
from todoku.demo.browsing import NoHelp, TooEarly, open_page
from todoku.demo.house import ADMINISTRATOR, SENDERS, House
from todoku.i18n import Language, Words, say
from todoku.lab import maildir
from todoku.model import Identity
from todoku.serve.executing import execute
from todoku.serve.orders import Ask, Report, Try, fresh_id
from todoku.serve.reporting import report
from todoku.serve.writing import elsewhere
from todoku.settings.table import endpoint

USER: Final = "sato@hoge.test"
FRIEND: Final = "taro@hotmail.test"
PARTNER: Final = "taro@partner.test"
OWN_THERE: Final = "postmaster@hotmail.test"
"""A mailbox of the administrator's at the receiver."""
BETWEEN: Final = timedelta(hours=9)
"""Two trials."""
BY: Final = "admin"

MINUTE: Final = timedelta(minutes=1)
AFTER: Final[Mapping[TaskKind, timedelta]] = {
    "identify": 8 * MINUTE,
    "cause": 17 * MINUTE,
    "request": 28 * MINUTE,
    "confirm": 12 * MINUTE,
    "inform": 35 * MINUTE,
    "look": 20 * MINUTE,
    "chase": 5 * MINUTE,
    "escalate": 5 * MINUTE,
    "try": 3 * MINUTE,
    "junk": 3 * MINUTE,
}
"""How long the administrator takes. What is not here he leaves undone."""

WORDS: Final[Words] = {
    "user": {"ja": "佐藤", "en": "Sato"},
    "complaint": {
        "ja": "Hotmailのアドレスの方へメールが送れない状況です。どうしましょうか?",
        "en": "I can't send to Hotmail addresses. What shall we do?",
    },
    "complaint-partner": {
        "ja": "取引先の partner.test 宛てのメールが、先週から戻ってきます。",
        "en": "my mail to our customer at partner.test has come back since last week.",
    },
    "cooling": {
        "ja": "掲載から間もないため、フォームがまだ受け付けない。示された時刻に出し直す",
        "en": "listed too recently: the form takes nothing yet. To be filed at the time that its page names",
    },
    "several": {
        "ja": "次の各アドレスから送れるか試しています: {addresses}",
        "en": "trying from each of these addresses: {addresses}",
    },
    "trial": {"ja": "テスト", "en": "test"},
    "again": {"ja": "先日の件", "en": "As I wrote"},
    "cause": {
        "ja": "再利用された IP アドレス（前の使用者の評価）",
        "en": "a re-used address, with the past of an earlier holder",
    },
    "evidence": {
        "ja": "サーバーを移した直後から拒否。ログに不審な送信なし。",
        "en": "refused from the first day after the move; nothing unusual in our own logs.",
    },
    "mended": {
        "ja": "送信ログと待ち行列を調べ、当方から迷惑メールが出ていないことを確認した。",
        "en": "went through our logs and the queue: no spam leaves from us.",
    },
    "asked": {
        "ja": "最近このアドレスへ移りました。当方からの迷惑メールはありません。解除をお願いします。",
        "en": "we moved to this address recently and send no spam from it. Please lift the block.",
    },
    "insist": {
        "ja": "{ticket} の件、本日も次のとおり拒否されました。担当の方による再調査をお願いします。",
        "en": "About {ticket}: mail was refused again today, as below. Please have a person review it.",
    },
    "inform": {
        "ja": "{ticket} の件、お尋ねの情報をお送りします。拒否の応答は次のとおりです。",
        "en": "About {ticket}: here is what you asked for. The refusal reads as follows.",
    },
    "laid-aside": {
        "ja": "窓口の署名がなく、本物と確かめられないため取り上げない",
        "en": "without the desk's signature: laid aside",
    },
}


_LINK: Final = re.compile(r"https?://[^\s<>\"']+")


def _text(mail: bytes) -> str:
    message = email.message_from_bytes(mail, policy=SMTP)
    body = message.get_body(("plain",))
    return "" if body is None else str(body.get_content())


class People:
    def __init__(
        self,
        house: House,
        form: str,
        door: tuple[str, int],
        lang: Language,
        blocked: Sequence[str],
        *,
        addresses: Sequence[str] = (),
        friend: str = FRIEND,
        wrong_desk: str | None = None,
        waits: bool = False,
    ) -> None:
        """`form`: the URL of the desk's form. `door`: where the house takes mail for sending.
        `blocked`: addresses of the house of which he has heard that mail is refused. `addresses`: all
        of them, where he does not know which it is. `friend`: to whom the user writes. `wrong_desk`:
        whom he asks first. `waits`: he asks nobody, as the entry goes by itself."""
        self._house = house
        self._form = form
        self._door = door
        self._lang: Language = lang
        self._blocked = tuple(blocked)
        self._addresses = tuple(addresses) or self._blocked
        self.friend = friend
        self._wrong_desk = wrong_desk
        self._tried: datetime | None = None
        self._opens: datetime | None = None
        """When the desk takes requests, as its page said."""
        self._done: set[tuple[int, str]] = set()
        self._doing: Mapping[TaskKind, Callable[[Case, Task, datetime], object]] = {
            "identify": self._try_it,
            "cause": self._look_for_the_cause,
            "request": self._file,
            "confirm": self._confirm,
            "inform": self._inform,
            "look": self._look,
            "chase": self._chase,
            "escalate": self._insist,
            "try": self._trial,
            "junk": self._trial,
        }
        if waits:
            self._doing = {k: v for k, v in self._doing.items() if k != "request"}

    def say(self, word: str, **values: object) -> str:
        return say(WORDS[word], self._lang, **values)

    # The user

    def complain(self, now: datetime) -> None:
        word = "complaint" if self.friend == FRIEND else "complaint-partner"
        given = Report(
            words=self.say(word),
            who=USER,
            name=self.say("user"),
            lang=self._lang,
            to=(self.friend.rpartition("@")[2],),
        )
        self._report(given, now)

    def write_again(self, now: datetime) -> None:
        """To the friend, once it is said to work."""
        self._send(USER, self.friend, self.say("again"), self.say("complaint"), now)

    def _report(self, given: Report, now: datetime) -> None:
        house = self._house
        report(given, house.desk, house.diagnoser, house.settings.own, now)

    # The administrator

    def act(self, case: Case, now: datetime) -> bool:
        """Do the first task whose time has come. False: there is none."""
        for task in self._open(case):
            if self._when(task) <= now:
                self._done.add((case.number, task.key))
                self._doing[task.kind](case, task, now)
                return True
        return False

    def next_at(self, case: Case) -> datetime | None:
        return min(map(self._when, self._open(case)), default=None)

    def _open(self, case: Case) -> list[Task]:
        found = tasks(case, self._house.desk.policy)
        done = self._done
        return [t for t in found if t.kind in self._doing and (case.number, t.key) not in done]

    def _when(self, task: Task) -> datetime:
        if task.kind in {"try", "junk"} and self._tried is not None:
            return max(later(self._tried, BETWEEN), later(task.since, AFTER[task.kind]))
        if task.kind == "request" and self._opens is not None:
            return max(self._opens, later(task.since, AFTER[task.kind]))
        return later(task.since, AFTER[task.kind])

    def _try_it(self, case: Case, _task: Task, now: datetime) -> None:
        to = f"taro@{next(iter(case.to), 'hotmail.test')}"
        for address in self._addresses:
            self._send(SENDERS[address], to, self.say("trial"), self.say("trial"), now)
        if len(self._blocked) > 1:  # one request for all: they belong to one case
            identities = tuple(Identity("ip", address) for address in self._blocked)
            words = self.say("several", addresses=", ".join(self._blocked))
            given = Report(by=BY, words=words, to=case.to, identities=identities)
            self._report(given, now)

    def try_again(self, now: datetime) -> None:
        """What he hears is seen at once."""
        for address in self._blocked:
            self._send(SENDERS[address], self.friend, self.say("trial"), self.say("trial"), now)

    def _look_for_the_cause(self, case: Case, _task: Task, now: datetime) -> None:
        found = ev.CauseFound(at=now, by=BY, cause=self.say("cause"), evidence=self.say("evidence"))
        said: tuple[ev.AnyEvent, ...] = (found,)
        if self._house.settings.lab.desk is not None:  # no letter is sent without it
            said += (ev.Mended(at=now, by=BY, what=self.say("mended")),)
        self._house.desk.change(case.number, lambda _: said)

    def _file(self, case: Case, task: Task, now: datetime) -> None:
        if self._house.settings.lab.desk is not None:
            self._write(case, now)
            return
        identities = tuple(s.identity for s in case.among("open"))
        try:
            self._fill_in(case, identities)
        except TooEarly as page:
            self._opens = page.opens
            self._done.discard((case.number, task.key))
            noted = ev.Noted(at=now, by=BY, text=self.say("cooling"))
            self._house.desk.change(case.number, lambda _: (noted,))
            return
        desk = case.diagnosis.desk if case.diagnosis is not None else None
        if self._wrong_desk is not None and not case.requests:
            desk = self._wrong_desk
        asked = ev.Requested(
            at=now, by=BY, desk=desk, channel="form", identities=identities,
            text=self.say("asked"),
        )  # fmt: skip
        self._house.desk.change(case.number, lambda c: commands.request(c, asked))

    def _chase(self, case: Case, task: Task, now: datetime) -> None:
        """By a reply where there is a ticket; else by the form, as if for the first time."""
        if case.tickets:
            self._insist(case, task, now)
            return
        self._ask_again(case, tuple(s.identity for s in case.among(*ASKED)), now)

    def _ask_again(self, case: Case, identities: tuple[Identity, ...], now: datetime) -> None:
        """By the form."""
        self._fill_in(case, identities)
        again = ev.Escalated(at=now, by=BY, desk=case.desk, text=self.say("asked"))
        policy = self._house.desk.policy
        self._house.desk.change(case.number, lambda c: commands.escalate(c, again, policy))

    def _fill_in(self, case: Case, identities: tuple[Identity, ...]) -> None:
        fields = {
            "ips": "\n".join(i.value for i in identities),
            "domain": "hoge.test",
            "contact": ADMINISTRATOR,
            "error": "" if case.reply is None else case.reply.text,
            "text": self.say("asked"),
        }
        open_page(self._form, urllib.parse.urlencode(fields).encode())

    def _trial(self, case: Case, task: Task, now: datetime) -> None:
        """`todoku case try N`, to a mailbox of his own there; and once more after a while."""
        (standing,) = (s for s in case.standings if s.key in task.identities)
        order = Try(
            id=fresh_id(), by=BY, case=case.number, identity=standing.identity, to=OWN_THERE,
            sender=SENDERS[standing.identity.value], mailbox=OWN_THERE,
        )  # fmt: skip
        house = self._house
        execute(order, house.desk, lambda: house.diagnoser, house.settings.own, now)
        self._tried = now
        self._done.discard((case.number, task.key))

    def _write(self, case: Case, now: datetime) -> None:
        """He reads the letter that todoku drafts, and has it sent: `todoku case request N --send`."""
        house = self._house
        found, knowledge = house.settings, house.diagnoser.knowledge
        relay = found.cases.desk_relay
        way = None if relay is None else endpoint(relay, 25)
        facts = Facts(
            own=found.own,
            contact=found.contact,
            elsewhere=elsewhere(way, case, found.own.nat),
        )
        made = draft(
            case, choose(case, knowledge), knowledge, facts, now, self._lang,
            policy=house.desk.policy,
        )  # fmt: skip
        if kept := keeps(made, by_itself=False):
            raise NoHelp(", ".join(kept))
        order = Ask(
            id=fresh_id(),
            by=BY,
            case=case.number,
            desk=made.desk,
            channel="mail",
            identities=made.identities,
            text=made.letter,
            letter=compose(made, found.contact, case.thread),
        )
        execute(order, house.desk, lambda: house.diagnoser, found.own, now)

    def _insist(self, case: Case, task: Task, now: datetime) -> None:
        right = None if case.diagnosis is None else case.diagnosis.desk
        if case.desk == self._wrong_desk is not None and right is not None:
            # The draft says where the refusal leads to: he had asked the wrong desk.
            self._fill_in(case, tuple(s.identity for s in case.among("declined")))
            asked = ev.Requested(at=now, by=BY, desk=right, channel="form", text=self.say("asked"))
            self._house.desk.change(case.number, lambda c: commands.request(c, asked))
            return
        if self._house.settings.lab.desk is not None:
            self._write(case, now)
            return
        if case.by_hand:  # his reply came back
            self._ask_again(case, tuple(s.identity for s in case.among("declined")), now)
            return
        text = self._write_to_the_desk(case, "insist", now)
        again = ev.Escalated(
            at=now, by=BY, desk=case.desk, ticket=next(reversed(case.tickets), None), text=text
        )
        policy = self._house.desk.policy
        self._house.desk.change(case.number, lambda c: commands.escalate(c, again, policy))

    def _inform(self, case: Case, _task: Task, now: datetime) -> None:
        text = self._write_to_the_desk(case, "inform", now)
        given = ev.Requested(at=now, by=BY, desk=case.desk, channel="mail", text=text)
        self._house.desk.change(case.number, lambda c: commands.request(c, given))

    def _confirm(self, _case: Case, _task: Task, _now: datetime) -> None:
        """He opens the link of the desk's last mail, as its reader would."""
        mails = maildir.messages(self._house.box)
        links = (
            link
            for path in reversed(mails)
            for link in _LINK.findall(_text(path.read_bytes()))
            if link.startswith(self._form)
        )
        # Its page has a button: what only looks at links (scanners do) confirms nothing.
        open_page(next(links, self._form), b"")

    def _look(self, case: Case, task: Task, now: datetime) -> None:
        """He believes no answer of which it is not proven whose it is."""
        aside = ev.Noted(at=now, by=BY, text=self.say("laid-aside"), answers=task.answers)
        self._house.desk.change(case.number, lambda _: (aside,))

    def _write_to_the_desk(self, case: Case, word: str, now: datetime) -> str:
        ticket = next(reversed(case.tickets), "-")
        text = self.say(word, ticket=ticket)
        if case.reply is not None:
            text += f"\n\n{case.reply.text}"
        host = urllib.parse.urlsplit(self._form).hostname
        to = f"support@{self._house.settings.lab.signer or host}"
        # As anybody answers; where that comes back, the case asks for another way.
        self._send(ADMINISTRATOR, to, f"Re: {ticket}", text, now)
        return text

    def _send(self, sender: str, to: str, subject: str, text: str, now: datetime) -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = sender, to, subject
        message["Date"] = format_datetime(now)
        message.set_content(text + "\n")
        with smtplib.SMTP(*self._door, timeout=30) as door:
            door.send_message(message, sender, [to])
