"""`TrainingData`: the rows that a model may learn from at a version, and their weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lake.client import Lake
from lineage.manifest import MixManifest
from lineage.splits import TRAIN
from pipelines.common.errors import DataError
from pipelines.common.optional import library
from pipelines.common.settings import nearest
from pipelines.inquiry.training import blocks, columns, mix_at, stream
from pipelines.inquiry.training.blocks import PartFiles
from pipelines.inquiry.training.columns import Class
from pipelines.inquiry.training.stream import FileRows
from pipelines.params import Params
from pipelines.rounds import round_holdout
from pipelines.rounds.holdout import SPLITS as HELD_OUT
from pipelines.takedown import denied_rows

if TYPE_CHECKING:
    import pyarrow as pa

    from pipelines.inquiry.training.pytorch import MapDataset, StreamedDataset

SPLITS: Final = (TRAIN, *HELD_OUT)
"""`train` is the mix; `validation` gates rounds, and no gate reads the labels of `test`."""


@dataclass(frozen=True, slots=True, eq=False)
class TrainingData:
    """The training mix of a data set at a commit, and the held-out rows that were asked for.

    Nothing of the payload is read before a method asks for it.
    """

    dataset: str
    ref: str
    """The branch, tag or commit as it was given."""
    commit: str
    manifest: MixManifest = field(repr=False)
    """The regime, the rows and weight of each round, the share of real rows, the depths."""
    rows: pl.DataFrame = field(repr=False)
    """round (Int32), row (Int64), weight (Float64) of the mix, in order of round and row."""
    splits: tuple[str, ...]
    """Names of the splits, `train` first unless it was left out."""
    _files: PartFiles = field(repr=False)
    _held_out: Mapping[str, pl.DataFrame] = field(repr=False)

    def __len__(self) -> int:
        """Number of rows of the mix."""
        return len(self.rows)

    @property
    def weights(self) -> NDArray[np.float64]:
        """Weight of each row of the mix, in its order, [n]; for a `WeightedRandomSampler`."""
        return self.rows["weight"].to_numpy()

    @property
    def classes(self) -> tuple[Class, ...]:
        """The distinct labels of the samples and of the held-out rows that were loaded, in order.

        There are none where samples have no classes.
        """
        return columns.classes(self._files.paths(), self._held_out.values())

    def blocks(self, split: str = TRAIN) -> Iterator[pl.DataFrame]:
        """Read a split block by block, so that it need not fit into memory.

        Args:
            split: one of `splits`.

        Yields:
            round, row, sample_id (Binary), the payload, weight (Float64); of a held-out split,
            round is null and weight is 1.

        Raises:
            DataError: this data was loaded without the split.
        """
        self._check(split)
        if split != TRAIN:
            yield self._held_out[split]
            return
        names: list[str] = []  # rounds may have the same columns in another order
        for block in self._files.blocks():
            rows = self._weighed(block.read())
            names = names or rows.columns
            yield rows.select(names)

    def frame(self, split: str = TRAIN) -> pl.DataFrame:
        """Read a split as a Polars frame; columns, arguments and errors as of `blocks`."""
        return pl.concat(self.blocks(split))

    def arrow(self, split: str = TRAIN) -> pa.Table:
        """Read a split as a pyarrow table; columns, arguments and errors as of `blocks`."""
        return self.frame(split).to_arrow()

    def hugging_face(self, *, streaming: bool = False) -> Any:  # noqa: ANN401  an optional library
        """Return the splits as a `datasets.DatasetDict`, images and classes with their features.

        Args:
            streaming: return an `IterableDatasetDict`, which reads blocks as they are needed.

        Raises:
            LibraryError: the library `datasets` is not installed.
        """
        library("datasets", "data sets of Hugging Face", extra="hub")
        from pipelines.inquiry.training import hugging_face  # noqa: PLC0415  slow, and optional

        if not streaming:
            splits = {split: self.blocks(split) for split in self.splits}
            return hugging_face.whole(splits, self.classes)
        return hugging_face.streamed(
            {split: self._sources(split) for split in self.splits}, self.classes
        )

    def torch(
        self,
        split: str = TRAIN,
        *,
        transform: Callable[[dict[str, Any]], Any] | None = None,
    ) -> MapDataset:
        """Return a split as a map-style data set of PyTorch, which holds its rows in memory.

        Args:
            split: one of `splits`.
            transform: what becomes of each item. An item is a dict of the payload's columns, with
                images as float32 [channels, height, width] in [0, 1] and a class as its position
                in `classes`, and of sample_id (hex digits) and weight.

        Returns:
            A data set with `weights`, float64 [n], as a `WeightedRandomSampler` takes them.

        Raises:
            DataError: this data was loaded without the split.
        """
        from pipelines.inquiry.training import pytorch  # noqa: PLC0415  slow to import

        table = self.arrow(split)
        return pytorch.MapDataset(table, pytorch.Items(table.schema, self.classes, transform))

    def torch_stream(
        self,
        *,
        transform: Callable[[dict[str, Any]], Any] | None = None,
        seed: int | None = None,
    ) -> StreamedDataset:
        """Return the mix as an iterable data set of PyTorch, which reads one block at a time.

        A sampler cannot weigh a stream: multiply the loss of an item by its `weight`.

        Args:
            transform: as of `torch`.
            seed: shuffles the files, and the rows of each block; None: the order of the mix.

        Raises:
            DataError: this data was loaded without the mix.
        """
        from pipelines.inquiry.training import pytorch  # noqa: PLC0415  slow to import

        self._check(TRAIN)
        schema = next(self.blocks()).to_arrow().schema
        items = pytorch.Items(schema, self.classes, transform)
        return pytorch.StreamedDataset(self.files(), items, seed)

    def files(self) -> list[FileRows]:
        """Return the Parquet files that hold the mix, and which of their rows are in it."""
        return stream.prepare(self._files, self.rows)

    def _sources(self, split: str) -> tuple[pl.DataFrame, Sequence[FileRows | pa.Table]]:
        """The first block of a split, and what its rows are read from without Polars."""
        first = next(self.blocks(split))
        return first, self.files() if split == TRAIN else [first.to_arrow()]

    def _weighed(self, block: pl.DataFrame) -> pl.DataFrame:
        """The rows of a block that are in the mix, with their weight."""
        return block.join(self.rows, on=["round", "row"], how="inner", maintain_order="left")

    def _check(self, split: str) -> None:
        if split not in self.splits:
            raise DataError(
                f"this data was loaded without the split {split!r}; load it with "
                f"splits={list(dict.fromkeys([*self.splits, split]))}"
            )


def open_at(
    lake: Lake, params: Params, ref: str, dataset: str, splits: tuple[str, ...] = (TRAIN,)
) -> TrainingData:
    """Compose the training mix at a ref, and read the held-out splits that are asked for.

    Args:
        lake: the lake.
        params: the content of params.yaml, whose settings of `fit` give the mix.
        ref: branch, tag or commit.
        dataset: the data set's name.
        splits: some of `SPLITS`.

    Raises:
        DataError: there is no such split.
        NotFoundError: there is no such ref, or it holds no samples of the data set.
        StaleError: the hold-out that round 0 names cannot be read.
        MixError: nothing is left to train on.
    """
    for name in splits:
        if name not in SPLITS:
            raise DataError(f"there is no split {name!r}{nearest(name, SPLITS)}")
    commit = lake.resolve(ref).id
    ctx = mix_at.context_after(lake, params, commit, dataset)
    mix = mix_at.compose(ctx, commit)
    numbers = [part.round for part in mix.manifest.rounds]
    files = blocks.of_samples(lake, commit, dataset, numbers)
    held_out = {}
    for name in HELD_OUT:
        if name in splits:
            stored = round_holdout.open_at(ctx, commit).table(name)
            denied = denied_rows.of_candidates(lake, ctx.round, [stored])
            held_out[name] = stored.filter(~pl.col("row").is_in(denied.implode())).select(
                pl.lit(None, pl.Int32).alias("round"), pl.all(), pl.lit(1.0).alias("weight")
            )
    ordered = tuple(name for name in SPLITS if name in splits)
    return TrainingData(dataset, ref, commit, mix.manifest, mix.rows, ordered, files, held_out)
