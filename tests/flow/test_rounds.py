"""What the chain leaves in the lake, and what happens when it runs again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lineage import schema
from pipelines.common.errors import StaleError
from pipelines.generators.diffusion import model as diffusion
from pipelines.rounds import history, manifest, merging, receipts, tables
from tests.flow.projects import Project, content, tiny, tiny_round

TABLES = ("samples", "lineage", "verdicts", "decisions")


def frame(lake: Lake, ref: str, table: str) -> pl.DataFrame:
    return tables.read(lake, ref, "tiny", table).collect()


def test_main_holds_every_round_with_branch_and_tag(unchanged: Project) -> None:
    lake = unchanged.lake()
    assert tables.rounds(lake, "main", "tiny") == [0, 1, 2]
    assert {"tiny-r001", "tiny-r002"} <= lake.branches("tiny").keys()
    tags = lake.tags("tiny")
    assert list(tags) == ["tiny-v0", "tiny-v1", "tiny-v2"]
    assert tags["tiny-v2"] == lake.head("main")
    assert tables.rounds(lake, "tiny-v1", "tiny") == [0, 1]
    assert history.published(lake, "tiny").keys() == {0, 1, 2}


def test_every_candidate_has_lineage_verdicts_and_a_decision(unchanged: Project) -> None:
    lake = unchanged.lake()
    key = ["round", "row"]
    lineage = frame(lake, "main", "lineage")
    assert lineage.schema == schema.LINEAGE
    synthetic = lineage.filter(pl.col("kind") == "synthetic")
    assert synthetic.group_by("round").len().sort("round").rows() == [(1, 24), (2, 24)]
    decisions = frame(lake, "main", "decisions")
    assert decisions.select(key).sort(key).equals(synthetic.select(key).sort(key))
    verdicts = frame(lake, "main", "verdicts")
    judged = verdicts.drop_nulls("row").group_by(key).len()
    assert judged.select(key).sort(key).equals(synthetic.select(key).sort(key))
    assert judged["len"].unique().to_list() == [5]
    accepted = decisions.filter(pl.col("decision") == "accepted")
    samples = frame(lake, "main", "samples").filter(pl.col("round") > 0)
    assert samples.select(key).sort(key).equals(accepted.select(key).sort(key))
    assert 0 < len(accepted) <= 48


def test_candidates_and_generator_stay_in_the_generate_commit(unchanged: Project) -> None:
    lake = unchanged.lake()
    generated = receipts.read("tiny", 1, "generate").commit
    assert len(tables.read_round(lake, generated, "tiny", "candidates", 1)) == 24
    files = [item.path for item in lake.objects(generated, "tiny/models/round=001/")]
    assert {path.rpartition("/")[2] for path in files} >= {"weights.safetensors", "manifest.json"}
    with pytest.raises(NotFoundError):
        tables.read(lake, "main", "tiny", "candidates")


def test_derived_columns_follow_from_the_mix(unchanged: Project) -> None:
    lake = unchanged.lake()
    lineage = frame(lake, "main", "lineage").sort("round", "row")
    shares = lineage.group_by("round", maintain_order=True).agg(
        pl.col("real_inputs").unique(), pl.col("depth_max").unique(), pl.col("real_roots").unique()
    )
    mix = manifest.read(lake, "main", "tiny", 2)["mix"]
    assert shares["depth_max"].to_list() == [[0], [1], [2]]
    assert shares["real_inputs"].to_list()[:2] == [[1.0], [1.0]]
    assert shares["real_inputs"].to_list()[2] == [pytest.approx(mix["real_share"])]
    assert mix["real_share"] < 1
    assert shares["real_roots"].to_list() == [[1.0]] * 3
    ours = lineage.filter(pl.col("round") == 2)
    assert ours["trained_on"].unique().to_list() == [mix["digest"]]


def test_the_hold_out_is_elsewhere_and_disjoint(unchanged: Project) -> None:
    held = unchanged.lake(holdout=True)
    assert held.repository == "stemma-holdout"
    ids = held.scan("main", "tiny/fingerprints/").collect()["sample_id"]
    samples = frame(unchanged.lake(), "main", "samples")
    assert len(ids) + len(samples.filter(pl.col("round") == 0)) == 160
    assert not set(ids) & set(samples["sample_id"])


def test_receipts_hold_facts_that_repeat(copied: Project) -> None:
    before = {place: place.read_bytes() for place in Path("rounds").rglob("*.json")}
    copied.all(2)
    assert {place: place.read_bytes() for place in Path("rounds").rglob("*.json")} == before


def test_a_second_clone_adopts_and_generates_nothing(
    copied: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head, branches = copied.lake().head("main"), copied.lake().branches()
    weights = Path("models/tiny/2/weights.safetensors").read_bytes()
    wanted = {place: place.read_bytes() for place in Path("rounds").rglob("*.json")}
    del wanted[Path("rounds/tiny/0/ingest.json")]  # says what was read, and nothing is read
    other = tiny(tmp_path / "clone")
    monkeypatch.setenv("STEMMA_LAKE_HOME", str(copied.root / ".lake"))
    monkeypatch.chdir(other.root)
    monkeypatch.setattr(diffusion, "fit", refuse)
    monkeypatch.setattr(diffusion, "generate", refuse)
    other.all(2)
    assert other.lake().head("main") == head
    assert other.lake().branches() == branches
    assert {place: place.read_bytes() for place in Path("rounds").rglob("*.json")} == wanted
    assert Path("models/tiny/2/weights.safetensors").read_bytes() == weights


def refuse(*_: object, **__: object) -> None:
    raise AssertionError("nothing was to be generated")


@pytest.mark.slow
def test_a_wiped_lake_is_filled_again_with_the_same_samples(copied: Project) -> None:
    wanted = content(copied.lake(), "main")
    created = json.loads(Path("rounds/lake.json").read_text(encoding="utf-8"))
    copied.stop_lake()
    shutil.rmtree(".lake")
    copied.all(2)
    found = content(copied.lake(), "main")
    assert found == wanted
    assert json.loads(Path("rounds/lake.json").read_text(encoding="utf-8")) != created


@pytest.mark.slow
def test_a_foreign_lake_is_not_overwritten_by_accident(
    copied: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = copied.lake().head("main")
    other = tiny(tmp_path / "other")
    monkeypatch.setenv("STEMMA_LAKE_HOME", str(copied.root / ".lake"))
    monkeypatch.chdir(other.root)
    other.edit(lambda found: found["datasets"]["tiny"]["generate"].update(candidates=20))
    other.run("lake", "")
    other.run("ingest", "tiny")
    other.run("fit", "tiny-1")
    with pytest.raises(StaleError, match=r"main holds round 1 of tiny .* --supersede"):
        other.run("generate", "tiny-1")
    assert other.lake().head("main") == head
    other.run("generate", "tiny-1", supersede=True)
    other.round("tiny-1", "verify", "curate", "evaluate", "publish")
    lake = other.lake()
    assert tables.rounds(lake, "main", "tiny") == [0, 1]
    assert tables.rounds(lake, "tiny-v2", "tiny") == [0, 1, 2]
    assert lake.tags("tiny").keys() == {"tiny-v0", "tiny-v1", "tiny-v1.1", "tiny-v2"}


@pytest.mark.slow
def test_running_round_1_again_supersedes_the_later_ones(copied: Project) -> None:
    old = content(copied.lake(), "tiny-v2")
    copied.edit(lambda found: found["rounds"]["tiny-1"].update(generate={"candidates": 20}))
    copied.round("tiny-1", "generate", "verify", "curate", "evaluate", "publish")
    lake = copied.lake()
    assert tables.rounds(lake, "main", "tiny") == [0, 1]
    copied.round("tiny-2")
    assert tables.rounds(lake, "main", "tiny") == [0, 1, 2]
    assert lake.tags("tiny").keys() == {
        "tiny-v0", "tiny-v1", "tiny-v2", "tiny-v1.1", "tiny-v2.1",
    }  # fmt: skip
    assert content(lake, "tiny-v2") == old
    assert len(tables.read_round(lake, "main", "tiny", "lineage", 1)) == 20
    assert len(tables.read_round(lake, "main", "tiny", "lineage", 2)) == 24


@pytest.mark.slow
def test_a_later_round_leaves_the_earlier_ones_alone(copied: Project) -> None:
    before = content(copied.lake(), "main")
    copied.edit(lambda found: found["rounds"]["tiny-2"].update(generate={"candidates": 20}))
    copied.round("tiny-2", "generate", "verify", "curate", "evaluate", "publish")
    copied.edit(lambda found: found["rounds"].update({"tiny-3": tiny_round(3)}))
    copied.round("tiny-3")
    after = content(copied.lake(), "main")
    kept = {path: sum_ for path, sum_ in before.items() if (refs.round_of(path) or 0) < 2}
    assert {path: sum_ for path, sum_ in after.items() if (refs.round_of(path) or 0) < 2} == kept
    assert tables.rounds(copied.lake(), "main", "tiny") == [0, 1, 2, 3]


def test_the_diff_of_a_round_is_what_its_merge_changes(unchanged: Project) -> None:
    lake = unchanged.lake()
    changed = {each.path for each in lake.diff("tiny-v1", "tiny-r002")}
    assert {refs.round_of(path) for path in changed} == {2, None}
    assert {path for path in changed if refs.round_of(path) is None} == {"tiny/head.json"}


@pytest.mark.slow
def test_another_line_leaves_main_alone(copied: Project) -> None:
    lake = copied.lake()
    head, tags = lake.head("main"), lake.tags()
    copied.edit(lambda found: found.update(line="trial"))
    for number in (1, 2):
        copied.round(f"tiny-{number}", "fit", "generate", "verify", "curate", "evaluate", "publish")
    assert (lake.head("main"), lake.tags()) == (head, tags)
    assert {"tiny-r001-trial", "tiny-r002-trial"} <= lake.branches("tiny").keys()
    assert tables.rounds(lake, "tiny-r002-trial", "tiny") == [0, 1, 2]
    copied.edit(lambda found: found["datasets"]["tiny"]["ingest"].update(validation=0.3))
    with pytest.raises(StaleError, match="line trial publishes nothing"):
        copied.run("ingest", "tiny")


def test_of_two_merges_at_once_one_is_refused(copied: Project) -> None:
    lake = copied.lake()
    base = str(lake.head("main"))
    for branch, number in (("left", 3), ("right", 1)):
        lake.set_branch(branch, base)
        merging.write_head(lake, branch, "tiny", number, branch)
        lake.commit(branch, branch, {})
    merging.merge(lake, "left", "left", {})
    with pytest.raises(StaleError, match="main changed at the same time"):
        merging.merge(lake, "right", "right", {})
