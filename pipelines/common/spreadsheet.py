r"""CSV files that are opened in a spreadsheet: foreign text stays text, and is read back unchanged.

A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula and runs it. So an
apostrophe is put before such a text: spreadsheets then show it and do not run it. The apostrophe
is removed when the file is read back. Characters that a spreadsheet may skip before the sign
(blanks, quotes, control characters) are skipped here too. A part of a text after a semicolon, a tab
or a line break is treated as a cell of its own, because spreadsheets of some countries separate
cells and rows there.

A text gets an apostrophe only where it, or what follows apostrophes in it, would be a formula, and
an apostrophe is removed only there. Hence reading returns what was written, and an apostrophe that
a person typed stays.

The attack: https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

SKIPPED: Final = r"\u0000-\u0020\u007f-\u00a0\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\"'"
"""Characters that may precede the sign of a formula, written as inside a character class."""
SIGNS: Final = r"=+\-@\uff1d\uff0b\uff0d\uff20"
"""Signs that begin a formula, with the full-width ones of East Asian keyboards."""
SEPARATORS: Final = r";\t\r\n"
"""Characters that some spreadsheets take for the end of a cell or row besides the comma."""
_FORMULA: Final = re.compile(rf"[{SKIPPED}]*[{SIGNS}]")
_BREAK: Final = re.compile(r"'*[\t\r\n]")
"""A start that a spreadsheet may drop, so that what follows begins the cell."""
_PART: Final = re.compile(rf"[{SEPARATORS}]|[^{SEPARATORS}]+")
_QUOTED: Final = re.compile(rf"[\",{SEPARATORS}]|^\s|\s$")
_GUARD: Final = "'"


def cell(text: str) -> str:
    """Write a text as a cell of which no part is taken for a formula."""
    guarded = "".join(_guarded(part, _FORMULA) for part in _PART.findall(text))
    return _guarded(guarded, _BREAK)


def text(cell: str) -> str:
    """Read the text of a cell that `cell` has written, or that a person has typed."""
    unguarded = _unguarded(cell, _BREAK)
    return "".join(_unguarded(part, _FORMULA) for part in _PART.findall(unguarded))


def written(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Write rows as CSV with a header; texts as by `cell`, missing values as empty cells."""
    whole = [columns, *([row.get(name) for name in columns] for row in rows)]
    return "".join(map(line, whole))


def line(values: Iterable[object]) -> str:
    """Write one line of CSV; texts as by `cell`, missing values as empty cells."""
    return ",".join(map(_quoted, values)) + "\n"


def read(content: str) -> list[tuple[int, dict[str, str]]]:
    """Read rows of CSV with a header.

    Cells may be separated by semicolons, as some spreadsheets write them. Cells that a row lacks
    are empty, and empty rows are skipped.

    Returns:
        For each row the number of the line on which it ends, and its cells as they are written.

    Raises:
        csv.Error: The content is no such file.
    """
    header = content.partition("\n")[0]
    separator = ";" if ";" in header and "," not in header else ","
    lines = csv.reader(io.StringIO(content, newline=""), delimiter=separator, strict=True)
    columns = [text(name) for name in next(lines, [])]
    if not columns:
        raise csv.Error("it has no head")
    rows = []
    for cells in lines:
        if len(cells) > len(columns):
            raise csv.Error(f"line {lines.line_num} has more cells than the head")
        if any(cells):
            missing = [""] * (len(columns) - len(cells))
            row = dict(zip(columns, [*cells, *missing], strict=True))
            rows.append((lines.line_num, row))
    return rows


def _quoted(value: object) -> str:
    written_value = "" if value is None else cell(value) if isinstance(value, str) else str(value)
    doubled = written_value.replace('"', '""')
    return f'"{doubled}"' if _QUOTED.search(written_value) else written_value


def _guarded(part: str, dangerous: re.Pattern[str]) -> str:
    return f"{_GUARD}{part}" if dangerous.match(part) else part


def _unguarded(part: str, dangerous: re.Pattern[str]) -> str:
    return part[1:] if part.startswith(_GUARD) and dangerous.match(part, 1) else part
