"""The HTML report in a real browser: nothing wider than a telephone, Japanese letters in print."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.preflight.test_screen import moving, report
from tests.preflight.world import knowledge, serving
from todoku.cli.render.preflight_html import page
from todoku.i18n import Language
from todoku.knowledge.schema import Compiled

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
NARROW = 360

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="chromium is not installed"),
]

FRAME = """<!doctype html><meta charset="utf-8"><title>waiting</title>
<iframe style="width:{width}px;height:60000px;border:0" srcdoc="{text}"></iframe>
<script>
onload = () => {{
  const d = document.querySelector("iframe").contentDocument.documentElement;
  document.title = `${{d.scrollWidth}}/${{d.clientWidth}}/${{d.querySelectorAll("section").length}}`;
}};
</script>
"""


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Compiled:
    return knowledge(tmp_path_factory.mktemp("knowledge"))


def chromium(folder: Path, *words: str) -> str:
    """Without network: no name resolves."""
    assert BROWSER is not None
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}",
        "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=2000", *words,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, timeout=90, check=True)
    return done.stdout.decode("utf-8", "replace")


def text(known: Compiled, lang: Language) -> str:
    with serving(moving()) as server:
        return page(report(server, known, lang), lang)


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_nothing_is_wider_than_a_telephone(lang: Language, known: Compiled, tmp_path: Path) -> None:
    path = tmp_path / "frame.html"

    def widths(shown: str) -> list[int]:
        path.write_text(FRAME.format(width=NARROW, text=html.escape(shown)), "utf-8")
        title = re.search(
            r"<title>(\d+)/(\d+)/(\d+)</title>", chromium(tmp_path, "--dump-dom", path.as_uri())
        )
        assert title is not None
        return [int(n) for n in title.groups()]

    shown = text(known, lang)
    whole, seen, sections = widths(shown)
    assert (whole, seen) == (NARROW, NARROW)
    assert sections == shown.count("<section")
    # The measure notices what is too wide.
    wide = shown.replace("</body>", '<p style="width:900px">x</p></body>')
    assert widths(wide)[0] > NARROW


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_it_prints(lang: Language, known: Compiled, tmp_path: Path) -> None:
    path, printed = tmp_path / "report.html", tmp_path / "report.pdf"
    path.write_text(text(known, lang), "utf-8")
    chromium(tmp_path, f"--print-to-pdf={printed}", "--no-pdf-header-footer", path.as_uri())
    pdf = printed.read_bytes()
    assert pdf.startswith(b"%PDF")
    fonts = set(re.findall(rb"/FontName\s*/(?:[A-Z]{6}\+)?([\w-]+)", pdf))
    assert fonts
    if lang == "ja":
        assert any(b"CJK" in font for font in fonts), fonts
