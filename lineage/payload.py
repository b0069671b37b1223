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
from typing import Final, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage import canonical, identity, schema
from lineage.errors import IdentityError

VERSION: Final = b"stemma-columns/1"
"""First bytes of everything hashed, so that another encoding can never give the same digest."""
COLUMN: Final = "columns_digest"
"""Column of decisions that holds the digest."""
BLOCK: Final = 32_768
"""Most rows that are read and encoded at once."""
BLOCK_BYTES: Final = 64 << 20
"""Size in memory that a block should not pass."""
FIRST: Final = 256
"""Rows of the first block, which tells how large rows are."""
PACKED: Final = np.dtype([("row", ">i8"), ("sample_id", "u1", 32), ("digest", "u1", 32)])
Packed: TypeAlias = NDArray[np.void]


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


def packed(rows: pl.DataFrame) -> Packed:
    """Pack what `digests` gives: 72 bytes a row, [n] of the fields row, sample_id and digest."""
    result = np.empty(len(rows), PACKED)
    result["row"] = rows["row"].fill_null(-1).cast(pl.Int64).to_numpy()
    for name, column in (("sample_id", "sample_id"), ("digest", COLUMN)):
        whole = b"".join(rows[column])
        result[name] = np.frombuffer(whole, dtype=np.uint8).reshape(-1, schema.ID_BYTES)
    return result


def digest(rows: pl.DataFrame) -> str:
    """SHA-256 of many payloads, as 64 hex digits.

    It covers, in order of `row`: row (8 bytes, big-endian) · sample_id · columns_digest.

    Args:
        rows: what `digests` gives.
    """
    return digest_packed([packed(rows)])


def digest_packed(parts: Sequence[Packed]) -> str:
    """Compute what `digest` does of parts, each packed, in any order."""
    rows = np.concatenate([np.empty(0, PACKED), *parts])
    hashed = hashlib.sha256(VERSION)
    hashed.update(rows[np.argsort(rows["row"], kind="stable")].tobytes())
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
    start, size = 0, min(FIRST, BLOCK)
    while start < rows:
        with schema.readable(what):
            block = table.slice(start, size).collect()
        yield block
        start += size
        bytes_each = int(block.estimated_size()) // size + 1
        size = max(1, min(BLOCK, BLOCK_BYTES // bytes_each))


def _encoder(name: str, dtype: pl.DataType) -> canonical.Encoder:
    encode = canonical.nested(dtype)
    if encode is None:
        raise IdentityError(
            f"column {name!r} has type {str(dtype)[: schema.SHOWN]}, which has no canonical bytes; "
            "use text, numbers, booleans, times, binary, images, or lists and structs of them"
        )
    return encode
