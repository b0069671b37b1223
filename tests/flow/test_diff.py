"""What a diff of a data set tells: of a blocked round, of edited tables, of other data sets."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from lake import refs
from lake.client import Lake
from lineage import schema
from pipelines.rounds import tables
from review.commands import diff as diff_command
from review.diff import build, distance
from review.diff.samples import Picture, samples
from review.errors import Findings, UsageError
from tests.flow.projects import Project


def run(**given: object) -> None:
    options = {
        "left": "main",
        "right": None,
        "dataset": None,
        "path": None,
        "key": [],
        "two_dot": False,
        "rows": False,
        "limit": None,
        "columns": True,
        "fail_on": [],
        "html": None,
        "as_markdown": False,
        "as_json": False,
    }
    diff_command.run(**{**options, **given})  # type: ignore[arg-type]


def test_a_diff_shows_what_a_merge_would_change(
    blocked: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = blocked.lake()
    diff = build.diff(lake, "main", "tiny-r003", "tiny")
    decisions = tables.read_round(lake, "tiny-r003", "tiny", "decisions", 3)
    accepted = decisions.filter(pl.col("decision") == "accepted")
    (changed,) = diff.rounds
    assert (changed.round, changed.guard) == (3, "block")
    assert changed.samples == {"added": len(accepted), "removed": 0, "changed": 0}
    assert sum(changed.decisions.values()) == 24
    assert (diff.left.samples + len(accepted), diff.conflicts) == (diff.right.samples, [])
    assert (diff.left.rounds, diff.right.rounds) == ([0, 1, 2], [0, 1, 2, 3])
    assert diff.right.real_share is not None
    assert diff.left.real_share is not None
    assert diff.right.real_share < diff.left.real_share
    assert diff.right.depth_max == 3
    assert diff.rows.filter(pl.col("change") == "added").height == len(accepted)
    assert diff.rows.filter(pl.col("change") == "refused").height == 24 - len(accepted)
    assert diff.objects["samples"] == {"added": 1}
    capsys.readouterr()
    run(right="tiny-r003", rows=True)
    shown = capsys.readouterr().out
    assert "main...tiny-r003" in shown
    assert accepted["sample_id"][0].hex()[:12] in shown
    run(right="tiny-r003", rows=True, as_json=True)
    content = json.loads(capsys.readouterr().out)["datasets"]["tiny"]
    assert len(content["rows"]) == 24
    assert len(content["rows"][0]["sample_id"]) == 64


def test_a_superseded_round_shows_as_removed(copied: Project) -> None:
    copied.edit(lambda params: params["rounds"]["tiny-1"].update(generate={"candidates": 20}))
    copied.round("tiny-1", "generate", "verify", "curate")
    lake = copied.lake()
    diff = build.diff(lake, "main", "tiny-r001", "tiny")
    second = next(entry for entry in diff.rounds if entry.round == 2)
    old = tables.read_round(lake, "main", "tiny", "samples", 2)
    assert second.samples == {"added": 0, "removed": len(old), "changed": 0}
    assert diff.right.rounds == [0, 1]


def test_merges_of_other_data_sets_do_not_show(
    blocked: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = blocked.lake()
    lake.set_branch("other", str(lake.head("main")))
    lake.write("other", "another/samples/round=000/part-00000.parquet", pl.DataFrame({"a": [1]}))
    lake.commit("other", "another data set", {})
    lake.merge("other", "main", "publish another data set", {})
    assert build.datasets(lake, "main", "tiny-r003") == ["tiny"]
    assert build.datasets(lake, "main", "tiny-r003", two_dot=True) == ["another", "tiny"]
    capsys.readouterr()
    run(right="main")
    assert "no difference" in capsys.readouterr().out
    lake.tag("tiny-v9", str(lake.head("main")))
    run(left="tiny-v2", right="tiny-v9")
    rows_by_change = capsys.readouterr()
    assert "another differ too; --dataset shows one of them" in rows_by_change.err
    assert "no difference" in rows_by_change.out


def edit(lake: Lake, table: str, number: int, change: pl.Expr) -> None:
    """Change a table of a round on the branch `edited`."""
    frame = tables.read_round(lake, "main", "tiny", table, number)
    lake.write("edited", refs.part("tiny", table, number), frame.with_columns(change))


def test_edited_tables_show_what_was_edited(
    copied: Project, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lake = copied.lake()
    lake.set_branch("edited", str(lake.head("main")))
    lineage = tables.read_round(lake, "main", "tiny", "lineage", 2)
    decided = tables.read_round(lake, "main", "tiny", "decisions", 2)
    sample = tables.read_round(lake, "main", "tiny", "samples", 2).row(0, named=True)
    row = pl.col("row")
    relabel = pl.when(row == sample["row"]).then(7).otherwise("label").alias("label")
    edit(lake, "samples", 2, relabel)
    other = pl.when(row == 3).then(pl.lit("duplicate")).otherwise("decision").alias("decision")
    edit(lake, "decisions", 2, other)
    seen = (row == 4) & (pl.col("expectation") == "label_agrees")
    edit(
        lake,
        "verdicts",
        2,
        pl.when(seen).then(pl.lit("unknown")).otherwise("verdict").alias("verdict"),
    )
    parent = [{"dataset": "tiny", "round": 0, "row": 1, "relation": "seed", "weight": 0.25}]
    before = lineage["parents"].to_list()
    at_five = lineage["row"].to_list().index(5)
    before[at_five] = parent
    edit(lake, "lineage", 2, pl.lit(pl.Series("parents", before, schema.PARENTS)))
    lake.commit("edited", "edits by hand", {})
    diff = build.diff(lake, "main", "edited", "tiny")
    assert diff.changes == {"changed": 1, "decision": 1, "verdict": 1, "parents": 1}
    rows_by_change = {entry["change"]: entry for entry in diff.rows.iter_rows(named=True)}
    assert (rows_by_change["changed"]["row"], rows_by_change["changed"]["columns"]) == (
        sample["row"],
        ["label"],
    )
    assert rows_by_change["changed"]["sample_id"] == sample["sample_id"]
    was = decided.filter(row == 3)["decision"].item()
    assert rows_by_change["decision"]["before"].startswith(was)
    assert rows_by_change["decision"]["after"].startswith("duplicate")
    assert rows_by_change["verdict"]["after"] == "label_agrees: unknown"
    assert rows_by_change["parents"]["after"] == "tiny/0/1 seed 0.25"
    for change, row_number in (("decision", 3), ("verdict", 4), ("parents", 5)):
        assert rows_by_change[change]["row"] == row_number
        assert (
            rows_by_change[change]["sample_id"]
            == lineage.filter(row == row_number)["sample_id"].item()
        )
    shown = {entry.change: entry for entry in samples(diff, diff.rows)}
    assert isinstance(shown["verdict"].after["image"], Picture)
    assert (shown["changed"].before["label"], shown["changed"].after["label"]) == (
        str(sample["label"]),
        "7",
    )
    with pytest.raises(Findings, match=r"payload-changed: 1 row changed; .*decisions: 1 row"):
        run(left="main...edited", fail_on=["payload-changed", "decisions"], columns=False)
    run(right="edited", as_markdown=True, rows=True, html=tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 5
    capsys.readouterr()
    keyed = build.diff(lake, "main", "edited", "tiny", key=["round", "row"])
    assert keyed.changes == diff.changes
    with pytest.raises(UsageError, match="no column 'prompt'; it has: round, row, sample_id"):
        build.diff(lake, "main", "edited", "tiny", key=["prompt"])


@pytest.mark.slow
def test_a_round_that_is_made_again_changes_no_verdicts(copied: Project) -> None:
    copied.edit(lambda params: params["rounds"]["tiny-2"].update(generate={"candidates": 23}))
    copied.round("tiny-2", "generate", "verify", "curate", "evaluate")
    lake = copied.lake()
    diff = build.diff(lake, "main", "tiny-r002", "tiny")
    ids = [
        set(tables.read_round(lake, ref, "tiny", "samples", 2)["sample_id"])
        for ref in ("main", "tiny-r002")
    ]
    assert diff.changes.get("added", 0) == len(ids[1] - ids[0])
    assert diff.changes.get("removed", 0) == len(ids[0] - ids[1])
    assert diff.reference == "the left side's parts that differ"
    assert diff.quality
    assert diff.cost is not None
    assert diff.cost.after["seconds"] > 0
    assert diff.right is not None
    assert diff.right.founders is not None
    assert 0 < diff.right.founders <= 160


def test_sums_of_a_round_are_kept(copied: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = copied.lake()
    first = build.diff(lake, "tiny-v1", "tiny-v2", "tiny")
    summed: list[object] = []
    monkeypatch.setattr(distance.statistics, "tally", summed.append)
    again = build.diff(lake, "tiny-v1", "tiny-v2", "tiny")
    assert summed == []
    assert again.to_dict() == first.to_dict()
