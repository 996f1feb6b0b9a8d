"""What all reports as HTML share: one file without a script or an outside resource, fit to be printed.

Whatever a report shows may be a stranger's text: made safe as for a terminal, then escaped.
"""

from __future__ import annotations

import html
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from todoku.cli.render.text import safe
from todoku.i18n import Language

POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
CSS: Final = """\
:root{--ink:#1b1f24;--dim:#57606a;--line:#d0d7de;--page:#fff;--bad:#b3261e;--warning:#8a5a00;--ok:#1a6b3c;
--unknown:#4a5568;--badbg:#fdecea;--warningbg:#fff4dc;--okbg:#e7f5ec;--unknownbg:#eef1f4}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem 1rem 3rem;max-width:60rem;color:var(--ink);background:var(--page);
font:16px/1.6 system-ui,"Noto Sans CJK JP","Noto Sans JP","Hiragino Sans","Yu Gothic",sans-serif;
overflow-wrap:anywhere}
h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1.15rem;margin:2rem 0 .5rem;padding-bottom:.2rem;
border-bottom:2px solid var(--line)}h3{font-size:1em;margin:0}
p{margin:.4rem 0}.dim{color:var(--dim);font-size:.875rem}
.verdict{margin:1rem 0;padding:.8rem 1rem;border-left:6px solid;border-radius:4px;font-weight:600}
.verdict ul{margin:.5rem 0 0;padding-left:1.2rem;font-weight:400}
.bad{color:var(--bad)}.warning{color:var(--warning)}.ok{color:var(--ok)}.unknown{color:var(--unknown)}
.verdict.bad{background:var(--badbg);border-color:var(--bad)}
.verdict.warning{background:var(--warningbg);border-color:var(--warning)}
.verdict.ok{background:var(--okbg);border-color:var(--ok)}
.verdict.unknown{background:var(--unknownbg);border-color:var(--unknown)}
.verdict li{color:var(--ink)}
dl{display:grid;grid-template-columns:minmax(6rem,max-content) 1fr;gap:.15rem 1rem;margin:.5rem 0}
dt{color:var(--dim)}dd{margin:0}
.check{padding:.6rem 0;border-bottom:1px solid var(--line);break-inside:avoid}
.check>h3{display:flex;align-items:baseline}.check>h3>.state{flex:0 0 6.5rem;font-weight:600}
.check ul{margin:.3rem 0;padding-left:1.2rem}.check dl{font-size:.875rem}
.good{display:flex;flex-wrap:wrap;align-items:baseline;gap:0 1rem;padding:.35rem 0}
.good>h3{flex:0 1 22rem}.good>p{flex:1 1 16rem;margin:0}.good>.more{flex:1 1 100%}
details{font-size:.875rem}summary{cursor:pointer;color:var(--dim)}
code,pre{font:.85rem/1.5 ui-monospace,"Noto Sans Mono CJK JP",monospace}
pre{white-space:pre-wrap;border:1px solid var(--line);border-radius:4px;padding:1rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;vertical-align:top;padding:.35rem .5rem;
border-bottom:1px solid var(--line)}
svg{max-width:100%;height:auto;display:block;margin:.5rem 0}
svg .clear{fill:#e3e8ee}svg .bad{fill:#b3261e}svg .policy{fill:#d79b00}svg .unknown{fill:#fff;stroke:#8894a0}
svg .day{fill:#3b6ea5}svg .warning{fill:#d79b00}svg .ok{fill:#2c8a53}svg rect.unknown.bar{fill:#8894a0;stroke:none}
ol{padding-left:1.4rem}
@media (max-width:34rem){dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:.4rem}
.compared thead{display:none}.compared td,.compared th{display:block;border:0;padding:.1rem 0}
.compared tr{display:block;border-bottom:1px solid var(--line);padding:.4rem 0}}
@page{margin:15mm}
@media print{body{max-width:none;padding:0;font-size:10.5pt}
.verdict,svg,.check .state{print-color-adjust:exact;-webkit-print-color-adjust:exact}
h2,h3{break-after:avoid}details:not([open]){display:none}pre{break-inside:avoid}}
"""
END: Final = "</body>\n</html>"


def e(text: object) -> str:
    return html.escape(safe(str(text)))


def head(title: str, lang: Language, more: str = "") -> Iterator[str]:
    """As far as the heading. `title`: escaped; `more`: style of its own."""
    yield f'<!doctype html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">'
    yield f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield f"<title>{title}</title>\n<style>\n{CSS}{more}</style>\n</head>\n<body>\n<h1>{title}</h1>"


def write(path: Path, page: str) -> None:
    """Whole or not at all: a page half written is worse than none. Raises `OSError`."""
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        new.write_bytes(page.encode("utf-8", "replace"))
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)
