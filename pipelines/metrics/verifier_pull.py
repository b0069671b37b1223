"""How much surer the suite's classifier is of accepted rows than of real ones.

Rounds that a verifier selects from gain at first, and then converge to what the verifier knows (Yi
et al. 2026, arXiv:2510.16657). Where that happens, it is ever surer of what it accepts, and ever
less of real data is left in it. One round shows little, since a suite that refuses what its
classifier doubts is surer of the rest by design: what counts is how this moves over rounds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from pipelines.common.seeds import derive_seed
from pipelines.metrics import values
from pipelines.metrics.accepted import AcceptedMetric
from pipelines.metrics.neighbours import LEAST, UNKNOWN
from pipelines.metrics.protocol import CONFIDENCE, MetricRequest
from pipelines.metrics.values import Metric

NAME: Final = "verifier_pull"


class VerifierPull(AcceptedMetric):
    """Mean confidence of accepted rows less that of real validation rows."""

    name = NAME
    version = "verifier_pull/1"
    reads: ClassVar[tuple[str, ...]] = (CONFIDENCE,)

    def of_accepted(self, request: MetricRequest) -> Mapping[str, Metric]:
        """Measure the accepted rows beside real rows that the classifier never saw.

        Returns:
            verifier_pull: difference of the means of the confidence, in [−1, 1], with the bootstrap
            interval of both. Its null is that of random validation rows, as many. NaN where no
            scorer of the data set says how sure it is, and with under 20 rows of either.
        """
        none = np.empty(0)
        accepted, held = (request.confidence.get(each, none) for each in ("accepted", "validation"))
        if min(len(accepted), len(held)) < LEAST:
            return {NAME: UNKNOWN}
        seed = derive_seed(request.seed, NAME)
        return {NAME: difference(accepted, held, request.bootstrap, seed)}


def difference(
    accepted: NDArray[np.float64], held: NDArray[np.float64], resamples: int, seed: int
) -> Metric:
    """Compute the difference of two means, with its interval and its null.

    Args:
        accepted: confidence of accepted rows, [n].
        held: confidence of validation rows, [m].
        resamples: how often the rows of both are drawn again.
        seed: of the draws.
    """
    draw = np.random.default_rng(seed)
    ours, theirs = (
        each[draw.integers(len(each), size=(resamples, len(each)))].mean(axis=1)
        for each in (accepted, held)
    )
    by_chance = held[draw.integers(len(held), size=(resamples, len(accepted)))].mean(axis=1)
    return Metric(
        float(accepted.mean() - held.mean()),
        *values.interval(ours - theirs),
        0.0,
        *values.interval(by_chance - theirs),
    )
