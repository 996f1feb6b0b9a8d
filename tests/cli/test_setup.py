"""The cheap look for settings agrees with `todoku.settings`, which does the reading."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from todoku import settings
from todoku.cli import main
from todoku.cli.setup import configuration, has_settings, read


@pytest.mark.parametrize(
    "environ",
    [
        {"HOME": "/home/sato"},
        {"HOME": "/home/sato", "XDG_CONFIG_HOME": "/etc/xdg"},
        {"HOME": "/home/sato", "XDG_CONFIG_HOME": "relative"},
        {"HOME": "/home/sato", "XDG_CONFIG_HOME": ""},
    ],
)
def test_the_same_place(environ: dict[str, str]) -> None:
    assert configuration(environ) / settings.FILE_NAME == settings.config_file(None, environ)


def test_every_variable_of_the_settings_is_seen(tmp_path: Path) -> None:
    bare = {"HOME": str(tmp_path)}
    assert not has_settings(None, bare)
    assert not has_settings(None, {**bare, "TODOKU_PURE": "1", "TODOKU_CACHE": "x"})
    for row in settings.SETTINGS:
        assert has_settings(None, {**bare, row.variable: "x"})
    assert has_settings(None, {**bare, "TODOKU_CONFIG": "x"})
    assert has_settings(Path("x"), bare)


def test_what_is_ours_and_the_folder_of_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environ = {"HOME": str(tmp_path)}
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.delenv("TODOKU_GENERAL_LANGUAGE", raising=False)

    def got() -> tuple[object, ...]:
        return tuple(read(click.Context(main), None, environ))

    assert got() == ("en", None, None)
    rules = tmp_path / ".config" / "todoku" / "knowledge"
    rules.mkdir(parents=True)
    assert got() == ("en", None, rules)
    (rules.parent / "todoku.toml").write_text('[own]\naddresses = ["192.0.2.1"]\n')
    own = settings.Own(addresses=("192.0.2.1",))
    assert got() == ("en", own, rules)
    (rules.parent / "todoku.toml").write_text('[general]\nlanguage = "ja"\n')
    assert got() == ("ja", None, rules)
