"""The files of a project that may hold what was taken down: models, caches, reports, DVC's cache.

A table is written again without the rows; any other file goes, since a cache or a page is made
again where it is missing. A picture of many samples cannot be searched, so those of the data sets
in question go too. Files elsewhere, such as exports, and git's own history are not looked at.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lake import files
from pipelines.rounds import ancestry_index
from pipelines.takedown import search
from pipelines.takedown.content import Wanted
from pipelines.takedown.search import PARQUET, Found

FOLDERS: Final = ("models", "reports", "rounds", ".stemma", ".dvc/cache")
"""Folders of a project that are searched."""
WITHOUT_PAYLOAD: Final = (ancestry_index.CACHE, Path(".stemma/llm-server"))
"""Folders of which the formats are known, and hold ids and numbers alone."""
SHEET: Final = "grid.png"
"""Name of the picture of a round, below `reports/DATASET/ROUND`."""
_SQLITE: Final = b"SQLite format 3\0"
_BESIDE: Final = ("-wal", "-shm", "-journal")
"""What SQLite puts beside a database, by the ends of their names."""

Progress = Callable[[int, int], None]


@dataclass(slots=True, eq=False)
class LocalPurge:
    """What became of a project's files, by path."""

    rewritten: list[Path] = field(default_factory=list)
    removed: list[Path] = field(default_factory=list)
    unread: list[tuple[Path, str]] = field(default_factory=list)
    searched: int = 0


def of_project(root: Path) -> list[Path]:
    """The files of a project to search, sorted; links are left alone."""
    found = []
    for name in FOLDERS:
        place = root / name
        if place.is_symlink() or not place.is_dir():
            continue
        found += [path for path in place.rglob("*") if path.is_file() and not path.is_symlink()]
    hidden = [root / folder for folder in WITHOUT_PAYLOAD]
    return sorted(
        path
        for path in found
        if not any(path.is_relative_to(folder) for folder in hidden) and not _beside(path)
    )


def read(path: Path) -> bytes:
    """The bytes of a file; of a database with what its log holds.

    Raises:
        OSError: it cannot be read.
    """
    data = path.read_bytes()
    if not data.startswith(_SQLITE) or not path.with_name(f"{path.name}-wal").exists():
        return data
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
            return database.serialize()
    except sqlite3.Error as error:
        raise OSError(f"its log cannot be read ({error})") from error


def search_all(
    paths: Collection[Path], wanted: Wanted, tell: Progress
) -> Iterator[tuple[Path, bytes, Found]]:
    """Search files; one that cannot be read is found as unread."""
    total, done = sum(_size(path) for path in paths), 0
    for path in paths:
        try:
            data = read(path)
        except OSError as error:
            yield path, b"", Found([], [], [("", f"cannot be read ({error.strerror or error})")])
            continue
        yield path, data, search.find(data, wanted)
        done += _size(path)
        tell(done, total)


def purge(
    root: Path, wanted: Wanted, take_down: str, datasets: Collection[str], tell: Progress
) -> LocalPurge:
    """Write a project's files again without what was taken down, or remove them.

    Args:
        root: the project.
        wanted: what was taken down.
        take_down: its name.
        datasets: the data sets whose pictures go.
        tell: is told how far it is.

    Raises:
        OSError: a file can neither be written nor removed.
    """
    done = LocalPurge()
    for path, data, found in search_all(of_project(root), wanted, tell):
        done.searched += 1
        done.unread += [(path, f"{place}{why}") for place, why in found.unread]
        if is_sheet(path, root, datasets):
            _remove(path)
            done.removed.append(path)
        elif found.hits() and data.startswith(PARQUET):
            cleaned = search.clean(data, found, take_down, "")
            files.write_atomic(path, cleaned.data, durable=True)
            done.rewritten.append(path)
        elif found.hits():
            _remove(path)
            done.removed.append(path)
    return done


def is_sheet(path: Path, root: Path, datasets: Collection[str]) -> bool:
    """Whether a file is the picture of a round of some data sets."""
    parts = path.relative_to(root).parts
    return parts[0] == "reports" and path.name == SHEET and not {*datasets}.isdisjoint(parts)


def _remove(path: Path) -> None:
    path.unlink()
    for end in _BESIDE:
        path.with_name(f"{path.name}{end}").unlink(missing_ok=True)


def _beside(path: Path) -> bool:
    """Whether a file is a part of the database beside it."""
    return any(
        path.name.endswith(end) and path.with_name(path.name.removesuffix(end)).exists()
        for end in _BESIDE
    )


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
