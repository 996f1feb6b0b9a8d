"""What goes wrong with a mailbox, in sentences. What is in the store stays there; what is in the mailbox
stays where it is, and is read when the trouble is over."""

from __future__ import annotations

from typing import Final

from todoku.errors import TodokuError
from todoku.i18n import Words


class Trouble(TodokuError):
    """A mailbox cannot be read now."""

    exit_code = 69


class LoginRefused(Trouble):
    """To try again soon would lock the account at some servers."""

    exit_code = 77


class NotSignedIn(Trouble):
    """Only a person helps. Found out without asking anybody."""

    exit_code = 77


class Cut(Trouble):
    """The connection ended in the middle."""


class NotFetched(Exception):
    """The server said NO to a FETCH: of these messages it hands over none, or not all."""


WORDS: Final[Words] = {
    "unreachable": {
        "ja": "メールボックス {name}: {server} に接続できません（{why}）。間隔を空けて試し続けます。",
        "en": "mailbox {name}: cannot reach {server} ({why}). It is tried again.",
    },
    "slow": {
        "ja": "メールボックス {name}: {server} が {seconds} 秒以内に答えませんでした。間隔を空けて試し続けます。",
        "en": "mailbox {name}: {server} did not answer within {seconds} seconds. It is tried again.",
    },
    "cut": {
        "ja": "メールボックス {name}: {server} との接続が途中で切れました（{why}）。ここまでに取り込んだ分は保存"
        "済みで、残りは次に取り込みます。",
        "en": "mailbox {name}: {server} ended the connection ({why}). What was taken in so far is kept; "
        "the rest comes next time.",
    },
    "certificate": {
        "ja": "メールボックス {name}: {server} の証明書を確認できません（{why}）。パスワードは送っていません。"
        "自前の認証局なら [mailbox.{name}] ca_file で指定します。",
        "en": "mailbox {name}: the certificate of {server} cannot be verified ({why}). The password was "
        "not sent. For an authority of your own, name its certificate: [mailbox.{name}] ca_file.",
    },
    "tls": {
        "ja": "メールボックス {name}: {server} と TLS で話せません（{why}）。パスワードは送っていません。設定 tls "
        "とポートの組み合わせを確かめてください（tls は 993、starttls は 143）。",
        "en": "mailbox {name}: {server} does not speak TLS here ({why}). The password was not sent. See "
        "whether tls and port fit: 993 for tls, 143 for starttls.",
    },
    "no-starttls": {
        "ja": "メールボックス {name}: {server} は STARTTLS を提供していません。パスワードは送っていません。"
        'tls = "tls"（ポート 993）を試してください。',
        "en": "mailbox {name}: {server} offers no STARTTLS. The password was not sent. Try tls = "
        '"tls" (port 993).',
    },
    "no-imap": {
        "ja": "メールボックス {name}: {server} の応答は IMAP ではありません（{why}）。ホスト名とポートを確かめて"
        "ください。",
        "en": "mailbox {name}: what answers at {server} is no IMAP server ({why}). See to host and port.",
    },
    "password": {
        "ja": "メールボックス {name}: {server} が {user} のログインを拒否しました（{why}）。パスワードを確かめて"
        "ください。アカウントがロックされないよう、次は {minutes} 分後に試します。{hint}",
        "en": "mailbox {name}: {server} refuses the login of {user} ({why}). See to the password. So that "
        "the account is not locked, it is tried again after {minutes} minutes only. {hint}",
    },
    "hint-none": {"ja": "", "en": ""},
    "hint-oauth": {
        "ja": "このサーバーは OAuth 2 を提供しています。パスワードを受け付けないサービスなら sign_in を使い"
        "ます（docs/intake.md）。",
        "en": "This server offers OAuth 2: where passwords are no longer taken, use sign_in "
        "(docs/intake.md).",
    },
    "no-mechanism": {
        "ja": "メールボックス {name}: {server} はこの接続でのパスワードによるログインを受け付けません。"
        "パスワードは送っていません。{hint}",
        "en": "mailbox {name}: {server} takes no login by password on this connection. The password was "
        "not sent. {hint}",
    },
    "token": {
        "ja": "メールボックス {name}: サインインは有効ですが、{server} が {user} のログインを拒否しました（{why}）。"
        "{user} 本人でサインインしたか、そのアカウントで IMAP が許可されているかを確かめてください: "
        "todoku mailbox sign-in {name}",
        "en": "mailbox {name}: the sign-in is good, but {server} refuses the login of {user} ({why}). See "
        "whether it was {user} who signed in, and whether IMAP is enabled for that account: todoku "
        "mailbox sign-in {name}",
    },
    "no-xoauth2": {
        "ja": "メールボックス {name}: {server} は XOAUTH2 を提供していません。sign_in ではログインできません。",
        "en": "mailbox {name}: {server} offers no XOAUTH2; sign_in is of no use there.",
    },
    "password-file": {
        "ja": "メールボックス {name}: パスワードのファイル {path} を読めません（{why}）。",
        "en": "mailbox {name}: cannot read the password file {path} ({why}).",
    },
    "password-empty": {
        "ja": "メールボックス {name}: パスワードのファイル {path} の 1 行目が空です。",
        "en": "mailbox {name}: the first line of the password file {path} is empty.",
    },
    "no-folder": {
        "ja": "メールボックス {name}: フォルダー {folder} を開けません（{why}）。あるのは: {folders}",
        "en": "mailbox {name}: cannot open the folder {folder} ({why}). There are: {folders}",
    },
    "no-move": {
        "ja": "メールボックス {name}: 取り込んだメールを {folder} に移せません（{why}）。取り込みは済んでいます。"
        "次も試します。",
        "en": "mailbox {name}: what was taken in cannot be moved to {folder} ({why}). It is in the store; "
        "moving is tried again.",
    },
    "no-mark": {
        "ja": "メールボックス {name}: 取り込んだメールに既読の印を付けられません（{why}）。取り込みは済んでいます。"
        "次も試します。",
        "en": "mailbox {name}: what was taken in cannot be marked as seen ({why}). It is in the store; "
        "marking is tried again.",
    },
    "read-only": {
        "ja": "メールボックス {name}: フォルダー {folder} は読み取り専用です。メールは取り込み、印や移動は行いません。",
        "en": "mailbox {name}: the folder {folder} is read-only. Mail is taken in, and neither marked nor "
        "moved.",
    },
    "odd": {
        "ja": "メールボックス {name}: {server} の応答を理解できません（{why}）。ここまでに取り込んだ分は保存済み"
        "です。",
        "en": "mailbox {name}: cannot make sense of what {server} answers ({why}). What was taken in so "
        "far is kept.",
    },
    "renumbered": {
        "ja": "メールボックス {name}: サーバーがフォルダー {folder} の番号を付け直しました。最近 {days} 日分を読み"
        "直します（同じメールは一度しか数えません）。",
        "en": "mailbox {name}: the server has numbered the folder {folder} anew. The last {days} days are "
        "read again; what is known counts once.",
    },
    "large": {
        "ja": "メールボックス {name}: {folder} の UID {uid} は {octets} MB あります。最初の {most} MB だけを"
        "取り込みました。全体はメールボックスにあります。",
        "en": "mailbox {name}: UID {uid} of {folder} has {octets} MB; the first {most} MB were taken in. "
        "All of it is in the mailbox.",
    },
    "owed": {
        "ja": "メールボックス {name}: {folder} の UID {uids} を、サーバーが渡しません（{why}）。ほかのメールは取り"
        "込みました。これらは毎回頼み直します。メールソフトで確かめてください。",
        "en": "mailbox {name}: the server does not hand over UID {uids} of {folder} ({why}). The others "
        "were taken in; these are asked for again each time. Look at them with a mail program.",
    },
    "too-many-owed": {
        "ja": "メールボックス {name}: {folder} のメールを、サーバーが続けて渡しません（{why}）。残りは待たせて"
        "おき、間隔を空けて試し続けます。",
        "en": "mailbox {name}: the server hands over one message after the other of {folder} not ({why}). "
        "The rest waits there; it is tried again.",
    },
    "again": {
        "ja": "メールボックス {name}: 再び読めるようになりました。",
        "en": "mailbox {name}: it can be read again.",
    },
    "fault": {
        "ja": "メールボックス {name} の読み取りが途中で止まりました（{why}）。間隔を空けて試し続けます。",
        "en": "reading the mailbox {name} stopped in the middle ({why}). It is tried again.",
    },
}  # fmt: skip


def words(text: object, most: int = 200) -> str:
    """What a server said, fit for a terminal and a log: on one line."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    line = " ".join(str(text).split())
    line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
    return line if len(line) <= most else line[: most - 1] + "…"
