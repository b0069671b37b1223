"""What a sample is: a digest of its content, the same wherever and however it is stored.

A `sample_id` is SHA-256 over the data set's identity columns in order of their names. Each column
contributes

    length of name (4 bytes) · name · type tag (1 byte) · length of value (8 bytes) · value

with big-endian lengths, so no two contents share their bytes by shifting a boundary. The value is
canonical for its type: integers as decimal digits (any width), floats as IEEE binary64 with one
zero and one NaN, decimals as their digits, text as UTF-8, times as nanoseconds, images as decoded
pixels with mode and shape.
Null has a tag of its own, so it differs from empty text. A list is the bytes of its elements, a
struct those of its fields in order of their names. Storage width, categories, chunks, row
order and column order do not matter; the type does: 1, 1.0 and "1" are three contents.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import polars as pl

from lineage import canonical, pictures
from lineage.canonical import Encoder
from lineage.errors import IdentityError

VERSION: Final = b"stemma-id/1"
"""First bytes of everything hashed, so that another encoding can never give the same id."""
BLOCK: Final = 65_536
"""Rows encoded at once: memory stays bounded whatever the frame's length."""

Message = Iterable[bytes]
"""What is hashed of one row and column, in pieces."""


def sample_ids(frame: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """Identify each row by the content of the given columns.

    Args:
        frame: n rows; a column of type struct{bytes, path} is an image.
        columns: the data set's identity columns, in any order.

    Returns:
        Binary series `sample_id` of n digests of 32 bytes.

    Raises:
        IdentityError: names the column that is missing or named twice, its type if it has no
            canonical bytes, or the row of an image that is kept outside the frame.
    """
    names = sorted(columns)
    if not names or len(set(names)) != len(names):
        raise IdentityError("identity needs one or more columns, each named once")
    missing = [name for name in names if name not in frame.columns]
    if missing:
        raise IdentityError(
            f"identity column {missing[0]!r} is missing; the frame has {', '.join(frame.columns)}"
        )
    images = {name for name in names if canonical.is_image(frame.schema[name])}
    encoders = {name: encoder(name, frame.schema[name]) for name in names if name not in images}
    digests: list[bytes] = []
    for start in range(0, len(frame), BLOCK):
        block = frame.slice(start, BLOCK)
        if not images:
            parts = [canonical.message(block[name], encoders[name]) for name in names]
            digests += hashed(VERSION, parts).to_list()
            continue
        messages = (
            _images(block[name]) if name in images else _texts(block[name], encoders[name])
            for name in names
        )
        digests += _digest_rows(zip(*messages, strict=True))
    return pl.Series("sample_id", digests, dtype=pl.Binary)


def encoder(name: str, dtype: pl.DataType) -> Encoder:
    """Find the encoder that turns a type into canonical bytes.

    Raises:
        IdentityError: it does not.
    """
    encode = canonical.nested(dtype)
    if encode is not None:
        return encode
    raise IdentityError(
        f"identity column {name!r} has type {dtype}, which has no canonical bytes; use text, "
        "numbers, booleans, times, binary or images, or lists and structs of these"
    )


def hashed(version: bytes, parts: Sequence[pl.Series]) -> pl.Series:
    """Hash each row's parts, one column after the other, behind the version of their encoding."""
    frame = pl.DataFrame([part.alias(str(position)) for position, part in enumerate(parts)])
    joined = frame.select(sum((pl.col(name) for name in frame.columns), start=pl.lit(version)))
    sha256 = hashlib.sha256
    digests = [sha256(message).digest() for message in joined.to_series().to_list()]
    return pl.Series("digest", digests, dtype=pl.Binary)


def _digest_rows(rows: Iterable[tuple[Message, ...]]) -> Iterator[bytes]:
    """Hash each row piece by piece: the pixels of one image alone are in memory."""
    for row in rows:
        digest = hashlib.sha256(VERSION)
        for message in row:
            for piece in message:
                digest.update(piece)
        yield digest.digest()


def _texts(column: pl.Series, encode: Encoder) -> Iterator[Message]:
    """The bytes of a column that is no image, row by row."""
    return ((message,) for message in canonical.message(column, encode))


def _images(column: pl.Series) -> Iterator[Message]:
    """The bytes of a column of images, decoded row by row as they are asked for."""
    data = column.struct.field("bytes")
    outside = data.is_null() & column.struct.field("path").is_not_null() & column.is_not_null()
    if outside.any():
        raise IdentityError(
            f"identity column {column.name!r} has an image by path only ({outside.sum()} of "
            f"{len(column)} rows); read its bytes into the column"
        )
    name = column.name.encode()
    head = len(name).to_bytes(4, "big") + name
    return (_image(head, file) for file in data)


def _image(head: bytes, data: bytes | None) -> Message:
    tag, parts = (canonical.NULL, []) if data is None else pictures.pieces(data)
    return head, tag, sum(map(len, parts)).to_bytes(8, "big"), *parts
