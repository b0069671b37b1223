"""How much of a text stands word for word in real or held-out texts, and how much of those in it?

Runs of n words that two texts share are what decontamination of training data looks for: 13 words
for GPT-3 (Brown et al. 2020, appendix C), a share of runs for PaLM (Chowdhery et al. 2022, section
8) and Llama 2 (Touvron et al. 2023, A.6). A text shorter than n words is compared as a whole. Where
a script has no spaces between words, such as Chinese or Thai, each character counts as a word.

The share of a candidate's runs does not see a short line that is quoted whole in a longer text. So
containment (Broder 1997) is measured too: the share of one known text's short runs that the
candidate has, as Tülu 3 (Lambert et al. 2024) does for test instances. Texts of a few words, such
as "Thank you.", are in many others by chance and are not looked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import Field, model_validator

from pipelines.features import containment, shingles
from pipelines.scorers import columns, digests
from pipelines.scorers.expected import Expected, Quantile
from pipelines.scorers.protocol import Given, Scorer
from pipelines.scorers.text_scorer import TextSettings, cut

COLUMNS: Final = {
    "text_real_overlap": pl.Float64,
    "text_held_out_overlap": pl.Float64,
    "text_real_contained": pl.Float64,
    "text_held_out_contained": pl.Float64,
}
USUAL: Final = Quantile(0.99, least=0.5, most=0.9)
"""As much of one text as nearly all real texts have of others: half of it at least, which is where
Tülu 3 draws the line, and never all of it."""


class TextOverlapSettings(TextSettings):
    """Which column is the text, how long a run is, and what counts as a quote."""

    ngram: int = Field(13, ge=1, le=100)
    """Words of a run that is looked for in all texts."""
    quote_ngram: int = Field(3, ge=1, le=100)
    """Words of a run by which one text is looked for in another."""
    quote_words: int = Field(4, ge=1, le=1000)
    """Different words that a text has at least which is looked for; in scripts without spaces
    between words, two characters count as one word."""

    @model_validator(mode="after")
    def _quotes_have_runs(self) -> Self:
        if self.quote_words < self.quote_ngram:
            raise ValueError(
                f"quote_words is {self.quote_words}, less than the {self.quote_ngram} words of a "
                "run (quote_ngram): so short a text has no run that another one could have"
            )
        return self


class TextOverlap(Scorer[TextOverlapSettings]):
    """Share of each text that occurs verbatim in real or held-out rows, and of those in it."""

    name = "text_overlap"
    version = "text_overlap/3"
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
        """Expect no more of held-out texts than nearly all real texts have of each other.

        A candidate that contains a training text is not refused: it may be asked to go on from one.
        """
        return (
            Expected("not_from_the_hold_out", "text_held_out_overlap", high=Quantile(0.99)),
            Expected(
                "no_held_out_text_quoted",
                "text_held_out_contained",
                high=USUAL,
                unknown="warning",
            ),
        )

    def score(
        self, candidates: pl.DataFrame, given: Given, settings: TextOverlapSettings
    ) -> pl.DataFrame:
        """Compare runs of words.

        Args:
            candidates: round, row, text.
            given: text of the real rows; of the held-out rows, if their fingerprints hold one.
            settings: of runs.

        Returns:
            round, row, and: text_real_overlap and text_held_out_overlap, the share of the text's
            different runs that occur in these rows, 0 of a text without a word;
            text_real_contained and text_held_out_contained, the largest share of one such row's
            different short runs that occur in the text. Null where there is no text, where the
            held-out rows show none, and, of what is contained, where no row is long enough.
        """
        texts = candidates[settings.text]
        has_text = texts.is_not_null().to_numpy()
        known = given.once((self.name, settings), lambda: _known(given, settings))
        values: dict[str, NDArray[np.float64]] = {}
        for name, runs in known.items():
            nothing = np.full(len(texts), np.nan)
            overlap = None if runs is None else _overlap(texts, runs.all, settings)
            contained = None if runs is None else _contained(texts, runs.of_quotes, settings)
            values[f"text_{name}_overlap"] = nothing if overlap is None else overlap
            values[f"text_{name}_contained"] = nothing if contained is None else contained
        given.progress(len(texts), len(texts))
        known_cells = {name: has_text & ~np.isnan(values[name]) for name in COLUMNS}
        return columns.scores(candidates, COLUMNS, values, known_cells)


@dataclass(frozen=True, slots=True, eq=False)
class KnownRuns:
    """The runs of known texts that are looked for in others."""

    all: NDArray[np.uint64]
    """The different runs of all of them, ascending."""
    of_quotes: shingles.Sets
    """The short runs of each text that is long enough."""


def _known(given: Given, settings: TextOverlapSettings) -> dict[str, KnownRuns | None]:
    """Cut the real and the held-out texts into runs; None where held-out rows show no text."""
    held = given.held_out_texts(settings.text)
    return {
        "real": _known_runs(given.real[settings.text], settings),
        "held_out": None if held is None else _known_runs(held, settings),
    }


def _known_runs(texts: pl.Series, settings: TextOverlapSettings) -> KnownRuns:
    enough = containment.different_words(shingles.normal(texts)) >= settings.quote_words
    return KnownRuns(
        np.unique(_runs(texts.filter(_has_words(texts)), settings.ngram).values),
        _runs(texts.filter(enough), settings.quote_ngram),
    )


def _overlap(
    asked: pl.Series, among: NDArray[np.uint64], settings: TextOverlapSettings
) -> NDArray[np.float64]:
    """Share of each text's runs that are `among` the known, [n]; 0 where there is no word."""
    overlap = np.zeros(len(asked))
    rows_with_words = np.flatnonzero(_has_words(asked))
    runs = _runs(asked.gather(rows_with_words), settings.ngram)
    if len(rows_with_words) and len(among):
        positions = np.minimum(np.searchsorted(among, runs.values), len(among) - 1)
        hits = (among[positions] == runs.values).astype(np.float64)
        overlap[rows_with_words] = np.add.reduceat(hits, runs.starts[:-1]) / np.diff(runs.starts)
    return overlap


def _contained(
    asked: pl.Series, looked_for: shingles.Sets, settings: TextOverlapSettings
) -> NDArray[np.float64] | None:
    """Largest share of one known text's runs in each text, [n]; None: none is long enough."""
    if not len(looked_for):
        return None
    contained = np.zeros(len(asked))
    rows_with_words = np.flatnonzero(_has_words(asked))
    runs = _runs(asked.gather(rows_with_words), settings.quote_ngram)
    contained[rows_with_words] = containment.largest(runs, looked_for)
    return contained


def _has_words(texts: pl.Series) -> NDArray[np.bool_]:
    return texts.cast(pl.String).str.contains(r"\w").fill_null(value=False).to_numpy()


def _runs(texts: pl.Series, words: int) -> shingles.Sets:
    return shingles.sets(shingles.normal(texts), "words", words)
