"""The words of the contract as a person says them, in both languages.

Reasons, receivers, lists, steps and desks have their words in the knowledge. Here stand those of
the vocabulary itself: whose move, at which stage, how sure, what must hold before one asks.
"""

from __future__ import annotations

import re
from typing import Final

from todoku.i18n import Language, Sentence, Words

WHO: Final[Words] = {
    "sender-admin": {
        "ja": "送信側の管理者（あなた）",
        "en": "you, the administrator of the sending server",
    },
    "sender-user": {"ja": "差出人（送った本人）", "en": "the sender, who wrote the message"},
    "domain-owner": {
        "ja": "差出人ドメインの管理者（DNS を変えられる人）",
        "en": "whoever runs the sender's domain and its DNS",
    },
    "receiver-admin": {"ja": "受信側の管理者", "en": "the receiver's administrator"},
    "recipient": {"ja": "受信者本人", "en": "the recipient"},
    "hoster": {
        "ja": "IP アドレスの提供元（ホスティング事業者・ISP）",
        "en": "the provider of your address (hoster, ISP)",
    },
    "nobody": {"ja": "なし（待てばよい）", "en": "nobody; it settles by itself"},
}
NOTHING: Final[Sentence] = {"ja": "なし", "en": "nobody"}

WHO_SHORT: Final[Words] = {
    "sender-admin": {"ja": "管理者", "en": "you"},
    "sender-user": {"ja": "差出人", "en": "sender"},
    "domain-owner": {"ja": "ドメイン管理者", "en": "domain owner"},
    "receiver-admin": {"ja": "受信側", "en": "receiver"},
    "recipient": {"ja": "受信者", "en": "recipient"},
    "hoster": {"ja": "IP 提供元", "en": "hoster"},
    "nobody": {"ja": "なし", "en": "nobody"},
}

STAGE: Final[Words] = {
    "CONN": {"ja": "接続した時点", "en": "on connecting"},
    "EHLO": {"ja": "EHLO の段階", "en": "at EHLO"},
    "STARTTLS": {"ja": "STARTTLS の段階", "en": "at STARTTLS"},
    "AUTH": {"ja": "AUTH の段階", "en": "at AUTH"},
    "MAIL FROM": {"ja": "MAIL FROM の段階", "en": "at MAIL FROM"},
    "RCPT TO": {"ja": "RCPT TO の段階", "en": "at RCPT TO"},
    "DATA": {"ja": "DATA の段階", "en": "at DATA"},
    "END OF DATA": {"ja": "本文を受け取った後", "en": "after the message was sent"},
}

SURE: Final[Words] = {
    "code": {
        "ja": "確実（受信側の固有コードで判定）",
        "en": "certain (by the receiver's own code)",
    },
    "certain": {
        "ja": "確実（発信元の分かっている文言で判定）",
        "en": "certain (words known to be this receiver's or this list's)",
    },
    "likely": {
        "ja": "高い（多くの受信側が使う一般的な文言で判定）",
        "en": "likely (general words that many receivers use)",
    },
    "report": {
        "ja": "中程度（受信側の応答がなく、配送側の通知から判定）",
        "en": "fair (no answer of the receiver; by the report of the sending side)",
    },
    "guess": {
        "ja": "低い（応答コードだけで判定。文面は知識にありません）",
        "en": "a guess (by the status code alone; the words are not known)",
    },
}

REQUIRES: Final[Words] = {
    "cause-fixed": {"ja": "原因を直してあること", "en": "the cause is mended"},
    "reverse-dns": {
        "ja": "逆引き（PTR）と正引きが一致していること",
        "en": "reverse and forward DNS agree",
    },
    "owner": {
        "ja": "IP アドレスの管理者（提供元）からの依頼であること",
        "en": "the holder of the address range asks",
    },
    "contact-page": {
        "ja": "連絡先を載せたページがあること",
        "en": "a page tells how to reach you",
    },
    "authentication": {
        "ja": "SPF・DKIM・DMARC が通ること",
        "en": "SPF, DKIM and DMARC pass",
    },
    "account": {"ja": "窓口のアカウントを持っていること", "en": "you have an account there"},
    "confirm-link": {
        "ja": "確認メールのリンクを開くこと",
        "en": "you open the link of a confirming mail",
    },
    "static-address": {"ja": "固定 IP アドレスであること", "en": "the address is static"},
    "helo": {"ja": "HELO 名が正引きできること", "en": "the HELO name resolves"},
    "payment": {"ja": "料金の支払い（急ぎの場合）", "en": "a payment, where it must be fast"},
    "refusal-line": {"ja": "拒否の応答全文を添えること", "en": "you quote the whole refusal"},
}

CHANNEL: Final[Words] = {
    "form": {"ja": "フォーム", "en": "form"},
    "mail": {"ja": "メール", "en": "mail"},
    "portal": {"ja": "案内ページ", "en": "page"},
    "automatic": {"ja": "自動解除", "en": "ends by itself"},
    "none": {"ja": "窓口なし", "en": "no desk"},
}

SCOPE: Final[Words] = {
    "range": {
        "ja": "対象は単独のアドレスではなく、その範囲全体です。",
        "en": "The entry covers a range, not the one address alone.",
    },
    "asn": {
        "ja": "対象は提供元のネットワーク（AS）全体です。",
        "en": "The entry covers the provider's whole network (AS).",
    },
}

SUBJECT_OF_STATUS: Final[Words] = {
    # RFC 3463, 3: the second number of an enhanced status code.
    "1": {"ja": "宛先または差出人のアドレスが理由", "en": "an address is the ground"},
    "2": {"ja": "宛先のメールボックスの状態が理由", "en": "the state of the mailbox is the ground"},
    "3": {"ja": "受信側システムの状態が理由", "en": "the receiving system is the ground"},
    "4": {"ja": "通信経路が理由", "en": "the network or routing is the ground"},
    "5": {"ja": "SMTP のやり取りが理由", "en": "the SMTP dialogue is the ground"},
    "6": {
        "ja": "メールの内容または形式が理由",
        "en": "the message's content or form is the ground",
    },
    "7": {"ja": "受信側の方針または認証が理由", "en": "a policy or authentication is the ground"},
}

FEEDBACK: Final[Words] = {
    # RFC 5965, 7.3 and RFC 6650/6591; other types are shown as they are.
    "abuse": {
        "ja": "受信者があなた側からのメールを迷惑メールとして報告しました",
        "en": "A recipient reported a message of yours as spam",
    },
    "not-spam": {
        "ja": "受信者が「迷惑メールではない」と報告しました（良い知らせです）",
        "en": "A recipient says that a message of yours was no spam after all",
    },
    "auth-failure": {
        "ja": "あなたのドメイン名義のメールが送信ドメイン認証に失敗した、という報告です",
        "en": "A message in the name of your domain failed authentication",
    },
    "fraud": {
        "ja": "あなた側からのメールが詐欺・フィッシングとして報告されました",
        "en": "A message of yours was reported as fraud or phishing",
    },
    "virus": {
        "ja": "あなた側からのメールがウイルスとして報告されました",
        "en": "A message of yours was reported to hold a virus",
    },
    "opt-out": {
        "ja": "受信者が配信停止を求めています",
        "en": "A recipient asks to be taken off the list",
    },
}
FEEDBACK_OTHER: Final[Sentence] = {
    "ja": "フィードバック報告です（種別 {type}）",
    "en": "A feedback report (type {type})",
}

_IN_WORDS: Final[Words] = {
    "days": {"ja": "数日", "en": "some days"},
    "hours to a week": {"ja": "数時間〜1 週間", "en": "hours to a week"},
    "hours to just over one week": {
        "ja": "数時間〜1 週間あまり",
        "en": "hours to just over one week",
    },
    "1-2h, at most 24h": {"ja": "1〜2 時間、長くて 24 時間", "en": "1 to 2 hours, 24 at most"},
    "minutes for a delay; a block ends after a time without spam": {
        "ja": "遅延なら数分。遮断は、迷惑メールが止まってしばらくすると解けます",
        "en": "minutes for a delay; a block ends after a time without spam",
    },
}
_SPAN = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?([hdwm])")
_UNIT: Final[Words] = {
    "h": {"ja": " 時間", "en": " hours"},
    "d": {"ja": " 日", "en": " days"},
    "w": {"ja": " 週間", "en": " weeks"},
    "m": {"ja": " か月", "en": " months"},
}


def duration(text: str, lang: Language) -> str:
    """`24-48h` as `24〜48 時間` or `24 to 48 hours`; other words that the knowledge uses."""
    if text in _IN_WORDS:
        return _IN_WORDS[text][lang]
    m = _SPAN.fullmatch(text.strip())
    if m is None:
        return text
    low, high, unit = m.groups()
    amount = low if high is None else f"{low}〜{high}" if lang == "ja" else f"{low} to {high}"
    word = _UNIT[unit][lang]
    if lang == "en" and high is None and low == "1":
        word = word[:-1]
    return amount + word
