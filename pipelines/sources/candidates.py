"""Read candidates that were made elsewhere as real data is read, typed by the modality."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import polars as pl

from pipelines.common.errors import DataError
from pipelines.features import images
from pipelines.modalities import Modality
from pipelines.sources import folders, read, tables

LABEL = "label"


def rows(
    path: str,
    label: str | None,
    modality: Modality,
    named: Mapping[str, str] = MappingProxyType({}),
) -> pl.DataFrame:
    """Read all rows of a table, or of a folder of images in class folders.

    Args:
        path: of the table or folder.
        label: the column with the labels, where it is not called `label`.
        modality: what the rows are.
        named: the names that real data has for `label`, `image` and `text`; a file can have the
            one or the other.

    Raises:
        DataError: nothing is there, it cannot be read, or a column is missing or has a wrong type.
    """
    mode = folders.mode_of(path)
    if mode is None:
        raise DataError(f"generate.file.path {path!r} is not there; name a table or a folder")
    if stat.S_ISDIR(mode):
        return read.read(path, modality).frame
    if Path(path).suffix.lower() not in tables.READERS:
        raise DataError(
            f"generate.file.path {path!r} is neither a folder nor a table "
            f"({', '.join(sorted(tables.READERS))})"
        )
    frame = tables.read(Path(path), typed_csv=modality.csv_types).frame
    if frame.is_empty():
        raise DataError(f"{path} has no rows")
    frame = frame if label is None else _renamed(path, frame, label)
    typed = modality.typed(path, frame.rename(_to_ours(frame, named)))
    for column in typed.columns:
        if typed.schema[column] == images.IMAGE:
            images.check(typed[column])
    return typed


def _to_ours(frame: pl.DataFrame, named: Mapping[str, str]) -> dict[str, str]:
    """Our names of columns that have those of the real data."""
    return {
        theirs: ours
        for ours, theirs in named.items()
        if theirs in frame.columns and ours not in frame.columns
    }


def _renamed(path: str, frame: pl.DataFrame, label: str) -> pl.DataFrame:
    if label not in frame.columns:
        raise DataError(
            f"{path} has no column {label!r}, which generate.file.label names; it has: "
            f"{', '.join(frame.columns)}"
        )
    others = frame.drop(LABEL, strict=False) if label != LABEL else frame
    return others.rename({label: LABEL})
