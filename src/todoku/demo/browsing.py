"""Pages that the administrator opens in his browser: the desk's form, and links in its mails."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from datetime import datetime
from typing import Final

_OPENS: Final = re.compile(r'<time datetime="([^"]+)">')


class NoHelp(Exception):
    """The desk's form did not take a request."""


class TooEarly(Exception):
    """It takes none yet."""

    def __init__(self, opens: datetime) -> None:
        super().__init__(opens)
        self.opens = opens


def open_page(url: str, data: bytes | None = None) -> None:
    # Whatever proxy the machine has: this goes to loopback.
    browser = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        browser.open(url, data, timeout=30).close()
    except urllib.error.HTTPError as error:
        found = _OPENS.search(error.read(10_000).decode("utf-8", "replace"))
        if error.code == 409 and found:
            raise TooEarly(datetime.fromisoformat(found[1])) from error
        raise NoHelp(f"{url}: {error}") from error
    except OSError as error:
        raise NoHelp(f"{url}: {error}") from error
