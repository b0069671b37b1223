"""Lines of the diffusion model learn from what their regime says, and other outcomes fail."""

from __future__ import annotations

import numpy as np
import pytest

from experiments import diffusion_lines
from experiments.diffusion_lines import (
    ACCUMULATE,
    ACCURACY,
    AGREEMENT,
    FIGURES,
    FRECHET,
    GENERATIONS,
    PRECISION,
    RECALL,
    REGIMES,
    REPLACE,
    SHAPE,
)
from experiments.digits import Rows
from experiments.experiment import Estimate, Part
from pipelines.generators.diffusion.settings import DiffusionFit, DiffusionGenerate

ENDS = {
    FRECHET: (1.0, {REPLACE: 4.0, ACCUMULATE: 2.0}),
    RECALL: (0.6, {REPLACE: 0.1, ACCUMULATE: 0.4}),
    PRECISION: (0.9, {REPLACE: 0.95, ACCUMULATE: 0.9}),
    AGREEMENT: (0.95, {REPLACE: 0.97, ACCUMULATE: 0.95}),
}


def line(other: dict[tuple[str, str], float] | None = None) -> Part:
    """A line that collapses as papers say, but for some figures of its last generation."""
    figures = {}
    for regime in REGIMES:
        for figure in FIGURES:
            first, last = ENDS.get(figure, (1.0, dict.fromkeys(REGIMES, 1.0)))
            end = (other or {}).get((regime, figure), last[regime])
            for at, value in ((1, first), (GENERATIONS, end)):
                name = diffusion_lines.name(regime, figure, at)
                figures[name] = Estimate(value, value - 0.01, value + 0.01)
    return Part(figures)


def test_a_regime_takes_its_rows() -> None:
    rounds = [Rows(np.full((2, 64), at / 4), np.full(2, at)) for at in range(3)]
    assert diffusion_lines.mix_of(REPLACE, rounds).labels.tolist() == [2, 2]
    assert diffusion_lines.mix_of(ACCUMULATE, rounds).labels.tolist() == [0, 0, 1, 1, 2, 2]


@pytest.mark.parametrize(
    ("regime", "figure", "value", "at"),
    [
        (REPLACE, FRECHET, 2.9, 0),
        (REPLACE, RECALL, 0.21, 1),
        (ACCUMULATE, FRECHET, 2.5, 2),
        (ACCUMULATE, RECALL, 0.19, 3),
        (REPLACE, PRECISION, 0.87, 4),
        (REPLACE, AGREEMENT, 0.92, 5),
    ],
)
def test_a_line_that_ends_otherwise_fails(regime: str, figure: str, value: float, at: int) -> None:
    assert all(each.holds for each in diffusion_lines.conclude({"line 1": line()}))
    found = diffusion_lines.conclude({"line 1": line({(regime, figure): value})})
    assert not found[at].holds
    assert found[at].name == f"{figure}, generation {GENERATIONS}, {regime}"


def test_a_single_line_has_the_interval_of_its_rows_and_several_that_of_lines() -> None:
    one, other = line(), line({(REPLACE, FRECHET): 6.0})
    name = diffusion_lines.name(REPLACE, FRECHET, GENERATIONS)
    assert diffusion_lines.over({"line 1": one}, name) == Estimate(4.0, 3.99, 4.01)
    both = diffusion_lines.over({"line 1": one, "line 2": other}, name)
    assert both.value == 5.0
    assert both.low == pytest.approx(5 - 12.706, abs=0.01)  # Student's t of one degree of freedom


@pytest.mark.slow
def test_a_line_is_measured_from_real_rows_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that have learnt for two steps draw noise, in both regimes from one first round."""
    for name, value in (
        ("GENERATIONS", 2),
        ("ROWS", 100),
        ("FIT", DiffusionFit(steps=2, channels=(8, 16))),
        ("GENERATE", DiffusionGenerate(steps=1)),
    ):
        monkeypatch.setattr(diffusion_lines, name, value)
    found = {(regime, at): figures for regime, at, figures in diffusion_lines.lines(3)}
    assert list(found) == [(regime, at) for regime in REGIMES for at in range(3)]
    for figure in (FRECHET, PRECISION, RECALL, AGREEMENT):
        assert found[REPLACE, 1][figure].value == found[ACCUMULATE, 1][figure].value
    null, noise = found[REPLACE, 0], found[REPLACE, 2]
    assert set(null) == {*SHAPE.values(), ACCURACY}
    assert set(noise) == set(FIGURES)
    assert noise[FRECHET].value > 3 * null[FRECHET].value
    assert noise[RECALL].value < null[RECALL].value
    assert found[ACCUMULATE, 2][ACCURACY].value > noise[ACCURACY].value  # real rows are in its mix
