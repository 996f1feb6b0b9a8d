"""For all tests."""

from __future__ import annotations

import signal


def pytest_configure() -> None:
    """A shell that runs the tests in the background has SIGINT ignored in them, and in all that they
    start: programs that are to be interrupted would not notice."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
