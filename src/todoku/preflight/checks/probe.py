"""What one receiver said when it was asked from the new address, on request: a probe, which begins a mail
and never sends one. Pure."""

from __future__ import annotations

from typing import Final

from todoku.i18n import Language, Sentence, Words, say
from todoku.model import Stage
from todoku.preflight.sheet import Sheet
from todoku.preflight.trials import PAST, Result, Trial
from todoku.preflight.values import Cause, Check, State

WORDS: Final[Words] = {
    "title": {"ja": "受信側への探査", "en": "probe of a receiver"},
    "wanted": {
        "ja": "{name} が {ip} からのメールを受け付けること",
        "en": "{name} takes mail from {ip}",
    },
    "why": {
        "ja": "独自のリストや評判による拒否は DNS では見えず、尋ねるまで分かりません。",
        "en": "refusals by lists of one's own, or by reputation, show in no DNS: only by asking.",
    },
    "found.accepted": {
        "ja": "{host} は{stage}まで受け入れました。拒否するなら{refuses_at}までに断る受信側です。",
        "en": "{host} took it {stage}; it would refuse {refuses_at} at the latest.",
    },
    "found.arrived": {
        "ja": "{ip} からの実際のメールが届いたと、--arrived で指定されています。",
        "en": "real mail from {ip} arrived there, by your word (--arrived).",
    },
    "found.blocked": {
        "ja": "{host} が{stage}で、このアドレスを拒否しました: {reply}",
        "en": "{host} refused this address {stage}: {reply}",
    },
    "remedy.blocked": {
        "ja": "前の利用者の記録と思われます。提供元に別のアドレスを頼むか（手紙は末尾）、窓口に解除を依頼して"
        "ください: {desk}",
        "en": "that seems to stem from whoever had it before. Ask the hoster for another one (the letter is at "
        "the end), or the desk for removal: {desk}",
    },
    "found.held": {
        "ja": "{host} が{stage}で、このアドレスの評判を理由に、今は受け取れないと答えました: {reply}",
        "en": "{host} put it off {stage}, for the address's reputation: {reply}",
    },
    "remedy.held": {
        "ja": "一時的な答えですが、記録はアドレスにあります。量を抑えて始め、続くなら窓口に尋ねてください: {desk}",
        "en": "that is for now, but the record is the address's. Begin with little; where it goes on, ask the "
        "desk: {desk}",
    },
    "found.refused": {
        "ja": "{host} が{stage}で拒否しました: {reply}",
        "en": "{host} refused {stage}: {reply}",
    },
    "remedy.refused": {"ja": "{remedy}", "en": "{remedy}"},
    "found.late": {
        "ja": "{host} は{stage}まで受け入れましたが、この受信側が断るのは{refuses_at}で、探査では分かりません。",
        "en": "{host} took it {stage}; but this receiver refuses {refuses_at}, where no probe goes.",
    },
    "remedy.late": {
        "ja": "{ip} からそこの自分のメールボックスへ実際に 1 通送り、届いたら --arrived {domain} を付けて"
        "実行してください。",
        "en": "send one real mail from {ip} to a mailbox of yours there; if it arrives, run this with "
        "--arrived {domain}.",
    },
    "found.mailbox": {
        "ja": "{host} は{stage}まで受け入れましたが、この受信側が断るのは{refuses_at}です。",
        "en": "{host} took it {stage}; but this receiver refuses {refuses_at}.",
    },
    "remedy.mailbox": {
        "ja": "{domain} にある自分のメールボックスを --mailbox に指定してください。なければ実際のメールで確かめ、"
        "届いたら --arrived {domain} を付けます。",
        "en": "name a mailbox of your own at {domain} by --mailbox; without one, a real mail tells, and then "
        "--arrived {domain}.",
    },
    "found.open": {
        "ja": "{host} は{stage}まで受け入れましたが、この受信側がどこで断るか分かっていないため、何も"
        "証明しません。",
        "en": "{host} took it {stage}; but where this receiver refuses is not known, so that proves "
        "nothing.",
    },
    "remedy.open": {
        "ja": "{ip} からそこへ実際に 1 通送り、届いたら --arrived {domain} を付けて実行してください。",
        "en": "send one real mail from {ip} there; if it arrives, run this with --arrived {domain}.",
    },
    "found.no-mailbox": {
        "ja": "{host} はメールボックス {mailbox} を断りました: {reply}",
        "en": "{host} does not take the mailbox {mailbox}: {reply}",
    },
    "remedy.no-mailbox": {
        "ja": "アドレス {ip} についての答えではありません。--mailbox の綴りを確かめてください。",
        "en": "that tells nothing of {ip}. Look at how --mailbox is spelt.",
    },
    "found.later": {
        "ja": "{host} が{stage}で、今は受け取れないと答えました: {reply}",
        "en": "{host} put it off {stage}: {reply}",
    },
    "remedy.later": {
        "ja": "拒否ではありません。6 時間以上おいて、もう一度実行してください。",
        "en": "that is no refusal. Run this again in six hours or more.",
    },
    "found.failed": {
        "ja": "{domain} との対話が成り立ちませんでした（{why}）。受け取るかどうかは分かりません。",
        "en": "there was no dialogue with {domain} ({why}): whether it takes mail is not known.",
    },
    "remedy.failed": {
        "ja": "外向きの 25 番ポートを確かめてください。相手が遅いだけなら --deadline を延ばします。",
        "en": "look at outgoing port 25; where the server is only slow, raise --deadline.",
    },
    "found.too-soon": {
        "ja": "6 時間以内に探査したばかりなので、尋ねていません。",
        "en": "not asked: it was probed within the last six hours.",
    },
    "remedy.too-soon": {
        "ja": "{again} 以降に、もう一度実行してください。",
        "en": "run this again from {again} on.",
    },
    "found.never": {
        "ja": "探査を望まない受信側なので、尋ねていません（設定 [cases] never_probe）。",
        "en": "not asked: it does not want to be probed ([cases] never_probe of the settings).",
    },
    "remedy.never": {
        "ja": "{ip} からそこへ実際に 1 通送り、届いたら --arrived {domain} を付けて実行してください。",
        "en": "send one real mail from {ip} there; if it arrives, run this with --arrived {domain}.",
    },
    "found.unresolved": {
        "ja": "{domain} のメールサーバーが引けず、尋ねていません。",
        "en": "not asked: the mail servers of {domain} could not be looked up.",
    },
    "remedy.unresolved": {
        "ja": "リゾルバー（--resolver）を確かめ、もう一度実行してください。",
        "en": "see that the resolver (--resolver) works, and run this again.",
    },
    "found.no-servers": {
        "ja": "{domain} には IPv4 で届くメールサーバーがなく、尋ねていません。",
        "en": "not asked: {domain} has no mail server that IPv4 reaches.",
    },
    "remedy.no-servers": {
        "ja": "ドメインの綴りを確かめてください。",
        "en": "look at how the domain is spelt.",
    },
    "found.no-record": {"ja": "尋ねていません。{why}", "en": "not asked: {why}"},
    "remedy.no-record": {
        "ja": "探査の記録を直してから、もう一度実行してください。",
        "en": "mend the record of probes, and run this again.",
    },
    "found.no-time": {
        "ja": "期限までに順番が来ず、尋ねていません。",
        "en": "not asked: the deadline came first.",
    },
    "remedy.no-time": {
        "ja": "--deadline を延ばして、もう一度実行してください。",
        "en": "run this again with a longer --deadline.",
    },
}
STAGES: Final[dict[Stage, Sentence]] = {
    "CONN": {"ja": "接続の段階", "en": "at its greeting"},
    "EHLO": {"ja": " EHLO の段階", "en": "at EHLO"},
    "STARTTLS": {"ja": " STARTTLS の段階", "en": "at STARTTLS"},
    "AUTH": {"ja": " AUTH の段階", "en": "at AUTH"},
    "MAIL FROM": {"ja": " MAIL FROM の段階", "en": "at MAIL FROM"},
    "RCPT TO": {"ja": " RCPT TO の段階", "en": "at RCPT TO"},
    "DATA": {"ja": " DATA の段階", "en": "at DATA"},
    "END OF DATA": {"ja": "本文を受け取った後", "en": "after the message"},
}
EARLIER: Final[Words] = {
    "earlier": {
        "ja": "{at} の探査の結果（次に尋ねられるのは {again} 以降）",
        "en": "by the probe of {at} (it may be asked again from {again})",
    },
}
SHEET: Final = Sheet("probe", WORDS, ("RFC 5321, section 3.3",))

_SAID: Final[dict[Result, tuple[State, str, Cause | None]]] = {
    "accepted": ("ok", "accepted", None),
    "arrived": ("ok", "arrived", None),
    "greylisted": ("unknown", "later", "unseen"),
    "deferred": ("unknown", "later", "unseen"),
    "failed": ("unknown", "failed", "unanswered"),
    "too-soon": ("unknown", "too-soon", "not-asked"),
    "never": ("unknown", "never", "not-asked"),
    "unresolved": ("unknown", "unresolved", "unanswered"),
    "no-servers": ("unknown", "no-servers", "not-asked"),
    "no-record": ("unknown", "no-record", "not-asked"),
    "no-time": ("unknown", "no-time", "not-asked"),
}


def judge(trial: Trial, ip: str, name: str | None, lang: Language) -> Check:
    """`name`: what the receiver is called, where the knowledge has it."""
    state: State
    cause: Cause | None
    if trial.result == "refused":
        key = "blocked" if trial.reason in PAST else "refused"
        state, cause = "bad", None
    elif trial.result == "deferred" and trial.reason in PAST:
        state, key, cause = "warning", "held", None
    elif trial.result == "inconclusive":
        state, key, cause = "unknown", _open(trial), "unseen"
    else:
        state, key, cause = _SAID[trial.result]

    def stage(of: Stage | None) -> str:
        return "" if of is None else STAGES[of][lang]

    return SHEET.tell(
        lang, trial.domain, state, key,
        details=(say(EARLIER["earlier"], lang, at=trial.at, again=trial.again),) if trial.at else (),
        cause=cause, ip=ip, name=name or trial.domain, domain=trial.domain, host=trial.host,
        stage=stage(trial.stage), refuses_at=stage(trial.refuses_at), reply=trial.reply,
        mailbox=trial.mailbox or "", why=trial.why, again=trial.again, remedy=trial.remedy or "-", desk=trial.desk or "-",
    )  # fmt: skip


def _open(trial: Trial) -> str:
    if trial.reply[:1] == "5":
        return "no-mailbox"
    if trial.refuses_at is None:
        return "open"
    return "mailbox" if trial.refuses_at == "RCPT TO" else "late"
