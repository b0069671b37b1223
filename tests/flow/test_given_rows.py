"""Rejection sampling: answers to given questions, of which the right ones stay."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from pipelines.llm.settings import API_KEY
from pipelines.rounds import manifest, tables
from tests.flow.projects import Project
from tests.flow.questions import TRUTHS, reply, sums
from tests.pipelines.llm.proxy import NOBODY, Proxy, answering

GIVEN = 100
"""Questions that are given at least; each is answered twice."""


@pytest.mark.slow
def test_of_answers_to_given_questions_only_the_right_ones_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Proxy(NOBODY, "k", always=answering(reply)) as proxy:
        project = sums(tmp_path / "project", proxy.url, {"candidates": 2 * GIVEN, "shard_rows": 64})
        monkeypatch.chdir(project.root)
        monkeypatch.setenv(API_KEY, "planted-key")
        project.run("lake", "")
        project.run("ingest", "sums")
        lake = project.lake()
        real = tables.read_round(lake, "main", "sums", "samples", 0)
        assert len(real) >= GIVEN
        project.round("sums-1")
    accepted = tables.read_round(lake, "main", "sums", "samples", 1)
    decisions = tables.read_round(lake, "main", "sums", "decisions", 1)
    assert dict(decisions.group_by("decision").len().iter_rows())["rejected"] > GIVEN // 4
    right = [TRUTHS[question] for question in accepted["question"]]
    assert accepted["truth"].to_list() == [str(each) for each in right]
    said = accepted["answer"].str.extract(r"(-?\d+)\.$", 1).cast(pl.Int64)
    assert said.to_list() == right
    given = set(real["question"].to_list())
    assert set(accepted["question"]) <= given
    lineage = tables.read_round(lake, "main", "sums", "lineage", 1)
    parents = lineage.explode("parents").unnest("parents", separator=".")
    assert len(parents) == len(lineage) == 2 * GIVEN
    assert parents["parents.row"].n_unique() == min(len(real), 2 * GIVEN)
    about = manifest.read(lake, "main", "sums", 1)
    assert about["generation"]["given"]["of"] == len(real)
    done = project.stemma("audit", "--recompute", "main", "--json")
    assert done.code == 0, done.said
    proof = json.loads(done.out)
    assert (proof["clean"], proof["findings"]) == (True, [])
    _check_pairs(project)
    project.stop_lake()


def _check_pairs(project: Project) -> None:
    """Each pair of an export for preference training has a right and a wrong answer."""
    done = project.stemma("export", "main", "--format", "dpo", "--output", "pairs.jsonl", "--json")
    assert done.code == 0, done.said
    pairs = [json.loads(line) for line in Path("pairs.jsonl").read_text().splitlines()]
    decisions = tables.read_round(project.lake(), "main", "sums", "decisions", 1)
    assert 0 < len(pairs) <= decisions.filter(pl.col("decision") == "rejected").height
    for pair in pairs:
        ((asked,), (chosen,), (rejected,)) = (
            pair[name] for name in ("prompt", "chosen", "rejected")
        )
        truth = TRUTHS[asked["content"]]
        assert [each["role"] for each in (asked, chosen, rejected)] == [
            "user",
            "assistant",
            "assistant",
        ]
        assert chosen["content"].endswith(f" {truth}.")
        assert rejected["content"].endswith(f" {truth + 1}.")
    assert len({json.dumps(pair) for pair in pairs}) == len(pairs)
