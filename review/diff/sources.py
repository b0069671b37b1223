"""Two sides of a table as parts, of which equal ones are never opened.

The sides are refs of a lake, whose objects have checksums, or files on a disk. A part that both
sides hold under any name cancels out: rows in it are the same rows.
"""

from __future__ import annotations

import filecmp
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from lake import files as local
from lake.client import Lake
from lake.values import ObjectInfo
from pipelines.common import parquet
from review.errors import UsageError

SUFFIX: Final = ".parquet"


@dataclass(frozen=True, slots=True)
class Side:
    """The parts of one side of a table, in order of their names."""

    differing: tuple[str, ...]
    """Parts that the other side does not hold."""
    equal: tuple[str, ...]
    open: Callable[[str], pl.LazyFrame]
    """Scan a part by its name."""

    def frame(self) -> pl.LazyFrame | None:
        """The parts that differ, as one frame; None where there is none."""
        return _together([self.open(name) for name in self.differing])

    def some(self, wanted: Callable[[str], bool]) -> pl.LazyFrame | None:
        """The parts with some names, equal ones too; None where there is none."""
        names = sorted({*self.differing, *self.equal})
        return _together([self.open(name) for name in names if wanted(name)])

    def whole(self) -> pl.LazyFrame | None:
        """All parts, equal ones too."""
        return self.some(lambda _: True)

    def columns(self) -> pl.Schema | None:
        """Columns of the parts that differ, or else of any part: its footer is read."""
        names = self.differing or self.equal[:1]
        found = _together([self.open(name) for name in names])
        return None if found is None else found.collect_schema()


@dataclass(frozen=True, slots=True)
class Sources:
    """A table on both sides."""

    left: Side
    right: Side

    def frames(self) -> tuple[pl.LazyFrame, pl.LazyFrame] | None:
        """The parts that differ; a side without any is empty, with the other's columns."""
        left, right = self.left.frame(), self.right.frame()
        if left is None and right is None:
            return None
        return _filled(left, right, self.left), _filled(right, left, self.right)


def in_lake(lake: Lake, left: str, right: str, prefix: str) -> Sources:
    """The parts under a prefix at two refs, told apart by the lake's checksums."""
    held = [
        {item.path: item for item in lake.objects(ref, prefix) if item.path.endswith(SUFFIX)}
        for ref in (left, right)
    ]
    differing = _differing(*held)
    return Sources(
        *(
            Side(tuple(names), tuple(sorted({*items} - {*names})), _scanner(lake, ref, items))
            for ref, items, names in zip((left, right), held, differing, strict=True)
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
                tuple(sorted({*files} - same)),
                tuple(sorted(same)),
                lambda name, files=files: _scanned(files[name]),  # type: ignore[misc]
            )
            for files in (ours, theirs)
        )
    )


def _scanned(place: Path) -> pl.LazyFrame:
    """Scan a file that does not become much more in memory than it is.

    Raises:
        DataError: it is no Parquet file, or does.
        UsageError: it cannot be read.
    """
    try:
        with local.opened(place) as file:
            parquet.check(place, file)
    except OSError as error:
        raise UsageError(f"{place} cannot be read: {error.strerror}") from error
    return pl.scan_parquet(place, glob=False)


def is_on_disk(path: str) -> bool:
    """Whether a path names a Parquet file or a folder that holds some."""
    place = Path(path)
    if place.is_dir():
        return next(place.rglob(f"*{SUFFIX}"), None) is not None
    return place.is_file() and place.suffix == SUFFIX


def _scanner(lake: Lake, ref: str, items: dict[str, ObjectInfo]) -> Callable[[str], pl.LazyFrame]:
    return lambda name: lake.scan_parts(ref, [items[name]])


def _differing(
    left: dict[str, ObjectInfo], right: dict[str, ObjectInfo]
) -> tuple[list[str], list[str]]:
    """Names of parts whose content the other side does not hold as often."""
    counts = [
        Counter((each.checksum, each.size) for each in side.values()) for side in (left, right)
    ]
    return _more(left.values(), counts[1]), _more(right.values(), counts[0])


def _more(parts: Iterable[ObjectInfo], there: Counter[tuple[str, int]]) -> list[str]:
    rest = Counter(there)
    found = []
    for part in sorted(parts, key=lambda each: each.path):
        rest[part.checksum, part.size] -= 1
        if rest[part.checksum, part.size] < 0:
            found.append(part.path)
    return found


def _files(place: Path) -> dict[str, Path]:
    if place.is_file():
        return {SUFFIX: place}
    found = {str(each.relative_to(place)): each for each in sorted(place.rglob(f"*{SUFFIX}"))}
    if not found:
        raise UsageError(f"{place} holds no Parquet file")
    for each in found.values():
        said = local.kind(each.stat().st_mode) if each.exists() else "a link that leads nowhere"
        if said is not None:
            raise UsageError(f"{str(each)!r} is {said}, not a regular file; remove it")
    return found


def _together(parts: Sequence[pl.LazyFrame]) -> pl.LazyFrame | None:
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else pl.concat(parts, how="diagonal_relaxed")


def _filled(frame: pl.LazyFrame | None, other: pl.LazyFrame | None, side: Side) -> pl.LazyFrame:
    if frame is not None:
        return frame
    schema = side.columns() if other is None else other.collect_schema()
    return pl.LazyFrame(schema=schema)
