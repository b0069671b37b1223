"""The local server's directory: what its process and those who ask it agree on.

    .stemma/llm-server/
    ├── key            generated once, mode 0600
    ├── endpoint.json  where the serving process listens, and its pid; mode 0600
    ├── lock           held by the serving process
    ├── served         how many requests the model has begun to work on, ever
    └── server.log     what llama.cpp says

Only the standard library is needed here.
"""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

DIRECTORY: Final = Path(".stemma/llm-server")
LOCK_HELD: Final = 75
"""Exit code of a process that found the lock held."""
IDLE_SECONDS: Final = 600


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
        """
        place = self.path / "key"
        if not place.exists():
            self.path.mkdir(parents=True, exist_ok=True)
            draft = _private(self.path, f"local-{secrets.token_urlsafe(24)}")
            with suppress(FileExistsError):
                os.link(draft, place)
            draft.unlink()
        return place.read_text(encoding="ascii")

    def endpoint(self) -> Endpoint | None:
        """Where the server listens or listened last; the caller finds out whether it answers."""
        try:
            found = json.loads((self.path / "endpoint.json").read_text(encoding="utf-8"))
            return Endpoint(str(found["url"]), int(found["pid"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def announce(self, endpoint: Endpoint) -> None:
        """Write down where the server listens, in one step."""
        _private(self.path, json.dumps(asdict(endpoint))).replace(self.path / "endpoint.json")

    def withdraw(self, pid: int) -> None:
        """Remove the announcement of a process that stops serving."""
        found = self.endpoint()
        if found is not None and found.pid == pid:
            (self.path / "endpoint.json").unlink(missing_ok=True)

    def served(self) -> int:
        """How many requests the model has begun to work on since the directory was made."""
        try:
            return int((self.path / "served").read_text(encoding="ascii") or 0)
        except (OSError, ValueError):
            return 0


def _private(folder: Path, content: str) -> Path:
    """A new file that nobody else can read."""
    draft = folder / f".{os.getpid()}.{secrets.token_hex(4)}"
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return draft
