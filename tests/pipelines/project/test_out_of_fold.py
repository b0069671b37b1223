"""Scores of real training rows, each as a candidate's that the scorer has never seen."""

from __future__ import annotations

import numpy as np
import polars as pl

from lineage.identity import sample_ids
from pipelines import modalities
from pipelines.project import out_of_fold


def test_rows_of_a_table_are_scored_by_their_content_against_other_folds() -> None:
    draw = np.random.default_rng(7)
    rows = pl.DataFrame({"width": draw.normal(size=60), "label": ["a", "b"] * 30})
    train = pl.DataFrame({"row": np.arange(60), "sample_id": sample_ids(rows, ("width",))}).hstack(
        rows
    )
    scorers = {"table_agreement": {}, "table_distance": {}}
    table = modalities.load("table", ("width",))
    measured = out_of_fold.measure(train, table, 0.0, scorers, seed=1, content=("width",))
    assert measured.left_out == {}
    widths = train["width"].to_numpy()
    reach = widths.max() - widths.min()
    apart = np.abs(widths[:, None] - widths[None]) / reach
    np.fill_diagonal(apart, np.inf)
    distances = measured.rows["record_distance"].to_numpy()
    assert (distances >= apart.min(axis=1) * 0.99).all()  # the ranges are those of the other folds
    assert set(measured.rows["predicted_class"]) == {"a", "b"}
