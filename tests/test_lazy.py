"""Expressions compiled at first use: each of them can be compiled, and works as any other."""

from __future__ import annotations

import importlib
import pkgutil
import re
from typing import Any

import pytest

import todoku
from todoku.lazy import _Lazy, expression


def test_all_of_them_compile() -> None:
    found = 0
    for module in pkgutil.walk_packages(todoku.__path__, "todoku."):
        extras = ("todoku.store", "todoku.deliveries.", "todoku.cli.logs_follow")
        if module.name.startswith(extras) or module.name.endswith("__main__"):
            continue
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, _Lazy):
                lazy: Any = value
                assert isinstance(lazy.pattern, str | bytes)
                found += 1
    assert found > 20


def test_it_is_a_pattern() -> None:
    digits = expression(r"(?P<n>\d+)", re.ASCII)
    assert digits.pattern == r"(?P<n>\d+)"
    assert [m["n"] for m in digits.finditer("1 a 23")] == ["1", "23"]
    assert digits.sub("x", "a1") == "ax"
    assert digits.groupindex == {"n": 1}


def test_a_bad_one_is_found_at_its_first_use() -> None:
    bad = expression("(")
    with pytest.raises(re.error):
        bad.search("")
