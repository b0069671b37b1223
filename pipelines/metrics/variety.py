"""How much the texts of a round differ from one another, beside real texts.

All figures are of n texts and depend on n, so each stands beside its null: the same of random real
texts, as many. None has an interval: texts that are drawn twice would count as repetition.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from expectations import scripts
from expectations.errors import CannotJudge
from expectations.measures import text_diversity, vendi_score
from pipelines.common.plugins import NoSettings
from pipelines.common.seeds import derive_seed
from pipelines.metrics import values
from pipelines.metrics.downstream import Labelled
from pipelines.metrics.protocol import MetricRequest, RoundMetric, SetFigures
from pipelines.metrics.values import Metric

Texts = NDArray[Any]

NGRAM: Final = 2
BLEU_TEXTS: Final = 50
"""Texts whose BLEU is taken, each against `BLEU_REFERENCES` others: it grows with the square."""
BLEU_REFERENCES: Final = 25


class TextVariety(RoundMetric[NoSettings]):
    """Diversity within a set of texts, beside that of real texts."""

    name = "text_variety"
    version = "text_variety/2"
    Settings = NoSettings

    def measure(self, request: MetricRequest, settings: NoSettings) -> SetFigures:  # noqa: ARG002  it has none
        """Measure each set beside random real texts."""
        return {
            name: of_texts(
                rows,
                request.real,
                request.null_draws,
                derive_seed(request.seed, name, "variety"),
            )
            for name, rows in request.sets.items()
        }


def of_texts(rows: Labelled, real: Labelled, draws: int, seed: int) -> Mapping[str, Metric]:
    """Distinct bigrams, compression ratio, self-BLEU and Vendi score.

    Args:
        rows: n rows of a round or mix; their inputs are texts.
        real: m real training rows.
        draws: random real subsets that make the null.
        seed: of the subsets.

    Returns:
        distinct_2 (Li et al. 2016), compression (Shaib et al. 2024), self_bleu (Zhu et al. 2018, in
        [0, 1]), vendi (Friedman & Dieng 2023, of the points, in [1, n]); NaN where the texts are
        too short or the same.
    """
    draw = np.random.default_rng(seed)
    figures = _figures(rows, real)
    chosen = (np.sort(draw.permutation(len(real.labels))[: len(rows.labels)]) for _ in range(draws))
    null_figures = [_figures(real.at(each), real) for each in chosen]
    metrics = {}
    for name, value in figures.items():
        null = np.asarray([each[name] for each in null_figures])
        low, high = values.interval(null) if np.isfinite(null).all() else (math.nan, math.nan)
        metrics[name] = Metric(value, math.nan, math.nan, float(null.mean()), low, high)
    return metrics


def self_bleu(texts: Texts) -> float:
    """Mean BLEU of texts against others of them, in [0, 1] (Zhu et al. 2018): more is more alike.

    The first `BLEU_TEXTS` are judged, each against the `BLEU_REFERENCES` that follow it, round the
    end. BLEU is sacrebleu's, by sentence, smoothed. Where a script has no spaces between words,
    each character is one.
    """
    from sacrebleu.metrics.bleu import BLEU  # noqa: PLC0415  slow to import

    if len(texts) < 2:  # noqa: PLR2004  one needs another
        return math.nan
    bleu = BLEU(effective_order=True, lowercase=True)
    words = [scripts.separated(str(text)) for text in texts]
    scores = []
    for position in range(min(BLEU_TEXTS, len(texts))):
        steps = range(1, min(BLEU_REFERENCES, len(texts) - 1) + 1)
        others = [words[(position + step) % len(texts)] for step in steps]
        scores.append(bleu.sentence_score(words[position], others).score / 100)
    return float(np.mean(scores))


def _figures(rows: Labelled, real: Labelled) -> dict[str, float]:
    frame = pl.Series("text", list(rows.inputs), dtype=pl.String)
    every = np.arange(len(rows.inputs))
    points = rows.vectors.astype(np.float64)
    unit = real.vectors.astype(np.float64)
    return {
        "distinct_2": _or_nan(lambda: text_diversity.ngrams(frame, NGRAM).distinct(every)),
        "compression": _or_nan(lambda: text_diversity.compression(rows.inputs)),
        "self_bleu": self_bleu(rows.inputs),
        "vendi": _or_nan(lambda: vendi_score.compute(points, vendi_score.kernel_width(unit))),
    }


def _or_nan(figure: Callable[[], float]) -> float:
    """Compute a figure; NaN where the texts do not have it."""
    try:
        return figure()
    except CannotJudge:
        return math.nan
