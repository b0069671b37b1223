"""What the columns of training data are: images, classes, and what a library has no type for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import polars as pl
import pyarrow as pa

from pipelines.modalities.protocol import LABEL

SAMPLE_ID: Final = "sample_id"
WEIGHT: Final = "weight"
PLACE: Final = ("round", "row")
"""Where a sample is in the lake."""

Class = int | str


def images_of_arrow(schema: pa.Schema) -> list[str]:
    """Name the columns of an Arrow table that hold image files: structs of bytes and path."""
    return [field.name for field in schema if _is_image(field.type)]


def _is_image(dtype: pa.DataType) -> bool:
    is_struct = pa.types.is_struct(dtype) and dtype.num_fields == 2  # noqa: PLR2004  bytes, path
    return is_struct and {dtype.field(0).name, dtype.field(1).name} == {"bytes", "path"}


def classes(paths: Sequence[str], held_out: Iterable[pl.DataFrame] = ()) -> tuple[Class, ...]:
    """List the distinct labels of rows in order; none where there is no such column.

    Args:
        paths: of Parquet files of one table, at least one.
        held_out: further rows, whose labels a mix may have lost.
    """
    frames = [pl.scan_parquet(path, glob=False) for path in paths]
    if LABEL not in frames[0].collect_schema():
        return ()
    frames += [frame.lazy() for frame in held_out]
    labels = pl.concat([frame.select(LABEL) for frame in frames]).unique().collect()[LABEL]
    if not (labels.dtype.is_integer() or labels.dtype == pl.String):
        return ()
    return tuple(labels.drop_nulls().sort().to_list())


def numbered(frame: pl.DataFrame, known: Sequence[Class]) -> pl.DataFrame:
    """Replace each label by its position among the classes (Int64); other columns stay.

    Raises:
        InvalidOperationError: a label is none of them.
    """
    if not known or LABEL not in frame.columns:
        return frame
    numbers = pl.col(LABEL).replace_strict(list(known), range(len(known)), return_dtype=pl.Int64)
    return frame.with_columns(numbers)


def readable_ids(frame: pl.DataFrame) -> pl.DataFrame:
    """Write sample ids as hex digits, which is how every command takes them."""
    return frame.with_columns(pl.col(SAMPLE_ID).bin.encode("hex"))
