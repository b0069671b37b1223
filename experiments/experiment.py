"""An experiment: what it measures, in parts, and what its criteria say of that.

A part is what is measured at once, and what a long experiment keeps on disk: it goes on with the
parts that are missing. Formulas and criteria are not in it, so that they judge what was measured
again each time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from experiments.packages import Package

Z: Final = 1.959963984540054
"""Standard errors of half a 95 % interval."""
Points = Sequence[tuple[float, float]]
"""A curve, as pairs of x and y."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Part:
    """What one part of an experiment measured."""

    figures: Mapping[str, Estimate]
    curves: Mapping[str, Points] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the part as JSON."""
        return asdict(self)

    @classmethod
    def read(cls, content: Mapping[str, Any]) -> Part:
        """Read a part back."""
        figures = {name: Estimate(**each) for name, each in content["figures"].items()}
        curves = {
            name: [(float(x), float(y)) for x, y in points]
            for name, points in content["curves"].items()
        }
        return cls(figures, curves)


@dataclass(frozen=True, slots=True)
class Finding:
    """A figure of ours beside that of the paper, and whether the criterion holds."""

    name: str
    """What the figure is; unique in its experiment."""
    ours: Estimate
    theirs: float | None
    """What the paper's formula gives; None where it says only on which side of a limit it is."""
    criterion: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Plot:
    """Curves of an experiment: a line is a formula, marks of the same name are what we measured."""

    x: str
    y: str
    marks: Mapping[str, Points]
    lines: Mapping[str, Points] = field(default_factory=dict)
    log_x: bool = False
    log_y: bool = False
    """Whether the scale of x, of y, is logarithmic."""


@dataclass(frozen=True, slots=True)
class HeatMap:
    """A figure by two others, as coloured cells with the figure in them."""

    x: str
    y: str
    value: str
    """What the figure is."""
    cells: Sequence[tuple[str, str, float]]
    """x, y and the figure in [0, 1]; columns and rows in the order in which they come first."""


@dataclass(frozen=True, slots=True)
class SmallMultiples:
    """Panels of curves that share their x: a row for each figure, a column for each subject."""

    x: str
    panels: Mapping[tuple[str, str], Mapping[str, Sequence[Points]]]
    """By figure and subject: curves by name, of one name one for each repeat. Their mean is drawn
    over them."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A table of what single parts measured."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A finding of a paper that the project builds on."""

    name: str
    version: int
    """Raised when parts measure something else for the same seed."""
    title: str
    paper: str
    """Authors, year and address, in Markdown."""
    setup: str
    parts: Mapping[str, Callable[[int], Part]]
    """What measures each part, by a seed of its own."""
    conclude: Callable[[Mapping[str, Part]], Sequence[Finding]]
    plot: Callable[[Mapping[str, Part]], Plot | HeatMap | SmallMultiples]
    long: bool = False
    """Whether it takes minutes or more: it runs with `--all` or by its name, and its parts are
    kept."""
    partial: bool = False
    """Whether a long one is concluded from the parts that there are; `lists` says which these
    are."""
    lists: Callable[[Mapping[str, Part]], Sequence[Listing]] | None = None
    """Tables of single parts, for the page."""
    needs: Sequence[Package] = ()
    """Packages of data that parts read; what was measured is kept, for where they are not."""


def mean_of(samples: NDArray[Any]) -> Estimate:
    """Mean of independent repeats, [n], with the interval of Student's t."""
    times = float(stdtrit(len(samples) - 1, 0.975))
    half = times * float(samples.std(ddof=1)) / float(np.sqrt(len(samples)))
    mean = float(samples.mean())
    return Estimate(mean, mean - half, mean + half)


def quantile_of(samples: NDArray[Any], share: float) -> Estimate:
    """Quantile of independent repeats, [n], with the interval of its order statistics.

    The ranks of its ends are those of a binomial count, by the normal approximation (Conover 1999,
    Practical Nonparametric Statistics, section 3.2).
    """
    half = Z * float(np.sqrt(share * (1 - share) / len(samples)))
    shares = np.clip([share, share - half, share + half], 0, 1)
    return Estimate(*(float(each) for each in np.quantile(samples, shares)))


def near(
    name: str, ours: Estimate, theirs: float, within: float, of: float | None = None
) -> Finding:
    """Find that a figure is as near to that of the paper as the criterion wants.

    Args:
        name: what the figure is.
        ours: our figure.
        theirs: that of the paper.
        within: the largest difference, as a share of `of`.
        of: what the difference is a share of; the paper's figure by default.
    """
    apart = abs(ours.value - theirs)
    holds = bool(apart <= within * abs(theirs if of is None else of))
    return Finding(name, ours, theirs, f"within {within:.0%}", holds)


def at_most(name: str, ours: Estimate, limit: float, theirs: float | None = None) -> Finding:
    """Find that a figure is no larger than a limit."""
    return Finding(name, ours, theirs, f"at most {limit:.4g}", bool(ours.value <= limit))


def at_least(name: str, ours: Estimate, limit: float, theirs: float | None = None) -> Finding:
    """Find that a figure is no smaller than a limit."""
    return Finding(name, ours, theirs, f"at least {limit:.4g}", bool(ours.value >= limit))


def above_zero(name: str, ours: Estimate) -> Finding:
    """Find that a figure is larger than 0, and the low end of its interval as well."""
    return Finding(name, ours, None, "more than 0 with its interval", bool(ours.low > 0))
