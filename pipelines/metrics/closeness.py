"""Figures of labels, copies and leaks from distances to real rows, however these are measured.

Each figure is a share of the accepted rows beside the share that real rows have. Real rows of many
near-duplicates are split by groups of them, so neighbouring rows fall to one side together; the
intervals of leaks are therefore by regions of the data and not by rows.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pipelines.features import knn_votes
from pipelines.metrics import values
from pipelines.metrics.downstream import Labelled
from pipelines.metrics.values import Metric

Z: Final = 1.96
"""Standard deviations of half a 95 % interval."""
REGIONS: Final = 30
"""Real rows that the accepted ones are parted by: each belongs to the nearest."""
UNKNOWN: Final = Metric(np.nan, np.nan, np.nan)
NO_CLASSES: Final = "rows have no classes: no labels, a single one, or a number to be foretold"
"""Why figures of labels and of classes are not applicable."""

Distances = NDArray[np.float64]
Places = NDArray[np.int64]


def has_classes(rows: Labelled) -> bool:
    """Tell whether rows have labels that name classes, and not one alone."""
    return rows.labels.dtype.kind != "f" and len(np.unique(rows.labels)) > 1


def label_errors(
    ours: tuple[Places, NDArray[Any]], held: tuple[Places, NDArray[Any]], labels: NDArray[Any]
) -> Metric:
    """Share of rows whose nearest training rows vote another label, beside that of held-out rows.

    Args:
        ours: places of the nearest training rows of accepted rows, [n, k], and their labels [n].
        held: the same of held-out rows.
        labels: of the training rows, [m].
    """
    wrong, by_chance = (
        np.asarray(knn_votes.vote(near, labels) != given) for near, given in (ours, held)
    )
    return Metric(*values.of_share(wrong), *values.of_share(by_chance))


def memorised(ours: Distances, held: Distances, ratio: float) -> Metric:
    """Share of rows far nearer to one training row than to any other, beside held-out rows.

    Args:
        ours: distances of accepted rows to their two nearest training rows, [n, 2].
        held: of held-out rows.
        ratio: of the nearer to the farther, below which a row counts.
    """
    copied, by_chance = (np.asarray(each[:, 0] < ratio * each[:, 1]) for each in (ours, held))
    return Metric(*values.of_share(copied), *values.of_share(by_chance))


def leaks(
    to_held: tuple[Distances, Places],
    to_real: tuple[Distances, Places],
    regions: Places,
    ratio: float,
) -> dict[str, Metric]:
    """Share of rows nearer, and far nearer, to the hold-out than to as many training rows.

    Args:
        to_held: distance of each row to the nearest held-out row, and its place, [n] each.
        to_real: the same to the nearest training row.
        regions: a number of the region of each row, [n].
        ratio: of the distances, below which a row is far nearer.

    Returns:
        holdout_leaning, whose null is one half; a row as near to either counts half for each.
        holdout_closer, whose null is the share of rows that are as much nearer to training rows.
    """
    (held, at_held), (real, at_real) = to_held, to_real
    closer, farther = held < ratio * real, real < ratio * held
    leaning = float((held < real).mean() + (held == real).mean() / 2)
    half = _spread(held < real, real < held, at_held, at_real, regions) / 2
    difference = _spread(closer, farther, at_held, at_real, regions)
    value, null = float(closer.mean()), float(farther.mean())
    return {
        "holdout_leaning": Metric(
            leaning, leaning - half, leaning + half, 0.5, 0.5 - half, 0.5 + half
        ),
        "holdout_closer": Metric(value, value - difference, value + difference, null, null, null),
    }


def _spread(
    ours: NDArray[np.bool_],
    theirs: NDArray[np.bool_],
    at_held: Places,
    at_real: Places,
    regions: Places,
) -> float:
    """Half the width of a 95 % interval of the share of rows that the hold-out has more.

    If no row leaked, each real row, and each region of real rows that were split together, might as
    well have been on the other side. The variance of the difference is the sum of the squares of
    what each of them has: by rows or by regions, whichever is more.
    """
    by_row = sum(
        float(np.square(np.unique(at[hits], return_counts=True)[1].astype(np.float64)).sum())
        for hits, at in ((ours, at_held), (theirs, at_real))
    )
    net = np.bincount(regions, ours.astype(np.float64) - theirs, minlength=1)
    return float(Z * np.sqrt(max(by_row, float(np.square(net).sum()))) / len(ours))
