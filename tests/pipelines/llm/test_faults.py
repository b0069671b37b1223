"""What a service and a network do wrong, done to real requests by a proxy on the way."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise
from pathlib import Path

import pytest

from pipelines.common.errors import GoneError, ServiceError, TooManyFailures
from pipelines.llm.ask import ask
from pipelines.llm.cache import answered, broken_answers
from pipelines.llm.settings import Price, Service
from pipelines.llm.translation import retry_after
from pipelines.llm.values import Failure, Reply, Request, request
from tests.pipelines.llm.proxy import Act, Exchange, Proxy, cut, pass_on, retold, say, slow, status
from tests.served import LocalServer

SCHEMA = {
    "type": "object",
    "properties": {"a": {"enum": ["x"]}},
    "required": ["a"],
    "additionalProperties": False,
}
ERROR = b'{"error": {"message": "overloaded", "code": 503}}'
UNBILLED = {
    "429": status(429, Retry_After="0.2"),
    "429 until a date": status(429, Retry_After="Thu, 01 Jan 2026 00:00:00 GMT"),
    "408": status(408),
    "500": status(500),
    "503 that is no JSON": status(503, "down"),
    "malformed JSON": say(b'{"choices": [{"te'),
    "no JSON at all": say(b"<html>busy</html>"),
    "200 with an error": say(ERROR),
}


def one(service: Service, text: str = "One two", **more: object) -> Request:
    return request(service, text, seed=5, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("act", UNBILLED.values(), ids=UNBILLED)
def test_what_was_not_answered_is_asked_again_and_billed_once(
    act: Act, proxy: Proxy, local_server: LocalServer, service: Service, cache: Path
) -> None:
    proxy.script.append(act)
    before = local_server.served()
    priced = service.model_copy(update={"prices": {"local": Price(input=1e6, output=1e6)}})
    (reply,) = ask([one(priced)], priced, cache=cache)
    assert isinstance(reply, Reply)
    assert (reply.attempts, reply.seed) == (2, 5)
    assert reply.dollars == reply.tokens_in + reply.tokens_out
    assert reply.tokens_out <= 4
    assert local_server.served(at_least=before + 1) == before + 1
    assert [seen.body for seen in proxy.seen] == [proxy.seen[0].body] * 2


def test_a_cut_connection_is_asked_again(proxy: Proxy, service: Service, cache: Path) -> None:
    proxy.script.append(cut)
    (reply,) = ask([one(service)], service, cache=cache)
    assert isinstance(reply, Reply)
    assert reply.attempts == 2


def test_slow_bytes_are_a_time_out_of_the_whole_attempt(
    proxy: Proxy, service: Service, cache: Path
) -> None:
    proxy.always = slow(0.02)
    quick = service.model_copy(update={"timeout_s": 0.5, "attempts": 2, "max_failures": 1})
    (failure,) = ask([one(quick)], quick, cache=cache)
    assert isinstance(failure, Failure)
    assert failure.reason.endswith("did not answer within 0.5 s")
    assert failure.attempts == 2
    assert len(proxy.seen) == 2
    # The time runs from before a request arrives, so a busy machine shortens what is seen of it.
    assert 0.25 <= proxy.seen[1].at - proxy.seen[0].at < 3


@pytest.mark.parametrize("text", ['{"a": "y"}', '{"a": ', '{"b": "x"}'])
def test_a_broken_answer_is_paid_and_asked_for_with_another_seed(
    text: str, proxy: Proxy, service: Service, cache: Path
) -> None:
    proxy.script.append(retold(text))
    (reply,) = ask([one(service, schema=SCHEMA, max_tokens=12)], service, cache=cache)
    assert isinstance(reply, Reply)
    assert reply.parsed == {"a": "x"}
    assert (reply.attempts, reply.seed) == (2, 6)
    assert [seen.body["seed"] for seen in proxy.seen] == [5, 6]
    assert reply.tokens_in % 2 == 0  # both attempts are counted
    (again,) = ask([one(service, schema=SCHEMA, max_tokens=12)], service, cache=cache)
    assert isinstance(again, Reply)
    assert again.cached
    assert again.tokens_in == reply.tokens_in
    ((broken,),) = broken_answers(cache, [reply.digest]).values()
    assert broken.text == text
    assert broken.reason.startswith("the answer ")


def test_a_request_that_fails_for_good_is_counted_and_the_others_go_on(
    proxy: Proxy, service: Service, cache: Path
) -> None:
    proxy.script += [retold("never JSON")] * 3
    lenient = service.model_copy(update={"max_failures": 0.5, "concurrency": 1})
    requests = [one(lenient, schema=SCHEMA, max_tokens=12), one(lenient, "and")]
    failure, reply = ask(requests, lenient, cache=cache)
    assert isinstance(failure, Failure)
    assert isinstance(reply, Reply)
    assert (failure.attempts, failure.reason) == (3, "the answer is not JSON")
    assert failure.tokens_in > 0
    assert answered(cache, [one.digest for one in requests]) == {requests[1].digest}
    (later,) = ask(requests[:1], lenient, cache=cache)  # not cached: it is asked again
    assert isinstance(later, Reply)
    assert later.tokens_in == failure.tokens_in // 3 * 4


def test_too_many_failures_stop_the_run_and_keep_what_was_answered(
    proxy: Proxy, service: Service, cache: Path
) -> None:
    requests = [one(service, f"{n}", max_tokens=1) for n in range(10)]
    patient = service.model_copy(update={"concurrency": 1, "attempts": 1, "max_failures": 0.1})
    proxy.script += [status(500), pass_on, status(400)]
    with pytest.raises(TooManyFailures, match=r"2 of 10 .*max_failures \(0.1\).*answered 400"):
        ask(requests, patient, cache=cache)
    assert len(proxy.seen) == 3
    assert answered(cache, [one.digest for one in requests]) == {requests[1].digest}


@pytest.mark.parametrize("code", [400, 413, 422])
def test_a_wrong_request_is_not_sent_twice(
    code: int, proxy: Proxy, service: Service, cache: Path
) -> None:
    proxy.script.append(status(code, {"error": {"message": "too long"}}))
    lenient = service.model_copy(update={"max_failures": 1})
    (failure,) = ask([one(lenient)], lenient, cache=cache)
    assert isinstance(failure, Failure)
    assert failure.reason == f"{proxy.url} answered {code}: too long"
    assert (failure.attempts, failure.tokens_in) == (1, 0)


@pytest.mark.parametrize(
    ("code", "suspect"),
    [(401, "correct OPENAI_API_KEY"), (403, "the rights of"), (404, "correct the model, or")],
)
def test_what_no_request_can_get_past_stops_all_at_once(
    code: int, suspect: str, proxy: Proxy, service: Service, cache: Path
) -> None:
    proxy.always = status(code)
    with pytest.raises(ServiceError, match=f"answered {code}: not now; .*{suspect}") as caught:
        ask([one(service, f"{n}") for n in range(20)], service, cache=cache)
    assert type(caught.value) is (GoneError if code == 404 else ServiceError)
    assert caught.value.__cause__ is None
    assert len(proxy.seen) <= service.concurrency


def test_retry_after_is_obeyed_and_capped(proxy: Proxy, service: Service, cache: Path) -> None:
    proxy.script += [status(429, Retry_After="0.6"), status(503, Retry_After="3600")]
    capped = service.model_copy(update={"wait_max_s": 0.8})
    (reply,) = ask([one(capped)], capped, cache=cache)
    assert isinstance(reply, Reply)
    first, second, third = (seen.at for seen in proxy.seen)
    assert 0.6 <= second - first < 2
    assert 0.8 <= third - second < 2


def test_without_retry_after_each_wait_is_longer(
    proxy: Proxy, service: Service, cache: Path
) -> None:
    proxy.script += [status(500)] * 3
    doubling = service.model_copy(update={"wait_s": 0.1, "attempts": 4})
    (reply,) = ask([one(doubling)], doubling, cache=cache)
    assert isinstance(reply, Reply)
    times = [seen.at for seen in proxy.seen]
    waits = [after - before for before, after in pairwise(times)]
    assert all(wait >= least for wait, least in zip(waits, (0.1, 0.2, 0.4), strict=True))


def test_retry_after_is_read_in_all_its_forms() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert retry_after({"retry-after": "2.5"}) == 2.5
    assert retry_after({"retry-after-ms": "250", "retry-after": "9"}) == 0.25
    assert 28 < (retry_after({"retry-after": later}) or 0) <= 30
    for nothing in ("", "soon", "-1", "0", "inf", "Thu, 01 Jan 2026 00:00:00 GMT"):
        assert retry_after({"retry-after": nothing}) is None
    assert retry_after({}) is None


def test_the_proxy_passes_on_what_is_sent(proxy: Proxy, service: Service, cache: Path) -> None:
    question = one(service)
    ask([question], service, cache=cache)
    assert proxy.seen[0].body == json.loads(json.dumps(question.body))
    assert proxy.seen[0].headers["authorization"] == f"Bearer {proxy.key}"


@pytest.mark.parametrize(
    "act",
    [
        status(402),
        status(429, {"error": {"message": "no credit", "code": "insufficient_quota"}}),
        status(429, {"error": {"message": "no credit", "type": "insufficient_quota"}}),
    ],
)
def test_an_account_without_credit_stops_all_at_once(
    act: Act, proxy: Proxy, service: Service, cache: Path
) -> None:
    proxy.always = act
    with pytest.raises(ServiceError, match="correct the credit of the account"):
        ask([one(service, f"{n}") for n in range(20)], service, cache=cache)
    assert len(proxy.seen) <= service.concurrency


def test_a_run_that_gets_no_answer_at_all_stops_with_its_reasons(
    proxy: Proxy, service: Service, cache: Path
) -> None:
    proxy.script += [status(400, {"error": {"message": "too long"}})] * 3
    proxy.always = status(400, {"error": {"message": "bad word"}})
    lenient = service.model_copy(update={"max_failures": 1, "concurrency": 1})
    with pytest.raises(TooManyFailures, match=r"first 10 of 40 .*none was answered") as caught:
        ask([one(lenient, f"{n}") for n in range(40)], lenient, cache=cache)
    assert "7 × " in str(caught.value)
    assert "3 × " in str(caught.value)
    assert len(proxy.seen) == 10


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        (
            "'max_tokens' is not supported; use 'max_completion_tokens'",
            "limit_as to max_completion",
        ),
        ("unknown field response_format", "service.schema_as to json_schema or none"),
        ("'maxLength' is not permitted", "max_chars to null"),
        ("temperature must be 1", "service.temperature to null"),
    ],
)
def test_a_field_that_the_service_refuses_names_its_setting(
    said: str, remedy: str, proxy: Proxy, service: Service, cache: Path
) -> None:
    proxy.script.append(status(400, {"error": {"message": said}}))
    lenient = service.model_copy(update={"max_failures": 1})
    (failure,) = ask([one(lenient)], lenient, cache=cache)
    assert isinstance(failure, Failure)
    assert remedy in failure.reason


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ((b"<html><h1>Log in</h1></html>", "text/html"), "text/html, not JSON: '<html><h1>Log in"),
        ((b'data: {"choices": []}', "text/event-stream"), "must not stream: 'data: "),
        ((b"upstream is down", "text/plain; charset=utf-8"), "text/plain, not JSON: 'upstream"),
    ],
)
def test_an_answer_of_another_type_is_said_with_its_first_words(
    body: tuple[bytes, str], words: str, proxy: Proxy, service: Service, cache: Path
) -> None:
    async def act(exchange: Exchange) -> None:
        await exchange.answer(200, body[0], {"Content-Type": body[1]})

    proxy.always = act
    lenient = service.model_copy(update={"max_failures": 1})
    (failure,) = ask([one(lenient)], lenient, cache=cache)
    assert isinstance(failure, Failure)
    assert failure.reason.startswith(f"{proxy.url} answered 200 with ")
    assert words in failure.reason


def test_a_long_wait_is_said_once(
    proxy: Proxy,
    service: Service,
    cache: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pipelines.llm.session.LONG_WAIT", 0.3)
    proxy.script += [status(429, Retry_After="0.4")] * 3
    ask([one(service, f"{n}") for n in range(3)], service, cache=cache)
    said = capsys.readouterr().err
    assert said.count("as the service asks") == 1
    assert f"{proxy.url} answered 429: not now" in said
