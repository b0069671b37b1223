"""What a service was asked for a sample and what it answered, for a terminal and for JSON.

Prompts and answers are foreign text, of any length: they are shown through `lake.visible`, within
bounds, and a table of the lake that has other columns than it should is an error in one sentence.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import polars as pl
from rich.text import Text

from lake.client import Lake
from lake.visible import visible
from lineage.audit import Occurrence
from lineage.errors import SchemaError
from lineage.export import asked
from pipelines.generators import exchanges
from pipelines.rounds import tables
from review.cli.output import number

SHOWN: Final = 4_000
"""Characters of a prompt or an answer that are shown; `--json` has all."""
MOST_MESSAGES: Final = 20
"""Messages of a prompt that are shown."""
SHORT: Final = 80
"""Characters of a name, such as that of a model or of a role."""
MOST_BROKEN: Final = 5
"""Broken answers that are shown of one request."""
IDENTITY: Final = tuple(name for name in asked.REQUESTS if name != "row")
"""Columns that say which model was asked, and how."""
Node = tuple[str, int, int]
"""Data set, round and row."""


def of(lake: Lake, commit: str, occurrence: Occurrence) -> list[dict[str, Any]]:
    """Return the requests for an occurrence, in order of steps; none where none are kept.

    Raises:
        SchemaError: the table of the round cannot be read.
    """
    at = {"dataset": occurrence.dataset, "round": occurrence.round, "row": occurrence.row}
    nodes = pl.DataFrame([at], {"dataset": pl.String, "round": pl.Int32, "row": pl.Int64})
    return next(iter(_read(lake, commit, nodes, exchanges.SCHEMA).values()), [])


def named(lake: Lake, commit: str, nodes: pl.DataFrame) -> dict[Node, list[dict[str, Any]]]:
    """Name the requests for some occurrences: step, models, template and seed, without prompts.

    Args:
        lake: the lake.
        commit: the commit.
        nodes: dataset, round, row.

    Returns:
        By data set, round and row the requests in order of steps, as `asked.REQUESTS`; what no
        requests are kept of is left out.

    Raises:
        SchemaError: the table of a round cannot be read.
    """
    found = _read(lake, commit, nodes, asked.REQUESTS)
    return {
        node: [{name: row[name] for name in IDENTITY} for row in rows]
        for node, rows in found.items()
    }


def _read(
    lake: Lake, commit: str, nodes: pl.DataFrame, wanted: pl.Schema
) -> dict[Node, list[dict[str, Any]]]:
    """Read columns of the requests for some occurrences, in order of steps."""
    requests: dict[Node, list[dict[str, Any]]] = {}
    for (dataset, round_), part in nodes.group_by("dataset", "round", maintain_order=True):
        rows = tables.rows_at(lake, commit, part, exchanges.TABLE, wanted.names())
        if rows.is_empty():
            continue
        typed = _typed(rows, wanted, f"exchanges of round {round_} of {dataset}")
        for row in typed.sort("row", "step").iter_rows(named=True):
            node = str(dataset), int(str(round_)), row["row"]
            requests.setdefault(node, []).append(row)
    return requests


def _typed(rows: pl.DataFrame, wanted: pl.Schema, what: str) -> pl.DataFrame:
    """Select and cast columns of exchanges.

    Raises:
        SchemaError: one is missing, or is of another type.
    """
    missing = [name for name in wanted if name not in rows.columns]
    if missing:
        raise SchemaError(f"{what}: there is no column {missing[0]!r}")
    try:
        return rows.select(pl.col(name).cast(kind) for name, kind in wanted.items())
    except pl.exceptions.PolarsError as error:
        raise SchemaError(f"{what} have columns of other types") from error


def draw(rows: list[dict[str, Any]]) -> Iterator[Text]:
    """Yield the requests of a sample as parts of a page for a terminal."""
    if not rows:
        yield Text("no request is kept of it: no service was asked, or an earlier release did")
    for row in rows:
        yield Text(_head(row, len(rows)), style="bold")
        messages = _messages(row["prompt"] or "")
        for role, content in messages[:MOST_MESSAGES]:
            yield from _part(role, content)
        if len(messages) > MOST_MESSAGES:
            yield Text(f"… {len(messages) - MOST_MESSAGES:,} more messages; --json has all")
        if row["answer"] is not None:
            yield from _part("answer", row["answer"])
        if row["failure"] is not None:
            yield Text(f"failed: {visible(row['failure'][:SHOWN])}")
        yield from _broken(row["broken"] or [])


def _head(row: Mapping[str, Any], steps: int) -> str:
    counts = f"{number(row['tokens_in'] or 0)} tokens in, {number(row['tokens_out'] or 0)} out"
    dollars = "" if row["dollars"] is None else f", ${row['dollars']:.6f}"
    tries = f", {row['attempts']} attempts" if (row["attempts"] or 0) > 1 else ""
    ended = f", ended by {row['finish_reason']}" if row["finish_reason"] else ""
    return visible(f"{_who(row, steps)}: {counts}{dollars}{tries}{ended}")


def identity(row: Mapping[str, Any], steps: int) -> str:
    """Say in one line which model was asked for a candidate, and how, in visible characters."""
    return visible(_who(row, steps))


def _who(row: Mapping[str, Any], steps: int) -> str:
    which = f"step {row['step'] + 1} of {steps}, " if steps > 1 and row["step"] is not None else ""
    served = row["served"] or row["model"] or "?"
    named_ = str(row["model"])[:SHORT]
    named_ += f", served as {served[:SHORT]}" if served != row["model"] else ""
    weights = f", weights {row['weights'][:SHORT]}" if row["weights"] else ""
    template = f", template {row['template'][:12]}" if row["template"] else ""
    seed = "" if row["seed"] is None else f", seed {row['seed']}"
    endpoint = f", {row['endpoint'][:SHORT]}" if row["endpoint"] else ""
    return f"{which}{named_}{weights}{endpoint}{template}{seed}"


def _messages(prompt: str) -> list[tuple[str, str]]:
    """The messages of a prompt with their roles; a text is one."""
    try:
        listed = json.loads(prompt)
    except (ValueError, RecursionError):
        listed = None
    if isinstance(listed, list) and listed and all(isinstance(each, dict) for each in listed):
        parts = [(each.get("role"), each.get("content")) for each in listed]
        return [(str(role)[:SHORT], _content(content)) for role, content in parts]
    return [("prompt", prompt)]


def _content(content: object) -> str:
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def _part(name: str, text: str) -> Iterator[Text]:
    """A named text with its lines, indented, and no longer than is shown."""
    yield Text(f"{visible(name)}:", style="dim")
    lines = visible(text[:SHOWN], lines=True).splitlines() or [""]
    yield Text("\n".join(f"  {line}" for line in lines))
    if len(text) > SHOWN:
        yield Text(f"  … {len(text) - SHOWN:,} more characters; --json has all")


def _broken(broken: list[Mapping[str, Any]]) -> Iterator[Text]:
    for each in broken[:MOST_BROKEN]:
        yield from _part(f"broken answer, {str(each['reason'])[:SHOWN]}", each["text"] or "")
    if len(broken) > MOST_BROKEN:
        yield Text(f"… {len(broken) - MOST_BROKEN:,} more broken answers; --json has all")
