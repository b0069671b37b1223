"""The embedded lake's directory: what client and server agree on besides the API.

    .lake/
    ├── identity.json      which lake this is; made once
    ├── credentials.json   the generated key pair, mode 0600
    ├── endpoint.json      where the serving process listens, and its pid
    ├── lock               held by the serving process
    ├── catalog.db         repositories, branches, commits (SQLite)
    ├── objects/           content-addressed files
    └── staging/           files on their way in

Only the standard library is needed here: a stage that must cost a tenth of a second reads it.
"""

from __future__ import annotations

import json
import os
import secrets
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lake.errors import Corrupt


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
            Corrupt: the file is there and cannot be read.
        """
        place = self.path / "identity.json"
        fresh = {"id": uuid.uuid4().hex, "created": datetime.now(UTC).isoformat(timespec="seconds")}
        found = _read_or_create(place, fresh, mode=0o644)
        return Identity(found["id"], found["created"])

    def credentials(self) -> Credentials:
        """Read the generated key pair; generate it when there is none.

        Raises:
            OSError: the directory cannot be written.
            Corrupt: the file is there and cannot be read.
        """
        place = self.path / "credentials.json"
        fresh = {
            "access_key_id": f"STEMMA{secrets.token_hex(7).upper()}",
            "secret_access_key": secrets.token_urlsafe(30),
        }
        found = _read_or_create(place, fresh, mode=0o600)
        return Credentials(found["access_key_id"], found["secret_access_key"])

    def endpoint(self) -> Endpoint | None:
        """Where the lake is or was served, or None; the caller finds out whether it answers.

        What a copy of another lake's directory says is about that other lake, and does not count.
        """
        found = _read(self.path / "endpoint.json")
        try:
            if not found or not self.path.samefile(str(found["home"])):
                return None
            return Endpoint(str(found["url"]), int(found["pid"]), int(found["idle"]))
        except (KeyError, TypeError, ValueError, OSError):
            return None

    def announce(self, endpoint: Endpoint) -> None:
        """Write down where the lake is served, in one step."""
        place = self.path / "endpoint.json"
        draft = place.with_name(f".endpoint.{endpoint.pid}")
        content = {**asdict(endpoint), "home": str(self.path)}
        draft.write_text(json.dumps(content), encoding="utf-8")
        draft.replace(place)

    def withdraw(self, pid: int) -> None:
        """Remove the announcement of a process that stops serving."""
        found = self.endpoint()
        if found is not None and found.pid == pid:
            (self.path / "endpoint.json").unlink(missing_ok=True)


def _read(place: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(place.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _read_or_create(place: Path, content: dict[str, str], *, mode: int) -> dict[str, Any]:
    """Read a file that is written once; of two processes that write it, the first one wins."""
    if not place.exists():
        _create(place, content, mode=mode)
    found = _read(place)
    if found is None or not found.keys() >= content.keys():
        raise Corrupt(f"{place} is damaged: restore it, or remove it to have a new one made")
    return found


def _create(place: Path, content: dict[str, str], *, mode: int) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_name(f".{place.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(draft, place)
    finally:
        draft.unlink()
