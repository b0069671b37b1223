"""Handwritten digits with planted errors."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl

from benchmarks.verifiers.plan import BETWEEN, Planted, RowCase, Seen, batch
from pipelines.features import images
from pipelines.scorers.protocol import Given
from pipelines.sources import digits
from pipelines.verification.calibrations import planting

TRAINING: Final = 1077
NOISE: Final = 6 / 255
"""Standard deviation of what a near-copy differs in."""


def make(rows: int, seed: int) -> Planted:
    """Right rows that no scorer learns from, and a fifth as many of each kind."""
    draw = np.random.default_rng(seed)
    whole = digits.load().sample(fraction=1, shuffle=True, seed=seed)
    training, held_out = whole[:TRAINING], whole[TRAINING:]
    each = max(rows // 5, 4)
    planted = planting.plant(held_out[each:], training, rows=each * 5, seed=seed)
    kinds = {
        kind: planted.filter(pl.col(planting.KIND) == kind).drop(planting.KIND)
        for kind in planting.KINDS
    }
    right = planted.filter(pl.col(planting.KIND).is_null()).drop(planting.KIND)[:rows]
    pixels = images.to_unit(images.decode(training["image"][:each]))
    noisy = np.clip(pixels + draw.normal(0, NOISE, pixels.shape), 0, 1).astype(np.float32)
    kinds["near-copied"] = training[:each].with_columns(images.encode_lenient(noisy))
    mirrored = images.encode_lenient(pixels[:, :, ::-1])
    kinds["mirrored copy"] = training[:each].with_columns(mirrored)
    kinds["duplicate"] = held_out[:each]
    kinds["unreadable"] = training[:each].with_columns(_cut(training["image"][:each]))
    real = training.with_row_index("row").with_columns(
        pl.lit(0, pl.Int32).alias("round"), pl.col("row").cast(pl.Int64)
    )
    frame = batch(right, kinds, first=held_out[:each])
    return Planted(frame, Given(real.select("round", "row", "image", "label"), seed=seed))


def _cut(column: pl.Series) -> pl.Series:
    """Files that end before their time."""
    files = column.struct.field("bytes").bin.slice(0, 60)
    return pl.DataFrame({"bytes": files, "path": pl.Series([None] * len(files), dtype=pl.String)})[
        ["bytes", "path"]
    ].to_struct("image")


CASE: Final = RowCase(
    "digits",
    make,
    {"agreement": {}, "distance": {}, "image_duplicates": {}},
    (
        Seen(
            "label_agrees",
            "expect_column_pair_values_to_be_equal",
            {"column_A": "label", "column_B": "predicted_label"},
            ("mislabelled",),
            "agreement",
        ),
        Seen(
            "not_a_copy",
            BETWEEN,
            {"column": "real_distance", "min_value": 0.06},
            ("copied", "near-copied"),
            "distance",
            misses=("mirrored copy",),
        ),
        Seen(
            "like_a_digit",
            BETWEEN,
            {"column": "real_distance", "max_value": 0.26},
            ("blank", "off_topic", "corrupted"),
            "distance",
            (0.95, 0.6),
        ),
        Seen(
            "not_a_twin",
            BETWEEN,
            {"column": "candidate_distance", "min_value": 0.03},
            ("duplicate",),
            "distance",
        ),
        Seen(
            "no_real_image_near",
            BETWEEN,
            {"column": "image_real_hamming", "min_value": 5},
            ("copied", "near-copied"),
            "image_duplicates",
            (0.85, 0.15),
            misses=("mirrored copy",),
        ),
        Seen(
            "no_candidate_near",
            BETWEEN,
            {"column": "image_candidate_hamming", "min_value": 5},
            ("duplicate",),
            "image_duplicates",
            (0.85, 0.05),
        ),
        Seen(
            "decodable",
            "expect_column_values_to_be_decodable_images",
            {"column": "image_bytes", "mode": "L", "width": 8, "height": 8},
            ("unreadable",),
        ),
    ),
)
