"""What is equal or near to held-out rows is found, and nothing else."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from lineage.identity import sample_ids
from pipelines.features import images
from pipelines.gate import contamination
from pipelines.modalities.images import Images

DRAW = np.random.default_rng(3)
IMAGES = Images(("image",))


def frame(pixels: np.ndarray, number: int = 1) -> pl.DataFrame:
    """Samples of these images, [n, 8, 8] in [0, 1]."""
    made = pl.DataFrame({"image": images.encode_lenient(pixels.astype(np.float32))})
    return made.with_columns(
        sample_ids(made, ["image"]).alias("sample_id"),
        pl.lit(number, pl.Int32).alias("round"),
        pl.int_range(pl.len(), dtype=pl.Int64).alias("row"),
    )


REAL = DRAW.random((200, 8, 8))


def test_equal_rows_are_found_whatever_the_distance() -> None:
    """Distances of floats are rarely 0 exactly, ids are equal or not."""
    found = contamination.near_duplicates(frame(REAL[::-1]), frame(REAL, 0), 0.0, IMAGES)
    assert found["equal"].all()
    assert found["row"].to_list() == list(range(200))
    assert found["real_row"].to_list() == list(range(199, -1, -1))
    assert found["distance"].to_list() == [0.0] * 200


def test_near_rows_are_found_with_the_closest() -> None:
    moved = np.clip(REAL[:3] + np.asarray([0.01, 0.03, 0.2])[:, None, None], 0, 1)
    found = contamination.near_duplicates(frame(moved), frame(REAL, 0), 0.05, IMAGES)
    assert found.select("row", "real_row", "equal").rows() == [(0, 0, False), (1, 1, False)]
    assert found["distance"].to_list() == pytest.approx([0.01, 0.03], abs=0.003)
    assert dict(found.schema) == contamination.SCHEMA


def test_a_candidate_without_a_readable_image_is_no_leak() -> None:
    candidates = frame(REAL[:4])
    broken = [{"bytes": None, "path": None}, {"bytes": b"x", "path": None}]
    shown = [*candidates["image"].to_list()[:2], *broken]
    changed = candidates.with_columns(pl.Series("image", shown, dtype=images.IMAGE))
    found = contamination.of_candidates(changed, frame(REAL, 0), 0.0, IMAGES)
    assert found.columns == list(contamination.STORED)
    assert found["row"].to_list() == [0, 1]
    assert contamination.of_candidates(changed[2:], frame(REAL, 0), 0.0, IMAGES).is_empty()
