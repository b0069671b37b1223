"""Each formula has the value that its source gives, and a changed one fails its criterion."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from experiments import (
    categorical,
    gaussian,
    kernel_density,
    known_failures,
    mixing_weight,
    rare_class,
    registry,
    regression,
    running,
    sampling_bias,
    strong_collapse,
    verification,
)
from experiments.__main__ import KEPT as RESULTS
from experiments.experiment import Part
from pipelines.common.seeds import derive_seed

SLOW = {"E1", "E2", "E3", "E4", "E5", "E6", "collapse-map", "rare-class"}
"""They take a second or more."""
NAMES = [
    pytest.param(name, marks=pytest.mark.simulation if name in SLOW else ())
    for name in registry.MODULES
    if not registry.load(name).long and not registry.load(name).needs
]
FROM_PACKAGES = [name for name in registry.MODULES if registry.load(name).needs]
"""Experiments on packages of data, which no test fetches; parts of them are committed."""


@cache
def parts(name: str) -> Mapping[str, Part]:
    measures = registry.load(name).parts
    return {part: measure(derive_seed(0, name, part)) for part, measure in measures.items()}


@pytest.mark.parametrize("name", NAMES)
def test_every_criterion_holds_or_is_listed(name: str) -> None:
    found = registry.load(name).conclude(parts(name))
    failed = {(name, each.name) for each in found if not each.holds}
    assert failed == {key for key in known_failures.read() if key[0] == name}
    assert len({each.name for each in found}) == len(found)
    assert all(each.ours.low <= each.ours.value <= each.ours.high for each in found)


@pytest.mark.parametrize("name", FROM_PACKAGES)
def test_what_was_measured_on_packages_holds_or_is_listed(name: str) -> None:
    outcome = running.from_kept(registry.load(name), 0, RESULTS)
    assert outcome is not None
    failed = {(name, each.name) for each in outcome.findings if not each.holds}
    assert failed == {key for key in known_failures.read() if key[0] == name}


CHANGED: dict[str, tuple[str, ModuleType, str, float, int]] = {
    "a single fit": ("E1", regression, "single", 1.1, 2),
    "the bound": ("E1", regression, "bound", 0.9, 1),
    "the logarithm of a variance": ("E2", gaussian, "log_replaced", 1.02, 1),
    "an accumulated variance": ("E2", gaussian, "accumulated", 1.02, 1),
    "the limit of it": ("E2", gaussian, "limit", 0.98, 1),
    "the variance of an estimate": ("E3", kernel_density, "variance", 1.04, 1),
    "heterozygosity": ("E4", categorical, "heterozygosity", 0.96, 1),
    "support": ("E4", categorical, "support", 0.96, 1),
    "the best weight": ("E6", mixing_weight, "best_weight", 1.05, 3),
    "a biased variance": ("E7", sampling_bias, "variance", 1.06, 1),
    "wrong labels that stay": ("E8", verification, "residual", 1.05, 4),
    "the floor": ("E9", strong_collapse, "floor", 1.3, 1),
    "the mean time to loss": ("rare-class", rare_class, "mean_time", 1.15, 2),
    "lines that lose a class": ("rare-class", rare_class, "lost", 0.97, 2),
}
"""For each: experiment, module, formula, what it is multiplied by, and criteria that fail then."""


@contextmanager
def multiplied(module: ModuleType, formula: str, factor: float) -> Iterator[None]:
    right: Callable[..., float] = getattr(module, formula)

    def wrong(*given: Any) -> float:
        return factor * right(*given)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, formula, wrong)
        yield


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param(name, marks=pytest.mark.simulation if of[0] in SLOW else ())
        for name, of in CHANGED.items()
    ],
)
def test_a_changed_formula_fails_its_criterion(changed: str) -> None:
    name, module, formula, factor, fails = CHANGED[changed]
    with multiplied(module, formula, factor):
        found = registry.load(name).conclude(parts(name))
    assert sum(not each.holds for each in found) == fails


@pytest.mark.simulation
@pytest.mark.parametrize("regime", regression.FORMULAS)
def test_each_formula_of_regressions_is_held_against_its_regime(
    regime: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = regression.FORMULAS[regime]
    monkeypatch.setitem(regression.FORMULAS, regime, lambda generation: 1.1 * right(generation))
    found = regression.conclude(parts("E1"))
    assert [each.name for each in found if not each.holds] == [f"error, {regime}"]


def test_formulas_have_the_values_that_their_sources_give() -> None:
    assert regression.single() == pytest.approx(10 / 39)
    assert regression.replaced(20) == pytest.approx(200 / 39)
    assert regression.accumulated(1) == regression.accumulated_fresh(1) == regression.single()
    assert regression.accumulated(100_000) == pytest.approx(regression.bound(), rel=1e-4)
    assert gaussian.accumulated(1) == pytest.approx(0.95)
    assert gaussian.accumulated(100_000) == pytest.approx(gaussian.limit(), rel=1e-5)
    assert gaussian.limit() == pytest.approx(0.919759, abs=1e-6)
    # The mean of the logarithm of chi-square with 19 degrees of freedom, over 20, by integration.
    assert gaussian.log_replaced(1) == pytest.approx(-0.1048472, abs=1e-6)
    assert kernel_density.variance(1) == pytest.approx(0.99 + 0.09)
    assert kernel_density.variance(5000) == pytest.approx(100 * 0.09)
    assert categorical.heterozygosity(1) == pytest.approx(0.995 * categorical.heterozygosity(0))
    assert categorical.heterozygosity(100) == pytest.approx(0.5571, abs=1e-4)
    assert [mixing_weight.best_weight(k) for k in (1, 4, 9)] == pytest.approx(
        [0.618034, 0.390388, 0.282376], abs=1e-6
    )
    assert sampling_bias.variance(10) == pytest.approx(0.348678, abs=1e-6)
    assert verification.threshold(0.9, 0.3) == pytest.approx(0.75)
    assert verification.residual(verification.threshold(0.9, 0.3), 0.9, 0.3) == pytest.approx(0.5)
    assert strong_collapse.floor() == pytest.approx(0.01)
    assert rare_class.mean_time(200, 0.05) == pytest.approx(63.068, abs=1e-3)
    assert rare_class.mean_time(600, 0.02) == pytest.approx(95.805, abs=1e-3)


@pytest.mark.parametrize("k", mixing_weight.RATIOS)
def test_the_best_weight_makes_the_error_least_and_equals_it(k: int) -> None:
    best = mixing_weight.best_weight(k)
    assert k * best**2 + best - 1 == pytest.approx(0, abs=1e-12)
    assert mixing_weight.error(best, k) == pytest.approx(best)
    grid = np.linspace(0.01, 0.99, 981)
    errors = [mixing_weight.error(float(weight), k) for weight in grid]
    assert grid[int(np.argmin(errors))] == pytest.approx(best, abs=1e-3)


def test_a_class_is_followed_until_it_is_lost_or_all_there_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A class of one of two rows is lost with the next draw in a quarter of the lines."""
    monkeypatch.setattr(rare_class, "LINES", 4000)
    rounds, lines = rare_class.times(2, 0.5, 1)
    assert lines == 4000
    assert len(rounds) / lines == pytest.approx(0.5, abs=0.03)
    assert (rounds == 1).sum() / lines == pytest.approx(0.25, abs=0.03)
    assert rounds.min() == 1
