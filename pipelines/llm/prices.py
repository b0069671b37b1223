"""Prices of models that the settings name none for: an estimate from the package genai-prices.

Its table is keyed by provider and model, and a provider is known by the address of its API: the
same weights behind another address cost something else, or nothing, so their price stays unknown.
A price counts for the budget and for what is shown; it is in no key.
"""

from __future__ import annotations

from functools import lru_cache
from importlib import metadata
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from pipelines.llm.settings import LOCAL, Price, Service, address

PACKAGE: Final = "genai-prices"
_TOKENS: Final = 1_000
"""Tokens that a price is looked up for; some models cost more with long prompts."""
_MILLION: Final = 1_000_000


class Estimated(NamedTuple):
    """A price of the table, and where it stands."""

    price: Price
    source: str
    """Such as `genai-prices 0.2.3, gpt-4.1-mini of openai`."""


def estimated(service: Service, model: str) -> Estimated | None:
    """Return the price of a model in the table; None: the settings name one, or nobody does."""
    base_url = address(service)
    if model == LOCAL or model in service.prices or base_url is None:
        return None
    return _looked_up(base_url, model)


def sentence(service: Service, model: str) -> str | None:
    """Say that a price is an estimate, and where it is from; None: it is not estimated."""
    found = estimated(service, model)
    if found is None:
        return None
    return (
        f"dollars of {model} are an estimate at ${found.price.input:g} and ${found.price.output:g} "
        f"per million tokens in and out ({found.source}); set prices of the service to yours"
    )


@lru_cache(maxsize=256)
def _looked_up(base_url: str, model: str) -> Estimated | None:
    host = urlsplit(base_url).hostname or ""
    if "." not in host or host.replace(".", "").isdigit():  # a machine of one's own
        return None
    from genai_prices import Usage, calc_price  # noqa: PLC0415  slow to import

    try:
        sides = [
            calc_price(usage, model_ref=model, provider_api_url=base_url)
            for usage in (Usage(input_tokens=_TOKENS), Usage(output_tokens=_TOKENS))
        ]
    except (LookupError, ValueError):
        return None
    low, high = (float(side.total_price) * _MILLION / _TOKENS for side in sides)
    named = f"{sides[0].model.id} of {sides[0].provider.id}"
    source = f"{PACKAGE} {metadata.version(PACKAGE)}, {named}"
    return Estimated(Price(input=low, output=high), source)
