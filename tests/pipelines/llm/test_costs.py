from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from pipelines.common.errors import BudgetError, ParamsError
from pipelines.llm import costs
from pipelines.llm.costs import Ledger
from pipelines.llm.settings import Price, Service
from pipelines.llm.values import Failure, Reply, request

PRICED = Service(model="gpt", prices={"gpt": Price(input=2, output=8)}, max_tokens=100)
REPLY = Reply("a", "hi", None, "gpt", 1000, 500, 0.006, 1, None, "stop", 0.1)


def test_tokens_cost_what_the_table_says() -> None:
    assert costs.dollars(costs.price_of(PRICED, "gpt"), 1_000_000, 500_000) == 6
    halved = PRICED.model_copy(update={"batch": True})
    assert costs.dollars(costs.price_of(halved, "gpt"), 1_000_000, 500_000) == 3


def test_the_local_model_is_free_and_an_unknown_one_is_unknown() -> None:
    assert costs.dollars(costs.price_of(Service(), "local"), 9, 9) == 0
    assert costs.dollars(costs.price_of(Service(), "other"), 9, 9) is None


def test_the_worst_case_bounds_prompt_and_answer() -> None:
    question = request(PRICED, "p" * 1000)
    assert costs.worst_case(PRICED, question) == 0  # no budget, nothing to set aside
    bounded = PRICED.model_copy(update={"budget_usd": 1.0})
    assert costs.worst_case(bounded, question) >= (1000 * 2 + 100 * 8) / 1e6


def test_a_budget_needs_a_price() -> None:
    service = Service(model="gpt", budget_usd=1)
    with pytest.raises(ParamsError, match="budget_usd needs to know what gpt costs"):
        costs.worst_case(service, request(service, "x"))


def test_a_total_counts_equal_requests_once_and_cached_ones_apart() -> None:
    failure = Failure("b", "no", 3, 10, 0, 0.001)
    cached = replace(REPLY, digest="c", cached=True)
    cost = costs.total([REPLY, REPLY, cached, failure])
    assert (cost.requests, cost.cached, cost.failures) == (3, 1, 1)
    assert cost.dollars == pytest.approx(0.013)
    assert cost.dollars_now == pytest.approx(0.007)
    assert cost.tokens_in == 2010
    assert costs.total([replace(REPLY, dollars=None)]).dollars is None
    assert costs.total([]).per_request is None


def test_an_estimate_brackets_and_leaves_out_what_is_cached() -> None:
    requests = [request(PRICED, f"question {n} " * 50) for n in range(3)]
    estimated = costs.estimate([*requests, requests[0]], PRICED, {requests[2].digest})
    assert (estimated.requests, estimated.cached) == (4, 1)
    assert 0 < estimated.tokens_in_low < estimated.tokens_in_high
    assert (estimated.tokens_out_low, estimated.tokens_out_high) == (2, 200)
    assert estimated.dollars_low is not None
    assert estimated.dollars_high is not None
    assert 0 < estimated.dollars_low < estimated.dollars_high
    unpriced = Service(model="gpt")
    assert costs.estimate(requests, unpriced).dollars_high is None


def test_a_ledger_waits_for_room_and_stops_where_there_is_none() -> None:
    async def scene() -> None:
        ledger = Ledger()
        await ledger.reserve(0.6, 1.0)
        waiting = asyncio.create_task(ledger.reserve(0.6, 1.0))
        await asyncio.sleep(0)
        assert not waiting.done()
        ledger.settle(0.6, 0.1)  # it was cheaper: there is room
        await asyncio.wait_for(waiting, 1)
        ledger.settle(0.6, None, uncertain=True)  # cut off: perhaps billed
        with pytest.raises(BudgetError, match=r"\$0.1000 is spent and perhaps \$0.6000"):
            await ledger.reserve(0.6, 1.0)

    asyncio.run(scene())


def test_a_ledger_remembers_each_digest_once() -> None:
    ledger = Ledger()
    ledger.remember({"a": 0.5, "b": None}, answered=2)
    ledger.remember({"a": 0.5, "c": 0.25}, answered=1)
    assert ledger.spent == 0.75
