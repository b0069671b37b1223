"""Several services are asked at the same time, each with a key, a budget and an end of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pipelines.common.errors import BudgetError, ServiceError
from pipelines.llm.ask import Asking, ask_all
from pipelines.llm.settings import API_KEY, Price, Service
from pipelines.llm.values import Reply, Request, request
from tests.pipelines.llm.proxy import NOBODY, Proxy, answering, status

KEYS = {"SMALL_TEST_KEY": "sk-small-planted", "LARGE_TEST_KEY": "sk-large-planted"}


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(API_KEY, raising=False)
    for name, key in KEYS.items():
        monkeypatch.setenv(name, key)


def asking(name: str, url: str, count: int = 3, **more: Any) -> Asking:
    service = Service(
        model=name,
        base_url=url,
        key=f"{name.upper()}_TEST_KEY",
        endpoint="chat",
        wait_s=0.01,
        **more,
    )
    return Asking([asked(service, seed) for seed in range(count)], service)


def asked(service: Service, seed: int) -> Request:
    return request(service, [{"role": "user", "content": f"hello {seed}"}], seed=seed)


def test_no_service_waits_for_another_and_each_has_its_own_key(cache: Path) -> None:
    together = threading.Barrier(2, timeout=30)

    def reply(body: Mapping[str, Any]) -> dict[str, Any]:
        together.wait()  # nobody is answered before both are asked
        return {"said": body["model"]}

    act = answering(reply)
    with (
        Proxy(NOBODY, KEYS["SMALL_TEST_KEY"], always=act) as small,
        Proxy(NOBODY, KEYS["LARGE_TEST_KEY"], always=act) as large,
    ):
        small_, large_ = ask_all(
            [asking("small", small.url), asking("large", large.url)], cache=cache
        )
    for answers, name, proxy in ((small_, "small", small), (large_, "large", large)):
        assert [each.model for each in answers if isinstance(each, Reply)] == [name] * 3
        sent = {each.headers["authorization"] for each in proxy.seen}
        assert sent == {f"Bearer {KEYS[f'{name.upper()}_TEST_KEY']}"}
    stored = b"".join(path.read_bytes() for path in cache.rglob("*") if path.is_file())
    assert not any(key.encode() in stored for key in KEYS.values())


def test_where_one_service_stops_the_others_send_no_more_and_keep_what_came(cache: Path) -> None:
    def reply(body: Mapping[str, Any]) -> dict[str, Any]:
        time.sleep(0.05)
        return {"said": body["model"]}

    with (
        Proxy(NOBODY, KEYS["SMALL_TEST_KEY"], always=status(401)) as small,
        Proxy(NOBODY, KEYS["LARGE_TEST_KEY"], always=answering(reply)) as large,
    ):
        both = [asking("small", small.url), asking("large", large.url, 200, concurrency=1)]
        with pytest.raises(ServiceError, match="correct SMALL_TEST_KEY") as caught:
            ask_all(both, cache=cache)
        assert not any(key in str(caught.value) for key in KEYS.values())
        sent = len(large.seen)
        assert sent < 200
        small.always = answering(reply)
        ask_all([both[0], asking("large", large.url, 20, concurrency=1)], cache=cache)
        assert len(large.seen) == max(sent, 20)  # what was answered before is not asked again


def test_each_service_has_a_budget_of_its_own(cache: Path) -> None:
    act = answering(lambda body: {"said": body["model"]})
    dear = {"prices": {"large": Price(input=1e6, output=1e6)}, "budget_usd": 1.0}
    with (
        Proxy(NOBODY, KEYS["SMALL_TEST_KEY"], always=act) as small,
        Proxy(NOBODY, KEYS["LARGE_TEST_KEY"], always=act) as large,
    ):
        with pytest.raises(BudgetError):
            ask_all([asking("small", small.url), asking("large", large.url, **dear)], cache=cache)
        assert large.seen == []
