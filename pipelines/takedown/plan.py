"""The plan of a take-down: what holds the samples, and what came from them.

The ancestry index answers which rows descend from them; the objects of other refs are listed, and a
part that several refs share is read once. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl

from lake import refs
from lake.client import Lake
from lineage import family
from lineage.ancestry import walks
from lineage.ancestry.index import Ancestry
from pipelines.common import digests
from pipelines.rounds import manifest, model_store
from pipelines.takedown import occurrences
from pipelines.takedown.elsewhere import Elsewhere
from pipelines.takedown.occurrences import RegeneratedShards
from pipelines.takedown.selection import Selection

CACHES: Final = Path(".stemma")


@dataclass(frozen=True, slots=True)
class TouchedModel:
    """A model that learned from the samples, or from what came from them."""

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
    models: tuple[TouchedModel, ...]
    shards: tuple[RegeneratedShards, ...]
    refit: Mapping[str, tuple[int, int]]
    """By data set, the first round whose model learned from them, and the last published one."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Tags whose version holds samples that would go, with their commits."""
    branches: Mapping[str, str] = field(default_factory=dict)
    """Other branches than main that hold such samples."""
    commits: int = 0
    """Commits of main's first-parent log that hold such samples, main's head included."""
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
            "models": [
                {name: getattr(model, name) for name in TouchedModel.__slots__}
                for model in self.models
            ],
            "tags": dict(self.tags),
            "branches": dict(self.branches),
            "caches": dict(self.caches),
            "remedies": {
                "drop": {"rows": len(self.direct_samples)},
                "regenerate": [
                    {name: getattr(part, name) for name in RegeneratedShards.__slots__}
                    for part in self.shards
                ],
                "refit": {
                    name: {"from": first, "to": last} for name, (first, last) in self.refit.items()
                },
            },
        }


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
    goes = pl.concat([named, direct]).filter("accepted")
    elsewhere = Elsewhere(lake, goes)
    learned = sorted(set(indirect.select("dataset", "round").iter_rows()))
    return TakedownPlan(
        main=commit,
        ids=selection.ids,
        named=named,
        direct=direct,
        indirect=indirect,
        opaque=occurrences.opaque(lake, commit, index),
        holdout=counted.group_by("dataset", "split").agg(rows=pl.len()).sort("dataset", "split"),
        models=tuple(_models(lake, commit, learned)),
        shards=tuple(occurrences.regenerated(lake, commit, direct)),
        refit=_refit(index, learned),
        tags=elsewhere.among(lake.tags()),
        branches=elsewhere.among(
            {name: head for name, head in lake.branches().items() if name != refs.MAIN}
        ),
        commits=elsewhere.commits(commit),
        caches=_caches(),
    )


def _models(lake: Lake, commit: str, learned: Iterable[tuple[str, int]]) -> Iterator[TouchedModel]:
    """The models of rounds whose rows are indirect descendants."""
    for dataset, number in learned:
        section = manifest.read_if_there(lake, commit, dataset, number).get("generator", {})
        folder = model_store.directory(dataset, number)
        name = str(section.get("reference", "unknown"))
        yield TouchedModel(dataset, number, name, str(folder), folder.is_dir())


def _refit(index: Ancestry, learned: Iterable[tuple[str, int]]) -> dict[str, tuple[int, int]]:
    """By data set, the first round whose model learned from the samples, and the last round."""
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
