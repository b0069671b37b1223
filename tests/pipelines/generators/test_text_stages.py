"""A data set of one's own texts through the stages, and what is said of its cost beforehand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipelines import params
from pipelines.common.errors import ParamsError
from pipelines.inquiry.cost_estimate import next_round
from pipelines.rounds import context, manifest, receipts, stage_inputs, tables
from pipelines.rounds.keys import StageKey
from pipelines.scorers import scoring
from pipelines.verification import scorer_inputs
from review.commands import estimate
from tests.flow.projects import Project, checkout
from tests.served import LocalServer

SERVICE = {"max_tokens": 32, "concurrency": 2, "wait_s": 0.01, "max_failures": 0.5}
WORDS = ("red", "blue", "green", "black", "white", "brown")
THINGS = {"animals": ("cat", "dog", "horse", "mouse"), "food": ("soup", "bread", "cake", "rice")}
SUITE = {
    "name": "notes",
    "expectations": [
        {
            "type": "expect_column_values_to_not_be_null",
            "kwargs": {"column": "text"},
            "severity": "critical",
            "meta": {"name": "there_is_a_text"},
        }
    ],
}


def content() -> dict[str, Any]:
    """params.yaml of the project."""
    settings = {"service": SERVICE, "shots": 1, "max_chars": 4}
    judged = {"judge": {"service": {"model": "judge-of-unknown-price"}, "votes": 2}}
    return {
        "seed": 4,
        "datasets": {
            "notes": {
                "identity": ["text"],
                "ingest": {"source": "notes.jsonl", "modality": "text", "licence": "CC0-1.0"},
                "generate": {"candidates": 3, "text": settings},
                "verify": {"scorers": judged},
            }
        },
        "rounds": {"notes-1": {"dataset": "notes", "round": 1, "previous": 0, "generator": "text"}},
    }


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    found = checkout(tmp_path / "project")
    rows = [
        {"text": f"A {word} {thing}.", "label": label}
        for label, things in THINGS.items()
        for thing in things
        for word in WORDS
    ]
    (found.root / "notes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (found.root / "params.yaml").write_text(yaml.safe_dump(content(), sort_keys=False))
    suite = found.root / "expectations" / "suites" / "notes.json"
    suite.write_text(json.dumps(SUITE))
    monkeypatch.chdir(found.root)
    yield found
    found.drop_lake()


def estimated(name: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    estimate.run(name=name, as_json=True)
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_round_costs_what_was_said_and_nothing_twice(
    project: Project, local_model: LocalServer, capsys: pytest.CaptureFixture[str]
) -> None:
    project.run("lake", "")
    project.run("ingest", "notes")
    said = estimated("notes", capsys)
    assert said["round"] == "notes-1"
    made, judged = said["parts"]
    assert (made["requests"], made["cached"]) == (3, 0)
    assert made["dollars_high"] == 0
    assert (judged["stage"], judged["requests"], judged["dollars_high"]) == ("verify", 6, None)
    estimate.run(name="notes-1", as_json=False)
    assert "the price of judge-of-unknown-price is unknown" in capsys.readouterr().out

    before = local_model.served()
    project.round("notes-1", "fit", "generate")
    commit = receipts.read("notes", 1, "generate").commit
    about = manifest.read(project.lake(), commit, "notes", 1)
    cost = about["cost"]["generate"]
    assert cost["tokens_in"] <= made["tokens_in_high"] * cost["attempts"] / 3
    assert cost["tokens_in"] >= made["tokens_in_low"]
    assert cost["tokens_out"] >= made["tokens_out_low"]
    assert about["generation"]["asked"] == 3
    assert about["generator"]["attribution"] == "exemplars/1"
    again = estimated("notes-1", capsys)["parts"][0]
    assert again["cached"] == cost["requests"] - cost["failures"]
    assert local_model.served(at_least=before + 3) >= before + 3

    lineage = tables.read_round(project.lake(), commit, "notes", "lineage", 1)
    real = tables.real_samples(project.lake(), commit, "notes")
    parents = lineage.explode("parents").unnest("parents", separator=".")
    assert parents["parents.dataset"].unique().to_list() == ["notes"]
    assert set(parents["parents.row"]) <= set(real["row"])
    assert parents["parents.weight"].unique().to_list() == [0.5]
    assert lineage["trained_on"].null_count() == len(lineage)
    assert lineage["real_roots"].to_list() == [0.5] * len(lineage)
    candidates = tables.read_round(project.lake(), commit, "notes", "candidates", 1)
    assert candidates.columns == ["round", "row", "sample_id", "text", "label"]
    assert set(candidates["label"]) <= set(THINGS)
    everywhere = b"".join(
        project.lake().read(commit, item.path) for item in project.lake().objects(commit, "notes/")
    )
    assert local_model.access.key.encode() not in everywhere


def test_overlap_with_the_hold_out_is_measured(project: Project) -> None:
    asked = content()
    notes = asked["datasets"]["notes"]
    notes["identity"] = ["prompt", "completion"]
    notes["verify"] = {"scorers": {"text_overlap": {"ngram": 3}}}
    (project.root / "params.yaml").write_text(yaml.safe_dump(asked, sort_keys=False))
    rows = [
        {"prompt": f"Which {thing} is {word}?", "completion": "This one.", "label": label}
        for label, things in THINGS.items()
        for thing in things
        for word in WORDS
    ]
    (project.root / "notes.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    project.run("lake", "")
    project.run("ingest", "notes")
    pinned = receipts.read("notes", 0, "publish").commit
    given = scorer_inputs.of_round(context.open_context("notes-1"), pinned)
    assert given.held_out is not None
    assert given.held_out["text"].str.contains("This one").all()
    assert "label" not in given.held_out.columns
    known = given.held_out.select("text", pl.col("row"), round=pl.lit(1))
    new = known.with_columns(text=pl.lit("Nothing of all that was said."))
    for frame, share in ((known, 1.0), (new, 0.0)):
        found = scoring.score_all({"text_overlap": {"ngram": 3}}, frame, given)
        assert set(found["text_held_out_overlap"]) == {share}


def test_the_next_round_is_the_first_that_is_not_published(project: Project) -> None:
    known = params.load()
    assert next_round(known, "notes") == (known, "notes-1")
    place = project.root / receipts.path("notes", 1, "publish")
    place.parent.mkdir(parents=True)
    place.touch()
    more, key = next_round(known, "notes")
    assert key == "notes-2"
    assert params.resolve(more, key).previous == 1
    assert params.resolve(more, key).generator == "text"
    with pytest.raises(ParamsError, match="did you mean 'notes-1'"):
        next_round(known, "notes-l")


def test_another_prompt_of_ones_own_is_another_round(project: Project) -> None:
    place = project.root / "mine.txt"
    place.write_text("{% block completion %}a{% endblock %}")
    project.edit(
        lambda read: read["datasets"]["notes"]["generate"]["text"].update(prompt="mine.txt")
    )
    fitted = StageKey("f", "f")
    one = stage_inputs.key(context.open_context("notes-1").round, "generate", fitted)
    place.write_text("{% block completion %}b{% endblock %}")
    other = stage_inputs.key(context.open_context("notes-1").round, "generate", fitted)
    assert one.recipe != other.recipe
    assert one.versions == other.versions


def test_a_round_that_asks_nobody_costs_nothing(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    project.edit(lambda read: read["rounds"]["notes-1"].update(generator="diffusion"))
    project.edit(lambda read: read["datasets"]["notes"].update(verify={"scorers": {}}))
    estimate.run(name="notes-1", as_json=False)
    assert capsys.readouterr().out == "notes-1 asks no service: it costs nothing but time\n"
    estimate.run(name="notes-1", as_json=True)
    assert json.loads(capsys.readouterr().out) == {"round": "notes-1", "parts": []}
