"""Small generators of digits do what they say, and experiments that come out otherwise fail."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments import added_rows, collapse_map, digits, plots, scaling_laws, synthetic_share
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


def test_gaussians_have_mean_and_variance_of_each_class() -> None:
    draw = np.random.default_rng(0)
    near = np.concatenate([0.3 + 0.05 * draw.standard_normal(400), 0.7 + 0.02 * draw.random(400)])
    made = digits.gaussians(rows(near.tolist(), [3] * 400 + [8] * 400), 4001, draw)
    assert len(made) == 4000
    for label, first in ((3, near[:400]), (8, near[400:])):
        own = made.pixels[made.labels == label]
        assert len(own) == 2000
        assert own[:, 0].mean() == pytest.approx(first.mean(), abs=0.01)
        assert own[:, 0].std() == pytest.approx(first.std(ddof=1), rel=0.1)
        assert np.abs(own[:, 1:]).max() < 1e-9


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


def test_the_law_of_losses_is_found() -> None:
    sizes = [50, 100, 200, 400, 800, 1600]
    losses = np.asarray([2.0 * n**-0.7 + 0.05 for n in sizes])
    assert scaling_laws.fitted(sizes, losses) == pytest.approx((2.0, 0.7, 0.05), rel=0.02)


def test_a_floor_below_that_of_real_rows_fails() -> None:
    names = [
        f"{letter}, {kind}, {where}"
        for letter in "abc"
        for kind in scaling_laws.SIZES
        for where in scaling_laws.DOMAINS
    ]
    figures = dict.fromkeys(names, 0.5)
    figures |= {f"c, synthetic, {where}": 0.6 for where in scaling_laws.DOMAINS}
    assert all(each.holds for each in scaling_laws.conclude({"sizes": part(figures)}))
    figures["c, synthetic, in domain"] = 0.4
    failed = [
        each.name for each in scaling_laws.conclude({"sizes": part(figures)}) if not each.holds
    ]
    assert failed == ["floor c of synthetic rows, in domain"]


def test_a_share_that_costs_too_little_or_rises_fails() -> None:
    values = dict(
        zip(
            ("0%", "20%", "40%", "60%", "80%", "100%"),
            (0.98, 0.975, 0.97, 0.965, 0.96, 0.9),
            strict=True,
        )
    )
    right = {**values, "lost at 80%": 0.02}
    assert all(each.holds for each in synthetic_share.conclude({"shares": part(right)}))
    for wrong, name in (
        ({"lost at 80%": 0.01}, "accuracy that is lost at four fifths synthetic"),
        ({"40%": 0.978}, "accuracy, synthetic rows alone"),
        ({"0%": 0.97, "20%": 0.971}, "accuracy, real rows alone"),
    ):
        found = synthetic_share.conclude({"shares": part({**right, **wrong})})
        assert not next(each for each in found if each.name == name).holds


def test_rows_that_add_nothing_fail() -> None:
    right = {"gain × 1": 0.02, "gain × 3": 0.03, "gain narrow": 0.01}
    assert all(each.holds for each in added_rows.conclude({"rows": part(right)}))
    for name in ("gain × 1", "gain × 3"):
        assert not all(
            each.holds for each in added_rows.conclude({"rows": part({**right, name: 0})})
        )
    assert not added_rows.conclude({"rows": part({**right, "gain narrow": 0.03})})[2].holds


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
