"""Objects of a lake that hold what was taken down, and what stands in the place of each.

The cleaned bytes are in a file, and of the rows that go only digests are kept, so a purge needs no
more memory than one object takes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import polars as pl

from lake.purging import Drafts
from lineage import payload, schema
from lineage.errors import LineageError
from pipelines.rounds.purges import PurgedObject, PurgedRow, StoredBytes
from pipelines.takedown import search
from pipelines.takedown.content import Shape


class StoredFile(Protocol):
    """A file of a lake, wherever its bytes are."""

    @property
    def places(self) -> tuple[str, ...]:
        """Paths at which versions hold it."""

    @property
    def size(self) -> int:
        """Bytes of it."""

    @property
    def state(self) -> str:
        """What holds it where that says what is to be done; else empty."""

    def read(self) -> bytes:
        """The bytes of it.

        Raises:
            CorruptError: the lake does not have them.
        """


File = TypeVar("File", bound=StoredFile)


@dataclass(frozen=True, slots=True, eq=False)
class FoundObject(Generic[File]):
    """An object that holds what was taken down, and what stands in its place."""

    file: File
    stored: StoredBytes
    cleaned: StoredBytes
    draft: Path | None
    """The file with the cleaned bytes; None where they are not kept."""
    whole: bool
    """Whether nothing of it is left."""
    hits: int
    """How often something of it was found."""
    removed: int
    """Rows that the cleaned object lacks; 0 where the object is no table of content."""
    innocent: int
    """Rows of a table that the cleaned object still has."""
    rows: tuple[PurgedRow, ...]
    """The rows that it lacks, where they have numbers and ids."""

    def record(self, left: str = "") -> PurgedObject:
        """What the record says of it, and why the lake still has its bytes where it has."""
        return PurgedObject(
            purged=self.stored,
            cleaned=self.cleaned,
            places=self.file.places,
            whole=self.whole,
            count=self.hits,
            rows=self.rows,
            left=left,
        )


def cleaned(
    file: File,
    data: bytes,
    found: search.Found,
    take_down: str,
    *,
    shapes: Iterable[Shape],
    drafts: Drafts | None,
) -> FoundObject[File]:
    """Write an object again without what was found in it.

    Args:
        file: where it is.
        data: its bytes.
        found: what was found, which is something.
        take_down: name of the take-down.
        shapes: how the data sets of the lake are made.
        drafts: keeps the cleaned bytes; None: nobody needs them.
    """
    stored = stored_bytes(data)
    made = search.clean(data, found, take_down, stored.sha256)
    return FoundObject(
        file=file,
        stored=stored,
        cleaned=stored_bytes(made.data),
        draft=None if drafts is None else drafts.keep(made.data),
        whole=made.whole,
        hits=len(found.hits()),
        removed=len(made.removed),
        innocent=0 if made.whole else len(found.tables[0].frame) - len(made.removed),
        rows=tuple(_rows(made.removed, shapes)),
    )


def stored_bytes(data: bytes) -> StoredBytes:
    """The digests and the size of a file."""
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return StoredBytes(sha256=hashlib.sha256(data).hexdigest(), md5=md5, size=len(data))


def _rows(removed: pl.DataFrame, shapes: Iterable[Shape]) -> Iterator[PurgedRow]:
    """The rows that a table lacks, where they have numbers and ids, with digests of their rest."""
    if not {"row", "sample_id"} <= set(removed.columns) or removed.is_empty():
        return
    digests = _digests(removed, shapes)
    for row, key, digest in zip(removed["row"], removed["sample_id"], digests, strict=True):
        if isinstance(row, int) and isinstance(key, bytes) and len(key) == schema.ID_BYTES:
            hexed = None if digest is None else digest.hex()
            yield PurgedRow(row=row, sample_id=key.hex(), columns_digest=hexed)


def _digests(removed: pl.DataFrame, shapes: Iterable[Shape]) -> list[bytes | None]:
    for shape in shapes:
        if set(shape.identity) <= set(removed.columns):
            try:
                return payload.columns_digests(removed, shape.identity).to_list()
            except LineageError:
                continue
    return [None] * len(removed)
