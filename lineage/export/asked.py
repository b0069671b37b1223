"""The models that made candidates: which was asked, by what names it answered, and for which row.

A round's manifest names them; where services were asked, the table of its requests says which made
which row. Prompts and answers are in that table too, and are not read here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from lineage import schema
from lineage.export import names
from lineage.export.values import Round, sound

REQUESTS: Final = pl.Schema(
    {
        "row": pl.Int64(),
        "step": pl.Int32(),
        "model": pl.String(),
        "served": pl.String(),
        "endpoint": pl.String(),
        "weights": pl.String(),
        "template": pl.String(),
        "seed": pl.Int64(),
    }
)
"""Columns of a request that identify it; `seed` is the request's own."""
NAMED_BY: Final = ("model", "endpoint", "weights")
"""What tells one model from another."""
TOLD: Final = (*NAMED_BY, "licence")
"""What a manifest says of a model."""


@dataclass(frozen=True, slots=True)
class Model:
    """A model that was asked for candidates, or that drew them."""

    model: str
    endpoint: str | None = None
    weights: str | None = None
    licence: str | None = None
    served: Sequence[str] = ()
    """Names under which it answered."""

    @property
    def agent(self) -> str:
        """Its qualified name, the same in every export."""
        return named(self.model, self.endpoint, self.weights)

    def attributes(self) -> dict[str, str | Sequence[str]]:
        """What is known of it, by name; names under which it answered, where there are any."""
        said = {
            "model": self.model,
            "endpoint": self.endpoint,
            "weights": self.weights,
            "licence": self.licence,
        }
        known: dict[str, str | Sequence[str]] = {name: text for name, text in said.items() if text}
        return known | ({"served": self.served} if self.served else {})


def named(model: str | None, endpoint: str | None, weights: str | None) -> str:
    """Name a model as an agent, such as `agent:gpt-4.1-mini/chat`."""
    more = [part for part in (endpoint, weights) if part]
    return names.named("agent", model or "unknown", *more)


def requests(round_: Round) -> pl.LazyFrame | None:
    """Return the requests of the candidates of a round in their order; None: none are kept.

    They have a column `before` besides: how many requests of the same row and step come before.

    Raises:
        SchemaError: a column is missing, or is of another kind.
    """
    if round_.exchanges is None:
        return None
    typed = schema.typed(round_.exchanges(), REQUESTS).drop_nulls("row")
    ordered = typed.with_columns(pl.col("step").fill_null(0)).sort(
        "row", "step", maintain_order=True
    )
    return ordered.with_columns(pl.int_range(pl.len()).over("row", "step").alias("before"))


def models(round_: Round) -> list[Model]:
    """List the models that made a round; none of one that code made, or a network of its own."""
    if round_.simulated:
        return []
    asked = requests(round_)
    known = list(described(round_.mapping("environment")))
    if asked is None:
        return known
    licences = {each.model: each.licence for each in known}
    found = asked.group_by(NAMED_BY).agg(pl.col("served").drop_nulls().unique().sort())
    with schema.readable(f"the requests of {round_.name}"):
        named_ = found.collect(engine="streaming").sort(NAMED_BY)
    return [
        Model(
            sound(row["model"] or "unknown"),
            row["endpoint"],
            row["weights"],
            licences.get(row["model"]),
            tuple(row["served"]),
        )
        for row in named_.iter_rows(named=True)
    ]


def described(environment: object) -> Iterator[Model]:
    """Yield the models that the environment in a manifest names: of several services each."""
    if not isinstance(environment, Mapping):
        return
    services = environment.get("services")
    listed = services if isinstance(services, list) else []
    several = [each for each in listed if isinstance(each, Mapping)]
    names_ = environment.get("served")
    names_ = names_ if isinstance(names_, list) and not several else []
    served = [each for each in names_ if isinstance(each, str)]
    for each in several or [environment]:
        model, endpoint, weights, licence = (_text(each.get(name)) for name in TOLD)
        if model is not None:
            yield Model(model, endpoint, weights, licence, tuple(map(sound, served)))


def _text(value: object) -> str | None:
    return sound(value) if isinstance(value, str) and value else None
