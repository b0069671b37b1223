"""The generator `interpolation`: exact parents, values of real rows, and the same bits again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from lineage.identity import sample_ids
from pipelines.common.errors import GeneratorError
from pipelines.features import images
from pipelines.generators import making
from pipelines.generators.interpolation.generator import Interpolation
from pipelines.generators.interpolation.settings import InterpolationGenerate
from pipelines.generators.protocol import GenerateRequest
from tests import golden
from tests.pipelines.plugin_outputs import pictures

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


@pytest.mark.parametrize("shape", [(6, 5), (6, 5, 3)])
def test_an_image_lies_between_a_close_pair_of_its_label(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    levels = np.arange(8, dtype=np.uint8).reshape(-1, *[1] * len(shape)) * 30
    frame = pl.DataFrame([
        images.column(np.broadcast_to(levels, (8, *shape)).copy()),
        pl.Series("label", ["dark"] * 4 + ["light"] * 4),
    ])  # fmt: skip
    samples = frame.with_columns(
        pl.lit(0, pl.Int32).alias("round"),
        pl.Series("row", range(8)),
        pl.lit(1.0).alias("weight"),
        sample_ids(frame, ("image",)).alias("sample_id"),
    )
    Interpolation().fit(samples, Interpolation.FitSettings(), 1, tmp_path)
    asked = replace(request(tmp_path, neighbours=1), identity=("image",))
    made = making.make(Interpolation(), asked)
    assert made.parents is not None
    own = images.decode(made.candidates["image"]).reshape(50, -1)
    assert (own == own[:, :1]).all()
    for row, parents in made.parents.group_by("row"):
        places, weights = parents["parent_row"].to_list(), parents["weight"].to_numpy()
        assert abs(places[0] - places[1]) == 1  # the closest of the label
        assert len(set(frame["label"].gather(places))) == 1
        assert own[int(row[0]), 0] == round(30 * float(weights @ places))  # type: ignore[call-overload]
    assert "pillow" in made.report.environment
    shard = asked.shards()[1]
    replayed = Interpolation().replay(asked, shard, {}).candidates
    rows = made.candidates[shard.start : shard.stop]
    assert replayed.equals(rows.select(replayed.columns))


def test_images_are_pinned_as_rows_of_tables_are(tmp_path: Path) -> None:
    ids = sample_ids(pictures(1), ("image",)).alias("sample_id")
    samples = pictures(1).with_columns(ids, pl.lit(1.0).alias("weight"))
    Interpolation().fit(samples, Interpolation.FitSettings(), 3, tmp_path)
    asked = GenerateRequest("shop", 2, 7, ("image",), 9, 4, InterpolationGenerate(), tmp_path)
    made = making.make(Interpolation(), asked)
    output = images.decode(made.candidates["image"]).tolist(), made.candidates["label"].to_list()
    digest = "9ef93fb9a3c338e06a1ed21da6c2516905478d92b2b9b772c9f84c3bd7319d89"
    golden.check(
        output, Interpolation.version, {Interpolation.version: digest}, file="generator.py"
    )
