"""Verification of a take-down: does anything that is left hold what was taken down?

Every object of the lake and every file of the project is decoded, ids are computed again from each
row, image and text, and compared with the deny-list's ids and fingerprints; the content itself is
gone. What could not be read is listed, for nobody knows what it holds. A table of ids, such as
lineage, holds digests and is no finding.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lake import refs
from lake.client import Lake
from pipelines.rounds import purges
from pipelines.takedown import local_files, purge, record, search
from pipelines.takedown.content import Wanted
from pipelines.takedown.deny_list import EMPTY
from pipelines.takedown.found_objects import StoredFile

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Leftover:
    """Content that was taken down and is still somewhere."""

    place: str
    """Path in the lake, or of a file."""
    inside: str
    """Where in it, such as a row of a table."""
    how: str
    """How it was recognised: `id`, `exact` or `near`."""
    object: str = ""
    """SHA-256 of the object, where it is one of the lake."""
    state: str = ""
    """What holds it, in a lake that another server serves: branches, or old versions alone."""

    def to_dict(self) -> dict[str, str]:
        """Convert to JSON values."""
        return {
            "place": self.place,
            "inside": self.inside,
            "how": self.how,
            "object": self.object,
            "state": self.state,
        }


@dataclass(slots=True, eq=False)
class Verification:
    """What a search of everything that is left has found."""

    takedown: str
    leftovers: list[Leftover] = field(default_factory=list)
    unread: list[tuple[str, str]] = field(default_factory=list)
    """Places that could not be read, and why."""
    objects: int = 0
    files: int = 0
    ids: int = 0
    """Ids that were looked for."""
    fingerprints: int = 0
    gone: int = 0
    """Objects of old versions whose bytes a purge removed underneath."""

    @property
    def clean(self) -> bool:
        """Whether nothing was found; what could not be read may hold something."""
        return not self.leftovers

    def to_dict(self) -> dict[str, Any]:
        """Convert to JSON values."""
        return {
            "takedown": self.takedown,
            "clean": self.clean,
            "leftovers": [item.to_dict() for item in self.leftovers],
            "unread": [{"place": place, "why": why} for place, why in self.unread],
            "searched": {"objects": self.objects, "files": self.files},
            "gone": self.gone,
            "looked_for": {"ids": self.ids, "fingerprints": self.fingerprints},
        }


def wanted_of(lake: Lake, name: str, *, near: bool) -> Wanted:
    """What is looked for: ids of a take-down and of its purges, and its entries of the deny-list.

    Raises:
        DataError: main holds no such take-down.
    """
    takedown = record.read(lake, refs.MAIN, name)
    ids = {bytes.fromhex(one) for one in takedown.ids}
    for done in purges.of_lake(lake).records:
        if done.takedown == name:
            ids |= {bytes.fromhex(one) for one in done.ids}
    entries = purge.entries_of(lake, name) if near else EMPTY
    return Wanted(frozenset(ids), purge.shapes_of(lake, takedown.main), entries)


def verify(
    lake: Lake,
    objects: Sequence[StoredFile],
    paths: Sequence[Path],
    name: str,
    tell: Progress,
    *,
    near: bool,
) -> Verification:
    """Search a lake and files.

    Args:
        lake: the repository whose main holds the take-down.
        objects: all objects of the lake.
        paths: other files of it and of the project.
        name: of the take-down.
        tell: is told how far it is.
        near: whether to look for near-duplicates too.

    Raises:
        DataError: main holds no such take-down.
    """
    wanted = wanted_of(lake, name, near=near)
    found = Verification(name, ids=len(wanted.ids), fingerprints=len(wanted.entries))
    for item, data, seen in purge.search_all(objects, wanted, tell):
        found.objects += 1
        sha256 = hashlib.sha256(data).hexdigest() if seen.hits() else ""
        _add(found, ", ".join(item.places), seen, sha256, item.state)
    for path, _, seen in local_files.search_all(paths, wanted, tell):
        found.files += 1
        _add(found, str(path), seen)
    return found


def _add(
    found: Verification, place: str, seen: search.Found, sha256: str = "", state: str = ""
) -> None:
    found.leftovers += [Leftover(place, hit.inside, hit.how, sha256, state) for hit in seen.hits()]
    found.unread += [
        (f"{place}: {inside}" if inside else place, why) for inside, why in seen.unread
    ]


def by_place(found: Verification) -> Iterator[tuple[str, int, str, str]]:
    """Each place, its number of leftovers, how the first was recognised, and its state."""
    counted: dict[str, list[Leftover]] = {}
    for item in found.leftovers:
        counted.setdefault(item.place, []).append(item)
    for place, items in counted.items():
        yield place, len(items), items[0].how, items[0].state
