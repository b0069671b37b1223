"""Right and wrong answers for the local model as a judge.

It is asked once for each, which takes seconds, so there are few and only the whole benchmark asks
them. `benchmarks.judge` measures a judge thoroughly.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from benchmarks import judge as answers
from benchmarks.verifiers.plan import BETWEEN, Planted, RowCase, Seen, batch
from pipelines.llm.settings import LOCAL
from pipelines.scorers.protocol import Given

QUESTIONS: Final = 12
"""At most."""


def make(rows: int, seed: int) -> Planted:
    """The right and the wrong answer to each of some questions."""
    number = pl.int_range(len(answers.PLANTED), eager=True).sample(
        min(rows, QUESTIONS), seed=seed, shuffle=True
    )
    samples = answers.planted(len(answers.PLANTED)).filter(pl.col("question").is_in(number))
    right, wrong = (
        samples.filter(pl.col("kind") == kind).select("text", "label")
        for kind in ("right", "wrong")
    )
    return Planted(batch(right, {"wrong answer": wrong}), Given(right.clear()))


CASE: Final = RowCase(
    "trivia",
    make,
    {"judge": {"service": {"model": LOCAL, "max_tokens": 32}, "votes": 1}},
    (
        Seen(
            "judged_good",
            BETWEEN,
            {"column": "judge_score", "min_value": 4},
            ("wrong answer",),
            "judge",
            (0.0, 1.0),  # nothing is asked of the local model
        ),
    ),
)
