"""What a page offers to decide about samples of a round."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pipelines.reviewing import deciding, standing
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
    texts = () if row is None else texts_of(ctx, round_ref, row)
    labels = tuple(str(label) for label in few)
    return Offer(round_ref.ref, round_ref.commit, labels, known is not None, texts)


def texts_of(ctx: RoundContext, round_ref: RoundRef, row: int) -> tuple[tuple[str, str], ...]:
    """The texts of a sample that are short enough for a form, by column, as corrected so far."""
    at = round_ref.commit, round_ref.dataset, round_ref.number
    found = payload.rows_at(ctx.lake, *at, [row])
    if found.is_empty():
        return ()
    if not deciding.text_columns(found, ctx.round):
        return ()
    edit = standing.of_row(ctx, round_ref.commit, row)
    texts = [
        (name, edit.texts.get(name, found[name][0] or ""))
        for name in deciding.text_columns(found, ctx.round)
    ]
    return tuple((name, text) for name, text in texts if len(text) <= LONGEST)


def corrected(held: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """The texts of a form, of which those that nobody edited are as the sample has them.

    They stay among the texts, since an earlier correction may have made them. An empty one is left
    out, as no correction makes it.

    Args:
        held: the texts that the form offered, by column, as the sample has them.
        given: the texts that came back, with line feeds as line breaks.
    """
    same = {name for name, text in given.items() if _as_in_form(held.get(name, "")) == text}
    texts = {name: held.get(name, "") if name in same else text for name, text in given.items()}
    return {name: text for name, text in texts.items() if text.strip() or name not in same}


def _as_in_form(text: str) -> str:
    """A text as a browser's form holds it: every line break is a line feed, and NUL is replaced."""
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
