from __future__ import annotations

import json
from typing import Any

import pytest

from pipelines.common.errors import ParamsError
from pipelines.llm import answers
from pipelines.llm.attempt_error import AttemptError
from pipelines.llm.values import Request

SCHEMA = {
    "type": "object",
    "properties": {"a": {"type": "string"}},
    "required": ["a"],
    "additionalProperties": False,
}
PLAIN = Request(model="m", prompt="p")
SHAPED = Request(model="m", prompt="p", schema=SCHEMA)
USAGE = {"prompt_tokens": 5, "completion_tokens": 7}


def said(text: object, **more: Any) -> bytes:
    choice = {"text": text, "finish_reason": "stop"} | more
    return json.dumps({"model": "served", "choices": [choice], "usage": USAGE}).encode()


def test_a_completion_is_read() -> None:
    answer = answers.read(said("hi"), PLAIN)
    assert answer == answers.Answer("hi", None, "served", 5, 7, "stop")


def test_a_chat_message_is_read_under_its_schema() -> None:
    message = {"role": "assistant", "content": '{"a": "x"}'}
    body = {"choices": [{"message": message, "finish_reason": "stop"}]}
    answer = answers.read(json.dumps(body).encode(), SHAPED)
    assert answer.parsed == {"a": "x"}
    assert (answer.tokens_in, answer.tokens_out, answer.model) == (0, 0, "m")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"{", "not JSON"),
        (b"[]", "no object"),
        (b"{}", "without choices"),
        (b'{"choices": [{"text": null}]}', "without a text"),
        (b'{"choices": [{"message": 3}]}', "without a message"),
        (b'{"error": {"message": "busy\\n now", "code": 503}}', "with an error: busy now"),
        (b'{"error": "overloaded"}', "with an error: overloaded"),
    ],
)
def test_what_holds_no_answer_may_be_asked_again(data: bytes, reason: str) -> None:
    with pytest.raises(AttemptError, match=reason) as caught:
        answers.read(data, PLAIN)
    assert caught.value.retryable


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("nothing", "not JSON"),
        ('{"b": 1}', "breaks its schema"),
        ('{"a": 1}', "1 is not of type 'string'"),
    ],
)
def test_a_broken_answer_is_billed_and_asked_for_with_another_seed(text: str, reason: str) -> None:
    with pytest.raises(AttemptError, match=reason) as caught:
        answers.read(said(text), SHAPED)
    assert caught.value.tokens == (5, 7)
    assert caught.value.other_seed
    assert caught.value.retryable


def test_an_answer_that_was_cut_off_says_so() -> None:
    with pytest.raises(AttemptError, match="not JSON, cut off at max_tokens"):
        answers.read(said('{"a": "x', finish_reason="length"), SHAPED)


def test_a_refusal_and_a_final_code_are_not_asked_again() -> None:
    refusal = {"message": {"content": None, "refusal": "I cannot"}}
    for data in (said(None, **refusal), b'{"error": {"message": "bad", "code": 400}}'):
        with pytest.raises(AttemptError) as caught:
            answers.read(data, PLAIN)
        assert not caught.value.retryable


def test_a_schema_that_is_none_is_an_error_of_the_params() -> None:
    with pytest.raises(ParamsError, match="no JSON schema: 'banana' is not"):
        answers.check_schema({"type": "banana"})
