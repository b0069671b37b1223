"""The shape of a round without the style of its rows, and its reach into the rare modes.

A round of good images in another contrast has another variance and another tail, and costs nothing.
So the figures of shape are taken once more where brightness and contrast of each row are taken out:
what is off with style and not without it is style. Recall is also taken on the rarest real rows
alone, beside what as many real rows reach.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from expectations.measures import features
from expectations.measures.manifold import overlap
from pipelines.common.seeds import derive_seed
from pipelines.metrics import shape, values
from pipelines.metrics.accepted import AcceptedMetric
from pipelines.metrics.protocol import MetricRequest
from pipelines.metrics.shape import Yardstick
from pipelines.metrics.values import Metric

DRAWS: Final = 5
"""Random real subsets that make the null."""
RARE: Final = 0.2
"""Share of the held-out rows that are rare: the farthest from the mean of the real ones, in units
of its spread in each direction."""
LEAST: Final = 20
"""Rare rows below which their recall is not measured."""
FIGURES: Final = ("recall", "coverage", "variance", "tail")
UNKNOWN: Final = (np.nan, np.nan)
"""Ends of an interval that nobody measures."""


class Content(AcceptedMetric):
    """Shape without style, and recall of rare modes."""

    name = "content"
    version = "content/3"

    def of_accepted(self, request: MetricRequest) -> Mapping[str, Metric]:
        """Measure the accepted rows.

        Returns:
            content_recall, content_coverage, content_variance, content_tail: as the figures of
            `shape`, without the style of rows; the tail has an interval, since few rows lie in it.
            rare_recall: recall of the rarest held-out rows.
            The former only where the modality knows the style of rows.
        """
        real, held, rows = (
            each.content for each in (request.real, request.validation, request.sets["accepted"])
        )
        yardstick = Yardstick(real, held, features.fit(real), request.n)
        seed = derive_seed(request.seed, "content")
        found = {"rare_recall": rare_recall(yardstick, rows, seed, request.bootstrap)}
        if request.knows_style:
            found |= without_style(yardstick, rows, seed)
        return found


def without_style(yardstick: Yardstick, rows: NDArray[np.float32], seed: int) -> dict[str, Metric]:
    """Take the figures of shape of points without style, [n, d], as content_recall and the like."""
    against = shape.null(yardstick, DRAWS, derive_seed(seed, "null"))
    figures = yardstick.figures(rows)
    _, low, high = values.of_share(yardstick.in_tail(rows))
    ends = {"tail": (low / shape.TAIL, high / shape.TAIL)}
    return {
        f"content_{name}": Metric(
            figures[name], *ends.get(name, UNKNOWN), float(against[name].mean())
        )
        for name in FIGURES
    }


def rare_recall(
    yardstick: Yardstick, rows: NDArray[np.float32], seed: int, bootstrap: int
) -> Metric:
    """Recall of the rarest held-out rows, beside that of as many random real rows."""
    rarity = yardstick.features.rarity(yardstick.validation)
    rare = np.flatnonzero(rarity >= np.quantile(rarity, 1 - RARE))
    if len(rare) < LEAST:
        return Metric(np.nan, np.nan, np.nan)
    held = yardstick.features.project(yardstick.validation)

    def reached(points: NDArray[np.float32]) -> NDArray[np.float64]:
        return overlap(held, yardstick.features.project(points))["recall"][rare]

    draw = np.random.default_rng(derive_seed(seed, "rare"))
    null = np.asarray(
        [
            reached(yardstick.real[draw.permutation(len(yardstick.real))[: yardstick.n]]).mean()
            for _ in range(DRAWS)
        ]
    )
    ours = values.of_means(reached(rows), bootstrap, derive_seed(seed, "bootstrap"))
    return Metric(*ours, float(null.mean()), float(null.min()), float(null.max()))
