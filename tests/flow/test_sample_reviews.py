"""Decisions of reviewers on single samples: kept in the lake, applied by curate, published."""

from __future__ import annotations

import json

import polars as pl
import pytest

from lake import refs
from lake.client import Lake
from pipelines import params
from pipelines.common.errors import ReviewError
from pipelines.inquiry import held_rounds, rederivation
from pipelines.params import Round, resolve
from pipelines.reviewing import deciding, decisions, store
from pipelines.reviewing.choice import Choice
from pipelines.rounds import context, manifest, receipts, review_inputs, stage_inputs, tables
from tests.flow.projects import Project

AGAIN = ("curate", "evaluate", "publish")


def round_2() -> Round:
    return resolve(params.load(), "tiny-2")


def head() -> str:
    return receipts.read("tiny", 2, "evaluate").commit


def decide(choice: Choice, *rows: int) -> None:
    deciding.decide(context.open_context("tiny-2"), head(), list(rows), choice)


def accepted(lake: Lake, ref: str = refs.MAIN) -> pl.DataFrame:
    return tables.read_round(lake, ref, "tiny", "samples", 2).sort("row")


def test_a_round_is_published_again_with_what_reviewers_decided(copied: Project) -> None:
    lake = copied.lake()
    before = accepted(lake)
    (out, _), (changed, former) = before.select("row", "label").rows()[:2]
    other = str(1 - former)
    said = copied.stemma("round", "reject", "tiny-2", str(out), "--reason", "a smear")
    assert said.code == 0, said.err
    assert "1 sample of tiny-2 is rejected; `dvc repro` decides" in said.out
    ids = before["sample_id"].bin.encode("hex")
    arguments = ("tiny-r002", other, ids[1][:12], "--reason", "it is bright on the other side")
    assert copied.stemma("round", "relabel", *arguments).code == 0
    copied.run("inputs", "tiny")
    noted = review_inputs.read().rounds
    assert list(noted) == ["tiny-r002"]
    held = {
        number: stage_inputs.of_stage(resolve(params.load(), f"tiny-{number}"), "curate")
        for number in (1, 2)
    }
    assert [bool(inputs.files) for inputs in held.values()] == [False, True]
    copied.round("tiny-2", *AGAIN)
    now = accepted(lake)
    assert not {out, changed} & set(now["row"])
    assert now.filter(pl.col("row") == 24).select("label", "sample_id").rows() == [
        (1 - former, before["sample_id"][1])
    ]
    counts = manifest.read(lake, refs.MAIN, "tiny", 2)["counts"]
    assert (counts["candidates"], counts["accepted"]) == (24, len(before) - 1)
    story = copied.stemma("audit", ids[1], "--json")
    first, second = json.loads(story.out)["occurrences"]
    assert (first["row"], second["row"], second["kind"]) == (changed, 24, "edited")
    for occurrence in (first, second):
        (review,) = occurrence["reviews"]
        told = (review["action"], review["former_label"], review["label"], review["reason"])
        assert told == ("relabel", str(former), other, "it is bright on the other side")
    told = copied.stemma("audit", ids[1]).out
    assert f"gave it the label {other} (it had {former}), because it is bright on the" in told
    again = copied.stemma("round", "withdraw", "tiny-2", ids[1], "24", "--reason", "r", "--dry-run")
    assert again.out.split() == ["1", "sample", "of", "tiny-2:", str(changed)]
    for words in (("--history", "main"), ("--recompute", "main")):
        proof = copied.stemma("audit", *words)
        assert proof.code == 0, proof.out + proof.err


@pytest.mark.slow
def test_withdrawn_decisions_leave_the_round_as_the_suite_judged_it(copied: Project) -> None:
    lake = copied.lake()
    before = accepted(lake)
    rows = before["row"].to_list()[:3]
    decide(Choice("reject", "all of these"), *rows)
    assert decisions.of_round(lake, round_2()).applied["row"].to_list() == rows
    condition = f"row <= {rows[-1]}"
    said = copied.stemma("round", "withdraw", "tiny-2", "--where", condition, "--reason", "no")
    assert said.code == 0, said.err
    assert len(decisions.of_round(lake, round_2()).applied) == 0
    copied.run("inputs", "tiny")
    copied.round("tiny-2", *AGAIN)
    assert accepted(lake).equals(before)


def test_a_decision_that_cannot_be_is_refused(unchanged: Project) -> None:
    wrong = (
        (Choice("reject", ""), [0], "a reason is needed"),
        (Choice("reject", "r"), [], "no sample is selected"),
        (Choice("reject", "r"), [99], "tiny-2 has no candidate in row 99"),
        (Choice("relabel", "r", label="7"), [0], "is none of the real rows; they have: 0, 1"),
        (Choice("relabel", "r", label="one"), [0], "is no Int64"),
        (Choice("correct", "r", texts={"image": "x"}), [0], "is no text of these samples"),
    )
    for choice, rows, says in wrong:
        with pytest.raises(ReviewError, match=says):
            decide(choice, *rows)
    for words, says in (
        (("reject", "tiny-2", "--where", "nothing = 1"), "have no 'nothing'"),
        (("reject", "tiny-2", "--where", "SELECT"), "is not one SQL expression"),
        (("reject", "tiny-2", "--where", "label + 1"), "not true or false"),
        (("accept", "tiny-9", "0"), "there is no round 'tiny-9' in params.yaml"),
        (("accept", "tiny-2"), "name samples by row or id"),
    ):
        said = unchanged.stemma("round", *words, "--reason", "r")
        assert says in said.err
        assert said.code == 2
    assert unchanged.lake().head(refs.SAMPLE_REVIEWS) is None


def test_a_record_that_nobody_trusted_signed_does_not_count(copied: Project) -> None:
    lake = copied.lake()
    decide(Choice("reject", "a smear"), 0)
    (kept,) = store.of_lake(lake).kept
    merge = lake.resolve(kept.commit)
    path = merge.metadata[store.BRANCH.path]
    lake.set_branch("forged", kept.commit)
    lake.write_bytes("forged", path.replace("r002", "r001"), lake.read(kept.commit, path, 1 << 20))
    unsigned = {name: merge.metadata[name] for name in (store.BRANCH.record, store.BRANCH.path)}
    lake.merge(lake.commit("forged", "m", {}).id, refs.SAMPLE_REVIEWS, "m", unsigned)
    found = store.of_lake(copied.lake())
    assert [each.record for each in found.kept] == [kept.record]
    assert [each.split(" on ")[1] for each in found.refused] == [
        f"{refs.SAMPLE_REVIEWS} is not signed"
    ]


def test_altered_decisions_are_found(copied: Project) -> None:
    lake = copied.lake()
    decide(Choice("reject", "a smear"), int(accepted(lake)["row"][0]))
    copied.run("inputs", "tiny")
    copied.run("curate", "tiny-2")
    commit = receipts.read("tiny", 2, "curate").commit
    lake.set_branch("altered", commit)
    path = refs.part("tiny", refs.REVIEWED, 2)
    table = tables.read_round(lake, commit, "tiny", refs.REVIEWED, 2)
    assert table["applied"].to_list() == [True]
    for wrong, decided in (
        (pl.lit("no reason at all").alias("reason"), 0),
        (pl.lit(value=False).alias("applied"), 1),
    ):
        lake.write("altered", path, table.with_columns(wrong))
        altered = lake.commit("altered", "m", {}).id
        rounds = [each for each in held_rounds.read(lake, altered)[0] if each.round == 2]
        batches = rederivation.prove(lake, altered, rounds)
        found = {batch.check: batch.findings["detail"].to_list() for batch in batches}
        says = "has the decision reject of a reviewer: its record says otherwise"
        assert found["reviewed"] == [says]
        assert len(found["decided"]) == decided
