"""Scorers of tables: distance to real rows, and agreement with their labels."""

from __future__ import annotations

import numpy as np
import polars as pl

from pipelines.scorers import registry, scoring
from pipelines.scorers.protocol import Given

CONTENT = ("size", "kind")


def table(sizes: list[float | None], labels: list[str], kind: str = "x") -> pl.DataFrame:
    return pl.DataFrame({
        "round": pl.Series([1] * len(sizes), dtype=pl.Int32),
        "row": range(len(sizes)),
        "size": pl.Series(sizes, dtype=pl.Float64),
        "kind": kind,
        "label": labels,
        "note": [f"kept {row}" for row in range(len(sizes))],
    })  # fmt: skip


def test_a_copy_is_at_distance_0_and_closer_than_real_rows_are_to_each_other() -> None:
    real = table([0.0, 1.0, 2.0, 4.0], ["a"] * 4)
    settings = registry.settings("table_distance", {})
    candidates = table([1.0, 1.1, 2.9, None], ["a"] * 4)
    found = scoring.score("table_distance", settings, candidates, Given(real, content=CONTENT))
    width = 2 * (3.94 - 0.03)
    assert np.allclose(found["record_distance"][:3], [0, 0.1 / width, 0.9 / width])
    assert found["record_distance"][3] == 0.5
    assert np.allclose(found["record_ratio"][:3], [0, 0.1, 0.9])
    assert found["record_row"].to_list()[:3] == [1, 1, 2]
    scorer = registry.load("table_distance")
    own = scorer.score_real(Given(real, content=CONTENT), settings)  # type: ignore[attr-defined]
    assert own["record_row"].to_list() == [1, 0, 1, 2]
    assert np.allclose(own["record_distance"] * width, [1, 1, 1, 2])
    assert np.allclose(own["record_ratio"], [1, 0.5, 1, 2])


def test_kept_columns_change_no_score() -> None:
    real = table([0.0, 1.0, 2.0, 4.0], ["a"] * 4)
    other = real.with_columns(note=pl.lit(None, pl.String))
    settings = registry.settings("table_distance", {})
    found = [
        scoring.score("table_distance", settings, rows, Given(real, content=CONTENT))
        for rows in (real, other)
    ]
    assert found[0].equals(found[1])


def test_agreement_is_how_likely_the_label_of_a_row_is() -> None:
    draw = np.random.default_rng(1)
    sizes = [*draw.normal(0, 1, 60), *draw.normal(9, 1, 60)]
    real = table(sizes, ["small"] * 60 + ["large"] * 60)
    settings = registry.settings("table_agreement", {})
    candidates = table([0.0, 9.0, 9.0], ["small", "small", "never seen"])
    given = Given(real, content=CONTENT)
    found = scoring.score("table_agreement", settings, candidates, given)
    assert found["predicted_class"].to_list() == ["small", "large", "large"]
    assert found["label_probability"][0] > 0.9
    assert found["label_probability"][1] < 0.1
    assert found["label_probability"][2] == 0
    scorer = registry.load("table_agreement")
    own = scorer.score_real(given, settings)  # type: ignore[attr-defined]
    assert own["label_probability"].mean() > 0.9
    numbers = real.with_columns(label=pl.lit(3, pl.Int64))
    only = scoring.score("table_agreement", settings, numbers, Given(numbers, content=CONTENT))
    assert only.schema["predicted_class"] == pl.Int64
    assert set(only["label_probability"]) == {1.0}
