"""The executor `processes`: the cores of this machine, one new process each.

The pool is loky's, which joblib brings and scikit-learn uses: its workers are started afresh and do
not run the main module again, and it notices one that is gone. Each computes on one thread, as the
cores are shared out among shards already.
"""

from __future__ import annotations

import os
import signal
from concurrent.futures import Future
from typing import Any, Final

from joblib.externals import loky

from pipelines.common.executors.parent import end_with
from pipelines.common.executors.pool import WorkerEndedError
from pipelines.common.executors.settings import ExecutorSettings
from pipelines.common.executors.task import Done, Failed, Task, do
from pipelines.common.shards import Shard

THREADS: Final = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
    "POLARS_MAX_THREADS",
)
"""What libraries read when they are imported in a worker."""


class ProcessPool:
    """New processes on this machine."""

    def __init__(self, task: Task[Any, Any], settings: ExecutorSettings, shards: int) -> None:
        """Start no more workers than there are shards."""
        self._task = task
        self._workers = min(settings.workers or loky.cpu_count(), shards)
        self.window = 2 * self._workers
        self._pool = self._started()

    def submit(self, shard: Shard) -> Future[Done[Any] | Failed]:
        """Give a shard to a worker."""
        try:
            given = self._pool.submit(do, self._task, shard)
        except loky.BrokenProcessPool:
            self._pool.shutdown(wait=True, kill_workers=True)
            self._pool = self._started()
            given = self._pool.submit(do, self._task, shard)
        return _translated(given)

    def close(self, *, at_once: bool) -> None:
        """End the workers."""
        self._pool.shutdown(wait=True, kill_workers=at_once)

    def _started(self) -> Any:  # noqa: ANN401  joblib is not typed
        return loky.ProcessPoolExecutor(
            self._workers,
            initializer=_begin,
            initargs=(os.getpid(),),
            env=dict.fromkeys(THREADS, "1"),
        )


def _begin(parent: int) -> None:
    """Prepare a worker: Ctrl-C is for the process that started it, and it ends with that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with(parent)


def _translated(given: Future[Any]) -> Future[Done[Any] | Failed]:
    """A future that fails with the error that all pools share where a worker has ended."""
    told: Future[Done[Any] | Failed] = Future()

    def settle(done: Future[Any]) -> None:
        error = done.exception()
        if isinstance(error, loky.BrokenProcessPool):
            told.set_exception(WorkerEndedError(str(error).splitlines()[0]))
        elif error is not None:
            told.set_exception(error)
        else:
            told.set_result(done.result())

    given.add_done_callback(settle)
    return told
