"""What each big receiver asks of senders, held against what the other checks found. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

import msgspec

from todoku.i18n import Language, Words, say
from todoku.preflight.data import Requirement, Requirements
from todoku.preflight.sheet import Sheet
from todoku.preflight.trials import GOOD, Trial
from todoku.preflight.values import Check, Detail, State, worst

WORDS: Final[Words] = {
    "title": {"ja": "受信側の要件: {name}", "en": "requirements of {name}"},
    "wanted": {
        "ja": "{n} の要件すべて（{date} 時点）",
        "en": "all of its {n} requirements (as of {date})",
    },
    "why": {
        "ja": "満たさない送信元を、{name} は拒否するか迷惑メールに入れます。",
        "en": "{name} refuses, or files as spam, what does not meet them.",
    },
    "found.met": {"ja": "{n} 件の要件をすべて満たしています。", "en": "all are met ({n})."},
    "found.unmet": {
        "ja": "満たしていないもの {unmet}、満たしているもの {met}、ここからは分からないもの {open}。",
        "en": "{unmet} not met, {met} met, {open} cannot be seen from here.",
    },
    "remedy.unmet": {"ja": "{first}", "en": "{first}"},
    "found.open": {
        "ja": "DNS で分かる {met} 件はすべて満たしています。{open} 件はここからは分かりません。",
        "en": "all that the DNS shows are met ({met}); {open} cannot be seen from here.",
    },
    "found.unseen": {
        "ja": "{open} 件の要件は、どれもここからは分かりません。",
        "en": "none of its {open} can be seen from here.",
    },
    "found.taken": {
        "ja": "このアドレスからのメールを受け付けます（{how}）。DNS で分かる要件も、満たしていないものは"
        "ありません。{rest}",
        "en": "it takes mail from this address ({how}), and nothing that the DNS shows is unmet.{rest}",
    },
    "found.refused": {
        "ja": "このアドレスからのメールを拒否しています: {reply}",
        "en": "it refuses mail from this address: {reply}",
    },
    "remedy.refused": {
        "ja": "{name} への探査の項目を見てください。",
        "en": "see the probe of {name}.",
    },
    "found.silent": {
        "ja": "満たしているもの {met}、答えが得られず分からないもの {silent}、ここからは分からないもの {open}。",
        "en": "{met} met; {silent} not known because no answer came; {open} cannot be seen from here.",
    },
}

REST: Final[Words] = {
    "rest": {
        "ja": "送るメールと運用で守る要件が {open} 件あります。",
        "en": " {open} requirements are of the mail you send and of how you work.",
    },
}
HOW: Final[Words] = {
    "accepted": {"ja": "探査", "en": "by a probe"},
    "arrived": {"ja": "実際のメール", "en": "by real mail"},
}
LOOK: Final[Words] = {
    "message": {"ja": "送ったメールで確認", "en": "to be seen in a sent message"},
    "log": {"ja": "MTA のログと設定で確認", "en": "to be seen in the MTA's log and settings"},
    "process": {"ja": "運用で確認", "en": "a matter of how you work"},
    "portal": {"ja": "受信側の管理画面で確認", "en": "to be seen in the receiver's portal"},
    "web": {"ja": "Web サイトで確認", "en": "to be seen on the web site"},
}


class _Item(NamedTuple):
    requirement: Requirement
    state: State
    unseen: bool
    by: Check | None
    """What decided."""


def judge(
    rules: Requirements, checks: Sequence[Check], trial: Trial | None, lang: Language
) -> Check:
    """`trial`: what the receiver said of the address, where it was asked. By that it is settled whether
    mail is taken from it; what only the mail shows that one sends stays open, and is named."""
    name = getattr(rules.name, lang)
    asked = [r for r in rules.requirements if r.level != "info"]
    items = [_item(r, checks) for r in asked]
    unmet = [i for i in items if i.state in {"bad", "warning"}]
    met = [i for i in items if i.state == "ok"]
    silent = [i for i in items if i.state == "unknown" and not i.unseen]
    unseen = [i for i in items if i.unseen]
    state = worst(i.state for i in items)
    if state == "unknown" and unmet:
        state = "warning"  # what is known to be so is told, whatever else is not
    first = next((i.by.remedy for i in unmet if i.by and i.by.remedy), None)
    key = "unmet" if unmet else "silent" if silent else "open" if unseen else "met"
    if key == "open" and not met:
        key = "unseen"
    if trial is not None and trial.result == "refused":
        state, key = "bad", "refused"
    elif trial is not None and trial.result in GOOD and not unmet and not silent:
        state, key = "ok", "taken"
    words: Words = {
        **WORDS,
        "title": {lang: say(WORDS["title"], lang, name=name)},
    }
    if first is None:
        words = {k: v for k, v in words.items() if k != "remedy.unmet"}
    sources = dict.fromkeys(s for r in asked for s in r.source)
    check = Sheet("receiver", words, tuple(sources)).tell(
        lang, rules.receiver, state, key,
        cause=None if state != "unknown" else "unanswered" if silent else "unseen",
        name=name, n=len(items), date=rules.date, unmet=len(unmet), met=len(met),
        open=len(unseen), silent=len(silent), first=first or "",
        reply=trial.reply if trial else "",
        rest=say(REST["rest"], lang, open=len(unseen)) if unseen else "",
        how=HOW[trial.result][lang] if trial and trial.result in HOW else "",
        details=[_line(i, lang) for i in items],
    )  # fmt: skip
    codes = dict.fromkeys(c for r in asked for c in r.codes)
    return msgspec.structs.replace(check, codes=tuple(codes))


def _item(r: Requirement, checks: Sequence[Check]) -> _Item:
    """Each of `r.checks` must hold for every domain."""
    if not r.checks:
        return _Item(r, "unknown", True, None)
    found = [_wanted(wanted.split("|"), r, checks) for wanted in r.checks]
    state = worst(state for state, _ in found)
    by = next((check for s, check in found if s == state), None)
    if state == "unknown":
        return _Item(r, state, by is None or by.cause != "unanswered", by)
    if state == "bad" and (r.bulk or r.level != "required"):
        state = "warning"  # asked of bulk senders, or not strictly
    return _Item(r, state, False, by)


def _wanted(
    ids: Sequence[str], r: Requirement, checks: Sequence[Check]
) -> tuple[State, Check | None]:
    """Of `a|b` the better one counts: for each domain by itself, as mail of one passes by SPF, and that
    of another by DKIM."""
    if len(ids) == 1:
        return _of(ids[0], r, checks)
    abouts = dict.fromkeys(c.about for c in checks if c.id in ids) or [""]
    found = [
        _best([_of(id_, r, [c for c in checks if c.about == about]) for id_ in ids])
        for about in abouts
    ]
    state = worst(s for s, _ in found)
    return next((s, c) for s, c in found if s == state)


def _of(id_: str, r: Requirement, checks: Iterable[Check]) -> tuple[State, Check | None]:
    """The worst of the checks of that kind. A warning meets a requirement that does not name it."""
    found = [(_met(c, r), c) for c in checks if c.id == id_]
    if not found:
        return "unknown", None
    state = worst(s for s, _ in found)
    return state, next(c for s, c in found if s == state)


def _met(c: Check, r: Requirement) -> State:
    if f"{c.id}/{c.finding}" in r.fails:
        return "bad"
    return "ok" if c.state == "warning" else c.state


def _best(found: Sequence[tuple[State, Check | None]]) -> tuple[State, Check | None]:
    order: tuple[State, ...] = ("ok", "warning", "unknown", "bad")
    return min(found, key=lambda one: order.index(one[0]))


def _line(i: _Item, lang: Language) -> Detail:
    r = i.requirement
    line = str(getattr(r.wants, lang))
    if i.unseen and r.look is not None:
        line += f" — {LOOK[r.look][lang]}"
    if r.codes:
        line += f" ({', '.join(r.codes)})"
    return Detail(text=line, state=i.state)
