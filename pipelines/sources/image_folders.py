"""Folders of images as real data: classes by folder, or what a file of metadata says of each image.

The layouts are those of Hugging Face's `imagefolder`: a folder for each class, with or without
folders of splits above, or `metadata.jsonl`, `metadata.csv` or `metadata.parquet` beside the images
with a column `file_name`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from pipelines.common.errors import DataError
from pipelines.features import images
from pipelines.sources import tables
from pipelines.sources.account import Account, grouped
from pipelines.sources.folders import NAMED, Folder

LARGEST: Final = (1 << 63) - 1
"""Of labels."""
FILE_NAME: Final = "file_name"
LABEL: Final = "label"


def read(path: Path, folder: Folder) -> tuple[pl.DataFrame, Account]:
    """Read the images of a folder.

    Args:
        path: the folder, as params.yaml names it.
        folder: what was found there.

    Returns:
        image (struct{bytes, path}), and `label` where there are classes: whole numbers if all
        names of folders are, else the names; with metadata its columns too. And what was left out.

    Raises:
        DataError: metadata names an image that is not there, or has no column `file_name`.
    """
    notes = []
    if folder.joined:
        notes.append(
            f"{path}: the folders {', '.join(folder.joined)} are read together, because ingest "
            "splits rows anew"
        )
    if folder.metadata:
        frame, account = _described(path, folder)
    else:
        names = list(folder.images)
        labels = _labels(path, folder)
        columns = {} if labels is None else {LABEL: labels}
        frame, account = pl.DataFrame({"image": _images(folder, names), **columns}), Account()
    return frame, Account(grouped(folder.left_out), tuple(notes)) + account


def _images(folder: Folder, names: list[str]) -> pl.Series:
    rows = [{"bytes": folder.read(name), "path": name} for name in names]
    return pl.Series("image", rows, dtype=images.IMAGE)


def _labels(path: Path, folder: Folder) -> pl.Series | None:
    """The class of each image; None if there are no classes."""
    classes = folder.classes
    if not classes:
        return None
    names = pl.Series(LABEL, list(folder.images.values()), dtype=pl.String)
    if not all(name.isdecimal() and name.isascii() for name in classes):
        return names
    numbers = {name: int(name) for name in classes}
    if max(numbers.values()) > LARGEST:
        raise DataError(
            f"{path}: class folder {max(numbers.values())} is too large a number; rename it"
        )
    if len(set(numbers.values())) < len(numbers):
        return names
    return names.replace_strict(numbers, return_dtype=pl.Int64)


def _described(path: Path, folder: Folder) -> tuple[pl.DataFrame, Account]:
    """Read the images that files of metadata name, with what they say of each."""
    parts, named, account = [], set(), Account()
    for file in folder.metadata:
        table = tables.read(path / file)
        if FILE_NAME not in table.frame.columns or "image" in table.frame.columns:
            raise DataError(
                f"{path / file} needs a column {FILE_NAME!r} with the path of each image, and none "
                "called 'image'"
            )
        beside = Path(file).parent
        paths = [(beside / str(name)).as_posix() for name in table.frame[FILE_NAME]]
        missing = [name for name in paths if name not in folder.images]
        if missing:
            first = ", ".join(map(repr, missing[:NAMED]))
            more = f" and {len(missing) - NAMED:,} more" if len(missing) > NAMED else ""
            raise DataError(f"{path / file} names images that are not there: {first}{more}")
        named.update(paths)
        frame = table.frame.with_columns(_images(folder, paths))
        classes = [folder.images[name] for name in paths]
        if LABEL not in frame.columns and all(classes):
            frame = frame.with_columns(pl.Series(LABEL, classes, dtype=pl.String))
        parts.append((file, frame))
        account += Account(notes=table.notes)
    unnamed = [
        (name, "is not named in the metadata") for name in folder.images if name not in named
    ]
    joined, told = tables.joined(str(path), parts)
    return joined, account + told + Account(grouped(unnamed))
