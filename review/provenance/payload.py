"""The payload of a sample as a whole: every column, whole texts, and images at full size.

Payload is foreign: images are decoded under limits and written anew as PNG, and texts are returned
as they are, so whoever shows one marks what does not print.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lake.visible import visible
from lineage import image_files
from lineage.errors import ImageFileError
from pipelines.features import images, thumbnails
from pipelines.reviewing import edited
from pipelines.rounds import history
from review.cli import files
from review.cli.output import plural

KEY: Final = ("round", "row", "sample_id")
"""Columns that say which row it is, and are no payload."""
NO_VALUE: Final = "no value"
ONE_LINE: Final = 60
"""Characters of a name and a value that are printed on one line."""
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9_-]+")
"""What does not go from a column's name into a file's."""


@dataclass(frozen=True, slots=True)
class Picture:
    """An image at full size."""

    width: int
    height: int
    """Pixels."""
    png: bytes


@dataclass(frozen=True, slots=True)
class Part:
    """The value of one column: a picture, or a text."""

    name: str
    text: str
    """As it is, at whatever length; of an image, its size."""
    picture: Picture | None = None
    is_value: bool = True
    """Whether the text is the value itself, and not a sentence about it."""

    def to_dict(self) -> dict[str, Any]:
        """The content of `--json`: a text, or the size of an image."""
        if self.picture is None:
            return {"column": self.name, "text": self.text if self.is_value else None}
        return {"column": self.name, "width": self.picture.width, "height": self.picture.height}


def rows_at(
    lake: Lake, commit: str, dataset: str, number: int, rows: Sequence[int]
) -> pl.DataFrame:
    """Read the payload of some rows of a round, including rejected candidates, by row.

    Raises:
        NotFoundError: the commit does not hold the round.
    """
    numbers = pl.Series("row", list(rows), pl.Int64)
    generated = history.generated(lake, dataset, number, commit)
    if generated is None:  # real rows, or a round whose candidates are gone
        frame = lake.scan(commit, refs.partition(dataset, "samples", number))
    else:
        made = lake.scan(generated.id, refs.partition(dataset, "candidates", number))
        frame = edited.with_edited(lake, commit, made, dataset=dataset, number=number)
    return frame.filter(pl.col("row").is_in(numbers.implode())).collect().sort("row")


def read(lake: Lake, commit: str, dataset: str, number: int, row: int) -> list[Part] | None:
    """Read the payload of one row; None where the commit does not hold it any more."""
    try:
        frame = rows_at(lake, commit, dataset, number, [row])
    except NotFoundError:
        return None
    return list(parts(frame.head(1))) if len(frame) else None


def parts(frame: pl.DataFrame) -> Iterator[Part]:
    """Prepare the columns of a frame of one row."""
    for column in frame.iter_columns():
        if column.name in KEY:
            continue
        value = column[0]
        if column.dtype == images.IMAGE:
            yield _image(column.name, (value or {}).get("bytes"))
        elif value is None:
            yield Part(column.name, NO_VALUE, is_value=False)
        elif isinstance(value, bytes):
            yield Part(column.name, f"{_count(len(value), 'byte')} of binary data", is_value=False)
        else:
            yield Part(column.name, _text(value))


def _image(name: str, data: bytes | None) -> Part:
    """An image as a PNG file; where it cannot be decoded, a sentence that says so."""
    png = thumbnails.png(data, image_files.MAX_PIXELS)
    if png is None or data is None:
        size = _count(len(data), "byte") if data is not None else NO_VALUE
        return Part(name, f"cannot be shown as an image ({size})", is_value=False)
    try:
        width, height = image_files.decode(png, lambda image: image.size, max_bytes=None)
    except ImageFileError:
        return Part(name, "cannot be shown as an image", is_value=False)
    size = f"{width:,} × {height:,} pixels, a file of {_count(len(data), 'byte')}"
    return Part(name, size, Picture(width, height, png), is_value=False)


def _text(value: object) -> str:
    """A value as a text: structures as JSON, anything else as it is written."""
    if isinstance(value, pl.Series):
        value = value.to_list()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, indent=2, default=str)
    return str(value)


def _count(count: int, word: str) -> str:
    return f"{count:,} {plural(word, count)}"


def lines(part: Part) -> str:
    """A column for a terminal: its name, and its value with marks for what does not print."""
    name = visible(part.name)
    if not part.is_value:
        return f"{name}: {visible(part.text)}"
    shown = visible(part.text, lines=True)
    if "\n" not in shown and len(shown) + len(name) <= ONE_LINE:
        return f"{name}: {shown}"
    return "\n".join([f"{name}:", *(f"  {line}" for line in shown.split("\n"))])


def write(folder: Path, stem: str, payload: Sequence[Part]) -> list[Path]:
    """Write images as PNG and texts as UTF-8 into a folder, which is made where it is missing.

    Args:
        folder: where to.
        stem: what the files' names begin with.
        payload: the columns.

    Returns:
        The files; none has the text of a column as its name.

    Raises:
        ReviewError: one is there already, or cannot be written.
    """
    contents: dict[Path, bytes] = {}
    for index, part in enumerate(payload):
        name = f"{stem}-{index:02}-{_UNSAFE.sub('_', part.name)[:40]}"
        if part.picture is not None:
            contents[folder / f"{name}.png"] = part.picture.png
        elif part.is_value:
            contents[folder / f"{name}.txt"] = part.text.encode("utf-8", "surrogatepass")
    with files.translated(folder):
        folder.mkdir(parents=True, exist_ok=True)
    for path in contents:
        files.check_free(path, force=False)
    for path, content in contents.items():
        with files.replacing(path) as out:
            out.write(content)
    return list(contents)
