"""The settings file as `todoku init` writes it: every setting, explained in the user's language."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Final

from todoku.i18n import Language, Sentence, Words
from todoku.settings.discover import Found
from todoku.settings.table import SETTINGS

HEAD: Final[Sentence] = {
    "ja": """\
# todoku の設定（todoku init が作成）。すべて省略できます。
# 同じ項目は環境変数でも指定でき、そちらが優先されます: [own] addresses なら TODOKU_OWN_ADDRESSES
""",
    "en": """\
# Settings of todoku, written by `todoku init`. All of them may be left out.
# Each can also be given in the environment, which wins: [own] addresses as TODOKU_OWN_ADDRESSES
""",
}

COMMENTS: Final[Words] = {
    "language": {
        "ja": "表示の言語: ja または en（既定はロケール）",
        "en": "Language of answers: ja or en (default: the locale's)",
    },
    "use": {
        "ja": "private（個人・非営利）または commercial。ブラックリストの中には、商用の無料利用を禁じる"
        "ものがあります。\n書かなければ commercial とみなし、それらには問い合わせません",
        "en": "private or commercial. Several blocklists forbid commercial use of their free service;"
        "\nwithout an answer here todoku takes it for commercial and does not ask them",
    },
    "data": {
        "ja": "todoku が保存するもののフォルダー",
        "en": "Folder of what todoku keeps",
    },
    "store": {
        "ja": "データベース。相対パスは data のフォルダーから数えます",
        "en": "The database; a relative path is below the folder `data`",
    },
    "own": {
        "ja": "自分のもの。ここにないものが遮断されていれば「あなたのアドレスではない」と伝えます。\n"
        "追加: todoku init --add 192.0.2.1（ドメインも可）",
        "en": 'What is yours. If something else is blocked, you are told "not your address".\n'
        "To add: todoku init --add 192.0.2.1 (or a domain)",
    },
    "addresses": {
        "ja": "メールの送信元 IP アドレス（外から見えるもの）",
        "en": "IP addresses that your mail leaves from, as the world sees them",
    },
    "ranges": {"ja": "自分のネットワーク", "en": "Your networks"},
    "domains": {
        "ja": "自分のドメイン（サブドメインも含みます）",
        "en": "Your domains; everything below them is yours too",
    },
    "helo": {"ja": "HELO で名乗るホスト名", "en": "Host names said in HELO"},
    "dkim_selectors": {
        "ja": "署名に使う DKIM セレクター",
        "en": "DKIM selectors that you sign with",
    },
    "smarthosts": {
        "ja": "送信を任せている中継サーバー。その拒否は、宛先側の拒否と区別します",
        "en": "Hosts that you hand your mail to; their refusals are told apart from a receiver's",
    },
    "transports": {
        "ja": "配送経路（ログに出る名前）ごとの送信元アドレス",
        "en": "Which transport (its name in the log) sends from which address",
    },
    "first_used": {
        "ja": "アドレスと、使い始めた日（直後に拒否されたなら、以前の使用者の評価を疑います）",
        "en": "Addresses and the day of their first use: one refused soon after has the past of others",
    },
    "nat": {
        "ja": "NAT: 内側のアドレスと、外から見えるアドレス",
        "en": "NAT: an inner address, and the one that the world sees",
    },
    "nat-found": {
        "ja": "このサーバーにはプライベートアドレスしかありません。外から見えるアドレスを書いてください",
        "en": "This machine has private addresses only. Write the address that the world sees",
    },
    "required": {
        "ja": "todoku check の終了コードを決めるリスト。\n"
        "既定は、標準のリストのうち上の use で許されるものすべて",
        "en": "The lists that decide the exit code of `todoku check`;\n"
        "default: all standard ones that the use above permits",
    },
    "add": {
        "ja": "標準のリストのほかに、いつも問い合わせるリスト",
        "en": "Lists that are always asked besides the standard ones",
    },
    "skip": {"ja": "問い合わせないリスト", "en": "Lists that are never asked"},
    "keys": {
        "ja": "リストの運営から受け取った鍵（秘密です。表示もログへの出力もしません）",
        "en": "Keys that operators of lists gave you (secret: never shown, never logged)",
    },
    "resolver": {
        "ja": "リストへの問い合わせに使うリゾルバー（既定は /etc/resolv.conf）。\n"
        "8.8.8.8 のような公開リゾルバーからの問い合わせは、多くのリストが断ります",
        "en": "The resolver to ask lists through (default: that of /etc/resolv.conf).\n"
        "Many lists turn away public resolvers such as 8.8.8.8",
    },
    "direct": {
        "ja": "リゾルバーを通さず、各リストのネームサーバーに直接問い合わせる",
        "en": "Ask each list's own name servers, without a resolver between",
    },
    "mail": {
        "ja": "todoku serve が人にメールを書き、返信や窓口の回答を受け取るための設定",
        "en": "How todoku serve writes to people, and takes in bounces and answers of desks",
    },
    "relay": {
        "ja": "送信を受け付ける手元のメールサーバー",
        "en": "Your own mail server, which takes what is to be sent",
    },
    "sender": {
        "ja": "差出人アドレス。書かなければ、誰にも知らせず、探査もしません",
        "en": "The sender's address. Without it nobody is written to, and nothing is probed",
    },
    "admin": {
        "ja": "作業の催促を受け取る管理者（既定は差出人アドレス）",
        "en": "Who is reminded of tasks (default: the sender's address)",
    },
    "folder": {
        "ja": "返信や回答の入る Maildir またはフォルダー。読んだものは片付けます",
        "en": "A Maildir or folder of bounces and answers; what was read is put away",
    },
    "spool": {
        "ja": "todoku ingest と LMTP が受け取ったメールを置くフォルダー（既定はデータのフォルダーの spool）",
        "en": "Where todoku ingest and LMTP leave mail (default: spool in the data folder)",
    },
    "lmtp": {
        "ja": "LMTP で受け取る場所。認証はないため、このマシンのアドレスにします",
        "en": "Where to take mail by LMTP; it has no password, so an address of this machine",
    },
    "log": {
        "ja": "メールを送るサーバーのログ。返信が本当に自分のメールへのものかを確かめます",
        "en": "Logs of the servers that send your mail: they prove that a bounce is about yours",
    },
    "authserv": {
        "ja": "自分のサーバーが Authentication-Results に書く名前。他人の書いたものを消す場合に限ります",
        "en": "Your own server's name in Authentication-Results, if it removes what others wrote there",
    },
    "reports": {
        "ja": "「届きません」という利用者の知らせを受け取るアドレス",
        "en": "The address to which your users write that mail does not arrive",
    },
    "batv_keys": {
        "ja": "BATV（prvs=）の署名の鍵（秘密です）",
        "en": "Keys that sign BATV return paths, prvs= (secret)",
    },
    "mailbox": {
        "ja": "IMAP で読むメールボックス（名前は自由、いくつでも）。外部のサービスのものも使えます。\n"
        "パスワードは password_file か環境変数 TODOKU_MAILBOX_DESK_PASSWORD で渡します",
        "en": "Mailboxes read by IMAP, also elsewhere: as many as you like, by names of your choice.\n"
        "The password comes from password_file, or from TODOKU_MAILBOX_DESK_PASSWORD",
    },
    "privacy": {
        "ja": "他人のメールを扱う事業者は、返信を読む法的な根拠を先に記録します（docs/privacy.ja.md）",
        "en": "Who carries other people's mail records a legal basis before bounces are read\n"
        "(docs/privacy.md)",
    },
    "operator": {
        "ja": "誰のメールか: 自分（own）か他人（others）か",
        "en": "Whose mail it is: own, or others",
    },
    "legal_basis": {"ja": "法的な根拠", "en": "The legal basis"},
    "decided_by": {"ja": "決めた人", "en": "Who decided"},
    "decided_on": {"ja": "決めた日", "en": "When"},
    "clear_for": {
        "ja": "宛先のアドレスを伏せずに見せるユーザー（ほかの人には t…@example.jp）",
        "en": "Users who see addresses of recipients as they are (others: t…@example.jp)",
    },
    "keep_days": {"ja": "メールの原文を残す日数", "en": "For how many days raw messages are kept"},
    "contact": {
        "ja": "窓口に解除を依頼する人。todoku case request の下書きに入ります",
        "en": "Who asks desks for removal: goes into the drafts of todoku case request",
    },
    "name": {"ja": "担当者の名前", "en": "The person's name"},
    "email": {
        "ja": "窓口からの返事を受け取るアドレス（拒否されているサーバーに頼らないもの）",
        "en": "Where desks may answer; best one that does not depend on the blocked server",
    },
    "phone": {"ja": "電話番号", "en": "Telephone"},
    "company": {"ja": "会社名", "en": "Company"},
    "business": {"ja": "事業の内容", "en": "What the company does"},
    "sends": {"ja": "送信するメールの種類", "en": "What kind of mail is sent"},
    "imprint": {
        "ja": "運営者を示すページ（求める受信側があります）",
        "en": "The page that tells who operates the server (some receivers demand one)",
    },
    "cases": {"ja": "案件での動き", "en": "What is done in cases"},
    "directory": {
        "ja": "利用者のファイル（1 行に 1 人: アドレス、ja か en、名前）。メールが返された人にも、解決を知らせます",
        "en": "A file of users, a line each: address, ja or en, name. Who gets mail back is told, too",
    },
    "webhooks": {
        "ja": "案件が始まったときと解決したときに知らせる先（URL は秘密です。種類は slack、teams、json）",
        "en": "What is told when a case opens and when it is resolved (URLs are secret; slack, teams, json)",
    },
    "never_probe": {
        "ja": "探査（接続して尋ねるだけで、メールは送らない）を望まない受信側。試し送りで確かめます",
        "en": "Receivers that do not want to be probed; a trial mail tells instead",
    },
    "proof": {
        "ja": "届くようになった証拠とするもの: 実際のメール（mail、[mail] log から）、試し送りも（trial）、探査も（probe）",
        "en": "What proves that mail arrives again: real mail (by [mail] log), also trials, also probes",
    },
    "accepted": {"ja": "解決に必要な数", "en": "So many of them resolve a case"},
    "over_hours": {
        "ja": "最初から最後までの時間",
        "en": "Hours from the first to the last of them",
    },
    "hosts": {
        "ja": "受け入れたホストの数（受信側にそれだけあるとき）",
        "en": "Hosts that accepted them, where the receiver has as many",
    },
    "write_to": {
        "ja": "todoku が人の確認なしに手紙を送ってよい窓口（原因の記録があるときだけ送ります）",
        "en": "Desks to which todoku may write without a person (once a cause is on record)",
    },
    "desk_relay": {
        "ja": "窓口への手紙を送るメールサーバー。遮断されていないアドレスから送るもの",
        "en": "The mail server for letters to desks: one that sends from an address which is not blocked",
    },
    "logs": {
        "ja": "todoku logs --store と --follow が保存する配送の記録（docs/deliveries.md）",
        "en": "Deliveries that todoku logs --store and --follow keep (docs/deliveries.md)",
    },
    "recipients": {
        "ja": "宛先の残し方: off（残さない）、hashed（鍵付きハッシュ）、clear（そのまま）",
        "en": "How recipients are kept: off (not at all), hashed (with a key) or clear",
    },
    "keep_deliveries": {
        "ja": "配送の記録を残す日数",
        "en": "For how many days deliveries are kept",
    },
    "overlay": {
        "ja": "自分で書いた規則のフォルダー。同梱の規則に重ねて使います",
        "en": "Folder of your own rules, laid over the shipped ones",
    },
}

EXAMPLES: Final[Mapping[str, str]] = {
    "language": '"ja"',
    "use": '"private"',
    "data": '"/var/lib/todoku"',
    "store": '"sqlite:///todoku.db"',
    "addresses": '["192.0.2.1", "2001:db8::25"]',
    "ranges": '["192.0.2.0/28"]',
    "domains": '["example.jp"]',
    "helo": '["mail.example.jp"]',
    "dkim_selectors": '["s2026"]',
    "smarthosts": '["relay.example.jp"]',
    "required": '["spamhaus-zen", "spamcop"]',
    "add": '["uceprotect-2"]',
    "skip": '["barracuda"]',
    "resolver": '"127.0.0.1"',
    "direct": "true",
    "relay": '"127.0.0.1:25"',
    "sender": '"postmaster@example.jp"',
    "admin": '"admin@example.jp"',
    "folder": '"/var/mail/todoku"',
    "spool": '"/var/spool/todoku"',
    "lmtp": '"127.0.0.1:2424"',
    "operator": '"own"',
    "legal_basis": '"customers agreed in the terms of service, section 7"',
    "decided_by": '"Sato Hanako"',
    "decided_on": '"2026-11-24"',
    "keep_days": '"30"',
    "clear_for": '["sato"]',
    "name": '"Sato Hanako"',
    "email": '"postmaster@example.jp"',
    "phone": '"+81 3 0000 0000"',
    "company": '"Example K.K."',
    "business": '"trading of machine parts"',
    "sends": '"person to person, invoices"',
    "imprint": '"https://www.example.jp/company"',
    "log": '["/var/log/mail.log"]',
    "authserv": '["mx1.example.jp"]',
    "reports": '"help@example.jp"',
    "batv_keys": '["your-key"]',
    "first_used": '{ "192.0.2.1" = "2026-11-20" }',
    "never_probe": '["t-online"]',
    "directory": '"/etc/todoku/users"',
    "proof": '"mail"',
    "accepted": '"3"',
    "over_hours": '"24"',
    "hosts": '"2"',
    "write_to": '["t-online/bl"]',
    "desk_relay": '"192.0.2.25"',
    "recipients": '"hashed"',
    "keep_deliveries": '"180"',
    "overlay": '"knowledge"',
}


def render(found: Found, use: str | None, lang: Language) -> str:
    """The whole text. What was not found stands as a comment, to be filled in."""
    own = found.own

    def lines() -> Iterator[str]:
        yield HEAD[lang]
        yield "[general]"
        yield from entry("language", json.dumps(lang))
        yield from entry("use", json.dumps(use) if use else None)
        yield from entry("data", None)
        yield from entry("store", None)
        yield ""
        yield from comment("own")
        yield "[own]"
        yield from entry("addresses", array(own.addresses))
        yield from entry("ranges", array(own.ranges))
        yield from entry("domains", array(own.domains))
        yield from entry("helo", array(own.helo))
        yield from entry("dkim_selectors", array(own.dkim_selectors))
        yield from entry("smarthosts", array(own.smarthosts))
        yield from entry("first_used", None)
        yield ""
        yield from comment("transports")
        if own.transports:
            yield "[own.transports]"
            for name, ips in own.transports.items():
                yield f"{json.dumps(name)} = {array(ips)}"
        else:
            yield "# [own.transports]"
            yield '# smtp = ["192.0.2.1"]'
        yield ""
        yield from nat()
        yield ""
        yield "[lists]"
        yield from entry("required", None)
        yield from entry("add", None)
        yield from entry("skip", None)
        yield ""
        yield from comment("keys")
        yield "# [lists.keys]"
        yield '# spamhaus-dqs = "your-key"'
        yield ""
        yield "[dns]"
        yield from entry("resolver", None)
        yield from entry("direct", None)
        yield ""
        yield from comment("mail")
        yield "[mail]"
        yield from entry("relay", None)
        yield from entry("sender", None)
        yield from entry("admin", None)
        yield from entry("folder", None)
        yield from entry("spool", None)
        for key in ("lmtp", "log", "authserv", "reports", "batv_keys"):
            yield from entry(key, None)
        yield ""
        yield from comment("mailbox")
        yield "# [mailbox.desk]"
        yield '# server = "imap.example.jp"'
        yield '# user = "delisting@example.jp"'
        yield '# password_file = "/etc/todoku/imap-password"'
        yield ""
        for section in ("privacy", "logs", "contact", "cases"):
            yield from comment(section)
            yield f"[{section}]"
            for key in (s.key for s in SETTINGS if s.section == section):
                yield from entry(key, None)
            yield ""
        yield from comment("webhooks")
        yield "# [webhooks.slack]"
        yield '# ops = "https://hooks.slack.com/services/..."'
        yield ""
        yield "[knowledge]"
        yield from entry("overlay", None)

    def entry(key: str, value: str | None) -> Iterator[str]:
        yield from comment(key)
        yield f"{key} = {value}" if value else f"# {key} = {EXAMPLES[key]}"

    def comment(key: str) -> Iterator[str]:
        yield from (f"# {line}" for line in COMMENTS[key][lang].splitlines())

    def array(values: tuple[str, ...]) -> str | None:
        return f"[{', '.join(map(json.dumps, values))}]" if values else None

    def nat() -> Iterator[str]:
        yield from comment("nat")
        if own.nat:
            yield "[own.nat]"
            for inner, outer in own.nat.items():
                yield f'"{inner}" = "{outer}"'
            return
        if found.inner and not own.addresses:
            yield from comment("nat-found")
        yield "# [own.nat]"
        for inner in found.inner or ("10.0.0.5",):
            outer = "2001:db8::25" if ":" in inner else "192.0.2.1"
            yield f'# "{inner}" = "{outer}"'

    return "\n".join(lines()) + "\n"
