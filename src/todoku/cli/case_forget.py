"""`todoku case forget`: an address goes from all that todoku keeps.

todoku case forget taro@example.jp
todoku case forget taro@example.jp --also "山田太郎" --yes
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import click

from todoku import settings
from todoku.cli import EX_USAGE, Failure, options
from todoku.cli.render.text import short
from todoku.i18n import Words, say
from todoku.settings import table

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
        "ja": "{address} を、案件の記録・メール・受信待ちから消します。元に戻せません。続けますか?",
        "en": "{address} will go from cases, kept mail and the spool. It cannot be undone. Go on?",
    },
    "say-yes": {
        "ja": "消すと元に戻せません。確かめられる端末がないので、--yes を付けてください。何も消していません。",
        "en": "it cannot be undone, and there is no terminal to ask at: give --yes. Nothing was erased.",
    },
    "left": {"ja": "何も消していません。", "en": "Nothing was erased."},
    "none": {
        "ja": "{address} はどこにも残っていません。",
        "en": "{address} is nowhere.",
    },
    "done": {
        "ja": "{address} を消しました: 出来事 {events} 件（案件 {cases}）、メール {mails} 通、申告者 {people} 人、"
        "その他 {others} 件。件数と経過は残っています。",
        "en": "Erased {address}: in {events} events (cases: {cases}), {mails} mails, {people} who reported, {others} "
        "other rows. Counts and history stay.",
    },
    "backups": {
        "ja": "バックアップ、メールサーバーのログ、Maildir と IMAP のメールには残っています（docs/privacy.ja.md）。",
        "en": "It is still in backups, logs of mail servers, Maildirs and mailboxes (docs/privacy.md).",
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
    """Erase ADDRESS, in any spelling, from events, kept mail and the spool. Cases keep their counts and
    their history, and note that an address was erased."""
    from todoku.cli import case as cases
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
    told = erased._replace(mails=erased.mails + waiting)
    if as_json:
        import msgspec

        click.echo(msgspec.json.encode({"v": 1, **told._asdict()}))
    elif not told:
        click.echo(say(WORDS["none"], lang, address=address))
    else:
        numbers = ", ".join(map(str, told.cases)) or "-"
        counts = told._asdict() | {"cases": numbers}
        click.echo(say(WORDS["done"], lang, address=address, **counts))
        click.echo(WORDS["backups"][lang])
    if trouble is not None:
        why = (trouble.strerror or str(trouble)).lower()
        raise Failure(say(WORDS["unread-spool"], lang, folder=folder, why=why), 74)
