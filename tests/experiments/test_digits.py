"""Small generators of digits do what they say, and experiments that come out otherwise fail."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments import collapse_map, digits, plots
from experiments.digits import Rows
from experiments.experiment import Estimate, HeatMap, Part


def rows(values: list[float], labels: list[int]) -> Rows:
    pixels = np.zeros((len(values), 64))
    pixels[:, 0] = values
    return Rows(pixels, np.asarray(labels))


def part(figures: dict[str, float]) -> Part:
    return Part(
        {name: Estimate(value, value - 1e-3, value + 1e-3) for name, value in figures.items()}
    )


def test_interpolated_rows_lie_between_neighbours_of_one_class() -> None:
    known = rows([0.1, 0.2, 0.9, 0.5], [0, 0, 0, 1])
    made = digits.interpolated(known, 600, np.random.default_rng(0))
    assert set(made.labels.tolist()) == {0}  # the other class has a single row
    first = made.pixels[:, 0]
    assert ((first >= 0.125 - 1e-9) & (first <= 0.725 + 1e-9)).all()
    assert not ((first > 0.175 + 1e-9) & (first < 0.275 - 1e-9)).any()  # a quarter of either


def test_recall_is_the_share_of_rows_within_reach() -> None:
    made = rows([0.10, 0.11, 0.12, 0.13], [0] * 4)
    assert digits.recall(made, rows([0.12, 0.15, 0.9], [0] * 3)) == pytest.approx(2 / 3)


def test_the_split_has_each_row_once() -> None:
    train, test = digits.split(900, np.random.default_rng(1))
    assert (len(train), len(test)) == (900, 897)
    both = np.sort(train.joined(test).pixels.sum(axis=1))
    assert both == pytest.approx(np.sort(digits.real().pixels.sum(axis=1)))


def test_the_map_of_collapse_falls_by_share_and_iteration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collapse_map, "ITERATIONS", 2)
    whole, none = collapse_map.recalls(1.0, 3), collapse_map.recalls(0.0, 3)
    assert whole[0] == none[0]
    assert all(after < before - 0.03 for before, after in pairwise(whole))
    assert none[2] > 2 * whole[2]


def test_a_map_without_collapse_fails() -> None:
    last = dict(zip(collapse_map.SHARES, (0.4, 0.3, 0.2, 0.15, 0.1, 0.05), strict=True))
    right = {collapse_map.name(share): part({"last": value}) for share, value in last.items()}
    assert all(each.holds for each in collapse_map.conclude(right))
    for share, value, fails in ((0.25, 0.19, 0), (1.0, 0.14, 1), (0.75, 0.25, 2)):
        found = collapse_map.conclude({**right, collapse_map.name(share): part({"last": value})})
        assert not found[fails].holds


def test_a_map_is_drawn_from_dark_to_light(tmp_path: Path) -> None:
    cells = [(str(x), y, value) for y, value in (("a", 0.0), ("b", 1.0)) for x in range(3)]
    plots.write(HeatMap("x", "y", "figure", cells), tmp_path / "map.png")
    with Image.open(tmp_path / "map.png") as picture:
        grey = np.asarray(picture.convert("L"), dtype=float)
    height, width = grey.shape
    upper, lower = (grey[round(part_ * height), width // 2 + 20] for part_ in (0.4, 0.7))
    assert upper + 80 < lower
