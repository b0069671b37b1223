"""The effective number of clusters of meaning, and what fewer rows would have of it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from expectations.measures import meaning


def test_clusters_count_by_their_shares() -> None:
    assert meaning.effective(np.asarray([4, 4, 0])) == pytest.approx(2)
    by_hand = math.exp(0.75 * math.log(4 / 3) + 0.25 * math.log(4))
    assert meaning.effective(np.asarray([3, 1])) == pytest.approx(by_hand)


def test_a_rarefied_number_is_that_of_fewer_rows() -> None:
    even = np.asarray([5, 5])
    assert meaning.rarefied(even, 1, 0) == 1
    assert meaning.rarefied(even, 2, 0) == pytest.approx(4 / 9 + 2 * 5 / 9, abs=0.1)
    assert meaning.rarefied(even, 10, 0) == pytest.approx(2)
    assert math.isnan(meaning.rarefied(even, 11, 0))


def test_rows_count_for_the_centre_that_is_nearest() -> None:
    real = np.asarray([[0.0], [0.1], [5.0], [5.1]])
    centres = meaning.centres(real, 2, 1)
    assert sorted(centres[:, 0]) == pytest.approx([0.05, 5.05])
    low = int(centres[:, 0].argmin())
    found = meaning.counts(np.asarray([[1.0], [2.0], [4.0]]), centres)
    assert found[low] == 2
    assert found.sum() == 3
