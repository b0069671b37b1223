"""What scorers of single texts share: the column that they read, and libraries as their model."""

from __future__ import annotations

from typing import ClassVar, TypeVar

import polars as pl

from expectations import scripts
from pipelines.common import optional
from pipelines.common.settings import StrictModel
from pipelines.scorers import digests
from pipelines.scorers.protocol import Given, Scorer


class TextSettings(StrictModel):
    """Name of the column with the text."""

    text: str = "text"
    """The column."""


def cut(texts: pl.Series) -> dict[str, str]:
    """What a digest holds besides, where texts have no spaces between words: how they are cut."""
    return {"cut": scripts.CUT} if scripts.unspaced(texts) else {}


TextOwn = TypeVar("TextOwn", bound=TextSettings)
"""The own settings of a scorer of texts."""


class TextScorer(Scorer[TextOwn]):
    """Scores each text by itself."""

    needs = ("text",)
    rowwise = True
    libraries: ClassVar[tuple[str, ...]]
    """Distributions whose packages are the model, or run it."""

    def model_digest(self, given: Given, settings: TextOwn) -> str:  # noqa: ARG002  of the protocol
        """Digest the versions of the libraries; one that is not installed has none."""
        return digests.of_values(libraries=digests.installed(*self.libraries))

    def check_ready(self, settings: TextOwn) -> None:  # noqa: ARG002  of the protocol
        """Check that the libraries are installed.

        Raises:
            LibraryError: One is not.
        """
        optional.check_installed(self.libraries, f"scores of {self.name}")
