"""Work that never ends by itself."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from pipelines.common.shards import Shard


def opened(folder: str) -> Path:
    return Path(folder)


def work(folder: Path, shard: Shard) -> None:  # noqa: ARG001  all are endless
    (folder / str(os.getpid())).touch()
    threading.Event().wait()
