"""Forecast real share, recall, variance and rare classes of the rounds to come, by regime."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import numpy as np

from lineage import training_mix
from lineage.limits import Limits
from pipelines.inquiry.foresight import dynamics, rare, regimes
from pipelines.inquiry.foresight.dynamics import Floats
from pipelines.inquiry.foresight.observed import Observations
from pipelines.inquiry.foresight.rare import RareClass
from pipelines.inquiry.foresight.regimes import FIGURES, REGIMES, REPLACE, Model, Plan

DRAWS: Final = 4_000
SEED: Final = 20_251
"""Of the draws, so that a forecast of the same rounds is the same."""
ENDS: Final = (0.025, 0.5, 0.975)
SURE: Final = 0.95
"""Share of the draws in which a remedy has to hold."""
MOST_FRESH: Final = 100_000
"""Most new real rows a round that are tried."""
MOST_WEIGHT: Final = 64.0
"""Largest weight of a real row that is tried."""


@dataclass(frozen=True, slots=True)
class Point:
    """A figure of one round to come: the middle of its draws, and 95 % of them."""

    round: int
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class HeldAgainst:
    """A figure that was forecast, beside what the round then had."""

    figure: str
    round: int
    regime: str
    """By which the mix of the round was made, and its forecast with it."""
    forecast: Point
    found: float
    within: bool
    """Whether it lies in the interval."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What it takes to keep the recall of mixes above the limit at which the guard warns."""

    limit: float
    """Recall that the guard warns below."""
    without: float
    """Share of the draws in which it holds with nothing done."""
    fresh: int | None
    """New real rows a round with which it holds in 95 % of the draws; None: none of those tried."""
    weight: float | None
    """Weight of a real row that does so; None: none of those tried."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is to be expected of the rounds to come, if generator, suite and settings stay."""

    dataset: str
    commit: str
    regime: str
    """The one that params.yaml has."""
    last: int
    ahead: int
    observed: Mapping[str, tuple[tuple[int, float], ...]]
    """Measured figures by name: round and value."""
    points: Mapping[str, Mapping[str, tuple[Point, ...]]]
    """By regime and figure."""
    not_measured: Mapping[str, str]
    """Why a figure has no forecast."""
    classes: tuple[RareClass, ...]
    remedy: Remedy | None
    held_against: tuple[HeldAgainst, ...] = ()
    """What rounds that the forecast did not see measured; empty where it saw all."""

    def to_dict(self) -> dict[str, Any]:
        """Return the forecast as JSON."""
        return asdict(self)


def forecast(
    observations: Observations, plan: Plan, limits: Limits, ahead: int, *, draws: int = DRAWS
) -> Forecast:
    """Forecast so many rounds.

    Args:
        observations: the rounds so far.
        plan: the regime and the weights of params.yaml.
        limits: the guard's, of which that of recall is to be held.
        ahead: rounds to look ahead, at least 1.
        draws: of each figure.
    """
    random = np.random.default_rng(SEED)
    last, generated = observations.rounds[-1].number, observations.generated
    reasons = _reasons(len(generated))
    points: dict[str, dict[str, tuple[Point, ...]]] = {}
    classes: list[RareClass] = []
    remedy = None
    if generated:
        model = Model(
            dynamics.shrinkage(observations, draws, random),
            dynamics.link(observations, "round", draws, random),
            dynamics.link(observations, "mix", draws, random),
        )
        reasons |= _unfitted(model)
        kept = dynamics.accepted(generated, ahead, draws, random)

        def drawn(other: Plan) -> regimes.Drawn:
            same = np.random.default_rng(SEED)
            return regimes.draw(observations, other, model, kept, same)

        points = {
            regime: {name: _points(each, last) for name, each in regimes.figures(found)}
            for regime in REGIMES
            for found in [drawn(replace(plan, regime=regime))]
        }
        rows = round(float(np.median(kept)))
        classes = rare.of_classes(observations, rows, ahead, plan.sample_size, random)
        remedy = _remedy(observations, plan, limits, drawn)
    return Forecast(
        observations.dataset, observations.commit, plan.regime, last, ahead,
        _observed(observations), points, reasons, tuple(classes), remedy,
    )  # fmt: skip


def _reasons(generated: int) -> dict[str, str]:
    if generated:
        return {}
    return dict.fromkeys(FIGURES, "no round of a generator is published yet")


def _unfitted(model: Model) -> dict[str, str]:
    """Say which figures could not be fitted, and why."""
    few = f"it needs {dynamics.LEAST} rounds or more that were measured"
    reasons: dict[str, str] = {}
    if model.shrinkage is None:
        reasons |= dict.fromkeys(("variance", "recall", "mix_recall"), few)
    elif model.of_rounds is None:
        reasons["recall"] = few
    if model.of_mixes is None and "mix_recall" not in reasons:
        mixed = f"{dynamics.LEAST} rounds or more whose mix has rows of several rounds"
        reasons["mix_recall"] = f"except under replace, it needs {mixed}"
    return reasons


def _points(draws: list[Floats], last: int) -> tuple[Point, ...]:
    found = []
    for number, each in enumerate(draws, last + 1):
        low, value, high = (round(float(end), 6) for end in np.quantile(each, ENDS))
        found.append(Point(number, value, low, high))
    return tuple(found)


def _observed(observations: Observations) -> dict[str, tuple[tuple[int, float], ...]]:
    """What the rounds so far measured, by figure."""
    rows: dict[str, list[tuple[int, float]]] = {name: [] for name in FIGURES}
    for each in observations.generated:
        if each.real_share is not None:
            rows["real_share"].append((each.number, each.real_share))
        for name in FIGURES[1:]:
            figure = getattr(each, name)
            if figure is not None:
                rows[name].append((each.number, figure.value))
    return {name: tuple(found) for name, found in rows.items()}


def _remedy(
    observations: Observations,
    plan: Plan,
    limits: Limits,
    drawn: Callable[[Plan], regimes.Drawn],
) -> Remedy | None:
    """Look for the fewest real rows, and the least weight, that hold recall in the last round.

    None where the guard has no limit, or no mix was measured. `replace` mixes no real rows, so for
    it the answer is that of `accumulate`.
    """
    nulls = [each.mix_recall.null for each in observations.generated if each.mix_recall]
    if limits.recall_mix_warn is None or not nulls:
        return None
    limit = limits.recall_mix_warn * float(np.mean(nulls))
    base = replace(plan, regime="accumulate") if plan.regime == REPLACE else plan

    def holding(other: Plan) -> float | None:
        recall = drawn(other).mix_recall
        return float((recall[-1] >= limit).mean()) if recall else None

    without = holding(base)
    if without is None:
        return None
    fresh = _least(lambda rows: holding(replace(base, fresh=round(rows))), 0, MOST_FRESH, 1)
    low = 1.0 if base.real_weight == training_mix.AUTO else float(base.real_weight)
    weight = _least(lambda each: holding(replace(base, real_weight=each)), low, MOST_WEIGHT, 0.01)
    return Remedy(round(limit, 6), without, None if fresh is None else round(fresh), weight)


def _least(
    holding: Callable[[float], float | None], low: float, high: float, step: float
) -> float | None:
    """The least amount up to `high`, in steps, with which recall holds in enough draws."""

    def holds(amount: float) -> bool:
        return (holding(amount) or 0.0) >= SURE

    if holds(low):
        return low
    if not holds(high):
        return None
    while high - low > step:
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return float(np.ceil(high / step) * step)


def hold(forecast_: Forecast, later: Observations) -> Forecast:
    """Put beside a forecast what later rounds measured, each by the regime that it was made by.

    Args:
        forecast_: of fewer rounds than there are.
        later: all rounds.
    """
    seen = {name: dict(found) for name, found in _observed(later).items()}
    made_by = {each.number: each.regime or forecast_.regime for each in later.generated}
    held = tuple(
        HeldAgainst(name, point.round, regime, point, found, point.low <= found <= point.high)
        for name in FIGURES
        for regime, points in forecast_.points.items()
        for point in points.get(name, ())
        if made_by.get(point.round) == regime and (found := seen[name].get(point.round)) is not None
    )
    return replace(forecast_, held_against=held)
