"""Finds candidates of both sides whose decision, verdicts or parents differ.

Verdicts and decisions are about occurrences (round, row). Where a round was generated again, an
occurrence has another content, which is no change of a verdict, so the sample ids must be equal.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from lake import refs
from lineage.decision_words import told
from review.diff.sources import Sources

KEY: Final = ("round", "row", "sample_id")
CHANGED: Final = pl.Schema(
    {
        "change": pl.String,
        "round": pl.Int32,
        "row": pl.Int64,
        "sample_id": pl.Binary,
        "before": pl.String,
        "after": pl.String,
    }
)


def decisions(sources: Sources) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Compare decisions.

    Returns:
        Candidates with another decision or other reasons, as `CHANGED`; and all candidates of the
        right side's differing parts: KEY, decision, reasons, new (whether the left side lacks it).
    """
    frames = sources.frames()
    if frames is None:
        return _nothing(), _undecided()
    columns = [*KEY, "decision", "reasons"]
    old, new = (frame.collect() for frame in (frame.select(columns) for frame in frames))
    words = pl.concat_str(
        "decision", pl.lit(": "), pl.col("reasons").list.join(", "), ignore_nulls=True
    ).str.strip_suffix(": ")
    changed = _changed(old, new, words, "decision", list(KEY))
    sentences = _sentences(pl.concat([old, new], how="vertical_relaxed"), words, changed)
    changed = changed.with_columns(pl.col("before", "after").replace_strict(sentences))
    fresh = new.join(old, on=list(KEY), how="anti").select(KEY).with_columns(new=pl.lit(1))
    decided = new.join(fresh, on=list(KEY), how="left")
    return changed, decided.with_columns(pl.col("new").is_not_null())


def _sentences(decided: pl.DataFrame, words: pl.Expr, changed: pl.DataFrame) -> dict[str, str]:
    """Decisions in words for a person, by the words that a change compares."""
    used = pl.concat([changed["before"], changed["after"]]).unique()
    kinds = decided.select(words.alias("words"), "decision", "reasons").unique("words")
    named = kinds.filter(pl.col("words").is_in(used.implode()))
    return {key: told(decision, reasons or ()) for key, decision, reasons in named.iter_rows()}


def verdicts(sources: Sources, ids: Sources) -> pl.DataFrame:
    """Compare verdicts.

    Args:
        sources: the tables of verdicts.
        ids: a table that holds each candidate's sample id, such as lineage.

    Returns:
        `CHANGED`, one row for each candidate and expectation whose verdict differs.
    """
    frames = sources.frames()
    if frames is None:
        return _nothing()
    key = ["round", "row", "expectation"]
    old, new = (
        frame.filter(pl.col("row").is_not_null()).select(*key, "verdict").collect()
        for frame in frames
    )
    words = pl.concat_str("expectation", pl.lit(": "), "verdict")
    changed = _changed(old, new, words, "verdict", key)
    if changed.is_empty():
        return _nothing()
    return _of_same_sample(changed, ids)


def parents(sources: Sources) -> pl.DataFrame:
    """Compare the parents of candidates; differences as `CHANGED`."""
    frames = sources.frames()
    if frames is None:
        return _nothing()
    old, new = (frame.select(*KEY, "parents").collect() for frame in frames)
    edges = pl.col("parents").list.eval(
        pl.format(
            "{}/{}/{} {} {}",
            *(
                pl.element().struct.field(name).cast(pl.String).fill_null("–")
                for name in ("dataset", "round", "row", "relation", "weight")
            ),
        )
    )
    return _changed(old, new, edges.list.join(", ").fill_null("none"), "parents", list(KEY))


def _changed(
    old: pl.DataFrame, new: pl.DataFrame, words: pl.Expr, change: str, key: list[str]
) -> pl.DataFrame:
    """Rows that both sides hold and whose words differ."""
    left = old.select(*key, words.alias("before"))
    right = new.select(*key, words.alias("after"))
    both = right.join(left, on=key, maintain_order="left")
    changed = both.filter(pl.col("before").ne_missing(pl.col("after")))
    named = changed.with_columns(pl.lit(change).alias("change"))
    return named if "sample_id" not in key else named.select(CHANGED.names()).cast(CHANGED)


def _of_same_sample(changed: pl.DataFrame, ids: Sources) -> pl.DataFrame:
    """Add sample ids, and drop occurrences whose content differs between the sides."""
    rounds = set(changed["round"].unique().to_list())
    held = []
    for side in (ids.left, ids.right):
        of_rounds = side.some(lambda name: refs.round_of(name) in rounds)
        if of_rounds is None:
            return _nothing()
        held.append(of_rounds.select(KEY).collect())
    same = held[1].join(held[0], on=list(KEY), how="semi")
    joined = changed.join(same, on=["round", "row"], maintain_order="left")
    return joined.select(CHANGED.names()).cast(CHANGED)


def _nothing() -> pl.DataFrame:
    return pl.DataFrame(schema=CHANGED)


def _undecided() -> pl.DataFrame:
    kinds = {
        "round": pl.Int32(),
        "row": pl.Int64(),
        "sample_id": pl.Binary(),
        "decision": pl.String(),
        "reasons": pl.List(pl.String),
        "new": pl.Boolean(),
    }
    return pl.DataFrame(schema=kinds)
