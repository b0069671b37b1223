"""Decide about samples of a round: what a reviewer asks for is checked, and kept in the lake."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final

import polars as pl
from pydantic import ValidationError

from lake import refs
from lake.values import Commit
from pipelines.common.errors import ReviewError
from pipelines.common.settings import strictly
from pipelines.params import Round
from pipelines.reviewing import candidates, standing, store
from pipelines.reviewing.choice import Choice
from pipelines.reviewing.record import MOST_ROWS, ReviewRecord
from pipelines.rounds import tables
from pipelines.rounds.context import RoundContext

SHOWN: Final = 20
"""Rows or labels that an error names."""
FEW: Final = 200
"""Distinct labels up to which a new label must be one of them."""


def decide(ctx: RoundContext, seen: str, rows: Sequence[int], choice: Choice) -> Commit:
    """Keep what a reviewer decides about samples of a round.

    Args:
        ctx: the round.
        seen: the commit that the reviewer looked at.
        rows: of the samples; a row that a reviewer made stands for the candidate that it edits.
        choice: the decision.

    Returns:
        The merge that brought it into the lake, the last one where samples that were edited before
        in different ways have a record each.

    Raises:
        ReviewError: the decision cannot be made of these samples.
        NotFoundError: the commit holds no candidates of the round.
        SigningError: there is no key to sign with.
    """
    if not rows:
        raise ReviewError("no sample is selected; name some by row or id, or by a condition")
    held = candidates.opened(ctx.lake, ctx.round, seen)
    numbers = candidates.rows(ctx.lake, ctx.round, seen, rows)
    if len(numbers) > MOST_ROWS:
        raise ReviewError(
            f"{len(numbers):,} samples are selected, and one decision is about {MOST_ROWS:,} at "
            "most; select fewer"
        )
    chosen = tables.collected(
        held.filter(pl.col("row").is_in(numbers.implode())),
        f"the candidates of {ctx.round.key}",
    ).sort("row")
    absent = numbers.filter(~numbers.is_in(chosen["row"].cast(pl.Int64).implode())).to_list()
    if absent:
        named = ", ".join(map(str, absent[:SHOWN]))
        raise ReviewError(f"{ctx.round.key} has no candidate in row {named}")
    _check(ctx, chosen, choice)
    records = [
        _record(ctx.round, seen, chosen.filter(pl.col("row").is_in(edit.rows)), edit.choice)
        for edit in standing.upon(ctx, chosen, choice)
    ]
    *_, last = [store.keep(ctx.lake, record) for record in records]
    return last


def _record(round_: Round, seen: str, chosen: pl.DataFrame, choice: Choice) -> ReviewRecord:
    content = {
        "dataset": round_.dataset,
        "round": round_.number,
        "line": round_.line,
        "action": choice.action,
        "rows": [
            {"row": row, "sample_id": sample.hex()}
            for row, sample in chosen.select("row", "sample_id").iter_rows()
        ],
        "reason": choice.reason.strip(),
        "reviewer": choice.reviewer,
        "created": int(time.time()),
        "seen": seen,
        "where": choice.where or None,
        "label": choice.label,
        "texts": dict(choice.texts),
    }
    try:
        return strictly(ReviewRecord, content)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "the decision"
        why = first["msg"].removeprefix("Value error, ")
        if name == "reason" and not choice.reason.strip():
            raise ReviewError("a reason is needed; say in a sentence why") from error
        raise ReviewError(f"the decision cannot be kept: {name}: {why}") from error


def _check(ctx: RoundContext, chosen: pl.DataFrame, choice: Choice) -> None:
    """Refuse labels and texts that the samples cannot have."""
    answer = ctx.round.settings.modality.answer
    if choice.action == "relabel":
        _check_label(ctx, chosen, answer, choice.label or "")
    texts = text_columns(chosen, ctx.round)
    for name, text in choice.texts.items():
        if name not in texts:
            listed = ", ".join(texts) or "none"
            raise ReviewError(f"{name!r} is no text of these samples; their texts are: {listed}")
        if not text.strip():
            raise ReviewError(f"the new {name} is empty; reject the sample instead")


def text_columns(rows: pl.DataFrame, round_: Round) -> list[str]:
    """The columns with texts that are the content of samples."""
    answer = round_.settings.modality.answer  # which `relabel` changes
    texts = [name for name in round_.identity if rows.schema.get(name) == pl.String]
    return [name for name in texts if name != answer]


def labels(ctx: RoundContext) -> pl.Series | None:
    """The labels of the real rows, sorted; None where they have none."""
    answer = ctx.round.settings.modality.answer
    real = ctx.lake.scan(refs.MAIN, refs.partition(ctx.round.dataset, "samples", 0))
    if answer not in real.collect_schema():
        return None
    what = f"the real rows of {ctx.round.dataset}"
    return tables.collected(real.select(pl.col(answer).unique().sort()), what)[answer].drop_nulls()


def _check_label(ctx: RoundContext, chosen: pl.DataFrame, answer: str, label: str) -> None:
    if answer not in chosen.columns:
        raise ReviewError(f"samples of {ctx.round.dataset} have no label")
    dtype = chosen.schema[answer]
    try:
        value = pl.Series(answer, [label], dtype=pl.String).cast(dtype, strict=True)
    except pl.exceptions.PolarsError as error:
        raise ReviewError(f"the label {label[:60]!r} is no {dtype}") from error
    known = labels(ctx)
    few = known is not None and len(known) <= FEW and not dtype.is_float()
    if few and known is not None and not value.cast(known.dtype).is_in(known.implode()).all():
        listed = ", ".join(known.cast(pl.String).head(SHOWN))
        raise ReviewError(f"the label {label[:60]!r} is none of the real rows; they have: {listed}")
    if (chosen[answer] == value[0]).all():
        raise ReviewError(
            f"the samples have the label {label} already, so nothing is relabelled; to undo what "
            "was decided, withdraw it"
        )
