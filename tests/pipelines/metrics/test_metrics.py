from __future__ import annotations

import json
import math
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from expectations.measures import features
from expectations.measures.manifold import overlap
from pipelines import metrics
from pipelines.common.errors import DataError
from pipelines.common.seeds import derive_seed
from pipelines.metrics import Configured, Evaluation, Labelled, shape, values
from pipelines.metrics.frechet import frechet, gaussian
from pipelines.metrics.registry import TASKS
from tests.pipelines.kinds import Split, Vectors

Evaluate = Callable[..., Evaluation]
QUICK = SimpleNamespace(null_draws=10, bootstrap=100)


@pytest.fixture(scope="module")
def real(split: Split, vectors: Vectors) -> Labelled:
    return Labelled(vectors[0], split.real["label"].to_numpy())


@pytest.fixture(scope="module")
def validation(split: Split, vectors: Vectors) -> Labelled:
    return Labelled(vectors[1], split.validation["label"].to_numpy())


@pytest.fixture(scope="module")
def evaluate(real: Labelled, validation: Labelled) -> Evaluate:
    def run(accepted: Labelled, mix: Labelled | None = None, **over: object) -> Evaluation:
        given = {"previous": real, "settings": QUICK, "seed": 7} | over
        return metrics.evaluate_round(
            real=real, validation=validation, accepted=accepted, mix=mix or accepted, **given
        )

    return run


def noisy(data: Labelled, scale: float, centre: float = 0.0) -> Labelled:
    """Rows moved towards their class mean by `scale` (1: not at all) around which they vary."""
    means = np.stack([data.vectors[data.labels == each].mean(axis=0) for each in range(10)])
    middle = means[data.labels] + centre
    return Labelled((middle + scale * (data.vectors - middle)).astype(np.float32), data.labels)


def test_frechet_of_two_gaussians() -> None:
    cov, cov_2 = np.diag([4.0, 1.0]), np.diag([1.0, 9.0])
    gap = np.array([3.0, 4.0])
    expected = 25 + (2 - 1) ** 2 + (1 - 3) ** 2
    assert gaussian(np.zeros(2), cov, gap, cov_2) == pytest.approx(expected)
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    turned = gaussian(np.zeros(2), turn @ cov @ turn.T, turn @ gap, turn @ cov_2 @ turn.T)
    assert turned == pytest.approx(expected)


def test_frechet_of_points() -> None:
    points = np.random.default_rng(0).normal(size=(500, 3))
    assert frechet(points, points) == pytest.approx(0, abs=1e-9)
    assert frechet(points, points + np.array([0, 2, 0])) == pytest.approx(4)
    assert frechet(points, 2 * points) == pytest.approx(
        float(points.mean(0) @ points.mean(0) + points.var(0, ddof=1).sum())
    )
    assert frechet(points, points[:1]) > 0


def test_overlap_of_the_same_points() -> None:
    points = np.random.default_rng(0).normal(size=(100, 3))
    found = {name: each.mean() for name, each in overlap(points, points).items()}
    assert found["precision"] == found["recall"] == found["coverage"] == 1
    assert found["density"] == pytest.approx(6 / 5, abs=0.15)


def test_overlap_of_points_far_apart() -> None:
    points = np.random.default_rng(0).normal(size=(100, 3))
    assert all(each.mean() == 0 for each in overlap(points, points + 100).values())


def test_overlap_is_not_symmetric() -> None:
    wide = np.random.default_rng(0).normal(size=(200, 2))
    narrow = np.random.default_rng(1).normal(size=(200, 2)) * 0.2
    inside = {name: each.mean() for name, each in overlap(wide, narrow).items()}
    assert inside["precision"] > 0.95
    assert inside["recall"] < 0.3
    assert inside["coverage"] < 0.5
    outside = {name: each.mean() for name, each in overlap(narrow, wide).items()}
    assert outside["precision"] < 0.3
    assert outside["recall"] > 0.95


def test_overlap_by_hand() -> None:
    real = np.array([[0.0], [1.0], [2.0], [3.0], [4.0], [5.0], [20.0]])
    fake = np.array([[0.5], [8.0], [9.0], [10.0]])
    found = {name: each.tolist() for name, each in overlap(real, fake).items()}
    # real balls reach 3, 2, 2, 2, 2, 3, 17; fake balls 9.5, 7.5, 8.5, 9.5
    assert found["precision"] == [1, 1, 1, 1]
    assert found["recall"] == [1, 1, 1, 1, 1, 1, 0]
    assert found["coverage"] == [1, 1, 1, 1, 1, 1, 1]


def test_features_are_fitted_once_and_named(real: Labelled) -> None:
    found = features.fit(real.vectors)
    again = features.fit(real.vectors.copy())
    other = features.fit(real.vectors[1:])
    assert found.digest == again.digest != other.digest
    assert np.allclose(found.components @ found.components.T, np.eye(len(found.components)))
    kept = found.project(real.vectors).var(axis=0, ddof=1).sum()
    total = real.vectors.astype(float).var(axis=0, ddof=1).sum()
    assert 0.9 <= kept / total < 0.95
    assert np.allclose(found.rarity(real.vectors).mean(), len(found.components), rtol=0.01)


def test_what_real_rows_give_is_computed_once(
    real: Labelled, validation: Labelled, monkeypatch: pytest.MonkeyPatch
) -> None:
    fixed, compute, seen = features.fit(real.vectors), shape._total_variance, list[int]()

    def counted(rows: NDArray[np.float32]) -> float:
        seen.append(len(rows))
        return compute(rows)

    monkeypatch.setattr(shape, "_total_variance", counted)
    yardstick = shape.Yardstick(real.vectors, validation.vectors, fixed, 50)
    halves = real.vectors[:60], real.vectors[60:130]
    ratios = [yardstick.variance(half) for half in halves]
    whole = real.vectors.var(axis=0, ddof=1, dtype=np.float64).sum()
    assert ratios == [half.var(axis=0, ddof=1, dtype=np.float64).sum() / whole for half in halves]
    assert sorted(seen) == [60, 70, len(real.vectors)]
    tails = [yardstick.in_tail(half) for half in halves]
    edge = np.quantile(fixed.rarity(real.vectors), 1 - shape.TAIL)
    for half, tail in zip(halves, tails, strict=True):
        assert np.array_equal(tail, fixed.rarity(half) > edge)


def test_share_interval_holds_without_hits() -> None:
    share, low, high = values.of_share(np.zeros(450, dtype=bool))
    assert (share, low) == (0, 0)
    assert high == pytest.approx(0.00846, abs=1e-4)
    middle = values.of_share(np.arange(100) < 50)
    assert middle == pytest.approx((0.5, 0.4038, 0.5962), abs=1e-4)


def test_mean_interval_has_its_level() -> None:
    inside = 0
    for seed in range(300):
        each = np.random.default_rng(seed).exponential(size=80)
        _, low, high = values.of_means(each, 300, derive_seed(seed, "interval"))
        inside += low <= 1 <= high
    assert 0.88 <= inside / 300 <= 0.98


def test_real_rows_pass_for_real(evaluate: Evaluate, real: Labelled) -> None:
    half = np.random.default_rng(1).permutation(1077)[:600]
    found = evaluate(Labelled(real.vectors[half], real.labels[half]), real)
    assert found.n == 450
    for name, metric in found.round.items():
        assert metric.low <= metric.value <= metric.high, name
        assert metric.low <= metric.null_high, name
        assert metric.null_low <= metric.high, name
    assert found.difference["real_only"].value == 0


def test_collapse_is_seen_on_one_side(evaluate: Evaluate, real: Labelled) -> None:
    found = evaluate(noisy(real, 0.3)).round
    assert found["recall"].high < found["recall"].null_low
    assert found["variance"].high < found["variance"].null_low
    assert found["tail"].value == 0
    assert found["precision"].value > 0.95
    assert found["frechet"].low > found["frechet"].null_high


def test_inflation_is_seen_on_the_other(evaluate: Evaluate, real: Labelled) -> None:
    found = evaluate(noisy(real, 1.6)).round
    assert found["variance"].low > found["variance"].null_high
    assert found["tail"].low > found["tail"].null_high
    assert found["precision"].high < found["precision"].null_low


def test_wrong_labels_cost_accuracy(evaluate: Evaluate, real: Labelled) -> None:
    wrong = Labelled(real.vectors, (real.labels + (real.labels == 3)) % 10)
    found = evaluate(real, wrong)
    assert found.difference["real_only"].high < 0
    assert found.scores["accuracy"]["real_only"].value > 0.97
    assert found.scores["accuracy"]["mix"].value < 0.93
    assert found.recall_per_class["mix"][3] == 0
    assert found.recall_per_class["real_only"][3] > 0.9
    gap = found.scores["accuracy"]["mix"].value - found.scores["accuracy"]["real_only"].value
    assert found.difference["real_only"].value == pytest.approx(gap)


def test_a_missing_class_is_measured(evaluate: Evaluate, real: Labelled) -> None:
    some = real.labels != 8
    found = evaluate(Labelled(real.vectors[some], real.labels[some]))
    assert found.recall_per_class["mix"][8] == 0


def test_result_is_json_and_repeats(evaluate: Evaluate, real: Labelled) -> None:
    few = Labelled(real.vectors[:300], real.labels[:300])
    first = json.dumps(evaluate(few, real).to_dict(), allow_nan=False)
    assert first == json.dumps(evaluate(few, real).to_dict(), allow_nan=False)
    assert first != json.dumps(evaluate(few, real, seed=8).to_dict(), allow_nan=False)
    found = json.loads(first)
    assert found["n"] == 300
    assert found["summary"]["recall_round"] == found["round"]["recall"]["value"]
    assert found["summary"]["recall_null"] == found["round"]["recall"]["null"]
    assert found["summary"]["accuracy_mix"] == found["accuracy"]["mix"]["value"]
    assert found["accuracy"]["mix"]["null"] is None
    assert set(found["recall_per_class"]["mix"]) == {str(label) for label in range(10)}


def test_weights_decide_what_the_mix_is(evaluate: Evaluate, real: Labelled) -> None:
    far = noisy(real, 0.3)
    both = np.concatenate([real.vectors, far.vectors])
    labels = np.concatenate([real.labels, far.labels])
    heavy = np.repeat([1.0, 1e-9], len(real.labels))
    mostly_real = evaluate(real, Labelled(both, labels, heavy)).mix["variance"]
    mostly_far = evaluate(real, Labelled(both, labels, heavy[::-1].copy())).mix["variance"]
    assert mostly_real.value > 0.95
    assert mostly_far.high < mostly_real.low


@pytest.mark.parametrize("label", ["", 7])
def test_rows_of_one_label_are_judged_by_what_needs_none(real: Labelled, label: object) -> None:
    def one(rows: Labelled) -> Labelled:
        return Labelled(rows.vectors, np.full(len(rows.labels), label), None, rows.inputs)

    some = one(Labelled(real.vectors[:60], real.labels[:60], None, real.labels[:60].astype(str)))
    settings = SimpleNamespace(null_draws=3, bootstrap=20)
    sets = dict.fromkeys(("real", "validation", "accepted", "mix", "previous"), some)
    alone = metrics.evaluate_round(**sets, settings=settings, seed=1).to_dict()
    assert alone["accuracy"] == alone["difference"] == alone["recall_per_class"] == {}
    assert list(alone["not_applicable"]) == ["accuracy", "recall_per_class", "difference", "second"]
    assert alone["round"]["coverage"]["value"] is not None

    task = Configured(TASKS.load("text_likelihood"))
    found = metrics.evaluate_round(**sets, unlabelled=task, settings=settings, seed=1).to_dict()
    assert (found["task"], found["difference"]["real_only"]["value"]) == ("inverse_perplexity", 0)
    assert 0 < found["inverse_perplexity"]["mix"]["value"] < 1
    assert list(found["not_applicable"]) == ["accuracy", "recall_per_class", "second"]
    assert "accuracy" not in found


def test_too_few_rows(evaluate: Evaluate, real: Labelled) -> None:
    with pytest.raises(DataError, match="accepted has 1 rows"):
        evaluate(Labelled(real.vectors[:1], real.labels[:1]), real)


def test_metric_without_a_number_is_null() -> None:
    assert metrics.Metric(math.nan, 0.0, math.inf).to_dict()["value"] is None
