"""`[mail]`: how mail leaves and comes in."""

from __future__ import annotations

from typing import Final

import msgspec

from todoku.settings import forms
from todoku.settings.setting import Setting


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """How todoku writes to people, and where bounces and desks' answers come in."""

    relay: str = "127.0.0.1:25"
    """`HOST[:PORT]`: the local server that takes what todoku writes."""
    sender: str | None = None
    """Its address; a probe says it in `MAIL FROM`. `None`: nobody is written to or probed."""
    admin: str | None = None
    """Whom tasks are recalled to; `None`: the sender."""
    folder: str | None = None
    """A Maildir or a plain folder that `todoku serve` empties."""
    spool: str = ""
    """Where `todoku ingest` and LMTP leave mail for it; always set by `load`."""
    lmtp: str | None = None
    """`HOST:PORT` at which `todoku serve` takes mail by LMTP (RFC 2033)."""
    log: tuple[str, ...] = ()
    """Logs of the servers that send our mail: what is in none of them was not sent by us."""
    authserv: tuple[str, ...] = ()
    """Names under which our own server writes Authentication-Results (RFC 8601); it takes away what
    others claim in them. Empty: signatures alone are believed."""
    reports: str | None = None
    """The address to which our users write that mail does not arrive."""
    batv_keys: tuple[str, ...] = ()
    """Secrets with which our servers sign return paths (`prvs=`)."""

    def __repr__(self) -> str:
        """Without the keys: a value may end in a log."""
        shown = (f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__[:-1])
        return f"Mail({', '.join(shown)}, batv_keys=<{len(self.batv_keys)}>)"


ROWS: Final[tuple[Setting, ...]] = (
    Setting("mail", "sender", "text", forms.mailbox, forms.ADDRESS),
    Setting("mail", "admin", "text", forms.mailbox, forms.ADDRESS),
    Setting(
        "mail",
        "folder",
        "text",
        forms.path,
        {
            "ja": 'メールの入るフォルダー。例: "/var/mail/todoku"',
            "en": 'a folder of mails, such as "/var/mail/todoku"',
        },
    ),
    Setting(
        "mail",
        "spool",
        "text",
        forms.path,
        {
            "ja": '受け取ったメールを置くフォルダー。例: "/var/spool/todoku"',
            "en": 'a folder where mail waits, such as "/var/spool/todoku"',
        },
    ),
    Setting(
        "mail",
        "lmtp",
        "text",
        forms.server,
        {
            "ja": 'LMTP で受け取る IP アドレスとポート。例: "127.0.0.1:2424"',
            "en": 'the IP address and port to take mail at by LMTP, such as "127.0.0.1:2424"',
        },
    ),
    Setting(
        "mail",
        "log",
        "list",
        forms.path,
        {
            "ja": 'メールサーバーのログファイルの並び。例: ["/var/log/mail.log"]',
            "en": 'a list of the mail servers\' log files, such as ["/var/log/mail.log"]',
        },
    ),
    Setting(
        "mail",
        "authserv",
        "list",
        forms.host_name,
        {
            "ja": "自分のサーバーが Authentication-Results に書く名前の並び。例: "
            '["mx1.example.jp"]',
            "en": "a list of the names that your own server writes into Authentication-Results, such "
            'as ["mx1.example.jp"]',
        },
    ),
    Setting("mail", "reports", "text", forms.mailbox, forms.ADDRESS),
    Setting(
        "mail",
        "batv_keys",
        "list",
        forms.secret,
        {
            "ja": "BATV（prvs=）の署名に使う鍵の並び（新しいものから）",
            "en": "a list of the keys that sign BATV addresses (prvs=), the newest first",
        },
        secret=True,
    ),
)
