"""How good is a verifier? Its keep rates, the error among candidates, and whether that is enough.

With label error p among candidates, a verifier that keeps a correct sample with probability φ and a
wrong one with probability ψ makes training on what it keeps work iff

    p < p* = φ / (φ + ψ)                                        (Feng et al. 2024)

The three are estimated from rows whose truth is known. Intervals of proportions are Wilson's score
intervals (1927), which cover on average what they promise; the exact ones of Clopper and Pearson
cover more. The interval of p* follows from that of the ratio ψ/φ, by the method of variance
estimates recovery (MOVER-R; Donner & Zou 2012). Where errors were planted, p is not seen but
follows from how many candidates are kept,

    p = (φ − k) / (φ − ψ)                                       (Rogan & Gladen 1978)

with an interval from draws of the three proportions' Jeffreys posteriors.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from expectations.errors import CalibrationError

CONFIDENCE: Final = 0.95
DRAWS: Final = 100_000
SEED: Final = 20_240
"""Seed of the draws, so that the same counts give the same interval."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A proportion with its 95 % interval."""

    value: float | None
    """None where nothing was counted; the interval is then the whole range."""
    low: float
    high: float
    hits: int | None
    of: int | None

    def to_dict(self) -> dict[str, Any]:
        """Return the estimate as JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Counts:
    """What an audit counted: correct and wrong rows, and how many of each were kept."""

    correct: int
    correct_kept: int
    wrong: int
    wrong_kept: int

    def __post_init__(self) -> None:
        """Refuse counts that contradict each other."""
        pairs = ((self.correct_kept, self.correct), (self.wrong_kept, self.wrong))
        if not all(0 <= kept <= rows for kept, rows in pairs):
            raise CalibrationError(f"more rows were kept than there are: {self}")


@dataclass(frozen=True, slots=True)
class Calibration:
    """The calibration of a verifier."""

    keep_correct: Estimate
    """φ: the share of correct rows that it keeps."""
    keep_wrong: Estimate
    """ψ: the share of wrong rows that it keeps."""
    error: Estimate
    """p: the share of candidates that are wrong."""
    threshold: Estimate
    """p*: the share of wrong candidates below which training on what is kept works."""

    @property
    def enough(self) -> bool | None:
        """Whether p is below p*: True or False where the intervals lie apart, else None."""
        if self.error.high < self.threshold.low:
            return True
        return False if self.error.low > self.threshold.high else None

    def to_dict(self) -> dict[str, Any]:
        """Return the calibration as JSON."""
        return {**asdict(self), "enough": self.enough}


def wilson(hits: int, of: int, *, confidence: float = CONFIDENCE) -> Estimate:
    """Estimate a proportion with Wilson's score interval (Wilson 1927).

    Args:
        hits: how often it happened.
        of: how often it could have; 0 gives the interval 0 to 1.
        confidence: of the interval.
    """
    from scipy import stats  # noqa: PLC0415  slow to import

    if not of:
        return Estimate(None, 0.0, 1.0, hits, of)
    interval = stats.binomtest(hits, of).proportion_ci(confidence, method="wilson")
    return Estimate(hits / of, float(interval.low), float(interval.high), hits, of)


def threshold(keep_correct: Estimate, keep_wrong: Estimate) -> Estimate:
    """Estimate p* = φ/(φ+ψ), with an interval from those of φ and ψ (MOVER-R)."""
    phi, psi = keep_correct, keep_wrong
    if phi.value is None or psi.value is None:
        low = phi.low / (phi.low + psi.high) if phi.low else 0.0
        return Estimate(None, low, 1.0, None, None)
    both = phi.value + psi.value
    low, high = _ratio(psi, phi)
    value = phi.value / both if both else None
    return Estimate(value, 1.0 / (1.0 + high), 1.0 / (1.0 + low), None, None)


def audited(counts: Counts) -> Calibration:
    """Calibrate from a sample of all candidates whose truth a person determined."""
    rows = counts.correct + counts.wrong
    phi = wilson(counts.correct_kept, counts.correct)
    psi = wilson(counts.wrong_kept, counts.wrong)
    return Calibration(phi, psi, wilson(counts.wrong, rows), threshold(phi, psi))


def planted(counts: Counts, *, kept: int, candidates: int) -> Calibration:
    """Calibrate from rows that are known to be right, and errors that were planted.

    Args:
        counts: of the right rows and of the planted errors.
        kept: candidates that the verifier keeps.
        candidates: all of them.

    Raises:
        CalibrationError: there is no candidate.
    """
    if not 0 <= kept <= candidates or not candidates:
        raise CalibrationError(f"{kept} of {candidates} candidates were kept, which cannot be")
    phi = wilson(counts.correct_kept, counts.correct)
    psi = wilson(counts.wrong_kept, counts.wrong)
    return Calibration(phi, psi, _prevalence(counts, kept, candidates), threshold(phi, psi))


def _ratio(above: Estimate, below: Estimate) -> tuple[float, float]:
    """Compute the interval of a ratio of two independent proportions (Donner & Zou 2012)."""
    a, b = above.value or 0.0, below.value or 0.0
    if b == 0.0:
        return (above.low / below.high if below.high else 0.0), math.inf
    product = a * b

    def end(outer: float, inner: float, sign: int) -> float:
        under = inner * (2 * b - inner)
        root = max(product**2 - outer * (2 * a - outer) * under, 0.0)
        return (product + sign * math.sqrt(root)) / under if under > 0 else math.inf

    return max(end(above.low, below.high, -1), 0.0), end(above.high, below.low, 1)


def _prevalence(counts: Counts, kept: int, candidates: int) -> Estimate:
    """Estimate the share of wrong candidates from the share kept (Rogan & Gladen 1978)."""
    random = np.random.default_rng(SEED)

    def draw(hits: int, of: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return random.beta(hits + 0.5, of - hits + 0.5, DRAWS)

    phi = draw(counts.correct_kept, counts.correct)
    psi = draw(counts.wrong_kept, counts.wrong)
    share = draw(kept, candidates)
    apart = phi > psi
    if apart.mean() < CONFIDENCE:  # a verifier that does not tell right from wrong tells nothing
        return Estimate(None, 0.0, 1.0, None, None)
    drawn = np.clip((phi - share)[apart] / (phi - psi)[apart], 0.0, 1.0)
    tail = (1.0 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, [tail, 1.0 - tail])
    if not counts.correct or not counts.wrong:
        return Estimate(None, float(low), float(high), None, None)
    right, wrong = counts.correct_kept / counts.correct, counts.wrong_kept / counts.wrong
    value = (right - kept / candidates) / (right - wrong)
    return Estimate(min(max(value, 0.0), 1.0), float(low), float(high), None, None)
