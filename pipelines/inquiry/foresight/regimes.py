"""Rounds to come under a regime, drawn many times with what was fitted to the rounds so far.

Under `replace` a generator learns from the round before it alone, so the changes multiply: variance
is v_t·Π λ(1 − 1/n). Under `accumulate` it learns from all rows, so V_t = Σ w_r v_r / Σ w_r over all
rounds, in which real rows keep their weight and v = 1; `accumulate-subsample` draws as many rows
from them as it is told to, without replacement.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np

from lineage import training_mix
from pipelines.inquiry.foresight.dynamics import Floats, Link, Shrinkage
from pipelines.inquiry.foresight.observed import Observations

REPLACE: Final = "replace"
ACCUMULATE: Final = "accumulate"
SUBSAMPLE: Final = "accumulate-subsample"
REGIMES: Final = (REPLACE, ACCUMULATE, SUBSAMPLE)
FIGURES: Final = ("real_share", "variance", "recall", "mix_recall")


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """What was fitted; None where rounds are too few."""

    shrinkage: Shrinkage | None
    of_rounds: Link | None
    of_mixes: Link | None


@dataclass(frozen=True, slots=True)
class Plan:
    """How the rounds to come are mixed."""

    regime: str
    real_weight: float | Literal["auto"] = 1.0
    sample_size: int | None = None
    fresh: int = 0
    """New real rows that come with each round."""


@dataclass(slots=True, eq=False)
class _Rows:
    """Rows so far in each draw: real ones, and generated ones with their variance, [draws] each."""

    real: Floats
    generated: Floats
    variance_sum: Floats
    """Rows of each generated round times its variance, summed."""
    last: Floats
    """Rows of the last round."""
    last_variance: Floats
    last_is_real: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Mix:
    """A training mix in each draw."""

    rows: Floats
    real_share: Floats
    variance: Floats


@dataclass(slots=True, eq=False)
class Drawn:
    """Draws of each figure by round, [draws] each; a figure that was not fitted has none."""

    real_share: list[Floats] = field(default_factory=list)
    variance: list[Floats] = field(default_factory=list)
    recall: list[Floats] = field(default_factory=list)
    mix_recall: list[Floats] = field(default_factory=list)


def draw(
    observations: Observations,
    plan: Plan,
    model: Model,
    accepted: Floats,
    random: np.random.Generator,
) -> Drawn:
    """Draw the rounds to come.

    Args:
        observations: the rounds so far.
        plan: the regime, and what real rows weigh.
        model: what was fitted to them.
        accepted: rows that each round accepts, [rounds, draws].
        random: source of the draws.
    """
    rows, drawn = _begin(observations, accepted.shape[1]), Drawn()
    for kept in accepted:
        before = _mix(rows, plan, random)
        variance = _variance(before, model, random)
        _add(rows, kept, variance, plan.fresh)
        mix = _mix(rows, plan, random)
        drawn.real_share.append(mix.real_share)
        if model.shrinkage is None:
            continue
        drawn.variance.append(variance)
        recall = None if model.of_rounds is None else model.of_rounds.recall(variance, random)
        if recall is not None:
            drawn.recall.append(recall)
        if plan.regime == REPLACE and recall is not None:
            drawn.mix_recall.append(recall)
        elif plan.regime != REPLACE and model.of_mixes is not None:
            drawn.mix_recall.append(model.of_mixes.recall(mix.variance, random))
    return drawn


def _variance(learned: _Mix, model: Model, random: np.random.Generator) -> Floats:
    """The variance of the next round; that of its mix where no change could be fitted."""
    if model.shrinkage is None:
        return learned.variance
    change = model.shrinkage.of_round(random) + np.log1p(-1 / np.maximum(learned.rows, 2))
    found: Floats = learned.variance * np.exp(change)
    return found


def _begin(observations: Observations, draws: int) -> _Rows:
    """The rows so far; a round whose variance was not measured counts as the others do."""
    measured = {
        each.number: each.variance.value
        for each in observations.generated
        if each.variance is not None
    }
    usual = float(np.mean(list(measured.values()))) if measured else 1.0
    generated = observations.generated
    total = sum(each.accepted * measured.get(each.number, usual) for each in generated)
    last = observations.rounds[-1]
    variance = 1.0 if last.is_real else measured.get(last.number, usual)
    return _Rows(
        real=np.full(draws, float(observations.real_rows)),
        generated=np.full(draws, float(sum(each.accepted for each in generated))),
        variance_sum=np.full(draws, float(total)),
        last=np.full(draws, float(max(last.accepted, 1))),
        last_variance=np.full(draws, variance),
        last_is_real=last.is_real,
    )


def _add(rows: _Rows, kept: Floats, variance: Floats, fresh: int) -> None:
    rows.real = rows.real + fresh
    rows.generated = rows.generated + kept
    rows.variance_sum = rows.variance_sum + kept * variance
    rows.last, rows.last_variance, rows.last_is_real = kept, variance, False


def _mix(rows: _Rows, plan: Plan, random: np.random.Generator) -> _Mix:
    """Mix rows by a regime."""
    if plan.regime == REPLACE:
        share = np.full_like(rows.last, float(rows.last_is_real))
        return _Mix(rows.last, share, rows.last_variance)
    real, generated = rows.real, rows.generated
    if plan.regime == SUBSAMPLE:
        size = np.minimum(plan.sample_size or real, real + generated).astype(np.int64)
        drawn = random.hypergeometric(real.astype(np.int64), generated.astype(np.int64), size)
        real = drawn.astype(np.float64)
        generated = size.astype(np.float64) - real
    weight = _weight(plan, real, generated) * real
    share = weight / (weight + generated)
    of_generated = rows.variance_sum / np.maximum(rows.generated, 1)
    return _Mix(real + generated, share, share + (1 - share) * of_generated)


def _weight(plan: Plan, real: Floats, generated: Floats) -> Floats | float:
    """Weight of a real row, as the plan has it or for each draw by its own rows."""
    if plan.real_weight != training_mix.AUTO:
        return float(plan.real_weight)
    return training_mix.best_weight(generated / np.maximum(real, 1))


def figures(drawn: Drawn) -> Iterator[tuple[str, list[Floats]]]:
    """Names and draws of the figures that were fitted."""
    for name in FIGURES:
        values: list[Floats] = getattr(drawn, name)
        if values:
            yield name, values
