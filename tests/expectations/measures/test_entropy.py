"""Entropy of points by their neighbours: by hand, and where the entropy is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from expectations.measures import entropy


def test_four_points_on_a_line_have_the_entropy_that_their_distances_give() -> None:
    points = np.asarray([0.0, 1.0, 3.0, 7.0])[:, None]
    logs = (math.log(7) + math.log(6) + math.log(4) + math.log(7)) / 4
    assert entropy.estimate(points) == pytest.approx(1 / 3 + math.log(2) + logs)


def test_a_normal_distribution_has_its_entropy_and_a_narrower_one_less() -> None:
    points = np.random.default_rng(0).normal(size=(1500, 2))
    found = entropy.estimate(points)
    assert found == pytest.approx(math.log(2 * math.pi * math.e), abs=0.1)
    assert entropy.estimate(points / 2) == pytest.approx(found - 2 * math.log(2))


def test_rows_that_repeat_have_a_finite_entropy_and_too_few_have_none() -> None:
    assert entropy.estimate(np.ones((9, 2))) < -30
    assert math.isnan(entropy.estimate(np.ones((3, 2))))
