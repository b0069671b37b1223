"""Digests: of a value as canonical JSON, of a file, of a folder.

Whatever is new is digested by `of_json`. `of_spaced_json` is the one other convention: digests of
it name files that exist already.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from lake import files
from lineage.digests import canonical, of_json

__all__ = ["canonical", "of_file", "of_json", "of_spaced_json"]


def of_spaced_json(value: object) -> str:
    """SHA-256 of a value's JSON with sorted names and a space after each separator, ASCII.

    Segments of the ancestry index are named by it. An index that an earlier release built is found
    again only if these bytes stay as they are.

    Raises:
        TypeError: The value is not made of mappings, lists, texts, numbers, booleans and None.
    """
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode("ascii")).hexdigest()


def of_file(path: Path) -> str:
    """SHA-256 of a file's bytes; of a folder, of its files' names and bytes in order.

    Folders named `__pycache__` do not count, as in `.dvcignore`.

    Raises:
        OSError: The file does not exist, or is no regular file.
    """
    if path.is_dir():
        items = (item for item in path.rglob("*") if "__pycache__" not in item.parts)
        inside = sorted(item for item in items if item.is_file())
        parts = [f"{item.relative_to(path).as_posix()}:{of_file(item)}" for item in inside]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()
    with files.open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
