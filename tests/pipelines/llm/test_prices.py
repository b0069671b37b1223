"""Prices that nobody set come from a public table, for the provider's own address alone."""

from __future__ import annotations

import pytest

from pipelines.llm import costs, prices
from pipelines.llm.settings import API_KEY, BASE_URL, Price, Service


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (BASE_URL, API_KEY):
        monkeypatch.delenv(name, raising=False)


def test_a_known_model_of_its_own_provider_has_a_price_and_says_where_it_is_from() -> None:
    service = Service(model="gpt-4.1-mini")
    assert costs.price_of(service, "gpt-4.1-mini") == Price(input=0.4, output=1.6)
    said = prices.sentence(service, "gpt-4.1-mini") or ""
    assert "an estimate at $0.4 and $1.6" in said
    assert "genai-prices 0." in said
    batch = service.model_copy(update={"batch": True})
    assert costs.price_of(batch, "gpt-4.1-mini") == Price(input=0.2, output=0.8)


@pytest.mark.parametrize(
    "base_url", ["http://127.0.0.1:8000/v1", "http://vllm:8000/v1", "https://llm.example.org/v1"]
)
def test_the_same_model_elsewhere_has_none(base_url: str) -> None:
    service = Service(model="gpt-4.1-mini", base_url=base_url)
    assert costs.price_of(service, "gpt-4.1-mini") is None
    assert prices.sentence(service, "gpt-4.1-mini") is None


def test_what_the_settings_name_counts_and_is_no_estimate() -> None:
    own = Price(input=1, output=2)
    service = Service(model="gpt-4.1-mini", prices={"gpt-4.1-mini": own})
    assert costs.price_of(service, "gpt-4.1-mini") == own
    assert prices.sentence(service, "gpt-4.1-mini") is None
    assert costs.price_of(Service(), "local") == Price(input=0, output=0)
    assert costs.price_of(Service(model="nobody-knows-it"), "nobody-knows-it") is None
