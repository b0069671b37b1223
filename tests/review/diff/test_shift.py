"""Distributions of two sides: effect sizes, tests, and what counts as a shift."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Literal

import numpy as np
import polars as pl
import pytest
from scipy import stats

from pipelines.features import images
from review.diff import effects
from review.diff.shift import Shift, shifts


def one(old: pl.Series, new: pl.Series) -> Shift:
    (shift,) = shifts(old.to_frame("v").lazy(), new.to_frame("v").lazy(), ["v"])
    return shift


def test_numbers_are_compared_as_scipy_does() -> None:
    draw = np.random.default_rng(1)
    left, right = draw.normal(0, 1, 400), draw.normal(0.8, 1, 300)
    shift = one(pl.Series(left), pl.Series(right))
    u = stats.mannwhitneyu(right, left)
    assert shift.effect == pytest.approx(2 * u.statistic / (400 * 300) - 1)
    expected = stats.ks_2samp(left, right, method="asymp")
    assert shift.figures["kolmogorov_smirnov"] == pytest.approx(expected.statistic)
    assert shift.figures["wasserstein"] == pytest.approx(stats.wasserstein_distance(left, right))
    assert shift.p_value == pytest.approx(
        stats.kstwobign.sf(expected.statistic * np.sqrt(400 * 300 / 700))
    )
    assert shift.shifted
    assert shift.size in ("medium", "large")


def test_a_change_of_spread_alone_is_a_shift() -> None:
    draw = np.random.default_rng(2)
    shift = one(pl.Series(draw.normal(0, 1, 2000)), pl.Series(draw.normal(0, 9, 2000)))
    assert abs(shift.effect or 0) < 0.1
    assert shift.shifted


def test_the_same_distribution_is_no_shift() -> None:
    draw = np.random.default_rng(3)
    names = list("abcdefghij")
    left, right = (
        pl.DataFrame({name: draw.normal(size=500) for name in names}).lazy() for _ in range(2)
    )
    assert not any(column.shifted for column in shifts(left, right, names))


def test_categories_are_compared_as_scipy_does() -> None:
    old = pl.Series(["a"] * 50 + ["b"] * 30 + ["c"] * 20)
    new = pl.Series(["a"] * 20 + ["b"] * 30 + ["d"] * 70)
    shift = one(old, new)
    table = np.array([[50, 30, 20, 0], [20, 30, 0, 70]])
    expected = stats.chi2_contingency(table, correction=False, lambda_="log-likelihood")
    assert shift.figures["g"] == pytest.approx(expected.statistic)
    assert shift.p_value == pytest.approx(expected.pvalue)
    assert shift.effect == pytest.approx(stats.contingency.association(table, "cramer"))
    assert shift.figures["total_variation"] == pytest.approx(
        np.abs(table[0] / 100 - table[1] / 120).sum() / 2
    )
    assert (shift.gained, shift.lost, shift.shifted) == (("d",), ("c",), True)


def test_rare_categories_count_as_one() -> None:
    counts = np.array([[100, *[1] * 40, *[0] * 40], [100, *[0] * 40, *[1] * 40]])
    tested = effects.categories(counts)
    assert tested.p_value == pytest.approx(1.0)
    assert tested.total_variation == pytest.approx(40 / 140)
    assert effects.categories(np.array([[9], [9]])).p_value == 1.0


def test_texts_are_compared_by_length_and_by_words() -> None:
    old = pl.LazyFrame({"v": [f"the cat number {number} sat" for number in range(200)]})
    new = pl.LazyFrame({"v": [f"dogs {number}" for number in range(200)]})
    lengths, words = shifts(old, new, ["v"])
    assert (lengths.column, lengths.kind, lengths.shifted) == ("v: length", "numeric", True)
    assert (words.column, words.kind, words.p_value) == ("v: words", "words", None)
    assert words.gained == ("dogs",)
    assert words.lost[:2] == ("cat", "number")
    assert words.effect == pytest.approx(0.8)


def test_images_are_compared_by_brightness_and_contrast() -> None:
    draw = np.random.default_rng(4)
    dark, bright = (
        images.encode_lenient(draw.uniform(low, low + 0.2, (40, 6, 6)).astype(np.float32))
        for low in (0.1, 0.6)
    )
    spoilt = pl.concat([bright, pl.Series([{"bytes": b"no image", "path": None}, None])])
    figures = shifts(
        dark.to_frame("v").lazy(), spoilt.cast(images.IMAGE).to_frame("v").lazy(), ["v"]
    )
    assert [column.column for column in figures] == ["v: brightness", "v: contrast"]
    assert figures[0].shifted
    assert figures[0].before["mean"] == pytest.approx(0.2, abs=0.02)
    assert (figures[0].rows, figures[0].nulls) == ((40, 42), (0, 1))


def test_what_cannot_be_compared_says_its_nulls() -> None:
    old, new = pl.Series([[1], None]), pl.Series([None, None, [2]])
    shift = one(old, new)
    assert (shift.kind, shift.rows, shift.nulls, shift.effect) == ("other", (2, 3), (1, 2), None)
    few = one(pl.Series([1.5, None]), pl.Series([float("nan"), 3.25]))
    assert (few.nulls, few.p_value, few.shifted) == ((1, 0), None, False)
    nothing = one(pl.Series([None, None], dtype=pl.String), pl.Series([], dtype=pl.String))
    assert (nothing.rows, nothing.p_value) == ((2, 0), None)


def test_p_values_are_adjusted_by_holm() -> None:
    values = [0.01, None, 0.04, 0.03, 0.005]
    assert effects.holm(values) == pytest.approx([0.03, None, 0.06, 0.06, 0.02])
    assert effects.holm([0.9, 0.8]) == [1.0, 1.0]
    assert effects.holm([]) == []


def test_decimals_have_their_own_mean_whatever_their_scale() -> None:
    values = [Decimal("1.50"), Decimal("2.50")] * 10
    old = pl.Series(values, dtype=pl.Decimal(9, 2))
    shift = one(old, old.cast(pl.Decimal(9, 4)))
    assert (shift.before["mean"], shift.after["mean"]) == (2.0, 2.0)
    assert (shift.effect, shift.shifted) == (0.0, False)


@pytest.mark.parametrize("unit", ["ms", "ns"])
def test_times_in_another_unit_are_no_shift(unit: Literal["ms", "ns"]) -> None:
    old = pl.Series([datetime(2024, 1, day, tzinfo=UTC) for day in range(1, 21)])
    for left, right in ((old, old.dt.cast_time_unit(unit)), (old.dt.date(), old)):
        shift = one(left, right)
        assert (shift.effect, shift.shifted) == (0.0, False)
        assert shift.before == shift.after
    passed = old.diff()
    assert not one(passed, passed.dt.cast_time_unit(unit)).effect


def test_a_column_that_turned_nan_has_no_values() -> None:
    shift = one(pl.Series([1.5] * 20), pl.Series([float("nan")] * 20))
    assert (shift.nulls, shift.nan, shift.absent, shift.after) == ((0, 0), (0, 20), (0, 20), {})
