"""`[own]`, whose values are `todoku.settings.own.Own`."""

from __future__ import annotations

from typing import Final

from todoku.i18n import Sentence
from todoku.settings import forms
from todoku.settings import own as ours
from todoku.settings.setting import Setting

_IP: Final[Sentence] = {
    "ja": 'IP アドレスの並び。例: ["192.0.2.1", "2001:db8::25"]',
    "en": 'a list of IP addresses, such as ["192.0.2.1", "2001:db8::25"]',
}

ROWS: Final[tuple[Setting, ...]] = (
    Setting("own", "addresses", "list", ours.normal_ip, _IP),
    Setting(
        "own",
        "ranges",
        "list",
        forms.network,
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
        forms.domain,
        {"ja": 'ドメインの並び。例: ["example.jp"]', "en": 'a list of domains, as ["example.jp"]'},
    ),
    Setting(
        "own",
        "helo",
        "list",
        forms.host_name,
        {
            "ja": 'HELO で名乗るホスト名の並び。例: ["mail.example.jp"]',
            "en": 'a list of the host names said in HELO, such as ["mail.example.jp"]',
        },
    ),
    Setting(
        "own",
        "dkim_selectors",
        "list",
        forms.host_name,
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
        forms.smarthost,
        {
            "ja": 'ホスト名か IP アドレスの並び。例: ["relay.example.jp"]',
            "en": 'a list of host names or addresses, such as ["relay.example.jp"]',
        },
    ),
    Setting(
        "own",
        "first_used",
        "table",
        forms.day,
        {
            "ja": '自分のアドレスと、使い始めた日の対。例: { "192.0.2.1" = "2026-11-20" }',
            "en": 'addresses of yours and the day of their first use, such as { "192.0.2.1" = '
            '"2026-11-20" }',
        },
        read_name=ours.normal_ip,
    ),
)
