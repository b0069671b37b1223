"""Small crafted rounds: each figure sees the labels, copies, leaks, classes or style it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from expectations.measures import features
from lineage.limits import Limits
from pipelines import modalities
from pipelines.common.plugins import NoSettings
from pipelines.features import image_style, images, knn_votes
from pipelines.metrics import Labelled, Metric, neighbours, task_figures, values
from pipelines.metrics.classes import Classes
from pipelines.metrics.content import Content
from pipelines.metrics.downstream import Answers
from pipelines.metrics.neighbours import Neighbours
from pipelines.metrics.protocol import MetricRequest
from pipelines.metrics.tasks import NearestLabels, TextLabels

SIDE, CLASSES = 16, 4


def drawn(seed: int, count: int = 200) -> Labelled:
    """Images of four classes, each a bright bar at its place, with noise."""
    draw = np.random.default_rng(seed)
    labels = np.arange(count) % CLASSES
    pixels = draw.normal(0.3, 0.1, (count, SIDE))
    for label in range(CLASSES):
        pixels[labels == label, 4 * label : 4 * label + 4] += 0.4
    return of(pixels, labels)


def of(pixels: NDArray[Any], labels: NDArray[np.int64]) -> Labelled:
    images = np.clip(pixels, 0, 1).astype(np.float32)
    return Labelled(images, labels, neutral=image_style.neutral(images))


REAL, HELD, HEALTHY = drawn(1), drawn(2), drawn(3)


def measured(
    metric: Neighbours | Classes | Content,
    accepted: Labelled,
    real: Labelled = REAL,
    held: Labelled = HELD,
) -> Mapping[str, Metric]:
    n = min(len(each.labels) for each in (accepted, held, real))
    request = MetricRequest(
        real=real,
        validation=held.at(np.arange(n)),
        sets={"accepted": accepted.at(np.arange(n)), "mix": real.at(np.arange(n))},
        features=features.fit(real.vectors),
        null_draws=5,
        bootstrap=20,
        seed=9,
        whole={"accepted": accepted, "validation": held},
    )
    return metric.measure(request, NoSettings())["accepted"]


def part(bad: Labelled, share: float) -> Labelled:
    """Healthy rows, so large a share of them replaced."""
    count = round(share * len(HEALTHY.labels))
    pixels, labels = HEALTHY.vectors.copy(), HEALTHY.labels.copy()
    pixels[:count], labels[:count] = bad.vectors[:count], bad.labels[:count]
    return of(pixels, labels)


def copies(rows: Labelled, factor: float) -> Labelled:
    """Copies in another brightness and contrast, with a little noise."""
    noise = np.random.default_rng(4).normal(0, 0.01, rows.vectors.shape)
    return of(0.1 + factor * (rows.vectors + noise), rows.labels)


def test_neighbours_vote_another_label_where_a_label_is_wrong() -> None:
    wrong = replace(HEALTHY, labels=(HEALTHY.labels + 1) % CLASSES)
    found = measured(Neighbours(), part(wrong, 0.25))["label_errors"]
    assert found.value == pytest.approx(0.25)
    assert (found.null, measured(Neighbours(), HEALTHY)["label_errors"].value) == (0, 0)
    assert found.low < 0.25 < found.high


@pytest.mark.parametrize("factor", [1.0, 0.7])
def test_a_copy_is_near_its_original_in_any_brightness(factor: float) -> None:
    leak = measured(Neighbours(), part(copies(HELD, factor), 0.2))
    assert leak["holdout_closer"].value == pytest.approx(0.2, abs=0.01)
    assert leak["holdout_closer"].null < 0.01
    assert leak["memorised_ratio"].value < 0.01
    memory = measured(Neighbours(), part(copies(REAL, factor), 0.2))
    assert memory["memorised_ratio"].value == pytest.approx(0.2, abs=0.01)
    assert memory["holdout_closer"].value < 0.01
    whole = measured(Neighbours(), copies(HELD, factor))
    assert whole["holdout_leaning"].value > 0.95
    healthy = measured(Neighbours(), HEALTHY)
    assert healthy["holdout_leaning"].value == pytest.approx(0.5, abs=0.1)
    assert max(healthy[name].value for name in ("memorised_ratio", "holdout_closer")) < 0.02


def of_images(seed: int, count: int = 200) -> Labelled:
    """Smooth random images of 8 × 8 pixels, each unlike the others."""
    noise = np.random.default_rng(seed).random((count, 12, 12))
    smooth = sum(np.roll(noise, shift, axis=(1, 2)) for shift in ((0, 0), (0, 1), (1, 0), (1, 1)))
    return shaped(np.asarray(smooth)[:, 2:10, 2:10] / 4)


def shaped(pixels: NDArray[Any]) -> Labelled:
    made = of(pixels.reshape(len(pixels), -1), np.arange(len(pixels)) % CLASSES)
    return replace(made, shape=(8, 8))


def larger(pixels: NDArray[Any]) -> Labelled:
    """Images of 40 × 40 pixels of which the classifier and the figures of shape see little."""
    frame = pl.DataFrame({
        "image": images.column((255 * pixels).astype(np.uint8)),
        "label": np.arange(len(pixels)) % CLASSES,
    })  # fmt: skip
    modality = modalities.load("image", ("image",), {"features": "pixels"})
    return modality.measured(frame, {"rows": frame})["rows"]


@pytest.mark.slow
def test_copies_of_larger_images_are_told_by_smaller_ones() -> None:
    real, held, rows = (
        np.kron(of_images(seed).vectors[:100].reshape(-1, 8, 8), np.ones((5, 5)))
        for seed in (1, 2, 3)
    )
    count = 20
    leak, memory = rows.copy(), rows.copy()
    leak[:count] = 0.1 + 0.7 * np.roll(held[:count], 2, axis=2)
    memory[:count] = np.roll(real[:count], 2, axis=1)
    sets = {"real": larger(real), "held": larger(held)}
    leaked, copied, healthy = (
        measured(Neighbours(), larger(each), **sets) for each in (leak, memory, rows)
    )
    assert leaked["holdout_closer"].value == pytest.approx(0.2, abs=0.02)
    assert copied["memorised_ratio"].value == pytest.approx(0.2, abs=0.02)
    assert healthy["holdout_leaning"].value == pytest.approx(0.5, abs=0.1)
    assert max(healthy[name].value for name in ("memorised_ratio", "holdout_closer")) < 0.02
    assert set(healthy) == {"label_errors", "memorised_ratio", "holdout_leaning", "holdout_closer"}


def moved(rows: Labelled, count: int) -> NDArray[Any]:
    """Copies that are moved down by a pixel; the line that comes in is grey."""
    square = np.roll(rows.vectors[:count].reshape(-1, 8, 8), 1, axis=1)
    square[:, 0] = 0.5
    return square


@pytest.mark.slow
def test_a_copy_is_near_its_original_where_it_was_moved() -> None:
    real, held, healthy = (of_images(seed) for seed in (11, 12, 13))
    pixels = healthy.vectors.reshape(-1, 8, 8)
    leaked, memory = (
        measured(Neighbours(), shaped(np.concatenate([moved(rows, 30), pixels[30:]])), real, held)
        for rows in (held, real)
    )
    assert leaked["holdout_closer"].value == pytest.approx(0.15, abs=0.01)
    assert leaked["holdout_leaning"].value > 0.54
    assert leaked["memorised_ratio"].value < 0.01
    assert memory["memorised_ratio"].value == pytest.approx(0.15, abs=0.01)
    assert memory["holdout_closer"].value < 0.01
    unshaped = replace(shaped(np.concatenate([moved(real, 30), pixels[30:]])), shape=())
    assert measured(Neighbours(), unshaped, real, held)["memorised_ratio"].value < 0.01


def test_large_sets_are_compared_by_fewer_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    real, held, healthy = (of_images(seed) for seed in (11, 12, 13))
    monkeypatch.setattr(neighbours, "CELLS", 150 * real.content.size)
    found = measured(Neighbours(), shaped(moved(real, 200)), real, held)["memorised_ratio"]
    assert (found.value, found.low) == values.of_share(np.ones(150, dtype=np.bool_))[:2]
    monkeypatch.setattr(neighbours, "CELLS", 1)
    few = measured(Neighbours(), healthy, real, held)["memorised_ratio"]
    assert few.null_high == values.of_share(np.zeros(neighbours.FEWEST, dtype=np.bool_))[2]


def test_few_held_out_rows_are_no_proof_of_a_leak() -> None:
    """Which of the real rows are held out is chance; a few of them can lie where many rows do."""
    for seed in range(20):
        held, healthy = drawn(100 + seed, 25), drawn(200 + seed, 400)
        found = measured(Neighbours(), healthy, held=held)
        closer, leaning = found["holdout_closer"], found["holdout_leaning"]
        assert closer.low - closer.null < Limits().holdout_closer_block
        assert leaning.low < Limits().holdout_leaning_block


def test_as_many_rows_of_each_class_are_no_loss_of_a_frequent_one() -> None:
    order = np.concatenate([np.arange(0, 200, 4), [1, 2, 3] * 4])
    real = REAL.at(order)
    found = measured(Classes(), HEALTHY, real)["class_share"]
    assert found.value > 0.9
    few = HEALTHY.at(np.flatnonzero(HEALTHY.labels != 0))
    assert measured(Classes(), few, real)["class_share"].value == 0


def test_the_most_frequent_class_that_is_missing_is_seen() -> None:
    """A generator that makes as many of each class has more rows of rare ones."""
    labels = np.repeat([0, 1, 2, 3], [110, 50, 30, 10])
    real = replace(REAL, labels=labels)
    some = replace(HEALTHY, labels=labels).at(np.arange(60, 200))
    found = measured(Classes(), some, real)["class_share"]
    assert found.value == pytest.approx((50 / 140) / 0.55)
    assert found.to_dict()["of"] == "0"


def test_a_class_that_is_missing_or_collapsed_is_named() -> None:
    first = np.flatnonzero(HEALTHY.labels == 2)
    rare = HEALTHY.at(np.setdiff1d(np.arange(200), first[:45]))
    share = measured(Classes(), rare)["class_share"]
    assert share.to_dict()["of"] == "2"
    assert share.value == pytest.approx(5 / 155 / 0.25)
    pixels = HEALTHY.vectors.copy()
    noise = np.random.default_rng(5).normal(0, 0.01, (len(first), SIDE))
    pixels[first] = pixels[first[0]] + noise
    row = measured(Classes(), of(pixels, HEALTHY.labels))
    assert [row[name].to_dict()["of"] for name in ("class_coverage", "class_variance")] == ["2"] * 2
    assert row["class_coverage"].value < 0.3
    assert row["class_variance"].value < 0.05
    healthy = measured(Classes(), HEALTHY)
    assert healthy["class_share"].value == 1
    assert healthy["class_coverage"].value > 0.8
    assert healthy["class_variance"].value > 0.6


def test_the_variance_of_a_class_has_an_interval_that_few_rows_widen() -> None:
    some = measured(Classes(), HEALTHY.at(np.arange(80)))["class_variance"]
    all_rows = measured(Classes(), HEALTHY)["class_variance"]
    for found in (some, all_rows):
        assert found.low < found.value < found.high
    assert some.high / some.low > 1.1 * all_rows.high / all_rows.low


def test_a_class_of_few_rows_hides_none_of_many_that_surely_collapsed() -> None:
    """Class 0 has 24 rows and the least variance, which chance may bring; class 1 has 176."""
    draw, labels = np.random.default_rng(8), np.repeat([0, 1], [24, 176])
    unstyled = np.empty(0, dtype=np.float32)
    real = replace(of(draw.normal(0.5, 0.1, (200, SIDE)), labels), neutral=unstyled)
    pixels = draw.normal(0.5, 0.05, (200, SIDE))
    pixels[:24] = 0.5 + (pixels[:24] - 0.5) * np.repeat([0.4, 2.4], [22, 2])[:, None]
    rows = replace(of(pixels, labels), neutral=unstyled)
    few, many = (
        values.of_variances(
            *(each.vectors[labels == label].astype(np.float64) for each in (rows, real)), 300, 3
        )
        for label in (0, 1)
    )
    assert few[0] < many[0]
    assert few[2] > many[2]
    found = measured(Classes(), rows, real, real)["class_variance"]
    assert found.to_dict()["of"] == "0"
    assert found.high == pytest.approx(many[2], rel=0.1)


def test_the_interval_of_a_ratio_of_variances_holds_it_as_often_as_it_says() -> None:
    """Sixty draws of 40 and 100 rows of which the true ratio is .5."""
    draw = np.random.default_rng(4)
    held = 0
    for seed in range(60):
        points, real = draw.normal(0, 0.5**0.5, (40, 10)), draw.normal(0, 1, (100, 10))
        value, low, high = values.of_variances(points, real, 300, seed)
        assert value == pytest.approx(
            points.var(axis=0, ddof=1).sum() / real.var(axis=0, ddof=1).sum()
        )
        held += low <= 0.5 <= high
    assert 51 <= held <= 60


def test_points_that_do_not_vary_have_a_variance_of_none_or_no_ratio() -> None:
    one, some = np.full((30, 4), 0.1), np.random.default_rng(0).normal(size=(30, 4))
    assert values.of_variances(one, some, 50, 1) == pytest.approx((0, 0, 0), abs=1e-12)
    assert np.isnan(values.of_variances(some, np.zeros((30, 4)), 50, 1)).all()


def test_a_class_of_few_rows_is_not_measured() -> None:
    few = HEALTHY.at(np.arange(24))
    found = measured(Classes(), few)
    assert all(np.isnan(found[name].value) for name in ("class_share", "class_coverage"))
    assert all(
        np.isnan(each.value) for each in measured(Neighbours(), few.at(np.arange(12))).values()
    )
    one = replace(REAL, labels=np.zeros(200, dtype=np.int64))
    request = MetricRequest(one, HELD, {"accepted": HEALTHY}, features.fit(one.vectors), 5, 20, 9)
    assert Classes().measure(request, NoSettings()) == {"accepted": {}}
    assert "label_errors" not in Neighbours().measure(request, NoSettings())["accepted"]


def test_style_moves_the_shape_and_not_the_content() -> None:
    plain, styled = (
        measured(Content(), of(rows, HEALTHY.labels))
        for rows in (HEALTHY.vectors, 0.2 + 0.6 * HEALTHY.vectors)
    )
    for name in ("recall", "coverage", "variance"):
        assert styled[f"content_{name}"].value == pytest.approx(plain[f"content_{name}"].value)
        assert styled[f"content_{name}"].value / styled[f"content_{name}"].null > 0.85


def test_rare_modes_are_lost_without_the_tails() -> None:
    rarity = features.fit(HEALTHY.content).rarity(HEALTHY.content)
    common = HEALTHY.at(np.flatnonzero(rarity < np.quantile(rarity, 0.4)))
    cut, whole = (
        measured(Content(), common)["rare_recall"],
        measured(Content(), HEALTHY)["rare_recall"],
    )
    assert whole.value / whole.null > 0.7
    assert np.isnan(cut.value)  # 16 of 80 held-out rows are rare
    again = HEALTHY.at(np.resize(np.flatnonzero(rarity < np.quantile(rarity, 0.4)), 200))
    assert measured(Content(), again)["rare_recall"].value < 0.5 * whole.value


def test_weights_and_nearness_settle_a_vote() -> None:
    labels, near = np.asarray(["a", "b", "b", "c"]), np.asarray([[0, 1, 2], [3, 0, 1], [3, -1, -1]])
    assert knn_votes.vote(near, labels).tolist() == ["b", "c", "c"]
    weights = np.asarray([5.0, 1.0, 1.0, 1.0])
    assert knn_votes.vote(near, labels, weights).tolist() == ["a", "a", "c"]


def test_the_second_family_is_misled_by_wrong_labels() -> None:
    task = NearestLabels()
    wrong = replace(HEALTHY, labels=(HEALTHY.labels + 1) % CLASSES)
    joined = of(
        np.concatenate([REAL.vectors, wrong.vectors, wrong.vectors]),
        np.concatenate([REAL.labels, wrong.labels, wrong.labels]),
    )
    right = [
        (task.train(rows, NoSettings())(HELD) == HELD.labels).mean() for rows in (REAL, joined)
    ]
    assert right[0] > 0.98
    assert right[1] < 0.6


def test_two_families_count_by_the_mean_of_both_row_by_row() -> None:
    labels = np.zeros(100, dtype=np.int64)

    def family(*wrong: int) -> task_figures.Family:
        """Of a family that errs on no row alone, and on these rows with the mix."""
        said = labels.copy()
        said[list(wrong)] = 1
        real, mix = Answers(labels, labels), Answers(labels, said)
        return task_figures.Family(NearestLabels(), {"mix": mix, "real_only": real})

    settings = SimpleNamespace(bootstrap=2000)
    once = task_figures.pooled(family(1, 2, 3), family(4), settings, 1)["real_only"]
    both = task_figures.pooled(family(1, 2), family(1, 2), settings, 1)["real_only"]
    assert once.value == pytest.approx(-0.02)
    assert both.value == pytest.approx(-0.02)
    assert both.low < once.low < once.high < 0  # errors on the same rows say less
    assert both.high == pytest.approx(0, abs=1e-12)
    other = replace(family(1), task=TextLabels())
    assert task_figures.pooled(family(1), other, settings, 1) == {}


def test_images_of_another_brightness_and_contrast_become_equal() -> None:
    pixels = np.random.default_rng(6).random((5, 16)).astype(np.float32)
    first, second = (image_style.neutral(rows) for rows in (pixels, 0.2 + 0.5 * pixels))
    assert np.allclose(first, second, atol=1e-5)
    assert np.allclose(np.square(first).mean(axis=1), 1, atol=1e-5)
    assert (image_style.neutral(np.full((1, 4), 0.5, np.float32)) == 0).all()
