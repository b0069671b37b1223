"""The files of an embedded lake, with the paths at which its versions hold them.

Whatever commit, branch, tag or staged change refers to an object, and whether any does: every file
is there once, so that one look at the objects is a look at every version of every repository.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lake import settings
from lake.errors import CorruptError
from lake.home import LakeHome
from lake.server.catalog.database import Database, sqlite_errors_translated
from lake.server.catalog.entries import is_packed
from lake.server.catalog.trees import parse
from lake.server.storage.objects import object_files
from lake.server.storage.reading import ObjectReader
from lake.settings import Embedded

NOWHERE: Final = "no version"
"""In the place of a path: nothing refers to the object."""


@dataclass(frozen=True, slots=True)
class LakeFile:
    """A file of a lake: an object, or what a client left in the staging area."""

    name: str
    """SHA-256 of an object; the file's name in the staging area."""
    path: Path
    places: tuple[str, ...]
    """Paths at which versions hold it."""

    @property
    def size(self) -> int:
        """Bytes of it."""
        return self.path.stat().st_size

    @property
    def state(self) -> str:
        """Nothing: a purge takes it out of every version."""
        return ""

    def read(self) -> bytes:
        """The bytes of it."""
        return self.path.read_bytes()


def home(root: Path) -> LakeHome | None:
    """The directory of a project's embedded lake; None where its lake is another server's."""
    where = settings.resolve(root)
    return LakeHome(where.home.absolute()) if isinstance(where, Embedded) else None


def objects(lake: LakeHome) -> list[LakeFile]:
    """All objects of a lake, in order of their digests."""
    places = _places(lake)
    return [
        LakeFile(sha256, path, tuple(sorted(places.get(sha256, ()))) or (NOWHERE,))
        for sha256, path in object_files(lake.objects)
    ]


def unpurged(lake: LakeHome, named: Iterable[str]) -> bool:
    """Whether the lake still holds one of some objects as it was, by their SHA-256.

    A purge that is killed after its record was kept leaves all of them; once it has begun to remove
    them, the lake itself finishes it.
    """
    database = Database(lake.catalog, read_only=True)
    with sqlite_errors_translated(), closing(database.connection), database.snapshot():
        database.load_tombstones()
        purged = database.tombstones
        return any(purged.get(sha256) is None and _is_there(lake, sha256) for sha256 in named)


def _is_there(lake: LakeHome, sha256: str) -> bool:
    return ObjectReader(lake.objects).path(sha256).exists()


def others(lake: LakeHome) -> Iterator[Path]:
    """The other files of a lake that may hold payload: in staging, and its log."""
    if lake.staging.is_dir():
        yield from sorted(path for path in lake.staging.iterdir() if path.is_file())
    yield from sorted(lake.path.glob(f"{lake.log.name}*"))


def _places(lake: LakeHome) -> dict[str, set[str]]:
    """The paths of each object, by the SHA-256 of what is read now."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    database = Database(lake.catalog, read_only=True)
    with sqlite_errors_translated(), closing(database.connection), database.snapshot():
        database.load_tombstones()
        for (data,) in database.connection.execute("SELECT data FROM blocks"):
            try:
                node = parse(data)
            except CorruptError:
                continue
            if node.level == 0:
                for path, packed in zip(node.keys, node.values, strict=True):
                    found[database.unpack(packed).sha256].add(path)
        staged = "SELECT path, entry FROM staging WHERE entry IS NOT NULL"
        for path, text in database.connection.execute(staged):
            packed = json.loads(text)
            if is_packed(packed):
                found[database.unpack(packed).sha256].add(path)
    return found
