"""The generator `interpolation`: exact parents, values of real rows, and the same bits again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lineage.identity import sample_ids
from pipelines.common.errors import GeneratorError
from pipelines.generators import making
from pipelines.generators.interpolation import Interpolation, InterpolationGenerate
from pipelines.generators.protocol import GenerateRequest

FEATURES = ("size", "count", "kind")


def mix(labels: list[str], seed: int = 1) -> pl.DataFrame:
    """A training mix with these labels, and a kept column that nobody generates."""
    draw, count = np.random.default_rng(seed), len(labels)
    frame = pl.DataFrame({
        "round": pl.Series([0] * count, dtype=pl.Int32),
        "row": range(100, 100 + count),
        "size": draw.normal(size=count).round(2),
        "count": draw.integers(0, 4, count) * 10,
        "kind": draw.choice(["x", "y"], count),
        "label": labels,
        "mail": [f"m{row}" for row in range(count)],
    })  # fmt: skip
    ids = sample_ids(frame, FEATURES).alias("sample_id")
    return frame.with_columns(ids, pl.lit(1.0).alias("weight"))


def request(folder: Path, neighbours: int = 5) -> GenerateRequest[InterpolationGenerate]:
    settings = InterpolationGenerate(neighbours=neighbours)
    return GenerateRequest("shop", 1, 7, FEATURES, 50, 20, settings, folder)


def test_each_candidate_lies_between_its_two_parents_by_their_weights(tmp_path: Path) -> None:
    samples = mix(["a", "b"] * 30)
    generator = Interpolation()
    generator.fit(samples, Interpolation.FitSettings(), 1, tmp_path)
    made = making.make(generator, request(tmp_path))
    assert "mail" not in made.candidates.columns
    assert made.parents is not None
    both = made.parents.join(
        samples.drop("weight", "round"), left_on="parent_row", right_on="row"
    ).join(made.candidates, on="row", suffix="_made")
    assert (both["label"] == both["label_made"]).all()
    rows = both.group_by("row").agg(
        pl.len(),
        pl.col("parent_row").n_unique(),
        pl.col("weight").sum(),
        (pl.col("weight") * pl.col("size")).sum().alias("between"),
        pl.col("size_made").first(),
        pl.col("kind_made").is_in(pl.col("kind").implode()).first().alias("kind"),
    )
    assert (rows["len"] == 2).all()
    assert (rows["parent_row"] == 2).all()
    assert (rows["weight"] == 1).all()
    assert np.allclose(rows["between"], rows["size_made"], atol=0.005)
    assert rows["kind"].all()
    assert set(made.candidates["count"]) <= set(samples["count"])
    assert made.candidates["sample_id"].equals(sample_ids(made.candidates, FEATURES))


def test_a_shard_comes_out_the_same_again(tmp_path: Path) -> None:
    generator = Interpolation()
    generator.fit(mix(["a", "b"] * 30), Interpolation.FitSettings(), 1, tmp_path)
    asked = request(tmp_path)
    made, again = making.make(generator, asked), making.make(generator, asked)
    assert made.candidates.equals(again.candidates)
    shard = asked.shards()[1]
    replayed = generator.replay(asked, shard, {})
    rows = made.candidates.filter(pl.col("shard") == 1)
    assert replayed.candidates["sample_id"].to_list() == rows["sample_id"].to_list()
    other = making.make(generator, replace(asked, seed=8))
    assert not made.candidates["size"].equals(other.candidates["size"])


def test_a_label_of_one_row_has_no_candidates_and_is_counted(tmp_path: Path) -> None:
    generator = Interpolation()
    generator.fit(mix(["a", "a", "a", "b"]), Interpolation.FitSettings(), 1, tmp_path)
    made = making.make(generator, request(tmp_path))
    assert set(made.candidates["label"]) == {"a"}
    assert made.report.facts == {"alone": 1}
    generator.fit(mix(["a", "b"]), Interpolation.FitSettings(), 1, tmp_path)
    with pytest.raises(GeneratorError, match="needs two rows of one label"):
        making.make(generator, request(tmp_path))


def test_a_damaged_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pool.parquet").write_bytes(b"PAR1")
    with pytest.raises(GeneratorError, match="run the stage fit again"):
        making.make(Interpolation(), request(tmp_path))
