"""The demo on the screen: the timeline of the case, and between its lines what the world does."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Final

from todoku.cases.records import Recorded
from todoku.cli.render import case as screen
from todoku.cli.render.text import safe, short
from todoku.demo.play import Outcome, Scene
from todoku.i18n import Language, Words, say
from todoku.lab.happenings import Arrived, Filed, Returned, Wrote
from todoku.lab.scenario import scenario as lab_scenario

TOKYO: Final = timezone(timedelta(hours=9))
"""Where the story happens."""

WORDS: Final[Words] = {
    "title": {
        "ja": "筋書き {scenario}: {about}。\n"
        "すべてこのマシンの中で、本物の SMTP・DNS・HTTP で進みます（時刻は日本時間）。",
        "en": "Scenario {scenario}: {about}.\n"
        "All of it on this machine, over real SMTP, DNS and HTTP (times of Tokyo).",
    },
    "filed": {
        "ja": "管理者がフォームから解除を依頼: {addresses}",
        "en": "the administrator files the form for {addresses}",
    },
    "filed-by-mail": {
        "ja": "窓口に依頼のメールが届く: {addresses}",
        "en": "the request for {addresses} reaches the desk by mail",
    },
    "wrote": {"ja": "窓口からのメール: {subject}", "en": "the desk writes: {subject}"},
    "forged": {
        "ja": "窓口を騙るメール: {subject}",
        "en": "somebody writes in the desk's name: {subject}",
    },
    "wrote-not": {
        "ja": "窓口からのメールが届きません: {subject}",
        "en": "the desk writes, and it does not arrive: {subject}",
    },
    "returned": {
        "ja": "エラーメールが {to} に戻る",
        "en": "an error mail comes back to {to}",
    },
    "inbox": {
        "ja": "{recipient} の受信トレイに届く",
        "en": "mail lies in the inbox of {recipient}",
    },
    "junk": {
        "ja": "{recipient} の迷惑メールに入る",
        "en": "mail lies in the junk folder of {recipient}",
    },
    "good": {
        "ja": "届きました。案件は{passed}で解決し、申告した {told} 人に知らせました（実際の時間は {took:.0f} 秒）。",
        "en": "It arrives again. The case was solved in {passed}; told of it: {told}. It took {took:.0f} s "
        "of your time.",
    },
    "bad": {
        "ja": "解決していません（{passed}経過、知らせた人 {told}、まだの人 {untold}）。",
        "en": "This was not solved (after {passed}; told of it: {told}, not told: {untold}).",
    },
    "next": {
        "ja": "自分のサーバーでは:\n"
        "  todoku init                      設定ファイルを作る\n"
        '  todoku report "届きません" --to hotmail.com --refusal bounce.eml\n'
        "  todoku serve                     案件を進める",
        "en": "With your own server:\n"
        "  todoku init                      write the settings file\n"
        '  todoku report "it does not arrive" --to hotmail.com --refusal bounce.eml\n'
        "  todoku serve                     work on the cases",
    },
    "passed": {"ja": " {days} 日と {hours} 時間", "en": "{days} d {hours} h"},
}


def title(scenario: str, lang: Language) -> str:
    about = lab_scenario(scenario).about[lang]
    return say(WORDS["title"], lang, scenario=scenario, about=about)


def line(scene: Scene, named: screen.Named, who: screen.Named, lang: Language) -> str:
    """One event, or one thing that the world does."""
    if isinstance(scene, Recorded):
        return screen.line(scene, named, who, lang, TOKYO)
    return f"{scene.at.astimezone(TOKYO):%m/%d %H:%M}    · {_told(scene, lang)}"


def _told(scene: Filed | Wrote | Returned | Arrived, lang: Language) -> str:
    match scene:
        case Filed():
            key = "filed-by-mail" if scene.by_mail else "filed"
            return say(WORDS[key], lang, addresses=safe(", ".join(scene.addresses)))
        case Wrote():
            word = "wrote" if scene.delivered else "wrote-not"
            word = "forged" if scene.forged else word
            return say(WORDS[word], lang, subject=short(scene.subject, 70))
        case Returned():
            return say(WORDS["returned"], lang, to=safe(scene.to))
        case Arrived():
            return say(WORDS[scene.folder], lang, recipient=safe(scene.recipient))


def end(outcome: Outcome, took: float, lang: Language) -> Iterator[str]:
    """`took`: seconds of the reader's time."""
    passed = outcome.ended - outcome.began
    days, hours = passed.days, passed.seconds // 3600
    yield ""
    yield say(
        WORDS["good" if outcome.good else "bad"],
        lang,
        passed=say(WORDS["passed"], lang, days=days, hours=hours),
        told=outcome.told,
        untold=outcome.untold,
        took=took,
    )
    if outcome.good:
        yield ""
        yield WORDS["next"][lang]


def pause(before: datetime | None, at: datetime) -> float:
    """Seconds to wait before a line, so that a person can follow: days are longer than minutes."""
    if before is None:
        return 0.0
    passed = (at - before).total_seconds()
    return 0.15 if passed < 60 else 0.3 if passed < 3600 else 0.6
