"""Clipped density and coverage of sets of rows, beside those of real rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from expectations.measures import clipped
from expectations.measures.manifold import Points
from pipelines.common.plugins import NoSettings
from pipelines.common.seeds import derive_seed
from pipelines.metrics import subsets
from pipelines.metrics.protocol import MetricRequest, RoundMetric, SetFigures

FIGURES: Final[Mapping[str, Callable[[Points, Points], float]]] = {
    "clipped_density": clipped.density,
    "clipped_coverage": clipped.coverage,
}


class Clipped(RoundMetric[NoSettings]):
    """Fidelity and coverage that fall by as much as the share of rows that are bad."""

    name = "clipped"
    version = "clipped/1"
    Settings = NoSettings

    def measure(self, request: MetricRequest, settings: NoSettings) -> SetFigures:  # noqa: ARG002  it has none
        """Measure each set against the validation rows, and random real rows in its place.

        Returns:
            clipped_density and clipped_coverage (arXiv:2507.01761), in [0, 1],
            of n rows in the fixed features. They have no interval: rows that are drawn twice would
            lie in one ball.
        """
        project = request.features.project
        held = project(request.validation.vectors)
        null = [
            {name: figure(held, project(rows.vectors)) for name, figure in FIGURES.items()}
            for rows in subsets.of_real(request, derive_seed(request.seed, "clipped"))
        ]
        return {
            which: {
                name: subsets.beside(
                    figure(held, project(rows.vectors)), np.asarray([each[name] for each in null])
                )
                for name, figure in FIGURES.items()
            }
            for which, rows in request.sets.items()
        }
