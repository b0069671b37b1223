"""The candidates of a round as scorers and suites read them: block by block, and again as needed.

A small round is one block, which is kept; of a large one each reading goes to the lake, for the
columns that are asked for. Scores and what expectations read of lineage are compact columns, which
are held for all rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

import polars as pl

from lake import refs
from lake.client import Lake
from lineage import schema
from pipelines.features import images
from pipelines.modalities import Modality
from pipelines.rounds import parts
from pipelines.rounds.tables import OCCURRENCE

FILE: Final = "_bytes"
"""Suffix of the column with the file of an image, as suites name it."""


@dataclass(frozen=True, slots=True, eq=False)
class Payload:
    """Candidates of a round, as the data set's modality shows them."""

    table: pl.LazyFrame
    what: str
    """What the table is, for errors."""
    modality: Modality
    columns: pl.Schema
    """Names and types of all columns that are shown."""
    only: pl.DataFrame | None
    """All rows of a small round."""

    @classmethod
    def open(cls, lake: Lake, ref: str, dataset: str, number: int, modality: Modality) -> Self:
        """Find the candidates of a round at a ref.

        Raises:
            NotFoundError: the ref holds none.
            SchemaError: they cannot be read.
        """
        table = lake.scan(ref, refs.partition(dataset, "candidates", number))
        what = f"the candidates of round {number} of {dataset} at {ref}"
        blocks = parts.cut(table, what)
        first = modality.shown(next(blocks))
        only = first if next(blocks, None) is None else None
        return cls(table, what, modality, first.schema, only)

    @classmethod
    def of(cls, rows: pl.DataFrame, modality: Modality) -> Self:
        """Take candidates that are in memory as one block."""
        shown = modality.shown(rows)
        return cls(rows.lazy(), "the candidates", modality, shown.schema, shown)

    def read(self, names: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Read round, row and the columns of these names that there are, block by block."""
        asked = {*names} - {*OCCURRENCE}
        wanted = [*OCCURRENCE, *(name for name in self.columns if name in asked)]
        if self.only is not None:
            yield self.only.select(wanted)
            return
        with schema.readable(self.what):
            stored = self.table.collect_schema().names()
        if any(name in self.modality.derived or name not in stored for name in wanted):
            for block in parts.cut(self.table, self.what):
                yield self.modality.shown(block).select(wanted)
        else:
            yield from parts.cut(self.table.select(wanted), self.what)


@dataclass(frozen=True, slots=True, eq=False)
class ScoredRows:
    """Candidates beside their scores and what is judged of their lineage."""

    payload: Payload
    scores: pl.DataFrame
    """round, row and the columns of all scorers, in the order of the candidates."""
    lineage: pl.DataFrame | None = None
    """round, row and the columns of lineage that are judged; None: none is."""

    @property
    def names(self) -> list[str]:
        """All columns that an expectation may name."""
        shown = [name for name in self.payload.columns if name != "sample_id"]
        files = {name for name in shown if self.payload.columns[name] == images.IMAGE}
        plain = [name for name in shown if name not in files]
        scored = [*self.scores.columns, *(self.lineage.columns if self.lineage is not None else ())]
        named = [*plain, *(f"{name}{FILE}" for name in shown if name in files), *scored]
        return list(dict.fromkeys(named))

    def read(self, names: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Read round, row and these columns, block by block, in the order of the candidates."""
        wanted = list(dict.fromkeys([*OCCURRENCE, *names]))
        scores = self.scores.select(name for name in wanted if name in self.scores.columns)
        done = 0
        for block in self.payload.read([_stored(name, self.payload.columns) for name in names]):
            beside = with_scores(block, scores[done : done + len(block)])
            yield self._with_lineage(beside, wanted).select(wanted)
            done += len(block)

    def _with_lineage(self, rows: pl.DataFrame, wanted: Sequence[str]) -> pl.DataFrame:
        if self.lineage is None:
            return rows
        there = {*self.lineage.columns} - {*rows.columns}
        names = [name for name in wanted if name in there]
        if not names:
            return rows
        near = pl.col("row").is_between(rows["row"].min(), rows["row"].max())
        traced = self.lineage.lazy().filter(near).select(*OCCURRENCE, *names).collect()
        return rows.join(traced, on=OCCURRENCE, how="left", maintain_order="left")


def with_scores(rows: pl.DataFrame, scores: pl.DataFrame) -> pl.DataFrame:
    """Join payload and scores, with each image column as its file in column `<name>_bytes`."""
    payload = rows.drop("sample_id", strict=False)
    files = [name for name, dtype in payload.schema.items() if dtype == images.IMAGE]
    with_files = payload.with_columns(
        pl.col(name).struct.field("bytes").alias(f"{name}{FILE}") for name in files
    ).drop(files)
    return with_files.join(scores, on=OCCURRENCE, how="left", maintain_order="left")


def _stored(name: str, columns: pl.Schema) -> str:
    """Return the column of the payload that holds what an expectation names."""
    image = name.removesuffix(FILE)
    return image if name not in columns and columns.get(image) == images.IMAGE else name
