"""Make the tables of a round again from what the lake holds, and compare them with those of a ref.

Tables that were changed consistently contradict nothing: weights with the columns derived from
them, decisions with their verdicts. But the commits of the stages still hold what they were made
from. Lineage and scores are compared with these commits; verdicts follow from candidates, scores
and the suite, and decisions from verdicts. Nothing is scored again, since that needs models and
services.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import polars as pl

from expectations.errors import ExpectationsError
from lake import refs
from lake.client import Lake
from lake.errors import CorruptError, NotFoundError, TooLargeError
from lake.values import Commit
from lineage import curation, payload, schema
from lineage.errors import LineageError
from lineage.proof import again
from lineage.proof.again import Comparison
from lineage.proof.findings import Batch, about_round, batch, unprovable
from lineage.proof.rows import PARENTS, collect, columns
from lineage.proof.tables import Tables
from pipelines.common.errors import (
    DataError,
    FormatError,
    LibraryError,
    ParamsError,
    PipelineError,
)
from pipelines.inquiry import reviews_again, verdicts_again
from pipelines.inquiry.stage_commits import STARTING, Finder
from pipelines.rounds import manifest, purges, tables
from pipelines.rounds.metadata import StageMetadata

DAMAGED: Final = (
    NotFoundError,
    TooLargeError,
    CorruptError,
    LineageError,
    ExpectationsError,
    PipelineError,
)
"""Errors of a round that no stage left like this."""
SHORT: Final = 12
FIRST_CURATE: Final = "curate/1"
"""The version of the stage `curate` whose decisions state no digest of columns."""
LINEAGE: Final = pl.Schema({**schema.LINEAGE, "kind": pl.String(), "parents": PARENTS})


@dataclass(frozen=True, slots=True, eq=False)
class RoundAtRef:
    """A round as a ref holds it, and the commits of the stages that made it."""

    lake: Lake
    ref: str
    tables: Tables
    commits: Mapping[str, Commit]
    """The newest commit of each stage, by stage."""

    @property
    def id(self) -> tuple[str, int]:
        """Data set and number."""
        return self.tables.dataset, self.tables.round

    def made(self, stage: str, table: str) -> pl.LazyFrame:
        """Scan a table of the round at the commit of a stage."""
        return self.lake.scan(self.commits[stage].id, refs.partition(*self._part(table)))

    def unchanged(self, stage: str, table: str) -> bool:
        """Tell whether the ref holds a table exactly as the commit of a stage does."""
        prefix = refs.partition(*self._part(table))
        here, there = (
            {item.path: item.checksum for item in self.lake.objects(ref, prefix)}
            for ref in (self.ref, self.commits[stage].id)
        )
        return here == there

    def lacking(self, stage: str, table: str) -> pl.DataFrame:
        """The rows of a table that were purged since the commit of a stage (`purges.LACKING`)."""
        prefix = refs.partition(*self._part(table))
        return purges.lacking_at(self.lake, self.commits[stage].id, prefix)

    def findings(self, check: str, checked: int, found: pl.DataFrame) -> Batch:
        """Make a batch of rows that differ: row, detail."""
        source = self.tables.source
        if source is not None and not found.is_empty():
            key = pl.Schema({name: schema.LINEAGE[name] for name in ("row", "sample_id")})
            held = columns(source.lineage(), key, f"the lineage of {self.tables.what}")
            ids = collect(held).unique("row", keep="first")
            found = found.join(ids, on="row", how="left", maintain_order="left")
        return batch(check, checked, found, *self.id)

    @property
    def reviewed(self) -> pl.DataFrame:
        """What reviewers decided."""
        return reviews_again.read(self.tables.reviewed, f"the reviews of {self.tables.what}")

    def _part(self, table: str) -> tuple[str, str, int]:
        return self.tables.dataset, table, self.tables.round


Step: TypeAlias = Callable[[RoundAtRef], Iterator[Batch]]


def prove(lake: Lake, ref: str, rounds: Iterable[Tables]) -> Iterator[Batch]:
    """Make the tables of rounds again, and compare them with those that a commit holds.

    Args:
        lake: the lake.
        ref: id of the commit.
        rounds: the rounds that it holds.

    Yields:
        What was found, by round and check.
    """
    finder = Finder(lake, ref)
    for held in rounds:
        round_id = held.dataset, held.round
        try:
            commits = finder.find(*round_id)
        except FormatError:
            raise
        except PipelineError as error:
            yield about_round("generated", f"has a history that cannot be read: {error}", *round_id)
            continue
        yield from _round(RoundAtRef(lake, ref, held, commits))


def _round(held: RoundAtRef) -> Iterator[Batch]:
    if not set(STARTING) & held.commits.keys():
        yield about_round("generated", "was made by no stage in the history of this ref", *held.id)
        return
    for check, step in STEPS.items():
        try:
            yield from step(held)
        except FormatError:
            raise
        except DAMAGED as error:
            yield about_round(check, f"cannot be made again: {error}", *held.id)


def _generated(held: RoundAtRef) -> Iterator[Batch]:
    """Compare lineage with that of the commit that generated or ingested the round."""
    if held.tables.source is None:
        return
    stage = next(stage for stage in STARTING if stage in held.commits)
    what = f"the lineage of {held.tables.what}"
    if held.unchanged(stage, "lineage"):
        rows = collect(held.tables.source.lineage().select(pl.len())).item()
        yield held.findings("generated", rows, _none())
        return
    here, there = (
        collect(again.typed(table, LINEAGE, what))
        for table in (held.tables.source.lineage(), held.made(stage, "lineage"))
    )
    there = reviews_again.lineage(held.reviewed, there, of=held.id)
    by = Comparison(f"the {stage} commit {held.commits[stage].id[:SHORT]}")
    yield held.findings("generated", len(here), again.differences(here, there, by))


def _scores(held: RoundAtRef) -> Iterator[Batch]:
    """Compare scores with those of the commit that verified the round."""
    if not _is_verified(held):
        return
    made = collect(held.made("verify", "scores"))
    found = _none()
    if not held.unchanged("verify", "scores"):
        part = refs.partition(held.tables.dataset, "scores", held.tables.round)
        here = collect(
            columns(
                held.lake.scan(held.ref, part), made.schema, f"the scores of {held.tables.what}"
            )
        )
        by = Comparison(f"the verify commit {held.commits['verify'].id[:SHORT]}")
        found = again.differences(here, made, by)
    yield held.findings("scores", len(made), found)


def _suite(held: RoundAtRef) -> Iterator[Batch]:
    """Compare verdicts with those that the suite gives again."""
    if not _is_verified(held):
        return
    held_verdicts = _verdicts(held)
    purged = _judged_purged(held)
    if purged is not None:
        yield unprovable("suite", len(held_verdicts), purged, *held.id)
        return
    try:
        made = verdicts_again.judge(held.lake, held.commits["verify"], *held.id)
    except (ParamsError, LibraryError) as error:  # a plug-in or a library is not here
        made = str(error)
    if isinstance(made, str):
        yield unprovable("suite", len(held_verdicts), made, *held.id)
        return
    if not held.unchanged("verify", "suite"):
        commit = held.commits["verify"].id[:SHORT]
        detail = (
            f"has another suite than the verify commit {commit}, which its verdicts follow from"
        )
        yield about_round("suite", detail, *held.id)
    by = Comparison("the suite", key=("row", "expectation"), close=("observed",))
    found = again.differences(_without_reasons(held_verdicts), _without_reasons(made), by)
    yield held.findings("suite", len(held_verdicts), found)


def _decided(held: RoundAtRef) -> Iterator[Batch]:
    """Compare decisions with those that follow from the verdicts."""
    decisions = held.tables.decisions
    if held.tables.round == 0 or decisions is None:
        return
    if not {"verify", "curate"} <= held.commits.keys():
        detail = "has decisions that no stage in the history of this ref made"
        yield about_round("decided", detail, *held.id)
        return
    here = collect(again.typed(decisions, schema.DECISIONS, f"the decisions of {held.tables.what}"))
    reviewed = held.reviewed
    made = curation.decide(
        _with_edited(_candidates(held), reviewed, here),
        _verdicts(held),
        _earlier(held),
        dataset=held.tables.dataset,
        reviews=reviewed.filter("applied"),
        **_bound(held),
    )
    found = again.differences(here, made, Comparison("the verdicts"))
    yield held.findings("decided", len(here), found)


def _reviewed(held: RoundAtRef) -> Iterator[Batch]:
    """Compare what reviewers decided with their signed records."""
    if held.tables.reviewed is None:
        return
    reviewed = held.reviewed
    metadata = StageMetadata.from_commit(held.commits["curate"])
    line = refs.MAIN if metadata is None else metadata.line
    branch = refs.branch_name(*held.id, line)
    found = [
        *reviews_again.unfounded(held.lake, branch, reviewed),
        *_edited(held, reviewed, reviews_again.of_table(held.lake, branch, reviewed).texts),
    ]
    yield held.findings("reviewed", len(reviewed), pl.DataFrame(found, schema=_none().schema))


def _edited(
    held: RoundAtRef, reviewed: pl.DataFrame, texts: reviews_again.Texts
) -> Iterator[Mapping[str, Any]]:
    """Find edited samples that hold something else than their records and candidates give."""
    edits = reviewed.drop_nulls("edited_row")
    if edits.is_empty() or held.tables.samples is None:
        return
    rows = pl.col("row").cast(pl.Int64)
    samples = collect(held.tables.samples.filter(rows.is_in(edits["edited_row"].implode())))
    of = held.made("verify", "candidates").filter(rows.is_in(edits["row"].implode()))
    yield from reviews_again.made_otherwise(samples, collect(of), reviewed, texts)


def _with_edited(
    candidates: pl.DataFrame, reviewed: pl.DataFrame, decided: pl.DataFrame
) -> pl.DataFrame:
    """The candidates, and the rows that reviewers made of some, whose digests decisions state."""
    keys = reviews_again.edited_keys(reviewed).select("row", "sample_id")
    stated = decided.select("round", "row", payload.COLUMN)
    edited = keys.join(stated, on="row", how="left").select(
        "round", "row", "sample_id", payload.COLUMN
    )
    if payload.COLUMN not in candidates.columns:
        edited = edited.drop(payload.COLUMN)
    return pl.concat([candidates, edited.cast(candidates.schema)])


def _judged_purged(held: RoundAtRef) -> str | None:
    """Why verdicts cannot be given again, where rows were purged that they were given on."""
    purged = held.lacking("verify", "candidates")
    if purged.is_empty():
        prefix = refs.table(held.tables.dataset, "samples")
        purged = purges.lacking_at(held.lake, held.commits["verify"].id, prefix)
    if purged.is_empty():
        return None
    names = ", ".join(purged["takedown"].unique().sort())
    return f"{len(purged):,} rows that they were given on were purged by the take-down {names}"


def _is_verified(held: RoundAtRef) -> bool:
    """Whether the history has verdicts on the round.

    Raises:
        DataError: the ref holds verdicts, and no stage of the history gave them.
    """
    if "verify" in held.commits and held.tables.round:
        return True
    if held.tables.verdicts is not None:
        raise DataError("no stage in the history of this ref gave the verdicts")
    return False


def _verdicts(held: RoundAtRef) -> pl.DataFrame:
    """The verdicts that the ref holds; none if it has no such table."""
    verdicts = held.tables.verdicts
    if verdicts is None:
        return schema.VERDICTS.to_frame()
    return collect(columns(verdicts, schema.VERDICTS, f"the verdicts of {held.tables.what}"))


def _candidates(held: RoundAtRef) -> pl.DataFrame:
    """The candidates that were decided on: round, row, sample_id, columns_digest."""
    candidates = held.made("verify", "candidates")
    keys = collect(columns(candidates, schema.SAMPLE_KEY, f"the candidates of {held.tables.what}"))
    purged = held.lacking("verify", "candidates")
    gone = purged.select(schema.SAMPLE_KEY.names()).cast(schema.SAMPLE_KEY)
    metadata = StageMetadata.from_commit(held.commits["curate"])
    made_by = metadata.key.versions if metadata is not None and metadata.key is not None else {}
    if made_by.get("curate", FIRST_CURATE) == FIRST_CURATE:
        return pl.concat([keys, gone]).sort("row")
    digests = [
        payload.columns_digests(block, held.tables.identity)
        for block in payload.blocks(candidates, f"the candidates of {held.tables.what}")
    ]
    whole = keys.with_columns(pl.concat(digests)) if digests else keys
    if purged.is_empty():
        return whole
    gone = purged.select(*schema.SAMPLE_KEY, payload.COLUMN).cast(whole.schema)
    return pl.concat([whole, gone]).sort("row")


def _earlier(held: RoundAtRef) -> pl.DataFrame:
    """The samples that were accepted before: dataset, round, row, sample_id."""
    dataset = held.tables.dataset
    samples = tables.read(held.lake, held.commits["verify"].id, dataset, "samples")
    what = f"the samples before {held.tables.what}"
    keys = collect(columns(samples, schema.SAMPLE_KEY, what))
    prefix = refs.table(dataset, "samples")
    purged = purges.lacking_at(held.lake, held.commits["verify"].id, prefix)
    gone = purged.select(schema.SAMPLE_KEY.names()).cast(schema.SAMPLE_KEY)
    return pl.concat([keys, gone]).with_columns(dataset=pl.lit(dataset))


def _bound(held: RoundAtRef) -> dict[str, Any]:
    """The limit that was decided by, and the rows that were taken down.

    Rounds of earlier releases keep the limit in their settings.
    """
    recorded = manifest.read(held.lake, held.commits["curate"].id, *held.id)
    section = recorded.get("curation")
    if section is None:
        section = recorded.get("settings", {}).get("curate", {})
    known = section if isinstance(section, Mapping) else {}
    limit = known.get("max_accepted")
    denied = known.get("denied", [])
    rows = [row for row in denied if isinstance(row, int)] if isinstance(denied, list) else []
    final = known.get("final", [])
    return {
        "final": [str(name) for name in final] if isinstance(final, list) else [],
        "max_accepted": limit if isinstance(limit, int) else None,
        "surplus": known.get("surplus") is True,
        "denied": pl.Series("row", rows, dtype=pl.Int64),
    }


def _without_reasons(verdicts: pl.DataFrame) -> pl.DataFrame:
    """Drop the details of what could not be judged; they quote errors of other libraries."""
    known = pl.col("verdict") != "unknown"
    return verdicts.with_columns(pl.when(known).then("detail").alias("detail"))


def _none() -> pl.DataFrame:
    return pl.DataFrame(schema={"row": pl.Int64, "detail": pl.String})


STEPS: Final[Mapping[str, Step]] = {
    "generated": _generated,
    "scores": _scores,
    "suite": _suite,
    "reviewed": _reviewed,
    "decided": _decided,
}
"""What is made again, by check."""
