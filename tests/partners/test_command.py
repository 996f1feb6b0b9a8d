"""`todoku partners` and `todoku forecast` as a person and as a program meet them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from tests.partners.worlds import DAY, NOW, OURS, ZEN, listed, sent
from todoku import cli
from todoku.lists import history
from todoku.lists.kept import Kept as Checked
from todoku.model import Finding, Subject

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"
T = NOW - 20 * DAY


def log() -> list[str]:
    """Four customers of one gateway refuse for three days; two others take mail meanwhile."""
    out = []
    for hour in range(0, 19 * 24, 6):
        at = T + hour * 3_600
        for n in range(4):
            host = "eu-smtp-inbound-1.mimecast.com"
            bad = 120 <= hour < 192
            out.append((listed if bad else sent)(at + n, f"m{n}.example", host=host))
        out += [sent(at + 10 + n, f"q{n}.example") for n in range(2)]
    return out


class Home:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "mail.log"
        self.log.write_text("\n".join(log()) + "\n")
        (folder / "t.toml").write_text(f'[own]\naddresses = ["{OURS}"]\n')
        self.data = folder / "data"

    def __call__(self, *words: object, stdin: bytes = b"", lang: str = "en") -> Result:
        return CliRunner().invoke(
            cli.main,
            [*map(str, words), "--data", str(self.data), "--config", str(self.folder / "t.toml"), "--lang", lang],
            input=stdin,
        )  # fmt: skip


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def valid(name: str, line: str) -> Any:
    told = json.loads(line)
    jsonschema.Draft202012Validator(
        json.loads((REFERENCE / f"{name}.schema.json").read_text())
    ).validate(told)
    return told


def test_a_log_counts_once_whatever_it_is_called(home: Home) -> None:
    done = home("partners", "learn", home.log, "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    told = valid("partners-learned", done.stdout)
    assert (told["deliveries"], told["partners"], told["named"]) == (len(log()), 6, 4)
    rotated = home.folder / "mail.log.1"
    home.log.rename(rotated)
    more = "\n".join(sent(NOW - DAY + n, "q0.example") for n in range(3)) + "\n"
    with rotated.open("a") as file:
        file.write(more)
    told = valid("partners-learned", home("partners", "learn", rotated, "--json").stdout)
    assert told["deliveries"] == 3
    again = home("partners", "learn", home.folder, "--lang", "ja")
    assert again.exit_code == 1  # the settings beside it are no log
    told = valid("partners-learned", home("partners", "learn", "-", "--json", stdin=rotated.read_bytes()).stdout)  # fmt: skip
    assert told["deliveries"] == 0


def test_options_may_stand_anywhere(home: Home) -> None:
    assert home("partners", "--quiet", "learn", home.log).exit_code == 0
    plain = home("partners", "m0.example").stdout
    data, config = ["--data", str(home.data)], ["--config", str(home.folder / "t.toml")]
    for words in (["m0.example", *data, *config], [*config, "m0.example", *data], [*data, *config, "show", "m0.example"]):  # fmt: skip
        assert CliRunner().invoke(cli.main, ["--lang", "en", "partners", *words]).stdout == plain
    learned = CliRunner().invoke(cli.main, ["partners", *data, *config, "learn", str(home.log)])
    assert learned.exit_code == 0


def test_json_and_csv(home: Home) -> None:
    home("partners", "learn", home.log)
    lines = home("partners", "--json").stdout.splitlines()
    told = [valid("partners", line) for line in lines]
    assert len(told) == 6
    (m0,) = [t for t in told if t["domain"] == "m0.example"]
    assert m0["gateway"] == "mimecast" and m0["lists"][0]["state"] == "proven"
    assert "zen.spamhaus.org" in m0["lists"][0]["words"] and "taro" not in m0["lists"][0]["words"]
    (q0,) = [t for t in told if t["domain"] == "q0.example"]
    assert [h["state"] for h in q0["lists"]] == ["accepts"]
    assert valid("partners", home("partners", "m0.example", "--json").stdout) == m0
    rows = home("partners", "--csv").stdout.splitlines()
    assert len(rows) == 1 + 6
    cost = valid("forecast", home("forecast", "--list", ZEN, "--json").stdout)
    assert cost["list"] == "spamhaus-zen" and cost["parts"][0]["partners"] == 4
    assert cost["low"] <= cost["refused_a_day"] <= cost["high"]
    of_one = valid("forecast", home("forecast", "--list", ZEN, "--identity", OURS, "--json").stdout)
    assert of_one["mails_a_day"] == pytest.approx(cost["mails_a_day"])


def test_which_listings_matter(home: Home) -> None:
    home("partners", "learn", home.log)
    for words in (("forecast",), ("forecast", "--json")):  # not known, which is not "none"
        never = home(*words)
        assert (
            never.exit_code == 1
            and not never.stdout
            and "no address was ever checked" in never.stderr
        )
    with Checked.open(home.data) as kept:
        found = [
            Finding(
                identity=Subject("ip", OURS), list=list_, zone=list_, role="block", state="listed",
                codes=("127.0.0.2",), asked="x", at=history.rfc3339(NOW),
            )
            for list_ in ("psbl", "spamhaus-zen")
        ]  # fmt: skip
        kept.record(found, NOW)
    lines = home("forecast", "--json").stdout.splitlines()
    told = [valid("forecast", line) for line in lines]
    assert [t["list"] for t in told] == ["spamhaus-zen", "psbl"]
    assert told[0]["since"] == history.rfc3339(NOW) and told[1]["refused_a_day"] is None
    for lang in ("ja", "en"):
        shown = home("forecast", lang=lang).stdout
        assert shown.index("ZEN") < shown.index("PSBL") and OURS in shown


def test_what_was_piped_in_counts_once(home: Home) -> None:
    log = home.log.read_bytes()
    one = json.loads(home("partners", "learn", "-", home.log, "--json", stdin=log).stdout)
    assert one["deliveries"] == len(log.splitlines())
    for paths in ((home.log, "-"), ("-", home.log)):
        again = json.loads(home("partners", "learn", *paths, "--json", stdin=log).stdout)
        assert (again["deliveries"], again["failed"]) == (0, False)


def test_hosts_share(home: Home, tmp_path: Path) -> None:
    home("partners", "learn", home.log)
    export = home.folder / "x.jsonl"
    export.write_text(home("partners", "export").stdout)
    assert "taro" not in export.read_text()
    (tmp_path / "other").mkdir()
    other = Home(tmp_path / "other")
    assert other("partners", "import", export).exit_code == 0
    assert other("partners", "--json").stdout == home("partners", "--json").stdout
    assert "0 of them new" in other("partners", "import", "-", stdin=export.read_bytes()).stdout
    assert other("partners", "forget").exit_code == 64
    assert other("partners", "forget", "--yes").exit_code == 0
    assert other("partners").exit_code == 1


@pytest.mark.parametrize("lang", ["ja", "en"])
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["partners"], 1, "todoku partners learn"),
        (["partners", "x.example"], 1, "todoku partners learn"),
        (["forecast", "--list", "spamcop"], 1, "todoku partners learn"),
        (["partners", "learn"], 64, "[mail] log"),
        (["partners", "learn", "/nonexistent"], 2, "/nonexistent"),
        (["partners", "import", "/nonexistent"], 74, "/nonexistent"),
        (["partners", "export"], 1, "todoku partners learn"),
        (["partners", "x.example", "--html", "y"], 64, "--html"),
    ],
)
def test_what_cannot_be_done_is_said(
    home: Home, words: list[str], code: int, said: str, lang: str
) -> None:
    done = home(*words, lang=lang)
    assert done.exit_code == code, done.output
    assert said in done.stderr and done.stdout == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["forecast", "--list", "no-such-list"], "no-such-list"),
        (["forecast", "--list", "spamcop", "--identity", "me"], "--identity"),
        (["forecast", "--list", "spamcop", "--identity", "192.0.2.77"], OURS),
        (["partners", "m9.example"], "m3.example"),
    ],
)
def test_wrong_names(home: Home, words: list[str], said: str) -> None:
    home("partners", "learn", home.log)
    done = home(*words)
    assert done.exit_code in {1, 64} and said in done.stderr


def test_ways_are_not_mixed(home: Home) -> None:
    home("logs", "--store", home.log)
    done = home("partners", "learn", "--json")
    assert valid("partners-learned", done.stdout)["deliveries"] == len(log()), done.stderr
    stored = home("partners", "--json").stdout
    done = home("partners", "learn", home.log)
    assert done.exit_code == 64 and "twice" in done.stderr
    assert valid("partners-learned", home("partners", "learn", "--json").stdout)["deliveries"] == 0
    home("partners", "forget", "--yes")
    home("partners", "learn", home.log)
    assert [json.loads(x) for x in home("partners", "--json").stdout.splitlines()] == [
        json.loads(x) for x in stored.splitlines()
    ]
    done = home("partners", "learn")
    assert done.exit_code == 64 and "forget" in done.stderr


@pytest.mark.slow
def test_a_day_that_grows_while_it_is_stored(home: Home, tmp_path: Path) -> None:
    """Stored and learned hour by hour, its small parts put together meanwhile: as if learned at once."""
    begin = time.time() - 1.5 * DAY
    lines = [
        (listed if n % 7 == 3 else sent)(begin + n * 900, f"p{n % 5}.example") for n in range(100)
    ]
    for n in range(0, 100, 10):
        home.log.write_text("\n".join(lines[: n + 10]) + "\n")
        assert home("logs", "--store", home.log).exit_code == 0
        if n % 30:
            assert home("partners", "learn").exit_code == 0
    assert home("partners", "learn").exit_code == 0
    (tmp_path / "other").mkdir()
    other = Home(tmp_path / "other")
    assert other("partners", "learn", home.log).exit_code == 0
    for a, b in zip(
        home("partners", "--json").stdout.splitlines(), other("partners", "--json").stdout.splitlines(), strict=True
    ):  # fmt: skip
        one, two = json.loads(a), json.loads(b)
        assert (one["domain"], one["mails"], one["refused"]) == (two["domain"], two["mails"], two["refused"])  # fmt: skip
        assert [h["named"] for h in one["lists"]] == [h["named"] for h in two["lists"]]


def test_looking_imports_nothing_heavy(home: Home) -> None:
    home("partners", "learn", home.log)
    code = (
        "import sys, atexit; atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))\n"
        "from todoku.cli import main\n"
        f"main(['forecast', '--list', 'spamcop', '--data', {str(home.data)!r}])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    heavy = {"sqlalchemy", "pyarrow", "duckdb", "asyncio", "email", "todoku.logs.reader", "socket"}
    assert not heavy & set(done.stderr.split())


@pytest.mark.parametrize("lang", ["ja", "en"])
def test_the_mx_is_asked_on_request_alone(
    home: Home, monkeypatch: pytest.MonkeyPatch, lang: str
) -> None:
    from todoku.serve import exchangers as dns

    asked: list[str] = []
    answer: list[dns.Exchanger] | None = [dns.Exchanger("mx1-us1.ppe-hosted.com", "192.0.2.9")]

    def ask(domain: str, _resolver: object) -> list[dns.Exchanger]:
        asked.append(domain)
        if answer is None:
            raise dns.NoAnswer
        return answer

    monkeypatch.setattr(dns, "exchangers", ask)
    home("partners", "learn", home.log)
    plain = home("partners", "m0.example", lang=lang).stdout
    assert asked == []
    told = home("partners", "m0.example", "--mx", lang=lang).stdout
    assert asked == ["m0.example"]
    assert "mx1-us1.ppe-hosted.com" in told and "Proofpoint" in told and "MX" not in plain
    row = valid("partners", home("partners", "m0.example", "--mx", "--json").stdout)
    assert row["mx"] == ["mx1-us1.ppe-hosted.com"] and row["mx_gateway"] == "proofpoint"
    answer = None
    done = home("partners", "m0.example", "--mx", lang=lang)
    assert done.stdout == plain and "m0.example" in done.stderr
    assert home("partners", "--mx", lang=lang).exit_code == 64
