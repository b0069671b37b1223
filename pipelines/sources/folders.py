"""Folders of images, one sub-folder per class: only regular files that lie inside of the source.

A source is somebody else's: a named pipe would hang whoever opens it, a device has no end, and a
link can lead to any file of this machine. All of these are refused by name, before one is opened.
Nothing heavy is imported here: the `lake` stage looks at every source on each `dvc repro`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lake import files
from pipelines.common.errors import DataError

SUFFIXES: Final = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp"})
MOST: Final = 1 << 25
"""Bytes of one image file."""
NAMED: Final = 5
"""Refused files that a sentence names."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The images of a source, by class."""

    root: Path
    """Where it really is."""
    classes: Mapping[str, list[str]]
    """Names of the image files by class, both in order."""

    def read(self, name: str, file: str) -> bytes:
        """Read the bytes of an image.

        Raises:
            OSError: it is no longer what it was when it was found.
        """
        path = self.root / name / file
        path = path.resolve() if path.is_symlink() else path
        return files.read_bytes(path, MOST, follow=False)


def check(source: str) -> None:
    """Look at a source before anything opens it, DVC included, which hashes what stages depend on.

    Raises:
        DataError: it is neither file nor folder, or a folder of which files are refused.
    """
    mode = mode_of(source)
    if mode is not None and stat.S_ISDIR(mode):
        find(Path(source))
    elif mode is not None and (irregular := files.irregular_type(mode)) is not None:
        raise DataError(f"ingest.source {source!r} is {irregular}, not a regular file")


def mode_of(source: str) -> int | None:
    """Return the file mode of a path; None if nothing is there.

    Raises:
        DataError: it cannot be told.
    """
    try:
        return Path(source).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "No file can have this name"
        raise DataError(f"ingest.source {source!r} cannot be read: {reason}") from error


def find(path: Path) -> Folder:
    """Find the images of a folder, without opening one.

    Raises:
        DataError: there is no class, a class is without image, or files are refused; these are
            counted and the first ones named.
    """
    root = path.resolve()
    classes: dict[str, list[str]] = {}
    refused: list[str] = []
    for entry in sorted(_entries(root), key=lambda each: each.name):
        if entry.name.startswith(".") or not entry.is_dir():
            continue
        why = _misplaced(root, entry)
        entries = [] if why else list(_images(entry))
        whys = {entry.name: why} | {
            f"{entry.name}/{each.name}": _why_not(root, each) for each in entries
        }
        refused += [f"{name!r} {reason}" for name, reason in whys.items() if reason]
        classes[entry.name] = [each.name for each in entries]
    if refused:
        raise DataError(_sentence(path, refused))
    if not classes:
        raise DataError(f"{path} has no sub-folder; it needs one per class")
    empty = next((name for name, images in classes.items() if not images), None)
    if empty is not None:
        raise DataError(f"{path / empty} has no image; add some or remove the folder")
    return Folder(root, classes)


def _images(folder: os.DirEntry[str]) -> Iterator[os.DirEntry[str]]:
    """The entries of a class that are called as images are, in order."""
    entries = (each for each in _entries(folder.path) if _suffix(each.name) in SUFFIXES)
    return iter(sorted(entries, key=lambda each: each.name))


def _entries(path: str | Path) -> list[os.DirEntry[str]]:
    with os.scandir(path) as entries:
        return list(entries)


def _suffix(name: str) -> str:
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


def _sentence(path: Path, refused: list[str]) -> str:
    names = ", ".join(refused[:NAMED])
    more = f" and {len(refused) - NAMED:,} more" if len(refused) > NAMED else ""
    return (
        f"{path} holds {len(refused):,} that cannot be read: {names}{more}; a source is made of "
        f"regular files inside of it, of {MOST:,} bytes at most: remove these, or copy what they "
        "stand for into it"
    )
