from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from expectations import catalogue
from expectations import suite as suites
from expectations.errors import ExpectationsError, SuiteError
from expectations.suite import Suite

BETWEEN = "expect_column_values_to_be_between"
NOT_NULL = "expect_column_values_to_not_be_null"
RULE: dict[str, Any] = {"type": BETWEEN, "kwargs": {"column": "a", "min_value": 0}}

Write = Callable[..., Path]
Make = Callable[..., Suite]


def test_a_rule_is_read_as_written(write: Write) -> None:
    rule = {**RULE, "severity": "warning", "meta": {"name": "positive", "why": "counts"}}
    found = suites.load(write(rule))
    (read,) = found.rules
    assert (found.name, read.name, read.type, read.severity) == (
        "s",
        "positive",
        BETWEEN,
        "warning",
    )
    assert read.kwargs == RULE["kwargs"]
    assert read.columns == ("a",)
    assert read.limits == {"min_value": 0}


def test_severity_is_critical_where_none_is_given_as_in_gx(write: Write) -> None:
    assert suites.load(write(RULE)).rules[0].severity == "critical"


@pytest.mark.parametrize(
    ("kind", "kwargs", "name"),
    [
        (BETWEEN, {"min_value": 0, "column": "a"}, f"{BETWEEN}(a, min_value=0)"),
        (NOT_NULL, {"column": "a"}, f"{NOT_NULL}(a)"),
        (
            "expect_column_pair_values_to_be_equal",
            {"column_B": "b", "column_A": "a"},
            "expect_column_pair_values_to_be_equal(a, b)",
        ),
        (
            "expect_compound_columns_to_be_unique",
            {"column_list": ["a", "b"]},
            "expect_compound_columns_to_be_unique(a, b)",
        ),
        (
            "expect_table_row_count_to_equal",
            {"value": 3},
            "expect_table_row_count_to_equal(value=3)",
        ),
    ],
)
def test_a_rule_without_a_name_is_called_by_type_and_arguments(
    write: Write, kind: str, kwargs: dict[str, Any], name: str
) -> None:
    assert suites.load(write({"type": kind, "kwargs": kwargs})).rules[0].name == name


def test_a_suite_that_gx_wrote_can_be_read(write: Write) -> None:
    rule = {**RULE, "id": "5f6c", "rendered_content": [], "meta": None, "notes": "n"}
    found = suites.load(write(rule, id="77", notes=None, meta={"great_expectations_version": "1"}))
    assert len(found.rules) == 1


def test_the_digest_changes_with_content_only(tmp_path: Path) -> None:
    def digest(text: str) -> str:
        path = tmp_path / "suite.json"
        path.write_text(text)
        return suites.load(path).digest

    named = {**RULE, "severity": "critical", "meta": {"name": "n"}}
    first = digest(json.dumps({"name": "s", "expectations": [named]}))
    turned = {key: named[key] for key in reversed(list(named))}
    turned["kwargs"] = {"min_value": 0, "column": "a"}
    turned["meta"] = {"name": "n", "why": "a note"}
    assert digest(json.dumps({"expectations": [turned], "name": "s"}, indent=4)) == first
    for change in (
        {"kwargs": {"column": "a", "min_value": 1}},
        {"severity": "warning"},
        {"meta": {"name": "m"}},
        {"type": "expect_column_max_to_be_between"},
    ):
        assert digest(json.dumps({"name": "s", "expectations": [{**named, **change}]})) != first


def sentence(error: pytest.ExceptionInfo[ExpectationsError]) -> str:
    said = str(error.value)
    assert said
    assert "\n" not in said
    assert not said.endswith(".")
    return said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is not JSON"),
        ('{"name": "s", "name": "t", "expectations": []}', "holds the key 'name' twice"),
        ('{"name": "s", "expectations": [NaN]}', "NaN is no number"),
        ("[]", "must be an object"),
        ('{"name": "s", "expectations": []}', "there is no expectation"),
        ('{"name": "s"}', "there is no expectation"),
        ('{"name": "s", "expectation": [1]}', "nearest known is 'expectations'"),
        ('{"name": "", "expectations": [1]}', "'name' must be a text"),
        ('{"name": "s", "expectations": [1]}', "expectation 1 must be an object"),
        ('{"name": "s", "expectations": [{"kwargs": {}}]}', "'type' must be a text"),
    ],
)
def test_a_malformed_file_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "suite.json"
    path.write_text(text)
    with pytest.raises(SuiteError) as error:
        suites.load(path)
    assert said in sentence(error)
    assert str(path) in str(error.value)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(SuiteError) as error:
        suites.load(tmp_path / "digts.json")
    assert "there is no suite" in sentence(error)
    assert error.value.exit_code == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"severtiy": "critical"}, "nearest known is 'severity'"),
        ({"severity": "criticl"}, "severity 'criticl' is unknown; the nearest known is 'critical'"),
        ({"kwargs": []}, "'kwargs' must be an object"),
        ({"meta": {"name": 3}}, "'meta.name' must be a text"),
    ],
)
def test_a_malformed_expectation_is_one_sentence(
    write: Write, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(SuiteError) as error:
        suites.load(write({**RULE, **change}))
    assert said in sentence(error)


def test_an_expectation_comes_once(write: Write) -> None:
    again = {"type": BETWEEN, "kwargs": {"min_value": 0, "column": "a"}, "meta": {"name": "other"}}
    with pytest.raises(SuiteError) as error:
        suites.load(write(RULE, again))
    assert "comes twice" in sentence(error)


def test_a_name_comes_once(write: Write) -> None:
    first = {**RULE, "meta": {"name": "n"}}
    second = {"type": NOT_NULL, "kwargs": {"column": "a"}, "meta": {"name": "n"}}
    with pytest.raises(SuiteError) as error:
        suites.load(write(first, second))
    assert "name 'n' comes twice" in sentence(error)


@pytest.mark.parametrize(
    ("kind", "kwargs", "said"),
    [
        ("expect_column_values_to_be_betwen", {"column": "a"}, f"nearest known is '{BETWEEN}'"),
        (
            "expect_column_values_to_be_decodable_image",
            {"column": "a"},
            "nearest known is 'expect_column_values_to_be_decodable_images'",
        ),
        (BETWEEN, {"column": "a", "min_valu": 0}, "nearest known is 'min_value'"),
        (BETWEEN, {"column": "a", "min_value": 0, "mostly": 0.9}, "remove 'mostly'"),
        (BETWEEN, {"column": "a", "min_value": {"$PARAMETER": "p"}}, "is a suite parameter"),
        (BETWEEN, {"min_value": 0}, "'column'"),
        (BETWEEN, {"column": 3, "min_value": 0}, "'column'"),
        (
            "expect_column_values_to_be_decodable_images",
            {"column": "a", "formats": ["GIF"]},
            "'GIF' is none of",
        ),
        (
            "expect_column_values_to_be_decodable_images",
            {"column": "a", "mode": "greyscale"},
            "'greyscale' is none of",
        ),
        (
            "expect_column_classes_to_have_support",
            {"column": "a", "classes": []},
            "at least one class",
        ),
        (
            "expect_column_classes_to_have_support",
            {"column": "a", "classes": [1], "min_count": 0},
            "1 row or more",
        ),
    ],
)
def test_an_unknown_type_or_argument_is_one_sentence(
    make: Make, kind: str, kwargs: dict[str, Any], said: str
) -> None:
    suite = make((kind, kwargs))
    with pytest.raises(SuiteError) as error:
        catalogue.check(suite)
    assert said in sentence(error)


@pytest.mark.parametrize(
    ("kind", "kwargs"),
    [
        (BETWEEN, {"column": "a", "min_value": 0}),
        ("expect_column_pair_values_to_be_equal", {"column_A": "b", "column_B": "a"}),
        ("expect_column_mean_to_be_between", {"column": "a", "min_value": 0}),
    ],
)
def test_a_judged_column_needs_a_not_null_expectation(
    make: Make, kind: str, kwargs: dict[str, Any]
) -> None:
    asks = (NOT_NULL, {"column": "b"})
    with pytest.raises(SuiteError) as error:
        catalogue.check(make((kind, kwargs), asks))
    assert f"add {NOT_NULL}" in sentence(error)
    assert "'a'" in str(error.value)
    catalogue.check(make((kind, kwargs), asks, (NOT_NULL, {"column": "a"})))


def test_reading_a_suite_does_not_import_great_expectations() -> None:
    code = "import expectations.suite, expectations.errors, sys; "
    code += "sys.exit('great_expectations' in sys.modules)"
    root = Path(suites.__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0
