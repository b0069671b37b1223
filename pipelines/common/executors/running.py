"""The one function between a stage and where its shards run.

A pool takes shards and gives futures; what is done about shards that fail, about a worker that ends
without a word and about Ctrl-C is the same for all pools. Where a worker ended, it is not known
which of the shards in flight ended it: each of them runs alone then, and only one that ends its
worker alone has failed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

from pipelines.common import progress
from pipelines.common.errors import WorkerError
from pipelines.common.executors.attempts import Attempts
from pipelines.common.executors.folder import WorkFolder
from pipelines.common.executors.pool import Pool, WorkerEndedError
from pipelines.common.executors.settings import ExecutorSettings
from pipelines.common.executors.task import Done, Failed, Result, State, Task
from pipelines.common.shards import Shard


def run(
    task: Task[State, Result],
    shards: Sequence[Shard],
    settings: ExecutorSettings,
    stage: str,
    *,
    total: int | None = None,
    gpus: float = 0.0,
    lost: list[Shard] | None = None,
    folder: WorkFolder | None = None,
    shown: bool = True,
) -> Iterator[tuple[Shard, Result]]:
    """Do a task on each shard; results come as they are ready.

    In this process they come in the order of the shards, and a shard is done when its result is
    asked for. Workers end with the iteration, however it ends.

    Args:
        task: what is done.
        shards: each with its rows and seed.
        settings: where they run.
        stage: its name, for people.
        total: shards that the stage has, of which the settings allow a share to be lost; None:
            these are all.
        gpus: that a shard takes on Ray.
        lost: gets the shards that were given up, where the settings allow any.
        folder: that workers need on other machines.
        shown: whether a bar shows how many are done.

    Raises:
        Exception: that of a shard that failed for good.
        LibraryError: Ray is not installed.
    """
    every = len(shards) if total is None else total
    attempts = Attempts(stage, every, settings, [] if lost is None else lost)
    if not shards:
        return
    results = (
        _here(task, shards, attempts)
        if settings.kind == "local"
        else _elsewhere(_pool(task, settings, len(shards), gpus, folder), shards, attempts)
    )
    if not shown:
        yield from results
        return
    with progress.bar(len(shards), f"{stage}: shards") as told:
        for done, pair in enumerate(results, start=1):
            yield pair
            told(done, len(shards))


def _here(
    task: Task[State, Result], shards: Sequence[Shard], attempts: Attempts
) -> Iterator[tuple[Shard, Result]]:
    """Do the shards one after the other in this process."""
    state = task.open(task.data)
    for shard in shards:
        while True:
            try:
                result = task.work(state, shard)
            except Exception as error:  # noqa: BLE001  raised again, unless it is borne
                if attempts.again(shard, Failed(error)):
                    continue
                break
            yield shard, result
            break


def _pool(
    task: Task[Any, Any],
    settings: ExecutorSettings,
    shards: int,
    gpus: float,
    folder: WorkFolder | None,
) -> Pool:
    """Start the workers of an executor."""
    if settings.kind == "ray":
        from pipelines.common.executors.on_ray import RayPool  # noqa: PLC0415  an extra

        return RayPool(task, settings, gpus, folder)
    from pipelines.common.executors.processes import ProcessPool  # noqa: PLC0415  joblib is slow

    pool: Pool = ProcessPool(task, settings, shards)
    return pool


def _elsewhere(
    pool: Pool, shards: Sequence[Shard], attempts: Attempts
) -> Iterator[tuple[Shard, Any]]:
    """Keep the workers of a pool busy until all shards are done."""
    waiting, suspects = deque(shards), deque[Shard]()
    flying: dict[Future[Done[Any] | Failed], Shard] = {}
    ended = False
    try:
        while waiting or suspects or flying:
            _submit(pool, waiting, suspects, flying)
            finished, _ = wait(flying, return_when=FIRST_COMPLETED)
            alone = len(flying) == 1
            for future in finished:
                shard = flying.pop(future)
                outcome = _outcome(future, alone=alone)
                if isinstance(outcome, Done):
                    yield shard, outcome.result
                elif outcome is None:
                    suspects.append(shard)
                elif attempts.again(shard, outcome):
                    (suspects if isinstance(outcome.error, WorkerError) else waiting).append(shard)
        ended = True
    finally:
        pool.close(at_once=not ended)


def _submit(
    pool: Pool,
    waiting: deque[Shard],
    suspects: deque[Shard],
    flying: dict[Future[Done[Any] | Failed], Shard],
) -> None:
    """Fill the pool; while a shard may be one that ends its worker, it runs alone."""
    if suspects:
        if not flying:
            shard = suspects.popleft()
            flying[pool.submit(shard)] = shard
        return
    while waiting and len(flying) < pool.window:
        shard = waiting.popleft()
        flying[pool.submit(shard)] = shard


def _outcome(future: Future[Done[Any] | Failed], *, alone: bool) -> Done[Any] | Failed | None:
    """How a shard ended; None where a worker did, and perhaps because of another shard."""
    try:
        return future.result()
    except WorkerEndedError as error:
        return Failed(WorkerError(f"its worker ended: {error}")) if alone else None
