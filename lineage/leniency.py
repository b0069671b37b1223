"""Where an objection of the guard is softened: by what else is known of a round, or by chance."""

from __future__ import annotations

from typing import Final

import polars as pl

from lineage import figures
from lineage.evidence import Check, Evidence
from lineage.limits import Limits

OF_SMALL_IMAGES: Final = ("downstream_", "class_coverage", "class_variance")
"""Beginnings of the names of later checks whose limits were found on small images alone. Those of
labels, copies and leaks hold on crafted rounds of images that a network measures, too, and the
share of a class is counted, so that no network measures it."""
NETWORK: Final = "only a warning, since its limit was not found on images that a network measures"
SHALLOW: Final = (
    "only a warning, since the mix is no deeper than real_share_shallow: one generation from real "
    "data is distillation, and a loop begins with the second"
)
BY_CHANCE: Final = "among so few rows chance alone may bring as many near to the hold-out"
LOST_BY_CHANCE: Final = "its interval does not hold losses alone, so chance may bring it"
VARIED_BY_CHANCE: Final = (
    "chance alone may bring so much, among rows as few and as unequal as these"
)
NEARNESS: Final = ("as_far_as_real_rows", "not_memorised")
"""Names that `stemma suite new` gives to warnings of rows that are nearer to a training row than
real rows are to one another."""
LOSSES: Final = {"downstream_real": "real_only", "downstream_previous": "previous"}
"""What the loss of a check is held against."""
NO_COPIES: Final = (
    "these are nearer to a training row than real rows are, and memorised_ratio finds no copies "
    "among them"
)


def is_shallow(evidence: Evidence, limits: Limits) -> bool:
    """Whether the next mix is so near to real data that this is distillation and not a loop."""
    depth = evidence.mix.depth_mean
    return depth is not None and depth <= limits.real_share_shallow


def has_network(evidence: Evidence, limits: Limits) -> bool:  # noqa: ARG001  as any `only_warns`
    """Whether a network measures the rows, as it does larger images."""
    return bool(evidence.metrics.get("embedder"))


def few_by_chance(result: Check, evidence: Evidence, limits: Limits) -> str:
    """Say that chance alone may bring as many rows near to the hold-out, if it may."""
    low = figures.least_share(result.value, len(evidence.lineage))
    most = limits.holdout_near_warn
    return BY_CHANCE if low is not None and most is not None and low <= most else ""


def lost_by_chance(result: Check, evidence: Evidence, limits: Limits) -> str:  # noqa: ARG001
    """Say that chance alone may bring a loss, if its interval does not hold losses alone.

    An interval that ends at 0 is that of one to three rows that are lost and none that is gained.
    """
    lost = figures.loss(evidence, LOSSES[result.name])
    return LOST_BY_CHANCE if lost.low is not None and lost.low <= 0 else ""


def varied_by_chance(result: Check, evidence: Evidence, limits: Limits) -> str:
    """Say that chance alone may move a variance, if its interval reaches what the limits allow."""
    name, part = result.name.split("_")
    spread = figures.ratio(evidence, part, name, interval=True)
    least = getattr(limits, f"{result.name}_low_warn")
    most = getattr(limits, f"{result.name}_high_warn")
    if spread.value is None or spread.low is None or spread.high is None:
        return ""
    too_little = least is not None and spread.value < least
    reached = spread.high >= least if too_little else most is not None and spread.low <= most
    return VARIED_BY_CHANCE if reached else ""


def only_near(evidence: Evidence, limits: Limits) -> bool:
    """Whether no more rows than the limits allow are warned of for anything but nearness.

    It is not known of evidence without the names of the expectations.
    """
    warned, most = evidence.warned, limits.warned_rows_warn
    if warned is None or most is None or "expectations" not in warned.columns:
        return False
    others = pl.col("expectations").list.set_difference(list(NEARNESS)).list.len() > 0
    count = warned.filter(others)["row"].n_unique()
    return count <= most * len(evidence.lineage)
