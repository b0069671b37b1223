"""Settings of the text generator; apart from it, because params.yaml is read without its parts."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import Any, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from pipelines.common.settings import StrictModel, section
from pipelines.llm.settings import Service

MAX_CELLS: Final = 100_000
"""Combinations of attributes that a grid may have."""


VERSION: Final = "text/2"
"""Semantic version of the generator, raised when what it makes of equal input changes."""
SHOTS: Final = 4
"""Exemplars per prompt where nothing is set."""


class TextFit(StrictModel):
    """Settings of the pool of exemplars that is kept of the training mix."""

    pool_rows: int = Field(5000, gt=0)
    """At most this many exemplars, of all labels as evenly as there are rows."""
    keep: tuple[str, ...] = ()
    """Columns that the pool holds besides those of texts, whatever their type, such as chats or a
    truth that is a number. A row without a value in one of them is no exemplar."""


class Step(StrictModel):
    """One of several requests by which a candidate is made."""

    columns: tuple[str, ...] = Field(min_length=1)
    """What it writes: columns of the data set, or any others, which later steps see and which are
    not stored."""
    prompt: str | None = None
    """A template, as `TextGenerate.prompt`; None: a packaged one that shows what is known."""
    service: Service | None = section()
    """The service that it asks; None: that of the candidate."""


class ServiceShare(StrictModel):
    """One of several services of a round, and how many of the candidates it makes."""

    service: Service
    share: float = Field(1.0, gt=0, le=1_000_000)
    """Relative to the shares of the others."""


class BestOf(StrictModel):
    """Several candidates for each row, of which the one with the best score stays."""

    answers: int = Field(gt=1)
    """How many are made for each row."""
    score: str
    """A column of a scorer under `verify.scorers` that judges each row by itself."""
    lowest: bool = False
    """Whether the lowest score is the best."""


class Pictures(StrictModel):
    """Pictures of another data set of the project, of which each candidate gets one."""

    dataset: str
    """Its name."""
    round: int = Field(0, ge=0)
    """Which of its rounds; 0 is real data."""
    column: str = "image"
    """Column of the images that are shown to the model."""


class TextGenerate(StrictModel):
    """Settings of the requests, and of the service that answers them."""

    service: Service = Service()
    services: tuple[ServiceShare, ...] = ()
    """Several services in place of one; each candidate is made by one of them, drawn by seed."""
    exemplars: Literal["drawn", "each"] = "drawn"
    """drawn: each prompt shows `shots` rows, drawn by their weights. each: every row of the mix is
    given once, in order of ids, and again from the first one where more candidates are asked for
    than there are rows."""
    carry: tuple[str, ...] = ()
    """Columns that a candidate has from its given row, of the content or kept ones; the others are
    asked for."""
    relation: Literal["seed", "edited"] = "seed"
    """Of a candidate to its given row: edited, where it is the row in other words."""
    shots: int = Field(SHOTS, ge=0)
    """Exemplars per prompt; fewer where a label has fewer, none of a label without any."""
    labels: tuple[str, ...] | None = Field(None, min_length=1)
    """Labels to ask for, each equally often; None: those of the mix."""
    classes: Mapping[str, int] = {}
    """How many candidates of each label are asked for; all together `generate.candidates`."""
    balance: bool = False
    """Ask for more of the labels of which the mix has less, so that both together have as much of
    each label as they can."""
    attributes: Mapping[str, tuple[str, ...]] = {}
    """The grid: names such as style, length or who asks, each with the words to choose from. Every
    prompt asks for one combination, all combinations equally often."""
    attribute_files: tuple[str, ...] = ()
    """YAML files with further attributes, whose words are drawn by weights; the weights of one can
    depend on the word of another."""
    prompt: str | None = None
    """A template: its name in `pipelines/generators/text/prompts`, or the path of a file. None:
    `rewrite` for `relation: edited`, `given` where a row's columns are carried, `pairs` for data of
    prompt and completion, `text` for one column, else `columns`."""
    pictures: Pictures | None = None
    """Pictures that are shown, each accepted row of a round once, in order of ids, and again from
    the first one where more candidates are asked for."""
    best_of: BestOf | None = None
    """Make several of each candidate and keep the best."""
    steps: tuple[Step, ...] = ()
    """The requests by which each candidate is made, in order; none: a single one for all columns
    that are not carried."""
    types: Mapping[str, Any] | str | None = None
    """What columns hold that are not texts: by column `messages` or a JSON schema; or the path of a
    JSON schema whose properties are columns."""
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

    @field_validator("classes")
    @classmethod
    def _counted(cls, given: Mapping[str, int]) -> Mapping[str, int]:
        for label, count in given.items():
            if count < 1:
                raise ValueError(f"{label!r} is asked for {count} times; give 1 or more, or none")
        return given

    @model_validator(mode="after")
    def _given_rows(self) -> Self:
        """Refuse what a given row or picture makes pointless, or what is pointless without one."""
        named = {"labels": self.labels, "classes": self.classes, "balance": self.balance}
        by_label = [name for name, value in named.items() if value]
        each = self.exemplars == "each"
        if self.pictures is not None and each:
            raise ValueError("a picture is given, so leave out exemplars: each")
        if by_label and (each or self.pictures is not None):
            what = "row" if each else "picture"
            raise ValueError(f"a given {what} has its label, so leave out {by_label[0]}")
        if each and self.shots != SHOTS:
            raise ValueError("a given row is shown alone, so leave out shots")
        if len(set(self.carry)) < len(self.carry):
            raise ValueError("carry names a column twice; name each once")
        if not each and (self.carry or self.relation != "seed"):
            wrong = "carry" if self.carry else "relation"
            raise ValueError(f"{wrong} is about given rows; set exemplars: each, or leave it out")
        return self

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """Refuse settings of which one makes another pointless."""
        if self.classes and (self.labels or self.balance):
            raise ValueError("classes say how many of each label; leave out labels and balance")
        if self.services and self.service != Service():
            raise ValueError("services stand in place of service; leave one of them out")
        if self.steps and self.prompt is not None:
            raise ValueError("each of the steps has a prompt of its own; leave out prompt")
        return self
