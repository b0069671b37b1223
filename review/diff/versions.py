"""A data set at a commit: its rounds, its distance from real data, and its manifests."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import polars as pl

from lake.client import Lake
from lineage.schema import OUTCOMES
from pipelines.rounds import tables
from review.diff import quality
from review.diff.distance import Distance, distance
from review.diff.values import DECISIONS, RoundChange, Side


@dataclass(frozen=True, slots=True)
class Version:
    """A data set at a commit."""

    commit: str
    rounds: list[int]
    """Rounds whose accepted samples it holds."""
    distance: Distance
    last: dict[str, Any]
    """The manifest of the last round; empty where there is none."""
    manifests: dict[int, dict[str, Any]]
    """Manifests of the differing rounds; empty where the commit lacks the round."""

    def side(self) -> Side:
        """The version as one side of a diff."""
        whole = self.distance.whole
        return Side(
            commit=self.commit,
            rounds=self.rounds,
            samples=whole.accepted,
            real_share=whole.mean("real"),
            real_inputs=whole.mean("real_inputs"),
            depth_mean=whole.depth_mean,
            depth_max=whole.deepest,
            generations=dict(whole.generations),
            founders=self.distance.founders,
            figures=self.last.get("metrics", {}).get("summary", {}),
        )

    def change(self, number: int, rows: pl.DataFrame) -> RoundChange:
        """The changes in a round, where this is the right side.

        Args:
            number: number of the round.
            rows: the differing rows, as `DataDiff.rows`.
        """
        manifest = self.manifests[number]
        changed = dict(rows.filter(pl.col("round") == number).group_by("change").len().iter_rows())
        counts = manifest.get("counts", {})
        outcomes = [name for name in OUTCOMES if name in {*DECISIONS, *counts}]
        return RoundChange(
            round=number,
            samples={name: changed.get(name, 0) for name in ("added", "removed", "changed")},
            decisions={name: counts.get(name, 0) for name in outcomes},
            guard=(manifest.get("guard") or {}).get("verdict"),
        )


def version(lake: Lake, commit: str, dataset: str, numbers: Iterable[int]) -> Version:
    """Read what a commit holds of a data set.

    Args:
        lake: the lake.
        commit: its id.
        dataset: the data set.
        numbers: numbers of the differing rounds.
    """
    rounds = tables.rounds(lake, commit, dataset)
    last = rounds[-1] if rounds else None
    return Version(
        commit=commit,
        rounds=rounds,
        distance=distance(lake, commit, dataset),
        last=quality.read(lake, commit, dataset, last),
        manifests={number: quality.read(lake, commit, dataset, number) for number in numbers},
    )
