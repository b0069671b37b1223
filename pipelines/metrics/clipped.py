"""Clipped density and coverage of sets of rows, beside those of held-out real rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import numpy as np

from expectations.measures import clipped
from expectations.measures.manifold import Points
from pipelines.common.plugins import NoSettings
from pipelines.common.seeds import derive_seed
from pipelines.metrics import subsets
from pipelines.metrics.neighbours import MOST, drawn
from pipelines.metrics.protocol import MetricRequest, RoundMetric, SetFigures

FIGURES: Final[Mapping[str, Callable[[Points, Points], float]]] = {
    "clipped_density": clipped.density,
    "clipped_coverage": clipped.coverage,
}


class Clipped(RoundMetric[NoSettings]):
    """Fidelity and coverage that fall by as much as the share of rows that are bad."""

    name = "clipped"
    version = "clipped/2"
    Settings = NoSettings

    def measure(self, request: MetricRequest, settings: NoSettings) -> SetFigures:  # noqa: ARG002  it has none
        """Measure each set against the real training rows, and held-out rows in its place.

        Returns:
            clipped_density and clipped_coverage (arXiv:2507.01761), in [0, 1], of n rows in the
            fixed features; of more than 4,096 real rows as many are drawn. They have no interval:
            rows that are drawn twice would lie in one ball.
        """
        project = request.features.project
        seed = derive_seed(request.seed, "clipped")
        real = project(drawn(request.real, MOST, derive_seed(seed, "real")).vectors)
        held = project(request.validation.vectors)
        pairs = list(_apart(real, request.n, request.null_draws, derive_seed(seed, "null")))
        null = {
            name: (figure(real, held), np.asarray([figure(*pair) for pair in pairs]))
            for name, figure in FIGURES.items()
        }
        return {
            which: {
                name: subsets.beside(figure(real, project(rows.vectors)), *null[name])
                for name, figure in FIGURES.items()
            }
            for which, rows in request.sets.items()
        }


def _apart(real: Points, count: int, draws: int, seed: int) -> Iterator[tuple[Points, Points]]:
    """Split real rows at random, so many times: a count of them, at most half, and the others."""
    draw, size = np.random.default_rng(seed), min(count, len(real) // 2)
    for _ in range(draws):
        order = draw.permutation(len(real))
        yield real[order[size:]], real[order[:size]]
