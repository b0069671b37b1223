"""A walk through a folder: what is read, what is refused and why, what is left out.

Nothing is opened. A link counts as what it leads to, if that lies inside of the folder.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from lake import files
from pipelines.common.digests import is_junk

SUFFIXES: Final = frozenset(
    {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".webp", ".gif", ".tif", ".tiff"}
)
TABLES: Final = (
    ".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".arrow", ".feather"
)  # fmt: skip
DEEPEST: Final = 32
"""Folders inside of each other."""
MOST: Final = 1 << 25
"""Bytes of one image file."""


@dataclass(slots=True)
class Walk:
    """What a walk through a folder has met."""

    root: Path
    images: list[str] = field(default_factory=list)
    tables: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)


def walk(root: Path) -> Walk:
    """Collect the files of a folder and of those inside of it, in order of their names."""
    met = Walk(root)
    _walk(met, root, "", (root,))
    return met


def _walk(walk: Walk, folder: Path, prefix: str, above: tuple[Path, ...]) -> None:
    for entry in sorted(_entries(folder), key=lambda each: each.name):
        name = f"{prefix}{entry.name}"
        if is_junk(entry.name):
            walk.left_out.append((name, "is a hidden file or one of the system"))
        elif suffix(entry.name) in SUFFIXES:
            _collect(walk, walk.images, name, _why_not(walk.root, entry))
        elif (why := _misplaced(walk.root, entry)) is not None and entry.is_symlink():
            _leave(walk, name, why, folder=_leads_to_folder(entry))
        elif why is not None:
            walk.refused.append(f"{name!r} {why}")
        elif entry.is_dir():
            _enter(walk, Path(entry.path).resolve(), name, above)
        elif suffix(entry.name) in TABLES:
            _collect(walk, walk.tables, name, _irregular(entry))
        else:
            walk.left_out.append((name, "is neither an image nor a table"))


def _enter(walk: Walk, inside: Path, name: str, above: tuple[Path, ...]) -> None:
    """Collect the files of a folder inside of another, unless that is a circle."""
    if inside in above or len(above) > DEEPEST:
        walk.refused.append(f"{name!r} leads to a folder above it")
        return
    walk.folders.append(name)
    _walk(walk, inside, f"{name}/", (*above, inside))


def _collect(walk: Walk, into: list[str], name: str, why: str | None) -> None:
    if why is None:
        into.append(name)
    else:
        walk.refused.append(f"{name!r} {why}")


def _leave(walk: Walk, name: str, why: str, *, folder: bool) -> None:
    """Refuse a link that would be read; leave out one to what is not read anyway."""
    if folder or suffix(name) in TABLES:
        walk.refused.append(f"{name!r} {why}")
    else:
        walk.left_out.append((name, "is neither an image nor a table"))


def _leads_to_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _irregular(entry: os.DirEntry[str]) -> str | None:
    kind = files.irregular_type(entry.stat().st_mode)
    return None if kind is None else f"is {kind}"


def _entries(path: str | Path) -> list[os.DirEntry[str]]:
    with os.scandir(path) as entries:
        return list(entries)


def suffix(name: str) -> str:
    """The end of a name, in lower case."""
    return Path(name).suffix.lower()


def _why_not(root: Path, entry: os.DirEntry[str]) -> str | None:
    """Describe why a file is refused; None if it is read."""
    why = _misplaced(root, entry)
    if why is not None:
        return why
    status = entry.stat()
    irregular = files.irregular_type(status.st_mode)
    if irregular is not None:
        return f"is {irregular}"
    return f"has {status.st_size:,} bytes" if status.st_size > MOST else None


def _misplaced(root: Path, entry: os.DirEntry[str]) -> str | None:
    """Describe why an entry is not inside the source; None if it is."""
    try:
        entry.name.encode()
        if not entry.is_symlink():
            return None
        inside = Path(entry.path).resolve(strict=True).is_relative_to(root)
    except UnicodeEncodeError:
        return "has a name that is not UTF-8"
    except (OSError, RuntimeError):  # there is nothing, or a circle of links
        return "leads nowhere"
    return None if inside else "leads out of the source"
