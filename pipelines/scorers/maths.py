"""Is the answer to a maths problem the true one?

Answers are compared by value with SymPy, in the sandbox: simplifying a hostile expression may never
end. An answer is right only if all of it was read and is equal to the true one, with its unit. What
cannot be decided is unknown, with a reason, and never right. docs/verifiers.md says what is read.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from pipelines.common import progress
from pipelines.common.settings import StrictModel
from pipelines.sandbox import answers, run
from pipelines.scorers import digests
from pipelines.scorers.expected import Expected
from pipelines.scorers.protocol import Given, Scorer

COLUMNS: Final = {"answer_correct": pl.Boolean, "answer_says": pl.String}


class MathsSettings(StrictModel):
    """Which columns are the given answer and the true one."""

    answer: str = "answer"
    """Column of the answers."""
    truth: str = "truth"
    """Column of the known answers."""


class Maths(Scorer[MathsSettings]):
    """Compares answers to maths problems with the true answers."""

    name = "maths"
    version = "maths/2"
    needs = ("answer", "truth")
    rowwise = True
    Settings = MathsSettings
    columns = COLUMNS

    def model_digest(self, given: Given, settings: MathsSettings) -> str:  # noqa: ARG002  of the protocol
        """Digest the comparison: its version, its code, and the libraries that it rests on."""
        return digests.of_values(
            comparison=answers.VERSION,
            code=digests.of_code(answers.HARNESS),
            libraries=digests.versions("sympy", "mpmath"),
        )

    def check_ready(self, settings: MathsSettings) -> None:  # noqa: ARG002  of the protocol
        """Check that this system isolates programs.

        Raises:
            SandboxError: It does not.
        """
        run.require()

    def expected(self, settings: MathsSettings) -> tuple[Expected, ...]:  # noqa: ARG002  of the protocol
        """Expect the true answer."""
        return (Expected("answer_is_right", "answer_correct", values=(True,)),)

    def score(
        self, candidates: pl.DataFrame, given: Given, settings: MathsSettings
    ) -> pl.DataFrame:
        """Compare each candidate's answer with the true one.

        Args:
            candidates: round, row, and both answers as LaTeX or plain text; of a longer text the
                answer is what is boxed, or what follows "the answer is" or ####.
            given: told how far the work is.
            settings: names of columns.

        Returns:
            round, row, answer_correct (null: there is no true answer, one of both cannot be read as
            a whole, or whether they are equal was not found out), answer_says (why it is not
            correct, or null).

        Raises:
            SandboxError: this system cannot isolate, so nothing was compared.
        """
        pairs = candidates.select(
            "round",
            "row",
            pl.col(settings.truth).alias("truth"),
            pl.col(settings.answer).fill_null("").alias("answer"),
        )
        answerable = pairs.drop_nulls("truth")
        compared = answers.compare(list(answerable.select("truth", "answer").iter_rows()))
        told = list(progress.told(compared, len(answerable), given.progress))
        scores = answerable.select("round", "row").with_columns(
            pl.Series("answer_correct", [each.correct for each in told], pl.Boolean),
            pl.Series("answer_says", [each.says for each in told], pl.String),
        )
        return pairs.select("round", "row").join(
            scores, on=["round", "row"], how="left", maintain_order="left"
        )
