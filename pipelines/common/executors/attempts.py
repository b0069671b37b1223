"""What is done about shards that fail: they are named, tried again, and lost within a bound."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from pipelines.common import console
from pipelines.common.errors import GeneratorError, PipelineError, WorkerError
from pipelines.common.executors.settings import ExecutorSettings
from pipelines.common.executors.task import Failed
from pipelines.common.shards import Shard

AGAIN: Final = (GeneratorError, WorkerError)
"""Errors of this project after which a shard may go well. All others say what is to be corrected,
or come after tries of their own, as those of services do."""


@dataclass
class Attempts:
    """Failures of shards so far."""

    stage: str
    total: int
    """Shards that the stage has, also those that were made before."""
    settings: ExecutorSettings
    lost: list[Shard] = field(default_factory=list)
    """Shards that were given up."""
    _failed: Counter[int] = field(default_factory=Counter)

    def again(self, shard: Shard, failure: Failed) -> bool:
        """Name a shard that failed, and tell whether it is to be tried again; if not, it is lost.

        Raises:
            Exception: that of the shard, where no further one may be lost.
        """
        self._failed[shard.index] += 1
        tries, error = self._failed[shard.index], failure.error
        in_vain = failure.of_all or (isinstance(error, PipelineError) and not _may_pass(error))
        if not (in_vain or failure.last) and tries <= self.settings.retries:
            console.line(
                f"{self._named(shard)} failed and is tried again ({tries} of "
                f"{self.settings.retries}): {_said(error)}"
            )
            return True
        if in_vain or (len(self.lost) + 1) > self.settings.lost * self.total:
            times = "" if tries == 1 or failure.last else f" {tries} times"
            console.line(f"{self._named(shard)} failed{times}, and the stage ends")
            raise error
        after = "" if failure.last else f" after {_counted(tries)}"
        console.line(f"{self._named(shard)} is lost{after}: {_said(error)}")
        self.lost.append(shard)
        return False

    def _named(self, shard: Shard) -> str:
        rows = f"rows {shard.start:,} to {shard.stop - 1:,}"
        return f"{self.stage}: shard {shard.index} of {self.total:,} ({rows})"


def _may_pass(error: PipelineError) -> bool:
    return isinstance(error, AGAIN)


def _counted(tries: int) -> str:
    return "1 try" if tries == 1 else f"{tries} tries"


def _said(error: Exception) -> str:
    if isinstance(error, PipelineError):
        return str(error)
    return f"{type(error).__name__}: {(str(error).splitlines() or ['no message'])[0]}"
