"""Objects under paths: reading, staging, copying and listing, above catalog and object store."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import starmap, takewhile
from typing import Final

from lake.errors import InvalidError, NotFoundError, PreconditionError
from lake.server.catalog.catalog import Catalog
from lake.server.catalog.common_prefixes import folded
from lake.server.catalog.entries import Entry
from lake.server.catalog.overlay import laid_over
from lake.server.catalog.pagination import Page, page
from lake.server.catalog.versions import Place, Versions
from lake.server.storage.objects import ObjectStore, Stored

DEFAULT_TYPE: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of a listing: an object, or a common prefix when there is no entry."""

    path: str
    entry: Entry | None


class Content:
    """The objects of a lake."""

    def __init__(self, catalog: Catalog, versions: Versions, store: ObjectStore) -> None:
        """Work on catalog, history and files."""
        self.catalog = catalog
        self.versions = versions
        self.store = store

    def stat(self, repository: str, ref: str, path: str) -> Entry:
        """The entry of a path at a ref; on a branch, what is staged counts.

        Raises:
            NotFoundError: there is no such path.
        """
        with self.catalog.database.snapshot():
            place = self.versions.place(repository, ref)
            found = self._lookup(repository, place, path)
        if found is None:
            raise NotFoundError(f"{path!r} not found at {ref!r}")
        return found

    def list(
        self, repository: str, ref: str, *, prefix: str, after: str, delimiter: str, amount: int
    ) -> Page[Listed]:
        """List objects under a prefix; a delimiter folds what follows it into common prefixes."""
        with self.catalog.database.snapshot():
            place = self.versions.place(repository, ref)

            def walk(start: str, inclusive: bool) -> Iterator[tuple[str, Entry]]:
                return self._walk(repository, place, prefix, start, inclusive=inclusive)

            lines = starmap(Listed, folded(walk, prefix, delimiter, after))
            return page(lines, amount, lambda item: item.path)

    def stage(
        self,
        repository: str,
        branch: str,
        path: str,
        stored: Stored,
        *,
        content_type: str,
        metadata: Mapping[str, str],
        only_new: bool,
    ) -> Entry:
        """Put a stored object under a path of a branch, uncommitted; it need not be held any more.

        Raises:
            PreconditionError: `only_new`, and the path is taken.
        """
        entry = Entry(
            stored.sha256, stored.md5, stored.size, int(time.time()), content_type, metadata
        )
        try:
            with self.catalog.database.change():
                if only_new and self._on_branch(repository, branch, path) is not None:
                    raise PreconditionError(f"{path!r} exists already")
                self.catalog.stage(repository, branch, {path: entry})
        finally:
            self.store.holds.free(stored.sha256)
        return entry

    def remove(self, repository: str, branch: str, paths: Iterable[str]) -> None:
        """Stage the removal of paths; absent ones are no error."""
        with self.catalog.database.change():
            self.catalog.stage(repository, branch, dict.fromkeys(paths))

    def copy(
        self, repository: str, branch: str, path: str, source_ref: str, source_path: str
    ) -> Entry:
        """Put the object of another path under this one; no bytes move."""
        with self.catalog.database.change():
            entry = replace(self.stat(repository, source_ref, source_path), mtime=int(time.time()))
            self.catalog.stage(repository, branch, {path: entry})
        return entry

    def offer(self, repository: str, branch: str, path: str) -> str:
        """Hand out an address that a local client may write the path's bytes to."""
        address = self.store.slot()
        self.catalog.offer(address, repository, branch, path)
        return address

    def link(
        self,
        repository: str,
        branch: str,
        path: str,
        address: str,
        *,
        content_type: str,
        metadata: Mapping[str, str],
        only_new: bool,
    ) -> Entry:
        """Take over the file at an address that was handed out for this path.

        Raises:
            InvalidError: the address was not handed out for it, or was used.
        """
        if not self.catalog.offered(address, repository, branch, path):
            raise InvalidError(f"{address} was not handed out for {path!r} on {branch!r}")
        stored = self.store.link(address)
        with self.catalog.database.change():
            self.catalog.take(address)
            return self.stage(
                repository,
                branch,
                path,
                stored,
                content_type=content_type,
                metadata=metadata,
                only_new=only_new,
            )

    def offer_many(self, repository: str, branch: str, paths: Sequence[str]) -> Sequence[str]:
        """Hand out an address for each path, in one transaction."""
        addresses = [self.store.slot() for _ in paths]
        with self.catalog.database.change():
            for address, path in zip(addresses, paths, strict=True):
                self.catalog.offer(address, repository, branch, path)
        return addresses

    def link_many(
        self,
        repository: str,
        branch: str,
        pairs: Sequence[tuple[str, str]],
        *,
        content_type: str,
    ) -> None:
        """Take over the files at addresses that were handed out for these paths, all or none.

        Raises:
            InvalidError: an address was not handed out for its path, or was used.
        """
        for path, address in pairs:
            if not self.catalog.offered(address, repository, branch, path):
                raise InvalidError(f"{address} was not handed out for {path!r} on {branch!r}")
        found = self.store.link_many([address for _, address in pairs])
        now = int(time.time())
        entries: dict[str, Entry | None] = {
            path: Entry(stored.sha256, stored.md5, stored.size, now, content_type)
            for (path, _), stored in zip(pairs, found, strict=True)
        }
        try:
            with self.catalog.database.change():
                for _, address in pairs:
                    self.catalog.take(address)
                self.catalog.stage(repository, branch, entries)
        finally:
            for stored in found:
                self.store.holds.free(stored.sha256)

    def reset(self, repository: str, branch: str, kind: str, path: str) -> None:
        """Forget uncommitted changes: all, under a prefix, or of one object."""
        if kind == "object":
            with self.catalog.database.change() as db:
                self.catalog.ref("branches", repository, branch)
                db.execute(
                    "DELETE FROM staging WHERE repository = ? AND branch = ? AND path = ?",
                    (repository, branch, path),
                )
        elif kind in ("common_prefix", "reset"):
            self.catalog.ref("branches", repository, branch)
            self.catalog.unstage(repository, branch, path if kind == "common_prefix" else "")
        else:
            raise InvalidError(f"reset type {kind!r} is none of reset, common_prefix, object")

    def _on_branch(self, repository: str, branch: str, path: str) -> Entry | None:
        head = self.versions.head(repository, branch)
        return self._lookup(repository, Place(head, branch), path)

    def _lookup(self, repository: str, place: Place, path: str) -> Entry | None:
        tree = self.versions.tree(place.commit)
        return self.catalog.lookup(repository, place.branch, tree, path)

    def _walk(
        self, repository: str, place: Place, prefix: str, start: str, *, inclusive: bool
    ) -> Iterator[tuple[str, Entry]]:
        tree = self.versions.tree(place.commit)
        found = tree.items(start, inclusive=inclusive)
        committed = takewhile(lambda item: item[0].startswith(prefix), found)
        if place.branch is None:
            return committed
        staged = self.catalog.changes(repository, place.branch, prefix, start, inclusive=inclusive)
        return laid_over(staged, committed)
