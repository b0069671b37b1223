"""Real data that grows: new rows become a round beside the published ones, and are proved."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pytest

from lake import refs
from lineage import splits
from lineage.identity import sample_ids
from pipelines import params
from pipelines.common.errors import StaleError
from pipelines.gate import real_data_merges
from pipelines.gate.merges import Merge
from pipelines.rounds import held_out_removals, holdout, manifest, receipts, tables
from pipelines.rounds.arrivals import reserved
from pipelines.rounds.round_commit import Transaction
from pipelines.takedown import record
from tests.flow.projects import Project

pytestmark = pytest.mark.slow  # many rounds of its own; some of each kind are tested every day

FIRST = 160
MORE = 60
SOURCE = "birds.csv"
IDENTITY = ("beak", "mass", "island")


def birds(rows: int) -> pl.DataFrame:
    """Birds of two species, the first rows of a list that grows."""
    drawn = np.random.default_rng(5)
    species = drawn.integers(0, 2, 400)
    return pl.DataFrame(
        {
            "beak": (drawn.normal(38 + 9 * species, 2)).round(2),
            "mass": (drawn.normal(3500 + 900 * species, 200)).round(1),
            "island": np.where(drawn.random(400) < 0.5, "Dream", "Biscoe"),
            "species": np.where(species == 0, "Adelie", "Gentoo"),
        }
    ).head(rows)


def chain(project: Project, *numbers: int) -> None:
    """Run the stages that are due, as `dvc repro` would."""
    project.run("lake", "")
    project.run("inputs", "birds")
    project.run("ingest", "birds")
    for number in numbers:
        project.round(f"birds-{number}")


def interpolate(project: Project, number: int) -> None:
    """Add a round that a generator makes."""
    assert project.stemma("round", "add", "birds").code == 0
    assert params.load().rounds[f"birds-{number}"].generator == "interpolation"


def settings(content: dict[str, Any]) -> None:
    """Few candidates, real rows that weigh double, and a small radius for so few columns."""
    data = content["datasets"]["birds"]
    data["generate"], data["fit"] = {"candidates": 30}, {"real_weight": 2.0}
    data["ingest"]["near"] = 0.0005


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Round 0, a generated one, a real one of a source that has grown, and a generated one."""
    project = Project(tmp_path_factory.mktemp("grown") / "project")
    project.root.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        assert project.stemma("init").code == 0
        birds(FIRST).write_csv(SOURCE)
        added = project.stemma("dataset", "add", "birds", SOURCE, "--label", "species")
        assert added.code == 0, added.said
        project.edit(settings)
        chain(project, 1)
        grow(project)
        chain(project, 2)
        interpolate(project, 3)
        chain(project, 3)
        yield project
        project.stop_lake()


def grow(project: Project) -> None:
    """Let the source grow: most old rows, one candidate of round 1 that calls itself real, and new
    rows, one of them twice."""
    lake = project.lake()
    made = tables.read_round(lake, "birds-v1", "birds", "samples", 1).head(1)
    forged = made.select("beak", "mass", "island", pl.col("label").alias("species"))
    rows = birds(FIRST + MORE)
    new = pl.concat([rows.slice(4), rows.tail(1), forged])
    new.write_csv(SOURCE)
    with pytest.raises(StaleError, match=r"`stemma dataset update birds birds\.csv`"):
        project.run("ingest", "birds")
    updated = project.stemma("dataset", "update", "birds", SOURCE, "--json")
    assert updated.code == 0, updated.said
    rows_of = json.loads(updated.out)["arrivals"]["rows"]
    assert rows_of["read"] == FIRST + MORE - 4 + 2
    assert (rows_of["known"], rows_of["gone"]) == (FIRST - 4, 4)
    assert (rows_of["repeated"], rows_of["generated"]) == (1, 1)
    assert rows_of["train"] + rows_of["held_out"] == MORE


def test_new_rows_are_a_round_beside_the_published_ones(grown: Project) -> None:
    lake = grown.lake()
    assert sorted(lake.tags("birds-v")) == ["birds-v0", "birds-v1", "birds-v2", "birds-v3"]
    for number in (0, 1):  # their merges are those of before
        assert receipts.read("birds", number, "publish").tag == f"birds-v{number}"
    rows = tables.read_round(lake, "main", "birds", "lineage", 2)
    assert set(rows["kind"].cast(pl.String)) == {"real"}
    assert set(rows["source"]) == {SOURCE}
    assert rows["generator"].null_count() == len(rows)
    about = manifest.read(lake, "main", "birds", 2)
    assert about["guard"]["verdict"] == "warn"
    judged = {check["name"]: check["verdict"] for check in about["guard"]["checks"]}
    warns = {name for name, verdict in judged.items() if verdict == "warn"}
    assert warns == {"licence_missing"}  # nothing says under which licence the birds are
    assert judged["memorised"] == judged["recall_round"] == "not applicable"
    assert judged["downstream_real"] == judged["holdout_equal"] == judged["recall_mix"] == "pass"


def test_the_next_fit_learns_from_both(grown: Project) -> None:
    mix = manifest.read(grown.lake(), "main", "birds", 3)["mix"]
    accepted = {
        number: len(tables.read_round(grown.lake(), "main", "birds", "samples", number))
        for number in (0, 1, 2)
    }
    parts = {part["round"]: (part["rows"], part["weight"]) for part in mix["rounds"]}
    assert parts == {
        0: (accepted[0], 2.0 * accepted[0]),
        1: (accepted[1], accepted[1]),
        2: (accepted[2], 2.0 * accepted[2]),
    }
    real = 2.0 * (accepted[0] + accepted[2])
    assert mix["real_share"] == pytest.approx(real / (real + accepted[1]))
    only = tables.real_samples(grown.lake(), "main", "birds")
    assert len(only) == accepted[0] + accepted[2]


def test_the_split_of_new_rows_is_that_of_an_ingest_of_all(grown: Project) -> None:
    """The keyed hash sends a row to one split, whenever it arrives."""
    settings = params.load().datasets["birds"]
    whole = birds(FIRST + MORE).rename({"species": "label"})
    ids = sample_ids(whole, IDENTITY)
    shares = {"validation": settings.ingest.validation, "test": settings.ingest.test}
    expected = splits.assign(ids, ids, shares, key=settings.ingest.split_key)
    linked = settings.modality.pairs(whole, settings.ingest.near)
    alone = ~pl.int_range(len(ids), eager=True).is_in(linked.ravel().tolist())
    wanted = pl.DataFrame({"sample_id": ids, "split": expected}).filter(alone)
    held = grown.lake(holdout=True).scan(refs.MAIN, "birds/reserved/").collect()
    new = pl.concat(
        [
            held.select("sample_id", "split"),
            tables.read_round(grown.lake(), "main", "birds", "lineage", 2).select(
                "sample_id", pl.lit("train").alias("split")
            ),
        ]
    )
    both = new.join(wanted, on="sample_id", suffix="_expected")
    assert len(both) > MORE - 10
    assert both["split"].to_list() == both["split_expected"].to_list()


def test_what_is_held_out_is_in_no_table_of_the_lake(grown: Project) -> None:
    lake, held_lake = grown.lake(), grown.lake(holdout=True)
    named = holdout.named("birds", manifest.read(lake, "main", "birds", 0))
    assert holdout.holds(held_lake, named)  # as round 0 left it
    held = held_lake.scan(refs.MAIN, "birds/reserved/").collect()
    section = manifest.read(lake, "main", "birds", 2)["arrivals"]
    assert section["held_out"] == reserved.described(held, IDENTITY)
    for table in ("samples", "lineage"):
        stored = tables.read(lake, "main", "birds", table).select("sample_id").collect()
        assert stored.join(held, on="sample_id", how="semi").is_empty()


def test_history_and_lineage_are_proved(grown: Project) -> None:
    told = json.loads(grown.stemma("audit", "--history", "main", "--json").out)
    assert told["findings"] == []
    assert (told["steps"]["round"], told["steps"]["real round"]) == (2, 1)
    proved = grown.stemma("audit", "--recompute", "main")
    assert proved.code == 0, proved.said
    row = tables.read_round(grown.lake(), "main", "birds", "lineage", 2)["sample_id"][0].hex()
    audited = grown.stemma("audit", row[:12])
    assert "round 2, row 0: real" in audited.out
    assert f"source {SOURCE}" in audited.out


def test_a_source_that_changes_again_stops_and_names_the_command(grown: Project) -> None:
    before, text = (grown.root / SOURCE).read_bytes(), (grown.root / "params.yaml").read_text()
    same = grown.stemma("dataset", "update", "birds", f"./{SOURCE}")
    assert same.code != 0
    assert "nothing to do" in same.err
    birds(FIRST + MORE + 20).write_csv(SOURCE)
    try:
        with pytest.raises(StaleError, match=r"`stemma dataset update birds birds\.csv`"):
            grown.run("inputs", "birds")
        done = grown.stemma("dataset", "update", "birds", SOURCE, "--dry-run")
        assert done.code == 0, done.said
        assert "nothing was written" in done.out
        assert (grown.root / "params.yaml").read_text() == text
        assert grown.stemma("dataset", "update", "birds", SOURCE).code == 0
        grown.run("inputs", "birds")  # the state of round 2 is the past of its source
        assert params.load().rounds["birds-4"].previous == 3
        birds(FIRST + MORE + 30).write_csv(SOURCE)
        assert grown.stemma("dataset", "update", "birds", SOURCE).code == 0
        assert "birds-5" not in params.load().rounds  # nobody has run birds-4, so it takes this
        grown.run("inputs", "birds")
    finally:
        (grown.root / SOURCE).write_bytes(before)
        (grown.root / "params.yaml").write_text(text)
    grown.run("inputs", "birds")


def test_a_change_without_new_rows_is_seen_and_makes_no_round(grown: Project) -> None:
    before, text = (grown.root / SOURCE).read_bytes(), (grown.root / "params.yaml").read_text()
    rows = birds(FIRST + MORE).slice(4)
    species = pl.when(pl.int_range(pl.len()) < 3).then(pl.lit("Gentoo")).otherwise("species")
    rows.with_columns(species.alias("species")).write_csv(SOURCE)
    try:
        with pytest.raises(StaleError, match="stemma dataset update"):
            grown.run("inputs", "birds")
        done = grown.stemma("dataset", "update", "birds", SOURCE, "--json")
        assert done.code == 0, done.said
        found = json.loads(done.out)
        counts = found["arrivals"]["rows"]
        assert found["round"] is None
        assert (counts["train"], counts["refused"]) == (0, refused(grown))
        assert 0 < counts["changed"] <= 3
        assert list(params.load().datasets["birds"].ingest.seen) == [SOURCE]
        assert "birds-4" not in params.load().rounds
        grown.run("inputs", "birds")
        grown.run("ingest", "birds")
    finally:
        (grown.root / SOURCE).write_bytes(before)
        (grown.root / "params.yaml").write_text(text)
    grown.run("inputs", "birds")


def refused(project: Project) -> int:
    """Real rows that round 2 did not accept."""
    counts = manifest.read(project.lake(), "main", "birds", 2)["counts"]
    return int(counts["candidates"] - counts["accepted"])


def test_rows_of_a_past_state_are_those_that_were_published(grown: Project) -> None:
    before, text = (grown.root / SOURCE).read_bytes(), (grown.root / "params.yaml").read_text()
    assert grown.stemma("round", "redo", "birds-2").code == 0
    (grown.root / SOURCE).unlink()
    try:
        grown.run("fit", "birds-2")
        grown.run("generate", "birds-2", supersede=True)
        lake = grown.lake()
        for table in ("lineage", "candidates"):
            again = tables.read_round(lake, "birds-r002", "birds", table, 2)
            made = receipts.read("birds", 2, "generate").commit
            assert again.equals(tables.read_round(lake, made, "birds", table, 2))
        first = tables.read_round(lake, "birds-v2", "birds", "lineage", 2)
        assert tables.read_round(lake, "birds-r002", "birds", "lineage", 2).equals(first)
    finally:
        (grown.root / SOURCE).write_bytes(before)
        (grown.root / "params.yaml").write_text(text)
        chain(grown, 2)


def test_what_an_earlier_release_did_not_write_down_supersedes_nothing(grown: Project) -> None:
    before = (grown.root / SOURCE).read_bytes()
    text, receipt = (grown.root / "params.yaml").read_text(), receipts.path("birds", 0, "publish")
    written = receipt.read_text()
    grown.edit(lambda found: found["datasets"]["birds"]["ingest"].pop("pinned"))
    receipt.write_text(json.dumps({k: v for k, v in json.loads(written).items() if k != "files"}))
    try:
        with pytest.raises(StaleError, match="an earlier release did not write down which"):
            grown.run("ingest", "birds")
        assert tables.rounds(grown.lake(), "main", "birds") == [0, 1, 2, 3]
    finally:
        (grown.root / SOURCE).write_bytes(before)
        (grown.root / "params.yaml").write_text(text)
        receipt.write_text(written)


def test_a_run_that_was_cut_off_begins_again_with_the_same_rows(
    grown: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = grown.lake(holdout=True)
    before = held.scan(refs.MAIN, "birds/reserved/").collect()
    text = (grown.root / "params.yaml").read_text()
    for _ in range(2):  # the first revision may be in the lake
        assert grown.stemma("round", "redo", "birds-2").code == 0
    write = Transaction.write

    def fail(*_: object) -> None:
        raise StaleError("cut off")

    monkeypatch.setattr(Transaction, "write", fail)
    try:
        grown.run("fit", "birds-2")
        with pytest.raises(StaleError, match="cut off"):
            grown.run("generate", "birds-2")
        monkeypatch.setattr(Transaction, "write", write)
        grown.run("generate", "birds-2", supersede=True)
        after = held.scan(refs.MAIN, "birds/reserved/").collect()
        assert after.equals(before)
        again = tables.read_round(grown.lake(), "birds-r002", "birds", "lineage", 2)
        first = tables.read_round(grown.lake(), "birds-v2", "birds", "lineage", 2)
        assert again.equals(first)
    finally:
        (grown.root / "params.yaml").write_text(text)
        chain(grown, 2)


def test_generated_rows_that_say_that_they_are_real_are_named(grown: Project) -> None:
    lake = grown.lake()
    branch = "forged"
    lake.set_branch(branch, lake.resolve(refs.MAIN).id)
    for number, expected in (
        (3, "a generator made the round"),
        (2, "not real: row 0 is synthetic"),
    ):
        rows = tables.read_round(lake, branch, "birds", "lineage", number)
        kind = pl.lit("real" if number == 3 else "synthetic", rows.schema["kind"]).alias("kind")
        lake.write(branch, refs.part("birds", "lineage", number), rows.with_columns(kind))
        commit = lake.commit(branch, "Turn rows", {})
        wrong = real_data_merges.later_fault(Merge(lake, commit, ()), "birds", number)
        assert wrong is not None
        assert expected in wrong
    lake.delete_branch(branch)


def test_a_column_of_another_type_is_refused(grown: Project) -> None:
    birds(40).with_columns(mass=pl.lit("heavy")).write_csv(grown.root / "other.csv")
    told = grown.stemma("dataset", "update", "birds", "other.csv")
    assert told.code != 0
    said = "other.csv: column 'mass' is String, and Float64 in round 0 (row 0 has heavy); write it"
    assert said in " ".join(told.err.split())


def test_another_source_can_call_its_columns_otherwise(grown: Project) -> None:
    other = {"beak": "bill", "species": "kind"}
    birds(FIRST + MORE + 40).rename(other).write_csv(grown.root / "theirs.csv")
    wrong = grown.stemma("dataset", "update", "birds", "theirs.csv", "--dry-run")
    assert wrong.code != 0
    options = [part for name in other.items() for part in ("--column", "=".join(name))]
    told = grown.stemma("dataset", "update", "birds", "theirs.csv", *options, "--dry-run", "--json")
    assert told.code == 0, told.said
    said = json.loads(told.out)
    assert said["entry"]["generate"]["real"]["columns"] == other
    rows = said["arrivals"]["rows"]
    assert rows["train"] + rows["held_out"] == 40
    for wrong_option, sentence in (
        ("--column=beak", "--column 'beak' is not NAME=VALUE"),
        ("--column=beak=bil", "has no column 'bil', which was named for 'beak'"),
        ("--column=mass=bill", "has a column 'mass' besides 'bill', which was named for it"),
        ("--setting=sheet=2", "sheet"),
    ):
        refused = grown.stemma("dataset", "update", "birds", "theirs.csv", wrong_option)
        assert refused.code != 0
        assert sentence in " ".join(refused.err.split())


def test_held_out_rows_of_a_later_round_are_taken_down_too(grown: Project) -> None:
    lake, held = grown.lake(), grown.lake(holdout=True)
    before = held.scan(refs.MAIN, "birds/reserved/").collect()
    word = before["sample_id"][0].hex()
    done = grown.stemma("takedown", word, "--reason", "they asked", "--name", "letter", "--json")
    assert done.code == 0, done.said
    (taken,) = json.loads(done.out)["takedowns"]
    assert taken["holdout"] == [{"dataset": "birds", "split": before["split"][0], "rows": 1}]
    left = held.scan(refs.MAIN, "birds/reserved/").collect()
    assert left.equals(before[1:])
    main = lake.resolve(refs.MAIN).id
    read = reserved.read(lake, held, main, "birds", 4)
    assert read["sample_id"].to_list() == left["sample_id"].to_list(), "the record answers for it"
    assert held_out_removals.lacking_at(held, refs.MAIN, "birds/reserved/")["row"].to_list() == [
        before["row"][0]
    ]


def test_a_condition_finds_held_out_rows_of_a_later_round_and_the_audit_those_that_are_left(
    grown: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = grown.lake(holdout=True)
    before = held.scan(refs.MAIN, "birds/reserved/").collect()
    beak, mass = before.select("beak", "mass").row(-1)
    words = ("takedown", "--where", f"beak = {beak} AND mass = {mass}", "--reason", "they asked")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.takedown.held_out.remove", killed)
        assert grown.stemma(*words, "--name", "killed").code
    made = record.read(grown.lake(), refs.MAIN, "killed")
    assert [(each.dataset, each.rows) for each in made.holdout] == [("birds", 1)]
    audited = grown.stemma("audit", "--history", "main")
    assert "birds still holds out 1 of the rows that the take-down killed names" in audited.said
    done = grown.stemma(*words, "--name", "killed", "--json")
    assert done.code == 0, done.said
    assert held.scan(refs.MAIN, "birds/reserved/").collect().equals(before[:-1])
    audited = grown.stemma("audit", "--history", "main")
    assert "still holds out" not in audited.said
