"""Shards made again from their record: the same bits, or what differs and why it may."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from lake import refs
from pipelines.common.errors import PipelineError, ReplayError
from pipelines.features import images
from pipelines.inquiry import replay
from pipelines.inquiry.shard_comparison import MAX_DIFFERENCE, differing
from pipelines.rounds import history, manifest, tables
from review.cli import app
from review.commands import replay as command
from review.errors import Findings, UsageError
from tests.flow.projects import Project, copy

Change = Callable[[dict[str, Any]], Mapping[str, Any]]


@pytest.fixture(scope="module")
def project(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Two rounds of `tiny`, to be read and to be forged on branches of their own."""
    made = copy(published, tmp_path_factory.mktemp("replay") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made.root)
        yield made
    made.drop_lake()


def sample(project: Project, row: int, number: int = 1) -> str:
    lineage = tables.read_round(project.lake(), "main", "tiny", "lineage", number)
    return bytes(lineage.filter(pl.col("row") == row)["sample_id"][0]).hex()


def forge(
    project: Project,
    *,
    about: Change = lambda found: found,
    made: Callable[[pl.DataFrame], pl.DataFrame] = lambda found: found,
    without: str = "",
) -> str:
    """A branch on which round 1 was generated otherwise than it was."""
    lake = project.lake()
    found = history.generated(lake, "tiny", 1, "main")
    assert found is not None
    branch = f"forged-{len(lake.branches('forged-'))}"
    lake.set_branch(branch, found.id)
    frame = tables.read_round(lake, branch, "tiny", "candidates", 1)
    lake.write(branch, refs.part("tiny", "candidates", 1), made(frame))
    content = manifest.read(lake, branch, "tiny", 1)
    manifest.write(lake, branch, "tiny", 1, about(content))
    if without:
        lake.delete(branch, [item.path for item in lake.objects(branch, without)])
    lake.commit(branch, "forge", found.metadata)
    return branch


def test_every_shard_comes_out_bit_by_bit(project: Project) -> None:
    lake = project.lake()
    head = lake.resolve("main").id
    for number, shard, rows in ((1, 0, 10), (1, 2, 4), (2, 1, 10)):
        found = replay.replay(lake, head, "tiny", number, shard)
        assert found.identical
        assert found.record.rows.height == rows
        assert (found.environment_changes, found.broken) == ((), False)
        generated = history.generated(lake, "tiny", number, head)
        assert generated is not None
        assert found.record.commit == generated.id
    names = {each.name for each in found.environment}
    assert names >= {"generator", "python", "torch", "diffusers", "numpy", "processor", "threads"}


def test_people_are_told_how_a_shard_came_out(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    command.run(sample=sample(project, 12), ref="main", dataset=None, as_json=False)
    shown = capsys.readouterr().out
    assert "tiny, round 1, shard 1: 10 rows by generator" in shown
    assert "identical: ids and payload bytes of all 10 rows" in shown
    assert "as recorded: it must be identical" in shown
    command.run(sample=sample(project, 12), ref="tiny-r001", dataset="tiny", as_json=True)
    (found,) = json.loads(capsys.readouterr().out)["replays"]
    assert (found["identical"], found["must_be_identical"], found["differing"]) == (True, True, [])
    assert found["environment"]["threads"] == {"recorded": 1, "present": 1}


def brighter(frame: pl.DataFrame) -> pl.DataFrame:
    """Row 3 with every pixel changed."""
    pixels = images.decode(frame.sort("row")["image"]).copy()
    pixels[3] = pixels[3] // 2 + 60
    other = pl.Series("image", [{"bytes": each, "path": None} for each in images.encode(pixels)])
    return frame.sort("row").with_columns(other.cast(images.IMAGE))


def test_what_must_be_identical_and_is_not_is_a_finding(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    branch = forge(project, made=brighter)
    capsys.readouterr()
    with pytest.raises(Findings, match="shard 0 of round 1 of tiny must come out identical"):
        command.run(sample=sample(project, 0), ref=branch, dataset=None, as_json=False)
    shown = capsys.readouterr().out
    assert "different: 1 of 10 rows, by at most" in shown
    asked = ["audit", sample(project, 0), "--ref", branch, "--replay"]
    assert CliRunner().invoke(app.app, asked).exit_code == 1
    lake = project.lake()
    found = replay.replay(lake, lake.resolve(branch).id, "tiny", 1, 0)
    ((row, recorded, replayed, difference),) = found.differing.rows()
    assert row == 3
    assert recorded == replayed == bytes.fromhex(sample(project, 3))  # lineage was not forged
    then = images.decode(tables.read_round(lake, branch, "tiny", "candidates", 1)["image"])[3]
    now = images.decode(candidates_of(project)["image"])[3]
    assert difference == abs(then.astype(int) - now.astype(int)).max()


def candidates_of(project: Project) -> pl.DataFrame:
    lake = project.lake()
    found = history.generated(lake, "tiny", 1, "main")
    assert found is not None
    return tables.read_round(lake, found.id, "tiny", "candidates", 1).sort("row")


def test_another_environment_need_not_give_the_same_bits(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    def aged(about: dict[str, Any]) -> dict[str, Any]:
        recorded = about["environment"] | {"torch": "1.0.0"}
        del recorded["threads"]
        return about | {"environment": recorded}

    branch = forge(project, made=brighter, about=aged)
    capsys.readouterr()
    command.run(sample=sample(project, 0), ref=branch, dataset=None, as_json=False)
    shown = capsys.readouterr().out
    assert "torch differ from the record and threads were not recorded" in shown
    assert "it need not be identical" in shown
    assert "1.0.0" in shown


def test_a_row_that_is_gone_differs_as_a_whole(project: Project) -> None:
    lake = project.lake()
    branch = forge(project, made=lambda frame: frame.filter(pl.col("row") != 5))
    found = replay.replay(lake, lake.resolve(branch).id, "tiny", 1, 0)
    assert found.differing.select("row", "difference").rows() == [(5, MAX_DIFFERENCE)]


def test_ids_are_those_of_lineage(project: Project) -> None:
    lake = project.lake()
    head = lake.resolve("main").id
    found = replay.replay(lake, head, "tiny", 1, 0)
    recorded = found.record.rows
    swapped = recorded.with_columns(sample_id=pl.col("sample_id").reverse())
    other = differing(swapped, recorded)
    assert other["row"].to_list() == list(range(10))
    assert other["difference"].to_list() == [0] * 10


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"about": lambda found: found | {"generator": {"kind": "service/1"}}},
            "generator of kind service/1, which cannot be replayed; those that can: augment/1,",
        ),
        ({"without": "tiny/models/"}, "the generator of round 1 of tiny is gone"),
        ({"without": "tiny/candidates/"}, "the record of round 1 of tiny is incomplete"),
        ({"without": "tiny/models/round=001/weights"}, "holds no weights"),
        (
            {"about": lambda found: found | {"settings": {**found["settings"], "x": 1}}},
            "the manifest of round 1 of tiny: unknown key x",
        ),
    ],
)
def test_a_record_that_is_not_whole_is_one_sentence(
    project: Project, changes: dict[str, Any], said: str
) -> None:
    branch = forge(project, **changes)
    with pytest.raises(PipelineError, match=said):
        command.run(sample=sample(project, 0), ref=branch, dataset=None, as_json=False)


def test_what_was_not_generated_cannot_be_replayed(project: Project) -> None:
    real = sample(project, 0, 0)
    with pytest.raises(UsageError, match="is real: no generator made it"):
        command.run(sample=real, ref="main", dataset=None, as_json=False)
    lake = project.lake()
    with pytest.raises(ReplayError, match="round 1 of tiny has no shard 9"):
        replay.replay(lake, lake.resolve("main").id, "tiny", 1, 9)
    with pytest.raises(ReplayError, match="does not lead to the commit that generated round 1"):
        replay.replay(lake, lake.resolve("tiny-v0").id, "tiny", 1, 0)


def test_a_sample_is_replayed_after_its_round_was_superseded(
    copied: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    old = sample(copied, 5, 2)
    copied.edit(lambda found: found["rounds"]["tiny-1"].update(curate={"max_accepted": 20}))
    copied.round("tiny-1", "curate", "evaluate", "publish")
    capsys.readouterr()
    for each in (old, sample(copied, 5, 1)):  # the branch of round 1 was carried to a new main
        command.run(sample=each, ref="main", dataset=None, as_json=False)
        assert "identical: ids and payload bytes of all 10 rows" in capsys.readouterr().out
