"""Backups: a whole lake as it was at one moment, taken while it is served, added to, and put back.

A backup is laid out as a lake is, so `stemma lake fsck --home BACKUP` checks it:

    BACKUP/
    ├── catalog.db         the catalogue of that moment, in one file
    ├── identity.json      which lake it is
    ├── credentials.json   its generated key pair
    ├── keys.json          its other key pairs
    └── objects/           the objects that the catalogue refers to

SQLite copies the catalogue in one snapshot, beside writers. Objects never change, so those that
an earlier backup has are not copied again. The catalogue takes its name last: a backup that was
interrupted is the one before it, with more objects.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lake import files, keys, private
from lake.errors import ConflictError, CorruptError, InvalidError, NotFoundError
from lake.home import LakeHome
from lake.server.catalog import high_water
from lake.server.catalog.database import Database, sqlite_errors_translated
from lake.server.maintenance import backup_place, fsck
from lake.server.maintenance.inventory import Inventory
from lake.server.storage.disk import disk_errors_translated, flush_directory, flush_file
from lake.server.storage.hashing import digest
from lake.server.storage.objects import object_files

ATTEMPTS: Final = 3
"""How often the catalogue is copied where a collection removes objects in the meantime."""
_LEFT_OVER: Final = ("catalog.db-wal", "catalog.db-shm")
"""What a catalogue that is gone may have left; SQLite would take its log for the new one's."""

Progress = Callable[[int, int], None]
"""Is told how many bytes of objects are copied, and of how many."""


@dataclass(frozen=True, slots=True)
class Copied:
    """What a backup or a restored lake holds, and what of it was copied or removed this time."""

    objects: int
    object_bytes: int
    copied: int
    copied_bytes: int
    removed: int
    commits: int
    refs: int


def take(home: LakeHome, target: Path, progress: Progress | None = None) -> Copied:
    """Make or renew a backup of a lake, which may be served meanwhile.

    Objects of the backup that the lake does not need any more are removed from it.

    Args:
        home: the lake.
        target: directory of the backup: a new one, an empty one, or a backup of the same lake.
        progress: is told how far it is.

    Raises:
        NotFoundError: there is no lake.
        InvalidError: the directory holds something else, lies in the lake, or has seen more.
        CorruptError: something of the lake is missing or damaged; the backup before stays.
        BusyError: another process writes the backup.
        FullError: there is no room.
    """
    if not home.catalog.exists():
        raise NotFoundError(f"there is no lake in {home.path}: name its directory with --home")
    high_water.check(home.catalog)
    with disk_errors_translated():
        backup = backup_place.of(home, target)
        private.folder(backup.path)
        with backup_place.alone(backup):
            backup_place.remove_drafts(backup)
            _copy_kept(home, backup)
            needed, copied = _copy(home, backup, progress or _silent)
            return _report(needed, copied, _remove_unneeded(backup, needed.sizes))


def restore(source: Path, home: LakeHome, progress: Progress | None = None) -> Copied:
    """Put a backup in the place of a lake that is gone; the backup is checked first.

    Args:
        source: directory of the backup.
        home: directory of the lake, in which there is none.
        progress: is told how far it is.

    Raises:
        NotFoundError: there is no backup.
        ConflictError: a lake is there already.
        CorruptError: something is missing or damaged in the backup; nothing is put back.
        BusyError: a process serves that directory.
        FullError: there is no room.
    """
    backup = LakeHome(source)
    if not backup.catalog.exists():
        raise NotFoundError(f"there is no backup in {source}")
    if home.catalog.exists():
        raise ConflictError(
            f"there is a lake in {home.path}: move it away first, its history would be lost"
        )
    problems = fsck.check(backup).problems
    if problems:
        raise CorruptError(
            f"{len(problems)} things are wrong in the backup: `stemma lake fsck --home {source}` "
            "names them"
        )
    with disk_errors_translated(), home.held(f"the lake in {home.path}"):
        high_water.write(home.catalog, _changes(backup.catalog))  # else a half is an empty lake
        backup_place.remove_drafts(home)
        _copy_kept(backup, home)
        needed, copied = _copy(backup, home, progress or _silent, verify=True)
    return _report(needed, copied, 0)


def _silent(_done: int, _total: int) -> None:
    """Tell nobody."""


def _copy(
    source: LakeHome, target: LakeHome, progress: Progress, *, verify: bool = False
) -> tuple[Inventory, tuple[int, int]]:
    """Copy a catalogue and its objects, which may be collected meanwhile; its name comes last.

    With `verify` objects that are there already are hashed, and replaced where they are damaged.

    Raises:
        InvalidError: the target has seen more changes.
        CorruptError: something is missing or damaged.
    """
    draft = private.draft(target.catalog)
    try:
        for attempt in range(ATTEMPTS):
            _copy_catalog(source.catalog, draft)
            _check_newer(draft, target)
            needed = _inventory(draft)
            try:
                copied = _copy_objects(source, target, needed.sizes, progress, verify=verify)
                break
            except FileNotFoundError as error:
                if attempt + 1 == ATTEMPTS:
                    raise CorruptError(
                        f"{error.filename} is missing: `stemma lake fsck` names what needs it"
                    ) from error
        for name in _LEFT_OVER:
            (target.path / name).unlink(missing_ok=True)
        draft.replace(target.catalog)
        flush_directory(target.path)
    finally:
        draft.unlink(missing_ok=True)
    return needed, copied


def _copy_kept(source: LakeHome, target: LakeHome) -> None:
    for name in backup_place.KEPT:
        if (source.path / name).exists():
            _copy_file(source.path / name, target.path / name)
        elif name == keys.FILE:  # whoever removed it has revoked all keys
            (target.path / name).unlink(missing_ok=True)


def _check_newer(draft: Path, backup: LakeHome) -> None:
    """Refuse to put an older catalogue in the place of a newer one.

    Raises:
        InvalidError: the backup has seen more changes.
    """
    lacking = _changes(backup.catalog) - _changes(draft) if backup.catalog.exists() else 0
    if lacking > 0:
        raise InvalidError(
            f"the backup in {backup.path} has seen {lacking:,} changes more than this lake, which "
            "would be lost: name a new directory"
        )


def _changes(catalog: Path) -> int:
    database = Database(catalog, read_only=True)
    with sqlite_errors_translated(), closing(database.connection):
        return high_water.changes(database)


def _copy_catalog(catalog: Path, draft: Path) -> None:
    """Copy a catalogue in one snapshot, into one file without a log beside it."""
    draft.unlink(missing_ok=True)
    private.touch(draft)
    database = Database(catalog, read_only=True)
    with (
        sqlite_errors_translated(),
        closing(database.connection) as source,
        closing(sqlite3.connect(draft)) as copy,
    ):
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")


def _inventory(catalog: Path) -> Inventory:
    """What a catalogue refers to.

    Raises:
        CorruptError: something is missing or damaged in it.
    """
    database = Database(catalog, read_only=True)
    with sqlite_errors_translated(), closing(database.connection):
        inventory = Inventory(database)
        inventory.read()
    if inventory.wrong:
        raise CorruptError(
            f"{len(inventory.wrong)} things are wrong in the lake's catalogue: `stemma lake fsck` "
            "names them"
        )
    return inventory


def _copy_objects(
    source: LakeHome,
    target: LakeHome,
    sizes: Mapping[str, int],
    progress: Progress,
    *,
    verify: bool,
) -> tuple[int, int]:
    """Copy the objects that the target lacks; return how many, and their bytes.

    Raises:
        FileNotFoundError: one is gone from the source.
        CorruptError: one is damaged.
    """
    private.folder(target.objects)
    missing = {
        name: size for name, size in sizes.items() if not _has(target, name, size, verify=verify)
    }
    total, done = sum(missing.values()), 0
    for name, size in missing.items():
        folder = target.objects / name[:2]
        private.folder(folder)
        _copy_file(_object(source, name), folder / name[2:], mode=0o444, sha256=name)
        done += size
        progress(done, total)
    for folder in {target.objects / name[:2] for name in missing}:
        flush_directory(folder)
    return len(missing), total


def _copy_file(
    source: Path, target: Path, *, mode: int = private.FILE_MODE, sha256: str = ""
) -> None:
    """Copy a file in one step and to the disk; with `sha256`, only what has it.

    Raises:
        CorruptError: the bytes are others.
    """
    draft = private.draft(target)
    try:
        with files.open_regular(source) as given, draft.open("xb") as copy:
            shutil.copyfileobj(given, copy, 1 << 20)
            flush_file(copy)
        if sha256 and digest(draft).sha256 != sha256:
            raise CorruptError(f"{source} is damaged: `stemma lake fsck` names what needs it")
        draft.chmod(mode)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _remove_unneeded(backup: LakeHome, sizes: Mapping[str, int]) -> int:
    unneeded = [path for name, path in object_files(backup.objects) if name not in sizes]
    for path in unneeded:
        path.unlink()
    return len(unneeded)


def _report(needed: Inventory, copied: tuple[int, int], removed: int) -> Copied:
    sizes = needed.sizes
    return Copied(
        len(sizes), sum(sizes.values()), *copied, removed, len(needed.commits), needed.refs
    )


def _object(home: LakeHome, name: str) -> Path:
    return home.objects / name[:2] / name[2:]


def _has(home: LakeHome, name: str, size: int, *, verify: bool) -> bool:
    path = _object(home, name)
    try:
        return path.stat().st_size == size and not (verify and digest(path).sha256 != name)
    except FileNotFoundError:
        return False
