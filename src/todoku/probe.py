"""Would this receiver take mail from that address? An SMTP dialogue (RFC 5321) that goes as far as
the refusal stands, and no further: where a receiver refuses by its greeting, the greeting is the
answer. No mail is sent, and nothing is asked of a mailbox unless the refusal stands at `RCPT TO`.

A receiver that refuses at `DATA` or later cannot be asked so: acceptance until then says nothing,
and the probe is `inconclusive`.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import threading
from typing import IO, TYPE_CHECKING, Any, Final, get_args

import msgspec

from todoku.cases.events import Result
from todoku.lazy import expression
from todoku.model import Reply, Stage
from todoku.reading import reply as replies

if TYPE_CHECKING:
    from todoku.knowledge.schema import Compiled

WAIT: Final = 60.0
"""Seconds for each reply; RFC 5321 (4.5.3.2) would have us wait for minutes."""
WHOLE: Final = 300.0
"""Seconds for the whole dialogue: whoever sends a byte a minute never lets one reply time out."""
MOST: Final = 1 << 16
"""Bytes of all replies."""

_ORDER: Final[tuple[Stage, ...]] = ("CONN", "EHLO", "STARTTLS", "AUTH", "MAIL FROM", "RCPT TO")

GROUNDS: Final = frozenset(("listed", "reputation", "refused-client", "reverse-dns"))
"""Reasons for which an address is refused, whatever it sends and to whom."""
_STAGES: Final[tuple[Stage, ...]] = get_args(Stage)
"""As they follow each other in a dialogue."""


_NAME: Final = expression(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*")


class Question(msgspec.Struct, frozen=True, kw_only=True):
    host: str
    """Its name; `address`: where it answers."""
    address: str
    port: int = 25
    source: str
    """The address of ours that is asked about: the connection comes from there."""
    helo: str
    sender: str
    """An address of ours that takes mail. Never the null sender, which many refuse to all."""
    recipient: str | None = None
    """A mailbox there that wants our mail; only with `stage` `RCPT TO`."""
    stage: Stage | None = None
    """Where it refuses (a rule's `refuses_at`); `None`: not known, taken for `MAIL FROM`."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    result: Result
    stage: Stage | None = None
    """Where it ended."""
    reply: Reply = Reply()
    host: str | None = None
    why: str = ""
    """With `failed`: the system's words."""


def refuses_at(knowledge: Compiled, receiver: str) -> Stage | None:
    """The furthest stage at which this receiver's own rules, else those that hold there too, let it
    refuse an address. `None`: none of them tells."""
    also = next((r.also for r in knowledge.receivers if r.id == receiver), ())
    for family in ((receiver,), also):
        stages = [
            rule.refuses_at
            for rule, owner in zip(knowledge.rules, knowledge.owner, strict=True)
            if rule.refuses_at is not None
            and rule.reason in GROUNDS
            and knowledge.receivers[owner].id in family
        ]
        if stages:
            return max(stages, key=_STAGES.index)
    return None


class _Bounded:
    """What a server says, up to a bound: a reply may go on in as many lines as it likes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._left = file, MOST

    def readline(self, most: int) -> bytes:
        line = self._file.readline(most)
        self._left -= len(line)
        if self._left < 0:
            raise OSError("it says too much")
        return line

    def close(self) -> None:
        self._file.close()


class _Talk(smtplib.SMTP):
    file: Any
    _host: str
    """What `starttls` names to the server (RFC 6066), else only known to who connects by it."""

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Bounded(self.sock.makefile("rb"))
        return super().getreply()

    def cut(self) -> None:
        """From another thread: whoever waits for a reply gets none."""
        with contextlib.suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]


class _Ended(Exception):
    def __init__(self, stage: Stage, code: int, text: bytes) -> None:
        super().__init__(code)
        self.stage, self.code, self.text = stage, code, text


def ask(q: Question, wait: float = WAIT, whole: float = WHOLE) -> Found:
    """One probe. Never raises for what a network or a receiver does."""
    if not q.sender:
        raise ValueError("a probe needs a sender")
    talk = _Talk(local_hostname=q.helo, timeout=wait, source_address=(q.source, 0))
    talk._host = _name(q)
    watch = threading.Timer(whole, talk.cut)
    watch.daemon = True
    watch.start()
    try:
        stage, code, text = _dialogue(talk, q)
    except _Ended as end:
        result: Result = "refused" if end.code >= 500 else "deferred"
        return Found(result=result, stage=end.stage, reply=_reply(end.code, end.text), host=q.host)
    except (OSError, smtplib.SMTPException) as error:
        return Found(result="failed", host=q.host, why=_plain(error))
    finally:
        with contextlib.suppress(OSError, smtplib.SMTPException):
            talk.quit()
        watch.cancel()
        talk.close()
    result = "accepted" if reaches(stage, q.stage or "MAIL FROM") else "inconclusive"
    return Found(result=result, stage=stage, reply=_reply(code, text), host=q.host)


def _dialogue(talk: smtplib.SMTP, q: Question) -> tuple[Stage, int, bytes]:
    """As far as it may go: the last stage and what was said there. Raises `_Ended`."""
    said = _good("CONN", talk.connect(q.address, q.port))
    if q.stage == "CONN":
        return "CONN", *said
    said = talk.ehlo()
    if said[0] >= 500:
        said = talk.helo()
    _good("EHLO", said)
    if q.stage == "EHLO":
        return "EHLO", *said
    if talk.has_extn("starttls"):
        # Names in certificates of mail servers mean nothing without DANE or MTA-STS, and nothing
        # that is secret is said.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        _good("STARTTLS", talk.starttls(context=context))
        said = _good("EHLO", talk.ehlo())
        if q.stage == "STARTTLS":
            return "STARTTLS", *said
    elif q.stage == "STARTTLS":
        return "EHLO", *said
    said = _good("MAIL FROM", talk.mail(q.sender))
    stage: Stage = "MAIL FROM"
    if q.stage == "RCPT TO" and q.recipient is not None:
        said, stage = _good("RCPT TO", talk.rcpt(q.recipient)), "RCPT TO"
    with contextlib.suppress(OSError, smtplib.SMTPException):
        talk.rset()
    return stage, *said


def _name(q: Question) -> str:
    """What TLS can name: the DNS may give a server any name."""
    name = q.host.rstrip(".")
    return name if len(name) <= 253 and _NAME.fullmatch(name) else q.address


def _good(stage: Stage, said: tuple[int, bytes]) -> tuple[int, bytes]:
    code, text = said
    if code == -1:
        raise smtplib.SMTPServerDisconnected("no SMTP reply")
    if code // 100 != 2:
        raise _Ended(stage, code, text)
    return code, text


def reaches(stage: Stage, wanted: Stage) -> bool:
    """Whether acceptance at `stage` answers for a refusal that stands at `wanted`."""
    return wanted in _ORDER and _ORDER.index(stage) >= _ORDER.index(wanted)


def _reply(code: int, text: bytes) -> Reply:
    words = " ".join(text.decode("utf-8", "replace").split())
    return replies.parse(f"{code} {words}").reply


def _plain(error: Exception) -> str:
    why = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(why).split()).lower()
