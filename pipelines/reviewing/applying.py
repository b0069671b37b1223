"""Reviewers' decisions on a round as the stage `curate` applies them.

What is final, no reviewer overrides: an expectation about a column that compares with the hold-out
(its name has `held_out` in it), one that the suite marks with `"override": "never"` in its `meta`,
a candidate that nobody judged, and content that was taken down. Content that the lake accepted
before stays a duplicate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import polars as pl

from expectations.suite import Rule, Suite
from lake.client import Lake
from lineage import record
from pipelines.common import console
from pipelines.params import Round
from pipelines.reviewing import decisions, edits
from pipelines.reviewing.decisions import RoundReviews
from pipelines.rounds import parts

HELD_OUT: Final = "held_out"
"""Part of the names of columns that compare a candidate with held-out rows."""
OVERRIDE: Final = "override"
NEVER: Final = "never"


@dataclass(frozen=True, slots=True, eq=False)
class AppliedReviews:
    """Decisions on the candidates of a round, and the rows that were made of candidates."""

    table: pl.DataFrame
    """As `lineage.review_decisions.REVIEWED`."""
    rows: pl.DataFrame
    """The edited rows with the columns of the candidates, and `edits`, the candidate's row."""
    final: tuple[str, ...]
    """Expectations that no reviewer overrides."""

    @property
    def applied(self) -> pl.DataFrame:
        """The decision that counts on each sample, by row."""
        return self.table.filter("applied").sort("row")

    @property
    def payload(self) -> pl.DataFrame:
        """The edited rows with the columns of the candidates alone."""
        return self.rows.drop("edits")

    def lineage(self, of: pl.DataFrame, round_: Round) -> pl.DataFrame:
        """The lineage of the edited rows.

        Args:
            of: the lineage of the candidates.
            round_: the round.
        """
        keys = self.rows.select("row", "sample_id", "edits")
        edited = of.join(keys.select(pl.col("edits").alias("row")), on="row", how="semi")
        return record.edited(keys, edited, round_number=round_.number, dataset=round_.dataset)


def find(lake: Lake, round_: Round, verified: str, suite: Suite | None) -> AppliedReviews | None:
    """Find what reviewers decided about the candidates of a verify commit.

    Args:
        lake: the lake.
        round_: the round.
        verified: its verify commit, which holds the candidates.
        suite: the suite that judged them; None: an earlier release stored none.

    Returns:
        None where they decided nothing about these candidates.

    Raises:
        DataError: a label or a text is none that a candidate can hold, or the suite is unknown.
    """
    given = decisions.of_round(lake, round_)
    if not len(given):
        return None
    dataset, number = round_.dataset, round_.number
    columns = ("row", "sample_id")
    keys = parts.joined(
        parts.blocks(lake, verified, dataset, "candidates", number, columns=columns)
    )
    held = given.about(keys)
    if len(given) > len(held):
        console.line(
            f"{len(given) - len(held):,} decisions of reviewers are left out: they are about other "
            f"candidates than {round_.key} has now"
        )
    if not len(held):
        return None
    first = 1 + max(keys["row"].to_list())
    found = edits.numbered(held, first)
    answer = round_.settings.modality.answer
    made = parts.joined(
        edits.made_of(block, found, answer=answer, identity=round_.identity)
        for block in parts.blocks(lake, verified, dataset, "candidates", number)
    ).sort("row")
    former = edits.former_labels(
        (
            block.join(found.applied.select("row"), on="row", how="semi")
            for block in parts.blocks(lake, verified, dataset, "candidates", number)
        ),
        answer,
    )
    return AppliedReviews(_completed(found, made, former), made, final(suite))


def final(suite: Suite | None) -> tuple[str, ...]:
    """The expectations of a suite that no reviewer overrides."""
    rules: Iterable[Rule] = () if suite is None else suite.rules
    return tuple(rule.name for rule in rules if _is_final(rule))


def _is_final(rule: Rule) -> bool:
    about = any(HELD_OUT in column for column in rule.columns)
    return about or rule.meta.get(OVERRIDE) == NEVER


def _completed(reviews: RoundReviews, made: pl.DataFrame, former: dict[int, str]) -> pl.DataFrame:
    """The table of decisions with the ids of edited rows, and the labels that they had."""
    ids = made.select(
        pl.col("row").cast(pl.Int64).alias("edited_row"), pl.col("sample_id").alias("id")
    )
    relabels = pl.col("label").is_not_null()
    labels = pl.col("row").replace_strict(former, default=None, return_dtype=pl.String)
    return (
        reviews.table.join(ids, on="edited_row", how="left", maintain_order="left")
        .with_columns(
            pl.col("id").alias("edited_id"),
            pl.when(relabels).then(labels).alias("former_label"),
        )
        .drop("id")
    )
