"""Programs and answers as scores."""

from __future__ import annotations

import polars as pl

from pipelines.sandbox.limits import Limits
from pipelines.scorers import code, maths
from pipelines.scorers.protocol import Given
from tests.pipelines.isolated import needs_sandbox

pytestmark = needs_sandbox

SHORT = Limits(seconds=60, cpu_seconds=1, memory_mib=256)


def rows(**columns: list[str | None]) -> pl.DataFrame:
    count = len(next(iter(columns.values())))
    key = {"round": pl.Series([1] * count, dtype=pl.Int32), "row": pl.Series(range(count))}
    return pl.DataFrame({**key, **columns}).cast({"row": pl.Int64})


def test_programs_are_run_with_their_tests() -> None:
    told: list[tuple[int, int]] = []
    asked = rows(
        solution=[
            "def f(x): return x + 1",
            "def f(x): return x",
            "while True: pass",
            None,
            "x = 1",
        ],
        tests=["assert f(1) == 2"] * 4 + [None],
    )
    found = code.Code().score(
        asked,
        Given(real=pl.DataFrame(), progress=lambda done, of: told.append((done, of))),
        code.CodeSettings(code="solution", limits=SHORT),
    )
    assert found.schema == {"round": pl.Int32, "row": pl.Int64, **code.COLUMNS}
    assert found["code_passes"].to_list() == [True, False, False, None, None]
    assert found["code_result"].to_list() == ["passed", "failed", "processor", None, None]
    assert told[-1] == (5, 5)


def test_answers_are_compared_with_the_true_ones() -> None:
    asked = rows(
        answer=["so it is $\\boxed{0.5}$", "3", None, "7", "1", "4 cm", "I do not know."],
        truth=["1/2", "4", "5", None, "not a number", "4 m", "5"],
    )
    found = maths.Maths().score(asked, Given(real=pl.DataFrame()), maths.MathsSettings())
    assert found.schema == {"round": pl.Int32, "row": pl.Int64, **maths.COLUMNS}
    assert found["row"].to_list() == list(range(7))
    right = [True, False, False, None, None, False, None]
    assert found["answer_correct"].to_list() == right
    assert found["answer_says"].to_list() == [
        "",
        "another value",
        "there is no answer",
        None,
        "words beside a value",
        "another value",
        "words beside a value",
    ]
