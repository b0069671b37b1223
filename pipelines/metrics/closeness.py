"""Figures of labels, copies and leaks from distances to real rows, however these are measured.

Each figure is a share of the accepted rows beside the share that real rows have. Real rows of many
near-duplicates are split by groups of them, so neighbouring rows fall to one side together; the
intervals of leaks are therefore by regions of the data and not by rows.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from pipelines.common.seeds import derive_seed
from pipelines.metrics import label_contradiction, values
from pipelines.metrics.accepted import AcceptedMetric
from pipelines.metrics.downstream import Labelled
from pipelines.metrics.label_contradiction import NEIGHBOURS, Contradicted
from pipelines.metrics.neighbours import drawn
from pipelines.metrics.protocol import MetricRequest
from pipelines.metrics.values import Metric

Z: Final = 1.96
"""Standard deviations of half a 95 % interval."""
REGIONS: Final = 30
"""Real rows that the accepted ones are parted by: each belongs to the nearest."""
MOST: Final = 2048
"""Rows of a set that are compared; of a larger one as many are drawn."""
FEWEST: Final = 100
"""Rows that are compared at any cost."""
LEAST: Final = 20
"""Rows of a set below which nothing is measured."""
UNKNOWN: Final = Metric(np.nan, np.nan, np.nan)
COPIES: Final = ("memorised_ratio", "holdout_leaning", "holdout_closer")
NO_CLASSES: Final = "rows have no classes: no labels, a single one, or a number to be foretold"
"""Why figures of labels and of classes are not applicable."""

Distances = NDArray[np.float64]
Places = NDArray[np.int64]
Labels = NDArray[Any]


class Points(Protocol):
    """Rows that have distances."""

    def at(self, rows: NDArray[np.int64]) -> Self:
        """Select rows."""

    def __len__(self) -> int:
        """Number of rows."""


Own = TypeVar("Own", bound=Points)


@dataclass(frozen=True, slots=True)
class Likeness(Generic[Own]):
    """How rows of a modality are compared."""

    points: Callable[[Labelled], Own]
    """Turns rows into what has distances."""
    nearest: Callable[[Own, Own, int], tuple[Distances, Places]]
    """Finds the k nearest of other rows: distances and places, [n, k], the nearest first."""
    memorised: float
    """Ratio of the distances to the nearest and second nearest training row, below which a row is a
    copy of the nearest."""
    closer: tuple[float, ...]
    """Ratios of the distances to hold-out and training rows, below which a row leaked; of several
    the one that shows the most beyond chance."""
    most: int
    """Rows of a set that are compared; of a larger one as many are drawn."""
    by_label: Callable[[Own, Labels], Callable[[Own, int], Places]] | None = None
    """Finds, for training rows and their labels, the k of them that are nearest in what tells
    labels: places [n, k]; None: those that are nearest anyhow."""


class NearestReal(AcceptedMetric):
    """Labels, copies and leaks of a round by its nearest real rows."""

    @abstractmethod
    def likeness(self, request: MetricRequest) -> Likeness[Any]:
        """Say how rows are compared."""

    def of_accepted(self, request: MetricRequest) -> Mapping[str, Metric]:
        """Measure the accepted rows; figures are NaN where there are too few rows.

        Returns:
            label_errors: share of rows with a wrong label, as their nearest training rows
            contradict it; only where rows have classes.
            memorised_ratio, holdout_leaning, holdout_closer, as the metric `neighbours` has them.
        """
        seed = derive_seed(request.seed, self.name)
        return of_round(request, self.likeness(request), seed)

    def not_applicable(self, request: MetricRequest) -> Mapping[str, str]:
        """Say that rows without classes have no errors of labels."""
        return {} if has_classes(request.real) else {"label_errors": NO_CLASSES}


def affordable(cells: int, cost: int) -> int:
    """Number of rows that can be compared at a cost each, from `FEWEST` to `MOST`."""
    return max(FEWEST, min(MOST, cells // max(1, cost)))


def of_round(request: MetricRequest, likeness: Likeness[Own], seed: int) -> dict[str, Metric]:
    """Measure the accepted rows of a round; figures are NaN where there are too few rows.

    Args:
        request: the rows.
        likeness: how they are compared.
        seed: of the draws.

    Returns:
        label_errors (where rows have classes), memorised_ratio, holdout_leaning, holdout_closer.
    """
    labelled, most = has_classes(request.real), likeness.most
    names = (*(("label_errors",) if labelled else ()), *COPIES)
    sets = {
        "accepted": drawn(request.of("accepted"), most, derive_seed(seed, "accepted")),
        "validation": drawn(request.of("validation"), most, derive_seed(seed, "validation")),
        "real": request.real,
    }
    if min(len(each.labels) for each in sets.values()) < LEAST:
        return dict.fromkeys(names, UNKNOWN)
    points = {name: likeness.points(each) for name, each in sets.items()}
    near = {
        name: likeness.nearest(points[name], points["real"], NEIGHBOURS)
        for name in ("accepted", "validation")
    }
    ours, held = (distances[:, :2] for distances, _ in near.values())
    found = {"memorised_ratio": memorised(ours, held, likeness.memorised)}
    if labelled:
        draw = np.random.default_rng(derive_seed(seed, "labels"))
        own = np.sort(draw.permutation(len(points["real"]))[:most])
        alike = {name: places for name, (_, places) in near.items()}
        found["label_errors"] = _contradicted(sets, points, likeness, alike, own)
    found |= _of_holdout(points, likeness, seed)
    return {name: found[name] for name in names}


def _contradicted(
    sets: Mapping[str, Labelled],
    points: Mapping[str, Own],
    likeness: Likeness[Own],
    alike: Mapping[str, Places],
    own: Places,
) -> Metric:
    """Share of wrong labels, as neighbours among the training rows contradict them.

    Args:
        sets: rows by name.
        points: the same.
        likeness: how they are compared.
        alike: places of the nearest training rows, of accepted and of held-out rows.
        own: places of training rows that stand beside held-out ones.
    """
    real, labels = points["real"], sets["real"].labels
    by_label = likeness.by_label(real, labels) if likeness.by_label else None

    def against(name: str) -> Contradicted:
        places = by_label(points[name], NEIGHBOURS) if by_label else alike[name]
        return Contradicted.of(sets[name].labels, places, labels)

    rows, more = real.at(own), NEIGHBOURS + 1
    others = by_label(rows, more) if by_label else likeness.nearest(rows, real, more)[1]
    known = Contradicted.of(labels[own], label_contradiction.without_self(others, own), labels)
    return label_contradiction.wrong(against("accepted"), against("validation").joined(known))


def _of_holdout(points: Mapping[str, Own], likeness: Likeness[Own], seed: int) -> dict[str, Metric]:
    """Leaks, by the nearest rows of hold-out and training data, as many of either."""
    rows, held, real = (points[name] for name in ("accepted", "validation", "real"))
    count, draw = min(len(held), len(real)), np.random.default_rng(derive_seed(seed, "sides"))
    sides = [each.at(np.sort(draw.permutation(len(each))[:count])) for each in (held, real)]
    (to_held, at_held), (to_real, at_real) = (
        (distances[:, 0], at[:, 0])
        for distances, at in (likeness.nearest(rows, side, 1) for side in sides)
    )
    landmarks = real.at(np.sort(draw.permutation(len(real))[:REGIONS]))
    regions = likeness.nearest(rows, landmarks, 1)[1][:, 0]
    return leaks((to_held, at_held), (to_real, at_real), regions, *likeness.closer)


def has_classes(rows: Labelled) -> bool:
    """Tell whether rows have labels that name classes, and not one alone."""
    return rows.labels.dtype.kind != "f" and len(np.unique(rows.labels)) > 1


def memorised(ours: Distances, held: Distances, ratio: float) -> Metric:
    """Share of rows far nearer to one training row than to any other, beside held-out rows.

    Args:
        ours: distances of accepted rows to their two nearest training rows, [n, 2].
        held: of held-out rows.
        ratio: of the nearer to the farther, below which a row counts.

    Returns:
        The share and its null; NaN where each row equals two training rows or more, as in a table
        of few values: then none is a copy of one.
    """
    if not ours[:, 1].any():
        return UNKNOWN
    copied, by_chance = (np.asarray(each[:, 0] < ratio * each[:, 1]) for each in (ours, held))
    return Metric(*values.of_share(copied), *values.of_share(by_chance))


def leaks(
    to_held: tuple[Distances, Places],
    to_real: tuple[Distances, Places],
    regions: Places,
    *ratios: float,
) -> dict[str, Metric]:
    """Share of rows nearer, and far nearer, to the hold-out than to as many training rows.

    Args:
        to_held: distance of each row to the nearest held-out row, and its place, [n] each.
        to_real: the same to the nearest training row.
        regions: a number of the region of each row, [n].
        ratios: of the distances, below which a row is far nearer.

    Returns:
        holdout_leaning, whose null is one half; a row as near to either counts half for each.
        holdout_closer, whose null is the share of rows that are as much nearer to training rows, by
        the ratio at which the low end of the difference is largest, and by the first where none is
        beyond chance: few rows of a dense table are below a small ratio by chance, and plain copies
        are.
        Both are NaN where each row is as near to either.
    """
    (held, at_held), (real, at_real) = to_held, to_real
    if (held == real).all():
        return dict.fromkeys(("holdout_leaning", "holdout_closer"), UNKNOWN)
    leaning = float((held < real).mean() + (held == real).mean() / 2)
    half = _spread(held < real, real < held, at_held, at_real, regions) / 2
    closer = [_closer(to_held, to_real, regions, ratio) for ratio in ratios]
    return {
        "holdout_leaning": Metric(
            leaning, leaning - half, leaning + half, 0.5, 0.5 - half, 0.5 + half
        ),
        "holdout_closer": max(closer, key=lambda found: max(found.low - found.null, 0.0)),
    }


def _closer(
    to_held: tuple[Distances, Places],
    to_real: tuple[Distances, Places],
    regions: Places,
    ratio: float,
) -> Metric:
    """Share of rows far nearer to the hold-out, and as its null that of as much nearer to real."""
    (held, at_held), (real, at_real) = to_held, to_real
    closer, farther = held < ratio * real, real < ratio * held
    spread = _spread(closer, farther, at_held, at_real, regions)
    value, null = float(closer.mean()), float(farther.mean())
    return Metric(value, value - spread, value + spread, null, null, null)


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
