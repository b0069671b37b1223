"""Decide about samples of a round: what a reviewer asks for is checked, and kept in the lake."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl
from pydantic import ValidationError

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lake.values import Commit
from pipelines.common.errors import ReviewError
from pipelines.common.settings import strictly
from pipelines.params import Round
from pipelines.reviewing import store
from pipelines.reviewing.record import MOST_ROWS, Action, ReviewRecord
from pipelines.rounds import history, tables
from pipelines.rounds.context import RoundContext

SHOWN: Final = 20
"""Rows or labels that an error names."""
FEW: Final = 200
"""Distinct labels up to which a new label must be one of them."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What a reviewer decides about samples, and why."""

    action: Action
    reason: str
    label: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    reviewer: str | None = None
    """Name of the reviewer; None: the user of the lake."""
    where: str | None = None
    """The condition by which the samples were selected."""


def decide(ctx: RoundContext, seen: str, rows: Sequence[int], choice: Choice) -> Commit:
    """Keep what a reviewer decides about samples of a round.

    Args:
        ctx: the round.
        seen: the commit that the reviewer looked at.
        rows: of the samples; a row that a reviewer made stands for the candidate that it edits.
        choice: the decision.

    Returns:
        The merge that brought it into the lake.

    Raises:
        ReviewError: the decision cannot be made of these samples.
        NotFoundError: the commit holds no candidates of the round.
        SigningError: there is no key to sign with.
    """
    if not rows:
        raise ReviewError("no sample is selected; name some by row or id, or by a condition")
    candidates = open_candidates(ctx.lake, ctx.round, seen)
    numbers = candidate_rows(ctx.lake, ctx.round, seen, rows)
    if len(numbers) > MOST_ROWS:
        raise ReviewError(
            f"{len(numbers):,} samples are selected, and one decision is about {MOST_ROWS:,} at "
            "most; select fewer"
        )
    chosen = tables.collected(
        candidates.filter(pl.col("row").is_in(numbers.implode())),
        f"the candidates of {ctx.round.key}",
    ).sort("row")
    absent = numbers.filter(~numbers.is_in(chosen["row"].cast(pl.Int64).implode())).to_list()
    if absent:
        named = ", ".join(map(str, absent[:SHOWN]))
        raise ReviewError(f"{ctx.round.key} has no candidate in row {named}")
    _check(ctx, chosen, choice)
    return store.keep(ctx.lake, _record(ctx.round, seen, chosen, choice))


def candidate_rows(lake: Lake, round_: Round, seen: str, rows: Sequence[int]) -> pl.Series:
    """The candidates that some rows are, or that a reviewer made them of: each once, ascending."""
    given = pl.Series("row", rows, dtype=pl.Int64)
    prefix = refs.partition(round_.dataset, refs.REVIEWED, round_.number)
    made = tables.optional(lake, seen, prefix, ["edited_row", "row"]).drop_nulls()
    of = dict(made.select(pl.col("edited_row", "row").cast(pl.Int64)).iter_rows())
    return given.replace(of).unique().sort() if of else given.unique().sort()


def open_candidates(lake: Lake, round_: Round, seen: str) -> pl.LazyFrame:
    """Scan the candidates of a round, by a commit that was made of them.

    Raises:
        NotFoundError: the commit holds none.
    """
    generated = history.generated(lake, round_.dataset, round_.number, seen)
    if generated is None:
        raise NotFoundError(f"no commit at {seen[:12]} generated {round_.key}")
    return lake.scan(generated.id, refs.partition(round_.dataset, "candidates", round_.number))


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
    same = [name for name, text in choice.texts.items() if chosen[name][0] == text]
    if choice.texts and len(same) == len(choice.texts):
        raise ReviewError("the texts are what the sample has already; nothing is corrected")


def text_columns(rows: pl.DataFrame, round_: Round) -> list[str]:
    """The columns with texts that are the content of samples."""
    return [name for name in round_.identity if rows.schema.get(name) == pl.String]


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
        raise ReviewError(f"the samples have the label {label} already; nothing is relabelled")
