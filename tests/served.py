"""What the fixture of the local model gives."""

from __future__ import annotations

import time
from dataclasses import dataclass

from lake.polling import until
from pipelines.llm.home import ServerHome
from pipelines.llm.settings import Access


@dataclass(frozen=True)
class LocalServer:
    """The local model's running server."""

    home: ServerHome
    access: Access

    def served(self, *, at_least: int = 0) -> int:
        """The server's own count of requests, once what it said has been counted."""
        until(lambda: self.home.served() >= at_least, interval=0.02, timeout=5)
        time.sleep(0.1)
        return self.home.served()
