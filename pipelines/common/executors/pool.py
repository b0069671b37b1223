"""What workers are to whoever runs shards: something that takes a shard and gives a future."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any, Protocol

from pipelines.common.executors.task import Done, Failed
from pipelines.common.shards import Shard


class WorkerEndedError(Exception):
    """A worker ended before its shard was done; which of the shards in flight it did is unknown."""


class Pool(Protocol):
    """Workers of one task."""

    window: int
    """Shards that are in flight at most."""

    def submit(self, shard: Shard) -> Future[Done[Any] | Failed]:
        """Give a shard to a worker; the future fails with `WorkerEndedError` where that ended."""

    def close(self, *, at_once: bool) -> None:
        """End the workers.

        Args:
            at_once: in the middle of their shards.
        """
