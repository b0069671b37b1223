"""Samples that must go: what holds them, a main without them, and what keeps them out."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from PIL import Image

from lake import refs
from lake.client import Lake
from lineage import guard
from pipelines.common.errors import StaleError
from pipelines.gate import history_audit
from pipelines.rounds import denied_inputs, manifest, merging, tables, trust
from pipelines.takedown import deny_list, record
from tests.flow import tiny as tiny_rows
from tests.flow import two_kinds
from tests.flow.executed import STRIPES
from tests.flow.projects import Project, copy, tiny_round

DATASETS = ("tiny", "talk")
TAKEN = 10


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_kinds.made(tmp_path_factory)


@pytest.fixture
def both(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    """Two rounds of images and two of texts; the current directory."""
    project = copy(made, tmp_path / "project")
    monkeypatch.chdir(project.root)
    yield project
    project.drop_lake()


@dataclass(frozen=True)
class Family:
    """What a walk over the lineage tables, row by row, finds below some content."""

    named: set[tuple[str, int, int]]
    direct: set[tuple[str, int, int]]


def family(lake: Lake, ids: set[bytes]) -> Family:
    """Follow explicit parents from every occurrence of some content, without the index."""
    rows = {
        (dataset, row["round"], row["row"]): row
        for dataset in DATASETS
        for row in tables.read(lake, "main", dataset, "lineage").collect().iter_rows(named=True)
    }
    named = {key for key, row in rows.items() if row["sample_id"] in ids}
    below, before = set(named), set[tuple[str, int, int]]()
    while below != before:
        before = set(below)
        below |= {
            key
            for key, row in rows.items()
            for parent in row["parents"] or ()
            if (parent["dataset"], parent["round"], parent["row"]) in before
        }
    return Family(named, below - named)


def chosen(lake: Lake, dataset: str) -> list[str]:
    """Ten real samples, first those that have most children."""
    parents = (
        tables.read(lake, "main", dataset, "lineage")
        .explode("parents")
        .unnest("parents", separator=":")
    )
    children = (
        parents.filter(pl.col("parents:round") == 0)
        .group_by(pl.col("parents:row").alias("row"))
        .len()
        .collect()
    )
    real = tables.read_round(lake, "main", dataset, "samples", 0)
    ordered = real.join(children, on="row", how="left").sort(
        "len", "row", descending=[True, False], nulls_last=True
    )
    return [key.hex() for key in ordered["sample_id"].head(TAKEN)]


def samples(lake: Lake, ref: str) -> dict[str, pl.DataFrame]:
    """Every part of samples at a ref, by path."""
    return {
        item.path: lake.scan_parts(ref, [item]).collect()
        for item in lake.objects(ref)
        if "/samples/" in item.path
    }


def share_left(
    held: dict[str, pl.DataFrame], gone: set[tuple[str, int, int]], dataset: str
) -> float:
    """The share of real rows among the samples of a data set that stay."""
    kept = [
        refs.round_of(path)
        for path, frame in held.items()
        for row in frame["row"]
        if path.startswith(f"{dataset}/") and (dataset, refs.round_of(path), row) not in gone
    ]
    return kept.count(0) / len(kept)


def took(project: Project, *words: str) -> dict[str, Any]:
    done = project.stemma("takedown", *words, "--reason", "they asked", "--json")
    assert done.code == 0, done.said
    content: dict[str, Any] = json.loads(done.out)
    return content


def no_findings(project: Project) -> None:
    for what in ("--history", "--recompute"):
        done = project.stemma("audit", what, "main", "--json")
        assert done.code == 0, done.said


def inputs(project: Project) -> dict[str, str]:
    """The receipts of what stages read besides the lake, by path."""
    for dataset in DATASETS:
        project.run("inputs", dataset)
    return {
        str(file): file.read_text() for file in sorted(Path("rounds").glob("*/inputs/*/*.json"))
    }


def remedies_are_priced(lake: Lake, told: dict[str, Any], dataset: str, made: int) -> None:
    """Hold what each remedy costs against what the rounds took when they were made."""
    took = {
        number: {
            name: part["seconds"]
            for name, part in manifest.read(lake, "main", dataset, number)["cost"].items()
            if isinstance(part, dict) and "seconds" in part
        }
        for number in (1, 2)
    }
    assert told["drop"] == {"rows": made}
    shards = told["regenerate"]
    assert [(part["dataset"], part["round"]) for part in shards] == [(dataset, 1), (dataset, 2)]
    for part in shards:
        share = part["shards"] / part["of"]
        assert part["seconds"] == pytest.approx(share * took[part["round"]]["generate"], abs=0.1)
    if dataset == "tiny":
        refit = told["refit"]["tiny"]
        assert (refit["from"], refit["to"]) == (1, 2)
        whole = sum(sum(each.values()) for each in took.values())
        assert refit["seconds"] == pytest.approx(whole, abs=0.1)


@pytest.mark.parametrize("dataset", DATASETS)
def test_samples_go_with_what_was_made_from_them_and_all_else_stays(
    both: Project, dataset: str
) -> None:
    lake, ids = both.lake(), chosen(both.lake(), dataset)
    below = family(lake, {bytes.fromhex(one) for one in ids})
    before, held, receipts = lake.head("main"), samples(lake, "main"), inputs(both)

    went = {
        frame["sample_id"][position]
        for path, frame in held.items()
        for position, row in enumerate(frame["row"])
        if (path.split("/")[0], refs.round_of(path), row) in below.named | below.direct
    }
    planned = json.loads(
        both.stemma("takedown", *(one[:12] for one in ids), "--dry-run", "--json").out
    )
    assert planned["ids"] == sorted(ids)
    assert planned["counts"]["occurrences"] == len(below.named)
    assert planned["counts"]["direct"] == len(below.direct) > 0
    assert set(planned["tags"]) == {
        tag
        for tag, commit in lake.tags().items()
        if any(set(part["sample_id"]) & went for part in samples(lake, commit).values())
    }
    learned = {(part["dataset"], part["round"]) for part in planned["indirect"]}
    assert learned == ({("tiny", 1), ("tiny", 2)} if dataset == "tiny" else set()), (
        "edits have none"
    )
    fitted = {(model["dataset"], model["round"]) for model in planned["models"]}
    assert fitted == {(dataset, 1), (dataset, 2)}
    remedies_are_priced(lake, planned["remedies"], dataset, len(went) - TAKEN)
    assert lake.head("main") == before, "a dry run wrote"

    done = took(both, *ids, "--name", "letter")["takedowns"][0]
    assert done["main"] == before
    assert done["commit"] == lake.head("main")
    gone = below.named | below.direct
    for path, frame in samples(lake, "main").items():
        name, number = path.split("/")[0], refs.round_of(path)
        kept = [(name, number, row) not in gone for row in held[path]["row"]]
        assert frame.equals(held[path].filter(kept)), path
    rows = record.rows(lake, "main", "letter")
    assert set(rows.select("dataset", "round", "row").iter_rows()) == gone
    assert set(done["guard"]) == {name for name, _, _ in gone}
    assert done["guard"] == planned["guard"], "the dry run says what the guard says"
    answer = guard.read(done["guard"][dataset]["answer"])
    assert (answer.round, answer.judged, answer.verdict) == (2, before, "pass")
    share = next(item for item in answer.checks if item.name == "real_share").value
    assert share == pytest.approx(share_left(held, gone, dataset), abs=1e-6)
    no_findings(both)

    told = json.loads(both.stemma("losses", dataset, "--json").out)["rounds"]
    assert all(each["adds_up"] for each in told)
    down = {each["round"]: each["outcomes"].get("taken down", 0) for each in told}
    assert down == {number: sum(place[1] == number for place in gone) for number in range(3)}
    assert inputs(both) == receipts, "published rounds stay as they are, and their receipts too"
    listed = both.stemma("audit", ids[0][:12]).out
    assert "taken down on" in listed
    assert "because they asked" in listed
    assert "letter" in both.stemma("status").out
    again = took(both, *ids, "--name", "letter-2")
    assert again["takedowns"] == []


@pytest.mark.slow
def test_a_main_that_the_guard_blocks_needs_a_reason(both: Project) -> None:
    """One of two classes goes, which real rows of before show."""
    limits = {"guard": {"downstream_previous_block": 0.02}}
    both.edit(lambda content: content["rounds"]["tiny-2"].update(publish=limits))
    main = both.lake().head("main")
    words = ("takedown", "--where", "label = 0", "--dataset", "tiny", "--reason", "they asked")
    planned = json.loads(both.stemma(*words[:-2], "--dry-run", "--json").out)["guard"]["tiny"]
    assert "downstream_previous" in planned["answer"]["blocking"]
    refused = both.stemma(*words)
    assert refused.code == 3
    assert "give the reason to do it all the same with --override" in refused.err
    assert both.lake().head("main") == main, "it is judged before anything is written"
    done = both.stemma(*words, "--override", "the law", "--json")
    assert done.code == 0, done.said
    answer = json.loads(done.out)["takedowns"][0]["guard"]["tiny"]["answer"]
    assert (answer["verdict"], answer["override"]) == ("override", "the law")
    assert answer["blocking"] == planned["answer"]["blocking"]
    no_findings(both)


@pytest.mark.slow
def test_real_data_alone_is_not_judged_and_that_is_said(empty: Project) -> None:
    empty.run("lake", "")
    empty.run("ingest", "tiny")
    word = tables.read_round(empty.lake(), "main", "tiny", "samples", 0)["sample_id"][0].hex()
    done = empty.stemma("takedown", word, "--reason", "they asked")
    assert done.code == 0, done.said
    said = "guard on tiny without them: not judged, because main holds no round of it after"
    assert said in done.out
    no_findings(empty)


@pytest.mark.slow
def test_the_next_round_learns_and_keeps_nothing_of_what_went(both: Project) -> None:
    lake, ids = both.lake(), chosen(both.lake(), "tiny")
    both.edit(
        lambda content: content["rounds"].update(
            {"tiny-3": tiny_round(3) | {"generator": "noisy.py"}}
        )
    )
    unmade = inputs(both)
    took(both, *ids)
    moved = {name for name, text in inputs(both).items() if text != unmade[name]}
    assert moved == {"rounds/tiny/inputs/3/fit.json"}, "only what is not made yet and learns"
    both.round("tiny-3")
    fitted = json.loads(Path("rounds/tiny/3/fit.json").read_text())
    rows = record.rows(lake, "main", record.names(lake)[0])
    assert fitted["rows"]["denied"] == len(rows.filter("sample"))
    mix = pl.read_parquet("models/tiny/3/mix.parquet")
    went = rows.select("round", "row").cast({"round": mix.schema["round"]})
    assert mix.join(went, on=["round", "row"], how="semi").is_empty()
    no_findings(both)


@pytest.mark.slow
def test_a_source_that_is_imported_again_does_not_bring_them_back(both: Project) -> None:
    """Images encoded anew, and texts with other white space."""
    lake = both.lake()
    ids = {name: chosen(lake, name) for name in DATASETS}
    real = {"tiny": tiny_rows.load(), "talk": pl.read_ndjson("talk.jsonl")}
    took(both, *ids["tiny"], *ids["talk"])
    (both.root / "again").mkdir()
    for number, row in enumerate(real["tiny"].iter_rows(named=True)):
        folder = both.root / "again" / str(row["label"])
        folder.mkdir(exist_ok=True)
        with Image.open(io.BytesIO(row["image"]["bytes"])) as image:
            image.save(folder / f"{number}.png", compress_level=0)
    spaced = pl.col("completion").str.replace_all(" ", "  ") + "\n"
    real["talk"].select("prompt", spaced, "label").write_ndjson(both.root / "again.jsonl")

    def add(content: dict[str, Any]) -> None:
        for name, source in (("tiny", "again"), ("talk", "again.jsonl")):
            entry = json.loads(json.dumps(content["datasets"][name]))
            entry["ingest"]["source"] = source
            content["datasets"][f"{name}again"] = entry

    both.edit(add)
    for name in DATASETS:
        suites = both.root / "expectations" / "suites"
        shutil.copy2(suites / f"{name}.json", suites / f"{name}again.json")
        both.run("ingest", f"{name}again")
        receipt = json.loads(Path(f"rounds/{name}again/0/publish.json").read_text())
        assert receipt["rows"]["denied"] == TAKEN
        assert receipt["rows"]["candidates"] == len(real[name]) - TAKEN
    brought = tables.read_round(lake, "main", "tinyagain", "samples", 0)
    assert not set(ids["tiny"]) & {key.hex() for key in brought["sample_id"]}
    no_findings(both)


@pytest.mark.slow
def test_a_take_down_that_is_killed_before_its_merge_is_made_by_the_same_command(
    both: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, ids = both.lake(), chosen(both.lake(), "tiny")
    before = lake.head("main")

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "merge", killed)
        patch.setattr(Lake, "delete_branch", lambda *_: None)  # nothing is tidied
        assert both.stemma("takedown", *ids, "--reason", "they asked", "--name", "letter").code
    assert lake.head("main") == before
    assert lake.branches("tmp-takedown-letter-")
    took(both, *ids, "--name", "letter")
    assert record.names(lake) == ["letter"]
    assert not lake.branches("tmp-takedown-letter-")
    no_findings(both)


def test_a_round_that_is_merged_at_the_same_time_conflicts(
    both: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    merge, ids = Lake.merge, chosen(both.lake(), "tiny")

    def late(self: Lake, source: str, *given: Any) -> Any:
        """Merge after somebody else, who changed the head file as a round does."""
        monkeypatch.setattr(Lake, "merge", merge)
        self.set_branch("other", str(self.head("main")))
        merging.touch_head(self, "other", "tiny")
        self.merge(self.commit("other", "A round", {}).id, "main", "A round", {})
        return self.merge(source, *given)

    monkeypatch.setattr(Lake, "merge", late)
    done = both.stemma("takedown", *ids, "--reason", "they asked")
    assert done.code == 4
    assert "nothing was taken down; run the same command again" in done.err


@pytest.mark.parametrize(
    ("policy", "moved"),
    [
        ({"direct": "regenerate"}, {1, 2}),
        ({"indirect": "refit"}, {1, 2}),
        ({}, set()),
    ],
)
def test_policies_say_which_rounds_are_made_again(
    both: Project, policy: dict[str, str], moved: set[int]
) -> None:
    ids, before = chosen(both.lake(), "tiny"), inputs(both)
    both.edit(lambda content: content["datasets"]["tiny"].update(takedown=policy))
    assert inputs(both) == before, "a policy is in no key"
    took(both, *ids)
    now = inputs(both)
    changed = {name for name in now if now[name] != before[name]}
    assert changed == {f"rounds/tiny/inputs/{number}/fit.json" for number in moved}


def test_a_take_down_that_took_more_or_less_than_it_says_is_found(both: Project) -> None:
    lake, ids = both.lake(), chosen(both.lake(), "tiny")
    took(both, *ids, "--name", "letter")
    merge = lake.resolve("main")
    part = refs.part("tiny", "samples", 0)
    then, now = (lake.scan(ref, part).collect() for ref in (merge.parents[0], "main"))
    innocent = now.head(1)["row"]
    for name, frame in (
        ("more", now.filter(pl.col("row") != innocent[0])),
        (
            "less",
            then.filter(
                pl.col("row").is_in(now["row"].implode())
                | (pl.col("sample_id") == bytes.fromhex(ids[0]))
            ),
        ),
    ):
        lake.set_branch(name, merge.parents[0])
        lake.set_branch(f"{name}-source", merge.parents[1])
        lake.write(f"{name}-source", part, frame)
        source = lake.commit(f"{name}-source", "Take down", merge.metadata)
        forged = lake.merge(source.id, name, "Take down", merge.metadata)
        step = next(iter(history_audit.walk(lake, [forged], trust.load(lake))))
        assert step.kind == "take-down"
        assert step.wrong == f"{part} is not what it was without the rows of the take-down"


def test_what_cannot_be_taken_down_is_said_in_a_sentence(both: Project) -> None:
    for words, said in (
        (("00000000ff", "--reason", "x"), "nothing in the lake or its hold-out has id 00000000ff"),
        (("--where", "label = 0; drop", "--reason", "x"), "is not one SQL expression"),
        (("--where", "nope = 0", "--reason", "x"), "no data set has the columns"),
        (("--where", "label = 77", "--dataset", "tiny", "--reason", "x"), "no sample meets"),
        ((), "say which samples"),
        (("00000000ff",), "give the reason with --reason"),
    ):
        done = both.stemma("takedown", "act", *words)
        assert done.code == 2, done.said
        assert said in done.err
    assert not denied_inputs.FILE.exists()
    assert len(deny_list.read(both.lake())) == 0


def test_a_condition_takes_held_out_rows_too(both: Project) -> None:
    where = ("--where", "label = 0", "--dataset", "tiny")
    counts = json.loads(both.stemma("takedown", *where, "--dry-run", "--json").out)["counts"]
    real = tables.read_round(both.lake(), "main", "tiny", "samples", 0)
    assert counts["holdout"] == 80 - len(real.filter(pl.col("label") == 0))


def held_out(project: Project, dataset: str) -> dict[str, pl.DataFrame]:
    """The tables of the hold-out of a data set on main."""
    names = ("validation", "test", "fingerprints")
    held = project.lake(holdout=True)
    return {name: held.scan("main", f"{dataset}/{name}/").collect() for name in names}


@pytest.mark.slow
def test_held_out_rows_go_and_rounds_are_judged_on_the_others(both: Project) -> None:
    lake, before, was = both.lake(), samples(both.lake(), "main"), held_out(both, "tiny")
    receipts = inputs(both)
    ids = [was[name]["sample_id"][0] for name in ("validation", "test")]
    words = [one.hex() for one in ids]
    (done,) = took(both, *words, "--name", "letter")["takedowns"]
    assert done["holdout"] == [
        {"dataset": "tiny", "split": "test", "rows": 1},
        {"dataset": "tiny", "split": "validation", "rows": 1},
    ]
    assert (done["rounds"], done["guard"]) == ([], {})
    now = held_out(both, "tiny")
    for name, frame in was.items():
        assert now[name].equals(frame.filter(~pl.col("sample_id").is_in(ids))), name
        assert len(now[name]) == len(frame) - (2 if name == "fingerprints" else 1)
    denied = deny_list.read(lake).entries
    assert set(denied["sample_id"]) == set(ids)
    assert set(denied["modality"]) == {"image"}
    assert not denied["near"].null_count(), "a copy that is scaled is recognised, too"
    kept = samples(lake, "main")
    assert kept.keys() == before.keys()
    assert all(kept[path].equals(before[path]) for path in kept)
    assert inputs(both) == receipts, "no key moves"
    assert took(both, *words, "--name", "again")["takedowns"] == []
    assert both.stemma("guard", "main").code == 0, "the rows answer for themselves by digests"
    no_findings(both)
    both.run("ingest", "tiny")  # adopts what is there, and stores nothing again
    assert held_out(both, "tiny")["test"].equals(now["test"])
    entry = tiny_round(3) | {"generator": "noisy.py"}
    both.edit(lambda content: content["rounds"].update({"tiny-3": entry}))
    both.round("tiny-3")
    found = json.loads(Path("rounds/tiny/3/publish.json").read_text())
    assert found["tag"] == "tiny-v3"


@pytest.mark.slow
def test_rows_that_are_missing_from_the_hold_out_without_a_signed_record_are_found(
    both: Project,
) -> None:
    word = held_out(both, "tiny")["validation"]["sample_id"][0].hex()
    took(both, word, "--name", "letter")
    held = both.lake(holdout=True)
    (place,) = (item.path for item in held.objects("main", "_takedowns/"))
    envelope = json.loads(held.read("main", place))
    envelope["signatures"][0]["sig"] = "AAAA"
    held.set_branch("forged", str(held.head("main")))
    held.write_bytes("forged", place, json.dumps(envelope).encode(), "application/json")
    metadata = held.resolve(f"{held.head('main')}^2").metadata
    held.merge(held.commit("forged", "Forge", metadata).id, "main", "Forge", {})
    done = both.stemma("takedown", "--where", "label = 0", "--dataset", "tiny", "--dry-run")
    answer = both.stemma("stage", "evaluate", "tiny-2")
    refused = f"{done.said} {answer.said}"
    assert "the hold-out of tiny" in refused


@pytest.mark.slow
def test_held_out_rows_that_a_killed_take_down_left_go_next(
    both: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    word = held_out(both, "tiny")["validation"]["sample_id"][0].hex()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.takedown.held_out.remove", killed)
        assert both.stemma("takedown", word, "--reason", "they asked", "--name", "letter").code
    assert record.names(both.lake()) == ["letter"]
    assert len(held_out(both, "tiny")["validation"]) == 40
    audited = both.stemma("audit", "--history", "main")
    assert audited.code == 1
    assert "tiny still holds out 1 of the rows that the take-down letter names" in audited.said
    assert took(both, word, "--name", "letter")["takedowns"] == []
    assert len(held_out(both, "tiny")["validation"]) == 39
    no_findings(both)


def simulated(project: Project) -> None:
    """Publish a third round by a simulator, which gives equal rows for equal seeds."""
    (project.root / "stripes.py").write_text(STRIPES)
    entry = tiny_round(3) | {
        "generator": "simulate",
        "generate": {"simulate": {"function": "stripes.py", "settings": {"contrast": 90}}},
    }
    project.edit(lambda content: content["rounds"].update({"tiny-3": entry}))
    project.round("tiny-3")


def made_again(project: Project) -> pl.DataFrame:
    """Make the third round's candidates again, the same ones; the samples that main holds of it."""
    simulated(project)
    project.edit(lambda content: content["rounds"]["tiny-3"].update(revision=1))
    project.round("tiny-3", "fit", "generate")
    return tables.read_round(project.lake(), "main", "tiny", "samples", 3)


@pytest.mark.slow
def test_candidates_that_were_made_before_are_refused_when_the_round_is_curated(
    both: Project,
) -> None:
    made = made_again(both)
    went = made["row"].to_list()[:2]
    took(both, *(made["sample_id"][place].hex() for place in range(2)))
    both.round("tiny-3", "verify", "curate")
    receipt = json.loads(Path("rounds/tiny/3/curate.json").read_text())
    assert receipt["rows"]["denied"] == 2
    decided = tables.read_round(both.lake(), "tiny-r003", "tiny", "decisions", 3)
    refused = decided.filter(pl.col("reasons").list.contains("taken_down"))
    assert (refused["row"].to_list(), set(refused["decision"])) == (went, {"rejected"})
    both.round("tiny-3", "evaluate", "publish")
    kept = tables.read_round(both.lake(), "main", "tiny", "samples", 3)
    assert sorted([*kept["row"], *went]) == made["row"].to_list()
    no_findings(both)


@pytest.mark.slow
def test_a_round_that_waits_is_not_approved_once_what_it_was_made_from_went(both: Project) -> None:
    entry = tiny_round(3) | {"generator": "augment"}
    both.edit(lambda content: content["rounds"].update({"tiny-3": entry}))
    both.round("tiny-3", "fit", "generate", "verify", "curate", "evaluate")
    first = tables.read_round(both.lake(), "main", "tiny", "samples", 1)
    took(both, first["sample_id"][0].hex())
    for act in (("round", "approve", "tiny-3"), ("stage", "publish", "tiny-3")):
        refused = both.stemma(*act)
        assert refused.code != 0
        assert "samples that tiny-3 was made from were taken down since" in refused.said
    both.run("inputs", "tiny")
    both.round("tiny-3")
    assert len(tables.read_round(both.lake(), "main", "tiny", "samples", 3))
    no_findings(both)


@pytest.mark.slow
def test_a_round_that_was_curated_before_is_not_published_with_them(both: Project) -> None:
    made = made_again(both)
    both.round("tiny-3", "verify", "curate", "evaluate")
    took(both, made["sample_id"][0].hex())
    with pytest.raises(StaleError, match=r"1 row of tiny-3 went by .*: stemma round redo tiny-3"):
        both.round("tiny-3", "publish")
    assert both.stemma("round", "redo", "tiny-3").code == 0
    both.round("tiny-3")
    kept = tables.read_round(both.lake(), "main", "tiny", "samples", 3)
    assert kept["row"].to_list() == made["row"].to_list()[1:]
    no_findings(both)


@pytest.mark.slow
def test_a_generator_that_makes_them_again_does_not_bring_them_back(both: Project) -> None:
    """A round by a simulator is made again with the seeds that it had."""
    lake = both.lake()
    simulated(both)
    made = tables.read_round(lake, "main", "tiny", "samples", 3)
    went = made["row"].to_list()[:2]
    took(both, *(made["sample_id"][place].hex() for place in range(2)))
    both.edit(lambda content: content["rounds"]["tiny-3"].update(revision=1))
    both.round("tiny-3", "fit", "generate")
    receipt = json.loads(Path("rounds/tiny/3/generate.json").read_text())
    assert receipt["rows"] == {"candidates": 22, "denied": 2}
    candidates = tables.read_round(lake, "tiny-r003", "tiny", "candidates", 3)
    lineage = tables.read_round(lake, "tiny-r003", "tiny", "lineage", 3)
    assert not set(went) & {*candidates["row"], *lineage["row"]}
    losses = both.stemma("losses", "tiny-r003", "--json")
    assert losses.code == 0, losses.said
    (found,) = json.loads(losses.out)["rounds"]
    assert (found["planned"], found["accounted_for"]) == (24, 24)
    assert found["outcomes"] == {"undecided": 22, "taken down": 2}
    other = lineage.filter(pl.col("shard") == 0)["sample_id"][0].hex()
    again = both.stemma("audit", other, "--ref", "tiny-r003", "--replay")
    assert again.code == 0, again.said
    assert "identical" in again.out
    both.round("tiny-3", "verify", "curate", "evaluate", "publish")
    no_findings(both)
