"""Mail that waits in one's own queue: what a person applies works in a real Postfix, and undone it
leaves no trace."""

from __future__ import annotations

import os
import shutil
import smtplib
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from todoku.cases import NotNow, NotThis
from todoku.cases import events as ev
from todoku.cases.case import Case
from todoku.cases.fold import fold
from todoku.cases.holding import Holding, holding, script
from todoku.i18n import LANGUAGES

from .world import START, refused


def a_case(*more: ev.AnyEvent, to: tuple[str, ...] = ("outlook.test", "hotmail.test")) -> Case:
    return fold([refused(START, to=to), *more], Case(number=12))


def test_what_is_to_be_applied() -> None:
    made = holding(a_case(), START)
    assert made.content == ("outlook.test\ttodoku-hold:\nhotmail.test\ttodoku-hold:\n")
    assert made.until == START + timedelta(days=5)
    assert holding(a_case(), START, ["Example.JP"]).domains == ("example.jp",)
    for lang in LANGUAGES:
        text = script(made, lang, START)
        for part in (made.content, *made.apply, *made.undo, *made.slowly, "2026-11-29 00:12"):
            assert part.strip() in text


def test_what_cannot_be_held() -> None:
    with pytest.raises(NotThis, match="knows no domain"):
        holding(a_case(to=()), START)
    # What a stranger wrote as a domain is no line of a map.
    with pytest.raises(NotThis):
        holding(a_case(to=("x.test\tdiscard:\n*",)), START)
    with pytest.raises(NotNow, match="is closed"):
        holding(a_case(ev.Closed(at=START, why="gave-up")), START)


# In a real Postfix


MAIN = """\
compatibility_level = 3.6
config_directory = {root}/etc
queue_directory = {root}/spool
data_directory = {root}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
myhostname = out1.hoge.test
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtp_dns_support_level = disabled
smtp_host_lookup = native
disable_dns_lookups = yes
smtpd_peername_lookup = no
maillog_file = {root}/log/mail.log
maillog_file_prefixes = {root}
default_transport = smtp:[127.0.0.1]:{out}
minimal_backoff_time = 2s
maximal_backoff_time = 2s
queue_run_delay = 2s
"""
MASTER = """\
127.0.0.1:{port} inet n - n - - smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 2 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
flush     unix  n - n 1000? 0 flush
proxymap  unix  - - n - - proxymap
smtp      unix  - - n - - smtp
showq     unix  n - n - - showq
error     unix  - - n - - error
retry     unix  - - n - - error
anvil     unix  - - n - 1 anvil
scache    unix  - - n - 1 scache
postlog   unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """A private instance, and a receiver behind it that takes everything."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port, out = _free(), _free()
        for name in ("etc", "spool", "data", "log"):
            (root / name).mkdir(mode=0o755)
        root.chmod(0o755)
        shutil.chown(root / "data", "postfix")
        (root / "etc/main.cf").write_text(MAIN.format(root=root, out=out))
        (root / "etc/master.cf").write_text(MASTER.format(port=self.port))
        self.receiver = _Receiver(out)
        self.sh(f"postfix -c {root}/etc start")

    @property
    def postconf(self) -> str:
        return f"postconf -c {self.root}/etc"

    def sh(self, command: str) -> str:
        done = subprocess.run(
            ["sh", "-ec", command], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, (command, done.stderr)
        return done.stdout

    def send(self, to: str) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "sato@hoge.test", to, "test"
        mail.set_content("test")
        with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as talk:
            talk.send_message(mail)

    def apply(self, made: Holding) -> None:
        (self.root / "etc" / made.file).write_text(made.content)
        self.sh("\n".join(made.apply))

    def undo(self, made: Holding) -> None:
        self.sh("\n".join(made.undo))

    def close(self) -> None:
        self.sh(f"postfix -c {self.root}/etc stop")
        self.receiver.close()


class _Receiver:
    def __init__(self, port: int) -> None:
        from aiosmtpd.controller import Controller

        self.taken: list[str] = []
        taken = self.taken

        class Handler:
            async def handle_DATA(  # noqa: N802
                self, _server: object, _session: object, envelope: object
            ) -> str:
                taken.extend(getattr(envelope, "rcpt_tos"))  # noqa: B009
                return "250 taken"

        self._controller = Controller(Handler(), hostname="127.0.0.1", port=port)
        self._controller.start()

    def close(self) -> None:
        self._controller.stop()


def _free() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _within(seconds: float, what: object) -> bool:
    end = time.monotonic() + seconds
    assert callable(what)
    while time.monotonic() < end:
        if what():
            return True
        threading.Event().wait(0.1)
    return bool(what())


@pytest.fixture
def postfix() -> Iterator[Postfix]:
    if shutil.which("postfix") is None:
        pytest.skip("Postfix is not installed")
    if os.geteuid() != 0:
        pytest.skip("only root starts Postfix")
    with tempfile.TemporaryDirectory(prefix="tdk-", dir="/tmp") as folder:
        server = Postfix(Path(folder))
        try:
            yield server
        finally:
            server.close()


@pytest.mark.slow
def test_it_waits_and_flows_again_and_postconf_is_as_before(postfix: Postfix) -> None:
    before = postfix.sh(f"{postfix.postconf} -n")
    made = holding(a_case(to=("outlook.test",)), START, postconf=postfix.postconf)
    postfix.apply(made)
    postfix.apply(made)  # a second time changes nothing
    assert postfix.sh(f"{postfix.postconf} -h transport_maps").count(made.file) == 1
    postfix.send("taro@outlook.test")
    postfix.send("hanako@fine.test")
    assert _within(20, lambda: postfix.receiver.taken == ["hanako@fine.test"])
    queue = postfix.sh(f"postqueue -c {postfix.root}/etc -j")
    assert "taro@outlook.test" in queue and "deferred transport" in queue
    postfix.undo(made)
    assert postfix.sh(f"{postfix.postconf} -n") == before
    postfix.sh(f"postqueue -c {postfix.root}/etc -f")
    assert _within(30, lambda: "taro@outlook.test" in postfix.receiver.taken)
    assert "Mail queue is empty" in postfix.sh(f"postqueue -c {postfix.root}/etc -p")


@pytest.mark.slow
def test_afterwards_it_goes_slowly(postfix: Postfix) -> None:
    before = postfix.sh(f"{postfix.postconf} -n; {postfix.postconf} -M")
    made = holding(a_case(to=("outlook.test",)), START, postconf=postfix.postconf)
    postfix.apply(made)
    (postfix.root / "etc" / made.file).write_text(made.slow)
    postfix.sh("\n".join(made.slowly))
    for n in range(3):
        postfix.send(f"u{n}@outlook.test")
    assert _within(20, lambda: len(postfix.receiver.taken) == 1)
    assert not _within(4, lambda: len(postfix.receiver.taken) > 1)
    postfix.undo(made)
    assert postfix.sh(f"{postfix.postconf} -n; {postfix.postconf} -M") == before


@pytest.mark.slow
def test_two_cases_do_not_undo_each_other(postfix: Postfix) -> None:
    before = postfix.sh(f"{postfix.postconf} -n; {postfix.postconf} -M")
    one = holding(a_case(to=("outlook.test",)), START, postconf=postfix.postconf)
    other = fold([refused(START, to=("gmail.test",))], Case(number=13))
    two = holding(other, START, postconf=postfix.postconf)
    postfix.apply(one)
    postfix.apply(two)
    postfix.undo(one)
    postfix.send("taro@gmail.test")
    postfix.send("hanako@outlook.test")
    assert _within(20, lambda: postfix.receiver.taken == ["hanako@outlook.test"])
    postfix.undo(two)
    assert postfix.sh(f"{postfix.postconf} -n; {postfix.postconf} -M") == before


@pytest.mark.slow
def test_maps_that_were_there_stay(postfix: Postfix) -> None:
    other = postfix.root / "etc/transport"
    other.write_text("fine.test\terror:5.1.1 no\n")
    postfix.sh(f"{postfix.postconf} -e 'transport_maps = texthash:{other}'")
    before = postfix.sh(f"{postfix.postconf} -n")
    made = holding(a_case(to=("outlook.test",)), START, postconf=postfix.postconf)
    postfix.apply(made)
    maps = postfix.sh(f"{postfix.postconf} -h transport_maps")
    assert maps.split()[0].endswith(made.file) and maps.split()[1] == f"texthash:{other}"
    postfix.undo(made)
    assert postfix.sh(f"{postfix.postconf} -n") == before
