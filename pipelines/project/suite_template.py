"""Write the suite of a data set: what its payload must be, and what its scorers expect."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl

from expectations import suite as suites
from lineage.errors import ImageFileError
from lineage.image_files import decode
from pipelines.features import images
from pipelines.project import thresholds
from pipelines.project.out_of_fold import Measured
from pipelines.project.thresholds import BETWEEN, IN_SET, NOT_NULL, Real, Rule
from pipelines.scorers import registry
from pipelines.scorers.expected import Expected
from pipelines.scorers.protocol import SuggestsExpectations

LABEL: Final = "label"
MATCHES: Final = "expect_column_values_to_match_regex"
DECODABLE: Final = "expect_column_values_to_be_decodable_images"
SUPPORT: Final = "expect_column_classes_to_have_support"
ROWS: Final = "expect_table_row_count_to_be_between"
MOST_ROWS: Final = 10_000_000
LEAST_SHARE: Final = 0.2
"""Share of the candidates that were asked for which must be there."""
ENOUGH: Final = 5
"""Candidates that a class has on average, from which one without any stops the round."""
MOST_VALUES: Final = 50
"""Different texts in a column of a table that are listed as its categories."""
SHAPES: Final = 200
"""Images whose shapes are looked at."""


def write(
    dataset: str,
    measured: Measured,
    payload: list[str],
    scorers: Mapping[str, Mapping[str, Any]],
    *,
    candidates: int,
) -> dict[str, Any]:
    """Write a suite, as the content of its file.

    Args:
        dataset: Its name.
        measured: Real training rows with their scores.
        payload: The columns of a sample.
        scorers: Settings by name; those that were not measured give only what is constant.
        candidates: How many a round asks for.

    Raises:
        SuiteError: What was written is no suite.
    """
    rules = [*_of_payload(measured.rows, payload), *_of_scorers(measured, scorers)]
    rules += _of_the_round(measured.rows, rules, candidates)
    where = Real(measured.rows, measured.folds).where()
    about = (
        f"Written by `stemma suite new` from {where}. A limit that names a quantile was measured "
        "on these rows; validation and test rows were not looked at. real_rows_pass is the share "
        "of these rows that pass."
    )
    content = {"name": dataset, "meta": {"about": about}, "expectations": _unique(rules)}
    suites.parse(content, f"the suite of {dataset}")
    return content


def _of_payload(rows: pl.DataFrame, payload: list[str]) -> Iterator[Rule]:
    """Write what each column of a sample must be."""
    for column in payload:
        values = rows[column]
        if column == LABEL:
            yield _rule("label_asked", NOT_NULL, {"column": LABEL})
            known = _plain(values.unique().sort().drop_nulls())
            yield _rule("label_known", IN_SET, {"column": LABEL, "value_set": known})
        elif values.dtype == images.IMAGE:
            yield _rule(f"{column}_present", NOT_NULL, {"column": f"{column}_bytes"})
            shape = _shape(values)
            yield _rule(f"{column}_decodable", DECODABLE, {"column": f"{column}_bytes", **shape})
        elif not values.null_count():
            yield _rule(f"{column}_present", NOT_NULL, {"column": column})
            yield from _of_values(column, values)


def _of_values(column: str, values: pl.Series) -> Iterator[Rule]:
    """Write what the values of a column without nulls must be."""
    if values.dtype == pl.String and values.n_unique() <= min(MOST_VALUES, len(values) // ENOUGH):
        known = _plain(values.unique().sort())
        yield _rule(f"{column}_known", IN_SET, {"column": column, "value_set": known})
    elif values.dtype == pl.String:
        yield _rule(f"{column}_has_words", MATCHES, {"column": column, "regex": r"\w"})
    elif values.dtype.is_numeric():
        low, high = _plain(pl.Series([values.min(), values.max()]))
        limits = {"column": column, "min_value": low, "max_value": high}
        measured = f"The lowest and the highest value of {len(values):,} real training rows."
        yield _rule(f"{column}_in_real_range", BETWEEN, limits, measured=measured)


def _shape(values: pl.Series) -> dict[str, Any]:
    """Mode, width and height that all images share; what differs is left open."""
    seen: dict[str, set[Any]] = {"mode": set(), "width": set(), "height": set()}
    for each in values.head(SHAPES).struct.field("bytes"):
        try:
            found = decode(each, lambda image: (image.mode, image.width, image.height))
        except ImageFileError:
            continue
        for name, value in zip(seen, found, strict=True):
            seen[name].add(value)
    return {name: next(iter(found)) for name, found in seen.items() if len(found) == 1}


def _of_scorers(measured: Measured, scorers: Mapping[str, Mapping[str, Any]]) -> Iterator[Rule]:
    """Write what each scorer expects of its columns, column by column."""
    for name, given in scorers.items():
        scorer = registry.load(name)
        if not isinstance(scorer, SuggestsExpectations):
            continue
        by_column: dict[str, list[Expected]] = {}
        for each in scorer.expected(registry.settings(name, given)):
            by_column.setdefault(each.column, []).append(each)
        real = None if name in measured.left_out else Real(measured.rows, measured.folds)
        for column, expected in by_column.items():
            yield from thresholds.of_column(column, expected, real)


def _of_the_round(rows: pl.DataFrame, rules: list[Rule], candidates: int) -> Iterator[Rule]:
    """Write what a round must be as a whole: enough candidates, and each class asked for."""
    least = max(1, int(LEAST_SHARE * candidates))
    yield _rule("enough_candidates", ROWS, {"min_value": least, "max_value": MOST_ROWS})
    if LABEL not in rows.columns:
        return
    classes = _plain(rows[LABEL].unique().sort().drop_nulls())
    severity = "critical" if candidates >= ENOUGH * len(classes) else "warning"
    support = {"classes": classes, "min_count": 1}
    yield _rule("every_class_asked", SUPPORT, {"column": LABEL, **support}, severity)
    for rule in rules:
        if rule["kwargs"].get("column_A") == LABEL:
            column = rule["kwargs"]["column_B"]
            name = f"every_class_seen_in_{column}"
            yield _rule(name, SUPPORT, {"column": column, **support}, "warning")


def _rule(
    name: str,
    kind: str,
    arguments: Mapping[str, Any],
    severity: str = "critical",
    measured: str | None = None,
) -> Rule:
    meta = {"name": name} if measured is None else {"name": name, "measured": measured}
    return {"type": kind, "kwargs": dict(arguments), "severity": severity, "meta": meta}


def _plain(values: pl.Series) -> list[Any]:
    """Values as JSON has them."""
    return values.to_list()


def _unique(rules: list[Rule]) -> list[Rule]:
    """Number expectations whose names come again."""
    seen: dict[str, int] = {}
    for rule in rules:
        name = rule["meta"]["name"]
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            rule["meta"]["name"] = f"{name}_{seen[name]}"
    return rules
