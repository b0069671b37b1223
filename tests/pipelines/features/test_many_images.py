"""A classifier of many images learns from a sample, and of few from what they are."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from pipelines.common.errors import DataError
from pipelines.features import image_classifier, many_images
from pipelines.metrics.downstream import Labelled
from pipelines.metrics.protocol import WithMargins
from pipelines.metrics.tasks import ImageLabels

CLASSES = np.array(["left", "middle", "right"])


def rows(count: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.str_]]:
    """Vectors of 12 values, of which four are higher in each class."""
    draw = np.random.default_rng(seed)
    label = draw.integers(0, 3, count)
    vectors = draw.normal(0.3, 0.1, (count, 12))
    for each in range(3):
        vectors[label == each, 4 * each : 4 * each + 4] += 0.25
    return vectors.astype(np.float32), CLASSES[label]


def test_rows_times_rows_times_values_are_bounded() -> None:
    assert many_images.most(np.zeros((0, 1024), np.float32)) == 2048
    assert many_images.most(np.zeros((0, 64), np.float32)) == 8192
    assert not many_images.are_many(np.zeros((2048, 1024), np.float32))
    assert many_images.are_many(np.zeros((2049, 1024), np.float32))


def test_a_sample_has_its_share_of_each_class() -> None:
    labels = np.repeat([3, 1, 2], [900, 96, 4])
    drawn = many_images.sample(labels, 100, 5)
    assert {label: int((labels[drawn] == label).sum()) for label in (1, 2, 3)} == {
        1: 9,
        2: 2,
        3: 90,
    }
    assert (np.diff(drawn) > 0).all()
    assert np.array_equal(drawn, many_images.sample(labels, 100, 5))
    assert not np.array_equal(drawn, many_images.sample(labels, 100, 6))
    assert np.array_equal(many_images.sample(labels, 1000, 5), np.arange(1000))


def test_rows_that_are_few_are_classified_as_by_machines_of_all_rows() -> None:
    vectors, labels = rows(90)
    ours, theirs = (made.train(vectors, labels, seed=1) for made in (many_images, image_classifier))
    assert ours.temperature == pytest.approx(theirs.temperature, rel=0.02)
    other, _ = rows(50, seed=1)
    np.testing.assert_allclose(ours.margins(other), theirs.margins(other), atol=0.01)
    for found, expected in zip(ours.predict(other), theirs.predict(other), strict=True):
        if found.dtype == np.float64:
            np.testing.assert_allclose(found, expected, atol=0.01)
        else:
            assert np.array_equal(found, expected)


def test_a_sample_is_enough_for_classes_that_can_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_images, "WORK", 120 * 120 * 12)
    monkeypatch.setattr(many_images, "BLOCK", 64)
    vectors, labels = rows(700)
    trained = many_images.train(vectors, labels, seed=2)
    assert isinstance(trained, many_images.SampledClassifier)
    assert 117 <= len(trained.learned) <= 120
    other, known = rows(300, seed=3)
    assert (trained.labels(other) == known).mean() > 0.97
    predicted, confidence = many_images.unseen(vectors, labels, seed=2)
    assert (predicted == labels).mean() > 0.97
    assert ((confidence > 1 / 3) & (confidence <= 1)).all()
    again, same = many_images.unseen(vectors, labels, seed=2)
    assert np.array_equal(again, predicted)
    assert np.array_equal(same, confidence)


def test_one_class_and_a_class_of_one_row() -> None:
    vectors = np.random.default_rng(0).random((6, 3)).astype(np.float32)
    only = many_images.train(vectors, np.array([7] * 6))
    assert only.labels(vectors).tolist() == [7] * 6
    with pytest.raises(DataError, match="class 1 has one row only"):
        many_images.train(vectors, np.array([0, 0, 0, 0, 0, 1]))


def test_a_mix_is_learned_from_a_sample_with_its_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_images, "WORK", 150 * 150 * 12)
    vectors, labels = rows(900)
    wrong = np.arange(900) < 500
    labels = np.where(wrong, CLASSES[0], labels)
    task = ImageLabels()
    mix = Labelled(vectors, labels, np.where(wrong, 1e-3, 1.0))
    sampled, whole = (task.train(mix, task.Settings(sample=each)) for each in (True, False))
    other, truth = rows(300, seed=1)
    test = Labelled(other, truth)
    assert isinstance(sampled, WithMargins)
    assert sampled.margins(test).shape == (300, 3)
    assert (sampled(test) == truth).mean() > 0.9
    assert (sampled(test) == whole(test)).mean() > 0.9
    unweighted = task.train(Labelled(vectors, labels), task.Settings(sample=True))
    assert (unweighted(test) == truth).mean() < 0.8


def test_bits_do_not_depend_on_the_threads_that_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(many_images, "WORK", 300 * 300 * 96)
    draw = np.random.default_rng(0)
    vectors, labels = draw.random((700, 96), dtype=np.float32), draw.integers(0, 3, 700)
    found = []
    for threads in (1, 2):
        with threadpool_limits(threads, user_api="blas"):
            trained = many_images.train(vectors, labels, seed=1)
            found.append((trained.temperature, trained.margins(vectors[:301])))
    assert found[0][0] == found[1][0]
    assert np.array_equal(found[0][1], found[1][1])
