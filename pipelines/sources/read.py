"""Read real data from wherever params.yaml says it is.

`ingest.source` is a Python module with `load() -> DataFrame` (and optionally SOURCE and LICENCE), a
table (Parquet, JSONL or CSV) in the layout of Hugging Face datasets (`image: struct{bytes, path}`
and `label`; or the text columns that are the data set's identity, and `label` if there is one), or,
for images, a folder with one sub-folder of images per class: labels are the folders' names where
all are numbers, else their places in alphabetical order.
"""

from __future__ import annotations

import importlib.util
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from pipelines.common import console
from pipelines.common.errors import DataError
from pipelines.features import images
from pipelines.modalities import Modality
from pipelines.sources import folders, tables

LARGEST: Final = (1 << 63) - 1
"""Of labels."""


@dataclass(frozen=True, slots=True)
class Source:
    """Real rows, and what their lineage says about where they are from."""

    frame: pl.DataFrame
    name: str
    licence: str | None


def read(source: str, modality: Modality) -> Source:
    """Read all rows of a source.

    Args:
        source: what params.yaml says.
        modality: what its rows are.

    Raises:
        DataError: there is nothing there, or it has not the columns that a sample needs.
    """
    path, mode = Path(source), folders.mode_of(source)
    suffix = path.suffix.lower()
    if suffix == ".py" and mode is not None and stat.S_ISREG(mode):
        return _checked(source, modality, *_module(path))
    if mode is not None and stat.S_ISDIR(mode):
        return _checked(source, modality, _folder(path), source, None)
    if suffix in tables.READERS and mode is not None:
        return _checked(source, modality, tables.read(path), source, None)
    raise DataError(
        f"ingest.source {source!r} is neither a Python module, nor a table "
        f"({', '.join(sorted(tables.READERS))}), nor a folder"
    )


def _checked(
    source: str, modality: Modality, frame: pl.DataFrame, name: str, licence: str | None
) -> Source:
    if frame.is_empty():
        raise DataError(f"{source} has no rows")
    typed = modality.typed(source, frame)
    for column in typed.columns:
        if typed.schema[column] == images.IMAGE:
            images.check(typed[column])
    return Source(typed, name, licence)


def _module(path: Path) -> tuple[pl.DataFrame, str, str | None]:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise DataError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        load = module.load
        frame = load()
    except Exception as error:
        said = f"{type(error).__name__}: {_first_line(error)}"
        raise DataError(f"load() of {path} failed with {said}") from error
    if not isinstance(frame, pl.DataFrame):
        raise DataError(f"load() of {path} gave a {type(frame).__name__}, not a Polars frame")
    return frame, getattr(module, "SOURCE", str(path)), getattr(module, "LICENCE", None)


def _folder(path: Path) -> pl.DataFrame:
    found = folders.find(path)
    classes = list(found.classes)
    plain = all(name.isdecimal() and name.isascii() for name in classes)
    values = [int(name) for name in classes] if plain else []
    if any(value > LARGEST for value in values):
        raise DataError(f"{path}: class folder {max(values)} is too large a number; rename it")
    distinct = plain and len(set(values)) == len(values)
    numbers = dict(zip(classes, values if distinct else range(len(classes)), strict=True))
    console.line(
        f"{path}: " + ", ".join(f"{name} is class {number}" for name, number in numbers.items())
    )
    rows = (
        ({"bytes": found.read(name, file), "path": f"{name}/{file}"}, numbers[name])
        for name, named in found.classes.items()
        for file in named
    )
    return pl.DataFrame(list(rows), schema={"image": images.IMAGE, "label": pl.Int64}, orient="row")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["no message"])[0]
