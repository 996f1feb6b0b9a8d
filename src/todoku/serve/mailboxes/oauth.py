"""OAuth 2.0 for programs without a browser: the device authorization grant (RFC 8628) and the refresh of
tokens (RFC 6749, section 6). What an authorization server says is read with a limit, and shown only
as far as it is an error."""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from todoku.i18n import Words
from todoku.serve.mailboxes.providers import Provider
from todoku.serve.mailboxes.trouble import NotSignedIn, Trouble, words
from todoku.settings.mailboxes import Mailbox

SECONDS: Final = 20.0
MOST: Final = 1 << 20
DEVICE: Final = "urn:ietf:params:oauth:grant-type:device_code"
INTERVAL: Final = 5.0
"""Seconds between two questions where the server names none, and what `slow_down` adds."""
LIFE: Final = 3600.0
"""Seconds that an access token is taken to hold where the server does not say."""

WORDS: Final[Words] = {
    "unreachable": {
        "ja": "メールボックス {name}: {provider} の認証サーバーに接続できません（{why}）。間隔を空けて試し"
        "続けます。",
        "en": "mailbox {name}: cannot reach the sign-in server of {provider} ({why}). It is tried again.",
    },
    "odd": {
        "ja": "メールボックス {name}: {provider} の認証サーバーの応答を理解できません（{why}）。",
        "en": "mailbox {name}: cannot make sense of what the sign-in server of {provider} answers "
        "({why}).",
    },
    "expired": {
        "ja": "コードの有効期限が切れました。もう一度実行してください: todoku mailbox sign-in {name}",
        "en": "the code has expired. Once more: todoku mailbox sign-in {name}",
    },
    "denied": {
        "ja": "サインインが拒否されました。何も保存していません。許可するなら、もう一度実行してください: "
        "todoku mailbox sign-in {name}",
        "en": "the sign-in was declined. Nothing was kept. To allow it, once more: todoku mailbox sign-in "
        "{name}",
    },
    "client": {
        "ja": "メールボックス {name}: {provider} がアプリ {client} を受け付けません（{why}）。client_id と、アプリ"
        "の登録（パブリック クライアントの許可、IMAP の権限、対象のアカウントの種類）を確かめてください。",
        "en": "mailbox {name}: {provider} does not accept the app {client} ({why}). See to client_id, and "
        "to the app's registration: public client flows, the permission for IMAP, the kinds of accounts.",
    },
    "refused": {
        "ja": "メールボックス {name}: {provider} がサインインを受け付けません（{why}）。",
        "en": "mailbox {name}: {provider} refuses the sign-in ({why}).",
    },
}  # fmt: skip

CLIENT: Final = frozenset(
    {"invalid_client", "unauthorized_client", "invalid_scope", "unsupported_grant_type"}
)


class Refused(Exception):
    """An error answer (RFC 6749, section 5.2)."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(f"{error}: {description}" if description else error)
        self.error = error


class Code(NamedTuple):
    """What a person opens and types. Times are seconds."""

    device: str
    user: str
    url: str
    whole_url: str | None
    """With the code in it."""
    lives: float
    interval: float


class Tokens(NamedTuple):
    access: str
    refresh: str | None
    """`None`: the old one stays good."""
    lives: float


class Client:
    """A mailbox's app, at its provider."""

    def __init__(self, box: Mailbox, provider: Provider) -> None:
        self._box = box
        self._provider = provider

    def begin(self) -> Code:
        """Ask for a code. Raises `Trouble`."""
        told = self._asked(self._provider.device, {"scope": self._provider.scope})
        url = told.get("verification_uri") or told.get("verification_url")
        whole = told.get("verification_uri_complete")
        device, user = told.get("device_code"), told.get("user_code")
        if not (isinstance(device, str) and isinstance(user, str) and isinstance(url, str)):
            raise self._trouble("odd", why="no code")
        return Code(
            device=device,
            user=words(user, 60),
            url=words(url, 300),
            whole_url=words(whole, 500) if isinstance(whole, str) else None,
            lives=_seconds(told.get("expires_in"), 900.0),
            interval=max(_seconds(told.get("interval"), INTERVAL), 1.0),
        )

    def wait(
        self, code: Code, sleep: Callable[[float], object], now: Callable[[], float]
    ) -> Tokens:
        """Until the person has answered. `now`: seconds that only grow. Raises `Trouble`."""
        interval, until = code.interval, now() + code.lives
        asked = {"grant_type": DEVICE, "device_code": code.device}
        while now() + interval < until:
            sleep(interval)
            try:
                return self._tokens(self._post(self._provider.token, asked))
            except Refused as error:
                match error.error:
                    case "authorization_pending":
                        continue
                    case "slow_down":
                        interval += INTERVAL
                    case "access_denied" | "authorization_declined":
                        raise self._trouble("denied", NotSignedIn) from error
                    case "expired_token" | "code_expired":
                        break
                    case _:
                        raise self._unwilling(error) from error
            except Trouble:  # nobody answers for a moment: less often (section 3.5)
                interval *= 2
        raise self._trouble("expired", NotSignedIn)

    def refresh(self, token: str) -> Tokens:
        """Raises `Refused` with `invalid_grant` and the like, and `Trouble`."""
        asked = {"grant_type": "refresh_token", "refresh_token": token}
        scope = {"scope": self._provider.scope} if self._provider.scope else {}
        try:
            return self._tokens(self._post(self._provider.token, asked | scope))
        except Refused as error:
            if error.error in CLIENT:
                raise self._unwilling(error) from error
            raise

    def _tokens(self, told: Mapping[str, Any]) -> Tokens:
        access, refresh = told.get("access_token"), told.get("refresh_token")
        if not isinstance(access, str) or not access.isascii() or not access.isprintable():
            raise self._trouble("odd", why="no access token")
        lives = _seconds(told.get("expires_in"), LIFE)
        return Tokens(access, refresh if isinstance(refresh, str) and refresh else None, lives)

    def _asked(self, url: str | None, values: Mapping[str, str]) -> Mapping[str, Any]:
        try:
            return self._post(url, values)
        except Refused as error:
            raise self._unwilling(error) from error

    def _unwilling(self, error: Refused) -> Trouble:
        key = "client" if error.error in CLIENT else "refused"
        return self._trouble(key, NotSignedIn, why=words(error), client=self._box.client_id)

    def _post(self, url: str | None, values: Mapping[str, str]) -> Mapping[str, Any]:
        """Raises `Refused` and `Trouble`."""
        where = self._provider.at(url or "", self._box.tenant)
        form = {"client_id": self._box.client_id or "", **values}
        if self._box.client_secret is not None:
            form["client_secret"] = self._box.client_secret
        request = urllib.request.Request(  # noqa: S310  `providers` lets https pass alone
            where, urlencode(form).encode(), {"Accept": "application/json"}
        )
        try:
            with _OPENER.open(request, timeout=SECONDS) as answer:
                return self._object(answer.read(MOST))
        except urllib.error.HTTPError as error:
            with error:
                if error.code >= 500 or error.code == 429:
                    raise self._trouble("unreachable", why=f"HTTP {error.code}") from error
                told = self._object(error.read(MOST))
            name = told.get("error")
            if not isinstance(name, str):
                raise self._trouble("odd", why=f"HTTP {error.code}") from error
            description = str(told.get("error_description") or "").splitlines()
            raise Refused(words(name, 60), words("".join(description[:1]))) from error
        except (OSError, http.client.HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise self._trouble("unreachable", why=words(reason).lower()) from error

    def _object(self, text: bytes) -> Mapping[str, Any]:
        try:
            told = json.loads(text)
        except (ValueError, RecursionError):
            told = None
        if not isinstance(told, dict):
            raise self._trouble("odd", why="no JSON object")
        return told

    def _trouble(self, key: str, kind: type[Trouble] = Trouble, **values: Any) -> Trouble:
        named = {"name": self._box.name, "provider": self._provider.name}
        return kind(WORDS[key], **named | values)


class _Straight(urllib.request.HTTPRedirectHandler):
    """Secrets go where they were meant to."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


_OPENER: Final = urllib.request.build_opener(_Straight)


def _seconds(told: object, default: float) -> float:
    if isinstance(told, str) and told.isdigit():
        told = int(told)
    good = isinstance(told, int | float) and not isinstance(told, bool) and 0 < told < 1e8
    return float(told) if good else default  # type: ignore[arg-type]
