"""The settings: one TOML file, the environment, a few options. Typed, frozen, checked.

`SETTINGS` (in `table`) is the whole surface, but for `[mailbox.NAME]` (in `mailboxes`): reading, the
environment's names, the messages and the reference (docs/reference/settings.md, a test compares)
follow it. Adding a setting is a row there and a field of the same name in the section's struct.

Order, the first that is set wins: an option of the command (`--data`, `--lang`), the environment
(`TODOKU_SECTION_KEY`), the file, the default.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

from todoku.errors import TodokuError
from todoku.i18n import Language, Sentence, Words, say
from todoku.settings.own import Own
from todoku.settings.table import SETTINGS, Setting

if TYPE_CHECKING:
    from todoku.settings.mailboxes import Mailbox

__all__ = [
    "DNS",
    "SETTINGS",
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
    "check",
    "config_file",
    "find",
    "load",
]

Use: TypeAlias = Literal["private", "commercial"]
FILE_NAME: Final = "todoku.toml"
SQLITE: Final = "sqlite:///"


class General(msgspec.Struct, frozen=True, kw_only=True):
    language: Language | None = None
    use: Use = "commercial"
    data: str
    store: str


class Lists(msgspec.Struct, frozen=True, kw_only=True):
    """Which lists `todoku check` asks besides, or instead of, those of the knowledge's choice. Ids
    or zones, as written: only the knowledge can tell whether there is such a list."""

    required: tuple[str, ...] | None = None
    """Those whose answer decides the exit code; `None`: those of the tier `default` that this use
    permits."""
    add: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    keys: Mapping[str, str] = {}
    """By the name of the key; secrets."""

    def __repr__(self) -> str:
        """Without the keys: a value may end in a log."""
        names = ", ".join(f"{name}=..." for name in self.keys)
        return f"Lists(required={self.required}, add={self.add}, skip={self.skip}, keys=<{names}>)"


class DNS(msgspec.Struct, frozen=True, kw_only=True):
    """Whom the lists are asked through."""

    resolver: str | None = None
    """`HOST[:PORT]`; `None`: what resolv.conf says."""
    direct: bool = False
    """Each list's own name servers are asked."""


class Mail(msgspec.Struct, frozen=True, kw_only=True):
    """How todoku writes to people, and where bounces and desks' answers come in."""

    relay: str = "127.0.0.1:25"
    """`HOST[:PORT]`: the local server that takes what todoku writes."""
    sender: str | None = None
    """Its address; a probe says it in `MAIL FROM`. `None`: nobody is written to or probed."""
    admin: str | None = None
    """Whom tasks are recalled to; `None`: the sender."""
    folder: str | None = None
    """A Maildir or a plain folder that `todoku serve` empties."""
    spool: str = ""
    """Where `todoku ingest` and LMTP leave mail for it; always set by `load`."""
    lmtp: str | None = None
    """`HOST:PORT` at which `todoku serve` takes mail by LMTP (RFC 2033)."""
    log: tuple[str, ...] = ()
    """Logs of the servers that send our mail: what is in none of them was not sent by us."""
    authserv: tuple[str, ...] = ()
    """Names under which our own server writes Authentication-Results (RFC 8601); it takes away what
    others claim in them. Empty: signatures alone are believed."""
    reports: str | None = None
    """The address to which our users write that mail does not arrive."""
    batv_keys: tuple[str, ...] = ()
    """Secrets with which our servers sign return paths (`prvs=`)."""

    def __repr__(self) -> str:
        """Without the keys: a value may end in a log."""
        shown = (f"{name}={getattr(self, name)!r}" for name in self.__struct_fields__[:-1])
        return f"Mail({', '.join(shown)}, batv_keys=<{len(self.batv_keys)}>)"


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks a desk for removal."""

    name: str | None = None
    email: str | None = None
    """Where desks may answer: best at one of our domains."""
    phone: str | None = None
    company: str | None = None
    business: str | None = None
    """What the company does, in a few words."""
    sends: str | None = None
    """What kind of mail its servers send: `person to person`, `invoices`."""
    imprint: str | None = None
    """URL of the page that tells who operates the server."""


class Cases(msgspec.Struct, frozen=True, kw_only=True):
    """What is done in cases, and what never is."""

    never_probe: tuple[str, ...] = ()
    """Ids of receivers, or domains."""
    directory: str | None = None
    """A file of users: those are told whose mail came back. `None`: only who reported is."""
    proof: Literal["mail", "trial", "probe"] | None = None
    """What proves that mail arrives again; `None`: `mail` with logs of our servers, else `probe`."""
    accepted: str = "3"
    """So many of them,"""
    over_hours: str = "24"
    """over so long,"""
    hosts: str = "2"
    """at so many hosts, where the receiver has as many."""
    write_to: tuple[str, ...] = ()
    """Ids of desks to which todoku writes by itself."""
    desk_relay: str | None = None
    """`HOST[:PORT]`: takes letters to desks; none of its addresses is blocked. `None`: as `[mail]`."""


class Webhooks(msgspec.Struct, frozen=True, kw_only=True):
    """What is told when a case opens, and when it is resolved: URLs by names of one's choice. The
    URLs are secrets."""

    slack: Mapping[str, str] = {}
    teams: Mapping[str, str] = {}
    json: Mapping[str, str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """`slack.ops`."""
        return tuple(
            f"{kind}.{name}" for kind in ("slack", "teams", "json") for name in getattr(self, kind)
        )

    def url(self, name: str) -> str | None:
        """`None`: there is none of this name."""
        kind, _, own = name.partition(".")
        return dict(getattr(self, kind)).get(own) if name in self.names else None

    def __repr__(self) -> str:
        """Without the URLs: a value may end in a log."""
        return f"Webhooks({', '.join(self.names)})"


class Lab(msgspec.Struct, frozen=True, kw_only=True):
    """For those that live in the world of `todoku lab`, which writes all of it."""

    port: str = "25"
    """Where receivers answer."""
    clock: str | None = None
    """`todoku.lab.clock.FastClock.of` reads it; `None`: the machine's."""
    list: str | None = None
    """The zone of the only list that is asked; `None`: those of the knowledge."""
    signer: str | None = None
    """Who signs for the desks; `None`: as the knowledge has it."""
    desk: str | None = None
    """The mailbox of the desks, which take mail; `None`: as the knowledge has it."""


class Privacy(msgspec.Struct, frozen=True, kw_only=True):
    """Whose mail it is, and how long it is kept (docs/privacy.md)."""

    operator: Literal["own", "others"] = "own"
    """`others`: their mail is not read before the next three are set."""
    legal_basis: str | None = None
    decided_by: str | None = None
    decided_on: str | None = None
    """YYYY-MM-DD."""
    keep_days: str = "30"
    """After so many days the text of a mail that came in is erased."""
    clear_for: tuple[str, ...] = ()
    """Users of this machine who see addresses of recipients as they are; `*`: all."""


class Logs(msgspec.Struct, frozen=True, kw_only=True):
    """How deliveries are stored (docs/deliveries.md)."""

    recipients: Literal["off", "hashed", "clear"] = "hashed"
    keep_deliveries: str = "180"
    """Days."""


class Knowledge(msgspec.Struct, frozen=True, kw_only=True):
    overlay: str


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


class SettingsError(TodokuError):
    """The settings cannot be used; names file (or variable), section, key and what is wanted."""

    exit_code = 78


WORDS: Final[Words] = {
    "unknown-key": {
        "ja": "{where}: [{section}] に {key} という設定はありません。{nearest}",
        "en": "{where}: [{section}] has no setting {key}. {nearest}",
    },
    "unknown-section": {
        "ja": "{where}: [{section}] という節はありません。{nearest}",
        "en": "{where}: there is no section [{section}]. {nearest}",
    },
    "unknown-variable": {
        "ja": "環境変数 {key}: そのような設定はありません。{nearest}",
        "en": "environment variable {key}: there is no such setting. {nearest}",
    },
    "nearest": {"ja": "最も近いのは {names} です。", "en": "The nearest is {names}."},
    "choices": {"ja": "使えるのは {names} です。", "en": "There are: {names}."},
    "bad-value": {
        "ja": "{where}: {key} の値 {value} は使えません。必要な形: {wanted}",
        "en": "{where}: {key} cannot be {value}. Wanted: {wanted}",
    },
    "not-a-section": {
        "ja": "{where}: {section} は節です。[{section}] の行の下に設定を書いてください。",
        "en": "{where}: {section} is a section; write its settings below a line [{section}].",
    },
    "no-toml": {
        "ja": "{where} は TOML として読めません（{why}）。",
        "en": "{where} is not readable as TOML ({why}).",
    },
    "no-utf8": {
        "ja": "{where} の文字コードが UTF-8 ではありません。UTF-8 で保存し直してください。",
        "en": "{where} is not in UTF-8. Save it as UTF-8.",
    },
    "no-file": {
        "ja": "設定ファイル {where} がありません（{by} で指定）。todoku init で作れます。",
        "en": "there is no settings file {where} (named by {by}). todoku init writes one.",
    },
    "unreadable": {
        "ja": "設定ファイル {where} を読めません（{why}）。読めるユーザーで実行するか、--config で"
        "別のファイルを指定してください。",
        "en": "cannot read the settings file {where} ({why}). Run as a user who may read it, or "
        "name another with --config.",
    },
    "secret": {"ja": "（表示しません）", "en": "(not shown)"},
}

SAFE: Final[Sentence] = {
    "ja": "何も実行していません。設定の一覧: docs/reference/settings.md",
    "en": "Nothing was done. All settings: docs/reference/settings.md",
}

MAILBOX: Final = "mailbox"
SECTIONS: Final = (*dict.fromkeys(setting.section for setting in SETTINGS), MAILBOX)
_BY_VARIABLE: Final = {setting.variable: setting for setting in SETTINGS}
_NOT_SETTINGS: Final = frozenset({"TODOKU_CACHE", "TODOKU_CONFIG", "TODOKU_DEBUG", "TODOKU_PURE"})

Values: TypeAlias = dict[tuple[str, str], Any]
Problem: TypeAlias = tuple[Sentence, dict[str, Any]]


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
        raise _error(problems)
    return _settle(values, path, config_file(config, environ).parent, data, environ)


def check(text: str, where: str = FILE_NAME) -> None:
    """Raises `SettingsError` if this text could not be a settings file."""
    problems: list[Problem] = []
    values = _from_text(text, where, problems)
    if problems or (problems := _together(values)):
        raise _error(problems)


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
            nearest = _nearest(section, SECTIONS, "[{}]")
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
        nearest = _nearest(key, known)
        problems.append(
            (WORDS["unknown-key"], {"where": where, "section": section, "key": key, **nearest})
        )
        return
    try:
        values[section, key] = setting.parse(value)
    except ValueError as error:
        problems.append(_bad(setting, where, f"[{section}] {key}", str(error)))


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
                nearest = _nearest(variable, _variables(variable))
                problems.append((WORDS["unknown-variable"], {"key": variable, **nearest}))
        elif text.strip():
            try:
                values[section, setting.key] = setting.from_text(text.strip())
            except ValueError as error:
                sentence = {"ja": "環境変数", "en": "environment variable"}
                problems.append(_bad(setting, sentence, variable, str(error)))
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


def _bad(setting: Setting, where: object, key: str, value: str) -> Problem:
    shown: object = WORDS["secret"] if setting.secret else value
    words = {"where": where, "key": key, "value": shown, "wanted": setting.wanted}
    return WORDS["bad-value"], words


def _nearest(name: str, known: Iterable[str], form: str = "{}") -> dict[str, Any]:
    """For a message: the nearest right name, else all of them."""
    known = list(known)
    import difflib

    close = difflib.get_close_matches(name.lower(), [k.lower() for k in known], n=1, cutoff=0.6)
    if close:
        right = next(k for k in known if k.lower() == close[0])
        return {"nearest": (WORDS["nearest"], {"names": form.format(right)})}
    return {"nearest": (WORDS["choices"], {"names": ", ".join(form.format(k) for k in known)})}


def _error(problems: list[Problem]) -> SettingsError:
    """One error of all problems, a line each."""

    def told(lang: Language) -> Iterator[str]:
        for sentence, words in problems:
            yield say(sentence, lang, **{k: _told(v, lang) for k, v in words.items()})
        yield SAFE[lang]

    lines = {lang: "\n".join(told(lang)) for lang in ("ja", "en")}
    return SettingsError({"ja": "{ja}", "en": "{en}"}, **lines)


def _told(value: object, lang: Language) -> object:
    """A word of a message, which may itself be a sentence in two languages."""
    if isinstance(value, dict):
        return value[lang]
    if isinstance(value, tuple):
        sentence, words = value
        return say(sentence, lang, **words)
    return value


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
