"""Evidence as JSON lines, to be put together with that of other hosts. No name of a person is in it.

{"v": 1, "kind": "partners"}
{"kind": "origin", "id": "...", "seq": 12, "first": 1.7e9, "last": 1.8e9}
{"kind": "mail", "domain": "partner.example", "gate": "mimecast", "source": "", "week": 2968, ...}
{"kind": "use", ...}  {"kind": "proof", ...}           what follows an origin is its own
{"kind": "end", "lines": 4711}
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Final, NamedTuple

import msgspec

from todoku.errors import TodokuError
from todoku.i18n import Words
from todoku.model import VERSION, Stage
from todoku.partners.gates import well_made
from todoku.partners.sentence import MOST
from todoku.partners.values import Evidence, Mail, MailKey, Proof, Use, UseKey, later
from todoku.settings.own import normal_ip

AT_ONCE: Final = 20_000
"""Rows that are taken in together."""
LONGEST_LINE: Final = 10_000

WORDS: Final[Words] = {
    "not-ours": {
        "ja": "{source} は todoku partners export の出力ではありません。何も取り込んでいません。",
        "en": "{source} is no output of todoku partners export. Nothing was taken in.",
    },
    "newer": {
        "ja": "{source} は、より新しい todoku の出力です（版 {found}）。何も取り込んでいません。新しい todoku を使ってください。",
        "en": "{source} was written by a newer todoku (version {found}). Nothing was taken in. Use the newer "
        "todoku.",
    },
    "bad-line": {
        "ja": "{source} の {n} 行目が読めません（{why}）。何も取り込んでいません。もう一度書き出してください。",
        "en": "line {n} of {source} cannot be read ({why}). Nothing was taken in. Export it again.",
    },
    "cut": {
        "ja": "{source} は途中で切れています。何も取り込んでいません。もう一度書き出してください。",
        "en": "{source} is cut off. Nothing was taken in. Export it again.",
    },
}

Name = Annotated[str, msgspec.Meta(max_length=253)]
Count = Annotated[int, msgspec.Meta(ge=0, le=1 << 53)]
Weeks = Annotated[int, msgspec.Meta(ge=0, le=100_000)]
Time = Annotated[float, msgspec.Meta(ge=0, le=1e11)]


class NotImported(TodokuError):
    """What was to be taken in is damaged or something else."""

    exit_code = 65


class _Head(msgspec.Struct, tag_field="kind", tag="partners"):
    v: int


class _Origin(msgspec.Struct, tag_field="kind", tag="origin"):
    id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
    seq: Count
    first: Time | None = None
    last: Time | None = None


class _Mail(msgspec.Struct, tag_field="kind", tag="mail"):
    domain: Name
    gate: Name
    source: Annotated[str, msgspec.Meta(max_length=45)]
    week: Weeks
    mails: Count
    refused: Count


class _Use(msgspec.Struct, tag_field="kind", tag="use"):
    domain: Name
    list: Name
    week: Weeks
    named: Count
    within: Count
    accepted: Count


class _Proof(msgspec.Struct, tag_field="kind", tag="proof"):
    domain: Name
    list: Name
    first: Time
    last: Time
    words: Annotated[str, msgspec.Meta(min_length=1, max_length=MOST)]
    stage: Stage | None = None
    code: Annotated[str, msgspec.Meta(max_length=40)] | None = None
    rule: Name | None = None


class _End(msgspec.Struct, tag_field="kind", tag="end"):
    lines: Count


_Line = _Head | _Origin | _Mail | _Use | _Proof | _End
_KINDS: Final = {"origin": _Origin, "mail": _Mail, "use": _Use, "proof": _Proof}


def lines(rows: Iterable[tuple[object, ...]]) -> Iterator[bytes]:
    """`rows`: as `Kept.rows` gives them."""
    encode = msgspec.json.Encoder().encode
    yield encode(_Head(VERSION)) + b"\n"
    n = 2
    for kind, *told in rows:
        yield encode(_KINDS[str(kind)](*told)) + b"\n"
        n += 1
    yield encode(_End(n)) + b"\n"


class Copy(NamedTuple):
    """One origin's copy; its pieces are to be gone through before the next copy is asked for."""

    id: str
    seq: int
    pieces: Iterator[Evidence]


def copies(raw: Iterable[bytes], source: str) -> Iterator[Copy]:
    """What was exported, read from lines as they come. `source` names them. Raises `NotImported`."""
    told = _read(raw, source)
    head = next(told, None)
    if not isinstance(head, _Head):
        raise NotImported(WORDS["not-ours"], source=source)
    if head.v != VERSION:
        raise NotImported(WORDS["newer"], source=source, found=head.v)
    line: _Line | None = next(told, None)
    while isinstance(line, _Origin):
        left: list[_Line | None] = []
        yield Copy(line.id, line.seq, _pieces(line, told, left))
        line = left[0] if left else None
    if not isinstance(line, _End):
        raise NotImported(WORDS["cut"], source=source)


def _pieces(origin: _Origin, told: Iterator[_Line], left: list[_Line | None]) -> Iterator[Evidence]:
    """The rows of an origin, some at once; `left` gets the line behind them."""
    piece = Evidence(first=origin.first, last=origin.last)
    for line in told:
        match line:
            case _Mail():
                key = MailKey(line.domain, line.gate, line.source, line.week)
                piece.mail[key] = Mail(line.mails, line.refused)
            case _Use():
                use = Use(line.named, line.within, line.accepted)
                piece.uses[UseKey(line.domain, line.list, line.week)] = use
            case _Proof():
                proof = Proof(line.first, line.last, line.words, line.stage, line.code, line.rule)
                mine = piece.proofs.get((line.domain, line.list), proof)
                piece.proofs[line.domain, line.list] = later(mine, proof)
            case _:
                left.append(line)
                break
        if piece.cells >= AT_ONCE:
            yield piece
            piece = Evidence()
    yield piece


def _read(raw: Iterable[bytes], source: str) -> Iterator[_Line]:
    decode = msgspec.json.Decoder(_Line).decode
    for n, data in enumerate(raw, 1):
        try:
            if len(data) > LONGEST_LINE:
                raise msgspec.ValidationError("it is too long")
            line = decode(data)
            if isinstance(line, _Mail | _Use | _Proof) and not well_made(line.domain):
                raise msgspec.ValidationError("its domain is none")
            if isinstance(line, _Mail) and line.source and normal_ip(line.source) is None:
                raise msgspec.ValidationError("its source is no address")
        except msgspec.MsgspecError as error:
            if n == 1:
                raise NotImported(WORDS["not-ours"], source=source) from error
            raise NotImported(WORDS["bad-line"], source=source, n=n, why=str(error)) from error
        except UnicodeDecodeError as error:
            raise NotImported(WORDS["not-ours"], source=source) from error
        if isinstance(line, _End) and line.lines != n:
            raise NotImported(WORDS["cut"], source=source)
        yield line
