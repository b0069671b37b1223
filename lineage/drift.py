"""What replacement does to a class, to variance and to a mix of generators, by formulas alone.

Where each round replaces the one before, the rows of a class are a Wright–Fisher chain: binomial,
with n rows a round and the share before. The class is lost after −2n·q·ln q/(1 − q) rounds on
average, given that it is lost (Kimura and Ohta 1969; Suresh et al. 2024). The mean hides that many
lines lose it far earlier, so quantiles over drawn lines are given beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

import numpy as np

FOLLOWED: Final = 1_000
"""Rounds that the metric and the check `rare_class` follow a line for."""
LINES: Final = 2_000
"""Lines of rounds that are drawn."""
LATEST: Final = 4
"""Rounds that a line is followed for, at most, as a multiple of n."""


def loss_times(
    share: float,
    rows: int,
    random: np.random.Generator,
    ahead: int = 0,
    latest: int | None = None,
) -> np.ndarray[Any, Any]:
    """Draw after how many rounds lines of replacement lose a class; infinite where they do not.

    Args:
        share: of the last round, q.
        rows: of each round to come, n.
        random: source of the draws.
        ahead: rounds that are followed at least; beyond, lines end once half of them lost it.
        latest: rounds that are followed at most; None: four times n.
    """
    shares = np.full(LINES, share)
    times = np.where(shares > 0, np.inf, 0.0)
    for number in range(1, max(latest or LATEST * rows, ahead) + 1):
        open_ = np.isinf(times) & (shares < 1)
        if not open_.any() or (number > ahead and (times <= number).mean() > 1 / 2):
            break
        shares = np.where(open_, random.binomial(rows, shares) / rows, shares)
        times = np.where(open_ & (shares == 0), float(number), times)
    return times


def quantile(times: np.ndarray[Any, Any], share: float) -> int | None:
    """The round by which a share of the lines has lost the class; None: by none that was followed.

    Args:
        times: as `loss_times` has them.
        share: of the lines.
    """
    found = float(np.quantile(times, share, method="inverted_cdf"))
    return None if math.isinf(found) else int(found)


def mean_loss_time(share: float, rows: int) -> float | None:
    """Mean rounds until a class is lost, given that it is lost (Kimura and Ohta 1969, eq. 16)."""
    if not 0 < share < 1:
        return None
    return -2 * rows * share * math.log(share) / (1 - share)


def budget(rows: Iterable[int]) -> float:
    """Share of the variance that a line of replacement keeps: Π(1 − 1/n_t), 1 for no round.

    It is the expected variance of a Gaussian that is fitted to n_t draws of the one before, by
    maximum likelihood, round by round. It stays above 0 in the long run only where Σ 1/n_t is
    bounded, so that rounds have to grow (Xu et al. 2025, arXiv:2505.13947).

    Args:
        rows: n_t of each mix that replaced the one before.
    """
    return math.prod(1 - 1 / each for each in rows)


def effective_number(weights: Iterable[float]) -> float | None:
    """Effective number of parts, 1/Σ w², w their shares; None where no part has weight."""
    parts = list(weights)
    total = sum(parts)
    if total <= 0:
        return None
    return 1 / sum((each / total) ** 2 for each in parts)


def concentration(counts: Iterable[int]) -> float | None:
    """Σ s², s the shares of parts (Hirschman 1945, Herfindahl 1950); None where there are none."""
    number = effective_number(counts)
    return None if number is None else 1 / number
