"""Rows of a table with planted errors: measurements of cells (Wolberg et al. 1995), by diagnosis.

A table has errors that no column shows alone. A combination of values that no cell has lies within
each column's range, and a row whose largest radius is below its mean one looks like any other.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from sklearn.datasets import load_breast_cancer

from benchmarks.verifiers.plan import BETWEEN, Planted, RowCase, Seen, batch
from pipelines.scorers.protocol import Given

TRAINING: Final = 300
MEASURED: Final = {
    "radius": "mean radius",
    "area": "mean area",
    "texture": "mean texture",
    "smoothness": "mean smoothness",
    "concavity": "mean concavity",
    "largest_radius": "worst radius",
}
"""Columns by the names that they have in scikit-learn."""
SIZES: Final = ("radius", "largest_radius")
"""Columns that grow together, and with the area."""
NOISE: Final = 0.001
"""Standard deviation of what a near-copy differs in, in those of a column."""
FAR: Final = 0.3
"""Share of the rows, by area, from which the one and the other size of a row are taken."""


def load() -> pl.DataFrame:
    """The measurements, and `label`."""
    found = load_breast_cancer(as_frame=True)
    rows = pl.from_pandas(found.frame)
    names = pl.Series(list(found.target_names))
    label = names.gather(rows["target"]).alias("label")
    chosen = (pl.col(theirs).alias(ours) for ours, theirs in MEASURED.items())
    return rows.select(chosen).with_columns(label)


def make(rows: int, seed: int) -> Planted:
    """Right rows that no scorer learns from, and a fifth as many of each kind."""
    draw = np.random.default_rng(seed)
    whole = load().sample(fraction=1, shuffle=True, seed=seed)
    training, held_out = whole[:TRAINING], whole[TRAINING:]
    each = max(rows // 5, 4)
    right, spare = held_out[:rows], held_out[-each:]
    copied = training[:each]
    noise = [
        copied[name] + pl.Series(draw.normal(0, NOISE * training[name].std(), each))  # type: ignore[operator]
        for name in MEASURED
    ]
    other = {"benign": "malignant", "malignant": "benign"}
    kinds = {
        "copied": copied,
        "near-copied": copied.with_columns(noise),
        "mislabelled": spare.with_columns(pl.col("label").replace_strict(other)),
        "impossible combination": _impossible(whole, each, draw),
        "broken constraint": spare.with_columns(
            radius=pl.col("largest_radius"), largest_radius=pl.col("radius")
        ),
    }
    real = training.with_row_index("row").with_columns(
        pl.lit(0, pl.Int32).alias("round"), pl.col("row").cast(pl.Int64)
    )
    given = real.select("round", "row", *MEASURED, "label")
    return Planted(batch(right, kinds), Given(given, seed=seed, content=tuple(MEASURED)))


def _impossible(whole: pl.DataFrame, count: int, draw: np.random.Generator) -> pl.DataFrame:
    """Small cells with the radii of large ones: each value is one that a cell has."""
    by_area = whole.sort("area")
    part = int(FAR * len(whole))
    small, large = by_area[:part], by_area[-part:]
    chosen = draw.choice(part, count, replace=part < count).tolist()
    return small[chosen].with_columns(large[chosen][name] for name in SIZES)


CASE: Final = RowCase(
    "cells",
    make,
    {"table_distance": {}, "table_agreement": {}},
    (
        Seen(
            "not_a_copy",
            BETWEEN,
            {"column": "record_distance", "min_value": 0.005},
            ("copied", "near-copied"),
            "table_distance",
        ),
        Seen(
            "like_real_rows",
            BETWEEN,
            {"column": "record_distance", "max_value": 0.12},
            ("impossible combination",),
            "table_distance",
            (0.95, 0.55),
            misses=("broken constraint",),
        ),
        Seen(
            "label_likely",
            BETWEEN,
            {"column": "label_probability", "min_value": 0.1},
            ("mislabelled",),
            "table_agreement",
            (0.9, 0.3),
        ),
        Seen(
            "largest_is_larger",
            "expect_column_pair_values_a_to_be_greater_than_b",
            {"column_A": "largest_radius", "column_B": "radius", "or_equal": True},
            ("broken constraint",),
            misses=("impossible combination",),
        ),
    ),
)
