"""Events as JSON: what the store keeps and `--json` prints, whatever version wrote it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final, TypeVar, get_args

import msgspec

from todoku.cases import WORDS, BrokenEvent, NewerEvent, UnknownEvent
from todoku.cases.events import AnyEvent, Event

KINDS: Final[Mapping[str, type[AnyEvent]]] = {
    str(kind.__struct_config__.tag): kind for kind in get_args(AnyEvent)
}

UPCASTS: Final[dict[tuple[str, int], Callable[[dict[str, Any]], dict[str, Any]]]] = {}
"""For each event and version that is no longer written: what makes it one version newer, of the
JSON object as it was stored."""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """An event in its place."""

    case: int
    seq: int
    """From 1, without gaps."""
    event: AnyEvent


def encode(event: Event) -> str:
    """For the store: JSON, one line. What is no Unicode (half a surrogate pair) becomes U+FFFD."""
    try:
        return msgspec.json.encode(event).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_whole(msgspec.to_builtins(event))).decode()


Kind = TypeVar("Kind", bound=Event)


def as_stored(event: Kind) -> Kind:
    """The event as it will be read back: `encode` may have had to change it."""
    return msgspec.json.decode(encode(event), type=type(event))


def decode(text: str | bytes, where: str = "") -> AnyEvent:
    """Of the store's JSON, whatever version wrote it. `where` names it in errors.

    Raises `UnknownEvent`, `NewerEvent`, `BrokenEvent`."""
    try:
        head = msgspec.json.decode(text, type=_Head)
        kind = KINDS.get(head.event)
        if kind is None:
            raise UnknownEvent(WORDS["unknown-event"], where=where, event=head.event)
        newest = version(kind)
        if head.v > newest:
            words = {"where": where, "event": head.event, "found": head.v, "known": newest}
            raise NewerEvent(WORDS["newer-event"], **words)
        if head.v == newest:
            return msgspec.json.decode(text, type=kind)
        raw: dict[str, Any] = msgspec.json.decode(text, type=dict)
        for older in range(head.v, newest):
            upcast = UPCASTS.get((head.event, older))
            if upcast is None:
                why = f"{head.event} has no version {older}"
                raise BrokenEvent(WORDS["broken-event"], where=where, why=why)
            raw = upcast(raw) | {"v": older + 1}
        return msgspec.convert(raw, kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, LookupError, TypeError) as error:
        raise BrokenEvent(WORDS["broken-event"], where=where, why=str(error)) from error


@cache
def version(kind: type[Event]) -> int:
    """The version of an event's shape that is written today."""
    return next(int(f.default) for f in msgspec.structs.fields(kind) if f.name == "v")


def to_json(recorded: Recorded) -> bytes:
    """As `--json` prints it: the event with its case and number, one line."""
    told: dict[str, Any] = _whole(msgspec.to_builtins(recorded.event))
    first = {"v": told.pop("v"), "case": recorded.case, "seq": recorded.seq}
    return msgspec.json.encode(first | {"event": told.pop("event"), "at": told.pop("at")} | told)


class _Head(msgspec.Struct):
    event: str
    v: int


def _whole(value: Any) -> Any:
    """With every string as what UTF-8 can hold."""
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case dict():
            return {key: _whole(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_whole(inner) for inner in value]
        case _:
            return value
