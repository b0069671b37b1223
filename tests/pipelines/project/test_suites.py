"""Suites that are written from real rows, and how they are held against data and scorers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from expectations import suite as suites
from pipelines.common.plugins import NoSettings
from pipelines.project import dataset_entry, guard_limits, suite_check, thresholds
from pipelines.project.thresholds import Real, Rule
from pipelines.scorers.expected import Expected, Quantile
from pipelines.scorers.protocol import Given
from pipelines.scorers.table_distance import TableDistance


def rules(expected: Expected, **columns: list[object]) -> list[Rule]:
    frame = pl.DataFrame(columns)
    return list(thresholds.of_column(expected.column, [expected], Real(frame, 5)))


def test_a_limit_is_the_quantile_that_it_names() -> None:
    scores = [float(score) for score in range(1, 1001)]
    known, rule = rules(Expected("far", "score", high=Quantile(0.99, 1.5)), score=scores)
    assert known["kwargs"] == {"column": "score"}
    assert rule["kwargs"] == {"column": "score", "max_value": 1490.0}  # 1.5 × 990.01, rounded up
    assert rule["severity"] == "critical"
    assert rule["meta"]["real_rows_pass"] == 1.0
    assert "1.5 times the 99 % quantile (990), of 1,000 real" in rule["meta"]["measured"]
    assert "without its fold of 5" in rule["meta"]["measured"]


def test_a_lower_limit_is_rounded_down() -> None:
    _, rule = rules(Expected("near", "score", low=Quantile(0.0)), score=[0.12345, 0.5])
    assert rule["kwargs"]["min_value"] == 0.123


@pytest.mark.parametrize(("scores", "least"), [([0.03, 0.04], 0.005), ([0.0012, 0.5], 0.00119)])
def test_a_quantile_counts_up_to_the_largest_limit(scores: list[object], least: float) -> None:
    _, rule = rules(Expected("copy", "score", low=Quantile(0.0, most=0.005)), score=scores)
    assert rule["kwargs"]["min_value"] == least
    said = "a constant, and the 0 % quantile (0.03) lies above it" in rule["meta"]["measured"]
    assert said == (least == 0.005)


@pytest.mark.parametrize(("score", "limit"), [(0.2, 0.5), (0.7, 0.7), (1.0, 0.9)])
def test_a_quantile_counts_between_the_smallest_limit_and_the_largest(
    score: float, limit: float
) -> None:
    usual = Quantile(0.99, least=0.5, most=0.9)
    expected = Expected("quote", "score", high=usual, unknown="warning")
    scores = [*[0.0] * 90, *[score] * 9, None]
    known, rule = rules(expected, score=scores)
    assert rule["kwargs"]["max_value"] == limit
    said = rule["meta"]["measured"]
    assert ("lies below it" in said, "lies above it" in said) == (limit == 0.5, limit == 0.9)
    assert known["severity"] == "warning"
    assert rule["severity"] == "critical"
    other, _ = rules(Expected("quote", "score", high=usual), score=scores)
    assert other["severity"] == "critical"


def test_a_row_between_neighbours_is_no_copy_of_either() -> None:
    values = np.random.default_rng(2).normal(size=(200, 10))
    real = pl.DataFrame(values, schema=[f"c{at}" for at in range(10)]).with_row_index("row")
    real = real.with_columns(round=pl.lit(0, pl.Int32), row=pl.col("row").cast(pl.Int64))
    content = tuple(real.columns[1:-1])
    given = Given(real, content=content)
    scorer = TableDistance()
    own = scorer.score_real(given, NoSettings())
    limit = next(each for each in scorer.expected(NoSettings()) if each.name == "not_a_copy")
    _, rule = thresholds.of_column(limit.column, [limit], Real(own, 5))
    closest = real[own["record_row"].to_list()]
    made = real.with_columns(0.75 * real[each] + 0.25 * closest[each] for each in content)
    for rows, share in ((made, 1.0), (real, 0.0)):
        scored = scorer.score(rows, given, NoSettings())["record_distance"]
        assert (scored >= rule["kwargs"]["min_value"]).mean() == share


def test_two_limits_that_are_measured_alike_are_one_expectation() -> None:
    expected = list(TableDistance().expected(NoSettings()))[:3]
    near = pl.DataFrame({"record_distance": [*[0.001] * 5, *[0.2] * 95]})  # below gower.NEAR
    names = [
        rule["meta"]["name"]
        for rule in thresholds.of_column("record_distance", expected, Real(near, 5))
    ]
    assert names == ["record_distance_known", "not_a_copy", "like_real_rows"]
    far = near.with_columns(pl.col("record_distance") + 0.1)
    written = list(thresholds.of_column("record_distance", expected, Real(far, 5)))
    assert "as_far_as_real_rows" in {rule["meta"]["name"] for rule in written}


def test_what_many_real_rows_fail_only_warns() -> None:
    expected = Expected("agrees", "seen", equals="label")
    known, rule = rules(expected, label=["a", "b", "a", "b"], seen=["a", "b", "b", "a"])
    assert rule["severity"] == known["severity"] == "warning"
    assert rule["meta"]["real_rows_pass"] == 0.5
    assert "50% of real rows fail it" in rule["meta"]["measured"]


def test_nothing_is_expected_of_a_score_that_no_real_row_has() -> None:
    assert rules(Expected("low", "score", high=1.0), score=[None, None]) == []


def test_common_values_are_those_of_many_real_rows() -> None:
    languages = ["en"] * 98 + ["fr", "fr"]
    _, rule = rules(Expected("in", "language", common=0.05), language=languages)
    assert rule["kwargs"]["value_set"] == ["en"]


@pytest.mark.parametrize(("rows", "allowed"), [(100, 0.045), (100_000, 0.01)])
def test_limits_allow_what_chance_does_on_few_validation_rows(rows: int, allowed: float) -> None:
    limits, where = guard_limits.suited(rows, 0.02)
    assert limits.get("downstream_real_block", 0.01) == allowed
    assert f"{rows} validation rows" in where


def test_a_probability_has_a_quarter_of_the_error_of_a_score() -> None:
    """Of 100 rows a score has √(.05/100) = .0224, and half of it is .0112."""
    limits, told = guard_limits.suited(100, 0.02, margins=True)
    assert limits["downstream_likelihood_block"] == 0.012
    assert told.endswith("that, and a quarter and half of it for downstream_likelihood")
    limits, told = guard_limits.suited(100, 0.02)
    assert "downstream_likelihood_block" not in limits
    assert told.endswith("one, two and three times that")


def suite(*given: Rule) -> suites.Suite:
    return suites.parse({"name": "d", "expectations": list(given)}, "d")


def rule(kind: str, **kwargs: object) -> Rule:
    return {"type": kind, "kwargs": kwargs, "severity": "critical", "meta": {"name": "rule"}}


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        ("predicted_topic", "comes from scorer text_agreement; add it to verify.scorers"),
        ("image", "an image's file is judged as `image_bytes`"),
        ("txt", "neither the data nor a scorer gives `txt`; did you mean 'text'?"),
    ],
)
def test_an_expectation_about_a_column_that_nothing_gives(column: str, sentence: str) -> None:
    judged = suite(rule(thresholds.NOT_NULL, column=column))
    (found,) = suite_check.check(judged, ["text", "image_bytes"], {})
    assert found.level == "error"
    assert sentence in found.sentence


def test_a_scorer_that_nobody_judges_is_noted() -> None:
    judged = suite(rule(thresholds.NOT_NULL, column="text_chars"))
    given = {"text_shape": {}, "language": {}}
    (found,) = suite_check.check(judged, ["text"], given)
    assert found.level == "note"
    assert "scorer language runs and nobody judges it" in found.sentence


def test_a_label_that_the_suite_does_not_allow_is_named() -> None:
    judged = suite(rule(thresholds.IN_SET, column="label", value_set=["a"]))
    (found,) = suite_check.check(judged, ["label"], {}, ["a", "b"])
    assert "does not allow the label 'b', which real rows have" in found.sentence
    assert suite_check.check(judged, ["label"], {}, ["a"]) == []


def test_as_many_rows_may_equal_held_out_ones_as_real_rows_equal_each_other() -> None:
    """4 of 471 rows of a table of few values have the content of another: .2 to 2.2 of 100."""
    limits, words = guard_limits.equal_by_chance(471, 4)
    assert limits == {"holdout_equal_block": 0.022}
    assert words == (
        "4 of 471 real rows have the content of another, so holdout_equal allows as many"
    )
    assert guard_limits.equal_by_chance(471, 0) == ({}, "")


def test_no_image_may_equal_a_held_out_one_where_a_folder_holds_a_file_twice() -> None:
    assert guard_limits.equal_by_chance(471, 4, pixels=True) == ({}, "")


def test_repeated_content_of_a_table_is_counted_over_all_splits(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    numbers = pl.DataFrame({name: draw.normal(size=100) for name in "abc"})
    rows = pl.concat([numbers, numbers[:3]]).with_columns(label=pl.Series(["x", "y"] * 51 + ["x"]))
    rows.write_parquet(tmp_path / "own.parquet")
    ingest = {"source": str(tmp_path / "own.parquet"), "modality": "table"}
    real = dataset_entry.read("own", {"identity": ["a", "b", "c"], "ingest": ingest})
    assert real.repeated == 6
