"""A round whose candidates are made in three steps by two services, with conversations."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml

from pipelines.llm.settings import API_KEY
from pipelines.rounds import manifest, tables
from tests.flow.projects import NO_LIMITS, STAGES, Project, checkout
from tests.pipelines.llm.proxy import NOBODY, Proxy, answering

THINGS = ("bread", "rivers", "clouds", "owls", "trains", "glass", "salt", "maps")
CANDIDATES = 12
SUITE = {
    "name": "talks",
    "expectations": [
        {
            "type": "expect_column_values_to_not_be_null",
            "kwargs": {"column": name},
            "severity": "critical",
            "meta": {"name": f"{name}_is_there"},
        }
        for name in ("text", "critique")
    ],
}


def rows() -> list[dict[str, Any]]:
    """Conversations, some with a call of a tool as JSON, and what somebody says of them."""
    return [
        {
            "messages": [
                {
                    "role": "user",
                    "content": f"Tell me about {thing}, part {part}.",
                    "tool_calls": None,
                },
                {
                    "role": "assistant",
                    "content": f"Part {part} of what is known about {thing}.",
                    "tool_calls": '[{"name": "look_up"}]' if part % 2 else None,
                },
            ],
            "critique": f"Says little about {thing}.",
        }
        for thing in THINGS
        for part in range(12)
    ]


def reply(body: Mapping[str, Any]) -> dict[str, Any]:
    """Write what a step asks for from what its prompt says is known."""
    user = body["messages"][-1]["content"]
    known = [json.loads(line) for line in user.splitlines() if line.startswith("{")]
    seen = known[-1] if known else {}
    (wanted,) = body["response_format"]["json_schema"]["schema"]["properties"]
    thing = THINGS[body["seed"] % len(THINGS)]
    if wanted == "question":
        return {"question": f"Why do {thing} matter, asked by {body['seed']}?"}
    if wanted == "critique":
        return {"critique": f"{body['model']} read {len(seen['messages'])} messages."}
    calls = [{"name": "look_up", "arguments": json.dumps({"of": thing})}]
    answer = {"role": "assistant", "content": f"It depends on {thing}.", "tool_calls": calls}
    asked = {"role": "user", "content": seen["question"], "tool_calls": None}
    return {"messages": [asked, answer]}


def talks(target: Path, small: str, large: str) -> Project:
    """A project of these conversations, with one round."""
    project = checkout(target)
    (target / "expectations" / "suites" / "talks.json").write_text(json.dumps(SUITE))
    (target / "talks.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows()))
    text = {
        "service": {"model": "small", "base_url": small},
        "shots": 0,
        "types": {"messages": "messages"},
        "steps": [
            {"columns": ["question"]},
            {"columns": ["messages"], "service": {"model": "large", "base_url": large}},
            {"columns": ["critique"]},
        ],
    }
    content = {
        "line": "main",
        "seed": 1,
        "datasets": {
            "talks": {
                "identity": ["messages"],
                "ingest": {"source": "talks.jsonl", "modality": "text", "keep": ["critique"]},
                "fit": {"text": {"keep": ["messages"]}},
                "generate": {"candidates": CANDIDATES, "text": text},
                "verify": {"scorers": {"text_duplicates": {}}},
                "evaluate": {"null_draws": 2, "bootstrap": 20},
                "publish": {"guard": NO_LIMITS},
            }
        },
        "rounds": {
            "talks-1": {
                "dataset": "talks",
                "round": 1,
                "previous": 0,
                "generator": "text",
                **{name: {} for name in STAGES},
            }
        },
    }
    (target / "params.yaml").write_text(yaml.safe_dump(content, sort_keys=False))
    return project


@pytest.mark.slow
def test_three_steps_by_two_services_are_published_and_proved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    act = answering(reply)
    with Proxy(NOBODY, "k", always=act) as small, Proxy(NOBODY, "k", always=act) as large:
        project = talks(tmp_path / "project", small.url, large.url)
        monkeypatch.chdir(project.root)
        monkeypatch.setenv(API_KEY, "planted-key")
        project.run("lake", "")
        project.run("ingest", "talks")
        project.round("talks-1")
        asked = [Counter(each.body["model"] for each in proxy.seen) for proxy in (small, large)]
    assert asked == [{"small": 2 * CANDIDATES}, {"large": CANDIDATES}]
    lake = project.lake()
    made, real = (tables.read_round(lake, "main", "talks", "samples", each) for each in (1, 0))
    assert made.schema == real.schema
    assert set(made["critique"]) == {"small read 2 messages."}
    for user, assistant in made["messages"].to_list():
        assert user["content"].startswith("Why do ")
        assert json.loads(assistant["tool_calls"])[0]["name"] == "look_up"
    about = manifest.read(lake, "main", "talks", 1)
    assert about["generation"]["not_stored"] == ["question"]
    assert about["environment"]["served"] == ["large", "small"]
    assert [each["model"] for each in about["environment"]["steps"]] == [None, "large", None]
    lineage = tables.read_round(lake, "main", "talks", "lineage", 1)
    assert lineage["prompt_digest"].n_unique() == CANDIDATES
    done = project.stemma("audit", "--recompute", "main", "--json")
    assert (done.code, json.loads(done.out)["findings"]) == (0, []), done.said
    shown = project.stemma("audit", made["sample_id"][0].hex()[:16])
    assert "model small, large, rule exemplars/1" in shown.out, shown.said
    assert "asked step 2 of 3, large, chat, template " in shown.out
    _check_models(project, made["sample_id"][0].hex())
    assert pl.read_ndjson("talks.jsonl").schema["messages"] == made.schema["messages"]
    project.stop_lake()


def _check_models(project: Project, sample: str) -> None:
    """The audit, the exports and the descendants of a model know who was asked for the sample."""
    told = json.loads(project.stemma("audit", sample, "--json").out)["occurrences"][0]
    requests = told["tree"][0]["requests"]
    assert [each["model"] for each in requests] == ["small", "large", "small"]
    assert all(each["served"] == each["model"] and each["seed"] for each in requests)
    assert {each["model"] for each in told["models"]} == {"small", "large"}
    found = project.stemma("descendants", "--model", "large", "--json")
    assert json.loads(found.out)["samples"] == {"large": CANDIDATES}, found.said
    done = project.stemma("lineage", "export", "main", "--format", "prov")
    content = json.loads(done.out)
    asking = [each for name, each in content["activity"].items() if "/request/" in name]
    assert Counter(each["stemma:model"] for each in asking) == {
        "small": 2 * CANDIDATES,
        "large": CANDIDATES,
    }
    described = json.loads(project.stemma("lineage", "export", "main", "--format", "croissant").out)
    agents = {
        each["prov:label"]
        for activity in described["prov:wasGeneratedBy"]
        if isinstance(activity.get("prov:wasAssociatedWith"), list)
        for each in activity["prov:wasAssociatedWith"]
    }
    assert {"model small", "model large"} <= agents
    tables_ = {each["@id"] for each in described["recordSet"]}
    assert "talks/exchanges/round=001" in tables_
