"""abuse@ and postmaster@: where people write to when mail from the domain troubles them (RFC 2142).

By DNS alone only this is known: that they cannot be there. With `--fetch` the domain's own servers are
asked by `RCPT TO`; nothing is sent to them."""

from __future__ import annotations

from typing import Final

from todoku.i18n import Language, Words
from todoku.lazy import expression
from todoku.preflight import dns
from todoku.preflight.checks.mx import exchangers
from todoku.preflight.dns import Ask, Recorder
from todoku.preflight.fetch import Fetch
from todoku.preflight.incoming import Heard
from todoku.preflight.sheet import Sheet
from todoku.preflight.values import Check, Detail, State

MAILBOXES: Final = ("postmaster", "abuse")
MOST: Final = 5
"""Hosts that are looked up;"""
MET: Final = 2
"""so many are met, the best first, until one answers."""
_STATUS: Final = expression(
    r"(?P<code>[0-9]{3})(?:[ -]+[245]\.(?P<subject>[0-9]{1,3})\.[0-9]{1,3}\b)?"
)
"""A reply's code, and the middle of its enhanced one (RFC 3463)."""
_OF_A_MAILBOX: Final = frozenset({"1", "2"})
"""Address and mailbox (RFC 3463, section 3): others tell of the sender, or of policy."""

WORDS: Final[Words] = {
    "title": {"ja": "abuse@ と postmaster@", "en": "abuse@ and postmaster@"},
    "wanted": {
        "ja": "abuse@{about} と postmaster@{about} に届いたメールを人が読むこと",
        "en": "somebody reads what comes to abuse@{about} and postmaster@{about}",
    },
    "why": {
        "ja": "苦情や解除の確認はここに届きます。届かないことを理由に載せるリストや、解除の条件にする窓口が"
        "あります。",
        "en": "complaints and confirmations of removal go there, and some lists and desks ask for it.",
    },
    "found.unseen": {
        "ja": "{about} はメールを受け取りますが、この二つが届くかは尋ねていません。",
        "en": "{about} takes mail; whether these two do was not asked.",
    },
    "remedy.unseen": {
        "ja": "--fetch を付けて実行すると、{about} のサーバーに RCPT TO で尋ねます（送信はしません）。",
        "en": "with --fetch the servers of {about} are asked by RCPT TO (nothing is sent).",
    },
    "found.no-mail": {
        "ja": "{about} はメールを受け取らないので、どちらにも届きません。",
        "en": "{about} takes no mail, so neither can be reached.",
    },
    "remedy.no-mail": {
        "ja": "{about} の MX を直し、二つのアドレスを作ってください。",
        "en": "mend the MX of {about}, and have the two addresses.",
    },
    "found.accepted": {
        "ja": "{host} はどちらも受け付けます（RCPT TO まで。読む人がいるかは別です）。",
        "en": "{host} takes both (by RCPT TO; that somebody reads them is yours to see).",
    },
    "found.refused": {
        "ja": "{host} は受け付けません: {names}",
        "en": "{host} does not take {names}.",
    },
    "remedy.refused": {
        "ja": "そのアドレスを作り、人が読むメールボックスへ転送してください。",
        "en": "have these addresses, and let them lead to a mailbox that somebody reads.",
    },
    "found.unsettled": {
        "ja": "{host} の答えからは、届くか分かりません。",
        "en": "the answers of {host} do not tell whether they are taken.",
    },
    "remedy.unsettled": {
        "ja": "一時的な拒否なら時間をおいて再実行し、方針による拒否なら別のマシンから実行するか、外部から両方へ"
        " 1 通ずつ送って確かめてください。",
        "en": "where it is for now, run this later; where it is by policy, from another machine, or send one "
        "mail to each from elsewhere.",
    },
    "found.unreached": {
        "ja": "{host} にここから尋ねられませんでした（{words}）。届くかは分かりません。",
        "en": "{host} could not be asked from here ({words}): whether they are taken is not known.",
    },
    "remedy.unreached": {
        "ja": "25 番ポートで外へ接続できるマシンから再実行するか、外部から両方へ 1 通ずつ送って確かめてください。",
        "en": "run this from a machine that may go out by port 25, or send one mail to each from elsewhere.",
    },
}
SHEET: Final = Sheet("mailboxes", WORDS, ("RFC 2142, sections 4 and 5", "RFC 5321, section 4.5.1"))


def look(ask: Ask, domain: str, fetch: Fetch | None, lang: Language) -> Check:
    ask = Recorder(ask)
    answer = ask(domain, "MX")
    if answer.outcome == "unknown":
        return SHEET.silent(lang, domain, ask.asked)
    found: dict[str, tuple[str, ...]] = {}
    for host in filter(None, (exchangers(answer.records) or [domain])[:MOST]):
        addresses = dns.addresses(ask, host)
        if addresses is None:
            return SHEET.silent(lang, domain, ask.asked)
        if addresses:
            found[host] = addresses
    if not found:
        return SHEET.tell(lang, domain, "bad", "no-mail", ask.asked)
    if fetch is None:
        return SHEET.tell(lang, domain, "unknown", "unseen", ask.asked, cause="unseen")
    return _asked(ask, domain, found, fetch, lang)


def _asked(
    ask: Recorder, domain: str, hosts: dict[str, tuple[str, ...]], fetch: Fetch, lang: Language
) -> Check:
    wanted = [f"{name}@{domain}" for name in MAILBOXES]
    host, heard = "", Heard()
    for host, addresses in list(hosts.items())[:MET]:
        heard = fetch.recipients(host, addresses, domain, wanted)
        if heard.open:
            break
    if not heard.replies:
        # Refused before a mailbox was named, or not reached: nothing is known of the two.
        words = heard.why or "?"
        return SHEET.tell(
            lang, domain, "unknown", "unreached", ask.asked, host=host, words=words,
            cause="unseen" if heard.open else "unanswered",
        )  # fmt: skip
    states = {mailbox: _state(reply) for mailbox, reply in heard.replies}
    details = [
        Detail(text=f"{mailbox}: {reply[:200]}", state=states[mailbox])
        for mailbox, reply in heard.replies
    ]
    lost = [mailbox for mailbox, state in states.items() if state == "warning"]
    if lost:
        return SHEET.tell(
            lang, domain, "warning", "refused", ask.asked,
            details=details, host=host, names=", ".join(lost),
        )  # fmt: skip
    if "unknown" in states.values():
        return SHEET.tell(
            lang, domain, "unknown", "unsettled", ask.asked,
            cause="unseen", details=details, host=host,
        )  # fmt: skip
    return SHEET.tell(lang, domain, "ok", "accepted", ask.asked, details=details, host=host)


def _state(reply: str) -> State:
    """Of one reply to `RCPT TO`. Without an enhanced code a 5yz stands for the mailbox."""
    m = _STATUS.match(reply)
    if m is None or m["code"][0] not in "25":
        return "unknown"
    if m["code"][0] == "2":
        return "ok"
    return "warning" if m["subject"] is None or m["subject"] in _OF_A_MAILBOX else "unknown"
