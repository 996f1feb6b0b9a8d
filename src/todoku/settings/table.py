"""Every setting: its name, how its value is read, and what is said of one that cannot be used."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import datetime
from math import isfinite
from typing import Any, Final, Literal, NamedTuple, TypeAlias

from todoku.i18n import Sentence
from todoku.lazy import expression
from todoku.settings import own as ours

Shape: TypeAlias = Literal["text", "list", "table", "flag"]


class Setting(NamedTuple):
    """One setting: how its value is read, and what is said of a value that cannot be used."""

    section: str
    key: str
    shape: Shape
    read: Callable[[str], str | None]
    """One value (each one, in a list or table) in its normal form; `None` if it cannot be used."""
    wanted: Sentence
    read_name: Callable[[str], str | None] | None = None
    """The same for the names of a table."""
    many: bool = False
    """A table's values may be lists."""
    secret: bool = False

    @property
    def variable(self) -> str:
        return f"TODOKU_{self.section}_{self.key}".upper()

    def parse(self, value: object) -> Any:
        """The value as the struct wants it; raises `ValueError` with the part that is wrong."""
        if self.shape == "text":
            return self._one(value)
        if self.shape == "flag":
            if not isinstance(value, bool):
                raise ValueError(_show(value))
            return value
        if self.shape == "list":
            return self._several(value if isinstance(value, list) else [value])
        if not isinstance(value, dict):
            raise ValueError(_show(value))  # noqa: TRY004
        return {self._name(k): self._entry(v) for k, v in value.items()}

    def from_text(self, text: str) -> Any:
        """The value from an environment variable: lists by comma or space, tables as `a=b,c=d`;
        several values of one name repeat the name; yes or no as `true` and `false`."""
        if self.shape == "text":
            return self.parse(text)
        if self.shape == "flag":
            return self.parse({"true": True, "false": False}.get(text.lower(), text))
        words = [word for word in re.split(r"[,\s]+", text) if word]
        if self.shape == "list":
            return self.parse(words)
        table: dict[str, list[str]] = {}
        for word in words:
            name, sign, value = word.partition("=")
            if not sign:
                raise ValueError(_show(word))
            table.setdefault(name, []).append(value)
        if self.many:
            return self.parse(table)
        return self.parse({name: values[-1] for name, values in table.items()})

    def _one(self, value: object) -> str:
        result = self.read(value) if isinstance(value, str) else None
        if result is None:
            raise ValueError(_show(value))
        return result

    def _several(self, values: list[object]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._one(value) for value in values))

    def _name(self, name: str) -> str:
        result = self.read_name(name) if self.read_name else name
        if not result:
            raise ValueError(_show(name))
        return result

    def _entry(self, value: object) -> str | tuple[str, ...]:
        if not self.many:
            return self._one(value)
        return self._several(value if isinstance(value, list) else [value])


def _show(value: object) -> str:
    """A value in a message: as TOML has it, short, one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= 80 else text[:79] + "…"


def _choice(*names: str) -> Callable[[str], str | None]:
    return lambda text: text if text in names else None


def _path(text: str) -> str | None:
    return text or None


def _store(text: str) -> str | None:
    good = re.match(r"(sqlite:///.|(postgresql|postgres)(\+psycopg)?://.)", text)
    return text if good else None


def _range(text: str) -> str | None:
    """Exactly one network. `192.0.2.1/24` is refused: it is unclear which of the two is meant."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        return None


_LABEL: Final = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_NAME: Final = expression(rf"{_LABEL}(\.{_LABEL})*")


def host_name(text: str) -> str | None:
    name = ours.normal_name(text)
    good = _NAME.fullmatch(name) and len(name) <= 253 and ours.parse_ip(name) is None
    return name if good else None


def _domain(text: str) -> str | None:
    """A domain: `@example.jp` and `*.example.jp` are understood, a bare top level is not."""
    name = host_name(text.removeprefix("@").removeprefix("*."))
    return name if name and "." in name else None


def smarthost(text: str) -> str | None:
    """A host or address; `[host]:port`, as in Postfix, is understood and its port left out."""
    text = text.strip()
    if bracketed := re.fullmatch(r"\[(.+)\](:\w+)?", text):
        text = bracketed[1]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return ours.normal_ip(text) or host_name(text)


_ID: Final = expression(r"[a-z0-9_][a-z0-9_.-]{0,252}")


def _list_id(text: str) -> str | None:
    """The id of a list (`spamhaus-zen`) or a zone; whether there is one, the knowledge tells."""
    name = text.strip().lower().rstrip(".")
    return name if _ID.fullmatch(name) else None


def _place_id(text: str) -> str | None:
    """The id of a receiver (`t-online`), or a domain; whether there is one, the knowledge tells."""
    return _list_id(text.removeprefix("@"))


def _desk_id(text: str) -> str | None:
    """The id of a desk, `t-online/bl`."""
    owner, sign, name = text.strip().lower().partition("/")
    return f"{owner}/{name}" if sign and _ID.fullmatch(owner) and _ID.fullmatch(name) else None


_KEY: Final = expression(r"[A-Za-z0-9_-]{1,63}")


def _key(text: str) -> str | None:
    """A key that a list's operator gave out: a label of a DNS name."""
    text = text.strip()
    return text if _KEY.fullmatch(text) else None


def _secret(text: str) -> str | None:
    """A key of HMAC-SHA1, as long as servers take one."""
    return text if 1 <= len(text.encode("utf-8", "replace")) <= 64 else None


def server(text: str) -> str | None:
    """`192.0.2.53`, `192.0.2.53:5353`, `2001:db8::53`, `[2001:db8::53]:5353`. A name would itself
    have to be asked for."""
    text = text.strip()
    host, port = text, ""
    if bracketed := re.fullmatch(r"\[([^\]]+)\](?::(\d{1,5}))?", text):
        host, port = bracketed[1], bracketed[2] or ""
    elif m := re.fullmatch(r"([^:]+):(\d{1,5})", text):
        host, port = m[1], m[2]
    ip = ours.parse_ip(host)
    if ip is None or (port and not 0 < int(port) < 65536):
        return None
    if not port:
        return str(ip)
    return f"[{ip}]:{int(port)}" if ip.version == 6 else f"{ip}:{int(port)}"


def endpoint(text: str, port: int) -> tuple[str, int]:
    """Host and port of a text that `server` took; `port` where it names none."""
    if text.startswith("["):
        host, _, named = text[1:].partition("]:")
    elif text.count(":") == 1:
        host, _, named = text.partition(":")
    else:
        host, named = text, ""
    return host, int(named or port)


def port(text: str) -> str | None:
    text = text.strip()
    return text if re.fullmatch(r"[1-9]\d{0,4}", text) and int(text) < 65536 else None


def clock(text: str) -> str | None:
    """What `FastClock.text` gives: how fast, from when, since which reading of the machine's."""
    words = text.split()
    try:
        factor, start, since = float(words[0]), datetime.fromisoformat(words[1]), float(words[2])
    except (ValueError, IndexError):
        return None
    fits = len(words) == 3 and 0 < factor < float("inf") and start.tzinfo and isfinite(since)
    return " ".join(words) if fits else None


def _day(text: str) -> str | None:
    try:
        return datetime.strptime(text.strip(), "%Y-%m-%d").date().isoformat()  # noqa: DTZ007
    except ValueError:
        return None


def _number(least: int, most: int) -> Callable[[str], str | None]:
    def read(text: str) -> str | None:
        text = text.strip()
        good = re.fullmatch(r"0|[1-9][0-9]{0,3}", text) and least <= int(text) <= most
        return text if good else None

    return read


def _days(text: str) -> str | None:
    text = text.strip()
    good = re.fullmatch(r"[1-9][0-9]{0,3}", text) and int(text) <= 3650
    return text if good else None


_MAILBOX: Final = expression(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[^@]+")


def mailbox(text: str) -> str | None:
    """A mail address as RFC 5321 has it, without quoted or international local parts."""
    text = text.strip()
    if not _MAILBOX.fullmatch(text):
        return None
    local, _, domain = text.partition("@")
    name = host_name(domain)
    return f"{local}@{name}" if name else None


ADDRESS: Final[Sentence] = {
    "ja": 'メールアドレス。例: "postmaster@example.jp"',
    "en": 'a mail address, such as "postmaster@example.jp"',
}


def _user(text: str) -> str | None:
    """A login name, or `*`."""
    text = text.strip()
    return text if re.fullmatch(r"\*|[\w][\w.-]{0,63}\$?", text) else None


def _words(text: str) -> str | None:
    """A line of text."""
    text = " ".join(text.split())
    return text if text and text.isprintable() and len(text) <= 200 else None


def _url(text: str) -> str | None:
    text = text.strip()
    return text if re.fullmatch(r"https?://[^\s<>\"]{3,500}", text) else None


_TEXT: Final[Sentence] = {
    "ja": "1 行の文字列（200 字まで）",
    "en": "one line of text (up to 200 letters)",
}

_IP: Final[Sentence] = {
    "ja": 'IP アドレスの並び。例: ["192.0.2.1", "2001:db8::25"]',
    "en": 'a list of IP addresses, such as ["192.0.2.1", "2001:db8::25"]',
}

_LISTS: Final[Sentence] = {
    "ja": 'リストの id かゾーンの並び。例: ["spamhaus-zen", "bl.spamcop.net"]',
    "en": 'a list of the ids or zones of lists, such as ["spamhaus-zen", "bl.spamcop.net"]',
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


_PLACES: Final[Sentence] = {
    "ja": '受信側の id かドメインの並び。例: ["t-online", "partner.example"]',
    "en": 'a list of the ids of receivers, or of domains, such as ["t-online", "partner.example"]',
}

SETTINGS: Final[tuple[Setting, ...]] = (
    Setting(
        "general",
        "language",
        "text",
        _choice("ja", "en"),
        {"ja": '"ja" または "en"', "en": '"ja" or "en"'},
    ),
    Setting(
        "general",
        "use",
        "text",
        _choice("private", "commercial"),
        {"ja": '"private" または "commercial"', "en": '"private" or "commercial"'},
    ),
    Setting(
        "general",
        "data",
        "text",
        _path,
        {"ja": '"/var/lib/todoku" のようなフォルダー', "en": 'a folder, such as "/var/lib/todoku"'},
    ),
    Setting(
        "general",
        "store",
        "text",
        _store,
        {
            "ja": '"sqlite:///ファイル" または "postgresql://ユーザー@ホスト/データベース"',
            "en": '"sqlite:///FILE" or "postgresql://USER@HOST/DATABASE"',
        },
        secret=True,
    ),
    Setting("own", "addresses", "list", ours.normal_ip, _IP),
    Setting(
        "own",
        "ranges",
        "list",
        _range,
        {
            "ja": '先頭アドレスとプレフィックス長の並び。例: ["192.0.2.0/28", "2001:db8::/48"]',
            "en": 'a list of ranges by their first address, such as ["192.0.2.0/28", '
            '"2001:db8::/48"]',
        },
    ),
    Setting(
        "own",
        "domains",
        "list",
        _domain,
        {"ja": 'ドメインの並び。例: ["example.jp"]', "en": 'a list of domains, as ["example.jp"]'},
    ),
    Setting(
        "own",
        "helo",
        "list",
        host_name,
        {
            "ja": 'HELO で名乗るホスト名の並び。例: ["mail.example.jp"]',
            "en": 'a list of the host names said in HELO, such as ["mail.example.jp"]',
        },
    ),
    Setting(
        "own",
        "dkim_selectors",
        "list",
        host_name,
        {
            "ja": 'DKIM セレクターの並び。例: ["s2026"]',
            "en": 'a list of DKIM selectors, such as ["s2026"]',
        },
    ),
    Setting(
        "own",
        "transports",
        "table",
        ours.normal_ip,
        {
            "ja": "配送経路の名前と送信元アドレスの対。例: "
            '{ smtp = "192.0.2.1", out2 = ["192.0.2.2"] }',
            "en": "transport names and the addresses they send from, such as "
            '{ smtp = "192.0.2.1", out2 = ["192.0.2.2"] }',
        },
        many=True,
    ),
    Setting(
        "own",
        "nat",
        "table",
        ours.normal_ip,
        {
            "ja": '内側と外側のアドレスの対。例: { "10.0.0.5" = "192.0.2.1" }',
            "en": 'inner addresses and their outer ones, such as { "10.0.0.5" = "192.0.2.1" }',
        },
        read_name=ours.normal_ip,
    ),
    Setting(
        "own",
        "smarthosts",
        "list",
        smarthost,
        {
            "ja": 'ホスト名か IP アドレスの並び。例: ["relay.example.jp"]',
            "en": 'a list of host names or addresses, such as ["relay.example.jp"]',
        },
    ),
    Setting(
        "own",
        "first_used",
        "table",
        _day,
        {
            "ja": '自分のアドレスと、使い始めた日の対。例: { "192.0.2.1" = "2026-11-20" }',
            "en": 'addresses of yours and the day of their first use, such as { "192.0.2.1" = '
            '"2026-11-20" }',
        },
        read_name=ours.normal_ip,
    ),
    Setting("lists", "required", "list", _list_id, _LISTS),
    Setting("lists", "add", "list", _list_id, _LISTS),
    Setting("lists", "skip", "list", _list_id, _LISTS),
    Setting(
        "lists",
        "keys",
        "table",
        _key,
        {
            "ja": '鍵の名前と、運営から受け取った鍵の対。例: { spamhaus-dqs = "your-key" }',
            "en": "names of keys and the keys that operators gave you, such as "
            '{ spamhaus-dqs = "your-key" }',
        },
        read_name=_list_id,
        secret=True,
    ),
    Setting(
        "dns",
        "resolver",
        "text",
        server,
        {
            "ja": 'リゾルバーの IP アドレス。ポートも付けられます。例: "127.0.0.1"、"127.0.0.1:5353"',
            "en": "the IP address of a resolver, with its port where it is not 53, such as "
            '"127.0.0.1" or "127.0.0.1:5353"',
        },
    ),
    Setting("dns", "direct", "flag", str, {"ja": "true または false", "en": "true or false"}),
    Setting(
        "mail",
        "relay",
        "text",
        server,
        {
            "ja": '手元のメールサーバーの IP アドレス。ポートも付けられます。例: "127.0.0.1:25"',
            "en": "the IP address of your own mail server, with its port where it is not 25, such as "
            '"127.0.0.1:25"',
        },
    ),
    Setting("mail", "sender", "text", mailbox, ADDRESS),
    Setting("mail", "admin", "text", mailbox, ADDRESS),
    Setting(
        "mail",
        "folder",
        "text",
        _path,
        {
            "ja": 'メールの入るフォルダー。例: "/var/mail/todoku"',
            "en": 'a folder of mails, such as "/var/mail/todoku"',
        },
    ),
    Setting(
        "mail",
        "spool",
        "text",
        _path,
        {
            "ja": '受け取ったメールを置くフォルダー。例: "/var/spool/todoku"',
            "en": 'a folder where mail waits, such as "/var/spool/todoku"',
        },
    ),
    Setting(
        "mail",
        "lmtp",
        "text",
        server,
        {
            "ja": 'LMTP で受け取る IP アドレスとポート。例: "127.0.0.1:2424"',
            "en": 'the IP address and port to take mail at by LMTP, such as "127.0.0.1:2424"',
        },
    ),
    Setting(
        "mail",
        "log",
        "list",
        _path,
        {
            "ja": 'メールサーバーのログファイルの並び。例: ["/var/log/mail.log"]',
            "en": 'a list of the mail servers\' log files, such as ["/var/log/mail.log"]',
        },
    ),
    Setting(
        "mail",
        "authserv",
        "list",
        host_name,
        {
            "ja": "自分のサーバーが Authentication-Results に書く名前の並び。例: "
            '["mx1.example.jp"]',
            "en": "a list of the names that your own server writes into Authentication-Results, such "
            'as ["mx1.example.jp"]',
        },
    ),
    Setting("mail", "reports", "text", mailbox, ADDRESS),
    Setting(
        "mail",
        "batv_keys",
        "list",
        _secret,
        {
            "ja": "BATV（prvs=）の署名に使う鍵の並び（新しいものから）",
            "en": "a list of the keys that sign BATV addresses (prvs=), the newest first",
        },
        secret=True,
    ),
    Setting("contact", "name", "text", _words, _TEXT),
    Setting("contact", "email", "text", mailbox, ADDRESS),
    Setting("contact", "phone", "text", _words, _TEXT),
    Setting("contact", "company", "text", _words, _TEXT),
    Setting("contact", "business", "text", _words, _TEXT),
    Setting("contact", "sends", "text", _words, _TEXT),
    Setting(
        "contact",
        "imprint",
        "text",
        _url,
        {
            "ja": '運営者を示すページの URL。例: "https://www.example.jp/company"',
            "en": "the URL of the page that tells who operates the server, such as "
            '"https://www.example.jp/company"',
        },
    ),
    Setting("cases", "never_probe", "list", _place_id, _PLACES),
    Setting(
        "cases",
        "directory",
        "text",
        _path,
        {"ja": 'ファイル名。例: "/etc/todoku/users"', "en": 'a file, such as "/etc/todoku/users"'},
    ),
    *(_webhook(kind) for kind in ("slack", "teams", "json")),
    Setting(
        "cases",
        "proof",
        "text",
        _choice("mail", "trial", "probe"),
        {"ja": '"mail"、"trial" または "probe"', "en": '"mail", "trial" or "probe"'},
    ),
    Setting(
        "cases",
        "accepted",
        "text",
        _number(1, 1000),
        {"ja": '1〜1000 の数。例: "3"', "en": 'a number from 1 to 1000, such as "3"'},
    ),
    Setting(
        "cases",
        "over_hours",
        "text",
        _number(0, 1000),
        {"ja": '0〜1000 の時間数。例: "24"', "en": 'hours, from 0 to 1000, such as "24"'},
    ),
    Setting(
        "cases",
        "hosts",
        "text",
        _number(1, 10),
        {"ja": '1〜10 の数。例: "2"', "en": 'a number from 1 to 10, such as "2"'},
    ),
    Setting(
        "cases",
        "write_to",
        "list",
        _desk_id,
        {
            "ja": '窓口の id の並び。例: ["t-online/bl"]',
            "en": 'a list of the ids of desks, such as ["t-online/bl"]',
        },
    ),
    Setting(
        "cases",
        "desk_relay",
        "text",
        server,
        {
            "ja": '遮断されていないアドレスから送るメールサーバーの IP アドレス。例: "192.0.2.25:25"',
            "en": "the IP address of a mail server that sends from an address which is not blocked, such "
            'as "192.0.2.25:25"',
        },
    ),
    Setting(
        "privacy",
        "operator",
        "text",
        _choice("own", "others"),
        {
            "ja": '"own"（自分たちのメール）または "others"（顧客など他人のメール）',
            "en": '"own" (mail of your own people) or "others" (mail of customers)',
        },
    ),
    Setting("privacy", "legal_basis", "text", _words, _TEXT),
    Setting("privacy", "decided_by", "text", _words, _TEXT),
    Setting(
        "privacy",
        "decided_on",
        "text",
        _day,
        {"ja": '日付。例: "2026-11-24"', "en": 'a date, such as "2026-11-24"'},
    ),
    Setting(
        "privacy",
        "keep_days",
        "text",
        _days,
        {"ja": '1〜3650 の日数。例: "30"', "en": 'days, from 1 to 3650, such as "30"'},
    ),
    Setting(
        "privacy",
        "clear_for",
        "list",
        _user,
        {
            "ja": 'このマシンのユーザー名の並び。例: ["sato"]（全員なら ["*"]）',
            "en": 'a list of users of this machine, such as ["sato"] (all of them: ["*"])',
        },
    ),
    Setting(
        "logs",
        "recipients",
        "text",
        _choice("off", "hashed", "clear"),
        {
            "ja": '"off"（保存しない）、"hashed"（鍵付きハッシュ）または "clear"（そのまま）',
            "en": '"off" (not stored), "hashed" (with a key) or "clear"',
        },
    ),
    Setting(
        "logs",
        "keep_deliveries",
        "text",
        _days,
        {"ja": '1〜3650 の日数。例: "180"', "en": 'days, from 1 to 3650, such as "180"'},
    ),
    Setting(
        "knowledge",
        "overlay",
        "text",
        _path,
        {
            "ja": '規則を置くフォルダー。例: "/etc/todoku/knowledge"',
            "en": 'the folder of your own rules, such as "/etc/todoku/knowledge"',
        },
    ),
    Setting(
        "lab",
        "port",
        "text",
        port,
        {"ja": 'ポート番号。例: "2525"', "en": 'a port, such as "2525"'},
    ),
    Setting(
        "lab",
        "clock",
        "text",
        clock,
        {"ja": "todoku lab が書いた時計", "en": "the clock that todoku lab wrote"},
    ),
    Setting(
        "lab",
        "list",
        "text",
        _domain,
        {
            "ja": 'リストのゾーン。例: "bl.lab.test"',
            "en": 'the zone of a list, such as "bl.lab.test"',
        },
    ),
    Setting(
        "lab",
        "signer",
        "text",
        _domain,
        {"ja": "窓口のドメイン", "en": "the domain of the desk"},
    ),
    Setting("lab", "desk", "text", mailbox, ADDRESS),
)
