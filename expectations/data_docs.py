"""The page of Great Expectations' Data Docs about a round, rendered from the verdicts in the lake.

GX's result objects are rebuilt from the suite and the verdict table, whichever engine ran the
suite, so the page shows exactly what the lake holds. GX's renderers and templates draw it; its
frame, which would load styles, scripts and fonts from the network, is replaced by one that loads
nothing. An unknown verdict appears as an expectation that raised, with its reason.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, TypeAlias

import polars as pl
from jinja2 import ChoiceLoader, FileSystemLoader, pass_context

from expectations import catalogue, details, gx
from expectations.suite import Rule, Suite
from lake.visible import mark_unprintable, visible

TEMPLATES: Final = Path(__file__).parent / "templates"
COLUMNS: Final = ("Name", "Severity", "Verdicts")
"""Our columns after those of Great Expectations, filled from a result's meta."""
VALUES: Final = 20
"""Unexpected values shown per expectation."""
REASONS: Final = 5
"""Reasons for unknown verdicts shown per expectation."""
DIGITS: Final = 6
"""Significant digits of an unexpected number."""

Counts: TypeAlias = Mapping[str, Mapping[str, int]]
"""Numbers of verdicts, by expectation and verdict."""


@dataclass(frozen=True, slots=True)
class About:
    """The round that a page is about."""

    dataset: str
    round: int
    made: datetime
    """Time of the verification."""
    facts: Mapping[str, object]
    """Further facts, shown under "Show more info"."""


def page(verdicts: pl.DataFrame, suite: Suite, info: About, *, counts: Counts | None = None) -> str:
    """Render the page of a round: HTML that loads nothing and runs nothing.

    Args:
        verdicts: of the round, as `lineage.schema.VERDICTS`.
        suite: that gave them.
        info: the round.
        counts: of all verdicts, by expectation and verdict, where `verdicts` are only those that
            did not pass and those on the whole round; None: `verdicts` are all there are.
    """
    document = _Renderer().render(results(verdicts, suite, info, counts=counts))
    heading = visible(f"{info.dataset}, round {info.round}")
    return mark_unprintable(str(_View().render(document, heading=heading)))  # type: ignore[no-untyped-call]  # GX's


def results(
    verdicts: pl.DataFrame, suite: Suite, info: About, *, counts: Counts | None = None
) -> gx.ExpectationSuiteValidationResult:
    """Build Great Expectations' own result of a suite from verdicts, as `page` has them."""
    counted = _counts(verdicts) if counts is None else counts
    by_name = {str(name): part for (name,), part in verdicts.group_by("expectation")}
    rule_results = [
        _result(rule, by_name.get(rule.name, verdicts.clear()), counted.get(rule.name, {}))
        for rule in suite.rules
    ]
    passed = sum(bool(result.success) for result in rule_results)
    return gx.ExpectationSuiteValidationResult(
        success=passed == len(rule_results),
        results=rule_results,
        suite_name=suite.name,
        statistics={
            "evaluated_expectations": len(rule_results),
            "successful_expectations": passed,
            "unsuccessful_expectations": len(rule_results) - passed,
            "success_percent": 100 * passed / len(rule_results),
        },
        meta={
            "great_expectations_version": version("great_expectations"),
            "run_id": {
                "run_name": f"{info.dataset}-{info.round}",
                "run_time": info.made.isoformat(),
            },
            "batch_kwargs": {"data_asset_name": f"{info.dataset}, round {info.round}"},
            "batch_parameters": {name: visible(str(value)) for name, value in info.facts.items()},
        },
    )


def _counts(verdicts: pl.DataFrame) -> Counts:
    """Count verdicts by expectation and verdict."""
    found: dict[str, dict[str, int]] = {}
    counted = verdicts.group_by("expectation", "verdict").len()
    for name, verdict, number in counted.iter_rows():
        found.setdefault(name, {})[verdict] = number
    return found


def _result(
    rule: Rule, verdicts: pl.DataFrame, counts: Mapping[str, int]
) -> gx.ExpectationValidationResult:
    """Build Great Expectations' result of one expectation; it is unknown without verdicts."""
    words = [f"{counts[word]:,} {word}" for word in details.VERDICTS if counts.get(word)]
    told = {
        "Name": visible(rule.name),
        "Severity": rule.severity,
        "Verdicts": ", ".join(words) or "none given",
    }
    judged = any(counts.values()) and not counts.get("unknown")
    rows = catalogue.judges_rows(rule)
    return gx.ExpectationValidationResult(
        success=judged and not counts.get("failed"),
        expectation_config=gx.ExpectationConfiguration(
            type=rule.type,
            kwargs=_shown(dict(rule.kwargs)),
            meta=told,
        ),
        result=_of_rows(rule, verdicts, counts) if rows else _of_table(verdicts),
        exception_info={
            "raised_exception": not judged,
            "exception_message": None if judged else _unknown(verdicts, told["Verdicts"]),
            "exception_traceback": "",
        },
    )


def _of_rows(rule: Rule, verdicts: pl.DataFrame, counts: Mapping[str, int]) -> dict[str, Any]:
    failed, unknown = counts.get("failed", 0), counts.get("unknown", 0)
    total = sum(counts.values())
    judged = total - unknown
    listed = _unexpected(rule, verdicts.filter(pl.col("verdict") == "failed"))
    return {
        "element_count": total,
        "missing_count": unknown,
        "missing_percent": 100 * unknown / total if total else None,
        "unexpected_count": failed,
        "unexpected_percent": 100 * failed / judged if judged else None,
        "unexpected_percent_total": 100 * failed / total if total else None,
        "partial_unexpected_list": listed["value"].to_list(),
        "partial_unexpected_counts": listed.to_dicts(),
    }


def _unexpected(rule: Rule, failing: pl.DataFrame) -> pl.DataFrame:
    """Count what was observed on failing rows, most common first: value, count."""
    number = pl.col("observed").round_sig_figs(DIGITS)
    detail = details.without_limits("detail")
    numeric = len(rule.columns) == 1 and not failing["observed"].has_nulls()
    counted = failing.group_by((number if numeric else detail).alias("value")).len("count")
    listed = counted.sort("count", "value", descending=[True, False]).head(VALUES)
    values = listed["value"].cast(pl.String).str.strip_suffix(".0").to_list()
    return listed.with_columns(pl.Series("value", _shown(values), pl.String))


def _of_table(verdicts: pl.DataFrame) -> dict[str, Any]:
    seen = verdicts["observed"].drop_nulls()
    return {"observed_value": seen[0]} if len(seen) else {}


def _unknown(verdicts: pl.DataFrame, counted: str) -> str:
    """Summarise why verdicts are unknown, most common reasons first."""
    by_reason = (
        verdicts.filter(pl.col("verdict") == "unknown")
        .group_by(pl.col("detail").fill_null("no reason given"))
        .len("count")
        .sort("count", "detail", descending=[True, False])
    )
    named = [f"{reason} ({count:,})" for reason, count in by_reason.head(REASONS).iter_rows()]
    more = [f"{len(by_reason) - REASONS} more reasons"] if len(by_reason) > REASONS else []
    return visible("; ".join([f"unknown, not passed: {counted}", *named, *more]))


def _shown(value: Any) -> Any:  # noqa: ANN401  as JSON has it
    """Replace what does not print in the texts of a value by marks."""
    if isinstance(value, str):
        return visible(value, lines=True)
    if isinstance(value, Mapping):
        return {_shown(name): _shown(inner) for name, inner in value.items()}
    return [_shown(inner) for inner in value] if isinstance(value, list | tuple) else value


class Table(gx.ValidationResultsTableContentBlockRenderer):
    """Great Expectations' table of a column's expectations, with columns of ours.

    GX has a way to add columns, but its own expectations refuse the argument that asks for them.
    """

    @classmethod
    def _get_custom_columns(cls, validation_results: object) -> list[str]:  # noqa: ARG003  GX's own
        return list(COLUMNS)

    @classmethod
    def _get_content_block_fn(
        cls, expectation_type: str, expectation_config: gx.ExpectationConfiguration | None = None
    ) -> Callable[..., Any]:
        draw: Any = super()._get_content_block_fn(expectation_type, expectation_config)

        def row(**given: Any) -> Any:  # noqa: ANN401  GX's rendered content
            (drawn,) = draw(**given)
            meta = given["configuration"].meta
            return [[*drawn, *([meta[name]] for name in COLUMNS)]]

        return row


class _Renderer(gx.ValidationResultsPageRenderer):
    """Great Expectations' renderer, without its link to a page that does not exist."""

    def __init__(self) -> None:
        table = {"module_name": Table.__module__, "class_name": Table.__name__}
        section = {"class_name": "ValidationResultsColumnSectionRenderer", "table_renderer": table}
        super().__init__(column_section_renderer=section)

    @classmethod
    def _render_validation_header(
        cls, validation_results: gx.ExpectationSuiteValidationResult
    ) -> Any:  # noqa: ANN401  GX's rendered content
        header = super()._render_validation_header(validation_results)  # type: ignore[no-untyped-call]  # GX's
        header.subheader.string_template["styling"]["params"].pop("expectation_suite_name")
        return header


class _View(gx.DefaultJinjaPageView):
    """Great Expectations' templates in a frame that loads nothing; plain values are escaped."""

    _template = "data_docs.j2"

    def __init__(self) -> None:
        super().__init__()
        own, given = FileSystemLoader(TEMPLATES), self.env.loader
        self.env.loader = ChoiceLoader([own, *([given] if given else [])])

    @pass_context
    def render_content_block(
        self,
        jinja_context: Any,  # noqa: ANN401  as GX has it
        content_block: Any,  # noqa: ANN401
        *args: Any,  # noqa: ANN401
        **kwargs: Any,  # noqa: ANN401
    ) -> Any:  # noqa: ANN401
        """Render a block of content."""
        if isinstance(content_block, list):
            escaped = [html.escape(x) if isinstance(x, str) else x for x in content_block]
            return super().render_content_block(jinja_context, escaped, *args, **kwargs)
        if isinstance(content_block, str):
            return html.escape(content_block)
        return super().render_content_block(jinja_context, content_block, *args, **kwargs)
