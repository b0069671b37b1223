from __future__ import annotations

import numpy as np
import pytest

from pipelines.common.errors import DataError
from pipelines.features import image_classifier
from pipelines.features.image_classifier import Classifier
from tests.pipelines.kinds import Split, Vectors


@pytest.fixture(scope="module")
def trained(split: Split, vectors: Vectors) -> Classifier:
    return image_classifier.train(vectors[0], split.real["label"].to_numpy(), seed=1)


def test_reads_real_digits(split: Split, vectors: Vectors, trained: Classifier) -> None:
    labels, confidence = trained.predict(vectors[1])
    right = labels == split.validation["label"].to_numpy()
    assert right.mean() >= 0.98
    assert np.array_equal(labels, trained.labels(vectors[1]))
    assert ((confidence > 0.1) & (confidence <= 1)).all()


def test_confidence_is_calibrated(split: Split, vectors: Vectors, trained: Classifier) -> None:
    labels, confidence = trained.predict(vectors[1])
    right = labels == split.validation["label"].to_numpy()
    assert abs(confidence.mean() - right.mean()) < 0.02
    assert confidence[~right].mean() < confidence[right].mean() - 0.1


def test_noise_gets_little_confidence(trained: Classifier) -> None:
    noise = np.random.default_rng(0).random((200, 64), dtype=np.float32)
    assert np.median(trained.predict(noise)[1]) < 0.7


def test_same_seed_same_answer(split: Split, vectors: Vectors, trained: Classifier) -> None:
    again = image_classifier.train(vectors[0], split.real["label"].to_numpy(), seed=1)
    assert again.temperature == trained.temperature
    assert np.array_equal(again.predict(vectors[1])[1], trained.predict(vectors[1])[1])


def test_weights_count() -> None:
    spots = np.array([[0.0], [0.0], [1.0], [1.0]], dtype=np.float32)
    labels = np.array([0, 1, 0, 1])
    weights = np.array([10.0, 0.1, 0.1, 10.0])
    trained_once = image_classifier.train(spots, labels, weights, calibrate=False)
    assert trained_once.labels(spots[[0, 2]]).tolist() == [0, 1]
    turned = image_classifier.train(spots, labels, 1 / weights, calibrate=False)
    assert turned.labels(spots[[0, 2]]).tolist() == [1, 0]


def test_few_rows() -> None:
    rows = np.eye(3, dtype=np.float32)
    with pytest.raises(DataError, match="class 7 has one row only"):
        image_classifier.train(rows, np.array([5, 5, 7]))
    with pytest.raises(DataError, match="no labelled row"):
        image_classifier.train(rows[:0], np.empty(0, dtype=np.int64))
    plain = image_classifier.train(rows, np.array([5, 5, 7]), calibrate=False)
    assert set(plain.labels(rows)) == {5, 7}
    with pytest.raises(DataError, match="without calibration"):
        plain.predict(rows)


def test_a_single_class_is_all_it_knows() -> None:
    rows = np.eye(3, dtype=np.float32)
    labels, confidence = image_classifier.train(rows, np.array([4, 4, 4])).predict(rows)
    assert labels.tolist() == [4, 4, 4]
    assert confidence.tolist() == [1, 1, 1]


def test_nothing_to_predict(trained: Classifier) -> None:
    labels, confidence = trained.predict(np.empty((0, 64), dtype=np.float32))
    assert labels.shape == confidence.shape == (0,)
