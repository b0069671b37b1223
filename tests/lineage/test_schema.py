from __future__ import annotations

import polars as pl
import pyarrow as pa
import pytest

from lineage import schema
from lineage.errors import SchemaError
from tests.lineage.conftest import ids

KEY = pl.DataFrame({"round": [1, 1], "row": [0, 1]}).with_columns(ids("ab"))


def test_columns_are_ordered_and_cast() -> None:
    found = schema.conform(KEY.select("sample_id", "row", "round"), schema.SAMPLE_KEY)
    assert found.schema == schema.SAMPLE_KEY
    assert found["row"].to_list() == [0, 1]


def test_whole_floats_are_cast_and_others_refused() -> None:
    whole = KEY.with_columns(pl.col("row").cast(pl.Float64))
    assert schema.conform(whole, schema.SAMPLE_KEY)["row"].to_list() == [0, 1]
    broken = whole.with_columns(pl.col("row") + 0.5)
    with pytest.raises(SchemaError, match="'row' is Float64, not Int64; cast it"):
        schema.conform(broken, schema.SAMPLE_KEY)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (KEY.drop("row"), "'row' .* is missing; add it"),
        (KEY.with_columns(extra=1), "'extra' is unknown; known: round, row, sample_id"),
        (KEY.with_columns(row=pl.lit("x")), "'row' is String, not Int64"),
        (KEY.with_columns(round=pl.lit(2**40)), "'round' is Int64, not Int32"),
        (KEY.with_columns(row=pl.Series([1, None])), "'row' is null at position 1"),
        (KEY.with_columns(sample_id=pl.Series([b"x" * 32, b"abc"])), "position 1 has 3 bytes"),
    ],
)
def test_a_wrong_frame_is_refused(frame: pl.DataFrame, said: str) -> None:
    with pytest.raises(SchemaError, match=said):
        schema.conform(frame, schema.SAMPLE_KEY, required=["row"])


def test_extra_columns_are_dropped_where_allowed() -> None:
    found = schema.conform(KEY.with_columns(extra=1), schema.SAMPLE_KEY, extra=True)
    assert found.columns == ["round", "row", "sample_id"]


def test_a_key_comes_once() -> None:
    schema.unique_key(KEY, ["round", "row"], "the round")
    with pytest.raises(SchemaError, match="the round names round 1 more than once"):
        schema.unique_key(KEY, ["round"], "the round")


def test_arrow_has_the_same_columns() -> None:
    arrow = schema.to_arrow(schema.LINEAGE)
    assert arrow.names == list(schema.LINEAGE)
    assert arrow.field("sample_id").type == pa.binary(32)
    assert arrow.field("row").type == pa.int64()
    assert schema.to_arrow(pl.Schema({"x": pl.Int8})).names == ["x"]


def test_required_columns_are_columns() -> None:
    assert set(schema.LINEAGE_REQUIRED) < set(schema.LINEAGE)
