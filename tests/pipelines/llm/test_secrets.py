"""The key shows up in no file, error, repr or log, even where a server says it back."""

from __future__ import annotations

import json
import logging
import traceback
from pathlib import Path

import pytest

from pipelines.common.errors import PipelineError
from pipelines.llm.answers import MAX_QUOTED
from pipelines.llm.ask import ask
from pipelines.llm.settings import Access, Service
from pipelines.llm.values import Failure, request
from tests.pipelines.llm.proxy import Act, Exchange, Proxy, say, status


def echo(code: int, before: int = 0) -> Act:
    """Answer with an error that holds the key, in body and headers, after so many characters."""

    async def act(exchange: Exchange) -> None:
        key = exchange.seen.headers["authorization"].removeprefix("Bearer ")
        body = {
            "error": {"message": f"{'x' * before}Incorrect API key provided: {key}", "code": code}
        }
        await exchange.answer(code, json.dumps(body).encode(), {"X-Echo": key})

    return act


def clean(folder: Path, key: str, *texts: str) -> bool:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    return not any(key.encode() in path.read_bytes() for path in files) and not any(
        key in text for text in texts
    )


@pytest.mark.parametrize("code", [200, 400, 401, 403, 404, 429, 500])
def test_a_key_that_a_server_says_back_is_hidden(
    code: int,
    proxy: Proxy,
    service: Service,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    planted = proxy.key
    caplog.set_level(logging.DEBUG, logger="pipelines")
    caplog.set_level(logging.DEBUG, logger="stamina")
    proxy.always = echo(code)
    lenient = service.model_copy(update={"max_failures": 1, "attempts": 2})
    told = ""
    try:
        results = ask([request(lenient, "a")], lenient, cache=tmp_path / "llm")
        (failure,) = results
        assert isinstance(failure, Failure)
        told = failure.reason
        assert "Incorrect API key provided: ***" in told
    except PipelineError as error:
        told = "".join(traceback.format_exception(error))
        assert "Incorrect API key provided: ***" in told
    records = "".join(repr(record.__dict__) for record in caplog.records)
    assert any(seen.headers["authorization"] == f"Bearer {planted}" for seen in proxy.seen)
    assert clean(tmp_path, planted, told, records, repr(lenient), lenient.model_dump_json())


@pytest.mark.parametrize("code", [200, 400])
def test_a_key_is_hidden_where_a_long_error_is_cut_off(
    code: int, proxy: Proxy, planted: str, service: Service, tmp_path: Path
) -> None:
    proxy.always = echo(code, before=MAX_QUOTED - 40)
    lenient = service.model_copy(update={"max_failures": 1, "attempts": 1})
    (failure,) = ask([request(lenient, "a")], lenient, cache=tmp_path / "llm")
    assert isinstance(failure, Failure)
    assert "xxx" in failure.reason
    assert planted[:8] not in failure.reason


@pytest.mark.parametrize(
    "head", ["500 no key {}\r\nContent-Type: text/plain", "200 OK\r\nContent-Type: text/{}"]
)
def test_a_key_is_hidden_in_what_stands_before_a_body(
    head: str, proxy: Proxy, planted: str, service: Service, tmp_path: Path
) -> None:
    async def act(exchange: Exchange) -> None:
        said = f"HTTP/1.1 {head.format(planted)}\r\nContent-Length: 2\r\n\r\nno"
        exchange.writer.write(said.encode())
        await exchange.writer.drain()

    proxy.always = act
    lenient = service.model_copy(update={"max_failures": 1, "attempts": 1})
    (failure,) = ask([request(lenient, "a")], lenient, cache=tmp_path / "llm")
    assert isinstance(failure, Failure)
    assert "***" in failure.reason
    assert planted.lower() not in failure.reason.lower()


def test_a_broken_answer_that_holds_the_key_leaves_none_of_it_in_the_cache(
    proxy: Proxy, planted: str, service: Service, tmp_path: Path
) -> None:
    text = json.dumps({"key": planted})
    usage = {"prompt_tokens": 1, "completion_tokens": 1}
    proxy.always = say(json.dumps({"choices": [{"text": text}], "usage": usage}).encode())
    lenient = service.model_copy(update={"max_failures": 1, "attempts": 2})
    question = request(lenient, "a", schema={"type": "object", "additionalProperties": False})
    (failure,) = ask([question], lenient, cache=tmp_path / "llm")
    assert isinstance(failure, Failure)
    assert clean(tmp_path, planted, failure.reason)


def test_what_ends_a_run_has_no_cause_that_holds_the_key(
    proxy: Proxy, planted: str, service: Service, tmp_path: Path
) -> None:
    proxy.always = status(401)
    with pytest.raises(PipelineError) as caught:
        ask([request(service, "a")], service, cache=tmp_path / "llm")
    error: BaseException | None = caught.value
    while error is not None:
        assert planted not in repr(error) + repr(vars(error))
        assert error.__cause__ is None
        error = None if error.__suppress_context__ else error.__context__


def test_access_hides_its_key(planted: str) -> None:
    assert planted not in f"{Access('u', planted)!r} {Access('u', planted)}"
