"""Two versions of one table on a disk, and what really differs between them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

CHANGED, REMOVED, ADDED = 1e-3, 5e-4, 5e-4
"""Shares of rows."""
PAYLOAD: Final = ("a", "b", "c", "d", "e", "f", "g")
BLOCK: Final = 1_000_000
"""Rows that are made at a time."""


@dataclass(frozen=True, slots=True)
class Edits:
    """How many rows differ, and the sums of their keys, which every engine must find too."""

    removed: int = 0
    changed: int = 0
    added: int = 0
    removed_keys: int = 0
    changed_keys: int = 0
    added_keys: int = 0

    def __add__(self, other: Edits) -> Edits:
        """Both together."""
        pair = asdict(self), asdict(other)
        return Edits(**{name: pair[0][name] + pair[1][name] for name in pair[0]})


def rows(start: int, count: int, seed: int) -> pl.DataFrame:
    """Rows of a key and seven columns: numbers, a category, a text of 30 characters, a flag."""
    draw = np.random.default_rng([seed, start])
    texts = pl.Series(draw.integers(0, 1 << 62, count)).cast(pl.String).str.pad_start(30, "x")
    return pl.DataFrame(
        {
            "id": np.arange(start, start + count, dtype=np.int64) * 2,
            "a": draw.integers(0, 1000, count),
            "b": draw.normal(size=count),
            "c": draw.integers(0, 1 << 40, count),
            "d": draw.normal(size=count).astype(np.float32),
            "e": pl.Series(draw.integers(0, 20, count)).cast(pl.String),
            "f": texts,
            "g": draw.integers(0, 2, count).astype(bool),
        }
    )


def edited(frame: pl.DataFrame, seed: int) -> tuple[pl.DataFrame, Edits]:
    """Change, remove and add rows here and there; each column is changed in its share of rows."""
    draw = np.random.default_rng([seed, int(frame["id"][0]), 1])
    lot = draw.random(len(frame))
    changed, removed = lot < CHANGED, lot > 1 - REMOVED
    which = pl.Series(np.where(changed, draw.integers(0, len(PAYLOAD), len(frame)), -1))
    other = {
        "a": pl.col("a") + 1,
        "b": pl.col("b") + 1,
        "c": pl.col("c") + 1,
        "d": pl.col("d") + 1,
        "e": pl.col("e") + "!",
        "f": pl.col("f") + "!",
        "g": ~pl.col("g"),
    }
    new = frame.with_columns(
        pl.when(which == at).then(other[name]).otherwise(name).alias(name)
        for at, name in enumerate(PAYLOAD)
    )
    more = frame.filter(pl.Series(draw.random(len(frame)) < ADDED)).with_columns(
        id=pl.col("id") + 1
    )
    told = [
        frame.filter(pl.Series(removed))["id"],
        frame.filter(pl.Series(changed))["id"],
        more["id"],
    ]
    kept = pl.concat([new.filter(pl.Series(~removed)), more]).sort("id")
    return kept, Edits(*map(len, told), *(int(each.sum()) for each in told))


def files(place: Path, count: int, *, shuffled: bool) -> Edits:
    """Write left.parquet and right.parquet.

    Args:
        place: a folder.
        count: rows of the left side.
        shuffled: whether the right side's rows stand in random order.
    """
    import pyarrow.parquet as pq  # noqa: PLC0415  only the parent writes

    total = Edits()
    writers: dict[str, pq.ParquetWriter] = {}
    for start in range(0, count, BLOCK):
        old = rows(start, min(BLOCK, count - start), 1)
        new, edits = edited(old, 2)
        total += edits
        new = new.sample(fraction=1, shuffle=True, seed=start) if shuffled else new
        for name, frame in (("left", old), ("right", new)):
            table = frame.to_arrow(compat_level=pl.CompatLevel.oldest())
            if name not in writers:
                path = place / f"{name}.parquet"
                writers[name] = pq.ParquetWriter(path, table.schema, compression="zstd")
            writers[name].write_table(table, row_group_size=1 << 18)
    for writer in writers.values():
        writer.close()
    return total
