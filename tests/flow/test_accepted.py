"""A round that ends with so many accepted candidates, killed in the middle or not."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lake.polling import until
from pipelines import params
from pipelines.common.errors import BudgetError, ParamsError, StaleError
from pipelines.llm.settings import API_KEY
from pipelines.rounds import context, manifest, receipts, stage_inputs, tables
from pipelines.rounds.keys import StageKey
from tests.flow.projects import Project
from tests.flow.questions import reply, sums
from tests.pipelines.llm.proxy import NOBODY, Proxy, answering

WANTED = 50
SHARD = 16
MOST = 400
ENDS: dict[str, Any] = {"candidates": MOST, "shard_rows": SHARD, "accepted": WANTED}
JUDGED = {"text_duplicates": {}, "maths": {}}
"""One scorer that compares rows with each other, and one that judges each by itself."""


@pytest.fixture(scope="module")
def service() -> Iterator[Proxy]:
    with Proxy(NOBODY, "k", always=answering(reply)) as proxy:
        yield proxy


@contextlib.contextmanager
def ready(root: Path, service: Proxy, at_once: int = 4) -> Iterator[Project]:
    """A project before its round, as the current directory."""
    project = sums(root, service.url, ENDS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        patch.setenv(API_KEY, "planted-key")

        def change(content: dict[str, Any]) -> None:
            own = content["datasets"]["sums"]
            own["generate"]["text"]["service"]["concurrency"] = at_once
            own["verify"]["scorers"] = JUDGED

        project.edit(change)
        project.run("lake", "")
        project.run("ingest", "sums")
        project.run("fit", "sums-1")
        yield project
    project.drop_lake()


def candidates(project: Project) -> pl.DataFrame:
    commit = receipts.read("sums", 1, "generate").commit
    return tables.read_round(project.lake(), commit, "sums", "candidates", 1)


@pytest.mark.slow
def test_a_round_ends_with_so_many_and_the_surplus_is_said(tmp_path: Path, service: Proxy) -> None:
    with ready(tmp_path / "project", service) as project:
        before = len(service.seen)
        with subprocess.Popen(
            [sys.executable, "-m", "review.cli.app", "stage", "generate", "sums-1"],
            stderr=subprocess.PIPE,
        ) as killed:
            assert until(
                lambda: len(service.seen) >= before + SHARD + 4, interval=0.005, timeout=120
            )
            killed.send_signal(signal.SIGKILL)
        assert killed.returncode == -signal.SIGKILL
        assert not receipts.path("sums", 1, "generate").is_file()
        project.round("sums-1", "generate", "verify", "curate", "evaluate", "publish")
        lake = project.lake()
        made = candidates(project)
        asked = len(service.seen) - before
        decided = tables.read_round(lake, "main", "sums", "decisions", 1)
        about = manifest.read(lake, "main", "sums", 1)
        assert len(tables.read_round(lake, "main", "sums", "samples", 1)) == WANTED
        assert len(made) % SHARD == 0
        assert len(made) <= asked <= len(made) + 4
        last = decided.filter(pl.col("decision") == "accepted")["row"].max()
        assert last >= len(made) - SHARD
        surplus = decided.filter(pl.col("decision") == "surplus")
        assert surplus["row"].min() > last
        assert surplus["reasons"].explode().unique().to_list() == ["surplus"]
        assert about["counts"]["surplus"] == len(surplus) > 0
        assert sum(about["counts"][name] for name in ("accepted", "rejected", "duplicate")) + len(
            surplus
        ) == len(made)
        assert about["generation"]["acceptance"] == {
            "wanted": WANTED,
            "accepted": WANTED,
            "shards": len(made) // SHARD,
            "most": MOST,
        }
        never = MOST - len(made)
        assert about["slots"] == {"planned": MOST, "lost": 0, "never_asked": never, "failed": []}
        done = project.stemma("audit", "--recompute", "main", "--json")
        assert (done.code, json.loads(done.out)["findings"]) == (0, []), done.said
        shown = project.stemma("audit", surplus["sample_id"][0].hex()[:16], "--ref", "main")
        assert "surplus" in shown.out, shown.said
    with ready(tmp_path / "other", service, at_once=1) as other:
        other.run("generate", "sums-1")
        assert candidates(other).equals(made)


@pytest.mark.slow
def test_an_estimate_asks_for_what_the_last_acceptance_says(tmp_path: Path, service: Proxy) -> None:
    with ready(tmp_path / "project", service) as project:
        first = project.stemma("estimate", "sums-1", "--json")
        assert json.loads(first.out)["parts"][0]["requests"] == MOST
        assert "no round before says how many candidates are accepted" in first.said
        project.round("sums-1", "generate", "verify", "curate", "evaluate", "publish")
        counts = manifest.read(project.lake(), "main", "sums", 1)["counts"]
        share = (counts["accepted"] + counts["surplus"]) / counts["candidates"]
        estimated = project.stemma("estimate", "sums", "--json")
        requests = json.loads(estimated.out)["parts"][0]["requests"]
        assert requests % SHARD == 0
        assert 0 <= requests - WANTED / share < SHARD
        assert f"round 1 accepted {share:.0%}" in estimated.said


@pytest.mark.slow
def test_a_bound_of_dollars_is_no_end_and_verdicts_must_agree(
    tmp_path: Path, service: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ready(tmp_path / "project", service) as project:
        bounds = {"budget_usd": 0.02, "prices": {"a-calculator": {"input": 1.0, "output": 40.0}}}

        def bounded(content: dict[str, Any]) -> None:
            content["datasets"]["sums"]["generate"]["text"]["service"] |= bounds

        project.edit(bounded)
        before = len(service.seen)
        with pytest.raises(BudgetError, match="raise the budget, and the run goes on"):
            project.run("generate", "sums-1")
        assert len(service.seen) > before + SHARD
        assert not receipts.path("sums", 1, "generate").is_file()
        bounds["budget_usd"] = 10.0
        project.edit(bounded)
        project.run("generate", "sums-1")
        asked = len(service.seen) - before
        assert len(candidates(project)) <= asked <= len(candidates(project)) + 4
        made = candidates(project)
        known = made.head(len(made) - SHARD).select(
            pl.lit("other").alias("dataset"), "round", "row", "sample_id"
        )
        monkeypatch.setattr("pipelines.verification.acceptance._earlier", lambda _: known)
        with pytest.raises(StaleError, match=r"ended sums-1 with 50 .* round redo sums-1"):
            project.run("verify", "sums-1")


def test_where_a_round_ends_depends_on_its_suite_and_scorers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = sums(tmp_path / "project", "http://127.0.0.1:1/v1", ENDS)
    monkeypatch.chdir(project.root)
    fitted = StageKey("f", "f")

    def recipe() -> str | None:
        return stage_inputs.key(context.open_context("sums-1").round, "generate", fitted).recipe

    def scored(content: dict[str, Any]) -> None:
        content["datasets"]["sums"]["verify"]["scorers"] = JUDGED

    first = recipe()
    project.edit(scored)
    other = recipe()
    suite = project.root / "expectations" / "suites" / "sums.json"
    content = json.loads(suite.read_text())
    content["expectations"][1]["severity"] = "warning"
    suite.write_text(json.dumps(content))
    assert len({first, other, recipe()}) == 3
    project.edit(lambda read: read["datasets"]["sums"]["generate"].pop("accepted"))
    without = recipe()
    project.edit(lambda read: read["datasets"]["sums"]["verify"].update(scorers={"maths": {}}))
    assert recipe() == without


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"generate": {"accepted": 500}}, "accepted is 500 and candidates, .* 400; raise"),
        ({"curate": {"max_accepted": 9}}, "leave out one of them"),
        ({"generate": {"accepted": 0}}, "accepted"),
    ],
)
def test_bounds_that_contradict_each_other_are_named(
    change: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = sums(tmp_path / "project", "http://127.0.0.1:1/v1", ENDS)
    monkeypatch.chdir(project.root)
    project.edit(lambda content: content["rounds"]["sums-1"].update(change))
    with pytest.raises(ParamsError, match=said):
        params.load()
