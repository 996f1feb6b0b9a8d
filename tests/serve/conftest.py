"""What is asserted outside of test modules tells its values too."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("tests.serve.life", "tests.store.consistency")
