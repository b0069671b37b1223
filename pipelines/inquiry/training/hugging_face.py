"""Training data as data sets of Hugging Face: images and classes with their features."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any, Final

import datasets
import polars as pl
import pyarrow as pa
from datasets import ClassLabel, Dataset, Features, Image

from pipelines.inquiry.training import columns
from pipelines.inquiry.training.columns import Class
from pipelines.inquiry.training.stream import FileRows
from pipelines.modalities.protocol import LABEL

PLAIN: Final = {
    pa.large_string(): pa.string(),
    pa.string_view(): pa.string(),
    pa.large_binary(): pa.binary(),
    pa.binary_view(): pa.binary(),
    pa.null(): pa.string(),
}
"""What every reader of Parquet knows, for what Polars writes."""


def whole(splits: Mapping[str, Iterable[pl.DataFrame]], classes: Sequence[Class]) -> Any:  # noqa: ANN401  the library has no types
    """Read all splits into memory, as a `DatasetDict`.

    Args:
        splits: by name, the blocks of each, as `TrainingData.blocks` yields them.
        classes: of the labels.
    """
    found = {}
    for split, blocks in splits.items():
        tables = [table(block, classes) for block in blocks]
        features = features_of(tables[0].schema, classes)
        found[split] = Dataset(pa.concat_tables(tables), datasets.DatasetInfo(features=features))
    return datasets.DatasetDict(found)


def streamed(
    splits: Mapping[str, tuple[pl.DataFrame, Sequence[FileRows | pa.Table]]],
    classes: Sequence[Class],
) -> Any:  # noqa: ANN401  the library has no types
    """Read blocks of all splits as they are needed, as an `IterableDatasetDict`.

    Args:
        splits: by name, a frame with the columns of each, and what its rows are read from.
        classes: of the labels.
    """
    found = {}
    for split, (like, sources) in splits.items():
        features = features_of(table(like.head(0), classes).schema, classes)
        generate = partial(_examples, sources, classes)
        found[split] = datasets.IterableDataset.from_generator(generate, features=features)
    return datasets.IterableDatasetDict(found)


def table(frame: pl.DataFrame, classes: Sequence[Class]) -> pa.Table:
    """Convert rows to types that every reader of Parquet knows.

    Args:
        frame: as `TrainingData.blocks` yields it.
        classes: of the labels, which become their positions (int64).

    Returns:
        The same columns, with sample_id as hex digits.
    """
    converted = columns.readable_ids(columns.numbered(frame, classes)).to_arrow(
        compat_level=pl.CompatLevel.oldest()
    )
    return converted.cast(pa.schema([_plain_field(each) for each in converted.schema]))


def features_of(schema: pa.Schema, classes: Sequence[Class]) -> Features:
    """The features of a table that `table` made: images, classes by their names, plain values."""
    features = Features.from_arrow_schema(schema)
    for name in columns.images_of_arrow(schema):
        features[name] = Image()
    if classes and LABEL in features:
        features[LABEL] = ClassLabel(names=[str(each) for each in classes])
    return features


def _examples(
    sources: Sequence[FileRows | pa.Table], classes: Sequence[Class]
) -> Iterator[dict[str, Any]]:
    """Yield rows of files or tables without Polars, which a forked process cannot use."""
    positions = {label: position for position, label in enumerate(classes)}
    for source in sources:
        tables = (rows for _, rows in source.tables()) if isinstance(source, FileRows) else [source]
        for row in chain.from_iterable(each.to_pylist() for each in tables):
            label = {LABEL: positions.get(row[LABEL])} if positions else {}
            yield {**row, **label, columns.SAMPLE_ID: row[columns.SAMPLE_ID].hex()}


def _plain_field(field: pa.Field) -> pa.Field:
    return pa.field(field.name, _plain(field.type), nullable=True)


def _plain(dtype: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(dtype):
        return _plain(dtype.value_type)
    if pa.types.is_struct(dtype):
        return pa.struct([_plain_field(dtype.field(each)) for each in range(dtype.num_fields)])
    if pa.types.is_list(dtype) or pa.types.is_large_list(dtype):
        return pa.list_(_plain_field(dtype.value_field))
    return PLAIN.get(dtype, dtype)
