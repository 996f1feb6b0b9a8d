"""Many knowledge files to one `Compiled` value: merged, references checked, patterns expanded."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import msgspec

from todoku.knowledge import answer_patterns, patterns
from todoku.knowledge.answers import GENERAL, AnswerRules, compiled, merged
from todoku.knowledge.files import files, line_of, read_toml, shape_of
from todoku.knowledge.schema import (
    SCHEMA,
    Compiled,
    Cue,
    Cues,
    Desk,
    KnowledgeError,
    ListEntry,
    Lists,
    Reason,
    Reasons,
    Receiver,
    Resolvers,
    Rule,
    Status,
    Statuses,
    Text,
    Texts,
)

FORMAT = 7
"""Of the compiled file. Raise it when `Compiled` changes."""

OVERLAY_RANK = 30
"""A user's rules stand above the package's of the same kind."""


def compile_files(folder: Path, overlays: Iterable[Path] = ()) -> Compiled:
    """Read, merge and compile all files; raises `KnowledgeError` naming every file at fault."""
    book = _Book()
    problems: list[str] = []
    for layer, root in enumerate((folder, *overlays)):
        for path in files(root):
            try:
                book.add(path, overlay=layer > 0)
            except KnowledgeError as e:
                problems += e.problems
    if problems:
        raise KnowledgeError(problems)
    problems += book.loose_ends()
    table = _Table()
    for i, receiver in enumerate(book.receivers.values()):
        table.add(i, receiver)
    problems += table.problems
    if problems:
        raise KnowledgeError(problems)
    return Compiled(
        format=FORMAT,
        version=book.digest.hexdigest()[:12],
        receivers=tuple(
            msgspec.structs.replace(r, rules=(), texts={}, desks={})
            for r in book.receivers.values()
        ),
        rules=tuple(table.rules),
        owner=tuple(table.owner),
        patterns=tuple(table.patterns),
        digest=hashlib.sha256(
            "\n".join(patterns.loosened(p) for p in table.patterns).encode()
        ).hexdigest()[:24],
        rule_of=tuple(table.rule_of),
        literals=tuple(patterns.literals(p) for p in table.patterns),
        lists=tuple(msgspec.structs.replace(e, ask=None) for e in book.lists.values()),
        asks=msgspec.Raw(
            msgspec.msgpack.encode({e.id: e.ask for e in book.lists.values() if e.ask})
        ),
        resolvers=msgspec.Raw(msgspec.msgpack.encode(book.resolvers)),
        desks=book.desks,
        texts=book.texts,
        reasons=book.reasons,
        statuses=Statuses(
            schema=SCHEMA,
            enhanced=tuple(book.enhanced.values()),
            reply=tuple(book.reply.values()),
        ),
        cues=tuple(msgspec.structs.replace(c, match=patterns.expand(c.match)) for c in book.cues),
        cue_words=tuple(patterns.literals(patterns.expand(c.match)) for c in book.cues),
        answers=msgspec.Raw(
            msgspec.msgpack.encode(tuple(compiled(a) for a in book.answers.values()))
        ),
    )


class _Book:
    """All files merged, by name. An overlay's entries replace or join those of the package."""

    def __init__(self) -> None:
        self.receivers: dict[str, Receiver] = {}
        self.lists: dict[str, ListEntry] = {}
        self._list_at: dict[str, tuple[Path, int]] = {}
        self.desks: dict[str, Desk] = {}
        self.texts: dict[str, Text] = {}
        self.reasons: dict[str, Reason] = {}
        self.cues: list[Cue] = []
        self.resolvers: dict[str, str] = {}
        self.enhanced: dict[str, Status] = {}
        self.reply: dict[str, Status] = {}
        self.answers: dict[str, AnswerRules] = {}
        self.digest = hashlib.sha256()

    def add(self, path: Path, *, overlay: bool) -> None:
        self.digest.update(path.name.encode() + b"\0" + path.read_bytes())
        shape = shape_of(path)
        if shape is Reasons:
            self.reasons |= read_toml(path, Reasons).reasons
        elif shape is Texts:
            self.texts |= read_toml(path, Texts).texts
        elif shape is Cues:
            self.cues[:0] = read_toml(path, Cues).cues
        elif shape is Statuses:
            statuses = read_toml(path, Statuses)
            self.enhanced |= {s.code: s for s in statuses.enhanced}
            self.reply |= {s.code: s for s in statuses.reply}
        elif shape is Resolvers:
            public = read_toml(path, Resolvers).resolvers
            self.resolvers |= {address: r.name for r in public for address in r.addresses}
        elif shape is Lists:
            self._add_lists(path, read_toml(path, Lists))
        elif shape is AnswerRules:
            self._add_answers(path, read_toml(path, AnswerRules), overlay=overlay)
        else:
            self._add_receiver(path, read_toml(path, Receiver), overlay=overlay)

    def _add_lists(self, path: Path, group: Lists) -> None:
        for n, entry in enumerate(group.lists):
            self.lists[entry.id] = _with_owner(entry, group.id)
            self._list_at[entry.id] = path, n
        self._add_own(group.id, group.desks, group.texts)

    def _add_receiver(self, path: Path, receiver: Receiver, *, overlay: bool) -> None:
        if overlay:
            receiver = _lifted(receiver)
        self._add_own(receiver.id, receiver.desks, receiver.texts)
        old = self.receivers.get(receiver.id)
        if old is not None and not overlay:
            raise KnowledgeError([f"{path}: a second file with the id {receiver.id!r}"])
        self.receivers[receiver.id] = receiver if old is None else _merged(old, receiver)

    def _add_answers(self, path: Path, rules: AnswerRules, *, overlay: bool) -> None:
        for problem in answer_patterns.problems(rules):
            raise KnowledgeError([f"{path}: {problem}"])
        old = self.answers.get(rules.desk)
        # The words of any desk may stand in several files, one a language.
        if old is not None and not overlay and rules.desk != GENERAL:
            raise KnowledgeError([f"{path}: a second file of the desk {rules.desk!r}"])
        self.answers[rules.desk] = rules if old is None else merged(old, rules)

    def _add_own(self, owner: str, desks: dict[str, Desk], texts: dict[str, Text]) -> None:
        self.desks |= {f"{owner}/{name}": desk for name, desk in desks.items()}
        self.texts |= {f"{owner}/{name}": text for name, text in texts.items()}

    def loose_ends(self) -> Iterator[str]:
        """References that lead nowhere."""
        for receiver in self.receivers.values():
            for rule in receiver.rules:
                if not rule.disabled:
                    for problem in self._of_rule(receiver.id, rule):
                        yield f"{receiver.id}/{rule.id}: {problem}"
        for entry in self.lists.values():
            for problem in self._of_list(entry):
                path, n = self._list_at[entry.id]
                line = line_of(path.read_text(), "lists", n)
                yield f"{path}:{line}: list {entry.id}: {problem}"

    def _of_list(self, entry: ListEntry) -> Iterator[str]:
        codes = entry.ask.codes if entry.ask else ()
        for desk in (entry.desk, *(c.desk for c in codes)):
            if desk and desk not in self.desks:
                yield f"unknown desk {desk!r}"
        others = (entry.ask.part_of, entry.ask.moved_to) if entry.ask else ()
        for other in (*others, *(c.list for c in codes)):
            if other and other not in self.lists:
                yield f"there is no list {other!r}"

    def _of_rule(self, owner: str, rule: Rule) -> Iterator[str]:
        if rule.reason not in self.reasons:
            yield f"unknown reason {rule.reason!r}"
        if rule.desk and qualified(owner, rule.desk) not in self.desks:
            yield f"unknown desk {rule.desk!r}"
        for text in rule.remedy:
            if text not in self.texts and f"{owner}/{text}" not in self.texts:
                yield f"unknown text {text!r}"


class _Table:
    """Rules and patterns by number, as the engine wants them."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self.owner: list[int] = []
        self.patterns: list[str] = []
        self.rule_of: list[int] = []
        self.problems: list[str] = []

    def add(self, number: int, receiver: Receiver) -> None:
        for rule in receiver.rules:
            if rule.disabled:
                continue
            n = len(self.rules)
            self.rules.append(msgspec.structs.replace(rule, examples=()))
            self.owner.append(number)
            where = f"{receiver.id}/{rule.id}"
            for source in rule.match:
                self._pattern(where, source, patterns.expand, n)
            for phrase in rule.phrases:
                self._pattern(where, phrase, patterns.of_phrase, n)
        for mark in receiver.marks:
            self._pattern(f"{receiver.id} (marks)", mark, patterns.expand, -1 - number)
        for code in receiver.codes:
            self._pattern(f"{receiver.id} (codes)", code, patterns.expand, None)

    def _pattern(
        self, where: str, source: str, expand: Callable[[str], str], target: int | None
    ) -> None:
        """Check a pattern, and take it up under its target where it has one."""
        try:
            expanded = expand(source)
            patterns.check(expanded)
        except patterns.PatternError as e:
            self.problems.append(f"{where}: pattern {source!r}: {e}")
            return
        if target is not None:
            self.patterns.append(expanded)
            self.rule_of.append(target)


def qualified(owner: str, name: str) -> str:
    """`desk` of a file as `owner/desk`; a name that has an owner stays."""
    return name if "/" in name else f"{owner}/{name}"


def _with_owner(entry: ListEntry, owner: str) -> ListEntry:
    """Its desks, and those of its codes, by their full names."""
    desk = qualified(owner, entry.desk) if entry.desk else None
    ask = entry.ask
    if ask is not None:
        codes = tuple(
            msgspec.structs.replace(c, desk=qualified(owner, c.desk)) if c.desk else c
            for c in ask.codes
        )
        ask = msgspec.structs.replace(ask, codes=codes)
    return msgspec.structs.replace(entry, desk=desk, ask=ask)


def _lifted(r: Receiver) -> Receiver:
    return msgspec.structs.replace(
        r, rules=tuple(msgspec.structs.replace(x, rank=x.rank + OVERLAY_RANK) for x in r.rules)
    )


def _merged(old: Receiver, new: Receiver) -> Receiver:
    """An overlay file over a file of the package: rules by id, the rest added."""
    rules = {x.id: x for x in old.rules} | {x.id: x for x in new.rules}
    return msgspec.structs.replace(
        old,
        name=new.name,
        hosts=old.hosts + new.hosts,
        domains=old.domains + new.domains,
        called=old.called | new.called,
        marks=old.marks + new.marks,
        codes=new.codes + old.codes,
        also=old.also + new.also,
        rules=tuple(rules.values()),
    )
