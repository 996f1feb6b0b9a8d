"""`todoku init`: what it finds, what it writes, and what it leaves alone."""

from __future__ import annotations

import errno
import json
import os
import pty
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from click.testing import CliRunner, Result

from todoku import settings
from todoku.cli import init as init_module
from todoku.cli import main
from todoku.i18n import LANGUAGES
from todoku.settings import SETTINGS, Own, discover, edit, template
from todoku.settings.discover import Found

SCHEMA = Path(__file__).parent.parent / "docs" / "reference" / "init.schema.json"

POSTCONF = {
    "myhostname": "mail.example.jp",
    "mydomain": "example.jp",
    "mydestination": "$myhostname, localhost.$mydomain, localhost, ${mydomain}, hash:/etc/x/dest",
    "virtual_alias_domains": "$virtual_alias_maps",
    "virtual_mailbox_domains": "example.com, sub.example.com",
    "inet_interfaces": "all",
    "smtp_bind_address": "192.0.2.1",
    "smtp_bind_address6": "",
    "relayhost": "[relay.example.net]:587",
    "smtp_helo_name": "$myhostname",
}


class Machine:
    """A machine as `init` sees it: programs on a PATH of its own, a home, no settings."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.file = folder / "home" / ".config" / "todoku" / "todoku.toml"
        self._patch = monkeypatch
        for name in [*os.environ]:
            if name.startswith(("TODOKU_", "XDG_")):
                monkeypatch.delenv(name)
        monkeypatch.setenv("HOME", str(folder / "home"))
        monkeypatch.setenv("PATH", str(self.bin))
        monkeypatch.setenv("LC_ALL", "C.UTF-8")
        monkeypatch.setattr(discover, "SBIN", ())
        monkeypatch.setattr(socket, "gethostname", lambda: "box")
        self.addresses("192.0.2.80", "2001:db8::80")

    def program(self, name: str, code: str) -> None:
        path = self.bin / name
        path.write_text(f"#!{sys.executable}\nimport sys, json, time\n{code}\n")
        path.chmod(0o755)

    def postfix(self, transports: str = "", **changed: str) -> None:
        values = {**POSTCONF, **changed}
        self.program(
            "postconf",
            f"values, transports = {values!r}, {transports!r}\n"
            "if sys.argv[1] == '-P': print(transports)\n"
            "for name in sys.argv[1:]:\n"
            "    if name in values: print(name, '=', values[name])",
        )

    def addresses(self, *ips: str, **more: Any) -> None:
        info = [{"local": ip, "scope": "global", **more} for ip in ips]
        links = [
            {"ifname": "lo", "addr_info": [{"local": "127.0.0.1", "scope": "host"}]},
            {"ifname": "eth0", "addr_info": [*info, {"local": "fe80::1", "scope": "link"}]},
        ]
        self.program("ip", f"print({json.dumps(links)!r})")

    def init(self, *words: str) -> Result:
        return CliRunner().invoke(main, ["init", *words])

    def own(self) -> Own:
        return settings.load(self.file, environ={"HOME": "/nowhere"}).own


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


class TestWhatIsFound:
    def test_with_postfix(self, machine: Machine) -> None:
        machine.postfix()
        result = machine.init("--yes")
        assert result.exit_code == 0, result.output
        assert machine.own() == Own(
            addresses=("192.0.2.1",),
            domains=("example.jp", "example.com"),
            helo=("mail.example.jp",),
            smarthosts=("relay.example.net",),
        )
        assert "from Postfix's settings" in result.output
        assert f"{machine.file} is written." in result.output
        assert machine.file.stat().st_mode & 0o077 == 0

    def test_what_postfix_listens_on_where_it_binds_nothing(self, machine: Machine) -> None:
        machine.postfix(smtp_bind_address="", inet_interfaces="127.0.0.1, [2001:db8::9]")
        machine.init("--yes")
        assert machine.own().addresses == ("2001:db8::9",)

    def test_the_machine_s_addresses_where_postfix_names_none(self, machine: Machine) -> None:
        machine.postfix(smtp_bind_address="")
        machine.init("--yes")
        assert machine.own().addresses == ("192.0.2.80", "2001:db8::80")

    def test_transports_with_addresses_of_their_own(self, machine: Machine) -> None:
        machine.postfix(
            "out2/unix/smtp_bind_address = 192.0.2.2\nout2/unix/smtp_bind_address6 = 2001:db8::2"
        )
        machine.init("--yes")
        assert machine.own().transports == {"out2": ("192.0.2.2", "2001:db8::2")}
        assert machine.own().addresses == ("192.0.2.1", "192.0.2.2", "2001:db8::2")

    def test_a_registry_s_suffix_is_nobody_s_domain(self, machine: Machine) -> None:
        machine.postfix(
            myhostname="example.co.jp",
            mydomain="co.jp",
            mydestination="$myhostname, localhost",
            virtual_mailbox_domains="",
        )
        machine.init("--yes")
        assert machine.own().domains == ("example.co.jp",)

    def test_without_postfix(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(socket, "gethostname", lambda: "mx.example.org")
        result = machine.init("--yes")
        assert machine.own() == Own(
            addresses=("192.0.2.80", "2001:db8::80"),
            domains=("example.org",),
            helo=("mx.example.org",),
        )
        assert "from this machine" in result.output

    @pytest.mark.parametrize(
        "code", ["time.sleep(60)", "sys.exit(1)", "print('\\0\\x80 nonsense')"]
    )
    def test_programs_that_fail(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch, code: str
    ) -> None:
        monkeypatch.setattr(discover, "SECONDS", 0.5)
        monkeypatch.setattr(discover, "_routes", lambda: iter(()))
        machine.program("postconf", code)
        machine.program("ip", code)
        began = time.monotonic()
        result = machine.init("--yes")
        assert result.exit_code == 0, result.output
        assert machine.own() == Own()
        assert "No address or domain of yours was found." in result.output
        assert time.monotonic() - began < 10

    def test_addresses_that_come_and_go_are_left_out(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(discover, "_routes", lambda: iter(()))
        machine.addresses("2001:db8::abcd", temporary=True)
        machine.init("--yes")
        assert machine.own().addresses == ()

    def test_without_ip_the_default_route_tells(self, machine: Machine) -> None:
        (machine.bin / "ip").unlink()
        for ip in discover.interfaces(str(machine.bin)):
            assert not ip.is_loopback
            assert not ip.is_link_local

    def test_no_name_is_looked_up(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        def asked(*_: object, **__: object) -> None:
            pytest.fail("the network was asked")

        for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "getfqdn"):
            monkeypatch.setattr(socket, name, asked)
        machine.postfix()
        assert machine.init("--yes").exit_code == 0


class TestNAT:
    def test_it_is_told_plainly(self, machine: Machine) -> None:
        machine.postfix(smtp_bind_address="")
        machine.addresses("10.0.0.5")
        result = machine.init("--yes")
        assert "This is behind NAT: the machine has private addresses only (10.0.0.5)." in (
            result.output
        )
        assert machine.own().addresses == ()
        assert '# "10.0.0.5" = "192.0.2.1"' in machine.file.read_text()

    def test_the_outer_address_may_be_named(self, machine: Machine) -> None:
        machine.addresses("10.0.0.5")
        result = machine.init("--yes", "--add", "203.0.113.5", "--lang", "ja")
        assert "NAT の内側です" not in result.output
        assert machine.own().addresses == ("203.0.113.5",)
        assert machine.own().nat == {"10.0.0.5": "203.0.113.5"}


class TestTheFile:
    @pytest.mark.parametrize("lang", LANGUAGES)
    @pytest.mark.parametrize("use", [None, "private", "commercial"])
    def test_it_explains_every_setting_and_can_be_read(
        self, machine: Machine, lang: str, use: str | None
    ) -> None:
        machine.postfix("out2/unix/smtp_bind_address = 192.0.2.2")
        words = ["--yes", "--lang", lang, *(["--use", use] if use else [])]
        assert machine.init(*words).exit_code == 0
        text = machine.file.read_text(encoding="utf-8")
        got = settings.load(machine.file, environ={"HOME": "/nowhere"})
        assert got.general.use == (use or "commercial")
        assert got.general.language == lang
        for setting in (s for s in SETTINGS if s.section != "lab"):
            assert setting.key in text
        assert ("自分のドメイン" in text) is (lang == "ja")

    def test_what_is_commented_out_is_right_too(self) -> None:
        text = template.render(Found(), None, "en")
        lines = [
            line.removeprefix("# ")
            if line.startswith("# [") or (line.startswith("# ") and " = " in line)
            else line
            for line in text.splitlines()
        ]
        settings.check("\n".join(lines))
        assert len(tomllib.loads("\n".join(lines))["own"]) == len(msgspec.structs.fields(Own))

    def test_every_sentence_is_there_in_both_languages(self) -> None:
        for words in (init_module.WORDS, template.COMMENTS, {"head": template.HEAD}):
            for name, sentence in words.items():
                assert set(sentence) == set(LANGUAGES), name

    def test_json(self, machine: Machine) -> None:
        schema = json.loads(SCHEMA.read_text())
        machine.postfix("out2/unix/smtp_bind_address = 192.0.2.2")
        for words in (["--yes"], ["--add", "203.0.113.9"], ["--force", "--add", "203.0.113.9"]):
            result = machine.init("--json", *words)
            assert result.exit_code == 0, result.output
            assert result.stdout.count("\n") == 1
            told = json.loads(result.stdout)
            jsonschema.validate(told, schema)
            assert told["written"] is True
        assert set(schema["properties"]) == {
            f.name for f in msgspec.structs.fields(init_module.Report)
        }
        assert set(schema["properties"]["own"]["properties"]) == {
            f.name for f in msgspec.structs.fields(Own)
        }

    def test_quiet(self, machine: Machine) -> None:
        assert machine.init("--yes", "--quiet").output == ""
        assert machine.file.exists()


class TestNeverOverwritten:
    def test_it_says_so(self, machine: Machine) -> None:
        machine.init("--yes")
        machine.file.write_text("# mine\n")
        for words in (["--yes"], []):
            result = machine.init(*words)
            assert result.exit_code == 1
            assert f"todoku: {machine.file} exists and was not changed." in result.stderr
        assert machine.file.read_text() == "# mine\n"

    def test_force_keeps_copies(self, machine: Machine) -> None:
        machine.init("--yes")
        for text in ("# one\n", "# two\n"):
            machine.file.write_text(text)
            assert machine.init("--yes", "--force").exit_code == 0
        copies = sorted(machine.file.parent.glob("todoku.toml.bak*"))
        assert [copy.read_text() for copy in copies] == ["# one\n", "# two\n"]
        assert "todoku.toml.bak3" in machine.init("--yes", "--force").output

    def test_a_folder_that_cannot_be_written(self, machine: Machine) -> None:
        machine.file.parent.parent.parent.mkdir(parents=True)
        machine.file.parent.parent.touch()
        result = machine.init("--yes")
        assert result.exit_code == 74
        assert "todoku: cannot use" in result.stderr

    def test_nothing_half_written_stays(
        self, machine: Machine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        machine.init("--yes")
        before = machine.file.read_bytes()

        def full(_handle: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        result = machine.init("--add", "203.0.113.9")
        assert result.exit_code == 74
        assert machine.file.read_bytes() == before
        assert [path.name for path in machine.file.parent.iterdir()] == ["todoku.toml"]


MINE = """\
# my settings
[knowledge]   # first
overlay = "k"

[own] # ours
addresses = [ # all of them
  "192.0.2.1",  # old
  "192.0.2.2"   # new
]  # end
domains = ['example.jp',]
helo = "mail.example.jp"
# ranges = ["198.51.100.0/24"]
smarthosts = []

[own.nat]
"10.0.0.5" = "192.0.2.1"
"""


class TestAdd:
    def add(self, machine: Machine, text: str, *identities: str) -> str:
        machine.file.parent.mkdir(parents=True, exist_ok=True)
        machine.file.write_text(text)
        words = [word for identity in identities for word in ("--add", identity)]
        result = machine.init(*words)
        assert result.exit_code == 0, result.output
        return machine.file.read_text()

    def test_all_else_stays(self, machine: Machine) -> None:
        got = self.add(machine, MINE, "203.0.113.9", "203.0.113.0/28", "Sato@Example.COM")
        assert got == (
            MINE.replace('  "192.0.2.2"   # new\n', '  "192.0.2.2",   # new\n  "203.0.113.9",\n')
            .replace("['example.jp',]", "['example.jp', \"example.com\"]")
            .replace(
                '# ranges = ["198.51.100.0/24"]\n',
                '# ranges = ["198.51.100.0/24"]\nranges = ["203.0.113.0/28"]\n',
            )
        )

    def test_twice_is_once(self, machine: Machine) -> None:
        once = self.add(machine, MINE, "203.0.113.9", "example.com")
        assert self.add(machine, once, "203.0.113.9", "example.com") == once

    @pytest.mark.parametrize("identity", ["192.0.2.1", "www.example.jp", "x@example.jp"])
    def test_what_is_covered_is_not_added(self, machine: Machine, identity: str) -> None:
        assert self.add(machine, MINE, identity) == MINE
        result = machine.init("--add", identity)
        assert "is yours already" in result.output

    def test_a_range_that_holds_one_of_ours_is_added(self, machine: Machine) -> None:
        self.add(machine, MINE, "192.0.2.0/24")
        assert machine.own().ranges == ("192.0.2.0/24",)

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            ("", '[own]\naddresses = ["203.0.113.9"]\n'),
            ("[own]", '[own]\naddresses = ["203.0.113.9"]\n'),
            ("[general]\n", '[general]\n\n[own]\naddresses = ["203.0.113.9"]\n'),
            ("[own]\naddresses = []\n", '[own]\naddresses = ["203.0.113.9"]\n'),
            (
                '[own]\naddresses = "192.0.2.1" # x\n',
                '[own]\naddresses = ["192.0.2.1", "203.0.113.9"] # x\n',
            ),
            (
                '[own]\r\naddresses = [\r\n\t"192.0.2.1",\r\n]\r\n',
                '[own]\r\naddresses = [\r\n\t"192.0.2.1",\r\n\t"203.0.113.9",\r\n]\r\n',
            ),
            (
                "[own]\naddresses = [\n]\n",
                '[own]\naddresses = [\n    "203.0.113.9",\n]\n',
            ),
            (
                '[own]\n"addresses" = ["192.0.2.1"] # ]\n',
                '[own]\n"addresses" = ["192.0.2.1", "203.0.113.9"] # ]\n',
            ),
        ],
    )
    def test_shapes(self, before: str, after: str) -> None:
        assert edit.add_to_list(before, "own", "addresses", "203.0.113.9") == after

    @pytest.mark.parametrize(
        "text",
        [
            'own.addresses = ["192.0.2.1"]\n',
            'own = { addresses = ["192.0.2.1"] }\n',
            '[own]\naddresses = ["""192.0.2.1"""]\n',
        ],
    )
    def test_a_shape_that_is_not_understood_is_left_alone(
        self, machine: Machine, text: str
    ) -> None:
        machine.file.parent.mkdir(parents=True)
        machine.file.write_text(text)
        result = machine.init("--add", "203.0.113.9")
        assert result.exit_code == 1
        assert "It was not changed. Write 203.0.113.9 into addresses of [own]" in result.stderr
        assert machine.file.read_text() == text

    def test_a_new_file_is_made_where_there_is_none(self, machine: Machine) -> None:
        assert machine.init("--add", "example.net").exit_code == 0
        assert machine.own().domains == ("example.net",)
        assert machine.own().addresses == ("192.0.2.80", "2001:db8::80")

    @pytest.mark.parametrize("identity", ["nonsense", "", "192.0.2.1/24", "a\x1b[31m.b"])
    def test_what_is_no_identity(self, machine: Machine, identity: str) -> None:
        result = machine.init("--add", identity)
        assert result.exit_code == 64
        assert "\x1b" not in result.stderr
        assert "Nothing was changed." in result.stderr
        assert not machine.file.exists()

    def test_a_file_with_mistakes_is_not_touched(self, machine: Machine) -> None:
        machine.file.parent.mkdir(parents=True)
        machine.file.write_text("[onw]\n")
        result = machine.init("--add", "203.0.113.9")
        assert result.exit_code == 78
        assert machine.file.read_text() == "[onw]\n"

    def test_owner_s_mode_and_links_stay(self, machine: Machine, tmp_path: Path) -> None:
        real = tmp_path / "dotfiles.toml"
        real.write_text("[own]\n")
        real.chmod(0o644)
        machine.file.parent.mkdir(parents=True)
        machine.file.symlink_to(real)
        assert machine.init("--add", "203.0.113.9").exit_code == 0
        assert machine.file.is_symlink()
        assert real.stat().st_mode & 0o777 == 0o644
        assert "203.0.113.9" in real.read_text()


class TestUse:
    def test_it_is_set_in_place_once(self, machine: Machine) -> None:
        machine.init("--yes")
        result = machine.init("--use", "private")
        assert f"the use in {machine.file} is now private." in result.output
        text = machine.file.read_text()
        assert '# use = "private"\nuse = "private"\n' in text
        assert "the use is private already" in machine.init("--use", "private").output
        assert machine.file.read_text() == text
        machine.init("--use", "commercial")
        assert machine.file.read_text() == text.replace(
            '\nuse = "private"\n', '\nuse = "commercial"\n'
        )

    def test_other_words_are_a_usage_error(self, machine: Machine) -> None:
        assert machine.init("--use", "hobby").exit_code == 64


def talk(machine: Machine, answers: str, *words: str) -> tuple[int, str]:
    """`todoku init` on a real terminal, with these answers typed."""
    parent, child = pty.openpty()
    code = (
        "from todoku.settings import discover; discover.SBIN = ()\n"
        "discover.socket.gethostname = lambda: 'box'\n"
        f"from todoku.cli import main; main(['init', *{words!r}])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=child, stdout=child, stderr=child, env=os.environ
    )
    os.close(child)
    os.write(parent, answers.encode())
    told = b""
    while True:
        try:
            chunk = os.read(parent, 4096)
        except OSError:  # Linux's word for the end of a terminal
            break
        if not chunk:
            break
        told += chunk
    os.close(parent)
    return process.wait(30), told.decode()


class TestQuestions:
    def test_it_asks_little(self, machine: Machine) -> None:
        machine.postfix()
        code, told = talk(machine, "private\ny\n")
        assert code == 0, told
        assert told.count("?") == 2
        assert settings.load(machine.file, environ={"HOME": "/"}).general.use == "private"

    def test_enter_is_enough(self, machine: Machine) -> None:
        machine.postfix()
        code, told = talk(machine, "\n\n", "--lang", "ja")
        assert code == 0, told
        assert machine.file.exists()

    def test_no_writes_nothing(self, machine: Machine) -> None:
        code, told = talk(machine, "private\nn\n")
        assert code == 1
        assert "Nothing was written." in told
        assert not machine.file.exists()

    def test_interrupted(self, machine: Machine) -> None:
        code, told = talk(machine, "\x04")
        assert code == 130
        assert "Traceback" not in told
        assert not machine.file.exists()

    def test_behind_nat_it_asks_for_the_outer_address(self, machine: Machine) -> None:
        machine.addresses("10.0.0.5")
        code, told = talk(machine, "hm\n203.0.113.5\nprivate\ny\n")
        assert code == 0, told
        assert '"hm" is no IP address.' in told
        assert machine.own().nat == {"10.0.0.5": "203.0.113.5"}
