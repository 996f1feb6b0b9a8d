"""todoku: from "my mail is refused" to "it arrives again, and the people know it".

    import todoku
    from pathlib import Path

    for d in todoku.diagnose(Path("bounces/")):
        print(d.receiver, d.reason, [b.value for b in d.blocked], d.removal)

The names below are the public ones. They are loaded when first used, so that `import todoku` costs
nothing; everything else may change from one release to the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from todoku.api import UnreadableError, UnreadableWarning, diagnose
    from todoku.errors import TodokuError
    from todoku.model import (
        Blocklist,
        Diagnosis,
        Entry,
        Evidence,
        Finding,
        Identity,
        Refusal,
        Remote,
        Removal,
        Reply,
        Sisimai,
        Subject,
    )

__all__ = [
    "Blocklist",
    "Diagnosis",
    "Entry",
    "Evidence",
    "Finding",
    "Identity",
    "Refusal",
    "Remote",
    "Removal",
    "Reply",
    "Sisimai",
    "Subject",
    "TodokuError",
    "UnreadableError",
    "UnreadableWarning",
    "__version__",
    "diagnose",
]

_HOMES = {
    "diagnose": "todoku.api",
    "UnreadableError": "todoku.api",
    "UnreadableWarning": "todoku.api",
    "TodokuError": "todoku.errors",
}


def __getattr__(name: str) -> object:
    if name.startswith("_") or name not in __all__:
        msg = f"module 'todoku' has no attribute {name!r}"
        raise AttributeError(msg)
    import importlib

    found: object = getattr(importlib.import_module(_HOMES.get(name, "todoku.model")), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
