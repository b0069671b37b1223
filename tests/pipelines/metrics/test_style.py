"""A change of style moves the points of a network, and is told from a change of content."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from expectations.measures import features
from pipelines.common.plugins import NoSettings
from pipelines.features import image_descriptor, images
from pipelines.features.pictures import Pictures
from pipelines.metrics import Labelled, Metric
from pipelines.metrics.classes import Classes
from pipelines.metrics.content import Content
from pipelines.metrics.protocol import MetricRequest
from pipelines.metrics.shape import Shape
from pipelines.metrics.style import Style

SIDE, CLASSES, COUNT = 20, 2, 160
Values = NDArray[np.float32]


def scenes(seed: int) -> Values:
    """Discs on a ground, in two classes of colours, at random places, [n, h, w, 3]."""
    draw = np.random.default_rng(seed)
    down, across = np.mgrid[:SIDE, :SIDE]
    found = np.empty((COUNT, SIDE, SIDE, 3), dtype=np.float32)
    for row in range(COUNT):
        middle, width = draw.uniform(6, 14, 2), draw.uniform(3, 6)
        disc = np.hypot(down - middle[0], across - middle[1]) < width
        colour = draw.uniform(0.1, 0.5, 3) + 0.4 * np.eye(3)[row % CLASSES]
        found[row] = np.where(disc[..., None], colour, draw.uniform(0.7, 0.9, 3))
    return found


def labelled(values: Values) -> Labelled:
    """Rows as a network measures them; what describes images to classifiers stands for it."""
    files = images.column(images.to_bytes(values))
    embed = image_descriptor.described
    points = embed(images.to_unit(images.decode(files)))
    return Labelled(points, np.arange(COUNT) % CLASSES, pictures=Pictures(files, embed))


REAL, HELD = labelled(scenes(1)), labelled(scenes(2))


def measured(values: Values, real: Labelled = REAL, held: Labelled = HELD) -> Mapping[str, Metric]:
    rows = labelled(values)
    request = MetricRequest(
        real=real,
        validation=held,
        sets={"accepted": rows, "mix": real},
        features=features.fit(real.vectors),
        null_draws=5,
        bootstrap=20,
        seed=9,
    )
    plugins = (Shape(), Classes(), Content(), Style())
    found = [each.measure(request, NoSettings())["accepted"] for each in plugins]
    return {name: metric for figures in found for name, metric in figures.items()}


@pytest.fixture(scope="module")
def plain() -> Mapping[str, Metric]:
    return measured(scenes(3))


def test_a_style_moves_the_shape_and_not_the_content(plain: Mapping[str, Metric]) -> None:
    dull = 0.3 + 0.5 * (scenes(3) - 0.3)
    found = measured(dull)
    assert found["recall"].value < 0.6 * plain["recall"].value
    assert found["class_coverage"].value < 0.6 * plain["class_coverage"].value
    for name in ("recall", "coverage", "variance", "rare_recall"):
        own = plain[f"content_{name}"]
        assert found[f"content_{name}"].value == pytest.approx(own.value, abs=0.1)
        assert own.value / own.null > 0.8
    for name in ("class_coverage", "class_variance"):
        same = plain[f"content_{name}"].value
        assert found[f"content_{name}"].value == pytest.approx(same, abs=0.1)


def test_a_class_that_collapsed_is_no_style(plain: Mapping[str, Metric]) -> None:
    values = scenes(3)
    values[::2] = values[0] + np.random.default_rng(5).normal(0, 0.02, values[::2].shape)
    found = measured(0.8 * np.clip(values, 0, 1))
    assert found["content_class_variance"].to_dict()["of"] == "0"
    assert found["content_class_variance"].value < 0.3 * plain["content_class_variance"].value
    assert found["content_class_coverage"].value < 0.5


def test_rows_that_lost_their_modes_are_no_style(plain: Mapping[str, Metric]) -> None:
    values = scenes(3)
    found = measured(0.85 * np.concatenate([values[:16]] * 10))
    assert found["content_recall"].value < 0.5 * plain["content_recall"].value


@pytest.mark.slow
def test_images_that_lost_a_part_of_the_range_of_colours_are_no_style() -> None:
    """Each image is of nearly one colour, so its colour is its content."""

    def plain_ones(seed: int, width: float) -> Values:
        draw = np.random.default_rng(seed)
        grounds = 0.5 + width * draw.uniform(-0.4, 0.4, (COUNT, 1, 1, 3))
        return np.clip(grounds + draw.normal(0, 0.02, (COUNT, SIDE, SIDE, 3)), 0, 1)

    real, held = (labelled(plain_ones(seed, 1.0)) for seed in (1, 2))
    whole, narrow = (measured(plain_ones(3, width), real, held) for width in (1.0, 0.4))
    for name in ("recall", "rare_recall", "class_coverage"):
        assert whole[f"content_{name}"].value > 0.8
        assert narrow[f"content_{name}"].value < 0.35
    assert narrow["content_variance"].value < 0.65


def test_no_more_rows_are_compared_than_there_are_real_ones() -> None:
    few = REAL.at(np.arange(40))
    found = measured(scenes(3), few)
    assert found["content_coverage"].value < found["content_coverage"].null + 0.1


def test_rows_that_no_network_measures_have_no_such_figures() -> None:
    bare = Labelled(REAL.vectors, REAL.labels)
    request = MetricRequest(bare, bare, {"accepted": bare}, features.fit(bare.vectors), 5, 20, 9)
    assert Style().measure(request, NoSettings()) == {"accepted": {}}


def test_rows_without_classes_have_no_figures_of_them() -> None:
    one = Labelled(REAL.vectors, np.zeros(COUNT, dtype=np.int64), pictures=REAL.pictures)
    request = MetricRequest(one, one, {"accepted": one}, features.fit(one.vectors), 5, 20, 9)
    found = Style().measure(request, NoSettings())["accepted"]
    assert "content_recall" in found
    assert not [name for name in found if name.startswith("content_class")]
