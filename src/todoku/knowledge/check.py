"""Validates the knowledge: shape, patterns, sources, that every rule wins its own examples, and that
lists can be asked as they say (`check_lists`).

`problems` gives sentences that name file, line and rule at fault; an empty list is a clean bill.
"""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import UNSET

from todoku.diagnosis import Diagnoser
from todoku.knowledge import check_answers, check_lists, match
from todoku.knowledge.compiling import compile_files
from todoku.knowledge.files import DATA, files, line_of, read_toml, shape_of
from todoku.knowledge.names import NameTable
from todoku.knowledge.schema import Example, KnowledgeError, Receiver, Rule
from todoku.model import Diagnosis, Refusal, Remote
from todoku.reading.reply import parse


def problems(folder: Path, overlays: Iterable[Path] = ()) -> list[str]:
    """Everything that is wrong with the knowledge in a folder and its overlays."""
    overlays = tuple(overlays)
    try:
        knowledge = compile_files(folder, overlays)
    except KnowledgeError as e:
        return e.problems
    diagnose = Diagnoser(knowledge, scan=match.load(knowledge) or match.pure(knowledge))
    out = check_lists.problems((folder, *overlays))
    out += check_answers.problems((folder, *overlays), knowledge)
    for path, receiver, text in _receivers((folder, *overlays)):
        out += [f"{path}: receiver {receiver.id}: {p}" for p in _of_names(receiver)]
        seen: set[str] = set()
        for n, rule in enumerate(receiver.rules):
            where = f"{path}:{line_of(text, 'rules', n)}: rule {receiver.id}/{rule.id}"
            for name in (rule.id, *rule.aliases):
                if name in seen:
                    out.append(f"{where}: the id {name!r} stands twice")
                seen.add(name)
            if rule.disabled:
                continue
            out += [f"{where}: {p}" for p in _of_rule(receiver, rule, diagnose)]
    return out


def _receivers(folders: Iterable[Path]) -> Iterator[tuple[Path, Receiver, str]]:
    for folder in folders:
        for path in files(folder):
            if shape_of(path) is Receiver:
                yield path, read_toml(path, Receiver), path.read_text()


def _of_names(receiver: Receiver) -> Iterator[str]:
    domains = NameTable((domain, 0) for domain in receiver.domains)
    for name, domain in receiver.called.items():
        if name != unicodedata.normalize("NFKC", name).lower() or len(name) < 3:
            yield f"`called` {name!r} must be in lower case, of usual width, and three letters or more"
        if domains.find(domain) is None:
            yield f"`called` {name!r} means {domain}, which is none of its `domains`"


def _of_rule(receiver: Receiver, rule: Rule, diagnose: Diagnoser) -> Iterator[str]:
    if not rule.match and not rule.phrases:
        yield "it has neither `match` nor `phrases`, and can never match"
        return
    if not rule.source and not receiver.source:
        yield "no `source` (a page, or where the fact was read)"
    if not (rule.origin or receiver.origin):
        yield "no `origin` of its facts, here or at the head of the file"
    if not (rule.licence or receiver.licence):
        yield "no `licence` of its facts, here or at the head of the file"
    if not rule.examples:
        yield "no example"
    if rule.precedes_block:
        yield from _of_warning(receiver, rule, diagnose)
    won_by: set[str] = set()
    full = f"{receiver.id}/{rule.id}"
    for example in rule.examples:
        d = diagnose(refusal_of(example))
        if d.rule is None:
            yield f"its example is not matched: {example.text!r}"
        elif d.rule != full:
            won_by.add(d.rule)
        else:
            for p in _differences(example, d, rule):
                yield f"{p} in the example {example.text[:90]!r}"
    for other in sorted(won_by):
        yield f"an example of it is won by {other}"
    if won_by and len(won_by) >= len(rule.examples):
        yield "it is shadowed: it wins none of its examples"


def _of_warning(receiver: Receiver, rule: Rule, diagnose: Diagnoser) -> Iterator[str]:
    """A rule that warns of a block must be a deferral, and somebody must have said so, and when."""
    if not rule.source:
        yield "`precedes_block` without a `source` of its own"
    if not (rule.date or receiver.date):
        yield "`precedes_block` without a `date`"
    if not any(diagnose(refusal_of(e)).temporary for e in rule.examples):
        yield "`precedes_block`, and none of its examples is a deferral"


def refusal_of(example: Example) -> Refusal:
    """An example as a reader would hand it over."""
    got = parse(example.text)
    return Refusal(
        reader="example",
        recipient=example.recipient,
        remote=Remote(example.host or got.remote.host, got.remote.ip),
        stage=example.stage or got.stage,
        reply=got.reply,
        notice=got.notice,
    )


def _differences(example: Example, d: Diagnosis, rule: Rule) -> Iterator[str]:
    gives = example.gives
    got = {
        "receiver": d.receiver,
        "gateway": d.gateway,
        "receiver_code": d.receiver_code,
        "blocked": tuple(b.value for b in d.blocked),
        "blocklist": d.blocklist.id if d.blocklist else None,
        "temporary": d.temporary,
        "who_acts": d.who_acts,
    }
    for field, value in got.items():
        wanted = getattr(gives, field)
        if wanted is not UNSET and wanted != value:
            yield f"{field} is {value!r}, not {wanted!r},"
    if d.reason != rule.reason:
        yield f"reason is {d.reason!r}, not {rule.reason!r},"


def main() -> int:
    """`python -m todoku.knowledge.check [FOLDER...]`: prints the problems, exit 1 if any."""
    found = problems(DATA, [Path(a) for a in sys.argv[1:]])
    summary = f"{len(found)} problems" if found else "the knowledge is clean"
    sys.stdout.write("\n".join([*found, summary, ""]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
