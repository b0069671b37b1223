"""Rounds of texts by the real local model: published, traced, killed half-way, made again."""

from __future__ import annotations

import hashlib
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
from pipelines.common.errors import ReplayError
from pipelines.inquiry.replay import replay
from pipelines.rounds import manifest, tables
from tests.flow.projects import Project
from tests.flow.talk import CANDIDATES, talk
from tests.served import LocalServer

AT_ONCE = 2
"""Requests in flight that a kill may lose."""


@pytest.fixture(scope="module")
def published(
    local_server: LocalServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """Round 1 of `talk` is published; the current directory, and the service of the environment."""
    project = talk(tmp_path_factory.mktemp("talk") / "project")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project.root)
        patch.setenv("OPENAI_BASE_URL", local_server.access.base_url)
        patch.setenv("OPENAI_API_KEY", local_server.access.key)
        project.run("lake", "")
        project.run("ingest", "talk")
        project.round("talk-1")
        yield project
    project.drop_lake()


def test_a_round_of_texts_is_published(published: Project) -> None:
    lake = published.lake()
    samples = tables.read_round(lake, "main", "talk", "samples", 1)
    assert samples.columns == ["round", "row", "sample_id", "prompt", "completion", "label"]
    assert samples["label"].dtype == pl.String
    about = manifest.read(lake, "main", "talk", 1)
    assert about["cost"]["generate"]["tokens_out"] > 0
    assert about["cost"]["generate"]["dollars"] == 0
    assert about["cost"]["accepted"]["dollars_each"] == 0
    assert about["metrics"]["task"] == "macro_f1"
    assert {"macro_f1_mix", "distinct_2_null", "self_bleu_round"} <= set(
        about["metrics"]["summary"]
    )
    picture = Path("reports/talk/1/grid.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    assert "<script" not in Path("reports/talk/1/verdicts.html").read_text(encoding="utf-8").lower()


def test_lineage_names_exemplars_and_the_opaque_model(published: Project) -> None:
    lineage = tables.read_round(published.lake(), "main", "talk", "lineage", 1)
    assert len(lineage) == CANDIDATES
    assert lineage["trained_on"].null_count() == CANDIDATES
    parents = lineage.explode("parents").unnest("parents", separator=".")
    assert parents["parents.relation"].cast(pl.String).unique().to_list() == ["seed"]
    weights = parents.group_by("row").agg(pl.col("parents.weight").sum())["parents.weight"]
    assert weights.to_list() == pytest.approx([0.5] * CANDIDATES)
    assert lineage["real_roots"].to_list() == pytest.approx([0.5] * CANDIDATES)
    assert lineage["depth_max"].unique().to_list() == [1]


def test_an_audit_tells_the_exemplars_and_the_model(published: Project) -> None:
    samples = tables.read_round(published.lake(), "main", "talk", "samples", 1)
    sample = samples["sample_id"][0].hex()
    told = published.stemma("audit", sample[:12])
    assert told.code == 0, told.said
    assert "seed" in told.out
    assert "0.25" in told.out
    assert "opaque" in told.out
    assert "text/1" in told.out
    assert "model local (gemma-3-270m" in told.out
    found = json.loads(published.stemma("audit", sample[:12], "--json").out)
    (told_of,) = found["occurrences"]
    assert told_of["generator_manifest"]["kind"] == "text/1"


def test_the_whole_history_is_proved(published: Project) -> None:
    proved = published.stemma("audit", "--recompute", "main", "--json")
    assert proved.code == 0, proved.said
    assert json.loads(proved.out)["findings"] == []


def test_a_service_is_not_replayed(published: Project) -> None:
    with pytest.raises(ReplayError, match="text/1, which cannot be replayed"):
        replay(published.lake(), "main", "talk", 1, 0)


def test_how_a_service_is_asked_makes_no_round_again(published: Project) -> None:
    def patient(content: dict[str, Any]) -> None:
        content["datasets"]["talk"]["generate"]["text"]["service"] |= {
            "attempts": 6,
            "concurrency": 2,
            "timeout_s": 99.5,
        }

    receipt = Path("rounds/talk/1/generate.json")
    first = receipt.read_bytes()
    params = Path("params.yaml").read_text(encoding="utf-8")
    published.edit(patient)
    published.run("generate", "talk-1")
    assert receipt.read_bytes() == first
    Path("params.yaml").write_text(params, encoding="utf-8")


def test_made_again_nothing_is_asked(published: Project, local_server: LocalServer) -> None:
    before = local_server.served()
    receipt = Path("rounds/talk/1/generate.json")
    first = json.loads(receipt.read_text(encoding="utf-8"))
    params = Path("params.yaml").read_text(encoding="utf-8")
    published.edit(lambda content: content["rounds"]["talk-1"].update(revision=1))
    published.run("generate", "talk-1", supersede=True)
    again = json.loads(receipt.read_text(encoding="utf-8"))
    assert again["input_key"] != first["input_key"]
    made = [
        tables.read_round(published.lake(), content["commit"], "talk", "candidates", 1)
        for content in (first, again)
    ]
    assert made[0].equals(made[1])
    cost = manifest.read(published.lake(), again["commit"], "talk", 1)["cost"]["generate"]
    assert cost["cached"] == CANDIDATES
    assert local_server.served() == before
    Path("params.yaml").write_text(params, encoding="utf-8")
    receipt.write_text(json.dumps(first), encoding="utf-8")


@pytest.mark.kill
def test_a_killed_round_asks_for_what_is_missing(
    published: Project, local_server: LocalServer
) -> None:
    published.run("fit", "talk-2")
    before = local_server.served()
    command = [sys.executable, "-m", "review.cli.app", "stage", "generate", "talk-2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE) as process:
        until(lambda: local_server.home.served() >= before + 3, interval=0.02, timeout=60)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert local_server.home.served() >= before + 3
    published.round("talk-2", "generate", "verify", "curate", "evaluate", "publish")
    asked = local_server.served(at_least=before + CANDIDATES) - before
    attempts = manifest.read(published.lake(), "main", "talk", 2)["cost"]["generate"]["attempts"]
    assert CANDIDATES <= asked <= attempts + AT_ONCE
    assert tables.rounds(published.lake(), "main", "talk") == [0, 1, 2]
    lineage = tables.read_round(published.lake(), "main", "talk", "lineage", 2)
    assert lineage["depth_max"].max() <= 2


def test_planted_rows_of_the_hold_out_are_no_leaks_in_an_audit(published: Project) -> None:
    done = published.stemma("verifier", "audit", "talk", "--planted", "--rows", "40", "--json")
    assert done.out.startswith("{"), done.said
    of_leaks = json.loads(done.out)["expectations"]["not_from_the_hold_out"]["tally"]
    assert of_leaks["correct_kept"] > 0.8 * of_leaks["correct"] > 0


@pytest.mark.slow
def test_texts_without_labels_are_judged_by_their_likelihood(
    tmp_path: Path, local_model: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    del local_model
    project = talk(tmp_path / "project", labelled=False)
    monkeypatch.chdir(project.root)
    project.edit(lambda found: found["datasets"]["talk"]["generate"].update(candidates=3))
    project.run("lake", "")
    project.run("ingest", "talk")
    project.round("talk-1")
    about = manifest.read(project.lake(), "main", "talk", 1)
    metrics = about["metrics"]
    assert "accuracy" not in metrics
    assert {"accuracy", "macro_f1", "label_errors", "second"} <= metrics["not_applicable"].keys()
    checks = {check["name"]: check["value"] for check in about["guard"]["checks"]}
    assert checks["downstream_real"] == -metrics["difference"]["real_only"]["value"]
    assert 0 < metrics["inverse_perplexity"]["real_only"]["value"] < 1
    samples = tables.read_round(project.lake(), "main", "talk", "samples", 1)
    assert samples.columns == ["round", "row", "sample_id", "prompt", "completion"]
    project.stop_lake()


def test_rows_are_exported_as_chats_and_as_pairs_of_accepted_and_refused(
    published: Project, tmp_path: Path
) -> None:
    lake = published.lake()
    samples = tables.read(lake, "main", "talk", "samples").collect()
    chat = tmp_path / "chat.jsonl"
    told = published.stemma("export", "main", "--format", "chat", "-o", str(chat), "--json")
    assert told.code == 0, told.said
    assert json.loads(told.out)["lines"] == len(samples)
    first = json.loads(chat.read_text(encoding="utf-8").splitlines()[0])
    assert [each["role"] for each in first["messages"]] == ["user", "assistant"]
    pairs = tmp_path / "pairs.jsonl"
    told = published.stemma("export", "main", "--format", "dpo", "-o", str(pairs), "--json")
    assert told.code == 0, told.said
    decisions = tables.read_round(lake, "main", "talk", "decisions", 1)
    refused = decisions.filter(pl.col("decision") == "rejected").height
    summary = json.loads(told.out)
    counted = [value for name, value in summary.items() if name not in ("file", "format", "bytes")]
    assert sum(counted) >= refused  # each refused one is a pair, or counted by its reason
    told = published.stemma("export", "main", "--format", "dpo", "-o", str(pairs))
    assert told.out.startswith("wrote ")


def test_what_was_asked_and_answered_is_kept_and_shown(
    published: Project, local_server: LocalServer
) -> None:
    lake = published.lake()
    kept = tables.read_round(lake, "main", "talk", "exchanges", 1)
    assert kept["row"].drop_nulls().sort().to_list() == list(range(CANDIDATES))
    assert set(kept["served"].drop_nulls()) == {"local"}
    assert local_server.access.key not in kept.write_json()
    lineage = tables.read_round(lake, "main", "talk", "lineage", 1).sort("row")
    prompts = kept.drop_nulls("row").sort("row")["prompt"]
    digests = [hashlib.sha256(prompt.encode()).digest() for prompt in prompts]
    assert lineage["prompt_digest"].to_list() == digests
    sample = lineage["sample_id"][0].hex()
    told = published.stemma("audit", sample, "--prompt")
    assert told.code == 0, told.said
    assert "local, weights gemma-3-270m-q4_k_m, completions, template " in told.out
    assert "answer:" in told.out
    found = json.loads(published.stemma("audit", sample, "--prompt", "--json").out)
    assert found["occurrences"][0]["exchanges"][0]["prompt"] == prompts[0]


def test_candidates_are_tried_before_a_round_and_the_round_does_not_ask_for_them_again(
    published: Project, local_server: LocalServer
) -> None:
    before = local_server.served()
    head = published.lake().resolve("main").id
    told = published.stemma("try", "talk", "-n", "2")
    assert told.code == 0, told.said
    assert "talk-2, generate: 2 requests to local; at most $0.000000 is spent" in told.said
    assert "candidate 0" in told.out
    assert "candidate 1" in told.out
    assert "answer:" in told.out
    assert "expectations" in told.out
    assert "spent now on candidates: $0.000000" in told.out
    asked = local_server.served(at_least=before + 2)
    found = json.loads(published.stemma("try", "talk-2", "-n", "2", "--json").out)
    assert local_server.served() == asked  # the answers are kept
    assert len(found["candidates"]) == 2
    assert found["verdicts"]
    assert {each["row"] for each in found["exchanges"]} == {0, 1}
    assert published.lake().resolve("main").id == head
    assert not Path("rounds/talk/2/fit.json").exists()


def test_what_a_model_made_and_what_came_of_it_is_found_by_its_name(published: Project) -> None:
    told = json.loads(published.stemma("descendants", "--model", "local", "--json").out)
    lineage = tables.read(published.lake(), "main", "talk", "lineage").collect()
    made = lineage.filter(pl.col("kind").cast(pl.String) != "real")
    assert told["occurrences"] == len(made) >= CANDIDATES
    assert told["samples"] == {"local": made["sample_id"].n_unique()}
    by_weights = published.stemma("descendants", "--model", "gemma-3-270m-q4_k_m")
    assert f"({len(made)} occurrences)" in by_weights.out
    none = published.stemma("descendants", "--model", "gpt-9")
    assert none.code != 0
    assert "no round names the model 'gpt-9'; named are: gemma-3-270m-q4_k_m, local" in none.said
    both = published.stemma("descendants", "0123456789", "--model", "local")
    assert "give ids, or a file with --from-file, or a model with --model" in both.said
