from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from expectations import catalogue, custom, gx, patterns
from expectations.outcomes import outcomes
from expectations.suite import Rule, Suite
from tests.examples import few_and_many

COLUMNS = ("a", "b")
PAIR = {"column_A": "a", "column_B": "b"}
LIST = {"column_list": ["a", "b"]}
A = {"column": "a"}
TEXTS = ["", "a", "ab", "1", "2020-01-01", '{"a": 1}', "[1]"]
FLOATS = st.sampled_from([-1.5, 0.0, 0.1, 1.0, 2.0, 3.0, float("nan")])
KINDS: Mapping[pl.DataType, st.SearchStrategy[Any]] = {
    pl.Float64(): FLOATS,
    pl.Float32(): FLOATS,
    pl.Int64(): st.integers(-2, 3),
    pl.Int32(): st.integers(-2, 3),
    pl.UInt8(): st.integers(0, 3),
    pl.Boolean(): st.booleans(),
    pl.String(): st.sampled_from(TEXTS),
    pl.Enum(TEXTS): st.sampled_from(TEXTS),
    pl.Categorical(): st.sampled_from(TEXTS),
    pl.Binary(): st.sampled_from([b"", b"a"]),
    pl.Date(): st.sampled_from([date(2020, 1, 1), date(2021, 2, 3)]),
    pl.Datetime("us"): st.datetimes(),
    pl.List(pl.Int64): st.lists(st.integers(0, 1), max_size=2),
}
ASKED: Mapping[str, list[dict[str, Any]]] = {
    "expect_column_pair_values_a_to_be_greater_than_b": [
        PAIR,
        {**PAIR, "or_equal": True},
        {**PAIR, "ignore_row_if": "neither"},
    ],
    "expect_column_pair_values_to_be_equal": [
        PAIR,
        {**PAIR, "ignore_row_if": "either_value_is_missing"},
        {**PAIR, "ignore_row_if": "neither"},
    ],
    "expect_column_pair_values_to_be_in_set": [
        {**PAIR, "value_pairs_set": [(1, 1), ("a", "ab"), (0.1, 2.0)]},
    ],
    "expect_column_value_lengths_to_be_between": [{**A, "min_value": 1, "max_value": 2}],
    "expect_column_value_lengths_to_equal": [{**A, "value": 1}],
    "expect_column_value_z_scores_to_be_less_than": [
        {**A, "threshold": 0.7, "double_sided": True},
        {**A, "threshold": 0.1, "double_sided": False},
    ],
    "expect_column_values_to_be_between": [
        {**A, "min_value": 0.1, "max_value": 2},
        {**A, "min_value": 0.1, "strict_min": True},
        {**A, "max_value": 1, "strict_max": True},
        {**A, "min_value": "2020-06-01"},
    ],
    "expect_column_values_to_be_dateutil_parseable": [A],
    "expect_column_values_to_be_decodable_images": [A],
    "expect_column_values_to_be_decreasing": [A, {**A, "strictly": True}],
    "expect_column_values_to_be_in_set": [
        {**A, "value_set": [0.1, 1]},
        {**A, "value_set": ["a", "1"]},
        {**A, "value_set": []},
    ],
    "expect_column_values_to_be_in_type_list": [{**A, "type_list": ["str", "int"]}],
    "expect_column_values_to_be_increasing": [A, {**A, "strictly": True}],
    "expect_column_values_to_be_json_parseable": [A],
    "expect_column_values_to_be_null": [A],
    "expect_column_values_to_be_of_type": [{**A, "type_": "str"}, {**A, "type_": "bytes"}],
    "expect_column_values_to_be_unique": [A],
    "expect_column_values_to_match_json_schema": [{**A, "json_schema": {"type": "object"}}],
    "expect_column_values_to_match_like_pattern": [{**A, "like_pattern": "a%"}],
    "expect_column_values_to_match_like_pattern_list": [{**A, "like_pattern_list": ["a%"]}],
    "expect_column_values_to_match_regex": [{**A, "regex": "^[a1]"}, {**A, "regex": "[.]0$"}],
    "expect_column_values_to_match_regex_list": [
        {**A, "regex_list": ["a", "b"], "match_on": "any"},
        {**A, "regex_list": ["a", "b"], "match_on": "all"},
    ],
    "expect_column_values_to_match_strftime_format": [{**A, "strftime_format": "%Y-%m-%d"}],
    "expect_column_values_to_not_be_in_set": [{**A, "value_set": [0.1, 1, "a"]}],
    "expect_column_values_to_not_be_null": [A],
    "expect_column_values_to_not_be_outliers": [
        {**A, "method": "iqr", "multiplier": 0.5},
        {**A, "method": "std", "multiplier": 0.5},
    ],
    "expect_column_values_to_not_match_like_pattern": [{**A, "like_pattern": "a%"}],
    "expect_column_values_to_not_match_like_pattern_list": [{**A, "like_pattern_list": ["a%"]}],
    "expect_column_values_to_not_match_regex": [{**A, "regex": "^[a1]"}],
    "expect_column_values_to_not_match_regex_list": [{**A, "regex_list": ["a", "1"]}],
    "expect_compound_columns_to_be_unique": [LIST, {**LIST, "ignore_row_if": "never"}],
    "expect_multicolumn_sum_to_equal": [
        {**LIST, "sum_total": 2},
        {**LIST, "sum_total": 2, "ignore_row_if": "any_value_is_missing"},
    ],
    "expect_multicolumn_values_to_be_equal": [LIST, {**LIST, "ignore_row_if": "never"}],
    "expect_select_column_values_to_be_unique_within_record": [
        LIST,
        {**LIST, "ignore_row_if": "never"},
    ],
}
"""By type that judges rows: the arguments that it is tried with."""


@st.composite
def batches(draw: st.DrawFn) -> pl.DataFrame:
    """Some rows of two columns of any kind, each with a value at least."""
    size = draw(st.integers(1, 8))
    kinds = draw(st.tuples(*[st.sampled_from(list(KINDS))] * 2))
    if draw(st.booleans()):
        kinds = (kinds[0], kinds[0])
    columns = {}
    for name, kind in zip(COLUMNS, kinds, strict=True):
        value = KINDS[kind]
        values = draw(st.lists(st.none() | value, min_size=size - 1, max_size=size - 1))
        at = draw(st.integers(0, size - 1))
        known = draw(value.filter(lambda each: str(each) != "nan"))
        columns[name] = pl.Series([*values[:at], known, *values[at:]], dtype=kind, strict=False)
    numbers = draw(st.permutations(range(size)))
    key = {"round": pl.Series([2] * size, dtype=pl.Int32), "row": [10 * each for each in numbers]}
    found = pl.DataFrame({**key, **columns})
    return found.with_columns(pl.selectors.float().fill_nan(None))


def plainly(batch: pl.DataFrame, rule: Rule) -> list[int] | None:
    """The rows that fail, as GX lists them to anybody; None if it does not judge rows."""
    context = gx.context()
    asset = context.data_sources.add_pandas("plain").add_dataframe_asset("rows")
    suite = gx.ExpectationSuite(name="plain", expectations=[catalogue.expectation(rule)])
    definition = gx.ValidationDefinition(
        name="plain",
        data=asset.add_batch_definition_whole_dataframe("all"),
        suite=context.suites.add(suite),
    )
    (found,) = (
        context.validation_definitions.add(definition)
        .run(
            batch_parameters={"dataframe": batch.to_pandas()},
            result_format={
                "result_format": "COMPLETE",
                "unexpected_index_column_names": ["row"],
                "exclude_unexpected_values": True,
            },
        )
        .results
    )
    info = found.exception_info
    each = [info] if "raised_exception" in info else list(info.values())
    if any(one["raised_exception"] for one in each):
        return None
    listed = found.result.get("unexpected_index_list")
    if listed is None:
        return None
    return [int(row) for row in listed[0]["row"]] if listed else []


def test_each_type_that_judges_rows_is_tried() -> None:
    known = [*gx.list_registered_expectation_implementations(), *custom.TYPES]
    maps = {name for name in known if catalogue.judges_rows(Rule(name, name, {}, "critical", {}))}
    assert maps == set(ASKED)


@pytest.mark.filterwarnings("ignore:Could not infer format:UserWarning")
@few_and_many(1, 3)
@pytest.mark.parametrize("kind", ASKED)
def test_the_rows_that_fail_are_those_that_plain_great_expectations_lists(
    kind: str, examples: int
) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
        phases=[Phase.generate, Phase.shrink],
    )
    @given(batch=batches(), data=st.data())
    def same(batch: pl.DataFrame, data: st.DataObject) -> None:
        kwargs = data.draw(st.sampled_from(ASKED[kind]))
        rule = Rule("rule", kind, kwargs, "critical", {})
        (found,) = outcomes(batch, Suite("s", (rule,)))
        expected = plainly(batch, rule)
        if expected is None:  # GX cannot judge any text beside one that is no JSON; that one fails
            assert found.problem is not None or kind == patterns.SCHEMA
            return
        assert found.problem is None
        assert found.failing is not None
        assert batch.filter(found.failing)["row"].to_list() == expected

    same()


@pytest.mark.parametrize(
    ("kind", "kwargs", "observed"),
    [
        ("expect_table_column_count_to_equal", {"value": 4}, 4),
        ("expect_column_to_exist", {"column": "b", "column_index": 3}, None),
        ("expect_column_mean_to_be_between", {"column": "a", "min_value": 1, "max_value": 3}, 2),
        (
            "expect_column_mean_to_be_between",
            {
                "column": "a",
                "min_value": 3,
                "row_condition": {
                    "type": "comparison",
                    "column": {"name": "b"},
                    "operator": "==",
                    "parameter": "y",
                },
            },
            3,
        ),
    ],
)
def test_what_is_about_the_table_sees_all_of_it(
    kind: str, kwargs: dict[str, Any], observed: float | None
) -> None:
    batch = pl.DataFrame({"round": [1] * 3, "row": [0, 1, 2], "a": [1, None, 3], "b": list("xyy")})
    (found,) = outcomes(batch, Suite("s", (Rule("rule", kind, kwargs, "critical", {}),)))
    assert (found.problem, found.success, found.failing) == (None, True, None)
    assert found.observed == observed


@pytest.mark.parametrize("bound", [0.1, float(np.float32(0.1))])
@pytest.mark.parametrize("strict", [False, True])
def test_narrow_numbers_are_judged_as_what_they_hold(bound: float, *, strict: bool) -> None:
    """0.1 of 32 bits is a little more than 0.1 of 64 bits."""
    values = pl.Series([0.1, 0.2, None], dtype=pl.Float32)
    batch = pl.DataFrame({"round": [1] * 3, "row": [0, 1, 2], "a": values})
    kwargs = {"column": "a", "min_value": bound, "strict_min": strict}
    rule = Rule("rule", catalogue.BETWEEN, kwargs, "critical", {})
    (found,) = outcomes(batch, Suite("s", (rule,)))
    assert found.failing is not None
    assert found.failing.to_list() == [strict and bound != 0.1, False, False]
    assert plainly(batch, rule) == batch.filter(found.failing)["row"].to_list()


def test_rules_of_one_type_and_column_are_kept_apart() -> None:
    batch = pl.DataFrame({"round": [1] * 3, "row": [0, 1, 2], "a": [1, 2, 3]})
    rules = [
        Rule(name, catalogue.BETWEEN, {"column": "a", name: 2}, "critical", {})
        for name in ("min_value", "max_value")
    ]
    low, high = outcomes(batch, Suite("s", tuple(rules)))
    assert low.failing is not None
    assert high.failing is not None
    assert low.failing.to_list() == [True, False, False]
    assert high.failing.to_list() == [False, False, True]
