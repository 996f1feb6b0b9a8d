"""`todoku init`: writes the settings file, or adds to `[own]` of one."""

from __future__ import annotations

import json
import os
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import click
import msgspec

from todoku import settings
from todoku.cli import EX_USAGE, Failure, options
from todoku.i18n import Language, Words, say
from todoku.model import VERSION, Identity, IdentityKind
from todoku.settings import Own, discover, edit, files, template
from todoku.settings import own as ours
from todoku.settings.discover import Found
from todoku.settings.table import SETTINGS

WORDS: Final[Words] = {
    "ask-use": {
        "ja": "利用は個人・非営利ですか（private）、業務ですか（commercial）",
        "en": "Is the use private, or commercial?",
    },
    "ask-nat": {
        "ja": "このサーバーにはプライベートアドレス（{inner}）しかありません。\n"
        "外から見える IP アドレス（分からなければ空のまま）",
        "en": "This machine has private addresses only ({inner}).\n"
        "The IP address that the world sees (leave empty if not known)",
    },
    "ask-write": {"ja": "{path} に書き込みますか", "en": "Write {path}?"},
    "no-ip": {
        "ja": "IP アドレスではありません: {value}",
        "en": "{value} is no IP address.",
    },
    "exists": {
        "ja": "{path} はすでにあります。変更していません。自分のアドレスやドメインの追加は "
        "todoku init --add 192.0.2.1、作り直すには --force（今のファイルは控えに残します）。",
        "en": "{path} exists and was not changed. To add what is yours: todoku init --add 192.0.2.1; "
        "to write it anew: --force (a copy of the present one is kept).",
    },
    "not-identity": {
        "ja": "{value} は IP アドレス、範囲（192.0.2.0/28）、ドメインのどれでもありません。"
        "何も変更していません。",
        "en": "{value} is no IP address, no range (192.0.2.0/28) and no domain. Nothing was changed.",
    },
    "cannot-edit": {
        "ja": "{path} を安全に書き換えられません（todoku の知らない書き方です）。変更していません。"
        "[{section}] に {key} として {value} を書き足してください。",
        "en": "{path} is written in a way that cannot be changed safely. It was not changed. Write "
        "{value} into {key} of [{section}] yourself.",
    },
    "given-up": {"ja": "何も書き込んでいません。", "en": "Nothing was written."},
    "written": {"ja": "{path} を書きました。", "en": "{path} is written."},
    "backup": {"ja": "前のファイル: {path}", "en": "The one before: {path}"},
    "added": {
        "ja": "{path} の [own] に追加しました: {value}",
        "en": "added to [own] of {path}: {value}",
    },
    "there": {
        "ja": "{value} はすでに自分のものです（{path}）。変更していません。",
        "en": "{value} is yours already ({path}). Nothing was changed.",
    },
    "use-set": {
        "ja": "{path} の利用を {value} にしました。",
        "en": "the use in {path} is now {value}.",
    },
    "use-there": {
        "ja": "利用はすでに {value} です（{path}）。変更していません。",
        "en": "the use is {value} already ({path}). Nothing was changed.",
    },
    "nat": {
        "ja": "NAT の内側です: このサーバーにはプライベートアドレス（{inner}）しかありません。"
        "外から見えるアドレスを加えてください: todoku init --add アドレス",
        "en": "This is behind NAT: the machine has private addresses only ({inner}). Add the one that "
        "the world sees: todoku init --add ADDRESS",
    },
    "nothing": {
        "ja": "自分のアドレスやドメインは見つかりませんでした。追加: todoku init --add 192.0.2.1",
        "en": "No address or domain of yours was found. To add them: todoku init --add 192.0.2.1",
    },
    "check": {
        "ja": "自分のものでなければ消してください。",
        "en": "Take out what is not yours.",
    },
    "from-postfix": {"ja": "Postfix の設定から", "en": "from Postfix's settings"},
    "from-machine": {"ja": "このサーバーから", "en": "from this machine"},
    "next": {
        "ja": "次: todoku diagnose 届いたエラーメール.eml",
        "en": "Next: todoku diagnose THE-BOUNCE.eml",
    },
}


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` tells (docs/reference/init.schema.json)."""

    v: int = VERSION
    file: str
    written: bool
    backup: str | None = None
    added: tuple[str, ...]
    """What `--add` named and was not there yet."""
    use: str
    own: Own
    behind_nat: tuple[str, ...] = ()
    """Private addresses of a machine whose public one is not known."""


class Voice(NamedTuple):
    """Says what is done, in the user's language; silent with `--quiet` and `--json`."""

    lang: Language
    silent: bool

    def tell(self, name: str, **values: object) -> None:
        self.show(self.words(name, **values))

    def show(self, text: str) -> None:
        if not self.silent:
            click.echo(text)

    def words(self, name: str, **values: object) -> str:
        return say(WORDS[name], self.lang, **values)


@click.command()
@click.option("--yes", "-y", is_flag=True, help="Ask nothing; take what is found.")
@click.option("--force", is_flag=True, help="Write the file anew; a copy of the old one is kept.")
@click.option(
    "--add",
    "identities",
    multiple=True,
    metavar="IDENTITY",
    help="Add an IP address, range or domain to [own] of the file. May be repeated.",
)
@click.option(
    "--use",
    type=click.Choice(["private", "commercial"]),
    help="What the mail is for; some blocklists forbid free commercial use.",
)
@click.option("--json", "as_json", is_flag=True, help="Tell what was done as one JSON object.")
@click.option("--quiet", "-q", is_flag=True, help="Say nothing but errors.")
@options.config
@options.lang
def init(
    yes: bool,
    force: bool,
    identities: tuple[str, ...],
    use: str | None,
    as_json: bool,
    quiet: bool,
    config: Path | None,
    lang: Language,
) -> None:
    """Write the settings file, with what is yours.

    Looks at Postfix's settings, the host name and the addresses of this machine; asks no network.
    A file that exists is never overwritten: --add and --use change it in place, and keep its
    comments.
    """
    path = settings.config_file(config, os.environ)
    voice = Voice(lang, quiet or as_json)
    named = [identify(text, voice) for text in identities]
    if os.path.lexists(path) and not force:
        if not named and use is None:
            raise Failure(voice.words("exists", path=path), 1)
        report = change(path, named, use, voice)
    else:
        ask = not yes and not voice.silent and sys.stdin.isatty()
        report = create(path, named, use, voice, ask=ask)
    if as_json:
        click.echo(msgspec.json.encode(report))


def identify(text: str, voice: Voice) -> tuple[str, str]:
    """Which list of `[own]` an identity belongs into, and its normal form there."""
    read = {setting.key: setting.read for setting in SETTINGS if setting.section == "own"}
    domain = text.rpartition("@")[2]
    for key, value in (("addresses", text), ("ranges", text), ("domains", domain)):
        normal = read[key](value.strip())
        if normal is not None:
            return key, normal
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    raise Failure(voice.words("not-identity", value=shown), EX_USAGE)


def covered(own: Own, key: str, value: str) -> bool:
    """Whether adding it would say nothing new. (A range is covered by any part of it.)"""
    if value in getattr(own, key):
        return True
    kind: IdentityKind = "ip" if key == "addresses" else "domain"
    return key != "ranges" and own.covers(Identity(kind, value))


def change(path: Path, named: list[tuple[str, str]], use: str | None, voice: Voice) -> Report:
    """Adds to a file that exists. All or nothing."""
    # The file alone: what the environment says besides is not in it.
    present = settings.load(path, environ={"HOME": os.environ.get("HOME", "/")})
    text = path.read_bytes().decode()
    added: list[str] = []
    kept: list[str] = []
    own = present.own
    for key, value in named:
        if covered(own, key, value):
            kept.append(value)
            continue
        text = edited(edit.add_to_list, text, path, "own", key, value, voice)
        own = msgspec.structs.replace(own, **{key: (*getattr(own, key), value)})
        added.append(value)
    set_use = use is not None and tomllib.loads(text).get("general", {}).get("use") != use
    if use is not None and set_use:
        text = edited(edit.set_value, text, path, "general", "use", use, voice)
    settings.check(text, str(path))
    if added or set_use:
        files.write(path.resolve(), text.encode(), path.stat().st_mode & 0o777)

    for value in kept:
        voice.tell("there", value=value, path=path)
    for value in added:
        voice.tell("added", value=value, path=path)
    if use is not None:
        voice.tell("use-set" if set_use else "use-there", value=use, path=path)
    return Report(
        file=str(path),
        written=bool(added or set_use),
        added=tuple(added),
        use=use or present.general.use,
        own=own,
    )


def edited(
    how: Callable[[str, str, str, str], str],
    text: str,
    path: Path,
    section: str,
    key: str,
    value: str,
    voice: Voice,
) -> str:
    try:
        return how(text, section, key, value)
    except edit.CannotEdit:
        sentence = voice.words("cannot-edit", path=path, section=section, key=key, value=value)
        raise Failure(sentence, 1) from None


def create(
    path: Path, named: list[tuple[str, str]], use: str | None, voice: Voice, *, ask: bool
) -> Report:
    """Writes a new file of what was found and answered."""
    found = discover.discover(os.environ)
    for key, value in named:
        found = with_one_more(found, key, value)
    if ask:
        if found.inner and not found.own.addresses and (outer := ask_outer(found.inner, voice)):
            found = with_one_more(found, "addresses", outer)
        if use is None:
            choice = click.Choice(["private", "commercial"])
            use = click.prompt(voice.words("ask-use"), type=choice, default="commercial")

    text = template.render(found, use, voice.lang)
    settings.check(text, str(path))
    show(found, voice)
    if ask and not click.confirm(voice.words("ask-write", path=path), default=True):
        raise Failure(voice.words("given-up"), 1)
    backup = files.keep(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path.resolve(), text.encode(), 0o600)

    voice.tell("written", path=path)
    if backup:
        voice.tell("backup", path=backup)
    voice.tell("next")
    return Report(
        file=str(path),
        written=True,
        backup=str(backup) if backup else None,
        added=tuple(value for _, value in named),
        use=use or "commercial",
        own=found.own,
        behind_nat=found.inner if not found.own.addresses else (),
    )


def with_one_more(found: Found, key: str, value: str) -> Found:
    """What was found, and one more. An address for a machine that has only private ones is what
    the world sees of these."""
    own = found.own
    if not covered(own, key, value):
        own = msgspec.structs.replace(own, **{key: (*getattr(own, key), value)})
    behind = [ip for ip in found.inner if key == "addresses" and (":" in ip) == (":" in value)]
    nat = {**dict.fromkeys(behind, value), **own.nat}
    return msgspec.structs.replace(found, own=msgspec.structs.replace(own, nat=nat))


def ask_outer(inner: tuple[str, ...], voice: Voice) -> str | None:
    while True:
        question = voice.words("ask-nat", inner=", ".join(inner))
        answer = click.prompt(question, default="", show_default=False).strip()
        if not answer:
            return None
        if ip := ours.normal_ip(answer):
            return ip
        voice.tell("no-ip", value=json.dumps(answer))


def show(found: Found, voice: Voice) -> None:
    """The proposal, before it is written."""
    own = found.own
    rows = [
        (key, ", ".join(values))
        for key in ("addresses", "ranges", "domains", "helo", "smarthosts")
        if (values := getattr(own, key))
    ]
    rows += [("transports", f"{name}: {', '.join(ips)}") for name, ips in own.transports.items()]
    rows += [("nat", f"{inner} = {outer}") for inner, outer in own.nat.items()]
    if rows:
        voice.show(f"[own] ({voice.words('from-postfix' if found.postfix else 'from-machine')})")
        for key, value in rows:
            voice.show(f"  {key:<11} {value}")
        voice.tell("check")
    elif not found.inner:
        voice.tell("nothing")
    if found.inner and not own.addresses:
        voice.tell("nat", inner=", ".join(found.inner))
