"""The local server's directory: what its process and those who ask it agree on.

    .stemma/llm-server/
    ├── key            generated once
    ├── endpoint.json  where the serving process listens, and its pid; held open by it
    ├── lock           held by the serving process
    ├── served         how many requests the model has begun to work on, ever
    └── server.log     what llama.cpp says

The directory has mode 0700 and its files 0600 (`lake.private`). Only the standard library is needed
here.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from lake import announcement, files, private
from lake.announcement import Announcement
from pipelines.common.errors import ServiceError

DIRECTORY: Final = Path(".stemma/llm-server")
LOCK_HELD: Final = 75
"""Exit code of a process that found the lock held."""
IDLE_SECONDS: Final = 600
MOST: Final = 1 << 10
"""Bytes of a key or a count."""
KEY: Final = re.compile(rb"[!-~]{1,200}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server listens or listened, and the process that does."""

    url: str
    pid: int


@dataclass(frozen=True, slots=True)
class ServerHome:
    """The directory of a local server."""

    path: Path

    @property
    def lock(self) -> Path:
        """The file whose lock the serving process holds."""
        return self.path / "lock"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.path / "server.log"

    def key(self) -> str:
        """Read the generated key; generate it when there is none.

        Of two processes that do so at once, the first one wins.

        Raises:
            OSError: the directory cannot be written.
            ServiceError: the file is there and holds no key.
        """
        place = self.path / "key"
        if not place.exists():
            private.folder(self.path)
            draft = private.draft(place)
            try:
                private.create(draft, f"local-{secrets.token_urlsafe(24)}")
                with suppress(FileExistsError):
                    os.link(draft, place)
            finally:
                draft.unlink(missing_ok=True)
        found = files.read_bytes(place, MOST)
        if not KEY.fullmatch(found):
            raise ServiceError(f"{place} is damaged: remove it to have a new one made")
        return found.decode("ascii")

    def endpoint(self) -> Endpoint | None:
        """Where the server listens or listened last; only good for telling a person."""
        return _endpoint(announcement.read(self._endpoint, held=False))

    def serving(self) -> Endpoint | None:
        """Where the server listens, as a process says that lives; the key is sent nowhere else."""
        return _endpoint(announcement.read(self._endpoint, held=True))

    def announce(self, endpoint: Endpoint) -> Announcement:
        """Write down where this process listens, until it ends or withdraws.

        Raises:
            OSError: the directory cannot be written.
        """
        return announcement.announce(self._endpoint, asdict(endpoint))

    @property
    def _endpoint(self) -> Path:
        return self.path / "endpoint.json"

    def served(self) -> int:
        """How many requests the model has begun to work on since the directory was made."""
        try:
            return max(0, int(files.read_text(self.path / "served", MOST) or 0))
        except (OSError, ValueError):
            return 0


def _endpoint(found: Mapping[str, Any] | None) -> Endpoint | None:
    url, pid = (found or {}).get("url"), (found or {}).get("pid")
    return Endpoint(url, pid) if isinstance(url, str) and type(pid) is int else None
