"""Shards that fail, workers that end, and what is left of them."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lake.polling import until
from pipelines.common.errors import GeneratorError, ParamsError, WorkerError
from pipelines.common.executors import running
from pipelines.common.executors.attempts import Attempts
from pipelines.common.executors.settings import ExecutorSettings, chosen
from pipelines.common.executors.task import Failed, Task
from pipelines.common.shards import Shard, split
from tests.flow.projects import alive
from tests.pipelines.common.executors.work import Plan, opened, work

LOCAL = {"kind": "local"}
TWO = {"kind": "processes", "workers": 2}
BOTH = pytest.mark.parametrize("executor", [LOCAL, TWO], ids=["local", "processes"])
ROOT = Path(__file__).resolve().parents[4]


def done(
    plan: Plan, executor: Mapping[str, Any], given_up: list[Shard] | None = None, **settings: Any
) -> dict[int, int]:
    """Results of six shards of two rows, by the number of the shard."""
    own = ExecutorSettings.model_validate({**executor, **settings})
    shards = list(split(12, 2, "work", root=1))
    results = running.run(Task(opened, work, plan), shards, own, "work", lost=given_up)
    return {shard.index: result for shard, result in results}


WHOLE = {index: 4 * index + 1 for index in range(6)}


def openings(folder: Path) -> int:
    return len(list(folder.glob("opened-*")))


def tries_of(folder: Path, shard: int) -> int:
    return len(list(folder.glob(f"shard-{shard}-*")))


@BOTH
def test_a_shard_that_fails_is_named_and_tried_again(
    tmp_path: Path, executor: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert done(Plan(str(tmp_path), bad=3, tries=2), executor) == WHOLE
    assert tries_of(tmp_path, 3) == 3
    assert openings(tmp_path) <= 2
    told = capsys.readouterr().err
    named = "work: shard 3 of 6 (rows 6 to 7) failed and is tried again"
    assert f"{named} (1 of 2): the shard cannot be made" in told
    assert f"{named} (2 of 2)" in told


@BOTH
def test_a_shard_that_keeps_failing_ends_the_stage(
    tmp_path: Path, executor: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(GeneratorError, match="the shard cannot be made"):
        done(Plan(str(tmp_path), bad=0, tries=9), executor)
    assert tries_of(tmp_path, 0) == 3
    assert (
        "shard 0 of 6 (rows 0 to 1) failed 3 times, and the stage ends" in capsys.readouterr().err
    )


@pytest.mark.slow
@BOTH
def test_so_many_shards_may_be_lost_and_no_more(tmp_path: Path, executor: dict[str, Any]) -> None:
    lost: list[Shard] = []
    (tmp_path / "borne").mkdir()
    plan = Plan(str(tmp_path / "borne"), bad=2, tries=9)
    found = done(plan, executor, lost, lost=0.17, retries=0)
    assert found == {index: value for index, value in WHOLE.items() if index != 2}
    assert [shard.index for shard in lost] == [2]
    (tmp_path / "not").mkdir()
    with pytest.raises(GeneratorError):
        done(Plan(str(tmp_path / "not"), bad=2, tries=9), executor, lost=0.16, retries=0)


def test_the_share_that_may_be_lost_is_of_all_shards_of_the_stage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lost: list[Shard] = []
    rest = list(split(12, 2, "work", root=1))[3:]  # the others were made before
    own = ExecutorSettings(retries=0, lost=0.17)
    task = Task(opened, work, Plan(str(tmp_path), bad=4, tries=9))
    results = running.run(task, rest, own, "work", total=6, lost=lost)
    assert [shard.index for shard, _ in results] == [3, 5]
    assert [shard.index for shard in lost] == [4]
    told = "work: shard 4 of 6 (rows 8 to 9) is lost after 1 try: the shard cannot be made"
    assert told in capsys.readouterr().err


def test_a_shard_that_ray_has_given_up_may_be_lost(capsys: pytest.CaptureFixture[str]) -> None:
    shards = list(split(12, 2, "work", root=1))
    attempts = Attempts("work", len(shards), ExecutorSettings(lost=0.17))
    given_up = Failed(WorkerError("Ray gave it up: the worker died"), last=True)
    assert not attempts.again(shards[2], given_up)
    assert attempts.lost == [shards[2]]
    with pytest.raises(WorkerError, match="Ray gave it up"):
        attempts.again(shards[3], given_up)
    told = capsys.readouterr().err
    assert "work: shard 2 of 6 (rows 4 to 5) is lost: Ray gave it up: the worker died" in told
    assert "work: shard 3 of 6 (rows 6 to 7) failed, and the stage ends" in told


@BOTH
@pytest.mark.parametrize("how", ["settings", "open"])
def test_what_no_other_try_can_mend_is_tried_once(
    tmp_path: Path, executor: dict[str, Any], how: str
) -> None:
    with pytest.raises(ParamsError):
        done(Plan(str(tmp_path), bad=1, tries=9, how=how), executor, workers=1)
    assert tries_of(tmp_path, 1) == (how == "settings")


def test_errors_of_a_worker_come_back_with_their_place(tmp_path: Path) -> None:
    with pytest.raises(KeyError) as bug:
        done(Plan(str(tmp_path), bad=1, tries=9, how="bug"), TWO, retries=0)
    assert "in _fail" in bug.value.__notes__[0]
    with pytest.raises(WorkerError, match="AwkwardError: this and that"):
        done(Plan(str(tmp_path), bad=2, tries=9, how="awkward"), TWO, retries=0)


@pytest.mark.slow
def test_only_the_shard_that_ends_its_worker_is_blamed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert done(Plan(str(tmp_path), bad=1, tries=2, how="kill"), TWO) == WHOLE
    told = capsys.readouterr().err
    assert "shard 1 of 6 (rows 2 to 3) failed and is tried again (1 of 2): its worker" in told
    assert "shard 0" not in told
    with pytest.raises(WorkerError, match="its worker ended"):
        done(Plan(str(tmp_path), bad=1, tries=9, how="kill"), TWO, retries=1)


def test_what_is_not_asked_for_is_not_done_here(tmp_path: Path) -> None:
    settings = ExecutorSettings()
    shards = list(split(12, 2, "work", root=1))
    results = running.run(Task(opened, work, Plan(str(tmp_path))), shards, settings, "work")
    assert [next(results)[1] for _ in range(2)] == [1, 5]
    assert tries_of(tmp_path, 2) == 0


ENDLESS = """
import os, signal, sys, time
from pathlib import Path
from pipelines.common.executors import running
from pipelines.common.executors.attempts import Attempts
from pipelines.common.executors.settings import ExecutorSettings
from pipelines.common.executors.task import Failed, Task
from pipelines.common.shards import split
from tests.pipelines.common.executors.endless import opened, work
settings = ExecutorSettings(kind="processes", workers=2)
shards = list(split(12, 2, "work", root=1))
list(running.run(Task(opened, work, sys.argv[1]), shards, settings, "work"))
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["ctrl-c", "kill"])
def test_workers_end_with_the_process_that_started_them(
    tmp_path: Path, how: signal.Signals
) -> None:
    def workers() -> list[int]:
        return [int(path.name) for path in tmp_path.iterdir()]

    command = [sys.executable, "-c", ENDLESS, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as running_:
        assert until(lambda: len(workers()) == 2, interval=0.05, timeout=100)
        running_.send_signal(how)
        running_.wait(60)
    assert until(lambda: not any(map(alive, workers())), interval=0.05, timeout=30)


def test_the_environment_names_the_executor() -> None:
    settings = ExecutorSettings.model_validate({"kind": "processes", "workers": 3})
    assert chosen(settings, {}) == settings
    assert chosen(settings, {"STEMMA_EXECUTOR": ""}) == settings
    assert chosen(settings, {"STEMMA_EXECUTOR": "local"}).kind == "local"
    assert chosen(settings, {"STEMMA_EXECUTOR": "ray"}).workers == 3
    with pytest.raises(ParamsError, match="names no executor: 'rya'; did you mean 'ray'"):
        chosen(settings, {"STEMMA_EXECUTOR": "rya"})


def test_gpus_are_those_of_the_generator() -> None:
    assert ExecutorSettings(num_gpus=0.5).gpus("diffusion") == 0.5
    by_generator = ExecutorSettings(num_gpus={"diffusion": 1.0})
    assert (by_generator.gpus("diffusion"), by_generator.gpus("augment")) == (1.0, 0.0)
    for wrong in (-1, float("nan"), {"diffusion": -1}):
        with pytest.raises(ValueError, match="num_gpus"):
            ExecutorSettings.model_validate({"kind": "ray", "num_gpus": wrong})
