"""What the nearest real rows say of a round: wrong labels, copies, and leaks from the hold-out.

Distances are taken without the style of rows where the modality knows it (`Labelled.content`), so a
copy that was made brighter is as near to its original as before; those of copies and leaks are the
least over small translations of images, so a copy that was moved is too. Of larger images labels
are told by the points that measure them, copies and leaks by the images made smaller. A ratio of
two distances has no unit, so these figures see copies just outside of the distance of
near-duplicates. Their nulls are what real rows that no generator saw give, or what chance gives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.common.seeds import derive_seed
from pipelines.features import knn, knn_translated, knn_votes
from pipelines.metrics import label_votes, values
from pipelines.metrics.accepted import AcceptedMetric
from pipelines.metrics.downstream import Labelled
from pipelines.metrics.label_votes import Votes
from pipelines.metrics.protocol import MetricRequest
from pipelines.metrics.values import Metric

MOST: Final = 4096
"""Rows of a set that are compared; of a larger one as many are drawn."""
LEAST: Final = 20
"""Rows of a set below which nothing is measured."""
CELLS: Final = 1 << 34
"""Differences of numbers by which images are compared with training rows at each translation: 4,096
rows of 64 pixels with 50,000. Of a larger set fewer rows are drawn, but `FEWEST`."""
FEWEST: Final = 100
MEMORISED: Final = 0.45
"""Ratio of the distances to the nearest and second nearest training row, below which a row is a
copy of the nearest. The hold-out of digits has it in less than 1 of 400 rows."""
CLOSER: Final = 0.5
"""Ratio of the distances to hold-out and training rows, below which a row is from the former."""

Z: Final = 1.96
"""Standard deviations of half a 95 % interval."""

Hits = NDArray[np.bool_]


class Neighbours(AcceptedMetric):
    """Labels, copies and leaks of a round by its nearest real rows."""

    name = "neighbours"
    version = "neighbours/3"

    def of_accepted(self, request: MetricRequest) -> Mapping[str, Metric]:
        """Measure the accepted rows; figures are NaN where there are too few rows.

        Returns:
            label_errors: share of rows whose three nearest training rows vote another label; the
            null is that of held-out rows, as many of each class. Only where there are two labels or
            more.
            memorised_ratio: share of rows far nearer to one training row than to any other; the
            null is that of held-out rows.
            holdout_leaning: share of rows nearer to the hold-out than to as many training rows; the
            null is one half.
            holdout_closer: share of rows far nearer to the hold-out; the null is the share of rows
            that are as much nearer to the training rows.
            The intervals of the last two are by which of the real rows happen to be held out: many
            rows can be near to one real row, and few real rows say little.
            No figures where the modality knows neither style nor smaller images of rows.
        """
        if not request.knows_likeness:
            return {}
        seed = derive_seed(request.seed, "neighbours")
        accepted = drawn(request.of("accepted"), MOST, derive_seed(seed, "accepted"))
        held = drawn(request.of("validation"), MOST, derive_seed(seed, "validation"))
        if min(len(each.labels) for each in (accepted, held, request.real)) < LEAST:
            return dict.fromkeys(_names(request.real), UNKNOWN)
        moved = _affordable(request.real)
        copied, leaked = (
            drawn(rows, moved, derive_seed(seed, "moved", name))
            for name, rows in (("accepted", accepted), ("validation", held))
        )
        return (
            _labels(accepted, held, request.real)
            | {"memorised_ratio": _copies(copied, leaked, request.real)}
            | _of_holdout(copied, leaked, request.real, seed)
        )


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


def _affordable(real: Labelled) -> int:
    """Number of rows that can be compared with all training rows, at each translation."""
    return max(FEWEST, min(MOST, CELLS // max(1, real.likeness.size)))


def _labels(accepted: Labelled, held: Labelled, real: Labelled) -> dict[str, Metric]:
    """Label errors, by the nearest training rows; nothing where real rows have no two labels."""
    if not _labelled(real):
        return {}
    ours, theirs = (
        Votes(rows.labels, knn_votes.predict(rows.content, real.content, real.labels))
        for rows in (accepted, held)
    )
    return {"label_errors": label_votes.errors(ours, theirs, real.labels)}


def _copies(accepted: Labelled, held: Labelled, real: Labelled) -> Metric:
    """Share of rows that are far nearer to one training row than to any other."""
    copied, by_chance = (
        _far_nearer(distances[:, 0], distances[:, 1], MEMORISED)
        for distances, _ in (_nearest(rows, real, 2) for rows in (accepted, held))
    )
    return share(copied, by_chance)


def _nearest(rows: Labelled, others: Labelled, k: int) -> tuple[knn.Distances, knn.Rows]:
    """Find the k nearest of other rows without style; of images at the best translation."""
    if rows.shape:
        return knn_translated.nearest(rows.likeness, others.likeness, rows.shape, k)
    return knn.nearest(rows.likeness, others.likeness, k)


def _of_holdout(accepted: Labelled, held: Labelled, real: Labelled, seed: int) -> dict[str, Metric]:
    """Leaks, by the nearest rows of hold-out and training data, as many of either."""
    count, rows = min(len(held.labels), len(real.labels)), len(accepted.labels)
    (to_held, at_held), (to_real, at_real) = (
        (distances[:, 0], at[:, 0])
        for distances, at in (
            _nearest(accepted, drawn(some, count, derive_seed(seed, name)), 1)
            for some, name in ((held, "held"), (real, "real"))
        )
    )
    closer, farther = (
        _far_nearer(*each, CLOSER) for each in ((to_held, to_real), (to_real, to_held))
    )
    nearer = to_held < to_real
    leaning = _spread(at_held[nearer], at_real[~nearer]) / (2 * rows)
    difference = _spread(at_held[closer], at_real[farther]) / rows
    value, share_held, null = float(closer.mean()), float(nearer.mean()), float(farther.mean())
    return {
        "holdout_leaning": _around(share_held, leaning, 0.5, leaning),
        "holdout_closer": _around(value, difference, null, 0.0),
    }


def _around(value: float, half: float, null: float, null_half: float) -> Metric:
    ends = value - half, value + half
    return Metric(value, *ends, null, null - null_half, null + null_half)


def _spread(held: NDArray[np.int64], real: NDArray[np.int64]) -> float:
    """Half the width of a 95 % interval of how many rows the hold-out has more than training rows.

    If no row leaked, each real row might as well have been on the other side, and all rows that are
    nearest to it with it. The variance of the difference is then the sum of the squares of their
    numbers (a permutation test of the sides, by its normal approximation).

    Args:
        held: the held-out row that each row is nearest to, of those that count for the hold-out.
        real: the training row likewise, of those that count for training rows.
    """
    counts = [np.unique(each, return_counts=True)[1].astype(np.float64) for each in (held, real)]
    return float(Z * np.sqrt(sum(np.square(each).sum() for each in counts)))


def _far_nearer(near: NDArray[np.float64], far: NDArray[np.float64], ratio: float) -> Hits:
    return np.asarray(near < ratio * far)
