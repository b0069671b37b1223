"""Reviewers' decisions on candidates: they take the place of verdicts, except of final ones.

A reviewer accepts a candidate that the suite rejects, rejects one that it accepts, or makes another
row of it: with another label, or with a corrected text. Such a row follows the candidates of its
round, has the candidate as its `edited` parent, and is judged by the person who made it. What is
final about a candidate, such as a text of the hold-out, no reviewer overrides, neither by accepting
it nor by editing it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import polars as pl

from lineage import schema
from lineage.errors import SchemaError

ACCEPT: Final = "accept"
AGAINST: Final = {
    "reject": "rejected_by_reviewer",
    "relabel": "relabelled_by_reviewer",
    "correct": "corrected_by_reviewer",
}
"""Reason against a candidate that a reviewer rejected, or of which they made another row."""
ACCEPTED: Final = "accepted_by_reviewer"
"""Mark of a candidate that a reviewer accepted, in front of what was overridden."""
ACTIONS: Final = (ACCEPT, *AGAINST)
EDITS: Final = ("relabel", "correct")
"""Actions that make another row of a candidate."""
REVIEWS: Final = pl.Schema({"row": pl.Int64(), "action": pl.String(), "edited_row": pl.Int64()})
"""A decision on a candidate: its row, one of `ACTIONS`, and the row that was made of it."""
REVIEWED: Final = pl.Schema(
    {
        "round": pl.Int32(),
        "row": pl.Int64(),
        "sample_id": pl.Binary(),
        "action": pl.String(),
        "applied": pl.Boolean(),
        "edited_row": pl.Int64(),
        "edited_id": pl.Binary(),
        "former_label": pl.String(),
        "label": pl.String(),
        "columns": pl.List(pl.String()),
        "reviewer": pl.String(),
        "committer": pl.String(),
        "signer": pl.String(),
        "reason": pl.String(),
        "created": pl.Int64(),
        "record": pl.String(),
    }
)
"""What was decided about samples of a round, the oldest first: `applied` is the last decision on a
sample, unless that withdrew it; `columns` are those of which the text was corrected; `record` is
the SHA-256 of the reviewer's record; `created` is in Unix seconds."""
NAMES: Final = pl.List(pl.String)


def apply(judged: pl.DataFrame, reviews: pl.DataFrame, final: Sequence[str]) -> pl.DataFrame:
    """Let reviewers' decisions take the place of verdicts.

    Args:
        judged: row, reasons and warnings of all candidates, edited rows among them.
        reviews: at most one decision on each, as `REVIEWS`.
        final: reasons that no reviewer overrides.

    Returns:
        `judged`, with other reasons, with what was overridden among the warnings, and with
        `place`: the row of the candidate in whose place an edited row is, else the row itself.

    Raises:
        SchemaError: a decision is about no candidate, comes twice, or is none.
    """
    given = schema.conform(reviews, REVIEWS, required=("row", "action"), extra=True)
    schema.unique_key(given, ["row"], "what reviewers decided")
    _check(given, judged["row"])
    made = given.drop_nulls("edited_row").join(
        judged.select("row", pl.col("reasons").alias("of"), pl.col("warnings").alias("by")),
        on="row",
        how="left",
    )
    edited = made.select(
        pl.col("edited_row").alias("row"),
        pl.col("row").alias("edits"),
        pl.col("action").alias("made"),
        "of",
        "by",
    )
    marked = judged.join(
        given.select("row", "action"), on="row", how="left", maintain_order="left"
    ).join(edited, on="row", how="left", maintain_order="left")
    is_edited, accepts = pl.col("made").is_not_null(), pl.col("action") == ACCEPT
    stays = accepts | is_edited
    against = pl.when(is_edited).then("of").otherwise("reasons")
    before = pl.when(is_edited).then("by").otherwise("warnings")
    is_final = pl.element().is_in(list(final))
    lifted = against.list.eval(pl.element().filter(~is_final))
    mark = pl.when(is_edited).then(_word("made")).otherwise(pl.lit([ACCEPTED], NAMES))
    return marked.with_columns(
        pl.when(stays)
        .then(against.list.eval(pl.element().filter(is_final)))
        .when(pl.col("action").is_not_null())
        .then(_word("action").list.concat("reasons"))
        .otherwise("reasons")
        .alias("reasons"),
        pl.when(stays)
        .then(mark.list.concat(lifted).list.concat(before))
        .otherwise("warnings")
        .alias("warnings"),
        pl.coalesce("edits", "row").alias("place"),
    ).drop("action", "made", "edits", "of", "by")


def _word(column: str) -> pl.Expr:
    """The reason that stands for the action in a column, as a list."""
    word = pl.col(column).replace_strict(AGAINST, default="", return_dtype=pl.String)
    return pl.concat_list(word)


def _check(reviews: pl.DataFrame, rows: pl.Series) -> None:
    """Refuse decisions that are none, or are about rows that are no candidates."""
    wrong = reviews.filter(~pl.col("action").is_in(ACTIONS))
    if len(wrong):
        raise SchemaError(
            f"a reviewer's decision on row {wrong['row'][0]} is {wrong['action'][0]!r}; it is one "
            f"of {', '.join(ACTIONS)}"
        )
    named = pl.concat([reviews["row"], reviews["edited_row"].drop_nulls()])
    stray = named.filter(~named.is_in(rows.implode()))
    if len(stray):
        raise SchemaError(f"a reviewer's decision is about row {stray[0]}, which is no candidate")
