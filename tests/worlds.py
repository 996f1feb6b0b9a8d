"""Small knowledge of one's own for tests: its files, beside the package's reasons and steps."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from todoku.knowledge import compiling, files
from todoku.knowledge.schema import Compiled


def compiled(folder: Path, contents: Mapping[str, str]) -> Compiled:
    """Write the files (`receivers/x.toml`: text) into an empty folder and compile them."""
    for name in ("reasons.toml", "texts.toml", "identities.toml"):
        shutil.copy(files.DATA / name, folder / name)
    for name, text in contents.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return compiling.compile_files(folder)
