"""Bytes of a mail to text, whatever the label says.

A label (`charset=`) is a claim by the sender's program. Bounces carry wrong ones (`us-ascii` over
Shift_JIS), none at all, or names that only one vendor uses. The rule: what the bytes prove beats
what the label says; the label decides where the bytes leave a choice; nothing ever raises.
"""

from __future__ import annotations

import codecs
from binascii import Error as BinasciiError
from binascii import a2b_base64, a2b_qp

from todoku.lazy import expression

# Names that mail programs use, to the codec that reads what they really send: mail labelled
# Shift_JIS holds the vendor's extensions (cp932), GB2312 stands for its supersets, and ISO-8859-1
# for windows-1252, as the WHATWG encoding standard has it.
_CODECS = {
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "ms_kanji": "cp932",
    "windows-31j": "cp932",
    "euc-jp": "euc_jis_2004",
    "x-euc-jp": "euc_jis_2004",
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "x-gbk": "gb18030",
    "cp936": "gb18030",
    "big5": "big5hkscs",
    "ks_c_5601-1987": "cp949",
    "euc-kr": "cp949",
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "us-ascii": "",
    "ascii": "",
    "ansi_x3.4-1968": "",
    "unknown-8bit": "",
    "x-unknown": "",
    "default": "",
    "8bit": "",
    "iso-8859-8-i": "iso8859_8",
    "cp-850": "cp850",
    "utf8": "utf-8",
    "unicode-1-1-utf-7": "",
    "utf-7": "",
}
ESCAPE = 0x1B
# Codecs of Python that no mail means; `undefined` raises whatever it is given.
_NO_CHARSETS = frozenset({"idna", "punycode", "undefined", "unicode_escape", "utf-7"})
_known: dict[str, str | None] = {}
_MAX_LABELS = 512

_JIS_ESCAPE = expression(rb"\x1b(\$[@B]|\$\([DOPQ]|\([BJI])")
_KANA = expression("[\u3041-\u30ff]")
_HALF_KANA = expression("[\uff61-\uff9f]")
_CYRILLIC_WORD = expression(rb"[\xc0-\xff]{4,40}")
_C1 = expression("[\x80-\x9f]")


def codec_of(label: str) -> str | None:
    """The Python codec for a label; `None` where no codec of a text encoding has that name."""
    label = label.strip().strip("\"'").lower()
    if label in _CODECS:
        return _CODECS[label] or None
    if label in _known:
        return _known[label]
    codec: str | None = None
    if label and len(label) <= 40 and label.isascii():
        try:
            info = codecs.lookup(label)
            # Some names in Python's table are no encodings of text (`hex`, `zlib`, `rot13`), some
            # escape mechanisms that no mail uses.
            text = getattr(info, "_is_text_encoding", True)
            if text and info.name not in _NO_CHARSETS:
                codec = info.name
        except (LookupError, ValueError):
            codec = None
    if len(_known) < _MAX_LABELS:
        _known[label] = codec
    return codec


def decode(data: bytes, label: str | None = None) -> str:
    """Text of `data`. Never raises; what cannot be read becomes U+FFFD."""
    if data.isascii():
        if ESCAPE in data and _JIS_ESCAPE.search(data):
            return _iso_2022_jp(data)
        return data.decode()
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    codec = codec_of(label) if label else None
    if codec is not None and codec not in {"utf-8", "cp1252"}:
        if codec.startswith("iso2022") or codec == "hz":
            if ESCAPE in data:
                return _iso_2022_jp(data)
        else:
            try:
                return data.decode(codec)
            except (UnicodeDecodeError, LookupError, ValueError):
                pass
    if b"\x1b$" in data:
        return _iso_2022_jp(data)
    return _guess(data, codec)


def _iso_2022_jp(data: bytes) -> str:
    try:
        return data.decode("iso2022_jp_ext")
    except UnicodeDecodeError:
        pass
    # Vendor characters (circled digits and the like, NEC row 13) stand in no ISO-2022-JP codec of
    # Python. Move the two-byte runs to EUC, whose codec knows JIS X 0213, and read run by run.
    out: list[str] = []
    pos, mode = 0, b"(B"
    for m in _JIS_ESCAPE.finditer(data):
        out.append(_jis_run(data[pos : m.start()], mode))
        pos, mode = m.end(), m[1]
    out.append(_jis_run(data[pos:], mode))
    return "".join(out)


_HIGH = bytes(i | 0x80 if 0x21 <= i <= 0x7E else i for i in range(256))


def _jis_run(run: bytes, mode: bytes) -> str:
    if mode in {b"(B", b"(J"}:
        return run.decode("utf-8", "replace")
    if mode == b"(I":
        return run.translate(_HIGH).decode("cp932", "replace")
    return run.translate(_HIGH).decode("euc_jis_2004", "replace")


_HIGH_BYTES = bytes(range(0x80, 0x100))
_SAMPLE = 4096
_CHINESE = "\u7684\u662f\u4e0d\u4e86\u6709\u5728\u4eba\u6211\u4ed6\u8fd9\u60a8\u7121\u65e0\u8bf7\u8acb\u70ba\u4e3a\u5230\u4ef6\u4fe1\u90ae\u90f5\u9001"


def _guess(data: bytes, codec: str | None) -> str:
    """No label that fits, and not UTF-8: the eastern encodings show by their structure, the
    single-byte ones can only be told by what letters would make words."""
    sample = data[:_SAMPLE]
    high = len(sample) - len(sample.translate(None, _HIGH_BYTES))
    if codec == "cp1252" and high * 8 < len(sample):
        return data.decode("cp1252", "replace")  # some accents among letters: as labelled
    best: tuple[float, str] | None = None
    for name in ("euc_jis_2004", "cp932", "gb18030"):
        try:
            text = _whole(sample, name)
        except UnicodeDecodeError:
            continue
        kana = len(_KANA.findall(text))
        if name == "gb18030":
            # Every even run of high bytes is some Chinese text: only where Chinese is usual.
            score = sum(map(text.count, _CHINESE)) * 2.0 - kana
        elif kana:
            score = kana * 2.0 - len(_HALF_KANA.findall(text)) * 3 - len(_C1.findall(text)) * 2
        else:
            continue
        if score > 0 and (best is None or score > best[0]):
            best = (score, name)
    if best is not None:
        return data.decode(best[1], "replace")
    if high >= 12 and codec in {"cp1252", None} and len(_CYRILLIC_WORD.findall(sample)) >= 3:
        # Long runs of letters above 0xC0 are Cyrillic: lower case prevails in the right one.
        small = len(sample) - len(sample.translate(None, _HIGH_BYTES[0x60:]))
        capital = len(sample) - len(sample.translate(None, _HIGH_BYTES[0x40:0x60]))
        # In KOI8-R it is the other way round.
        return data.decode("cp1251" if small >= capital else "koi8-r", "replace")
    return data.decode(codec or "cp1252", "replace")


def _whole(sample: bytes, name: str) -> str:
    """Strictly decoded, but for a character that the end of the sample cuts."""
    try:
        return sample.decode(name)
    except UnicodeDecodeError as error:
        if len(sample) < _SAMPLE or error.start < len(sample) - 4:
            raise
        return sample[: error.start].decode(name)


# ── header values (RFC 2047) and transfer encodings ───────────────────────────────────────────

_WORD = expression(rb"=\?([\w.:/+-]{1,40})(?:\*[\w-]{1,20})?\?([BbQq])\?([^?\s]{0,20000})\?=")
_BETWEEN = expression(rb"(\?=)\s+(?==\?[\w.:/+*-]{1,60}\?[BbQq]\?)")
MAX_HEADER = 32_768


def header(value: bytes) -> str:
    """A header's value as text: unfolded, encoded words read, joined where they touch."""
    value = b" ".join(value[:MAX_HEADER].split())
    if value.find(b"=?") < 0:
        return value.decode() if value.isascii() and ESCAPE not in value else decode(value)
    value = _BETWEEN.sub(rb"\1", value)
    out: list[str] = []
    pos = 0
    pending: tuple[str, bytes] | None = None  # a character may be cut across two words
    for m in _WORD.finditer(value):
        label, data = m[1].decode("ascii").lower(), _word_bytes(m[2], m[3])
        if m.start() > pos:
            if pending:
                out.append(decode(pending[1], pending[0]))
                pending = None
            out.append(decode(value[pos : m.start()]))
        if pending and pending[0] == label:
            pending = (label, pending[1] + data)
        else:
            if pending:
                out.append(decode(pending[1], pending[0]))
            pending = (label, data)
        pos = m.end()
    if pending:
        out.append(decode(pending[1], pending[0]))
    out.append(decode(value[pos:]))
    return "".join(out)


def _word_bytes(encoding: bytes, text: bytes) -> bytes:
    if encoding in b"Bb":
        return base64(text)
    return a2b_qp(text, header=True)


_NOT_BASE64 = bytes(
    i
    for i in range(256)
    if i not in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
)


def base64(data: bytes) -> bytes:
    """Base64 as it comes: foreign characters and missing padding are passed over."""
    end = data.find(b"=")
    if end >= 0:
        data = data[:end]
    data = data.translate(None, _NOT_BASE64)
    if len(data) % 4 == 1:
        data = data[:-1]
    try:
        return a2b_base64(data + b"=" * (-len(data) % 4))
    except BinasciiError:
        return b""


def transfer(data: bytes, encoding: str) -> bytes:
    """Undo a Content-Transfer-Encoding."""
    if encoding == "quoted-printable":
        return a2b_qp(data)
    if encoding == "base64":
        return base64(data)
    return data
