"""`todoku logs --by-cost`, `todoku case list --by-cost`: first what costs most mail of one's own, and how much."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from tests.logs.test_warning import END, RP001, TSS04, line
from tests.partners.test_command import REFERENCE
from tests.partners.test_model import NO, NOW, YES, partner, world
from todoku import cli
from todoku.partners import costs
from todoku.partners.keeping import Kept
from todoku.partners.summary import view
from todoku.partners.values import Evidence, Mail, MailKey

OURS = "192.0.2.1"


class Home:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "mail.log"
        told = [line(END - 900 * n, n, TSS04 if n % 2 else RP001) for n in range(9, 0, -1)]
        self.log.write_text("\n".join(told) + "\n")
        (folder / "t.toml").write_text(
            f'[own]\naddresses = ["{OURS}"]\n[mail]\nsender = "postmaster@ours.example"\n'
        )

    def __call__(self, *words: object, lang: str = "en", stdin: str = "") -> Result:
        where = ["--data", str(self.folder / "data"), "--config", str(self.folder / "t.toml")]
        return CliRunner().invoke(cli.main, [*map(str, words), *where, "--lang", lang], input=stdin)

    def learn(self) -> None:
        e = world()
        partner(e, "big.example", "yahoo", mails=700)
        partner(e, "small.example", "microsoft-consumer")
        partner(e, "alone.example", "mx.alone.example.", mails=7_000)
        with Kept.open(self.folder / "data") as kept, kept.learning() as step:
            step.add(e)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setenv("COLUMNS", "400")
    return Home(tmp_path)


@pytest.mark.parametrize(
    ("lang", "known", "unknown"),
    [
        ("en", "A block would stop 100 of your mails a day, to 1 partner.", "is not known: todoku partners knows none"),
        ("ja", "遮断されると 1 日 100 通（取引先 1 件）が止まります。", "何通止まるかは分かりません"),
    ],
)  # fmt: skip
def test_warnings(home: Home, lang: str, known: str, unknown: str) -> None:
    plain = home("logs", home.log, lang=lang)
    assert known not in plain.stdout and unknown not in plain.stdout
    nothing = home("logs", home.log, "--by-cost", lang=lang)
    assert "todoku partners learn" in nothing.stderr and nothing.exit_code == 0
    assert "".join(nothing.stdout.split()).count("".join(unknown.split())) == 2
    home.learn()
    page = home.folder / "page.html"
    told = home("logs", home.log, "--by-cost", "--html", page, lang=lang).stdout
    assert "".join(known.split()) in "".join(told.split())
    assert told.index("Yahoo") < told.index("Outlook.com")
    assert known in page.read_text()


def test_warnings_for_programs(home: Home) -> None:
    schema = json.loads((REFERENCE / "logs-warning.schema.json").read_text())

    def lines(*words: str) -> list[dict[str, object]]:
        told = [json.loads(x) for x in home("logs", home.log, "--json", *words).stdout.splitlines()]
        found = [x for x in told if x["kind"] == "warning"]
        for x in found:
            jsonschema.validate(x, schema)
        return found

    assert not any("mails_a_day" in x for x in lines())
    assert [(x["mails_a_day"], x["partners"]) for x in lines("--by-cost")] == [(None, None)] * 2
    home.learn()
    first, second = lines("--by-cost")
    assert first["receiver"] == "yahoo" and first["partners"] == 1
    assert first["mails_a_day"] == pytest.approx(100, rel=0.05)
    assert second["receiver"] == "microsoft-consumer"
    assert second["mails_a_day"] == pytest.approx(10, rel=0.05)


ZEN = "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org"
SC001 = "550 SC-001 (BAY004-MC3F26) Unfortunately, messages from 192.0.2.1 weren't sent."


@pytest.mark.parametrize(
    ("lang", "unknown"), [("en", "(cost not known)"), ("ja", "（何通止まるかは不明）")]
)
def test_cases(home: Home, lang: str, unknown: str) -> None:
    for reply in (ZEN, SC001, "550 5.7.1 192.0.2.1 is listed at bl.spamcop.net"):
        assert home("case", "open", "--refusal", "-", stdin=reply).exit_code == 0
    plain = home("case", "list", lang=lang).stdout.splitlines()
    nothing = home("case", "list", "--by-cost", lang=lang)
    assert "todoku partners learn" in nothing.stderr
    assert nothing.stdout.splitlines() == [f"{row}  {unknown}" for row in plain]
    home.learn()
    found = home("case", "list", "--by-cost", lang=lang).stdout.splitlines()
    figures = ["ZEN", "Outlook", "SpamCop"]
    assert [next(w for w in figures if w in row) for row in found] == figures
    assert found[2].endswith(unknown) and "10.0" in found[1]
    schema = json.loads((REFERENCE / "case-cost.schema.json").read_text())
    told = [json.loads(x) for x in home("case", "list", "--by-cost", "--json").stdout.splitlines()]
    cost = [x for x in told if x.get("kind") == "case-cost"]
    for x in cost:
        jsonschema.validate(x, schema)
    assert [x["case"] for x in cost] == list(dict.fromkeys(x["case"] for x in told))
    forecast = json.loads(home("forecast", "--list", "spamhaus-zen", "--json").stdout)
    assert cost[0]["partners"] == 4
    assert cost[0]["mails_a_day"] == pytest.approx(forecast["refused_a_day"], abs=0.001)
    assert (cost[2]["mails_a_day"], cost[2]["partners"]) == (None, None)


def test_what_mail_is_meant() -> None:
    e = world()
    e.mail[MailKey("m0.example", "mimecast", OURS, 2_960)] = Mail(70, 0)
    v = view(e)
    all_ = costs.of_mail(v.summary, "mimecast")
    assert all_ is not None and all_.partners == 5
    ours = costs.of_mail(v.summary, "mimecast", [OURS])
    assert ours is not None and 0 < ours.mails_a_day < 0.2 * all_.mails_a_day
    # of a further identity it is not known which mail left from it: then all of it counts
    assert costs.of_mail(v.summary, "mimecast", [OURS, "192.0.2.9"]) == all_
    one, hosts = (
        costs.of_mail(v.summary, "alone.example"),
        costs.of_mail(v.summary, "mx.alone.example"),
    )
    assert one == hosts and one is not None and one.partners == 1
    assert costs.of_mail(v.summary, "nobody.example") is None
    assert costs.of_list(v, "psbl", {}, NOW) is None
    e = Evidence()
    for n in range(4):
        partner(e, f"m{n}.example", "mimecast", use=YES if n else NO, list_="spamcop" if n else "x")
    told = costs.of_list(view(e), "spamcop", {}, NOW)
    assert told is not None and told.partners == 3
