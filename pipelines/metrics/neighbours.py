"""What the nearest real rows say of a round: wrong labels, copies, and leaks from the hold-out.

Distances are taken without the style of rows where the modality knows it (`Labelled.content`), so a
copy that was made brighter is as near to its original as before. A ratio of two distances has no
unit, so these figures see copies just outside of the distance of near-duplicates. Their nulls are
what real rows that no generator saw give, or what chance gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.common.plugins import NoSettings
from pipelines.common.seeds import derive_seed
from pipelines.features import knn, knn_votes
from pipelines.metrics import values
from pipelines.metrics.downstream import Labelled
from pipelines.metrics.protocol import MetricRequest, RoundMetric
from pipelines.metrics.values import Metric

MOST: Final = 4096
"""Rows of a set that are compared; of a larger one as many are drawn."""
LEAST: Final = 20
"""Rows of a set below which nothing is measured."""
MEMORISED: Final = 0.55
"""Ratio of the distances to the nearest and second nearest training row, below which a row is a
copy of the nearest. The hold-out of digits has it in 1 of 100 rows."""
CLOSER: Final = 0.5
"""Ratio of the distances to hold-out and training rows, below which a row is from the former."""

Hits = NDArray[np.bool_]


class Neighbours(RoundMetric[NoSettings]):
    """Labels, copies and leaks of a round by its nearest real rows."""

    name = "neighbours"
    version = "neighbours/1"
    Settings = NoSettings
    sets = ("accepted",)

    def measure(
        self,
        request: MetricRequest,
        settings: NoSettings,  # noqa: ARG002  it has none
    ) -> Mapping[str, Mapping[str, Metric]]:
        """Measure the accepted rows; figures are NaN where there are too few rows.

        Returns:
            label_errors: share of rows whose three nearest training rows vote another label; the
            null is that of held-out rows. Only where there are two labels or more.
            memorised_ratio: share of rows far nearer to one training row than to any other; the
            null is that of held-out rows.
            holdout_leaning: share of rows nearer to the hold-out than to as many training rows; the
            null is one half.
            holdout_closer: share of rows far nearer to the hold-out; the null is the share of rows
            that are as much nearer to the training rows.
            No figures where the modality knows no style of rows.
        """
        if not request.knows_style:
            return {"accepted": {}}
        seed = derive_seed(request.seed, "neighbours")
        accepted = drawn(request.of("accepted"), MOST, derive_seed(seed, "accepted"))
        held = drawn(request.of("validation"), MOST, derive_seed(seed, "validation"))
        if min(len(each.labels) for each in (accepted, held, request.real)) < LEAST:
            return {"accepted": dict.fromkeys(_names(request.real), UNKNOWN)}
        found = _of_training(accepted, held, request.real)
        return {"accepted": found | _of_holdout(accepted, held, request.real, seed)}


UNKNOWN: Final = Metric(np.nan, np.nan, np.nan)


def drawn(rows: Labelled, most: int, seed: int) -> Labelled:
    """Draw at most so many rows, in order."""
    if len(rows.labels) <= most:
        return rows
    return rows.at(np.sort(np.random.default_rng(seed).permutation(len(rows.labels))[:most]))


def share(hits: Hits, null: Hits) -> Metric:
    """Make a figure of a share and of its null, with Wilson's intervals of both."""
    return Metric(*values.of_share(hits), *values.of_share(null))


def _names(real: Labelled) -> tuple[str, ...]:
    names = ("memorised_ratio", "holdout_leaning", "holdout_closer")
    return ("label_errors", *names) if _labelled(real) else names


def _labelled(real: Labelled) -> bool:
    return len(np.unique(real.labels)) > 1


def _of_training(accepted: Labelled, held: Labelled, real: Labelled) -> dict[str, Metric]:
    """Label errors and copies, by the nearest training rows."""
    ours, theirs = (
        knn.nearest(rows.content, real.content, knn_votes.NEIGHBOURS) for rows in (accepted, held)
    )
    copied, by_chance = (
        _far_nearer(each[:, 0], each[:, 1], MEMORISED) for each, _ in (ours, theirs)
    )
    found = {"memorised_ratio": share(copied, by_chance)}
    if not _labelled(real):
        return found
    wrong, wrong_held = (
        np.asarray(knn_votes.vote(near, real.labels) != rows.labels)
        for rows, (_, near) in ((accepted, ours), (held, theirs))
    )
    return {"label_errors": share(wrong, wrong_held)} | found


def _of_holdout(accepted: Labelled, held: Labelled, real: Labelled, seed: int) -> dict[str, Metric]:
    """Leaks, by the nearest rows of hold-out and training data, as many of either."""
    count = min(len(held.labels), len(real.labels))
    to_held, to_real = (
        knn.nearest(accepted.content, rows.content, 1)[0][:, 0]
        for rows in (
            drawn(held, count, derive_seed(seed, "held")),
            drawn(real, count, derive_seed(seed, "real")),
        )
    )
    half = 1.96 * 0.5 / np.sqrt(len(accepted.labels))
    leaning = values.of_share(to_held < to_real)
    return {
        "holdout_leaning": Metric(*leaning, 0.5, 0.5 - half, 0.5 + half),
        "holdout_closer": share(
            _far_nearer(to_held, to_real, CLOSER), _far_nearer(to_real, to_held, CLOSER)
        ),
    }


def _far_nearer(near: NDArray[np.float64], far: NDArray[np.float64], ratio: float) -> Hits:
    return np.asarray(near < ratio * far)
