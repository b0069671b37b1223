"""Crafted rounds of digits: made, taken through the stages' functions, their harm measured."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.crafted import harm, kinds, remeasure, rounds
from benchmarks.crafted.bench import Bench
from benchmarks.crafted.cases import MEASURED, VERSION, Case, Made, Result
from benchmarks.crafted.harm import Lost
from benchmarks.crafted.kinds import KINDS
from benchmarks.crafted.world import CraftedWorld, Rows, rows_of
from lineage.evidence import Evidence
from lineage.limits import Limits
from pipelines.common import digests
from pipelines.rounds import stage_inputs


def current_key() -> str:
    """Digest of the versions and limits that results depend on."""
    world = CraftedWorld(0)
    content = {
        "crafted": VERSION,
        "stages": {name: stage_inputs.VERSIONS[name] for name in ("verify", "curate", "evaluate")},
        "plugins": rounds.versions(world.settings.modality),
        "suite": world.suite.digest,
    }
    return digests.of_json(content)


def result(case: Case, key: str = "", before: Result | None = None) -> Made:
    """Make a round, collect the guard's evidence about it, and measure its harm.

    Args:
        case: the case.
        key: what the result depends on.
        before: an earlier result, whose harm holds for the same mix.
    """
    kind, world = KINDS[case.kind], world_of(case.seed)
    made = kinds.candidates(kind, world, case.strength, case.seed)
    published = rounds.evaluated(world, rounds.payload_of(made), kind.regime, made.parents)
    if published.mix is None:
        return Result(case, key, published.stopped, published.counts, "", 0.0), None
    mix = rows_of(published.mix)
    digest = _digest(mix)
    lost: Mapping[str, Lost] = {}
    if before is not None and before.mix == digest:
        lost = before.lost
    elif kind.group in MEASURED:
        lost = harm.measured(_alone(case.seed), mix, rows_of(world.test), case.seed)
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


def again(case: Case, evidence: Evidence, names: Sequence[str]) -> Evidence:
    """Measure a kept round by some metrics of now."""
    world = world_of(case.seed)
    made = kinds.candidates(KINDS[case.kind], world, case.strength, case.seed)
    return remeasure.measured(world, rounds.payload_of(made), evidence, names)


def limits(seed: int) -> Limits:
    """Return the shipped limits of the digits."""
    return world_of(seed).settings.publish.guard


@lru_cache(maxsize=2)
def world_of(seed: int) -> CraftedWorld:
    """Split the digits once for all cases of a seed."""
    return CraftedWorld(seed)


@lru_cache(maxsize=2)
def _alone(seed: int) -> dict[str, NDArray[np.float64]]:
    world = world_of(seed)
    return harm.hits(rows_of(world.real), rows_of(world.test), seed)


def _digest(rows: Rows) -> str:
    """Digest images and labels, in order."""
    joined = np.round(rows.pixels, 6).tobytes() + rows.labels.tobytes()
    return hashlib.sha256(joined).hexdigest()


BENCH: Final = Bench(
    kinds=KINDS,
    families=tuple(harm.FAMILIES),
    key=current_key,
    result=result,
    again=again,
    limits=limits,
)
