"""International domains: shown as they were written, and as the DNS has them where they are copied."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.preflight.test_screen import screen
from tests.preflight.world import HOST, NEW, OLD, good, key_record, knowledge, serving, world
from todoku import settings
from todoku.cli import preflight_request as request
from todoku.cli.render.preflight_html import page
from todoku.cli.render.preflight_names import Names
from todoku.i18n import LANGUAGES, Language
from todoku.knowledge.schema import Compiled
from todoku.lab.zones import mx, txt
from todoku.preflight.report import made
from todoku.preflight.running import Run
from todoku.preflight.values import Report, Subject

A, U = "xn--wgv71a.jp", "日本.jp"


def subject(tmp_path: Path) -> Subject:
    found = settings.load(None, tmp_path)
    return request.subject_of(found, NEW, OLD, (U, "second.jp"), f"mail.{U}", ("s1",), "en")


def test_as_it_was_written(tmp_path: Path) -> None:
    s = subject(tmp_path)
    assert s.domains == (A, "second.jp")
    assert s.helo == f"mail.{A}"
    assert s.written == {A: U, f"mail.{A}": f"mail.{U}"}
    more = request.also_written(s, ("例え.jp", "b.jp"), "en")
    assert more.written == s.written | {"xn--r8jz45g.jp": "例え.jp"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"the MX of {A}, mended", f"the MX of {U}, mended"),
        (f"{A}の MX。{A}", f"{U}の MX。{U}"),
        (f"abuse@{A} and {A}.", f"abuse@{U} and {U}."),
        (f"at mail.{A}: {A}", f"at mail.{U}: {U}"),
        # What is copied.
        (f"p=none at _dmarc.{A}", f"p=none at _dmarc.{A}"),
        (f"v=spf1 include:{A} redirect={A}", f"v=spf1 include:{A} redirect={A}"),
        (f"rua=mailto:d@{A}, mailto:e+f@{A}", f"rua=mailto:d@{A}, mailto:e+f@{A}"),
        (f"https://{A}/", f"https://{A}/"),
        (f"x{A} {A}.example {A}-b", f"x{A} {A}.example {A}-b"),
    ],
)
def test_in_a_sentence(text: str, shown: str, tmp_path: Path) -> None:
    assert Names(subject(tmp_path)).prose(text) == shown
    assert Names(Subject(ip=NEW)).prose(text) == text


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return knowledge(tmp_path_factory.mktemp("knowledge"))


def report(known: Compiled, tmp_path: Path, lang: Language) -> Report:
    zones = good()
    zones.add(A, mx(10, HOST), txt(f"v=spf1 ip4:{OLD} -all"))
    zones.add(f"s1._domainkey.{A}", txt(key_record(512)))
    with serving(zones) as server:
        run = Run(subject(tmp_path), world(server, known), lang)
        list(run)
        return made(run, 1.8e9)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_on_the_screen_and_the_page(lang: Language, known: Compiled, tmp_path: Path) -> None:
    told = report(known, tmp_path, lang)
    for text in (screen(told, lang, columns=200), page(told, lang)):
        assert U in text
        assert f"{U} ({A})" in text
        # The record that is to be changed has its name in the DNS.
        step = next(
            line
            for line in text.splitlines()
            if f"ip4:{NEW}" in line and "SPF" in line and A in line
        )
        assert f"{U} ({A})" in step
    spf = next(c for c in told.checks if c.id == "spf")
    assert spf.about == A  # for programs
