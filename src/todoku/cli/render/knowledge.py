"""The screens of `todoku knowledge`: what is known of a receiver, desk, reason or rule, and why
a rule won. A list has a screen of its own (`knowledge_list`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from todoku.cli.render import verdict
from todoku.cli.render.page import Page
from todoku.cli.render.text import cut, pad, safe
from todoku.cli.render.words import CHANNEL, REQUIRES, STAGE, WHO, duration
from todoku.diagnosis.explain import Explanation, Match
from todoku.i18n import Language, Words, say
from todoku.knowledge.catalogue import Catalogue, Owned, said
from todoku.knowledge.fields import label
from todoku.knowledge.schema import Desk, Reason, Receiver

KINDS: Final[Words] = {
    "mailbox": {"ja": "メールボックス", "en": "mailbox provider"},
    "gateway": {"ja": "フィルター", "en": "filter in front of mailboxes"},
    "server": {"ja": "メールサーバーの既定の応答", "en": "default answers of a mail server"},
    "wording": {"ja": "リストを引用する文言", "en": "wordings that quote a list"},
    "general": {"ja": "一般的な文言", "en": "general wordings"},
}

WORDS: Final[Words] = {
    "kind": {"ja": "種類", "en": "Kind"},
    "hosts": {"ja": "ホスト", "en": "Hosts"},
    "domains": {"ja": "ドメイン", "en": "Domains"},
    "also": {"ja": "共用の規則", "en": "Shares"},
    "note": {"ja": "備考", "en": "Note"},
    "source": {"ja": "出典", "en": "Source"},
    "rules": {"ja": "規則", "en": "Rules"},
    "desk": {"ja": "窓口", "en": "Desk"},
    "reason": {"ja": "理由", "en": "Reason"},
    "meaning": {"ja": "意味", "en": "Meaning"},
    "who": {"ja": "対応する人", "en": "Who acts"},
    "next": {"ja": "次の一手", "en": "Next"},
    "at": {"ja": "段階", "en": "Refuses"},
    "list": {"ja": "リスト", "en": "List"},
    "matches": {"ja": "一致する語", "en": "Matches"},
    "needs": {"ja": "先に必要", "en": "First"},
    "fields": {"ja": "記入事項", "en": "To fill in"},
    "takes": {"ja": "所要", "en": "Takes"},
    "ends": {"ja": "自動解除", "en": "Ends"},
    "used-by": {"ja": "使う規則", "en": "Used by"},
    "text": {"ja": "調べた文", "en": "Text"},
    "won": {"ja": "採用", "en": "Won"},
    "won-by-status": {
        "ja": "一致する規則はありません。応答コードだけで {reason} と判定しました。",
        "en": "No rule matches. By the status code alone it is {reason}.",
    },
    "won-nothing": {
        "ja": "一致する規則はなく、応答コードからも分かりませんでした。",
        "en": "No rule matches, and the status code tells nothing.",
    },
    "won-line": {
        "ja": "規則 {rule} を採用しました（理由: {reason}）。",
        "en": "Rule {rule} wins (reason: {reason}).",
    },
    "who-is-it": {"ja": "受信側", "en": "Receiver"},
    "not-known": {"ja": "分かりません", "en": "not known"},
    "by-host": {
        "ja": "{name}（応答したホスト {words}）",
        "en": "{name} (answering host {words})",
    },
    "by-mark": {
        "ja": "{name}（固有の文言「{words}」）",
        "en": "{name} (words that only it prints: {words})",
    },
    "by-domain": {
        "ja": "{name}（宛先ドメイン {words}）",
        "en": "{name} (recipient's domain {words})",
    },
    "matched": {"ja": "一致した規則", "en": "Matched"},
    "standing": {
        "ja": "順位 {n} = 種類 {base} + 規則 {own} + 受信側 {place}",
        "en": "standing {n} = kind {base} + rule {own} + place {place}",
    },
    "coded": {"ja": "、固有コードあり", "en": ", with a code of its own"},
    "receiver-not-known": {
        "ja": "対象外: ありふれた語なので、受信側が分かっているときだけ数えます",
        "en": "left out: common words, which count only where the receiver is known",
    },
    "other-stage": {
        "ja": "対象外: この段階では使わない規則です",
        "en": "left out: not for this stage",
    },
    "words": {"ja": "語: {words}", "en": "words: {words}"},
    "overview": {
        "ja": "知識 {version}: 受信側など {receivers}、規則 {rules}、リスト {lists}、窓口 {desks}",
        "en": "Knowledge {version}: {receivers} receivers and wordings, {rules} rules, {lists} "
        "lists, {desks} desks.",
    },
    "reasons": {"ja": "理由の一覧", "en": "Reasons"},
    "lists": {"ja": "リストの一覧", "en": "Lists"},
    "show-one": {
        "ja": "個別の内容: todoku knowledge show 名前（受信側、リスト、窓口、理由、規則、固有コード）",
        "en": "One of them: todoku knowledge show NAME (receiver, list, desk, reason, rule or code)",
    },
    "rule-count": {"ja": "規則 {n}", "en": "rules: {n}"},
}

MOST_PATTERNS: Final = 12


def overview(c: Catalogue, lang: Language, page: Page) -> Iterator[str]:
    """All that there is, by name."""
    k = c.knowledge
    yield from page.wrapped(
        say(
            WORDS["overview"],
            lang,
            version=k.version,
            receivers=len(k.receivers),
            rules=len(k.rules),
            lists=len(k.lists),
            desks=len(k.desks),
        )
    )
    rules: dict[int, int] = {}
    for o in k.owner:
        rules[o] = rules.get(o, 0) + 1
    for kind, words in KINDS.items():
        members = [(i, r) for i, r in enumerate(k.receivers) if r.kind == kind]
        if not members:
            continue
        yield ""
        yield page.rule(f"{say(words, lang)} · {len(members)}")
        for i, r in sorted(members, key=lambda x: x[1].id):
            count = say(WORDS["rule-count"], lang, n=rules.get(i, 0))
            yield _columns(page, r.id, said(r.name, lang), count)
    yield ""
    yield page.rule(f"{WORDS['lists'][lang]} · {len(k.lists)}")
    for entry in sorted(k.lists, key=lambda e: e.id):
        yield _columns(page, entry.id, entry.name, entry.zones[0] if entry.zones else "")
    yield ""
    yield page.rule(f"{WORDS['reasons'][lang]} · {len(k.reasons)}")
    for name, reason in k.reasons.items():
        yield _columns(page, name, said(reason.title, lang), "")
    yield ""
    yield from map(page.dim, page.wrapped(say(WORDS["show-one"], lang)))


def _columns(page: Page, a: str, b: str, c: str) -> str:
    left = min(28, page.columns // 3)
    right = max(10, page.columns - left - 18)
    return f"  {pad(cut(a, left), left)} {pad(cut(b, right), right)} {c}".rstrip()


def receiver(r: Receiver, c: Catalogue, lang: Language, page: Page) -> Iterator[str]:
    yield page.bold(f"{said(r.name, lang)} ({r.id})")
    yield ""
    yield from page.row(WORDS["kind"][lang], [say(KINDS[r.kind], lang)])
    yield from listed(page, WORDS["hosts"][lang], r.hosts)
    yield from listed(page, WORDS["domains"][lang], r.domains)
    yield from listed(page, WORDS["also"][lang], r.also)
    if r.note is not None:
        yield from page.row(WORDS["note"][lang], [said(r.note, lang)])
    for name, d in c.knowledge.desks.items():
        if name.startswith(f"{r.id}/"):
            yield from page.row(WORDS["desk"][lang], [name, *desk_lines(d, lang)])
    yield from sources(page, r.source, r.date, lang)
    rules = c.rules_of(r.id)
    if rules:
        yield ""
        yield page.rule(f"{WORDS['rules'][lang]} · {len(rules)}")
        for owned in rules:
            title = said(c.knowledge.reasons[owned.rule.reason].title, lang)
            yield _columns(page, owned.rule.id, title, "")


def rule(owned: Owned, c: Catalogue, lang: Language, page: Page) -> Iterator[str]:
    x = owned.rule
    reason = c.knowledge.reasons[x.reason]
    yield page.bold(f"{owned.name} · {said(owned.receiver.name, lang)}")
    yield ""
    yield from page.row(WORDS["reason"][lang], [_title(x.reason, reason, lang)])
    yield from page.row(WORDS["meaning"][lang], [said(x.meaning or reason.ground, lang)])
    yield from page.row(WORDS["who"][lang], [say(WHO[x.who or reason.who], lang)])
    steps = _steps(x.remedy or reason.remedy, owned.receiver.id, c, lang)
    yield from page.row(WORDS["next"][lang], steps)
    if x.refuses_at:
        yield from page.row(WORDS["at"][lang], [say(STAGE[x.refuses_at], lang)])
    if x.list:
        yield from page.row(WORDS["list"][lang], [f"{c.list_name(x.list, lang)} ({x.list})"])
    if x.desk:
        name = x.desk if "/" in x.desk else f"{owned.receiver.id}/{x.desk}"
        if (d := c.knowledge.desks.get(name)) is not None:
            yield from page.row(WORDS["desk"][lang], [name, *desk_lines(d, lang)])
    yield from listed(page, WORDS["matches"][lang], (*x.phrases, *x.match))
    yield from sources(page, x.source or owned.receiver.source, x.date, lang)


def _title(name: str, r: Reason, lang: Language) -> str:
    title = said(r.title, lang)
    return title if title == name else f"{title} ({name})"


def _steps(ids: tuple[str, ...], owner: str, c: Catalogue, lang: Language) -> list[str]:
    texts = c.knowledge.texts
    found = [texts.get(f"{owner}/{i}") or texts.get(i) for i in ids]
    return [f"{n}. {said(t, lang)}" for n, t in enumerate((t for t in found if t), 1)]


def desk(name: str, d: Desk, c: Catalogue, lang: Language, page: Page) -> Iterator[str]:
    owner, _, short = name.partition("/")
    yield page.bold(f"{name} · {c.receiver_name(owner, lang)}")
    yield ""
    yield from page.row(WORDS["desk"][lang], desk_lines(d, lang))
    if d.fields:
        yield from page.row(WORDS["fields"][lang], [label(f, lang) for f in d.fields])
    users = {
        o.name
        for o in c.rules.values()
        if o.rule.desk == name or (o.rule.desk == short and o.receiver.id == owner)
    }
    yield from listed(page, WORDS["used-by"][lang], tuple(sorted(users)))
    yield from sources(page, d.source, d.date, lang)


def desk_lines(d: Desk, lang: Language, *, fields: bool = False) -> list[str]:
    """How one asks a desk, and what it takes; `fields`: what its form wants to know too."""
    sep = "、" if lang == "ja" else "; "
    out = [" ".join(x for x in (say(CHANNEL[d.channel], lang), d.url, d.address) if x)]
    if d.requires:
        needs = sep.join(say(REQUIRES[x], lang) if x in REQUIRES else x for x in d.requires)
        out.append(f"{WORDS['needs'][lang]}: {needs}")
    if fields and d.fields:
        out.append(f"{WORDS['fields'][lang]}: {sep.join(label(f, lang) for f in d.fields)}")
    if d.wait:
        out.append(f"{WORDS['takes'][lang]}: {duration(d.wait, lang)}")
    if d.expires:
        out.append(f"{WORDS['ends'][lang]}: {duration(d.expires, lang)}")
    if d.note is not None:
        out.append(said(d.note, lang))
    return out


def reason(name: str, r: Reason, c: Catalogue, lang: Language, page: Page) -> Iterator[str]:
    yield page.bold(_title(name, r, lang))
    yield ""
    yield from page.row(WORDS["meaning"][lang], [said(r.ground, lang)])
    yield from page.row(WORDS["who"][lang], [say(WHO[r.who], lang)])
    yield from page.row(WORDS["next"][lang], _steps(r.remedy, "", c, lang))
    yield from page.row("Sisimai", [r.sisimai])


def listed(page: Page, label: str, values: tuple[str, ...]) -> Iterator[str]:
    if values:
        shown = [safe(v) for v in values[:MOST_PATTERNS]]
        if len(values) > MOST_PATTERNS:
            shown.append(f"{page.ellipsis} (+{len(values) - MOST_PATTERNS})")
        yield from page.row(label, shown)


def sources(
    page: Page, sources: tuple[str, ...], date: str | None, lang: Language
) -> Iterator[str]:
    lines = [safe(s) for s in sources]
    if date:
        lines.append(date)
    if lines:
        yield from page.row(WORDS["source"][lang], lines)


# ── explain ───────────────────────────────────────────────────────────────────────────────────


def explanation(e: Explanation, c: Catalogue, lang: Language, page: Page) -> Iterator[str]:
    """Which rule won and why, which others matched, who the receiver is and by which sign."""
    d = e.diagnosis
    title = said(c.knowledge.reasons[d.reason].title, lang) if d.reason else d.kind
    if d.rule:
        head = say(WORDS["won-line"], lang, rule=d.rule, reason=title)
    elif d.kind != "refusal":
        head = verdict.sentences(d, c, lang)[0]
    elif d.reason == "undecided":
        head = say(WORDS["won-nothing"], lang)
    else:
        head = say(WORDS["won-by-status"], lang, reason=title)
    yield from map(page.bold, page.wrapped(head))
    yield ""
    if e.text:
        yield from page.row(WORDS["text"][lang], [safe(e.text[:2000])])
    signs = [
        say(WORDS[f"by-{s.by}"], lang, name=c.receiver_name(s.receiver, lang), words=safe(s.words))
        for s in e.signs
    ]
    yield from page.row(WORDS["who-is-it"][lang], signs or [say(WORDS["not-known"], lang)])
    label = WORDS["matched"][lang]
    for n, m in enumerate(e.matches, 1):
        yield from page.row(label if n == 1 else "", [f"{n}. {_match(m)}", *_details(m, lang)])


def _match(m: Match) -> str:
    return f"{m.rule}  {m.reason}"


def _details(m: Match, lang: Language) -> Iterator[str]:
    yield "   " + say(WORDS["words"], lang, words=safe(m.words))
    if m.left_out is not None:
        yield "   " + say(WORDS[m.left_out], lang)
        return
    told = say(
        WORDS["standing"], lang, n=m.standing, base=m.base, own=_signed(m.own),
        place=_signed(m.place),
    )  # fmt: skip
    yield "   " + told + (say(WORDS["coded"], lang) if m.coded else "")


def _signed(n: int) -> str:
    return f"({n})" if n < 0 else str(n)
