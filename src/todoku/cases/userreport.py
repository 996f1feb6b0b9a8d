"""A user writes that mail does not arrive: who, to whom, since when, in his words. Pure.

    「今朝から Hotmail へ送れません」     Hotmail: hotmail.com; since: the beginning of today
    "I can't reach taro@partner.example since yesterday"

What is not understood stays out: the words themselves are kept, and a person reads them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime, time, timedelta
from email.utils import parseaddr
from typing import Final, Literal, NamedTuple

from todoku.cases.answers import authentic
from todoku.cases.answers.authentic import LookUp
from todoku.cases.answers.letter import read as letter_of
from todoku.i18n import Language
from todoku.knowledge.schema import Receiver
from todoku.model import Identity
from todoku.reading import address, charset, mail
from todoku.settings.own import Own

LONGEST: Final = 4000
MOST_DOMAINS: Final = 10

How = Literal["login", "dkim"]
"""How it is known that a user of ours wrote it. `login`: our server says that he had logged in. `dkim`:
it is signed by our domain."""


class UserReport(NamedTuple):
    address: str
    """The one address in From."""
    name: str | None
    lang: Language
    words: str
    to: tuple[str, ...]
    """Domains that cannot be reached; empty where none is named."""
    since: datetime | None


def is_automatic(data: bytes) -> bool:
    """Whether a program wrote it (RFC 3834): nobody is answered who is none."""
    whole = mail.parse(data)

    def value(name: bytes) -> str:
        found = whole.find(name)
        return "" if found is None else found.decode("latin-1").strip().lower()

    submitted = value(b"\nauto-submitted:")
    path = whole.find(b"\nreturn-path:")
    return (
        (submitted != "" and not submitted.startswith("no"))
        or value(b"\nprecedence:") in {"bulk", "list", "junk", "auto_reply"}
        or any(whole.find(n) is not None for n in (b"\nlist-id:", b"\nlist-unsubscribe:"))
        or (path is not None and path.strip() in {b"<>", b""})
        or whole.type == b"multipart/report"
        or bool(re.search(r"(?:mailer[-_.]?daemon|postmaster|no-?reply)@", value(b"\nfrom:")))
    )


def read(
    data: bytes,
    own: Own,
    names: Callable[[Language], Names],
    now: datetime,
    *,
    not_about: Collection[str] = (),
) -> UserReport | None:
    """`names`: for each language. `now`: in the reader's zone. `not_about`: addresses that are no recipients, such as the one for reports.
    `None`: From holds no one address."""
    letter = letter_of(data)
    if letter.sender is None:
        return None
    body = next((text for text in letter.texts if text.strip()), "").strip()
    words = body or letter.subject
    lang: Language = "ja" if _JAPANESE.search(letter.subject + words) else "en"
    text = f"{letter.subject}\n{words}"[: 4 * LONGEST]
    return UserReport(
        address=letter.sender,
        name=_name(data),
        lang=lang,
        words=words[:LONGEST],
        to=tuple(_domains(text, own, names(lang), {a.lower() for a in not_about})),
        since=_since(text, now),
    )


def proof(
    data: bytes,
    sender: str,
    own: Own,
    trusted: Collection[str],
    look_up: LookUp | None,
    now: datetime,
    addressed: str,
) -> How | None:
    """Whether a user of ours wrote it, and how that is known. `trusted`: names under which our own
    server writes (it takes away what others write under them). `addressed`: where reports go; a
    signature must be over To, or a mail of a user to somebody else could be handed on to us."""
    domain = sender.rpartition("@")[2].lower()
    if not own.covers(Identity("address", sender)):
        return None
    if trusted and (_logged_in(data, trusted) or _submitted(data, trusted)):
        return "login"
    signed = look_up is not None and authentic.signed_by(data, domain, look_up, now, ("to",))
    to = mail.parse(data).text(b"\nto:").lower()
    return "dkim" if signed and addressed.lower() in address.all_of(to) else None


def _logged_in(data: bytes, trusted: Collection[str]) -> bool:
    found = authentic.results(data, trusted) or ()
    return any(each.method == "auth" and each.result == "pass" for each in found)


# What the client called itself stands before it, and may be anything.
_BY: Final = re.compile(r".*\sby\s+(?P<by>[\w.-]{1,255})(?P<how>.*)", re.I | re.S)
_AUTHENTICATED: Final = re.compile(r"\swith\s+(?:UTF8SMTP|E?SMTP)S?A\b", re.I)


def _submitted(data: bytes, trusted: Collection[str]) -> bool:
    """Whether the topmost Received is our server's, and says that the client had logged in (RFC 3848)."""
    names = {name.lower() for name in trusted}
    for raw in mail.parse(data).all(b"\nreceived:", 5):
        value = " " + authentic.without_comments(raw.decode("latin-1")[:2000])
        if authentic.is_local(value):
            continue
        m = _BY.match(value)
        return (
            m is not None
            and m["by"].lower().rstrip(".") in names
            and _AUTHENTICATED.search(m["how"]) is not None
        )
    return False


# What it says


_JAPANESE: Final = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff]")
_DOMAIN: Final = re.compile(
    r"(?<![\w.@/-])((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,6}[a-z]{2,24})(?![\w-])", re.I
)
_ADDRESS: Final = re.compile(
    r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@((?:[a-z0-9-]{1,63}\.){1,6}[a-z]{2,24})(?![\w-])", re.I | re.A
)


def _domains(text: str, own: Own, names: Names, not_about: Collection[str]) -> list[str]:
    """Those of addresses first, then domains by themselves, then receivers by name."""
    found: dict[str, None] = {}
    for m in _ADDRESS.finditer(text):
        if m[0].lower() not in not_about:
            found[m[1].lower()] = None
    rest = _ADDRESS.sub(" ", text)
    found |= {m[1].lower(): None for m in _DOMAIN.finditer(rest)}
    theirs = [d for d in found if not own.covers(Identity("domain", d))]
    if not theirs:
        theirs = list(dict.fromkeys(names.find(_DOMAIN.sub(" ", rest))))
    return theirs[:MOST_DOMAINS]


class Names:
    """What people call receivers, and which domain they mean (`called` of the knowledge)."""

    def __init__(self, receivers: Iterable[Receiver], lang: Language) -> None:
        """`lang`: of who writes. Where two are called the same, a Japanese means the one in Japan."""
        self._domains: dict[str, str] = {}
        for name, domain in (pair for each in receivers for pair in each.called.items()):
            here = domain.endswith(".jp") == (lang == "ja")
            if here or name not in self._domains:
                self._domains[name] = domain
        longest = sorted(self._domains, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(_as_word, longest)) or r"(?!)")

    def find(self, text: str) -> Iterator[str]:
        """The domains, in their order. Full and half width are the same, as are capitals and small."""
        for m in self._pattern.finditer(unicodedata.normalize("NFKC", text).lower()):
            yield self._domains[m[0]]


def _as_word(name: str) -> str:
    """A name that is no part of a longer word; kana and letters do not go on."""
    before = next((f"(?<!{kind})" for kind in _LETTERS if re.match(kind, name[0])), "")
    after = next((f"(?!{kind})" for kind in _LETTERS if re.match(kind, name[-1])), "")
    return before + re.escape(name) + after


_LETTERS: Final = ("[a-z0-9]", "[\u30a1-\u30fa\u30fc]")

_CLOCK: Final = r"(?P<hour>\d{1,2})(?:[:：](?P<minute>\d{2})|\s*時(?:\s*(?P<ja_minute>\d{1,2})\s*分|(?P<half>半))?)"
_SINCE: Final = (
    re.compile(
        r"(?:(?P<day>今日|本日|昨日|きのう|一昨日|おととい)|(?P<month>\d{1,2})\s*[/月]\s*(?P<date>\d{1,2})\s*日?)?"
        r"\s*の?\s*(?:(?P<part>今朝|朝|午前|午後|昼|夕方|夜|昨夜|昨晩)\s*の?\s*)?"
        rf"(?:{_CLOCK})?\s*(?:ごろ|頃|くらい|ぐらい)?\s*(?:から|以降|より)"
    ),
    re.compile(
        r"since\s+(?:about\s+)?(?P<day>this morning|today|yesterday|last night)?\s*(?:at\s+)?"
        r"(?:(?P<hour>\d{1,2}):(?P<minute>\d{2}))?",
        re.I,
    ),
    re.compile(
        r"since\s+(?P<year>\d{4})-(?P<month>\d\d)-(?P<date>\d\d)(?:[ T](?P<hour>\d\d):(?P<minute>\d\d))?",
        re.I,
    ),
)
_DAYS: Final = {
    "今日": 0, "本日": 0, "昨日": 1, "きのう": 1, "一昨日": 2, "おととい": 2,
    "this morning": 0, "today": 0, "yesterday": 1, "last night": 1,
}  # fmt: skip
_PARTS: Final = {"昨夜": 1, "昨晩": 1}
_AFTER_NOON: Final = frozenset({"午後", "夕方", "夜", "昨夜", "昨晩", "last night"})


def _since(text: str, now: datetime) -> datetime | None:
    """A day, or a day and an hour, not in the future; a day alone is its beginning."""
    for expression in reversed(_SINCE):
        for m in expression.finditer(text):
            with_errors = _moment(m.groupdict(), now)
            if with_errors is not None:
                return with_errors
    return None


def _moment(g: dict[str, str | None], now: datetime) -> datetime | None:
    part, day = g.get("part"), (g.get("day") or "").lower()
    if not (day or part or g.get("month") or g.get("hour")):
        return None
    try:
        if g.get("month") and g.get("date"):
            year = int(g.get("year") or now.year)
            date = now.date().replace(year, int(g["month"] or 0), int(g["date"] or 0))
            if date > now.date() and not g.get("year"):
                date = date.replace(year - 1)
        else:
            back = _DAYS.get(day, _PARTS.get(part or "", 0))
            date = now.date() - timedelta(days=back)
        hour = int(g.get("hour") or 0)
        if g.get("hour") and hour < 12 and (part in _AFTER_NOON or day in _AFTER_NOON):
            hour += 12
        minute = 30 if g.get("half") else int(g.get("minute") or g.get("ja_minute") or 0)
        found = datetime.combine(date, time(hour, minute), now.tzinfo)
    except (ValueError, OverflowError):
        return None
    return found if found <= now else None


def _name(data: bytes) -> str | None:
    value = mail.parse(data).find(b"\nfrom:")
    if value is None:
        return None
    name = parseaddr(charset.header(value[:2000]))[0]
    name = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    return name[:100] or None
