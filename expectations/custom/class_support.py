"""`expect_column_classes_to_have_support`: no class is missing or rare.

A generator that collapses loses whole classes first, while every single sample still looks fine.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from expectations import gx
from expectations.custom.sentence import Sentence

VERSION: Final = "class_support/1"
"""Raised when the verdicts change for equal input."""

COUNTS: Final = "column.value_counts"
"""GX's metric that counts rows per value, without nulls."""


class ExpectColumnClassesToHaveSupport(Sentence, gx.ColumnAggregateExpectation):
    """Expect each of the named classes to have enough rows.

    The observed value is the number of rows of the rarest class. Values that are not named are
    passed over; `expect_column_distinct_values_to_be_in_set` judges them.

    Args:
        column: of labels.
        classes: the values that must be there.
        min_count: rows that each of them must have.
    """

    classes: list[int | str]
    min_count: int = 1

    metric_dependencies: ClassVar[tuple[str, ...]] = (COUNTS,)
    success_keys: ClassVar[tuple[str, ...]] = ("classes", "min_count")
    args_keys: ClassVar[tuple[str, ...]] = ("column", "classes", "min_count")
    sentence: ClassVar[str] = "$column must have enough rows of each class"
    phrases: ClassVar[dict[str, str]] = {
        "classes": "classes $classes",
        "min_count": "at least $min_count each",
    }

    @gx.validator("classes")
    def _some(cls, value: list[int | str]) -> list[int | str]:  # noqa: N805  pydantic makes it a class method
        if not value:
            raise ValueError("at least one class must be named")
        return value

    @gx.validator("min_count")
    def _positive(cls, value: int) -> int:  # noqa: N805  pydantic makes it a class method
        if value < 1:
            raise ValueError("a class is only there with 1 row or more")
        return value

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,  # noqa: ARG002  GX passes it
        execution_engine: gx.ExecutionEngine[Any] | None = None,  # noqa: ARG002  GX passes it
    ) -> dict[str, Any]:
        rows_by_class = metrics[COUNTS]
        counts = {name: int(rows_by_class.get(name, 0)) for name in self.classes}
        rare = {str(name): count for name, count in counts.items() if count < self.min_count}
        return {
            "success": not rare,
            "result": {"observed_value": min(counts.values()), "details": {"rare": rare}},
        }
