"""Account for every row that a round planned.

What is counted is what the lake holds: decisions for candidates, and for rows of which no candidate
came the manifest, where stage `generate` wrote why (`generators/slots.py`), or the ingest what it
left out. Rounds of earlier releases do not record how many rows they planned; what they record of
failures is told, and nothing is made up for the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import polars as pl

from lake import refs
from lake.client import Lake
from lake.errors import NotFoundError
from lineage import curation, schema
from pipelines.generation.round_making import LOST
from pipelines.generators import slots
from pipelines.inquiry.losses import of_versions, standing, taken
from pipelines.inquiry.losses.endings import (
    ACCEPTED,
    FAILED,
    HELD_OUT,
    NEVER_ASKED,
    PREFIX,
    REJECTED,
    SURPLUS,
    TAKEN_DOWN,
    Ending,
    RoundLosses,
)
from pipelines.inquiry.losses.standing import Standing
from pipelines.rounds import holdout, manifest
from pipelines.rounds.manifest import ARRIVALS

EXAMPLES: Final = 3
SOURCE: Final = {
    "known": "the lake or the hold-out has the row already",
    "repeated": "the row repeats a new one of the source",
    "generated": "a generator made its content in a round",
    "refused": "an earlier round of real data did not accept it",
}
"""Why rows of a source are not taken, by the name under which a manifest counts them."""
LOST_SHARDS: Final = "shards were lost (executor.lost)"
DENIED: Final = "its content was taken down before"
ENOUGH: Final = "enough rows were accepted before (generate.accepted)"


def of_round(lake: Lake, dataset: str, number: int, commit: str) -> RoundLosses:
    """Account for the rows of a round that a commit holds.

    Raises:
        NotFoundError: the commit does not hold the round.
        DataError: its manifest was not written by a stage.
        SchemaError: its decisions cannot be read.
    """
    content = manifest.read(lake, commit, dataset, number)
    stands = standing.of_round(lake, dataset, number, commit, content)
    counts = content.get("counts", {})
    made = counts.get("candidates", 0)
    gone = (
        taken.rows(lake, dataset, number, stands.merge) if stands.merge else taken.ROWS.to_frame()
    )
    if number == 0:
        planned, unmade, judged = made, _some(()), _some(_of_round_0(counts, stands, len(gone)))
    else:
        planned, unmade = _unmade(content)
        try:
            edited = (content.get("curation") or {}).get("edited", 0)
            judged = tuple(_judged(lake, dataset, number, commit, stands, gone, edited))
        except NotFoundError:  # no decisions yet
            judged = _some([_whole(stands, made)])
    before = of_versions.before(lake, dataset, stands.merge) if stands.merge else None
    return RoundLosses(
        dataset=dataset,
        round=number,
        commit=commit,
        state=stands.state,
        planned=planned,
        made=made,
        unmade=unmade,
        judged=(*judged, *_taken(gone)),
        before=before,
        told=stands.told,
    )


def _taken(gone: pl.DataFrame) -> Iterator[Ending]:
    """The endings of rows that were taken down, by take-down."""
    for (name,), rows in gone.group_by("takedown", maintain_order=True):
        ids = rows["sample_id"].head(EXAMPLES).bin.encode("hex").str.head(PREFIX)
        yield Ending(TAKEN_DOWN, len(rows), reason=f"by the take-down {name}", examples=tuple(ids))


def _of_round_0(counts: Mapping[str, int], stands: Standing, gone: int) -> Iterator[Ending]:
    """Real rows of round 0: those for training, without those taken down, and held-out ones."""
    for split in holdout.SPLITS:
        if rows := counts.get(split, 0):
            yield Ending(HELD_OUT, rows, "ingest", split)
    if rows := counts.get("accepted", 0) - gone:
        yield _whole(stands, rows)


def _unmade(content: Mapping[str, Any]) -> tuple[int | None, tuple[Ending, ...]]:
    """How many rows a round planned, and the endings of those that became no candidate."""
    arrived = content.get(ARRIVALS)
    if arrived is not None:
        rows = arrived.get("rows", {})
        left = [
            Ending(REJECTED, rows.get(name, 0), "generate", why) for name, why in SOURCE.items()
        ]
        left.append(Ending(TAKEN_DOWN, rows.get("denied", 0), "generate", DENIED))
        left.append(Ending(HELD_OUT, rows.get("held_out", 0), "generate", "new rows"))
        return rows.get("read"), _some(left)
    section = content.get(slots.SECTION)
    if section is None:
        return None, _some(_of_earlier_release(content.get("generation", {})))
    failed = [
        Ending(FAILED, each["rows"], "generate", each["why"]) for each in section.get("failed", ())
    ]
    lost = Ending(FAILED, section.get("lost", 0), "generate", LOST_SHARDS)
    never = Ending(NEVER_ASKED, section.get("never_asked", 0), "generate", ENOUGH)
    by_shard = (content.get("generation") or {}).get("denied") or {}
    denied = Ending(TAKEN_DOWN, sum(map(len, by_shard.values())), "generate", DENIED)
    return section["planned"], _some([*failed, lost, never, denied])


def _of_earlier_release(facts: Mapping[str, Any]) -> Iterator[Ending]:
    """What an earlier release recorded of rows that became no candidate.

    The facts are what the generator says, which may be one of the user's own.
    """
    filtered, lost = facts.get("filtered"), facts.get(LOST)
    counts = {
        "requests failed": facts.get("failed"),
        "answers could not be stored": facts.get("unfit"),
        "the filter of the pipeline refused the image": len(filtered)
        if isinstance(filtered, list)
        else 0,
        LOST_SHARDS: lost.get("rows") if isinstance(lost, dict) else 0,
    }
    for why, rows in counts.items():
        yield Ending(FAILED, rows if type(rows) is int and rows > 0 else 0, "generate", why)


def _some(found: Iterable[Ending]) -> tuple[Ending, ...]:
    return tuple(each for each in found if each.rows)


def _judged(  # noqa: PLR0917  a round at a commit, and what is known of it as a whole
    lake: Lake,
    dataset: str,
    number: int,
    commit: str,
    stands: Standing,
    gone: pl.DataFrame,
    edited: int,
) -> Iterator[Ending]:
    """The endings of candidates: by decision and first reason, and as the whole round ended.

    Rows that were taken down are left out, and so are those that reviewers made of candidates.

    Raises:
        NotFoundError: nothing is decided yet.
    """
    decisions = lake.scan(commit, refs.partition(dataset, "decisions", number))
    if edited:
        made = lake.scan(commit, refs.partition(dataset, refs.REVIEWED, number))
        rows = made.select(pl.col("edited_row").alias("row")).drop_nulls()
        decisions = decisions.join(rows, on="row", how="anti")
    if len(gone):
        decisions = decisions.join(gone.lazy(), on=["row", "sample_id"], how="anti")
    what = f"the decisions of round {number} of {dataset} at {commit}"
    with schema.readable(what):
        grouped, also = _counted(decisions)
    for decision, reason, rows, ids in grouped.iter_rows():
        examples = tuple(ids)
        if decision == "accepted":
            yield _whole(stands, rows, examples)
        elif decision == curation.SURPLUS:
            yield Ending(SURPLUS, rows, "curate", ENOUGH, None, examples)
        elif reason == curation.TAKEN_DOWN:
            yield Ending(TAKEN_DOWN, rows, "curate", DENIED, None, examples)
        else:
            named = str(reason)
            yield Ending(REJECTED, rows, "curate", named, also.get(named), examples)


def _whole(stands: Standing, rows: int, examples: tuple[str, ...] = ()) -> Ending:
    """The ending of candidates that the round as a whole decides about."""
    shown = () if stands.outcome == ACCEPTED else examples
    return Ending(stands.outcome, rows, stands.stage, stands.reason, None, shown)


def _counted(decisions: pl.LazyFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """Count decisions by their first reason, and how many candidates have each reason at all.

    Returns:
        decision, reason, rows, ids (beginnings of the first); and candidates by reason.
    """
    first = pl.col("reasons").list.first().alias("reason")
    ids = pl.col("sample_id").sort_by("row").head(EXAMPLES).bin.encode("hex").str.head(PREFIX)
    grouped = (
        decisions.group_by("decision", first)
        .agg(pl.len().cast(pl.Int64).alias("rows"), ids.alias("ids"))
        .sort("rows", "reason", descending=[True, False], nulls_last=True)
        .collect(engine="streaming")
    )
    named = decisions.select(pl.col("reasons").explode()).drop_nulls()
    counted = named.group_by("reasons").len().collect(engine="streaming")
    return grouped, dict(counted.iter_rows())
