"""All candidates of a round: which shards are missing, where they are made, and what they make.

Every executor fills the same kept shards, and what the round has is read from them, so candidates,
parents and report are the same whichever made them. Two kinds of rounds stay in one process:

- Those of a generator that asks a service, which has one budget, one rate and one cache of answers:
  one process asks many requests at once. Its answers are kept instead of its shards. On Ray that
  process may be on any node that has the project's folder, and so the cache.
- Those with `generate.accepted`, where whether a shard is made depends on the shards before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Final

from pipelines.common import console
from pipelines.common.errors import ProjectError
from pipelines.common.executors import running
from pipelines.common.executors.settings import ExecutorSettings, chosen
from pipelines.common.executors.task import Task
from pipelines.common.shards import Shard
from pipelines.generation import joining, requests, shard_worker, work_folder
from pipelines.generation.joining import RoundMade
from pipelines.generation.kept_shards import KeptShards
from pipelines.generation.shard_worker import OpenedRound
from pipelines.generation.shares import KeptShare, Share
from pipelines.generators import making
from pipelines.generators.making import MadeShard
from pipelines.generators.protocol import (
    GeneratePlan,
    GenerateRequest,
    GenerateResult,
    Generator,
)
from pipelines.rounds.context import RoundContext
from pipelines.rounds.keys import StageKey

STAGE: Final = "generate"
LOST: Final = "lost_shards"
"""Of the facts about a generation in a round's manifest."""


def make(ctx: RoundContext, key: StageKey) -> RoundMade:
    """Make all candidates of a round, and go on where an earlier run of the stage ended.

    Raises:
        GeneratorError: they cannot be made.
        ParamsError: there is no such executor.
        ServiceError: a service cannot be used, or a budget would be passed.
    """
    executor = chosen(ctx.params.executor)
    generator, request = requests.of_round(ctx)
    kept = KeptShards.of(ctx.round, key)
    if ctx.round.accepted is not None:
        return RoundMade.whole(_accepted(ctx, generator, request, executor, kept))
    if requests.asks_service(generator):
        return _asked(ctx, key, generator, request, executor)
    plan = generator.plan(request)
    opened = OpenedRound(generator, plan, kept)
    every = plan.shards
    missing = [each for each in every if not kept.holds(each)]
    if len(missing) < len(every):
        there = len(every) - len(missing)
        console.line(f"{STAGE}: {there:,} of {len(every):,} shards are kept from an earlier run")
    lost: list[Shard] = []
    _fill(ctx, key, opened, executor, missing, lost=lost)
    return _joined(opened, lost)


def make_share(ctx: RoundContext, key: StageKey, share: Share) -> KeptShare:
    """Make a share of the shards of a round, and keep them; nothing is put together.

    Raises:
        GeneratorError: they cannot be made.
        ProjectError: the round is not made of shards that stand by themselves.
    """
    executor = chosen(ctx.params.executor)
    generator, request = requests.of_round(ctx)
    if why := requests.why_together(ctx.round, generator):
        raise ProjectError(f"{ctx.round.key} has no shares: {why}; run it without --shard")
    opened = OpenedRound(generator, generator.plan(request), KeptShards.of(ctx.round, key))
    every = opened.plan.shards
    own = share.select(every)
    missing = [each for each in own if not opened.kept.holds(each)]
    whole = executor.model_copy(update={"lost": 0.0})
    _fill(ctx, key, opened, whole, missing, lost=[])
    others = {*every} - {*own}
    kept = len(own) + sum(opened.kept.lies(each) for each in others)
    return KeptShare(len(missing), kept, len(every))


def _asked(
    ctx: RoundContext,
    key: StageKey,
    generator: Generator[Any, Any],
    request: GenerateRequest[Any],
    executor: ExecutorSettings,
) -> RoundMade:
    """Make a round by one process that asks a service for all candidates."""
    if executor.kind != "ray":
        _tell_local(executor, requests.asked_together(generator))
        return RoundMade.whole(making.make(generator, request))
    console.line(f"{STAGE}: {requests.asked_together(generator)}, which is a worker of Ray")
    kept = KeptShards.of(ctx.round, key)
    kept.remove()
    one = [Shard(0, 0, request.candidates, request.seed)]
    gpus = executor.gpus(ctx.round.generator)
    with work_folder.marked(kept.folder, travels=False) as folder:
        order = work_folder.order(ctx, key, folder, request.settings)
        task = Task(shard_worker.opened, shard_worker.make_all, order)
        bound = executor.model_copy(update={"lost": 0.0})
        ((_, (contents, report)),) = running.run(task, one, bound, STAGE, gpus=gpus, folder=folder)
    for shard, content in contents.items():
        kept.put(shard, content)
    plan = GeneratePlan(request, tuple(contents))
    return joining.join(OpenedRound(generator, plan, kept), contents, report)


def _accepted(
    ctx: RoundContext,
    generator: Generator[Any, Any],
    request: GenerateRequest[Any],
    executor: ExecutorSettings,
    kept: KeptShards,
) -> GenerateResult:
    """Make shards one after the other until enough candidates would be accepted."""
    from pipelines.verification import acceptance  # noqa: PLC0415  imports Great Expectations

    _tell_local(executor, requests.JUDGED)
    if requests.asks_service(generator):
        return acceptance.make(ctx, generator, request)
    one = executor.model_copy(update={"kind": "local", "lost": 0.0})

    def keeping(plan: GeneratePlan[Any]) -> Callable[[Shard], MadeShard]:
        opened = OpenedRound(generator, plan, kept)

        def made(shard: Shard) -> MadeShard:
            if not kept.holds(shard):
                every = len(plan.shards)
                task = _task_here(opened)
                list(running.run(task, [shard], one, STAGE, total=every, shown=False))
            return joining.read(kept, shard)

        return made

    return acceptance.make(ctx, generator, request, keeping)


def _fill(
    ctx: RoundContext,
    key: StageKey,
    opened: OpenedRound,
    executor: ExecutorSettings,
    missing: Sequence[Shard],
    *,
    lost: list[Shard],
) -> None:
    """Make shards of a round that are not kept yet, and keep them."""
    gpus = executor.gpus(ctx.round.generator)
    with work_folder.marked(opened.kept.folder) as folder:
        task: Task[Any, Any] = _task_here(opened)
        if executor.kind != "local":
            order = work_folder.order(ctx, key, folder, opened.plan.request.settings)
            task = Task(shard_worker.opened, shard_worker.make, order)
        results = running.run(
            task,
            missing,
            executor,
            STAGE,
            total=len(opened.plan.shards),
            gpus=gpus,
            lost=lost,
            folder=folder,
        )
        for shard, carried in results:
            if carried is not None:  # by a worker that could not keep it here itself
                opened.kept.put(shard, carried)


def _task_here(opened: OpenedRound) -> Task[Any, Any]:
    """The task of a round that is planned already, in this process."""
    return Task(lambda _: opened, shard_worker.make)


def _joined(opened: OpenedRound, lost: Sequence[Shard]) -> RoundMade:
    """Put the shards of a round together, and say in its report which were lost."""
    made = joining.join(opened, joining.shards_but(opened.plan.shards, lost))
    if not lost:
        return made
    rows = sum(len(each.rows) for each in lost)
    console.line(
        f"{STAGE}: {len(lost):,} of {len(opened.plan.shards):,} shards with {rows:,} rows are lost "
        "(executor.lost); the round goes on without them"
    )
    gone = {"shards": sorted(each.index for each in lost), "rows": rows}
    report = made.result.report
    report = replace(report, facts={**report.facts, LOST: gone})
    return replace(made, result=replace(made.result, report=report))


def _tell_local(executor: ExecutorSettings, why: str) -> None:
    """Say why the executor that was chosen has nothing to do."""
    if executor.kind != "local":
        console.line(f"{STAGE}: {why}, and the executor {executor.kind} has no part in it")
