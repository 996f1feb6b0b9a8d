"""Deeds that nobody else sees: each may be done again, so there is nothing to find out."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from todoku.cases.case import Case
from todoku.cases.due import Action
from todoku.cases.working import Command

if TYPE_CHECKING:
    from todoku.serve.deeds import Means

Intent: TypeAlias = Mapping[str, Any] | None


class Quiet:
    def __init__(self, means: Means) -> None:
        self.means = means

    def intent(self, _case: Case, _action: Action) -> Intent:
        return None

    def find_out(self, _case: Case, _action: Action, _intent: Mapping[str, Any]) -> bool | None:
        return None

    def record(self, case: Case, action: Action, _now: datetime) -> Command:
        raise AssertionError(f"case {case.number}: {action.key} is done again, not recorded")

    def give_up(self, _case: Case, _action: Action, _now: datetime) -> Command | None:
        return None
