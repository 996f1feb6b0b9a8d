"""`[cases]`, `[contact]` and `[webhooks]`: what is done in cases, in whose name, and who is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from todoku.i18n import Sentence
from todoku.lazy import expression
from todoku.settings import forms
from todoku.settings.setting import Setting


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks a desk for removal."""

    name: str | None = None
    email: str | None = None
    """Where desks may answer: best at one of our domains."""
    phone: str | None = None
    company: str | None = None
    business: str | None = None
    """What the company does, in a few words."""
    sends: str | None = None
    """What kind of mail its servers send: `person to person`, `invoices`."""
    imprint: str | None = None
    """URL of the page that tells who operates the server."""


class Cases(msgspec.Struct, frozen=True, kw_only=True):
    """What is done in cases, and what never is."""

    never_probe: tuple[str, ...] = ()
    """Ids of receivers, or domains."""
    directory: str | None = None
    """A file of users: those are told whose mail came back. `None`: only who reported is."""
    proof: Literal["mail", "trial", "probe"] | None = None
    """What proves that mail arrives again; `None`: `mail` with logs of our servers, else `probe`."""
    accepted: str = "3"
    """So many of them,"""
    over_hours: str = "24"
    """over so long,"""
    hosts: str = "2"
    """at so many hosts, where the receiver has as many."""
    write_to: tuple[str, ...] = ()
    """Ids of desks to which todoku writes by itself."""
    desk_relay: str | None = None
    """`HOST[:PORT]`: takes letters to desks; none of its addresses is blocked. `None`: as `[mail]`."""


class Webhooks(msgspec.Struct, frozen=True, kw_only=True):
    """What is told when a case opens, and when it is resolved: URLs by names of one's choice. The
    URLs are secrets."""

    slack: Mapping[str, str] = {}
    teams: Mapping[str, str] = {}
    json: Mapping[str, str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """`slack.ops`."""
        return tuple(
            f"{kind}.{name}" for kind in ("slack", "teams", "json") for name in getattr(self, kind)
        )

    def url(self, name: str) -> str | None:
        """`None`: there is none of this name."""
        kind, _, own = name.partition(".")
        return dict(getattr(self, kind)).get(own) if name in self.names else None

    def __repr__(self) -> str:
        """Without the URLs: a value may end in a log."""
        return f"Webhooks({', '.join(self.names)})"


_PLACES: Final[Sentence] = {
    "ja": '受信側の id かドメインの並び。例: ["t-online", "partner.example"]',
    "en": 'a list of the ids of receivers, or of domains, such as ["t-online", "partner.example"]',
}

_HOOK: Final = expression(
    r"https://[^\s<>\"]{3,2000}|http://(127\.\d+\.\d+\.\d+|localhost)[:/][^\s<>\"]{0,2000}"
)
_HOOK_NAME: Final = expression(r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?")


def _webhook(kind: str) -> Setting:
    """A table of URLs that nobody may read on the way: they are all it takes to write there."""

    def url(text: str) -> str | None:
        return text if text.isascii() and _HOOK.fullmatch(text) else None

    wanted: Sentence = {
        "ja": '名前と URL（https://）の対。例: { ops = "https://..." }',
        "en": 'names and URLs (https://), such as { ops = "https://..." }',
    }
    name = _HOOK_NAME.fullmatch
    return Setting(
        "webhooks", kind, "table", url, wanted,
        read_name=lambda text: text if name(text) else None, secret=True,
    )  # fmt: skip


ROWS: Final[tuple[Setting, ...]] = (
    Setting("contact", "name", "text", forms.line, forms.LINE),
    Setting("contact", "email", "text", forms.mailbox, forms.ADDRESS),
    Setting("contact", "phone", "text", forms.line, forms.LINE),
    Setting("contact", "company", "text", forms.line, forms.LINE),
    Setting("contact", "business", "text", forms.line, forms.LINE),
    Setting("contact", "sends", "text", forms.line, forms.LINE),
    Setting(
        "contact",
        "imprint",
        "text",
        forms.page,
        {
            "ja": '運営者を示すページの URL。例: "https://www.example.jp/company"',
            "en": "the URL of the page that tells who operates the server, such as "
            '"https://www.example.jp/company"',
        },
    ),
    Setting("cases", "never_probe", "list", forms.place_id, _PLACES),
    Setting(
        "cases",
        "directory",
        "text",
        forms.path,
        {"ja": 'ファイル名。例: "/etc/todoku/users"', "en": 'a file, such as "/etc/todoku/users"'},
    ),
    Setting(
        "cases",
        "proof",
        "text",
        forms.choice("mail", "trial", "probe"),
        {"ja": '"mail"、"trial" または "probe"', "en": '"mail", "trial" or "probe"'},
    ),
    Setting(
        "cases",
        "accepted",
        "text",
        forms.number(1, 1000),
        {"ja": '1〜1000 の数。例: "3"', "en": 'a number from 1 to 1000, such as "3"'},
    ),
    Setting(
        "cases",
        "over_hours",
        "text",
        forms.number(0, 1000),
        {"ja": '0〜1000 の時間数。例: "24"', "en": 'hours, from 0 to 1000, such as "24"'},
    ),
    Setting(
        "cases",
        "hosts",
        "text",
        forms.number(1, 10),
        {"ja": '1〜10 の数。例: "2"', "en": 'a number from 1 to 10, such as "2"'},
    ),
    Setting(
        "cases",
        "write_to",
        "list",
        forms.desk_id,
        {
            "ja": '窓口の id の並び。例: ["t-online/bl"]',
            "en": 'a list of the ids of desks, such as ["t-online/bl"]',
        },
    ),
    Setting(
        "cases",
        "desk_relay",
        "text",
        forms.server,
        {
            "ja": '遮断されていないアドレスから送るメールサーバーの IP アドレス。例: "192.0.2.25:25"',
            "en": "the IP address of a mail server that sends from an address which is not blocked, such "
            'as "192.0.2.25:25"',
        },
    ),
    *(_webhook(kind) for kind in ("slack", "teams", "json")),
)
