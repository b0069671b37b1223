"""How much of a text stands word for word in the real data, or in the held-out rows?

Runs of n words that two texts share are what decontamination of training data looks for: 13 words
for GPT-3 (Brown et al. 2020, appendix C), a share of runs for PaLM (Chowdhery et al. 2022, section
8) and Llama 2 (Touvron et al. 2023, A.6). A text shorter than n words is compared as a whole. Where
a script has no spaces between words, such as Chinese or Thai, each character counts as a word.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field

from pipelines.features import shingles
from pipelines.scorers import columns, digests
from pipelines.scorers.expected import Expected, Quantile
from pipelines.scorers.protocol import Given, Scorer
from pipelines.scorers.text_scorer import TextSettings, cut

COLUMNS: Final = {"text_real_overlap": pl.Float64, "text_held_out_overlap": pl.Float64}


class TextOverlapSettings(TextSettings):
    """Which column is the text, and how long a run is."""

    ngram: int = Field(13, ge=1, le=100)
    """Words of a run."""


class TextOverlap(Scorer[TextOverlapSettings]):
    """Share of each text that occurs verbatim in real training or held-out rows."""

    name = "text_overlap"
    version = "text_overlap/2"
    needs = ("text",)
    reads = ("held_out",)
    rowwise = True
    Settings = TextOverlapSettings
    columns = COLUMNS

    def model_digest(self, given: Given, settings: TextOverlapSettings) -> str:
        """Digest the real texts and the held-out ones."""
        held = given.held_out_texts(settings.text)
        texts = given.real[settings.text]
        return digests.of_values(
            real=digests.of_frame(given.real, [settings.text]),
            held_out=None if held is None else digests.of_frame(held.to_frame(), [settings.text]),
            libraries=digests.versions("polars"),
            **cut(texts if held is None else pl.concat([texts, held])),
        )

    def expected(self, settings: TextOverlapSettings) -> tuple[Expected, ...]:  # noqa: ARG002  of the protocol
        """Expect no more words of held-out texts than nearly all real texts have of each other."""
        return (Expected("not_from_the_hold_out", "text_held_out_overlap", high=Quantile(0.99)),)

    def score(
        self, candidates: pl.DataFrame, given: Given, settings: TextOverlapSettings
    ) -> pl.DataFrame:
        """Compare runs of words.

        Args:
            candidates: round, row, text.
            given: text of the real rows; of the held-out rows, if their fingerprints hold one.
            settings: of runs.

        Returns:
            round, row, text_real_overlap and text_held_out_overlap: the share of the text's
            different runs that occur in these rows, 0 of a text without a word; null where there is
            no text, or where the held-out rows show none.
        """
        texts = candidates[settings.text]
        has_text = texts.is_not_null().to_numpy()
        held = given.held_out_texts(settings.text)
        nothing = np.zeros(len(texts))
        values = {
            "text_real_overlap": _overlap(texts, given.real[settings.text], settings),
            "text_held_out_overlap": nothing if held is None else _overlap(texts, held, settings),
        }
        known_cells = dict.fromkeys(COLUMNS, has_text)
        if held is None:
            known_cells["text_held_out_overlap"] = np.zeros(len(texts), dtype=np.bool_)
        given.progress(len(texts), len(texts))
        return columns.scores(candidates, COLUMNS, values, known_cells)


def _overlap(
    asked: pl.Series, known: pl.Series, settings: TextOverlapSettings
) -> NDArray[np.float64]:
    """Share of each text's runs that occur in `known`, [n]; 0 where there is no word."""
    overlap = np.zeros(len(asked))
    rows_with_words = np.flatnonzero(_has_words(asked))
    runs = _runs(asked.gather(rows_with_words), settings)
    among = np.unique(_runs(known.filter(_has_words(known)), settings).values)
    if len(rows_with_words) and len(among):
        positions = np.minimum(np.searchsorted(among, runs.values), len(among) - 1)
        hits = (among[positions] == runs.values).astype(np.float64)
        overlap[rows_with_words] = np.add.reduceat(hits, runs.starts[:-1]) / np.diff(runs.starts)
    return overlap


def _has_words(texts: pl.Series) -> NDArray[np.bool_]:
    return texts.cast(pl.String).str.contains(r"\w").fill_null(value=False).to_numpy()


def _runs(texts: pl.Series, settings: TextOverlapSettings) -> shingles.Sets:
    return shingles.sets(shingles.normal(texts), "words", settings.ngram)
