"""Shards that are compared with what a generator makes again."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from pipelines.features import images
from pipelines.inquiry import shard_comparison


@pytest.mark.parametrize("channels", [(), (3,)])
def test_the_difference_of_images_is_one_number_in_grey_and_in_colour(
    channels: tuple[int, ...],
) -> None:
    pixels = np.zeros((3, 4, 5, *channels), dtype=np.uint8)
    rows = pl.DataFrame({"row": [7, 8, 9], "sample_id": [b"a", b"b", b"c"]})
    recorded = rows.with_columns(images.column(pixels))
    pixels[1, 2, 3] = 9
    replayed = rows.with_columns(images.column(pixels))
    found = shard_comparison.differing(recorded, replayed)
    assert found.rows() == [(8, b"b", b"b", 9)]


def test_a_kept_column_that_no_generator_makes_is_null_in_both() -> None:
    recorded = pl.DataFrame(
        {"row": [1, 2], "sample_id": [b"a", b"b"], "text": ["x", "y"], "mail": [None, "m"]}
    )
    found = shard_comparison.differing(recorded, recorded.drop("mail"))
    assert found["row"].to_list() == [2]
    untouched = recorded.with_columns(mail=pl.lit(None, pl.String))
    assert shard_comparison.differing(untouched, untouched.drop("mail")).is_empty()
