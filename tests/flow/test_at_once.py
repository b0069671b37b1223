"""Several clones on one lake, reverts, other lines: main holds what the receipts say, once."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lakefs_sdk
import polars as pl
import pytest

from lake.client import Lake
from lake.values import Commit
from lineage.manifest import MixManifest
from pipelines.gate import contamination
from pipelines.generators.diffusion import model as diffusion
from pipelines.inquiry import overview
from pipelines.rounds import (
    context,
    history,
    manifest,
    measured_rows,
    mixes,
    receipts,
    round_holdout,
    tables,
)
from pipelines.stages import evaluate
from tests.flow.projects import HERE, STAGES, Project, tiny_round


def with_round_3(project: Project, *stages: str) -> None:
    project.edit(lambda found: found["rounds"].update({"tiny-3": tiny_round(3)}))
    project.round("tiny-3", *stages)


def another_clone(project: Project, place: Path) -> Project:
    """The same checkout in another directory, on the same lake."""
    shutil.copytree(project.root, place, ignore=shutil.ignore_patterns(".lake"))
    return Project(place)


def before_first(
    monkeypatch: pytest.MonkeyPatch, name: str, stage: str, act: Callable[[], None]
) -> None:
    """Do something right before the first call of a client method by a stage."""
    real = getattr(Lake, name)
    done: list[bool] = []

    def call(self: Lake, *args: object) -> Commit:
        metadata = args[-1]
        if not done and isinstance(metadata, dict) and metadata.get("stemma.stage") == stage:
            done.append(True)
            act()
        found: Commit = real(self, *args)
        return found

    monkeypatch.setattr(Lake, name, call)


@pytest.fixture
def other(copied: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A second clone of a project whose round 3 has candidates."""
    with_round_3(copied, "fit", "generate")
    monkeypatch.setenv("STEMMA_LAKE_HOME", str(copied.root / ".lake"))
    return another_clone(copied, tmp_path / "other")


def elsewhere(project: Project, act: Callable[[], None]) -> Callable[[], None]:
    """Act in another clone's directory."""

    def acting() -> None:
        here = Path.cwd()
        os.chdir(project.root)
        try:
            act()
        finally:
            os.chdir(here)

    return acting


@pytest.mark.slow
def test_verdicts_never_meet_another_clones_candidates(
    copied: Project, other: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While one clone verifies, another generates the same round with other settings."""
    mine = receipts.read("tiny", 3, "generate").commit
    change = {"generate": {"diffusion": {"eta": 0.1}}}
    elsewhere(other, lambda: other.edit(lambda found: found["rounds"]["tiny-3"].update(change)))()
    before_first(
        monkeypatch, "commit", "verify", elsewhere(other, lambda: other.run("generate", "tiny-3"))
    )
    copied.round("tiny-3", "verify", "curate", "evaluate", "publish")
    lake = copied.lake()
    made = tables.read_round(lake, mine, "tiny", "candidates", 3)
    samples = tables.read_round(lake, "main", "tiny", "samples", 3)
    lineage = tables.read_round(lake, "main", "tiny", "lineage", 3)
    assert samples.join(made, on=["row", "sample_id"], how="semi").height == len(samples) > 0
    assert lineage.select("row", "sample_id").equals(made.select("row", "sample_id"))


@pytest.mark.slow
def test_of_two_that_publish_the_same_round_one_adopts(
    copied: Project, other: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied.round("tiny-3", "verify", "curate", "evaluate")
    shutil.copytree("rounds", other.root / "rounds", dirs_exist_ok=True)
    before_first(
        monkeypatch, "merge", "publish", elsewhere(other, lambda: other.run("publish", "tiny-3"))
    )
    copied.run("publish", "tiny-3")
    lake = copied.lake()
    merges = [
        each
        for each in lake.log("main", first_parent=True)
        if each.metadata.get("stemma.round") == "3"
    ]
    assert len(merges) == 1
    assert list(lake.tags("tiny-v3")) == ["tiny-v3"]
    ours = receipts.path("tiny", 3, "publish").read_bytes()
    assert (other.root / "rounds/tiny/3/publish.json").read_bytes() == ours


@pytest.mark.slow
@pytest.mark.usefixtures("programs")
def test_two_processes_on_one_round_end_well(copied: Project, tmp_path: Path) -> None:
    """Two clones run the same round at the same time, as programs; a refused one runs again."""
    shutil.copy2(HERE / "noisy.py", copied.root / "noisy.py")  # no library that takes seconds
    added = {"tiny-3": tiny_round(3) | {"generator": "noisy.py"}}
    copied.edit(lambda found: found["rounds"].update(added))
    other = another_clone(copied, tmp_path / "other")
    copied.lake()
    env = {**os.environ, "STEMMA_LAKE_HOME": str(copied.root / ".lake")}
    script = " && ".join(f"stemma stage {name} tiny-3" for name in STAGES)
    running = [
        subprocess.Popen(["bash", "-c", script], cwd=each.root, env=env) for each in (copied, other)
    ]
    codes = [each.wait(240) for each in running]
    assert 0 in codes
    for each, code in zip((copied, other), codes, strict=True):
        if code:
            again = subprocess.run(["bash", "-c", script], cwd=each.root, env=env, check=False)
            assert again.returncode == 0
    lake = copied.lake()
    assert history.published(lake, "tiny").keys() == {0, 1, 2, 3}
    assert list(lake.tags("tiny-v3")) == ["tiny-v3"]
    samples = tables.read(lake, "main", "tiny", "samples").collect()
    assert samples.select("round", "row").is_unique().all()
    for table in ("lineage", "decisions"):
        assert len(tables.read_round(lake, "main", "tiny", table, 3)) == 24
    assert not lake.branches("tmp-")


@pytest.mark.slow
def test_a_reverted_round_is_not_held_and_can_come_back(copied: Project) -> None:
    lake = copied.lake()
    revert = lakefs_sdk.RevertCreation(ref=lake.head("main"), parent_number=1)
    lake.connection.call(
        lake.connection.sdk.branches_api.revert_branch, lake.repository, "main", revert
    )
    assert tables.rounds(lake, "main", "tiny") == [0, 1]
    assert history.published(lake, "tiny").keys() == {0, 1}
    assert [each["round"] for each in overview.collect(lake, "tiny")["rounds"]] == [0, 1]
    copied.run("publish", "tiny-2")
    assert tables.rounds(lake, "main", "tiny") == [0, 1, 2]
    assert history.published(lake, "tiny").keys() == {0, 1, 2}
    with_round_3(copied)
    mix = manifest.read(lake, "main", "tiny", 3)["mix"]
    assert [each["round"] for each in mix["rounds"]] == [0, 1, 2]


@pytest.mark.slow
def test_limits_and_pictures_retrain_nothing(
    copied: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits: list[bool] = []
    monkeypatch.setattr(diffusion, "fit", lambda *_, **__: fits.append(True))
    monkeypatch.setattr(diffusion, "generate", lambda *_, **__: fits.append(True))
    copied.edit(lambda found: found["datasets"]["tiny"]["evaluate"].update(examples=2))
    guard = {"depth_max_warn": 13.0}
    copied.edit(lambda found: found["datasets"]["tiny"]["publish"]["guard"].update(guard))
    copied.all(2)
    assert not fits
    lake = copied.lake()
    assert {"tiny-v1.1", "tiny-v2.1"} <= lake.tags("tiny").keys()
    assert tables.rounds(lake, "main", "tiny") == [0, 1, 2]


@pytest.mark.slow
def test_what_another_line_tried_can_be_published(copied: Project) -> None:
    copied.edit(lambda found: found.update(line="hot"))
    copied.edit(lambda found: found["rounds"]["tiny-2"].update(generate={"candidates": 20}))
    for number in (1, 2):
        copied.round(f"tiny-{number}")
    copied.edit(lambda found: found.update(line="main"))
    for number in (1, 2):
        copied.round(f"tiny-{number}")
    lake = copied.lake()
    assert list(lake.tags("tiny")) == ["tiny-v0", "tiny-v1", "tiny-v2", "tiny-v2.1"]
    assert len(tables.read_round(lake, "main", "tiny", "lineage", 2)) == 20


def test_the_guard_sees_the_weights_of_the_mix(copied: Project) -> None:
    curated = receipts.read("tiny", 2, "curate").commit
    found = {}
    for weight in (50.0, 0.001):
        copied.edit(
            lambda content, weight=weight: content["rounds"]["tiny-2"].update(
                fit={"real_weight": weight}
            )
        )
        at = context.open_context("tiny-2")
        held = round_holdout.open_at(at, curated)
        leaks = evaluate._leaks(at, held, at.round.settings.ingest.near)
        contaminated = contamination.at_commit(at, curated, fresh=leaks)
        figures, mix = evaluate.measure(at, curated, held, contaminated)
        found[weight] = figures["summary"]
        assert figures["summary"]["real_share"] == pytest.approx(mix.manifest.real_share, abs=1e-6)
    assert found[50.0]["real_share"] > 0.9
    assert found[0.001]["real_share"] < 0.1
    assert found[50.0]["variance_mix"] != found[0.001]["variance_mix"]


def test_figures_of_many_rows_are_of_a_sample_and_counts_of_all(
    copied: Project, capfd: pytest.CaptureFixture[str]
) -> None:
    curated = receipts.read("tiny", 2, "curate").commit

    def measured() -> tuple[dict[str, Any], MixManifest]:
        at = context.open_context("tiny-2")
        held = round_holdout.open_at(at, curated)
        figures, mix = evaluate.measure(at, curated, held, contamination.at_commit(at, curated))
        return figures, mix.manifest

    whole, of_all = measured()
    assert "sampled" not in whole
    copied.edit(lambda content: content["datasets"]["tiny"]["evaluate"].update(sample=100))
    sampled, manifest = measured()
    said = sampled["sampled"]
    assert said["rows"] == 100
    assert said["standard_error"] == 0.05
    assert said["of"]["mix"] > 100
    assert f"on 100 rows each of {said['of']['mix']:,} of mix" in capfd.readouterr().err
    exact = ("real_share", "real_inputs", "depth_mean", "accepted", "recall_round")
    assert {name: sampled["summary"][name] for name in exact} == {
        name: whole["summary"][name] for name in exact
    }
    assert sampled["summary"]["variance_mix"] != whole["summary"]["variance_mix"]
    assert measured()[0] == sampled
    assert manifest == of_all


def test_a_sample_is_drawn_of_the_rows_that_are_left(copied: Project) -> None:
    round_, lake = context.open_context("tiny-2").round, copied.lake()
    whole, count = measured_rows.read(lake, "main", round_, "samples", None)
    taken = whole.head(2).select(tables.OCCURRENCE)
    left, rows = measured_rows.read(lake, "main", round_, "samples", 5, taken=taken)
    assert (len(left), rows) == (5, count - 2)
    assert left.join(taken, on=tables.OCCURRENCE, how="semi").is_empty()
    assert left.equals(whole.join(left, on=tables.OCCURRENCE, how="semi").sort(tables.OCCURRENCE))
    assert measured_rows.read(lake, "main", round_, "samples", 5, taken=taken)[0].equals(left)
    assert not measured_rows.read(lake, "main", round_, "samples", 5)[0].equals(left)


def test_a_subsample_is_what_the_next_fit_learns_from(copied: Project) -> None:
    fit = {"regime": "accumulate-subsample", "sample_size": 60}
    copied.edit(lambda found: found["datasets"]["tiny"]["fit"].update(fit))
    copied.edit(lambda found: found["rounds"].update({"tiny-3": tiny_round(3)}))
    lake = copied.lake()
    judged = mixes.build(lake, "tiny-r002", context.open_context("tiny-2").round).samples
    learned = mixes.build(lake, "main", context.open_context("tiny-3").round).samples
    key = ["round", "row"]
    assert len(learned) == 60
    assert judged.select(key).equals(learned.select(key))
    assert learned["round"].n_unique() > 1


@pytest.mark.slow
def test_killed_attempts_leave_nothing_once_a_round_is_published(copied: Project) -> None:
    lake = copied.lake()
    lake.set_branch("tmp-tiny-r003-0123456789ab", str(lake.head("main")))
    lake.write_bytes("tmp-tiny-r003-0123456789ab", "tiny/left", b"behind")
    with_round_3(copied)
    assert not lake.branches("tmp-")
    assert not lake.objects("main", "tiny/left")
    assert overview.collect(lake, "tiny")["open"] == []


def test_rows_of_a_round_are_unique_content(copied: Project) -> None:
    samples = tables.read(copied.lake(), "main", "tiny", "samples").collect()
    made = samples.filter(pl.col("round") > 0)
    assert made["sample_id"].is_unique().all()
