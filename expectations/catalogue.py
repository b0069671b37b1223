"""Known expectation types, what they judge, and whether a suite fits them.

GX's map expectations skip nulls, so a suite that bounds a column without requiring its values would
pass rows without one. Such a suite is refused before anything runs.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Final

from expectations import custom, gx, patterns
from expectations.errors import SuiteError, unknown
from expectations.suite import Rule, Suite

BETWEEN: Final = "expect_column_values_to_be_between"
NOT_NULL: Final = "expect_column_values_to_not_be_null"
ASKS_FOR_NULL: Final = "expect_column_values_to_be_null"
ABOUT_ONE_NULL: Final = (NOT_NULL, ASKS_FOR_NULL)
"""Types that only ask whether a row has a value."""
ABOUT_NULLS: Final = (
    *ABOUT_ONE_NULL,
    "expect_column_proportion_of_non_null_values_to_be_between",
    "expect_column_to_exist",
)
"""Types that treat missing values themselves."""

ROW_BY_ROW: Final = (
    *ABOUT_ONE_NULL,
    BETWEEN,
    "expect_column_values_to_be_in_set",
    "expect_column_values_to_not_be_in_set",
    "expect_column_value_lengths_to_be_between",
    "expect_column_value_lengths_to_equal",
    "expect_column_pair_values_to_be_equal",
    "expect_column_pair_values_a_to_be_greater_than_b",
    "expect_column_pair_values_to_be_in_set",
    "expect_column_values_to_be_decodable_images",
    *patterns.TYPES,
)
"""Types that judge a row by that row alone."""

MAPS: Final = (
    gx.ColumnMapExpectation,
    gx.ColumnPairMapExpectation,
    gx.MulticolumnMapExpectation,
)
OF_COLUMNS: Final = (*MAPS, gx.ColumnAggregateExpectation, custom.TableExpectation)
"""Types that judge the values of the columns in their arguments."""
ONE_VERDICT: Final = ("mostly", "row_condition", "condition_parser")
"""Arguments that contradict one independent verdict per row."""


def check(suite: Suite) -> None:
    """Check a suite against the known types.

    Raises:
        SuiteError: names the unknown type or argument and the nearest known one, the argument of
            the wrong kind, or the column whose values nothing asks for.
    """
    for rule in suite.rules:
        expectation(rule)
        patterns.check(rule, f"expectation {rule.name!r}")
    _ask_for_values(suite)


def expectation(rule: Rule, **meta: object) -> gx.Expectation:
    """Build Great Expectations' expectation of a rule.

    Args:
        rule: of a suite.
        meta: to add to the rule's own.

    Raises:
        SuiteError: as `check`.
    """
    where = f"expectation {rule.name!r}"
    expectation_class = _class(rule)
    for name, value in rule.kwargs.items():
        if name in ONE_VERDICT and issubclass(expectation_class, MAPS):
            raise SuiteError(f"{where}: every row gets a verdict of its own; remove {name!r}")
        if name not in arguments(rule):
            raise SuiteError(unknown(f"{where}: argument", name, arguments(rule)))
        if isinstance(value, dict) and "$PARAMETER" in value:
            raise SuiteError(f"{where}: {name!r} is a suite parameter; write its value")
    try:
        severity = gx.FailureSeverity(rule.severity)
        built = expectation_class(**rule.kwargs, severity=severity, meta={**rule.meta, **meta})
    except gx.ValidationError as error:
        first = error.errors()[0]
        argument = ".".join(str(part) for part in first["loc"] if part != "__root__")
        named = f"{where}: {argument!r}" if argument else where
        raise SuiteError(f"{named}: {first['msg']}; correct it") from error
    for field in expectation_class.__fields__.values():
        given, meant = rule.kwargs.get(field.alias), getattr(built, field.name)
        if not _is_meant(given, meant):
            message = f"{where}: {field.alias!r} is {json.dumps(given)}"
            raise SuiteError(f"{message}, which would be taken for {meant!r}; correct it")
    return built


def _is_meant(given: object, meant: object) -> bool:
    """Whether a plain value kept its type and value when the expectation was built."""
    kinds = (bool, int | float, str)
    if not isinstance(given, kinds) or not isinstance(meant, kinds):
        return True
    one, other = (
        next(plain_type for plain_type in kinds if isinstance(value, plain_type))
        for value in (given, meant)
    )
    return one == other and given == meant


def judges_rows(rule: Rule) -> bool:
    """Whether a rule gives a verdict per row, and not one for the table."""
    return issubclass(_class(rule), MAPS)


def judges_row_by_row(rule: Rule) -> bool:
    """Whether a rule says the same of a row whatever the other rows are.

    Only types are listed of which this is known: others, such as those of a project's own, may
    compare rows.
    """
    return rule.type in ROW_BY_ROW and judges_rows(rule)


def needs_its_columns_alone(rule: Rule) -> bool:
    """Whether a rule gives the same verdicts without the other columns of the table."""
    return rule.kwargs.get("row_condition") is None and issubclass(_class(rule), OF_COLUMNS)


def skips_nulls(rule: Rule) -> bool:
    """Whether a rule judges only the rows that have a value in its column."""
    return rule.type not in ABOUT_NULLS and issubclass(_class(rule), gx.ColumnMapExpectation)


def compared(rule: Rule) -> str | None:
    """Return the name of the rows that a rule compares candidates with; None if there is none."""
    built = expectation(rule)
    return built.reference if isinstance(built, custom.TableExpectation) else None


def compared_columns(suite: Suite, name: str) -> set[str]:
    """List the columns that a suite compares with the rows of this name."""
    return {column for rule in suite.rules if compared(rule) == name for column in rule.columns}


def arguments(rule: Rule) -> set[str]:
    """List the arguments that a rule of this type may have."""
    expectation_class = _class(rule)
    common = {*gx.Expectation.__fields__, "batch_id"}
    names = {field.alias for field in expectation_class.__fields__.values()} - common
    return names - set(ONE_VERDICT) if issubclass(expectation_class, MAPS) else names


def _class(rule: Rule) -> type[gx.Expectation]:
    types = {*gx.list_registered_expectation_implementations(), *custom.TYPES}
    if rule.type not in types:
        raise SuiteError(unknown("expectation type", rule.type, types))
    expectation_class: type[gx.Expectation] = gx.get_expectation_impl(rule.type)
    return expectation_class


def _ask_for_values(suite: Suite) -> None:
    columns = {rule.columns[0] for rule in suite.rules if rule.type == NOT_NULL}
    for rule, column in _bounded(suite.rules):
        if column not in columns:
            raise SuiteError(
                f"expectation {rule.name!r} passes over rows without a value of {column!r}; "
                f"add {NOT_NULL} for that column"
            )


def _bounded(rules: Iterable[Rule]) -> Iterator[tuple[Rule, str]]:
    """Yield each rule that judges values of columns, with each of its columns."""
    for rule in rules:
        expectation_class = _class(rule)
        if rule.type not in ABOUT_NULLS and issubclass(expectation_class, OF_COLUMNS):
            yield from ((rule, column) for column in rule.columns)
