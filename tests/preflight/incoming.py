"""Small servers of a domain on loopback: of the web, and of its mail. Each has its own manners."""

from __future__ import annotations

import contextlib
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

HERE = "127.0.0.31"

Manner = Callable[[socketserver.StreamRequestHandler], None]


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, _request: Any, _address: Any) -> None:
        """Whoever hangs up is no fault."""


@contextmanager
def _serving(
    handler: type[socketserver.StreamRequestHandler], host: str = HERE, port: int = 0
) -> Iterator[int]:
    with _Server((host, port), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


# ── the web ───────────────────────────────────────────────────────────────────────────────────

Answers = Mapping[str, "bytes | Callable[[Any], None]"]
"""By host and path: `ours.jp/`. What is not there is a 404."""


def page(body: bytes, kind: str = "text/plain", status: str = "200 OK", **more: str) -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    head += "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in more.items())
    return head.encode() + b"\r\n" + body


@contextmanager
def web(
    answers: Answers, context: ssl.SSLContext | None, heard: list[str], port: int = 0
) -> Iterator[int]:
    class Handler(socketserver.StreamRequestHandler):
        def setup(self) -> None:
            if context is not None:
                self.request = context.wrap_socket(self.request, server_side=True)
            super().setup()

        def handle(self) -> None:
            lines = []
            while (line := self.rfile.readline().strip()) != b"":
                lines.append(line.decode())
            path = lines[0].split()[1]
            host = next(line[6:] for line in lines if line.lower().startswith("host: "))
            heard.append(f"{host}{path}")
            answer = answers.get(f"{host}{path}", page(b"", status="404 Not Found"))
            with contextlib.suppress(OSError):
                if callable(answer):
                    answer(self.wfile)
                else:
                    self.wfile.write(answer)

        def finish(self) -> None:
            with contextlib.suppress(OSError):
                super().finish()
            self.request.close()

    with _serving(Handler, HERE, port) as bound:
        yield bound


# ── mail ──────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def mail(
    replies: Mapping[str, str],
    context: ssl.SSLContext | None,
    heard: list[str],
    host: str = HERE,
    port: int = 0,
) -> Iterator[int]:
    """`replies`: by the begin of a line (`RCPT TO:<abuse@`), else by its verb; `220`: the greeting.
    With a context STARTTLS is offered."""

    class Handler(socketserver.StreamRequestHandler):
        def say(self, reply: str) -> None:
            self.wfile.write(f"{reply}\r\n".encode())

        def handle(self) -> None:
            with contextlib.suppress(OSError):
                self.say(replies.get("220", "220 mx ESMTP"))
                self._talk()

        def _talk(self) -> None:
            while line := self.rfile.readline().decode().strip():
                heard.append(line)
                verb = line.partition(" ")[0].upper()
                said = next(
                    (r for k, r in replies.items() if line.upper().startswith(k.upper())), None
                )
                if said is not None:
                    self.say(said)
                elif verb == "EHLO":
                    self.say("250-mx\r\n250 STARTTLS" if context is not None else "250 mx")
                elif verb == "STARTTLS" and context is not None:
                    self.say("220 go")
                    self.request = context.wrap_socket(self.request, server_side=True)
                    self.setup()
                else:
                    self.say("221 bye" if verb == "QUIT" else "250 2.0.0 ok")
                if verb == "QUIT":
                    return

        def finish(self) -> None:
            with contextlib.suppress(OSError):
                super().finish()
            self.request.close()

    with _serving(Handler, host, port) as bound:
        yield bound
