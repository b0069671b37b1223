"""What a source on disk holds: only regular files that lie inside of it, and nothing unsaid.

A folder of images has a folder for each class, or a file of metadata that names the images, or
neither; folders called as splits are (`train`, `test`) may stand above. A folder of tables is read
as one table. What is neither is left out, counted and said.

A source is somebody else's: a named pipe would hang whoever opens it, a device has no end, and a
link can lead to any file of this machine. All of these are refused by name, before one is opened.
Nothing heavy is imported here: the `lake` stage looks at every source on each `dvc repro`.
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import Final

from lake import files
from pipelines.common.digests import is_junk
from pipelines.common.errors import DataError
from pipelines.sources.folder_walk import MOST, TABLES, Walk, suffix
from pipelines.sources.folder_walk import walk as walk_through

METADATA: Final = ("metadata.jsonl", "metadata.csv", "metadata.parquet")
"""Files that name the images of their folder in a column `file_name`, as Hugging Face has it."""
SPLITS: Final = frozenset(
    {"train", "training", "test", "testing", "validation", "valid", "val", "dev", "eval"}
)
"""Folders that are no classes if all beside them are called like this too."""
PATTERN: Final = frozenset("*?[")
NAMED: Final = 5
"""Refused files that a sentence names."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The files of a source; paths are relative to its root, in order."""

    root: Path
    """Where it really is."""
    images: Mapping[str, str | None]
    """The class of each image; None: it has none."""
    tables: tuple[str, ...] = ()
    metadata: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    """Path and reason of what is not read."""
    joined: tuple[str, ...] = ()
    """Folders of splits that are read together."""

    @property
    def classes(self) -> list[str]:
        """Names of the classes, in order."""
        return list(dict.fromkeys(name for name in self.images.values() if name is not None))

    def read(self, image: str) -> bytes:
        """Read the bytes of an image.

        Raises:
            OSError: it is no longer what it was when it was found.
        """
        path = (self.root / image).resolve()
        if not path.is_relative_to(self.root):
            raise OSError(errno.EINVAL, "leads out of the source", image)
        return files.read_bytes(path, MOST, follow=False)


def check(source: str) -> None:
    """Look at a source before anything opens it, DVC included, which hashes what stages depend on.

    Raises:
        DataError: it is neither file nor folder, or a folder of which files are refused.
    """
    if "://" in source:
        return
    mode = mode_of(source)
    if is_pattern(source):
        matching(source)
    elif mode is not None and stat.S_ISDIR(mode):
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


def is_pattern(source: str) -> bool:
    """Tell whether a source is a pattern of names: it has a sign of one, and nothing is there."""
    return bool(PATTERN & set(source)) and "://" not in source and mode_of(source) is None


def matching(source: str) -> list[str]:
    """List the tables whose paths fit a pattern, in order.

    Raises:
        DataError: there is none, or one is no regular file.
    """
    paths = [path for path in sorted(glob(source, recursive=True)) if _is_table(path)]  # noqa: PTH207  absolute too
    if not paths:
        raise DataError(
            f"ingest.source {source!r}: no table ({', '.join(TABLES)}) fits this pattern; images "
            "are named by their folder"
        )
    for path in paths:
        check(path)
    return paths


def _is_table(path: str) -> bool:
    return not is_junk(Path(path).name) and suffix(path) in TABLES and not Path(path).is_dir()


def find(path: Path) -> Folder:
    """Find the images or tables of a folder, without opening one.

    Raises:
        DataError: there is neither, a class is without image, or files are refused; these are
            counted and the first ones named.
    """
    root = path.resolve()
    walk = walk_through(root)
    if walk.refused:
        raise DataError(_sentence(path, walk.refused))
    metadata = tuple(name for name in walk.tables if Path(name).name in METADATA)
    if not walk.images:
        if walk.tables and not metadata:
            return Folder(root, {}, tuple(walk.tables), left_out=tuple(walk.left_out))
        _refuse_empty(path, walk)
    beside = [name for name in walk.tables if name not in metadata]
    left_out = [*walk.left_out, *((name, "is a table beside images") for name in beside)]
    level = 1 if _are_splits(walk) else 0
    classes = {name: _class(name, level) for name in walk.images}
    if not metadata:
        _refuse_empty_classes(path, walk, level, classes)
        if any(classes.values()):
            outside = [name for name, label in classes.items() if label is None]
            left_out += [(name, "stands in no class folder") for name in outside]
            classes = {name: label for name, label in classes.items() if label is not None}
    joined = tuple(name for name in walk.folders if level and "/" not in name)
    return Folder(root, classes, (), metadata, tuple(left_out), joined)


def _are_splits(walk: Walk) -> bool:
    """Tell whether the folders of the root are splits, so that classes stand below."""
    top = {name for name in walk.folders if "/" not in name}
    return bool(top) and top <= SPLITS and all("/" in name for name in walk.images)


def _class(image: str, level: int) -> str | None:
    """The class of an image is the folder below the root, or below the folder of its split."""
    parts = image.split("/")
    return parts[level] if len(parts) > level + 1 else None


def _refuse_empty(path: Path, walk: Walk) -> None:
    top = [name for name in walk.folders if "/" not in name]
    if top:
        raise DataError(f"{path / top[0]} has no image; add some or remove the folder")
    others = f", and {len(walk.left_out):,} other files" if walk.left_out else ""
    raise DataError(
        f"{path} holds no image and no table ({', '.join(TABLES)}){others}; name the folder that "
        "holds your data"
    )


def _refuse_empty_classes(
    path: Path, walk: Walk, level: int, classes: Mapping[str, str | None]
) -> None:
    """Refuse a class folder without any image."""
    for folder in walk.folders:
        if folder.count("/") == level and not any(
            name.startswith(f"{folder}/") for name in classes
        ):
            raise DataError(f"{path / folder} has no image; add some or remove the folder")


def _sentence(path: Path, refused: list[str]) -> str:
    names = ", ".join(refused[:NAMED])
    more = f" and {len(refused) - NAMED:,} more" if len(refused) > NAMED else ""
    return (
        f"{path} holds {len(refused):,} that cannot be read: {names}{more}; a source is made of "
        f"regular files inside of it, of {MOST:,} bytes at most: remove these, or copy what they "
        "stand for into it"
    )
