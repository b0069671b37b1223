from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.common.errors import ParamsError, ServiceError
from pipelines.llm.ask import ask
from pipelines.llm.settings import API_KEY, Price, Service
from pipelines.llm.values import Reply, request
from tests.pipelines.llm.proxy import Proxy
from tests.served import LocalServer

SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "enum": ["yes", "no"]}},
    "required": ["answer"],
    "additionalProperties": False,
}


def texts(results: list[object]) -> list[str]:
    assert all(isinstance(result, Reply) for result in results)
    return [result.text for result in results]  # type: ignore[attr-defined]


def test_answers_come_in_order_and_a_second_run_asks_nothing(
    local_model: LocalServer, service: Service, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = [request(service, f"{n} times one is", seed=n) for n in (3, 1, 2)]
    before = local_model.served()
    told: list[tuple[int, int]] = []
    first = ask(
        [*requests, requests[0]], service, cache=cache, progress=lambda *now: told.append(now)
    )
    assert [reply.digest for reply in first] == [one.digest for one in (*requests, requests[0])]
    assert local_model.served(at_least=before + 3) == before + 3  # the equal one is asked once
    assert told[0] == (0, 3)
    assert told[-1] == (3, 3)

    monkeypatch.delenv(API_KEY)  # nobody is asked, so no key is needed
    again = ask(requests, service, cache=cache)
    assert texts(again) == texts(first[:3])
    assert all(reply.cached for reply in again if isinstance(reply, Reply))
    assert local_model.served() == before + 3


@pytest.mark.usefixtures("local_model")
def test_the_same_seed_gives_the_same_answer_in_another_order_and_company(
    service: Service, tmp_path: Path
) -> None:
    requests = [request(service, "Once upon a", seed=n, max_tokens=8) for n in range(3)]
    one = service.model_copy(update={"concurrency": 1})
    alone = ask(requests, one, cache=tmp_path / "a")
    together = ask(requests[::-1], service, cache=tmp_path / "b")[::-1]
    assert texts(alone) == texts(together)
    assert len(set(texts(alone))) > 1


@pytest.mark.usefixtures("local_model")
def test_a_structured_answer_is_valid_and_parsed(service: Service, cache: Path) -> None:
    question = request(service, "Is water wet?\n", schema=SCHEMA, seed=1, max_tokens=16)
    (reply,) = ask([question], service, cache=cache)
    assert isinstance(reply, Reply)
    assert reply.parsed["answer"] in {"yes", "no"}
    assert reply.text == json.dumps(reply.parsed)
    assert (reply.attempts, reply.seed, reply.model) == (1, 1, "local")
    assert reply.tokens_in > 3
    assert 0 < reply.tokens_out <= 16
    assert reply.dollars == 0


def test_chat_messages_reach_the_chat_endpoint(proxy: Proxy, service: Service, cache: Path) -> None:
    # Of this seed the answer is short: the model pads others with white space.
    question = request(
        service, [{"role": "user", "content": "Is it?"}], schema=SCHEMA, seed=4, max_tokens=32
    )
    (reply,) = ask([question], service, cache=cache)
    assert isinstance(reply, Reply)
    assert reply.parsed["answer"] in {"yes", "no"}
    assert proxy.seen[0].path == "/v1/chat/completions"


@pytest.mark.usefixtures("local_model")
def test_the_service_is_paid_by_its_own_count(service: Service, cache: Path) -> None:
    priced = service.model_copy(update={"prices": {"local": Price(input=100, output=1000)}})
    (reply,) = ask([request(priced, "One", seed=1)], priced, cache=cache)
    assert isinstance(reply, Reply)
    assert reply.dollars == pytest.approx((reply.tokens_in * 100 + reply.tokens_out * 1000) / 1e6)


def test_no_more_than_so_many_requests_at_once(proxy: Proxy, service: Service, cache: Path) -> None:
    bounded = service.model_copy(update={"concurrency": 3})
    ask([request(bounded, "a", seed=n, max_tokens=1) for n in range(8)], bounded, cache=cache)
    assert proxy.most == 3
    assert len(proxy.seen) == 8


def test_a_wrong_schema_is_told_before_anything_is_sent(
    proxy: Proxy, service: Service, cache: Path
) -> None:
    with pytest.raises(ParamsError, match="no JSON schema"):
        ask([request(service, "a", schema={"type": "banana"})], service, cache=cache)
    assert proxy.seen == []


def test_an_address_where_nobody_listens_is_named(
    service: Service, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(API_KEY, "sk-12345678")
    nowhere = service.model_copy(update={"base_url": "http://127.0.0.1:9/v1"})
    with pytest.raises(
        ServiceError, match=r"nothing answers at http://127\.0\.0\.1:9/v1: Connect call failed"
    ):
        ask([request(nowhere, "a")], nowhere, cache=cache)


def test_nothing_to_ask_is_answered_with_nothing(service: Service, cache: Path) -> None:
    assert ask([], service, cache=cache) == []
