"""Which candidates of a round a decision is about: rows, ids, or a condition over what is known.

A condition is one SQL expression that is true or false of a candidate. It can name the columns of
the candidates (without bytes), their scores, `decision`, `reasons`, `depth` and `sample_id`.
Polars evaluates it, and reads no other table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lineage import audit
from lineage.errors import QueryError
from pipelines.common.errors import ReviewError
from pipelines.params import Round
from pipelines.reviewing.candidates import opened
from pipelines.rounds import tables

SHOWN: Final = 60
"""Characters of a condition or an id that an error quotes."""
LONGEST_ROW: Final = 7
"""Digits of a row; more digits are the beginning of an id."""


def rows(lake: Lake, round_: Round, seen: str, words: Iterable[str]) -> list[int]:
    """Find the rows that are named by their number, or by 8 or more digits of an id.

    Raises:
        ReviewError: a word names no candidate, or an id that several contents begin with.
    """
    given = [word.strip().lower() for word in words]
    numbers = [int(word) for word in given if word.isdecimal() and len(word) <= LONGEST_ROW]
    prefixes = [word for word in given if not (word.isdecimal() and len(word) <= LONGEST_ROW)]
    if not prefixes:
        return numbers
    keys = tables.collected(
        lake.scan(seen, refs.partition(round_.dataset, "lineage", round_.number)).select(
            pl.col("row").cast(pl.Int64), "sample_id"
        ),
        f"the lineage of {round_.key}",
    )
    return [*numbers, *(row for prefix in prefixes for row in _with_id(keys, prefix, round_))]


def _with_id(keys: pl.DataFrame, prefix: str, round_: Round) -> Sequence[int]:
    try:
        found = keys.filter(audit.matching(prefix))
    except QueryError as error:
        raise ReviewError(f"{prefix[:SHOWN]!r} is neither a row nor an id: {error}") from error
    if found.is_empty():
        raise ReviewError(f"{round_.key} has no candidate {prefix[:SHOWN]}")
    if found["sample_id"].n_unique() > 1:
        raise ReviewError(
            f"{prefix[:SHOWN]} begins the ids of {found['sample_id'].n_unique()} candidates of "
            f"{round_.key}; give more digits"
        )
    return found["row"].to_list()


def where(lake: Lake, round_: Round, seen: str, condition: str) -> list[int]:
    """Find the candidates that meet a condition, by row.

    Raises:
        ReviewError: it is no condition, names no known column, or nothing meets it.
    """
    try:
        expression = pl.sql_expr(condition)
    except pl.exceptions.PolarsError as error:
        raise ReviewError(
            f"the condition {condition[:SHOWN]!r} is not one SQL expression: {_first(error)}; give "
            'one such as "label = 3 AND confidence < 0.9"'
        ) from error
    known = _known(lake, round_, seen)
    names = known.collect_schema().names()
    missing = [name for name in expression.meta.root_names() if name not in names]
    if missing:
        raise ReviewError(
            f"candidates of {round_.key} have no {missing[0]!r}; a condition can name: "
            f"{', '.join(names)}"
        )
    try:
        answer = known.select("row", expression.alias("met")).collect()
    except pl.exceptions.PolarsError as error:
        raise ReviewError(
            f"the condition {condition[:SHOWN]!r} cannot be evaluated: {_first(error)}"
        ) from error
    if answer.schema["met"] != pl.Boolean:
        raise ReviewError(
            f"the condition {condition[:SHOWN]!r} is {answer.schema['met']}, and not true or false "
            "of a candidate"
        )
    found = answer.filter("met")["row"].cast(pl.Int64).sort().to_list()
    if not found:
        raise ReviewError(f"no candidate of {round_.key} meets {condition[:SHOWN]!r}")
    return found


def _known(lake: Lake, round_: Round, seen: str) -> pl.LazyFrame:
    """What is known of the candidates of a round, one row each; no column twice."""
    candidates = opened(lake, round_, seen)
    schema = candidates.collect_schema()
    plain = [name for name, dtype in schema.items() if not dtype.is_nested() and dtype != pl.Binary]
    found = candidates.select(*plain, pl.col("sample_id").bin.encode("hex"))
    for table in _others(lake, round_, seen):
        there = found.collect_schema().names()
        columns = [name for name in table.collect_schema().names() if name not in there]
        found = found.join(table.select("row", *columns), on="row", how="left")
    return found


def _others(lake: Lake, round_: Round, seen: str) -> Iterator[pl.LazyFrame]:
    """Tables with a row for each candidate, as far as their stages have run."""
    for table in ("scores", "decisions", "lineage"):
        try:
            rows_of = lake.scan(seen, refs.partition(round_.dataset, table, round_.number))
        except NotFoundError:
            continue
        if table == "decisions":
            rows_of = rows_of.select("row", "decision", pl.col("reasons").list.join(", "))
        if table == "lineage":
            rows_of = rows_of.select("row", pl.col("depth_max").alias("depth"))
        yield rows_of


def _first(error: Exception) -> str:
    return (str(error).splitlines() or ["no reason given"])[0]
