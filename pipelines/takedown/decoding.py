"""What a file holds: rows, images and texts, whatever its name says that it is.

A file is told by its first bytes and decoded, and so is what lies inside of it: the members of an
archive, the cells of a database, the images in a page. Nothing is executed: a pickle is not opened,
and is said to be unread, as is everything that is of no known kind. Whatever is decoded is bounded.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import html
import io
import json
import re
import sqlite3
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image

from lake import documents, panics
from lake.documents import DocumentError
from lineage.schema import UNREADABLE

DEEPEST: Final = 8
"""Most files inside of files."""
MAX_BYTES: Final = 1 << 32
"""Largest file that is decoded, and the most that one becomes."""
IMAGES: Final = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF")
"""First bytes of files of images."""
LARGEST_SIDE: Final = 4096
"""Longest side of an array that can be a batch of images."""
CHANNELS: Final = (1, 3, 4)
NOT_TEXT: Final = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_DATA_URI: Final = re.compile(r"data:image/[a-z+.-]+;base64,([A-Za-z0-9+/=\s]+)")
_TAG: Final = re.compile(r"<[^>]*>")


@dataclass(slots=True, eq=False)
class Decoded:
    """What a file holds, each part with the place inside of the file."""

    tables: list[tuple[str, pl.DataFrame]] = field(default_factory=list)
    images: list[tuple[str, bytes]] = field(default_factory=list)
    """Files of images."""
    texts: list[tuple[str, str]] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)
    """Parts that could not be read, and why."""


def decode(data: bytes) -> Decoded:
    """Decode a file."""
    found = Decoded()
    _decode(data, "", found, 0)
    return found


def _decode(data: bytes, place: str, found: Decoded, depth: int) -> None:
    if not data:
        return
    if depth > DEEPEST or len(data) > MAX_BYTES:
        found.unread.append((place, "is too large, or lies too deep in other files"))
        return
    read = next((read for begins, read in READERS if begins(data)), _text)
    try:
        read(data, place, found, depth)
    except (*UNREADABLE, OSError, ValueError, KeyError, EOFError, RecursionError) as error:
        found.unread.append((place, f"cannot be decoded ({type(error).__name__})"))
    except (zipfile.BadZipFile, zlib.error, sqlite3.Error, NotImplementedError) as error:
        found.unread.append((place, f"cannot be decoded ({type(error).__name__})"))


def _parquet(data: bytes, place: str, found: Decoded, _: int) -> None:
    with panics.unsaid():
        found.tables.append((place, pl.read_parquet(io.BytesIO(data))))


def _arrow(data: bytes, place: str, found: Decoded, _: int) -> None:
    with panics.unsaid():
        found.tables.append((place, pl.read_ipc(io.BytesIO(data))))


def _image(data: bytes, place: str, found: Decoded, _: int) -> None:
    found.images.append((place, data))


def _archive(data: bytes, place: str, found: Decoded, depth: int) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for member in archive.infolist():
            name = f"{place}{member.filename}: "
            if member.file_size > MAX_BYTES:
                found.unread.append((name, "is too large"))
            elif not member.is_dir():
                _decode(archive.read(member), name, found, depth + 1)


def _array(data: bytes, place: str, found: Decoded, _: int) -> None:
    _pictures(np.load(io.BytesIO(data), allow_pickle=False), place, found)


def _tensors(data: bytes, place: str, found: Decoded, _: int) -> None:
    from safetensors.numpy import load  # noqa: PLC0415  only models are written so

    for name, values in load(data).items():
        _pictures(values, f"{place}{name}: ", found)


def _pictures(values: NDArray[Any], place: str, found: Decoded) -> None:
    """The images that an array may hold, as files; of floats, in [0, 1] or in [-1, 1]."""
    if values.dtype.kind in "SU":
        found.texts += [(place, str(text)) for text in values.ravel()]
        return
    for batch in _batches(values):
        for number, pixels in enumerate(batch):
            found.images += [(f"{place}{number}", file) for file in _files(pixels)]


def _batches(values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """An array as batches of images, [n, height, width] or [n, height, width, channels]."""
    if values.dtype.kind not in "uif" or values.ndim not in (2, 3, 4) or not values.size:
        return
    if max(values.shape[1:]) > LARGEST_SIDE:
        return
    if values.ndim == 4:  # noqa: PLR2004  a batch of images with channels
        if values.shape[3] in CHANNELS:
            yield values
        if values.shape[1] in CHANNELS:
            yield values.transpose(0, 2, 3, 1)
    elif values.ndim == 3:  # noqa: PLR2004  a batch of grey images
        yield values
    elif (side := int(values.shape[1] ** 0.5)) ** 2 == values.shape[1]:
        yield values.reshape(len(values), side, side)


def _files(pixels: NDArray[Any]) -> Iterator[bytes]:
    """The files that the pixels of one image can have been decoded from."""
    if pixels.dtype.kind == "f":
        low, high = float(pixels.min()), float(pixels.max())
        if not np.isfinite((low, high)).all() or low < -1.01 or high > 1.01:  # noqa: PLR2004
            return
        shifted = (pixels + 1) / 2 if low < 0 else pixels
        pixels = np.rint(shifted * 255)
    elif pixels.dtype.kind == "i" and (pixels.min() < 0 or pixels.max() > 255):  # noqa: PLR2004
        return
    eight = np.clip(pixels, 0, 255).astype(np.uint8)
    squeezed = eight[..., 0] if eight.ndim == 3 and eight.shape[2] == 1 else eight  # noqa: PLR2004
    out = io.BytesIO()
    Image.fromarray(squeezed).save(out, "PNG", compress_level=0)
    yield out.getvalue()


def _database(data: bytes, place: str, found: Decoded, depth: int) -> None:
    with closing(sqlite3.connect(":memory:")) as database:
        database.deserialize(_without_log(data))
        free = database.execute("PRAGMA freelist_count").fetchone()[0]
        if free:
            found.unread.append((place, f"has {free} free pages, which may hold deleted rows"))
        database.text_factory = bytes
        names = database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        for (raw,) in names:
            name = raw.decode(errors="replace").replace('"', '""')
            for number, row in enumerate(database.execute(f'SELECT * FROM "{name}"'), 1):  # noqa: S608
                for cell in row:
                    if isinstance(cell, bytes):
                        _decode(cell, f"{place}table {name}, row {number}: ", found, depth + 1)


def _without_log(data: bytes) -> bytes:
    """A database that says that it has a log beside it, as one that has none."""
    return data[:18] + b"\x01\x01" + data[20:]


def _gzip(data: bytes, place: str, found: Decoded, depth: int) -> None:
    with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
        _decode(file.read(MAX_BYTES), place, found, depth + 1)


def _text(data: bytes, place: str, found: Decoded, depth: int) -> None:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        text = "\0"
    if NOT_TEXT.search(text):
        found.unread.append((place, "is of no kind that is known here"))
        return
    for match in _DATA_URI.finditer(text):
        try:
            image = base64.b64decode(match[1], validate=False)
        except binascii.Error:
            continue
        _decode(image, f"{place}an image in it: ", found, depth + 1)
    if not _json(text, place, found):
        plain = _DATA_URI.sub("", text)
        found.texts.append((place, plain))
        if "<" in plain:
            found.texts.append((place, html.unescape(_TAG.sub("\n", plain))))


def _json(text: str, place: str, found: Decoded) -> bool:
    """Read a text as JSON, or as a JSON value on each line; tell whether it is."""
    if text.lstrip()[:1] not in ("{", "[", '"'):
        return False
    try:
        values = [documents.parse_json(text.encode())]
    except DocumentError:
        lines = [line for line in text.splitlines() if line.strip()]
        try:
            values = [json.loads(line) for line in lines]
        except ValueError:
            return False
    rows = values[0] if len(values) == 1 and isinstance(values[0], list) else values
    records = [row for row in rows if isinstance(row, dict)]
    if records:
        with panics.unsaid():
            found.tables.append(
                (place, pl.DataFrame(records, infer_schema_length=None, strict=False))
            )
    others = [row for row in rows if not isinstance(row, dict)]
    found.texts += [(place, leaf) for leaf in _leaves(others)]
    found.texts += [(place, name) for row in records for name in row]
    return True


def _leaves(value: object) -> Iterator[str]:
    """All texts in a JSON value, names of its objects included."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            yield from one
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one


def _pickle(_: bytes, place: str, found: Decoded, __: int) -> None:
    found.unread.append((place, "is a pickle, which is not opened: it could run code"))


def _is_tensors(data: bytes) -> bool:
    size = int.from_bytes(data[:8], "little")
    return 2 <= size <= len(data) - 8 and data[8:9] == b"{"  # noqa: PLR2004  a header in JSON


def _begins(*heads: bytes) -> Callable[[bytes], bool]:
    return lambda data: data.startswith(heads)


Reader = Callable[[bytes, str, Decoded, int], None]
READERS: Final[tuple[tuple[Callable[[bytes], bool], Reader], ...]] = (
    (_begins(b"PAR1"), _parquet),
    (_begins(b"ARROW1"), _arrow),
    (_begins(*IMAGES), _image),
    (_begins(b"PK\x03\x04"), _archive),
    (_begins(b"\x93NUMPY"), _array),
    (_begins(b"SQLite format 3\0"), _database),
    (_begins(b"\x1f\x8b"), _gzip),
    (_begins(b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"), _pickle),
    (_is_tensors, _tensors),
)
"""What reads a file, by its first bytes; a text has none of these."""
