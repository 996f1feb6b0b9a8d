"""What all providers tell, in one shape: an event about one recipient."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from todoku.model import Action, Kind, Refusal, Remote
from todoku.reading.reply import parse

What = Literal["bounced", "deferred", "dropped", "complained", "delivered", "auto-reply"]
"""`dropped`: the provider itself did not send it (suppressed, rejected, over a limit)."""

Payload = dict[str, Any]

_KINDS: dict[What, tuple[Kind, Action | None]] = {
    "bounced": ("refusal", "failed"),
    "deferred": ("refusal", "delayed"),
    "dropped": ("refusal", "failed"),
    "complained": ("complaint", None),
    "delivered": ("delivered", "delivered"),
    "auto-reply": ("auto-reply", None),
}
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\Z")
_IN_BRACKETS = re.compile(r"^[A-Za-z ]{3,30}\((?P<said>[245]\d\d[ -].*)\)\s*$", re.DOTALL)
_ANGLE = re.compile(r"<([^<>\s]{1,400})>")


def told(
    provider: str,
    what: What,
    recipient: str | None,
    said: str = "",
    *,
    code: object = None,
    status: str | None = None,
    sender: str | None = None,
    host: str | None = None,
    ip: str | None = None,
    reported_by: str | None = None,
    message_id: str | None = None,
    feedback_type: str | None = None,
) -> Refusal:
    """The value for one event. `said` is the receiver's answer, in whatever words the provider
    puts round it; `code` and `status` are what stands beside it in fields of their own."""
    kind, action = _KINDS[what]
    if m := _IN_BRACKETS.match(said):  # `soft bounce (450 4.2.0 ...)`, `sent (250 OK)`
        said = m["said"]
    found = parse(with_code(code, said))
    reply = found.reply
    if reply.code is None and (number := _smtp_code(code)) is not None:
        reply = msgspec.structs.replace(reply, code=number)
    if reply.enhanced is None and status and _STATUS.match(status):
        reply = msgspec.structs.replace(reply, enhanced=status)
    remote = found.remote
    if remote.host is None and remote.ip in {None, ip}:
        remote = Remote(host or None, ip or None)
    return Refusal(
        kind=kind,
        reader=f"webhook/{provider}",
        action=action,
        recipient=recipient or None,
        sender=sender or None,
        reported_by=reported_by or None,
        remote=remote,
        stage=found.stage,
        reply=reply,
        notice=found.notice,
        feedback_type=(feedback_type or "abuse") if kind == "complaint" else None,
        message_id=message_id.strip("<> ") or None if message_id else None,
    )


def with_code(code: object, said: str) -> str:
    """The reply as the receiver sent it, where the provider took its code off (from each line)."""
    number = _smtp_code(code)
    if number is None or re.search(rf"(?<!\d){number}(?!\d)", said[:200]):
        return said
    lines = [line.strip() for line in said.split("\n") if line.strip()] or [""]
    last = len(lines) - 1
    return "\n".join(
        f"{number}{' ' if i == last else '-'}{line}" for i, line in enumerate(lines)
    ).strip()


def _smtp_code(code: object) -> int | None:
    """An SMTP reply code, and no provider's own number (605: suppressed; 499: gave up)."""
    try:
        number = int(str(code))
    except ValueError:
        return None
    return number if 200 <= number < 490 or 500 <= number < 590 else None


def word(of: object, *path: str) -> str:
    """The string under a path of keys, empty where there is none. Payloads are strangers' input:
    any value may be of any type."""
    for key in path:
        if not isinstance(of, dict):
            return ""
        of = of.get(key)
    if isinstance(of, str):
        return of
    return str(of) if isinstance(of, int) and not isinstance(of, bool) else ""


def items(of: object, *path: str) -> list[Any]:
    """The list under a path of keys; a single value counts as a list of one."""
    for key in path:
        if not isinstance(of, dict):
            return []
        of = of.get(key)
    if isinstance(of, list):
        return of[:10_000]
    return [of] if isinstance(of, (str, dict)) else []


def address(value: object) -> str | None:
    """The address in `Name <a@b.example>` or `a@b.example`."""
    if not isinstance(value, str) or "@" not in value:
        return None
    m = _ANGLE.search(value)
    return (m[1] if m else value.strip()) or None
