"""Does a program pass its tests?

Each candidate's program is run in one sandbox, its tests in another, where the program does not
reach them. A program that fails, or that a limit stops, does not pass; one that nothing judges (no
tests, no assertion that ran, nothing that could be told from another process) is null. Where this
system cannot isolate programs, nothing is run and the round stops.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import polars as pl
from pydantic import Field

from pipelines.common import progress
from pipelines.common.errors import LibraryError
from pipelines.common.settings import StrictModel
from pipelines.sandbox import programs, run
from pipelines.sandbox.limits import Limits
from pipelines.sandbox.programs import Outcome
from pipelines.scorers import digests
from pipelines.scorers.expected import Expected
from pipelines.scorers.protocol import Given, Scorer

COLUMNS: Final = {
    "code_passes": pl.Boolean,
    "code_result": pl.String,
    "code_says": pl.String,
    "code_detail": pl.String,
    "code_seconds": pl.Float64,
}


class CodeSettings(StrictModel):
    """Which columns are the program and its tests, and what each may use."""

    code: str = "code"
    """Column of the programs."""
    tests: str = "tests"
    """Column of the tests."""
    entry_point: str | None = None
    """Column with the name that the program has to define, as HumanEval has it; None: there is
    none, and `check(candidate)` is called with the only function of the program."""
    same_process: bool = False
    """Let that pass which passes only in one process with its tests. Such a program can forge a
    pass; its detail is `same process`, which a suite can refuse."""
    limits: Limits = Field(default_factory=Limits)
    """Bounds of time and memory for a program."""
    workers: int | None = Field(None, gt=0)
    """Programs that run at once; None: one for each processor."""


class Code(Scorer[CodeSettings]):
    """Runs the tests of each program in a sandbox."""

    name = "code"
    version = "code/4"
    """2: tests run apart from the program, and a pass needs an assertion that ran. 3: a program
    that catches a failed assertion of its tests does not pass. 4: nor does one whose tests catch
    it themselves; tests import no library but pytest and Hypothesis."""
    needs = ("code", "tests", "entry_point")
    rowwise = True
    uses_all_cores = True
    Settings = CodeSettings
    columns = COLUMNS

    def model_digest(self, given: Given, settings: CodeSettings) -> str:  # noqa: ARG002  of the protocol
        """Digest the Python that runs the programs, and how they are judged."""
        from platform import python_version  # noqa: PLC0415  only here

        return digests.of_values(
            python=python_version(), version=self.version, pytest=digests.installed("pytest")
        )

    def check_ready(self, settings: CodeSettings) -> None:  # noqa: ARG002  of the protocol
        """Check that this system isolates programs.

        Raises:
            SandboxError: It does not.
        """
        run.require()

    def expected(self, settings: CodeSettings) -> tuple[Expected, ...]:  # noqa: ARG002  of the protocol
        """Expect a program that passes its tests."""
        return (Expected("passes_its_tests", "code_passes", values=(True,)),)

    def score(self, candidates: pl.DataFrame, given: Given, settings: CodeSettings) -> pl.DataFrame:
        """Run each candidate's tests.

        Args:
            candidates: round, row, Python source of the program and of its tests, and the name of
                the entry point where there is such a column.
            given: told how far the work is.
            settings: names of columns, limits.

        Returns:
            round, row, code_passes (null: not judged), code_result (passed, failed, unjudged, or
            the limit that stopped it: time, processor, memory, processes, files, file size, file
            count, network), code_says (the first error, or why it was not judged), code_detail
            (`same process` or null), code_seconds; null where there is no program or no tests.

        Raises:
            SandboxError: this system cannot isolate, so nothing was run.
            LibraryError: tests need pytest, and it is not installed.
        """
        key = candidates.select("round", "row")
        names = [settings.code, settings.tests]
        names += [settings.entry_point] if settings.entry_point is not None else []
        rows = list(candidates.select(names).iter_rows())
        _check_pytest(row[1] for row in rows)
        outcomes = list(progress.told(_outcomes(rows, settings), len(rows), given.progress))
        values: dict[str, list[Any]] = {
            "code_passes": [each.passed if each else None for each in outcomes],
            "code_result": [each.result if each else None for each in outcomes],
            "code_says": [each.says if each else None for each in outcomes],
            "code_detail": [each.detail if each else None for each in outcomes],
            "code_seconds": [each.seconds if each else None for each in outcomes],
        }
        return key.with_columns(
            pl.Series(name, values[name], kind) for name, kind in COLUMNS.items()
        )


def _check_pytest(tests: Iterable[str | None]) -> None:
    """Find out before anything is run whether tests need what is not installed."""
    if importlib.util.find_spec("pytest") is not None:
        return
    needed = sum(1 for each in set(tests) if each and programs.need_pytest(each))
    if needed:
        raise LibraryError(
            f"{needed} of the candidates' tests use pytest, which is not installed; run "
            "`pip install 'stemma[code]'`"
        )


def _outcomes(
    rows: list[tuple[str | None, ...]], settings: CodeSettings
) -> Iterator[Outcome | None]:
    """Yield the outcome of each program, in order."""

    def judge(row: tuple[str | None, ...]) -> Outcome | None:
        program, tests, entry_point = row if len(row) == 3 else (*row, None)  # noqa: PLR2004  with the column
        if program is None or tests is None:
            return None
        return programs.judge(
            program,
            tests,
            settings.limits,
            entry_point=entry_point,
            same_process=settings.same_process,
        )

    with ThreadPoolExecutor(settings.workers or os.cpu_count()) as pool:
        yield from pool.map(judge, rows)
