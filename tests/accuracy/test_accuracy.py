"""No figure of docs/accuracy.md may fall, and every target is reached."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "accuracy.py"


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("accuracy", SCRIPT)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["accuracy"] = module
    spec.loader.exec_module(module)
    return module


accuracy = _script()


def test_nothing_fell() -> None:
    shared = accuracy.corpora()
    if shared is None:
        pytest.skip("the corpora (../shared/corpora) are not on this machine")
    figures = accuracy.measure(shared)
    assert set(accuracy.TARGETS) <= set(figures), "every target is measured"
    assert accuracy.kept(), "docs/accuracy.md keeps the figures"
    assert accuracy.fallen(figures, accuracy.kept()) == []


def test_a_fall_is_seen() -> None:
    figure = accuracy.Figure
    before = {"mail: reason": figure(99, 100), "other": figure(5, 10)}
    assert accuracy.fallen({"mail: reason": figure(99, 100), "other": figure(6, 10)}, before) == []
    (low,) = accuracy.fallen({"other": figure(4, 10)}, before)
    assert "fell from 5/10 to 4/10" in low
    assert len(accuracy.fallen({"mail: reason": figure(98, 100)}, before)) == 2
