"""One setting: its name, how its value is read, and what is said of one that cannot be used."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Literal, NamedTuple, TypeAlias

from todoku.i18n import Sentence

Shape: TypeAlias = Literal["text", "list", "table", "flag"]


class Setting(NamedTuple):
    """One setting: how its value is read, and what is said of a value that cannot be used."""

    section: str
    key: str
    shape: Shape
    read: Callable[[str], str | None]
    """One value (each one, in a list or table) in its normal form; `None` if it cannot be used."""
    wanted: Sentence
    read_name: Callable[[str], str | None] | None = None
    """The same for the names of a table."""
    many: bool = False
    """A table's values may be lists."""
    secret: bool = False

    @property
    def variable(self) -> str:
        return f"TODOKU_{self.section}_{self.key}".upper()

    def parse(self, value: object) -> Any:
        """The value as the struct wants it; raises `ValueError` with the part that is wrong."""
        if self.shape == "text":
            return self._one(value)
        if self.shape == "flag":
            if not isinstance(value, bool):
                raise ValueError(_show(value))
            return value
        if self.shape == "list":
            return self._several(value if isinstance(value, list) else [value])
        if not isinstance(value, dict):
            raise ValueError(_show(value))  # noqa: TRY004
        return {self._name(k): self._entry(v) for k, v in value.items()}

    def from_text(self, text: str) -> Any:
        """The value from an environment variable: lists by comma or space, tables as `a=b,c=d`;
        several values of one name repeat the name; yes or no as `true` and `false`."""
        if self.shape == "text":
            return self.parse(text)
        if self.shape == "flag":
            return self.parse({"true": True, "false": False}.get(text.lower(), text))
        words = [word for word in re.split(r"[,\s]+", text) if word]
        if self.shape == "list":
            return self.parse(words)
        table: dict[str, list[str]] = {}
        for word in words:
            name, sign, value = word.partition("=")
            if not sign:
                raise ValueError(_show(word))
            table.setdefault(name, []).append(value)
        if self.many:
            return self.parse(table)
        return self.parse({name: values[-1] for name, values in table.items()})

    def _one(self, value: object) -> str:
        result = self.read(value) if isinstance(value, str) else None
        if result is None:
            raise ValueError(_show(value))
        return result

    def _several(self, values: list[object]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self._one(value) for value in values))

    def _name(self, name: str) -> str:
        result = self.read_name(name) if self.read_name else name
        if not result:
            raise ValueError(_show(name))
        return result

    def _entry(self, value: object) -> str | tuple[str, ...]:
        if not self.many:
            return self._one(value)
        return self._several(value if isinstance(value, list) else [value])


def _show(value: object) -> str:
    """A value in a message: as TOML has it, short, one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    return text if len(text) <= 80 else text[:79] + "…"
