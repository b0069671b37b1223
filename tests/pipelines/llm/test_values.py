from __future__ import annotations

from dataclasses import fields, replace

import pytest

from pipelines.llm.settings import Service
from pipelines.llm.values import Request, request

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
ASKED = Request(
    model="m", prompt="p", schema=SCHEMA, temperature=0.5, top_p=0.9, max_tokens=9, seed=1
)
OTHER = {
    "model": "n",
    "messages": ({"role": "user", "content": "p"},),
    "prompt": "q",
    "schema": {"type": "string"},
    "temperature": 0.6,
    "top_p": 0.8,
    "max_tokens": 10,
    "seed": 2,
    "extra": {"min_p": 0.1},
    "schema_as": "json_schema",
    "limit_as": "max_completion_tokens",
}


@pytest.mark.parametrize("name", [field.name for field in fields(Request)])
def test_every_field_is_part_of_the_digest(name: str) -> None:
    changed = {name: OTHER[name]} | ({"prompt": None} if name == "messages" else {})
    assert replace(ASKED, **changed).digest != ASKED.digest


def test_equal_requests_have_one_digest() -> None:
    assert replace(ASKED).digest == ASKED.digest
    reordered = replace(ASKED, schema=dict(reversed(SCHEMA.items())))
    assert reordered.digest == ASKED.digest


def test_a_schema_that_is_not_sent_still_tells_answers_apart() -> None:
    unsent = replace(ASKED, schema_as="none")
    assert "response_format" not in unsent.body
    assert unsent.digest != replace(unsent, schema=None).digest


@pytest.mark.parametrize("given", [{}, {"prompt": "p", "messages": ()}])
def test_a_request_is_a_prompt_or_messages(given: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="either messages or a prompt"):
        Request(model="m", **given)  # type: ignore[arg-type]


def test_a_text_goes_where_the_service_takes_it() -> None:
    local = request(Service(), "go on", schema=SCHEMA, seed=3)
    assert local.path == "/completions"
    assert local.body["prompt"] == "go on"
    assert local.body["json_schema"].items() >= SCHEMA.items()
    chat = request(Service(model="gpt", limit_as="max_completion_tokens"), "go on", schema=SCHEMA)
    assert chat.path == "/chat/completions"
    assert chat.body["messages"] == [{"role": "user", "content": "go on"}]
    assert chat.body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert chat.body["max_completion_tokens"] == Service().max_tokens
    assert "max_tokens" not in chat.body


def test_what_is_none_is_not_sent() -> None:
    body = request(Service(model="o", temperature=None, top_p=None), "x").body
    assert not body.keys() & {"temperature", "top_p", "seed"}


def test_overrides_and_extra_fields_reach_the_body() -> None:
    service = Service(extra_body={"cache_prompt": True, "min_p": 0.1})
    body = request(service, "x", temperature=0.0, max_tokens=3).body
    assert body["temperature"] == 0.0
    assert body["max_tokens"] == 3
    assert body["cache_prompt"] is True
    assert body["min_p"] == 0.1
