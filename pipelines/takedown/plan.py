"""The plan of a take-down: what holds the samples, and what came from them.

The ancestry index answers which rows descend from them; the objects of other refs are listed, and a
part that several refs share is read once. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from lake import refs
from lake.client import Lake
from lineage import family
from lineage.ancestry import walks
from lineage.ancestry.index import Ancestry
from pipelines.common import digests
from pipelines.rounds import manifest, model_store
from pipelines.takedown import costs, neighbours, occurrences, record
from pipelines.takedown.costs import RoundCost
from pipelines.takedown.elsewhere import Elsewhere
from pipelines.takedown.occurrences import KEY, RegeneratedShards
from pipelines.takedown.selection import Selection

CACHES: Final = Path(".stemma")


@dataclass(frozen=True, slots=True)
class TouchedModel:
    """A generator that was fitted on a mix with the samples, or with what was made from them.

    Its folder may hold them as they are: exemplars of a language model, rows that are edited.
    """

    dataset: str
    round: int
    generator: str
    """Its name, or its module or file."""
    folder: str
    """Where it lies in the project; the commit that generated its round holds it too."""
    local: bool
    """Whether the folder is there."""


@dataclass(frozen=True, slots=True, eq=False)
class TakedownPlan:
    """What holds the samples of a take-down, and what each remedy would do."""

    main: str
    """Id of the commit of main that was looked at."""
    ids: tuple[str, ...]
    named: pl.DataFrame
    """Occurrences of the content, as `occurrences.NODE`."""
    direct: pl.DataFrame
    """Occurrences that were made from these by explicit parents, as `occurrences.NODE`."""
    indirect: pl.DataFrame
    """Counts of the other descendants: dataset, round, rows."""
    opaque: Mapping[str, tuple[int, int]]
    """By data set, rows of models of which nobody knows what they learned from, and all rows."""
    holdout: pl.DataFrame
    """Held-out rows: dataset, split, rows."""
    near: pl.DataFrame
    """Other samples that are near-duplicates of named ones: dataset, round, row, sample_id. They
    stay on main, and no later fit learns from them."""
    models: tuple[TouchedModel, ...]
    shards: tuple[RegeneratedShards, ...]
    refit: Mapping[str, tuple[int, int]]
    """By data set, the first round that was fitted on them, and the last one."""
    costs: Mapping[str, RoundCost] = field(default_factory=dict)
    """What rounds that may be made again took when they were made, by `digits-3`."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags whose version holds samples that would go, with their commits."""
    branches: Mapping[str, str] = field(default_factory=dict)
    """Other branches than main that hold such samples."""
    commits: int = 0
    """Commits of main's first-parent log that hold such samples, main's head included."""
    held_rows: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    """By data set, the held-out rows that are named: sample_id, payload."""
    caches: Mapping[str, int] = field(default_factory=dict)
    """Folders of this project that may hold their content, with the size of each in bytes."""

    @property
    def samples(self) -> pl.DataFrame:
        """The occurrences that main holds as samples, as `occurrences.NODE`."""
        return self.named.filter("accepted")

    @property
    def direct_samples(self) -> pl.DataFrame:
        """The direct descendants that main holds as samples, as `occurrences.NODE`."""
        return self.direct.filter("accepted")

    @property
    def rows(self) -> pl.DataFrame:
        """The rows that go, as `record.ROW`: named ones, and what was made from them."""
        return rows_of(self.named, self.direct)

    @property
    def datasets(self) -> list[str]:
        """The data sets that hold the content or descend from it, sorted."""
        names = {*self.named["dataset"], *self.direct["dataset"], *self.indirect["dataset"]}
        return sorted({*names, *self.holdout["dataset"]})

    @property
    def counts(self) -> dict[str, int]:
        """How much was found of each kind."""
        return {
            "ids": len(self.ids),
            "occurrences": len(self.named),
            "samples": len(self.samples),
            "direct": len(self.direct),
            "direct_samples": len(self.direct_samples),
            "indirect": int(self.indirect["rows"].sum()),
            "holdout": int(self.holdout["rows"].sum()),
            "near": len(self.near),
            "models": len(self.models),
            "tags": len(self.tags),
            "branches": len(self.branches),
            "commits": self.commits,
        }

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON values."""
        return {
            "main": self.main,
            "counts": self.counts,
            "ids": list(self.ids),
            "samples": _by_round(self.named),
            "direct": _by_round(self.direct),
            "indirect": self.indirect.to_dicts(),
            "opaque": {
                name: {"rows": rows, "of": whole} for name, (rows, whole) in self.opaque.items()
            },
            "holdout": self.holdout.to_dicts(),
            "near": self.near.with_columns(pl.col("sample_id").bin.encode("hex")).to_dicts(),
            "models": [
                {name: getattr(model, name) for name in TouchedModel.__slots__}
                for model in self.models
            ],
            "tags": dict(self.tags),
            "branches": dict(self.branches),
            "caches": dict(self.caches),
            "remedies": self.remedies(),
        }

    def remedies(self) -> dict[str, Any]:
        """What each remedy does, and what it would take by what the rounds took."""
        shards = []
        for part in self.shards:
            cost = self.costs.get(f"{part.dataset}-{part.round}")
            share = part.shards / part.of if part.of else 0.0
            seconds = None if cost is None or cost.generate is None else cost.generate * share
            dollars = 0.0 if cost is None else cost.dollars * share
            about = {name: getattr(part, name) for name in RegeneratedShards.__slots__}
            shards.append(about | {"seconds": _rounded(seconds), "dollars": _rounded(dollars)})
        refit = {}
        for dataset, (first, last) in self.refit.items():
            keys = (f"{dataset}-{number}" for number in range(first, last + 1))
            known = [self.costs[key] for key in keys if key in self.costs]
            refit[dataset] = {
                "from": first,
                "to": last,
                "seconds": _rounded(sum(cost.whole for cost in known)),
                "dollars": _rounded(sum(cost.dollars for cost in known)),
            }
        return {
            "drop": {"rows": len(self.direct_samples)},
            "regenerate": shards,
            "refit": refit,
        }


def rows_of(named: pl.DataFrame, direct: pl.DataFrame) -> pl.DataFrame:
    """Put named rows and what was made from them together, as `record.ROW`; both as `NODE`."""
    parts = [
        nodes.select(*KEY, "sample_id", pl.lit(cause).alias("cause"), pl.col("accepted"))
        for nodes, cause in ((named, "named"), (direct, "direct"))
    ]
    together = pl.concat(parts).rename({"accepted": "sample"}).unique(KEY, keep="first")
    return together.cast(record.ROW).sort(KEY)


def make(
    lake: Lake, commit: str, index: Ancestry, selection: Selection, held_out: pl.DataFrame
) -> TakedownPlan:
    """Find everything that holds samples, and everything that came from them.

    Args:
        lake: the lake.
        commit: id of main's head.
        index: its family tree.
        selection: the samples.
        held_out: held-out rows: dataset, split, sample_id.
    """
    samples = occurrences.held_samples(lake, commit)
    starts = occurrences.numbers(index, selection.ids)
    descendants = walks.descendants(index, starts)
    named, direct = (
        occurrences.nodes(lake, commit, index, numbers, samples)
        for numbers in (starts, descendants.direct)
    )
    indirect = family.by_round(index, descendants.indirect)
    counted = held_out.filter(pl.col("sample_id").is_in(selection.binary.implode()))
    goes = rows_of(named, direct)
    elsewhere = Elsewhere(lake, goes.filter("sample"))
    learned = occurrences.learned(index, np.concatenate([starts, descendants.direct]))
    refit, shards = _refit(index, learned), tuple(occurrences.regenerated(lake, commit, direct))
    return TakedownPlan(
        main=commit,
        ids=selection.ids,
        named=named,
        direct=direct,
        indirect=indirect,
        opaque=occurrences.opaque(lake, commit, index),
        holdout=counted.group_by("dataset", "split").agg(rows=pl.len()).sort("dataset", "split"),
        near=neighbours.of_rows(lake, commit, goes),
        models=tuple(_models(lake, commit, learned)),
        shards=shards,
        refit=refit,
        costs=costs.of_rounds(lake, commit, refit, shards),
        tags=elsewhere.among(lake.tags()),
        branches=elsewhere.among(
            {name: head for name, head in lake.branches().items() if name != refs.MAIN}
        ),
        commits=elsewhere.commits(commit),
        caches=_caches(),
    )


def _models(lake: Lake, commit: str, learned: Iterable[tuple[str, int]]) -> Iterator[TouchedModel]:
    """The generators of rounds that were fitted on what goes."""
    for dataset, number in learned:
        section = manifest.read_if_there(lake, commit, dataset, number).get("generator", {})
        folder = model_store.directory(dataset, number)
        name = str(section.get("reference", "unknown"))
        yield TouchedModel(dataset, number, name, str(folder), folder.is_dir())


def _refit(index: Ancestry, learned: Iterable[tuple[str, int]]) -> dict[str, tuple[int, int]]:
    """By data set, the first round that was fitted on the samples, and the last round."""
    first: dict[str, int] = {}
    for dataset, number in learned:
        first[dataset] = min(number, first.get(dataset, number))
    return {
        dataset: (
            number,
            max(segment.round for segment in index.segments if segment.dataset == dataset),
        )
        for dataset, number in sorted(first.items())
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _caches() -> dict[str, int]:
    """Folders of this project's private caches that are there, with their sizes in bytes."""
    folders = [folder for folder in sorted(CACHES.glob("*")) if folder.is_dir()]
    folders += [folder for folder in (Path("models"), Path(".dvc") / "cache") if folder.is_dir()]
    return {
        str(folder): sum(item.stat().st_size for item in digests.inside(folder, junk=True))
        for folder in folders
    }


def _by_round(nodes: pl.DataFrame) -> list[dict[str, Any]]:
    """Count occurrences per round: dataset, round, rows, samples."""
    grouped = nodes.group_by("dataset", "round").agg(
        pl.len().alias("rows"), pl.col("accepted").sum().alias("samples")
    )
    return grouped.sort("dataset", "round").to_dicts()
