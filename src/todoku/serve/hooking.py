"""Webhooks: chats and other programs are told when a case opens, and when it is resolved. A URL is all it
takes to write there, so it stands in no output, and nothing follows a redirection."""

from __future__ import annotations

import http.client
import re
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import msgspec

from todoku.cases import commands
from todoku.cases import events as ev
from todoku.cases.case import Case
from todoku.cases.due import Action
from todoku.cases.working import Command, Undone
from todoku.i18n import Language, Words, say
from todoku.model import VERSION

if TYPE_CHECKING:
    from todoku.serve.deeds import Means

SECONDS: Final = 10.0
"""For it to say anything;"""
WHOLE: Final = 20.0
"""for all of it."""
LONGEST: Final = timedelta(days=1)
"""What has happened longer ago is no news: webhooks that are new are not told of all old cases."""
MOST_WAIT: Final = 6 * 3600
_SECONDS: Final = re.compile(r"[0-9]{1,9}")

WORDS: Final[Words] = {
    "opened": {
        "ja": "案件 {case}: {place} が {what} からのメールを拒否しています。対応を始めました。",
        "en": "Case {case}: {place} refuses mail from {what}. It is being worked on.",
    },
    "resolved": {
        "ja": "案件 {case}: {place} は {what} からのメールを再び受け取っています。",
        "en": "Case {case}: {place} takes mail from {what} again.",
    },
    "unknown-place": {"ja": "相手先", "en": "the receiver"},
    "unknown-what": {"ja": "自分たち", "en": "us"},
}


class Hook:
    """An intent is recorded before it; a line that came twice does less harm than none."""

    def __init__(self, means: Means) -> None:
        self.means = means

    def intent(self, case: Case, action: Action) -> Mapping[str, Any]:
        return {"id": _id(case, action)}

    def do(self, case: Case, action: Action, _intent: object, now: datetime) -> Command:
        means, name = self.means, (action.who or "").removeprefix(ev.WEBHOOK)
        url = means.webhooks.url(name)
        if url is None or now - action.not_before > LONGEST:
            return self._recorded(action, now, delivered=False)
        place = None if case.place is None else means.called(case.place.id, means.lang)
        body = payload(name, case, action, place, means.lang)
        post(name, url, body, now, key=_id(case, action))
        return self._recorded(action, now)

    def find_out(self, _case: Case, _action: Action, _intent: Mapping[str, Any]) -> bool | None:
        return None

    def record(self, _case: Case, action: Action, now: datetime) -> Command:
        return self._recorded(action, now)

    def give_up(self, _case: Case, action: Action, now: datetime) -> Command | None:
        return self._recorded(action, now, delivered=False)

    def _recorded(self, action: Action, now: datetime, *, delivered: bool = True) -> Command:
        assert action.about is not None and action.who is not None  # noqa: S101  these have them
        event = ev.Told(at=now, who=action.who, about=action.about, delivered=delivered)
        return lambda c: commands.tell(c, event)


def _id(case: Case, action: Action) -> str:
    """The same in every attempt."""
    return f"{case.number}/{action.key}"


def payload(name: str, case: Case, action: Action, place: str | None, lang: Language) -> bytes:
    """What is posted. Pure."""
    identities = [s.identity.value for s in case.standings]
    shown = place or ", ".join(case.to[:3])
    words = {
        "case": case.number,
        "place": _line(shown) or WORDS["unknown-place"][lang],
        "what": _line(", ".join(identities[:4])) or WORDS["unknown-what"][lang],
    }
    text = say(WORDS[str(action.about)], lang, **words).replace("） ", "）")
    match name.partition(".")[0]:
        case "slack":
            # What stands in angle brackets would be a link, or call everybody.
            safe = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
            told: dict[str, Any] = {"text": safe}
        case "teams":
            card = {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard",
                "version": "1.4",
                "body": [{"type": "TextBlock", "text": text, "wrap": True}],
            }
            kind = "application/vnd.microsoft.card.adaptive"
            told = {"type": "message", "attachments": [{"contentType": kind, "content": card}]}
        case _:
            told = {
                "v": VERSION,
                "id": _id(case, action),
                "about": action.about,
                "case": case.number,
                "state": case.state,
                "place": None if case.place is None else case.place.id,
                "identities": identities,
                "text": text,
            }
    return msgspec.json.encode(told)


def post(
    name: str,
    url: str,
    body: bytes,
    now: datetime,
    seconds: float = SECONDS,
    whole: float = WHOLE,
    key: str | None = None,
) -> None:
    """`key`: the same in every attempt, by which a second one can be told. Raises `Undone` where it was not taken, and where that is not known; never with the URL."""
    said: list[Undone | None] = []
    # One that says a byte at a time is left to itself: nobody else waits for it.
    thread = threading.Thread(
        target=lambda: said.append(_posted(name, url, body, now, seconds, key)), daemon=True
    )
    thread.start()
    thread.join(whole)
    if not said:
        raise Undone(f"webhook {name}: no answer within {whole:g} seconds")
    if said[0] is not None:
        raise said[0]


def _posted(
    name: str, url: str, body: bytes, now: datetime, seconds: float, key: str | None
) -> Undone | None:
    headers = {"Content-Type": "application/json", "User-Agent": "todoku"}
    if key is not None:
        headers["Idempotency-Key"] = f'"{key}"'  # draft-ietf-httpapi-idempotency-key-header
    request = urllib.request.Request(url, body, headers)  # noqa: S310  the settings let https pass alone
    try:
        with _OPENER.open(request, timeout=seconds) as answer:
            answer.read(1 << 16)
    except urllib.error.HTTPError as error:
        with error:
            wait = error.headers.get("Retry-After", "")
        again = None
        if _SECONDS.fullmatch(wait):
            again = now + timedelta(seconds=min(int(wait), MOST_WAIT))
        return Undone(f"webhook {name}: HTTP {error.code}", again)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        why = getattr(reason, "strerror", None) or type(reason).__name__
        if isinstance(reason, ssl.SSLCertVerificationError):
            why = reason.verify_message
        return Undone(f"webhook {name}: {str(why).lower()}")
    return None


class _Straight(urllib.request.HTTPRedirectHandler):
    """Secrets go where they were meant to."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER: Final = urllib.request.build_opener(_Straight)


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
