"""`todoku case forget`: an address goes from all that todoku keeps.

todoku case forget taro@example.jp
todoku case forget taro@example.jp --also "山田太郎" --yes
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from todoku import settings
from todoku.cli import EX_USAGE, Failure, options
from todoku.cli.render.text import short
from todoku.errors import TodokuError
from todoku.i18n import Language, Words, say
from todoku.settings import table

if TYPE_CHECKING:
    from todoku.settings import Settings
    from todoku.store.forgetting import Spellings

WORDS: Final[Words] = {
    "not-an-address": {
        "ja": "{value} はメールアドレスではありません。何も消していません。",
        "en": "{value} is no mail address. Nothing was erased.",
    },
    "too-short": {
        "ja": "--also {value} は短すぎます（3 文字以上）。何も消していません。",
        "en": "--also cannot be {value}: give three letters or more. Nothing was erased.",
    },
    "ask": {
        "ja": "{address} を、案件の記録・メール・受信待ち・送信の記録・保存した配送から消します。元に戻せません。続けますか?",
        "en": "{address} will go from cases, kept mail, the spool, and what is kept of mail that was sent. It cannot be "
        "undone. Go on?",
    },
    "say-yes": {
        "ja": "消すと元に戻せません。確かめられる端末がないので、--yes を付けてください。何も消していません。",
        "en": "it cannot be undone, and there is no terminal to ask at: give --yes. Nothing was erased.",
    },
    "left": {"ja": "何も消していません。", "en": "Nothing was erased."},
    "none": {
        "ja": "{address} は todoku が保存しているもののどこにもありません。",
        "en": "{address} is in nothing that todoku keeps.",
    },
    "done": {
        "ja": "{address} を消しました: 出来事 {events} 件（案件 {cases}）、メール {mails} 通、申告者 {people} 人、"
        "送信の記録 {sent} 件、保存した配送 {deliveries} 件、その他 {others} 件。件数と経過は残っています。",
        "en": "Erased {address}: in {events} events (cases: {cases}), {mails} mails, {people} who reported, {sent} "
        "rows of what was sent, {deliveries} stored deliveries, {others} other rows. Counts and history stay.",
    },
    "backups": {
        "ja": "次のものには手を付けていません。それぞれで消してください: バックアップ、メールサーバーのログ、Maildir と IMAP の"
        "メール、窓口へ送ったメール（docs/privacy.ja.md）。",
        "en": "Not touched, and yours to erase: backups, logs of mail servers, Maildirs and mailboxes, letters to "
        "desks (docs/privacy.md).",
    },
    "hashed": {
        "ja": "保存した配送の宛先のうちハッシュにしたものは、入力されたとおりのアドレスと小文字の形だけを探しました。ほかの表記"
        "（taro+news@ など）で送ったものが気になるときは、その表記でもう一度実行してください。",
        "en": "Of stored deliveries whose recipients are hashed, those to the address as typed and in small letters "
        "were found. Run it again for other spellings that mail went to (taro+news@).",
    },
    "no-logs": {
        "ja": "保存した配送（{folder}）は読めないため、手を付けていません。pip install 'todoku[logs]' のあと、もう一度"
        "実行してください。",
        "en": "Stored deliveries ({folder}) were not touched, as they cannot be read here. Install them with: pip "
        "install 'todoku[logs]', and run this again.",
    },
    "held": {
        "ja": "保存した配送の古いファイルを、ほかの処理がまだ読んでいます（{folder}）。次に todoku logs --store が書くときに"
        "消えます。",
        "en": "Somebody still reads old files of stored deliveries ({folder}). They go when todoku logs --store writes "
        "the next time.",
    },
    "unreached": {
        "ja": "{what} からは消せませんでした（{why}）。ほかは消しました。直してから、もう一度実行してください。",
        "en": "cannot erase it from {what} ({why}). Elsewhere it is erased. Mend that, and run it again.",
    },
    "note": {
        "ja": "{domain} のアドレスを一つ消去",
        "en": "one address at {domain} was erased",
    },
    "unread-spool": {
        "ja": "受信待ち {folder} を書き換えられません（{why}）。データベースからは消しました。書けるユーザーで"
        "もう一度実行してください。",
        "en": "cannot change the spool {folder} ({why}). In the database it is erased. Run it again as a "
        "user who may write there.",
    },
}


@click.command(name="forget", short_help="Erase an address from all that is kept.")
@click.argument("address", metavar="ADDRESS")
@click.option("--also", multiple=True, metavar="TEXT", help="Other words, such as a name.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
@options.config
@options.data
@options.lang
@click.pass_context
def forget(
    ctx: click.Context, /, address: str, also: Sequence[str], yes: bool, as_json: bool,
    config: Path | None, data: Path | None, **_: Any,
) -> None:  # fmt: skip
    """Erase ADDRESS, in any spelling, from events, kept mail, the spool, and what is kept of mail that was
    sent. Cases keep their counts and their history, and note that an address was erased."""
    from todoku.cli import case_desk as cases
    from todoku.serve import spool
    from todoku.store.forgetting import Forgotten, Spellings
    from todoku.store.forgetting import forget as erase

    found = settings.load(config, data)
    lang = options.speak(ctx, found)
    if table.mailbox(address) is None:
        raise Failure(say(WORDS["not-an-address"], lang, value=short(address, 60)), EX_USAGE)
    for text in also:
        if len("".join(text.split())) < 3 and text.isascii():
            raise Failure(say(WORDS["too-short"], lang, value=short(text, 40)), EX_USAGE)
    if not yes:
        if as_json or not sys.stdin.isatty():
            raise Failure(say(WORDS["say-yes"], lang), EX_USAGE)
        if not click.confirm(say(WORDS["ask"], lang, address=address), err=True):
            click.echo(WORDS["left"][lang])
            return
    spellings = Spellings(address, also)
    note = say(WORDS["note"], lang, domain=spellings.domain)
    waiting, folder = 0, Path(found.mail.spool)
    erased = Forgotten()
    trouble: OSError | None = None
    since = None
    with cases.opened(ctx, config, data) as house:
        # Twice: a running serve may have been in the middle of taking a mail in.
        for _round in range(2):
            try:
                waiting += spool.drop(folder, spellings.are_in)
            except OSError as error:
                trouble = error
            now = cases.now(found)
            more = erase(house.desk, spellings, now, by=cases.me(), note=note, since=since)
            erased, since = erased.and_(more), now - timedelta(minutes=10)
    reached = _elsewhere(found, address, spellings, lang)
    told = erased._replace(mails=erased.mails + waiting)
    counts = told._asdict() | {"sent": reached.sent, "deliveries": reached.deliveries}
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode({"v": 1, **counts, "left": reached.left}))
    elif not (told or reached.sent or reached.deliveries):
        click.echo(say(WORDS["none"], lang, address=address))
    else:
        numbers = ", ".join(map(str, told.cases)) or "-"
        click.echo(say(WORDS["done"], lang, address=address, **counts | {"cases": numbers}))
    if not as_json:
        click.echo(WORDS["backups"][lang])
        for sentence in reached.notes:
            click.echo(sentence)
    if reached.trouble is not None:
        raise Failure(reached.trouble, 74)
    if trouble is not None:
        why = (trouble.strerror or str(trouble)).lower()
        raise Failure(say(WORDS["unread-spool"], lang, folder=folder, why=why), 74)


class Reached(NamedTuple):
    """Outside of the cases' database."""

    sent: int
    """Rows of `sent.db`."""
    deliveries: int
    left: tuple[str, ...]
    """What is known to hold the address still."""
    notes: tuple[str, ...]
    trouble: str | None


def _elsewhere(found: Settings, address: str, spellings: Spellings, lang: Language) -> Reached:
    """What is kept of mail that our servers sent."""
    import sqlite3

    from todoku import store
    from todoku.serve import sentlog

    data = Path(found.general.data)
    at = time.time()
    sent = rows = 0
    left: list[str] = []
    notes: list[str] = []
    trouble: str | None = None
    try:
        sent = sentlog.forget(data, spellings.addresses, at)
    except (OSError, sqlite3.Error) as error:
        trouble = say(WORDS["unreached"], lang, what=data / "sent.db", why=str(error).lower())
        left.append("sent.db")
    parts = data / "deliveries"
    if not parts.is_dir():
        return Reached(sent, rows, tuple(left), tuple(notes), trouble)
    try:
        from todoku.deliveries.forgetting import Instead, forget
        from todoku.deliveries.ledger import Ledger
        from todoku.deliveries.parts import Folder
    except ImportError:
        notes.append(say(WORDS["no-logs"], lang, folder=parts))
        return Reached(sent, rows, (*left, "deliveries"), tuple(notes), trouble)
    try:
        instead = Instead(data, spellings, address)
        engine = store.connect(found.general.store)
        try:
            rows, gone = forget(Folder(parts), Ledger(engine), instead, at)
        finally:
            engine.dispose()
    except (OSError, TodokuError) as error:
        why = error.text(lang) if isinstance(error, TodokuError) else str(error).lower()
        trouble = say(WORDS["unreached"], lang, what=parts, why=why)
        return Reached(sent, rows, (*left, "deliveries"), tuple(notes), trouble)
    if found.logs.recipients == "hashed":
        notes.append(WORDS["hashed"][lang])
    if not gone:
        notes.append(say(WORDS["held"], lang, folder=parts))
        left.append("deliveries")
    return Reached(sent, rows, tuple(left), tuple(notes), trouble)
