"""Base classes of expectations that judge a batch as a whole, by a figure of some columns.

`find` judges Polars frames; only `_validate` depends on Great Expectations.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import polars as pl

from expectations import details, gx, references
from expectations.custom.sentence import Sentence
from expectations.errors import CannotJudge

VERSION: Final = "table/1"
"""Raised when the verdicts change for equal input."""

COLUMNS: Final = ("column", "column_list")
LIMITS: Final = ("min_value", "max_value", "min_ratio", "max_ratio", "min_p_value")
PHRASES: Final = {
    "min_value": "at least $min_value",
    "max_value": "at most $max_value",
    "min_ratio": "at least $min_ratio times that of real rows",
    "max_ratio": "at most $max_ratio times that of real rows",
    "min_p_value": "no worse than real rows at level $min_p_value",
    "against": "compared with the rows named $against",
    "draws": "$draws draws of real rows",
    "max_rows": "on $max_rows rows or fewer",
    "seed": "seed $seed",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of an expectation on a batch."""

    success: bool
    observed: float
    facts: Mapping[str, float | str] = field(default_factory=dict)
    """Further facts for a person."""


class TableExpectation(Sentence, gx.BatchExpectation, ABC):
    """An expectation about a whole batch."""

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the expectation judges."""
        given = [getattr(self, name) for name in COLUMNS if hasattr(self, name)]
        return tuple(
            name for value in given for name in ([value] if isinstance(value, str) else value)
        )

    @property
    def reference(self) -> str | None:
        """Name of the rows that candidates are compared with: `against`; None without it."""
        name: str | None = getattr(self, "against", None)
        return name

    @abstractmethod
    def find(self, candidates: pl.DataFrame, reference: pl.DataFrame | None) -> Finding:
        """Judge candidates.

        Args:
            candidates: with `columns`.
            reference: the rows of that name, with `columns`; None if there is no name.

        Raises:
            CannotJudge: there is too little to judge by.
        """

    def _validate(
        self,
        metrics: dict[str, Any],  # noqa: ARG002  GX passes it
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002  GX passes it
        execution_engine: gx.ExecutionEngine[Any] | None = None,
    ) -> dict[str, Any]:
        if execution_engine is None:
            raise CannotJudge("there is no batch")
        batch = execution_engine.get_domain_records({})[list(self.columns)]
        named = None if self.reference is None else references.frame(self.reference)
        finding = self.find(pl.from_pandas(batch, nan_to_null=True), named)
        if not math.isfinite(finding.observed):
            raise CannotJudge(f"the figure is {finding.observed}, which no limit can judge")
        result = {"observed_value": float(finding.observed), "details": dict(finding.facts)}
        return {"success": bool(finding.success), "result": result}

    @classmethod
    @gx.renderer(renderer_type=gx.LegacyDiagnosticRendererType.OBSERVED_VALUE)
    def _diagnostic_observed_value_renderer(
        cls,
        configuration: gx.ExpectationConfiguration | None = None,  # noqa: ARG003  GX passes it
        result: gx.ExpectationValidationResult | None = None,
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG003  GX passes it
    ) -> str:
        content = (result.result if result else None) or {}
        if "observed_value" not in content:
            return "--"
        return details.figures(content["observed_value"], content.get("details") or {})


class Bounded(TableExpectation, ABC):
    """An expectation that bounds a figure."""

    min_value: float | None = None
    max_value: float | None = None

    phrases: ClassVar[Mapping[str, str]] = PHRASES

    @gx.root_validator(skip_on_failure=True)
    def _has_a_limit(cls, values: dict[str, Any]) -> dict[str, Any]:  # noqa: N805  pydantic makes it a class method
        limits = [name for name in LIMITS if name in values]
        if all(values[name] is None for name in limits):
            raise ValueError(f"give one of {', '.join(limits)}; without a limit it never fails")
        for low, high in (("min_value", "max_value"), ("min_ratio", "max_ratio")):
            least, most = values.get(low), values.get(high)
            if least is not None and most is not None and least > most:
                raise ValueError(f"{low} is above {high}, so it always fails")
        return values

    def within(self, value: float) -> bool:
        """Whether a figure is within the limits."""
        return within(value, self.min_value, self.max_value)


def within(value: float, low: float | None, high: float | None) -> bool:
    """Whether a value is between limits; None is no limit."""
    return (low is None or value >= low) and (high is None or value <= high)


def to_compare(reference: pl.DataFrame | None) -> pl.DataFrame:
    """The rows that candidates are compared with.

    Raises:
        CannotJudge: there are none.
    """
    if reference is None:
        raise CannotJudge("there are no rows to compare with")
    return reference


def drawn(values: pl.Series, rows: int, seed: int) -> pl.Series:
    """Sample at most `rows` values of a column, without nulls."""
    present = values.drop_nulls()
    return present if len(present) <= rows else present.sample(rows, seed=seed)


def values(frame: pl.DataFrame, column: str) -> pl.Series:
    """Select the finite numbers of a column.

    Raises:
        CannotJudge: it holds no numbers.
    """
    dtype = frame.schema[column]
    if not (dtype.is_numeric() or dtype == pl.Boolean):
        raise CannotJudge(f"column {column!r} holds {dtype}; numbers are needed")
    numbers = frame[column].cast(pl.Float64)
    return numbers.filter(numbers.is_finite().fill_null(value=False))
