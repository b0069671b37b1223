"""Does a text say what another one says, in whatever words?

Similarity is the cosine of sentence embeddings (`pipelines.features.text_meaning`): near 1 for a
text in other words, near 0 for one about something else. The model reads English; of other
languages, and of what a text says beyond its first 256 word pieces, it says little.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from pipelines.common import optional
from pipelines.features import text_meaning
from pipelines.features.text_meaning import Points
from pipelines.scorers import columns, digests, twins
from pipelines.scorers.expected import Expected, Quantile
from pipelines.scorers.protocol import Given, Scorer
from pipelines.scorers.text_scorer import TextSettings

COLUMNS: Final = {
    "meaning_real_similarity": pl.Float64,
    "meaning_real_round": pl.Int32,
    "meaning_real_row": pl.Int64,
    "meaning_held_out_similarity": pl.Float64,
    "meaning_candidate_similarity": pl.Float64,
    "meaning_candidate_row": pl.Int64,
}
USUAL: Final = Quantile(0.99)
"""As near as nearly all real texts are to others, each measured without itself."""


class TextMeaningSettings(TextSettings):
    """Name of the column with the text."""


class TextMeaning(Scorer[TextMeaningSettings]):
    """Cosine similarity to the nearest real text, held-out text and earlier candidate."""

    name = "text_meaning"
    version = "text_meaning/1"
    needs = ("text",)
    reads = ("held_out",)
    rowwise = False
    Settings = TextMeaningSettings
    columns = COLUMNS

    def model_digest(self, given: Given, settings: TextMeaningSettings) -> str:
        """Digest the real texts, the held-out ones, and the libraries."""
        held = given.held_out_texts(settings.text)
        return digests.of_values(
            real=digests.of_frame(given.real, ["round", "row", settings.text]),
            held_out=None if held is None else digests.of_frame(held.to_frame(), [settings.text]),
            libraries=digests.installed(*text_meaning.LIBRARIES, "transformers", "torch"),
        )

    def check_ready(self, settings: TextMeaningSettings) -> None:  # noqa: ARG002  of the protocol
        """Check that the model and what runs it are installed.

        Raises:
            LibraryError: One is not.
        """
        work = f"scores of {self.name}"
        optional.check_installed(text_meaning.LIBRARIES, work, extra=text_meaning.EXTRA)

    def expected(self, settings: TextMeaningSettings) -> tuple[Expected, ...]:  # noqa: ARG002  of the protocol
        """Expect texts that are as far from others as nearly all real texts are."""
        return (
            Expected("no_real_text_in_other_words", "meaning_real_similarity", high=USUAL),
            Expected("no_held_out_text_in_other_words", "meaning_held_out_similarity", high=USUAL),
            Expected("no_candidate_in_other_words", "meaning_candidate_similarity", high=USUAL),
        )

    def score(
        self, candidates: pl.DataFrame, given: Given, settings: TextMeaningSettings
    ) -> pl.DataFrame:
        """Find the text that each candidate is nearest to by meaning.

        Args:
            candidates: round, row, text.
            given: round, row and text of the real rows; of the held-out rows, if their fingerprints
                hold one.
            settings: name of the column.

        Returns:
            round, row, and: meaning_real_similarity to the nearest real text, which is
            meaning_real_round, meaning_real_row; meaning_held_out_similarity to the nearest
            held-out text, null where these show none; meaning_candidate_similarity to the nearest
            candidate of a lower row, which is meaning_candidate_row, so that one of a group has
            none. A similarity is in [-1, 1], and 0 where there is nothing to compare with; rows are
            null there.

        Raises:
            LibraryError: the model is not installed.
        """
        frame, order = twins.in_order(candidates)
        points = text_meaning.embed(frame[settings.text], given.progress)
        similarity, other = text_meaning.nearest(points, points, earlier=True)
        values = {
            "meaning_candidate_similarity": similarity,
            "meaning_candidate_row": twins.taken(frame["row"].cast(pl.Int64), other),
        }
        has_fellow = {"meaning_candidate_row": other >= 0}
        return _scores(frame, points, given, settings, (values, has_fellow))[order]

    def score_real(self, given: Given, settings: TextMeaningSettings) -> pl.DataFrame:
        """Compare each real row with all others; what is about candidates is null."""
        points = text_meaning.embed(given.real[settings.text], given.progress)
        none = np.zeros(len(given.real), dtype=np.bool_)
        names = ("meaning_candidate_similarity", "meaning_candidate_row")
        alone = {name: none.astype(np.int64) for name in names}, dict.fromkeys(names, none)
        return _scores(given.real, points, given, settings, alone, same=True)


def _scores(
    frame: pl.DataFrame,
    points: Points,
    given: Given,
    settings: TextMeaningSettings,
    fellows: tuple[dict[str, columns.Values], dict[str, columns.Known]],
    *,
    same: bool = False,
) -> pl.DataFrame:
    """Scores from those among candidates, and similarities to real and held-out texts."""
    real = points if same else text_meaning.embed(given.real[settings.text], given.progress)
    similarity, matched = text_meaning.nearest(points, real, same=same)
    held = given.held_out_texts(settings.text)
    known = points[:0] if held is None else text_meaning.embed(held, given.progress)
    values = {
        "meaning_real_similarity": similarity,
        "meaning_real_round": twins.taken(given.real["round"], matched),
        "meaning_real_row": twins.taken(given.real["row"], matched),
        "meaning_held_out_similarity": text_meaning.nearest(points, known)[0],
    }
    has_text = dict.fromkeys(COLUMNS, frame[settings.text].is_not_null().to_numpy())
    has_match = {
        "meaning_real_round": matched >= 0,
        "meaning_real_row": matched >= 0,
        "meaning_held_out_similarity": np.full(len(frame), held is not None),
        **fellows[1],
    }
    cells = has_text | {name: has_text[name] & each for name, each in has_match.items()}
    return columns.scores(frame, COLUMNS, values | fellows[0], cells)
