"""The least distances do not depend on the blocks that they come in."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.features import knn_translated, text_likeness
from pipelines.features.closest import Closest, slices
from pipelines.features.tables import likeness

APART = np.random.default_rng(1).integers(12, size=(9, 30)) / 8
"""Distances with many ties."""


@pytest.mark.parametrize(("rows", "columns"), [(9, 30), (2, 30), (9, 1), (4, 7)])
def test_the_least_are_those_of_the_whole_ties_by_the_lower_column(rows: int, columns: int) -> None:
    found = Closest.of(9, 4)
    for ours in slices(9, rows):
        for block in slices(30, columns):
            found.add(ours, block.start, APART[ours, block].copy())
    order = np.argsort(APART, axis=1, kind="stable")[:, :4]
    assert found.places.tolist() == order.tolist()
    assert found.distances.tolist() == np.take_along_axis(APART, order, axis=1).tolist()


def test_fewer_columns_than_wanted_leave_places_empty() -> None:
    found = Closest.of(2, 3)
    found.add(slice(0, 2), 5, np.asarray([[0.5], [0.25]]))
    assert found.places.tolist() == [[5, -1, -1]] * 2
    assert np.isnan(found.distances[:, 1:]).all()


def test_images_texts_and_tables_are_as_near_in_small_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    draw = np.random.default_rng(2)
    images = draw.random((40, 36), dtype=np.float32)
    texts = np.asarray([" ".join(draw.choice(list("abcdefgh"), 9)) for _ in range(40)])
    rows = np.zeros(40, dtype=[("x", "f8"), ("y", "f8"), ("z", "O")])
    rows["x"], rows["y"], rows["z"] = draw.random(40), draw.integers(3, size=40), list("abcd") * 10
    scale = likeness.Scale.of(rows)

    def found() -> list[object]:
        points = text_likeness.points(texts)
        return [
            each.tolist()
            for pair in (
                knn_translated.nearest(images[:9], images[5:], (6, 6), 3),
                text_likeness.nearest(points, points, 3),
                likeness.nearest(scale.points(rows), scale.points(rows), 3),
            )
            for each in pair
        ]

    whole = found()
    monkeypatch.setattr(knn_translated, "CELLS", 36 * 11)
    monkeypatch.setattr(text_likeness, "KEPT", 0)
    monkeypatch.setattr(text_likeness, "COUNTED", 60)
    monkeypatch.setattr(text_likeness, "BLOCK", 8)
    monkeypatch.setattr(likeness, "BLOCK", 13)
    assert found() == whole
