"""The rows of data sets at a ref: what was accepted, and what was refused and why."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final, Protocol

import polars as pl

from lake.client import Lake
from lake.errors import NotFoundError
from lineage.export.values import Track
from lineage.schema import SAMPLE_KEY
from pipelines.common.errors import DataError
from pipelines.inquiry.stage_commits import Finder
from pipelines.rounds import tables

OWN: Final = "stemma"
"""Name under which a line says which row it is."""


class Records(Protocol):
    """Objects of a data set at a commit, one for each line of a file."""

    def __call__(self, source: Source, left_out: Counter[str], /) -> Iterator[dict[str, Any]]:
        """Yield the objects, and count what was left out by its reason."""


@dataclass(frozen=True, slots=True)
class Source:
    """A data set at a commit of the lake."""

    lake: Lake
    commit: str
    dataset: str

    def accepted(self) -> Iterator[pl.DataFrame]:
        """Yield the accepted rows, round by round; those of round 0 are real.

        Raises:
            DataError: the data set holds images.
        """
        for number in tables.rounds(self.lake, self.commit, self.dataset):
            yield _texts(
                tables.read_round(self.lake, self.commit, self.dataset, "samples", number),
                self.dataset,
            )

    def refused(self) -> Iterator[pl.DataFrame]:
        """Yield the candidates that were refused, with `reasons`, round by round.

        They are no part of the ref any more: they are read at the commit that judged them.

        Raises:
            DataError: the data set holds images.
        """
        finder = Finder(self.lake, self.commit)
        for number in tables.rounds(self.lake, self.commit, self.dataset):
            verified = finder.find(self.dataset, number).get("verify")
            if verified is None:  # real data
                continue
            try:
                read = tables.read_round
                rows = read(self.lake, verified.id, self.dataset, "candidates", number)
                decisions = read(self.lake, self.commit, self.dataset, "decisions", number)
            except NotFoundError:
                continue
            refused = decisions.filter(pl.col("decision") == "rejected")
            yield (
                _texts(rows, self.dataset)
                .drop("reasons", strict=False)
                .join(refused.select("round", "row", "reasons"), on=["round", "row"])
                .sort("row")
            )


@dataclass(slots=True)
class RowDocument:
    """A JSONL file of the records of some data sets."""

    sources: list[Source]
    records: Records
    lines: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def chunks(self, track: Track, /) -> Iterator[str]:
        """The lines, in order; `track` reports progress over data sets."""
        for source in track(self.sources, "data sets"):
            for record in self.records(source, self.left_out):
                self.lines += 1
                yield json.dumps(record, ensure_ascii=False, default=_json, allow_nan=False) + "\n"

    def summary(self) -> dict[str, int]:
        """Lines, and what was left out by its reason."""
        return {"lines": self.lines, **dict(self.left_out)}


def plain(source: Source, left_out: Counter[str]) -> Iterator[dict[str, Any]]:
    """Yield each accepted row as an object of its columns, and which row it is under `stemma`."""
    del left_out
    for frame in source.accepted():
        if OWN in frame.columns:
            raise DataError(
                f"{source.dataset} has a column {OWN!r}, which is where a line says which row it "
                "is; rename it in the source"
            )
        for row in frame.iter_rows(named=True):
            yield {**content(row), OWN: origin(source.dataset, row)}


def content(row: dict[str, Any]) -> dict[str, Any]:
    """The columns of a row that are no key."""
    return {name: value for name, value in row.items() if name not in SAMPLE_KEY}


def origin(dataset: str, row: dict[str, Any]) -> dict[str, Any]:
    """Which row it is: its id is what `stemma audit` takes."""
    named = {name: row[name] for name in ("round", "row")}
    return {"sample_id": row["sample_id"].hex(), "dataset": dataset, **named}


def _texts(frame: pl.DataFrame, dataset: str) -> pl.DataFrame:
    own = [name for name in frame.columns if name not in SAMPLE_KEY]
    images = [name for name in own if _holds_bytes(frame.schema[name])]
    if images:
        raise DataError(
            f"{dataset} holds bytes in {images[0]!r}, which JSON has no form for; this export is "
            f"for texts and tables, and `stemma lineage export --format croissant` names the "
            f"Parquet files of images"
        )
    return frame


def _holds_bytes(kind: pl.DataType) -> bool:
    inner = [*getattr(kind, "fields", []), *([kind.inner] if hasattr(kind, "inner") else [])]
    types = [getattr(each, "dtype", each) for each in inner]
    return kind == pl.Binary or any(_holds_bytes(each) for each in types)


def _json(value: object) -> object:
    """What JSON has no form for as a text."""
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else repr(value)


def only(sources: Iterable[Source]) -> list[Source]:
    """List data sets that hold accepted rows."""
    return [each for each in sources if tables.rounds(each.lake, each.commit, each.dataset)]
