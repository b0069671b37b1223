"""A data set at a commit: its rounds, how far it is from real data, its manifests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import polars as pl

from lake.client import Lake
from pipelines.rounds import tables
from review.diff import quality
from review.diff.distance import Distance, distance
from review.diff.values import RoundChange, Side


@dataclass(frozen=True, slots=True)
class Version:
    """A data set at a commit."""

    commit: str
    rounds: list[int]
    """Rounds whose accepted samples it holds."""
    far: Distance
    last: dict[str, Any]
    """The manifest of the last of them; empty where there is none."""
    manifests: dict[int, dict[str, Any]]
    """Of the rounds that differ; empty where the commit lacks the round."""

    def side(self) -> Side:
        """As the diff tells it."""
        whole = self.far.whole
        return Side(
            commit=self.commit,
            rounds=self.rounds,
            samples=whole.accepted,
            real_share=whole.mean("real"),
            real_inputs=whole.mean("real_inputs"),
            depth_mean=whole.depth_mean,
            depth_max=whole.deepest,
            generations=dict(whole.generations),
            founders=self.far.founders,
            figures=self.last.get("metrics", {}).get("summary", {}),
        )

    def change(self, number: int, rows: pl.DataFrame) -> RoundChange:
        """What changes in a round, this being the right side."""
        about = self.manifests[number]
        changed = dict(rows.filter(pl.col("round") == number).group_by("change").len().iter_rows())
        counts = about.get("counts", {})
        return RoundChange(
            round=number,
            samples={name: changed.get(name, 0) for name in ("added", "removed", "changed")},
            decisions={name: counts.get(name, 0) for name in ("accepted", "rejected", "duplicate")},
            guard=(about.get("guard") or {}).get("verdict"),
        )


def version(lake: Lake, commit: str, dataset: str, numbers: Iterable[int]) -> Version:
    """Read what a commit holds of a data set.

    Args:
        lake: the lake.
        commit: its id.
        dataset: the data set.
        numbers: rounds that differ.
    """
    rounds = tables.rounds(lake, commit, dataset)
    last = rounds[-1] if rounds else None
    return Version(
        commit=commit,
        rounds=rounds,
        far=distance(lake, commit, dataset),
        last=quality.read(lake, commit, dataset, last),
        manifests={each: quality.read(lake, commit, dataset, each) for each in numbers},
    )
