"""Settings of the text generator; apart from it, because params.yaml is read without its parts."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Final

from pydantic import Field, field_validator

from pipelines.common.settings import StrictModel
from pipelines.llm.settings import Service

MAX_CELLS: Final = 100_000
"""Combinations of attributes that a grid may have."""


VERSION: Final = "text/2"
"""Semantic version of the generator, raised when what it makes of equal input changes."""


class TextFit(StrictModel):
    """Settings of the pool of exemplars that is kept of the training mix."""

    pool_rows: int = Field(5000, gt=0)
    """At most this many exemplars, of all labels as evenly as there are rows."""


class TextGenerate(StrictModel):
    """Settings of the requests, and of the service that answers them."""

    service: Service = Service()
    shots: int = Field(4, ge=0)
    """Exemplars per prompt; fewer where a label has fewer, none of a label without any."""
    labels: tuple[str, ...] | None = Field(None, min_length=1)
    """Labels to ask for, each equally often; None: those of the mix."""
    attributes: Mapping[str, tuple[str, ...]] = {}
    """The grid: names such as style, length or who asks, each with the words to choose from. Every
    prompt asks for one combination, all combinations equally often."""
    prompt: str | None = None
    """A template: its name in `pipelines/generators/text/prompts`, or the path of a file. None:
    `pairs` for data of prompt and completion, `text` for one column, else `columns`."""
    max_chars: int | None = Field(300, gt=0)
    """Length of a column that the JSON schema allows, in characters; None: any."""

    @field_validator("attributes")
    @classmethod
    def _not_empty(cls, given: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
        for name, words in given.items():
            if not words:
                raise ValueError(f"{name} has no word to choose from; give one or leave it out")
            if len(set(words)) < len(words):
                raise ValueError(f"{name} has a word twice; name each once")
        cells = prod(len(words) for words in given.values())
        if cells > MAX_CELLS:
            raise ValueError(f"there are {cells:,} combinations; {MAX_CELLS:,} are the most")
        return given
