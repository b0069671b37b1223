"""The expectations that judge a round as a whole, on planted good and bad data."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pytest
from PIL import Image
from scipy import stats

from expectations import catalogue, custom, gx, references, verifier
from expectations import suite as suites
from expectations.errors import BatchError, CannotJudge, SuiteError
from expectations.measures import distributions, null, text_diversity, vendi_score
from expectations.suite import Suite

NOT_NULL: Final = "expect_column_values_to_not_be_null"
KS: Final = "expect_column_kolmogorov_smirnov_to_be_between"
W1: Final = "expect_column_wasserstein_to_be_between"
TV: Final = "expect_column_total_variation_to_be_between"
C2ST: Final = "expect_classifier_two_sample_accuracy_to_be_between"
COVERAGE: Final = "expect_rows_coverage_to_be_between"
RECALL: Final = "expect_rows_recall_to_be_between"
VENDI: Final = "expect_rows_vendi_score_to_be_between"
NGRAMS: Final = "expect_column_distinct_ngrams_to_be_between"
COMPRESSION: Final = "expect_column_compression_ratio_to_be_between"
SHARES: Final = "expect_column_class_share_ratios_to_be_between"
REAL_SHARE: Final = "expect_column_real_share_to_be_between"
DEPTH: Final = "expect_column_depth_to_be_between"

Make = Callable[..., Suite]
WORDS: Final = np.asarray([f"w{each}" for each in range(400)])


def numbers(rows: int, seed: int, *, shift: float = 0.0, scale: float = 1.0) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    values = draw.normal(shift, scale, (rows, 3))
    label = np.where(draw.random(rows) < 0.05, "rare", np.where(values[:, 0] > 0, "b", "a"))
    return pl.DataFrame({"x": values[:, 0], "y": values[:, 1], "z": values[:, 2], "label": label})


def texts(rows: int, seed: int, *, words: int = 400) -> pl.DataFrame:
    draw = np.random.default_rng(seed)
    return pl.DataFrame(
        {"text": [" ".join(WORDS[draw.integers(words, size=12)]) for _ in range(rows)]}
    )


def pictures(rows: int, seed: int, kinds: int = 6) -> pl.DataFrame:
    """Noisy images of some kinds of bright squares."""
    draw = np.random.default_rng(seed)
    values = draw.normal(40, 12, (rows, 6, 6))
    kind = draw.integers(kinds, size=rows)
    values[np.arange(rows), kind, :] += 150
    files = []
    for each in np.clip(values, 0, 255).astype(np.uint8):
        buffer = io.BytesIO()
        Image.fromarray(each).save(buffer, format="PNG")
        files.append(buffer.getvalue())
    return pl.DataFrame({"image_bytes": files})


REAL: Final = {
    "numbers": numbers(600, 0),
    "texts": texts(400, 0),
    "pictures": pictures(240, 0),
}
NONE: Final = pl.DataFrame()


def lineage(rows: int, depth: float, share: float) -> pl.DataFrame:
    part = np.linspace(0.9, 1.1, rows)
    return pl.DataFrame({"depth_mean": depth * part, "real_inputs": share * part})


def judge(
    make: Make,
    kind: str,
    kwargs: Mapping[str, Any],
    candidates: pl.DataFrame,
    real: pl.DataFrame | None,
) -> dict[str, Any]:
    """The verdict of one expectation of a batch."""
    columns = [kwargs["column"]] if "column" in kwargs else kwargs["column_list"]
    suite = make(*((NOT_NULL, {"column": each}) for each in columns), (kind, dict(kwargs)))
    frame = candidates.with_row_index("row").with_columns(round=pl.lit(1))
    given = None if real is None else {"real": real}
    found = verifier.verify(frame, suite, reference=given).verdicts
    mine = found.filter(pl.col("expectation") == suite.rules[-1].name)
    assert mine["row"].to_list() == [None]
    return mine.row(0, named=True)


X: Final = {"column": "x"}
XYZ: Final = {"column_list": ["x", "y", "z"]}
GOOD: Final = numbers(300, 1)
SHIFTED: Final = numbers(300, 1, shift=0.8)
NARROW: Final = numbers(300, 1, scale=0.25)
COMMON: Final = GOOD.with_columns(label=pl.col("label").replace({"rare": "a"}))
PLANTED: Final[Mapping[str, tuple[str, dict[str, Any], pl.DataFrame, pl.DataFrame, str]]] = {
    "ks p": (KS, X | {"min_p_value": 0.01}, GOOD, SHIFTED, "numbers"),
    "ks ratio": (KS, X | {"max_ratio": 2.5}, GOOD, SHIFTED, "numbers"),
    "ks value": (KS, X | {"max_value": 0.15}, GOOD, SHIFTED, "numbers"),
    "w1 ratio": (W1, X | {"max_ratio": 3.0}, GOOD, SHIFTED, "numbers"),
    "w1 narrow": (W1, X | {"min_p_value": 0.01}, GOOD, NARROW, "numbers"),
    "tv classes": (TV, {"column": "label", "min_p_value": 0.01}, GOOD, SHIFTED, "numbers"),
    "tv bins": (TV, X | {"bins": 8, "max_ratio": 2.0}, GOOD, NARROW, "numbers"),
    "c2st p": (C2ST, XYZ | {"min_p_value": 0.01}, GOOD, SHIFTED, "numbers"),
    "c2st value": (
        C2ST,
        XYZ | {"max_value": 0.6, "classifier": "logistic"},
        GOOD,
        SHIFTED,
        "numbers",
    ),
    "c2st neighbours": (
        C2ST,
        XYZ | {"min_p_value": 0.01, "classifier": "neighbours"},
        GOOD,
        NARROW,
        "numbers",
    ),
    "coverage": (COVERAGE, XYZ | {"min_ratio": 0.9}, GOOD, NARROW, "numbers"),
    "recall": (RECALL, XYZ | {"min_p_value": 0.05}, GOOD, NARROW, "numbers"),
    "vendi": (VENDI, XYZ | {"min_ratio": 0.8}, GOOD, NARROW, "numbers"),
    "vendi of noise": (
        VENDI,
        XYZ | {"max_ratio": 1.25},
        GOOD,
        numbers(300, 1, scale=2),
        "numbers",
    ),
    "shares": (SHARES, {"column": "label", "min_value": 0.3}, GOOD, COMMON, "numbers"),
    "shares p": (SHARES, {"column": "label", "min_p_value": 0.01}, GOOD, COMMON, "numbers"),
    "ngrams": (
        NGRAMS,
        {"column": "text", "min_ratio": 0.9, "max_ratio": 1.1},
        texts(200, 1),
        texts(200, 1, words=40),
        "texts",
    ),
    "ngrams alone": (
        NGRAMS,
        {"column": "text", "length": 3, "min_value": 0.5},
        texts(200, 1),
        texts(200, 1, words=4),
        "",
    ),
    "compression": (
        COMPRESSION,
        {"column": "text", "min_p_value": 0.05},
        texts(200, 1),
        texts(200, 1, words=200),
        "texts",
    ),
    "compression alone": (
        COMPRESSION,
        {"column": "text", "max_value": 3.0},
        texts(200, 1),
        pl.DataFrame({"text": ["the same again"] * 200}),
        "",
    ),
    "coverage of images": (
        COVERAGE,
        {"column_list": ["image_bytes"], "min_ratio": 0.8},
        pictures(120, 1),
        pictures(120, 1, kinds=3),
        "pictures",
    ),
    "c2st of images": (
        C2ST,
        {"column_list": ["image_bytes"], "min_p_value": 0.01},
        pictures(120, 1),
        pictures(120, 1, kinds=3),
        "pictures",
    ),
    "vendi of images": (
        VENDI,
        {"column_list": ["image_bytes"], "min_ratio": 0.8},
        pictures(120, 1),
        pictures(120, 1, kinds=1),
        "pictures",
    ),
    "real share": (
        REAL_SHARE,
        {"column": "real_inputs", "min_value": 0.5},
        lineage(50, 1, 0.7),
        lineage(50, 1, 0.2),
        "",
    ),
    "depth": (
        DEPTH,
        {"column": "depth_mean", "max_value": 3},
        lineage(50, 2, 1),
        lineage(50, 5, 1),
        "",
    ),
    "depth at a quantile": (
        DEPTH,
        {"column": "depth_mean", "max_value": 3, "quantile": 0.9},
        lineage(50, 2, 1),
        lineage(50, 2.9, 1),
        "",
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_good_data_pass_and_planted_fail(make: Make, name: str) -> None:
    kind, kwargs, good, bad, real = PLANTED[name]
    against = REAL.get(real)
    passed = judge(make, kind, kwargs, good, against)
    assert (passed["verdict"], passed["detail"]) == ("passed", None)
    failed = judge(make, kind, kwargs, bad, against)
    assert failed["verdict"] == "failed"
    assert failed["detail"].startswith(f"observed {failed['observed']:.2g}"[:11])
    assert "; asked: " in failed["detail"]
    assert failed["observed"] != passed["observed"]


def test_every_type_is_planted_elsewhere_or_here() -> None:
    elsewhere = {
        "expect_column_values_to_be_decodable_images",
        "expect_column_classes_to_have_support",
    }
    assert {planted[0] for planted in PLANTED.values()} | elsewhere == set(custom.TYPES)
    assert set(custom.TYPES) <= set(gx.list_registered_expectation_implementations())


def test_a_failure_says_what_real_rows_have(make: Make) -> None:
    found = judge(make, KS, X | {"max_ratio": 1.5}, SHIFTED, REAL["numbers"])
    for part in ("of real rows 0.0", "ratio ", "p 0.004975", "candidates 300", "real rows 300"):
        assert part in found["detail"]


@pytest.mark.parametrize(
    ("kind", "kwargs"),
    [
        (KS, X),
        pytest.param(W1, X, marks=pytest.mark.simulation),
        pytest.param(TV, X | {"bins": 10}, marks=pytest.mark.simulation),
        pytest.param(TV, {"column": "label"}, marks=pytest.mark.simulation),
        (SHARES, {"column": "label"}),
    ],
)
def test_the_false_alarms_are_as_many_as_asked_for(kind: str, kwargs: dict[str, Any]) -> None:
    """At level 0.1, of 150 pairs of equal kinds 15 ± 3 standard deviations fail, at most."""
    built = gx.get_expectation_impl(kind)(**kwargs, min_p_value=0.1, **draws(kind, 59))
    alarms = 0
    for seed in range(150):
        real, fake = numbers(240, 1000 + seed), numbers(120, 5000 + seed)
        alarms += not built.find(fake, real).success
    assert alarms <= 15 + 3 * (150 * 0.1 * 0.9) ** 0.5
    assert alarms >= 3


def draws(kind: str, count: int) -> dict[str, int]:
    return {} if kind in {SHARES, C2ST} else {"draws": count}


@pytest.mark.simulation
@pytest.mark.parametrize("classifier", ["logistic", "neighbours"])
def test_the_null_of_the_classifier_is_normal(classifier: str) -> None:
    built = gx.get_expectation_impl(C2ST)(**XYZ, min_p_value=0.1, classifier=classifier)
    found = [built.find(numbers(200, seed), numbers(200, 500 + seed)) for seed in range(100)]
    accuracy = np.asarray([each.observed for each in found])
    assert abs(accuracy.mean() - 0.5) < 3 * accuracy.std() / 10
    assert accuracy.std() < 1.3 * (1 / (4 * 200)) ** 0.5
    assert sum(not each.success for each in found) <= 10 + 3 * 3


@pytest.mark.simulation
def test_overlap_and_diversity_rarely_alarm() -> None:
    for kind in (COVERAGE, RECALL, VENDI):
        built = gx.get_expectation_impl(kind)(**XYZ, min_p_value=0.1, draws=39)
        alarms = sum(
            not built.find(numbers(80, seed), numbers(170, 900 + seed)).success
            for seed in range(40)
        )
        assert alarms <= 4 + 3 * (40 * 0.1 * 0.9) ** 0.5, kind


UNKNOWN: Final[list[tuple[str, dict[str, Any], pl.DataFrame, pl.DataFrame | None, str]]] = [
    (KS, X | {"max_value": 1}, GOOD[:19], REAL["numbers"], "19 candidates and 600 real rows"),
    (KS, X | {"max_value": 1}, GOOD, REAL["numbers"][:39], "are too few"),
    (C2ST, XYZ | {"max_value": 1}, GOOD[:49], REAL["numbers"], "50 of each are needed"),
    (VENDI, XYZ | {"min_ratio": 0.1}, GOOD[:5], REAL["numbers"], "are too few"),
    (NGRAMS, {"column": "text", "min_value": 0.1}, texts(19, 0), None, "19 texts are too few"),
    (KS, {"column": "label", "max_value": 1}, GOOD, REAL["numbers"], "numbers are needed"),
    (
        C2ST,
        {"column_list": ["x", "label"], "max_value": 1},
        GOOD,
        REAL["numbers"],
        "column 'label' holds String",
    ),
    (NGRAMS, X | {"min_value": 0.1}, GOOD, None, "texts are needed"),
    (
        W1,
        X | {"max_value": 1},
        GOOD,
        REAL["numbers"].with_columns(x=pl.lit(1.0)),
        "all real values are the same",
    ),
    (
        VENDI,
        {"column_list": ["x"], "min_ratio": 0.1},
        GOOD,
        REAL["numbers"].with_columns(x=pl.lit(1.0)),
        "most real rows are the same",
    ),
    (
        SHARES,
        {"column": "label", "classes": ["a", "lost"], "min_value": 0.1},
        GOOD,
        REAL["numbers"],
        "no real row has class 'lost'",
    ),
    (
        DEPTH,
        {"column": "depth_mean", "max_value": 3},
        lineage(10, 1, 1).with_columns(
            depth_mean=pl.when(pl.col("depth_mean") > 1).then("depth_mean")
        ),
        None,
        "5 of 10 candidates have no depth_mean: no walk back",
    ),
    (DEPTH, {"column": "depth_mean", "max_value": 3}, lineage(9, -1, 1), None, "no depths"),
    (
        REAL_SHARE,
        {"column": "real_inputs", "min_value": 0},
        lineage(9, 1, 2),
        None,
        "that are no shares",
    ),
    (
        REAL_SHARE,
        {"column": "real_inputs", "min_value": 0},
        lineage(10, 1, 1).with_columns(
            real_inputs=pl.when(pl.col("real_inputs") < 1).then("real_inputs")
        ),
        None,
        "5 of 10 candidates have no real_inputs",
    ),
    (
        COVERAGE,
        {"column_list": ["image_bytes"], "min_ratio": 0.1},
        pictures(30, 1),
        pl.DataFrame({"image_bytes": [b"no image"] * 60}),
        "no real row has a readable value of 'image_bytes'",
    ),
    (
        COMPRESSION,
        {"column": "text", "max_value": 9},
        pl.DataFrame({"text": [""] * 30}),
        None,
        "the texts are empty",
    ),
    (
        NGRAMS,
        {"column": "text", "min_value": 0.1},
        pl.DataFrame({"text": ["word"] * 30}),
        None,
        "too short to have one n-gram",
    ),
]


@pytest.mark.parametrize("at", range(len(UNKNOWN)))
def test_what_cannot_be_judged_is_unknown(make: Make, at: int) -> None:
    kind, kwargs, candidates, real, said = UNKNOWN[at]
    found = judge(make, kind, kwargs, candidates, real)
    assert found["verdict"] == "unknown"
    assert found["detail"].startswith("could not be judged: ")
    assert said in found["detail"]
    assert found["observed"] is None


WRONG: Final = [
    (KS, X, "give one of min_value, max_value, min_ratio, max_ratio, min_p_value"),
    (KS, X | {"max_value": 0.1, "against": 3, "draw": 3}, "argument 'draw' is unknown"),
    (KS, X | {"min_value": 0.2, "max_value": 0.1}, "min_value is above max_value"),
    (KS, X | {"min_p_value": 0.001}, "of 200 draws no p-value is below 0.005"),
    (KS, X | {"min_p_value": 2}, "'min_p_value'"),
    (KS, X | {"max_value": 0.1, "max_rows": 5}, "'max_rows'"),
    (VENDI, XYZ | {"min_p_value": 0.04}, "of 40 draws no p-value is below 0.049"),
    (TV, X | {"max_value": 0.1, "bins": 1}, "'bins'"),
    (C2ST, {"column_list": [], "max_value": 0.6}, "'column_list'"),
    (C2ST, XYZ | {"max_value": 0.6, "classifier": "oracle"}, "'classifier'"),
    (C2ST, XYZ, "give one of min_value, max_value, min_p_value"),
    (NGRAMS, {"column": "text", "min_value": 0.1, "length": 0}, "'length'"),
    (SHARES, {"column": "label", "classes": [], "min_value": 0.1}, "'classes'"),
    (DEPTH, {"column": "depth_mean"}, "give one of min_value, max_value"),
    (DEPTH, {"column": "depth_mean", "max_value": 2, "quantile": 2}, "'quantile'"),
    (DEPTH, {"max_value": 2}, "'column': field required"),
]


@pytest.mark.parametrize(("kind", "kwargs", "said"), WRONG)
def test_wrong_arguments_are_one_sentence(
    make: Make, kind: str, kwargs: dict[str, Any], said: str
) -> None:
    with pytest.raises(SuiteError) as caught:
        catalogue.check(make((kind, kwargs)))
    assert said in str(caught.value)
    assert "__root__" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_every_judged_column_is_asked_for_values(make: Make) -> None:
    with pytest.raises(SuiteError, match=r"passes over rows without a value of 'y'"):
        catalogue.check(
            make(
                (NOT_NULL, {"column": "x"}),
                (COVERAGE, {"column_list": ["x", "y"], "min_ratio": 0.5}),
            )
        )


def test_a_reference_that_is_not_there_is_named(make: Make) -> None:
    kwargs = X | {"max_value": 0.5}
    with pytest.raises(SuiteError, match=r"compares with rows named 'real'; none are given"):
        judge(make, KS, kwargs, GOOD, None)
    with pytest.raises(SuiteError, match=r"rows named 'rael'; there are real"):
        judge(make, KS, kwargs | {"against": "rael"}, GOOD, REAL["numbers"])
    with pytest.raises(SuiteError, match=r"column of the real rows 'x' is unknown; the nearest"):
        judge(make, KS, kwargs, GOOD, REAL["numbers"].drop("x"))
    with pytest.raises(BatchError, match=r"none of the 600 real rows has a value in column 'x'"):
        judge(make, KS, kwargs, GOOD, REAL["numbers"].with_columns(x=pl.lit(float("nan"))))
    with pytest.raises(BatchError, match=r"none of the 0 real rows"):
        judge(make, KS, kwargs, GOOD, REAL["numbers"].clear())
    with pytest.raises(CannotJudge, match="no rows named 'real'"):
        references.frame("real")


def test_the_suite_says_which_columns_it_compares(make: Make) -> None:
    suite = make(
        (KS, X | {"max_value": 0.5}),
        (C2ST, {"column_list": ["y", "z"], "max_value": 0.9}),
        (NGRAMS, {"column": "text", "min_value": 0.1}),
        (COMPRESSION, {"column": "other", "max_ratio": 2}),
        (KS, {"column": "old", "max_value": 0.5, "against": "earlier"}),
        (DEPTH, {"column": "depth_mean", "max_value": 3}),
    )
    assert catalogue.compared_columns(suite, "real") == {"x", "y", "z", "other"}
    assert catalogue.compared_columns(suite, "earlier") == {"old"}


def test_nulls_and_nan_are_left_out(make: Make) -> None:
    odd = GOOD.with_columns(
        x=pl.when(pl.int_range(pl.len()) < 10).then(None).otherwise("x"),
        y=pl.when(pl.int_range(pl.len()) > 290).then(float("nan")).otherwise("y"),
    )
    assert judge(make, KS, X | {"max_value": 0.2}, odd, REAL["numbers"])["verdict"] == "passed"
    found = judge(make, VENDI, XYZ | {"max_ratio": 0.01}, odd, REAL["numbers"])
    assert "candidates 281" in found["detail"]


def test_lists_of_numbers_are_points(make: Make) -> None:
    def vectors(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.select(v=pl.concat_list("x", "y", "z"))

    kwargs = {"column_list": ["v"], "min_p_value": 0.01}
    real = vectors(REAL["numbers"])
    assert judge(make, C2ST, kwargs, vectors(GOOD), real)["verdict"] == "passed"
    assert judge(make, C2ST, kwargs, vectors(SHIFTED), real)["verdict"] == "failed"
    short = vectors(GOOD).with_columns(
        v=pl.when(pl.int_range(pl.len()) < 10).then(pl.concat_list(pl.lit(1.0))).otherwise("v")
    )
    assert judge(make, C2ST, kwargs, short, real)["verdict"] == "passed"


@pytest.mark.parametrize("name", PLANTED)
def test_data_docs_say_what_is_expected(make: Make, name: str) -> None:
    kind, kwargs, *_ = PLANTED[name]
    built = catalogue.expectation(make((kind, kwargs)).rules[0])
    (content,) = type(built)._prescriptive_renderer(configuration=built.configuration)
    template = content.string_template["template"]
    params = content.string_template["params"]
    assert "$column" in template
    assert template.endswith(".")
    assert set(params) >= {"column", *kwargs} - {"column_list"}
    assert all(f"${each}" in template for each in params)
    built.render()
    assert built.rendered_content[0].value.template == template


def test_data_docs_say_what_was_seen() -> None:
    result = {"observed_value": 0.38954, "details": {"of real rows": 0.08, "p": 0.005, "x": [1]}}
    built = gx.get_expectation_impl(KS)
    told = built._diagnostic_observed_value_renderer(
        result=gx.ExpectationValidationResult(True, result=result)
    )
    assert told == "0.3895; of real rows 0.08; p 0.005"
    assert built._diagnostic_observed_value_renderer() == "--"


@pytest.mark.parametrize("name", PLANTED)
def test_json_goes_there_and_back(make: Make, name: str, tmp_path: Path) -> None:
    kind, kwargs, *_ = PLANTED[name]
    suite = make((kind, kwargs))
    built = catalogue.expectation(suite.rules[0])
    written = json.loads(json.dumps(built.configuration.to_json_dict()))
    assert {key: written["kwargs"][key] for key in kwargs} == kwargs
    place = tmp_path / "again.json"
    place.write_text(
        json.dumps({"name": "s", "expectations": [{"type": written["type"], "kwargs": kwargs}]})
    )
    assert suites.load(place).digest == suite.digest
    assert catalogue.expectation(suites.load(place).rules[0]).dict() == built.dict()


def test_sizes_are_bounded_and_the_seed_decides() -> None:
    big, real = numbers(5000, 3), numbers(9000, 4)
    built = gx.get_expectation_impl(KS)(**X, max_value=1, max_rows=100, draws=10)
    first = built.find(big, real)
    assert (first.facts["candidates"], first.facts["real rows"]) == (100, 100)
    assert built.find(big, real) == first
    other = gx.get_expectation_impl(KS)(**X, max_value=1, max_rows=100, draws=10, seed=1)
    assert other.find(big, real).observed != first.observed


def test_the_figures_are_those_of_scipy() -> None:
    draw = np.random.default_rng(0)
    for _ in range(5):
        left, right = draw.integers(0, 30, 50).astype(float), draw.normal(15, 8, 70).round()
        found = distributions.kolmogorov_smirnov(left, right)
        assert found == pytest.approx(stats.ks_2samp(left, right).statistic)
    assert distributions.wasserstein(np.asarray([0.0, 1.0]), np.asarray([2.0, 4.0])) == 2.5


@pytest.mark.parametrize("digits", [0, 1, 17])
def test_the_wasserstein_distance_is_that_of_scipy(digits: int) -> None:
    draw = np.random.default_rng(digits)
    for sizes in ((1, 1), (1, 5), (30, 30), (7, 200)):
        left, right = (draw.normal(size=size).round(digits) for size in sizes)
        assert distributions.wasserstein(left, right) == stats.wasserstein_distance(left, right)
    assert distributions.total_variation(np.asarray([2, 1, 1, 0]), np.asarray([1, 0, 0, 1])) == 0.5


def test_the_vendi_score_counts_kinds() -> None:
    far = np.repeat(np.arange(5.0)[:, None] * 100, 6, axis=0)
    assert vendi_score.compute(far, 1.0) == pytest.approx(5)
    assert vendi_score.compute(np.zeros((9, 2)), 1.0) == pytest.approx(1)
    uneven = np.repeat([[0.0], [100.0]], [3, 1], axis=0)
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert vendi_score.compute(uneven, 1.0) == pytest.approx(np.exp(entropy))


def test_ngrams_stay_within_a_text() -> None:
    given = pl.Series(["A b  c", "a b", "", "x", "c d"])
    every = np.arange(5)
    assert text_diversity.ngrams(given, 1).distinct(every) == 5 / 8
    assert text_diversity.ngrams(given, 2).distinct(every) == 3 / 4
    assert text_diversity.ngrams(given, 2).distinct(every[:2]) == 2 / 3
    assert text_diversity.ngrams(given, 3).distinct(every) == 1
    with pytest.raises(CannotJudge):
        text_diversity.ngrams(given, 4).distinct(every)


def test_the_sides_of_a_p_value() -> None:
    found = null.Comparison(3.0, np.asarray([1.0, 2.0, 3.0, 4.0]), 1, 1)
    assert found.ratio == 1.2
    assert found.p_value("high") == 0.6
    assert found.p_value("low") == 0.8
    assert found.p_value("both") == 1.0
    assert null.Comparison(1.0, np.zeros(2), 1, 1).ratio == float("inf")
    assert null.Comparison(0.0, np.zeros(2), 1, 1).ratio == 1.0


def test_the_page_of_expectations_is_whole() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "expectations.md"
    text = page.read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(expect_\w+)`", text, re.MULTILINE)
    assert sorted(listed) == sorted(custom.TYPES)
    example = json.loads(text.split("```json")[1].split("```")[0])
    place = suites.Rule("n", example["type"], example["kwargs"], "warning", {})
    assert catalogue.compared(place) == "real"
