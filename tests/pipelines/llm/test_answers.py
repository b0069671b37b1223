from __future__ import annotations

import json
import time
from typing import Any

import pytest

from pipelines.common.errors import ParamsError
from pipelines.llm import answers
from pipelines.llm.attempt_error import AttemptError
from pipelines.llm.values import Request, Usage

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
    assert answer == answers.Answer("hi", None, "served", Usage(5, 7), "stop")


def test_a_chat_message_is_read_under_its_schema() -> None:
    message = {"role": "assistant", "content": '{"a": "x"}'}
    body = {"choices": [{"message": message, "finish_reason": "stop"}]}
    answer = answers.read(json.dumps(body).encode(), SHAPED)
    assert answer.parsed == {"a": "x"}
    assert (answer.usage, answer.model) == (Usage(known=False), "m")


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
    assert caught.value.usage == Usage(5, 7)
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


RIGHT = '{"a": "x"}'


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{RIGHT}\n```",
        f"Here it is:\n\n```\n{RIGHT}\n```\nGood luck!",
        f"Sure, the answer is {RIGHT}. Anything else?",
        f'<think>{{"a": "y"}} or {{"a": "z"}}?</think>{RIGHT}',
        f"I take {RIGHT}, so:\n```json\n{RIGHT}\n```",
        f'In [1] the form is {{"b": 1}}; {RIGHT}',
    ],
)
def test_a_right_answer_is_found_in_what_stands_around_it(text: str) -> None:
    assert answers.read(said(text), SHAPED).parsed == {"a": "x"}
    parts = [{"type": "text", "text": text[:5]}, {"type": "text", "text": text[5:]}]
    message = {"message": {"role": "assistant", "content": parts}}
    assert answers.read(said(None, **message), SHAPED).parsed == {"a": "x"}


@pytest.mark.parametrize("text", ["```\n" + " " * 60_000, "<think>" * 9_000, "```\n` " * 12_000])
def test_a_hostile_answer_is_looked_through_in_one_pass(text: str) -> None:
    """Three seconds of processor time each, when a pattern tried every end for every beginning."""
    before = time.process_time()
    with pytest.raises(AttemptError, match="is not JSON"):
        answers.read(said(text), SHAPED)
    assert time.process_time() - before < 1


def test_a_right_answer_is_found_in_the_arguments_of_a_tool() -> None:
    call = {"type": "function", "function": {"name": "answer", "arguments": RIGHT}}
    message = {"content": None, "tool_calls": [call]}
    assert answers.read(said(None, message=message), SHAPED).parsed == {"a": "x"}
    with pytest.raises(AttemptError, match="without a text"):
        answers.read(said(None, message=message | {"tool_calls": [call, call]}), SHAPED)


def test_of_two_different_answers_none_is_taken() -> None:
    with pytest.raises(AttemptError, match="holds 2 different JSON values") as caught:
        answers.read(said(f'{RIGHT} or rather {{"a": "y"}}'), SHAPED)
    assert caught.value.other_seed


@pytest.mark.parametrize(
    ("finish_reason", "reason"),
    [("content_filter", "content filter held"), ("length", "raise max_tokens")],
)
def test_what_another_attempt_would_not_change_is_final(finish_reason: str, reason: str) -> None:
    for content in (None, ""):
        with pytest.raises(AttemptError, match=reason) as caught:
            answers.read(said(content, finish_reason=finish_reason), SHAPED)
        assert not caught.value.retryable
        assert caught.value.usage == Usage(5, 7)


@pytest.mark.parametrize("count", [None, "7", True, -1, 1.5, 10**30])
def test_tokens_that_are_no_count_are_unknown(count: object) -> None:
    body = {"choices": [{"text": "hi"}], "usage": {"prompt_tokens": 5, "completion_tokens": count}}
    usage = answers.read(json.dumps(body).encode(), PLAIN).usage
    assert usage == Usage(5, 0, known=False)
    body["usage"] = {"prompt_tokens": 5.0, "completion_tokens": 7.0}
    assert answers.read(json.dumps(body).encode(), PLAIN).usage == Usage(5, 7)


def test_a_schema_is_checked_once_however_often_it_comes() -> None:
    """Each candidate has a schema object of its own, and a check takes half a millisecond."""
    before = answers._schema_error.cache_info().misses
    for _ in range(50):
        answers.check_schema({"type": "object", "properties": {"once": {"type": "string"}}})
    assert answers._schema_error.cache_info().misses == before + 1
