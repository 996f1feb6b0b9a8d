"""The settings: one TOML file, the environment, a few options. Typed, frozen, checked.

`SETTINGS` (in `table`) is the whole surface, but for `[mailbox.NAME]` (in `mailboxes`): reading, the
environment's names, the messages and the reference (docs/reference/settings.md, a test compares)
follow it. Adding a setting is a row and a field of the same name in the section's module (`sections`).

Order, the first that is set wins: an option of the command (`--data`, `--lang`), the environment
(`TODOKU_SECTION_KEY`), the file, the default.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

from todoku.settings.own import Own
from todoku.settings.problems import WORDS, Problem, SettingsError, bad_value, in_one, nearest_to
from todoku.settings.sections.asking import DNS, Lists
from todoku.settings.sections.cases import Cases, Contact, Webhooks
from todoku.settings.sections.general import General
from todoku.settings.sections.keeping import Logs, Privacy
from todoku.settings.sections.mail import Mail
from todoku.settings.sections.surroundings import Knowledge, Lab
from todoku.settings.setting import Setting
from todoku.settings.table import SETTINGS

if TYPE_CHECKING:
    from todoku.settings.mailboxes import Mailbox

__all__ = [
    "DNS",
    "SETTINGS",
    "WORDS",
    "Cases",
    "Contact",
    "General",
    "Knowledge",
    "Lab",
    "Lists",
    "Logs",
    "Mail",
    "Own",
    "Privacy",
    "Setting",
    "Settings",
    "SettingsError",
    "Webhooks",
    "check",
    "config_file",
    "find",
    "load",
]

FILE_NAME: Final = "todoku.toml"
SQLITE: Final = "sqlite:///"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What `load` gives. `file` is the file that was read, `None` where there is none."""

    general: General
    own: Own
    lists: Lists
    dns: DNS
    mail: Mail
    knowledge: Knowledge
    lab: Lab = Lab()
    contact: Contact = Contact()
    cases: Cases = Cases()
    webhooks: Webhooks = Webhooks()
    privacy: Privacy = Privacy()
    logs: Logs = Logs()
    mailboxes: tuple[Mailbox, ...] = ()
    """Those of `[mailbox.NAME]`, by name."""
    file: Path | None = None


MAILBOX: Final = "mailbox"
SECTIONS: Final = (*dict.fromkeys(setting.section for setting in SETTINGS), MAILBOX)
_BY_VARIABLE: Final = {setting.variable: setting for setting in SETTINGS}
_NOT_SETTINGS: Final = frozenset({"TODOKU_CACHE", "TODOKU_CONFIG", "TODOKU_DEBUG", "TODOKU_PURE"})

Values: TypeAlias = dict[tuple[str, str], Any]


def load(
    config: Path | None = None,
    data: Path | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """The settings of this run. Raises `SettingsError`, which names all that is wrong at once."""
    path = find(config, environ)
    problems: list[Problem] = []
    values: Values = {}
    if path is not None:
        values.update(_from_file(path, problems))
    values.update(_from_environ(environ, problems))
    if problems or (problems := _together(values)):
        raise in_one(problems)
    return _settle(values, path, config_file(config, environ).parent, data, environ)


def check(text: str, where: str = FILE_NAME) -> None:
    """Raises `SettingsError` if this text could not be a settings file."""
    problems: list[Problem] = []
    values = _from_text(text, where, problems)
    if problems or (problems := _together(values)):
        raise in_one(problems)


def config_file(config: Path | None, environ: Mapping[str, str]) -> Path:
    """Where the settings file is, or would be."""
    if config is not None:
        return config
    if named := environ.get("TODOKU_CONFIG"):
        return Path(named)
    return _xdg(environ, "XDG_CONFIG_HOME", ".config") / FILE_NAME


def find(config: Path | None, environ: Mapping[str, str]) -> Path | None:
    """The settings file, if there is one. One that was named must be there."""
    path = config_file(config, environ)
    if path.exists():
        return path
    if config is not None or environ.get("TODOKU_CONFIG"):
        by = "--config" if config is not None else "TODOKU_CONFIG"
        raise SettingsError(WORDS["no-file"], where=path, by=by)
    return None


def _xdg(environ: Mapping[str, str], variable: str, default: str) -> Path:
    """A folder of the XDG base directory specification, which ignores relative paths."""
    base = environ.get(variable, "")
    if base.startswith("/"):
        return Path(base) / "todoku"
    return Path(environ.get("HOME") or "~").expanduser() / default / "todoku"


def _from_file(path: Path, problems: list[Problem]) -> Values:
    where = str(path)
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise SettingsError(WORDS["unreadable"], where=where, why=why) from error
    except UnicodeDecodeError as error:
        raise SettingsError(WORDS["no-utf8"], where=where) from error
    return _from_text(text, where, problems)


def _from_text(text: str, where: str, problems: list[Problem]) -> Values:
    import tomllib

    try:
        sections = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problems.append((WORDS["no-toml"], {"where": where, "why": str(error)}))
        return {}
    values: Values = {}
    for section, content in sections.items():
        if section not in SECTIONS:
            nearest = nearest_to(section, SECTIONS, "[{}]")
            problems.append(
                (WORDS["unknown-section"], {"where": where, "section": section, **nearest})
            )
        elif not isinstance(content, dict):
            problems.append((WORDS["not-a-section"], {"where": where, "section": section}))
        elif section == MAILBOX:
            _take_mailboxes(values, content, where, problems)
        else:
            known = {s.key: s for s in SETTINGS if s.section == section}
            for key, value in content.items():
                _take(values, section, known, key, value, where, problems)
    return values


def _take_mailboxes(
    values: Values, content: Mapping[str, object], where: str, problems: list[Problem]
) -> None:
    from todoku.settings import mailboxes

    for name, given in content.items():
        section = f"{MAILBOX}.{name}"
        if not isinstance(given, dict):
            section = f"{MAILBOX}.NAME"
            problems.append((WORDS["not-a-section"], {"where": where, "section": section}))
        elif not mailboxes.good_name(name):
            problems.append((mailboxes.WORDS["name"], {"where": where, "name": ascii(name)}))
        else:
            for key, value in given.items():
                _take(values, section, mailboxes.BY_KEY, key, value, where, problems)


def _together(values: Values) -> list[Problem]:
    """What cannot be used of values that are good each by itself."""
    if not any(section.startswith(f"{MAILBOX}.") for section, _ in values):
        return []
    from todoku.settings import mailboxes

    return list(mailboxes.problems(values))


def _take(
    values: Values,
    section: str,
    known: Mapping[str, Setting],
    key: str,
    value: object,
    where: str,
    problems: list[Problem],
) -> None:
    setting = known.get(key)
    if setting is None:
        nearest = nearest_to(key, known)
        problems.append(
            (WORDS["unknown-key"], {"where": where, "section": section, "key": key, **nearest})
        )
        return
    try:
        values[section, key] = setting.parse(value)
    except ValueError as error:
        problems.append(bad_value(setting, where, f"[{section}] {key}", str(error)))


def _from_environ(environ: Mapping[str, str], problems: list[Problem]) -> Values:
    values: Values = {}
    for variable, text in sorted(environ.items()):
        if not variable.startswith("TODOKU_") or variable in _NOT_SETTINGS:
            continue
        section, setting = _of_variable(variable)
        if setting is None:
            # Other programs may use the prefix: only what looks like one of ours is an error.
            ours_by_section = variable.split("_")[1].lower() in SECTIONS
            import difflib

            close = difflib.get_close_matches(variable, _BY_VARIABLE, cutoff=0.85)
            if ours_by_section or close:
                nearest = nearest_to(variable, _variables(variable))
                problems.append((WORDS["unknown-variable"], {"key": variable, **nearest}))
        elif text.strip():
            try:
                values[section, setting.key] = setting.from_text(text.strip())
            except ValueError as error:
                sentence = {"ja": "環境変数", "en": "environment variable"}
                problems.append(bad_value(setting, sentence, variable, str(error)))
    return values


def _of_variable(variable: str) -> tuple[str, Setting | None]:
    """The section and the setting that it names."""
    if variable.startswith(f"TODOKU_{MAILBOX.upper()}_"):
        from todoku.settings import mailboxes

        found = mailboxes.of_variable(variable)
        return ("", None) if found is None else (f"{MAILBOX}.{found[0]}", found[1])
    setting = _BY_VARIABLE.get(variable)
    return ("", None) if setting is None else (setting.section, setting)


def _variables(variable: str) -> list[str]:
    """Those that a mistyped one may have meant."""
    if not variable.startswith(f"TODOKU_{MAILBOX.upper()}_"):
        return list(_BY_VARIABLE)
    from todoku.settings import mailboxes

    return [mailboxes.variable("NAME", key) for key in mailboxes.BY_KEY]


def _settle(
    values: Values,
    path: Path | None,
    folder: Path,
    data_option: Path | None,
    environ: Mapping[str, str],
) -> Settings:
    """Defaults, and paths made absolute: those of the file are relative to its folder."""

    def place(name: tuple[str, str], default: Path) -> Path:
        if name not in values:
            return default.absolute()
        variable = f"TODOKU_{'_'.join(name)}".upper().replace(".", "_").replace("-", "_")
        base = Path() if environ.get(variable, "").strip() else folder
        return (base / Path(values[name]).expanduser()).absolute()

    data = place(("general", "data"), _xdg(environ, "XDG_DATA_HOME", ".local/share"))
    if data_option is not None:
        data = data_option.expanduser().absolute()
    store = values.get(("general", "store"), "sqlite:///todoku.db")
    if store.startswith(SQLITE):
        store = f"{SQLITE}{data / store.removeprefix(SQLITE)}"
    overlay = place(("knowledge", "overlay"), folder / "knowledge")

    def of(name: str) -> dict[str, Any]:
        return {key: v for (section, key), v in values.items() if section == name}

    mail = of("mail")
    if "folder" in mail:
        mail["folder"] = str(place(("mail", "folder"), data))
    mail["spool"] = str(place(("mail", "spool"), data / "spool"))
    if "log" in mail:
        base = Path() if environ.get("TODOKU_MAIL_LOG", "").strip() else folder
        mail["log"] = tuple(str((base / Path(p).expanduser()).absolute()) for p in mail["log"])

    cases = of("cases")
    if "directory" in cases:
        cases["directory"] = str(place(("cases", "directory"), data))

    return Settings(
        general=General(**{**of("general"), "data": str(data), "store": store}),
        own=Own(**of("own")),
        lists=Lists(**of("lists")),
        dns=DNS(**of("dns")),
        mail=Mail(**mail),
        knowledge=Knowledge(overlay=str(overlay)),
        lab=Lab(**of("lab")),
        contact=Contact(**of("contact")),
        cases=Cases(**cases),
        webhooks=Webhooks(**of("webhooks")),
        privacy=Privacy(**of("privacy")),
        logs=Logs(**of("logs")),
        mailboxes=_mailboxes(values, place),
        file=path,
    )


def _mailboxes(
    values: Values, place: Callable[[tuple[str, str], Path], Path]
) -> tuple[Mailbox, ...]:
    if not any(section.startswith(f"{MAILBOX}.") for section, _ in values):
        return ()
    from todoku.settings import mailboxes

    return mailboxes.settle(values, place)
