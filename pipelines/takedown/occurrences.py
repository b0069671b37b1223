"""Occurrences of content in the lineage of a commit, and which of them it holds as samples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from lake import refs
from lake.client import Lake
from lake.values import ObjectInfo
from lineage.ancestry.index import Ancestry
from lineage.family import Numbers
from lineage.schema import readable
from pipelines.rounds import purges

KEY: Final = ("dataset", "round", "row")
NODE: Final = pl.Schema(
    {
        "dataset": pl.String(),
        "round": pl.Int32(),
        "row": pl.Int64(),
        "sample_id": pl.Binary(),
        "kind": pl.String(),
        "accepted": pl.Boolean(),
        "shard": pl.Int32(),
    }
)
"""An occurrence; accepted: main holds it as a sample."""


@dataclass(frozen=True, slots=True)
class RegeneratedShards:
    """Shards of a round that hold direct descendants, which `regenerate` would make again."""

    dataset: str
    round: int
    shards: int
    of: int
    rows: int
    """Direct descendants among the candidates of the round."""


def numbers(index: Ancestry, ids: Iterable[str]) -> Numbers:
    """The index numbers of every occurrence of some contents, ascending.

    Args:
        index: the family tree.
        ids: whole ids, 64 hex digits each.
    """
    found = [index.find(one) for one in ids]
    return np.unique(np.concatenate([np.empty(0, dtype=np.int64), *found]))


def learned(index: Ancestry, rows: Numbers) -> list[tuple[str, int]]:
    """List the rounds whose generator was fitted on a mix that holds some rows, sorted.

    Args:
        index: the family tree.
        rows: index numbers.
    """
    return sorted(
        {
            (segment.dataset, segment.round)
            for segment in index.segments
            for mix in segment.mixes
            if np.isin(index.members(segment, mix.digest), rows).any()
        }
    )


def held_samples(lake: Lake, commit: str) -> pl.DataFrame:
    """The samples of all data sets at a commit, purged ones too: dataset, round, row."""
    by_dataset: dict[str, list[ObjectInfo]] = {}
    for item in lake.objects(commit):
        dataset, _, rest = item.path.partition("/")
        if rest.startswith("samples/") and item.path.endswith(".parquet"):
            by_dataset.setdefault(dataset, []).append(item)
    columns = pl.Schema({name: NODE[name] for name in KEY})
    parts = [pl.DataFrame(schema=columns)]
    lost = purges.of_lake(lake)
    for dataset, items in by_dataset.items():
        for item in items:
            with readable(f"{item.path} at {commit}"):
                rows = lake.scan_parts(commit, [item]).select("round", "row").collect()
            gone = lost.lacking([item.checksum]).select(
                pl.lit(refs.round_of(item.path), pl.Int32).alias("round"), "row"
            )
            rows = pl.concat([rows.cast(gone.schema), gone])
            parts.append(
                rows.select(pl.lit(dataset).alias("dataset"), "round", "row").cast(columns)
            )
    return pl.concat(parts)


def nodes(
    lake: Lake, commit: str, index: Ancestry, numbers: Numbers, samples: pl.DataFrame
) -> pl.DataFrame:
    """Describe occurrences, as `NODE`."""
    if not numbers.size:
        return pl.DataFrame(schema=NODE)
    found = index.nodes(numbers).select(*KEY, "sample_id", pl.col("kind").cast(pl.String))
    held = samples.with_columns(pl.lit(value=True).alias("accepted"))
    marked = found.join(held, on=KEY, how="left").with_columns(
        pl.col("accepted").fill_null(value=False)
    )
    placed = marked.join(_shards_of(lake, commit, found), on=KEY, how="left")
    return placed.select(NODE.names()).cast(NODE).sort(KEY)


def _shards_of(lake: Lake, commit: str, nodes: pl.DataFrame) -> pl.DataFrame:
    """The shard of each occurrence: dataset, round, row, shard."""
    columns = pl.Schema({**{name: NODE[name] for name in KEY}, "shard": pl.Int32()})
    parts = [pl.DataFrame(schema=columns)]
    for (dataset, number), rows in nodes.group_by("dataset", "round", maintain_order=True):
        prefix = refs.partition(str(dataset), "lineage", int(str(number)))
        with readable(f"the lineage of round {number} of {dataset}"):
            found = (
                lake.scan(commit, prefix)
                .filter(pl.col("row").is_in(rows["row"].implode()))
                .select(pl.lit(str(dataset)).alias("dataset"), "round", "row", "shard")
                .collect()
            )
        parts.append(found.cast(columns))
    return pl.concat(parts)


def opaque(lake: Lake, commit: str, index: Ancestry) -> dict[str, tuple[int, int]]:
    """By data set, rows of a model of unknown training data, and all rows, where there are any."""
    counts: dict[str, tuple[int, int]] = {}
    is_opaque = (pl.col("kind").cast(pl.String) != "real") & pl.col("trained_on").is_null()
    for segment in index.segments:
        prefix = refs.partition(segment.dataset, "lineage", segment.round)
        with readable(f"the lineage of round {segment.round} of {segment.dataset}"):
            rows = lake.scan(commit, prefix).select(is_opaque.sum(), pl.len().alias("rows"))
            opaque, whole = rows.collect().row(0)
        before = counts.get(segment.dataset, (0, 0))
        counts[segment.dataset] = (before[0] + int(opaque), before[1] + int(whole))
    return {dataset: pair for dataset, pair in counts.items() if pair[0]}


def regenerated(lake: Lake, commit: str, direct: pl.DataFrame) -> Iterator[RegeneratedShards]:
    """Shards that hold direct descendants, by round."""
    for (dataset, number), rows in direct.group_by("dataset", "round", maintain_order=True):
        prefix = refs.partition(str(dataset), "lineage", int(str(number)))
        with readable(f"the lineage of round {number} of {dataset}"):
            whole = lake.scan(commit, prefix).select(pl.col("shard").n_unique()).collect().item()
        hit = rows["shard"].n_unique()
        yield RegeneratedShards(str(dataset), int(str(number)), hit, int(whole), len(rows))
