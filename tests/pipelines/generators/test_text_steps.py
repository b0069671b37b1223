"""Candidates made in steps, by several services, with columns that are not texts."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from lineage.identity import sample_ids
from pipelines.common.errors import GeneratorError, ParamsError, TooManyFailures
from pipelines.common.settings import parse
from pipelines.generators import making
from pipelines.generators.protocol import GenerateRequest, GenerateResult
from pipelines.generators.text import column_types
from pipelines.generators.text.generator import Text
from pipelines.generators.text.settings import TextFit, TextGenerate
from pipelines.llm.settings import API_KEY
from tests.pipelines.generators.mixes import fitted, mix
from tests.pipelines.llm.proxy import NOBODY, Proxy, Seen, answering

CHAT = pl.List(pl.Struct({"role": pl.String, "content": pl.String, "tool_calls": pl.String}))
IDENTITY = ("messages", "score")


def talks(count: int) -> pl.DataFrame:
    """Chats, each with a score, and a topic that is only kept."""
    chats = [
        [
            {"role": "user", "content": f"hello {number}", "tool_calls": None},
            {"role": "assistant", "content": "hi", "tool_calls": '[{"name":"wave"}]'},
        ]
        for number in range(count)
    ]
    frame = mix({"topic": [f"topic {number}" for number in range(count)]}).with_columns(
        pl.Series("messages", chats, dtype=CHAT),
        pl.Series("score", range(count), dtype=pl.Int16),
    )
    return frame.with_columns(sample_ids(frame, IDENTITY).alias("sample_id"))


def reply(body: Mapping[str, Any]) -> dict[str, Any]:
    """Write each column from its name, the model, and what the prompt says is known."""
    user = body["messages"][-1]["content"]
    known = [json.loads(line) for line in user.splitlines() if line.startswith("{")]
    properties = body["response_format"]["json_schema"]["schema"]["properties"]
    said = f"{body['model']} knows {sorted(known[-1]) if known else []}"
    call = [{"name": "look", "arguments": '{"at": "it"}'}]
    values: dict[str, Any] = {
        "messages": [
            {
                "role": "user",
                "content": known[-1].get("persona", "") if known else "",
                "tool_calls": None,
            },
            {"role": "assistant", "content": said, "tool_calls": call},
        ],
        "score": 3,
    }
    return {name: values.get(name, f"{name} {body['seed']}: {said}") for name in properties}


@pytest.fixture
def services(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[tuple[Proxy, Proxy]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(API_KEY, "planted-key")
    act = answering(reply)
    with Proxy(NOBODY, "k", always=act) as small, Proxy(NOBODY, "k", always=act) as large:
        yield small, large


def asked(place: Path, settings: Mapping[str, Any], count: int = 4) -> GenerateRequest[Any]:
    own = parse(TextGenerate, settings, "text")
    keep = TextFit(keep=IDENTITY)
    made = fitted(talks(6), place, candidates=count, identity=IDENTITY, settings=own, fit=keep)
    return replace(made, kept=("topic", "critique"))


def three_steps(small: Proxy, large: Proxy) -> dict[str, Any]:
    return {
        "service": {"model": "small", "base_url": small.url},
        "shots": 0,
        "types": {
            "messages": "messages",
            "score": {"type": "integer", "minimum": 1, "maximum": 5},
        },
        "steps": [
            {"columns": ["persona"]},
            {"columns": ["messages"], "service": {"model": "large", "base_url": large.url}},
            {"columns": ["score", "critique"]},
        ],
    }


def models(seen: list[Seen]) -> Counter[str]:
    return Counter(each.body["model"] for each in seen)


def test_later_steps_see_earlier_columns_and_ask_their_own_service(
    services: tuple[Proxy, Proxy], tmp_path: Path
) -> None:
    small, large = services
    made = making.make(Text(), asked(tmp_path / "pool", three_steps(small, large)))
    assert (models(small.seen), models(large.seen)) == ({"small": 8}, {"large": 4})
    rows = made.candidates
    assert rows.schema["messages"] == CHAT
    assert rows.schema["score"] == pl.Int16
    assert "persona" not in rows.columns
    user, assistant = rows["messages"][0].to_list()
    assert user["content"].startswith("persona ")
    assert assistant["content"] == "large knows ['persona']"
    assert json.loads(assistant["tool_calls"]) == [{"name": "look", "arguments": '{"at": "it"}'}]
    assert rows["critique"].str.ends_with("small knows ['messages', 'persona']").all()
    assert rows["sample_id"].equals(sample_ids(rows, IDENTITY).alias("sample_id"))
    assert rows["prompt_digest"].n_unique() == 4
    facts, environment = made.report.facts, made.report.environment
    assert (facts["asked"], facts["not_stored"]) == (12, ["persona"])
    assert environment["served"] == ["large", "small"]
    assert [each["model"] for each in environment["services"]] == ["small", "large"]
    assert [each["columns"] for each in environment["steps"]] == [
        ["persona"],
        ["messages"],
        ["score", "critique"],
    ]
    again = making.make(Text(), asked(tmp_path / "pool", three_steps(small, large)))
    assert again.candidates.equals(rows)
    assert again.report.cost["cached"] == 12
    assert len(small.seen) + len(large.seen) == 12


def test_a_candidate_whose_step_fails_is_asked_no_further(
    services: tuple[Proxy, Proxy], tmp_path: Path
) -> None:
    small, large = services
    settings = three_steps(small, large)
    settings["service"] |= {"attempts": 1, "max_failures": 0.5}
    settings["steps"][1]["service"] |= {"attempts": 1, "max_failures": 0.5}
    large.always = answering(lambda body: {"messages": []} if body["seed"] % 2 else reply(body))
    made = making.make(Text(), asked(tmp_path / "pool", settings, 8))
    left = 8 - made.report.facts["failed"]
    assert 4 <= left < 8
    assert made.candidates["row"].to_list() == list(range(left))
    assert models(small.seen) == {"small": 8 + left}


def test_of_shards_that_are_asked_for_one_by_one_the_share_of_failures_is_the_rounds(
    services: tuple[Proxy, Proxy], tmp_path: Path
) -> None:
    small, _ = services
    settings = {
        "service": {"model": "small", "base_url": small.url, "attempts": 1, "max_failures": 0.25},
        "shots": 0,
        "types": {"messages": "messages", "score": {"type": "integer"}},
    }
    request = replace(asked(tmp_path / "pool", settings, 12), shard_rows=2, by_shard=True)
    plans = [Text().plan(request), Text().plan(replace(request, seed=9))]
    seeds = [[each.request.seed for each in plan.content.plan.first()] for plan in plans]
    wrong = {*seeds[0][2:4], *seeds[1][2:4], *seeds[1][6:8]}  # whole shards
    small.always = answering(lambda body: {} if body["seed"] in wrong else reply(body))
    made = making.make_until(Text(), plans[0], lambda *_: False)
    assert (len(made.candidates), made.report.facts["failed"]) == (10, 2)
    with pytest.raises(TooManyFailures, match="4 of 12 requests failed for good"):
        making.make_until(Text(), plans[1], lambda *_: False)


def test_several_services_make_their_shares_and_are_named(
    services: tuple[Proxy, Proxy], tmp_path: Path
) -> None:
    small, large = services
    shared = [
        {"service": {"model": "small", "base_url": small.url}, "share": 3},
        {"service": {"model": "large", "base_url": large.url}},
    ]
    settings = {
        "services": shared,
        "shots": 1,
        "types": {"messages": "messages", "score": {"type": "integer"}},
    }
    made = making.make(Text(), asked(tmp_path / "pool", settings, 10))
    assert len(small.seen) == 8
    assert len(large.seen) == 2
    assert made.report.facts["services"] == {"small": 8, "large": 2}
    alone = Text().plan(asked(tmp_path / "pool", {"shots": 1, "types": settings["types"]}, 10))
    assert Text().report(alone).maker != made.report.maker


def test_values_that_real_rows_cannot_hold_are_left_out_and_counted(
    services: tuple[Proxy, Proxy], tmp_path: Path
) -> None:
    small, large = services
    settings = three_steps(small, large)
    settings["types"]["score"] = {"type": "integer"}
    small.always = answering(
        lambda body: (
            reply(body) | ({"score": 10**6} if body["seed"] % 2 else {})
            if "score" in body["response_format"]["json_schema"]["schema"]["properties"]
            else reply(body)
        )
    )
    made: GenerateResult = making.make(Text(), asked(tmp_path / "pool", settings, 8))
    assert made.report.facts["unfit"] + len(made.candidates) == 8
    (why,) = made.report.facts["unfit_reasons"]
    assert why == "column 'score' cannot be stored: it is a number that real rows cannot hold"


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"steps": [{"columns": ["messages"]}]}, "no step writes 'score'"),
        ({"steps": [{"columns": IDENTITY}, {"columns": ["score"]}]}, "write 'score' twice"),
        ({"steps": [{"columns": (*IDENTITY, "label")}]}, "asked for and not answered"),
        ({"steps": [{"columns": IDENTITY, "prompt": "nothing"}]}, "there is no prompt 'nothing'"),
        ({"types": {"scroe": {}}}, "no column 'scroe' to write; did you mean 'score'"),
        ({"types": {"score": 5}}, "neither 'messages' nor a JSON schema"),
        ({"types": {"score": {"type": "whole"}}}, "no JSON schema: 'whole' is not valid"),
        ({"types": {"score": {"$ref": "http://a/b"}}}, "has \\$ref; write out"),
        ({"types": {"score": {"enum": ["x" * 70_000]}}}, "65,536 are the most"),
        ({"types": "nothing.json"}, "there is no file 'nothing.json'"),
        ({"classes": {"a": 3}}, "ask for 3 candidates in all, and generate.candidates is 4"),
        ({"balance": True}, "balance is about labels, and the data set has none"),
        ({"attribute_files": ["nothing.yaml"]}, "nothing.yaml cannot be read"),
    ],
)
def test_what_cannot_be_made_is_said_before_anything_is_asked(
    own: dict[str, Any], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(GeneratorError, match=said):
        Text().plan(asked(tmp_path / "pool", own))


def test_an_attribute_that_no_kept_column_can_hold_is_named_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    types = {"messages": "messages", "score": {"type": "integer"}}
    given = asked(tmp_path / "pool", {"types": types, "attributes": {"score": ["low"]}})
    assert Text().plan(given)
    with pytest.raises(GeneratorError, match="'score' has the name of a kept column, which"):
        Text().plan(replace(given, kept=("topic", "score")))


def test_a_schema_that_is_too_deep_is_refused() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(9):
        deep = {"type": "array", "items": deep}
    with pytest.raises(GeneratorError, match="more than 8 levels"):
        column_types.read({"tags": deep})


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"prompt": "text", "steps": [{"columns": ["a"]}]}, "leave out prompt"),
        ({"service": {"model": "a"}, "services": [{"service": {}}]}, "leave one of them out"),
        ({"classes": {"a": 0}}, "'a' is asked for 0 times"),
        ({"classes": {"a": 1}, "balance": True}, "leave out labels and balance"),
        ({"steps": [{"columns": []}]}, "steps.0.columns"),
        ({"exemplars": "each", "carry": ["a", "a"]}, "carry names a column twice"),
        ({"services": [{"service": {}, "share": 1e300}]}, "services.0.share"),
    ],
)
def test_settings_of_which_one_is_pointless_are_named(own: dict[str, Any], said: str) -> None:
    with pytest.raises(ParamsError, match=said):
        parse(TextGenerate, own, "text")


def test_columns_have_the_type_of_their_schema_where_no_real_row_has_one() -> None:
    schema = {
        "type": "object",
        "properties": {
            "tags": {"type": "array", "items": {"type": "string"}},
            "of": {"type": ["integer", "null"]},
            "any": {"type": "object"},
        },
    }
    kind = column_types.dtype(schema)
    assert kind == pl.Struct({"tags": pl.List(pl.String), "of": pl.Int64, "any": pl.String})
    value = {"tags": ["a\ud800"], "of": None, "any": {"b": [1]}}
    assert column_types.stored(value, kind) == {
        "tags": ["a\ufffd"],
        "of": None,
        "any": '{"b": [1]}',
    }
    for wrong in ({"of": 1.5}, {"of": True}, {"tags": "a"}, {"more": 1}):
        with pytest.raises(ValueError, match="it "):
            column_types.stored(wrong, kind)


@pytest.mark.parametrize("kind", [pl.Int64(), pl.Float64(), pl.Float32(), pl.String()])
def test_a_number_that_is_not_finite_is_never_stored(kind: pl.DataType) -> None:
    for text in ("1e999", "NaN", "-Infinity"):
        with pytest.raises(ValueError, match="it "):
            column_types.stored(json.loads(text), kind)
    if kind != pl.String:
        with pytest.raises(ValueError, match="a number that real rows cannot hold"):
            column_types.stored(10**400, kind)
    with pytest.raises(ValueError, match="a number that real rows cannot hold"):
        column_types.stored(1e39, pl.Float32())


def test_a_pool_with_chats_of_which_nobody_said_is_refused(tmp_path: Path) -> None:
    request = fitted(talks(4), tmp_path, identity=IDENTITY)
    with pytest.raises(GeneratorError, match=r"'messages' of texts; .* add it to fit\.text\.keep"):
        Text().plan(request)
