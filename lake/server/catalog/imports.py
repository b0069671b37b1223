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
from io import BufferedReader
from pathlib import Path
from typing import Final, Literal, Protocol

from lake import files
from lake.errors import ConflictError, ForbiddenError, InvalidError, LakeError, NotFoundError
from lake.server.catalog.commits import Commit, CommitMessage
from lake.server.catalog.entries import Entry
from lake.server.catalog.object_service import DEFAULT_TYPE
from lake.server.catalog.protection import RepositorySettings
from lake.server.catalog.validation import check_key
from lake.server.catalog.versions import Versions
from lake.server.storage.hashing import StoredObject, read_chunks
from lake.server.storage.objects import ObjectStore
from lake.server.storage.reading import SCHEME

LAST_IMPORT: Final = ".lakefs.last.import.timestamp"
"""Key in the metadata of a repository: when something was imported last (RFC 3339)."""
MAX_REMEMBERED: Final = 100
"""How many finished imports are remembered."""


@dataclass(frozen=True, slots=True)
class Location:
    """A file or directory to import, and its destination on the branch."""

    is_directory: bool
    source: Path
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


class Committing(Protocol):
    """Makes the commit of an import, with whatever has to agree to it before."""

    def __call__(
        self,
        repository: str,
        branch: str,
        make: Callable[[CommitMessage], Commit],
        message: CommitMessage,
    ) -> Commit:
        """Call what makes it, once or again, in a transaction; return what was made last."""


class ImportService:
    """The imports of one lake."""

    def __init__(
        self,
        store: ObjectStore,
        versions: Versions,
        settings: RepositorySettings,
        allowed: Sequence[Path],
        committing: Committing,
    ) -> None:
        """Import only from the directories that are allowed."""
        self._committing = committing
        self._store = store
        self._versions = versions
        self._settings = settings
        self._allowed = [directory.resolve() for directory in allowed]
        self._imports: dict[str, Import] = {}
        self._lock = threading.Lock()

    @property
    def enabled(self) -> bool:
        """Whether anything can be imported."""
        return bool(self._allowed)

    @property
    def busy(self) -> bool:
        """Whether an import is under way."""
        return any(not task.finished for task in list(self._imports.values()))

    def location(
        self, location_type: Literal["object", "common_prefix"], address: str, destination: str
    ) -> Location:
        """Check a file or directory to import.

        Raises:
            InvalidError: the address is not that of a local file or directory.
            ForbiddenError: it lies outside of the directories that are allowed.
        """
        if not address.startswith(f"{SCHEME}/") or "\x00" in address:
            raise InvalidError(f"{address!r} is not the address of a local file: {SCHEME}/…")
        source = _resolved(address)
        if not any(source.is_relative_to(allowed) for allowed in self._allowed):
            raise ForbiddenError(f"{address} lies outside of what may be imported (--import-from)")
        is_directory = location_type == "common_prefix"
        is_there = os.path.isdir if is_directory else os.path.isfile  # pathlib's raise
        if not is_there(source):
            raise InvalidError(f"{address} is not a {'directory' if is_directory else 'file'}")
        if is_directory and destination and not destination.endswith("/"):
            destination += "/"
        return Location(is_directory, source, destination)

    def start(
        self,
        repository: str,
        branch: str,
        locations: Sequence[Location],
        message: CommitMessage,
        *,
        allow_empty: bool,
    ) -> str:
        """Begin an import; return its id."""
        self._versions.clean_head(repository, branch)
        name, task = secrets.token_hex(10), Import(repository, branch)
        with self._lock:
            finished = [key for key, other in self._imports.items() if other.finished]
            for key in finished[: max(0, len(self._imports) - MAX_REMEMBERED)]:
                del self._imports[key]
            self._imports[name] = task

        def commit(entries: Mapping[str, Entry]) -> Commit:
            prefixes = [item.destination for item in locations if item.is_directory]

            def make(dated: CommitMessage) -> Commit:
                now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
                self._settings.set_metadata(repository, {LAST_IMPORT: now})
                return self._versions.commit_over(
                    repository, branch, prefixes, entries, dated, allow_empty=allow_empty
                )

            return self._committing(repository, branch, make, message)

        threading.Thread(target=self._run, args=(task, locations, commit), daemon=True).start()
        return name

    def status(self, repository: str, branch: str, name: str) -> Import:
        """Look an import up.

        Raises:
            NotFoundError: there is no import of this id on this branch.
        """
        task = self._imports.get(name)
        if task is None or (task.repository, task.branch) != (repository, branch):
            raise NotFoundError(f"import {name!r} not found on {branch!r}")
        return task

    def cancel(self, repository: str, branch: str, name: str) -> None:
        """Stop an import.

        Raises:
            ConflictError: it is finished already.
        """
        task = self.status(repository, branch, name)
        if task.finished:
            raise ConflictError(f"import {name!r} is finished already")
        task.stop.set()

    def store_file(self, path: Path) -> StoredObject:
        """Store a file of a directory that may be imported from, and pin it; the caller unpins it.

        Raises:
            ForbiddenError: it lies outside of these directories by now.
            OSError: it cannot be read, or is not a regular file.
        """
        with self._open(path) as file:
            return self._store_open(file)

    def _store_open(self, file: BufferedReader) -> StoredObject:
        async def chunks() -> AsyncIterator[bytes]:
            for chunk in read_chunks(file):
                yield chunk

        return asyncio.run(self._store.receive(chunks()))

    def _open(self, path: Path) -> BufferedReader:
        """Open what a path leads to, and nothing else that is put in its way meanwhile."""
        real = path.resolve()
        for allowed in self._allowed:
            if real.is_relative_to(allowed):
                return files.open_beneath(allowed, real.relative_to(allowed))
        raise ForbiddenError(f"{path} lies outside of what may be imported (--import-from)")

    def _run(
        self,
        task: Import,
        locations: Sequence[Location],
        commit: Callable[[Mapping[str, Entry]], Commit],
    ) -> None:
        entries: dict[str, Entry] = {}
        pinned: list[str] = []
        try:
            for path, file in self._files(locations):
                if task.stop.is_set():
                    raise ConflictError("the import was cancelled")  # noqa: TRY301  one way out
                check_key(path)
                entries[path] = self._entry(file)
                pinned.append(entries[path].sha256)  # of one path that comes twice, both
                task.done, task.updated = task.done + 1, datetime.now(UTC)
            task.commit = commit(entries)
        except LakeError as error:
            task.error = str(error)
        except OSError as error:
            task.error = f"{error.filename} cannot be read: {error.strerror}"
        except Exception as error:  # noqa: BLE001  whoever asks for the status must hear of it
            task.error = f"internal error: {error}"
        finally:
            for sha256 in pinned:
                self._store.pins.unpin(sha256)
            task.updated, task.finished = datetime.now(UTC), True

    def _files(self, locations: Sequence[Location]) -> Iterator[tuple[str, Path]]:
        """Paths on the branch with their files; a link that leaves its directory is refused."""
        for item in locations:
            if not item.is_directory:
                yield item.destination, item.source
                continue
            for directory, subdirectories, names in os.walk(item.source):
                subdirectories.sort()
                for file in (Path(directory) / name for name in sorted(names)):
                    if not file.resolve().is_relative_to(item.source):
                        raise ForbiddenError(f"{file} leads out of {item.source}")
                    yield item.destination + file.relative_to(item.source).as_posix(), file

    def _entry(self, file: Path) -> Entry:
        with self._open(file) as opened:
            modified = int(os.fstat(opened.fileno()).st_mtime)
            stored = self._store_open(opened)
        return Entry(stored.sha256, stored.md5, stored.size, modified, DEFAULT_TYPE)


def _resolved(address: str) -> Path:
    """The file of an address, without symbolic links.

    Raises:
        InvalidError: they lead in a circle.
    """
    try:
        return Path(address.removeprefix(SCHEME)).resolve()
    except (OSError, RuntimeError) as error:
        raise InvalidError(f"{address} cannot be found: its links lead in a circle") from error
