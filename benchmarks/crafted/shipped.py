"""Rounds of the package's own generators, which learn from the training rows of a world."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.crafted.rounds import World
from pipelines.common.seeds import derive_seed
from pipelines.generators import making
from pipelines.generators.protocol import GenerateRequest, GenerateResult
from pipelines.generators.registry import GENERATORS

SHARD: Final = 500
LEARNS: Final = ("row", "round", "sample_id")


@dataclass(frozen=True, slots=True)
class Shipped:
    """A generator at one strength of a setting, or at several."""

    generator: str
    strengths: tuple[float, ...]
    about: str
    """What a strength is, in words."""
    fit: tuple[str, ...] = ()
    """The path of what a strength sets in its section of `fit`; empty: nothing."""
    generate: tuple[str, ...] = ()
    """The same in its section of `generate`."""
    always: Mapping[str, Any] = field(default_factory=dict)
    """What else is set in its section of `generate`."""


def made(
    shipped: Shipped, world: World, payload: Sequence[str], strength: float, count: int
) -> GenerateResult:
    """Let a generator learn from the training rows, and make candidates.

    Args:
        shipped: the generator.
        world: the real rows.
        payload: columns of a sample.
        strength: of what is set.
        count: number of candidates.
    """
    plugin = GENERATORS.load(shipped.generator)
    samples = world.real.select(*LEARNS, *payload).with_columns(pl.lit(1.0).alias("weight"))
    seed = derive_seed(world.seed, world.dataset, shipped.generator)
    fit = plugin.FitSettings.model_validate(_set(shipped.fit, strength))
    settings = {**shipped.always, **_set(shipped.generate, strength)}
    with tempfile.TemporaryDirectory() as folder:
        plugin.fit(samples, fit, seed, Path(folder))
        request = GenerateRequest(
            dataset=world.dataset,
            round=1,
            seed=seed,
            identity=tuple(world.settings.identity),
            candidates=count,
            shard_rows=SHARD,
            settings=plugin.GenerateSettings.model_validate(settings),
            directory=Path(folder),
        )
        return making.make(plugin, request)


def _set(path: tuple[str, ...], strength: float) -> dict[str, Any]:
    """Nest a setting by its path; a whole number stays one."""
    found: Any = int(strength) if float(strength).is_integer() else strength
    for name in reversed(path):
        found = {name: found}
    return found if path else {}


def follow(parents: pl.DataFrame | None, order: NDArray[np.int64]) -> pl.DataFrame | None:
    """Give edges the numbers that candidates have in another order; those of others are left out.

    Args:
        parents: as `lineage.edges.PARENT`; None: there are none.
        order: the old numbers of the candidates, in their new order.
    """
    if parents is None:
        return None
    moved = pl.DataFrame({"row": order, "now": np.arange(len(order))})
    joined = parents.join(moved, on="row", how="inner", maintain_order="left")
    return joined.with_columns(pl.col("now").cast(pl.Int64).alias("row")).drop("now")
