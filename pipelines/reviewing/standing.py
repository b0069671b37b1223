"""Edits that stand on samples, and a further edit upon them.

A record says all that a sample is to be: whoever corrects a sample that was relabelled, or corrects
another of its texts, keeps what stands. So the last decision on a sample counts alone, and drops
nothing that nobody took back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import polars as pl

from lineage.review_decisions import EDITS
from pipelines.common.errors import ReviewError
from pipelines.params import Round
from pipelines.reviewing import candidates, decisions
from pipelines.reviewing.choice import Choice
from pipelines.rounds import tables
from pipelines.rounds.context import RoundContext


@dataclass(frozen=True, slots=True)
class StandingEdit:
    """What reviewers made of a candidate so far."""

    label: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class FurtherEdit:
    """A decision on some samples with what stands on them."""

    rows: Sequence[int]
    choice: Choice


NONE: Final = StandingEdit()


def of_rows(ctx: RoundContext, chosen: pl.DataFrame) -> dict[int, StandingEdit]:
    """The edits that count on some candidates, by row: those of which reviewers made another.

    Args:
        ctx: the round.
        chosen: row and sample_id of the candidates; other columns are ignored.
    """
    keys = chosen.select(pl.col("row").cast(pl.Int64), "sample_id")
    known = decisions.of_round(ctx.lake, ctx.round).about(keys)
    edits = known.applied.filter(pl.col("action").is_in(EDITS))
    return {
        row: StandingEdit(label, known.texts.get(record, {}))
        for row, label, record in edits.select("row", "label", "record").iter_rows()
    }


def of_row(ctx: RoundContext, seen: str, row: int) -> StandingEdit:
    """The edit that counts on the candidate that a row is, or that a reviewer made it of.

    Args:
        ctx: the round.
        seen: a commit that was made of the candidates.
        row: the row.
    """
    numbers = candidates.rows(ctx.lake, ctx.round, seen, [row])
    held = candidates.opened(ctx.lake, ctx.round, seen)
    own = held.filter(pl.col("row").is_in(numbers.implode())).select("row", "sample_id")
    found = of_rows(ctx, tables.collected(own, f"the candidates of {ctx.round.key}"))
    return found.get(int(numbers[0]), NONE)


def upon(ctx: RoundContext, chosen: pl.DataFrame, choice: Choice) -> Iterator[FurtherEdit]:
    """Put a decision upon what stands on the samples that it is about.

    Args:
        ctx: the round.
        chosen: the candidates.
        choice: the decision.

    Yields:
        The decision for all samples of which no text was corrected, and one for each other sample.

    Raises:
        ReviewError: nothing of a sample would be changed.
    """
    rows = chosen["row"].cast(pl.Int64).to_list()
    if choice.action not in EDITS:
        yield FurtherEdit(rows, choice)
        return
    stands = of_rows(ctx, chosen)
    if choice.action == "correct":
        yield FurtherEdit(rows, _corrected(chosen.row(0, named=True), choice, stands, ctx.round))
        return
    alone = [row for row in rows if not stands.get(row, NONE).texts]
    if alone:
        yield FurtherEdit(alone, choice)
    for row in rows:
        texts = stands.get(row, NONE).texts
        if texts:
            yield FurtherEdit([row], replace(choice, texts=texts))


def _corrected(
    candidate: Mapping[str, Any], choice: Choice, stands: Mapping[int, StandingEdit], round_: Round
) -> Choice:
    """A correction with the label and the texts that stand, without texts as they were at first."""
    before = stands.get(int(candidate["row"]), NONE)
    wanted = {**before.texts, **choice.texts}
    texts = {name: text for name, text in wanted.items() if candidate[name] != text}
    if stands and texts == before.texts:
        raise ReviewError("the texts are what the sample has by now; nothing is corrected")
    if texts:
        return replace(choice, texts=texts, label=before.label)
    if before.label is None:
        raise ReviewError(
            "these are the candidate's own texts, so nothing would be corrected; to undo what was "
            f"decided, `stemma round withdraw {round_.key} {candidate['row']}`"
        )
    return replace(choice, action="relabel", texts={}, label=before.label)
