"""The objects of a lake that another server serves, as far as its public API shows them.

Every branch with its uncommitted changes, every tag, every commit that these lead to, and the
commits that receipts name are listed. What no ref leads to, or was staged and staged over, only the
server's own garbage collection knows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from lake import refs
from lake.client import Lake
from lake.errors import CorruptError, NotFoundError, TooLargeError
from lake.migration.plan import reachable
from lake.values import ObjectInfo
from pipelines.rounds import purges

WAITS: Final = "waits for garbage collection"
"""What becomes of an object that old versions alone hold."""
RECORDS: Final = (refs.PURGED, refs.MOVED, refs.ATTESTATIONS)
"""Branches on which nothing is written again, because they hold signed records."""


@dataclass(slots=True, eq=False)
class ServedObject:
    """An object of a server's store, and what holds it."""

    address: str
    """Its physical address."""
    checksum: str
    size: int
    lake: Lake
    ref: str
    path: str
    """Where it is read: a ref of the repository, and the path there."""
    paths: set[str] = field(default_factory=set)
    commits: set[tuple[str, str]] = field(default_factory=set)
    """Repositories and ids of the commits that hold it."""
    branches: defaultdict[tuple[str, str], set[str]] = field(
        default_factory=lambda: defaultdict(set)
    )
    """By repository and branch, the paths at which it is now, committed or staged."""

    @property
    def places(self) -> tuple[str, ...]:
        """Paths at which versions hold it."""
        return tuple(sorted(self.paths))

    @property
    def state(self) -> str:
        """What holds it: branches as they are now, or old versions alone."""
        named = sorted(f"{branch} of {repository}" for repository, branch in self.branches)
        return f"held by {', '.join(named)}" if named else WAITS

    def read(self) -> bytes:
        """The bytes of it.

        Raises:
            CorruptError: the store does not have them any more.
        """
        return self.lake.read(self.ref, self.path, stored=True)

    def is_there(self) -> bool:
        """Whether the store has its bytes."""
        try:
            self.lake.read(self.ref, self.path, 0, stored=True)
        except TooLargeError:
            return True
        except CorruptError:
            return False
        return True


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """The objects of a project's repositories."""

    objects: list[ServedObject]
    gone: list[ServedObject]
    """Objects that a purge named, and whose bytes the store does not have any more."""


def survey(lakes: Iterable[Lake], named: Iterable[str]) -> Survey:
    """List all objects of some repositories; one that is not there has none.

    Args:
        lakes: the repositories.
        named: ids of commits that are listed even if no branch or tag leads to them.
    """
    found: dict[str, ServedObject] = {}
    known: set[str] = set()
    missing = set(named)
    for lake in lakes:
        try:
            branches = lake.branches()
        except NotFoundError:
            continue
        for record in purges.of_lake(lake).records:
            known |= {item.purged.md5 for item in record.objects}
        heads = {*branches.values(), *lake.tags().values()}
        missing -= reachable(lake, sorted(heads)).keys()
        extra = {*_resolved(lake, sorted(missing))}
        missing -= extra
        for commit in sorted(reachable(lake, sorted(heads | extra))):
            for item in lake.objects(commit, stored=True):
                _of(found, lake, commit, item).commits.add((lake.repository, commit))
        for branch in branches:
            for item in lake.objects(branch, stored=True):
                held = _of(found, lake, branch, item).branches
                held[lake.repository, branch].add(item.path)
    gone = [each for each in found.values() if each.checksum in known and not each.is_there()]
    addresses = {each.address for each in gone}
    present = sorted(set(found) - addresses)
    return Survey([found[address] for address in present], gone)


def held_now(lakes: Iterable[Lake]) -> dict[str, list[str]]:
    """By physical address, the branches that hold an object now, committed or staged."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for lake in lakes:
        try:
            branches = sorted(lake.branches())
        except NotFoundError:
            continue
        for branch in branches:
            for address in {item.address for item in lake.objects(branch, stored=True)}:
                found[address].append(f"{branch} of {lake.repository}")
    return dict(found)


def _of(found: dict[str, ServedObject], lake: Lake, ref: str, item: ObjectInfo) -> ServedObject:
    """The object of a listing."""
    known = found.get(item.address)
    if known is None:
        known = ServedObject(item.address, item.checksum, item.size, lake, ref, item.path)
        found[item.address] = known
    known.paths.add(item.path)
    return known


def _resolved(lake: Lake, named: Iterable[str]) -> Iterator[str]:
    """The ids among some that the repository has."""
    for each in named:
        try:
            yield lake.resolve(each).id
        except NotFoundError:
            continue
