"""Changing a settings file that a person wrote: comments, order and spacing stay.

The change is made in the text and then proved: read as TOML, the new text must hold what the old
one held, and the change. A file in a shape where that fails is left to its owner.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, Final

_STRING: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\'')


class CannotEdit(Exception):
    """The text has a shape that this module does not dare to change."""


def add_to_list(text: str, section: str, key: str, value: str) -> str:
    """The text with `value` (plain characters, no quotes) at the end of a list."""
    old = tomllib.loads(text)
    before = old.get(section, {}).get(key, [])
    wanted = [*(before if isinstance(before, list) else [before]), value]
    return _proved(_insert(text, section, key, value), old, section, key, wanted)


def set_value(text: str, section: str, key: str, value: str) -> str:
    """The text with the string `value` for a key."""
    old = tomllib.loads(text)
    lines = text.splitlines(keepends=True)
    at = _find_key(lines, section, key)
    if at is None:
        new = _new_line(text, section, key, f'"{value}"')
    else:
        position = _value_position(lines, at)
        string = _STRING.match(text, position)
        if string is None:
            raise CannotEdit
        new = f'{text[:position]}"{value}"{text[string.end() :]}'
    return _proved(new, old, section, key, value)


def _proved(new: str, old: dict[str, Any], section: str, key: str, value: Any) -> str:
    expected = {**old, section: {**old.get(section, {}), key: value}}
    try:
        if tomllib.loads(new) == expected:
            return new
    except tomllib.TOMLDecodeError:
        pass
    raise CannotEdit


def _insert(text: str, section: str, key: str, value: str) -> str:
    lines = text.splitlines(keepends=True)
    at = _find_key(lines, section, key)
    if at is None:
        return _new_line(text, section, key, f'["{value}"]')
    start = _value_position(lines, at)
    if string := _STRING.match(text, start):
        return f'{text[:start]}[{string[0]}, "{value}"]{text[string.end() :]}'
    if text[start : start + 1] != "[":
        raise CannotEdit
    last, end = _array(text, start)
    if "\n" not in text[start:end]:
        between = {"[": "", ",": " "}.get(text[last], ", ")
        return f'{text[: last + 1]}{between}"{value}"{text[last + 1 :]}'
    return _insert_line(text, start, last, value)


def _insert_line(text: str, start: int, last: int, value: str) -> str:
    """Into an array with a line for each element: a line below the last one, indented alike."""
    newline = "\r\n" if "\r\n" in text else "\n"
    comma = "" if text[last] in "[," else ","
    line_end = text.index("\n", last)
    rest = text[last + 1 : line_end].rstrip("\r")
    line_start = text.rfind("\n", start, last) + 1
    indent = "    "
    if line_start:
        indent = re.match(r"[ \t]*", text[line_start:])[0]  # type: ignore[index]
    new = f'{text[: last + 1]}{comma}{rest}{newline}{indent}"{value}",'
    return new + text[last + 1 + len(rest) :]


def _array(text: str, start: int) -> tuple[int, int]:
    """Where an array's last character before its closing bracket stands, and that bracket."""
    position, depth, last = start, 0, start
    while position < len(text):
        char = text[position]
        if char == "#":
            position = text.find("\n", position)
            if position < 0:
                break
        elif char in "\"'":
            string = _STRING.match(text, position)
            if string is None or text.startswith(char * 3, position):
                break
            position = string.end() - 1
            last = position
        elif char == "]":
            depth -= 1
            if depth == 0:
                return last, position
            last = position
        elif not char.isspace():
            depth += char == "["
            last = position
        position += 1
    raise CannotEdit


def _section_lines(lines: list[str], section: str) -> range | None:
    """The lines below `[section]`, up to the next header."""
    header = re.compile(rf"\s*\[\s*{section}\s*\]\s*(#.*)?$")
    start = next((n for n, line in enumerate(lines) if header.match(line.rstrip())), None)
    if start is None:
        return None
    end = start + 1
    while end < len(lines) and not re.match(r"\s*\[{1,2}[^\[\]]+\]{1,2}\s*(#.*)?$", lines[end]):
        end += 1
    return range(start, end)


def _find_key(lines: list[str], section: str, key: str) -> int | None:
    found = _section_lines(lines, section)
    pattern = re.compile(rf"\s*[\"']?{key}[\"']?\s*=")
    return next((n for n in found or () if pattern.match(lines[n])), None)


def _value_position(lines: list[str], at: int) -> int:
    assigned = re.match(r"[^=]*=\s*", lines[at])
    assert assigned is not None  # noqa: S101 (_find_key saw it)
    return sum(map(len, lines[:at])) + assigned.end()


def _new_line(text: str, section: str, key: str, value: str) -> str:
    """A key that was not there: below its commented example, else below its section's header,
    else in a new section at the end."""
    newline = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    found = _section_lines(lines, section)
    if found is None:
        gap = "" if not text or text.endswith(("\n\n", "\r\n\r\n")) else newline
        if text and not text.endswith("\n"):
            gap = newline * 2
        return f"{text}{gap}[{section}]{newline}{key} = {value}{newline}"
    example = re.compile(rf"\s*#+\s*{key}\s*=")
    after = next((n for n in found if example.match(lines[n])), found.start)
    if not lines[after].endswith("\n"):
        lines[after] += newline
    lines.insert(after + 1, f"{key} = {value}{newline}")
    return "".join(lines)
