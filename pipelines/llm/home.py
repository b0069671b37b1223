"""The local server's directory: what its process and those who ask it agree on.

    .stemma/llm-server/
    ├── key            generated once
    ├── endpoint.json  where the serving process listens, and its pid; held open by it
    ├── lock           held by the serving process
    ├── served         how many requests the model has begun to work on, ever
    └── server.log     what llama.cpp reports

The directory has mode 0700 and its files 0600 (`lake.private`).
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lake import files, private
from lake.daemon import DaemonHome
from pipelines.common.errors import ServiceError

DIRECTORY: Final = Path(".stemma/llm-server")
IDLE_SECONDS: Final = 600
MAX_BYTES: Final = 1 << 10
"""Bytes of a key or a count."""
KEY: Final = re.compile(rb"[!-~]{1,200}")


@dataclass(frozen=True, slots=True)
class ServerHome(DaemonHome):
    """The directory of a local server."""

    def key(self) -> str:
        """Read the generated key; generate it when there is none.

        Of two processes that do so at once, the first one wins.

        Raises:
            OSError: The directory cannot be written.
            ServiceError: The file is there and holds no key.
        """
        path = self.path / "key"
        if not path.exists():
            private.create_once(path, f"local-{secrets.token_urlsafe(24)}")
        content = files.read_bytes(path, MAX_BYTES)
        if not KEY.fullmatch(content):
            raise ServiceError(f"{path} is damaged: remove it to have a new one made")
        return content.decode("ascii")

    def served(self) -> int:
        """Return how many requests the model has begun to work on since the directory was made."""
        try:
            return max(0, int(files.read_text(self.path / "served", MAX_BYTES) or 0))
        except (OSError, ValueError):
            return 0
