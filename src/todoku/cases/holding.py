"""Mail for a receiver that refuses us waits in our own queue, instead of coming back to its senders
and counting against us there: as lines for Postfix, to be reviewed and applied by a person. Pure.

A transport in `defer_transports` is never connected (postconf(5)): qmgr(8) defers what is for it, at its
usual times up to `maximal_queue_lifetime`. (Not the `retry` service: smtpd(8) refuses recipients that
resolve to it, so the mail would wait in people's mail programs.) `transport_maps` goes before
`sender_dependent_default_transport_maps`: whatever address it would have left from, it waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from todoku.cases import WORDS, NotNow, NotThis
from todoku.cases.case import Case, later
from todoku.cases.postfixing import Postfix
from todoku.i18n import Language, Words, say
from todoku.settings import table

LIFETIME: Final = timedelta(days=5)
"""`maximal_queue_lifetime` of Postfix, where it was not changed."""
DELAY: Final = 20
"""Seconds between two messages of the slow transport; a habit, no figure of a receiver's."""

SAYINGS: Final[Words] = {
    "head": {
        "ja": "# 案件 {case}: {domains} 宛てのメールをキューで待たせる（todoku case hold {case}）\n"
        "# 待つのは {until} ごろまで（maximal_queue_lifetime {days} 日。postconf maximal_queue_lifetime で確認）。\n"
        "# それを過ぎたものは差出人に返ります。すでに 5xx で返ったものは待ちません。",
        "en": "# Case {case}: mail for {domains} waits in the queue (todoku case hold {case})\n"
        "# until about {until} (maximal_queue_lifetime {days} days; see postconf maximal_queue_lifetime).\n"
        "# What is older goes back to its sender. What came back with 5xx before does not wait.",
    },
    "apply": {
        "ja": "# 適用（root で）。/etc/postfix/{file} に次の内容を書き、そのあと:",
        "en": "# To apply, as root: put this into /etc/postfix/{file}, then:",
    },
    "undo": {
        "ja": "# 元に戻す（キューは自然に少しずつ出ていきます。postqueue -f で一度に流さないでください）:",
        "en": "# To undo (the queue then empties by itself, little by little; no postqueue -f):",
    },
    "warm-up": {
        "ja": "# 案件 {case}: {domains} 宛てのメールを 1 通ずつ {delay} 秒おきに送る（todoku case hold {case} --slow）\n"
        "# 条件付きの緩和や解除の直後のためのものです。数日たって問題がなければ元に戻します。",
        "en": "# Case {case}: mail for {domains} goes one message after the other, {delay} s apart (todoku case\n"
        "# hold {case} --slow): after a conditional mitigation, or just after the block is lifted. Undo it when\n"
        "# all has been well for some days.",
    },
    "slow": {
        "ja": "# 解除の直後は、しばらく一通ずつ送ると安全です（緩和の後も量が制限されます）。元に戻す前に、同じファイルを"
        "次の内容に変え、そのあとのコマンドを実行します:",
        "en": "# Just after the block is lifted one message at a time is safer: receivers limit for a while.\n"
        "# Before the undoing, put this into the same file, then:",
    },
}


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """What a person applies, and takes back."""

    v: int = 1
    case: int
    domains: tuple[str, ...]
    file: str
    """In Postfix's folder."""
    content: str
    """Of that file (texthash_table(5))."""
    slow: str
    """The same domains by the slow transport."""
    apply: tuple[str, ...]
    """Lines for a shell, all of them together."""
    undo: tuple[str, ...]
    slowly: tuple[str, ...]
    """Commands by which the slow transport is there, whether mail waited before or not."""
    until: datetime
    """When what is sent now would go back to its sender."""


def holding(
    case: Case,
    now: datetime,
    domains: Sequence[str] = (),
    lifetime: timedelta = LIFETIME,
    postconf: str = "postconf",
    delay: int = DELAY,
) -> Holding:
    """`domains`: none named, those that the case knows. `postconf`: the command, with its options
    for another instance (`postconf -c /etc/postfix-out`). `delay`: seconds between two messages to a domain
    that go slowly. Raises `NotNow`, `NotThis`."""
    if case.closed is not None and case.held is None:
        raise NotNow(WORDS["closed"], case=case.number)
    good = good_domains(case, domains)
    file, slow = f"todoku-hold-{case.number}", f"todoku-slow-{case.number}"
    it = Postfix(postconf)
    return Holding(
        case=case.number,
        domains=good,
        file=file,
        content="".join(f"{d}\ttodoku-hold:\n" for d in good),
        slow="".join(f"{d}\t{slow}:\n" for d in good),
        apply=(
            it.service("todoku-hold", "-"),
            it.put("defer_transports", "todoku-hold", "todoku-hold"),
            it.map_first(file),
            it.reload,
        ),
        undo=(
            *it.no_map(file),
            *it.not_slow(slow),
            *it.unless_mapped(
                "todoku-hold-",
                *it.take("defer_transports", "todoku-hold"),
                *it.no_service("todoku-hold"),
            ),
            it.reload,
        ),
        slowly=(*it.slow(slow, delay), it.map_first(file), it.reload),
        until=(case.held.until if case.held else None) or later(now, lifetime),
    )


def good_domains(case: Case, domains: Sequence[str]) -> tuple[str, ...]:
    """Those that are named, else those of the case; what a stranger wrote as a domain is no line of a
    map. Raises `NotThis` where there are none."""
    named = tuple(dict.fromkeys(d.lower() for d in (domains or case.to)))
    good = tuple(d for d in named if table.host_name(d) == d)
    if not good:
        raise NotThis(WORDS["no-domains"], case=case.number)
    return good


def typed(domains: Sequence[str]) -> tuple[str, ...]:
    """Domains that a person named. Raises `NotThis` for what is none."""
    for each in domains:
        if table.host_name(each.lower()) != each.lower():
            raise NotThis(WORDS["no-domain"], domain=each[:100])
    return tuple(domains)


def script(
    made: Holding,
    lang: Language,
    now: datetime,
    lifetime: timedelta = LIFETIME,
    advice: Sequence[str] = (),
) -> str:
    """All of it as a text that can be read, kept and run in parts. `advice`: what the receiver says of
    volumes."""
    until = f"{made.until.astimezone(now.tzinfo):%Y-%m-%d %H:%M}"
    parts = [
        say(
            SAYINGS["head"], lang, case=made.case, domains=", ".join(made.domains), until=until,
            days=lifetime.days,
        ),
        say(SAYINGS["apply"], lang, file=made.file),
        made.content.rstrip("\n"),
        "\n".join(made.apply),
        SAYINGS["undo"][lang],
        "\n".join(made.undo),
        "\n".join((SAYINGS["slow"][lang], *(f"#   - {each}" for each in advice))),
        made.slow.rstrip("\n"),
        "\n".join(made.slowly),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


def slow_script(made: Holding, lang: Language, delay: int, advice: Sequence[str] = ()) -> str:
    """The same of mail that only goes slowly."""
    head = say(
        SAYINGS["warm-up"], lang, case=made.case, domains=", ".join(made.domains), delay=delay
    )
    parts = [
        "\n".join((head, *(f"#   - {each}" for each in advice))),
        say(SAYINGS["apply"], lang, file=made.file),
        made.slow.rstrip("\n"),
        "\n".join(made.slowly),
        SAYINGS["undo"][lang],
        "\n".join(made.undo),
    ]
    return "\n\n".join(parts) + "\n"
