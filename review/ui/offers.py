"""What a page offers to decide about samples of a round."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pipelines.reviewing import deciding
from pipelines.rounds.context import RoundContext
from review.cli.round_refs import RoundRef
from review.provenance import payload

LABELS: Final = 40
"""Labels up to which a form offers a choice of them."""
LONGEST: Final = 40_000
"""Characters up to which a text is corrected in a form."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a page offers to decide about samples of a round."""

    branch: str
    seen: str
    """The commit that is shown."""
    labels: tuple[str, ...]
    """Labels to choose from; empty where there are none, or too many."""
    labelled: bool
    """Whether samples have a label."""
    texts: tuple[tuple[str, str], ...] = ()
    """Texts of a sample that can be corrected, by column."""


def of_round(ctx: RoundContext, round_ref: RoundRef, row: int | None = None) -> Offer | None:
    """What can be decided about samples of a round; None where params.yaml does not have it.

    Args:
        ctx: the round.
        round_ref: the round as it is shown.
        row: of the sample whose page it is; None: a list of samples.
    """
    if round_ref.key not in ctx.params.rounds:
        return None
    known = deciding.labels(ctx)
    few = () if known is None or len(known) > LABELS else known
    texts = () if row is None else _texts(ctx, round_ref, row)
    labels = tuple(str(label) for label in few)
    return Offer(round_ref.ref, round_ref.commit, labels, known is not None, texts)


def _texts(ctx: RoundContext, round_ref: RoundRef, row: int) -> tuple[tuple[str, str], ...]:
    """The texts of a sample that are short enough for a form, by column."""
    at = round_ref.commit, round_ref.dataset, round_ref.number
    found = payload.rows_at(ctx.lake, *at, [row])
    if found.is_empty():
        return ()
    texts = [(name, found[name][0] or "") for name in deciding.text_columns(found, ctx.round)]
    return tuple((name, text) for name, text in texts if len(text) <= LONGEST)
