"""The row diff: rows added, removed and changed between two tables, by key.

Small tables are read at once. Of large ones a few columns are read at a time, on both sides, so
that memory holds the keys and a few columns, not tables. Values without a fixed width, and all rows
that are in another order on the other side, are then compared by a hash of 64 bits with a seed of
this process, which misses a change with a probability of about 2⁻⁶⁴.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal

import numpy as np
import polars as pl

from review.diff.columns import common, compared, exact
from review.diff.pairing import SEED, Pairs, Positions, pair
from review.errors import UsageError

KINDS: Final = ("removed", "changed", "added")
"""Changes of rows, in the order in which a reviewer looks at them."""
FACTOR: Final = np.uint64(0x9E3779B97F4A7C15)
SMALL: Final = 1 << 29
"""Bytes in memory up to which two tables are read at once."""
FIRST: Final = 1000
"""Rows by which the size of a table in memory is estimated."""
AT_ONCE: Final = 1 << 24
"""Values, or hashes of them, that are read of large tables at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class RowChanges:
    """Rows that differ between two tables."""

    left: int
    """Rows of the left side that were compared."""
    right: int
    added: int
    removed: int
    changed: int
    repeated: int
    """Keys that come more than once on a side."""
    columns: Mapping[str, int]
    """Number of changed rows by column, for columns in which some differ."""
    uncompared: tuple[str, ...]
    """Columns of both sides whose types cannot be compared."""
    rows: pl.DataFrame
    """change, the key, columns (those that differ), left_at and right_at (positions or null)."""

    @property
    def total(self) -> int:
        """Rows that differ."""
        return self.added + self.removed + self.changed

    def to_dict(self) -> dict[str, Any]:
        """The content of `--json`, without the rows."""
        numbers = ("left", "right", "added", "removed", "changed", "repeated")
        content: dict[str, Any] = {name: getattr(self, name) for name in numbers}
        return {**content, "columns": dict(self.columns), "uncompared": list(self.uncompared)}


def compare(
    left: pl.LazyFrame, right: pl.LazyFrame, key: Sequence[str], *, ignore: Iterable[str] = ()
) -> RowChanges:
    """Compare two tables row by row.

    Args:
        left: one side.
        right: the other side.
        key: columns by which rows are the same; nulls are equal to nulls, NaN to NaN.
        ignore: columns that are not compared.

    Raises:
        UsageError: a side lacks a key column, or its types cannot be compared.
    """
    ours, theirs = left.collect_schema(), right.collect_schema()
    _check_key(ours, theirs, key)
    passed_over = {*key, *ignore}
    shared = [name for name in ours if name in theirs and name not in passed_over]
    left, right = exact(left, right, [*key, *shared])
    ours, theirs = left.collect_schema(), right.collect_schema()
    dtypes, keys = common(ours, theirs, shared), common(ours, theirs, key)
    if len(keys) < len(key):
        raise UsageError(f"the key {', '.join(key)} has types that cannot be compared")
    names = [*key, *dtypes]
    small = _size(left, names) + _size(right, names) <= SMALL
    if small:
        frames = pl.collect_all([left.select(names), right.select(names)])
        left, right = (frame.lazy() for frame in frames)
    payload = {name: compared(name, dtype, exact=small) for name, dtype in dtypes.items()}
    cast = [pl.col(name).cast(dtype) for name, dtype in keys.items()]
    sides = left.with_columns(cast), right.with_columns(cast)
    pairs, left_keys, right_keys = pair(*sides, key, list(payload.values()))
    differing = _differing(left, right, payload, pairs, "in-memory" if small else "streaming")
    changed = _changed(differing)
    rows = _rows(pairs, (left_keys, right_keys), changed)
    return RowChanges(
        left=len(left_keys),
        right=len(right_keys),
        added=len(right_keys) - len(pairs.right),
        removed=len(left_keys) - len(pairs.left),
        changed=len(changed),
        repeated=pairs.repeated,
        columns={name: len(positions) for name, positions in differing.items()},
        uncompared=tuple(name for name in shared if name not in dtypes),
        rows=rows,
    )


def rows_at(frame: pl.LazyFrame, positions: pl.Series) -> pl.DataFrame:
    """The rows at some positions of a table, in the order of the positions; none may be null."""
    if positions.is_empty():
        return frame.clear().collect()
    low, high = (int(str(bound)) for bound in (positions.min(), positions.max()))
    return frame.slice(low, high - low + 1).collect()[(positions.cast(pl.Int64) - low).to_list()]


def _size(side: pl.LazyFrame, names: Sequence[str]) -> float:
    """Estimate the bytes of a table in memory from its number of rows and the first ones."""
    rows, first = side.select(pl.len()).collect(), side.head(FIRST).collect().select(names)
    buffer = io.BytesIO()  # the estimate of Polars counts texts that a slice shares
    first.write_parquet(buffer, compression="uncompressed")
    return buffer.tell() / max(len(first), 1) * int(rows.item())


def _check_key(ours: pl.Schema, theirs: pl.Schema, key: Sequence[str]) -> None:
    if not key:
        raise UsageError("name the column by which rows are the same: --key COLUMN")
    for side, schema in (("left", ours), ("right", theirs)):
        for name in key:
            if name not in schema:
                columns = ", ".join(schema)
                raise UsageError(f"the {side} side has no column {name!r}; it has: {columns}")


def _differing(
    left: pl.LazyFrame,
    right: pl.LazyFrame,
    payload: Mapping[str, pl.Expr],
    pairs: Pairs,
    engine: Literal["in-memory", "streaming"],
) -> dict[str, Positions]:
    """Find the pairs that differ, by column; few columns of large tables are read at a time."""
    differing: dict[str, Positions] = {}
    names = list(payload) if len(pairs.left) else []
    batch = max(1, AT_ONCE // (pairs.lefts + pairs.rights or 1))
    for start in range(0, len(names), batch):
        expressions = [payload[name].alias(name) for name in names[start : start + batch]]
        sides = [left.select(expressions), right.select(expressions)]
        ours, theirs = pl.collect_all(sides, engine=engine)
        candidates = None if pairs.ordered else _unlike(ours, theirs, pairs)
        unequal = partial(_unequal, ours, theirs, pairs, candidates)
        with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
            results = zip(ours.columns, pool.map(unequal, ours.columns), strict=True)
            differing |= {name: positions for name, positions in results if len(positions)}
    return differing


def _unlike(ours: pl.DataFrame, theirs: pl.DataFrame, pairs: Pairs) -> Positions:
    """Find pairs whose rows have different hashes, so that one column is reordered, not many."""
    left, right = (_hashed(frame) for frame in (ours, theirs))
    differs = pairs.of_left(left) != pairs.of_right(right)
    return differs.arg_true().cast(pl.Int64).to_numpy()


def _hashed(frame: pl.DataFrame) -> pl.Series:
    """A hash of 64 bits per row: a polynomial in the hashes of its columns, modulo 2⁶⁴."""
    total = np.zeros(len(frame), dtype=np.uint64)
    for column in frame.iter_columns():
        total = total * FACTOR + column.hash(SEED).to_numpy()
    return pl.Series(total)


def _unequal(
    ours: pl.DataFrame, theirs: pl.DataFrame, pairs: Pairs, candidates: Positions | None, name: str
) -> Positions:
    """Find the pairs that differ in a column, among all or among candidates."""
    if candidates is None:
        differs = _ne(pairs.of_left(ours[name]), pairs.of_right(theirs[name]))
        return differs.arg_true().cast(pl.Int64).to_numpy()
    old, new = (
        ours[name].gather(pairs.left[candidates]),
        theirs[name].gather(pairs.right[candidates]),
    )
    hits: Positions = candidates[_ne(old, new).arg_true().to_numpy()]
    return hits


def _ne(old: pl.Series, new: pl.Series) -> pl.Series:
    """Where values differ; columns without nulls take the faster comparison."""
    return old.ne_missing(new) if old.null_count() or new.null_count() else old != new


def _changed(differing: Mapping[str, Positions]) -> pl.DataFrame:
    """Pairs that differ: pair, columns."""
    parts = [
        pl.DataFrame({"pair": positions}).with_columns(pl.lit(name).alias("columns"))
        for name, positions in differing.items()
    ]
    empty = pl.DataFrame(schema={"pair": pl.Int64, "columns": pl.String})
    return pl.concat([empty, *parts]).group_by("pair", maintain_order=True).all().sort("pair")


def _rows(
    pairs: Pairs, keys: tuple[pl.DataFrame, pl.DataFrame], changed: pl.DataFrame
) -> pl.DataFrame:
    only_left, only_right = pairs.alone()
    which = changed["pair"].to_numpy()
    both = pl.DataFrame({"left_at": pairs.left[which], "right_at": pairs.right[which]})
    parts = [
        _part("removed", keys[0][only_left], left_at=only_left),
        pl.concat(
            [_part("changed", keys[1][pairs.right[which]]), both, changed.select("columns")],
            how="horizontal",
        ),
        _part("added", keys[1][only_right], right_at=only_right),
    ]
    typed = {"columns": pl.List(pl.String), "left_at": pl.Int64(), "right_at": pl.Int64()}
    missing = [
        frame.with_columns(
            pl.lit(None, dtype).alias(name)
            for name, dtype in typed.items()
            if name not in frame.columns
        )
        for frame in parts
    ]
    names = ["change", *keys[0].columns, *typed]
    return pl.concat([frame.select(names) for frame in missing])


def _part(change: str, keys: pl.DataFrame, **positions: Positions) -> pl.DataFrame:
    columns = [pl.lit(change).alias("change"), pl.all()]
    return keys.select(columns).with_columns(
        pl.Series(name, values) for name, values in positions.items()
    )
