"""Mail taken by LMTP (RFC 2033) from one's own mail server, into the spool.

Nothing is acknowledged before it is on disk. Messages that come in at once are flushed at once: the
disk is waited for as often as it can write, not once for each.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, AnyStr, Final

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import Envelope, Session

from todoku.serve import spool

MOST: Final = 48 << 20
"""Octets of a message; a larger one is refused for good, with the size (RFC 1870)."""
LONGEST: Final = 1 << 20
"""Octets of a line. Mail has longer ones than the 998 of RFC 5322, and not all servers break them (Exim, Dovecot):
a mail that is refused for it is lost, as nobody is told of a bounce that bounces."""
_TURNED_AWAY: Final = ("500 Line too long", "552 Error: Too much mail data")
AT_ONCE: Final = 500
SWITCH: Final = 0.00003
"""Seconds after which a thread that judges mail lets this one go on. With Python's 5 ms each word of a
client waits for that long, and a dialogue has five."""


class _Writer:
    """Puts what waits into the spool, together."""

    def __init__(self, folder: Path, told: Callable[[], object]) -> None:
        self._folder = folder
        self._told = told
        self._waiting: list[tuple[bytes, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def put(self, message: bytes) -> None:
        """Raises `OSError`."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((message, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        await done

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:AT_ONCE], self._waiting[AT_ONCE:]
            messages = [message for message, _ in batch]
            error: OSError | None = None
            try:
                await asyncio.to_thread(spool.put, self._folder, *messages)
            except OSError as failed:
                error = failed
            for _, done in batch:
                if done.done():  # the client has gone away
                    continue
                if error is None:
                    done.set_result(None)
                else:
                    done.set_exception(error)
            self._told()


class _Dialogue(LMTP):
    line_length_limit = LONGEST

    async def push(self, status: AnyStr) -> None:
        """What the library turns away behind the data has a reply for each recipient as well (RFC 2033,
        section 4.2): with one too few the client waits."""
        await super().push(status)
        if str(status).startswith(_TURNED_AWAY) and self.envelope is not None:
            for _ in self.envelope.rcpt_tos[1:]:
                await super().push(status)


class _Handler:
    """The hooks of aiosmtpd (whose names they have)."""

    def __init__(self, writer: _Writer) -> None:
        self._writer = writer

    async def handle_EHLO(  # noqa: N802
        self, _server: Any, session: Session, _envelope: Envelope, name: str, replies: list[str]
    ) -> list[str]:
        """Commands are read one after the other, however they come (RFC 2033, section 5, wants it)."""
        session.host_name = name
        return [*replies[:-1], "250-PIPELINING", replies[-1]]

    async def handle_DATA(  # noqa: N802
        self, _server: Any, _session: Session, envelope: Envelope
    ) -> str:
        # The envelope says of itself who sent it; to whom it came is where a mark may stand.
        content = envelope.original_content or b""
        head = envelope_fields(envelope.mail_from or "", envelope.rcpt_tos)
        try:
            await self._writer.put(head + content)
        except OSError as error:
            why = (error.strerror or "cannot write").lower()
            reply = f"451 4.3.0 not kept ({why}); send it again later"
        else:
            reply = "250 2.0.0 kept"
        return "\r\n".join([reply] * max(1, len(envelope.rcpt_tos)))  # RFC 2033, section 4.2

    async def handle_exception(self, _error: Exception) -> str:
        return "451 4.3.0 fault of todoku; send it again later"


def envelope_fields(sender: str, recipients: Sequence[str]) -> bytes:
    """The envelope, as a final delivery writes it on top of a mail (RFC 5321, section 4.4)."""
    path = _word(sender.strip("<>"))
    lines = [f"Return-Path: <{path}>", *(f"Delivered-To: {_word(to)}" for to in recipients[:20])]
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace")


def _word(address: str) -> str:
    return "".join(c for c in address if c.isprintable() and c not in "<> ")


class Door:
    """Listens in a thread of its own. `told` is called, in that thread, after mail was put away."""

    def __init__(
        self, host: str, port: int, folder: Path, told: Callable[[], object] = lambda: None
    ) -> None:
        self._where = (host, port)
        self._folder = folder
        self._told = told
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lmtp", daemon=True)
        self._server: asyncio.Server | None = None
        logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd's: it logs each client

    @property
    def port(self) -> int:
        assert self._server is not None  # noqa: S101
        return int(self._server.sockets[0].getsockname()[1])

    def start(self) -> None:
        """Raises `OSError` where it cannot listen, or there is no spool."""
        spool.make(self._folder)
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH))
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        except OSError:
            self._end()
            raise

    async def _listen(self) -> None:
        writer = _Writer(self._folder, self._told)
        host, port = self._where

        def client() -> LMTP:
            return _Dialogue(
                _Handler(writer),
                data_size_limit=MOST,
                enable_SMTPUTF8=True,
                ident="todoku",
                loop=self._loop,
            )

        self._server = await self._loop.create_server(client, host, port, backlog=128)

    def stop(self) -> None:
        """What is being written is finished; who is in the middle of a message sends it again."""
        with contextlib.suppress(RuntimeError):
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(30)
        self._end()

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
        current = asyncio.current_task()
        others = [t for t in asyncio.all_tasks() if t is not current]
        await asyncio.wait(others, timeout=1) if others else None
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
