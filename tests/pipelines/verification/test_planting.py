"""Planted errors are wrong in the way that their kind says, and right rows stay as they are."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from pipelines.common.errors import DataError
from pipelines.features import images
from pipelines.verification.calibrations import planting
from tests.pipelines.kinds import Split


def of_kind(frame: pl.DataFrame, kind: str | None) -> pl.DataFrame:
    return frame.filter(pl.col("kind").eq_missing(pl.lit(kind, pl.String)))


@pytest.fixture(scope="module")
def planted(split: Split) -> pl.DataFrame:
    columns = ["image", "label"]
    return planting.plant(
        split.validation.select(columns), split.real.select(columns), rows=100, seed=3
    )


def test_kinds_have_equal_shares_and_right_rows_are_as_many(planted: pl.DataFrame) -> None:
    counted = dict(planted.group_by("kind").len().iter_rows())
    assert counted == {None: 100, **dict.fromkeys(planting.KINDS, 20)}


def test_right_rows_are_held_out_ones_as_they_are(planted: pl.DataFrame, split: Split) -> None:
    right = of_kind(planted, None).drop("kind")
    assert len(right.join(split.validation, on=["image", "label"], how="semi")) == len(right)
    mislabelled = of_kind(planted, planting.MISLABELLED)
    assert right.join(mislabelled, on="image", how="semi").is_empty()


def test_a_mislabelled_row_has_another_label_of_the_same_image(
    planted: pl.DataFrame, split: Split
) -> None:
    mislabelled = of_kind(planted, planting.MISLABELLED).join(
        split.validation, on="image", how="left"
    )
    assert (mislabelled["label"] != mislabelled["label_right"]).all()
    assert set(mislabelled["label"]) <= set(split.validation["label"])
    assert mislabelled["label"].n_unique() > 3


def test_a_copy_is_a_training_row(planted: pl.DataFrame, split: Split) -> None:
    copies = of_kind(planted, planting.COPIED)
    assert len(copies.join(split.real, on=["image", "label"], how="semi")) == len(copies) == 20
    assert copies["image"].n_unique() == 20


def test_damaged_images_are_whole_images_far_from_their_own(
    planted: pl.DataFrame, split: Split
) -> None:
    held_out = images.vectors(split.validation["image"])
    for kind in ("corrupted", "off_topic"):
        damaged = images.vectors(of_kind(planted, kind)["image"])
        distance = np.sqrt(((damaged[:, None] - held_out[None]) ** 2).mean(axis=2)).min(axis=1)
        assert distance.min() > 0.1, kind
    blank = images.vectors(of_kind(planted, "blank")["image"])
    assert (blank.max(axis=1) == blank.min(axis=1)).all()


def test_the_same_seed_plants_the_same(split: Split) -> None:
    columns = ["image", "label"]
    real, held_out = split.real.select(columns), split.validation.select(columns)
    first, again, other = (planting.plant(held_out, real, rows=50, seed=seed) for seed in (1, 1, 2))
    assert first.equals(again)
    assert not first.equals(other)


def texts(count: int, start: int = 0) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "prompt": [f"What is {number} plus one?" for number in range(start, start + count)],
            "completion": [f"It is {number + 1}." for number in range(start, start + count)],
        }
    )


def test_texts_get_another_answer_other_letters_or_another_subject() -> None:
    rows = planting.plant(texts(40), texts(40, 100), rows=20, seed=1)
    assert dict(rows.group_by("kind").len().iter_rows())[None] == 20
    truth = texts(40)
    swapped = of_kind(rows, planting.MISLABELLED).join(truth, on="prompt", how="left")
    assert (swapped["completion"] != swapped["completion_right"]).all()
    assert set(swapped["completion"]) <= set(truth["completion"])
    assert len(of_kind(rows, planting.COPIED).join(texts(40, 100), on="prompt", how="semi")) == 4
    shuffled = of_kind(rows, "corrupted").join(truth, on="prompt", how="left")
    letters = [sorted(text) for text in shuffled["completion"]]
    assert letters == [sorted(text) for text in shuffled["completion_right"]]
    assert (shuffled["completion"] != shuffled["completion_right"]).any()
    assert of_kind(rows, "blank")["completion"].to_list() == [""] * 4
    assert all(
        any(text.startswith(sentence) for sentence in planting.OFF_TOPIC_SENTENCES)
        for text in of_kind(rows, "off_topic")["completion"]
    )


def test_what_cannot_be_planted_is_an_error() -> None:
    numbers = pl.DataFrame({"x": range(40), "label": [0, 1] * 20})
    with pytest.raises(DataError, match="the rows have neither"):
        planting.plant(numbers, numbers, rows=20, seed=1)
    with pytest.raises(DataError, match="3 held-out rows and 20 errors are too few"):
        planting.plant(texts(3), texts(40), rows=20, seed=1)
    same = texts(40).with_columns(label=pl.lit(7))
    with pytest.raises(DataError, match="all rows have the same label"):
        planting.plant(same, same, rows=20, seed=1)
