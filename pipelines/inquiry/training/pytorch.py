"""Training data as data sets of PyTorch: rows decoded one by one, under the project's limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import torch
from torch.utils.data import Dataset, IterableDataset, get_worker_info

from pipelines.common.errors import DataError
from pipelines.features import images
from pipelines.features.images import ImageError
from pipelines.inquiry.training import columns, stream
from pipelines.inquiry.training.columns import Class
from pipelines.inquiry.training.stream import FileRows
from pipelines.modalities.protocol import LABEL

Transform = Callable[[dict[str, Any]], Any]


class Items:
    """Makes an item of a row: pixels, the position of its class, its id as hex digits."""

    def __init__(
        self, schema: pa.Schema, classes: Sequence[Class], transform: Transform | None
    ) -> None:
        """Prepare for rows of a schema; arguments as of `TrainingData.torch`."""
        self.classes = tuple(classes)
        self._positions = {label: position for position, label in enumerate(classes)}
        self._images = columns.images_of_arrow(schema)
        self._transform = transform

    def make(self, row: Mapping[str, Any]) -> Any:  # noqa: ANN401  what the transform makes
        """Make the item of a row.

        Raises:
            DataError: an image cannot be decoded.
        """
        item = {name: value for name, value in row.items() if name not in columns.PLACE}
        item[columns.SAMPLE_ID] = row[columns.SAMPLE_ID].hex()
        if self._positions:
            item[LABEL] = self._positions.get(row[LABEL])
        for name in self._images:
            item[name] = self._pixels(name, item)
        return item if self._transform is None else self._transform(item)

    def _pixels(self, name: str, item: Mapping[str, Any]) -> torch.Tensor:
        try:
            pixels = images.decode_one(item[name])
        except ImageError as error:
            sample = item[columns.SAMPLE_ID][:12]
            raise DataError(f"the column {name!r} of sample {sample} {error}") from error
        values = torch.from_numpy(images.to_unit(pixels))
        return values[None] if values.ndim == 2 else values.permute(2, 0, 1)  # noqa: PLR2004  grey


class MapDataset(Dataset[Any]):
    """The rows of a split in memory; images are decoded when they are asked for."""

    def __init__(self, table: pa.Table, items: Items) -> None:
        """Take over the rows of a split.

        Args:
            table: of `TrainingData.arrow`, n rows.
            items: makes the items.
        """
        self.classes = items.classes
        """The classes, whose positions are the labels of the items."""
        self.weights = torch.tensor(table[columns.WEIGHT].to_pylist(), dtype=torch.float64)
        """Weight of each row, float64 [n]."""
        self._table = table
        self._items = items

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._table)

    def __getitem__(self, index: int) -> Any:  # noqa: ANN401  what the transform makes
        """Return an item, as `TrainingData.torch` describes it.

        Raises:
            IndexError: there is no such row.
            DataError: an image cannot be decoded.
        """
        if not -len(self) <= index < len(self):
            raise IndexError(f"there is no row {index}; the data set has {len(self)}")
        (row,) = self._table.slice(index % len(self), 1).to_pylist()
        return self._items.make(row)


class StreamedDataset(IterableDataset[Any]):
    """The rows of the mix, one block after the other; the workers of a loader share the blocks."""

    def __init__(self, files: Sequence[FileRows], items: Items, seed: int | None) -> None:
        """Prepare to read the files of the mix.

        Args:
            files: in order.
            items: makes the items.
            seed: shuffles files, and the rows of each block; None: the order of the mix.
        """
        self.classes = items.classes
        """The classes, whose positions are the labels of the items."""
        self._files = tuple(files)
        self._items = items
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Shuffle in another order from the next iteration on."""
        self._epoch = epoch

    def __iter__(self) -> Iterator[Any]:
        """Yield the items of the blocks that fall to this worker.

        Raises:
            DataError: a file cannot be read, or an image not be decoded.
        """
        worker = get_worker_info()
        own, workers = (0, 1) if worker is None else (worker.id, worker.num_workers)
        seed = None if self._seed is None else [self._seed, self._epoch]
        for file in stream.shuffled(self._files, seed):
            for number, rows in file.tables(own, workers):
                drawn = stream.permuted(rows, None if seed is None else [*seed, number])
                yield from map(self._items.make, drawn.to_pylist())
