"""JSON text that column expressions make."""

from __future__ import annotations

import json

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.export import fragments

HOSTILE = ('"', "\\", '\\"', "\x00\x01\x1f\x7f", "\b\f\n\r\t", "é😀\u2028", "</script>", "{}", "")


@given(st.lists(st.none() | st.text() | st.sampled_from(HOSTILE), min_size=1))
def test_any_string_is_one_in_json(values: list[str | None]) -> None:
    frame = pl.DataFrame({"x": values}, schema={"x": pl.String})
    found = frame.select(fragments.text(pl.col("x"))).to_series()
    assert [each if each is None else json.loads(each) for each in found] == values


def test_what_is_not_known_is_left_out() -> None:
    frame = pl.DataFrame({"key": ["a", "b"], "x": ['"', None], "n": [None, 0.5]})
    found = frame.select(
        fragments.record(
            ["k:", pl.col("key")],
            [
                fragments.member("x", fragments.text(pl.col("x"))),
                fragments.member("n", fragments.typed(pl.col("n"), "xsd:float")),
            ],
        )
    ).to_series()
    assert json.loads(f"{{{','.join(found)}}}") == {
        "k:a": {"x": '"'},
        "k:b": {"n": {"$": "0.5", "type": "xsd:float"}},
    }


@pytest.mark.parametrize("value", [0.1, 1.0, 1e-7, 16777216.0])
def test_a_float_is_read_back_as_it_was(value: float) -> None:
    frame = pl.DataFrame({"x": [value]}, schema={"x": pl.Float32})
    found = json.loads(frame.select(fragments.typed(pl.col("x"), "xsd:float")).item())
    assert pl.Series([float(found["$"])], dtype=pl.Float32).item() == frame["x"].item()
