"""The rows that were made: answers and carried columns, in the types of the real rows."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import polars as pl

from lineage.identity import sample_ids
from pipelines.common.errors import GeneratorError
from pipelines.generators.text import column_types, recipe
from pipelines.generators.text.candidate_making import Making
from pipelines.generators.text.exemplars import LABEL
from pipelines.generators.text.plan import RoundPlan
from pipelines.llm import prompt_escaping


def fitting(plan: RoundPlan, makings: Sequence[Making]) -> tuple[list[Making], dict[int, str]]:
    """Separate the candidates whose values fit the types of the real rows from the others.

    Returns:
        Those that fit, and why each of the others does not, by its row.
    """
    kinds = _types(plan)
    unfit: dict[int, str] = {}
    for each in makings:
        if each.failed:
            continue
        for name, kind in kinds.items():
            if name not in each.known or name in plan.request.settings.carry:
                continue
            try:
                column_types.stored(each.known[name], kind)
            except ValueError as error:
                unfit[each.planned.row] = f"column {name!r} cannot be stored: {error}"
                break
    fit = [each for each in makings if not each.failed and each.planned.row not in unfit]
    return fit, unfit


def frame(plan: RoundPlan, made: Sequence[Making]) -> pl.DataFrame:
    """Return the rows of candidates, in order.

    Args:
        plan: of the round.
        made: candidates that fit, at least one.

    Returns:
        row, content, label where there is one, seed, shard, prompt_digest, kept columns that were
        made, sample_id.
    """
    request, own = plan.request, [each.planned for each in made]
    labels = [each.label for each in own]
    labelled = [pl.Series(LABEL, labels, dtype=pl.String)] if labels[0] is not None else []
    kinds = _types(plan)
    columns = {name: _column(plan, made, name, kind) for name, kind in kinds.items()}
    rows = pl.DataFrame(
        [
            pl.Series("row", [each.row for each in own], dtype=pl.Int64),
            *(columns[name] for name in request.identity),
            *labelled,
            pl.Series("seed", [each.shard.seed for each in own], dtype=pl.Int64),
            pl.Series("shard", [each.shard.index for each in own], dtype=pl.Int32),
            pl.Series("prompt_digest", [_prompt_digest(each) for each in made], dtype=pl.Binary),
            *(columns[name] for name in columns if name not in request.identity),
        ]
    )
    return rows.with_columns(sample_ids(rows, request.identity).alias("sample_id"))


def _types(plan: RoundPlan) -> dict[str, pl.DataType]:
    """Types of the columns that candidates have: those of real rows, else of the schema."""
    rows = plan.pool.rows.schema
    schemas = column_types.read(plan.request.settings.types, rows)
    besides = recipe.made_besides(plan.request)
    attributes = _attributes(plan)
    names = dict.fromkeys((*plan.request.identity, *besides, *attributes))
    text = {"type": "string"}
    return {
        name: rows[name] if name in rows else column_types.dtype(schemas.get(name, text))
        for name in names
    }


def _attributes(plan: RoundPlan) -> list[str]:
    """Attributes that are kept columns of the data set."""
    cell = plan.candidates[0].cell if plan.candidates else {}
    return [name for name in cell if name in plan.request.kept]


def _column(plan: RoundPlan, made: Sequence[Making], name: str, kind: pl.DataType) -> pl.Series:
    """A column of candidates: carried from given rows, an attribute, or as it was answered."""
    if name in plan.request.settings.carry:
        return plan.pool.rows[name].gather([each.planned.shown[0] for each in made])
    values: list[Any] = [
        each.known[name] if name in each.known else each.planned.cell.get(name) for each in made
    ]
    if kind == pl.String and all(isinstance(value, str) for value in values):
        return pl.Series(name, [prompt_escaping.sound(value) for value in values], dtype=pl.String)
    try:
        cast = [column_types.stored(value, kind) for value in values]
        return pl.Series(name, cast, dtype=kind, strict=True)
    except (TypeError, ValueError, pl.exceptions.PolarsError) as error:
        raise GeneratorError(f"column {name!r} cannot be stored as {kind}: {error}") from error


def _prompt_digest(making: Making) -> bytes:
    """The digest of a candidate's prompt; of several steps, the digest of theirs together."""
    digests = [each.prompt_digest for each in making.questions]
    return digests[0] if len(digests) == 1 else hashlib.sha256(b"".join(digests)).digest()
