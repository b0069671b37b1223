"""Predictions averaged over a test image and views that are made of it.

Chai et al. 2021, "Ensembling with deep generative views" (arXiv 2104.14551), section 3: the
classifier is trained as ever; at test time views of the image are made, and what the classifier
says of the image and of its views is averaged, the image with a weight of its own. Their views come
from a GAN into which the image was projected. Here they are what `augment` makes, edits of the
image, or what `interpolation` makes, means of the image and one of its closest training rows; a
view that shows what the image does not show can only mislead.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from pipelines.common.errors import DataError
from pipelines.common.seeds import derive_seed
from pipelines.common.settings import StrictModel
from pipelines.features import image_classifier, images
from pipelines.features.edit_settings import Edits
from pipelines.metrics.downstream import Labelled
from pipelines.metrics.protocol import Predict, Task

Labels = NDArray[Any]
Vectors = NDArray[np.float32]


class ViewSettings(StrictModel):
    """How views of a test image are made, and how much they count."""

    kind: Literal["edits", "neighbours"] = "edits"
    """edits: the image, edited. neighbours: means of the image and a close training row."""
    views: int = Field(16, ge=0, le=256)
    """Of each test image; 0: the classifier alone."""
    own_weight: float = Field(0.5, ge=0, le=1)
    """Weight of the image itself; its views share the rest equally."""
    edits: Edits = Edits()
    """As `generate.augment.image`."""
    neighbours: int = Field(5, gt=0)
    """Closest training rows, one of which is mixed into a view."""
    share: float = Field(0.25, gt=0, lt=1)
    """Greatest share of the training row in a view; it is drawn between 0 and this."""


class ViewLabels(Task[ViewSettings]):
    """Classification of images, averaged over views of each test image."""

    name = "view_labels"
    version = "view_labels/1"
    Settings = ViewSettings
    figure = "accuracy"

    def train(self, rows: Labelled, settings: ViewSettings) -> Predict:
        """Train on pixels, as `image_labels` does.

        Raises:
            DataError: the rows are no images that are measured by their pixels.
        """
        _check(rows)
        classifier = image_classifier.train(
            rows.vectors, rows.labels, rows.weights, calibrate=False
        )

        def predict(test: Labelled) -> Labels:
            said = classifier.margins(test.vectors)
            if not settings.views or not len(said):
                return _labels(classifier, said)
            views = sum(
                classifier.margins(_views(test, rows, settings, at)) for at in range(settings.views)
            )
            own = settings.own_weight
            averaged = own * said + (1 - own) / settings.views * views
            return _labels(classifier, averaged)

        return predict


def _labels(classifier: image_classifier.Classifier, margins: NDArray[np.float64]) -> Labels:
    found: Labels = classifier.classes[margins.argmax(axis=1)]
    return found


def _check(rows: Labelled) -> None:
    """Refuse rows of which no views can be made.

    Raises:
        DataError: the rows are no images that are measured by their pixels.
    """
    if not rows.shape or rows.features or len(rows.reduced):
        raise DataError(
            "the task view_labels needs images that are measured by their pixels, of at most "
            "1,024 values; set evaluate.task to image_labels, or ingest.size to a smaller one and "
            "ingest.features to pixels"
        )


def _views(test: Labelled, rows: Labelled, settings: ViewSettings, at: int) -> Vectors:
    """Make one view of each test image, [n, d]; `at` says which of its views."""
    draw = np.random.default_rng(derive_seed(at, "view_labels", settings.kind))
    if settings.kind == "neighbours":
        return _means(test.vectors, rows.vectors, settings, draw)
    from pipelines.features import image_edits  # noqa: PLC0415  Pillow

    pixels = images.to_bytes(test.vectors).reshape(-1, *test.shape)
    edited = [image_edits.edited(each, settings.edits, draw) for each in pixels]
    return images.to_unit(np.stack(edited)).reshape(test.vectors.shape)


def _means(
    test: Vectors, rows: Vectors, settings: ViewSettings, draw: np.random.Generator
) -> Vectors:
    """Mix a close training row into each test image."""
    from sklearn.neighbors import NearestNeighbors  # noqa: PLC0415  slow to import

    count = min(settings.neighbours, len(rows))
    nearest = NearestNeighbors(n_neighbors=count).fit(rows).kneighbors(test, return_distance=False)
    chosen = nearest[np.arange(len(test)), draw.integers(count, size=len(test))]
    shares = draw.uniform(0, settings.share, (len(test), 1)).astype(np.float32)
    mixed: Vectors = ((1 - shares) * test + shares * rows[chosen]).astype(np.float32)
    return mixed
