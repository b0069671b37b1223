"""Does a suite fit its data and its scorers? What does not is said before a round costs anything.

An expectation about a column that nothing gives would stop the round after its candidates were
paid for; a scorer whose columns nobody judges is run for nothing; a label that the suite does not
know is refused in every candidate.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import polars as pl

from expectations.suite import Rule, Suite
from lineage.schema import LINEAGE
from pipelines.common.settings import nearest
from pipelines.features import images
from pipelines.scorers import registry

BYTES: Final = "_bytes"
LABEL: Final = "label"
LISTED: Final = {
    "expect_column_values_to_be_in_set": "value_set",
    "expect_column_distinct_values_to_be_in_set": "value_set",
}
"""Argument that names what may be there, by type of expectation."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a suite that does not fit."""

    level: Literal["error", "note"]
    expectation: str | None
    sentence: str


def check(
    suite: Suite,
    columns: Iterable[str],
    scorers: Mapping[str, Mapping[str, Any]],
    classes: Iterable[object] | None = None,
) -> list[Finding]:
    """Hold a suite against what there will be to judge.

    Args:
        suite: The expectations.
        columns: Of the payload as scorers and suites see it; an image stands as `<name>_bytes`.
        scorers: Settings by name.
        classes: Labels of the real rows; None: not known, or there are none.

    Returns:
        What does not fit: first errors, then notes.
    """
    given = {*columns, *LINEAGE.names(), *of_scorers(scorers)}
    found = [*_columns(suite, given, scorers), *_classes(suite, classes)]
    found += _unjudged(suite, scorers)
    return sorted(found, key=lambda each: each.level)


def judged(shown: pl.DataFrame) -> list[str]:
    """List the columns of a payload under the names that a suite sees."""
    return [
        f"{name}{BYTES}" if dtype == images.IMAGE else name for name, dtype in shown.schema.items()
    ]


def of_scorers(scorers: Iterable[str]) -> set[str]:
    """List the columns that scorers give."""
    return {column for name in scorers for column in registry.load(name).columns}


def _columns(suite: Suite, given: set[str], scorers: Iterable[str]) -> Iterator[Finding]:
    """Find expectations about columns that nothing gives."""
    packaged = {
        column: name
        for name in registry.SCORERS.names()
        if name not in scorers
        for column in registry.load(name).columns
    }
    for rule in suite.rules:
        for column in rule.columns:
            if column in given:
                continue
            if column in packaged:
                remedy = (
                    f"`{column}` comes from scorer {packaged[column]}; add it to verify.scorers"
                )
            elif f"{column}{BYTES}" in given:
                remedy = f"an image's file is judged as `{column}{BYTES}`"
            else:
                remedy = f"neither the data nor a scorer gives `{column}`{nearest(column, given)}"
            yield Finding("error", rule.name, f"expectation {rule.name!r}: {remedy}")


def _classes(suite: Suite, classes: Iterable[object] | None) -> Iterator[Finding]:
    """Find labels of the data that an expectation about labels does not allow."""
    if classes is None:
        return
    labels = list(classes)
    for rule in suite.rules:
        missing = [label for label in labels if label not in _allowed(rule, labels)]
        if missing:
            named = ", ".join(repr(label) for label in missing[:5])
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""  # noqa: PLR2004  named
            yield Finding(
                "error",
                rule.name,
                f"expectation {rule.name!r} does not allow the label {named}{more}, which real "
                "rows have; add it there",
            )


def _allowed(rule: Rule, labels: list[object]) -> list[Any]:
    argument = LISTED.get(rule.type)
    if argument is None or rule.columns != (LABEL,):
        return labels
    return list(rule.kwargs.get(argument) or labels)


def _unjudged(suite: Suite, scorers: Iterable[str]) -> Iterator[Finding]:
    """Find scorers none of whose columns is judged."""
    judged = {column for rule in suite.rules for column in rule.columns}
    for name in scorers:
        columns = registry.load(name).columns
        if not judged & set(columns):
            listed = ", ".join(columns)
            yield Finding(
                "note",
                None,
                f"scorer {name} runs and nobody judges it: no expectation is about {listed}",
            )
