"""What a sample holds besides the content that its id names: labels, and other columns.

A `sample_id` covers the identity columns alone, so that the same pixels under another label are the
same content. Nothing of it changes with a label. The digest here covers every other column of the
payload, and the paths of images whose pixels are the identity. A decision states it for each
candidate, and the manifest of real data states one for all rows. The bytes hashed are those of
`lineage.canonical`, so they do not depend on how a table is stored; an image outside the identity
counts as its file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import polars as pl

from lineage import canonical, identity, schema
from lineage.errors import IdentityError

VERSION: Final = b"stemma-columns/1"
"""First bytes of everything hashed, so that another encoding can never give the same digest."""
COLUMN: Final = "columns_digest"
"""Column of decisions that holds the digest."""
BLOCK: Final = 65_536
"""Rows that are read and encoded at once."""


def others(columns: Sequence[str], of_identity: Sequence[str]) -> list[str]:
    """List the payload columns that a sample's id does not cover, sorted."""
    return sorted({*columns} - {*schema.SAMPLE_KEY, *of_identity})


def columns_digests(frame: pl.DataFrame, of_identity: Sequence[str]) -> pl.Series:
    """Digest what the ids of rows leave out.

    Args:
        frame: n rows of samples or candidates.
        of_identity: the identity columns of the data set.

    Returns:
        Binary series `columns_digest` of n digests of 32 bytes.

    Raises:
        IdentityError: a column is of a type that has no canonical bytes.
    """
    paths = [name for name in of_identity if canonical.is_image(frame.schema.get(name, pl.Null()))]
    names = sorted([*others(frame.columns, of_identity), *paths])
    encoders = {name: _encoder(name, frame.schema[name]) for name in names if name not in paths}
    encoders |= {name: _encoder(name, pl.String()) for name in paths}
    digests = [pl.Series(COLUMN, [], dtype=pl.Binary)]
    for start in range(0, len(frame), BLOCK):
        block = frame.slice(start, BLOCK)
        parts = [
            canonical.message(
                block[name].struct.field("path").alias(name) if name in paths else block[name],
                encoders[name],
            )
            for name in names
        ]
        nothing = [pl.Series("nothing", [b""] * len(block), dtype=pl.Binary)]
        digests.append(identity.hashed(VERSION, parts or nothing).alias(COLUMN))
    return pl.concat(digests)


def digests(frame: pl.DataFrame, of_identity: Sequence[str]) -> pl.DataFrame:
    """Digest the payload of rows again: row, sample_id and columns_digest, as it gives them.

    Raises:
        IdentityError: a column is missing, or of a type that has no canonical bytes.
    """
    ids = identity.sample_ids(frame, of_identity)
    return frame.select("row").with_columns(ids, columns_digests(frame, of_identity))


def described(frame: pl.DataFrame, of_identity: Sequence[str]) -> dict[str, int | str]:
    """Describe the payload of real data for its manifest: the number of rows, and their digest.

    Args:
        frame: the samples of round 0.
        of_identity: the identity columns of the data set.

    Raises:
        IdentityError: as `digests`.
    """
    return {"rows": len(frame), "digest": digest(digests(frame, of_identity))}


def digest(rows: pl.DataFrame) -> str:
    """SHA-256 of many payloads, as 64 hex digits.

    It covers, in order of `row`: row (8 bytes, big-endian) · sample_id · columns_digest.

    Args:
        rows: what `digests` gives.
    """
    ordered = rows.sort("row", maintain_order=True)
    hashed = hashlib.sha256(VERSION)
    for start in range(0, len(ordered), BLOCK):
        block = ordered.slice(start, BLOCK)
        numbers = block["row"].fill_null(-1).cast(pl.Int64).to_numpy().astype(">i8")
        places = numbers.view(np.uint8).reshape(-1, 8)
        parts = zip(places, block["sample_id"], block[COLUMN], strict=True)
        hashed.update(b"".join(b"".join((bytes(row), *both)) for row, *both in parts))
    return hashed.hexdigest()


def blocks(table: pl.LazyFrame, what: str) -> Iterator[pl.DataFrame]:
    """Read a table block by block, in its order; memory holds one block at a time.

    Args:
        table: of any size.
        what: it is, for errors.

    Raises:
        SchemaError: it cannot be read.
    """
    with schema.readable(what):
        rows = table.select(pl.len()).collect().item()
    for start in range(0, rows, BLOCK):
        with schema.readable(what):
            block = table.slice(start, BLOCK).collect()
        yield block


def _encoder(name: str, dtype: pl.DataType) -> canonical.Encoder:
    encode = canonical.nested(dtype)
    if encode is None:
        raise IdentityError(
            f"column {name!r} has type {str(dtype)[: schema.SHOWN]}, which has no canonical bytes; "
            "use text, numbers, booleans, times, binary, images, or lists and structs of them"
        )
    return encode
