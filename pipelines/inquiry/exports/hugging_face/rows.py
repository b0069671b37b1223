"""The rows of a split with their lineage, in Parquet files that the Hub shows.

Images of generated rows get IPTC's digital source type in the copy that is written; the lake's
files, pixels and ids stay as they are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from datasets import DatasetInfo, SplitInfo
from datasets.info import DatasetInfosDict
from datasets.splits import SplitDict
from huggingface_hub import DatasetCardData

from lake.client import Lake
from lineage import schema
from lineage.splits import TRAIN
from pipelines.common.errors import DataError
from pipelines.features.image_marks import writing
from pipelines.features.image_marks.writing import SourceType
from pipelines.features.images import IMAGE
from pipelines.inquiry.training import hugging_face
from pipelines.inquiry.training.data import TrainingData
from pipelines.rounds import tables

PREFIX: Final = "lineage_"
COLUMNS: Final = (
    "kind",
    "depth_mean",
    "depth_max",
    "real_inputs",
    "real_roots",
    "parents",
    "generator",
    "source",
    "licence",
)
"""Columns of lineage that are exported, each with the prefix."""
ATTRIBUTION: Final = "attribution"
"""Column of lineage that is read too, and not exported."""
TYPES: Final = {f"{PREFIX}{name}": schema.LINEAGE[name] for name in (*COLUMNS, ATTRIBUTION)}
NOT_MARKED: Final = "not_marked"
GROUP_ROWS: Final = 1000
"""Rows of a row group, so that the Hub shows some rows without reading all."""
MAX_FILE: Final = 400 << 20
"""Size of a Parquet file in bytes, about which another is begun."""
WHOLE: Final = 1 - 1e-6
"""Sum of the weights of parents that leave nothing for a model."""


@dataclass(slots=True)
class Written:
    """What was written of a split."""

    files: list[str] = field(default_factory=list)
    rows: int = 0
    table_bytes: int = 0
    """Size of its rows in memory."""
    features: Any = None
    """`datasets.Features` of its columns."""
    kinds: Counter[tuple[int | None, str]] = field(default_factory=Counter)
    """Rows by round and kind; the round is None for held-out rows."""
    marked: Counter[str] = field(default_factory=Counter)
    """Images by the source type that was written, or `not_marked`."""


def write(lake: Lake, data: TrainingData, split: str, directory: Path) -> Written:
    """Write the Parquet files of a split.

    Args:
        lake: the lake, for lineage.
        data: the version.
        split: one of its splits.
        directory: where the files go, which exists.

    Raises:
        DataError: a column of the data set has the name of one of lineage.
    """
    written, classes = Written(), data.classes
    writer = _Writer(directory, split)
    for block in data.blocks(split):
        _check_names(data.dataset, block)
        rows = _with_lineage(lake, data, block) if split == TRAIN else _held_out(block)
        written.kinds.update(rows.select("round", f"{PREFIX}kind").iter_rows())
        marked = _marked(rows, written.marked).drop(f"{PREFIX}{ATTRIBUTION}")
        table = hugging_face.table(marked, classes)
        if written.features is None:
            written.features = hugging_face.features_of(table.schema, classes)
        writer.add(table.cast(written.features.arrow_schema))
        written.rows += len(table)
        written.table_bytes += table.nbytes
    written.files = writer.close()
    return written


def dataset_info(written: Mapping[str, Written], directory: Path) -> dict[str, Any]:
    """Return the section `dataset_info` of a card: features, splits, sizes in bytes.

    Args:
        written: by split, at least one.
        directory: where the files are.
    """
    splits = SplitDict()
    for name, each in written.items():
        splits.add(SplitInfo(name, num_bytes=each.table_bytes, num_examples=each.rows))
    files = [directory / name for each in written.values() for name in each.files]
    info = DatasetInfo(
        features=next(iter(written.values())).features,
        splits=splits,
        download_size=sum(file.stat().st_size for file in files),
        dataset_size=sum(each.table_bytes for each in written.values()),
    )
    content = DatasetCardData()
    DatasetInfosDict({"default": info}).to_dataset_card_data(content)
    return dict(content.to_dict())  # type: ignore[no-untyped-call]


def _check_names(dataset: str, block: pl.DataFrame) -> None:
    clash = [name for name in block.columns if name.startswith(PREFIX)]
    if clash:
        raise DataError(
            f"{dataset} has a column {clash[0]!r}, and names of columns of lineage begin with "
            f"{PREFIX!r}; rename it in the source"
        )


def _with_lineage(lake: Lake, data: TrainingData, block: pl.DataFrame) -> pl.DataFrame:
    """Add the lineage of the rows of a block."""
    occurrences = block.select(pl.lit(data.dataset).alias("dataset"), "round", "row")
    wanted = ("round", "row", *COLUMNS, ATTRIBUTION)
    found = tables.rows_at(lake, data.commit, occurrences, "lineage", wanted)
    named = found.select(
        "round",
        "row",
        *(
            pl.col(name.removeprefix(PREFIX)).alias(name)
            if name.removeprefix(PREFIX) in found.columns
            else pl.lit(None, dtype).alias(name)
            for name, dtype in TYPES.items()
        ),
    )
    return block.join(named, on=["round", "row"], how="left", maintain_order="left")


def _held_out(block: pl.DataFrame) -> pl.DataFrame:
    """Add that held-out rows are real; nothing else of their lineage is stored."""
    nothing = [pl.lit(None, dtype).alias(name) for name, dtype in TYPES.items()]
    return block.with_columns(nothing).with_columns(
        pl.lit("real").cast(TYPES[f"{PREFIX}kind"]).alias(f"{PREFIX}kind")
    )


def _marked(rows: pl.DataFrame, counts: Counter[str]) -> pl.DataFrame:
    """Write into the images of generated rows how they were made."""
    images = [name for name, dtype in rows.schema.items() if dtype == IMAGE]
    if not images:
        return rows
    sources = [
        source_type(*row)
        for row in rows.select(
            *(f"{PREFIX}{name}" for name in ("kind", ATTRIBUTION, "parents"))
        ).iter_rows()
    ]
    changed = []
    for name in images:
        files = [
            _marked_file(item, source, counts)
            for item, source in zip(rows[name].to_list(), sources, strict=True)
        ]
        changed.append(pl.Series(name, files, dtype=IMAGE))
    return rows.with_columns(changed)


def source_type(
    kind: str | None, attribution: str | None, parents: list[dict[str, Any]] | None
) -> SourceType | None:
    """Tell in IPTC's terms how a row was made; None: it is real.

    Args:
        kind: of its lineage.
        attribution: of its lineage.
        parents: of its lineage; weight that they leave is a model's.
    """
    if kind in {None, "real"}:
        return None
    if attribution == schema.SIMULATED:
        return "algorithmicMedia"
    if kind == "edited":
        explicit = sum(parent["weight"] for parent in parents or ())
        if explicit >= WHOLE:
            return "algorithmicallyEnhanced"
        return "compositeWithTrainedAlgorithmicMedia"
    return "trainedAlgorithmicMedia"


def _marked_file(
    item: dict[str, Any] | None, source: SourceType | None, counts: Counter[str]
) -> dict[str, Any] | None:
    if item is None or source is None:
        return item
    marked = writing.mark(item["bytes"], source)
    counts[NOT_MARKED if marked is None else source] += 1
    return item if marked is None else {**item, "bytes": marked}


class _Writer:
    """Writes tables of one schema into files, which are named when their number is known."""

    def __init__(self, directory: Path, split: str) -> None:
        self._directory, self._split = directory, split
        self._writer: pq.ParquetWriter | None = None
        self._drafts: list[Path] = []

    def add(self, table: pa.Table) -> None:
        if self._writer is None or self._drafts[-1].stat().st_size > MAX_FILE:
            self._end()
            self._drafts.append(self._directory / f"{self._split}-{len(self._drafts):05d}.draft")
            self._writer = pq.ParquetWriter(self._drafts[-1], table.schema)
        self._writer.write_table(table, row_group_size=GROUP_ROWS)

    def close(self) -> list[str]:
        """Name the files; return their names, in order."""
        self._end()
        count, names = len(self._drafts), []
        for number, draft in enumerate(self._drafts):
            name = f"{self._split}-{number:05d}-of-{count:05d}.parquet"
            draft.rename(self._directory / name)
            names.append(name)
        return names

    def _end(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
