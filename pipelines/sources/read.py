"""Read real data from wherever params.yaml says it is.

`ingest.source` is a Python module with `load() -> DataFrame` (and optionally SOURCE and LICENCE), a
Parquet file in the layout of Hugging Face datasets (`image: struct{bytes, path}` and `label`), or a
folder with one sub-folder of images per class.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

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
        return _checked(source, pl.read_parquet(path), source, None)
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
    typed = frame.with_columns(pl.col("label").cast(pl.Int64), pl.col("image").cast(IMAGE))
    return Source(typed, name, licence)


def _module(path: Path) -> tuple[pl.DataFrame, str, str | None]:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise DataError(f"{path} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, "load"):
        raise DataError(f"{path} has no function load()")
    return module.load(), getattr(module, "SOURCE", str(path)), getattr(module, "LICENCE", None)


def _folder(path: Path) -> pl.DataFrame:
    classes = sorted(item.name for item in path.iterdir() if item.is_dir())
    if not classes:
        raise DataError(f"{path} has no sub-folder; it needs one per class")
    numbers = {name: int(name) if name.isdigit() else at for at, name in enumerate(classes)}
    return pl.DataFrame(
        list(_files(path, numbers)), schema={"image": IMAGE, "label": pl.Int64}, orient="row"
    )


def _files(path: Path, numbers: dict[str, int]) -> Iterator[tuple[dict[str, object], int]]:
    for name, number in numbers.items():
        for file in sorted((path / name).iterdir()):
            if file.suffix.lower() in SUFFIXES:
                yield {"bytes": file.read_bytes(), "path": f"{name}/{file.name}"}, number
