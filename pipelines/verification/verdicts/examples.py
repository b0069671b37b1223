"""Prepare candidates to be shown: their pictures, texts or values, of bounded size."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from pipelines.features import images, thumbnails

HIDDEN: Final = ("round", "row", "sample_id", "label")
"""Columns that are not shown as content."""
SIDE: Final = 96
"""Longer side of a picture, in pixels."""
LONGEST: Final = 600
"""Greatest number of characters of a text that are shown."""
COLUMNS: Final = 16
"""Greatest number of columns that are shown."""


@dataclass(frozen=True, slots=True)
class Part:
    """The value of one column: a picture, or a text."""

    name: str
    text: str | None = None
    picture: str | None = None
    """A data URI."""


@dataclass(frozen=True, slots=True)
class Example:
    """One candidate."""

    row: int
    label: str | None
    """The label that was asked for; None where the data set has no labels."""
    parts: tuple[Part, ...]


def of_rows(candidates: pl.DataFrame) -> dict[int, Example]:
    """Prepare examples, by row.

    Args:
        candidates: Column row and the payload of the rows to show.
    """
    shown = [name for name in candidates.columns if name not in HIDDEN]
    omitted = len(shown) - COLUMNS
    columns = [list(_parts(candidates[name])) for name in shown[:COLUMNS]]
    if omitted > 0:
        columns.append([Part("", f"and {omitted} more columns")] * len(candidates))
    labels: Sequence[str | None] = (
        _texts(candidates["label"]) if "label" in candidates.columns else [None] * len(candidates)
    )
    return {
        row: Example(row, label, tuple(parts))
        for row, label, *parts in zip(candidates["row"], labels, *columns, strict=True)
    }


def _parts(column: pl.Series) -> Iterator[Part]:
    if column.dtype == images.IMAGE:
        for data in column.struct.field("bytes"):
            picture = thumbnails.data_uri(data, SIDE)
            text = None if picture else "cannot be shown as an image"
            yield Part(column.name, text, picture)
    else:
        for text in _texts(column):
            yield Part(column.name, text)


def _texts(column: pl.Series) -> list[str]:
    """Convert each value to a text; of bytes, their number."""
    if column.dtype == pl.Binary:
        sizes = pl.format("{} bytes", column.bin.size())
        return pl.select(sizes.fill_null("no value")).to_series().to_list()
    if column.dtype.is_nested():
        values = column.to_list()
        return [_shortened("no value" if value is None else str(value)) for value in values]
    texts = column.cast(pl.String, strict=False).fill_null("no value")
    return [_shortened(text) for text in texts.str.head(LONGEST + 1)]


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
