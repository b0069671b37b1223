"""One folder in two processes: files that one has written are sent to the other.

The two processes have a folder each, under the same name. Before each message its sender adds what
changed in its own, and the receiver makes the same changes; so tests may write a file for a program
to read, and the other way round. What the program's process sends is checked: plain relative names,
regular files, no more than a message holds.
"""

from __future__ import annotations

import base64
import contextlib
import os
import stat
from pathlib import Path, PurePosixPath
from typing import Any, Final

from pipelines.sandbox.inside.errors import MalformedError

ROOT: Final = Path("/box")
DEEPEST: Final = 16
"""Folders within each other."""
FOLDER: Final = ""
"""What stands for the content of a folder."""
Stamp = tuple[int, int]


class Folder:
    """What of a folder the other process knows."""

    def __init__(self, root: Path = ROOT) -> None:
        """Take a folder."""
        self._root = root
        self._known: dict[str, Stamp] = {}

    def changes(self) -> dict[str, str | None]:
        """What has changed since the last message: content in base64; None: it is gone."""
        now = self._stamps()
        if now == self._known:
            return {}
        changed: dict[str, str | None] = dict.fromkeys(self._known.keys() - now.keys())
        for name, stamp in now.items():
            if self._known.get(name) != stamp:
                with contextlib.suppress(OSError):
                    changed[name] = self._content(name)
        self._known = now
        return changed

    def apply(self, changes: object) -> None:
        """Make the changes of the other process.

        Raises:
            MalformedError: they name what is not in the folder, or are no changes.
        """
        if not changes:
            return
        if not isinstance(changes, dict):
            raise MalformedError("changes of files that are none")
        gone = sorted((name for name in changes if changes[name] is None), reverse=True)
        for name in (*gone, *sorted(changes.keys() - set(gone))):  # a folder after what is in it
            place = self._inside(name)
            with contextlib.suppress(OSError):
                self._change(place, name, changes[name])
        self._known = self._stamps()

    def _change(self, place: Path, name: str, content: Any) -> None:
        if content is None:
            place.rmdir() if name.endswith("/") else place.unlink()
        elif name.endswith("/"):
            place.mkdir(exist_ok=True)
        elif isinstance(content, str):
            try:
                data = base64.b64decode(content, validate=True)
            except ValueError as error:
                raise MalformedError("a file whose content cannot be read") from error
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_NONBLOCK
            with os.fdopen(os.open(place, flags, 0o644), "wb") as file:
                file.write(data)

    def _inside(self, name: str) -> Path:
        """The place of a name, if it is one of the folder and nothing on the way is a link."""
        parts = PurePosixPath(name).parts
        plain = name.rstrip("/") == "/".join(parts) and "\0" not in name
        if not plain or not 0 < len(parts) <= DEEPEST or {"..", "/"} & set(parts):
            raise MalformedError("a file outside of the folder")
        place = self._root
        for part in parts[:-1]:
            place /= part
            if place.is_symlink():
                raise MalformedError("a file behind a link")
        return place / parts[-1]

    def _content(self, name: str) -> str:
        if name.endswith("/"):
            return FOLDER
        number = os.open(self._root / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(number, "rb") as file:
            return base64.b64encode(file.read()).decode("ascii")

    def _stamps(self) -> dict[str, Stamp]:
        """Regular files with time and size, and folders, whose names end with a slash."""
        found: dict[str, Stamp] = {}
        left = [""]
        while left:
            head = left.pop()
            if head.count("/") > DEEPEST:
                continue
            with contextlib.suppress(OSError), os.scandir(self._root / head) as entries:
                for entry in entries:
                    seen = entry.stat(follow_symlinks=False)
                    if stat.S_ISDIR(seen.st_mode):
                        found[f"{head}{entry.name}/"] = (0, 0)
                        left.append(f"{head}{entry.name}/")
                    elif stat.S_ISREG(seen.st_mode):
                        found[f"{head}{entry.name}"] = (seen.st_mtime_ns, seen.st_size)
        return found
