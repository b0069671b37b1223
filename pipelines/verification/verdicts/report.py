"""What is told about the verdicts of a round: counts, reasons, which fail together, examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import polars as pl

from expectations import details, reasons
from expectations.reasons import Judged, Together
from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lineage import curate
from pipelines.rounds import history, manifest, tables
from pipelines.verification.verdicts import examples
from pipelines.verification.verdicts.examples import Example

ROWS: Final = 8
"""Candidates of each reason that are shown."""
MOST: Final = 400
"""Candidates of a round that are shown; a page stays within a few megabytes."""
PREFIX: Final = 12
"""Hex digits by which a sample is named; `stemma audit` takes 8 and more."""


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """The verdicts of a round, grouped, as a commit holds them."""

    dataset: str
    round: int
    suite: str
    """Digest of the suite."""
    candidates: int
    rejected: int
    """Candidates with a critical verdict that is not passed."""
    marked: int
    """Candidates that were kept, with a warning."""
    judged: tuple[Judged, ...]
    together: tuple[Together, ...]
    samples: Mapping[int, str]
    """Prefix of the sample's id by row, of the rows that are named."""
    seen: Mapping[tuple[str, int], str]
    """What a verdict says of a row that is named, by expectation and row."""

    @property
    def rows(self) -> list[int]:
        """The rows that are named, in order."""
        return sorted(self.samples)

    @property
    def stopped(self) -> bool:
        """Whether a critical expectation refuses the round as a whole."""
        whole = (each for each in self.judged if each.level == "table")
        return any(each.severity == "critical" and each.verdict != "passed" for each in whole)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "dataset": self.dataset,
            "round": self.round,
            "suite": self.suite,
            "candidates": self.candidates,
            "rejected": self.rejected,
            "marked": self.marked,
            "stopped": self.stopped,
            "expectations": [
                {**each.to_dict(), "reasons": [self._named(one.to_dict()) for one in each.reasons]}
                for each in self.judged
            ],
            "together": [self._named(each.to_dict()) for each in self.together],
        }

    def _named(self, group: dict[str, Any]) -> dict[str, Any]:
        named = [{"row": row, "sample": self.samples.get(row)} for row in group.pop("rows")]
        return {**group, "examples": named}


def read(lake: Lake, ref: str, dataset: str, number: int, rows: int = ROWS) -> Report:
    """Read and group the verdicts of a round.

    Args:
        lake: the lake.
        ref: a branch, tag or commit that holds them.
        dataset: the data set.
        number: of the round.
        rows: of each reason that are named.

    Raises:
        NotFoundError: the ref does not hold the round, or it was not verified yet.
    """
    about = manifest.read(lake, ref, dataset, number).get("verdicts")
    if about is None:
        raise NotFoundError(
            f"round {number} of {dataset} at {ref} has no verdicts yet; "
            f"run `dvc repro verify@{dataset}-{number}`"
        )
    verdicts = tables.read_round(lake, ref, dataset, "verdicts", number)
    lineage = lake.scan(ref, refs.partition(dataset, "lineage", number))
    return build(verdicts, about, lineage, dataset=dataset, number=number, rows=rows)


def build(
    verdicts: pl.DataFrame,
    about: Mapping[str, Any],
    lineage: pl.LazyFrame,
    *,
    dataset: str,
    number: int,
    rows: int = ROWS,
) -> Report:
    """Group the verdicts of a round.

    Args:
        verdicts: as `lineage.schema.VERDICTS`.
        about: the section `verdicts` of the round's manifest.
        lineage: row and sample_id of its candidates.
        dataset: the data set.
        number: of the round.
        rows: of each reason that are named.
    """
    judged = reasons.judged(verdicts, about["expectations"], rows)
    sets = reasons.together(verdicts, rows)
    named = {row for each in judged for reason in each.reasons for row in reason.rows}
    named |= {row for each in sets for row in each.rows}
    wanted = pl.Series("row", sorted(named), pl.Int64)
    ids = lineage.filter(pl.col("row").is_in(wanted.implode())).select("row", "sample_id").collect()
    against = verdicts.filter(pl.col("row").is_not_null(), curate.not_passed())
    refused = against.filter(curate.critical()).select("row").unique()
    marked = against.filter(pl.col("severity") == "warning").join(refused, on="row", how="anti")
    return Report(
        dataset=dataset,
        round=number,
        suite=str(about["suite"]),
        candidates=lineage.select(pl.len()).collect().item(),
        rejected=len(refused),
        marked=marked["row"].n_unique(),
        judged=tuple(judged),
        together=tuple(sets),
        samples=dict(
            ids.with_columns(pl.col("sample_id").bin.encode("hex").str.head(PREFIX)).iter_rows()
        ),
        seen=_seen(against.filter(pl.col("row").is_in(wanted.implode()))),
    )


def shown(candidates: pl.LazyFrame | None, report: Report) -> dict[int, Example]:
    """The candidates that a report names, by row, `MOST` at most; none where they are not known.

    Args:
        candidates: of the round.
        report: which names some.
    """
    if candidates is None:
        return {}
    wanted = pl.Series("row", report.rows[:MOST], pl.Int64)
    return examples.of_rows(candidates.filter(pl.col("row").is_in(wanted.implode())).collect())


def candidates(lake: Lake, ref: str, dataset: str, number: int) -> pl.LazyFrame | None:
    """The candidates of a round that a ref holds, at the commit that made them."""
    made = history.generated(lake, dataset, number, ref)
    if made is None:
        return None
    try:
        return lake.scan(made.id, refs.partition(dataset, "candidates", number))
    except NotFoundError:
        return None


def _seen(against: pl.DataFrame) -> dict[tuple[str, int], str]:
    said = against.select("expectation", "row", details.without_limits("detail").fill_null(""))
    return {(name, row): text for name, row, text in said.iter_rows()}
