"""How far a lake is from real data, round by round: shares, depths, opaque roots, founders.

Everything is over accepted rows, those that the next generator may learn from. Shares and depths
are sums over stored columns (`lineage.proof` proves these), founders come from the family tree.

A row's generation is its `depth_mean` rounded to a whole number, halves up: how many generations
lie between it and real data, on average over the walks that end there. Real rows are generation 0.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage import figures
from lineage.accepted import accepted
from lineage.ancestry.founders import Founders, founders
from lineage.ancestry.index import Ancestry
from lineage.ancestry.source import Source

COUNTS: Final = ("candidates", "accepted")
SUMS: Final = ("real", "mix", "real_inputs", "real_inputs_low", "real_roots", "depth")


@dataclass(frozen=True, slots=True)
class Tally:
    """Counts and sums over the accepted rows of a round, or of several."""

    candidates: int = 0
    accepted: int = 0
    real: float = 0.0
    mix: float = 0.0
    """Sum of the real shares of the mixes that the rows were trained on; 0 for opaque models."""
    real_inputs: float = 0.0
    real_inputs_low: float = 0.0
    real_roots: float = 0.0
    depth: float = 0.0
    """Sum of `depth_mean` over the rows with a walk that ends at a real sample."""
    deepest: int | None = None
    """Most generations from real data along any line of descent; None where none ends there."""
    generations: Mapping[int, int] = field(default_factory=dict)
    """Number of rows by generation; rows without a walk that ends at a real sample are in none."""

    def __add__(self, other: Tally) -> Tally:
        """Combine two tallies."""
        pair = self.generations, other.generations
        deepest = [tally.deepest for tally in (self, other) if tally.deepest is not None]
        return Tally(
            **{name: getattr(self, name) + getattr(other, name) for name in (*COUNTS, *SUMS)},
            deepest=max(deepest, default=None),
            generations={
                generation: sum(some.get(generation, 0) for some in pair)
                for generation in sorted({*pair[0], *pair[1]})
            },
        )

    def mean(self, name: str) -> float | None:
        """Return the mean over the accepted rows of one of `SUMS`; None where there are none."""
        return getattr(self, name) / self.accepted if self.accepted else None

    @property
    def rootless(self) -> int:
        """Number of rows without a walk that ends at a real sample."""
        return self.accepted - sum(self.generations.values())

    @property
    def depth_mean(self) -> float | None:
        """Mean generations from real data over the rows with a walk that ends there."""
        rooted = sum(self.generations.values())
        return self.depth / rooted if rooted else None

    @property
    def opaque(self) -> float | None:
        """Share of the walks that end at a model of unknown training data."""
        roots = self.mean("real_roots")
        return None if roots is None else 1.0 - roots

    @property
    def mix_share(self) -> float | None:
        """Mean real share of the mixes that rows were trained on; None where all rows are real."""
        made = self.accepted - self.real
        return self.mix / made if made else None


@dataclass(frozen=True, slots=True, eq=False)
class Round:
    """The statistics of one round of a data set."""

    number: int
    decided: bool
    own: Tally
    so_far: Tally
    """Tally of this round and all rounds before it."""
    founders: Founders | None
    """Founders of walks from the accepted rows; None where there are none."""


@dataclass(frozen=True, slots=True, eq=False)
class Statistics:
    """The statistics of a data set, round by round and as a whole."""

    dataset: str
    rounds: tuple[Round, ...]
    whole: Tally
    founders: Founders | None


def collect(index: Ancestry, sources: Iterable[Source], dataset: str, *, top: int) -> Statistics:
    """Summarise a data set.

    Args:
        index: the family tree of the commit.
        sources: the rounds of the commit; those of other data sets are passed over.
        dataset: the data set.
        top: how many founders to name.

    Raises:
        CycleError: some rounds descend from themselves, so that walks have no end.
    """
    segments = {segment.round: segment for segment in index.segments if segment.dataset == dataset}
    every = list(sources)
    ours = sorted(
        (source for source in every if source.dataset == dataset), key=lambda source: source.round
    )
    real_rounds = [(source.dataset, source.round) for source in every if source.real]
    rounds: list[Round] = []
    starts: list[NDArray[np.int64]] = []
    whole = Tally()
    for source in ours:
        own = tally(source, real_rounds)
        whole += own
        starts.append(accepted(index, segments[source.round]))
        decided = source.round == 0 or source.decisions is not None
        round_founders = _founders(index, starts[-1:], top)
        rounds.append(Round(source.round, decided, own, whole, round_founders))
    return Statistics(dataset, tuple(rounds), whole, _founders(index, starts, top))


def tally(source: Source, real_rounds: Collection[tuple[str, int]] = ()) -> Tally:
    """Summarise the accepted rows of a round.

    Args:
        source: the round.
        real_rounds: data set and number of the rounds after round 0 that bring real rows.
    """
    lineage = source.lineage()
    shares = pl.DataFrame(
        [(digest, mix.real_share) for digest, mix in source.mixes.items()],
        schema={"trained_on": pl.String, "mix": pl.Float64},
        orient="row",
    )
    kept = (
        _accepted(source, lineage)
        .join(shares.lazy(), on="trained_on", how="left")
        .select(
            (pl.col("kind").cast(pl.String) == "real").alias("real"),
            pl.col("mix").fill_null(0.0),
            pl.col("real_inputs", "real_roots").cast(pl.Float64),
            figures.seedless(real_rounds).cast(pl.Float64).alias("real_inputs_low"),
            pl.col("depth_mean").cast(pl.Float64).fill_null(0.0).alias("depth"),
            pl.col("depth_max").alias("deepest"),
            (pl.col("depth_mean") + 0.5).floor().cast(pl.Int64).alias("generation"),
        )
    )
    counted = kept.group_by("generation").agg(
        pl.len(), pl.col(*SUMS).cast(pl.Float64).sum(), pl.col("deepest").max()
    )
    groups = counted.sort("generation").collect(engine="streaming")
    rooted = groups.drop_nulls("generation")
    return Tally(
        candidates=lineage.select(pl.len()).collect().item(),
        accepted=int(groups["len"].sum()),
        **{name: float(groups[name].sum()) for name in SUMS},
        deepest=_whole(groups["deepest"].max()),
        generations=dict(rooted.select("generation", "len").iter_rows()),
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _accepted(source: Source, lineage: pl.LazyFrame) -> pl.LazyFrame:
    if source.decisions is None:
        return lineage if source.round == 0 else lineage.clear()
    taken = source.decisions().filter(pl.col("decision") == "accepted").select("row")
    return lineage.join(taken, on="row", how="semi")


def _founders(index: Ancestry, starts: Sequence[NDArray[np.int64]], top: int) -> Founders | None:
    together = np.concatenate([np.empty(0, np.int64), *starts])
    return founders(index, together, top=top) if len(together) else None
