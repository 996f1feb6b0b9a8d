"""The screen of `todoku diagnose`: one refusal in full, many as a table with the worst in full.

verdict (one or two sentences)
  label      value
  label      value, wrapped at its own edge
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from todoku.cli.render import many, parties, verdict
from todoku.cli.render.page import Page
from todoku.cli.render.text import cut_front, safe, short
from todoku.cli.render.words import CHANNEL, NOTHING, REQUIRES, SURE, WHO, duration
from todoku.grouping import Group, Groups
from todoku.i18n import Language, Words, say
from todoku.knowledge.catalogue import Catalogue, said
from todoku.knowledge.schema import Compiled
from todoku.model import Diagnosis

IN_FULL: Final = 5
"""So many kinds of refusal are shown in full without being asked for."""
WORST_IN_FULL: Final = 3
"""Of more, so many that come first and need somebody to act."""
MOST_REPLY: Final = 900
"""Characters of a reply that are quoted; all of it is in --json."""

WORDS: Final[Words] = {
    "who": {"ja": "対応する人", "en": "Who acts"},
    "next": {"ja": "次の一手", "en": "Next"},
    "desk": {"ja": "依頼先", "en": "Desk"},
    "to": {"ja": "宛先", "en": "Recipient"},
    "to-others": {"ja": "{to}（ほか {n} 件）", "en": "{to} (and {n} more)"},
    "seen": {"ja": "件数", "en": "Seen"},
    "answered": {"ja": "応答元", "en": "Answered by"},
    "evidence": {"ja": "根拠", "en": "Evidence"},
    "reply": {"ja": "応答全文", "en": "Whole reply"},
    "see": {"ja": "応答内の URL", "en": "Link in it"},
    "sure": {"ja": "確からしさ", "en": "Confidence"},
    "first": {"ja": "先に必要: {what}", "en": "first: {what}"},
    "expires": {
        "ja": "問題の送信が止まれば {time}で自動的に消えます",
        "en": "ends by itself {time} after the trouble has stopped",
    },
    "wait": {"ja": "返事または反映まで: {time}", "en": "an answer or its effect takes {time}"},
    "automatic": {
        "ja": "依頼は不要です。条件が整えば自動的に解除されます",
        "en": "no request needed; it ends by itself once the conditions hold",
    },
    "no-desk": {
        "ja": "公開された解除窓口は知られていません",
        "en": "no public removal desk is known",
    },
    "rule-alone": {"ja": "規則 {rule}", "en": "rule {rule}"},
    "rule": {"ja": "規則 {rule}、出典:", "en": "rule {rule}, from:"},
    "rule-date": {
        "ja": "規則 {rule}、出典（{date} 時点）:",
        "en": "rule {rule}, from (as of {date}):",
    },
    "foreign-who": {
        "ja": "{what} の管理者（設定によればあなたではありません）",
        "en": "whoever runs {what} (not you, by your settings)",
    },
    "foreign-1": {
        "ja": "自分のアドレスなら設定に加える: todoku init --add {what}",
        "en": "If it is yours after all, add it: todoku init --add {what}",
    },
    "foreign-2": {
        "ja": "違うなら、自分のサーバーで直すものはありません。転送元や中継先など、そのアドレスの管理者に応答全文を渡す。",
        "en": "If not, nothing on your server can mend it: hand the whole reply to whoever runs that "
        "address (a relay, a forwarder).",
    },
    "count": {"ja": "{n} 件", "en": "{n} refusals"},
    "count-other": {"ja": "{n} 件", "en": "{n} messages"},
    "summary": {
        "ja": "拒否・遅延 {n} 件を {kinds} 種類にまとめました。先に対応するものから順に示します。",
        "en": "{n} refusals of {kinds} kinds. What matters most comes first.",
    },
    "others": {"ja": "ほか {n} 種類", "en": "{n} more kinds"},
    "full": {
        "ja": "すべての詳細は --full、機械で読むには --json。",
        "en": "Everything in full: --full. For programs: --json.",
    },
    "besides": {"ja": "ほかに{told}。", "en": "Besides: {told}."},
    "none-refused": {
        "ja": "{n} 件を読みました。拒否や遅延を伝えるものはありません（{told}）。",
        "en": "{n} messages read; none tells of a refused or delayed message ({told}).",
    },
    "n-not-a-bounce": {
        "ja": "エラーメールではないもの {n} 件",
        "en": "mails that are no bounce {n}",
    },
    "n-auto-reply": {"ja": "自動応答 {n} 件", "en": "automatic replies {n}"},
    "n-delivered": {"ja": "配送完了の通知 {n} 件", "en": "success reports {n}"},
    "n-report": {"ja": "集計レポート {n} 件", "en": "DMARC or TLS reports {n}"},
}


def show(found: Iterable[Diagnosis], knowledge: Compiled, lang: Language, *, full: bool) -> None:
    """Read everything, then print."""
    groups = Groups()
    for d in found:
        groups.add(d)
    page = Page.of_stdout()
    for line in lines(groups, Catalogue(knowledge), lang, page, full=full):
        page.write(line)
    page.close()


def lines(
    groups: Groups, c: Catalogue, lang: Language, page: Page, *, full: bool = False
) -> Iterator[str]:
    """All lines of the answer."""
    ordered = groups.ordered()
    shown = [g for g in ordered if g.first.kind in {"refusal", "complaint"}]
    rest = [g for g in ordered if g not in shown]
    if groups.total == 1:
        yield from block(ordered[0], c, lang, page)
        return
    if not shown:
        if rest:
            yield from page.wrapped(_besides(rest, lang, "none-refused"))
        return
    if len(shown) == 1:
        yield from block(shown[0], c, lang, page)
    else:
        yield from _several(shown, c, lang, page, full=full)
    if rest:
        yield ""
        yield from page.wrapped(_besides(rest, lang, "besides"))


def _several(
    groups: list[Group], c: Catalogue, lang: Language, page: Page, *, full: bool
) -> Iterator[str]:
    """Some in full, under a heading each, and the others as a table."""
    total, kinds = sum(g.count for g in groups), len(groups)
    head = say(WORDS["summary"], lang, n=f"{total:,}", kinds=f"{kinds:,}")
    yield from map(page.bold, page.wrapped(head))
    in_full = groups if full or kinds <= IN_FULL else _worst(groups)
    for n, group in enumerate(in_full, 1):
        yield ""
        yield page.rule(f"{n}/{kinds} · {_count(group, lang)}")
        yield from block(group, c, lang, page, headed=True)
    others = [g for g in groups if g not in in_full]
    if others:
        yield ""
        yield page.rule(say(WORDS["others"], lang, n=f"{len(others):,}"))
        yield from many.table(others, c, lang, page)
        yield ""
        yield from map(page.dim, page.wrapped(say(WORDS["full"], lang)))


def _worst(groups: list[Group]) -> list[Group]:
    mine = [g for g in groups if g.first.who_acts not in ("nobody", "recipient", "sender-user")]
    return (mine or groups)[:WORST_IN_FULL]


def _gap(lang: Language) -> str:
    return "" if lang == "ja" else " "


def _count(group: Group, lang: Language) -> str:
    source, id_ = group.first.source, group.first.id
    if group.count == 1 and (source != "-" or isinstance(id_, str)):
        name = f"{source} {id_}" if isinstance(id_, str) else source
        return cut_front(safe(name), 60)
    key = "count" if group.first.kind == "refusal" else "count-other"
    return say(WORDS[key], lang, n=f"{group.count:,}")


def _besides(rest: list[Group], lang: Language, sentence: str) -> str:
    """What there was besides refusals, counted."""
    n: dict[str, int] = {}
    for g in rest:
        n[g.first.kind] = n.get(g.first.kind, 0) + g.count
    parts = [say(WORDS[f"n-{kind}"], lang, n=f"{count:,}") for kind, count in n.items()]
    told = ("、" if lang == "ja" else ", ").join(parts)
    return say(WORDS[sentence], lang, n=f"{sum(n.values()):,}", told=told)


# ── one kind of refusal ───────────────────────────────────────────────────────────────────────


def block(
    group: Group, c: Catalogue, lang: Language, page: Page, *, headed: bool = False
) -> Iterator[str]:
    """The verdict, whose move it is, the steps, the way out, the evidence. `headed`: how many there
    are stands in a line above."""
    d = group.first
    first, *more = verdict.sentences(d, c, lang, group.others)
    colour = page.red if d.kind == "refusal" and not d.temporary else page.yellow
    if d.kind not in ("refusal", "complaint"):
        colour = page.bold
    for line in page.wrapped(first):
        yield colour(line)
    if more:
        yield from page.wrapped(_gap(lang).join(more))
    labelled = list(rows(group, c, lang, page, headed=headed))
    if labelled:
        yield ""
    for label, values in labelled:
        yield from page.row(label, values)


def rows(
    group: Group, c: Catalogue, lang: Language, page: Page, *, headed: bool = False
) -> Iterator[tuple[str, list[str]]]:
    """(label, lines of the value) of a diagnosis; the lines are not wrapped yet."""
    d = group.first
    yield from _who_and_what(d, lang)
    yield from _desk(d, c, lang)
    if d.kind == "refusal":
        yield from _where(group, c, lang, headed=headed)
    yield from _evidence(d, c, lang, page)


def _who_and_what(d: Diagnosis, lang: Language) -> Iterator[tuple[str, list[str]]]:
    if parties.is_foreign(d):
        what = short(d.blocked[0].value)
        yield WORDS["who"][lang], [say(WORDS["foreign-who"], lang, what=what)]
        steps = [say(WORDS[k], lang, what=what) for k in ("foreign-1", "foreign-2")]
    else:
        if d.who_acts:
            settled = d.kind != "refusal" or d.action == "delivered"
            nobody = d.who_acts == "nobody" and (settled or d.reason == "undecided")
            if not nobody:
                yield WORDS["who"][lang], [say(WHO[d.who_acts], lang)]
            elif d.kind == "refusal":
                pass
            else:
                yield WORDS["who"][lang], [say(NOTHING, lang)]
                return
        steps = [safe(s) for s in d.remedy]
    if len(steps) == 1:
        yield WORDS["next"][lang], steps
    elif steps:
        yield WORDS["next"][lang], [f"{n}. {s}" for n, s in enumerate(steps, 1)]


def _desk(d: Diagnosis, c: Catalogue, lang: Language) -> Iterator[tuple[str, list[str]]]:
    r = d.removal
    if r is None or d.kind != "refusal" or parties.is_foreign(d):
        return
    if d.reason == "lookup-failed":  # nothing is listed, so there is nothing to ask for
        return
    desk = c.desk_of(d)
    where = safe(r.address if r.channel == "mail" and r.address else r.url or r.address or "")
    if r.channel == "none" and not where:
        yield WORDS["desk"][lang], [say(WORDS["no-desk"], lang)]
        return
    if r.channel == "automatic":
        out = [say(WORDS["automatic"], lang)]
        if where:
            out.append(where)
    else:
        channel = say(CHANNEL[r.channel], lang)
        out = [f"{channel} {where}".rstrip()]
        if r.channel == "mail" and r.url:
            out.append(safe(r.url))
    if r.requires:
        words = [say(REQUIRES[x], lang) if x in REQUIRES else safe(x) for x in r.requires]
        out.append(say(WORDS["first"], lang, what=("、" if lang == "ja" else "; ").join(words)))
    if r.expires:
        out.append(say(WORDS["expires"], lang, time=duration(r.expires, lang)))
    if desk is not None and desk.wait:
        out.append(say(WORDS["wait"], lang, time=duration(desk.wait, lang)))
    if desk is not None and desk.note is not None:
        out.append(said(desk.note, lang))
    yield WORDS["desk"][lang], out


def _where(
    group: Group, c: Catalogue, lang: Language, *, headed: bool
) -> Iterator[tuple[str, list[str]]]:
    d = group.first
    told = verdict.sentences(d, c, lang, group.others)[0]
    if d.recipient and (to := short(d.recipient)) not in told:
        if group.others:
            to = say(WORDS["to-others"], lang, to=to, n=f"{group.others:,}")
        yield WORDS["to"][lang], [to]
    if group.count > 1 and not headed:
        yield WORDS["seen"][lang], [say(WORDS["count"], lang, n=f"{group.count:,}")]
    host, ip = short(d.remote.host or ""), short(d.remote.ip or "")
    if ip or (host and host not in told):
        yield WORDS["answered"][lang], [f"{host} [{ip}]" if host and ip else host or ip]


def _evidence(
    d: Diagnosis, c: Catalogue, lang: Language, page: Page
) -> Iterator[tuple[str, list[str]]]:
    text = d.reply.text
    if text:
        quoted = marked(d, page)
        label = "reply" if d.reason == "undecided" else "evidence"
        yield WORDS[label][lang], [quoted]
    shown = safe(d.removal.url or "") if d.removal else ""
    links = [safe(u) for u in d.urls if safe(u) != shown]
    if links and d.kind == "refusal" and len(text) > MOST_REPLY:
        yield WORDS["see"][lang], links[:3]
    owned = c.rule_of(d)
    if owned is not None:
        date = owned.rule.date or owned.receiver.date
        sources = d.sources or owned.receiver.source
        key = "rule-date" if date else "rule" if sources else "rule-alone"
        line = say(WORDS[key], lang, rule=short(d.rule or ""), date=date)
        yield "", [line, *map(safe, sources[:1])]
    if d.kind != "refusal":
        return
    if d.reason != "undecided" and d.confidence:
        sure: str = d.confidence
        if d.confidence == "certain" and d.receiver_code:
            sure = "code"
        elif d.confidence == "guess" and not text:
            sure = "report"
        yield WORDS["sure"][lang], [say(SURE[sure], lang)]


def marked(d: Diagnosis, page: Page) -> str:
    """The reply with the deciding words between marks, made safe."""
    spans = [(e.start, e.end) for e in d.evidence if e.field != "rule" and e.start < e.end]
    for e in d.evidence:
        if e.field == "rule" and not any(a < e.end and e.start < b for a, b in spans):
            spans.append((e.start, e.end))
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    # What decided is shown, however late it comes; a text of megabytes is not.
    end_shown = min(max([MOST_REPLY, *(end for _, end in merged)]), 3 * MOST_REPLY)
    text = d.reply.text[:end_shown]
    merged = [(a, min(b, end_shown)) for a, b in merged if a < end_shown]
    left, right = page.marks
    out = []
    at = 0
    for start, end in merged:
        out += [safe(text[at:start]), left, safe(text[start:end]), right]
        at = end
    out.append(safe(text[at:]))
    quoted = "".join(out)
    if len(d.reply.text) > end_shown:
        quoted += page.ellipsis
    return quoted
