"""Metrics to ask for: entropy, clipped figures, distances, meanings, rare classes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from expectations.measures import features
from pipelines.common.plugins import NoSettings
from pipelines.metrics import (
    Labelled,
    Metric,
    rare_class,
    subsets,
    training_distance,
    verifier_pull,
)
from pipelines.metrics.clipped import Clipped
from pipelines.metrics.entropy import Entropy
from pipelines.metrics.protocol import MetricRequest
from pipelines.metrics.rare_class import RareClass
from pipelines.metrics.text_meaning_variety import (
    NO_TEXTS,
    MeaningVariety,
    MeaningVarietySettings,
)
from pipelines.metrics.training_distance import TrainingDistance
from pipelines.metrics.verifier_pull import VerifierPull

NONE = NoSettings()


def rows(seed: int, count: int = 150, scale: float = 1.0) -> Labelled:
    points = scale * np.random.default_rng(seed).normal(size=(count, 4))
    return Labelled(points.astype(np.float32), np.arange(count) % 3)


def request(accepted: Labelled, **more: Any) -> MetricRequest:
    real, held = rows(1, 400), rows(2)
    few = np.arange(min(len(accepted.labels), 150))
    return MetricRequest(
        real=real,
        validation=held,
        sets={"accepted": accepted.at(few), "mix": accepted.at(few)},
        features=features.fit(real.vectors),
        null_draws=10,
        bootstrap=200,
        seed=4,
        whole={"accepted": accepted, "validation": held} | more.pop("whole", {}),
        **more,
    )


def spoilt(share: float) -> Labelled:
    good = rows(3)
    vectors = good.vectors.copy()
    vectors[: round(share * len(vectors))] += 40
    return replace(good, vectors=vectors)


def test_clipped_figures_of_good_rows_are_those_of_real_ones_and_fall_with_bad_ones() -> None:
    good = Clipped().measure(request(rows(3)), NONE)["accepted"]
    bad = Clipped().measure(request(spoilt(0.4)), NONE)["accepted"]
    for name in ("clipped_density", "clipped_coverage"):
        assert good[name].value >= good[name].null_low - 0.1
        assert bad[name].value == pytest.approx(0.6 * good[name].null, abs=0.12)
        assert bad[name].value < bad[name].null_low


def test_entropy_falls_by_the_logarithm_of_the_scale_in_each_dimension() -> None:
    whole = Entropy().measure(request(rows(3)), NONE)["mix"]["entropy"]
    half = Entropy().measure(request(rows(3, scale=0.5)), NONE)["mix"]["entropy"]
    dimensions = half.to_dict()["dimensions"]
    assert half.value == pytest.approx(whole.value - dimensions * np.log(2), abs=1e-6)
    assert whole.null_low - 0.3 <= whole.value <= whole.null_high + 0.3
    assert half.value < half.null_low


def test_the_null_is_of_held_out_rows_with_the_spread_of_random_training_rows() -> None:
    found = subsets.beside(5.0, 4.0, np.asarray([9.0, 11.0]))
    assert (found.value, found.null) == (5, 4)
    half = np.sqrt(2) * 0.95  # 95 % of two values reach from 9.05 to 10.95
    assert (found.null_low, found.null_high) == pytest.approx((4 - half, 4 + half))
    assert np.isnan(found.low)
    assert np.isnan(subsets.beside(5.0, 4.0, np.asarray([np.nan])).null_low)


def test_a_ratio_of_distances_is_of_their_means() -> None:
    found = training_distance.of_distances(np.ones(2), np.asarray([2.0, 4.0]), 200, 1)
    assert found.value == pytest.approx(1 / 3)
    assert found.low <= 1 / 3 <= found.high
    assert np.isnan(training_distance.of_distances(np.ones(2), np.zeros(2), 9, 1).value)


def test_rows_near_to_the_mix_of_their_generator_are_seen_though_real_rows_are_far() -> None:
    mix = rows(7)
    near = replace(mix, vectors=mix.vectors + np.float32(0.01))
    copied, fresh = (
        TrainingDistance().measure(request(each, whole={"trained_on": mix}), NONE)["accepted"]
        for each in (near, rows(8))
    )
    assert copied["training_distance"].value < 0.1
    assert copied["training_distance"].high < copied["training_distance"].null_low
    assert fresh["training_distance"].low < 1.1
    assert fresh["training_distance"].high > 0.9
    unknown = TrainingDistance().measure(request(near), NONE)["accepted"]
    assert np.isnan(unknown["training_distance"].value)


def test_the_pull_is_the_difference_of_two_means_beside_that_of_real_rows() -> None:
    found = verifier_pull.difference(np.asarray([0.9, 0.8]), np.asarray([0.5, 0.7]), 200, 1)
    assert found.value == pytest.approx(0.25)
    sure, real = np.full(60, 0.9), np.random.default_rng(1).uniform(0.4, 1, 80)
    given = {"accepted": sure, "validation": real}
    measured = VerifierPull().measure(request(rows(3), confidence=given), NONE)["accepted"]
    assert measured["verifier_pull"].low > measured["verifier_pull"].null_high
    assert np.isnan(
        VerifierPull().measure(request(rows(3)), NONE)["accepted"]["verifier_pull"].value
    )


def mixed(counts: list[int]) -> Labelled:
    labels = np.repeat(np.arange(len(counts)), counts)
    return Labelled(np.zeros((len(labels), 4), np.float32), labels)


def of_mix(counts: list[int]) -> dict[str, Metric]:
    asked = request(rows(3), whole={"next_mix": mixed(counts)})
    return dict(RareClass().measure(asked, NONE)["accepted"])


def test_the_rarest_class_of_the_mix_is_looked_ahead_for() -> None:
    found = of_mix([90, 100, 10])
    assert found["rare_class_share"].to_dict()["of"] == "2"
    assert found["rare_class_share"].value == pytest.approx(0.05)
    assert found["rare_class_mean"].value == pytest.approx(63.07, abs=0.01)
    # Half of 2,000 lines, and not of those that lose it: the class is lost in 95 of 100.
    assert 5 <= found["rare_class_tenth"].value <= 10
    assert 20 <= found["rare_class_median"].value <= 40


def test_a_class_that_is_gone_is_lost_now_and_rows_without_classes_lose_none() -> None:
    assert [each.value for each in of_mix([9, 9, 0]).values()] == [0, 0, 0, 0]
    plain = replace(request(rows(3)), real=replace(rows(1), labels=np.zeros(150)))
    assert set(RareClass().not_applicable(plain)) == set(rare_class.NAMES)
    assert not RareClass().not_applicable(request(rows(3)))


def test_a_class_that_outlasts_what_is_followed_has_a_mean_and_no_quantiles() -> None:
    tenth, median, mean = rare_class.forecast(0.3, 1_000_000, 1)
    assert np.isnan([tenth, median]).all()
    assert mean > 1_000_000 / 2


def texts(seed: int, topics: int, count: int = 150) -> Labelled:
    draw = np.random.default_rng(seed)
    topic = draw.integers(topics, size=count)
    points = 5 * np.eye(8)[topic] + draw.normal(0, 0.1, (count, 8))
    words = np.asarray([f"text {seed} {at}" for at in range(count)], dtype=object)
    return Labelled(points.astype(np.float32), topic, inputs=words)


def variety(accepted: Labelled, settings: MeaningVarietySettings) -> Metric:
    real = texts(1, 8, 300)
    asked = replace(
        request(accepted),
        real=real,
        validation=texts(9, 8),
        features=features.fit(real.vectors),
    )
    return MeaningVariety().measure(asked, settings)["accepted"]["meaning_variety"]


def test_texts_of_few_meanings_have_few_however_many_words() -> None:
    settings = MeaningVarietySettings(clusters=8, rows=60)
    whole, narrow = (variety(texts(seed, topics), settings) for seed, topics in ((2, 8), (3, 2)))
    assert whole.value == pytest.approx(whole.null, rel=0.1)
    assert narrow.value == pytest.approx(2, abs=0.6)
    assert narrow.value < narrow.null_low


def test_rows_that_are_no_texts_have_no_meanings_and_few_texts_are_not_measured() -> None:
    plain = request(rows(3))
    assert MeaningVariety().not_applicable(plain) == {"meaning_variety": NO_TEXTS}
    found = MeaningVariety().measure(plain, MeaningVarietySettings())["accepted"]
    assert np.isnan(found["meaning_variety"].value)
    few: NDArray[Any] = np.arange(50)
    assert np.isnan(variety(texts(2, 8).at(few), MeaningVarietySettings(clusters=8)).value)
