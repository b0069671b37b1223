"""The actions of a tree: which files it has below `_lakefs_actions/`, and what they say.

A file is read and parsed once for each content, before the transaction that needs it and never in
one: no writer waits for a file of somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice, takewhile
from threading import Lock
from typing import Final

from lake.server.actions import action_file
from lake.server.actions.action_file import FOLDER, MAX_BYTES, Action, ActionFileError
from lake.server.actions.events import EventType
from lake.server.catalog.entries import Entry
from lake.server.catalog.trees import Tree
from lake.server.storage.reading import ObjectReader

MAX_FILES: Final = 32
"""How many action files a tree may have."""
_MAX_REMEMBERED: Final = 512

Key = tuple[str, str, int]
"""Path, SHA-256 and size of a file."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """A file that cannot be used: why, and the events that it is for, None if that is unknown."""

    reason: str
    events: frozenset[str] | None = None

    def check(self, event: EventType) -> None:
        """Refuse an event that the file may be for: a check that cannot run does not pass.

        Raises:
            ActionFileError: it may be.
        """
        if self.events is None or event in self.events:
            raise ActionFileError(self.reason)


class UnreadActionsError(Exception):
    """Action files have to be read before the transaction begins again."""

    def __init__(self, keys: Iterable[Key]) -> None:
        """Name the files."""
        super().__init__("action files are to be read")
        self.keys = tuple(keys)


class ActionLoader:
    """The action files of a lake."""

    def __init__(self, store: ObjectReader) -> None:
        """Read from its objects."""
        self._store = store
        self._lock = Lock()
        self._read: dict[Key, Action | Unusable] = {}
        self._keys: dict[str, tuple[Key, ...]] = {}
        """Files of a tree by its root; most have none."""

    def load(self, tree: Tree) -> Mapping[str, Action | Unusable]:
        """The actions of a tree by path.

        Raises:
            UnreadActionsError: files have to be read first (`read`).
            ActionFileError: there are too many, or two have one name.
        """
        keys = self._files_of(tree)
        with self._lock:
            known = {key: self._read[key] for key in keys if key in self._read}
        if len(known) < len(keys):
            raise UnreadActionsError(key for key in keys if key not in known)
        actions = {path: action for (path, _, _), action in known.items()}
        _check_names(actions)
        return actions

    def read(self, keys: Iterable[Key]) -> None:
        """Read and parse files, and remember what they say.

        Raises:
            CorruptError: one is gone, or is not what was written.
        """
        read = {key: self._parsed(key) for key in keys}
        with self._lock:
            if len(self._read) + len(read) > _MAX_REMEMBERED:
                self._read.clear()
            self._read.update(read)

    def _files_of(self, tree: Tree) -> tuple[Key, ...]:
        with self._lock:
            keys = self._keys.get(tree.root)
        if keys is None:
            keys = tuple(_key(path, entry) for path, entry in _files(tree))
            with self._lock:
                if len(self._keys) >= _MAX_REMEMBERED:
                    self._keys.clear()
                self._keys[tree.root] = keys
        return keys

    def _parsed(self, key: Key) -> Action | Unusable:
        path, sha256, size = key
        if size > MAX_BYTES:
            return Unusable(f"{path}: an action file has at most {MAX_BYTES >> 10} KiB")
        try:
            return action_file.parse(path, self._store.read_small(sha256, size))
        except ActionFileError as error:
            return Unusable(str(error), error.events)


def changed(before: Tree, after: Tree) -> set[str]:
    """Paths of the action files that are in one tree, and not the same in another before it."""
    known = dict(_files(before))
    return {path for path, entry in _files(after) if not _same(known.get(path), entry)}


def _same(before: Entry | None, after: Entry) -> bool:
    return before is not None and before.sha256 == after.sha256


def _key(path: str, entry: Entry) -> Key:
    return path, entry.sha256, entry.size


def _files(tree: Tree) -> list[tuple[str, Entry]]:
    """The files directly below the folder.

    Raises:
        ActionFileError: there are too many.
    """
    below = takewhile(lambda item: item[0].startswith(FOLDER), tree.items(FOLDER, inclusive=False))
    direct = (item for item in below if "/" not in item[0][len(FOLDER) :])
    files = list(islice(direct, MAX_FILES + 1))
    if len(files) > MAX_FILES:
        raise ActionFileError(f"{FOLDER} has more than {MAX_FILES} files: put actions together")
    return files


def _check_names(actions: Mapping[str, Action | Unusable]) -> None:
    paths: dict[str, str] = {}
    for path, action in actions.items():
        if isinstance(action, Unusable):
            continue
        if action.name in paths:
            raise ActionFileError(
                f"{path}: `name` is {action.name!r} as in {paths[action.name]}: give it another"
            )
        paths[action.name] = path
