"""The rules of a case, from the first sign to people told. All of it is pure.

    sighting ──joining──▶ which case? ──commands──▶ events ──fold──▶ Case ──due──▶ actions
                                          ▲                            └──tasks─▶ what a person does
                                          └── outcome of an action, a desk's answer, a person's word

`events` says what can happen, `states` where it leads, `case` what is known then. The store
(`todoku.store.cases`) keeps the events; nothing here knows it, a clock or a socket.

    CaseError
    ├── NotNow        the state of the case does not allow this
    ├── NotThis       what was given does not belong to this case, or something is missing
    └── EventError    what is stored cannot be read
        ├── UnknownEvent, NewerEvent, BrokenEvent
"""

from __future__ import annotations

from typing import Final

from todoku.errors import TodokuError
from todoku.i18n import Words

WORDS: Final[Words] = {
    "unknown-event": {
        "ja": "案件の記録 {where} に、このプログラムの知らない出来事「{event}」があります。何も変更して"
        "いません。記録を書いた新しい todoku を使ってください。",
        "en": 'the case record {where} holds an event "{event}" that this program does not know. '
        "Nothing was changed. Use the newer todoku that wrote it.",
    },
    "newer-event": {
        "ja": "案件の記録 {where}（{event}）は、より新しい todoku の形式です（版 {found}、このプログラムが"
        "知るのは {known} まで）。何も変更していません。新しい todoku を使ってください。",
        "en": "the case record {where} ({event}) is in the form of a newer todoku (version {found}, "
        "this program knows up to {known}). Nothing was changed. Use the newer todoku.",
    },
    "broken-event": {
        "ja": "案件の記録 {where} が読めません（{why}）。ほかの案件には影響ありません。データベースを"
        "バックアップから戻してください。",
        "en": "the case record {where} cannot be read ({why}). Other cases are not touched. Restore "
        "the database from a backup.",
    },
    "closed": {
        "ja": "案件 {case} は終了しています。何も変更していません。再開するには todoku report で新しい"
        "申告を加えてください。",
        "en": "case {case} is closed. Nothing was changed. To take it up again, add a report with "
        "todoku report.",
    },
    "already-requested": {
        "ja": "案件 {case} の依頼は {since} に提出済みです（受付番号 {ticket}）。二重の依頼は審査を遅らせる"
        "ため、記録していません。回答が届くのを待ってください。",
        "en": "the request of case {case} was filed on {since} (ticket {ticket}). A second one delays "
        "the desk, so nothing was recorded. Wait for its answer.",
    },
    "promised": {
        "ja": "案件 {case} は窓口が解除を約束し、{until} まで反映待ちです。それまで依頼も確認も不要です。"
        "何も変更していません。",
        "en": "the desk of case {case} promised removal, which settles until {until}. Nothing has to "
        "be asked before then. Nothing was changed.",
    },
    "verifying": {
        "ja": "案件 {case} は、届くかどうかを確認中です。新しい依頼は要りません。何も変更していません。",
        "en": "whether mail arrives again is being verified for case {case}. No new request is "
        "needed. Nothing was changed.",
    },
    "already-resolved": {
        "ja": "案件 {case} は解決済みです。何も変更していません。",
        "en": "case {case} is resolved. Nothing was changed.",
    },
    "was-declined": {
        "ja": "案件 {case} の依頼は断られています。新しい依頼ではなく、同じ受付番号（{ticket}）へ返信して"
        "再考を求めてください。何も変更していません。",
        "en": "the desk declined the request of case {case}. Reply to the same ticket ({ticket}) "
        "instead of filing a new request. Nothing was changed.",
    },
    "no-request": {
        "ja": "案件 {case} には、まだ提出した依頼がありません。先に窓口へ依頼して"
        "ください。何も変更していません。",
        "en": "nothing was requested in case {case} yet. Ask the desk first. Nothing was changed.",
    },
    "too-early": {
        "ja": "案件 {case} の次の問い合わせは {until} 以降です。急ぐと印象を悪くします。何も変更して"
        "いません。",
        "en": "the next word to the desk of case {case} is due from {until}. Haste does harm there. "
        "Nothing was changed.",
    },
    "not-settled": {
        "ja": "案件 {case} の反映待ちは {until} までです。それまで探査しません。何も変更していません。",
        "en": "case {case} settles until {until}; it is not probed before. Nothing was changed.",
    },
    "never-probed": {
        "ja": "案件 {case} の受信側は探査を望みません（設定 [cases] never_probe）。何も送っていません。届くかどうかは、"
        "その受信側にある自分のメールボックスへの試し送りで確かめてください。",
        "en": "the receiver of case {case} does not want to be probed ([cases] never_probe of the "
        "settings). Nothing was sent. Send a trial to a mailbox of your own there instead.",
    },
    "trial-under-way": {
        "ja": "案件 {case} では、{since} に頼んだ試し送りの結果を待っています。もう一通は送りません。何も変更していません。",
        "en": "a trial of case {case}, asked for on {since}, is under way; no other is sent meanwhile. "
        "Nothing was changed.",
    },
    "not-in-case": {
        "ja": "{identity} は案件 {case} の対象ではありません。何も変更していません。対象: {known}",
        "en": "{identity} is not what case {case} is about. Nothing was changed. It is about: {known}",
    },
    "no-identity": {
        "ja": "案件 {case} では、どのアドレスが拒否されているかまだ分かりません。拒否された返信を todoku "
        "diagnose に渡すか、自分の宛先へ試し送りしてください。何も変更していません。",
        "en": "which address is refused is not known in case {case} yet. Give a refusal to todoku "
        "diagnose, or send a trial to a mailbox of your own. Nothing was changed.",
    },
    "no-answer": {
        "ja": "案件 {case} に、人の確認を待つ {answer} 番の回答はありません。何も変更していません。",
        "en": "case {case} has no answer number {answer} that waits for a person. Nothing was changed.",
    },
    "other-ticket": {
        "ja": "受付番号 {ticket} は案件 {case} のものではありません（この案件: {known}）。何も変更して"
        "いません。",
        "en": "ticket {ticket} does not belong to case {case} (which has {known}). Nothing was changed.",
    },
    "no-why": {
        "ja": "案件 {case} を閉じる理由が要ります（{whys}）。何も変更していません。",
        "en": "closing case {case} needs a reason ({whys}). Nothing was changed.",
    },
    "not-proven": {
        "ja": "案件 {case} は、届くことがまだ確かめられていません。解決として閉じるには、確かめた人の名前を"
        "添えてください。何も変更していません。",
        "en": "it is not proven yet that mail of case {case} arrives. To close it as resolved, name "
        "the person who saw it. Nothing was changed.",
    },
    "nothing-held": {
        "ja": "案件 {case} では、{what}にしたメールはありません。何も変更していません。",
        "en": "no mail is {what} in case {case}. Nothing was changed.",
    },
    "needs-name": {
        "ja": "これを決めた人の名前が要ります。何も変更していません。",
        "en": "this needs the name of the person who decides it. Nothing was changed.",
    },
    "no-cause": {
        "ja": "案件 {case} は原因を直した記録がないため、迂回しません（別のアドレスまで載るおそれがあり"
        "ます）。先に原因を直してください。何も変更していません。",
        "en": "case {case} has no record of a mended cause, so its mail takes no detour (the other "
        "address would be listed next). Mend the cause first. Nothing was changed.",
    },
    "no-domain": {
        "ja": "{domain} はドメイン名ではありません（例: partner.example）。何も変更していません。",
        "en": "{domain} is no domain, such as partner.example. Nothing was changed.",
    },
    "no-domains": {
        "ja": "案件 {case}: 宛先のドメインが分かりません。末尾に DOMAIN… を加えて指定してください。何も変更"
        "していません。",
        "en": "case {case} knows no domain that mail goes to. Name some at the end of the command. "
        "Nothing was changed.",
    },
    "no-words": {
        "ja": "案件 {case}: 何が原因だったか、どう直したかを言葉で添えてください。何も変更していません。",
        "en": "case {case}: say in words what the cause was, or what was mended. Nothing was changed.",
    },
    "held": {"ja": "待機", "en": "held"},
    "detoured": {"ja": "迂回", "en": "on a detour"},
    "none": {"ja": "なし", "en": "none"},
}


class CaseError(TodokuError):
    """A case cannot do what was asked. Nothing was written."""


class NotNow(CaseError):
    """The state of the case does not allow this."""


class NotThis(CaseError):
    """What was given does not belong to this case, or something is missing."""


class EventError(CaseError):
    """What is stored cannot be read."""

    exit_code = 65


class UnknownEvent(EventError):
    """An event of a name that this program does not know."""


class NewerEvent(EventError):
    """An event whose shape is newer than this program."""


class BrokenEvent(EventError):
    """An event that is not in the shape of its version."""
