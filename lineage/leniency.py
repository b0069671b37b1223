"""Where an objection of the guard is softened: by what else is known of a round, or by chance."""

from __future__ import annotations

from typing import Final

from lineage import figures
from lineage.evidence import Check, Evidence
from lineage.limits import Limits

OF_SMALL_IMAGES: Final = ("downstream_", "class_")
"""Beginnings of the names of later checks whose limits were found on small images alone. Those of
labels, copies and leaks hold on crafted rounds of images that a network measures, too."""
NETWORK: Final = "only a warning, since its limit was not found on images that a network measures"
BY_CHANCE: Final = "among so few rows chance alone may bring as many near to the hold-out"


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
