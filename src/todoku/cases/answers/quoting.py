"""What in a mail is its writer's own: quoted mails and signatures are taken away. Pure."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_LINES: Final = 4000
_MARK: Final = re.compile(
    r"^[\s\-_=*|]*(?:"
    r"(?:begin )?(?:original|quoted) (?:message|mail|e-mail|text)|ursprüngliche nachricht|original-?nachricht"
    r"|message (?:d'origine|original)|mensaje original|mensagem original|messaggio originale"
    r"|元の?(?:メッセージ|メール)|オリジナル ?メッセージ|引用(?:元|文)?|以下、?引用"
    r")\s*:?[\s\-_=*|]*$",
    re.I,
)
_OURS: Final = re.compile(
    r"^[\s\-_=*#■◆●【\[<|]*(?:"
    r"(?:(?:here is |this is )?(?:a copy of )?(?:your|the) (?:original |initial |submitted )?"
    r"(?:message|request|inquiry|enquiry|submission|comments?)"
    r"(?: (?:was|is|follows|reads|as follows|as submitted|details|text))*)"
    r"|you (?:wrote|submitted|sent(?: us)?)(?: the following)?"
    r"|(?:お客様(?:から|より)?の|いただいた|頂いた|元の)?(?:お問い?合わ?せ|ご?(?:依頼|申請|送信|質問))の?(?:内容|本文)"
    r"|(?:ihre|originale?) (?:ursprüngliche )?(?:nachricht|anfrage|mitteilung)(?: (?:war|lautete?))?"
    r")\s*(?::|】|\]|>|$)[\s\-_=*#】\]>|:]*$",
    re.I,
)
_FORWARD: Final = re.compile(
    r"^[\s\-_=*>]*(?:(?:begin )?forwarded (?:message|mail)|weitergeleitete nachricht"
    r"|転送(?:された)?(?:メッセージ|メール)|message transféré|mensaje reenviado)\s*:?[\s\-_=*]*$",
    re.I,
)
_FIELD: Final = re.compile(
    r"^\s*\*{0,2}(?:(?P<from>from|von|de|da|差出人|送信者|送信元|發件者)"
    r"|(?P<date>sent|date|gesendet|datum|envoyé|送信日時|日時|日付|送信日)"
    r"|(?P<to>to|an|à|para|宛先|受信者)|(?P<cc>cc|kopie)"
    r"|(?P<subject>subject|betreff|objet|asunto|件名|題名))\s*\*{0,2}\s*:\*{0,2}\s",
    re.I,
)
# These may be wrapped over lines.
_WROTE: Final = re.compile(
    r"^\s*(?:(?:on|am|le|el)\s.{6,300}?(?:wrote|schrieb|a écrit|escribió)\b.{0,120}:"
    r"|\d{4}[年/-]\d{1,2}[月/-]\d{1,2}.{0,160}(?:[>@].{0,40}|さん.{0,20}|書きました.{0,3}):)\s*$",
    re.I | re.S,
)
_WROTE_BRIEFLY: Final = re.compile(
    r"^.{1,120}(?:wrote|schrieb|さん(?:は|が)書きました|のメッセージ|のメール(?:では|より)?)\s*:\s*$",
    re.I,
)
_SAID: Final = re.compile(
    r"^\s*(?:(?:mon|tue|wed|thu|fri|sat|sun)\w*,? )?(?:\d{1,2}\.? \w{3,9}\.? \d{4}|\w{3,9} \d{1,2}, \d{4}"
    r"|\d{4}[-/年]\d{1,2}[-/月]\d{1,2}日?|\d{1,2}[./]\d{1,2}[./]\d{4}),?(?: at)? \d{1,2}:\d{2}(?::\d{2})?"
    r"(?: ?[ap]m)?(?: [A-Z]{2,5}| [+-]\d{4})?\s*$",
    re.I,
)
"""Help desks print a conversation, the newest word first: a name, and below it when."""
_QUOTE: Final = re.compile(r"^[ \t]*[>＞]")
_SIGNATURE: Final = re.compile(r"^--[ \t]?$")
_BRIEF: Final = 120
"""Characters: who writes no more above what he passes on says nothing himself."""
_LONGEST_SIGNATURE: Final = 16


class Split(NamedTuple):
    """A mail's text."""

    own: str
    quoted: str
    forwarded: bool = False
    """Nothing is its writer's own: what he passed on is read as the text."""


def split(text: str) -> Split:
    """What the writer wrote, and what he quoted. Answers between and below quoted lines are his."""
    lines = text.split("\n")[:_LINES]
    own: list[str] = []
    quoted: list[str] = []
    n = said = 0
    while n < len(lines):
        line = lines[n]
        forward = _FORWARD.match(line) is not None
        if forward or _MARK.match(line) or _OURS.match(line) or _block(lines, n):
            rest = lines[n + (0 if _block(lines, n) else 1) :]
            said_himself = "\n".join(own).strip()
            if forward and len(said_himself) < _BRIEF:  # "FYI"
                passed = f"{said_himself}\n\n{_passed_on(rest)}".lstrip()
                return Split(passed, "\n".join(quoted), forwarded=True)
            quoted += rest
            break
        if n + 1 < len(lines) and 0 < len(line.strip()) < 80 and _SAID.match(lines[n + 1]):
            said += 1
            if said > 1:
                quoted += lines[n:]
                break
            n += 2
            continue
        taken = _attribution(lines, n)
        if taken:
            after = next((each for each in lines[n + taken :] if each.strip()), "")
            if not _QUOTE.match(after):  # no marks: all that follows is quoted
                quoted += lines[n + taken :]
                break
            n += taken
        elif _QUOTE.match(line):
            quoted.append(line.lstrip(" \t>＞"))
            n += 1
        else:
            own.append(line)
            n += 1
    return Split("\n".join(_unsigned(own)), "\n".join(quoted))


def _passed_on(lines: list[str]) -> str:
    start = 0
    while start < len(lines) and (not lines[start].strip() or _FIELD.match(lines[start])):
        start += 1
    return split("\n".join(lines[start:])).own


def _block(lines: list[str], n: int) -> bool:
    """Does the head of a mail begin here: who, when, to whom, what about?"""
    first = _FIELD.match(lines[n])
    if first is None or first.lastgroup not in {"from", "date", "subject"}:
        return False
    names = {first.lastgroup}
    for line in lines[n + 1 : n + 9]:
        found = _FIELD.match(line)
        if found is not None:
            names.add(found.lastgroup or "")
        elif not line.strip() and len(names) > 1:
            break
    return len(names) >= 3 and "from" in names


def _attribution(lines: list[str], n: int) -> int:
    """How many lines say who wrote what follows ("On ... X wrote:"); they may be wrapped."""
    if _WROTE_BRIEFLY.match(lines[n][:500]):
        return 1
    for count in (1, 2, 3):
        if n + count > len(lines) or not lines[n + count - 1].strip():
            break
        if _WROTE.match(" ".join(lines[n : n + count])[:500]):
            return count
        if lines[n + count - 1].rstrip().endswith((".", "。")):
            break
    return 0


def _unsigned(lines: list[str]) -> list[str]:
    """Without a signature, where the line that begins one stands near the end."""
    for n in range(max(1, len(lines) - _LONGEST_SIGNATURE), len(lines)):
        if _SIGNATURE.match(lines[n]) and any(line.strip() for line in lines[:n]):
            return lines[:n]
    return lines
