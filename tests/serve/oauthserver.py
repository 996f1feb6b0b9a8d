"""An authorization server of OAuth 2 on loopback: device codes (RFC 8628), refresh of tokens, and what
Dovecot asks of a token. Its answers are what a test puts into `answers`, one after the other."""

from __future__ import annotations

import http.server
import json
import threading
from typing import Any, Final, Self
from urllib.parse import parse_qs

CODE: Final = {
    "device_code": "dev-1",
    "user_code": "ABCD-EFGH",
    "verification_uri": "https://login.test/device",
    "expires_in": 900,
    "interval": 1,
}


class Talk(http.server.BaseHTTPRequestHandler):
    server: Listener

    def do_POST(self) -> None:
        the = self.server.the
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        asked = {key: values[0] for key, values in form.items()}
        the.asked.append((self.path, asked))
        status, told = the.answers.pop(0) if the.answers else (500, {})
        self.answer(status, told)

    def do_GET(self) -> None:
        """Introspection: `Authorization: Bearer TOKEN`."""
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        user = self.server.the.tokens.get(token)
        self.answer(200, {"username": user or "", "active": "true" if user else "false"})

    def answer(self, status: int, told: Any) -> None:
        text = told if isinstance(told, bytes) else json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:9/elsewhere")
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True
    the: Server


class Server:
    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = []
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.tokens: dict[str, str] = {}
        """Whose they are."""
        self._listener = Listener(("127.0.0.1", 0), Talk)
        self._listener.the = self
        self._thread = threading.Thread(
            target=self._listener.serve_forever, args=(0.02,), daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.server_address[1]}"

    def rules(self) -> str:
        """A file of `sign-in/`."""
        return (
            f'schema = 1\nid = "test"\nname = "Test"\ndevice = "{self.url}/{{tenant}}/device"\n'
            f'token = "{self.url}/{{tenant}}/token"\nscope = "imap offline_access"\n'
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown()
        self._listener.server_close()
        self._thread.join()


def tokens(access: str, refresh: str | None = None, lives: float = 3600) -> tuple[int, Any]:
    told = {"access_token": access, "token_type": "Bearer", "expires_in": lives}
    return 200, told if refresh is None else {**told, "refresh_token": refresh}


def error(name: str, description: str = "") -> tuple[int, Any]:
    return 400, {"error": name, "error_description": description}
