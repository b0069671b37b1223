"""The two sides of a table as parts, of which equal ones are never opened.

The sides are refs of a lake, whose objects have checksums, or files on a disk. A part that both
sides hold, under any name, is left out: its rows are the same.
"""

from __future__ import annotations

import filecmp
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from lake import files
from lake.client import Lake
from lake.values import ObjectInfo
from pipelines.common import parquet
from review.errors import UsageError

SUFFIX: Final = ".parquet"


@dataclass(frozen=True, slots=True)
class Side:
    """The parts of one side of a table, in order of their names."""

    differing: tuple[str, ...]
    """Names of the parts that the other side does not hold."""
    equal: tuple[str, ...]
    """Names of the parts that both sides hold."""
    open: Callable[[str], pl.LazyFrame]
    """Scan a part by its name."""

    def frame(self) -> pl.LazyFrame | None:
        """The differing parts as one frame; None where there are none."""
        return _together([self.open(name) for name in self.differing])

    def some(self, predicate: Callable[[str], bool]) -> pl.LazyFrame | None:
        """The parts whose names are wanted, equal ones too; None where there are none."""
        names = sorted({*self.differing, *self.equal})
        return _together([self.open(name) for name in names if predicate(name)])

    def whole(self) -> pl.LazyFrame | None:
        """All parts, equal ones too."""
        return self.some(lambda _: True)

    def columns(self) -> pl.Schema | None:
        """The columns of the differing parts, or else of any part; only footers are read."""
        names = self.differing or self.equal[:1]
        frame = _together([self.open(name) for name in names])
        return None if frame is None else frame.collect_schema()


@dataclass(frozen=True, slots=True)
class Sources:
    """A table on both sides."""

    left: Side
    right: Side

    def frames(self) -> tuple[pl.LazyFrame, pl.LazyFrame] | None:
        """The differing parts; a side without any is an empty frame with the other's columns."""
        left, right = self.left.frame(), self.right.frame()
        if left is None and right is None:
            return None
        return _filled(left, right, self.left), _filled(right, left, self.right)


def in_lake(lake: Lake, left: str, right: str, prefix: str) -> Sources:
    """The parts under a prefix at two refs, told apart by the lake's checksums."""
    objects = [
        {item.path: item for item in lake.objects(ref, prefix) if item.path.endswith(SUFFIX)}
        for ref in (left, right)
    ]
    differing = _differing(*objects)
    return Sources(
        *(
            Side(tuple(names), tuple(sorted({*items} - {*names})), _scanner(lake, ref, items))
            for ref, items, names in zip((left, right), objects, differing, strict=True)
        )
    )


def on_disk(left: Path, right: Path) -> Sources:
    """Parquet files, or folders of them; files of one name with equal bytes are one part.

    Raises:
        UsageError: a path holds no Parquet file.
    """
    ours, theirs = _files(left), _files(right)
    same = {
        name
        for name in ours
        if name in theirs and filecmp.cmp(ours[name], theirs[name], shallow=False)
    }
    return Sources(
        *(
            Side(
                tuple(sorted({*parts} - same)),
                tuple(sorted(same)),
                lambda name, parts=parts: _scanned(parts[name]),  # type: ignore[misc]
            )
            for parts in (ours, theirs)
        )
    )


def _scanned(path: Path) -> pl.LazyFrame:
    """Scan a file, unless it would become much larger in memory than it is on disk.

    Raises:
        DataError: it is no Parquet file, or would become too large.
        UsageError: it cannot be read.
    """
    try:
        with files.open_regular(path) as file:
            parquet.check(path, file)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    return pl.scan_parquet(path, glob=False)


def is_on_disk(name: str) -> bool:
    """Whether a path names a Parquet file or a folder that holds some."""
    path = Path(name)
    if path.is_dir():
        return next(path.rglob(f"*{SUFFIX}"), None) is not None
    return path.is_file() and path.suffix == SUFFIX


def _scanner(lake: Lake, ref: str, items: dict[str, ObjectInfo]) -> Callable[[str], pl.LazyFrame]:
    return lambda name: lake.scan_parts(ref, [items[name]])


def _differing(
    left: dict[str, ObjectInfo], right: dict[str, ObjectInfo]
) -> tuple[list[str], list[str]]:
    """Names of the parts whose content the other side holds less often."""
    counts = [
        Counter((item.checksum, item.size) for item in side.values()) for side in (left, right)
    ]
    return _more(left.values(), counts[1]), _more(right.values(), counts[0])


def _more(parts: Iterable[ObjectInfo], other_counts: Counter[tuple[str, int]]) -> list[str]:
    rest = Counter(other_counts)
    names = []
    for part in sorted(parts, key=lambda item: item.path):
        rest[part.checksum, part.size] -= 1
        if rest[part.checksum, part.size] < 0:
            names.append(part.path)
    return names


def _files(path: Path) -> dict[str, Path]:
    if path.is_file():
        return {SUFFIX: path}
    parts = {str(file.relative_to(path)): file for file in sorted(path.rglob(f"*{SUFFIX}"))}
    if not parts:
        raise UsageError(f"{path} holds no Parquet file")
    for file in parts.values():
        problem = (
            files.irregular_type(file.stat().st_mode)
            if file.exists()
            else "a link that leads nowhere"
        )
        if problem is not None:
            raise UsageError(f"{str(file)!r} is {problem}, not a regular file; remove it")
    return parts


def _together(parts: Sequence[pl.LazyFrame]) -> pl.LazyFrame | None:
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else pl.concat(parts, how="diagonal_relaxed")


def _filled(frame: pl.LazyFrame | None, other: pl.LazyFrame | None, side: Side) -> pl.LazyFrame:
    if frame is not None:
        return frame
    schema = side.columns() if other is None else other.collect_schema()
    return pl.LazyFrame(schema=schema)
