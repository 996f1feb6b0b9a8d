"""Mailboxes that are read by IMAP: `[mailbox.NAME]`, as many as there are names.

    [mailbox.microsoft]
    server = "outlook.office365.com"
    user = "admin@outlook.jp"
    sign_in = "microsoft"

`MAILBOX` is the surface, as `SETTINGS` is for the sections that are there once. In the environment:
`TODOKU_MAILBOX_MICROSOFT_SERVER`; a `-` in a name is a `_` there.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import msgspec

from todoku.i18n import Sentence, Words
from todoku.settings import table
from todoku.settings.own import normal_name
from todoku.settings.table import Setting

SECTION: Final = "mailbox"
PREFIX: Final = "TODOKU_MAILBOX_"
ORIGIN: Final = "imap:"
"""How the store marks where a message comes from: `imap:NAME/FOLDER`."""
NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST: Final = 40

TLS: TypeAlias = Literal["tls", "starttls", "none"]
Takes: TypeAlias = Literal["any", "answers", "bounces", "trials"]
After: TypeAlias = Literal["leave", "seen", "move"]
PORTS: Final[Mapping[TLS, int]] = {"tls": 993, "starttls": 143, "none": 143}


class Mailbox(msgspec.Struct, frozen=True, kw_only=True):
    """One account. Exactly one of `password`, `password_file` and `sign_in` is set."""

    name: str
    server: str
    """`HOST[:PORT]`."""
    tls: TLS = "tls"
    allow_plain: bool = False
    """The password may cross a network unencrypted (`tls = "none"` beyond this machine)."""
    ca_file: str | None = None
    """Whom certificates are believed from; `None`: those whom the system believes."""
    user: str
    password: str | None = None
    password_file: str | None = None
    sign_in: str | None = None
    """By OAuth 2, with this one of the knowledge's `sign-in`."""
    client_id: str | None = None
    client_secret: str | None = None
    tenant: str | None = None
    folders: tuple[str, ...] = ("INBOX",)
    takes: Takes = "any"
    after: After = "leave"
    move_to: str = "todoku"
    address: str | None = None
    """Its mail address: trials go there."""
    junk: tuple[str, ...] = ()
    r"""Its folders of junk; empty: those that the server marks with `\Junk` (RFC 6154)."""
    authserv: tuple[str, ...] = ()
    """Names by which this account's server writes Authentication-Results (RFC 8601)."""

    def __repr__(self) -> str:
        """Without secrets: a value may end in a log."""
        return f"Mailbox(name={self.name!r}, server={self.server!r}, user={self.user!r})"

    @property
    def endpoint(self) -> tuple[str, int]:
        return table.endpoint(self.server, PORTS[self.tls])

    @property
    def account(self) -> str:
        """By which the store remembers it: another account is read from its beginning."""
        host, port = self.endpoint
        return f"{self.user}@{host}:{port}"

    @property
    def origin(self) -> str:
        return ORIGIN + self.name

    @property
    def local(self) -> bool:
        """Whether what is said stays on this machine."""
        return is_local(self.endpoint[0])


def is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _server(text: str) -> str | None:
    """A host name or address, with its port where it is not the usual one."""
    text = text.strip()
    if address := table.server(text):
        return address
    host, colon, port = text.partition(":")
    name = normal_name(host)
    if table.host_name(name) is None:
        return None
    if not colon:
        return name
    if "." not in name and name != "localhost":
        return None
    return None if table.port(port) is None else f"{name}:{int(port)}"


def _line(text: str) -> str | None:
    """Anything on one line."""
    return text if text.strip() and text.isprintable() and len(text) <= 1000 else None


def _file(text: str) -> str | None:
    return text or None


def _text(key: str, ja: str, en: str, *, read: Any = _line, secret: bool = False) -> Setting:
    return Setting(SECTION, key, "text", read, {"ja": ja, "en": en}, secret=secret)


def _one_of(key: str, *names: str) -> Setting:
    *first, last = (f'"{name}"' for name in names)
    wanted: Sentence = {
        "ja": f"{'、'.join(first)}、{last} のいずれか",
        "en": f"{', '.join(first)} or {last}",
    }
    return Setting(SECTION, key, "text", lambda text: text if text in names else None, wanted)


_PASSWORD_FILE: Final = ('ファイル名。例: "/etc/todoku/imap-password"', 'a file, such as "/etc/todoku/imap-password"')  # fmt: skip

MAILBOX: Final[tuple[Setting, ...]] = (
    _text(
        "server",
        'ホスト名。ポートも付けられます。例: "imap.example.jp"、"imap.example.jp:993"',
        'a host, with its port where it is not the usual one, such as "imap.example.jp"',
        read=_server,
    ),
    _one_of("tls", "tls", "starttls", "none"),
    Setting(
        SECTION, "allow_plain", "flag", str, {"ja": "true または false", "en": "true or false"}
    ),
    _text(
        "ca_file",
        'CA 証明書（PEM）のファイル名。例: "/etc/ssl/certs/own-ca.pem"',
        'a file of CA certificates (PEM), such as "/etc/ssl/certs/own-ca.pem"',
        read=_file,
    ),
    _text("user", 'ログイン名。例: "admin@example.jp"', 'a login name, as "admin@example.jp"'),
    _text("password", "パスワード", "a password", secret=True),
    _text("password_file", *_PASSWORD_FILE, read=_file),
    _text("sign_in", '"microsoft" など', 'such as "microsoft"'),
    _text("client_id", "アプリの ID（クライアント ID）", "the id of your app registration"),
    _text("client_secret", "アプリの秘密の値", "the secret of your app", secret=True),
    _text("tenant", 'テナント ID。例: "consumers"', 'a tenant id, or such as "consumers"'),
    Setting(
        SECTION,
        "folders",
        "list",
        _line,
        {"ja": 'フォルダー名の並び。例: ["INBOX"]', "en": 'a list of folders, such as ["INBOX"]'},
    ),
    _one_of("takes", "any", "answers", "bounces", "trials"),
    _one_of("after", "leave", "seen", "move"),
    _text("move_to", 'フォルダー名。例: "todoku"', 'a folder, such as "todoku"'),
    Setting(SECTION, "address", "text", table.mailbox, table.ADDRESS),
    Setting(
        SECTION,
        "junk",
        "list",
        _line,
        {"ja": 'フォルダー名の並び。例: ["Junk"]', "en": 'a list of folders, such as ["Junk"]'},
    ),
    Setting(
        SECTION,
        "authserv",
        "list",
        table.host_name,
        {
            "ja": '検証結果に書かれるサーバー名の並び。例: ["mx.example.jp"]',
            "en": 'a list of names of servers that verify, such as ["mx.example.jp"]',
        },
    ),
)
BY_KEY: Final = {setting.key: setting for setting in MAILBOX}
PATHS: Final = ("ca_file", "password_file")

WORDS: Final[Words] = {
    "name": {
        "ja": "{where}: [mailbox.{name}] の名前は使えません。英小文字、数字、間の「-」だけの 40 文字以内に"
        "してください。例: [mailbox.microsoft]",
        "en": "{where}: a mailbox cannot be called {name}. Use up to 40 small letters, digits and "
        "hyphens between them, as in [mailbox.microsoft]",
    },
    "missing": {
        "ja": "[mailbox.{name}]: {key} がありません。必要な形: {wanted}",
        "en": "[mailbox.{name}] needs {key}: {wanted}",
    },
    "no-secret": {
        "ja": "[mailbox.{name}]: ログインの方法がありません。password_file（か環境変数 {variable}）、または "
        "sign_in を指定してください。",
        "en": "[mailbox.{name}] says nothing of how to log in. Set password_file (or the variable "
        "{variable}), or sign_in.",
    },
    "two-secrets": {
        "ja": "[mailbox.{name}]: {keys} が同時に指定されています。どれか一つにしてください。",
        "en": "[mailbox.{name}] has {keys}; one of them is enough.",
    },
    "no-client": {
        "ja": "[mailbox.{name}]: sign_in には client_id（登録したアプリの ID）が要ります。取り方は "
        "docs/intake.md にあります。",
        "en": "[mailbox.{name}]: sign_in needs client_id, the id of an app that you registered. "
        "docs/intake.md says how.",
    },
    "plain": {
        "ja": '[mailbox.{name}]: tls = "none" では、パスワードが暗号化されずに {host} まで届きます。"tls" か '
        '"starttls" にしてください。それでも使う場合は allow_plain = true を加えます。',
        "en": '[mailbox.{name}]: with tls = "none" the password goes to {host} for all to read. Use '
        '"tls" or "starttls"; allow_plain = true permits it all the same.',
    },
    "to-itself": {
        "ja": "[mailbox.{name}]: move_to の {folder} は、読み取る folders にも入っています。別のフォルダーに"
        "してください。",
        "en": "[mailbox.{name}]: move_to is {folder}, which is read as well. Name another folder.",
    },
}  # fmt: skip

Given: TypeAlias = Mapping[tuple[str, str], Any]
Problem: TypeAlias = tuple[Sentence, dict[str, Any]]


def variable(name: str, key: str) -> str:
    return f"{PREFIX}{name}_{key}".upper().replace("-", "_")


def of_variable(text: str) -> tuple[str, Setting] | None:
    """The mailbox and the setting that a variable names."""
    for setting in sorted(MAILBOX, key=lambda each: -len(each.key)):
        name = text.removeprefix(PREFIX).removesuffix(f"_{setting.key.upper()}")
        if text == variable(name, setting.key):
            name = name.lower().replace("_", "-")
            return (name, setting) if good_name(name) else None
    return None


def good_name(name: str) -> bool:
    return NAME.fullmatch(name) is not None and len(name) <= LONGEST


def sections(values: Given) -> dict[str, dict[str, Any]]:
    """What is given, by the mailbox's name. Keys of `values`: `("mailbox.NAME", key)`."""
    found: dict[str, dict[str, Any]] = {}
    for (section, key), value in sorted(values.items()):
        if section.startswith(f"{SECTION}."):
            found.setdefault(section.removeprefix(f"{SECTION}."), {})[key] = value
    return found


def problems(values: Given) -> Iterator[Problem]:
    """What cannot be used, of values each of which is good by itself."""
    for name, given in sections(values).items():
        for key in ("server", "user"):
            if key not in given:
                wanted = BY_KEY[key].wanted
                yield WORDS["missing"], {"name": name, "key": key, "wanted": wanted}
        secrets = [key for key in ("password", "password_file", "sign_in") if key in given]
        if not secrets:
            yield WORDS["no-secret"], {"name": name, "variable": variable(name, "password")}
        if len(secrets) > 1:
            yield WORDS["two-secrets"], {"name": name, "keys": ", ".join(secrets)}
        if "sign_in" in given and "client_id" not in given:
            yield WORDS["no-client"], {"name": name}
        if "server" in given and given.get("tls") == "none" and not given.get("allow_plain"):
            host = table.endpoint(given["server"], 0)[0]
            if not is_local(host):
                yield WORDS["plain"], {"name": name, "host": host}
        move_to = given.get("move_to", "todoku")
        if given.get("after") == "move" and move_to in given.get("folders", ("INBOX",)):
            yield WORDS["to-itself"], {"name": name, "folder": move_to}


def settle(values: Given, place: Any) -> tuple[Mailbox, ...]:
    """The mailboxes, by name. `place`: makes a path absolute, given its name in `values`."""
    made = []
    for name, given in sections(values).items():
        for key in PATHS:
            if key in given:
                given[key] = str(place((f"{SECTION}.{name}", key), Path()))
        made.append(Mailbox(name=name, **given))
    return tuple(made)
