r"""CSV files that people open in a spreadsheet: foreign text stays text, and comes back as it was.

A spreadsheet takes a cell that begins with `=`, `+`, `-` or `@` for a formula, and runs it. So an
apostrophe is put before such a text, which spreadsheets show and do not run; it is taken off when
the file is read back. What may be skipped before the sign (blanks, quotes, control characters)
counts as nothing before it, and so does a beginning that a spreadsheet of another country takes
for one: after a semicolon, a tab or a line break, which may separate cells and rows there.

A text gets an apostrophe only where it, or what follows apostrophes in it, would be a formula, and
an apostrophe is taken off only there. Hence reading gives back what was written, and an apostrophe
that a person typed for its own sake stays.

What is dangerous: https://owasp.org/www-community/attacks/CSV_Injection
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

SKIPPED: Final = r"\u0000-\u0020\u007f-\u00a0\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\"'"
"""Characters that may stand before the sign of a formula, as inside of a character class."""
SIGNS: Final = r"=+\-@\uff1d\uff0b\uff0d\uff20"
"""Signs that begin a formula, the wide ones of East Asian keyboards too."""
SEPARATORS: Final = r";\t\r\n"
"""What may end a cell or a row in a file whose cells are separated by commas."""
_FORMULA: Final = re.compile(rf"[{SKIPPED}]*[{SIGNS}]")
_BREAK: Final = re.compile(r"'*[\t\r\n]")
"""A beginning that a spreadsheet may drop, so that what follows begins the cell."""
_PART: Final = re.compile(rf"[{SEPARATORS}]|[^{SEPARATORS}]+")
_QUOTED: Final = re.compile(rf"[\",{SEPARATORS}]|^\s|\s$")
_GUARD: Final = "'"


def cell(text: str) -> str:
    """A text as it is written into a cell: no part of it is taken for a formula."""
    found = "".join(_guarded(part, _FORMULA) for part in _PART.findall(text))
    return _guarded(found, _BREAK)


def text(cell: str) -> str:
    """The text of a cell that `cell` has written, or that a person has typed."""
    whole = _opened(cell, _BREAK)
    return "".join(_opened(part, _FORMULA) for part in _PART.findall(whole))


def written(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows as CSV with a head; texts as by `cell`, what is missing or None is empty."""
    lines = [columns, *([row.get(name) for name in columns] for row in rows)]
    return "".join(",".join(map(_quoted, line)) + "\n" for line in lines)


def read(content: str) -> list[tuple[int, dict[str, str]]]:
    """Rows of CSV with a head: the line on which each ends, and its cells as they stand there.

    Cells may be separated by semicolons, as some spreadsheets write them. Those that a row lacks
    are empty, and so are empty rows passed over.

    Raises:
        csv.Error: it is no such file.
    """
    head = content.partition("\n")[0]
    separator = ";" if ";" in head and "," not in head else ","
    lines = csv.reader(io.StringIO(content, newline=""), delimiter=separator, strict=True)
    columns = [text(name) for name in next(lines, [])]
    if not columns:
        raise csv.Error("it has no head")
    found = []
    for cells in lines:
        if len(cells) > len(columns):
            raise csv.Error(f"line {lines.line_num} has more cells than the head")
        if any(cells):
            missing = [""] * (len(columns) - len(cells))
            row = dict(zip(columns, [*cells, *missing], strict=True))
            found.append((lines.line_num, row))
    return found


def _quoted(value: object) -> str:
    said = "" if value is None else cell(value) if isinstance(value, str) else str(value)
    doubled = said.replace('"', '""')
    return f'"{doubled}"' if _QUOTED.search(said) else said


def _guarded(part: str, dangerous: re.Pattern[str]) -> str:
    return f"{_GUARD}{part}" if dangerous.match(part) else part


def _opened(part: str, dangerous: re.Pattern[str]) -> str:
    return part[1:] if part.startswith(_GUARD) and dangerous.match(part, 1) else part
