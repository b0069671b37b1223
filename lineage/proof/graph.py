"""Checks that need the whole graph: absent parents, and rounds that descend from each other.

The segment of a round precedes another one if one of its rows is a parent there, or belongs to a
mix that rows there were trained on. Where segments have no topological order, some walk might never
end; each pair of rounds on such a cycle is a finding that identifies its first row. Rows of these
rounds, and of their descendants, cannot be derived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import polars as pl

from lineage.ancestry.index import Ancestry
from lineage.ancestry.references import RoundId
from lineage.proof.findings import Batch, batch
from lineage.proof.rows import Rows


def orphans(index: Ancestry) -> Iterator[Batch]:
    """Find edges to occurrences that the lake does not hold, by the round of the child."""
    edges = index.orphans()
    named = edges.select(
        pl.col("child").alias("number"),
        pl.format(
            "names row {} of round {} of {} as its {}, which the lake does not hold",
            *(pl.col(name).cast(pl.String).fill_null("none") for name in ("row", "round")),
            pl.col("dataset").fill_null("no data set"),
            pl.col("relation").cast(pl.String).fill_null("parent"),
        ).alias("detail"),
    )
    for segment in index.segments:
        last = segment.base + segment.rows
        here = named.filter(pl.col("number").is_between(segment.base, last, closed="left"))
        findings = index.nodes(here["number"].to_numpy()).with_columns(here["detail"])
        yield batch("parents", segment.edges, findings, segment.dataset, segment.round)


def circles(circular: Sequence[RoundId], read: Callable[[RoundId], Rows]) -> Iterator[Batch]:
    """Find pairs of rounds of two data sets that descend from each other.

    Within a data set the number of a round tells which is earlier; that is checked row by row.

    Args:
        circular: the rounds that cannot be put in order.
        read: gives the lineage of one.
    """
    steps = {round_id: _steps(read(round_id)) for round_id in circular}
    graph = {
        round_id: [to for to in _targets(references) if to in steps]
        for round_id, references in steps.items()
    }
    for round_id, references in steps.items():
        back = [
            to for to in graph[round_id] if to[0] != round_id[0] and round_id in _reached(graph, to)
        ]
        findings = [_circle(references, to) for to in back]
        if findings:
            yield batch("order", 0, pl.concat(findings), *round_id)


def _steps(rows: Rows) -> pl.DataFrame:
    """List the rounds that a round references: dataset, round; row and sample_id of the first."""
    mixes = pl.DataFrame(
        [
            (digest, mix.dataset, part.round)
            for digest, mix in rows.mixes.items()
            for part in mix.rounds
        ],
        schema={"trained_on": pl.String, "dataset": pl.String, "round": pl.Int32},
        orient="row",
    )
    first = rows.frame.group_by("trained_on").agg(pl.col("row").min())
    through = first.join(mixes, on="trained_on").select("row", "dataset", "round")
    late = (pl.col("dataset") == rows.dataset) & (pl.col("round") >= rows.round)
    every = pl.concat([rows.edges.select("row", "dataset", "round"), through]).filter(~late)
    first_rows = every.group_by("dataset", "round").agg(pl.col("row").min())
    ids = rows.frame.select("row", "sample_id").unique("row")
    return first_rows.join(ids, on="row", how="left").sort("dataset", "round")


def _targets(steps: pl.DataFrame) -> Sequence[RoundId]:
    return list(steps.select("dataset", "round").iter_rows())


def _circle(steps: pl.DataFrame, to: RoundId) -> pl.DataFrame:
    dataset, number = to
    here = (pl.col("dataset") == dataset) & (pl.col("round") == number)
    detail = (
        f"is the first to descend from round {number} of {dataset}, which descends from this one"
    )
    return steps.filter(here).select("row", "sample_id", pl.lit(detail).alias("detail"))


def _reached(graph: Mapping[RoundId, Sequence[RoundId]], start: RoundId) -> set[RoundId]:
    """List the rounds that a walk from a round can reach, itself included."""
    seen: set[RoundId] = set()
    left = [start]
    while left:
        round_id = left.pop()
        if round_id not in seen:
            seen.add(round_id)
            left += graph[round_id]
    return seen
