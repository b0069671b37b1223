"""Candidates that both sides hold and that are decided, judged or descended otherwise.

Verdicts and decisions are about occurrences (round, row). A round that is made again gives an
occurrence other content; that is no change of a verdict, so the sample id must be the same too.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from pipelines.rounds import history
from review.diff.sources import Sources

KEY: Final = ("round", "row", "sample_id")
FOUND: Final = pl.Schema(
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
        Candidates that are decided otherwise or for other reasons, as `FOUND`; and all of the right
        side's parts that differ: KEY, decision, reasons, new (whether the left side lacks it).
    """
    frames = sources.frames()
    if frames is None:
        return _nothing(), _undecided()
    wanted = [*KEY, "decision", "reasons"]
    old, new = (each.collect() for each in (frame.select(wanted) for frame in frames))
    said = pl.concat_str(
        "decision", pl.lit(": "), pl.col("reasons").list.join(", "), ignore_nulls=True
    ).str.strip_suffix(": ")
    changed = _changed(old, new, said, "decision", list(KEY))
    fresh = new.join(old, on=list(KEY), how="anti").select(KEY).with_columns(new=pl.lit(1))
    decided = new.join(fresh, on=list(KEY), how="left")
    return changed, decided.with_columns(pl.col("new").is_not_null())


def verdicts(sources: Sources, ids: Sources) -> pl.DataFrame:
    """Compare verdicts.

    Args:
        sources: the verdicts.
        ids: a table that holds each candidate's sample id, such as lineage.

    Returns:
        `FOUND`, one row for each candidate and expectation that judges it otherwise.
    """
    frames = sources.frames()
    if frames is None:
        return _nothing()
    at = ["round", "row", "expectation"]
    old, new = (
        frame.filter(pl.col("row").is_not_null()).select(*at, "verdict").collect()
        for frame in frames
    )
    said = pl.concat_str("expectation", pl.lit(": "), "verdict")
    both = _changed(old, new, said, "verdict", at)
    if both.is_empty():
        return _nothing()
    return _of_same_sample(both, ids)


def parents(sources: Sources) -> pl.DataFrame:
    """Compare the parents of candidates, as `FOUND`."""
    frames = sources.frames()
    if frames is None:
        return _nothing()
    old, new = (frame.select(*KEY, "parents").collect() for frame in frames)
    each = pl.col("parents").list.eval(
        pl.format(
            "{}/{}/{} {} {}",
            *(
                pl.element().struct.field(name).cast(pl.String).fill_null("–")
                for name in ("dataset", "round", "row", "relation", "weight")
            ),
        )
    )
    return _changed(old, new, each.list.join(", ").fill_null("none"), "parents", list(KEY))


def made(lake: Lake, commit: str, dataset: str, number: int) -> pl.LazyFrame | None:
    """The candidates of a round with their payload, as generated on the way to a commit, if any."""
    generated = history.generated(lake, dataset, number, commit)
    if generated is None:
        return None
    try:
        return lake.scan(generated.id, refs.partition(dataset, "candidates", number))
    except NotFoundError:
        return None


def _changed(
    old: pl.DataFrame, new: pl.DataFrame, said: pl.Expr, change: str, key: list[str]
) -> pl.DataFrame:
    """Rows that both sides hold and of which something else is said."""
    left = old.select(*key, said.alias("before"))
    right = new.select(*key, said.alias("after"))
    both = right.join(left, on=key, maintain_order="left")
    changed = both.filter(pl.col("before").ne_missing(pl.col("after")))
    named = changed.with_columns(pl.lit(change).alias("change"))
    return named if "sample_id" not in key else named.select(FOUND.names()).cast(FOUND)


def _of_same_sample(found: pl.DataFrame, ids: Sources) -> pl.DataFrame:
    """Add sample ids; occurrences whose content differs between the sides are left out."""
    rounds = set(found["round"].unique().to_list())
    held = []
    for side in (ids.left, ids.right):
        of_rounds = side.some(lambda name: refs.round_of(name) in rounds)
        if of_rounds is None:
            return _nothing()
        held.append(of_rounds.select(KEY).collect())
    same = held[1].join(held[0], on=list(KEY), how="semi")
    joined = found.join(same, on=["round", "row"], maintain_order="left")
    return joined.select(FOUND.names()).cast(FOUND)


def _nothing() -> pl.DataFrame:
    return pl.DataFrame(schema=FOUND)


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
