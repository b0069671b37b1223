"""Polars: the graph as frames in memory, each question by joins, round by round."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.lineage import flat
from benchmarks.lineage.engine import DERIVED, Engine, Reader, Result, size, slots
from lineage.edges import TOLERANCE

SUMS: Final = ("weight", "real", "ending", "length")
NOTHING: Final = pl.Schema({"slot": pl.Int32, "real": pl.Boolean, "mass": pl.Float32})


@dataclass(slots=True)
class Frames(Engine):
    """Rows, edges and ids of each round."""

    rows: list[pl.DataFrame] = field(init=False)
    edges: list[pl.DataFrame] = field(init=False)
    ids: list[pl.DataFrame] = field(init=False)

    def prepare(self) -> None:
        """Nothing but a name."""
        self.name = "Polars, joins"

    def build(self) -> Reader:
        """Read the lake's Parquet files into frames of slots."""
        numbers = range(self.world.rounds)
        self.rows, self.edges = map(
            list, zip(*(flat.tables(self.world, at) for at in numbers), strict=True)
        )
        self.ids = [self.world.lineage(at).select("row", "sample_id").collect() for at in numbers]
        return size(*(sum(map(len, each)) for each in (self.rows, self.edges)))

    def find(self, prefix: str) -> Reader:
        """Filter the ids."""
        asked = pl.col("sample_id").bin.starts_with(bytes.fromhex(prefix))
        found = [
            frame.lazy().filter(asked).select(pl.col("row") + number * self.world.stride)
            for number, frame in enumerate(self.ids)
        ]
        return slots(pl.concat(pl.collect_all(found))["row"].to_numpy())

    def ancestors(self, slot: int) -> Reader:
        """Go back round by round."""
        wanted, found = {slot}, set[int]()
        for number in range(slot // self.world.stride, 0, -1):
            start = number * self.world.stride
            children = [each for each in wanted if each >= start]
            if children:
                asked = pl.col("child").is_in(children)
                parents = self.edges[number].lazy().filter(asked).collect()["parent"].to_list()
                wanted = wanted.difference(children).union(parents)
                found.update(parents)
        return slots(np.fromiter(found, np.int64, len(found)))

    def descendants(self, starts: NDArray[np.int64]) -> Reader:
        """Go forward round by round."""
        reached = pl.DataFrame({"slot": starts}, schema={"slot": pl.Int32})
        for edges in self.edges[1:]:
            below = edges.lazy().join(reached.lazy(), left_on="parent", right_on="slot", how="semi")
            reached = pl.concat([reached, below.select(slot="child").unique().collect()])
        return slots(reached["slot"][len(starts) :].to_numpy())

    def derive(self) -> Reader:
        """Derive round by round."""
        done = [_real(self.rows[0])]
        totals = [_total(done[0])]
        firsts = [first for _, _, first, _ in self.world.mixes()]
        for rows, edges, first in zip(self.rows[1:], self.edges[1:], firsts, strict=True):
            mix = _mixed(totals[first:])
            one = _derived(rows, edges, pl.concat(done), mix)
            done.append(one)
            totals.append(_total(one))
        return lambda: _read(pl.concat(done))


def _real(rows: pl.DataFrame) -> pl.DataFrame:
    one, none = pl.lit(1.0), pl.lit(0, pl.Int32)
    return rows.select(
        "slot",
        "mass",
        real=pl.lit(value=True),
        real_inputs=one,
        real_roots=one,
        depth_mean=pl.lit(0.0),
        depth_min=none,
        depth_max=none,
    )


def _derived(
    rows: pl.DataFrame, edges: pl.DataFrame, known: pl.DataFrame, mix: dict[str, Any]
) -> pl.DataFrame:
    summed = _summed(edges.lazy(), known.lazy())
    left = 1 - pl.col("weight")
    rest = pl.when((pl.col("mix") > 0) & (left > TOLERANCE)).then(left).otherwise(0.0)
    low, high = (
        pl.when(pl.col("rest") > 0).then(pl.lit(mix[name], pl.Int32)) for name in ("low", "high")
    )
    ending = pl.col("ending") + pl.col("rest") * mix["ending"]
    length = pl.col("length") + pl.col("rest") * (mix["ending"] + mix["length"])
    return (
        rows.lazy()
        .join(summed, left_on="slot", right_on="child", how="left", maintain_order="left")
        .with_columns(pl.col(SUMS).fill_null(0.0))
        .with_columns(rest=rest)
        .select(
            "slot",
            "mass",
            real=pl.lit(value=False),
            real_inputs=pl.col("real") + pl.col("rest") * mix["real"],
            real_roots=ending,
            depth_mean=pl.when(ending > 0).then(length / ending),
            depth_min=pl.min_horizontal("low", low) + 1,
            depth_max=pl.max_horizontal("high", high) + 1,
        )
        .collect()
    )


def _summed(edges: pl.LazyFrame, known: pl.LazyFrame) -> pl.LazyFrame:
    weight, roots = pl.col("weight").cast(pl.Float64), pl.col("real_roots")
    counted = pl.when(pl.col("weight") > 0)
    return (
        edges.join(known, left_on="parent", right_on="slot", how="left")
        .select(
            "child",
            weight=weight,
            real=weight * pl.col("real"),
            ending=weight * roots,
            length=weight * roots * (1 + pl.col("depth_mean").fill_null(0.0)),
            low=counted.then("depth_min"),
            high=counted.then("depth_max"),
        )
        .group_by("child")
        .agg(pl.col(SUMS).sum(), pl.col("low").min(), pl.col("high").max())
    )


def _total(done: pl.DataFrame) -> dict[str, Any]:
    mass = pl.col("mass").cast(pl.Float64)
    roots = mass * pl.col("real_roots")
    return (
        done.filter(pl.col("mass") > 0)
        .select(
            weight=mass.sum(),
            real=(mass * pl.col("real")).sum(),
            ending=roots.sum(),
            length=(roots * pl.col("depth_mean").fill_null(0.0)).sum(),
            low=pl.col("depth_min").min(),
            high=pl.col("depth_max").max(),
        )
        .row(0, named=True)
    )


def _mixed(totals: list[dict[str, Any]]) -> dict[str, Any]:
    shares = (pl.col("real", "ending", "length").sum() / pl.col("weight").sum(),)
    depths = (pl.col("low").min(), pl.col("high").max())
    return pl.DataFrame(totals).select(*shares, *depths).row(0, named=True)


def _read(done: pl.DataFrame) -> Result:
    ordered = done.sort("slot").select(
        pl.col("slot", *DERIVED).cast(pl.Float64).fill_null(float("nan"))
    )
    return {each.name: each.to_numpy() for each in ordered}
