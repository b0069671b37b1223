"""In which language is a text?

By py3langid, a naive Bayes classifier of byte n-grams (Lui & Baldwin 2012) of 139 languages, whose
model is in its package. It does not know that a text is in no language at all: shuffled letters are
given one, with little confidence.
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

import polars as pl

from pipelines.common import optional, progress
from pipelines.scorers.expected import Expected
from pipelines.scorers.protocol import Given
from pipelines.scorers.text_scorer import TextScorer, TextSettings

COLUMNS: Final = {"language": pl.String, "language_confidence": pl.Float64}
UNKNOWN: Final = "und"
"""ISO 639-2's code of a language that cannot be told."""
EACH: Final = 1024
"""Texts after which progress is told."""
LONGEST: Final = 10_000
"""Characters that are looked at."""


class LanguageSettings(TextSettings):
    """Which column is the text, and which languages it may be in."""

    among: tuple[str, ...] = ()
    """ISO 639-1 codes; empty: all that the library knows. Fewer are told apart better."""


class Language(TextScorer[LanguageSettings]):
    """Identifies the language of texts."""

    name = "language"
    version = "language/1"
    Settings = LanguageSettings
    columns = COLUMNS
    libraries = ("py3langid",)

    def expected(self, settings: LanguageSettings) -> tuple[Expected, ...]:  # noqa: ARG002  of the protocol
        """Expect a language that real texts are in."""
        return (Expected("in_a_real_language", "language", common=0.01),)

    def score(
        self, candidates: pl.DataFrame, given: Given, settings: LanguageSettings
    ) -> pl.DataFrame:
        """Identify the language of each text.

        Args:
            candidates: round, row, text.
            given: told how far the work is.
            settings: of languages.

        Returns:
            round, row, language (ISO 639-1; `und` of a text without a letter), language_confidence
            in [0, 1] (0 for `und`); null where there is no text.

        Raises:
            LibraryError: the library py3langid is not installed.
            ParamsError: a language is not one that it knows.
        """
        identify = _identifier(settings.among)
        texts = candidates[settings.text].cast(pl.String).str.slice(0, LONGEST)
        letters = texts.str.contains(r"\p{L}")

        def label(text: str | None, some: bool | None) -> tuple[str | None, float | None]:
            if text is None:
                return None, None
            return identify.classify(text) if some else (UNKNOWN, 0.0)

        told = progress.told(map(label, texts, letters), len(texts), given.progress, every=EACH)
        scores = pl.DataFrame(list(told), schema=COLUMNS, orient="row")
        return candidates.select("round", "row").hstack(scores)


@cache
def _identifier(among: tuple[str, ...]) -> Any:  # noqa: ANN401  without types
    langid = optional.library("py3langid.langid", "languages of texts")
    identifier = langid.LanguageIdentifier.from_model_file(langid.MODEL_FILE, norm_probs=True)
    if among:
        optional.check_supported(among, identifier.labels, "language")
        identifier.set_languages(among)
    return identifier
