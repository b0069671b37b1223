"""How long a rare class lasts, if labels are drawn at random from the mix before.

Under `replace` the number of rows of a class is then a Wright–Fisher chain: binomial, with n rows a
round and the share before. The class is lost after −2n·q·ln q/(1 − q) rounds on average, given that
it is lost (Kimura and Ohta 1969; Suresh et al. 2024). The mean hides that many lines lose it far
earlier, so quantiles over drawn lines are given beside it. A generator that asks for each label by
itself draws none at random, and keeps a class as long as it can make it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from lineage.drift import loss_times, mean_loss_time, quantile
from pipelines.inquiry.foresight.observed import Observations

SHOWN: Final = 3
"""Classes that are looked at, the rarest ones."""


@dataclass(frozen=True, slots=True)
class RareClass:
    """What becomes of a class."""

    label: str
    real_rows: int
    real_share: float
    """Share of the real rows."""
    last_share: float
    """Share of the last round."""
    lost_replace: float
    """Chance that it is lost within the rounds that are looked ahead, under `replace`."""
    lost_by_tenth: int | None
    """Rounds within which one line in ten has lost it; None: not within those followed."""
    lost_by_half: int | None
    lost_mean: float | None
    """Mean rounds until it is lost, by the formula; None where it is lost already, or alone."""
    lost_accumulate: float
    """The same under `accumulate`: real rows stay, so a class that has some is not lost."""
    missing_subsample: float
    """Chance that one subsample of the next mix has no row of it."""

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as JSON."""
        return asdict(self)


def of_classes(
    observations: Observations,
    rows: int,
    ahead: int,
    sample_size: int | None,
    random: np.random.Generator,
) -> list[RareClass]:
    """Look ahead for the rarest classes of the real rows.

    Args:
        observations: the rounds so far.
        rows: accepted rows of a round to come.
        ahead: rounds to look ahead.
        sample_size: of a subsample; None: as many as there are real rows.
        random: source of the draws.

    Returns:
        Nothing where rows have no labels, or only one.
    """
    real = _summed(observations, real=True)
    if len(real) < 2:  # noqa: PLR2004  a class beside others
        return []
    rarest = sorted(real, key=lambda label: (real[label], label))[:SHOWN]
    return list(_each(observations, rarest, (rows, ahead, sample_size), random))


def _each(
    observations: Observations,
    labels: list[str],
    asked: tuple[int, int, int | None],
    random: np.random.Generator,
) -> Iterator[RareClass]:
    rows, ahead, sample_size = asked
    real, every = _summed(observations, real=True), _summed(observations, real=None)
    last = observations.classes.get(observations.rounds[-1].number, {})
    whole, total = sum(real.values()), sum(every.values())
    size = min(sample_size or whole, total)
    for label in labels:
        share = last.get(label, 0) / max(sum(last.values()), 1)
        times = loss_times(share, rows, random, ahead)
        yield RareClass(
            label,
            real[label],
            real[label] / whole,
            share,
            lost_replace=float((times <= ahead).mean()),
            lost_by_tenth=quantile(times, 0.1),
            lost_by_half=quantile(times, 0.5),
            lost_mean=mean_loss_time(share, rows),
            lost_accumulate=0.0,
            missing_subsample=_none_of(every[label], total, size),
        )


def _none_of(rows: int, total: int, size: int) -> float:
    """Chance that a sample without replacement has none of some rows (hypergeometric)."""
    if size > total - rows:
        return 0.0
    ways = math.lgamma
    chosen = ways(total - rows + 1) - ways(total - rows - size + 1)
    return math.exp(chosen - ways(total + 1) + ways(total - size + 1))


def _summed(observations: Observations, *, real: bool | None) -> dict[str, int]:
    """Rows by class, of real rounds, of generated ones, or of all (None)."""
    found: dict[str, int] = {}
    for each in observations.rounds:
        if real in (None, each.is_real):
            for label, count in observations.classes.get(each.number, {}).items():
                found[label] = found.get(label, 0) + count
    return found
