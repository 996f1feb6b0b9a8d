"""For all tests."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """A shell that runs the tests in the background has SIGINT ignored in them, and in all that they
    start: programs that are to be interrupted would not notice.

    Compiled knowledge is kept from run to run, beside what pytest keeps, and never in the user's own
    folder: without, each `todoku` in a new home would read every file of the knowledge anew.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):  # workers inherit it
        folder = config.rootpath / ".pytest_cache/d/todoku"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)  # it is not read where others may write
        except OSError:  # the tree is another's: for this run alone
            folder = Path(tempfile.mkdtemp(prefix="todoku-tests-"))
            config.add_cleanup(functools.partial(shutil.rmtree, folder, ignore_errors=True))
        os.environ["TODOKU_CACHE"] = str(folder)
