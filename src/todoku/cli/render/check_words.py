"""The words of `todoku check`: what a kind of entry means, why something is not known, and what to
do about it."""

from __future__ import annotations

from typing import Final

from todoku.cli.render.text import safe
from todoku.i18n import Language, Sentence, Words, say
from todoku.lists.values import Notice
from todoku.model import UnknownCause

LABEL: Final[Words] = {
    # By the class of an entry; at most eleven columns.
    "abuse": {"ja": "掲載あり", "en": "LISTED"},
    "policy": {"ja": "方針", "en": "POLICY"},
    "range": {"ja": "範囲", "en": "RANGE"},
    "info": {"ja": "参考", "en": "Noted"},
    "allow": {"ja": "許可リスト", "en": "Allow lists"},
    "unknown": {"ja": "不明", "en": "NOT KNOWN"},
    "clear": {"ja": "掲載なし", "en": "Not listed"},
    "kept": {"ja": "控え", "en": "Kept"},
}

CLASS: Final[Words] = {
    # What the kind of entry asks of the reader, said below its meaning.
    "policy": {
        "ja": "悪用の記録ではありません。直接送信しないはずのアドレスという方針上の掲載です。"
        "プロバイダーの中継サーバーから送るか、固定 IP のメールサーバーなら除外を申請します。",
        "en": "No record of abuse: this address is not meant to send mail directly. Send through "
        "your provider's relay or, for a mail server on a static address, ask for an exception.",
    },
    "range": {
        "ja": "このアドレス自身の記録ではありません。提供元に対応を求める掲載で、これだけで拒否する受信側は"
        "わずかです。",
        "en": "No record of this address itself: it is for the provider to act, and few receivers "
        "refuse by this alone.",
    },
}

SCOPE: Final[Words] = {
    "ip": {"ja": "このアドレスだけ", "en": "this address alone"},
    "range": {"ja": "周囲のアドレス範囲", "en": "the range around this address"},
    "asn": {
        "ja": "提供元のネットワーク（AS）全体",
        "en": "the provider's whole network (AS)",
    },
    "domain": {"ja": "このドメイン", "en": "this domain"},
}

CAUSE: Final[dict[UnknownCause, Sentence]] = {
    "resolver-refused": {"ja": "このリゾルバーには答えない", "en": "turned this resolver away"},
    "list-broken": {"ja": "動作確認に失敗", "en": "failed its health test"},
    "timeout": {"ja": "時間内に応答なし", "en": "no answer in time"},
    "servfail": {"ja": "名前解決の失敗（SERVFAIL）", "en": "the look-up failed (SERVFAIL)"},
    "refused": {"ja": "問い合わせの拒否（REFUSED）", "en": "the question was refused (REFUSED)"},
    "not-loopback": {
        "ja": "リストの答えではない応答（127.0.0.0/8 の外）",
        "en": "an answer that no list gives (outside 127.0.0.0/8)",
    },
    "unknown-code": {"ja": "意味の分からない応答コード", "en": "an answer code of unknown meaning"},
    "truncated": {"ja": "途中で切れた応答", "en": "an answer that was cut off"},
    "budget": {"ja": "今日の問い合わせ枠を使い切り", "en": "today's questions are used up"},
    "not-permitted": {
        "ja": "商用利用には契約が必要（use = commercial）",
        "en": "commercial use needs an agreement (use = commercial)",
    },
    "no-key": {"ja": "鍵が必要", "en": "needs a key"},
    "list-dead": {"ja": "運用を終えたリスト", "en": "no longer in service"},
}
"""In the order in which they are shown: what the reader can mend stands first."""

UNREADABLE: Final[Sentence] = {"ja": "読めない応答", "en": "an answer that cannot be read"}


def heading(cause: UnknownCause, detail: str | None) -> Sentence:
    """What stands above those of one cause. The contract has one cause for look-ups that failed
    and for answers that cannot be read; only their words tell them apart."""
    if cause == "servfail" and detail and "SERVFAIL" not in detail:
        return UNREADABLE
    return CAUSE[cause]


ADVICE: Final[dict[UnknownCause, Sentence]] = {
    "resolver-refused": {
        "ja": "公開リゾルバーではなく自前のリゾルバーを使う（--resolver）か、リストのネームサーバーに直接"
        "問い合わせてください（--direct）。",
        "en": "Ask through a resolver of your own instead of a public one (--resolver), or ask the "
        "lists' own servers (--direct).",
    },
    "list-broken": {
        "ja": "答えは信用できないので数えていません。時間をおいて確かめます。",
        "en": "Its answers cannot be trusted and are not counted. Ask again later.",
    },
    "timeout": {
        "ja": "もう一度実行するか、--deadline を延ばすか、--direct を試してください。",
        "en": "Run it again, give it longer (--deadline), or try --direct.",
    },
    "servfail": {
        "ja": "時間をおくか、リストのネームサーバーに直接問い合わせてください（--direct）。",
        "en": "Ask again later, or ask the list's own servers (--direct).",
    },
    "refused": {
        "ja": "このリゾルバーまたはリストが問い合わせを受け付けていません。--direct を試してください。",
        "en": "The resolver or the list takes no questions from here. Try --direct.",
    },
    "not-loopback": {
        "ja": "ゾーンが売りに出ているか、途中で応答が書き換えられています。掲載ではありません。",
        "en": "The zone is parked, or answers are rewritten on the way. This is no listing.",
    },
    "unknown-code": {
        "ja": "掲載とは数えていません。リストの案内ページで確かめてください。",
        "en": "It is not counted as a listing. Look it up on the list's own page.",
    },
    "truncated": {
        "ja": "TCP でも答えを受け取れませんでした。TCP の 53 番が塞がれていないか確かめてください。",
        "en": "TCP did not bring it either. See whether port 53 is open for TCP.",
    },
    "budget": {
        "ja": "明日続けられます。調べ終えた分は残っています。",
        "en": "It can go on tomorrow; what was asked is kept.",
    },
    "not-permitted": {
        "ja": "個人・非営利の利用なら todoku init --use private。商用なら契約して鍵を [lists] keys に書きます"
        "（窓口: todoku knowledge show リスト名）。",
        "en": "If your use is private: todoku init --use private. If not, get an agreement and put "
        "its key into [lists] keys (todoku knowledge show LIST tells where).",
    },
    "no-key": {
        "ja": "運営から鍵を受け取り、設定 [lists] keys に書きます（窓口: todoku knowledge show リスト名）。",
        "en": "Get one from the operator and put it into [lists] keys (todoku knowledge show LIST "
        "tells where).",
    },
    "list-dead": {
        "ja": "設定や他のツールから外してください。",
        "en": "Take it out of whatever still asks it.",
    },
}

NOTICE: Final[Words] = {
    # Said once in a run, on stderr. `todoku.lists.values.Notice.key`.
    "public-resolver": {
        "ja": "{server} は公開リゾルバーです（{operator}）。多くのリストは公開リゾルバーに答えないか、"
        "誤った答えを返します。"
        "自前のリゾルバー（--resolver）か --direct を使ってください。",
        "en": "{server} is a public resolver ({operator}): many lists turn it away or answer it "
        "wrongly. Use a "
        "resolver of your own (--resolver), or --direct.",
    },
    "resolver-refused": {
        "ja": "{lists} が、このリゾルバー（{server}）からの問い合わせを断りました。公開リゾルバーを使っているか、"
        "自前のリゾルバーの逆引きが整っていません。自前のリゾルバー（--resolver）か --direct を使ってください。",
        "en": "{lists} turned away this resolver ({server}): it is a public one, or your own without "
        "proper reverse DNS. Use a resolver of your own (--resolver), or --direct.",
    },
    "resolver-silent": {
        "ja": "{server} が応答しません。何も分かっていません。動いているか確かめるか、"
        "別のもの（--resolver、--server）を指定してください。",
        "en": "{server} does not answer, so nothing is known. See whether it runs, or name another "
        "(--resolver, --server).",
    },
    "no-resolver": {
        "ja": "リゾルバーが見つかりません（/etc/resolv.conf）。--resolver で指定してください。",
        "en": "no resolver is known (/etc/resolv.conf). Name one with --resolver.",
    },
    "going-on": {
        "ja": "前回の続きから調べます（{done} / {total} 件は済み。最初からなら --restart）。",
        "en": "going on where it stopped ({done} of {total} are done; --restart begins anew).",
    },
    "not-kept": {
        "ja": "{why}\n今回の結果は保存しません。",
        "en": "{why}\nWhat is found now is not kept.",
    },
    "addresses": {
        "ja": "{name} のアドレス {addresses} も調べます。",
        "en": "{name} has {addresses}, which is checked too.",
    },
    "no-addresses": {
        "ja": "{name} の IP アドレスが見つかりません。名前だけを調べます。",
        "en": "{name} has no address; only the name is checked.",
    },
    "addresses-unknown": {
        "ja": "{name} の IP アドレスを調べられませんでした。名前だけを調べます。",
        "en": "the addresses of {name} could not be looked up; only the name is checked.",
    },
}


def notice(n: Notice, lang: Language) -> str:
    """The sentence of a notice, its values made safe."""
    values = {k: _shown(v) for k, v in n.values.items()}
    return say(NOTICE[n.key], lang, **values)


def _shown(value: object) -> object:
    if isinstance(value, str):
        return safe(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        return ", ".join(safe(str(v)) for v in value)
    return value
