"""Limits of the guard that suit the number of validation rows, and how near real rows are.

A loss is the difference of two shares of hits on the same n rows. Where a share d of the rows is
answered differently by two classifiers, its standard error is √(d/n) (McNemar's test; e.g.
Dietterich 1998, doi:10.1162/089976698300017197). The defaults of the guard are for n of thousands;
with fewer rows a limit below two standard errors would block a round by chance.
"""

from __future__ import annotations

import math
from typing import Any, Final

from expectations.calibration import wilson
from lineage.limits import Limits

DIFFERENT: Final = 0.05
"""Share of rows that two classifiers answer differently, at least."""
OF_A_TARGET: Final = 0.2
"""What takes the place of that share where R² is judged: a share of the variance."""
DENSE: Final = 0.05
"""Share of real rows with a near-duplicate, from which candidates too are near by chance."""
ERRORS: Final = {
    "downstream_real_warn": 1,
    "downstream_previous_warn": 1,
    "downstream_real_block": 2,
    "downstream_previous_block": 2,
    "downstream_drop_block": 3,
    "downstream_pooled_warn": 1,
    "downstream_pooled_block": 2,
}
"""Standard errors that each limit must allow."""
OF_MARGINS: Final = {"downstream_likelihood_warn": 0.25, "downstream_likelihood_block": 0.5}
"""The same of the probability of right labels, whose standard error is a quarter of that of a score
(digits, 460 rows: .0025)."""


def suited(
    validation: int, wrong: float | None, *, margins: bool = False
) -> tuple[dict[str, Any], str]:
    """Choose limits by the number of validation rows.

    Args:
        validation: How many there are.
        wrong: Share of real training rows that a classifier gets wrong out of fold; None: unknown.
        margins: Whether the models of the task say the probability of labels.

    Returns:
        The limits that differ from the defaults, and where they are from, in words.
    """
    different = max(DIFFERENT, wrong or 0.0)
    error = math.sqrt(different / max(validation, 1))
    default = Limits()
    limits = {}
    for name, errors in (ERRORS | (OF_MARGINS if margins else {})).items():
        wanted = math.ceil(1000 * errors * error) / 1000
        if wanted > getattr(default, name):
            limits[name] = wanted
    told = (
        f"{validation} validation rows: chance moves a score by √({different:.2g}/{validation}) = "
        f"{error:.2g}; one, two and three times that"
    )
    if limits.keys() & OF_MARGINS.keys():
        told += ", and a quarter and half of it for downstream_likelihood"
    return limits, told


def near_by_chance(rows: int, alone: int) -> tuple[dict[str, Any], str]:
    """Choose limits on candidates near to held-out rows, where real rows are near to each other.

    A generator that draws from the same distribution then makes rows that are near to held-out ones
    too, though it never saw these.

    Args:
        rows: How many real rows there are.
        alone: How many of them have no near-duplicate.

    Returns:
        The limits that differ from the defaults, and where they are from, in words; nothing where
        few real rows are near to each other.
    """
    chance = 1 - alone / max(rows, 1)
    if chance < DENSE:
        return {}, ""
    default = Limits()
    limits = {
        name: round(min(1.0, chance + (getattr(default, name) or 0.0)), 3)
        for name in ("holdout_near_warn", "holdout_near_block")
    }
    words = f"{chance:.0%} of the real rows have a near-duplicate, so holdout_near allows as many"
    return limits, words


def equal_by_chance(
    rows: int, repeated: int, *, pixels: bool = False
) -> tuple[dict[str, Any], str]:
    """Choose the limit on candidates equal to held-out rows, where real rows equal each other.

    A table of few values holds some content twice, so a generator makes rows that are held out
    though it never saw these, as real rows that arrive later do. No generator makes each pixel of
    an image that it never saw: a folder that holds a file twice is no reason to allow any.

    Args:
        rows: How many real rows there are.
        repeated: How many of them have the content of another.
        pixels: Whether the rows are images.

    Returns:
        The limit, the upper end of the interval of that share, and where it is from, in words;
        nothing of images, and where all content is different.
    """
    if pixels or not repeated:
        return {}, ""
    words = f"{repeated:,} of {rows:,} real rows have the content of another, so holdout_equal "
    limit = math.ceil(1000 * wilson(repeated, rows).high) / 1000
    return {"holdout_equal_block": limit}, f"{words}allows as many"
