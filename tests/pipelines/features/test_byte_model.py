"""The model of bytes gives probabilities, and finds likely what it has seen."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.features import byte_model

TEXTS = ["the cat sat on the mat", "the dog sat", "ネコが好き", "", "\x00\ufffd𝄞"]


def test_chances_of_all_endings_add_up_to_one() -> None:
    model = byte_model.train(TEXTS, np.array([1.0, 2.0, 1.0, 0.5, 3.0]))
    endings = [f"the cat{chr(value)}" for value in range(128)]
    whole = model.log_likelihoods(endings)[:, 0]
    ended = model.log_likelihoods(["the cat"])[0]
    assert ended[1] == 8
    stream = byte_model.Stream.of(["the cat"])
    chances = np.full((256, 8), 1 / 256)
    for length, level in enumerate(model.levels, start=1):
        grams = (stream.grams(length)[None, :] & ~np.uint64(0xFF)) | np.arange(
            256, dtype=np.uint64
        )[:, None]
        chances = byte_model._interpolated(level, grams.ravel(), chances.ravel()).reshape(256, 8)
    assert chances.sum(axis=0) == pytest.approx(np.ones(8))
    assert np.isfinite(whole).all()


def test_a_small_case_by_hand() -> None:
    """Of the text "a": p(a) = (1 + 2/256)/(2 + 2) at length 1, then (1 + p)/2, seven times."""
    said = byte_model.train(["a"]).log_likelihoods(["a"])[0]
    chance = (1 + 2 / 256) / 4
    for _ in range(7):
        chance = (1 + chance) / 2
    assert said.tolist() == pytest.approx([2 * np.log(chance), 2])


def test_seen_texts_are_likelier_in_every_script() -> None:
    model = byte_model.train(TEXTS)
    per_byte = np.divide(*model.log_likelihoods(["the cat sat", "zqx vjk wpf"]).T)
    assert per_byte[0] > per_byte[1] + 1
    per_byte = np.divide(*model.log_likelihoods(["ネコが", "ёжик"]).T)
    assert per_byte[0] > per_byte[1] + 1
