"""The suite of the digits: each of its expectations is shown to catch what it is there for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import polars as pl
import pytest

from expectations import verifier
from expectations.suite import Suite
from pipelines.features import images
from pipelines.scorers import agreement, distance
from pipelines.scorers.protocol import Given
from pipelines.sources import digits as source

BAD: Final = 7
"""The row in which something is planted."""
Png = Callable[..., bytes]


def planted(frame: pl.DataFrame, column: str, value: object) -> pl.DataFrame:
    put = pl.lit(value, frame.schema[column])
    return frame.with_columns(
        pl.when(pl.col("row") == BAD).then(put).otherwise(column).alias(column)
    )


ROWS: Final = {
    "image_present": ("image_bytes", None, "unknown"),
    "image_decodable": ("image_bytes", b"\x89PNG\r\n", "failed"),
    "label_asked": ("label", None, "unknown"),
    "label_predicted": ("predicted_label", None, "unknown"),
    "label_agrees": ("predicted_label", 3, "failed"),
    "confidence_known": ("confidence", None, "unknown"),
    "label_clear": ("confidence", 0.4, "failed"),
    "real_distance_known": ("real_distance", float("nan"), "unknown"),
    "not_a_copy": ("real_distance", 0.06, "failed"),
    "like_a_digit": ("real_distance", 0.36, "failed"),
    "real_ratio_known": ("real_ratio", None, "unknown"),
    "not_memorised": ("real_ratio", 0.28, "failed"),
    "candidate_distance_known": ("candidate_distance", None, "unknown"),
    "not_a_twin": ("candidate_distance", 0.0, "failed"),
}
TABLES: Final = {
    "enough_candidates": pl.col("row") < 9,
    "every_class_asked": pl.col("label") != 3,
    "every_class_recognised": pl.col("predicted_label") != 3,
}


def refused(found: verifier.Verification) -> set[int]:
    bad = pl.col("verdict") != "passed"
    return set(found.verdicts.filter(bad, pl.col("severity") == "critical")["row"].to_list())


def test_every_expectation_has_a_planted_candidate(digits: Suite) -> None:
    assert [rule.name for rule in digits.rules] == [*ROWS, *TABLES]


def test_good_candidates_pass(digits: Suite, good: pl.DataFrame) -> None:
    found = verifier.verify(good, digits)
    assert set(found.verdicts["verdict"]) == {"passed"}
    assert len(found.verdicts) == len(good) * len(ROWS) + len(TABLES)


@pytest.mark.parametrize("name", ROWS)
def test_the_planted_candidate_is_caught(digits: Suite, good: pl.DataFrame, name: str) -> None:
    column, value, verdict = ROWS[name]
    found = verifier.verify(planted(good, column, value), digits).verdicts
    mine = found.filter(pl.col("expectation") == name)
    assert mine.filter(pl.col("row") == BAD)["verdict"].to_list() == [verdict]
    assert set(found.filter(pl.col("row") != BAD)["verdict"]) == {"passed"}


@pytest.mark.parametrize("name", TABLES)
def test_the_planted_table_is_caught(digits: Suite, good: pl.DataFrame, name: str) -> None:
    found = verifier.verify(good.filter(TABLES[name]), digits).verdicts
    assert found.filter(pl.col("expectation") == name)["verdict"].to_list() == ["failed"]


def test_an_image_of_another_shape_is_refused(digits: Suite, good: pl.DataFrame, png: Png) -> None:
    bad = planted(good, "image_bytes", png(size=(9, 8)))
    assert refused(verifier.verify(bad, digits)) == {BAD}


@pytest.fixture(scope="module")
def scored() -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Scores of candidates against the first 1,078 of the real digits, in a drawn order."""
    real = Given(_digits()[:1078])

    def score(candidates: pl.DataFrame) -> pl.DataFrame:
        key = ["round", "row"]
        return (
            candidates.with_columns(image_bytes=pl.col("image").struct.field("bytes"))
            .join(
                agreement.Agreement().score(candidates, real, agreement.AgreementSettings()),
                on=key,
                maintain_order="left",
            )
            .join(
                distance.Distance().score(candidates, real, distance.DistanceSettings()),
                on=key,
                maintain_order="left",
            )
            .drop("image")
        )

    return score


def _digits() -> pl.DataFrame:
    return (
        source.load()
        .sample(fraction=1, shuffle=True, seed=0)
        .with_row_index("row")
        .select(pl.lit(1, pl.Int32).alias("round"), pl.col("row").cast(pl.Int64), "image", "label")
    )


def test_real_digits_pass_and_planted_kinds_do_not(
    digits: Suite, scored: Callable[[pl.DataFrame], pl.DataFrame]
) -> None:
    rng = np.random.default_rng(0)
    whole = _digits()
    held, known = whole[1078:], whole[:50]
    copies = images.decode(known["image"]).astype(float) + rng.normal(0, 5, (50, 8, 8))
    noise = pl.Series(images.encode(rng.integers(0, 256, (50, 8, 8)).astype(np.uint8)))
    near = pl.Series(images.encode(np.clip(np.rint(copies), 0, 255).astype(np.uint8)))
    lost = pl.Series([None] * 20, dtype=pl.Binary)
    wrong = held[:50].with_columns(label=(pl.col("label") + 1) % 10)
    kinds = {
        "real": held,
        "copy": known,
        "near copy": known.with_columns(image=_image(near)),
        "noise": known.with_columns(image=_image(noise)),
        "nothing": known[:20].with_columns(image=_image(lost)),
        "wrong label": wrong,
    }
    parts = [part.with_columns(pl.lit(name).alias("kind")) for name, part in kinds.items()]
    batch = pl.concat(parts).drop("row").with_row_index("row").cast({"row": pl.Int64})
    found = verifier.verify(scored(batch), digits)
    bad = refused(found)
    shares = batch.group_by("kind").agg(pl.col("row").is_in(bad).mean()).rows()
    share = dict(shares)
    assert share.pop("real") < 0.03
    assert share.pop("wrong label") > 0.97
    assert set(share.values()) == {1.0}


def _image(data: pl.Series) -> pl.Series:
    rows = [{"bytes": each, "path": None} if each is not None else None for each in data]
    return pl.Series("image", rows, dtype=images.IMAGE)
