from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.common.errors import BudgetError, ParamsError, ServiceError
from pipelines.llm import bounds, costs
from pipelines.llm.ask import ask
from pipelines.llm.cache import Cache
from pipelines.llm.settings import API_KEY, BASE_URL, Price, Service
from pipelines.llm.values import Failure, Reply, Request, request
from tests.pipelines.llm.batches import Batches, serving
from tests.served import LocalServer

SERVICE = Service(
    max_tokens=3,
    batch=True,
    batch_poll_s=0.1,
    attempts=2,
    wait_s=0.01,
    prices={"local": Price(input=1e4, output=1e4)},
)
ASKER = """
import sys
from pathlib import Path
from pipelines.llm.ask import ask
from pipelines.llm.settings import Service
from pipelines.llm.values import request
service = Service.model_validate_json(sys.argv[2])
ask([request(service, f"{n} fish", seed=n) for n in range(4)], service, cache=Path(sys.argv[1]))
"""


def some(count: int, service: Service = SERVICE) -> list[Request]:
    return [request(service, f"{n} fish", seed=n) for n in range(count)]


@pytest.fixture
def batches(
    local_server: LocalServer, planted: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Batches]:
    with serving(local_server.access, planted) as running:
        monkeypatch.setenv(BASE_URL, running.url)
        monkeypatch.setenv(API_KEY, planted)
        yield running


def test_a_batch_answers_in_order_at_half_the_price(
    batches: Batches, local_server: LocalServer, cache: Path
) -> None:
    before = local_server.served()
    requests = [*some(3), request(SERVICE, [{"role": "user", "content": "x"}], seed=1)]
    replies = ask(requests, SERVICE, cache=cache)
    assert [reply.digest for reply in replies] == [one.digest for one in requests]
    for reply in replies:
        assert isinstance(reply, Reply)
        assert reply.dollars == pytest.approx((reply.tokens_in + reply.tokens_out) * 0.005)
    assert sorted(made["endpoint"] for made in batches.made) == [
        "/v1/chat/completions",
        "/v1/completions",
    ]
    assert local_server.served(at_least=before + 4) == before + 4
    again = ask(requests, SERVICE, cache=cache)
    assert all(isinstance(reply, Reply) and reply.cached for reply in again)
    assert len(batches.made) == 2


def test_lines_without_an_answer_go_into_the_next_batch(batches: Batches, cache: Path) -> None:
    busy = (429, {"error": {"message": "slow down"}})
    batches.lines = {0: busy, 1: None, 3: (400, {"error": {"message": "too long"}})}
    lenient = SERVICE.model_copy(update={"max_failures": 0.5})
    results = ask(some(4), lenient, cache=cache)
    assert [isinstance(result, Reply) for result in results] == [True, True, True, False]
    assert [result.attempts for result in results] == [2, 2, 1, 1]
    failure = results[3]
    assert isinstance(failure, Failure)
    assert failure.reason.endswith("answered 400: too long")
    assert len(batches.made) == 2
    assert len(batches.files[batches.made[1]["input_file_id"]].splitlines()) == 2


def test_a_request_that_fails_in_every_batch_fails_for_good(batches: Batches, cache: Path) -> None:
    batches.lines = {0: None, 1: None}
    lenient = SERVICE.model_copy(update={"max_failures": 1})
    (failure,) = ask(some(1), lenient, cache=cache)
    assert isinstance(failure, Failure)
    assert (failure.attempts, failure.reason) == (2, "the batch ended without an answer")


def test_a_killed_run_goes_on_waiting_for_its_batch(
    batches: Batches, local_server: LocalServer, cache: Path
) -> None:
    before = local_server.served()
    batches.held = True
    root = Path(__file__).parents[3]
    run = [sys.executable, "-c", ASKER, str(cache), SERVICE.model_dump_json()]
    with subprocess.Popen(run, cwd=root) as asker:
        while not (batches.made and batches.made[0]["status"] == "in_progress"):
            time.sleep(0.05)
            assert asker.poll() is None
        time.sleep(0.3)
        os.kill(asker.pid, signal.SIGKILL)
    batches.held = False
    replies = ask(some(4), SERVICE, cache=cache)
    assert all(isinstance(reply, Reply) for reply in replies)
    assert len(batches.made) == 1
    assert local_server.served(at_least=before + 4) == before + 4
    with Cache.open(cache) as kept:
        assert kept.batches(batches.url) == []


def test_a_batch_whose_id_was_never_written_down_is_found_by_its_mark(
    batches: Batches, cache: Path
) -> None:
    ask(some(2), SERVICE, cache=cache)
    mark = batches.made[0]["metadata"]["stemma"]
    other = cache.with_name("other")
    with Cache.open(other) as kept:
        kept.begin_batch(mark, batches.url, [one.digest for one in some(2)])
        kept.begin_batch("never made", batches.url, [some(3)[2].digest])
    replies = ask([some(3)[0], some(3)[2]], SERVICE, cache=other)
    assert all(isinstance(reply, Reply) for reply in replies)
    assert len(batches.made) == 2
    assert len(batches.files[batches.made[1]["input_file_id"]].splitlines()) == 1
    with Cache.open(other) as kept:  # the other answer waits for whoever asks for it
        assert [digests for _, _, digests in kept.batches(batches.url)] == [(some(2)[1].digest,)]


def test_a_batch_is_no_larger_than_the_budget(batches: Batches, cache: Path) -> None:
    tight = SERVICE.model_copy(update={"budget_usd": 3.5})
    requests = [request(tight, str(n) + "7" * 150, seed=n) for n in range(10)]
    assert 2 * costs.worst_case(tight, requests[0]) < 3.5 < 3 * costs.worst_case(tight, requests[0])
    with pytest.raises(BudgetError, match="could pass budget_usd"):
        ask(requests, tight, cache=cache)
    assert len(batches.files[batches.made[0]["input_file_id"]].splitlines()) == 2
    with Cache.open(cache) as kept:
        paid = [
            reply.dollars or 0 for reply in kept.answers(one.digest for one in requests).values()
        ]
    assert 2 < len(paid) < 10
    assert sum(paid) <= 3.5


def test_a_refused_batch_is_an_error_and_is_forgotten(batches: Batches, cache: Path) -> None:
    batches.refused = "no such model"
    with pytest.raises(ServiceError, match=r"refused batch batch_0: no such model"):
        ask(some(1), SERVICE, cache=cache)
    (reply,) = ask(some(1), SERVICE, cache=cache)
    assert isinstance(reply, Reply)


def test_a_batch_that_the_service_lost_is_made_again_at_the_next_run(
    batches: Batches, cache: Path
) -> None:
    with Cache.open(cache) as kept:
        kept.begin_batch("t", batches.url, [one.digest for one in some(1)])
        kept.name_batch("t", "batch_9")
    with pytest.raises(ServiceError, match="answered 404: no such batch"):
        ask(some(1), SERVICE, cache=cache)
    (reply,) = ask(some(1), SERVICE, cache=cache)
    assert isinstance(reply, Reply)


def test_the_local_model_is_not_asked_for_batches(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(BASE_URL, raising=False)
    with pytest.raises(ParamsError, match="knows no batches: set batch to false"):
        ask(some(1), SERVICE, cache=cache)


@pytest.mark.usefixtures("batches")
def test_a_wrong_key_is_told_in_one_sentence(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(API_KEY, "sk-another-key")
    with pytest.raises(ServiceError, match="answered 401: wrong key; correct OPENAI_API_KEY"):
        ask(some(1), SERVICE, cache=cache)


def test_a_batchs_file_has_a_bound_of_its_own(
    batches: Batches, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "MAX_FILE_BYTES", 100)
    with pytest.raises(ServiceError, match=r"answered with more than 100 bytes"):
        ask(some(1), SERVICE, cache=cache)
    assert batches.worked == 1


@pytest.mark.parametrize("line", [b"[" * 100_000, b'{"custom_id": ["x"]}', b"7", b'"x"'])
def test_a_batchs_file_of_something_else_is_one_sentence(
    batches: Batches, cache: Path, monkeypatch: pytest.MonkeyPatch, line: bytes
) -> None:
    def work(batch: dict[str, object]) -> None:
        batches.files["odd"] = line
        batch |= {"output_file_id": "odd", "status": "completed"}

    monkeypatch.setattr(batches, "work", work)
    with pytest.raises(ServiceError, match=r"gave a batch's file \(odd\) that cannot be read"):
        ask(some(1), SERVICE, cache=cache)


def test_a_status_that_is_no_number_is_no_answer(batches: Batches, cache: Path) -> None:
    batches.lines = {0: ([], {}), 1: ({}, {})}  # type: ignore[dict-item]
    lenient = SERVICE.model_copy(update={"max_failures": 1, "attempts": 1})
    results = ask(some(2, lenient), lenient, cache=cache)
    assert all(isinstance(result, Failure) for result in results)
