"""`todoku preflight` as its user calls it: the real command, watched so that it stays on this machine."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest

from tests.lists import guard
from tests.lists.command import assert_harmless
from tests.preflight.test_silence import silent
from tests.preflight.world import HOST, NEW, OLD, good, reverse, serving, write_lists
from todoku.lab.zones import a, ptr, txt
from todoku.lists import wire
from todoku.lists.values import Server

SCHEMA = Path(__file__).parents[2] / "docs" / "reference" / "preflight.schema.json"


class Done(NamedTuple):
    code: int
    out: str
    err: str
    took: float

    @property
    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.out)
        jsonschema.Draft202012Validator(json.loads(SCHEMA.read_text())).validate(report)
        for check in report["checks"]:
            assert (check["cause"] is not None) == (check["state"] == "unknown")
        return report


class Command:
    def __init__(self, folder: Path, knowledge: Path) -> None:
        """`knowledge`: a folder of lists, as `write_lists` leaves it."""
        hook = folder / "hook"
        hook.mkdir()
        shutil.copy(guard.__file__, hook / "sitecustomize.py")
        self.outside = folder / "outside"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder / "home"),
            "LC_ALL": "C.UTF-8",
            "PYTHONPATH": os.pathsep.join([str(hook), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]),
            guard.REPORT: str(self.outside),
            "TODOKU_GENERAL_DATA": str(folder / "data"),
            "TODOKU_CACHE": os.environ["TODOKU_CACHE"],
            "TODOKU_KNOWLEDGE_OVERLAY": str(knowledge),
        }  # fmt: skip

    def __call__(self, *words: str) -> Done:
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-m", "todoku", "preflight", *words],
            env=self.environment, capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        out, err = done.stdout.decode(), done.stderr.decode()
        assert "Traceback" not in err, err
        assert not self.outside.exists(), self.outside.read_text()
        assert_harmless(out)
        assert_harmless(err)
        return Done(done.returncode, out, err, time.monotonic() - began)


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lists(tmp_path_factory.mktemp("knowledge"))


@pytest.fixture
def preflight(tmp_path: Path, lists: Path) -> Command:
    return Command(tmp_path, lists)


def words(server: Server, *more: str) -> list[str]:
    return [
        "--ip", NEW, "--domain", "ours.jp", "--domain", "second.jp", "--helo", HOST,
        "--selector", "s1", "--resolver", str(server), "--list", "pf-abuse", "--list", "pf-names",
        *more,
    ]  # fmt: skip


def test_a_good_server(preflight: Command) -> None:
    with serving(good()) as server:
        preflight(*words(server))  # the knowledge is compiled once
        done = preflight(*words(server, "--old", OLD, "--json"))
    report = done.report
    assert (done.code, report["verdict"]) == (1, "go-with-care")
    assert done.took < 3.0
    assert report["letter"] is None
    assert report["subject"] == {
        "ip": NEW, "old": OLD, "domains": ["ours.jp", "second.jp"], "helo": HOST, "selectors": ["s1"],
        "written": {},
    }  # fmt: skip
    assert report["compared_with"]["ip"] == OLD
    assert {c["id"] for c in report["compared_with"]["checks"]} == {"lists", "policy-lists", "ptr"}
    assert all(c["state"] == "ok" for c in report["compared_with"]["checks"])
    # Nothing is to be changed but to move, wait, and take the old address out.
    steps = [(s["name"], s["wait"]) for s in report["plan"]["dns"]]
    assert steps == [(None, 0), (None, 432000), ("ours.jp", 0), ("second.jp", 0)]


def test_an_address_with_a_past(preflight: Command) -> None:
    zones = good()
    zones.lists["pf-abuse.test"].add(NEW, code="127.0.0.2")
    zones.drop(reverse(NEW))
    zones.drop("ours.jp", wire.TXT)
    zones.add("ours.jp", txt(f"v=spf1 ip4:{OLD} -all"))
    with serving(zones) as server:
        done = preflight(*words(server, "--old", OLD, "--json", "--lang", "ja"))
        screen = preflight(*words(server, "--old", OLD, "--lang", "ja"))
        english = preflight(*words(server, "--lang", "en"))
    report = done.report
    assert (done.code, report["verdict"]) == (2, "no-go")
    letter = report["letter"]
    assert letter.startswith(f"件名: IP アドレス {NEW} の交換のお願い")
    assert "pf-abuse: 迷惑メールの送信元 (127.0.0.2) https://list.example/remove" in letter
    texts = [s["text"] for s in report["plan"]["dns"]]
    assert texts[0] == f"アドレスの提供元に依頼し、{NEW} の逆引きを {HOST} にする"
    assert texts[1] == f"ours.jp の SPF に ip4:{NEW} を加える（今のアドレスは残す）"
    assert screen.code == english.code == 2
    assert f"{NEW} からはまだ送らないでください。" in screen.out
    assert f"No go: do not send from {NEW} yet." in english.out
    assert f"Subject: Please exchange the IP address {NEW}" in english.out
    # The verdict stands behind the checks.
    assert screen.out.index("ブロックリスト（悪用）") < screen.out.index("── 判定 ")


def test_the_ttl_of_what_changes(preflight: Command) -> None:
    zones = good()
    zones.drop(HOST)
    zones.add(HOST, a("203.0.116.1"))
    with serving(zones) as server:
        report = preflight(*words(server, "--json")).report
    steps = [(s["name"], s["type"]) for s in report["plan"]["dns"]]
    # The lab's TTL is short already; nothing is to be lowered.
    assert steps == [(HOST, "A"), (HOST, "PTR"), (None, None)]
    helo = next(c for c in report["checks"] if c["id"] == "helo")
    asked = next(e for e in helo["evidence"] if e["type"] == "A")
    assert asked == {
        "name": HOST, "type": "A", "outcome": "found", "records": ["203.0.116.1"], "ttl": 60, "why": None,
        "secure": False,
    }  # fmt: skip


def test_a_resolver_that_never_answers(preflight: Command) -> None:
    with serving(good()) as server:
        preflight(*words(server, "--quiet"))
    with silent() as server:
        done = preflight(*words(server, "--deadline", "2"))
        as_json = preflight(*words(server, "--deadline", "2", "--json"))
    assert done.code == as_json.code == 3
    assert done.took < 5.0
    assert f"Not known whether {NEW} may send" in done.out
    assert {c["state"] for c in as_json.report["checks"]} == {"unknown"}


def test_whoever_stops_is_not_kept_waiting(preflight: Command) -> None:
    with serving(good()) as server:
        preflight(*words(server, "--quiet"))
    with silent() as server:
        command = [sys.executable, "-m", "todoku", "preflight", *words(server, "--deadline", "60")]
        process = subprocess.Popen(
            command, env=preflight.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert process.stdout is not None
        assert process.stdout.readline()  # it has begun
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=10)
    assert process.returncode == 130, err


def test_what_strangers_write_is_harmless(preflight: Command) -> None:
    """`Command` holds every output against what acts on a terminal or hides."""
    zones = good()
    evil = "\x1b[31m\x07\u202egpj.exe\u200b"
    zones.drop("ours.jp", wire.TXT)
    zones.add("ours.jp", txt(f"v=spf1 {evil} -all"))
    zones.drop("_dmarc.ours.jp")
    zones.add("_dmarc.ours.jp", txt(f"v=DMARC1; p={evil}"))
    zones.add("_mta-sts.ours.jp", txt(f"v=STSv1; id={evil}"))
    zones.add("_smtp._tls.ours.jp", txt(f"v=TLSRPTv1; rua=mailto:{evil}"))
    zones.drop(reverse(NEW))
    zones.add(reverse(NEW), ptr("\x1b[2j.ours.jp"))
    with serving(zones) as server:
        for more in ((), ("--json",), ("--lang", "ja")):
            assert preflight(*words(server, *more)).code == 2


def test_quiet_says_nothing(preflight: Command, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    with serving(good()) as server:
        done = preflight(*words(server, "--quiet", "--html", str(path), "--lang", "ja"))
        lost = preflight(*words(server, "--html", str(tmp_path / "nowhere" / "report.html")))
    assert (done.code, done.out, done.err) == (1, "", "")
    assert path.read_text().startswith('<!doctype html>\n<html lang="ja">')
    assert lost.code == 74
    assert "nowhere" in lost.err


def test_what_is_left_out_is_taken_from_the_settings(preflight: Command) -> None:
    with serving(good()) as server:
        preflight.environment |= {
            "TODOKU_OWN_DOMAINS": "ours.jp", "TODOKU_OWN_HELO": HOST,
            "TODOKU_OWN_DKIM_SELECTORS": "s1", "TODOKU_DNS_RESOLVER": str(server),
        }  # fmt: skip
        report = preflight("--ip", NEW, "--list", "pf-abuse", "--json").report
    assert report["subject"]["domains"] == ["ours.jp"]
    assert report["subject"]["helo"] == HOST
    assert report["subject"]["selectors"] == ["s1"]
    assert report["resolver"] == str(server)


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (["--ip", "nothing"], "is no IP address"),
        (["--ip", "203.0.114.0/24"], "is no IP address"),
        (["--ip", "10.0.0.1"], "private"),
        (["--ip", NEW, "--old", NEW], "are the same address"),
        (["--ip", NEW, "--domain", NEW], "is no domain"),
        (["--ip", NEW, "--selector", "a b"], "--selector"),
        (["--ip", NEW, "--resolver", "dns.example"], "--resolver"),
        (["--ip", NEW, "--list", "no-such-list-at-all"], "no-such-list-at-all"),
        (["--ip", NEW, "--probe"], "--from-host"),
        (["--ip", NEW, "--helo", "mx1 x"], "--helo"),
        (["--ip", NEW, "--partner", "a b"], "--partner"),
    ],
)
def test_wrong_usage(preflight: Command, wrong: list[str], says: str) -> None:
    done = preflight("--domain", "ours.jp", *wrong)
    assert done.code == 64
    assert says in done.err
    assert done.out == ""


def test_without_a_domain(preflight: Command) -> None:
    done = preflight("--ip", NEW)
    assert done.code == 64
    assert "--domain" in done.err


def test_from_another_host(preflight: Command) -> None:
    """Nothing is tried from a machine that does not have the address."""
    with serving(good()) as server:
        report = preflight(*words(server, "--json", "--from-host")).report
    found = {c["id"]: (c["state"], c["cause"], c["finding"]) for c in report["checks"]}
    assert found["port-25"] == ("unknown", "not-asked", "not-here")
    assert found["starttls"] == ("unknown", "not-asked", "not-met")


def test_direct_asks_the_lists_own_servers(preflight: Command) -> None:
    """Here the lists' name servers have no address, so that they cannot be asked; the resolver
    tells all else."""
    with serving(good()) as server:
        through = preflight(*words(server, "--json")).report
        direct = preflight(*words(server, "--json", "--direct")).report
        preflight.environment["TODOKU_DNS_DIRECT"] = "true"
        named = preflight(*words(server, "--json")).report  # a resolver that is named wins
    states = [
        {c["state"] for c in report["checks"] if c["id"] in {"lists", "policy-lists"}}
        for report in (through, direct, named)
    ]
    assert states == [{"ok"}, {"unknown"}, {"ok"}]
    assert next(c for c in direct["checks"] if c["id"] == "ptr")["state"] == "ok"
    assert direct["verdict"] == "unknown"
