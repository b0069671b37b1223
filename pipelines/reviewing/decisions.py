"""What reviewers decided about the samples of a round, of all their records together.

The last decision on a sample counts, whoever made it: reviewers who disagree see each other's
decisions, and all of them stay in the records. A decision is about a row with the id that the
reviewer saw; where the round was made again with another candidate in that row, it is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from lake.client import Lake
from lineage.review_decisions import ACTIONS, REVIEWED
from pipelines.params import Round
from pipelines.reviewing import record as records
from pipelines.reviewing import store
from pipelines.reviewing.record import ReviewRecord
from pipelines.rounds.record_branch import Kept

WITHDRAW: Final = "withdraw"


@dataclass(frozen=True, slots=True, eq=False)
class RoundReviews:
    """The decisions on the samples of a round."""

    table: pl.DataFrame
    """As `lineage.review_decisions.REVIEWED`, the oldest first, without what edits made."""
    texts: Mapping[str, Mapping[str, str]]
    """Corrected texts by column, by the SHA-256 of the record."""

    def __len__(self) -> int:
        """Number of decisions, whether they are applied or not."""
        return len(self.table)

    @property
    def applied(self) -> pl.DataFrame:
        """The decision that counts on each sample, by row."""
        return self.table.filter("applied").sort("row")

    def about(self, candidates: pl.DataFrame) -> RoundReviews:
        """Leave out the decisions on rows that are not these candidates.

        Args:
            candidates: row and sample_id; other columns are ignored.
        """
        keys = candidates.select("row", "sample_id")
        held = self.table.join(keys, on=["row", "sample_id"], how="semi", maintain_order="left")
        return RoundReviews(held, self.texts)


def of_round(lake: Lake, round_: Round) -> RoundReviews:
    """Read the decisions on the samples of a round."""
    return of_records(store.of_branch(lake, round_.branch))


def of_records(kept: Iterable[Kept[ReviewRecord]]) -> RoundReviews:
    """Put records about one round together, the oldest first."""
    found = list(kept)
    rows = [row for each in found for row in _rows(each)]
    table = pl.DataFrame(rows, schema=REVIEWED, orient="row").with_row_index("position")
    last = pl.col("position") == pl.col("position").max().over("row", "sample_id")
    applied = last & pl.col("action").is_in(ACTIONS)
    texts = {records.digest(each.record): dict(each.record.texts) for each in found}
    return RoundReviews(
        table.with_columns(applied.alias("applied")).drop("position"),
        {digest: columns for digest, columns in texts.items() if columns},
    )


def _rows(kept: Kept[ReviewRecord]) -> Iterator[tuple[object, ...]]:
    record = kept.record
    digest = records.digest(record)
    columns = sorted(record.texts) or None
    for each in record.rows:
        sample = bytes.fromhex(each.sample_id)
        edit = (None, None, None, record.label, columns)
        who = (store.reviewer(kept), kept.committer, kept.signer)
        yield (
            *(record.round, each.row, sample, record.action, False),
            *edit,
            *who,
            *(record.reason, record.created, digest),
        )
