"""JSON as people keep it: one object a line, or an array of objects; nothing changes on reading.

Polars reads the lines. What it would change without a word is looked for before and after: half of
a surrogate pair, a key that comes twice, an object or a number among texts.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, BinaryIO, Final

import polars as pl

from pipelines.sources.formats.errors import MalformedError

LARGEST: Final = 1 << 28
"""Bytes of a JSON array, which is read whole."""
HALF: Final = re.compile(
    rb"(?<!\\)((?:\\\\)*)(?:"
    rb"(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)
"""A surrogate in an escape; the second group holds it if it is a pair."""
SHOWN: Final = 60
MOST_COUNTED: Final = 64
"""Columns whose names are counted in a line; a line of more is parsed, which then is faster."""


def lines(file: BinaryIO) -> tuple[BinaryIO, tuple[str, ...]]:
    """Return one object a line, with what had to change for it.

    Args:
        file: UTF-8 without a byte order mark.

    Returns:
        The lines, from their beginning; and what was found out, in predicates.

    Raises:
        MalformedError: it is neither lines of objects nor an array of objects.
    """
    found: list[str] = []
    file.seek(0)
    start = file.read(1 << 16).lstrip()
    if start.startswith(b"[") or (start.startswith(b"{") and b"\n" in start and _spread(start)):
        file, said = _array(file)
        found.append(said)
    file, halves = _whole_pairs(file)
    if halves:
        found.append(
            f"holds {halves:,} halves of surrogate pairs, which are no characters; each became "
            "U+FFFD"
        )
    file.seek(0)
    return file, tuple(found)


def _spread(start: bytes) -> bool:
    """Tell whether an object is spread over lines."""
    first = start.split(b"\n", 1)[0]
    try:
        json.loads(first)
    except (ValueError, RecursionError):
        return first.rstrip() in (b"{", b"[") or not first.rstrip().endswith(b"}")
    return False


def _array(file: BinaryIO) -> tuple[BinaryIO, str]:
    size = file.seek(0, os.SEEK_END)
    if size > LARGEST:
        raise MalformedError(
            f"it is a JSON document of {size:,} bytes, which is read whole; write one object a line"
        )
    file.seek(0)
    try:
        content = json.loads(file.read(), object_pairs_hook=_distinct)
    except RecursionError as error:
        raise MalformedError("it is nested too deeply") from error
    except json.JSONDecodeError as error:
        file.seek(0)
        raise MalformedError(
            f"it is no JSON: {error.msg} in line {error.lineno:,}, column {error.colno:,}"
        ) from error
    said = "is a JSON array"
    if isinstance(content, dict):
        lists = {name: value for name, value in content.items() if _are_rows(value)}
        if len(lists) != 1:
            raise MalformedError("it is one JSON object; a table is an array of objects")
        name, content = next(iter(lists.items()))
        said = f"is a JSON object whose rows are under {name!r}"
    if not _are_rows(content):
        raise MalformedError("it is a JSON array with other things in it than objects")
    rows = (json.dumps(row).encode() for row in content)
    return io.BytesIO(b"\n".join(rows) + b"\n"), said


def _are_rows(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(row, dict) for row in value)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        times = Counter(name for name, _ in pairs)
        twice = next(name for name in times if times[name] > 1)
        raise MalformedError(f"an object has the key {twice!r} twice; remove one")
    return content


def _whole_pairs(file: BinaryIO) -> tuple[BinaryIO, int]:
    """Replace halves of surrogate pairs by U+FFFD; the file itself if there are none."""
    file.seek(0)
    if not any(HALF.search(line) for line in file if b"\\u" in line):
        return file, 0
    count = 0

    def whole(match: re.Match[bytes]) -> bytes:
        nonlocal count
        if match[2] is not None:
            return match[0]
        count += 1
        return match[1] + b"\\ufffd"

    file.seek(0)
    return io.BytesIO(HALF.sub(whole, file.read())), count


def refuse_lines(file: BinaryIO) -> None:
    """Name the first line that is no JSON object, after Polars could not read the file.

    Raises:
        MalformedError: there is one.
    """
    file.seek(0)
    for number, line in enumerate(file, 1):
        if not line.strip():
            continue
        try:
            value = json.loads(line, object_pairs_hook=_distinct)
        except (ValueError, RecursionError) as error:
            cut = not line.endswith(b"\n")
            reason = "is cut off" if cut else f"is no JSON object: {_reason(error)}"
            raise MalformedError(f"line {number:,} {reason}") from error
        if not isinstance(value, dict):
            raise MalformedError(f"line {number:,} is a {_name(value)}, not an object")


def check(file: BinaryIO, frame: pl.DataFrame) -> None:
    """Refuse what Polars changes without a word: keys that come twice, other values among texts.

    Args:
        file: lines of objects.
        frame: what was read of them.

    Raises:
        MalformedError: there is such a line; the message names it.
    """
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    likely = {
        name: set(
            frame[name]
            .str.contains(r"^\s*(?:[\[{]|-?\d|true|false)")
            .fill_null(value=False)
            .arg_true()
        )
        for name in texts
    }
    patterns = [f'"{name}"'.encode() for name in frame.columns]
    for row, (number, line) in enumerate(_filled(file)):
        doubtful = len(patterns) > MOST_COUNTED or any(
            line.count(pattern) > 1 for pattern in patterns
        )
        named = [name for name in texts if row in likely[name]]
        if doubtful or named:
            _check_line(number, line, named)


def _filled(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    file.seek(0)
    return ((number, line) for number, line in enumerate(file, 1) if line.strip())


def _check_line(number: int, line: bytes, texts: list[str]) -> None:
    try:
        value = json.loads(line, object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        raise MalformedError(f"line {number:,}: {_reason(error)}") from error
    for name in texts:
        if isinstance(value.get(name), list | dict | bool | int | float):
            raise MalformedError(
                f"line {number:,} holds {_called(value[name])} in column {name!r}, where other "
                "lines hold texts; write all of them as texts"
            )


def _called(value: object) -> str:
    name = _name(value)
    return f"an {name}" if name == "object" else f"a {name}"


def _reason(error: Exception) -> str:
    return getattr(error, "msg", None) or (str(error) or type(error).__name__)[:SHOWN]


def _name(value: object) -> str:
    names = {
        dict: "object",
        list: "list",
        str: "text",
        bool: "truth value",
        int: "number",
        float: "number",
    }
    return names.get(type(value), "null")
