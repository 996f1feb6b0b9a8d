"""Validates how desks answer: sources, desks that the knowledge knows, and that every rule decides its
own examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from todoku.cases import answers
from todoku.knowledge.answers import GENERAL, AnswerExample, AnswerRule, AnswerRules
from todoku.knowledge.files import files, line_of, read_toml, shape_of
from todoku.knowledge.load import answers_of
from todoku.knowledge.schema import Compiled


def problems(folders: Iterable[Path], knowledge: Compiled) -> list[str]:
    """Everything that is wrong with the files of `answers` in these folders."""
    rules = answers_of(knowledge)
    known = {r.id for r in knowledge.receivers} | {entry.id for entry in knowledge.lists}
    out: list[str] = []
    for folder in folders:
        for path in files(folder):
            if shape_of(path) is AnswerRules:
                found = read_toml(path, AnswerRules)
                out += [f"{path}: {p}" for p in _of_file(found, known)]
                text = path.read_text()
                for n, rule in enumerate(found.rules):
                    where = f"{path}:{line_of(text, 'rules', n)}: rule {found.desk}/{rule.id}"
                    out += [f"{where}: {p}" for p in _of_rule(found, rule, rules)]
    return out


def _of_file(found: AnswerRules, known: set[str]) -> Iterator[str]:
    if found.desk not in {GENERAL, *known} and found.name is None:
        yield f"the knowledge has no receiver or list {found.desk!r}; give the desk a `name`"
    for other in found.covers:
        if other not in known:
            yield f"`covers`: there is no receiver or list {other!r}"
    if found.desk == GENERAL and (found.signers or found.addresses):
        yield "the words of any desk have no `signers` and no `addresses`"
    ids = [rule.id for rule in found.rules]
    for name in sorted({name for name in ids if ids.count(name) > 1}):
        yield f"the id {name!r} stands twice"


def _of_rule(found: AnswerRules, rule: AnswerRule, rules: Sequence[AnswerRules]) -> Iterator[str]:
    if rule.disabled:
        return
    if not (rule.match or rule.heading or rule.subject or rule.all):
        yield "it has neither `match` nor `heading` nor `subject` nor `all`, and can never match"
        return
    for name in rule.all:
        if name not in found.cues:
            yield f"`all`: the file has no cue {name!r}"
            return
    if not rule.source and not found.source:
        yield "no `source` (a page, or where the fact was read)"
    if not found.origin or not found.licence:
        yield "no `origin` or `licence` of its facts at the head of the file"
    if not rule.examples:
        yield "no example"
    for example in rule.examples:
        for problem in _of_example(example, found, rule, rules):
            yield f"{problem} in the example {example.text[:90]!r}"


def _of_example(
    example: AnswerExample, found: AnswerRules, rule: AnswerRule, rules: Sequence[AnswerRules]
) -> Iterator[str]:
    # Without a subject of its own it answers one of ours.
    read = answers.read(example.subject or "Re: blocked", example.text, rules)
    if read.class_ != rule.class_:
        yield f"the class is {read.class_!r} ({read.rule}: {read.words!r}), not {rule.class_!r},"
    elif rule.class_ != "unclear" and read.rule != f"{found.desk}/{rule.id}":
        yield f"{read.rule} decides, not this rule,"
    told = {verdict.identity.value: verdict.class_ for verdict in read.verdicts}
    if example.verdicts and told != example.verdicts:
        yield f"the verdicts are {told},"
