from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from expectations import gx, verifier
from expectations import suite as suites
from expectations.errors import BatchError, ExpectationsError, SuiteError
from expectations.suite import Suite
from lineage.schema import VERDICTS

BETWEEN = "expect_column_values_to_be_between"
NOT_NULL = "expect_column_values_to_not_be_null"
EQUAL = "expect_column_pair_values_to_be_equal"

Make = Callable[..., Suite]


def frame(**columns: Any) -> pl.DataFrame:
    size = len(next(iter(columns.values())))
    key = {"round": pl.Series([2] * size, dtype=pl.Int32), "row": list(range(size))}
    return pl.DataFrame({**key, **columns})


def words(found: verifier.Verification, rule: str) -> list[str]:
    return found.verdicts.filter(pl.col("expectation").str.contains(rule))["verdict"].to_list()


def details(found: verifier.Verification, rule: str) -> list[str | None]:
    return found.verdicts.filter(pl.col("expectation").str.contains(rule))["detail"].to_list()


def sentence(error: pytest.ExceptionInfo[ExpectationsError]) -> str:
    said = str(error.value)
    assert said
    assert "\n" not in said
    assert not said.endswith(".")
    return said


def test_one_verdict_per_row_and_row_expectation_and_one_per_table(make: Make) -> None:
    suite = make(
        (NOT_NULL, {"column": "a"}),
        (BETWEEN, {"column": "a", "min_value": 2}, "warning"),
        ("expect_table_row_count_to_equal", {"value": 3}),
        ("expect_column_mean_to_be_between", {"column": "a", "min_value": 9}, "info"),
        ("expect_column_max_to_be_between", {"column": "a", "max_value": 3}, "warning"),
    )
    found = verifier.verify(frame(a=[1, 2, 3]), suite)
    assert found.verdicts.schema == VERDICTS
    assert len(found.verdicts) == 3 * 2 + 3
    table = found.verdicts.filter(pl.col("row").is_null())
    assert table.select("round", "severity", "verdict", "observed").rows() == [
        (2, "critical", "passed", 3.0),
        (2, "info", "failed", 2.0),
        (2, "warning", "passed", 3.0),
    ]
    assert table["detail"].to_list() == [None, "observed 2.0; asked: min_value 9", None]
    rows = found.verdicts.filter(pl.col("expectation") == suite.rules[1].name)
    assert rows.select("round", "row", "verdict", "observed").rows() == [
        (2, 0, "failed", 1.0),
        (2, 1, "passed", 2.0),
        (2, 2, "passed", 3.0),
    ]
    assert rows["detail"].to_list() == ["a 1; asked: min_value 2", None, None]


def test_the_summary_counts_and_is_json(make: Make) -> None:
    suite = make(
        (NOT_NULL, {"column": "a"}),
        (BETWEEN, {"column": "a", "min_value": 2}, "warning"),
        ("expect_table_row_count_to_equal", {"value": 3}),
    )
    found = verifier.verify(frame(a=[1, None, 3]), suite)
    summary = found.summary()
    assert json.loads(json.dumps(summary)) == summary
    assert list(summary) == [rule.name for rule in suite.rules]
    assert summary[suite.rules[1].name] == {
        "severity": "warning",
        "level": "row",
        "passed": 1,
        "failed": 1,
        "unknown": 1,
    }
    assert summary[suite.rules[2].name]["level"] == "table"
    assert found.suite_digest == suite.digest


@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_no_value_is_unknown_everywhere_and_never_a_pass(make: Make, nothing: float | None) -> None:
    suite = make(
        (NOT_NULL, {"column": "a"}),
        (NOT_NULL, {"column": "b"}),
        (BETWEEN, {"column": "a", "min_value": 0}),
        (EQUAL, {"column_A": "b", "column_B": "a"}),
    )
    found = verifier.verify(frame(a=[1.0, nothing, -1.0], b=[1.0, 1.0, nothing]), suite)
    assert words(found, f"{NOT_NULL}\\(a") == ["passed", "unknown", "passed"]
    assert words(found, BETWEEN) == ["passed", "unknown", "failed"]
    assert words(found, EQUAL) == ["passed", "unknown", "unknown"]
    assert details(found, BETWEEN)[:2] == [None, "a has no value"]
    assert details(found, EQUAL) == [None, "a has no value", "b has no value"]


def test_both_columns_without_a_value_are_named(make: Make) -> None:
    suite = make(
        *((NOT_NULL, {"column": name}) for name in "ab"),
        (EQUAL, {"column_A": "a", "column_B": "b"}),
    )
    found = verifier.verify(frame(a=[1, None], b=[1, None]), suite)
    assert words(found, EQUAL) == ["passed", "unknown"]
    assert details(found, EQUAL)[1] == "a, b has no value"


@pytest.mark.parametrize(
    ("kind", "kwargs", "said"),
    [
        # GX has no pandas provider for it
        ("expect_column_values_to_match_like_pattern", {"like_pattern": "x%"}, "No provider"),
        # a text cannot be compared with a number
        (BETWEEN, {"min_value": 1}, "could not be judged"),
        # GX looks at the type of the whole column, and names no rows
        ("expect_column_values_to_be_of_type", {"type_": "float64"}, "could not be judged"),
    ],
)
def test_what_cannot_be_judged_is_unknown_with_its_reason(
    make: Make, kind: str, kwargs: dict[str, Any], said: str
) -> None:
    suite = make(
        (NOT_NULL, {"column": "a"}),
        (kind, {"column": "a", **kwargs}),
        (NOT_NULL, {"column": "b"}),
        (BETWEEN, {"column": "b", "min_value": 2}),
    )
    a: list[Any] = [1.0, 2.0] if "of_type" in kind else ["x", "y"]
    found = verifier.verify(frame(a=a, b=[1, 2]), suite)
    asked = found.verdicts.filter(pl.col("expectation") == suite.rules[1].name)
    assert asked["verdict"].to_list() == ["unknown", "unknown"]
    assert said in asked["detail"][0]
    assert "\n" not in asked["detail"][0]
    others = found.verdicts.filter(pl.col("expectation") != suite.rules[1].name)
    assert others["verdict"].to_list() == ["passed"] * 4 + ["failed", "passed"]


def test_a_table_expectation_that_raises_is_unknown(make: Make) -> None:
    suite = make((NOT_NULL, {"column": "a"}), ("expect_column_mean_to_be_between", {"column": "a"}))
    found = verifier.verify(frame(a=["x", "y"]), suite)
    last = found.verdicts.row(-1, named=True)
    assert (last["row"], last["verdict"]) == (None, "unknown")
    assert last["detail"].startswith("could not be judged: ")


def test_asking_for_nulls_is_judged_as_asked(make: Make) -> None:
    suite = make(("expect_column_values_to_be_null", {"column": "a"}))
    assert words(verifier.verify(frame(a=[None, 1]), suite), "null") == ["passed", "failed"]
    assert words(verifier.verify(frame(a=[None, None]), suite), "null") == ["passed", "passed"]


def test_expectations_over_several_columns_name_their_rows(make: Make) -> None:
    suite = make(
        *((NOT_NULL, {"column": name}) for name in "ab"),
        ("expect_compound_columns_to_be_unique", {"column_list": ["a", "b"]}),
    )
    found = verifier.verify(frame(a=[1, 1, 1], b=["x", "x", "y"]), suite)
    assert words(found, "compound") == ["failed", "failed", "passed"]
    assert details(found, "compound")[0] == "a 1, b 'x'"


@pytest.mark.parametrize("seed", range(3))
def test_verdicts_are_those_of_plain_column_expressions(make: Make, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(2, 300))
    values[rng.random((2, 300)) < 0.2] = np.nan
    given = frame(a=values[0], b=rng.integers(0, 3, 300).astype(float)).with_columns(
        pl.Series("c", values[1]).gt(0).cast(pl.Int64)
    )
    suite = make(
        *((NOT_NULL, {"column": name}) for name in "abc"),
        (BETWEEN, {"column": "a", "min_value": -0.5, "max_value": 0.7}),
        (EQUAL, {"column_A": "b", "column_B": "c"}),
    )
    shuffled = given.sample(fraction=1, shuffle=True, seed=seed)
    found = verifier.verify(shuffled, suite)
    between = pl.col("a").fill_nan(None).is_between(-0.5, 0.7)
    expected = shuffled.select(
        *(
            pl.when(asked.is_null())
            .then(pl.lit("unknown"))
            .when(asked)
            .then(pl.lit("passed"))
            .otherwise(pl.lit("failed"))
            .alias(name)
            for name, asked in (("between", between), ("equal", pl.col("b") == pl.col("c")))
        )
    )
    assert words(found, BETWEEN) == expected["between"].to_list()
    assert words(found, EQUAL) == expected["equal"].to_list()


def test_the_order_of_rows_and_rules_does_not_matter(digits: Suite, good: pl.DataFrame) -> None:
    bad = good.with_columns(
        confidence=pl.when(pl.col("row") == 4).then(None).otherwise("confidence"),
        real_distance=pl.when(pl.col("row") < 3).then(0.01).otherwise("real_distance"),
    )
    order = ["expectation", "row"]
    straight = verifier.verify(bad, digits).verdicts.sort(order)
    turned = Suite(digits.name, tuple(reversed(digits.rules)))
    for seed in range(2):
        mixed = bad.sample(fraction=1, shuffle=True, seed=seed)
        found = verifier.verify(mixed.select(reversed(mixed.columns)), turned)
        assert_frame_equal(found.verdicts.sort(order), straight)


def test_a_column_that_is_not_there_is_named_with_the_nearest(make: Make) -> None:
    suite = make((NOT_NULL, {"column": "real_distanc"}))
    with pytest.raises(SuiteError) as error:
        verifier.verify(frame(real_distance=[1.0]), suite)
    assert "column 'real_distanc' is unknown" in sentence(error)
    assert "'real_distance'" in str(error.value)


def test_an_unknown_type_is_found_before_anything_is_run(make: Make) -> None:
    suite = make((NOT_NULL, {"column": "a"}), ("expect_column_values_to_be_fine", {"column": "a"}))
    with pytest.raises(SuiteError) as error:
        verifier.verify(frame(a=[]), suite)
    assert "expectation type" in sentence(error)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (frame(a=[1.0]).clear(), "no candidate"),
        (frame(a=[1.0]).drop("row"), "no column 'row'"),
        (frame(a=[1.0, 2.0]).with_columns(row=pl.lit(1)), "more than once"),
        (frame(a=[1.0, 2.0]).with_columns(round=pl.col("row")), "rounds 0 and 1"),
        (frame(a=[1.0]).with_columns(row=pl.lit(None, pl.Int64)), "no round or row"),
        (frame(a=pl.Series([None, None], dtype=pl.Float64)), "none of the 2 candidates"),
        (frame(a=[float("nan")] * 2), "none of the 2 candidates has a value in column 'a'"),
    ],
)
def test_a_batch_that_cannot_be_judged_is_one_sentence(
    make: Make, given: pl.DataFrame, said: str
) -> None:
    with pytest.raises(BatchError) as error:
        verifier.verify(given, make((NOT_NULL, {"column": "a"})))
    assert said in sentence(error)


def test_telemetry_and_progress_bars_are_off() -> None:
    context = gx.context()
    assert context.config.analytics_enabled is False
    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
    assert context.config.data_docs_sites == {}
    bars = context.progress_bars
    assert bars is not None
    assert bars["globally"] is False


@pytest.mark.slow
def test_verifying_speaks_to_nobody_and_writes_nothing(tmp_path: Path) -> None:
    root = Path(suites.__file__).parents[1]
    code = """
import sys, os
EVENTS = ("socket.connect", "socket.getaddrinfo", "socket.send", "tempfile.", "os.mkdir")
def heard(event, args):
    if event.startswith(EVENTS):
        os._exit(9)
sys.addaudithook(heard)
import polars as pl
from expectations import suite, verifier
assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
rule = suite.Rule("n", "expect_column_values_to_not_be_null", {"column": "a"}, "critical", {})
frame = pl.DataFrame({"round": [1, 1], "row": [0, 1], "a": [1, None]})
found = verifier.verify(frame, suite.Suite("s", (rule,)))
assert found.verdicts["verdict"].to_list() == ["passed", "unknown"]
"""
    home = {"HOME": str(tmp_path), "PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"}
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=tmp_path,
        env={**home, "GX_ANALYTICS_ENABLED": "true", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert list(tmp_path.rglob("*")) == []
