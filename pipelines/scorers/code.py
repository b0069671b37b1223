"""Does a program pass its tests?

Each candidate's program is run with its tests in the sandbox. A program that fails, or that a limit
stops, does not pass; where this system cannot isolate programs, nothing is run and the round stops.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import polars as pl
from pydantic import Field

from pipelines import parsing
from pipelines.sandbox import programs
from pipelines.sandbox.limits import Limits
from pipelines.sandbox.programs import Outcome
from pipelines.scorers import digests
from pipelines.scorers.protocol import Given

COLUMNS: Final = {
    "code_passes": pl.Boolean,
    "code_result": pl.String,
    "code_says": pl.String,
    "code_seconds": pl.Float64,
}
NEEDS: Final = ("code", "tests")
ROWWISE: Final = True


class Settings(parsing.Settings):
    """Which columns are the program and its tests, and what both may use."""

    code: str = "code"
    tests: str = "tests"
    limits: Limits = Field(default_factory=Limits)
    workers: int | None = Field(None, gt=0)
    """Programs that run at once; None: one for each processor."""


def model_digest(given: Given, settings: Settings) -> str:  # noqa: ARG001  of the protocol
    """Digest the Python that runs the programs."""
    from platform import python_version  # noqa: PLC0415  only here

    return digests.of_values(python=python_version())


def score(candidates: pl.DataFrame, given: Given, settings: Settings) -> pl.DataFrame:
    """Run each candidate's tests.

    Args:
        candidates: round, row, and Python source of the program and of its tests.
        given: told how far the work is.
        settings: names of columns, limits.

    Returns:
        round, row, code_passes, code_result (passed, failed, or the limit that stopped it: time,
        processor, memory, processes, files, file size, network), code_says (the first error),
        code_seconds; null where there is no program or no tests.

    Raises:
        SandboxError: this system cannot isolate, so nothing was run.
    """
    key = candidates.select("round", "row")
    asked = list(candidates.select(settings.code, settings.tests).iter_rows())
    found: list[Outcome | None] = []
    for each in _outcomes(asked, settings):
        found.append(each)
        given.progress(len(found), len(asked))
    values: dict[str, list[Any]] = {
        "code_passes": [each.passed if each else None for each in found],
        "code_result": [each.result if each else None for each in found],
        "code_says": [each.says if each else None for each in found],
        "code_seconds": [each.seconds if each else None for each in found],
    }
    return key.with_columns(pl.Series(name, values[name], kind) for name, kind in COLUMNS.items())


def _outcomes(
    asked: list[tuple[str | None, str | None]], settings: Settings
) -> Iterator[Outcome | None]:
    """What came of each program, in order."""

    def judge(pair: tuple[str | None, str | None]) -> Outcome | None:
        program, tests = pair
        if program is None or not tests:
            return None
        return programs.judge(program, tests, settings.limits)

    with ThreadPoolExecutor(settings.workers or os.cpu_count()) as pool:
        yield from pool.map(judge, asked)
