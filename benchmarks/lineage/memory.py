"""What a made world remembers of its rows: the stored values that later rounds derive theirs from.

This is `lineage.record` in numpy, for rounds that are too large to join with all earlier ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.lineage.world import DATASET, REAL_WEIGHT, World
from lineage import edges
from lineage.manifest import MixManifest, RoundPart

STATE: Final = np.dtype([("roots", "f4"), ("mean", "f4"), ("low", "i2"), ("high", "i2")])
"""Stored values of a row; mean is NaN and depths are -1 where no walk ends at a real sample."""
_NONE: Final = -1
_MOST: Final = np.iinfo(np.int16).max


@dataclass(slots=True)
class Total:
    """Sums over the accepted rows of a round, by their weight in a mix."""

    rows: int = 0
    weight: float = 0.0
    real: float = 0.0
    ending: float = 0.0
    length: float = 0.0
    low: int | None = None
    high: int | None = None


@dataclass(slots=True)
class Memory:
    """What later rounds need of the earlier ones."""

    state: NDArray[Any]
    accepted: NDArray[np.int32]
    count: int = 0
    totals: list[Total] = field(default_factory=list)


def derive(  # noqa: PLR0917  one round's arrays
    world: World,
    memory: Memory,
    parents: NDArray[np.int32],
    weights: NDArray[np.float32],
    opaque: NDArray[np.bool_],
    manifest: MixManifest,
) -> dict[str, pl.Series]:
    """The derived columns, from the parents' stored values as `lineage.record` derives them."""
    stored, weight = memory.state[parents], weights.astype(np.float64)
    left = 1.0 - weight.sum(axis=1)
    rest = np.where(left > edges.TOLERANCE, left, 0.0)
    from_mix = np.where(opaque, 0.0, rest)
    roots = weight * stored["roots"]
    drawn = from_mix * manifest.real_roots
    ending = roots.sum(axis=1) + drawn
    mean = np.nan_to_num(stored["mean"].astype(np.float64))
    length = (roots * (1 + mean)).sum(axis=1) + drawn * (1 + (manifest.depth_mean or 0.0))
    real = (weight * (parents < world.stride)).sum(axis=1) + from_mix * manifest.real_share
    counted = (weights > 0) & (stored["low"] >= 0)
    low = np.where(counted, stored["low"], np.int16(_MOST)).min(axis=1)
    high = np.where(counted, stored["high"], np.int16(_NONE)).max(axis=1)
    if manifest.depth_min is not None:
        low = np.where(from_mix > 0, np.minimum(low, manifest.depth_min), low)
        high = np.where(from_mix > 0, np.maximum(high, manifest.depth_max or 0), high)
    none = pl.Series(high < 0)
    return {
        "real_inputs": pl.Series(real.clip(0, 1), dtype=pl.Float32),
        "real_roots": pl.Series(ending.clip(0, 1), dtype=pl.Float32),
        "depth_mean": _null(pl.Series(length / np.where(ending > 0, ending, 1)), none, pl.Float32),
        "depth_min": _null(pl.Series(low.astype(np.int64) + 1), none, pl.Int32),
        "depth_max": _null(pl.Series(high.astype(np.int64) + 1), none, pl.Int32),
    }


def _null(values: pl.Series, where: pl.Series, dtype: type[pl.DataType]) -> pl.Series:
    return values.set(where, None).cast(dtype)


def remember(
    memory: Memory, slot: NDArray[np.int64], derived: dict[str, pl.Series], kept: NDArray[np.bool_]
) -> None:
    """Keep what later rounds need of this one."""
    state = np.empty(len(slot), STATE)
    state["roots"] = derived["real_roots"].to_numpy()
    state["mean"] = derived["depth_mean"].fill_null(float("nan")).to_numpy()
    state["low"] = derived["depth_min"].fill_null(_NONE).to_numpy()
    state["high"] = derived["depth_max"].fill_null(_NONE).to_numpy()
    memory.state[slot] = state
    drawn, end = slot[kept], memory.count + int(kept.sum())
    memory.accepted[memory.count : end] = drawn
    memory.count = end
    memory.totals.append(_total(state[kept]))


def _total(state: NDArray[Any]) -> Total:
    roots = state["roots"].astype(np.float64)
    length = roots * np.nan_to_num(state["mean"].astype(np.float64))
    known = state[state["low"] >= 0]
    return Total(
        rows=len(state),
        weight=float(len(state)),
        ending=float(roots.sum()),
        length=float(length.sum()),
        low=int(known["low"].min()) if len(known) else None,
        high=int(known["high"].max()) if len(known) else None,
    )


def describe(memory: Memory, number: int) -> MixManifest:
    """Describe the mix of a round: the last round alone each fifth time, else all before."""
    replaced = number % 5 == 0
    first = number - 1 if replaced else 0
    parts = memory.totals[first:]
    weight, ending = (sum(getattr(part, name) for part in parts) for name in ("weight", "ending"))
    lows = [part.low for part in parts if part.low is not None]
    highs = [part.high for part in parts if part.high is not None]
    return MixManifest(
        dataset=DATASET,
        commit=f"{number - 1:064x}",
        regime="replace" if replaced else "accumulate",
        rounds=tuple(
            RoundPart(round=first + at, accepted=part.rows, rows=part.rows, weight=part.weight)
            for at, part in enumerate(parts)
        ),
        rows=sum(part.rows for part in parts),
        real_weight=REAL_WEIGHT,
        real_share=sum(part.real for part in parts) / weight,
        real_roots=min(ending / weight, 1.0),
        depth_mean=sum(part.length for part in parts) / ending if ending else None,
        depth_min=min(lows, default=None),
        depth_max=max(highs, default=None),
    )
