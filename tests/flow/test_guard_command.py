"""`stemma guard`: a round judged now, by the limits of params.yaml, beside what was recorded."""

from __future__ import annotations

import json
from typing import Any

import polars as pl
import pytest

from lake.errors import NotFoundError
from pipelines.rounds import manifest, receipts, tables
from review.commands import guard
from review.errors import Findings, UsageError
from tests.flow.projects import Project

STRICT = {"guard": {"real_share_block": 0.99, "real_share_shallow": 0.0}}


def judged(capsys: pytest.CaptureFixture[str], ref: str, dataset: str | None = None) -> Any:
    """What the command prints as JSON about the one round of a ref."""
    capsys.readouterr()
    guard.run(ref=ref, dataset=dataset, as_json=True)
    (judgement,) = json.loads(capsys.readouterr().out)["rounds"]
    return judgement


def shown(capsys: pytest.CaptureFixture[str], ref: str) -> str:
    capsys.readouterr()
    guard.run(ref=ref, dataset=None, as_json=False)
    return capsys.readouterr().out


def test_each_name_of_a_round_gives_the_recorded_answer(
    unchanged: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = unchanged.lake()
    held_out = manifest.read(lake, "main", "tiny", 0)["holdout"]["digest"]
    for ref, number in (("main", 2), ("tiny-v1", 1), ("tiny-r001", 1), ("tiny-v2~1", 1)):
        judgement = judged(capsys, ref)
        recorded = manifest.read(lake, "main", "tiny", number)["guard"]
        assert judgement["recorded"] == recorded
        assert (judgement["same"], judgement["same_limits"], judgement["differing"]) == (
            True,
            True,
            [],
        )
        assert judgement["now"]["round"] == number
        assert judgement["now"]["checks"] == recorded["checks"]
        assert judgement["now"]["limits"] == recorded["limits"]
        assert judgement["now"]["bound"]["holdout"] == recorded["bound"]["holdout"] == held_out
        assert judgement["commit"] == judgement["now"]["judged"] == lake.resolve(ref).id
        assert judgement["limits_of"] == f"limits of rounds.tiny-{number} in params.yaml"
    printed = shown(capsys, "main")
    assert "tiny-2 at main: pass" in printed
    assert "by the same limits; the same answer as now" in printed


def test_evidence_names_samples_of_the_round(
    unchanged: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    printed = shown(capsys, "tiny-v1")
    samples = tables.read_round(unchanged.lake(), "tiny-v1", "tiny", "samples", 1)
    first = samples.sort("row")["sample_id"].head(3).to_list()
    (line,) = (line for line in printed.splitlines() if line.startswith("│ depth_max "))
    assert all(name.hex()[:12] in line for name in first)


def test_limits_that_changed_since_block_now(
    copied: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    copied.edit(lambda params: params["rounds"]["tiny-2"].update(publish=STRICT))
    capsys.readouterr()
    with pytest.raises(Findings, match=r"^the guard blocks tiny-2 \(real_share\)$") as caught:
        guard.run(ref="main", dataset="tiny", as_json=False)
    assert caught.value.exit_code == 1
    printed = capsys.readouterr().out
    assert "tiny-2 at main: block (real_share)" in printed
    assert "by other limits; another answer than now, real_share" in printed
    (line,) = (line for line in printed.splitlines() if line.startswith("│ real_share "))
    assert [cell.strip() for cell in line.split("│")][4:6] == ["block", "pass"]
    done = copied.stemma("guard", "main", "--json")
    assert done.code == 1
    assert json.loads(done.out)["rounds"][0]["now"]["blocking"] == ["real_share"]
    assert done.err == "stemma: the guard blocks tiny-2 (real_share)\n"
    guard.run(ref="tiny-v1", dataset=None, as_json=True)  # whose limits did not change


def test_an_override_lifts_the_block_and_is_shown(
    copied: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    override = STRICT | {"override": "a trial [see minutes]"}
    copied.edit(lambda params: params["rounds"]["tiny-2"].update(publish=override))
    judgement = judged(capsys, "main")
    assert judgement["override"] == judgement["now"]["override"] == "a trial [see minutes]"
    assert (judgement["now"]["verdict"], judgement["now"]["blocking"]) == (
        "override",
        ["real_share"],
    )
    assert "a trial [see minutes] (which lifts the block)" in shown(capsys, "main")
    idle = {"override": "just in case"}
    copied.edit(lambda params: params["rounds"]["tiny-2"].update(publish=idle))
    assert "just in case (which nothing needs: no block)" in shown(capsys, "main")


def test_rounds_that_params_do_not_know(
    copied: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    limit = {"depth_max_warn": 1.0}
    copied.edit(lambda params: params["rounds"].pop("tiny-2"))
    copied.edit(lambda params: params["datasets"]["tiny"]["publish"]["guard"].update(limit))
    judgement = judged(capsys, "tiny-v2")
    assert judgement["limits_of"] == "limits of datasets.tiny: params.yaml has no rounds.tiny-2"
    assert (judgement["now"]["verdict"], judgement["differing"]) == ("warn", ["depth_max"])
    copied.edit(lambda params: params.update(datasets={}, rounds={}))
    judgement = judged(capsys, "main", "tiny")
    assert judgement["same_limits"] is False
    assert judgement["limits_of"] == "default limits: params.yaml has no datasets.tiny"
    with pytest.raises(NotFoundError, match="main holds no synthetic round of any data set"):
        guard.run(ref="main", dataset=None, as_json=True)


@pytest.mark.parametrize(
    ("stage", "missing"), [("generate", "verify"), ("verify", "curate"), ("curate", "evaluate")]
)
def test_a_branch_that_has_not_come_far_enough(copied: Project, stage: str, missing: str) -> None:
    lake = copied.lake()
    lake.set_branch("tiny-r002-early", receipts.read("tiny", 2, stage).commit)
    sentence = (
        rf"^tiny-2 at tiny-r002-early cannot be judged yet: .* stage {missing} writes; run `dvc"
    )
    with pytest.raises(NotFoundError, match=sentence):
        guard.run(ref="tiny-r002-early", dataset=None, as_json=False)


def test_a_round_that_was_evaluated_and_not_published(
    copied: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = copied.lake()
    lake.set_branch("tiny-r002-hot", receipts.read("tiny", 2, "evaluate").commit)
    judgement = judged(capsys, "tiny-r002-hot")
    assert (judgement["recorded"], judgement["same"]) == (None, None)
    assert judgement["now"]["verdict"] == "pass"
    assert "no answer is recorded" in shown(capsys, "tiny-r002-hot")


def test_a_recorded_answer_that_was_altered(
    copied: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = copied.lake()
    lake.set_branch("tiny-r002-hot", "tiny-v2")
    content = manifest.read(lake, "tiny-v2", "tiny", 2)["guard"]
    content["checks"][0]["verdict"] = "warn"
    manifest.extend(lake, "tiny-r002-hot", "tiny", 2, guard=content)
    lake.commit("tiny-r002-hot", "altered", {})
    judgement = judged(capsys, "tiny-r002-hot")
    assert judgement["recorded"] is None
    assert "was altered" in judgement["problem"]
    assert "was altered" in shown(capsys, "tiny-r002-hot")


def test_copies_of_held_out_rows_are_found_and_named(
    copied: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    """The round is judged by what it holds, not by what is recorded about it."""
    lake = copied.lake()
    fingerprints = copied.lake(holdout=True).scan("main", "tiny/fingerprints/").collect()
    samples = tables.read_round(lake, "tiny-v2", "tiny", "samples", 2)
    lineage = tables.read_round(lake, "tiny-v2", "tiny", "lineage", 2)
    stolen = fingerprints.head(1)
    first = pl.col("row") == samples["row"][0]
    ids = pl.when(first).then(pl.lit(stolen["sample_id"][0])).otherwise("sample_id")
    image = pl.Series("image", [stolen["image"][0], *samples["image"][1:]], samples["image"].dtype)
    lake.set_branch("tiny-r002-hot", "tiny-v2")
    changed = samples.with_columns(ids.alias("sample_id"), image)
    lake.write("tiny-r002-hot", "tiny/samples/round=002/part-00000.parquet", changed)
    changed = lineage.with_columns(ids.alias("sample_id"))
    lake.write("tiny-r002-hot", "tiny/lineage/round=002/part-00000.parquet", changed)
    lake.commit("tiny-r002-hot", "stolen", {})
    judgement = judged(capsys, "tiny-r002-hot")
    checks = {check["name"]: check for check in judgement["now"]["checks"]}
    assert checks["holdout_equal"]["value"] == pytest.approx(1 / len(samples))
    assert stolen["sample_id"][0].hex()[:12] in checks["holdout_equal"]["evidence"]
    assert "holdout_equal" in judgement["differing"]


def test_what_is_no_round_is_one_sentence(unchanged: Project) -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        guard.run(ref="nowhere", dataset=None, as_json=False)
    with pytest.raises(UsageError, match="tiny-v0 is about real data"):
        guard.run(ref="tiny-v0", dataset=None, as_json=False)
    with pytest.raises(UsageError, match="tiny-v1 is about tiny, not about other"):
        guard.run(ref="tiny-v1", dataset="other", as_json=False)
    with pytest.raises(UsageError, match="there is no data set 'other'"):
        guard.run(ref="main", dataset="other", as_json=False)
    zero = unchanged.lake().resolve("tiny-v0").id
    with pytest.raises(NotFoundError, match="holds no synthetic round of tiny"):
        guard.run(ref=zero, dataset=None, as_json=False)
