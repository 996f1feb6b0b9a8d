"""Mail to the people who reported, and reminders to the administrator. Pure."""

from __future__ import annotations

import hashlib
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from todoku.cases.case import Case
from todoku.cases.due import Action
from todoku.cases.tasks import TASKS
from todoku.i18n import Language, Words, say

WORDS: Final[Words] = {
    "opened-subject": {
        "ja": "【対応中】{place} へメールが届かない件（案件 {case}）",
        "en": "Being worked on: mail to {place} does not arrive (case {case})",
    },
    "opened": {
        "ja": "{name}ご連絡ありがとうございます。\n\n{place} へメールが届かない件は、案件 {case} として対応を"
        "始めました。送り直していただく必要はありません。届くようになりましたら、もう一度お知らせします。",
        "en": "{name}thank you for telling us.\n\nThat mail to {place} does not arrive is being worked "
        "on, as case {case}. There is no need to send again now. We write once more when it arrives.",
    },
    "affected": {
        "ja": "{name}お送りいただいた {place} 宛てのメールが、相手先のサーバーに拒否されて戻っています。原因はこちらの"
        "サーバーにあり、案件 {case} として対応を始めました。今は送り直しても戻ります。届くようになりましたら、もう一度お知らせ"
        "します。",
        "en": "{name}mail that you sent to {place} was refused by the server there, and came back. The "
        "ground is with our server, not with you; it is being worked on, as case {case}. Sent again now it "
        "would come back again. We write once more when it arrives.",
    },
    "resolved-subject": {
        "ja": "【復旧】{place} へメールを送れるようになりました（案件 {case}）",
        "en": "Solved: mail to {place} arrives again (case {case})",
    },
    "resolved": {
        "ja": "{name}お待たせしました。\n\n{place} へのメールが再び受け付けられることを確かめました。届かなかった"
        "メールは、お手数ですがもう一度お送りください。",
        "en": "{name}thank you for your patience.\n\nIt is verified that {place} accepts our mail again. "
        "Please send once more what came back to you.",
    },
    "reported": {"ja": "お知らせいただいた内容:", "en": "What you had told us:"},
    "reminder-subject": {
        "ja": "案件 {case}: {task}（{place}）",
        "en": "Case {case}: {task} ({place})",
    },
    "reminder": {
        "ja": "案件 {case}（{place}）は、{task}のを待っています。\n\n  todoku case show {case}",
        "en": "Case {case} ({place}) waits for you to {task}.\n\n  todoku case show {case}",
    },
    "sir": {"ja": "{name} 様\n\n", "en": "Dear {name}, "},
    "somewhere": {"ja": "相手先", "en": "the recipients"},
    "footer": {
        "ja": "このメールは todoku が自動で送信しました。",
        "en": "Sent by todoku, automatically.",
    },
    # Tasks, as the words of a person who is asked to do them.
    "identify": {"ja": "拒否されたアドレスを確かめる", "en": "find which address is refused"},
    "cause": {"ja": "原因を調べて直す", "en": "find and mend the cause"},
    "request": {"ja": "解除を依頼する", "en": "ask the desk for removal"},
    "confirm": {"ja": "窓口のメールのリンクを開く", "en": "open the link in the desk's mail"},
    "inform": {"ja": "窓口が求める情報を返す", "en": "answer what the desk wants to know"},
    "look": {"ja": "窓口の回答を確認する", "en": "look at the desk's answer"},
    "chase": {"ja": "返事のない窓口に尋ねる", "en": "ask the desk that does not answer"},
    "escalate": {"ja": "窓口に再考を求める", "en": "ask the desk to look again"},
    "try": {"ja": "試し送りをする", "en": "send a trial"},
    "junk": {
        "ja": "迷惑メールに入る原因を直して試し送りをする",
        "en": "mend why mail is put into junk, and send a trial",
    },
    "decide": {"ja": "どうするか決める", "en": "decide what to do"},
    "queue": {
        "ja": "待たせているメールが差出人に返る前に、送り出すか期限を延ばす",
        "en": "let out the mail that waits, or prolong its time, before it goes back to its senders",
    },
    "release": {"ja": "待機・迂回を元に戻す", "en": "release the mail that waits"},
}


def message_id(case: Case, action: Action, domain: str) -> str:
    """The same for every attempt, so that a mail log can tell whether it was sent."""
    opened = "" if case.opened_at is None else case.opened_at.isoformat()
    digest = hashlib.sha256(f"{case.number} {opened} {action.key}".encode()).hexdigest()
    return f"<todoku.{digest[:32]}@{domain}>"


def mail(
    case: Case,
    action: Action,
    now: datetime,
    *,
    place: str | None,
    to: str,
    name: str | None,
    lang: Language,
    sender: str,
) -> bytes:
    """The whole message. `place`: how people call the receiver or list; `None`: not known."""
    about = str(action.about)
    words = ""
    if action.about == "reminder":
        task = (action.task or "").partition("/")[0]
        words = say(WORDS[task], lang) if task in TASKS else task
    values = {
        "case": case.number,
        "place": _line(place or ", ".join(case.to[:3])) or WORDS["somewhere"][lang],
        "name": say(WORDS["sir"], lang, name=_line(name)) if name else "",
        "task": words,
    }
    person = next((p for p in case.people if p.who == action.who), None)
    came_back = about == "opened" and person is not None and person.affected
    body = [say(WORDS["affected" if came_back else about], lang, **values)]
    if person is not None and person.words:
        quoted = "\n".join(f"> {_line(line)}" for line in person.words[:1000].splitlines()[:20])
        body.append(f"{say(WORDS['reported'], lang)}\n{quoted}")
    body.append(f"-- \n{say(WORDS['footer'], lang)}")
    made = EmailMessage(SMTP)
    made["From"] = Address("todoku", addr_spec=sender)
    made["To"] = Address(_line(name or ""), addr_spec=to)
    made["Subject"] = _close(say(WORDS[f"{about}-subject"], lang, **values))
    made["Date"] = format_datetime(now)
    made["Message-ID"] = message_id(case, action, sender.rpartition("@")[2])
    made["Auto-Submitted"] = "auto-generated"
    made["X-Auto-Response-Suppress"] = "All"
    made.set_content(_close("\n\n".join(body)) + "\n", cte="base64" if lang == "ja" else None)
    made["Content-Language"] = lang  # after the content, which begins by taking these fields away
    return made.as_bytes()


def _close(text: str) -> str:
    """No blank behind a full-width bracket."""
    return text.replace("） ", "）")


def _line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
