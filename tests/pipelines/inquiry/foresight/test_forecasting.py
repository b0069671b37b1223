"""A forecast holds what formulas say, says what it cannot know, and covers what comes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lineage import drift
from lineage.limits import Limits
from pipelines.common.errors import DataError
from pipelines.inquiry.foresight import dynamics, forecasting, rare, regimes
from pipelines.inquiry.foresight.observed import (
    Measured,
    MixPart,
    Observations,
    ObservedRound,
    of_manifest,
)
from pipelines.inquiry.foresight.regimes import ACCUMULATE, REPLACE, SUBSAMPLE, Model, Plan

REAL = 1_000
MADE = 500
SHIPPED = Path(__file__).parent / "shipped_rounds.json"


def figure(value: float, null: float = 1.0) -> Measured:
    """A figure with an interval of one per cent on both sides."""
    return Measured(value, value * 0.99, value * 1.01, null)


def accumulated(variances: list[float], *, recall: bool = False) -> Observations:
    """Rounds that learned from all before them, with these variances; recall is 0.95 of them."""
    rounds = [ObservedRound(0, is_real=True, accepted=REAL, candidates=REAL)]
    parts = [MixPart(0, REAL)]
    for number, variance in enumerate(variances, 1):
        learned = tuple(parts)
        parts.append(MixPart(number, MADE))
        mixed = (REAL + MADE * sum(variances[:number])) / (REAL + MADE * number)
        recalls = [figure(0.95 * each, 0.95) if recall else None for each in (variance, mixed)]
        rounds.append(
            ObservedRound(
                number,
                is_real=False,
                accepted=MADE,
                candidates=MADE,
                regime=ACCUMULATE,
                learned_from=learned,
                learned_rows=REAL + MADE * (number - 1),
                next_mix=tuple(parts),
                real_share=REAL / (REAL + MADE * number),
                variance=figure(variance),
                recall=recalls[0],
                mix_variance=figure(mixed),
                mix_recall=recalls[1],
                rows_measured=450,
            )
        )
    return Observations("made", "0" * 40, tuple(rounds), {})


def made(seed: int, rounds: int, spread: float = 0.03) -> list[float]:
    """Variances of rounds whose generator keeps 0.85 of the variance, more or less."""
    random, held, found = np.random.default_rng(seed), [(REAL, 1.0)], list[float]()
    for _ in range(rounds):
        total = sum(rows for rows, _ in held)
        mixed = sum(rows * variance for rows, variance in held) / total
        variance = mixed * 0.85 * np.exp(random.normal(0, spread)) * (1 - 1 / total)
        held.append((MADE, variance))
        found.append(variance)
    return found


def last(found: forecasting.Forecast, regime: str, name: str) -> forecasting.Point:
    """The forecast of the last round."""
    return found.points[regime][name][-1]


def test_real_share_follows_from_the_rows_alone() -> None:
    found = forecasting.forecast(accumulated([0.9]), Plan(ACCUMULATE), Limits(), 4, draws=200)
    share = last(found, ACCUMULATE, "real_share")
    assert share.value == pytest.approx(REAL / (REAL + 5 * MADE), rel=0.01)
    assert last(found, REPLACE, "real_share").high == 0.0
    thinned = last(found, SUBSAMPLE, "real_share")
    assert thinned.low < share.value < thinned.high


def test_a_weight_of_auto_follows_the_rows_of_each_round() -> None:
    plan = Plan(ACCUMULATE, real_weight="auto")
    found = forecasting.forecast(accumulated([0.9]), plan, Limits(), 4, draws=200)
    weight = (1 + (1 + 4 * 5 * MADE / REAL) ** 0.5) / 2
    assert last(found, ACCUMULATE, "real_share").value == pytest.approx(1 / weight, rel=0.01)


def test_what_one_round_cannot_tell_is_not_measured() -> None:
    found = forecasting.forecast(accumulated([0.9]), Plan(ACCUMULATE), Limits(), 2, draws=200)
    assert set(found.points[ACCUMULATE]) == {"real_share"}
    assert set(found.not_measured) == {"variance", "recall", "mix_recall"}
    none = forecasting.forecast(accumulated([]), Plan(ACCUMULATE), Limits(), 2, draws=200)
    assert (none.points, none.remedy) == ({}, None)
    assert set(none.not_measured) == set(regimes.FIGURES)


def test_variance_under_replacement_is_the_product_of_the_changes() -> None:
    observations = accumulated(made(0, 6, spread=0.001))
    found = forecasting.forecast(observations, Plan(ACCUMULATE), Limits(), 3, draws=2_000)
    variance = observations.rounds[-1].variance
    assert variance is not None
    expected = variance.value * (0.85 * (1 - 1 / MADE)) ** 3
    assert last(found, REPLACE, "variance").value == pytest.approx(expected, rel=0.02)
    assert last(found, ACCUMULATE, "variance").value > 1.2 * expected


def test_intervals_hold_what_comes_as_often_as_they_say() -> None:
    """Three rounds are seen, and the sixth is held against the interval, in 120 lines."""
    held = 0
    for seed in range(120):
        line = made(seed, 6)
        random = np.random.default_rng(seed)
        seen = accumulated(line[:3])
        model = Model(dynamics.shrinkage(seen, 500, random), None, None)
        rows = np.full((3, 500), float(MADE))
        drawn = regimes.draw(seen, Plan(ACCUMULATE), model, rows, random)
        low, high = np.quantile(drawn.variance[-1], (0.025, 0.975))
        held += low <= line[5] <= high
    assert 0.9 <= held / 120 <= 1.0


def test_the_fewest_real_rows_hold_recall_and_fewer_do_not() -> None:
    observations = accumulated(made(1, 5, spread=0.005), recall=True)
    limits = Limits(recall_mix_warn=0.9)
    found = forecasting.forecast(observations, Plan(ACCUMULATE), limits, 4, draws=300)
    remedy = found.remedy
    assert remedy is not None
    assert remedy.fresh is not None
    assert remedy.weight is not None
    assert remedy.without < forecasting.SURE
    assert 200 < remedy.fresh < 4_000
    assert 2 < remedy.weight < 40
    easy = Limits(recall_mix_warn=0.5)
    held = forecasting.forecast(observations, Plan(ACCUMULATE), easy, 4, draws=300).remedy
    assert held is not None
    assert (held.fresh, held.weight) == (0, 1.0)


def test_a_rare_class_is_lost_as_kimura_and_ohta_have_it() -> None:
    assert drift.mean_loss_time(0.05, 200) == pytest.approx(63.07, abs=0.01)
    assert drift.mean_loss_time(0.02, 600) == pytest.approx(95.8, abs=0.01)
    assert drift.mean_loss_time(0.0, 600) is None
    times = drift.loss_times(0.05, 200, np.random.default_rng(0))
    assert float(np.quantile(times, 0.1, method="inverted_cdf")) == pytest.approx(8, abs=1)
    assert float(np.quantile(times, 0.5, method="inverted_cdf")) == pytest.approx(27, abs=3)


def test_classes_that_are_lost_already_and_those_a_subsample_may_lack() -> None:
    observations = accumulated([0.9, 0.9])
    classes = {0: {"a": 990, "b": 10}, 1: {"a": 500}, 2: {"a": 500}}
    seen = Observations("made", "0" * 40, observations.rounds, classes)
    random = np.random.default_rng(0)
    found = rare.of_classes(seen, MADE, 3, 100, random)
    assert [each.label for each in found] == ["b", "a"]
    assert (found[0].lost_replace, found[0].lost_by_tenth, found[0].lost_mean) == (1.0, 0, None)
    assert found[0].missing_subsample == pytest.approx((1 - 10 / 2_000) ** 100, abs=0.02)
    assert found[0].lost_accumulate == 0.0


@pytest.mark.parametrize(("after", "ahead"), [(2, 1), (3, 3)])
def test_after_some_rounds_of_the_shipped_digits_the_intervals_hold_the_next(
    after: int, ahead: int
) -> None:
    """What manifests of six rounds of the shipped digits hold: figures, counts and mixes."""
    content = json.loads(SHIPPED.read_text())
    rounds = tuple(of_manifest(number, each) for number, each in enumerate(content))
    whole = Observations("digits", "0" * 40, rounds, {})
    plan, limits = Plan(ACCUMULATE), Limits()
    found = forecasting.hold(forecasting.forecast(whole.until(after), plan, limits, ahead), whole)
    held = {(each.figure, each.round) for each in found.held_against}
    later = range(after + 1, after + ahead + 1)
    assert held == {(name, number) for name in regimes.FIGURES for number in later}
    assert not [each for each in found.held_against if not each.within]
    assert {each.regime for each in found.held_against} == {ACCUMULATE}
    share = found.points[ACCUMULATE]["real_share"][0]
    assert share.high - share.low < 0.01


def test_a_round_outside_of_its_interval_is_told_and_only_what_came_later_is_held() -> None:
    whole = accumulated([0.85, 0.8, 0.76, 0.2])
    found = forecasting.forecast(whole.until(3), Plan(ACCUMULATE), Limits(), 2)
    held = {each.figure: each for each in forecasting.hold(found, whole).held_against}
    assert {each.round for each in held.values()} == {4}
    assert not held["variance"].within
    assert held["real_share"].within
    for number in (4, 7):
        with pytest.raises(DataError, match="no round of made was published after round"):
            whole.until(number)


def test_more_than_half_of_the_lines_can_lose_a_class_within_the_rounds_ahead() -> None:
    times = drift.loss_times(1 / 1000, 1000, np.random.default_rng(0), 3)
    lost = 0.0
    for _ in range(3):  # of one row, whose copies in the next round are nearly Poisson of mean 1
        lost = np.exp(lost - 1)
    assert lost == pytest.approx(0.626, abs=0.001)
    assert (times <= 3).mean() == pytest.approx(lost, abs=0.03)
