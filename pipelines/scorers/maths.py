"""Is the answer to a maths problem the true one?

Answers are compared by value with math-verify (https://github.com/huggingface/Math-Verify), in the
sandbox: parsing and simplifying a hostile expression may never end.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipelines import parsing
from pipelines.sandbox import answers
from pipelines.scorers import digests
from pipelines.scorers.protocol import Given

COLUMNS: Final = {"answer_correct": pl.Boolean, "answer_says": pl.String}
NEEDS: Final = ("answer", "truth")
ROWWISE: Final = True


class Settings(parsing.Settings):
    """Which columns are the given answer and the true one."""

    answer: str = "answer"
    truth: str = "truth"


def model_digest(given: Given, settings: Settings) -> str:  # noqa: ARG001  of the protocol
    """Digest the libraries that compare."""
    libraries = digests.versions("math-verify", "latex2sympy2_extended", "sympy")
    return digests.of_values(libraries=libraries)


def score(candidates: pl.DataFrame, given: Given, settings: Settings) -> pl.DataFrame:
    """Compare each candidate's answer with the true one.

    Args:
        candidates: round, row, and both answers as LaTeX or plain text; of a longer text the answer
            is what is boxed, or comes last.
        given: told how far the work is.
        settings: names of columns.

    Returns:
        round, row, answer_correct (null: there is no true answer that can be read, or comparing
        took too long), answer_says (why not).

    Raises:
        SandboxError: this system cannot isolate, so nothing was compared.
    """
    known = candidates.select(
        "round",
        "row",
        pl.col(settings.truth).alias("truth"),
        pl.col(settings.answer).fill_null("").alias("answer"),
    )
    asked = known.drop_nulls("truth")
    correct: list[bool | None] = []
    says: list[str] = []
    for each in answers.compare(list(asked.select("truth", "answer").iter_rows())):
        correct.append(each.correct)
        says.append(each.says)
        given.progress(len(says), len(asked))
    found = asked.select("round", "row").with_columns(
        pl.Series("answer_correct", correct, pl.Boolean), pl.Series("answer_says", says, pl.String)
    )
    return known.select("round", "row").join(
        found, on=["round", "row"], how="left", maintain_order="left"
    )
