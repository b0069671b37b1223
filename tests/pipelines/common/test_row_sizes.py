"""Bytes that rows take, before anybody holds them."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from pipelines.common import row_sizes

CHAT = pl.List(pl.Struct({"role": pl.String, "turn": pl.Int32}))
IMAGE = pl.Struct({"bytes": pl.Binary, "path": pl.String})


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        (pl.Int64, 5),
        (pl.String, "long " * 200),
        (pl.Binary, b"x" * 1_000),
        (IMAGE, {"bytes": b"x" * 900, "path": "p" * 100}),
        (IMAGE, {"bytes": None, "path": "p" * 100}),
        (pl.List(pl.String), ["long " * 100, None, "b"]),
        (CHAT, [{"role": "user" * 100, "turn": 1}, {"role": None, "turn": 2}]),
        (pl.List(pl.List(pl.Float64)), [[1.0] * 300, [2.0]]),
        (pl.Array(pl.UInt8, 500), [3] * 500),
        (pl.Array(pl.String, 2), ["long " * 100, "y" * 100]),
        (pl.Null, None),
    ],
)
def test_a_row_takes_what_its_values_take(dtype: pl.DataType, value: Any) -> None:
    frame = pl.DataFrame(
        {"row": range(200), "value": [value] * 200}, schema_overrides={"value": dtype}
    )
    sizes = frame.lazy().select(row_sizes.of_row(frame.schema)).collect().to_series()
    assert len(sizes) == 200
    assert sizes.sum() == pytest.approx(frame.estimated_size(), rel=0.25, abs=2_000)


def test_rows_of_one_table_differ() -> None:
    frame = pl.DataFrame({"text": ["", None, "é" * 500]})
    low, none, high = frame.select(row_sizes.of_row(frame.schema)).to_series()
    assert low == none == high - 1_000
