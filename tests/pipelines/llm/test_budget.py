from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.common.errors import BudgetError
from pipelines.llm import costs
from pipelines.llm.ask import ask
from pipelines.llm.cache import answered
from pipelines.llm.costs import Ledger
from pipelines.llm.settings import Price, Service
from pipelines.llm.values import Reply, Request, request
from tests.pipelines.llm.proxy import Proxy, cut, retold, say

PRICES = {"local": Price(input=1e4, output=1e4)}
"""A cent a token."""


def some(service: Service, count: int) -> list[Request]:
    return [request(service, f"{n} and", seed=n, max_tokens=2) for n in range(count)]


def test_a_budget_is_never_passed_and_a_larger_one_goes_on(
    proxy: Proxy, service: Service, cache: Path
) -> None:
    priced = service.model_copy(update={"prices": PRICES, "budget_usd": 2.1})
    requests = some(priced, 20)
    assert costs.worst_case(priced, requests[0]) * 20 > 2.1 > costs.worst_case(priced, requests[0])
    ledger = Ledger()
    with pytest.raises(BudgetError, match=r"could pass budget_usd \(\$2.1000\); \d+ requests are"):
        ask(requests, priced, cache=cache, ledger=ledger)
    done = answered(cache, [one.digest for one in requests])
    assert 0 < len(done) < 20
    assert len(proxy.seen) == ledger.done == len(done)  # nothing in flight was thrown away
    assert 0 < ledger.spent <= 2.1

    with pytest.raises(BudgetError, match=f"{len(done)} requests are"):
        ask(requests, priced, cache=cache)  # what was paid before counts
    assert len(proxy.seen) == len(done)

    richer = priced.model_copy(update={"budget_usd": 40.0})
    replies = ask(requests[:12], richer, cache=cache)
    cost = costs.total(replies)
    assert cost.cached == len(done & {one.digest for one in requests[:12]})
    assert len(proxy.seen) == len(done) + 12 - cost.cached
    assert cost.dollars is not None
    assert cost.dollars_now is not None
    assert 0 < cost.dollars_now < cost.dollars


def test_one_ledger_holds_the_budget_of_several_calls(
    proxy: Proxy, service: Service, cache: Path
) -> None:
    priced = service.model_copy(update={"prices": PRICES, "budget_usd": 2.0})
    ledger = Ledger()
    requests = some(priced, 60)
    ask(requests[:2], priced, cache=cache, ledger=ledger)
    with pytest.raises(BudgetError):
        ask(requests[2:], priced, cache=cache, ledger=ledger)
    assert len(proxy.seen) > 2
    assert ledger.spent <= 2.0


@pytest.mark.usefixtures("proxy")
def test_the_worst_case_holds_for_what_the_server_counts(service: Service, cache: Path) -> None:
    priced = service.model_copy(update={"prices": PRICES, "budget_usd": 1000.0})
    requests = [
        request(priced, "ünïcödé 文字 🙂" * 5, max_tokens=2),
        request(priced, [{"role": "user", "content": "x"}], max_tokens=2),
    ]
    for one, reply in zip(requests, ask(requests, priced, cache=cache), strict=True):
        assert isinstance(reply, Reply)
        assert reply.dollars is not None
        assert reply.dollars <= costs.worst_case(priced, one)


def test_broken_and_cut_attempts_count_into_the_budget(
    proxy: Proxy, service: Service, cache: Path
) -> None:
    schema = {"enum": [1]}
    priced = service.model_copy(update={"prices": PRICES, "budget_usd": 1000.0})
    proxy.script += [cut, retold("2")]
    ledger = Ledger()
    question = request(priced, "One", schema=schema, seed=1)
    (reply,) = ask([question], priced, cache=cache, ledger=ledger)
    assert isinstance(reply, Reply)
    assert reply.attempts == 3
    assert ledger.spent == pytest.approx(reply.dollars)  # both that the service counted
    assert ledger.uncertain == costs.worst_case(priced, question)
    assert ledger.reserved == 0


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": None, "completion_tokens": 2}])
def test_what_the_service_does_not_count_costs_its_most(
    usage: object,
    proxy: Proxy,
    service: Service,
    cache: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    body = {"choices": [{"text": "x"}], "usage": usage}
    proxy.always = say(json.dumps(body).encode())
    priced = service.model_copy(update={"prices": PRICES, "budget_usd": 9.0})
    requests = some(priced, 20)
    most = costs.worst_case(priced, requests[0])
    ledger = Ledger()
    with pytest.raises(BudgetError):
        ask(requests, priced, cache=cache, ledger=ledger)
    assert 0 < len(proxy.seen) <= 9 / most
    assert ledger.spent <= 9
    assert capsys.readouterr().err.count("does not say how many tokens") == 1
    unbounded = priced.model_copy(update={"budget_usd": None})
    (reply,) = ask(requests[:1], unbounded, cache=cache / "other")
    assert reply.dollars == pytest.approx(most)


def test_what_an_earlier_run_paid_is_not_paid_now(
    proxy: Proxy, service: Service, cache: Path
) -> None:
    priced = service.model_copy(update={"prices": PRICES, "max_failures": 1, "attempts": 1})
    question = request(priced, "One", schema={"enum": [1]}, seed=1)
    proxy.always = retold("2")
    (first,) = ask([question], priced, cache=cache)
    (second,) = ask([question], priced, cache=cache)
    now = costs.total([first]).dollars_now
    assert now
    assert costs.total([second]).dollars == pytest.approx(2 * now)
    assert costs.total([second]).dollars_now == pytest.approx(now)
    proxy.always = retold("1")
    (third,) = ask([question], priced, cache=cache)
    assert costs.total([third]).dollars == pytest.approx(3 * now)
    assert costs.total([third]).dollars_now == pytest.approx(now)
    (cached,) = ask([question], priced, cache=cache)
    assert costs.total([cached]).dollars_now == 0
