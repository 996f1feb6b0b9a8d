"""What the new host meets on its way out: port 25, greetings, STARTTLS. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from todoku.i18n import Language, Words
from todoku.preflight.outgoing import Met
from todoku.preflight.sheet import Sheet
from todoku.preflight.values import Check

PORT_WORDS: Final[Words] = {
    "title": {"ja": "外向きの 25 番ポート", "en": "outgoing port 25"},
    "wanted": {
        "ja": "{about} から受信側のサーバーへ接続でき、迎え入れられること",
        "en": "servers of receivers can be reached from {about}, and greet it",
    },
    "why": {
        "ja": "25 番ポートの外向きの接続を止めている提供元が多くあり、申請しないと開きません。接続した時点で"
        "断る受信側は、そのアドレスを拒否リストに載せています。",
        "en": "many hosters close outgoing port 25 until they are asked. A receiver that refuses at the "
        "greeting has the address on a list.",
    },
    "found.ok": {"ja": "{n} の受信側に接続できました。", "en": "{n} receivers were reached."},
    "found.closed": {
        "ja": "どの受信側（{n}）にも接続できません。",
        "en": "none of {n} receivers could be reached.",
    },
    "remedy.closed": {
        "ja": "提供元に 25 番ポートの開放を申請し、自分のファイアウォールも確かめてください。",
        "en": "ask the hoster to open port 25, and look at your own firewall.",
    },
    "found.refused": {
        "ja": "接続した時点で断られました: {names}",
        "en": "refused at the greeting by {names}.",
    },
    "remedy.refused": {
        "ja": "応答の意味と窓口は、応答をそのまま todoku diagnose に渡すと分かります。",
        "en": "hand the reply to todoku diagnose: it tells what it means, and which desk decides.",
    },
    "found.not-here": {
        "ja": "このマシンは {about} を持っていないため、調べていません。",
        "en": "not tried: this machine does not have {about}.",
    },
    "remedy.not-here": {
        "ja": "新しいサーバーで実行してください。NAT の内側なら設定 [own] nat に対応を書きます。",
        "en": "run it on the new server; behind NAT, name the pair in [own] nat of the settings.",
    },
    "found.unresolved": {
        "ja": "受信側のサーバーの名前が引けず、調べられませんでした。",
        "en": "the names of receivers' servers could not be looked up, so nothing was tried.",
    },
    "remedy.unresolved": {
        "ja": "リゾルバー（--resolver）を確かめ、もう一度実行してください。",
        "en": "see that the resolver (--resolver) works, and run this again.",
    },
}
PORT: Final = Sheet("port-25", PORT_WORDS, ("RFC 5321, section 3.1",))

TLS_WORDS: Final[Words] = {
    "title": {"ja": "外向きの STARTTLS", "en": "outgoing STARTTLS"},
    "wanted": {
        "ja": "{about} から見て、受信側が STARTTLS を提示すること",
        "en": "receivers offer STARTTLS to {about}",
    },
    "why": {
        "ja": "Gmail は TLS での配送を求めます。途中の機器が STARTTLS を消すと、暗号化できません。",
        "en": "Gmail asks for TLS; where a device on the way takes STARTTLS out, mail goes in the clear.",
    },
    "found.ok": {"ja": "{n} の受信側が提示しました。", "en": "{n} receivers offered it."},
    "found.stripped": {
        "ja": "接続できた受信側（{n}）のどれも提示しません。途中の機器が消している疑いがあります。",
        "en": "none of the {n} that were reached offers it: a device on the way may take it out.",
    },
    "remedy.stripped": {
        "ja": "ファイアウォールの SMTP 検査（SMTP fixup、ALG など）を外してください。",
        "en": "switch off what inspects SMTP in the firewall (SMTP fixup, ALG).",
    },
    "found.not-met": {
        "ja": "迎え入れた受信側がないため、分かりません。",
        "en": "not known, because no receiver greeted this host.",
    },
    "remedy.not-met": {
        "ja": "外向きの 25 番ポートを先に直してください。",
        "en": "mend outgoing port 25 first.",
    },
}
TLS: Final = Sheet("starttls", TLS_WORDS, ("RFC 3207", "https://support.google.com/a/answer/81126"))


def judge(ip: str, met: Sequence[Met], lang: Language) -> list[Check]:
    return [_port(ip, met, lang), _tls(ip, met, lang)]


def not_here(ip: str, lang: Language) -> list[Check]:
    return [
        PORT.tell(lang, ip, "unknown", "not-here", cause="not-asked"),
        TLS.tell(lang, ip, "unknown", "not-met", cause="not-asked"),
    ]


def _port(ip: str, met: Sequence[Met], lang: Language) -> Check:
    details = [_line(m) for m in met]
    tried = [m for m in met if m.open is not None]
    refused = [m for m in tried if m.refused]
    if not tried:
        return PORT.tell(lang, ip, "unknown", "unresolved", details=details)
    # A device on the way may take the connection and say nothing: that is no server.
    heard = [m for m in tried if m.reply or m.starttls is not None]
    if not heard:
        return PORT.tell(lang, ip, "bad", "closed", n=len(tried), details=details)
    if refused:
        names = ", ".join(m.receiver for m in refused)
        return PORT.tell(lang, ip, "bad", "refused", names=names, details=details)
    return PORT.tell(lang, ip, "ok", "ok", n=len(heard), details=details)


def _tls(ip: str, met: Sequence[Met], lang: Language) -> Check:
    told = [m for m in met if m.starttls is not None]
    if not told:
        return TLS.tell(lang, ip, "unknown", "not-met")
    offered = sum(bool(m.starttls) for m in told)
    if not offered:
        return TLS.tell(lang, ip, "warning", "stripped", n=len(told))
    return TLS.tell(lang, ip, "ok", "ok", n=offered)


def _line(m: Met) -> str:
    said = m.reply or m.why or ("220" if m.open else "-")
    return f"{m.receiver} {m.host}: {said}"
