"""Digests: of a value as canonical JSON, of a file, of a folder.

Whatever is new is digested by `of_json`. `of_spaced_json` is the one other convention: digests of
it name files that exist already.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Final

from lake import files
from lineage.digests import canonical, of_json

__all__ = ["canonical", "inside", "is_junk", "of_file", "of_json", "of_spaced_json"]

JUNK: Final = frozenset({"__MACOSX", "Thumbs.db", "desktop.ini"})
"""What systems leave behind; so are names that begin with a dot."""
CACHE: Final = "__pycache__"


def of_spaced_json(value: object) -> str:
    """SHA-256 of a value's JSON with sorted names and a space after each separator, ASCII.

    Segments of the ancestry index are named by it. An index that an earlier release built is found
    again only if these bytes stay as they are.

    Raises:
        TypeError: The value is not made of mappings, lists, texts, numbers, booleans and None.
    """
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode("ascii")).hexdigest()


def inside(folder: Path, *, junk: bool = False) -> list[Path]:
    """List the files of a folder that its digest is about, in order.

    Folders named `__pycache__` do not count, as in `.dvcignore`, nor does what a system leaves
    behind and no reader reads.

    Args:
        folder: The folder.
        junk: Count what a system leaves behind, as releases before 0.3 did.
    """
    items = (item for item in folder.rglob("*") if not _is_ignored(item.relative_to(folder), junk))
    return sorted(item for item in items if item.is_file())


def is_junk(name: str) -> bool:
    """Tell whether a name is that of a hidden file, or of one that a system left behind."""
    return name in JUNK or name.startswith(".")


def _is_ignored(path: Path, junk: bool) -> bool:
    return any(part == CACHE or (is_junk(part) and not junk) for part in path.parts)


def of_file(path: Path) -> str:
    """SHA-256 of a file's bytes; of a folder, of its files' names and bytes in order.

    Which files of a folder count, says `inside`.

    Raises:
        OSError: The file does not exist, or is no regular file.
    """
    if path.is_dir():
        counted = inside(path)
        parts = [f"{item.relative_to(path).as_posix()}:{of_file(item)}" for item in counted]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
    with files.open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
