"""How figures move from round to round: fitted to the rounds so far, and drawn for those to come.

Two things are fitted. A generator multiplies the total variance of the rows it learned from by λ;
n rows take a share 1/n of it besides (Shumailov et al. 2024; Alemohammad et al. 2023 for the bias
λ), so log v_t = log V_t + log λ + log(1 − 1/N_t) with V_t the variance of the mix and N_t its rows.
And recall falls with variance: its probit is linear in log v, by least squares over the rounds and
over what real rows have at v = 1. The second is a description of the rounds of this data set, not a
law. Both are drawn from their posterior under a flat prior (normal errors of unknown variance), so
intervals are those of Student's t, and wide while rounds are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.inquiry.foresight.observed import Measured, MixPart, Observations, ObservedRound

Floats = NDArray[np.float64]
LEAST: Final = 2
"""Rounds without which no spread between rounds can be known."""
WIDTH: Final = 2 * 1.959964
"""Standard deviations between the ends of a 95 % interval."""
LARGEST: Final = 5.0
"""Largest logarithm of a change in one round that is drawn, either way."""
EDGE: Final = 5e-4
"""Recall is moved so far from 0 and 1 before its probit is taken, at least."""


@dataclass(frozen=True, slots=True, eq=False)
class Shrinkage:
    """Draws of log λ: its mean, and its spread from round to round, [draws] each."""

    mean: Floats
    spread: Floats

    def of_round(self, random: np.random.Generator) -> Floats:
        """Draw log λ of one round."""
        drawn = random.normal(self.mean, self.spread)
        return np.clip(drawn, -LARGEST, LARGEST)


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """Draws of recall as a function of variance: intercept, slope and spread, [draws] each."""

    intercept: Floats
    slope: Floats
    spread: Floats

    def recall(self, variance: Floats, random: np.random.Generator) -> Floats:
        """Draw the recall of sets of rows by their variance ratio, [draws]."""
        from scipy.special import ndtr  # noqa: PLC0415  slow to import

        line = self.intercept + self.slope * np.log(np.maximum(variance, np.exp(-LARGEST * 4)))
        drawn: Floats = ndtr(random.normal(line, self.spread))
        return drawn


def shrinkage(
    observations: Observations, draws: int, random: np.random.Generator
) -> Shrinkage | None:
    """Fit λ to the rounds whose variance was measured; None where they are too few."""
    changes, errors = [], []
    variances = variances_of(observations)
    for each in observations.generated:
        learned = _mixed(each.learned_from, variances)
        if each.variance is None or learned is None or each.variance.value <= 0:
            continue
        finite = np.log1p(-1 / each.learned_rows) if each.learned_rows > 1 else 0.0
        changes.append(np.log(each.variance.value / learned) - finite)
        errors.append(_log_error(each.variance))
    if len(changes) < LEAST:
        return None
    return _drawn(np.asarray(changes), float(np.mean(errors)), draws, random)


def link(
    observations: Observations, section: str, draws: int, random: np.random.Generator
) -> Link | None:
    """Fit recall to variance; None where rounds are too few.

    Args:
        observations: the rounds.
        section: `round`, of what a generator made alone; `mix`, of mixes of several rounds.
        draws: from the posterior.
        random: source of the draws.
    """
    variances = variances_of(observations)
    points: list[tuple[float, Measured, int]] = []
    for each in observations.generated:
        recall = each.recall if section == "round" else each.mix_recall
        variance = variances.get(each.number) if section == "round" else None
        if section == "mix" and len(each.next_mix) > 1:
            variance = _mixed(each.next_mix, variances)
        if recall is not None and variance is not None and variance > 0:
            points.append((variance, recall, each.rows_measured))
    if len(points) < LEAST:
        return None
    return _fitted_link(points, draws, random)


def _fitted_link(
    points: Sequence[tuple[float, Measured, int]], draws: int, random: np.random.Generator
) -> Link:
    from scipy.special import ndtri  # noqa: PLC0415  slow to import

    edge = max(EDGE, 0.5 / max(*(rows for _, _, rows in points), 1))

    def probit(share: float) -> float:
        return float(ndtri(np.clip(share, edge, 1 - edge)))

    null = float(np.mean([recall.null for _, recall, _ in points]))
    at = np.asarray([0.0, *(np.log(variance) for variance, _, _ in points)])
    seen = np.asarray([probit(null), *(probit(recall.value) for _, recall, _ in points)])
    floor = np.mean([(probit(each.high) - probit(each.low)) / WIDTH for _, each, _ in points])
    design = np.column_stack([np.ones_like(at), at])
    inverse = np.linalg.pinv(design.T @ design)
    centre = inverse @ design.T @ seen
    free = len(at) - design.shape[1]
    residual = float(np.sqrt(np.square(seen - design @ centre).sum() / free))
    spread = max(residual, float(floor)) * np.sqrt(free / random.chisquare(free, draws))
    noise = random.standard_normal((draws, 2)) @ np.linalg.cholesky(inverse + 1e-12 * np.eye(2)).T
    drawn = centre + spread[:, None] * noise
    return Link(drawn[:, 0], drawn[:, 1], spread)


def variances_of(observations: Observations) -> dict[int, float]:
    """The variance ratio of each round that was measured; that of real rows is 1."""
    found = {each.number: 1.0 for each in observations.rounds if each.is_real}
    measured = ((each.number, each.variance) for each in observations.generated)
    return found | {number: value.value for number, value in measured if value is not None}


def _mixed(parts: Sequence[MixPart], variances: dict[int, float]) -> float | None:
    """The variance of a mix, by the weights of its rounds; None where one was not measured.

    Means of rounds are taken to lie together, so their distance adds nothing.
    """
    weights = {part.round: part.weight for part in parts}
    total = sum(weights.values())
    if not total or any(number not in variances for number in weights):
        return None
    return sum(weight * variances[number] for number, weight in weights.items()) / total


def _log_error(figure: Measured) -> float:
    """Standard error of the logarithm of a figure, from its interval."""
    if min(figure.low, figure.value) <= 0:
        return 0.0
    return float(np.log(figure.high / figure.low) / WIDTH)


def _drawn(changes: Floats, floor: float, draws: int, random: np.random.Generator) -> Shrinkage:
    """Draw mean and spread; the spread is at least the error of measurement."""
    free = len(changes) - 1
    spread = max(float(changes.std(ddof=1)), floor) * np.sqrt(free / random.chisquare(free, draws))
    mean = random.normal(changes.mean(), spread / np.sqrt(len(changes)))
    return Shrinkage(mean, spread)


def accepted(
    rounds: Sequence[ObservedRound], count: int, draws: int, random: np.random.Generator
) -> Floats:
    """Draw how many rows each of the next rounds accepts, [count, draws].

    The candidates are those of the last round. The share that is accepted is drawn by Jeffreys'
    interval, with the spread between rounds where it is larger.
    """
    candidates = rounds[-1].candidates
    kept, made = (
        sum(getattr(each, name) for each in rounds) for name in ("accepted", "candidates")
    )
    share = random.beta(kept + 0.5, made - kept + 0.5, draws)
    shares = np.asarray([each.accepted / each.candidates for each in rounds if each.candidates])
    between = float(shares.std(ddof=1)) if len(shares) > 1 else 0.0
    by_chance = np.sqrt(share * (1 - share) / max(candidates, 1))
    drawn = random.normal(share, np.maximum(between, by_chance), (count, draws))
    return np.clip(np.round(drawn * candidates), 1, candidates)
