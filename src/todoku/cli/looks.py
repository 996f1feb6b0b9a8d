"""Why an input was not read, and what one looks like in which nothing was recognised: said to the
person who named it."""

from __future__ import annotations

import re
from typing import Final

from todoku.cli.render.text import safe
from todoku.i18n import Language, Words, say

WORDS: Final[Words] = {
    "empty": {"ja": "空です", "en": "it is empty"},
    "blank": {"ja": "空白しかありません", "en": "it holds nothing but white space"},
    "known": {"ja": "{what} のようです", "en": "it looks like {what}"},
    "binary": {"ja": "テキストではないデータのようです", "en": "it looks like binary data"},
    "html": {
        "ja": "HTML のページのようです。メールは「ソースを表示」で保存したものを渡してください",
        "en": "it looks like an HTML page; save the mail with its headers (its source) instead",
    },
    "json": {
        "ja": "JSON ですが、既知の Webhook でも、text を持つ NDJSON でもありません",
        "en": "it is JSON, but neither a known webhook nor NDJSON with a text in each object",
    },
    "log": {
        "ja": "ログのようです。{n} 行に拒否はありません",
        "en": "it looks like a log: {n} lines, no refusal in them",
    },
    "log-line": {
        "ja": "ログの 1 行のようですが、拒否を伝えるものではありません",
        "en": "it looks like one line of a log, and tells of no refusal",
    },
    "utf-16": {
        "ja": "UTF-16 のテキストのようです。UTF-8 で保存し直してください",
        "en": "it looks like text in UTF-16; save it as UTF-8",
    },
    "line": {
        "ja": "1 行のテキストで、サーバーの応答（例: 550 5.7.1 …）がありません",
        "en": "one line of text, without an answer of a server (such as 550 5.7.1 ...)",
    },
    "text": {
        "ja": "{n} 行のテキストで、サーバーの応答（例: 550 5.7.1 …）がありません",
        "en": "{n} lines of text, without an answer of a server (such as 550 5.7.1 ...)",
    },
}

_MAGIC: Final = (
    (b"%PDF-", "PDF"),
    (b"PK\x03\x04", "zip"),
    (b"\x89PNG", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF8", "GIF"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
    (b"7z\xbc\xaf", "7z"),
    (b"\x7fELF", "ELF"),
    (b"\xd0\xcf\x11\xe0", "Outlook .msg / OLE"),
    (b"SQLite format 3", "SQLite"),
)
_LOG: Final = re.compile(
    rb"(?:<\d{1,3}>)?(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d |\d{4}-\d\d-\d\d[T ]\d\d:\d\d|@[0-9a-f]{24} )"
)
_HTML: Final = re.compile(rb"\s{0,200}(?:<!doctype html|<html|<head|<body)", re.IGNORECASE)


def what(data: bytes, lang: Language) -> str:
    """A clause for the end of a sentence."""
    head = data[:65536]
    if not data:
        return say(WORDS["empty"], lang)
    if not data.strip(b"\xef\xbb\xbf \t\r\n\0"):
        return say(WORDS["blank"], lang)
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return say(WORDS["known"], lang, what=name)
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return say(WORDS["utf-16"], lang)
    if head.count(b"\0") or sum(c < 9 or 13 < c < 27 for c in head[:2048]) > 20:
        return say(WORDS["binary"], lang)
    if _HTML.match(head):
        return say(WORDS["html"], lang)
    if head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}:
        return say(WORDS["json"], lang)
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    one = lines == 1
    key = ("log-line" if one else "log") if _LOG.match(head) else "line" if one else "text"
    return say(WORDS[key], lang, n=f"{lines:,}")


_WHY_JA: Final = (
    ("permission denied", "権限がありません"),
    ("no such file", "ファイルがありません"),
    ("a folder", "フォルダーです"),
    ("a link that leads to itself", "自分自身を指すリンクです"),
    ("a link to a folder that was read", "すでに読んだフォルダーへのリンクです"),
    ("the path is too long", "パスが長すぎます"),
    ("too many open files", "開いているファイルが多すぎます"),
    ("the disk cannot be read", "ディスクを読めません"),
    ("a named pipe", "名前付きパイプです"),
    ("a socket", "ソケットです"),
    ("a device", "デバイスです"),
    ("no file", "通常のファイルではありません"),
    ("not a path", "パスではありません"),
    ("the gzip file is damaged", "gzip ファイルが壊れています"),
    ("the gzip file is cut off", "gzip ファイルが途中で切れています"),
    ("unpacks to more than", "展開後の大きさが異常なため、途中で止めました"),
    # of a line of NDJSON
    ("is not JSON", "JSON ではありません"),
    ('has no "text"', '"text" がありません'),
    ("is not a reply", "応答の形をしていません"),
    ("is longer than", "長すぎます"),
)


def why(english: str, lang: Language) -> str:
    """The reason that a room gives in English, in the language of this run."""
    if lang == "ja":
        for begins, words in _WHY_JA:
            if english.startswith(begins):
                return words
    return safe(english)
