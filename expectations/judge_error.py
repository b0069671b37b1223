"""The share of wrong rows by a judge that errs, and how to divide an audit between its two errors.

A judge keeps a share p of n rows. Of m1 right rows it keeps q1 (φ), and of m0 wrong rows it refuses
q0 (1 − ψ). The share of right rows is θ = (p + q0 − 1)/(q0 + q1 − 1), and its interval counts the
error of all three shares (Lee et al. 2025, arXiv 2511.21140): with p̃ = (np + z²/2)/(n + z²) and
q̃ = (mq + 1)/(m + 2), it is

    θ̃ + 2z²(−(1 − θ̃)q̃0(1 − q̃0)/m̃0 + θ̃q̃1(1 − q̃1)/m̃1) ± z·se,
    se = √(p̃(1 − p̃)/ñ + (1 − θ̃)²q̃0(1 − q̃0)/m̃0 + θ̃²q̃1(1 − q̃1)/m̃1) / (q̃0 + q̃1 − 1),

where ñ = n + z² and m̃ = m + 2. It is a formula, and no draw; that of Rogan and Gladen in
`expectations.calibration` is what the guard holds against p*.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from expectations.calibration import Counts, Estimate
from expectations.errors import CalibrationError

Z: Final = 1.959963984540054
"""Standard deviations of half a 95 % interval."""
UNKNOWN: Final = Estimate(None, 0.0, 1.0, None, None)
"""What a judge tells that keeps right and wrong rows alike."""


def wrong_share(counts: Counts, *, kept: int, candidates: int) -> Estimate:
    """Estimate the share of wrong rows, 1 − θ, with the interval of Lee et al.

    Args:
        counts: of the rows whose truth is known.
        kept: candidates that the judge keeps.
        candidates: all of them.

    Raises:
        CalibrationError: there is no candidate.
    """
    if not 0 <= kept <= candidates or not candidates:
        raise CalibrationError(f"{kept} of {candidates} candidates were kept, which cannot be")
    n, m0, m1 = candidates + Z**2, counts.wrong + 2, counts.correct + 2
    p = (kept + Z**2 / 2) / n
    q0, q1 = (counts.wrong - counts.wrong_kept + 1) / m0, (counts.correct_kept + 1) / m1
    told = q0 + q1 - 1
    if told <= 0:
        return UNKNOWN
    theta = (p + q0 - 1) / told
    of_wrong, of_right = q0 * (1 - q0) / m0, q1 * (1 - q1) / m1
    centre = theta + 2 * Z**2 * (theta * of_right - (1 - theta) * of_wrong)
    spread = p * (1 - p) / n + (1 - theta) ** 2 * of_wrong + theta**2 * of_right
    half = Z * math.sqrt(spread) / told
    value = _plain(counts, kept, candidates)
    low, high = (_share(1 - end) for end in (centre + half, centre - half))
    return Estimate(value, low, high, None, None)


def _plain(counts: Counts, kept: int, candidates: int) -> float | None:
    """1 − θ of the shares as counted; None where they tell nothing."""
    if not counts.correct or not counts.wrong:
        return None
    q1, psi = counts.correct_kept / counts.correct, counts.wrong_kept / counts.wrong
    return _share((q1 - kept / candidates) / (q1 - psi)) if q1 > psi else None


def _share(value: float) -> float:
    return min(max(value, 0.0), 1.0)


@dataclass(frozen=True, slots=True)
class Allocation:
    """How many rows of an audit are right ones, and how many are wrong."""

    right: int
    wrong: int


def allocate(pilot: Counts, *, kept: int, candidates: int, rows: int) -> Allocation:
    """Divide an audit so that the interval of `wrong_share` is as narrow as can be expected.

    m1 = m/(1 + (1/p − 1)√κ) with κ = (m0·(1 − q0) + 1)/(m1·(1 − q1) + 1) of the pilot, which has
    as many rows of either kind in the paper; here each is divided by its own number of rows + 2.
    Each kind gets a tenth of the rows at least, so that no estimate stands on nothing.

    Args:
        pilot: counts of a small audit.
        kept: candidates that the judge keeps.
        candidates: all of them.
        rows: rows of the whole audit, m.

    Raises:
        CalibrationError: there are too few rows to divide, or no candidate.
    """
    least = max(rows // 10, 1)
    if rows < 2 * least or not candidates:
        raise CalibrationError(f"{rows} rows of {candidates} candidates cannot be divided")
    share = (kept + Z**2 / 2) / (candidates + Z**2)
    missed_wrong = (pilot.wrong_kept + 1) / (pilot.wrong + 2)
    missed_right = (pilot.correct - pilot.correct_kept + 1) / (pilot.correct + 2)
    ratio = math.sqrt(missed_wrong / missed_right)
    right = round(rows / (1 + (1 / share - 1) * ratio))
    right = min(max(right, least), rows - least)
    return Allocation(right, rows - right)
