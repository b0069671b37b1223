from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipelines.common.errors import DataError
from pipelines.features.edit_settings import Edits
from pipelines.metrics import Labelled
from pipelines.metrics.tasks import ImageLabels
from pipelines.metrics.view_task import ViewLabels, ViewSettings

TASK = ViewLabels()


def stripes(seed: int, count: int, noise: float) -> Labelled:
    """Images of 8 by 8 with a bright upper or lower half, under noise."""
    draw = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    pixels = np.full((count, 8, 8), 0.3)
    pixels[labels == 0, :4] += 0.2
    pixels[labels == 1, 4:] += 0.2
    pixels = np.clip(pixels + draw.normal(0, noise, pixels.shape), 0, 1)
    return Labelled(pixels.reshape(count, 64).astype(np.float32), labels, shape=(8, 8))


def test_without_views_it_is_the_plain_classifier() -> None:
    train, test = stripes(1, 40, 0.3), stripes(2, 60, 0.3)
    plain = ImageLabels().train(train, ImageLabels.Settings())(test)
    for settings in (ViewSettings(views=0), ViewSettings(own_weight=1.0)):
        assert TASK.train(train, settings)(test).tolist() == plain.tolist()


@pytest.mark.parametrize("kind", ["edits", "neighbours"])
def test_views_are_averaged_and_the_same_each_time(kind: str) -> None:
    train, test = stripes(1, 40, 0.3), stripes(2, 200, 0.3)
    settings = ViewSettings(kind=kind, views=6, own_weight=0.2)  # type: ignore[arg-type]
    said = TASK.train(train, settings)(test)
    assert said.tolist() == TASK.train(train, settings)(test).tolist()
    assert (said == test.labels).mean() > 0.8
    plain = TASK.train(train, ViewSettings(views=0))(test)
    assert said.tolist() != plain.tolist()


def test_views_of_what_the_image_does_not_show_mislead() -> None:
    train, test = stripes(1, 40, 0.05), stripes(2, 60, 0.05)
    upside_down = Edits(vertical_flip=1.0, rotation=0.0, crop=1.0)
    found = TASK.train(train, ViewSettings(views=1, own_weight=0.0, edits=upside_down))(test)
    assert (found == 1 - test.labels).all()


@pytest.mark.parametrize(
    "points",
    [
        Labelled(np.zeros((4, 5), np.float32), np.arange(4) % 2),
        replace(stripes(1, 4, 0.3), features="b1", reduced=np.zeros((4, 64), np.float32)),
    ],
    ids=["no images", "as many points of a network as pixels"],
)
def test_rows_without_pixels_are_refused_in_a_sentence(points: Labelled) -> None:
    with pytest.raises(DataError, match="images that are measured by their pixels"):
        TASK.train(points, ViewSettings())
