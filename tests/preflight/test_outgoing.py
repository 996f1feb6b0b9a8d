"""What the new host meets: small SMTP servers on loopback, each with its own manners."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from tests.lists.servers import free_port
from tests.preflight.table import Table
from todoku.i18n import LANGUAGES
from todoku.preflight.checks import outgoing
from todoku.preflight.outgoing import Met, Way, is_here, meet, meet_all, source_of

HERE = "127.0.0.9"
GREETS = (b"220 mx.test ESMTP", b"250-mx.test\r\n250 STARTTLS")
PLAIN = (b"220 mx.test ESMTP", b"250 mx.test")
BLOCKS = (b"554 5.7.1 mx.test: 127.0.0.9 is on our list", b"")
LATER = (b"421 4.7.0 mx.test too busy", b"")
AT_EHLO = (b"220 mx.test", b"550 5.7.1 go away")
SILENT = (b"", b"")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, host: str, port: int, manners: tuple[bytes, bytes]) -> None:
        self.manners = manners
        self.said: list[bytes] = []
        self.peers: list[str] = []
        super().__init__((host, port), Talk)


class Talk(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        self.server.peers.append(self.client_address[0])
        greeting, ehlo = self.server.manners
        if not greeting:
            return
        self.wfile.write(greeting + b"\r\n")
        while line := self.rfile.readline():
            self.server.said.append(line.strip())
            if line.upper().startswith((b"EHLO", b"HELO")):
                self.wfile.write((ehlo or b"503 no") + b"\r\n")
            elif line.upper().startswith(b"QUIT"):
                self.wfile.write(b"221 bye\r\n")
                return
            else:
                self.wfile.write(b"502 no\r\n")


@contextmanager
def serving(manners: Mapping[str, tuple[bytes, bytes]]) -> Iterator[tuple[int, list[Server]]]:
    """Servers on 127.0.0.x, all on one port, as on port 25."""
    port = free_port()
    servers = [Server(host, port, told) for host, told in manners.items()]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield port, servers
    finally:
        for server in servers:
            server.shutdown()
            server.server_close()


def table(*hosts: str) -> Table:
    """`big.test` with these servers, the best first."""
    records: dict[tuple[str, str], list[str] | None] = {
        ("big.test", "MX"): [f"{n} mx{n}.big.test" for n in range(len(hosts))]
    }
    records |= {(f"mx{n}.big.test", "A"): [host] for n, host in enumerate(hosts)}
    return Table(records)


def met(manners: tuple[bytes, bytes]) -> tuple[Met, Server]:
    with serving({"127.0.0.21": manners}) as (port, (server,)):
        found = meet(table("127.0.0.21"), "big", "big.test", HERE, "new.test", port=port, wait=3)
        return found, server


@pytest.mark.parametrize(
    ("manners", "open_", "refused", "starttls", "says"),
    [
        (GREETS, True, False, True, ""),
        (PLAIN, True, False, False, ""),
        (BLOCKS, True, True, None, "554 5.7.1 mx.test: 127.0.0.9 is on our list"),
        (LATER, True, False, None, "421 4.7.0 mx.test too busy"),
        (AT_EHLO, True, True, None, "550 5.7.1 go away"),
        (SILENT, True, False, None, ""),
    ],
)
def test_manners(
    manners: tuple[bytes, bytes], open_: bool, refused: bool, starttls: bool | None, says: str
) -> None:
    found, server = met(manners)
    assert (found.open, found.refused, found.starttls, found.reply) == (
        open_, refused, starttls, says,
    )  # fmt: skip
    assert server.peers == [HERE]
    assert {line.split()[0].upper() for line in server.said} <= {b"EHLO", b"QUIT"}, (
        "no mail is begun"
    )


def test_the_next_server_where_the_best_is_down() -> None:
    with serving({"127.0.0.22": GREETS}) as (port, _):
        names = table("127.0.0.21", "127.0.0.22")
        found = meet(names, "big", "big.test", HERE, "new.test", port=port, wait=3)
    assert (found.host, found.open) == ("mx1.big.test", True)


def test_nobody_listens() -> None:
    port = free_port()
    found = meet(table("127.0.0.21"), "big", "big.test", HERE, "new.test", port=port, wait=3)
    assert found.open is False
    assert "refused" in found.why


def test_servers_that_are_not_known() -> None:
    silent = Table({("big.test", "MX"): None})
    assert meet(silent, "big", "big.test", HERE, "new.test").open is None


def test_all_side_by_side() -> None:
    with serving({"127.0.0.21": GREETS, "127.0.0.22": BLOCKS}) as (port, _):
        names = table("127.0.0.21")
        names.records |= {
            ("other.test", "MX"): ["1 mx.other.test"],
            ("mx.other.test", "A"): ["127.0.0.22"],
        }
        found = meet_all(
            names, {"big": "big.test", "other": "other.test"}, Way(HERE, port), "new.test", wait=3
        )
    assert [(m.receiver, m.refused) for m in found] == [("big", False), ("other", True)]
    assert meet_all(names, {"big": "big.test"}, Way(None), "new.test") == []


def test_whose_address_it_is() -> None:
    assert is_here(HERE)
    assert not is_here("203.0.114.9")
    assert source_of("203.0.114.9", {}) is None
    assert source_of("203.0.114.9", {"127.0.0.7": "203.0.114.9"}) == "127.0.0.7"


OPEN = Met("a", "mx.a", open=True, starttls=True)
ROWS = [
    ((OPEN, Met("b", "mx.b", open=False, why="timed out")), "ok ok", "ok ok"),
    ((OPEN._replace(starttls=False),), "ok ok", "warning stripped"),
    ((OPEN, Met("b", open=True, refused=True, reply="554 no")), "bad refused", "ok ok"),
    ((Met("a", open=False), Met("b", open=False)), "bad closed", "unknown not-met"),
    ((Met("a", open=True, why="connection closed"),), "bad closed", "unknown not-met"),
    ((OPEN, Met("b", open=True, reply="421 4.7.0 busy")), "ok ok", "ok ok"),
    ((Met("a"), Met("b")), "unknown unresolved", "unknown not-met"),
    ((Met("a"), Met("b", open=False)), "bad closed", "unknown not-met"),
    ((), "unknown unresolved", "unknown not-met"),
]


@pytest.mark.parametrize("row", ROWS, ids=range(len(ROWS)))
def test_what_is_made_of_it(row: tuple[tuple[Met, ...], str, str]) -> None:
    found, port, tls = row
    for lang in LANGUAGES:
        checks = outgoing.judge("203.0.114.9", found, lang)
        assert [f"{c.state} {c.finding}" for c in checks] == [port, tls]


def test_another_machine() -> None:
    assert {c.cause for c in outgoing.not_here("203.0.114.9", "en")} == {"not-asked"}
