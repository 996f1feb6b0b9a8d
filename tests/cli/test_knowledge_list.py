"""`todoku knowledge show LIST`: all there is to tell, to a person and to a program."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.knowledge.test_lists import OWN
from todoku.cli import main
from todoku.cli.render.knowledge_list import screen
from todoku.cli.render.page import Page
from todoku.cli.render.text import width
from todoku.cli.render.words import REQUIRES
from todoku.i18n import LANGUAGES, Language
from todoku.knowledge import load
from todoku.knowledge.catalogue import Catalogue


@pytest.fixture(autouse=True)
def quiet_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


@pytest.fixture(scope="module")
def book() -> Catalogue:
    return Catalogue(load.knowledge())


def shown(book: Catalogue, name: str, lang: Language, columns: int = 10_000) -> str:
    """On a page that is wide enough for every sentence, unless told."""
    page = Page(io.BytesIO(), columns=columns)
    return "\n".join(screen(book.asked[name], book, lang, page))


def show(*words: str) -> Any:
    done = CliRunner().invoke(main, ["knowledge", "show", *words])
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize(
    ("name", "words"),
    [
        # what it lists, how it is asked, terms, key, test points and on whose word
        (
            "spamhaus-zen",
            (
                "SBL (spam sources), CSS", "in service (2026-08)", "zen.spamhaus.org",
                "blocklist · IPv4, IPv6", "asked by default", "300,000 questions a day",
                "commercial use needs an agreement", "public resolvers are turned away",
                "optional: spamhaus-dqs in [lists.keys]", "zone that takes it: zen.dq.spamhaus.net",
                "always listed: 127.0.0.2, ::FFFF:7F00:2", "assumed by RFC 5782",
                "https://check.spamhaus.org/",
                # codes: meaning, class, scope, weight, part list, way out
                "127.0.0.10           PBL: a range",
                "listing: policy · the whole range · weight 8 · spamhaus-pbl · way out: spamhaus/pbl",
                "127.255.255.254      asked through a public resolver",
                "any other            not known: neither listed nor not listed",
                "Only the network provider (ISP, hoster) may ask",
                "A CSS entry ends by itself three days",
            ),
        ),
        ("spamcop", ("any answer     listing: abuse · the address alone · weight 2", "24 hours")),
        ("uceprotect-3", ("listing: range · the whole provider (AS) · weight 1",)),
        ("dnswl", ("answered by 127.0.10.0", "good news · weight -8", "4    organisation")),
        ("barracuda", ("the asking address must be registered", "weight 7", "Telephone")),
        ("abusix", ("needed: abusix in [lists.keys]", "holds abusix-black, abusix-exploit")),
        ("senderscore", ("once you have an account and senderscore stands in [lists] add",)),
        ("uribl", ("by the registered domain: example.jp for mail.example.jp", "bit 4", "weight 3")),
        ("surbl", ("on a third party's word", "listing: abuse · weight 5")),
        ("sem-ipv6bl", ("IPv6 by /64",)),
        ("team-cymru-bogons", ("it may list reserved addresses", "a fact, no listing")),
        ("invaluement", ("cannot be asked by public DNS", "look the address up on the operator's")),
        ("spamhaus-pbl", ("part of Spamhaus ZEN (spamhaus-zen)", "only where --list names it")),
        ("cbl", ("merged into another", "now Spamhaus XBL (spamhaus-xbl)", "not asked any more")),
        ("sorbs", ("out of service (2024-06-05)", "Decommissioned by Proofpoint", "it lists nobody")),
        ("ahbl", ("lists the world since 2015-01-01", "take it out of every configuration")),
        ("nszones-bl", ("not to be trusted (2020-02)", "pirated data")),
        ("bl-deadbeef-com", ("named in public collections", "its health test decides")),
    ],
)  # fmt: skip
def test_a_person_is_told(book: Catalogue, name: str, words: tuple[str, ...]) -> None:
    text = shown(book, name, "en")
    for said in words:
        assert said in text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (
            "spamhaus-zen",
            ("既定で調べる", "掲載（方針） · 範囲全体 · 重み 8", "商用利用には契約が必要", "任意。設定 [lists.keys]"),
        ),
        ("sorbs", ("終了した（2024-06-05）", "2024-06-05 に Proofpoint が停止", "調べない")),
        ("mailspike-rep", ("応答があるだけでは掲載ではない", "良い知らせ", "参考（掲載ではない）")),
        ("s5h", ("掲載された IP アドレス自身から URL を HTTP で開く", "どの応答も")),
    ],
)  # fmt: skip
def test_in_japanese(book: Catalogue, name: str, words: tuple[str, ...]) -> None:
    text = shown(book, name, "ja")
    for said in words:
        assert said in text


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_list_has_a_screen_with_all_of_its_words(book: Catalogue, lang: Language) -> None:
    for name, entry in book.asked.items():
        text = shown(book, name, lang)
        ask = entry.ask
        told = [entry.name, *entry.zones, *entry.source]
        if ask is not None:
            sentences = [ask.became, ask.note, ask.criterion, ask.usage.note]
            if entry.zones and ask.kinds and entry.status not in {"merged", "dead", "fraudulent"}:
                sentences += [c.meaning for c in ask.codes]
                told += [c.code for c in ask.codes]
            told += [x.ja if lang == "ja" else x.en for x in sentences if x is not None]
            told += [x for x in (ask.lookup_url, ask.usage.url) if x is not None]
        for said in told:
            assert said in text, (name, said)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("columns", [40, 80])
def test_lines_stay_within_the_page(book: Catalogue, lang: Language, columns: int) -> None:
    for name in ("spamhaus-zen", "dnswl", "sorbs", "uribl", "barracuda"):
        for line in shown(book, name, lang, columns).splitlines():
            assert width(line) <= columns or "://" in line, line  # a URL stays whole


def test_by_id_name_and_zone_for_a_program() -> None:
    for name in ("spamhaus-zen", "Spamhaus ZEN", "zen.dq.spamhaus.net"):
        got = json.loads(show(name, "--json"))
        assert (got["what"], got["name"]) == ("list", "spamhaus-zen")
        codes = {c["code"]: c for c in got["list"]["ask"]["codes"]}
        assert codes["127.0.0.3"]["class"] == "abuse"
        desk = codes["127.0.0.3"]["desk"]
        assert got["desks"][desk]["expires"] == "3d"


def test_a_list_of_ones_own_is_shown(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "todoku" / "knowledge" / "lists"
    folder.mkdir(parents=True)
    (folder / "partner.toml").write_text(OWN)
    text = show("partner-bl", "--lang", "en")
    assert "sent to Partner's spam traps" in text
    assert "listing: policy" in text
    assert "postmaster@partner.example" in text
    assert "not asked by default here" in show("bl.spamcop.net", "--lang", "en")


def test_a_fault_in_a_list_of_ones_own_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "todoku" / "knowledge" / "lists"
    folder.mkdir(parents=True)
    (folder / "partner.toml").write_text(OWN.replace('["127.0.0.2"], not', '["mx"], not'))
    done = CliRunner().invoke(main, ["knowledge", "check", "--lang", "en"])
    assert done.exit_code == 1
    assert "partner.toml:12: list partner-bl: the test point 'mx' is domain" in done.stdout


def test_what_a_desk_requires_has_words(book: Catalogue) -> None:
    for name, desk in book.knowledge.desks.items():
        assert set(desk.requires) <= set(REQUIRES), name
