"""Summarise the verdicts of a round: counts, reasons, joint failures, and examples."""

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
from lineage import curation
from pipelines.rounds import history, manifest, parts
from pipelines.verification.verdicts import examples
from pipelines.verification.verdicts.examples import Example

ROWS: Final = 8
"""Candidates that are named for each reason."""
MAX_EXAMPLES: Final = 400
"""Candidates of a round that are shown, so that a page stays within a few megabytes."""
PREFIX: Final = 12
"""Hex digits by which a sample is named; `stemma audit` accepts 8 or more."""


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """The verdicts of a round, grouped by expectation and reason."""

    dataset: str
    round: int
    suite: str
    """Digest of the suite."""
    candidates: int
    rejected: int
    """Number of candidates with a critical verdict that is not passed."""
    marked: int
    """Number of candidates that are kept with a warning."""
    judged: tuple[Judged, ...]
    together: tuple[Together, ...]
    samples: Mapping[int, str]
    """Prefix of the sample id, by row, of the rows that are named."""
    seen: Mapping[tuple[str, int], str]
    """Detail of a verdict on a row that is named, by expectation and row."""

    @property
    def rows(self) -> list[int]:
        """Sorted rows that are named."""
        return sorted(self.samples)

    @property
    def stopped(self) -> bool:
        """Whether a critical expectation about the whole round is not passed."""
        critical = (rule for rule in self.judged if rule.severity == "critical")
        return any(rule.level == "table" and rule.verdict != "passed" for rule in critical)

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON."""
        return {
            "dataset": self.dataset,
            "round": self.round,
            "suite": self.suite,
            "candidates": self.candidates,
            "rejected": self.rejected,
            "marked": self.marked,
            "stopped": self.stopped,
            "expectations": [
                {
                    **rule.to_dict(),
                    "reasons": [self._with_examples(reason.to_dict()) for reason in rule.reasons],
                }
                for rule in self.judged
            ],
            "together": [self._with_examples(group.to_dict()) for group in self.together],
        }

    def _with_examples(self, group: dict[str, Any]) -> dict[str, Any]:
        examples = [{"row": row, "sample": self.samples.get(row)} for row in group.pop("rows")]
        return {**group, "examples": examples}


def read(lake: Lake, ref: str, dataset: str, number: int, rows: int = ROWS) -> Report:
    """Read and group the verdicts of a round.

    Args:
        lake: The lake.
        ref: A branch, tag or commit that holds the verdicts.
        dataset: The data set.
        number: The round's number.
        rows: Number of rows that are named for each reason.

    Raises:
        NotFoundError: The ref does not hold the round, or the round is not verified yet.
    """
    section = manifest.read(lake, ref, dataset, number).get("verdicts")
    if section is None:
        raise NotFoundError(
            f"round {number} of {dataset} at {ref} has no verdicts yet; "
            f"run `dvc repro verify@{dataset}-{number}`"
        )
    verdicts = parts.verdicts_against(lake, ref, dataset, number)
    lineage = lake.scan(ref, refs.partition(dataset, "lineage", number))
    return build(verdicts, section, lineage, dataset=dataset, number=number, rows=rows)


def build(
    verdicts: pl.DataFrame,
    section: Mapping[str, Any],
    lineage: pl.LazyFrame,
    *,
    dataset: str,
    number: int,
    rows: int = ROWS,
) -> Report:
    """Group the verdicts of a round.

    Args:
        verdicts: Columns as `lineage.schema.VERDICTS`, of those that did not pass and those on the
            whole round; others do not matter.
        section: The section `verdicts` of the round's manifest.
        lineage: Columns row and sample_id of its candidates.
        dataset: The data set.
        number: The round's number.
        rows: Number of rows that are named for each reason.
    """
    judged = reasons.judged(verdicts, section["expectations"], rows)
    together = reasons.together(verdicts, rows)
    named = {row for rule in judged for reason in rule.reasons for row in reason.rows}
    named |= {row for group in together for row in group.rows}
    wanted = pl.Series("row", sorted(named), pl.Int64)
    ids = lineage.filter(pl.col("row").is_in(wanted.implode())).select("row", "sample_id").collect()
    against = verdicts.filter(pl.col("row").is_not_null(), curation.not_passed())
    refused = against.filter(curation.critical()).select("row").unique()
    marked = against.filter(pl.col("severity") == "warning").join(refused, on="row", how="anti")
    return Report(
        dataset=dataset,
        round=number,
        suite=str(section["suite"]),
        candidates=lineage.select(pl.len()).collect().item(),
        rejected=len(refused),
        marked=marked["row"].n_unique(),
        judged=tuple(judged),
        together=tuple(together),
        samples=dict(
            ids.with_columns(pl.col("sample_id").bin.encode("hex").str.head(PREFIX)).iter_rows()
        ),
        seen=_seen(against.filter(pl.col("row").is_in(wanted.implode()))),
    )


def shown(candidates: pl.LazyFrame | None, report: Report) -> dict[int, Example]:
    """Prepare the candidates that a report names, by row, at most `MAX_EXAMPLES`.

    Args:
        candidates: Candidates of the round; None: there are no examples.
        report: The report that names rows.
    """
    if candidates is None:
        return {}
    wanted = pl.Series("row", report.rows[:MAX_EXAMPLES], pl.Int64)
    return examples.of_rows(candidates.filter(pl.col("row").is_in(wanted.implode())).collect())


def candidates(lake: Lake, ref: str, dataset: str, number: int) -> pl.LazyFrame | None:
    """Find the candidates of a round that a ref holds, at the commit that generated them."""
    generated = history.generated(lake, dataset, number, ref)
    if generated is None:
        return None
    try:
        return lake.scan(generated.id, refs.partition(dataset, "candidates", number))
    except NotFoundError:
        return None


def _seen(against: pl.DataFrame) -> dict[tuple[str, int], str]:
    texts = against.select("expectation", "row", details.without_limits("detail").fill_null(""))
    return {(name, row): text for name, row, text in texts.iter_rows()}
