"""Columns, distances, encoding and values of tables."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from pipelines.features.tables import between, boosting, encoding, gower, kernels, kinds

COLUMNS = ("size", "count", "kind", "open")


def table(seed: int, count: int) -> pl.DataFrame:
    """Rows with a column of each kind, some of them null."""
    draw = np.random.default_rng(seed)
    place = pl.int_range(pl.len())
    return pl.DataFrame({
        "size": draw.normal(size=count).round(1),
        "count": draw.integers(0, 9, count),
        "kind": draw.choice(["x", "y", "z"], count),
        "open": draw.choice([True, False], count),
    }).with_columns(
        pl.when(place % 7 != 0).then("size"), pl.when(place % 5 != 0).then("kind")
    )  # fmt: skip


def all_distances(left: gower.Points, right: gower.Points) -> NDArray[np.float64]:
    """Gower's distances by their definition, [n, m]."""
    total = (left.codes[:, None] != right.codes[None]).sum(axis=2).astype(float)
    one, two = left.numbers[:, None], right.numbers[None]
    gap = np.minimum(np.abs(one - two), 1)
    gap = np.where(np.isnan(one) | np.isnan(two), 1.0, gap)
    total += np.where(np.isnan(one) & np.isnan(two), 0.0, gap).sum(axis=2)
    return total / left.columns


@pytest.mark.parametrize("near", [0.0, 0.01, 0.1, 0.3, 1.0])
def test_neighbours_and_groups_are_those_of_all_distances(near: float) -> None:
    rows, real = table(1, 60), table(2, 90)
    left, right = gower.points([rows, real], COLUMNS, real)
    expected = all_distances(left, right)
    distances, found = gower.closest(left, right, 3, near)
    for row, each in enumerate(expected):
        close = np.flatnonzero(each <= near + 1e-12)
        wanted = each[close[np.lexsort((close, each[close].round(12)))][:3]]
        assert np.allclose(distances[row][found[row] >= 0], wanted)
        assert np.allclose(each[found[row][found[row] >= 0]], wanted)
    edges = gower.linked(right, near)
    links = coo_array((np.ones(len(edges)), edges.T), shape=(90, 90))
    wanted_groups = connected_components(all_distances(right, right) <= near + 1e-12)[0]
    assert connected_components(links, directed=False)[0] == wanted_groups
    assert len(edges) == 90 - wanted_groups


def compared_with_all(
    left: gower.Points, right: gower.Points, count: int, *, same: bool
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """What `gower.closest` gives, found by a loop over all pairs."""
    sums = np.full((len(left), count), np.inf)
    found = np.full((len(left), count), -1, dtype=np.int64)
    group, order = np.zeros(len(right), np.int64), np.arange(len(right))
    own = np.zeros(len(left), np.int64)
    kernels.search(
        left.numbers, left.codes, own, right.numbers, right.codes, order, group, -1,
        float(left.columns), False, same, sums, found,
    )  # fmt: skip
    return sums / left.columns, found


@pytest.mark.parametrize("columns", [COLUMNS, ("size",), ("kind", "open")])
@pytest.mark.parametrize("count", [1, 4])
def test_boxes_pass_over_no_row_that_is_closer_or_as_close_and_lower(
    columns: tuple[str, ...], count: int
) -> None:
    rows, real = table(3, 40), table(4, 200)
    left, right = gower.points([rows, real], columns, real)
    for one, same in ((left, False), (right, True)):
        distances, found = gower.closest(one, right, count, skip_self=same)
        expected = compared_with_all(one, right, count, same=same)
        assert np.array_equal(distances, expected[0])
        assert np.array_equal(found, expected[1])
    nothing = gower.Points(right.numbers[:0], right.codes[:0])
    assert (gower.closest(left, nothing, count)[1] == -1).all()
    assert len(gower.closest(nothing, right, count)[1]) == 0


def test_one_outlier_does_not_make_all_other_rows_near() -> None:
    values = [float(each) for each in range(200)] + [1e9]
    frame = pl.DataFrame({"size": values})
    (points,) = gower.points([frame], ["size"], frame)
    assert len(gower.linked(points, 0.001)) == 0


def test_a_row_that_lacks_a_value_is_not_the_same_as_one_that_has_it() -> None:
    frame = pl.DataFrame({"a": [1.0, None, None], "b": ["x", "x", "x"]})
    (points,) = gower.points([frame], ["a", "b"], frame)
    assert gower.linked(points, 0.01).tolist() == [[1, 2]]
    distances, rows = gower.closest(points, points, 2, skip_self=True)
    assert rows[0].tolist() == [1, 2]
    assert distances[0].tolist() == [0.5, 0.5]


def test_the_encoding_is_fixed_on_real_rows_and_puts_all_columns_on_one_scale() -> None:
    real = pl.DataFrame({"n": [1.0, 10.0, 100.0, 1000.0], "c": ["a", "a", "b", None]})
    points = encoding.fit(real, ["n", "c"])
    assert points(real)[:, 0].tolist() == [0.125, 0.375, 0.625, 0.875]
    given = pl.DataFrame({"n": [10.0, None, 1e9], "c": ["b", "never seen", None]})
    found = points(given)
    assert found[0, 0] == 0.375
    assert found[2, 0] == 1.875
    one, two = (
        points(real[:1].with_columns(c=pl.lit("a"))),
        points(real[:1].with_columns(c=pl.lit("b"))),
    )
    assert np.linalg.norm(one - two) == pytest.approx(1)


def test_times_count_in_seconds() -> None:
    days = pl.Series([date(1970, 1, 2), None])
    assert np.array_equal(kinds.numbers(days), [86_400.0, np.nan], equal_nan=True)
    for unit in ("ms", "us", "ns"):
        stamp = pl.Series([datetime(1970, 1, 1, 0, 1)], dtype=pl.Datetime(unit))  # type: ignore[arg-type]  # noqa: DTZ001  without a zone
        assert kinds.numbers(stamp)[0] == pytest.approx(60)


def test_values_between_two_rows_are_such_as_the_column_has() -> None:
    known = pl.DataFrame({
        "float": [0.5, 2.25, 9.75],
        "whole": [0, 7, 100],
        "day": [date(2024, 1, 1), date(2024, 1, 8), date(2024, 2, 5)],
        "cents": [Decimal("0.50"), Decimal("1.50"), Decimal("99.00")],
        "large": [2**62, 2**62 + 2, 2**62 + 4],
        "kind": ["a", "b", "c"],
    })  # fmt: skip
    left = pl.concat([known[:1]] * 400)
    right = pl.concat([known[2:]] * 400)
    share = np.linspace(0.01, 0.99, 400)
    mixed = between.rows(left, right, share, known, np.random.default_rng(1))
    assert mixed.schema == known.schema
    assert mixed["float"].is_between(0.5, 9.75).all()
    assert (mixed["float"].round(2) == mixed["float"]).all()
    assert set(mixed["whole"]) == {0, 7, 100}
    assert set(mixed["day"].dt.weekday()) == {1}
    assert mixed["cents"].is_sorted()
    assert set(mixed["cents"]) > {Decimal("1.50"), Decimal("50.00")}
    assert set(mixed["large"]) == {2**62, 2**62 + 2, 2**62 + 4}
    assert set(mixed["kind"]) == {"a", "c"}


def test_a_null_on_one_side_comes_by_the_share_of_that_side() -> None:
    known = pl.DataFrame({"n": [1.0, 2.0]})
    left = pl.DataFrame({"n": [1.0] * 2000})
    right = pl.DataFrame({"n": [None] * 2000}, schema={"n": pl.Float64})
    mixed = between.rows(left, right, np.full(2000, 0.25), known, np.random.default_rng(1))
    assert mixed["n"].null_count() == pytest.approx(500, abs=80)
    assert set(mixed["n"].drop_nulls()) == {1.0}


def test_trees_take_a_column_of_nulls_alone_as_if_it_were_not_there() -> None:
    count = 120
    frame = pl.DataFrame({"size": [float(row % 10) for row in range(count)]}).with_columns(
        empty=pl.lit(None, pl.Float64), since=pl.lit(None, pl.Date), note=pl.lit(None, pl.String)
    )
    labels = np.asarray(["low" if row % 10 < 5 else "high" for row in range(count)])
    rows, alone = kinds.records(frame, frame.columns), kinds.records(frame, ["size"])
    later = kinds.records(frame.with_columns(empty=pl.lit(3.0)), frame.columns)
    expected = boosting.classifier(alone, labels).probabilities(alone)
    trained = boosting.classifier(rows, labels)
    assert np.array_equal(trained.probabilities(rows), expected)
    assert np.array_equal(trained.probabilities(later), expected)
    target = frame["size"].to_numpy()
    numbers = boosting.regressor(rows, target).values(rows)
    assert np.array_equal(numbers, boosting.regressor(alone, target).values(alone))


def test_trees_see_categories_nulls_and_categories_that_they_never_saw() -> None:
    count = 200
    frame = pl.DataFrame({
        "kind": [None if row % 4 == 0 else "ab"[row % 2] for row in range(count)],
        "size": [float(row % 10) for row in range(count)],
    })  # fmt: skip
    labels = np.asarray(["none" if row % 4 == 0 else "some" for row in range(count)])
    rows = kinds.records(frame, ["kind", "size"])
    trained = boosting.classifier(rows, labels)
    assert (trained.labels(rows) == labels).all()
    strange = kinds.records(pl.DataFrame({"kind": ["zzz"], "size": [1.0]}), ["kind", "size"])
    assert trained.labels(strange)[0] in {"none", "some"}
    only = boosting.classifier(rows, np.full(count, "one"))
    assert set(only.labels(rows)) == {"one"}
    classes, probabilities = boosting.unseen(rows, labels, seed=1)
    assert (classes[probabilities.argmax(axis=1)] == labels).all()
    assert np.allclose(probabilities.sum(axis=1), 1)
