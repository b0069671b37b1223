"""SynthCLIP in small: pairs are made by its rule, captions are found, and criteria can fail."""

from __future__ import annotations

import numpy as np
import pytest

from experiments import captions
from experiments.captions import Pairs
from experiments.experiment import Part


def test_an_emoji_is_laid_over_another_of_its_group() -> None:
    groups = np.asarray([2, 0, 2, 1, 0, 2, 0, 2])  # the one of group 1 is alone
    chosen, other = captions.made(groups, 4_000, np.random.default_rng(0))
    assert set(chosen.tolist()) == set(range(8)) - {3}
    assert (groups[chosen] == groups[other]).all()
    assert (chosen != other).all()
    after = np.bincount(other[chosen == 0], minlength=8)
    assert set(np.flatnonzero(after).tolist()) == {2, 5, 7}
    assert after[after > 0] / after.sum() == pytest.approx(1 / 3, abs=0.08)


def test_a_caption_is_found_among_the_first_ten() -> None:
    captions_ = np.eye(40, dtype=np.float32)
    same = (captions_, captions_)
    for nearer, share in ((0, 1), (9, 1), (10, 0)):
        others = sum(np.roll(captions_, by, axis=1) for by in range(1, nearer + 1))
        assert captions.found(same, Pairs(captions_ + 2 * others, captions_)) == share


def test_a_caption_of_no_known_word_is_found_by_no_picture() -> None:
    known = np.eye(40, dtype=np.float32)
    same = (known, known)
    words = known.copy()
    words[:20] = 0
    assert captions.found(same, Pairs(known, words)) == 0.5


def test_maps_learn_which_caption_goes_with_which_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures and captions are two random views of one point: what is held out is found too."""
    monkeypatch.setattr(captions, "STEPS", 60)
    draw = np.random.default_rng(2)
    points = draw.standard_normal((400, 8)).astype(np.float32)
    views = [draw.standard_normal((8, size)).astype(np.float32) for size in (30, 20)]
    train, held = (
        Pairs(*(points[rows] @ view for view in views)) for rows in (slice(300), slice(300, 400))
    )
    assert captions.found(captions.learnt(train, 1), held) > 0.8
    mixed = Pairs(train.pictures, train.captions[draw.permutation(300)])
    assert captions.found(captions.learnt(mixed, 1), held) < 0.4  # chance: 0.1


def test_captions_are_described_by_words_that_train() -> None:
    names = ["red heart", "blue heart", "red car", "green car", "red spoon", "violin"]
    features = captions.worded(names, np.arange(4))
    assert features.shape[0] == 6
    assert np.linalg.norm(features[5]) == pytest.approx(0, abs=1e-6)
    near = features @ features.T
    assert near[4, 0] > near[4, 1]


def part(real: float, equal: float, most: float) -> Part:
    return Part(
        {},
        {
            "real": [(float(size), real) for size in captions.SIZES["real"]],
            "synthetic": [
                (float(size), most if size > captions.SEEN else equal)
                for size in captions.SIZES["synthetic"]
            ],
        },
    )


@pytest.mark.parametrize(
    ("shares", "holds"),
    [
        ((0.40, 0.30, 0.37), [True, True, True]),
        ((0.40, 0.30, 0.34), [True, True, False]),
        ((0.40, 0.30, 0.29), [True, False, False]),
        ((0.30, 0.31, 0.36), [False, True, True]),
    ],
)
def test_each_criterion_about_captions_can_fail(
    shares: tuple[float, float, float], holds: list[bool]
) -> None:
    real, equal, most = shares
    parts = {f"split {at}": part(real + at / 1e3, equal, most + at / 1e3) for at in range(3)}
    assert [each.holds for each in captions.conclude(parts)] == holds
