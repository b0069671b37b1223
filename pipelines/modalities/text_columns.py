"""Columns of a sample as text: texts, numbers, times, lists, objects, and chats.

What scorers, suites and measures see as `text` is each identity column in this form, one below the
other. A text is itself. A chat, which is a list of objects with `role` and `content`, has a line
`[role] content` for each message; its further fields are not shown. Numbers, booleans and times are
written as CSV has them, lists and objects as JSON, and null as `null`.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from lineage import canonical

ROLE: Final = "role"
CONTENT: Final = "content"
CELL: Final = "v"
"""Name under which a value is written as JSON; it is cut off again."""


def is_text(dtype: pl.DataType) -> bool:
    """Tell whether a column holds texts or chats."""
    return dtype == pl.String or is_chat(dtype)


def is_chat(dtype: pl.DataType) -> bool:
    """Tell whether a column holds messages: a list of objects with texts `role` and `content`."""
    if not isinstance(dtype, pl.List) or not isinstance(dtype.inner, pl.Struct):
        return False
    fields = {field.name: field.dtype for field in dtype.inner.fields}
    return fields.get(ROLE) == pl.String and fields.get(CONTENT) == pl.String


def fault(dtype: pl.DataType) -> str | None:
    """Describe why a column cannot be part of a text; None if it can."""
    if _has_bytes(dtype):
        return "which has no form as text"
    if canonical.nested(dtype) is None:
        return "which has no canonical bytes"
    return None


def rendered(name: str, dtype: pl.DataType) -> pl.Expr:
    """Return a column as text; null of a column of texts or chats stays null."""
    column = pl.col(name)
    if dtype == pl.String:
        return column
    if is_chat(dtype):
        message = pl.element().struct
        line = pl.format(
            "[{}] {}",
            message.field(ROLE).fill_null(""),
            message.field(CONTENT).fill_null(""),
        )
        return column.list.eval(line).list.join("\n")
    if dtype.is_nested():
        cell = pl.struct(column.alias(CELL)).struct.json_encode()
        return cell.str.slice(len(CELL) + 4).str.head(-1).alias(name)
    return column.cast(pl.String).fill_null("null")


def _has_bytes(dtype: pl.DataType) -> bool:
    if isinstance(dtype, pl.List | pl.Array):
        return _has_bytes(pl.Series(dtype=dtype.inner).dtype)
    if isinstance(dtype, pl.Struct):
        return any(_has_bytes(pl.Series(dtype=field.dtype).dtype) for field in dtype.fields)
    return dtype == pl.Binary
