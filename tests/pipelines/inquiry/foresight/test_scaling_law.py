"""The scaling law is found again, and synthetic rows are worth what they were made to be worth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.inquiry.foresight import scaling, scaling_law
from pipelines.inquiry.foresight.scaling_law import Curve

LAW = Curve(a=1.5, b=0.5, c=0.02)
SIZES = (20, 50, 125, 320, 800)


def losses(law: Curve, sizes: tuple[int, ...], noise: float = 0.003) -> dict[int, list[float]]:
    """Five repeats at each size."""
    random = np.random.default_rng(3)
    return {size: (law.loss(size) + random.normal(0, noise, 5)).tolist() for size in sizes}


def test_the_law_is_found_again_within_its_interval() -> None:
    found = scaling_law.fit(losses(LAW, SIZES), 60, seed=0)
    assert found is not None
    assert found.curve.b == pytest.approx(LAW.b, abs=0.05)
    for name in ("a", "b", "c"):
        low, high = found.interval(name)
        assert low <= getattr(LAW, name) <= high
    assert found.curve.rows(LAW.loss(200)) == pytest.approx(200, rel=0.1)
    assert found.curve.rows(LAW.c / 2) is None


def test_three_sizes_are_too_few() -> None:
    assert scaling_law.fit(losses(LAW, SIZES[:3]), 20, seed=0) is None


def test_synthetic_rows_are_worth_what_they_were_made_to_be() -> None:
    """Five synthetic rows count as one real row, so 400 beside 50 real ones are as 130 are."""
    law = scaling_law.fit(losses(LAW, SIZES), 60, seed=0)
    mixed = {50: losses(LAW, (50 + 80,))[130]}
    (worth,) = scaling_law.worths(law, mixed, 400, 800, seed=1)
    assert worth.per_real is not None
    assert worth.low is not None
    assert worth.high is not None
    assert worth.low <= 5 <= worth.high
    assert worth.per_real == pytest.approx(5, rel=0.2)


def test_what_gains_nothing_or_more_than_all_real_rows_is_not_measured() -> None:
    law = scaling_law.fit(losses(LAW, SIZES), 60, seed=0)
    none, beyond = scaling_law.worths(
        law, {50: losses(LAW, (50,))[50], 60: [LAW.c / 2] * 5}, 400, 800, seed=1
    )
    assert (none.per_real, none.why) == (None, "no gain beyond chance")
    assert beyond.per_real is None
    assert "that no 800 real rows have" in beyond.why
    (unknown,) = scaling_law.worths(None, {50: [0.1] * 5}, 400, 800, seed=1)
    assert unknown.why == "no law could be fitted"


def test_sizes_are_multiples_and_a_torn_result_is_measured_again(tmp_path: Path) -> None:
    assert scaling.ladder(10, 160, 5) == [10, 20, 40, 80, 160]
    assert scaling.ladder(10, 8, 5) == [8]
    place = tmp_path / "kept.jsonl"
    place.write_text('{"kind": "real", "rows": 10, "repeat": 0, "loss": 0.25}\n{"kind": "re')
    assert scaling.kept(place) == {scaling.Run("real", 10, 0): 0.25}


def test_a_flat_law_says_of_no_number_of_rows_that_it_has_a_loss() -> None:
    assert Curve(1.0, 1e-5, 0.1).rows(0.2) is None
    assert Curve(1.0, 0.5, 0.1).rows(0.2) == pytest.approx(100)
