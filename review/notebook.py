"""A version of a data set for whoever analyses it: lazy frames of its tables, and its charts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFound
from pipelines.params import load
from pipelines.rounds import manifest, tables
from pipelines.rounds.context import open_lake
from review.errors import UsageError
from review.ui import charts

if TYPE_CHECKING:
    import altair as alt


@dataclass(frozen=True, slots=True)
class Version:
    """A data set at a commit. Nothing is read before a frame is collected."""

    lake: Lake
    ref: str
    """What was asked for."""
    commit: str
    dataset: str

    @property
    def samples(self) -> pl.LazyFrame:
        """Accepted samples: round, row, sample_id, payload; round 0 is real data."""
        return self.table("samples")

    @property
    def lineage(self) -> pl.LazyFrame:
        """Lineage of every candidate: `lineage.schema.LINEAGE`."""
        return self.table("lineage")

    @property
    def verdicts(self) -> pl.LazyFrame:
        """Verdict of each expectation on each candidate: `lineage.schema.VERDICTS`."""
        return self.table("verdicts")

    @property
    def decisions(self) -> pl.LazyFrame:
        """What became of each candidate, and why: `lineage.schema.DECISIONS`."""
        return self.table("decisions")

    def table(self, name: str) -> pl.LazyFrame:
        """All rounds of a table, such as `scores` or `leaks`.

        Raises:
            NotFound: the commit holds no part of it.
        """
        return tables.read(self.lake, self.commit, self.dataset, name)

    @property
    def rounds(self) -> list[dict[str, Any]]:
        """The manifest of each round, in order: counts, mix, metrics, guard, cost."""
        numbers = tables.rounds(self.lake, self.commit, self.dataset)
        return [manifest.read(self.lake, self.commit, self.dataset, each) for each in numbers]

    @property
    def figures(self) -> pl.DataFrame:
        """One row per round with its figures by flat name, such as recall_round, recall_null."""
        found = [
            {"round": each["round"], **each["metrics"]["summary"]}
            for each in self.rounds
            if "metrics" in each
        ]
        return pl.DataFrame(found, infer_schema_length=None)

    def charts(self, theme: str = "light") -> Mapping[str, alt.Chart]:
        """The charts over rounds that the page has, by name, such as downstream and depth.

        Args:
            theme: light or dark.
        """
        import altair as alt  # noqa: PLC0415  takes a second to import

        entries = [{"metrics": {}, "cost": {}, **each} for each in self.rounds]
        return {
            each.name: alt.Chart.from_dict(charts.spec(each, theme))
            for each in charts.of_rounds(entries)
        }


def open_ref(ref: str = refs.MAIN, dataset: str | None = None) -> Version:
    """Open a version of a data set in the lake of the current directory.

    Args:
        ref: branch, tag or commit.
        dataset: which one; None: that of a tag or branch of a round, or the only one of the ref.

    Raises:
        NotFound: there is no such ref.
        UsageError: the ref holds several data sets, or not this one; names those that it holds.
    """
    lake = open_lake(load())
    commit = lake.resolve(ref).id
    named = refs.TAG.match(ref) or refs.BRANCH.match(ref)
    wanted = dataset or (named["dataset"] if named else None)
    there = sorted({item.path.split("/")[0] for item in lake.objects(commit)})
    if wanted is None and len(there) == 1:
        wanted = there[0]
    if wanted is None:
        raise UsageError(f"{ref} holds {', '.join(there) or 'no data set'}; name one of them")
    if wanted not in there:
        raise NotFound(f"{ref} holds no {wanted}; it holds {', '.join(there) or 'nothing'}")
    return Version(lake, ref, commit, wanted)
