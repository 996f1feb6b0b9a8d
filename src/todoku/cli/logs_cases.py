"""`todoku logs --open-cases`: refusals of what is ours become cases, each once (docs/logs.md)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from todoku import settings
from todoku.cli import EX_USAGE, Failure
from todoku.i18n import Language, Words, say
from todoku.logs.values import Opened

if TYPE_CHECKING:
    from todoku.cases import events as ev
    from todoku.knowledge.schema import Compiled
    from todoku.logs.sums import Group
    from todoku.settings.own import Own

WORDS: Final[Words] = {
    "no-own": {
        "ja": "設定 [own] に自分のアドレスがないため、どの拒否が自分のものか分かりません。案件は開いていません。todoku init で"
        "書き込んでから、もう一度実行してください。",
        "en": "[own] of the settings names nothing of yours, so nobody can tell which refusals are about you. No "
        "case was opened. Fill it in with todoku init, and run this again.",
    },
    "opened": {
        "ja": "案件 {case} を開きました: {identity}（{place}、{count} 回）。詳細: todoku case show {case}",
        "en": "Opened case {case}: {identity} at {place} (attempts: {count}). See: todoku case show {case}",
    },
    "none": {
        "ja": "新しい案件はありません。自分のアドレスを理由にした拒否 {n} 組のうち {known} 組は、すでに案件があります。",
        "en": "No new case. Of {n} that are about what is yours, {known} have a case already.",
    },
}


class Found(NamedTuple):
    """One case to be: all that is refused about the same at one place."""

    refused: ev.Refused
    diagnosed: ev.Diagnosed


def gathered(groups: Sequence[Group], own: Own, knowledge: Compiled, now: datetime) -> list[Found]:
    """Of groups, what matters most first; the diagnosis of a case is that of its first."""
    from msgspec.structs import replace

    from todoku.cases.joining import alike, merged
    from todoku.serve import sightings

    found: dict[tuple[str, ...], Found] = {}
    for group in groups:
        event = sightings.refused(group.diagnosis, own, now)
        if not event.identities or event.place is None or group.first is None:
            continue
        first, last = (
            datetime.fromtimestamp(t, UTC) for t in (group.first, group.last or group.first)
        )
        event = replace(
            event, first=first, last=last, count=group.count, to=tuple(sorted(group.domains))[:50]
        )
        key = alike(event)
        before = found.get(key)
        if before is not None:
            found[key] = before._replace(refused=merged(before.refused, event))
        else:
            diagnosed = sightings.diagnosed(group.diagnosis, knowledge, own, now)
            found[key] = Found(event, diagnosed)
    return list(found.values())


class Opening:
    """The cases of one report."""

    def __init__(self, config: Path | None, data: Path | None, lang: Language) -> None:
        """Before anything is read. Raises `Failure`."""
        self._settings = settings.load(config, data)
        self._lang = lang
        self.opened: list[Opened] = []
        self._found = 0
        if not self._settings.own.given:
            raise Failure(say(WORDS["no-own"], lang), EX_USAGE)

    def open(self, groups: Sequence[Group], knowledge: Compiled) -> None:
        """Raises `TodokuError`; the cases that were opened before stay."""
        from todoku.cli import case_desk as cases
        from todoku.serve.orders import Notice, fresh_id

        given = self._settings
        found = gathered(groups, given.own, knowledge, cases.now(given))
        self._found = len(found)
        for refused, diagnosed in found:
            order = Notice(id=fresh_id(), by=cases.me(), refused=refused, diagnosed=diagnosed)
            recorded = cases.done(order, given, self._lang)
            if recorded and refused.place is not None:
                self.opened.append(
                    Opened(
                        case=recorded[0].case,
                        identities=refused.identities,
                        place=refused.place.id,
                        count=refused.count,
                    )
                )

    def tell(self) -> None:
        from todoku.cli.render.text import safe

        for one in self.opened:
            names = ", ".join(i.value for i in one.identities)
            told = say(
                WORDS["opened"], self._lang, case=one.case, identity=names, place=one.place,
                count=f"{one.count:,}",
            )  # fmt: skip
            click.echo(safe(told))
        if not self.opened:
            click.echo(say(WORDS["none"], self._lang, n=self._found, known=self._found))
