"""A bench of data that is set up as `stemma dataset add` does it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.crafted import harm, remeasure, rounds
from benchmarks.crafted.added import kinds
from benchmarks.crafted.added.craft import Craft
from benchmarks.crafted.added.world import LABEL, AddedWorld
from benchmarks.crafted.bench import Bench
from benchmarks.crafted.cases import MEASURED, VERSION, Case, Made, Result
from benchmarks.crafted.harm import TIMES, Lost
from lineage.evidence import Evidence
from lineage.limits import Limits
from pipelines.common import digests
from pipelines.common.seeds import derive_seed
from pipelines.modalities.registry import MODALITIES
from pipelines.rounds import stage_inputs

ADDED: Final = "added/1"
"""Raised when such rounds are crafted, or their harm is measured, in another way."""


def of_craft(craft: Craft) -> Bench:
    """Make a bench of a kind of data."""
    return Bench(
        kinds=kinds.of_craft(craft),
        families=tuple(craft.families),
        key=partial(_key, craft),
        result=partial(_result, craft),
        again=partial(_again, craft),
        limits=partial(_limits, craft),
        agreeing=craft.agreeing,
    )


def _key(craft: Craft) -> str:
    modality = MODALITIES.find(craft.choice.modality or "table")
    content = {
        "crafted": VERSION,
        "added": ADDED,
        "stages": {name: stage_inputs.VERSIONS[name] for name in ("verify", "curate", "evaluate")},
        "plugins": rounds.versions(modality),
    }
    return digests.of_json(content)


def _limits(craft: Craft, seed: int) -> Limits:
    return world_of(craft, seed).settings.publish.guard


def _result(craft: Craft, case: Case, key: str = "", before: Result | None = None) -> Made:
    """Make a round, collect the guard's evidence about it, and measure its harm."""
    kind, world = kinds.of_craft(craft)[case.kind], world_of(craft, case.seed)
    made = kinds.candidates(kind, world, case.strength)
    published = rounds.evaluated(world, made.rows, kind.regime, made.parents)
    if published.mix is None:
        return Result(case, key, published.stopped, published.counts, "", 0.0), None
    mix = published.mix.select(world.payload)
    digest = _digest(mix)
    lost: Mapping[str, Lost] = {}
    if before is not None and before.mix == digest:
        lost = before.lost
    elif kind.group in MEASURED:
        lost = _lost(world, mix)
    found = Result(
        case=case,
        key=key,
        stopped="",
        counts=published.counts,
        mix=digest,
        crafted=float(made.crafted[published.accepted].mean()),
        lost=lost,
    )
    return found, published.evidence


def _again(craft: Craft, case: Case, evidence: Evidence, names: Sequence[str]) -> Evidence:
    """Measure a kept round by some metrics of now."""
    kind, world = kinds.of_craft(craft)[case.kind], world_of(craft, case.seed)
    made = kinds.candidates(kind, world, case.strength)
    return remeasure.measured(world, made.rows, evidence, names)


def _lost(world: AddedWorld, mix: pl.DataFrame) -> dict[str, Lost]:
    alone, right = _alone(world), _hits(world, mix)
    labels = world.test[LABEL].to_numpy()
    return {name: harm.lost_between(alone[name], right[name], labels, world.seed) for name in right}


def _hits(world: AddedWorld, train: pl.DataFrame) -> dict[str, NDArray[np.float64]]:
    """How often models of each family get each test row right, [n] in [0, 1]."""
    labels, right = train[LABEL].to_numpy(), world.test[LABEL].to_numpy()
    rows, test = train.drop(LABEL), world.test.drop(LABEL)
    return {
        name: np.mean(
            [
                fit(rows, labels, derive_seed(world.seed, name, number) % (1 << 31))(test) == right
                for number in range(TIMES)
            ],
            axis=0,
        )
        for name, fit in world.craft.families.items()
    }


@lru_cache(maxsize=2)
def world_of(craft: Craft, seed: int) -> AddedWorld:
    """Split the rows once for all cases of a seed."""
    return AddedWorld(craft, seed)


@lru_cache(maxsize=2)
def _alone(world: AddedWorld) -> dict[str, NDArray[np.float64]]:
    return _hits(world, world.real.select(world.payload))


def _digest(rows: pl.DataFrame) -> str:
    return hashlib.sha256(rows.write_ipc(None).getvalue()).hexdigest()
