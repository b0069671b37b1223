"""The modality `table`: what it reads, refuses, compares and draws."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import numpy as np
import polars as pl
import pytest
from PIL import Image

from lineage.identity import sample_ids
from pipelines import modalities
from pipelines.common.errors import DataError
from pipelines.metrics import Configured, evaluate_round
from pipelines.metrics.registry import TASKS
from pipelines.params.sections import Dataset
from pipelines.rounds import holdout

FEATURES = ("size", "kind", "day")


class Few:
    """Settings of a quick measurement."""

    null_draws = 3
    bootstrap = 20


def table(seed: int, count: int = 80) -> pl.DataFrame:
    """Rows of two labels that size tells apart, and a price that follows from size."""
    draw = np.random.default_rng(seed)
    size = draw.normal(size=count)
    return pl.DataFrame({
        "row": range(count),
        "size": size,
        "kind": draw.choice(["x", "y"], count),
        "day": [date(2024, 1, 1 + int(each)) for each in draw.integers(0, 28, count)],
        "label": np.where(size > 0, "large", "small"),
        "price": 10 * size + 3,
    })  # fmt: skip


def loaded(**settings: Any) -> modalities.Modality:
    """The modality with these settings."""
    return modalities.load("table", FEATURES, settings)


def test_types_are_those_of_the_lake_and_missing_values_are_null() -> None:
    frame = pl.DataFrame(
        {
            "size": [1.5, float("nan")],
            "kind": ["x", "NA"],
            "day": [date(2024, 1, 1), date(2024, 1, 2)],
            "label": [1.0, 2.0],
        },
        schema_overrides={"size": pl.Float32, "kind": pl.Categorical},
    )
    found = loaded(nulls=["NA"]).typed("shop.csv", frame)
    assert dict(found.schema) == {
        "size": pl.Float64(),
        "kind": pl.String(),
        "day": pl.Date(),
        "label": pl.Int64(),
    }
    assert found.row(0) == (1.5, "x", date(2024, 1, 1), 1)
    assert found.row(1) == (None, None, date(2024, 1, 2), 2)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"size": [1.0, float("inf")]}, "column 'size' is infinite in row 1"),
        ({"size": [1, 2**63]}, "column 'size' has a number of more than 64 bits in row 1"),
        ({"size": [[1], [2]]}, "column 'size' is List"),
        ({"label": [1.0, 1.5]}, "row 1 has a label that is no whole number"),
        ({"label": ["a", " "]}, "row 1 has a label without a visible character"),
        ({"label": ["a", None]}, "row 1 has no label"),
    ],
)
def test_what_no_table_can_hold_is_refused_with_its_place(
    change: dict[str, list[Any]], sentence: str
) -> None:
    columns = {
        "size": [1.0, 2.0],
        "kind": ["x", "y"],
        "day": [date(2024, 1, 1)] * 2,
        "label": ["a", "b"],
    } | change
    frame = pl.DataFrame(columns, strict=False)
    if change.get("size") == [1, 2**63]:
        frame = frame.with_columns(pl.Series("size", change["size"], dtype=pl.UInt64))
    with pytest.raises(DataError, match=sentence):
        loaded().typed("shop.csv", frame)


def test_a_row_without_any_value_and_a_target_of_texts_are_refused() -> None:
    frame = table(1, 3).with_columns(pl.when(pl.col("row") != 2).then(pl.col(FEATURES)).name.keep())
    with pytest.raises(DataError, match="row 2 has no value; leave it out"):
        loaded().typed("shop.csv", frame)
    with pytest.raises(DataError, match="target 'label' is String; it must be a number"):
        loaded(target="label").typed("shop.csv", table(1))
    with pytest.raises(DataError, match="has no column 'cost'"):
        loaded(target="cost").typed("shop.csv", table(1))


def test_the_answer_is_the_target_or_the_label_and_is_not_part_of_the_content() -> None:
    frame = table(1)
    assert loaded().columns(frame) == [*FEATURES, "label"]
    assert loaded().columns(frame.drop("label")) == [*FEATURES]
    with_target = loaded(target="price")
    assert with_target.columns(frame) == [*FEATURES, "price"]
    assert (with_target.answer, with_target.task) == ("price", "table_target")
    assert (loaded().answer, loaded().task) == ("label", "table_labels")
    measured = with_target.measured(frame, {"rows": frame})["rows"]
    assert np.allclose(measured.labels, frame["price"])
    assert measured.inputs.dtype.names == FEATURES


def test_gates_see_no_target_of_held_out_rows() -> None:
    ingest = {"source": "shop.csv", "modality": "table", "target": "price", "keep": ["note"]}
    dataset = Dataset.model_validate({"identity": FEATURES, "ingest": ingest})
    rows = table(1, 4).with_columns(
        pl.Series("split", ["train", "test", "validation", "test"]), note=pl.lit("x")
    )
    split = holdout.split_off(rows.drop("label"), dataset.withheld)
    assert split["fingerprints"].columns == ["split", "row", *FEATURES]
    assert "price" in split["validation"].columns


def test_identity_of_typed_columns_does_not_depend_on_their_width() -> None:
    frame = table(1, 5).with_columns(pl.Series("size", [-0.0, float("nan"), 1.0, 2.0, 3.0]))
    narrow = frame.with_columns(
        pl.Series("size", [0.0, float("nan"), 1.0, 2.0, 3.0]).cast(pl.Float32),
        pl.col("kind").cast(pl.Categorical),
    )
    assert sample_ids(frame, FEATURES).equals(sample_ids(narrow, FEATURES))


@pytest.mark.parametrize("target", [None, "price"])
def test_a_round_of_real_rows_is_as_good_as_real(target: str | None) -> None:
    settings = {} if target is None else {"target": target}
    modality = loaded(**settings)
    frames = {
        name: table(seed)
        for seed, name in enumerate(("real", "validation", "accepted", "previous"))
    }
    frames["mix"] = pl.concat([frames["real"], frames["accepted"]])
    found = evaluate_round(
        **modality.measured(frames["real"], frames),
        settings=Few(),
        seed=1,
        task=Configured(TASKS.load(modality.task)),
    ).to_dict()
    figure = "macro_f1" if target is None else "r2"
    assert found["task"] == figure
    assert found[figure]["mix"]["value"] > 0.9
    assert ("accuracy" in found) == (target is None)
    assert set(found["recall_per_class"]) == ({"real_only", "mix"} if target is None else set())
    assert found["round"]["coverage"]["value"] > 0.8


def test_the_picture_draws_each_column_and_strange_names_and_values() -> None:
    frame = (
        table(1)
        .rename({"kind": "\u202e<b>"})
        .with_columns(pl.lit("\x1b[31m").alias("\u202e<b>"), pl.lit(None, pl.String).alias("empty"))
    )
    identity = ("size", "\u202e<b>", "day", "empty")
    modality = modalities.load("table", identity, {})
    picture = modality.picture(
        real=frame,
        accepted=frame.head(0),
        refused=frame.head(2).with_columns(reason=pl.lit("not_a_copy")),
        title="shop, round 1",
    )
    with Image.open(io.BytesIO(picture)) as image:
        assert image.format == "PNG"
        assert image.width == 1200
