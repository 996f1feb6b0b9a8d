"""`todoku mailbox`: the mailboxes that are read by IMAP: how they stand, read now, signed in to."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from todoku import settings
from todoku.cli import EX_USAGE, Failure, options
from todoku.cli.render.text import safe
from todoku.i18n import Language, Sentence, Words, say
from todoku.model import VERSION

if TYPE_CHECKING:
    from todoku.serve.mailboxes.oauth import Code
    from todoku.settings.mailboxes import Mailbox

WORDS: Final[Words] = {
    "none": {
        "ja": "設定に [mailbox.NAME] がありません。書き方: docs/intake.md",
        "en": "the settings have no [mailbox.NAME]. How to write one: docs/intake.md",
    },
    "unknown": {
        "ja": "{name} というメールボックスは設定にありません。あるのは: {names}",
        "en": "the settings have no mailbox {name}. There are: {names}",
    },
    "by-password": {
        "ja": "メールボックス {name} はパスワードでログインします（設定に sign_in がありません）。サインインは"
        "要りません。",
        "en": "the mailbox {name} is logged in to by password (it has no sign_in in the settings); there "
        "is nothing to sign in to.",
    },
    "open": {
        "ja": "ブラウザーで {url} を開き、コード {code} を入力して、{user} でサインインしてください（{minutes} "
        "分以内）。ここで待っています。",
        "en": "open {url} in a browser, type the code {code}, and sign in as {user}, within {minutes} "
        "minutes. This waits for you.",
    },
    "signed": {
        "ja": "サインインを保存しました（{path}）。",
        "en": "the sign-in is kept ({path}).",
    },
    "works": {
        "ja": "メールボックス {name} にログインできました。フォルダー: {folders}",
        "en": "logged in to the mailbox {name}. Its folders: {folders}",
    },
    "taken": {
        "ja": "{name}: {count} 通を取り込みました。",
        "en": "{name}: {count} taken in.",
    },
    "trials": {
        "ja": "{name}: 試し送りを探すためだけのメールボックスです（todoku case try）。何も取り込みません。",
        "en": "{name}: trials are looked for in it (todoku case try); nothing of it is taken in.",
    },
    "read": {
        "ja": "{name}  {user}、{server}、{folder}: UID {taken} まで取り込み済み（{at}）{owed}",
        "en": "{name}  {user} at {server}, {folder}: taken in up to UID {taken} ({at}){owed}",
    },
    "owed": {
        "ja": "。サーバーが渡さない UID: {uids}",
        "en": "; the server does not hand over UID {uids}",
    },
    "unread": {
        "ja": "{name}  {user}、{server}、{folder}: まだ読んでいません",
        "en": "{name}  {user} at {server}, {folder}: not read yet",
    },
}


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A folder of a mailbox: one line of `todoku mailbox list --json`."""

    v: int = VERSION
    mailbox: str
    server: str
    user: str
    folder: str
    uid_validity: int | None
    """`None`: never read."""
    taken: int | None
    """The last UID that is in the store."""
    marked: int | None
    owed: tuple[int, ...]
    """UIDs that the server did not hand over."""
    looked_at: datetime | None


@click.group(short_help="Mailboxes that are read by IMAP.")
def mailbox() -> None:
    """Mailboxes that are read by IMAP ([mailbox.NAME] in the settings)."""


def _common(command: Any) -> Any:
    for option in (options.config, options.data, options.lang, click.pass_context)[::-1]:
        command = option(command)
    return command


@mailbox.command("list", short_help="How far each is read.")
@click.option("--json", "as_json", is_flag=True, help="One object a folder.")
@_common
def list_(
    ctx: click.Context, as_json: bool, config: Path | None, data: Path | None, **_: Any
) -> None:
    """How far each folder is read. Asks no server."""
    from todoku.serve import opening
    from todoku.store.positions import Positions

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    with opening.desk(found) as desk:
        looked = {(each.account, each.folder): each for each in Positions(desk).all()}
    for box in _chosen(found, None, lang):
        if box.takes == "trials" and not as_json:
            click.echo(say(WORDS["trials"], lang, name=box.name))
            continue
        for folder in box.folders:
            seen = looked.get((box.account, folder))
            standing = Standing(
                mailbox=box.name,
                server=box.server,
                user=box.user,
                folder=folder,
                uid_validity=None if seen is None else seen.position.validity,
                taken=None if seen is None else seen.position.taken,
                marked=None if seen is None else seen.position.marked,
                owed=() if seen is None else seen.position.owed,
                looked_at=None if seen is None else datetime.fromtimestamp(seen.at, UTC),
            )
            click.echo(msgspec.json.encode(standing) if as_json else _line(standing, lang))


def _line(standing: Standing, lang: Language) -> str:
    values = msgspec.structs.asdict(standing) | {"name": standing.mailbox}
    if standing.looked_at is None:
        return say(WORDS["unread"], lang, **values)
    uids = ", ".join(map(str, standing.owed))
    owed = say(WORDS["owed"], lang, uids=uids) if uids else ""
    at = f"{standing.looked_at.astimezone():%Y-%m-%d %H:%M}"
    return say(WORDS["read"], lang, **values | {"owed": owed, "at": at})


@mailbox.command(short_help="Read them now, once.")
@click.argument("name", required=False)
@_common
def fetch(
    ctx: click.Context, name: str | None, config: Path | None, data: Path | None, **_: Any
) -> None:
    """Read all, or the one named, now and once; todoku serve does it each minute. What is taken in
    is read as mail by todoku serve."""
    from todoku.errors import TodokuError
    from todoku.serve import opening, privacy, service
    from todoku.serve.mailboxes.polling import Poller

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    privacy.check(found)
    now = service.clock_of(found).now

    def tell(sentence: Sentence, values: dict[str, object]) -> None:
        click.echo(f"todoku: {safe(say(sentence, lang, **values))}", err=True)

    code = 0
    with opening.desk(found) as desk:
        for box in _chosen(found, name, lang):
            if box.takes == "trials":
                click.echo(say(WORDS["trials"], lang, name=box.name))
                continue
            try:
                count = Poller(box, found, desk, now, tell).take()
            except TodokuError as error:  # the others are read all the same
                tell(error.sentence, error.values)
                code = error.exit_code
            else:
                click.echo(say(WORDS["taken"], lang, name=box.name, count=count))
    ctx.exit(code)


@mailbox.command("sign-in", short_help="Sign in by OAuth 2, with a code in a browser.")
@click.argument("name")
@_common
def sign_in(
    ctx: click.Context, name: str, config: Path | None, data: Path | None, **_: Any
) -> None:
    """Sign in to a mailbox whose provider takes no passwords (RFC 8628): shows an address and a code
    for a browser, on any machine, and waits. Keeps the sign-in in the data folder."""
    from todoku.serve.mailboxes.login import Login, log_in
    from todoku.serve.mailboxes.session import Session

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    (box,) = _chosen(found, name, lang)
    if box.sign_in is None:
        raise Failure(say(WORDS["by-password"], lang, name=name), EX_USAGE)
    login = Login(box, found, time.time)
    client = login.client()
    code = client.begin()
    _show(code, box, lang)
    kept = login.sign_in()
    kept.keep(client.wait(code, time.sleep, time.monotonic))
    click.echo(say(WORDS["signed"], lang, path=kept.path))
    session = Session(box)
    try:
        log_in(session, login)
        folders = ", ".join(session.folders()) or "?"
    finally:
        session.close()
    click.echo(say(WORDS["works"], lang, name=name, folders=folders))


def _show(code: Code, box: Mailbox, lang: Language) -> None:
    minutes = max(1, round(code.lives / 60))
    click.echo(
        say(WORDS["open"], lang, url=code.url, code=code.user, user=box.user, minutes=minutes)
    )
    if code.whole_url is not None:
        click.echo(f"  {code.whole_url}")


def _chosen(found: settings.Settings, name: str | None, lang: Language) -> Sequence[Mailbox]:
    if not found.mailboxes:
        raise Failure(say(WORDS["none"], lang), 78)
    chosen = [box for box in found.mailboxes if name in {None, box.name}]
    if not chosen:
        names = ", ".join(box.name for box in found.mailboxes)
        raise Failure(say(WORDS["unknown"], lang, name=safe(name or ""), names=names), EX_USAGE)
    return chosen
