"""CSV files as people keep them: separators are found, lines that do not fit are named.

All columns are texts here. A file is read by Polars; where its lines may have lost something
(quotes that are escaped by a backslash, lines with other numbers of fields), they are gone through
one by one.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from typing import BinaryIO, Final

import polars as pl

from pipelines.sources.formats.errors import MalformedError

SEPARATORS: Final = (",", ";", "\t", "|")
"""The first one that the header holds outside of quotes separates fields."""
NAMES: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
MOST_HEADER: Final = 1 << 20
"""Bytes of the header."""
MOST_FIELD: Final = 1 << 27
"""Characters of a field."""


def header(file: BinaryIO, usual: str) -> tuple[list[str], str]:
    """Read the names of the columns, and find the separator.

    Args:
        file: UTF-8.
        usual: the separator that is taken if the header holds it.

    Raises:
        MalformedError: the header is too long, or names a column twice.
    """
    csv.field_size_limit(MOST_HEADER + 1)
    file.seek(0)
    text = file.read(MOST_HEADER).decode("utf-8", "replace")
    one = "".join(next(csv.reader(io.StringIO(text, newline=""), delimiter="\0"), []))
    separator = next((each for each in (usual, *SEPARATORS) if each in _unquoted(text)), usual)
    names = next(csv.reader(io.StringIO(text, newline=""), delimiter=separator), [])
    if len(text) >= MOST_HEADER and len(one) >= MOST_HEADER:
        raise MalformedError(f"its header is longer than {MOST_HEADER:,} bytes")
    times = Counter(names)
    twice = next((name for name in times if times[name] > 1), None)
    if twice is not None:
        raise MalformedError(f"its header names column {twice!r} {times[twice]} times; rename one")
    return names, separator


def read(
    file: BinaryIO, names: list[str], separator: str, usual: str
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """Read the rows as texts; an empty field is null.

    Args:
        file: UTF-8.
        names: of the columns.
        separator: between fields.
        usual: the separator that needs no word.

    Returns:
        The rows, and what was found out, in predicates.

    Raises:
        MalformedError: a line has another number of fields than the header; the message names it.
        PolarsError: the file cannot be read.
    """
    found = () if separator == usual else (f"has {NAMES[separator]} between its fields",)
    file.seek(0)
    if _escapes(file) and (rows := _escaped(file, len(names), separator)) is not None:
        frame = pl.DataFrame(rows[1:], dict.fromkeys(names, pl.String), orient="row")
        empty = pl.when(pl.all().str.len_bytes() > 0).then(pl.all())
        return frame.select(empty), (*found, "escapes quotes by a backslash")
    try:
        file.seek(0)
        frame = pl.read_csv(file, infer_schema=False, separator=separator)
    except pl.exceptions.PolarsError:
        _check_lines(file, len(names), separator)
        raise
    if len(names) > 1 and frame[names[-1]].null_count():  # a line may have had fewer fields
        _check_lines(file, len(names), separator)
    return frame, found


def _unquoted(text: str) -> str:
    """Return the first line, without what stands in quotes."""
    parts, quoted = [], False
    for sign in text:
        if sign == "\n" and not quoted:
            break
        quoted ^= sign == '"'
        if not quoted:
            parts.append(sign)
    return "".join(parts)


def _escapes(file: BinaryIO) -> bool:
    """Tell whether a quote follows a backslash anywhere."""
    file.seek(0)
    before = b""
    while chunk := file.read(1 << 20):
        if b'\\"' in before + chunk:
            return True
        before = chunk[-1:]
    return False


def _escaped(file: BinaryIO, width: int, separator: str) -> list[list[str]] | None:
    """Read a file whose quotes are escaped by a backslash; None if they need not be."""
    if _first_other(_records(file, separator, strict=True), width) is None:
        return None
    rows = list(_records(file, separator, escape="\\"))
    return rows if _first_other(iter(rows), width) is None else None


def _records(
    file: BinaryIO, separator: str, *, strict: bool = False, escape: str | None = None
) -> Iterator[list[str]]:
    """Read the fields of each record; one that cannot be read is empty, and the last."""
    csv.field_size_limit(MOST_FIELD)
    file.seek(0)
    text = io.TextIOWrapper(file, "utf-8", newline="")
    records = csv.reader(
        text,
        delimiter=separator,
        strict=strict or escape is not None,
        escapechar=escape,
        doublequote=escape is None,
    )
    try:
        yield from (row for row in records if row)
    except csv.Error:
        yield []
    finally:
        text.detach()


def _first_other(rows: Iterator[list[str]], width: int) -> tuple[int, int] | None:
    """Find the first record with another number of fields: its number, from 1, and the fields."""
    others = ((number, len(row)) for number, row in enumerate(rows, 1) if len(row) != width)
    return next(others, None)


def _check_lines(file: BinaryIO, width: int, separator: str) -> None:
    """Refuse a record with another number of fields than the header.

    Raises:
        MalformedError: there is one.
    """
    other = _first_other(_records(file, separator), width)
    if other is not None:
        number, fields = other
        raise MalformedError(
            f"record {number:,} (the header is the first) has {fields:,} fields, where the header "
            f"has {width:,}; put fields with separators or line ends into quotes"
        )
