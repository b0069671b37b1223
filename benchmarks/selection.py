"""Does `selection_tail` see a suite that refuses rare rows, and nothing else? On splits of digits.

Candidates are real rows that were withheld (what an ideal generator would make), the same with
noise, and Gaussian mixtures. The shipped suite chooses among them, which is a healthy selection;
then a suite that knows too little does, which keeps of its choice only what is nearest to training
rows. Printed is how many rounds the check warns of, by its default limit and as measured:

    python -m benchmarks.selection [--seeds N] [--json]
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.crafted import kinds, rounds
from benchmarks.crafted.digit_bench import world_of
from benchmarks.crafted.kinds import KINDS
from benchmarks.crafted.world import CraftedWorld
from expectations.measures import features
from expectations.measures.manifold import distances
from pipelines.common import progress
from pipelines.common.plugins import NoSettings
from pipelines.metrics import Labelled
from pipelines.metrics.protocol import CANDIDATES, MetricRequest
from pipelines.metrics.selection import Selection
from pipelines.metrics.values import finite
from pipelines.rounds.selection_tail import FIGURE, SelectionTailSettings

HEALTHY: Final = (("real rows", 0.0), ("real rows, noise", 0.03), ("mixture", 8.0))
KEPT: Final = (0.9, 0.75, 0.5)
"""Shares of the accepted rows that a suite keeps which refuses those far from training rows."""
SEEDS: Final = 20
RESAMPLES: Final = 300


@dataclass(frozen=True, slots=True)
class Case:
    """One selection of one split."""

    seed: int
    selection: str
    accepted: int
    value: float
    low_of_chance: float
    warned: bool

    @property
    def measured(self) -> bool:
        """Whether there were enough rare candidates."""
        return not math.isnan(self.value)


def cases(seed: int) -> Iterator[Case]:
    """Select among the candidates of a split, by the suite and by suites that know too little."""
    world = world_of(seed)
    for kind, strength in HEALTHY:
        made = rounds.payload_of(kinds.candidates(KINDS[kind], world, strength, seed))
        judged = rounds.decided(world, made)
        if judged.stopped:
            continue
        chosen = judged.decisions.filter(pl.col("decision") == "accepted").select("round", "row")
        accepted = judged.frame.join(chosen, on=["round", "row"], how="semi")
        yield _case(world, f"the suite, {kind}", judged.frame, accepted)
        if kind != HEALTHY[0][0]:
            continue
        nearest = _nearest(world, accepted)
        for share in KEPT:
            strict = accepted.filter(pl.Series(nearest <= np.quantile(nearest, share)))
            yield _case(world, f"the nearest {share:.0%} of these", judged.frame, strict)


def _nearest(
    world: CraftedWorld, rows: pl.DataFrame
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Distance of each row to its nearest training row, [n]."""
    frames = {"rows": rows, "real": world.real}
    points = world.settings.modality.measured(world.real, frames)
    found: NDArray[np.float64] = distances(
        points["rows"].vectors.astype(np.float64), points["real"].vectors.astype(np.float64)
    ).min(axis=1)
    return found


def _case(world: CraftedWorld, selection: str, made: pl.DataFrame, accepted: pl.DataFrame) -> Case:
    sets = world.settings.modality.measured(
        world.real,
        {
            "real": world.real,
            "validation": world.validation,
            "accepted": accepted,
            CANDIDATES: made,
        },
    )
    n = min(len(world.validation), len(accepted))
    figure = Selection().measure(_request(sets["real"], sets, n, world.seed), NoSettings())
    found = figure["accepted"][FIGURE]
    warned = found.value < min(SelectionTailSettings().warn, found.null_low)
    return Case(world.seed, selection, len(accepted), found.value, found.null_low, warned)


def _request(real: Labelled, sets: Mapping[str, Labelled], n: int, seed: int) -> MetricRequest:
    first = np.arange(n)
    return MetricRequest(
        real=real,
        validation=sets["validation"].at(first),
        sets={"accepted": sets["accepted"].at(first)},
        features=features.fit(real.vectors),
        null_draws=1,
        bootstrap=RESAMPLES,
        seed=seed,
        whole={name: sets[name] for name in ("accepted", CANDIDATES)},
    )


def table(found: Sequence[Case]) -> Iterator[str]:
    """Render what was found, a line for each selection."""
    yield "| selection | measured | warned of: even splits | odd ones | least to greatest |"
    yield "|---|---:|---:|---:|---|"
    for selection in dict.fromkeys(case.selection for case in found):
        own = [case for case in found if case.selection == selection]
        measured = [case for case in own if case.measured]
        halves = [[case for case in measured if case.seed % 2 == odd] for odd in (0, 1)]
        cells = [f"{sum(case.warned for case in half)} of {len(half)}" for half in halves]
        values = sorted(case.value for case in measured)
        ends = f"{values[0]:.2f} to {values[-1]:.2f}" if values else "–"
        yield f"| {selection} | {len(measured)} of {len(own)} | {' | '.join(cells)} | {ends} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Select among the candidates of each split, and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.selection", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help=f"splits ({SEEDS})")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    asked = parser.parse_args(arguments)
    found: list[Case] = []
    with progress.bar(asked.seeds, "splits") as told:
        for seed in range(asked.seeds):
            found += cases(seed)
            told(seed + 1, asked.seeds)
    if asked.json:
        figures = ("value", "low_of_chance")
        shown = [
            {**asdict(case), **{name: finite(getattr(case, name)) for name in figures}}
            for case in found
        ]
        print(json.dumps(shown, allow_nan=False))
    else:
        print("\n".join(table(found)))


if __name__ == "__main__":
    main()
