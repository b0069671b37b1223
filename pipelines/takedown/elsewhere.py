"""Other versions than main's head that hold samples: tags, branches, and commits of main's log."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from lake import refs
from lake.client import Lake
from lake.values import ObjectInfo
from lineage.schema import readable
from pipelines.common import progress


class Elsewhere:
    """Looks for rows among the samples of other refs; each part is read once."""

    def __init__(self, lake: Lake, rows: pl.DataFrame) -> None:
        """Look for rows: dataset, round, sample_id."""
        self._lake = lake
        self._ids = rows["sample_id"].unique().implode()
        self._datasets = sorted(rows["dataset"].unique())
        self._known: dict[str, bool] = {}

    def among(self, named: Mapping[str, str]) -> dict[str, str]:
        """Select the refs that hold such rows."""
        heads = {commit: self.holds(commit) for commit in dict.fromkeys(named.values())}
        return {name: commit for name, commit in sorted(named.items()) if heads[commit]}

    def commits(self, head: str) -> int:
        """Count the commits of a first-parent log that hold such rows."""
        if not self._datasets:
            return 0
        log = list(self._lake.log(head, first_parent=True))
        return sum(self.holds(commit.id) for commit in progress.track(log, "commits"))

    def holds(self, commit: str) -> bool:
        """Tell whether a commit holds such rows among the samples of their data sets."""
        return any(
            self._in_part(commit, item)
            for dataset in self._datasets
            for item in self._lake.objects(commit, refs.table(dataset, "samples"))
        )

    def _in_part(self, commit: str, item: ObjectInfo) -> bool:
        if not item.path.endswith(".parquet"):
            return False
        if item.checksum not in self._known:
            with readable(f"{item.path} at {commit}"):
                held = self._lake.scan_parts(commit, [item]).select("sample_id")
                matching = held.filter(pl.col("sample_id").is_in(self._ids)).head(1).collect()
            self._known[item.checksum] = not matching.is_empty()
        return self._known[item.checksum]
