"""International domains (RFC 5890) as the person wrote them. What is copied into the DNS, a command or a
mail address of a record keeps its ASCII form."""

from __future__ import annotations

import re
from typing import Final

from todoku.preflight.values import Subject

_PART: Final = "A-Za-z0-9_-"
_RECORD: Final = re.compile(r"mailto:[^\s,;]*@\Z", re.I)


class Names:
    def __init__(self, subject: Subject) -> None:
        self._written = subject.written
        names = "|".join(re.escape(n) for n in sorted(self._written, key=len, reverse=True))
        # Neither a longer name, as _dmarc.xn--..., nor a part of a record or URL.
        self._found = (
            re.compile(rf"(?<![.:=/{_PART}])(?:{names})(?!\.?[{_PART}])") if names else None
        )

    def prose(self, text: str) -> str:
        """As it was written."""
        return self._put(text, "{written}")

    def both(self, text: str) -> str:
        """As it was written, and as the DNS has it."""
        return self._put(text, "{written} ({name})")

    def _put(self, text: str, form: str) -> str:
        if self._found is None:
            return text

        def put(m: re.Match[str]) -> str:
            if _RECORD.search(text, 0, m.start()):
                return m[0]
            return form.format(written=self._written[m[0]], name=m[0])

        return self._found.sub(put, text)
