"""With whom one signs in for IMAP by OAuth 2: files of the knowledge (`knowledge/data/sign-in/`), and of
one's own folder of rules (`sign-in/`), which come first."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from todoku.i18n import Language, Words
from todoku.knowledge.files import DATA, read_toml
from todoku.knowledge.schema import KnowledgeError
from todoku.serve.mailboxes.trouble import NotSignedIn
from todoku.settings.mailboxes import Mailbox, is_local

FOLDER: Final = "sign-in"
TENANT: Final = "{tenant}"

WORDS: Final[Words] = {
    "unknown": {
        "ja": "メールボックス {name}: sign_in に {sign_in} という指定はできません。使えるのは {known} です。"
        "ほかは規則のフォルダーの sign-in/ にファイルを加えます（docs/intake.md）。",
        "en": "mailbox {name}: there is no sign_in {sign_in}. There are: {known}. Others are added as "
        "files in sign-in/ of your folder of rules (docs/intake.md).",
    },
    "instead": {
        "ja": "メールボックス {name}: {instead[ja]}",
        "en": "mailbox {name}: {instead[en]}",
    },
    "bad-file": {
        "ja": "メールボックス {name}: サインインの規則を読めません（{why}）。",
        "en": "mailbox {name}: cannot use the rules of signing in ({why}).",
    },
}


class Provider(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    schema: int
    id: str
    name: str
    device: str | None = None
    """The device authorization endpoint (RFC 8628), with `{tenant}` where there are tenants."""
    token: str | None = None
    tenant: str | None = None
    scope: str = ""
    server: str | None = None
    """Where its mailboxes are."""
    instead: Mapping[Language, str] = {}
    """What to do, where nobody can sign in by a device code."""
    origin: str = ""
    licence: str = ""
    source: tuple[str, ...] = ()
    date: str | None = None

    def at(self, endpoint: str, tenant: str | None) -> str:
        return endpoint.replace(TENANT, tenant or self.tenant or "common")


def all_of(overlay: Path | None = None) -> dict[str, Provider]:
    """By id. Raises `KnowledgeError`."""
    found: dict[str, Provider] = {}
    for folder in (DATA, overlay):
        if folder is not None:
            for path in sorted((folder / FOLDER).glob("*.toml")):
                provider = read_toml(path, Provider)
                for url in (provider.device, provider.token):
                    if url is not None and not _safe(url):
                        raise KnowledgeError([f"{path}: {url} must begin with https://"])
                found[provider.id] = provider
    return found


def _safe(url: str) -> bool:
    """Secrets go there: encrypted, or not beyond this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and is_local(parts.hostname or ""))


def of(box: Mailbox, overlay: Path | None = None) -> Provider:
    """That of a mailbox. Raises `NotSignedIn` with what to do."""
    try:
        known = all_of(overlay)
    except KnowledgeError as error:
        raise NotSignedIn(WORDS["bad-file"], name=box.name, why=error.problems[0]) from error
    provider = known.get(box.sign_in or "")
    if provider is None:
        names = ", ".join(sorted(known))
        raise NotSignedIn(WORDS["unknown"], name=box.name, sign_in=box.sign_in, known=names)
    if provider.device is None or provider.token is None:
        instead = {lang: provider.instead.get(lang, "?") for lang in ("ja", "en")}
        raise NotSignedIn(WORDS["instead"], name=box.name, instead=instead)
    return provider
