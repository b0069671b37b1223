"""Read real data from wherever params.yaml says it is.

`ingest.source` is a Python module with `load() -> DataFrame` (and optionally SOURCE and LICENCE), a
Parquet file in the layout of Hugging Face datasets (`image: struct{bytes, path}` and `label`), or a
folder with one sub-folder of images per class: labels are the folders' names where all are numbers,
else their places in alphabetical order.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from pipelines import say
from pipelines.errors import DataError

IMAGE: Final = pl.Struct({"bytes": pl.Binary, "path": pl.String})
SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp"})


@dataclass(frozen=True, slots=True)
class Source:
    """Real rows, and what their lineage says about where they are from."""

    frame: pl.DataFrame
    name: str
    licence: str | None


def read(source: str) -> Source:
    """Read all rows of a source.

    Raises:
        DataError: there is nothing there, or it has not the columns that a sample needs.
    """
    path = Path(source)
    if path.suffix == ".py" and path.is_file():
        return _checked(source, *_module(path))
    if path.suffix == ".parquet" and path.is_file():
        return _checked(source, _parquet(path), source, None)
    if path.is_dir():
        return _checked(source, _folder(path), source, None)
    raise DataError(
        f"ingest.source {source!r} is neither a Python module, nor a Parquet file, nor a folder"
    )


def _checked(source: str, frame: pl.DataFrame, name: str, licence: str | None) -> Source:
    for column in ("image", "label"):
        if column not in frame.columns:
            raise DataError(
                f"{source} has no column {column!r}; it has: {', '.join(frame.columns)}"
            )
    if frame.is_empty():
        raise DataError(f"{source} has no rows")
    if frame["label"].null_count():
        raise DataError(f"{source}: row {frame['label'].is_null().arg_max()} has no label")
    return Source(_typed(source, frame), name, licence)


def _typed(source: str, frame: pl.DataFrame) -> pl.DataFrame:
    for column, kind in (("label", pl.Int64()), ("image", IMAGE)):
        try:
            frame = frame.with_columns(pl.col(column).cast(kind))
        except pl.exceptions.PolarsError as error:
            raise DataError(
                f"{source}: column {column!r} is {frame.schema[column]}; it must be {kind}"
            ) from error
    return frame


def _parquet(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path)
    except pl.exceptions.PolarsError as error:
        raise DataError(f"{path} cannot be read as Parquet: {_first_line(error)}") from error


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
    classes = sorted(
        item.name for item in path.iterdir() if item.is_dir() and not item.name.startswith(".")
    )
    if not classes:
        raise DataError(f"{path} has no sub-folder; it needs one per class")
    for name in classes:
        if not any(file.suffix.lower() in SUFFIXES for file in (path / name).iterdir()):
            raise DataError(f"{path / name} has no image; add some or remove the folder")
    plain = all(name.isdecimal() and name.isascii() for name in classes)
    values = [int(name) for name in classes] if plain else []
    distinct = plain and len(set(values)) == len(values)
    numbers = dict(zip(classes, values if distinct else range(len(classes)), strict=True))
    say.line(
        f"{path}: " + ", ".join(f"{name} is class {number}" for name, number in numbers.items())
    )
    return pl.DataFrame(
        list(_files(path, numbers)), schema={"image": IMAGE, "label": pl.Int64}, orient="row"
    )


def _files(path: Path, numbers: dict[str, int]) -> Iterator[tuple[dict[str, object], int]]:
    for name, number in numbers.items():
        for file in sorted((path / name).iterdir()):
            if file.suffix.lower() in SUFFIXES:
                yield {"bytes": file.read_bytes(), "path": f"{name}/{file.name}"}, number


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or ["no message"])[0]
