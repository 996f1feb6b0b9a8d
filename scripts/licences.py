"""The licences of what todoku uses: its dependencies and the facts of its knowledge.

    licences.py           print the report
    licences.py --write   write it to NOTICE (`make notice`)
    licences.py --check   exit 1 if NOTICE says something else

A dependency without a licence in its metadata, or with one that is not on the list below, is an
error: someone has to look.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
NOTICE: Final = ROOT / "NOTICE"
KNOWLEDGE: Final = ROOT / "src" / "todoku" / "knowledge" / "data"

GOOD: Final = frozenset(
    {
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "ISC",
        "LGPL-3.0-only",
        "MIT",
        "MPL-2.0",
        "PSF-2.0",
    }
)
CLASSIFIERS: Final = {"MIT License": "MIT", "Apache Software License": "Apache-2.0"}
"""For metadata of before PEP 639."""

READ: Final = {"dkimpy": "Zlib"}
"""Looked at by hand, where the metadata name none: dkimpy says "BSD-like", its LICENSE is zlib's."""

INSIDE: Final = {
    "hyperscan": "its wheels hold Hyperscan or Vectorscan (BSD-3-Clause)",
    "publicsuffixlist": "its wheels hold the Public Suffix List (MPL-2.0)",
    "psycopg-binary": "its wheels hold libpq (PostgreSQL License) and OpenSSL (Apache-2.0)",
}
"""What a wheel brings besides, from the project's own documentation."""

HEAD: Final = """\
todoku
Copyright the todoku authors

Licensed under the Apache License, Version 2.0 (see LICENSE).

This file is written by scripts/licences.py (`make notice`).
"""

CREDITS: Final = """\
KNOWLEDGE

The rules hold facts and fixed phrases of servers, which are quoted as facts; descriptions and
remedies are todoku's own words. Each rule names its origin. The names of providers and products
belong to their owners; none of them endorses this collection. With thanks to

  Sisimai, Copyright (C) 2014-2026 azumakuniyuki and the Sisimai development team, BSD 2-Clause
  smtp-field-manual, Copyright (c) 2022 ActiveCampaign, MIT
  Microsoft's and Google's documentation, CC BY 4.0

Taken from sources whose licence asks for credit:
"""


class Wrong(Exception):
    """A licence that someone has to look at."""


def locked(lock: str) -> set[str]:
    """The packages of a lock, but those that only Windows installs."""
    lines = (ROOT / "requirements" / f"{lock}.txt").read_text().splitlines()
    rows = [re.match(r"([a-z0-9-]+)==\S+(.*)", line) for line in lines]
    return {
        row[1]
        for row in rows
        if row and not re.fullmatch(r" ; (os_name == 'nt' or )?sys_platform == 'win32' \\", row[2])
    }


def licence(package: str) -> str:
    if package in READ:
        return READ[package]
    told = metadata.metadata(package)
    for field in ("License-Expression", "License"):
        if field in told and told[field] in GOOD:
            return str(told[field])
    for classifier in told.get_all("Classifier") or ():
        name = classifier.rpartition(" :: ")[2]
        if classifier.startswith("License ::") and name in CLASSIFIERS:
            return CLASSIFIERS[name]
    raise Wrong(
        f"{package}: its licence is not one of {', '.join(sorted(GOOD))}. Look at it, and add it "
        "to scripts/licences.py or leave the package."
    )


def dependencies() -> Iterator[str]:
    runtime = locked("runtime")
    yield "Always installed"
    yield from (row(package) for package in sorted(runtime))
    yield ""
    yield "Installed with todoku[server]"
    yield from (row(package) for package in sorted(locked("server") - runtime))


def row(package: str) -> str:
    inside = INSIDE.get(package)
    return f"  {package}: {licence(package)}" + (f"; {inside}" if inside else "")


def facts() -> Iterator[str]:
    """Licences that ask for something, and below each where those facts come from. What is under
    none ("facts") changes with every rule, and stands with it."""
    origins: defaultdict[str, set[str]] = defaultdict(set)
    for path in sorted(KNOWLEDGE.rglob("*.toml")):
        collect(tomllib.loads(path.read_text(encoding="utf-8")), origins)
    for name, found in sorted(origins.items()):
        if asks := [part for part in map(str.strip, name.split(";")) if part != "facts"]:
            yield "; ".join(asks)
            yield from (f"  {origin}" for origin in sorted(found))


def collect(
    table: dict[str, Any], origins: defaultdict[str, set[str]], origin: str = "todoku"
) -> None:
    """A rule without an origin of its own has that of its file."""
    origin = table.get("origin") or origin
    if isinstance(table.get("licence"), str) and table["licence"]:
        origins[table["licence"]].add(origin)
    for value in table.values():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                collect(item, origins, origin)


def report() -> str:
    lines = [HEAD, "DEPENDENCIES, each under its own licence", ""]
    lines += dependencies()
    lines += ["", CREDITS]
    lines += facts()
    return "\n".join(lines) + "\n"


def main(words: list[str]) -> int:
    try:
        text = report()
    except (Wrong, metadata.PackageNotFoundError) as error:
        print(f"licences: {error}", file=sys.stderr)
        return 1
    if words == ["--write"]:
        NOTICE.write_text(text, encoding="utf-8")
    elif words == ["--check"]:
        if not NOTICE.exists() or NOTICE.read_text(encoding="utf-8") != text:
            print("licences: NOTICE is not current. Write it anew: make notice", file=sys.stderr)
            return 1
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
