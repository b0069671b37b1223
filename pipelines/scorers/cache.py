"""Scores that were computed before, by the digest of model and input.

    .stemma/scores/<model>/<input>.parquet    all scores of a frame, for a scorer of whole frames
    .stemma/scores/<model>/<part>.parquet     digest of a row, its scores; for a scorer of rows

`<model>` digests scorer, code, settings and model. A file is written in one step, so a killed run
leaves none that is half a file, and two runs at once at worst do the same work twice. A file that
cannot be read counts as not there. When the folder grows beyond `MAX_BYTES`, the files that were
not used for longest are removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from lake import files
from lineage.schema import UNREADABLE
from pipelines.common import parquet

PLACE: Final = Path(".stemma") / "scores"
MAX_BYTES: Final = 1 << 31
"""Size of the whole folder."""
MAX_PARTS: Final = 16
"""Files of one model's rows before they are made into one."""
DIGEST: Final = "digest"
STALE_SECONDS: Final = 3600.0
"""Age from which a file that was never moved into its place is one that a killed run left."""


@dataclass(frozen=True, slots=True)
class Cache:
    """Cached scores of one scorer with one model."""

    model: str
    """Digest of scorer, code, settings and model."""
    schema: pl.Schema
    """The columns that are kept, without those that name a row."""
    root: Path = PLACE
    max_bytes: int = MAX_BYTES

    @property
    def folder(self) -> Path:
        """Folder with the scores of this model."""
        return self.root / self.model

    def whole(self, key: str) -> pl.DataFrame | None:
        """Read the scores of the frame with this digest, in its order, if they are cached."""
        return self._read(self.folder / f"{key}.parquet", self.schema)

    def keep_whole(self, key: str, scores: pl.DataFrame) -> None:
        """Store the scores of a frame."""
        self._write(self.folder / f"{key}.parquet", scores.select(self.schema.names()))

    def rows(self, among: pl.DataFrame | None = None) -> pl.DataFrame:
        """Read cached rows: digest and scores, each digest once.

        Args:
            among: digests of the rows that are wanted, so that memory holds no others; None: all.
        """
        schema = pl.Schema([(DIGEST, pl.Binary()), *self.schema.items()])
        parts = (self._read(each, schema) for each in self._files())
        readable = (each for each in parts if each is not None)
        wanted = [
            each if among is None else each.join(among, on=DIGEST, how="semi") for each in readable
        ]
        return pl.concat([schema.to_frame(), *wanted]).unique(DIGEST, keep="first")

    def keep_rows(self, scores: pl.DataFrame) -> None:
        """Keep rows: digest and scores. Many small files become one."""
        if scores.is_empty():
            return
        before = self._files()
        if len(before) >= MAX_PARTS:
            scores = pl.concat([scores, self.rows()]).unique(DIGEST, keep="first")
        self._write(self.folder / f"{_name(scores)}.parquet", scores)
        if len(before) >= MAX_PARTS:
            _remove(each for each in before if each.stem != _name(scores))

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.parquet"))

    def _read(self, path: Path, schema: pl.Schema) -> pl.DataFrame | None:
        try:
            scores = parquet.decoded(path)
            os.utime(path)
        except (OSError, *UNREADABLE):
            return None
        return scores if scores.schema == schema else None

    def _write(self, path: Path, frame: pl.DataFrame) -> None:
        content = io.BytesIO()
        frame.write_parquet(content)
        files.write_atomic(path, content.getvalue())
        self._shrink(path)

    def _shrink(self, written: Path) -> None:
        """Remove what was not used for longest until the folder is within its bound."""
        by_age = sorted(_stats(self.root.glob("*/*")), key=lambda each: each[0].st_mtime)
        now = written.stat().st_mtime if written.exists() else 0.0
        left = (
            path for stat, path in by_age if _is_draft(path) and now - stat.st_mtime > STALE_SECONDS
        )
        _remove(left)
        total = sum(stat.st_size for stat, _ in by_age)
        for stat, path in by_age:
            if total <= self.max_bytes:
                return
            if path != written and not _is_draft(path):
                _remove([path])
                total -= stat.st_size


def _name(rows: pl.DataFrame) -> str:
    return hashlib.sha256(b"".join(rows[DIGEST].sort())).hexdigest()


def _is_draft(path: Path) -> bool:
    """Return whether a file never got its final name; earlier releases called such files `.tmp`."""
    return path.name.startswith(".") or path.suffix == ".tmp"


def _stats(paths: Iterable[Path]) -> Iterator[tuple[os.stat_result, Path]]:
    for path in paths:
        with contextlib.suppress(FileNotFoundError):  # another run removed it meanwhile
            yield path.stat(), path


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
