"""Knowledge files to one compiled value, and that value to and from one file.

`build` is what the packaging calls; `knowledge` is what the program calls. An installed package
carries the compiled file. A checkout, or a user's overlay folder, is compiled when it changed and
kept in the user's cache, which is read only if it is the user's own.
"""

from __future__ import annotations

import functools
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from todoku.knowledge import cache, patterns
from todoku.knowledge.schema import (
    SCHEMA,
    Compiled,
    Cue,
    Cues,
    Desk,
    ListEntry,
    Lists,
    Reason,
    Reasons,
    Receiver,
    Rule,
    Status,
    Statuses,
    Text,
    Texts,
)

FORMAT = 1
"""Of the compiled file. Raise it when `Compiled` changes."""

DATA = Path(__file__).with_name("data")
PACKED = Path(__file__).with_name("knowledge.msgpack")

BASE_RANK = {"mailbox": 0, "gateway": 0, "wording": -2, "server": -12, "general": -20}
"""Where the rules of a kind of file stand against each other (`Rule.rank` is added)."""

T = TypeVar("T")


class KnowledgeError(Exception):
    """A knowledge file that cannot be used. `problems` are sentences with file, line and rule."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def read_toml(path: Path, shape: type[T]) -> T:
    """One file, decoded and typed; raises `KnowledgeError` with file and line."""
    import tomllib  # a run with compiled knowledge reads no TOML

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
    """Line number and rule name of a path such as `.rules[3].reason`."""
    if not where.startswith((".rules[", ".lists[", ".cues[")):
        return 1, ""
    table, _, rest = where[1:].partition("[")
    number = int(rest.split("]")[0])
    line = line_of(text, table, number)
    try:
        name = data[table][number].get("id", "")
    except (LookupError, AttributeError, TypeError):
        name = ""
    return line, f"rule {name!r}: " if name else ""


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
    """All knowledge files below a folder, in a fixed order."""
    return sorted(p for p in folder.rglob("*.toml") if not p.name.startswith("."))


def compile_files(folder: Path, overlays: Iterable[Path] = ()) -> Compiled:
    """Read, merge and compile all files; raises `KnowledgeError` naming every file at fault."""
    problems: list[str] = []
    receivers: dict[str, Receiver] = {}
    lists: dict[str, ListEntry] = {}
    desks: dict[str, Desk] = {}
    texts: dict[str, Text] = {}
    reasons: dict[str, Reason] = {}
    cues: list[Cue] = []
    enhanced: dict[str, Status] = {}
    reply: dict[str, Status] = {}
    digest = hashlib.sha256()

    for layer, root in enumerate((folder, *overlays)):
        for path in files(root):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
            try:
                shape = shape_of(path)
                if shape is Reasons:
                    reasons |= read_toml(path, Reasons).reasons
                elif shape is Texts:
                    texts |= read_toml(path, Texts).texts
                elif shape is Cues:
                    cues[:0] = read_toml(path, Cues).cues
                elif shape is Statuses:
                    s = read_toml(path, Statuses)
                    enhanced |= {x.code: x for x in s.enhanced}
                    reply |= {x.code: x for x in s.reply}
                elif shape is Lists:
                    one = read_toml(path, Lists)
                    for x in one.lists:
                        desk = _qualified(one.id, x.desk) if x.desk else None
                        lists[x.id] = msgspec.structs.replace(x, desk=desk)
                    desks |= {f"{one.id}/{k}": v for k, v in one.desks.items()}
                    texts |= {f"{one.id}/{k}": v for k, v in one.texts.items()}
                else:
                    r = read_toml(path, Receiver)
                    if layer:
                        r = _lift(r)
                    desks |= {f"{r.id}/{k}": v for k, v in r.desks.items()}
                    texts |= {f"{r.id}/{k}": v for k, v in r.texts.items()}
                    old = receivers.get(r.id)
                    if old is not None and not layer:
                        problems.append(f"{path}: a second file with the id {r.id!r}")
                    receivers[r.id] = r if old is None else _merge(old, r)
            except KnowledgeError as e:
                problems += e.problems
    if problems:
        raise KnowledgeError(problems)

    everyone = tuple(receivers.values())
    rules: list[Rule] = []
    owner: list[int] = []
    pats: list[str] = []
    rule_of: list[int] = []
    literals: list[str] = []

    def add(source: str, expanded: str, target: int) -> None:
        try:
            patterns.check(expanded)
            literals.append(patterns.literal(expanded))
        except patterns.PatternError as e:
            problems.append(f"{source}: pattern {expanded!r}: {e}")
            return
        pats.append(expanded)
        rule_of.append(target)

    for i, r in enumerate(everyone):
        for rule in r.rules:
            if rule.disabled:
                continue
            if rule.reason not in reasons:
                problems.append(f"{r.id}/{rule.id}: unknown reason {rule.reason!r}")
            if rule.desk and _qualified(r.id, rule.desk) not in desks:
                problems.append(f"{r.id}/{rule.id}: unknown desk {rule.desk!r}")
            for t in rule.remedy:
                if t not in texts and f"{r.id}/{t}" not in texts:
                    problems.append(f"{r.id}/{rule.id}: unknown text {t!r}")
            n = len(rules)
            rules.append(msgspec.structs.replace(rule, examples=()))
            owner.append(i)
            for m in rule.match:
                try:
                    add(f"{r.id}/{rule.id}", patterns.expand(m), n)
                except patterns.PatternError as e:
                    problems.append(f"{r.id}/{rule.id}: {e}")
            for ph in rule.phrases:
                add(f"{r.id}/{rule.id}", patterns.of_phrase(ph), n)
    for entry in lists.values():
        if entry.desk and entry.desk not in desks:
            problems.append(f"list {entry.id}: unknown desk {entry.desk!r}")
    for i, r in enumerate(everyone):
        for mark in r.marks:
            try:
                add(f"{r.id} (marks)", patterns.expand(mark), -1 - i)
            except patterns.PatternError as e:
                problems.append(f"{r.id} (marks): {e}")
        for code in r.codes:
            try:
                patterns.check(patterns.expand(code))
            except patterns.PatternError as e:
                problems.append(f"{r.id} (codes): {code!r}: {e}")
    if problems:
        raise KnowledgeError(problems)
    return Compiled(
        format=FORMAT,
        version=digest.hexdigest()[:12],
        receivers=tuple(msgspec.structs.replace(r, rules=(), texts={}, desks={}) for r in everyone),
        rules=tuple(rules),
        owner=tuple(owner),
        patterns=tuple(pats),
        rule_of=tuple(rule_of),
        literals=tuple(literals),
        lists=tuple(lists.values()),
        desks=desks,
        texts=texts,
        reasons=reasons,
        statuses=Statuses(
            schema=SCHEMA, enhanced=tuple(enhanced.values()), reply=tuple(reply.values())
        ),
        cues=tuple(msgspec.structs.replace(c, match=patterns.expand(c.match)) for c in cues),
    )


def shape_of(path: Path) -> type:
    """Which shape a file has, by its name and folder."""
    named = {"reasons.toml": Reasons, "texts.toml": Texts, "identities.toml": Cues}
    if path.name in named:
        return named[path.name]
    if path.name == "status.toml":
        return Statuses
    return Lists if path.parent.name == "lists" else Receiver


def _qualified(owner: str, name: str) -> str:
    return name if "/" in name else f"{owner}/{name}"


def _lift(r: Receiver) -> Receiver:
    """A user's rules stand above the package's of the same kind."""
    return msgspec.structs.replace(
        r, rules=tuple(msgspec.structs.replace(x, rank=x.rank + 30) for x in r.rules)
    )


def _merge(old: Receiver, new: Receiver) -> Receiver:
    """An overlay file over a file of the package: rules by id, the rest added."""
    rules = {x.id: x for x in old.rules} | {x.id: x for x in new.rules}
    return msgspec.structs.replace(
        old,
        name=new.name,
        hosts=old.hosts + new.hosts,
        domains=old.domains + new.domains,
        marks=old.marks + new.marks,
        codes=new.codes + old.codes,
        also=old.also + new.also,
        rules=tuple(rules.values()),
    )


# ── one file ──────────────────────────────────────────────────────────────────────────────────

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Compiled)


def build(data: Path, out: Path) -> None:
    """Compile the folder `data` to the file `out` (called by the packaging)."""
    out.write_bytes(_encoder.encode(compile_files(data)))


def knowledge(overlay: Path | None = None) -> Compiled:
    """The knowledge of this program, with the user's overlay folder where there is one."""
    if overlay is not None and not overlay.is_dir():
        overlay = None
    return _knowledge(overlay)


@functools.lru_cache(maxsize=4)
def _knowledge(overlay: Path | None) -> Compiled:
    if overlay is None and PACKED.exists():
        return _decoder.decode(PACKED.read_bytes())
    roots = [DATA] if overlay is None else [DATA, overlay]
    stamp = hashlib.sha256(f"{FORMAT}".encode())
    for root in roots:
        for path in files(root):
            s = os.stat(path)
            stamp.update(f"{path}\0{s.st_mtime_ns}\0{s.st_size}\n".encode())
    for own in ("schema.py", "load.py", "patterns.py"):
        s = os.stat(Path(__file__).with_name(own))
        stamp.update(f"{s.st_mtime_ns}\0{s.st_size}\n".encode())
    name = f"knowledge-{stamp.hexdigest()[:24]}.msgpack"
    kept = cache.read(name)
    if kept is not None:
        try:
            return _decoder.decode(kept)
        except msgspec.MsgspecError:
            pass
    compiled = compile_files(DATA, roots[1:])
    cache.write(name, _encoder.encode(compiled))
    return compiled
