"""A network of its own, without a way out: `todoku preflight` on the new host meets servers on their real
ports. Run as `unshare -n -r python -m tests.preflight.real_ports FOLDER`; prints what the command prints.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.preflight import incoming
from tests.preflight.incoming import HERE, page
from tests.preflight.pki import Authority
from tests.preflight.test_from_host import BLOCKED, NUMBER, zones
from tests.preflight.world import HOST, NEW, serving, write_lists
from todoku.lab.zones import a, txt
from todoku.preflight import tlsa

POLICY = b"version: STSv1\nmode: enforce\nmx: in.ours.jp\nmax_age: 604800\n"


def main(folder: Path) -> int:
    for words in (
        ["ip", "link", "set", "lo", "up"],
        ["ip", "addr", "add", f"{NEW}/32", "dev", "lo"],
    ):
        subprocess.run(words, check=True, timeout=10)
    authority = Authority(folder)
    context = authority.certified("ours.jp", "www.ours.jp", "mta-sts.ours.jp", "in.ours.jp")
    known = zones()
    known.add("_mta-sts.ours.jp", txt("v=STSv1; id=1"))
    known.add("mta-sts.ours.jp", a(HERE))
    digest = hashlib.sha256(tlsa.public_key(authority.der("ours.jp"))).digest()
    known.add("_25._tcp.in.ours.jp", (52, bytes([3, 1, 1]) + digest))
    sites = {
        "ours.jp/": page(b'<a href="/impressum">Impressum</a>', "text/html"),
        "mta-sts.ours.jp/.well-known/mta-sts.txt": page(POLICY),
    }
    with ExitStack() as stack:
        resolver = stack.enter_context(serving(known))
        stack.enter_context(incoming.mail({}, context, [], HERE, 25))
        stack.enter_context(incoming.web(sites, context, [], 443))
        stack.enter_context(incoming.web({}, None, [], 80))
        for domain, number in NUMBER.items():
            replies = {"MAIL": BLOCKED} if domain == "outlook.com" else {}
            stack.enter_context(incoming.mail(replies, context, [], f"127.0.0.{number}", 25))
        command = [
            sys.executable, "-m", "todoku", "preflight", "--data", str(folder / "data"), "--json",
            "--ip", NEW, "--domain", "ours.jp", "--helo", HOST, "--selector", "s1",
            "--resolver", str(resolver), "--list", "pf-abuse", "--from-host", "--fetch", "--probe",
            "--sender", "postmaster@ours.jp",
        ]  # fmt: skip
        environment = {
            **os.environ,
            "SSL_CERT_FILE": str(authority.certificate),
            "XDG_CONFIG_HOME": str(folder / "config"),
            "TODOKU_KNOWLEDGE_OVERLAY": str(write_lists(folder / "knowledge")),
        }
        return subprocess.run(command, env=environment, timeout=60, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
