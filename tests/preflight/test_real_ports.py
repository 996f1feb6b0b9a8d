"""The real command on the real ports (25, 80, 443), by the machine's own trust: in a network of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.preflight.pki import needed

ROOT = Path(__file__).parents[2]


def _may() -> bool:
    if not (shutil.which("unshare") and shutil.which("ip")):
        return False
    words = ["unshare", "-n", "-r", "ip", "link", "set", "lo", "up"]
    return subprocess.run(words, capture_output=True, timeout=10, check=False).returncode == 0


@pytest.mark.slow
@needed
def test_from_the_new_host_on_the_real_ports(tmp_path: Path) -> None:
    if not _may():
        pytest.skip("no network of one's own (unshare, ip)")
    done = subprocess.run(
        ["unshare", "-n", "-r", sys.executable, "-m", "tests.preflight.real_ports", str(tmp_path)],
        cwd=ROOT, capture_output=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    report = json.loads(done.stdout)
    found = {f"{c['id']} {c['about']}": f"{c['state']} {c['finding']}" for c in report["checks"]}
    expected = {
        "mta-sts ours.jp": "ok ok",
        "dane ours.jp": "unknown insecure",  # it matches; the name server there knows no DNSSEC
        "contact-page ours.jp": "ok ok",
        "mailboxes ours.jp": "ok accepted",
        "port-25 203.0.114.9": "ok ok",
        "starttls 203.0.114.9": "ok ok",
        "probe outlook.com": "bad blocked",
        "probe yahoo.com": "unknown open",
        "receiver microsoft-consumer": "bad refused",
        "receiver t-online": "ok taken",
    }
    assert {name: found.get(name) for name in expected} == expected
    assert report["verdict"] == "no-go"
    assert "S3150" in report["letter"]
