"""Tables of a round in parts of bounded size, so that no stage need hold the payload of a round.

A table is read block by block, and written as `part-00000.parquet`, `part-00001.parquet`, …, in
order of `row` within a part and from part to part. A small round is one block and one part, which
is the file that a table written as a whole is. Whoever reads a table by its partition reads all of
its parts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from lake import refs
from lake.client import Lake
from lineage import curation, schema
from pipelines.common import row_sizes

BLOCK_ROWS: Final = 32_768
"""Most rows that are read at once."""
BLOCK_BYTES: Final = 64 << 20
"""Size in memory that a block should not pass."""
PART_ROWS: Final = 131_072
"""Most rows of a part."""
VERDICTS: Final = 524_288
"""Most verdicts that are read at once; a part of them is bounded by its bytes alone."""
PART_BYTES: Final = 128 << 20
"""Size in memory that a part should not pass."""
MANY: Final = 1 << 40
"""Bound of the rows of a part whose bytes alone bound it."""


def blocks(
    lake: Lake,
    ref: str,
    dataset: str,
    table: str,
    number: int,
    *,
    columns: Sequence[str] | None = None,
    max_rows: int | None = None,
) -> Iterator[pl.DataFrame]:
    """Read one round's partition of a table block by block, in its order.

    Args:
        lake: the lake.
        ref: branch, tag or commit.
        dataset: the data set.
        table: such as candidates.
        number: the round.
        columns: those that are wanted; None: all.
        max_rows: most rows of a block; None: `BLOCK_ROWS`.

    Returns:
        Blocks of at most so many rows and about `BLOCK_BYTES`; one of no rows of a table
        without any.

    Raises:
        NotFoundError: the ref holds no such partition.
        SchemaError: it cannot be read, or lacks a column.
    """
    what = f"{table} of round {number} of {dataset} at {ref}"
    scanned = lake.scan(ref, refs.partition(dataset, table, number))
    return cut(scanned if columns is None else scanned.select(columns), what, max_rows)


def blocks_beside(
    lake: Lake, ref: str, dataset: str, table: str, number: int, *, others: pl.DataFrame
) -> Iterator[pl.DataFrame]:
    """Read a partition as `blocks` does, in blocks to compare with other rows, which are held.

    A block is as large as those rows, or larger: what is prepared of them for each block costs no
    more than what is prepared of the blocks.
    """
    what = f"{table} of round {number} of {dataset} at {ref}"
    scanned = lake.scan(ref, refs.partition(dataset, table, number))
    size = max(BLOCK_BYTES, int(others.estimated_size()))
    return cut(scanned, what, max(BLOCK_ROWS, len(others)), size)


def cut(
    table: pl.LazyFrame, what: str, max_rows: int | None = None, max_bytes: int | None = None
) -> Iterator[pl.DataFrame]:
    """Read a table of any size block by block, in its order.

    Args:
        table: of any size.
        what: it is, for errors.
        max_rows: most rows of a block; None: `BLOCK_ROWS`.
        max_bytes: size in memory that a block should not pass; None: `BLOCK_BYTES`.

    Raises:
        SchemaError: it cannot be read.
    """
    for start, stop in spans(table, what, max_rows, max_bytes):
        with schema.readable(what):
            block = table.slice(start, stop - start).collect()
        yield block


def spans(
    table: pl.LazyFrame, what: str, max_rows: int | None = None, max_bytes: int | None = None
) -> Iterator[tuple[int, int]]:
    """Say where blocks of a table start and stop, at least of one; arguments as `cut`.

    Raises:
        SchemaError: it cannot be read.
    """
    most = BLOCK_ROWS if max_rows is None else max_rows
    bound = BLOCK_BYTES if max_bytes is None else max_bytes
    with schema.readable(what):
        rows = int(table.select(pl.len()).collect().item())
        size = row_sizes.of_row(table.collect_schema())
    start = 0
    while start < rows or not start:
        with schema.readable(what):
            sizes = table.slice(start, most).select(size).collect(engine="streaming").to_series()
        while True:  # one look is used for all blocks that it fills
            fitting = int((sizes.cum_sum() <= bound).sum())
            stop = min(start + max(1, fitting), rows)
            yield start, stop
            sizes, start = sizes.slice(stop - start), max(stop, 1)
            if int(sizes.sum()) <= bound:
                break


def decisive_verdicts(lake: Lake, ref: str, dataset: str, number: int) -> pl.DataFrame:
    """Read the verdicts of a round by which decisions are made (`lineage.curation.decisive`).

    Raises:
        NotFoundError: the ref holds no verdicts of the round.
        SchemaError: they cannot be read.
    """
    return joined(
        curation.decisive(block)
        for block in blocks(lake, ref, dataset, "verdicts", number, max_rows=VERDICTS)
    )


def verdicts_against(lake: Lake, ref: str, dataset: str, number: int) -> pl.DataFrame:
    """Read the verdicts of a round that did not pass, and those on the whole round.

    Raises:
        NotFoundError: the ref holds no verdicts of the round.
        SchemaError: they cannot be read.
    """
    scanned = lake.scan(ref, refs.partition(dataset, "verdicts", number))
    told = curation.not_passed() | pl.col("row").is_null()
    with schema.readable(f"verdicts of round {number} of {dataset} at {ref}"):
        return scanned.filter(told).collect(engine="streaming")


def joined(frames: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Put blocks together, at least one."""
    held = list(frames)
    return held[0] if len(held) == 1 else pl.concat(held)


def pieces(frame: pl.DataFrame, max_rows: int | None = None) -> Iterator[pl.DataFrame]:
    """Cut a frame into parts, at least one.

    Args:
        frame: of any size.
        max_rows: most rows of a part; None: `PART_ROWS`.
    """
    bound = PART_ROWS if max_rows is None else max_rows
    each = int(frame.estimated_size()) // max(len(frame), 1) + 1
    step = max(1, min(bound, PART_BYTES // each))
    if len(frame) <= step:
        yield frame
    else:
        yield from frame.iter_slices(step)


@dataclass(slots=True)
class PartWriter:
    """Collects frames of a table, and writes them as parts of bounded size."""

    write: Callable[[str, pl.DataFrame], None]
    """Writes a part, by its path."""
    dataset: str
    table: str
    number: int
    max_rows: int
    rows: int = 0
    """Rows that were added."""
    _count: int = 0
    _held: list[pl.DataFrame] = field(default_factory=list)

    def add(self, frame: pl.DataFrame) -> None:
        """Add rows that follow those before; a part that would be too large is written first."""
        for piece in pieces(frame, self.max_rows):
            held = [*self._held, piece]
            size = sum(int(part.estimated_size()) for part in held)
            if self._held and (sum(map(len, held)) > self.max_rows or size > PART_BYTES):
                self._flush()
            self._held.append(piece)
        self.rows += len(frame)

    def close(self) -> None:
        """Write the last part; a table without rows is one part without rows.

        Raises:
            ValueError: nothing was added, so that the table has no columns.
        """
        if not self._held and not self._count:
            raise ValueError(f"nothing was added to {self.table}; add a frame without rows")
        if self._held:
            self._flush()

    def _flush(self) -> None:
        whole = self._held[0] if len(self._held) == 1 else pl.concat(self._held, rechunk=True)
        self._held = []
        self.write(refs.part(self.dataset, self.table, self.number, self._count), whole)
        self._count += 1
