"""Open the test split: train on a version, score on the test rows, and record that before showing.

The test split is `ingest.test` of the data set: real rows that are split off at ingest. No stage
reads their labels, and no figure, check, diff or page is made of them; gates see their content
alone, to find leaks. A version is opened once: whoever asks again gets what was recorded.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from lake.client import Lake
from pipelines.common.errors import DataError
from pipelines.common.seeds import derive_seed
from pipelines.inquiry.final_test import record
from pipelines.inquiry.final_test.record import Opening, TestedFigure
from pipelines.inquiry.training import data, mix_at
from pipelines.metrics import Configured, task_figures
from pipelines.metrics.downstream import Labelled
from pipelines.metrics.protocol import Task
from pipelines.metrics.values import Metric, finite
from pipelines.params import Params, Round
from pipelines.rounds import plugin_inputs, round_holdout, tables, trust
from pipelines.rounds.record_branch import Kept

TEST: Final = "test"
MUCH: Final = 3
"""Openings of one split from which on it counts as much read."""


@dataclass(frozen=True, slots=True)
class Tested:
    """The opening of a version, and all openings of its test split."""

    opening: Kept[Opening]
    is_new: bool
    """Whether the split was opened now; else the record of an earlier opening is shown."""
    all_openings: tuple[Kept[Opening], ...]
    """Of the split, the oldest first."""
    refused: tuple[str, ...]
    """Records that do not count, and why."""

    @property
    def much_read(self) -> bool:
        """Whether the split was opened so often that its figures favour what was chosen by them."""
        return len(self.all_openings) >= MUCH


def openings(
    lake: Lake, params: Params, ref: str, dataset: str
) -> tuple[list[Kept[Opening]], str, tuple[str, ...]]:
    """List the openings of the test split of a version; nothing is opened.

    Returns:
        The openings; the key of that split; and which records do not count, with the reason.
    """
    commit = lake.resolve(ref).id
    ctx = mix_at.context_after(lake, params, commit, dataset)
    key = round_holdout.open_at(ctx, commit).key
    found = record.of_lake(lake)
    return record.of_split(found, dataset, key), key, found.refused


def open_test(lake: Lake, params: Params, ref: str, dataset: str) -> Tested:
    """Test a version of a data set on its test split, once.

    Args:
        lake: the lake.
        params: the content of params.yaml, whose settings give mix and task.
        ref: tag, branch or commit of the version.
        dataset: the data set's name.

    Raises:
        DataError: no test rows were split off, or rows have nothing to predict.
        NotFoundError: there is no such ref, or it holds no samples of the data set.
        SigningError: there is no key to sign the record with; the split is not opened then.
        StaleError: the hold-out that round 0 names cannot be read.
    """
    commit = lake.resolve(ref).id
    ctx = mix_at.context_after(lake, params, commit, dataset)
    key = round_holdout.open_at(ctx, commit).key
    before = record.of_lake(lake)
    unlabelled = plugin_inputs.unlabelled_task(ctx.round)
    tasks = {plugin_inputs.task(ctx.round).plugin.version}
    tasks |= set() if unlabelled is None else {unlabelled.plugin.version}
    for each in record.of_split(before, dataset, key):
        if each.record.commit == commit and each.record.task in tasks:
            every = tuple(record.of_split(before, dataset, key))
            return Tested(each, is_new=False, all_openings=every, refused=before.refused)
    trust.signer(lake)  # before the split is read
    opening = _measured(lake, params, (ref, commit), ctx.round, key)
    record.keep(lake, opening)
    after = record.of_lake(lake)
    every = tuple(record.of_split(after, dataset, key))
    kept = next((each for each in every if each.record == opening), None)
    if kept is None:
        raise DataError(
            f"the record of this opening is not on {record.BRANCH.name}, so nothing is shown; "
            "somebody moved that branch meanwhile: look at its log"
        )
    return Tested(kept, is_new=True, all_openings=every, refused=after.refused)


def _measured(
    lake: Lake, params: Params, version: tuple[str, str], round_: Round, key: str
) -> Opening:
    """Train on the mix and on real rows alone, and score both on the test rows."""
    (ref, commit), dataset = version, round_.dataset
    loaded = data.open_at(lake, params, commit, dataset, ("train", TEST))
    mix, test = loaded.frame(), loaded.frame(TEST)
    if test.is_empty():
        raise DataError(
            f"no test rows were split off from {dataset}: ingest.test was 0, or left none; a split "
            "that generators never saw can only be made with a data set, by ingest.test"
        )
    real = tables.real_samples(lake, commit, dataset)
    frames = {"real": real, TEST: test, "mix": mix}
    labelled = round_.settings.modality.measured(real, frames)
    task = _task(round_, labelled[TEST])
    seed = derive_seed(params.seed, dataset, commit, "final test")
    figures = _figures(task, labelled, round_, seed)
    return Opening(
        dataset=dataset,
        ref=ref,
        commit=commit,
        holdout=key,
        rows=len(test),
        in_training=_shared(mix, test),
        task=task.plugin.version,
        figure=task.plugin.figure,
        figures={name: _tested(figure) for name, figure in figures.items()},
        created=int(time.time()),
        nonce=record.nonce(),
    )


def _figures(
    task: Configured[Task[Any]], labelled: Mapping[str, Labelled], round_: Round, seed: int
) -> dict[str, Metric]:
    trained = {"mix": labelled["mix"], "real_only": labelled["real"]}
    given = task_figures.answers(task.plugin, task.settings, trained, labelled[TEST])
    own = round_.settings.evaluate
    scores = task_figures.scores(given, own, seed, task.plugin)[task.plugin.figure]
    apart = task_figures.differences(given, own, seed, task.plugin)["real_only"]
    return {**scores, "difference": apart}


def _task(round_: Round, test: Labelled) -> Configured[Task[Any]]:
    """The task of the data set; where no labels can be told apart, the one without labels."""
    task, unlabelled = plugin_inputs.task(round_), plugin_inputs.unlabelled_task(round_)
    if not task.plugin.classifies or len(np.unique(test.labels)) > 1:
        return task
    if unlabelled is None:
        raise DataError(
            f"the test rows of {round_.dataset} have no two labels, so {task.plugin.name} has "
            "nothing to predict; name another evaluate.task"
        )
    return unlabelled


def _shared(mix: pl.DataFrame, test: pl.DataFrame) -> int:
    """Count the rows of a mix that have the content of a test row."""
    return len(mix.join(test.select("sample_id").unique(), on="sample_id", how="semi"))


def _tested(figure: Metric) -> TestedFigure:
    return TestedFigure(
        value=finite(figure.value), low=finite(figure.low), high=finite(figure.high)
    )
