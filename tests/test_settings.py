"""The settings: where they come from, which wins, and what is said of a mistake."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import msgspec
import pytest

from todoku import settings
from todoku.model import Identity, IdentityKind
from todoku.settings import SETTINGS, Own, Settings, SettingsError
from todoku.settings.mailboxes import MAILBOX, Mailbox, variable
from todoku.settings.own import host_of_url, parse_range

REFERENCE = Path(__file__).parent.parent / "docs" / "reference" / "settings.md"


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    return {"HOME": str(tmp_path)}


def write(folder: Path, text: str) -> Path:
    path = folder / "todoku.toml"
    path.write_text(text, encoding="utf-8")
    return path


def load(path: Path, **environ: str) -> Settings:
    return settings.load(path, environ={"HOME": "/nowhere", **environ})


def mistakes(path: Path, **environ: str) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load(path, **environ)
    return caught.value


class TestWhere:
    def test_without_a_file_there_are_defaults(self, home: dict[str, str], tmp_path: Path) -> None:
        got = settings.load(environ=home)
        assert got.file is None
        assert got.general.use == "commercial"
        assert got.general.language is None
        assert got.general.data == str(tmp_path / ".local/share/todoku")
        assert got.general.store == f"sqlite:///{tmp_path}/.local/share/todoku/todoku.db"
        assert got.knowledge.overlay == str(tmp_path / ".config/todoku/knowledge")
        assert not got.own.given

    def test_xdg_folders(self, home: dict[str, str], tmp_path: Path) -> None:
        folder = tmp_path / "conf" / "todoku"
        folder.mkdir(parents=True)
        path = write(folder, '[general]\nuse = "private"\n')
        home |= {"XDG_CONFIG_HOME": str(tmp_path / "conf"), "XDG_DATA_HOME": "/srv/data"}
        got = settings.load(environ=home)
        assert got.file == path
        assert got.general.use == "private"
        assert got.general.data == "/srv/data/todoku"

    def test_relative_xdg_folders_are_ignored(self, home: dict[str, str], tmp_path: Path) -> None:
        got = settings.load(environ=home | {"XDG_DATA_HOME": "data"})
        assert got.general.data == str(tmp_path / ".local/share/todoku")

    def test_variable_names_the_file_and_the_option_beats_it(
        self, home: dict[str, str], tmp_path: Path
    ) -> None:
        one = write(tmp_path, '[general]\nlanguage = "ja"\n')
        other = tmp_path / "other.toml"
        other.write_text('[general]\nlanguage = "en"\n')
        home["TODOKU_CONFIG"] = str(one)
        assert settings.load(environ=home).general.language == "ja"
        assert settings.load(other, environ=home).general.language == "en"

    def test_a_named_file_must_exist(self, tmp_path: Path) -> None:
        error = mistakes(tmp_path / "gone.toml")
        assert str(tmp_path / "gone.toml") in str(error)
        assert "--config" in str(error)
        assert "todoku init" in error.text("ja")

    def test_environment_beats_file_and_option_beats_environment(self, tmp_path: Path) -> None:
        path = write(tmp_path, f'[general]\ndata = "{tmp_path}/file"\n')
        environ = {"HOME": "/nowhere", "TODOKU_GENERAL_DATA": f"{tmp_path}/variable"}
        assert load(path).general.data == f"{tmp_path}/file"
        assert settings.load(path, environ=environ).general.data == f"{tmp_path}/variable"
        got = settings.load(path, tmp_path / "option", environ)
        assert got.general.data == f"{tmp_path}/option"
        assert got.general.store == f"sqlite:///{tmp_path}/option/todoku.db"

    def test_an_empty_variable_is_not_set(self, tmp_path: Path) -> None:
        path = write(tmp_path, '[general]\nlanguage = "ja"\n')
        assert load(path, TODOKU_GENERAL_LANGUAGE="").general.language == "ja"

    def test_paths_of_the_file_are_relative_to_its_folder(self, tmp_path: Path) -> None:
        path = write(tmp_path, '[general]\ndata = "d"\n[knowledge]\noverlay = "k"\n')
        got = load(path)
        assert got.general.data == str(tmp_path / "d")
        assert got.knowledge.overlay == str(tmp_path / "k")

    def test_a_variable_s_path_is_relative_to_the_current_folder(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = write(tmp_path, "")
        (tmp_path / "here").mkdir()
        monkeypatch.chdir(tmp_path / "here")
        assert load(path, TODOKU_GENERAL_DATA="d").general.data == str(tmp_path / "here" / "d")

    def test_store(self, tmp_path: Path) -> None:
        path = write(tmp_path, '[general]\ndata = "d"\nstore = "sqlite:///desk.db"\n')
        assert load(path).general.store == f"sqlite:///{tmp_path}/d/desk.db"
        path = write(tmp_path, '[general]\nstore = "postgresql://todoku@db.example/todoku"\n')
        assert load(path).general.store == "postgresql://todoku@db.example/todoku"


class TestEnvironment:
    def test_lists_and_tables(self, tmp_path: Path) -> None:
        own = load(
            write(tmp_path, ""),
            TODOKU_OWN_ADDRESSES="192.0.2.1, 2001:DB8:0::25",
            TODOKU_OWN_NAT="10.0.0.5=192.0.2.1,fd00::5=2001:db8::25",
            TODOKU_OWN_TRANSPORTS="smtp=192.0.2.1 out2=192.0.2.2 out2=192.0.2.3",
        ).own
        assert own.addresses == ("192.0.2.1", "2001:db8::25")
        assert own.nat == {"10.0.0.5": "192.0.2.1", "fd00::5": "2001:db8::25"}
        assert own.transports == {"smtp": ("192.0.2.1",), "out2": ("192.0.2.2", "192.0.2.3")}

    def test_a_mistyped_variable_is_an_error(self, tmp_path: Path) -> None:
        error = mistakes(write(tmp_path, ""), TODOKU_OWN_ADRESSES="192.0.2.1")
        assert "TODOKU_OWN_ADRESSES" in str(error)
        assert "The nearest is TODOKU_OWN_ADDRESSES." in str(error)
        assert "最も近いのは TODOKU_OWN_ADDRESSES" in error.text("ja")
        error = mistakes(write(tmp_path, ""), TODOKU_GENRAL_USE="private")
        assert "The nearest is TODOKU_GENERAL_USE." in str(error)

    def test_a_bad_variable_is_named(self, tmp_path: Path) -> None:
        error = mistakes(write(tmp_path, ""), TODOKU_OWN_NAT="192.0.2.1")
        assert "TODOKU_OWN_NAT" in str(error)
        assert '"192.0.2.1"' in str(error)

    def test_variables_of_others_are_left_alone(self, tmp_path: Path) -> None:
        load(write(tmp_path, ""), TODOKU_PURE="1", TODOKU_DEBUG="1", TODOKU_BACKUP_HOST="x")


class TestMistakes:
    @pytest.mark.parametrize(
        ("text", "named"),
        [
            ('[own]\nadresses = ["192.0.2.1"]', ["[own]", "adresses", "addresses"]),
            ('[own]\nIPs = ["192.0.2.1"]', ["[own]", "IPs", "addresses, ranges, domains"]),
            ("[owner]", ["[owner]", "nearest", "[own]"]),
            (
                "[zebra]\nx = 1",
                [
                    "[zebra]",
                    "[general], [own], [lists], [dns], [mail], [contact], [cases], [webhooks], [privacy], [logs], [knowledge]",
                ],
            ),
            (
                '[mail]\nsender = "postmaster"',
                ["[mail] sender", '"postmaster"', "postmaster@example.jp"],
            ),
            ('[mail]\nrelay = "mail.example.jp"', ["[mail] relay", '"mail.example.jp"']),
            ("own = 3", ["own", "section"]),
            ('[own]\naddresses = ["192.0.2.300"]', ["[own] addresses", '"192.0.2.300"']),
            ("[own]\naddresses = [25]", ["[own] addresses", "25"]),
            ('[own]\naddresses = "mail"', ["[own] addresses", '"mail"']),
            ('[own]\nranges = ["192.0.2.1/24"]', ["[own] ranges", '"192.0.2.1/24"']),
            ('[own]\ndomains = ["jp"]', ["[own] domains", '"jp"']),
            ('[own]\ndomains = ["exa mple.jp"]', ["[own] domains", "exa mple"]),
            ('[own]\nhelo = ["192.0.2.1"]', ["[own] helo"]),
            ('[own]\nnat = "192.0.2.1"', ["[own] nat", "inner"]),
            ('[own.nat]\nmail = "192.0.2.1"', ["[own] nat", '"mail"']),
            ('[own.transports]\nsmtp = ["x"]', ["[own] transports", '"x"']),
            ('[general]\nuse = "home"', ["[general] use", '"home"', "private"]),
            ("[general]\nlanguage = true", ["[general] language", "true"]),
            ("[general\n", ["TOML", "line 1"]),
            ('[lists]\nrequired = ["spam cop"]', ["[lists] required", '"spam cop"', "zones"]),
            ('[lists]\nskip = "-x"', ["[lists] skip", '"-x"']),
            ('[dns]\nresolver = "dns.example"', ["[dns] resolver", '"dns.example"', "127.0.0.1"]),
            ('[dns]\nresolver = "127.0.0.1:99999"', ["[dns] resolver", "99999"]),
            ('[dns]\ndirect = "yes"', ["[dns] direct", '"yes"', "true or false"]),
            ("[dns]\ndirect = 1", ["[dns] direct", "1", "true or false"]),
        ],
    )
    def test_the_sentence_names_file_key_and_what_is_wanted(
        self, tmp_path: Path, text: str, named: list[str]
    ) -> None:
        path = write(tmp_path, text)
        error = mistakes(path)
        for word in [str(path), *named]:
            assert word in str(error)
        assert "Nothing was done." in str(error)
        assert "何も実行していません" in error.text("ja")
        assert error.exit_code == 78

    def test_all_are_told_at_once(self, tmp_path: Path) -> None:
        path = write(tmp_path, '[own]\nadresses = []\ndomains = ["jp"]\n[genral]\n')
        text = str(mistakes(path, TODOKU_GENERAL_USE="x"))
        assert len(text.splitlines()) == 5

    def test_braces_and_control_characters_of_a_value_do_no_harm(self, tmp_path: Path) -> None:
        path = write(tmp_path, '[own]\ndomains = ["{0}\\u001b[31m\\u202e"]\n"{key}" = 1\n')
        text = str(mistakes(path))
        assert "{0}" in text
        assert "{key}" in text
        assert "\x1b" not in text
        assert "\u202e" not in text

    def test_the_store_is_never_shown(self, tmp_path: Path) -> None:
        error = mistakes(write(tmp_path, '[general]\nstore = "mysql://u:hunter2@h/d"\n'))
        assert "hunter2" not in str(error) + error.text("ja")

    @pytest.mark.parametrize(
        "text",
        [
            '[lists.keys]\nspamhaus-dqs = "hunter2 hunter2"\n',
            '[lists.keys]\nspamhaus-dqs = ["hunter2"]\n',
            '[lists]\nkeys = "hunter2"\n',
            '[lists.keys]\nspamhaus-dqs = "hunter2.zen"\n',
            '[lists.keys]\n"hunter2 x" = "x"\n',
            '[lists.keys.spamhaus]\ndqs = "hunter2"\n',
        ],
    )
    def test_keys_are_never_shown(self, tmp_path: Path, text: str) -> None:
        error = mistakes(write(tmp_path, text))
        assert "[lists] keys cannot be (not shown)" in str(error)
        assert "hunter2" not in str(error) + error.text("ja")
        error = mistakes(write(tmp_path, ""), TODOKU_LISTS_KEYS="spamhaus-dqs hunter2")
        assert "TODOKU_LISTS_KEYS" in str(error)
        assert "hunter2" not in str(error) + error.text("ja")

    def test_not_utf8(self, tmp_path: Path) -> None:
        path = tmp_path / "todoku.toml"
        path.write_bytes("# 設定\n".encode("euc-jp"))
        assert "UTF-8" in str(mistakes(path))

    def test_unreadable(self, tmp_path: Path) -> None:
        (tmp_path / "todoku.toml").mkdir()
        assert "cannot read" in str(mistakes(tmp_path / "todoku.toml"))


class TestNormalForms:
    def test_names_and_addresses(self, tmp_path: Path) -> None:
        path = write(
            tmp_path,
            """
            [own]
            addresses = ["::ffff:192.0.2.1", "192.0.2.1"]
            domains = ["@Example.JP.", "*.例え.jp"]
            smarthosts = ["[Relay.example.jp]:587", "relay2.example.jp:25", "[2001:db8::1]",
                "192.0.2.9"]
            """,
        )
        own = load(path).own
        assert own.addresses == ("192.0.2.1",)
        assert own.domains == ("example.jp", "xn--r8jz45g.jp")
        assert own.smarthosts == (
            "relay.example.jp",
            "relay2.example.jp",
            "2001:db8::1",
            "192.0.2.9",
        )

    @pytest.mark.parametrize(
        ("given", "normal"),
        [
            ("127.0.0.1", "127.0.0.1"),
            (" 127.0.0.1:053 ", "127.0.0.1:53"),
            ("2001:DB8::53", "2001:db8::53"),
            ("[::1]", "::1"),
            ("[::1]:5353", "[::1]:5353"),
        ],
    )
    def test_a_resolver(self, tmp_path: Path, given: str, normal: str) -> None:
        path = write(tmp_path, f'[dns]\nresolver = "{given}"\n')
        assert load(path).dns.resolver == normal

    def test_lists_and_keys(self, tmp_path: Path) -> None:
        got = load(write(tmp_path, ""))
        assert got.lists.required is None
        assert not got.dns.direct
        path = write(
            tmp_path,
            """
            [lists]
            required = ["Spamhaus-ZEN", "bl.spamcop.net."]
            add = "uceprotect-2"
            [lists.keys]
            Spamhaus-DQS = "abcDEF123"
            """,
        )
        got = load(path, TODOKU_LISTS_SKIP="barracuda, psbl", TODOKU_DNS_DIRECT="True")
        assert got.lists.required == ("spamhaus-zen", "bl.spamcop.net")
        assert got.lists.add == ("uceprotect-2",)
        assert got.lists.skip == ("barracuda", "psbl")
        assert got.lists.keys == {"spamhaus-dqs": "abcDEF123"}
        assert got.dns.direct
        assert load(path, TODOKU_LISTS_KEYS="a=1,b=2").lists.keys == {"a": "1", "b": "2"}

    def test_keys_do_not_show_in_a_trace(self, tmp_path: Path) -> None:
        got = load(write(tmp_path, '[lists.keys]\nspamhaus-dqs = "hunter2"\n'))
        assert "spamhaus-dqs" in repr(got)
        assert "hunter2" not in repr(got) + str(got.lists)

    def test_one_value_may_stand_without_brackets(self, tmp_path: Path) -> None:
        assert load(write(tmp_path, '[own]\ndomains = "example.jp"\n')).own.domains == (
            "example.jp",
        )


OWN = Own(
    addresses=("192.0.2.1", "2001:db8::25"),
    ranges=("198.51.100.0/28", "2001:db8:1::/48"),
    domains=("example.jp",),
    helo=("mx.helo.example",),
    transports={"out2": ("192.0.2.7",), "inner": ("10.0.0.5",)},
    nat={"10.0.0.5": "203.0.113.5"},
    smarthosts=("relay.example.net", "203.0.113.25"),
)


class TestCovers:
    @pytest.mark.parametrize(
        ("kind", "value", "ours"),
        [
            ("ip", "192.0.2.1", True),
            ("ip", "[192.0.2.1]", True),
            ("ip", "::ffff:192.0.2.1", True),
            ("ip", "192.0.2.2", False),
            ("ip", "198.51.100.15", True),
            ("ip", "198.51.100.16", False),
            ("ip", "2001:0DB8::0025", True),
            ("ip", "2001:db8:1:ffff::1", True),
            ("ip", "2001:db8:2::1", False),
            ("ip", "192.0.2.7", True),
            ("ip", "203.0.113.5", True),
            ("ip", "203.0.113.25", True),
            ("ip", "XX.XX.XXX.XXX", False),
            ("range", "192.0.2.0/24", True),
            ("range", "192.0.2.1", True),
            ("range", "192.0.2", True),
            ("range", "192.0.2.*", True),
            ("range", "192.0.2.0-192.0.2.63", True),
            ("range", "192.0.2.0-63", True),
            ("range", "192.0.2.8-63", False),
            ("range", "198.51.100.0/30", True),
            ("range", "198.51.0.0/16", True),
            ("range", "2001:db8::/64", True),
            ("range", "2001:db8:9::/64", False),
            ("range", "192.0.3.0/24", False),
            ("range", "nonsense", False),
            ("domain", "example.jp", True),
            ("domain", "News.Example.JP.", True),
            ("domain", "notexample.jp", False),
            ("domain", "jp", False),
            ("hostname", "mx.helo.example", True),
            ("hostname", "helo.example", False),
            ("hostname", "relay.example.net", True),
            ("url", "https://www.example.jp/a?b#c", True),
            ("url", "example.jp/x", True),
            ("url", "http://192.0.2.1:8080/", True),
            ("url", "http://example.jp@evil.example/", False),
            ("address", "Sato@example.jp", True),
            ("address", "sato@example.com", False),
            ("asn", "AS64496", False),
            ("content", "a link", False),
            ("account", "x", False),
        ],
    )
    def test_covers(self, kind: IdentityKind, value: str, ours: bool) -> None:
        assert OWN.covers(Identity(kind, value)) is ours

    def test_tells(self) -> None:
        assert Own().tells(Identity("ip", "192.0.2.1")) is None
        assert OWN.tells(Identity("ip", "192.0.2.1")) is True
        assert OWN.tells(Identity("ip", "192.0.2.2")) is False
        assert OWN.tells(Identity("content", "a link")) is None
        assert not Own(dkim_selectors=("s1",)).given

    def test_transports_and_smarthosts(self) -> None:
        assert OWN.sends_from("out2") == ("192.0.2.7",)
        assert OWN.sends_from("inner") == ("203.0.113.5",)
        assert OWN.sends_from("smtp") == ()
        assert OWN.is_smarthost("Relay.example.net.")
        assert OWN.is_smarthost("other.example", "203.0.113.25")
        assert not OWN.is_smarthost(None, None)
        assert not OWN.is_smarthost("mx.other.example")

    @pytest.mark.parametrize(
        "text", ["", "[", "http://", "@", "://@:", "1.2.3.4-", "-", "1-2", "::1-1.2.3.4", "0x1"]
    )
    def test_odd_text_is_no_error(self, text: str) -> None:
        host_of_url(text)
        parse_range(text)
        for kind in ("ip", "range", "hostname", "url", "address"):
            assert OWN.covers(Identity(kind, text)) is False


def test_what_proves_that_mail_is_ours(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        '[mail]\nlog = ["mail.log", "/var/log/mail.log"]\nauthserv = ["MX1.example.jp."]\n'
        'reports = "trouble@Example.jp"\nbatv_keys = ["hunter2"]\n',
    )
    mail = load(file).mail
    assert mail.log == (str(tmp_path / "mail.log"), "/var/log/mail.log")
    assert mail.authserv == ("mx1.example.jp",)
    assert mail.reports == "trouble@example.jp"
    assert mail.batv_keys == ("hunter2",)
    assert "hunter2" not in repr(mail)
    assert "hunter2" not in str(mistakes(write(tmp_path, f'[mail]\nbatv_keys = ["{"x" * 65}"]\n')))
    assert load(write(tmp_path, "")).mail.authserv == ()


class TestMailboxes:
    BOX = '[mailbox.desk]\nserver = "imap.example.jp"\nuser = "u"\n'

    def test_as_many_as_there_are_names(self, tmp_path: Path) -> None:
        (tmp_path / "ca.pem").write_text("")
        text = (
            self.BOX + 'password_file = "secret"\nca_file = "ca.pem"\n'
            '[mailbox.outlook-2]\nserver = "IMAP.Example.com:1993"\nuser = "v"\nsign_in = "microsoft"\n'
            'client_id = "abc"\ntenant = "consumers"\nfolders = ["INBOX", "受信トレイ"]\n'
            'takes = "answers"\nafter = "move"\nauthserv = ["MX.example.com"]\n'
        )
        desk, other = load(write(tmp_path, text)).mailboxes
        assert desk.endpoint == ("imap.example.jp", 993)
        assert desk.password_file == str(tmp_path / "secret")
        assert desk.ca_file == str(tmp_path / "ca.pem")
        assert (desk.folders, desk.takes, desk.after) == (("INBOX",), "any", "leave")
        assert (other.name, other.endpoint) == ("outlook-2", ("imap.example.com", 1993))
        assert other.folders == ("INBOX", "受信トレイ")
        assert other.authserv == ("mx.example.com",)
        assert other.account == "v@imap.example.com:1993"

    def test_from_the_environment(self, tmp_path: Path) -> None:
        (box,) = load(
            write(tmp_path, ""),
            TODOKU_MAILBOX_MY_DESK_SERVER="127.0.0.1",
            TODOKU_MAILBOX_MY_DESK_TLS="none",
            TODOKU_MAILBOX_MY_DESK_USER="u",
            TODOKU_MAILBOX_MY_DESK_PASSWORD="hunter2",
        ).mailboxes
        assert (box.name, box.endpoint, box.password) == ("my-desk", ("127.0.0.1", 143), "hunter2")
        assert "hunter2" not in repr(box)
        got = load(write(tmp_path, self.BOX), TODOKU_MAILBOX_DESK_PASSWORD="x").mailboxes
        assert [(b.name, b.password) for b in got] == [("desk", "x")]

    @pytest.mark.parametrize(
        ("text", "named"),
        [
            (BOX, "says nothing of how to log in"),
            (BOX + 'password = "a"\nsign_in = "b"\nclient_id = "c"', "password, sign_in; one"),
            (BOX + 'sign_in = "microsoft"', "needs client_id"),
            (BOX + 'password = "a"\ntls = "none"', "for all to read"),
            (BOX + 'password = "a"\nafter = "move"\nmove_to = "INBOX"', "is read as well"),
            ('[mailbox.desk]\nuser = "u"\npassword = "a"', "needs server"),
            (BOX + "servr = 1", "The nearest is server."),
            (BOX + 'tls = "ssl"', '"tls", "starttls" or "none"'),
            (BOX + "password = 5", "(not shown)"),
            (BOX + 'folders = ["a\\nb"]', "such as"),
            ('[mailbox.desk]\nserver = "a.example:0"', "[mailbox.desk] server"),
            ('[mailbox."Über"]\nserver = "a.example"', "cannot be called"),
            ('[mailbox]\nserver = "a.example"', "is a section"),
        ],
    )
    def test_mistakes(self, tmp_path: Path, text: str, named: str) -> None:
        error = mistakes(write(tmp_path, text + "\n"))
        assert named in str(error)
        assert error.text("ja") != error.text("en")

    def test_plain_where_nobody_can_listen_or_it_is_wanted(self, tmp_path: Path) -> None:
        for more in (
            'server = "localhost:10143"',
            'server = "127.0.0.1:143"',
            'server = "[::1]:143"',
            "allow_plain = true",
        ):
            box = self.BOX.replace('server = "imap.example.jp"', more)
            if "server" not in more:
                box = self.BOX + more + "\n"
            load(write(tmp_path, box + 'tls = "none"\npassword = "x"\n'))

    def test_a_mistyped_variable(self, tmp_path: Path) -> None:
        error = mistakes(write(tmp_path, ""), TODOKU_MAILBOX_DESK_SERVR="x")
        assert "The nearest is TODOKU_MAILBOX_NAME_SERVER." in str(error)


class TestReference:
    """docs/reference/settings.md is complete, and says nothing that is not so."""

    def test_every_setting_is_documented(self) -> None:
        documented: set[tuple[str, str, str]] = set()
        section = ""
        for line in REFERENCE.read_text(encoding="utf-8").splitlines():
            if heading := re.fullmatch(r"## `\[(\w+(?:\.NAME)?)\]`", line):
                section = heading[1]
            elif row := re.match(r"\| `(\w+)` \| `(TODOKU_\w+)` \|", line):
                documented.add((section, row[1], row[2]))
        each = {("mailbox.NAME", s.key, variable("NAME", s.key)) for s in MAILBOX}
        assert documented == each | {(s.section, s.key, s.variable) for s in SETTINGS}

    def test_the_whole_file_can_be_read(self, tmp_path: Path) -> None:
        text = REFERENCE.read_text(encoding="utf-8")
        [example] = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
        got = load(write(tmp_path, example))
        assert got.own.given
        assert [box.name for box in got.mailboxes] == ["desk"]
        sections = {
            "general",
            "own",
            "lists",
            "dns",
            "mail",
            "contact",
            "privacy",
            "cases",
            "logs",
            "knowledge",
            "webhooks",
        }
        assert set(tomllib.loads(example)) == sections | {"mailbox"}
        assert sections | {"lab"} == {s.section for s in SETTINGS}

    def test_every_setting_has_its_field(self) -> None:
        structs: dict[str, type[msgspec.Struct]] = {
            "general": settings.General,
            "own": Own,
            "lists": settings.Lists,
            "dns": settings.DNS,
            "mail": settings.Mail,
            "knowledge": settings.Knowledge,
            "contact": settings.Contact,
            "cases": settings.Cases,
            "webhooks": settings.Webhooks,
            "privacy": settings.Privacy,
            "logs": settings.Logs,
            "lab": settings.Lab,
        }
        for section, struct in structs.items():
            fields = {f.name for f in msgspec.structs.fields(struct)}
            assert fields == {s.key for s in SETTINGS if s.section == section}
        fields = {f.name for f in msgspec.structs.fields(Mailbox)}
        assert fields == {"name"} | {s.key for s in MAILBOX}


def test_settings_import_no_database() -> None:
    code = "import sys, todoku.settings; print('sqlalchemy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
