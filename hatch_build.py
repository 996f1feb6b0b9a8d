"""Build hook: the knowledge goes into the wheel as one file that loads in milliseconds."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

TARGET = "todoku/knowledge/knowledge.msgpack"


class KnowledgeHook(BuildHookInterface):  # type: ignore[type-arg]
    """Compiles `src/todoku/knowledge` for a wheel; an editable install compiles on first use."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        source = Path(self.root) / "src"
        sys.path.insert(0, os.fspath(source))
        try:
            from todoku.knowledge import files, load
        finally:
            sys.path.remove(os.fspath(source))
        self._folder = tempfile.TemporaryDirectory(prefix="todoku-build-")
        out = Path(self._folder.name) / "knowledge.msgpack"
        load.build(files.DATA, out)
        build_data["force_include"][os.fspath(out)] = TARGET

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            self._folder.cleanup()
