"""Settings of the generator `hosted_images`; apart, because params.yaml is read without it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import Field, field_validator

from pipelines.common.settings import StrictModel, operational
from pipelines.generators.prompts.settings import Prompts
from pipelines.llm.settings import Service

VERSION: Final = "hosted_images/1"
"""Semantic version of the generator, raised when what it makes of equal input changes."""


class HostedImagesGenerate(StrictModel):
    """Prompts, and the service that draws."""

    service: Service = Service()
    """As of the generator `text`; settings of texts, such as max_tokens, are not sent."""
    prompts: Prompts = Prompts()
    size: str | None = Field(None, pattern="^([0-9]+x[0-9]+|auto)$")
    """As the service takes it, such as `1024x1024`; not given: its own."""
    quality: str | None = Field(None, min_length=1)
    """As the service takes it; not given: its own."""
    response_format: Literal["b64_json"] | None = "b64_json"
    """null: it is not sent, for models that give base64 anyway and refuse the field."""
    image_prices: Mapping[str, float] = operational({})
    """Dollars of a picture, by model; one without costs an unknown amount."""

    @field_validator("image_prices")
    @classmethod
    def _not_negative(cls, given: Mapping[str, float]) -> Mapping[str, float]:
        if not all(0 <= price < float("inf") for price in given.values()):
            raise ValueError("a price is a number of dollars that is not negative")
        return given
