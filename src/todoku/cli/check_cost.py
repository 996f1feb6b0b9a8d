"""`todoku check --by-cost`: the listings that were found, by what they cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from todoku.cli.partners import WORDS, costing
from todoku.i18n import Language, say
from todoku.knowledge.schema import Compiled

if TYPE_CHECKING:
    from todoku.cli.render.check_board import Board
    from todoku.cli.render.page import Page
    from todoku.knowledge.catalogue import Catalogue

Lines = Callable[["Catalogue", "Page"], Iterable[str]]


def ordered(
    board: Board, folder: Path, knowledge: Compiled, lang: Language, tell: Callable[[str], None]
) -> Lines:
    """Puts the listings of the board in order. Returns the lines that tell what each costs."""
    cost = costing(folder, knowledge)
    if cost is None:
        tell(say(WORDS["nothing"], lang))
        return lambda _c, _page: ()
    asked = [(s.subject.value, f.list) for s in board.singles.values() for f in s.listed]
    told = cost(asked) if asked else []
    for single in board.singles.values():
        own = [f.list for f in told if f.identity == single.subject.value]
        single.dearest = {list_: n for n, list_ in enumerate(own)}

    def lines(c: Catalogue, page: Page) -> Iterator[str]:
        from todoku.cli.render import forecast

        if told:
            yield from forecast.costs(told, c, lang, page)

    return lines
