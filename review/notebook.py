"""What a notebook works with: tables and charts of a version, its training data, and diffs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from lake import refs
from lake.client import Lake
from pipelines.inquiry.training import apart, data
from pipelines.inquiry.training.data import TrainingData
from pipelines.params import load
from pipelines.rounds import manifest, tables
from pipelines.rounds.context import open_lake
from review.cli.datasets import dataset_at
from review.cli.round_refs import shared_dataset
from review.diff import build, sources
from review.diff.values import DataDiff
from review.errors import UsageError
from review.provenance import origins
from review.provenance.lookup import locate
from review.provenance.origins import SampleProvenance
from review.ui import chart_drawing, charts

if TYPE_CHECKING:
    import altair as alt

APART: Final = "review.load_apart"
"""Loads in another directory than the current one."""


@dataclass(frozen=True, slots=True)
class Version:
    """A data set at a commit. Nothing is read before a frame is collected."""

    lake: Lake
    ref: str
    """The branch, tag or commit as it was given."""
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
        """The decision on each candidate, with its reasons: `lineage.schema.DECISIONS`."""
        return self.table("decisions")

    def table(self, name: str) -> pl.LazyFrame:
        """All rounds of a table, such as `scores` or `leaks`; what a round lacks is null.

        Raises:
            NotFoundError: the commit holds no part of it.
        """
        return tables.read_diagonal(self.lake, self.commit, self.dataset, name)

    @property
    def rounds(self) -> list[dict[str, Any]]:
        """The manifest of each round, in order: counts, mix, metrics, guard, cost."""
        numbers = tables.rounds(self.lake, self.commit, self.dataset)
        return [manifest.read(self.lake, self.commit, self.dataset, number) for number in numbers]

    @property
    def figures(self) -> pl.DataFrame:
        """One row per round with its figures by flat name, such as recall_round, recall_null."""
        rows = [
            {"round": entry["round"], **entry["metrics"]["summary"]}
            for entry in self.rounds
            if "metrics" in entry
        ]
        return pl.DataFrame(rows, infer_schema_length=None)

    def charts(self, theme: str = "light") -> Mapping[str, alt.Chart]:
        """The charts over rounds that the page has, by name, such as downstream and depth.

        Args:
            theme: light or dark.
        """
        import altair as alt  # noqa: PLC0415  takes a second to import

        entries = [{"metrics": {}, "cost": {}, **entry} for entry in self.rounds]
        return {
            chart.name: alt.Chart.from_dict(chart_drawing.spec(chart, theme))
            for chart in charts.of_rounds(entries)
        }


def open_ref(ref: str = refs.MAIN, dataset: str | None = None) -> Version:
    """Open a version of a data set in the lake of the current directory.

    Args:
        ref: branch, tag or commit.
        dataset: name of the data set; None: that of a tag or branch of a round, or the only one
            that the ref holds.

    Raises:
        NotFoundError: there is no such ref, or it does not hold this data set.
        UsageError: the ref holds several data sets, and none is named.
    """
    lake = open_lake(load())
    commit = lake.resolve(ref).id
    return Version(lake, ref, commit, dataset_at(lake, ref, commit, dataset))


def audit_sample(
    sample: str, ref: str = refs.MAIN, dataset: str | None = None
) -> list[SampleProvenance]:
    """Find where a sample came from, as `stemma audit ID` does.

    Args:
        sample: id of the sample, or at least 8 hex digits of it.
        ref: branch, tag or commit that is looked at first; then what main once held.
        dataset: only occurrences in this data set; None: in any.

    Returns:
        Each occurrence with its family tree, the training mixes at which that ends, licences, the
        generator, and decisions of reviewers; `to_dict` is what `stemma audit --json` prints.

    Raises:
        QueryError: this cannot be an id.
        NotFoundError: neither the ref holds it nor did main ever.
    """
    params = load()
    lake = open_lake(params)
    return list(origins.describe(lake, locate(lake, params, ref, dataset, sample)))


def load_ref(
    ref: str = refs.MAIN,
    dataset: str | None = None,
    *,
    project: str | Path | None = None,
    splits: str | Sequence[str] = ("train",),
) -> TrainingData:
    """Load the training mix at a version of a data set: rows, weights and, on asking, the hold-out.

    The mix is exactly what stage `fit` of the next round would read at this version: chosen and
    weighed by the settings of `fit` in params.yaml, without contaminated rows. A local lake's
    server is started for the moment in which the mix is composed; payload is read from files.

    Args:
        ref: branch, tag or commit.
        dataset: as of `open_ref`.
        project: the project's directory, of which the lake, params.yaml and trusted keys are read;
            None: the current directory. The mix of another directory is composed by a process of
            its own, which takes a second longer; the current directory stays as it is.
        splits: `train` is the mix; `validation` and `test` are held-out rows, which are read only
            if they are named here. What was trained on them can no longer be measured on them.

    Raises:
        NotFoundError: there is no such ref, or it does not hold this data set.
        UsageError: the ref holds several data sets, and none is named.
        ParamsError: params.yaml is missing or wrong.
        DataError: there is no such split.
        StaleError: the hold-out cannot be read, with which the mix is compared.
        MixError: nothing is left to train on.
        FileNotFoundError: there is no such project directory.
    """
    named = (splits,) if isinstance(splits, str) else tuple(splits)
    if project is not None and Path(project).resolve() != Path.cwd():
        request = {"ref": ref, "dataset": dataset, "splits": named}
        return apart.training_data(APART, Path(project), request)
    params = load()
    lake = open_lake(params)
    name = dataset_at(lake, ref, lake.resolve(ref).id, dataset)
    return data.open_at(lake, params, ref, name, named)


def diff_refs(
    left: str,
    right: str,
    dataset: str | None = None,
    *,
    two_dot: bool = False,
    key: Sequence[str] | None = None,
    columns: bool = True,
) -> DataDiff:
    """Compare two versions of a data set, or two Parquet files, as `stemma diff` does.

    Args:
        left: branch, tag or commit of the lake of the current directory, or a Parquet file or
            folder; the side is the merge base of both refs unless `two_dot`.
        right: the other side, of the same sort.
        dataset: name of the data set; None: that of both refs, or the only one that differs.
        two_dot: compare tree with tree, instead of what right changed since it forked.
        key: columns by which rows are the same; None: the sample id. Files need one.
        columns: whether to compare the distributions of columns too.

    Raises:
        NotFoundError: there is no such ref, or it does not hold this data set.
        UsageError: several data sets differ, and none is named; or a side has no such key.
    """
    if sources.is_on_disk(left) and sources.is_on_disk(right):
        return build.diff_files(Path(left), Path(right), key or (), columns=columns)
    lake = open_lake(load())
    name = dataset or shared_dataset(left, right)
    if name is None:
        differing = build.datasets(lake, left, right, two_dot=two_dot)
        name = differing[0] if len(differing) == 1 else None
        if len(differing) > 1:
            raise UsageError(f"{', '.join(differing)} differ; name one of them")
    name = dataset_at(lake, right, lake.resolve(right).id, name)
    return build.diff(lake, left, right, name, two_dot=two_dot, key=key, columns=columns)
