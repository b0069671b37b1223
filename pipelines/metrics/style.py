"""The shape of a round by the points of a network, with its images in the colours of the real ones.

A network sees brightness, contrast, saturation and tint, so a round of good images in another style
has another shape on its points. What the images of the round have in common of these is undone by
one linear map of their colours (`features.colour_transfer`), and they are embedded once more: what
is off with their own colours and not with these is style. Real and held-out rows are as they are,
and so is the null. A map for each image would hide what is no style: one that is paler than its
fellows, as the mean of a class is, would become as vivid as they are. So would a map that stretched
the colours in which images differ: a round that lost half of their range would have it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from pipelines.common.seeds import derive_seed
from pipelines.metrics import classes, content
from pipelines.metrics.accepted import AcceptedMetric
from pipelines.metrics.closeness import has_classes
from pipelines.metrics.downstream import Labelled
from pipelines.metrics.neighbours import drawn
from pipelines.metrics.protocol import MetricRequest
from pipelines.metrics.shape import Yardstick
from pipelines.metrics.values import Metric

MOST: Final = 2048
"""Rows of a set that are measured; of a larger one as many are drawn. A network that others trained
takes a minute of processor time for a thousand."""


class Style(AcceptedMetric):
    """Shape of the round, its rare modes and its classes, in the colours of the real rows."""

    name = "style"
    version = "style/3"

    def of_accepted(self, request: MetricRequest) -> Mapping[str, Metric]:
        """Measure the accepted rows, on points of their images in the colours of the real ones.

        Returns:
            content_recall, content_coverage, content_variance, content_tail: as the figures of
            `shape`; the tail has an interval.
            content_rare_recall: recall of the rarest held-out rows.
            content_class_coverage, content_class_variance: of the class where each is least; only
            where rows have classes.
            No figures where no network made the points.
        """
        seed = derive_seed(request.seed, "style")
        rows, held, real = (
            drawn(each, MOST, derive_seed(seed, name))
            for name, each in (
                ("accepted", request.of("accepted")),
                ("validation", request.of("validation")),
                ("real", request.real),
            )
        )
        if rows.pictures is None or real.pictures is None:
            return {}
        seen = Labelled(rows.pictures.points_in_colours_of(real.pictures), rows.labels)
        n = min(len(each.labels) for each in (seen, held, real))
        some, others = (drawn(each, n, derive_seed(seed, "shape")) for each in (seen, held))
        yardstick = Yardstick(request.real.vectors, others.vectors, request.features, n)
        found = content.without_style(yardstick, some.vectors, seed)
        rare = content.rare_recall(yardstick, some.vectors, seed, request.bootstrap)
        found |= {"content_rare_recall": rare}
        if has_classes(request.real):
            among = len(np.unique(request.real.labels))
            sets = {"accepted": seen, "validation": held, "real": real}
            of_classes = classes.of_shapes(sets, among, seed, request.bootstrap)
            found |= {f"content_{name}": each for name, each in of_classes.items()}
        return found
