"""Settings of prompts; apart from the rest, because params.yaml is read without it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from pydantic import Field, model_validator

from pipelines.common.settings import StrictModel
from pipelines.generators.template_names import fields

LABEL: Final = "label"
MOST: Final = 1 << 62
"""Combinations of attributes, which are numbered."""


class Prompts(StrictModel):
    """Where prompts come from: a template, a column of the mix, or another data set.

    `template` alone is filled with the label and with one word of each attribute. With `column`,
    a row of the mix is drawn for each candidate, with `dataset` and `round` an accepted row of that
    round, and the prompt is what that row has in the column, or the template filled with its
    columns.
    """

    template: str | None = Field(None, min_length=1)
    """Such as `a {style} photo of a {label}`; names stand for the label, attributes and, where a
    row is drawn, its columns. Not given: `{label}`, or what the row has in `column`."""
    attributes: Mapping[str, tuple[str, ...]] = {}
    """Words to choose from, by name; all combinations equally often."""
    column: str | None = None
    """Column of texts of the row that is drawn. Not given, of another data set: its only column of
    content."""
    dataset: str | None = None
    """Another data set of the project, whose accepted rows are the prompts."""
    round: int | None = Field(None, ge=0)
    """Which of its rounds; 0 is real data."""

    @model_validator(mode="after")
    def _check(self) -> Prompts:
        if (self.dataset is None) != (self.round is None):
            raise ValueError("dataset and round name rows together; give both or neither")
        for name, words in self.attributes.items():
            if not words:
                raise ValueError(f"attributes.{name} has no word to choose from")
        if self.template is not None:
            named = list(fields(self.template))
            unused = [name for name in self.attributes if name not in named]
            if unused:
                raise ValueError(f"the template does not name the attribute {unused[0]!r}")
        elif self.attributes:
            raise ValueError("attributes are words of a template; give template")
        if self.combinations > MOST:
            raise ValueError(f"attributes have more than {MOST:,} combinations; leave some out")
        return self

    @property
    def of_rows(self) -> bool:
        """Whether each prompt is of a row, which becomes a parent."""
        return self.column is not None or self.dataset is not None

    @property
    def rounds(self) -> tuple[tuple[str, int], ...]:
        """The round of another data set whose rows are the prompts, if there is one."""
        if self.dataset is None or self.round is None:
            return ()
        return ((self.dataset, self.round),)

    @property
    def combinations(self) -> int:
        """How many combinations of words there are; 1 where there are no attributes."""
        return math.prod(map(len, self.attributes.values()))

    def words(self, number: int) -> dict[str, str]:
        """Return a combination of words, by attribute.

        Args:
            number: of the combination, below `combinations`; the last attribute changes first.
        """
        found = {}
        for name, words in reversed(list(self.attributes.items())):
            number, place = divmod(number, len(words))
            found[name] = words[place]
        return found
