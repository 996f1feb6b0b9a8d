"""Certificates for a day, by an authority of one's own (openssl)."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

needed = pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl")


class Authority:
    def __init__(self, folder: Path, name: str = "authority") -> None:
        self._folder = folder
        self._key, self.certificate = folder / f"{name}.key", folder / f"{name}.pem"
        self._made("-keyout", self._key, "-out", self.certificate, "-subj", f"/CN={name}")

    def _made(self, *words: str | Path) -> None:
        subprocess.run(
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                "-nodes", "-days", "2", *words,
            ],
            check=True, capture_output=True, timeout=30,
        )  # fmt: skip

    def certified(self, *hosts: str) -> ssl.SSLContext:
        """What a server of these names shows: its certificate, and the authority's behind it."""
        key, own, chain = (self._folder / f"{hosts[0]}.{end}" for end in ("key", "pem", "chain"))
        names = ",".join(f"DNS:{host}" for host in hosts)
        self._made(
            "-CA", self.certificate, "-CAkey", self._key, "-keyout", key, "-out", own,
            "-subj", f"/CN={hosts[0]}", "-addext", f"subjectAltName={names}",
            "-addext", "basicConstraints=critical,CA:FALSE",
        )  # fmt: skip
        chain.write_bytes(own.read_bytes() + self.certificate.read_bytes())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(chain, key)
        return context

    def der(self, host: str | None = None) -> bytes:
        """Of a host that was certified; `None`: its own."""
        path = self.certificate if host is None else self._folder / f"{host}.pem"
        return ssl.PEM_cert_to_DER_cert(path.read_text())

    @property
    def trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.certificate))
