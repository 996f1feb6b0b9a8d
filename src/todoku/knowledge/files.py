"""Knowledge files as they lie on disk: found, decoded, typed; faults named by file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import msgspec

from todoku.knowledge.answers import AnswerRules
from todoku.knowledge.schema import (
    SCHEMA,
    Cues,
    KnowledgeError,
    Lists,
    Reasons,
    Receiver,
    Resolvers,
    Statuses,
    Texts,
)

DATA = Path(__file__).with_name("data")
"""The package's own files."""

T = TypeVar("T")


def read_toml(path: Path, shape: type[T]) -> T:
    """One file, decoded and typed; raises `KnowledgeError` with file and line."""

    import tomllib  # not where nothing changed

    try:
        raw = path.read_bytes()
        data = tomllib.loads(raw.decode())
    except (OSError, UnicodeDecodeError) as e:
        raise KnowledgeError([f"{path}: cannot be read ({e})"]) from None
    except tomllib.TOMLDecodeError as e:
        raise KnowledgeError([f"{path}: not TOML: {e}"]) from None
    schema = data.get("schema")
    if schema != SCHEMA:
        raise KnowledgeError(
            [f"{path}:1: `schema = {SCHEMA}` must stand at the top (found {schema!r})"]
        )
    try:
        return msgspec.convert(data, shape, strict=True)
    except msgspec.ValidationError as e:
        words, _, where = str(e).partition(" - at `$")
        where = where.rstrip("`")
        line, name = locate(raw.decode(), data, where)
        raise KnowledgeError([f"{path}:{line}: {name}{words} (at {where or 'the top'})"]) from None


def locate(text: str, data: Any, where: str) -> tuple[int, str]:
    """Line number, and rule or list, of a path such as `.rules[3].reason`."""
    if not where.startswith((".rules[", ".lists[", ".cues[")):
        return 1, ""
    table, _, rest = where[1:].partition("[")
    number = int(rest.split("]")[0])
    line = line_of(text, table, number)
    try:
        name = data[table][number].get("id", "")
    except (LookupError, AttributeError, TypeError):
        name = ""
    what = "list" if table == "lists" else "rule"
    return line, f"{what} {name!r}: " if name else ""


def line_of(text: str, table: str, number: int) -> int:
    """The line of the `number`th `[[table]]` header, from 1."""
    seen = -1
    for n, line in enumerate(text.splitlines(), 1):
        if line.strip().replace(" ", "").startswith(f"[[{table}]]"):
            seen += 1
            if seen == number:
                return n
    return 1


def files(folder: Path) -> list[Path]:
    """All knowledge files below a folder, in a fixed order. Those of `requirements` and `sign-in` are
    of another kind and read where they are used (`todoku.preflight`, `todoku.serve.mailboxes`)."""
    found = (p for p in folder.rglob("*.toml") if not p.name.startswith("."))
    return sorted(p for p in found if p.parent.name not in {"requirements", "sign-in"})


def shape_of(path: Path) -> type:
    """Which shape a file has, by its name and folder."""
    named = {
        "reasons.toml": Reasons,
        "texts.toml": Texts,
        "identities.toml": Cues,
        "resolvers.toml": Resolvers,
    }
    if path.name in named:
        return named[path.name]
    if path.name == "status.toml":
        return Statuses
    return {"lists": Lists, "answers": AnswerRules}.get(path.parent.name, Receiver)
