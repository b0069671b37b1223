"""A line of rounds by the project's own stages, and what is seen of each round.

On a line other than main the guard judges each round and stops none, so that a line goes on
whatever it says: that is for looking at lines, and nothing of them is ever merged.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from experiments.lines import project
from experiments.lines.project import Regime
from experiments.lines.worlds import World
from lake import files
from lake.client import Lake
from lineage import guard
from pipelines import params
from pipelines.common.seeds import derive_seed
from pipelines.inquiry.training import data
from pipelines.metrics import Metric, task_figures
from pipelines.params import resolve
from pipelines.project.dataset_entry import STAGES
from pipelines.rounds import context, manifest, plugin_inputs, receipts, tables
from pipelines.stages import runner


@dataclass(frozen=True, slots=True)
class Followed:
    """A round as the guard judged it, and what its mix is worth on rows that no stage saw."""

    round: int
    summary: Mapping[str, float | None]
    """Figures of the round by stage `evaluate`."""
    blocking: tuple[str, ...]
    """Checks that block it."""
    accepted: float
    """Share of the candidates."""
    failed: tuple[str, ...]
    """Expectations about the round as a whole that fail."""
    test: float
    """Figure of the task on the test rows, of what is trained on the mix."""
    gained: Metric
    """That figure less what training on real rows alone gives, with its 95 % interval."""


def follow(world: World, regime: Regime, seed: int, rounds: int) -> Iterator[Followed]:
    """Run a line in a project that is made in the current folder, and look at each round.

    Args:
        world: the data set.
        regime: of the line.
        seed: of all draws.
        rounds: how many.
    """
    name = world.data.name
    with quiet():
        project.write(world, project.MAIN, seed, rounds)
        runner.start("lake", None)
        runner.start("ingest", name)
        project.write(world, regime, seed, rounds)
        runner.start("lake", None)
    for number in range(1, rounds + 1):
        with quiet():
            for stage in STAGES:
                runner.start(stage, f"{name}-{number}")
        yield look(world, number)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep what stages tell; an error of one has it in its notes."""
    told = io.StringIO()
    with contextlib.redirect_stderr(told), contextlib.redirect_stdout(told):
        try:
            yield
        except Exception as error:
            error.add_note(told.getvalue())
            raise


def look(world: World, number: int) -> Followed:
    """Read what became of a round, and score its mix on the test rows."""
    name, settings = world.data.name, params.load()
    lake = context.open_lake(settings)
    commit = str(json.loads(files.read_text(receipts.path(name, number, "publish")))["commit"])
    recorded = manifest.read(lake, commit, name, number)
    answer = guard.read(recorded["guard"])
    expectations = recorded["verdicts"]["expectations"]
    counts = recorded["counts"]
    figure, gained = score(world, lake, settings, commit)
    return Followed(
        round=number,
        summary=recorded["metrics"]["summary"],
        blocking=tuple(answer.blocking),
        accepted=counts["accepted"] / counts["candidates"],
        failed=tuple(
            rule for rule, each in expectations.items() if each["level"] != "row" and each["failed"]
        ),
        test=figure,
        gained=gained,
    )


def score(world: World, lake: Lake, settings: params.Params, commit: str) -> tuple[float, Metric]:
    """Train the task of a data set on the mix at a commit and on real rows; score both.

    Args:
        world: the data set, with its test rows.
        lake: the lake.
        settings: the content of params.yaml.
        commit: of the round.

    Returns:
        The figure of the mix on the test rows, and what it gains over real rows alone.
    """
    name = world.data.name
    round_ = resolve(settings, f"{name}-1")
    kind, own = round_.settings.modality, round_.settings.evaluate
    frames: dict[str, pl.DataFrame] = {
        "real": tables.real_samples(lake, commit, name),
        "test": kind.typed(name, world.test),
        "mix": data.open_at(lake, settings, commit, name, ("train",)).frame(),
    }
    measured = kind.measured(frames["real"], frames)
    task = plugin_inputs.task(round_)
    if not world.real_answers:
        alone = {"real_only": measured["real"]}
        world.real_answers.update(
            task_figures.answers(task.plugin, task.settings, alone, measured["test"])
        )
    mix = {"mix": measured["mix"]}
    given = {
        **world.real_answers,
        **task_figures.answers(task.plugin, task.settings, mix, measured["test"]),
    }
    seed = derive_seed(settings.seed, name, "test rows")
    figure = task.plugin.score(given["mix"], own.bootstrap, seed)
    return figure.value, task_figures.differences(given, own, seed, task.plugin)["real_only"]
