"""Whether another server may send our mail: its address in our SPF, our DKIM keys, its own permission.
Nothing is sent: the dialogue ends before `DATA`."""

from __future__ import annotations

import ipaddress
import smtplib
from collections.abc import Sequence
from typing import Any, Final

from todoku import dialogue
from todoku.cases.case import Case, identity_key
from todoku.cases.detouring import Checked, Relay, State
from todoku.i18n import Language, Words, say
from todoku.model import Identity
from todoku.preflight import dns, spf
from todoku.preflight.checks import dkim
from todoku.settings.own import Own

WAIT: Final = 15.0
WHOLE: Final = 45.0

WORDS: Final[Words] = {
    "no-address": {
        "ja": "{via} のアドレスが分かりません。--leaves-from で、そこから出ていくアドレスを指定してください",
        "en": "the addresses of {via} are not known: name those that its mail leaves from by --leaves-from",
    },
    "blocked": {
        "ja": "{ip} は、この案件で拒否されているアドレスです",
        "en": "{ip} is an address that this case is about",
    },
    "free": {"ja": "{ip} はこの案件のアドレスではありません", "en": "{ip} is none of this case"},
    "spf-ok": {
        "ja": "{domain} の SPF は {ip} を認めています",
        "en": "the SPF of {domain} permits {ip}",
    },
    "spf-bad": {
        "ja": "{domain} の SPF は {ip} を認めていません（{result}）。ip{version}:{ip} か、中継サーバーの include を"
        "加えてください",
        "en": "the SPF of {domain} does not permit {ip} ({result}): add ip{version}:{ip}, or the include of "
        "the relay",
    },
    "spf-unknown": {
        "ja": "{domain} の SPF が {ip} を認めるかは不明です（DNS の答えがありません）",
        "en": "whether the SPF of {domain} permits {ip} is not known (no answer of the DNS)",
    },
    "no-domain": {
        "ja": "自分のドメインが分かりません（設定 [own] domains）",
        "en": "no domain of ours is known ([own] domains of the settings)",
    },
    "dkim": {"ja": "{domain} の DKIM: {found}", "en": "DKIM of {domain}: {found}"},
    "permitted": {
        "ja": "{via} は {sender} から {to} へのメールを受け付けます",
        "en": "{via} takes mail from {sender} to {to}",
    },
    "refused": {
        "ja": "{via} は {sender} から {to} へのメールを受け付けません（{said}）",
        "en": "{via} does not take mail from {sender} to {to} ({said})",
    },
    "login": {
        "ja": "{via} はログインを求めます（{said}）。Postfix に資格情報を設定し（smtp_sasl_password_maps）、実際に"
        "送って確かめてください",
        "en": "{via} wants a login ({said}): give Postfix its credentials (smtp_sasl_password_maps), and send "
        "a mail to see",
    },
    "later": {
        "ja": "{via} が受け付けるかは不明です（{said}）",
        "en": "whether {via} takes our mail is not known ({said})",
    },
}


def look(
    case: Case,
    via: Relay,
    leaves_from: Sequence[str],
    own: Own,
    ask: dns.Ask,
    *,
    sender: str,
    to: str,
    helo: str,
    lang: Language,
) -> list[Checked]:
    """`leaves_from`: addresses from which its mail leaves; none: those of its name. `to`: a recipient at
    the receiver."""
    there = _addresses(via.host, ask)
    outer = tuple(leaves_from) or there
    found: list[Checked] = []

    def tell(check: str, state: State, key: str, *, stops: bool = True, **values: object) -> None:
        text = say(WORDS[key], lang, via=via, **values)
        stops = stops and state != "ok"
        found.append(Checked(check=check, state=state, stops=stops, text=text))  # type: ignore[arg-type]

    if not outer:
        tell("address", "unknown", "no-address")
    for ip in outer:
        blocked = case.standing(identity_key(Identity("ip", ip))) is not None
        tell("address", "bad" if blocked else "ok", "blocked" if blocked else "free", ip=ip)
    domains = own.domains or (sender.rpartition("@")[2],)
    for domain in domains:
        for ip in outer:
            result = spf.evaluate(ask, domain, ip).result
            version = ipaddress.ip_address(ip).version
            more: dict[str, Any] = {
                "domain": domain,
                "ip": ip,
                "result": result,
                "version": version,
            }
            if result == "pass":
                tell("spf", "ok", "spf-ok", **more)
            elif result == "temperror":
                tell("spf", "unknown", "spf-unknown", **more)
            else:
                tell("spf", "bad", "spf-bad", **more)
        for each in dkim.look(ask, domain, own.dkim_selectors, lang):
            good: State = (
                "ok" if each.state == "ok" else "unknown" if each.state == "unknown" else "bad"
            )
            # A signature that holds is a gain; with SPF that permits the relay mail arrives without one.
            tell("dkim", good, "dkim", stops=False, domain=domain, found=each.found)
    state, key, said = _asked(via, there, sender, to, helo)
    tell("permission", state, key, sender=sender, to=to, said=said)
    return found


def _addresses(host: str, ask: dns.Ask) -> tuple[str, ...]:
    try:
        return (str(ipaddress.ip_address(host)),)
    except ValueError:
        return dns.addresses(ask, host) or ()


def _asked(
    via: Relay, addresses: Sequence[str], sender: str, to: str, helo: str
) -> tuple[State, str, str]:
    """Its own word: whether it would take such a mail."""
    said = "-"
    for address in addresses[:2]:
        try:
            with dialogue.talking(host=via.host, helo=helo, wait=WAIT, whole=WHOLE) as talk:
                code, text = talk.connect(address, via.port)
                for step in (talk.ehlo, lambda t=talk: _tls(t), lambda t=talk: t.mail(sender),
                             lambda t=talk: t.rcpt(to)):  # fmt: skip
                    if code // 100 != 2:
                        break
                    code, text = step()
                said = " ".join(f"{code} {text.decode('utf-8', 'replace')}".split())[:200]
        except (OSError, smtplib.SMTPException) as error:
            said = dialogue.plain(error)
            continue
        if code // 100 == 2:
            return "ok", "permitted", said
        if code in {530, 535, 538}:
            return "unknown", "login", said
        return ("unknown", "later", said) if code // 100 == 4 else ("bad", "refused", said)
    return "unknown", "later", said


def _tls(talk: dialogue.Talk) -> tuple[int, bytes]:
    if not talk.has_extn("starttls"):
        return 250, b"no TLS"
    code, text = talk.starttls(context=dialogue.opportunistic())
    return talk.ehlo() if code // 100 == 2 else (code, text)
