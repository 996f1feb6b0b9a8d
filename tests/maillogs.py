"""The shared corpus of logs and webhook payloads: where it is, or why a test is skipped."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED = Path(__file__).parents[2] / "shared"
MAILLOGS = SHARED / "corpora" / "maillogs"
SAMPLES = Path(__file__).parents[1] / "samples"

needs_maillogs = pytest.mark.skipif(
    not MAILLOGS.is_dir(), reason="the corpus ../shared/corpora/maillogs is not here"
)
needs_generator = pytest.mark.skipif(
    not (SHARED / "tools" / "gen_maillog.py").is_file(),
    reason="the generator ../shared/tools/gen_maillog.py is not here",
)
