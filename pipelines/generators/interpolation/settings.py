"""Settings of the generator `interpolation`."""

from __future__ import annotations

from pydantic import Field

from pipelines.common.settings import StrictModel


class InterpolationGenerate(StrictModel):
    """Which row the second parent is, and how much of a candidate is of either."""

    neighbours: int = Field(5, gt=0)
    """Closest rows of the same label, one of which is the second parent."""
    least_share: float = Field(0.25, ge=0, le=0.5)
    """Least share of either parent: with 0, many candidates are all but copies of one."""
