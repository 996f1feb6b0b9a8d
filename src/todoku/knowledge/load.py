"""The compiled knowledge, to and from one file.

`build` is what the packaging calls; `knowledge` is what the program calls. An installed package
carries the compiled file. A checkout, or a user's overlay folder, is compiled when it changed and
kept in the user's cache, which is read only if it is the user's own.
"""

from __future__ import annotations

import functools
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from todoku.knowledge import cache
from todoku.knowledge.schema import Ask, Compiled, ListEntry

if TYPE_CHECKING:
    from todoku.knowledge.answers import AnswerRules

PACKED = Path(__file__).with_name("knowledge.msgpack")

_COMPILER = (
    "desks.py", "list_schema.py", "schema.py", "answers.py", "answer_patterns.py", "compiling.py", "patterns.py",
)  # fmt: skip

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Compiled)
_asks = msgspec.msgpack.Decoder(dict[str, Ask])
_resolvers = msgspec.msgpack.Decoder(dict[str, str])


def build(data: Path, out: Path) -> None:
    """Compile the folder `data` to the file `out` (called by the packaging)."""
    from todoku.knowledge.compiling import compile_files

    out.write_bytes(_encoder.encode(compile_files(data)))


def unpack(packed: bytes) -> Compiled:
    """What `build` wrote; raises `msgspec.MsgspecError` for anything else."""
    return _decoder.decode(packed)


def lists_of(knowledge: Compiled) -> tuple[ListEntry, ...]:
    """All lists, with how they are asked."""
    asks = _asks.decode(knowledge.asks)
    return tuple(msgspec.structs.replace(e, ask=asks.get(e.id)) for e in knowledge.lists)


def public_resolvers(knowledge: Compiled) -> dict[str, str]:
    """Address or network (CIDR) of each public resolver, and whose it is."""
    return _resolvers.decode(knowledge.resolvers)


def answers_of(knowledge: Compiled) -> tuple[AnswerRules, ...]:
    """How each desk answers; the words of any desk are those of `general`."""
    from todoku.knowledge.answers import AnswerRules

    return msgspec.msgpack.decode(knowledge.answers, type=tuple[AnswerRules, ...])


def knowledge(overlay: Path | None = None) -> Compiled:
    """The knowledge of this program, with the user's overlay folder where there is one."""
    if overlay is not None and not overlay.is_dir():
        overlay = None
    return _knowledge(overlay)


@functools.lru_cache(maxsize=4)
def _knowledge(overlay: Path | None) -> Compiled:
    if overlay is None and PACKED.exists():
        return unpack(PACKED.read_bytes())
    from todoku.knowledge.files import DATA, files

    roots = [DATA] if overlay is None else [DATA, overlay]
    states = [_state(path) for root in roots for path in files(root)]
    states += [_state(Path(__file__).with_name(own)) for own in _COMPILER]
    name = f"knowledge-{zlib.crc32(''.join(states).encode()):08x}-{len(states)}.msgpack"
    kept = cache.read(name)
    if kept is not None:
        try:
            found = unpack(kept)
        except msgspec.MsgspecError:
            pass
        else:
            cache.used(name)
            return found
    from todoku.knowledge.compiling import compile_files

    compiled = compile_files(DATA, roots[1:])
    cache.write(name, _encoder.encode(compiled))
    return compiled


def _state(path: Path) -> str:
    """What changes when a file does."""
    s = path.stat()
    return f"{path}\0{s.st_mtime_ns}\0{s.st_size}\n"
