"""Search of files for content that was taken down, and what is left of a file without it.

A table that has the content of a data set is written again without the rows; in any other table
the cells that hold some of it become null. Nothing else can be cut: a picture of many samples, a
page or a text goes whole, and something that says so stands in its place.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from lineage.schema import UNREADABLE
from pipelines.takedown import content, decoding
from pipelines.takedown.content import Wanted
from pipelines.takedown.decoding import IMAGES, Decoded

MARK: Final = "stemma.purged"
"""Metadata of a table that was written again: which object it stands for, and which take-down."""
PARQUET: Final = b"PAR1"


@dataclass(frozen=True, slots=True)
class Hit:
    """Content that was taken down, in a file: the place in it, and how it was recognised."""

    inside: str
    how: str
    """By its `id`; by a `text` in it; by its `exact` normal form; or as a `near` duplicate."""


@dataclass(slots=True, eq=False)
class FoundTable:
    """A table in a file, and what of it is content that was taken down."""

    place: str
    frame: pl.DataFrame
    rows: pl.Series
    """[n] how each row was recognised by its content; null where it was not."""
    fits: set[str]
    """Its columns that are some data set's content."""
    cells: dict[str, dict[int, str]] = field(default_factory=dict)
    """By column, the rows whose cell holds some of it, and how that was seen."""

    def hits(self) -> Iterator[Hit]:
        """Each row that was recognised, and each other cell."""
        known = set()
        for row, how in enumerate(self.rows):
            if how is not None:
                known.add(row)
                yield Hit(f"{self.place}row {row}", how)
        for column, rows in self.cells.items():
            for row, how in rows.items():
                if row not in known:
                    yield Hit(f"{self.place}row {row}, column {column}", how)


@dataclass(slots=True, eq=False)
class Found:
    """What a file holds of content that was taken down, and what of it could not be read."""

    tables: list[FoundTable]
    others: list[Hit]
    """In images and texts."""
    unread: list[tuple[str, str]]

    def hits(self) -> list[Hit]:
        """Everything that was recognised."""
        return [*(hit for table in self.tables for hit in table.hits()), *self.others]


def find(data: bytes, wanted: Wanted) -> Found:
    """Search a file."""
    decoded = decoding.decode(data)
    tables = []
    for place, frame in decoded.tables:
        try:
            tables.append(_table(place, frame, wanted))
        except UNREADABLE as error:
            decoded.unread.append((place, f"cannot be searched ({type(error).__name__})"))
    return Found(tables, list(_others(decoded, wanted)), decoded.unread)


def _table(place: str, frame: pl.DataFrame, wanted: Wanted) -> FoundTable:
    rows, fits = wanted.rows(frame)
    found = FoundTable(place, frame, rows, fits)
    every = list(content.cells(frame.drop(fits)))
    texts = [some.values.to_list() for some in every if some.values.dtype == pl.String]
    hows = iter(wanted.texts_in([text for some in texts for text in some]))  # all at once
    for some in every:
        if some.values.dtype == pl.String:
            how = [next(hows) for _ in range(len(some.values))]
        else:
            how = _pictures(some.values, wanted)
        for row, one in zip(some.rows, how, strict=True):
            if one is not None:
                found.cells.setdefault(some.column.partition(".")[0], {})[row] = one
    return found


def _pictures(values: pl.Series, wanted: Wanted) -> list[str | None]:
    """How files of images among values were recognised."""
    is_image = [value[:8].startswith(IMAGES) for value in values]
    found = iter(wanted.images([value for value, one in zip(values, is_image, strict=True) if one]))
    return [next(found) if one else None for one in is_image]


def _others(decoded: Decoded, wanted: Wanted) -> Iterator[Hit]:
    images = wanted.images([data for _, data in decoded.images])
    texts = wanted.texts_in([text for _, text in decoded.texts])
    places = [place for place, _ in (*decoded.images, *decoded.texts)]
    for place, how in zip(places, [*images, *texts], strict=True):
        if how is not None:
            yield Hit(place, how)


@dataclass(frozen=True, slots=True, eq=False)
class Cleaned:
    """What stands in the place of a file."""

    data: bytes
    removed: pl.DataFrame
    """The rows that it lacks, with all columns; empty where the file is no table."""
    whole: bool
    """Whether nothing of it is left."""


def clean(data: bytes, found: Found, take_down: str, sha256: str) -> Cleaned:
    """Write a file again without content that was taken down.

    Args:
        data: the file.
        found: what was found in it, which is something.
        take_down: name of the take-down.
        sha256: of the file, which is named in what stands in its place: no two have the same.
    """
    mark = json.dumps({"take_down": take_down, "sha256": sha256})
    if not data.startswith(PARQUET):
        return Cleaned(_notice(data, take_down, sha256), pl.DataFrame(), whole=True)
    (table,) = found.tables
    if table.fits:
        gone = table.rows.is_not_null()
        for rows in table.cells.values():
            gone = gone | pl.int_range(len(gone), eager=True).is_in(pl.Series([*rows]).implode())
        kept, removed = table.frame.filter(~gone), table.frame.filter(gone)
    else:
        kept, removed = table.frame.with_columns(_nulled(table)), pl.DataFrame()
    buffer = io.BytesIO()
    kept.write_parquet(buffer, metadata={MARK: mark})
    return Cleaned(buffer.getvalue(), removed, whole=False)


def _nulled(table: FoundTable) -> Iterator[pl.Series]:
    """The columns of a table without the cells that hold something."""
    for name, rows in table.cells.items():
        column = table.frame[name]
        index = pl.int_range(len(column), eager=True)
        gone = index.is_in(pl.Series([*rows]).implode())
        yield pl.select(pl.when(~gone).then(column)).to_series().alias(name)


def _notice(data: bytes, take_down: str, sha256: str) -> bytes:
    """What stands in the place of a file that went whole: JSON, a page, or a plain text."""
    sentence = f"purged by the take-down {take_down}; its SHA-256 was {sha256}"
    head = data[:256].lstrip().lower()
    if head.startswith((b"<!doctype", b"<html")):
        return f"<!doctype html><title>Purged</title><p>This page was {sentence}.\n".encode()
    if head.startswith((b"{", b"[")):
        return json.dumps({"purged": sentence}).encode() + b"\n"
    return f"{sentence}\n".encode()
