"""The tables of a data set at a ref, as frames: the only module that knows how they join.

Samples, lineage and decisions are partitioned by round; accepted samples carry their occurrence
(round, row), which is the key of all other tables.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lineage import schema
from pipelines.rounds import manifest

OCCURRENCE = ("round", "row")
PARQUET = ".parquet"


def read(lake: Lake, ref: str, dataset: str, table: str) -> pl.LazyFrame:
    """Scan all rounds of a table at a ref.

    Raises:
        NotFoundError: the ref holds no partition of the table.
    """
    return lake.scan(ref, refs.table(dataset, table))


def read_diagonal(lake: Lake, ref: str, dataset: str, table: str) -> pl.LazyFrame:
    """Scan all rounds of a table whose columns may differ from round to round.

    Earlier releases wrote fewer columns, and scorers may change: what a round lacks is null there.

    Raises:
        NotFoundError: the ref holds no partition of the table.
    """
    prefix = refs.table(dataset, table)
    parts = [item for item in lake.objects(ref, prefix) if item.path.endswith(PARQUET)]
    if not parts:
        return read(lake, ref, dataset, table)
    frames = [lake.scan_parts(ref, [part]) for part in parts]
    return pl.concat(frames, how="diagonal_relaxed")


def read_round(lake: Lake, ref: str, dataset: str, table: str, number: int) -> pl.DataFrame:
    """Read one round's partition of a table at a ref.

    Raises:
        NotFoundError: the ref holds no such partition.
        SchemaError: it cannot be read.
    """
    what = f"{table} of round {number} of {dataset} at {ref}"
    return collected(lake.scan(ref, refs.partition(dataset, table, number)), what)


def collected(frame: pl.LazyFrame, what: str) -> pl.DataFrame:
    """Collect a scanned frame; an error names what could not be read.

    Raises:
        SchemaError: it cannot be read.
    """
    with schema.readable(what):
        return frame.collect()


def rows_at(
    lake: Lake,
    ref: str,
    occurrences: pl.DataFrame,
    table: str,
    columns: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Read the rows of a table for some occurrences, of any data set.

    Args:
        lake: the lake.
        ref: branch, tag or commit.
        occurrences: dataset, round, row.
        table: lineage, verdicts, decisions or exchanges.
        columns: those that are wanted, as far as a part has them; None: all.

    Returns:
        The table's columns and `dataset`; an empty frame without columns if the ref holds no such
        partition.
    """
    frames = []
    for (dataset, number), part in occurrences.group_by("dataset", "round", maintain_order=True):
        try:
            rows = lake.scan(ref, refs.partition(str(dataset), table, int(str(number))))
        except NotFoundError:
            continue
        row, numbers = pl.col("row"), part["row"].unique()
        near = row.is_between(numbers.min(), numbers.max())  # Parquet row groups can be skipped.
        selected = rows.filter(near, row.is_in(numbers.implode()))
        what = f"{table} of round {number} of {dataset}"
        if columns is not None:
            with schema.readable(what):
                there = selected.collect_schema().names()
            selected = selected.select(name for name in columns if name in there)
        matching = collected(selected, what)
        frames.append(matching.with_columns(dataset=pl.lit(dataset)))
    with schema.readable(f"{table} at {ref}"):
        return pl.concat(frames, how="diagonal_relaxed") if frames else pl.DataFrame()


def rounds(lake: Lake, ref: str, dataset: str) -> list[int]:
    """The sorted numbers of the rounds with accepted samples at a ref; 0 is real data."""
    numbers = {
        refs.round_of(item.path) for item in lake.objects(ref, refs.table(dataset, "samples"))
    }
    return sorted(number for number in numbers if number is not None)


def real_rounds(lake: Lake, ref: str, dataset: str) -> list[int]:
    """The sorted numbers of the rounds at a ref that bring real rows, 0 among them."""
    return [
        number
        for number in rounds(lake, ref, dataset)
        if number == 0 or manifest.ARRIVALS in manifest.read_if_there(lake, ref, dataset, number)
    ]


def real_samples(lake: Lake, ref: str, dataset: str, *, before: int | None = None) -> pl.DataFrame:
    """Read the real training samples at a ref: those of round 0 and of later real rounds.

    Args:
        lake: the lake.
        ref: branch, tag or commit.
        dataset: the data set.
        before: a round; real rows of this round and later ones are left out.

    Raises:
        NotFoundError: the ref holds no real data of this data set.
    """
    first = read_round(lake, ref, dataset, "samples", 0)
    later = [
        read_round(lake, ref, dataset, "samples", number).select(first.columns)
        for number in real_rounds(lake, ref, dataset)
        if number and (before is None or number < before)
    ]
    return pl.concat([first, *later]) if later else first


def accepted_lineage(
    lake: Lake,
    ref: str,
    dataset: str,
    also: pl.DataFrame | None = None,
    *,
    columns: Sequence[str] | None = None,
) -> pl.DataFrame:
    """Read the lineage rows of the accepted samples at a ref.

    Args:
        lake: the lake.
        ref: branch, tag or commit.
        dataset: the data set.
        also: round, row of accepted rows whose samples are gone; other columns are ignored.
        columns: those that are wanted, as far as the table has them; None: all.
    """
    samples = read(lake, ref, dataset, "samples").select(OCCURRENCE)
    if also is not None and len(also):
        gone = also.lazy().select(OCCURRENCE)
        samples = pl.concat([samples, gone], how="vertical_relaxed")
    lineage, what = read(lake, ref, dataset, "lineage"), f"the lineage of {dataset} at {ref}"
    if columns is not None:
        with schema.readable(what):
            there = lineage.collect_schema().names()
        lineage = lineage.select(name for name in columns if name in there)
    return collected(lineage.join(samples, on=OCCURRENCE, how="semi"), what)


def optional(lake: Lake, ref: str, prefix: str, columns: Sequence[str]) -> pl.DataFrame:
    """Read columns of a table; the frame is empty if the table is absent."""
    try:
        return collected(lake.scan(ref, prefix).select(columns), f"the table {prefix} at {ref}")
    except NotFoundError:
        return pl.DataFrame(schema=dict.fromkeys(columns, pl.Null))
