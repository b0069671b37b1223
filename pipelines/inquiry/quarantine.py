"""The rows of a round that were refused, with every verdict against each, as one table.

The reasons are those of the round's decisions. Where stage `curate` ended without any, because it
accepted no candidate or an expectation about the whole round stopped it, they are the critical
verdicts. Payload, lineage and verdicts are read for some rows at a time. Rows that were taken down,
before they were refused or since, are counted and left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lineage import curation, schema
from pipelines.common import digests
from pipelines.rounds import history, manifest, parts
from pipelines.takedown import deny_list

REFUSED: Final = ("rejected", curation.DUPLICATE)
"""Decisions on rows that are refused; a surplus row is not."""
UNKNOWN: Final = ": unknown"
"""End of the reason of a verdict that could not be computed."""
FIRST: Final = 256
"""Rows by which the size of a row is estimated."""
KEY: Final = ("round", "row")
IDS: Final = (*KEY, "sample_id")
QUARANTINE: Final = "quarantine"
LINEAGE: Final = "lineage"


@dataclass(frozen=True, slots=True, eq=False)
class Quarantine:
    """The refused rows of a round."""

    lake: Lake
    ref: str
    generated: str
    """The commit with the candidates."""
    dataset: str
    round: int
    expectations: Mapping[str, Mapping[str, Any]]
    """What the round's manifest says of each expectation, such as its limits."""
    rows: pl.DataFrame
    """row, decision, reasons, warnings, duplicate_of, in order of rows."""
    taken_down: int = 0
    """How many refused rows are left out because they were taken down."""

    def reasons(self) -> list[str]:
        """All reasons of refused rows, and the names of all expectations."""
        given = self.rows["reasons"].explode().drop_nulls().str.strip_suffix(UNKNOWN).unique()
        return sorted({*given, *self.expectations})

    def only(self, reason: str) -> Quarantine:
        """The rows of which a reason is one."""
        matching = pl.col("reasons").list.eval(pl.element().str.strip_suffix(UNKNOWN) == reason)
        return Quarantine(
            self.lake,
            self.ref,
            self.generated,
            self.dataset,
            self.round,
            self.expectations,
            self.rows.filter(matching.list.any()),
            self.taken_down,
        )

    def blocks(self) -> Iterator[pl.DataFrame]:
        """All columns of the rows, block by block, at least one block; all are of one schema.

        The columns are round, row, sample_id, the payload, `lineage` (a struct of what lineage
        records, with the parents) and `quarantine` (a struct of decision, reasons, warnings, the
        row that is repeated, and the verdicts that did not pass). Where the payload has a column of
        one of these two names, an underscore is added to it.

        Raises:
            NotFoundError: a table of the round is gone.
            SchemaError: a table cannot be read.
        """
        first = self._block(self.rows.head(FIRST))
        yield first
        each = int(first.estimated_size()) // max(len(first), 1) + 1
        step = max(1, min(parts.BLOCK_ROWS, parts.BLOCK_BYTES // each))
        for rows in self.rows.slice(FIRST).iter_slices(step):
            if len(rows):
                yield self._block(rows)

    def _block(self, rows: pl.DataFrame) -> pl.DataFrame:
        payload = self._read("candidates", rows, self.generated)
        taken = {*payload.columns}
        traced = self._read("lineage", rows, self.ref)
        told = [name for name in traced.columns if name not in IDS]
        lineage = traced.select("row", pl.struct(told).alias(_free(LINEAGE, taken)))
        decided = rows.join(self._verdicts(rows), on="row", how="left", maintain_order="left")
        about = pl.struct(pl.exclude("row")).alias(_free(QUARANTINE, taken))
        return (
            payload.select(*IDS, pl.exclude(IDS))
            .join(lineage, on="row", how="left", maintain_order="left")
            .join(decided.select("row", about), on="row", how="left", maintain_order="left")
            .sort("row")
        )

    def _verdicts(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The verdicts that did not pass, as a list of structs for each row."""
        names = list(self.expectations)
        limits = [digests.canonical(dict(self._limits(name))).decode() for name in names]
        asked = pl.DataFrame(
            {"expectation": names, "threshold": limits},
            {"expectation": pl.String, "threshold": pl.String},
        )
        found = self._read("verdicts", rows, self.ref).filter(curation.not_passed())
        told = found.join(asked, on="expectation", how="left", maintain_order="left").select(
            "row",
            pl.struct(
                "expectation",
                "severity",
                "verdict",
                pl.col("observed").alias("value"),
                "threshold",
                "detail",
            ).alias("verdicts"),
        )
        return told.group_by("row", maintain_order=True).agg("verdicts")

    def _limits(self, name: str) -> Mapping[str, Any]:
        limits = self.expectations[name].get("limits")
        return limits if isinstance(limits, Mapping) else {}

    def _read(self, table: str, rows: pl.DataFrame, ref: str) -> pl.DataFrame:
        """Read the rows of a table of the round."""
        scanned = self.lake.scan(ref, refs.partition(self.dataset, table, self.round))
        row, numbers = pl.col("row"), rows["row"]
        near = row.is_between(numbers.min(), numbers.max())  # Parquet row groups can be skipped.
        with schema.readable(f"{table} of round {self.round} of {self.dataset} at {ref}"):
            return scanned.filter(near, row.is_in(numbers.implode())).collect(engine="streaming")


def find(lake: Lake, ref: str, dataset: str, number: int) -> Quarantine:
    """Find the refused rows of a round at a ref.

    Raises:
        NotFoundError: the ref does not hold the round, or it is not verified yet.
        SchemaError: its decisions or verdicts cannot be read.
    """
    content = manifest.read(lake, ref, dataset, number)
    generated = history.generated(lake, dataset, number, ref)
    if generated is None or "verdicts" not in content:
        raise NotFoundError(
            f"round {number} of {dataset} at {ref} has no verdicts yet, so nothing is refused; "
            f"run `dvc repro verify@{dataset}-{number}`"
        )
    expectations = content["verdicts"].get("expectations", {})
    refused = _refused(lake, ref, dataset, number)
    rows = _without_denied(lake, generated.id, dataset, number, refused)
    return Quarantine(
        lake, ref, generated.id, dataset, number, expectations, rows, len(refused) - len(rows)
    )


def _without_denied(
    lake: Lake, generated: str, dataset: str, number: int, refused: pl.DataFrame
) -> pl.DataFrame:
    """The refused rows whose content is not on the deny-list, by their reasons and by their ids."""
    listed = deny_list.read(lake).entries["sample_id"]
    if listed.is_empty():
        return refused
    told = pl.col("reasons").list.contains(deny_list.REASON).fill_null(value=False)
    kept = refused.filter(~told)
    with schema.readable(f"candidates of round {number} of {dataset} at {generated}"):
        candidates = lake.scan(generated, refs.partition(dataset, "candidates", number))
        denied = candidates.filter(pl.col("sample_id").is_in(listed.implode())).select("row")
        rows = denied.collect(engine="streaming")["row"]
    return kept.filter(~pl.col("row").is_in(rows.implode()))


def _refused(lake: Lake, ref: str, dataset: str, number: int) -> pl.DataFrame:
    """Rows that were refused: row, decision, reasons, warnings, duplicate_of."""
    columns = ("row", "decision", "reasons", "warnings", "duplicate_of")
    try:
        decisions = lake.scan(ref, refs.partition(dataset, "decisions", number))
    except NotFoundError:
        return _by_verdicts(lake, ref, dataset, number).select(columns)
    with schema.readable(f"decisions of round {number} of {dataset} at {ref}"):
        refused = decisions.filter(pl.col("decision").is_in(REFUSED))
        return refused.select(columns).sort("row").collect(engine="streaming")


def _by_verdicts(lake: Lake, ref: str, dataset: str, number: int) -> pl.DataFrame:
    """The same of a round without decisions, by its critical verdicts."""
    against = parts.verdicts_against(lake, ref, dataset, number)
    of_rows = against.filter(pl.col("row").is_not_null(), curation.not_passed())
    unknown = (pl.col("verdict") != "failed").fill_null(value=True)
    reason = pl.when(unknown).then(pl.col("expectation") + UNKNOWN).otherwise("expectation")
    warns = pl.col("severity") == curation.HARMLESS[0]
    grouped = of_rows.group_by("row").agg(
        reason.filter(curation.critical()).unique(maintain_order=True).alias("reasons"),
        reason.filter(warns).unique(maintain_order=True).alias("warnings"),
    )
    return (
        grouped.filter(pl.col("reasons").list.len() > 0)
        .with_columns(
            pl.lit(REFUSED[0]).alias("decision"),
            pl.lit(None, schema.DECISIONS["duplicate_of"]).alias("duplicate_of"),
        )
        .sort("row")
    )


def _free(name: str, taken: set[str]) -> str:
    """A name for a column of ours that the payload does not have."""
    while name in taken:
        name += "_"
    return name
