"""Signing in by a device code (RFC 8628), tokens kept and made anew, XOAUTH2."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.serve import oauthserver
from tests.serve.imapserver import USER, Folder
from tests.serve.imapserver import Server as Imap
from tests.serve.oauthserver import CODE, error, tokens
from tests.serve.test_imap import House, mail
from todoku.knowledge import load as knowledge
from todoku.serve.mailboxes import providers
from todoku.serve.mailboxes.login import Login
from todoku.serve.mailboxes.oauth import Client, Code, Tokens
from todoku.serve.mailboxes.polling import pause
from todoku.serve.mailboxes.trouble import LoginRefused, NotSignedIn, Trouble

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "mailbox.schema.json"
GIVEN = {"sign_in": "test", "client_id": "app-1", "tenant": "mine"}


@pytest.fixture
def oauth() -> Iterator[oauthserver.Server]:
    with oauthserver.Server() as running:
        yield running


@pytest.fixture
def house(tmp_path: Path, oauth: oauthserver.Server) -> Iterator[House]:
    rules = tmp_path / "knowledge" / "sign-in"
    rules.mkdir(parents=True)
    (rules / "test.toml").write_text(oauth.rules())
    with Imap({"INBOX": Folder({1: mail(1)})}) as imap:
        imap.tokens = {"good"}
        made = House(tmp_path, imap)
        yield made
        made.desk.engine.dispose()


def login(house: House, now: float = 0.0, **given: object) -> Login:
    settings = house.settings(**GIVEN | given)
    return Login(settings.mailboxes[0], settings, lambda: now)


class Clock:
    def __init__(self) -> None:
        self.at = 0.0
        self.slept: list[float] = []

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds

    def now(self) -> float:
        return self.at


def wait(client: Client, clock: Clock, code: Code | None = None) -> Tokens:
    return client.wait(code or client.begin(), clock.sleep, clock.now)


class TestDeviceCode:
    def test_pending_then_slower_then_there(self, house: House, oauth: oauthserver.Server) -> None:
        pending, slower = error("authorization_pending"), error("slow_down")
        oauth.answers = [(200, CODE), pending, slower, pending, tokens("good", "r-1")]
        client, clock = login(house).client(), Clock()
        code = client.begin()
        assert code == Code("dev-1", "ABCD-EFGH", "https://login.test/device", None, 900, 1)
        assert wait(client, clock, code) == Tokens("good", "r-1", 3600)
        assert clock.slept == [1, 1, 6, 6]
        first, second = oauth.asked[:2]
        assert first == ("/mine/device", {"client_id": "app-1", "scope": "imap offline_access"})
        assert second[0] == "/mine/token"
        assert second[1] == {
            "client_id": "app-1",
            "grant_type": "urn:ietf:params:oauth:grant-type:device_code",
            "device_code": "dev-1",
        }

    @pytest.mark.parametrize(
        ("answer", "told"),
        [
            (
                error("expired_token"),
                "the code has expired. Once more: todoku mailbox sign-in desk",
            ),
            (error("access_denied"), "declined. Nothing was kept"),
            (error("authorization_declined"), "declined"),
            (error("invalid_client", "AADSTS7000218: a secret\r\nTrace"), "accept the app app-1"),
            (error("surprise", "why\x1b[31m"), "refuses the sign-in (surprise: why\ufffd[31m)"),
            ((200, {"token_type": "Bearer"}), "no access token"),
            ((200, b"<html>"), "no JSON object"),
            ((400, b"[" * 100_000), "no JSON object"),
            ((400, {"error": 5}), "HTTP 400"),
        ],
    )
    def test_what_ends_it(
        self, house: House, oauth: oauthserver.Server, answer: Any, told: str
    ) -> None:
        oauth.answers = [(200, CODE | {"expires_in": 30}), error("authorization_pending"), answer]
        with pytest.raises(Trouble) as caught:
            wait(login(house).client(), Clock())
        if answer[0] == 200 or "JSON" in told or "HTTP" in told:
            # Not an answer of the protocol: it is asked again, less often, until the code expires.
            assert "expired" in str(caught.value)
        else:
            assert told in str(caught.value)
            assert caught.value.text("ja") != str(caught.value)

    def test_nobody_comes(self, house: House, oauth: oauthserver.Server) -> None:
        oauth.answers = [(200, CODE | {"expires_in": 20, "interval": 5})]
        oauth.answers += [error("authorization_pending")] * 9
        clock = Clock()
        with pytest.raises(NotSignedIn, match="expired"):
            wait(login(house).client(), clock)
        assert clock.at <= 20

    def test_the_server_is_away_for_a_moment(self, house: House, oauth: oauthserver.Server) -> None:
        oauth.answers = [(200, CODE), (503, {}), (429, {}), tokens("good", "r")]
        clock = Clock()
        assert wait(login(house).client(), clock).access == "good"
        assert clock.slept == [1, 2, 4]

    @pytest.mark.parametrize("told", [{}, {**CODE, "user_code": 5}, {**CODE, "device_code": None}])
    def test_no_code(self, house: House, oauth: oauthserver.Server, told: dict[str, Any]) -> None:
        oauth.answers = [(200, told)]
        with pytest.raises(Trouble, match="no code"):
            login(house).client().begin()

    def test_secrets_go_nowhere_else(self, house: House, oauth: oauthserver.Server) -> None:
        oauth.answers = [(302, {})]
        with pytest.raises(Trouble, match="HTTP 302"):
            login(house, client_secret="s3cret").client().begin()
        assert oauth.asked[0][1]["client_secret"] == "s3cret"
        assert len(oauth.asked) == 1


class TestKept:
    def test_a_file_for_its_owner_alone(self, house: House, oauth: oauthserver.Server) -> None:
        old = os.umask(0)
        try:
            kept = login(house).sign_in()
            kept.keep(Tokens("good", "r-1", 3600))
        finally:
            os.umask(old)
        assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
        assert stat.S_IMODE(kept.path.parent.stat().st_mode) == 0o700
        assert kept.access() == "good"
        assert oauth.asked == []

    def test_made_anew_before_it_ends_and_the_new_one_is_kept(
        self, house: House, oauth: oauthserver.Server
    ) -> None:
        login(house).sign_in().keep(Tokens("old", "r-1", 3600))
        oauth.answers = [tokens("second", "r-2"), tokens("third")]
        assert login(house, 3299).sign_in().access() == "old"
        assert login(house, 3301).sign_in().access() == "second"
        assert login(house, 9000).sign_in().access() == "third"
        assert [form["refresh_token"] for _, form in oauth.asked] == ["r-1", "r-2"]
        assert login(house, 9001).sign_in().access() == "third"

    def test_over(self, house: House, oauth: oauthserver.Server) -> None:
        """Told with what to do; and the provider is not asked again and again."""
        login(house).sign_in().keep(Tokens("old", "r-1", 10))
        oauth.answers = [error("invalid_grant", "AADSTS700082: expired due to inactivity.")]
        for _ in range(3):
            with pytest.raises(NotSignedIn) as caught:
                login(house, 1e6).sign_in().access()
            assert "AADSTS700082" in str(caught.value)
            assert "sign in again: todoku mailbox sign-in desk" in str(caught.value)
            assert pause(caught.value, 3600) == 60
        assert len(oauth.asked) == 1
        login(house).sign_in().keep(Tokens("new", "r-2", 3600))
        assert login(house).sign_in().access() == "new"

    def test_away_is_not_over(self, house: House, oauth: oauthserver.Server) -> None:
        login(house).sign_in().keep(Tokens("old", "r-1", 10))
        oauth.answers = [(503, {}), tokens("new")]
        with pytest.raises(Trouble, match="HTTP 503") as caught:
            login(house, 1e6).sign_in().access()
        assert not isinstance(caught.value, NotSignedIn)
        assert login(house, 1e6).sign_in().access() == "new"

    def test_never_and_of_other_settings(self, house: House) -> None:
        with pytest.raises(NotSignedIn, match="nobody has signed in yet"):
            login(house).sign_in().access()
        login(house).sign_in().keep(Tokens("old", "r-1", 3600))
        with pytest.raises(NotSignedIn, match="of other settings"):
            login(house, client_id="app-2").sign_in().access()
        path = login(house).sign_in().path
        path.write_text("{}")
        with pytest.raises(Trouble, match="cannot use the sign-in file"):
            login(house).sign_in().access()

    def test_without_a_refresh_token(self, house: House) -> None:
        with pytest.raises(NotSignedIn, match="no refresh token"):
            login(house).sign_in().keep(Tokens("a", None, 3600))

    def test_secrets_are_not_shown(self, house: House) -> None:
        from todoku.serve.mailboxes.signed import Kept

        kept = Kept(sign_in="test", client_id="a", user="u", refresh="s3cret", access="s3cret")
        assert "s3cret" not in repr(kept)
        assert "s3cret" not in repr(login(house, client_secret="s3cret").box)


class TestXoauth2:
    def test_a_mailbox_is_read(self, house: House) -> None:
        login(house, 4e9).sign_in().keep(Tokens("good", "r-1", 1e7))
        assert house.take(**GIVEN) == 1
        assert house.kept() == [mail(1)]

    def test_a_token_that_is_turned_away_is_made_anew_once(
        self, house: House, oauth: oauthserver.Server
    ) -> None:
        login(house, 4e9).sign_in().keep(Tokens("revoked", "r-1", 1e7))
        oauth.answers = [tokens("good")]
        assert house.take(**GIVEN) == 1
        oauth.answers = [tokens("also bad")]
        login(house, 4e9).sign_in().keep(Tokens("revoked", "r-1", 1e7))
        with pytest.raises(LoginRefused) as caught:
            house.take(**GIVEN)
        assert "refuses the login of desk@hoge.test ([AUTHENTICATIONFAILED] not you)" in str(
            caught.value
        )
        assert "IMAP is enabled" in str(caught.value)

    def test_a_server_without_it(self, house: House) -> None:
        house.server.capabilities = "IMAP4rev1 AUTH=PLAIN"
        login(house, 4e9).sign_in().keep(Tokens("good", "r-1", 1e7))
        with pytest.raises(Trouble, match="no XOAUTH2"):
            house.take(**GIVEN)


class TestProviders:
    def test_those_that_come_with_todoku(self) -> None:
        known = providers.all_of()
        assert set(known) == {"google", "microsoft"}
        for provider in known.values():
            assert provider.source
            assert provider.date
            assert bool(provider.device) != bool(provider.instead)
            assert set(provider.instead) in ({"ja", "en"}, set())
        microsoft = known["microsoft"]
        assert microsoft.at(microsoft.token or "", "consumers").split("/")[3] == "consumers"
        assert microsoft.at(microsoft.token or "", None).split("/")[3] == "common"

    def test_they_are_no_rules(self, house: House) -> None:
        assert knowledge.knowledge(house.folder / "knowledge") is not None

    def test_unknown_or_of_no_use(self, house: House) -> None:
        with pytest.raises(NotSignedIn, match="There are: google, microsoft, test"):
            login(house, sign_in="yahoo").client()
        with pytest.raises(NotSignedIn, match="app password") as caught:
            login(house, sign_in="google").client()
        assert "アプリ パスワード" in caught.value.text("ja")

    def test_not_in_plain_text(self, house: House) -> None:
        path = house.folder / "knowledge" / "sign-in" / "bad.toml"
        path.write_text('schema = 1\nid = "bad"\nname = "x"\ndevice = "http://login.example/"\n')
        with pytest.raises(NotSignedIn, match="must begin with https"):
            login(house).client()


class TestCommand:
    @staticmethod
    def run(house: House, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "todoku", "--lang", "en", "mailbox", *words, "--config",
             str(house.folder / "todoku.toml")],
            capture_output=True, text=True, check=False, timeout=60,
            env={"PATH": os.environ["PATH"], "HOME": str(house.folder), "LC_ALL": "C",
                 "TODOKU_CACHE": os.environ["TODOKU_CACHE"]},
        )  # fmt: skip

    def test_sign_in_then_fetch(self, house: House, oauth: oauthserver.Server) -> None:
        house.settings(**GIVEN)
        oauth.answers = [(200, CODE), error("authorization_pending"), tokens("good", "s3cret")]
        done = self.run(house, "sign-in", "desk")
        assert done.returncode == 0, done.stderr
        assert "open https://login.test/device in a browser, type the code ABCD-EFGH" in done.stdout
        assert "logged in to the mailbox desk. Its folders: INBOX" in done.stdout
        assert "s3cret" not in done.stdout + done.stderr
        done = self.run(house, "fetch")
        assert (done.returncode, done.stdout) == (0, "desk: 1 taken in.\n"), done.stderr
        assert house.kept() == [mail(1)]
        done = self.run(house, "list", "--json")
        (line,) = done.stdout.splitlines()
        jsonschema.validate(json.loads(line), json.loads(SCHEMA.read_text()))
        assert json.loads(line)["taken"] == 1
        assert "taken in up to UID 1" in self.run(house, "list").stdout

    def test_what_cannot_be(self, house: House, oauth: oauthserver.Server) -> None:
        house.settings(**GIVEN)
        done = self.run(house, "fetch")
        assert done.returncode == 77
        assert "nobody has signed in yet" in done.stderr
        oauth.answers = [(200, CODE), error("access_denied")]
        done = self.run(house, "sign-in", "desk")
        assert done.returncode == 77
        assert "declined" in done.stderr
        assert self.run(house, "sign-in", "other").returncode == 64
        house.settings()
        done = self.run(house, "sign-in", "desk")
        assert (done.returncode, "by password" in done.stderr) == (64, True)
        (house.folder / "todoku.toml").write_text("")
        assert self.run(house, "list").returncode == 78


def test_the_user_is_who_logs_in(house: House) -> None:
    assert house.settings(**GIVEN).mailboxes[0].user == USER
