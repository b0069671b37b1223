"""Is a text nearly one of the real texts, of a held-out one, of an earlier round, or of this round?

Similarity is the Jaccard index of shingles (`pipelines.features.text_similarity`): 1 for texts that
differ in case and spaces only. What is less similar than `threshold` counts as not similar at all.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from pydantic import Field

from pipelines.features import text_similarity
from pipelines.features.shingles import Unit
from pipelines.features.text_similarity import Pairs, Search, Shingling
from pipelines.scorers import columns, digests, twins
from pipelines.scorers.expected import Expected
from pipelines.scorers.protocol import Given, Scorer
from pipelines.scorers.text_scorer import TextSettings, cut

COLUMNS: Final = {
    "text_real_similarity": pl.Float64,
    "text_real_round": pl.Int32,
    "text_real_row": pl.Int64,
    "text_held_out_similarity": pl.Float64,
    "text_earlier_similarity": pl.Float64,
    "text_candidate_similarity": pl.Float64,
    "text_candidate_row": pl.Int64,
    "text_cluster": pl.Int64,
}


class TextDuplicatesSettings(TextSettings):
    """Name of the column with the text, and settings of the similarity."""

    threshold: float = Field(0.8, ge=0.3, le=1)
    """Jaccard similarity from which texts are near-duplicates."""
    shingles: Unit = "characters"
    """Whether texts are cut into runs of characters, or of words for texts of many sentences."""
    ngram: int = Field(5, ge=1, le=64)
    """Characters or words of a run."""
    permutations: int = Field(128, ge=64, le=1024)
    """Length of a MinHash signature."""
    seed: int = 0
    """Seed of the hash functions."""


class TextDuplicates(Scorer[TextDuplicatesSettings]):
    """Is a text nearly a real or a held-out one, one of an earlier round, or of this round?"""

    name = "text_duplicates"
    version = "text_duplicates/3"
    needs = ("text",)
    reads = ("earlier", "held_out")
    rowwise = False
    Settings = TextDuplicatesSettings
    columns = COLUMNS

    def model_digest(self, given: Given, settings: TextDuplicatesSettings) -> str:
        """Digest the real rows, the held-out ones, those of earlier rounds, and the libraries."""
        held = given.held_out_texts(settings.text)
        read = ["round", "row", settings.text]
        return digests.of_values(
            real=digests.of_frame(given.real, read),
            earlier=digests.of_frame(given.earlier, read) if len(given.earlier) else None,
            held_out=None if held is None else digests.of_frame(held.to_frame(), [settings.text]),
            libraries=digests.installed("rensa", "polars"),
            **(cut(given.real[settings.text]) if settings.shingles == "words" else {}),
        )

    def expected(self, settings: TextDuplicatesSettings) -> tuple[Expected, ...]:
        """Expect texts that are near to no real or held-out one, no earlier one and no other."""
        names = {
            "not_a_copy": "text_real_similarity",
            "not_near_the_hold_out": "text_held_out_similarity",
            "new_in_the_lake": "text_earlier_similarity",
            "new_in_the_round": "text_candidate_similarity",
        }
        return tuple(
            Expected(name, column, high=settings.threshold, strict=True)
            for name, column in names.items()
        )

    def score(
        self, candidates: pl.DataFrame, given: Given, settings: TextDuplicatesSettings
    ) -> pl.DataFrame:
        """Find the closest real text, earlier text and earlier candidate of each candidate.

        Args:
            candidates: round, row, text.
            given: round, row and text of real rows and of accepted samples of earlier rounds; text
                of the held-out rows, if their fingerprints hold one.
            settings: of shingles and signatures.

        Returns:
            round, row, and: text_real_similarity to the closest real text, which is
            text_real_round, text_real_row; text_held_out_similarity to the closest held-out text,
            null where these show none; text_earlier_similarity to the closest of earlier
            rounds; text_candidate_similarity to the closest candidate of a lower row, which is
            text_candidate_row, so that one of a cluster has none; text_cluster, the lowest row of
            those that near pairs link. A similarity is 0 where nothing is near; rows are null
            there.

        Raises:
            LibraryError: there are many texts, and the library rensa is not installed.
        """
        frame, order = twins.in_order(candidates)
        texts, rows = frame[settings.text], frame["row"].cast(pl.Int64)
        search = _search(texts, settings)
        fellows = search.pairs(None, given.progress)
        similarity, other = twins.best(twins.turned(fellows), len(frame))
        group = text_similarity.groups(len(frame), fellows.left, fellows.right)
        values = {
            "text_candidate_similarity": similarity,
            "text_candidate_row": twins.taken(rows, other),
            "text_cluster": rows.to_numpy()[group],
        }
        has_fellow = {"text_candidate_row": other >= 0}
        return _scores(frame, given, search, (values, has_fellow), settings)[order]

    def score_real(self, given: Given, settings: TextDuplicatesSettings) -> pl.DataFrame:
        """Compare each real row with all others.

        What is about candidates is null: a real row is nobody's fellow candidate.
        """
        search = _search(given.real[settings.text], settings)
        pairs = search.pairs(None, given.progress)
        unknown = np.zeros(len(given.real), dtype=np.bool_)
        names = ("text_candidate_similarity", "text_candidate_row", "text_cluster")
        alone = {name: unknown.astype(np.int64) for name in names}, dict.fromkeys(names, unknown)
        return _scores(given.real, given, search, alone, settings, pairs=twins.both_ways(pairs))


def _search(texts: pl.Series, settings: TextDuplicatesSettings) -> Search:
    shingling = Shingling(settings.shingles, settings.ngram, settings.permutations, settings.seed)
    return Search(texts, threshold=settings.threshold, shingling=shingling)


def _scores(
    frame: pl.DataFrame,
    given: Given,
    search: Search,
    fellows: tuple[dict[str, columns.Values], dict[str, columns.Known]],
    settings: TextDuplicatesSettings,
    *,
    pairs: Pairs | None = None,
) -> pl.DataFrame:
    """Scores from those among candidates, and the near real rows if they are known already."""
    texts = frame[settings.text]
    if pairs is None:
        pairs = search.pairs(given.real[settings.text], given.progress)
    similarity, matched = twins.best(pairs, len(frame))
    earlier = given.earlier[settings.text] if len(given.earlier) else texts.clear()
    before, _ = twins.best(search.pairs(earlier, given.progress), len(frame))
    held = given.held_out_texts(settings.text)
    held_texts = texts.clear() if held is None else held
    withheld, _ = twins.best(search.pairs(held_texts, given.progress), len(frame))
    values = {
        "text_real_similarity": similarity,
        "text_real_round": twins.taken(given.real["round"], matched),
        "text_real_row": twins.taken(given.real["row"], matched),
        "text_held_out_similarity": withheld,
        "text_earlier_similarity": before,
    }
    has_text = dict.fromkeys(COLUMNS, texts.is_not_null().to_numpy())
    has_match = {
        "text_real_round": matched >= 0,
        "text_real_row": matched >= 0,
        "text_held_out_similarity": np.full(len(frame), held is not None),
        **fellows[1],
    }
    known_cells = has_text | {name: has_text[name] & each for name, each in has_match.items()}
    return columns.scores(frame, COLUMNS, values | fellows[0], known_cells)
