"""What `todoku diagnose --json FOLDER` would be if flufl.bounce did the reading: `flufl_command.py FOLDER`.

Reads each mail of a folder and prints one JSON object with the addresses that it finds.
"""

from __future__ import annotations

import email
import json
import sys
from pathlib import Path

from flufl.bounce import all_failures


def main() -> None:
    for path in sorted(Path(sys.argv[1]).rglob("*.eml")):
        temporary, permanent = all_failures(email.message_from_bytes(path.read_bytes()))
        found = {
            "source": path.name,
            "temporary": sorted(a.decode("utf-8", "replace") for a in temporary),
            "permanent": sorted(a.decode("utf-8", "replace") for a in permanent),
        }
        sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
