"""The language model of E5 has the law that it says, and each regime is what it is called."""

from __future__ import annotations

import numpy as np
import pytest

from experiments import language
from experiments.experiment import Estimate, Part
from experiments.language import ACCUMULATE, REPLACE, SUBSAMPLE, TENTH, Bigram

TEXT = np.asarray([0, 1, 0, 1, 0, 2, 3, 0])
"""0 is followed by 1, 1 and 2; 4 never comes."""


def test_probabilities_are_those_of_absolute_discounting() -> None:
    model = Bigram([TEXT], 5)
    after = model.probability(np.zeros(5, dtype=np.int64), np.arange(5))
    alone = (np.asarray([4, 2, 1, 1, 0]) + 1) / 13
    known = np.asarray([0, 1.25, 0.25, 0, 0]) / 3
    assert after == pytest.approx(known + 2 * 0.75 / 3 * alone)
    unknown = model.probability(np.full(5, 4), np.arange(5))
    assert unknown == pytest.approx(alone)
    for first in range(5):
        assert model.probability(np.full(5, first), np.arange(5)).sum() == pytest.approx(1)


def test_a_text_is_drawn_by_these_probabilities() -> None:
    model = Bigram([TEXT], 5)
    drawn = model.draw(60_000, np.random.default_rng(1))
    pairs = np.concatenate([np.stack([text[:-1], text[1:]]) for text in drawn], axis=1)
    for first in range(4):
        after = pairs[1][pairs[0] == first]
        shares = np.bincount(after, minlength=5) / len(after)
        expected = model.probability(np.full(5, first), np.arange(5))
        assert shares == pytest.approx(expected, abs=0.02)


def test_a_pair_never_spans_two_texts() -> None:
    model = Bigram([TEXT[:2], TEXT[5:7]], 5)
    assert model.pairs.sum() == 2
    assert model.pairs[0, 1] == model.pairs[2, 3] == 1


@pytest.mark.parametrize(
    ("regime", "rounds", "texts"),
    [(REPLACE, {2}, 400), (ACCUMULATE, {0, 1, 2}, 1200), (SUBSAMPLE, {0, 1, 2}, 400)],
)
def test_a_regime_takes_its_texts(regime: str, rounds: set[int], texts: int) -> None:
    every = [[np.full(2, number) for _ in range(language.CHAINS)] for number in range(3)]
    mix = language._mix(regime, every, np.random.default_rng(0))
    assert {int(text[0]) for text in mix} == rounds
    assert len(mix) == texts


def test_a_tenth_of_each_generation_is_real_where_it_is_kept() -> None:
    every = [[np.full(2, number) for _ in range(language.CHAINS)] for number in range(3)]
    mix = language._mix(TENTH, every, np.random.default_rng(0))
    counts = np.bincount([int(text[0]) for text in mix])
    assert counts.tolist() == [40, 0, 360]


def test_a_regime_that_is_another_fails_its_criterion() -> None:
    def part(ratio: float) -> Part:
        return Part({"ratio": Estimate(ratio, ratio - 0.05, ratio + 0.05)})

    right = {REPLACE: part(4.0), ACCUMULATE: part(1.2), SUBSAMPLE: part(1.4), TENTH: part(2.4)}
    assert all(each.holds for each in language.conclude(right))
    for regime, other in ((REPLACE, 1.2), (ACCUMULATE, 1.4), (SUBSAMPLE, 4.0), (TENTH, 4.0)):
        found = language.conclude({**right, regime: part(other)})
        assert not next(each for each in found if each.name.endswith(f", {regime}")).holds


def test_real_text_is_english_and_none_of_it_is_held_out_twice() -> None:
    text, held_out, size = language.corpus()
    assert len(text) > 150_000
    assert len(held_out) == pytest.approx(0.25 * len(text), rel=0.01)
    assert 1_000 < size < 3_000
    assert max(text.max(), held_out.max()) < size
    assert (text == 0).mean() < 0.15  # what is rare


def test_replacing_forgets_more_than_accumulating(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a small text, two generations under replace are already worse than accumulating."""
    text, held_out, size = language.corpus()
    monkeypatch.setattr(language, "corpus", lambda: (text[:20_000], held_out[:4_000], size))
    monkeypatch.setattr(language, "GENERATIONS", 2)
    ends = {
        regime: language.perplexities(regime, np.random.default_rng(3))
        for regime in (REPLACE, ACCUMULATE)
    }
    assert ends[REPLACE][0] == ends[ACCUMULATE][0]
    assert ends[REPLACE][2] > 1.3 * ends[ACCUMULATE][2]
