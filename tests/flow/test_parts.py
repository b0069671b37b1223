"""A round whose tables have several parts is the round of one part, for everybody who reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from lake import refs
from lake.client import Lake
from pipelines.gate import history_audit
from pipelines.inquiry import verdicts_again
from pipelines.rounds import holdout, manifest, parts, tables
from pipelines.rounds.round_commit import Transaction
from review.commands import recompute
from tests.flow.projects import Project, tiny

BOUNDS = {"BLOCK_ROWS": 5, "PART_ROWS": 7, "VERDICTS": 9, "MANY": 30}
"""Bounds that the 24 candidates of a round reach."""
REAL = ("samples", "lineage")
TABLES = ("lineage", "samples", "decisions", "scores", "verdicts")


def sliced(tx: Transaction, path: str, frame: pl.DataFrame) -> None:
    """Write the tables of generate, which are given as a whole, with seven rows a part."""
    first = "part-00000.parquet"
    if "/candidates/" not in path and "/lineage/" not in path:
        tx.lake.write(tx.branch, path, frame)
        return
    for at, piece in enumerate(frame.iter_slices(BOUNDS["PART_ROWS"])):
        tx.lake.write(tx.branch, path.replace(first, f"part-{at:05d}.parquet"), piece)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A published round of several parts."""
    project = tiny(tmp_path_factory.mktemp("parted") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        for name, value in BOUNDS.items():
            patch.setattr(parts, name, value)
        patch.setattr(Transaction, "write", sliced)
        project.run("lake", "")
        project.run("ingest", "tiny")
        project.round("tiny-1")
        yield project
    project.drop_lake()


@pytest.fixture
def parted(made: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """That project as the current directory, its tables read in small blocks."""
    monkeypatch.chdir(made.root)
    for name, value in BOUNDS.items():
        monkeypatch.setattr(parts, name, value)
    return made


def rows(lake: Lake, ref: str, table: str) -> list[dict[str, object]]:
    """Rows of round 1, without what depends on the time of day."""
    found = tables.read_round(lake, ref, "tiny", table, 1)
    order = ["row", *({"expectation"} & {*found.columns})]
    return found.drop("trained_on", "generator", strict=False).sort(order).to_dicts()


@pytest.mark.slow
def test_a_round_in_parts_holds_what_one_of_one_part_holds(
    parted: Project, unchanged: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(unchanged.root)
    expected = {name: rows(unchanged.lake(), "tiny-v1", name) for name in TABLES}
    monkeypatch.chdir(parted.root)
    lake = parted.lake()
    for name in TABLES:
        held = lake.objects("main", refs.partition("tiny", name, 1))
        assert [item.path for item in held] == [
            refs.part("tiny", name, 1, at) for at in range(len(held))
        ]
        assert len(held) > 2, name
        assert rows(lake, "main", name) == expected[name], name
    samples = tables.read_round(lake, "main", "tiny", "samples", 1)["row"]
    assert samples.is_sorted()


@pytest.mark.slow
def test_real_data_in_parts_are_those_of_one_part(
    parted: Project, unchanged: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def real() -> tuple[list[pl.DataFrame], list[str], int]:
        lake, held_out = parted.lake(), parted.lake(holdout=True)
        tables_of = [tables.read_round(lake, "main", "tiny", name, 0) for name in REAL]
        named = holdout.named("tiny", manifest.read(lake, "main", "tiny", 0))
        opened = holdout.open_named(held_out, named)
        held = [opened.table(name) for name in named.tables]
        count = len(lake.objects("main", refs.partition("tiny", "samples", 0)))
        return [*tables_of, *held], [named.key, str(named.digest)], count

    monkeypatch.chdir(parted.root)
    found, names, count = real()
    monkeypatch.chdir(unchanged.root)
    expected, known, one = real()
    assert (names, one) == (known, 1)
    assert count == -(-len(expected[0]) // BOUNDS["PART_ROWS"])
    assert all(each.equals(other) for each, other in zip(found, expected, strict=True))


@pytest.mark.slow
def test_verdicts_and_pages_of_a_round_in_parts_are_told(parted: Project) -> None:
    lake = parted.lake()
    told = parted.stemma("verdicts", "tiny-v1", "--json")
    assert told.code == 0, told.said
    (found,) = json.loads(told.out)["rounds"]
    assert found["candidates"] == 24
    counted = tables.read_round(lake, "main", "tiny", "verdicts", 1)["verdict"].value_counts()
    sums = {
        word: sum(rule[word] for rule in found["expectations"]) for word in ("passed", "failed")
    }
    assert dict(counted.iter_rows()) == {word: number for word, number in sums.items() if number}
    page = Path("reports/tiny/1/verdicts.html").read_text(encoding="utf-8")
    assert "<b>24</b>candidates" in page


@pytest.mark.slow
def test_a_round_in_parts_is_proved_and_audited(
    parted: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = parted.lake()
    recompute.run(ref="main", dataset="tiny", as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert (found["clean"], found["findings"], found["not_provable"]) == (True, [], 0)
    log = list(lake.log("main", first_parent=True))[::-1]
    assert [step.wrong for step in history_audit.walk(lake, log, None) if step.wrong] == []
    for row in (0, 23):
        ids = tables.read_round(lake, "main", "tiny", "lineage", 1).filter(row=row)["sample_id"]
        told = parted.stemma("audit", ids[0].hex()[:12], "--json")
        assert told.code == 0, told.said
        assert json.loads(told.out)["occurrences"][0]["row"] == row


@pytest.mark.slow
def test_a_round_in_parts_is_compared_row_by_row(parted: Project) -> None:
    told = parted.stemma("diff", "tiny-v0", "tiny-v1", "--rows", "--json")
    assert told.code == 0, told.said
    samples = tables.read_round(parted.lake(), "main", "tiny", "samples", 1)
    found = json.loads(told.out)["datasets"]["tiny"]["rows"]
    added = [row["row"] for row in found if row["change"] == "added"]
    assert sorted(added) == samples["row"].to_list()


@pytest.mark.slow
def test_verdicts_of_parts_are_given_again(parted: Project) -> None:
    lake = parted.lake()
    branch = lake.resolve("main").parents[1]
    verified = next(
        commit for commit in lake.log(branch) if commit.metadata.get("stemma.stage") == "verify"
    )
    again = verdicts_again.judge(lake, verified, "tiny", 1)
    assert isinstance(again, pl.DataFrame)
    stored = tables.read_round(lake, verified.id, "tiny", "verdicts", 1)
    assert again.sort("row", "expectation").equals(stored.sort("row", "expectation"))


@pytest.mark.slow
def test_fsck_finds_nothing_wrong_with_parts(parted: Project) -> None:
    told = parted.stemma("lake", "fsck", "--json")
    assert told.code == 0, told.said
    assert json.loads(told.out)["problems"] == []
