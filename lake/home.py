"""The embedded lake's directory: what client and server agree on besides the API.

    .lake/
    ├── identity.json      which lake this is; made once
    ├── credentials.json   the generated key pair
    ├── endpoint.json      where the serving process listens, and its pid; held open by it
    ├── lock               held by the serving process
    ├── catalog.db         repositories, branches, commits (SQLite)
    ├── server.log         what went wrong in the serving process
    ├── objects/           content-addressed files
    └── staging/           files on their way in

The directories have mode 0700 and the files 0600 (`lake.private`); an object, which nobody may
write to, has 0444 inside of them.

Only the standard library is needed here: a stage that must cost a tenth of a second reads it.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from lake import announcement, documents, files, private
from lake.announcement import Announcement
from lake.documents import DocumentError
from lake.errors import CorruptError

LONGEST: Final = 1000
"""Characters of what identifies a lake, and of a key."""
MOST: Final = 1 << 16
"""Bytes of a file that holds them."""
DAMAGE: Final = (errno.EFBIG, errno.EINVAL)
"""What is said of a file that is too large, or no regular one."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Which lake this is: a random id and when it was made (ISO 8601)."""

    id: str
    created: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """The key pair that the embedded lake accepts."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server of this lake listened last, and the process that did."""

    url: str
    pid: int
    idle: int = 0
    """Seconds without a request after which it ends itself; 0: never."""


@dataclass(frozen=True, slots=True)
class LakeHome:
    """The directory of an embedded lake."""

    path: Path

    @property
    def catalog(self) -> Path:
        """The SQLite catalog."""
        return self.path / "catalog.db"

    @property
    def objects(self) -> Path:
        """Content-addressed files."""
        return self.path / "objects"

    @property
    def staging(self) -> Path:
        """Files that are not yet objects."""
        return self.path / "staging"

    @property
    def lock(self) -> Path:
        """The file whose lock the serving process holds."""
        return self.path / "lock"

    def identity(self) -> Identity:
        """Read which lake this is; make it a lake when it is none yet.

        Raises:
            OSError: the directory cannot be written.
            CorruptError: the file is there and cannot be read.
        """
        place = self.path / "identity.json"
        fresh = {"id": uuid.uuid4().hex, "created": datetime.now(UTC).isoformat(timespec="seconds")}
        found = _read_or_create(place, fresh)
        return Identity(found["id"], found["created"])

    def credentials(self) -> Credentials:
        """Read the generated key pair; generate it when there is none.

        Raises:
            OSError: the directory cannot be written.
            CorruptError: the file is there and cannot be read.
        """
        place = self.path / "credentials.json"
        fresh = {
            "access_key_id": f"STEMMA{secrets.token_hex(7).upper()}",
            "secret_access_key": secrets.token_urlsafe(30),
        }
        found = _read_or_create(place, fresh)
        return Credentials(found["access_key_id"], found["secret_access_key"])

    def endpoint(self) -> Endpoint | None:
        """Where the lake is or was served last, or None; only good for telling a person.

        What a copy of another lake's directory says is about that other lake, and does not count.
        """
        return self._announced(announcement.read(self._endpoint, held=False))

    def serving(self) -> Endpoint | None:
        """Where the lake is served by a process that lives, or None.

        Keys are sent there and nowhere else: where a dead server listened, anybody may listen now.
        """
        return self._announced(announcement.read(self._endpoint, held=True))

    def announce(self, endpoint: Endpoint) -> Announcement:
        """Write down where this process serves the lake, until it ends or withdraws.

        Raises:
            OSError: the directory cannot be written.
        """
        return announcement.announce(self._endpoint, {**asdict(endpoint), "home": str(self.path)})

    @property
    def _endpoint(self) -> Path:
        return self.path / "endpoint.json"

    def _announced(self, found: Mapping[str, Any] | None) -> Endpoint | None:
        try:
            if not found or not self.path.samefile(str(found["home"])):
                return None
        except (KeyError, ValueError, OSError):
            return None
        url, pid, idle = (found.get(name) for name in ("url", "pid", "idle"))
        if isinstance(url, str) and isinstance(pid, int) and isinstance(idle, int):
            return Endpoint(url, pid, idle)
        return None


def _read(place: Path) -> dict[str, Any] | None:
    try:
        content = documents.parse_json(files.read_bytes(place, MOST))
    except (FileNotFoundError, DocumentError):
        return None
    except OSError as error:
        if error.errno in DAMAGE:
            return None
        raise
    return content if isinstance(content, dict) else None


def _read_or_create(place: Path, content: dict[str, str]) -> dict[str, Any]:
    """Read a file that is written once; of two processes that write it, the first one wins."""
    if not place.exists():
        _create(place, content)
    found = _read(place)
    if found is None or not all(_is_text(found.get(name)) for name in content):
        raise CorruptError(f"{place} is damaged: restore it, or remove it to have a new one made")
    return found


def _is_text(value: object) -> bool:
    """Whether a value can be what was written: a printable text."""
    return isinstance(value, str) and 0 < len(value) <= LONGEST and value.isprintable()


def _create(place: Path, content: dict[str, str]) -> None:
    private.folder(place.parent)
    draft = private.draft(place)
    try:
        private.create(draft, json.dumps(content))
        with suppress(FileExistsError):
            os.link(draft, place)
    finally:
        draft.unlink(missing_ok=True)
