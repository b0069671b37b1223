"""What reviewers decided about a sample: who, why and when, and what it was before."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from lake import refs
from lake.client import Lake
from lineage.review_decisions import REVIEWED
from pipelines.reviewing import decisions, store
from pipelines.rounds import tables

Node = tuple[str, int, int]
VERBS: Final = {
    "accept": "accepted it",
    "reject": "rejected it",
    "relabel": "gave it the label {label}",
    "correct": "corrected its {columns}",
    "withdraw": "withdrew what was decided before",
}


@dataclass(frozen=True, slots=True)
class SampleReview:
    """A decision of a reviewer on a sample."""

    action: str
    reviewer: str
    committer: str
    reason: str
    created: int
    """Unix seconds."""
    applied: bool
    """Whether it is the decision that counts, in the round as it is here."""
    pending: bool
    """Whether the round was decided on before it, so that it is applied by the next `dvc repro`."""
    label: str | None
    former_label: str | None
    columns: tuple[str, ...]
    row: int
    """Row of the candidate."""
    edited_row: int | None
    """Row that was made of the candidate."""
    record: str
    """SHA-256 of the record."""

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON values."""
        content = {name: getattr(self, name) for name in self.__slots__}
        when = datetime.fromtimestamp(self.created, UTC).isoformat()
        return {**content, "columns": list(self.columns), "when": when}

    def __str__(self) -> str:
        """A sentence that tells it."""
        named = ", ".join(self.columns)
        verb = VERBS[self.action].format(label=self.label, columns=named)
        if self.action == "relabel" and named:
            verb += f" beside its corrected {named}"
        if self.action == "correct" and self.label is not None:
            verb += f" beside the label {self.label}"
        was = f" (it had {self.former_label})" if self.former_label is not None else ""
        into = "" if self.edited_row is None else f"; row {self.edited_row} is the new sample"
        when = datetime.fromtimestamp(self.created, UTC).strftime("%Y-%m-%d %H:%M UTC")
        through = "" if self.reviewer == self.committer else f" (through {self.committer})"
        later = ""
        if not self.applied and self.action != "withdraw":
            later = "; a later decision took its place"
        elif self.pending:
            later = "; not applied yet: `dvc repro` applies it"
        why = " ".join(self.reason.split())
        return f"{when}, {self.reviewer}{through} {verb}{was}, because {why}{into}{later}"


def of(lake: Lake, commit: str, nodes: Sequence[Node]) -> dict[Node, list[SampleReview]]:
    """The decisions on samples, the oldest first: those that a commit holds, and later ones.

    Args:
        lake: the lake.
        commit: the commit.
        nodes: occurrences; one that a reviewer made has the decisions on the candidate.
    """
    found: dict[Node, list[SampleReview]] = {}
    for dataset, number in dict.fromkeys(node[:2] for node in nodes):
        table = _table(lake, commit, dataset, number)
        rows = [node[2] for node in nodes if node[:2] == (dataset, number)]
        for row in rows:
            found[dataset, number, row] = list(_of_row(table, row))
    return found


def _table(lake: Lake, commit: str, dataset: str, number: int) -> pl.DataFrame:
    """What a commit holds of the decisions on a round, then what reviewers decided since."""
    prefix = refs.partition(dataset, refs.REVIEWED, number)
    held = tables.optional(lake, commit, prefix, REVIEWED.names())
    held = held.cast(REVIEWED).with_columns(pending=pl.lit(value=False))
    known = decisions.of_records(store.of_branch(lake, refs.branch_name(dataset, number)))
    later = known.table.join(held.select("record"), on="record", how="anti", maintain_order="left")
    candidates = tables.optional(
        lake, commit, refs.partition(dataset, "lineage", number), ["row", "sample_id"]
    ).cast({"row": pl.Int64, "sample_id": pl.Binary})
    later = later.join(candidates, on=["row", "sample_id"], how="semi", maintain_order="left")
    return pl.concat([held, later.with_columns(pending=pl.lit(value=True))])


def _of_row(table: pl.DataFrame, row: int) -> Iterator[SampleReview]:
    made_of = table.filter(pl.col("edited_row") == row)["row"]
    own = row if made_of.is_empty() else int(made_of[0])
    for each in table.filter(pl.col("row") == own).iter_rows(named=True):
        yield _review(each)


def _review(row: Mapping[str, Any]) -> SampleReview:
    fields = {name: row[name] for name in SampleReview.__slots__ if name != "columns"}
    return SampleReview(**fields, columns=tuple(row["columns"] or ()))
