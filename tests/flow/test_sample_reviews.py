"""Decisions of reviewers on single samples: kept in the lake, applied by curate, published."""

from __future__ import annotations

import polars as pl

from lake import refs
from lake.client import Lake
from lineage.record import REVIEWED as BY_REVIEWER
from pipelines import params
from pipelines.params import Round, resolve
from pipelines.reviewing import deciding
from pipelines.reviewing.deciding import Choice
from pipelines.rounds import context, manifest, receipts, tables
from tests.flow.projects import Project

AGAIN = ("curate", "evaluate", "publish")


def round_2() -> Round:
    return resolve(params.load(), "tiny-2")


def decisions(lake: Lake, ref: str) -> pl.DataFrame:
    return tables.read_round(lake, ref, "tiny", "decisions", 2).sort("row")


def test_a_round_is_published_again_with_what_reviewers_decided(copied: Project) -> None:
    lake = copied.lake()
    before = decisions(lake, refs.MAIN)
    accepted = before.filter(pl.col("decision") == "accepted")["row"].to_list()
    refused = before.filter(pl.col("decision") == "rejected")["row"].to_list()
    samples = tables.read_round(lake, refs.MAIN, "tiny", "samples", 2)
    label = int(samples.filter(pl.col("row") == accepted[1])["label"][0])
    seen = receipts.read("tiny", 2, "evaluate").commit

    def decide(choice: Choice, *rows: int) -> None:
        deciding.decide(context.open_context("tiny-2"), seen, list(rows), choice)

    decide(Choice("reject", "a smear"), accepted[0])
    decide(Choice("relabel", "it is bright on the other side", label=str(1 - label)), accepted[1])
    if refused:
        decide(Choice("accept", "it is clear enough"), refused[0])
    copied.run("inputs", "tiny")
    copied.round("tiny-2", *AGAIN)
    now = {row["row"]: row for row in decisions(lake, refs.MAIN).iter_rows(named=True)}
    assert now[accepted[0]]["reasons"] == ["rejected_by_reviewer"]
    assert now[accepted[1]]["reasons"] == ["relabelled_by_reviewer"]
    if refused:
        assert now[refused[0]]["warnings"][0] == "accepted_by_reviewer"
    made = max(now)
    assert made == before["row"].max() + 1
    assert now[made]["decision"] == "accepted"
    sample = tables.read_round(lake, refs.MAIN, "tiny", "samples", 2).filter(pl.col("row") == made)
    assert sample["label"].to_list() == [1 - label]
    assert sample["sample_id"][0] == now[accepted[1]]["sample_id"]
    lineage = tables.read_round(lake, refs.MAIN, "tiny", "lineage", 2)
    (line,) = lineage.filter(pl.col("row") == made).to_dicts()
    assert (line["kind"], line["attribution"]) == ("edited", BY_REVIEWER)
    assert [(each["row"], each["relation"]) for each in line["parents"]] == [
        (accepted[1], "edited")
    ]
    counts = manifest.read(lake, refs.MAIN, "tiny", 2)["counts"]
    assert counts["candidates"] == len(before)
    for words in (("--history", "main"), ("--recompute", "main")):
        said = copied.stemma("audit", *words)
        assert said.code == 0, said.out + said.err
