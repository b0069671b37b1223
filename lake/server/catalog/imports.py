"""Imports: files beside the lake become objects and one commit, hashed here, in the background.

Only directories that the server was told of (`--import-from`) are read. A prefix that is imported
replaces what the branch held under its destination, as lakeFS does it.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from lake.errors import ConflictError, ForbiddenError, InvalidError, LakeError, NotFoundError
from lake.server.catalog.commits import Commit, Note
from lake.server.catalog.entries import Entry
from lake.server.catalog.validation import check_key
from lake.server.catalog.versions import Versions
from lake.server.storage.hashing import CHUNK
from lake.server.storage.objects import SCHEME, ObjectStore, Stored

KEPT: Final = 100
"""How many finished imports are remembered."""
DEFAULT_TYPE: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Location:
    """What to import: a file or a directory, and where it goes on the branch."""

    whole: bool
    place: Path
    destination: str


@dataclass(slots=True)
class Import:
    """An import under way or finished."""

    repository: str
    branch: str
    done: int = 0
    finished: bool = False
    commit: Commit | None = None
    error: str = ""
    updated: datetime = field(default_factory=lambda: datetime.now(UTC))
    stop: threading.Event = field(default_factory=threading.Event)


class Imports:
    """The imports of one lake."""

    def __init__(self, store: ObjectStore, versions: Versions, allowed: Sequence[Path]) -> None:
        """Import only from the directories that are allowed."""
        self._store = store
        self._versions = versions
        self._allowed = [place.resolve() for place in allowed]
        self._known: dict[str, Import] = {}
        self._lock = threading.Lock()

    @property
    def offered(self) -> bool:
        """Tell whether anything can be imported."""
        return bool(self._allowed)

    @property
    def busy(self) -> bool:
        """Tell whether an import is under way."""
        return any(not each.finished for each in list(self._known.values()))

    def location(self, kind: str, address: str, destination: str) -> Location:
        """Check what is to be imported.

        Raises:
            InvalidError: no local address, or no kind of location.
            ForbiddenError: it lies outside of the directories that are allowed.
        """
        if kind not in ("object", "common_prefix"):
            raise InvalidError(f"import type {kind!r} is none of object, common_prefix")
        if not address.startswith(f"{SCHEME}/") or "\x00" in address:
            raise InvalidError(f"{address!r} is not the address of a local file: {SCHEME}/…")
        place = Path(address.removeprefix(SCHEME)).resolve()
        if not any(place.is_relative_to(allowed) for allowed in self._allowed):
            raise ForbiddenError(f"{address} lies outside of what may be imported (--import-from)")
        whole = kind == "common_prefix"
        if not (place.is_dir() if whole else place.is_file()):
            raise InvalidError(f"{address} is not a {'directory' if whole else 'file'}")
        if whole and destination and not destination.endswith("/"):
            destination += "/"
        return Location(whole, place, destination)

    def take(self, location: Location) -> Stored:
        """Store one file."""
        return self._stored(location.place)

    def start(
        self,
        repository: str,
        branch: str,
        locations: Sequence[Location],
        note: Note,
        *,
        allow_empty: bool,
    ) -> str:
        """Begin an import; return its id."""
        self._versions.clean_head(repository, branch)
        name, task = secrets.token_hex(10), Import(repository, branch)
        with self._lock:
            finished = [key for key, each in self._known.items() if each.finished]
            for key in finished[: max(0, len(self._known) - KEPT)]:
                del self._known[key]
            self._known[name] = task

        def commit(entries: Mapping[str, Entry]) -> Commit:
            prefixes = [item.destination for item in locations if item.whole]
            return self._versions.commit_over(
                repository, branch, prefixes, entries, note, allow_empty=allow_empty
            )

        threading.Thread(target=self._run, args=(task, locations, commit), daemon=True).start()
        return name

    def status(self, repository: str, branch: str, name: str) -> Import:
        """Look an import up.

        Raises:
            NotFoundError: there is none of this id on this branch.
        """
        found = self._known.get(name)
        if found is None or (found.repository, found.branch) != (repository, branch):
            raise NotFoundError(f"import {name!r} not found on {branch!r}")
        return found

    def cancel(self, repository: str, branch: str, name: str) -> None:
        """Stop an import.

        Raises:
            ConflictError: it is finished already.
        """
        found = self.status(repository, branch, name)
        if found.finished:
            raise ConflictError(f"import {name!r} is finished already")
        found.stop.set()

    def _run(
        self,
        task: Import,
        locations: Sequence[Location],
        commit: Callable[[Mapping[str, Entry]], Commit],
    ) -> None:
        entries: dict[str, Entry] = {}
        try:
            for path, file in self._files(locations):
                if task.stop.is_set():
                    raise ConflictError("the import was cancelled")  # noqa: TRY301  one way out
                check_key(path)
                entries[path] = self._entry(file)
                task.done, task.updated = task.done + 1, datetime.now(UTC)
            task.commit = commit(entries)
        except LakeError as error:
            task.error = str(error)
        except OSError as error:
            task.error = f"{error.filename} cannot be read: {error.strerror}"
        except Exception as error:  # noqa: BLE001  whoever asks for the status must hear of it
            task.error = f"internal error: {error}"
        finally:
            for entry in entries.values():
                self._store.holds.free(entry.sha256)
            task.updated, task.finished = datetime.now(UTC), True

    def _files(self, locations: Sequence[Location]) -> Iterator[tuple[str, Path]]:
        """Paths on the branch with their files; a link that leaves its directory is refused."""
        for item in locations:
            if not item.whole:
                yield item.destination, item.place
                continue
            for directory, below, names in os.walk(item.place):
                below.sort()
                for file in (Path(directory) / name for name in sorted(names)):
                    if not file.resolve().is_relative_to(item.place):
                        raise ForbiddenError(f"{file} leads out of {item.place}")
                    yield item.destination + file.relative_to(item.place).as_posix(), file

    def _entry(self, file: Path) -> Entry:
        modified = int(file.stat().st_mtime)
        stored = self._stored(file)
        return Entry(stored.sha256, stored.md5, stored.size, modified, DEFAULT_TYPE)

    def _stored(self, file: Path) -> Stored:
        async def pieces() -> AsyncIterator[bytes]:
            with file.open("rb") as source:
                while piece := source.read(CHUNK):
                    yield piece

        return asyncio.run(self._store.receive(pieces()))
