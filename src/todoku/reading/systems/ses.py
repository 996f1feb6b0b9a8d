"""Amazon SES notifications that SNS sends by mail: the JSON of a webhook as the body of a mail.

Old relays broke its long lines with `!` and a fold; the JSON is whole again without them. What it
says is the business of the reader of webhooks.
"""

from __future__ import annotations

from json import JSONDecoder, dumps

from todoku.model import Refusal
from todoku.reading.notice import Hint


def read(text: str, _hint: Hint) -> list[Refusal] | None:
    start = text.find("{")
    if start < 0:
        return None
    body = text[start:].replace("!\n ", "")
    try:
        event, _ = JSONDecoder(strict=False).raw_decode(body)
    except (ValueError, RecursionError):
        return None
    from todoku.reading import webhooks

    data = dumps(event).encode()
    return webhooks.read(data) if webhooks.looks(data) else None
