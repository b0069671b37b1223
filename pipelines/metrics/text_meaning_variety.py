"""How many meanings the texts of a round are spread over, beside as many real texts.

Measures of the surface (`text_variety`) count a paraphrase as new. Here texts are told apart by
clusters of vectors of the real texts, and a set that says few things in many words has few of them
(arXiv:2510.04226).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from expectations.measures import meaning
from pipelines.common import progress
from pipelines.common.seeds import derive_seed
from pipelines.common.settings import StrictModel
from pipelines.metrics import subsets
from pipelines.metrics.downstream import Labelled
from pipelines.metrics.protocol import MetricRequest, RoundMetric, SetFigures
from pipelines.metrics.values import Metric

NAME: Final = "meaning_variety"
NO_TEXTS: Final = "the rows are no texts"
LEAST: Final = 5
"""Real texts of a cluster, on average, below which there are fewer clusters."""


class MeaningVarietySettings(StrictModel):
    """What vectors tell meanings apart, and how finely."""

    vectors: Literal["terms", "sentences"] = "terms"
    """`terms`: the points of the modality, latent semantic analysis of TF-IDF fitted to the real
    texts. `sentences`: the sentence model of the extra `meaning`, which reads English."""
    clusters: int = Field(40, gt=1)
    """Clusters of the real texts; fewer where there are under five real texts for each."""
    rows: int = Field(100, gt=1)
    """Texts that the figure is rarefied to, so that rounds of other sizes compare."""


class MeaningVariety(RoundMetric[MeaningVarietySettings]):
    """Effective number of clusters of meaning that a set of texts is spread over."""

    name = "meaning_variety"
    version = "meaning_variety/2"
    Settings = MeaningVarietySettings

    def measure(self, request: MetricRequest, settings: MeaningVarietySettings) -> SetFigures:
        """Measure each set, and held-out texts in its place.

        Returns:
            meaning_variety: exp(−Σ p ln p) over the shares p of clusters, rarefied; NaN where the
            rows are no texts, or a set has fewer than `rows`. It has no interval: texts that are
            drawn twice would count as repetition.
        """
        clusters = min(settings.clusters, len(request.real.labels) // LEAST)
        if not of_texts(request.real) or clusters < 2:  # noqa: PLR2004  one tells nothing apart
            unknown = Metric(np.nan, np.nan, np.nan)
            return {name: {NAME: unknown} for name in request.sets}
        seed = derive_seed(request.seed, NAME)
        real = vectors_of(request.real, settings)
        centres = meaning.centres(real, clusters, derive_seed(seed, "clusters"))

        def figure(vectors: NDArray[np.float64], part: str) -> float:
            counts = meaning.counts(vectors, centres)
            return meaning.rarefied(counts, settings.rows, derive_seed(seed, part))

        drawn = subsets.numbers(request, derive_seed(seed, "null"))
        spread = np.asarray([figure(real[chosen], f"null {at}") for at, chosen in enumerate(drawn)])
        held = figure(vectors_of(request.validation, settings), "validation")
        return {
            name: {NAME: subsets.beside(figure(vectors_of(rows, settings), name), held, spread)}
            for name, rows in request.sets.items()
        }

    def not_applicable(self, request: MetricRequest) -> Mapping[str, str]:
        """Say that rows which are no texts have no such figure."""
        return {} if of_texts(request.real) else {NAME: NO_TEXTS}


def of_texts(rows: Labelled) -> bool:
    """Tell whether what a classifier reads of rows are texts."""
    return rows.inputs.ndim == 1 and len(rows.inputs) > 0 and isinstance(rows.inputs[0], str)


def vectors_of(rows: Labelled, settings: MeaningVarietySettings) -> NDArray[np.float64]:
    """Vectors of length 1 that tell meanings apart, [n, d]; zeros of a text without a word.

    Raises:
        LibraryError: the sentence model is asked for and not installed.
    """
    if settings.vectors == "terms":
        points = rows.vectors.astype(np.float64)
        length = np.linalg.norm(points, axis=1, keepdims=True)
        return points / np.where(length > 0, length, 1.0)
    from pipelines.features import text_meaning  # noqa: PLC0415  imports torch

    texts = pl.Series("text", list(rows.inputs), dtype=pl.String)
    with progress.bar(len(texts), "embedding texts") as told:
        return text_meaning.embed(texts, told).astype(np.float64)
